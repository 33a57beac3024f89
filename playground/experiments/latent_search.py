"""A part of a picture filled in by a search among latents: whose picture agrees with the known part?

Yeh et al. 2017 ("Semantic image inpainting with deep generative models", arXiv:1607.07539) for a GAN; a VAE is searched alike.  Each
filling has a start of its own, the nearest of some draws, and goes downhill from there with a little noise.  What keeps a latent
probable is its distance from where it began.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.capabilities import Decodes, Encodes, HasStyles
from playground.contract import Frame
from playground.models import noise
from playground.models.blocks import from_uint8, to_uint8

_STEPS = 120
_RATE = 0.05  # of Adam, in standard deviations of the starts
_DRAWS = 24  # for each filling, of which the nearest is its start
_STAY = 0.02  # weight of the squared distance from the start


def search(model: Decodes, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Iterator[Frame]:
    """Downhill in the error of the known pixels, a frame per step; extras: ``latent`` and ``distance`` (B,).

    Raises:
        ValueError: one sentence, if the model draws one picture whatever the latent is.
    """
    device = next(model.parameters()).device
    goal = from_uint8(torch.from_numpy(picture.transpose(0, 3, 1, 2).copy()).to(device))
    known = torch.from_numpy(~unknown).to(device)
    starts = _starts(model, picture, unknown, request).to(device)  # (B, draws, *latent)
    pictures = model.decode(starts.flatten(0, 1)).unflatten(0, starts.shape[:2])
    if len(pictures) > 1 and float(pictures.flatten(0, 1).std(0).max()) < 1e-3:
        raise ValueError(f"{model.card.id} draws one picture whatever its latent is: it has one filling.")
    errors = ((pictures - goal).square() * known).flatten(2).sum(2)
    first = starts[torch.arange(len(starts)), errors.argmin(1)]
    spread = starts.flatten(0, 1).std(0).mean().clamp_min(1e-6)
    latent, moments = first, [torch.zeros_like(first), torch.zeros_like(first)]
    count = int(known.sum()) * goal.shape[1]
    steps = max(2, round(request.effort * _STEPS))
    for step in range(1, steps + 1):
        with torch.enable_grad():
            asked = latent.detach().requires_grad_()
            made = model.decode(asked)
            distance = ((made - goal).square() * known).flatten(1).sum(1) / max(count, 1)
            away = ((asked - first) / spread).square().flatten(1).mean(1)
            (slope,) = torch.autograd.grad((distance + _STAY * away).sum(), asked)
        left = 1 - (step - 1) / steps
        extras = {"latent": latent.cpu().numpy().copy(), "distance": distance.detach().cpu().numpy()}
        yield Frame(step, steps, 2 * step, to_uint8(made.detach()), extras)
        nudge = noise.normal(request.seed, range(len(latent)), "walk", tuple(latent.shape[1:]), step)
        chance = 0.5 * _RATE * left**2 * torch.from_numpy(nudge).to(latent)
        latent = latent + spread * (chance - left * _step(slope, moments, step))


def _starts(model: Any, picture: np.ndarray, unknown: np.ndarray, request: Any) -> Tensor:
    """Latents to begin with, (B, draws, *latent): those of other pictures where the model encodes, else draws."""
    count = request.num_samples * _DRAWS
    device = next(model.parameters()).device
    if isinstance(model, Encodes):
        asked = (request.seed, request.num_samples, _DRAWS)
        others = other_pictures(model.card.dataset, picture, unknown, *asked).reshape(-1, *picture.shape[1:])
        mu, _ = model.encode(torch.from_numpy(np.ascontiguousarray(others.transpose(0, 3, 1, 2))).to(device))
        return mu.unflatten(0, (request.num_samples, _DRAWS))
    z = torch.from_numpy(noise.normal(request.seed, range(count), "z", model.prior_shape)).to(device)
    if isinstance(model, HasStyles):
        labels = torch.arange(count, device=z.device) % len(model.card.classes)
        z = model.w_of(z, labels)
    return z.unflatten(0, (request.num_samples, _DRAWS))


def other_pictures(
    dataset: str, picture: np.ndarray, unknown: np.ndarray, seed: int, count: int, draws: int
) -> np.ndarray:
    """Test pictures that the seed chooses for each of ``count`` fillings, those most like the known part first: uint8 (count,draws,H,W,C).

    The picture itself, if it is one of them, is not: what was hidden would come back.
    """
    every = data.load(dataset, "test")[0]
    order = noise.uniform(seed, range(count), "others", (len(every),)).argsort(1)[:, : draws + 1]
    chosen = every[order]  # (count, draws + 1, H, W, C)
    away = ((chosen[:, :, ~unknown].astype(np.float32) - picture[0][~unknown]) ** 2).sum((2, 3))
    away = np.where((away == 0) & bool((~unknown).any()), np.inf, away)
    best = away.argsort(1, kind="stable")[:, :draws]
    return np.take_along_axis(chosen, best[:, :, None, None, None], 1)


def _step(slope: Tensor, moments: list[Tensor], step: int) -> Tensor:
    """The step of Adam (Kingma and Ba 2015, algorithm 1); its two moments are changed in place."""
    moments[0].lerp_(slope, 0.1)
    moments[1].lerp_(slope.square(), 0.01)
    mean, square = moments[0] / (1 - 0.9**step), moments[1] / (1 - 0.99**step)
    return _RATE * mean / (square.sqrt() + 1e-8)
