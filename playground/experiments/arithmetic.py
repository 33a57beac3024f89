"""Arithmetic with latents: A - B + C, and the direction from the mean of one class to that of another.

Radford, Metz and Chintala 2015 (arXiv:1511.06434, section 6.3.2) for a GAN; Kingma and Dhariwal 2018 (section 6, "semantic
manipulation") for a flow.  What the sum means is decoded, whether it means anything or not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.capabilities import HasStyles, Reconstructs
from playground.contract import Frame, Model
from playground.experiments import latent_search
from playground.experiments.arithmetic_request import ArithmeticRequest
from playground.models import noise
from playground.models.blocks import to_uint8

_OF_A_CLASS = 100  # pictures (or draws) whose mean latent stands for a class


def said(model: Model) -> str:
    """What a model adds up, in a sentence.

    Raises:
        ValueError: one sentence, if it has nothing to add up.
    """
    if isinstance(model, HasStyles):
        return f"Adds up styles w of {model.latent_shape[0]} numbers, which a search finds for each picture."
    if isinstance(model, Reconstructs):
        return f"Adds up latents of {int(np.prod(model.latent_shape))} numbers, which its encoder gives."
    raise ValueError(f"{model.card.id} has no latents of numbers to add up.")


@torch.no_grad()
def compute(model: Model, pictures: np.ndarray, request: ArithmeticRequest) -> Iterator[Frame]:
    """A, B, C uint8 (3,H,W,C) -> ``images`` uint8 (4,H,W,C): what their latents decode to, and what the sum does.

    A search for latents brings a frame per step.  The last frame's ``latent`` is the sum, (1, *latent_shape).
    """
    said(model)
    found = []
    for moment in latents(model, pictures, request):
        found.append(moment)
        if moment.step < moment.total:
            yield moment
    z = torch.from_numpy(found[-1].extras["latent"]).to(_device(model))  # (3, *latent)
    total = z[:1] + request.weight * (z[2:] - z[1:2])
    if request.amount:
        total = total + request.amount * class_direction(model, request.from_class, request.to_class)
    decoded: Any = model
    images = to_uint8(decoded.decode(torch.cat([z, total])))
    last = found[-1]
    yield dataclasses.replace(
        last, passes=last.passes + 4, images=images, extras={"latent": total.cpu().numpy().copy()}
    )


def latents(model: Model, pictures: np.ndarray, request: ArithmeticRequest) -> Iterator[Frame]:
    """The latents of N pictures: the last frame's ``latent`` is float32 (N, *latent_shape)."""
    if not isinstance(model, HasStyles):
        assert isinstance(model, Reconstructs), "said() lets no other in"
        mu, _ = model.encode(_pixels(pictures, model))
        yield Frame(1, 1, len(pictures), pictures, {"latent": mu.cpu().numpy()})
        return
    found: list[np.ndarray] = []
    shown = np.zeros((len(pictures) + 1, *pictures.shape[1:]), np.uint8)
    unknown = np.zeros(pictures.shape[1:3], bool)
    for i, picture in enumerate(pictures):
        for frame in latent_search.search(model, picture[None], unknown, request):
            shown = shown.copy()
            shown[i] = frame.images[0]
            steps, passes = i * frame.total + frame.step, i * 2 * frame.total + frame.passes
            far = {"latent": np.concatenate([*found, frame.extras["latent"]])}
            yield Frame(steps, len(pictures) * frame.total, passes, shown, far)
        found.append(frame.extras["latent"])


def class_direction(model: Model, from_class: int, to_class: int) -> Tensor:
    """From the mean latent of one class to that of another, (1, *latent_shape)."""
    return _mean(model, to_class) - _mean(model, from_class)


def _mean(model: Model, label: int) -> Tensor:
    """Of draws where styles are drawn by class, else of encoded test pictures; (1, *latent_shape)."""
    if isinstance(model, HasStyles):
        z = noise.normal(0, range(_OF_A_CLASS), "class mean", model.prior_shape)
        labels = torch.full((_OF_A_CLASS,), label, device=_device(model))
        return model.w_of(torch.from_numpy(z).to(labels.device), labels).mean(0, keepdim=True)
    assert isinstance(model, Reconstructs), "said() lets no other in"
    images, classes = data.load(model.card.dataset, "test")
    mu, _ = model.encode(_pixels(images[classes == label][:_OF_A_CLASS], model))
    return mu.mean(0, keepdim=True)


def _device(model: Model) -> torch.device:
    return next(iter(model.parameters())).device


def _pixels(pictures: np.ndarray, model: Model) -> Tensor:
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).to(_device(model))
