"""Arithmetic with latents: A - B + C, and the direction from the mean of one class to that of another.

Radford, Metz and Chintala 2015 (arXiv:1511.06434, section 6.3.2) for a GAN; Kingma and Dhariwal 2018 (section 6, "semantic
manipulation") for a flow; of a diffusion model the noises are added that DDIM, run backwards, finds for each picture, and the sum is
given the length of A's (Song, Meng and Ermon 2021, section 5.3, who interpolate them).  What the sum means is decoded, whether it means anything or not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.capabilities import Denoises, HasStyles, Reconstructs
from playground.contract import Frame, Model
from playground.experiments import latent_search
from playground.experiments.arithmetic_request import ArithmeticRequest
from playground.models import noise
from playground.models.blocks import to_uint8
from playground.models.diffusion.samplers import Grid, SamplerState, ddim, ddim_inversion

_OF_A_CLASS = 100  # pictures (or draws) whose mean latent stands for a class
_INVERTED = 16  # the same where a noise has to be found for each picture
_STEPS = 24  # of DDIM, each way


def said(model: Model) -> str:
    """What a model adds up, in a sentence.

    Raises:
        ValueError: one sentence, if it has nothing to add up.
    """
    if isinstance(model, Denoises):
        return (
            f"Adds up noises of {int(np.prod(model.shape))} numbers, which DDIM finds by running backwards."
        )
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
    if isinstance(model, Denoises):
        yield from _with_noises(model, pictures, request)
        return
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


def _with_noises(model: Denoises, pictures: np.ndarray, request: ArithmeticRequest) -> Iterator[Frame]:
    """As :func:`compute`: a frame per step, first on the way to the noises, then on the way from them to pictures."""
    steps = max(2, round(request.effort * _STEPS))
    for moment in _inverted(model, _pixels(pictures, model), steps):
        x = moment.x_t
        noises = model.to_pictures(torch.cat([x, x[:1]]))
        yield Frame(moment.step, 2 * steps, 2 * moment.step, noises)
    total = x[:1] + request.weight * (x[2:] - x[1:2])
    if request.amount:
        total = total + request.amount * class_direction(model, request.from_class, request.to_class)
    total = total * (x[:1].norm() / total.norm().clamp_min(1e-6))
    grid, denoise = Grid.make(steps, model.config.log_snr_min), _undecided(model, len(x) + 1)
    for moment in ddim(
        denoise, grid, SamplerState(0, torch.cat([x, total])), lambda step: torch.zeros(1, device=x.device)
    ):
        step = steps + moment.step
        extras = {"latent": total.cpu().numpy().copy()} if step == 2 * steps else {}
        yield Frame(step, 2 * steps, 2 * steps + moment.step, model.to_pictures(moment.x_t), extras)


def _undecided(model: Denoises, count: int) -> Any:
    """What denoises ``count`` pictures, told no class."""
    return model.denoiser(torch.full((count,), model.num_classes, device=model.device))


def _inverted(model: Denoises, x: Tensor, steps: int) -> Iterator[SamplerState]:
    """The way of pictures uint8 (N,C,H,W) to their noises."""
    grid = Grid.make(steps, model.config.log_snr_min)
    return ddim_inversion(_undecided(model, len(x)), grid, model.to_x_0(x), model.config.log_snr_max, 1)


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
    """Of draws where styles are drawn by class, else of encoded (or inverted) test pictures; (1, *latent_shape)."""
    if isinstance(model, Denoises):
        images, classes = data.load(model.card.dataset, "test")
        *_, last = _inverted(model, _pixels(images[classes == label][:_INVERTED], model), _STEPS // 2)
        return last.x_t.mean(0, keepdim=True)
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
