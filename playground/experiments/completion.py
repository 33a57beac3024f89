"""One picture, a part of it unknown: every family fills it in as it can.  Known pixels are never changed.

This file says who can and how; each way stands in the folder of its family: in reading order (``autoregressive/filling.py``), back
from noise (``diffusion/repaint.py``), by chains (``energy/clamped.py``), uphill in the density (``flow/filling.py``), code by code or layer by
layer (``vae/filling.py``), and by a search among latents (``latent_search.py``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from playground import data
from playground.capabilities import (
    Completes,
    Decodes,
    Denoises,
    DenoisesPrompts,
    DrawsBelow,
    DrawsInGroups,
    FillsMaskedCells,
    Invertible,
    JumpsToData,
    Tokenizes,
    Translates,
    Upscales,
)
from playground.contract import Frame, Model
from playground.experiments import latent_search
from playground.experiments.autoregressive import filling as in_order
from playground.experiments.completion_request import FillRequest
from playground.experiments.diffusion import repaint
from playground.experiments.energy import clamped
from playground.experiments.flow import filling as uphill
from playground.experiments.vae import filling as by_codes
from playground.models.directions import DrawsDirections
from playground.models.energy.chains import Chain

# (model, picture uint8 (1,H,W,C), unknown bool (H,W), request) -> frames of B pictures
Way = Callable[[Any, np.ndarray, np.ndarray, FillRequest], Iterator[Frame]]
# who fills how, and what that means: the first that a model is capable of
_WAYS: tuple[tuple[Any, Way, str], ...] = (
    (
        FillsMaskedCells,
        in_order.cells_in_any_order,
        "Guesses all unknown cells at once, keeps those it is surest of, and guesses again: it sees the whole picture.",
    ),
    (
        DrawsInGroups,
        in_order.pixels_in_order,
        "Draws from coarse to fine: a pixel sees what is known on all sides, as far as its turn has come.",
    ),
    (
        Completes,
        in_order.pixels_in_order,
        "Draws in reading order: a pixel sees what is above it and to its left, and nothing of what is known below.",
    ),
    (
        JumpsToData,
        repaint.by_jumps,
        "Jumps from noise to a picture, puts the known pixels back, adds less noise, and jumps again.",
    ),
    (
        Denoises,
        repaint.repaint,
        "Denoises while the known pixels are put back at every step, going to and fro so that the parts agree (RePaint).",
    ),
    (
        DenoisesPrompts | DrawsDirections,
        repaint.repaint,
        "Denoises a latent while the known pixels are put back at every step, to and fro (RePaint).",
    ),
    (Chain, clamped.clamped, "A chain wanders to where the energy is low while the known pixels are held."),
    (
        Invertible,
        uphill.uphill,
        "Walks the unknown pixels uphill in the density it knows exactly, with a little noise.",
    ),
    (
        Decodes,
        latent_search.search,
        "Looks for latents whose pictures agree with the known part, from several starts; only their filling is shown.",
    ),
    (
        Tokenizes,
        by_codes.by_codes,
        "Keeps the codes of what is known and makes the others: by its prior where it has one, else by encoding its own answer again.",
    ),
    (
        DrawsBelow,
        by_codes.layer_by_layer,
        "Encodes its own answer again and again: keeps the upper layers of the code, more of them each time, and draws the others.",
    ),
)


def way_of(model: Model) -> tuple[Way, str]:
    """How a model fills in, and in a sentence what that means.

    Raises:
        ValueError: one sentence, if it cannot.
    """
    name = model.card.id
    modality = data.modality(model.card.dataset)
    if not modality.has_pixels:
        raise ValueError(f"{name} {modality.makes}: it has no picture to complete.")
    if isinstance(model, Translates | Upscales):
        raise ValueError(f"{name} makes pictures of whole pictures: it cannot fill in a part of one.")
    for capability, way, said in _WAYS:
        if isinstance(model, capability):
            return way, said
    raise ValueError(f"{name} has no way to fill in a part of a picture.")


@torch.no_grad()
def fill(model: Model, picture: np.ndarray, unknown: np.ndarray, request: FillRequest) -> Iterator[Frame]:
    """Fillings of one picture, a frame per step: ``images`` uint8 (B,H,W,C), known pixels as they are in ``picture``.

    Args:
        picture: uint8 (1,H,W,C); what it holds where it is unknown is not looked at.
        unknown: bool (H,W).

    Raises:
        ValueError: one sentence, if the model cannot, or the mask does not fit or leaves nothing unknown.
    """
    way, _ = way_of(model)
    if unknown.shape != picture.shape[1:3]:
        raise ValueError(f"A mask of {unknown.shape} does not fit a picture of {picture.shape[1:3]}.")
    if not unknown.any():
        raise ValueError("The mask leaves nothing unknown: paint white what is to be filled in.")
    where = unknown[None, :, :, None]
    given = np.where(where, blank(picture, unknown), picture)  # the truth is kept from everybody
    for frame in way(model, given, unknown, request):
        yield dataclasses.replace(frame, images=np.where(where, frame.images, picture))


def blank(picture: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """The mean colour of what is known, uint8 (1,1,1,C); middle grey if nothing is."""
    known = picture[0][~unknown]
    mean = known.mean(0) if len(known) else np.full(picture.shape[-1], 127.5)
    return np.rint(mean).astype(np.uint8)[None, None, None]
