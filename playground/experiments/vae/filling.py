"""A part of a picture filled in by models of codes: the codes of known cells are kept, and the others are made.

Where there is a prior that draws code after code, it draws those that are missing.  Without one the model is asked what it makes of
its own answer, again and again (Rezende, Mohamed and Wierstra 2014, arXiv:1401.4082, appendix F): what is encoded is the known part with
the last answer beside it.  A code in layers is kept from the top down, a little farther in every round, and drawn anew below: what is
large agrees first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.capabilities import BuildsOn, ClassConditional, DrawsBelow, Tokenizes
from playground.contract import EACH_CLASS, Frame, Model, make_request, settings_of
from playground.experiments.latent_search import other_pictures
from playground.models.blocks import to_uint8

_ROUNDS = 12
_DRAWS = 24  # test pictures for each filling, of which the most alike is its beginning


def by_codes(model: Tokenizes, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Iterator[Frame]:
    """By the prior of the codes where the model has one, else by encoding its own answers."""
    drawn = _by_prior if isinstance(model, BuildsOn) else _again_and_again
    yield from drawn(model, picture, unknown, request)


def _by_prior(model: Tokenizes, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Iterator[Frame]:
    """Cell after cell in reading order; a cell is known where all its pixels are.

    An encoder sees beyond a cell, so that something has to stand where the picture is unknown: parts of pictures that are like it.
    """
    codes = model.encode_codes(_pixels(_beginnings(model, picture, unknown, request), model))
    rows, columns = model.code_shape[:2]
    lost = np.asarray(unknown.reshape(rows, unknown.shape[0] // rows, columns, -1).any((1, 3)))
    state = {
        "codes": codes.cpu().numpy(),
        "known": 0,
        "step": 0,
        "given": ~lost,
    }
    names = settings_of(model.Request())
    asked: dict[str, Any] = {"seed": request.seed, "num_samples": request.num_samples, "prompt": ""}
    asked["label"] = _likely_class(model, codes, lost)
    own = make_request(model.Request, {k: v for k, v in asked.items() if k in names})
    yield from model.sample(own, state)


def _likely_class(model: Model, codes: Tensor, lost: np.ndarray) -> int:
    """The class under which the codes before the first unknown one are likeliest; each in turn where there are none, or no classes."""
    read = int(np.logical_and.accumulate(~lost.ravel()).sum())
    if not read or not isinstance(model, ClassConditional):
        return EACH_CLASS
    network: Any = model
    every = torch.arange(model.num_classes, device=codes.device)
    found = torch.zeros(len(every), device=codes.device)
    for one in codes.split(1):  # of every filling: they were encoded beside different parts
        log_probs = network(one.expand(len(every), *one.shape[1:]), every)[
            :, :read
        ]  # (classes, cells, levels, codes)
        own = one.flatten(1, 2)[:, :read, :, None].expand(len(every), -1, -1, -1)
        found += log_probs.gather(-1, own).sum((1, 2, 3))
    return int(found.argmax())


def _again_and_again(
    model: Tokenizes, picture: np.ndarray, unknown: np.ndarray, request: Any
) -> Iterator[Frame]:
    """Encode and decode, from beginnings in which the unknown part is that of other pictures, a frame per round."""
    images = _beginnings(model, picture, unknown, request)
    rounds = max(2, round(request.effort * _ROUNDS))
    for step in range(1, rounds + 1):
        decoded = to_uint8(model.decode_codes(model.encode_codes(_pixels(images, model))))
        images = np.where(unknown[None, :, :, None], decoded, picture)
        yield Frame(step, rounds, 2 * step, images)


def layer_by_layer(
    model: DrawsBelow, picture: np.ndarray, unknown: np.ndarray, request: Any
) -> Iterator[Frame]:
    """Encode, keep the upper layers of the code and draw the others, a frame per round; in the last all but one are kept."""
    images = _beginnings(model, picture, unknown, request)
    own = make_request(model.Request, {"seed": request.seed, "num_samples": request.num_samples})
    layers = len(model.code_sizes)
    rounds = max(2, round(request.effort * _ROUNDS))
    for step in range(1, rounds + 1):
        keep = round((layers - 1) * step / rounds)
        decoded = model.draw_below(model.codes_of(_pixels(images, model))[:keep], own)
        images = np.where(unknown[None, :, :, None], decoded, picture)
        yield Frame(step, rounds, 2 * layers * step, images)


def _beginnings(model: Model, picture: np.ndarray, unknown: np.ndarray, request: Any) -> np.ndarray:
    """The picture with the unknown part of test pictures that agree with what is known, uint8 (B,H,W,C)."""
    found = other_pictures(model.card.dataset, picture, unknown, request.seed, request.num_samples, _DRAWS)
    return np.where(unknown[None, :, :, None], found[:, 0], picture)


def _pixels(images: np.ndarray, model: Model) -> Tensor:
    device = next(model.parameters()).device
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device)
