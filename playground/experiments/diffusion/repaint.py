"""A part of a picture made anew by a model of noise: Lugmayr et al. 2022, "RePaint" (arXiv:2201.09865), nothing trained for it.

Every time the network has said which clean picture it expects, the known pixels are put back; after each step the noise is laid
on again and the step is done once more, so that the new part has time to agree with the old one (section 4.2, jumps of length 1).
A model of latents expects a latent: it is decoded, the known pixels are pasted in, and the picture is encoded again.  One that jumps
from any noise to a picture goes the way of Song et al. 2023 (arXiv:2303.01469, algorithm 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.capabilities import Denoises, DenoisesPrompts, JumpsToData
from playground.contract import Frame, Model, make_request
from playground.models.diffusion.samplers import Grid
from playground.models.directions import DrawsDirections

_STEPS, _ROUNDS = 20, 3  # levels of noise, and how often each is walked
_JUMPS = 12
_TRIED_AT = 0.7  # time at which classes are compared


def repaint(
    model: Denoises | DenoisesPrompts | DrawsDirections,
    picture: np.ndarray,
    unknown: np.ndarray,
    request: Any,
) -> Iterator[Frame]:
    """Back from noise with the known pixels put back, a frame per level; nobody is told a class, words or a direction."""
    drawn = _request(model, request)
    if isinstance(model, DenoisesPrompts):
        denoise = model.prompt_denoiser(drawn)
    elif isinstance(model, DrawsDirections):
        nowhere = torch.zeros(request.num_samples, model.config.clip_size, device=model.device)
        denoise = model.denoiser_of(nowhere, 1.0)
    else:
        none = torch.full((request.num_samples,), model.num_classes, device=model.device)
        denoise = model.denoiser(none, 1.0)
    hold = _holder(model, picture, unknown)
    steps = max(2, round(request.effort * _STEPS))
    grid, draw = Grid.make(steps, model.config.log_snr_min), model.uniforms(drawn)
    x_t, passes = draw("x_T"), 0
    for i in range(steps):
        for again in range(_ROUNDS):
            images, x_0 = hold(denoise(x_t, grid.log_snr[i]))
            passes += 1
            x_s = _less_noise(grid, i, x_t, x_0, draw("noise", i * _ROUNDS + again))
            if again < _ROUNDS - 1 and i < steps - 1:
                x_t = _more_noise(grid, i, x_s, draw("again", i * _ROUNDS + again))
        x_t = x_s
        yield Frame(i + 1, steps, passes, images)


def _less_noise(grid: Grid, i: int, x_t: Tensor, x_0: Tensor, epsilon: Tensor) -> Tensor:
    """A draw of q(x_s given x_t and x_0) for the next level s (Ho et al. 2020, eq. 7)."""
    alpha_bar_t, alpha_bar_s = grid.alpha[i] ** 2, grid.alpha[i + 1] ** 2
    alpha = alpha_bar_t / alpha_bar_s
    of_x_0 = math.sqrt(alpha_bar_s) * (1 - alpha) / (1 - alpha_bar_t)
    of_x_t = math.sqrt(alpha) * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha)
    return of_x_0 * x_0 + of_x_t * x_t + math.sqrt(max(variance, 0.0)) * epsilon


def _more_noise(grid: Grid, i: int, x_s: Tensor, epsilon: Tensor) -> Tensor:
    """A draw of q(x_t given x_s): one step back into the noise."""
    alpha = grid.alpha[i] / grid.alpha[i + 1]
    added = grid.sigma[i] ** 2 - (alpha * grid.sigma[i + 1]) ** 2
    return alpha * x_s + math.sqrt(max(added, 0.0)) * epsilon


def _holder(
    model: Any, picture: np.ndarray, unknown: np.ndarray
) -> Callable[[Tensor], tuple[np.ndarray, Tensor]]:
    """The function from an expected x_0 to pictures with the known pixels in them, uint8 (B,H,W,C), and what they are as x_0."""
    where = unknown[None, :, :, None]
    lost = torch.from_numpy(unknown).to(model.device)
    clean = None if model.latent else model.to_x_0(_pixels(picture, model.device))

    def hold(x_0: Tensor) -> tuple[np.ndarray, Tensor]:
        images = np.where(where, model.to_pictures(x_0), picture)
        if clean is not None:
            return images, torch.where(lost, x_0, clean)
        return images, model.to_x_0(_pixels(images, model.device))

    return hold


def _pixels(images: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device)


def _request(model: Model, request: Any) -> Any:
    """The model's own, of this seed and so many pictures; of one told words, with none."""
    asked: dict[str, Any] = {"seed": request.seed, "num_samples": request.num_samples}
    if isinstance(model, DenoisesPrompts | DrawsDirections):
        asked |= {"prompt": "", "guidance_scale": 1.0}
    return make_request(model.Request, asked)


def by_jumps(model: JumpsToData, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Iterator[Frame]:
    """Jump to a picture, put the known pixels back, add less noise, jump again: a frame per jump.

    The network was always told a class: it is told the one under which it contradicts the known pixels least.
    """
    drawn: Any = _request(model, request)
    clean = model.to_x_0(_pixels(picture, model.device))  # type: ignore[attr-defined]
    lost = torch.from_numpy(unknown).to(clean.device)
    draw = model.uniforms(drawn)  # type: ignore[attr-defined]
    epsilon = draw("x_T")
    label = _class_that_fits(model, clean, lost, epsilon[:1])
    labels = torch.full((request.num_samples,), label, device=clean.device)
    jumps = max(2, round(request.effort * _JUMPS))
    grid = Grid.make(jumps, model.config.log_snr_min)
    x_t = epsilon
    for i in range(jumps):
        _, x_0 = model.jump(x_t, grid.t[i], 0.0, labels)
        x_0 = torch.where(lost, x_0, clean)
        images = model.to_pictures(x_0)  # type: ignore[attr-defined]
        x_t = grid.alpha[i + 1] * x_0 + grid.sigma[i + 1] * draw("noise", i)
        yield Frame(i + 1, jumps, i + 1, images)


def _class_that_fits(model: JumpsToData, clean: Tensor, lost: Tensor, epsilon: Tensor) -> int:
    """Noise the picture, jump back under every class, and compare where it is known."""
    if bool(lost.all()):
        return 0
    every = torch.arange(model.num_classes, device=clean.device)
    angle = math.pi / 2 * _TRIED_AT
    x_t = (math.cos(angle) * clean + math.sin(angle) * epsilon).expand(len(every), -1, -1, -1)
    _, x_0 = model.jump(x_t, _TRIED_AT, 0.0, every)
    return int((x_0 - clean).square()[..., ~lost].flatten(1).mean(1).argmin())
