"""What only one family can show of itself in the plane: a discriminator's map, a warped grid, a field of scores, a chain.

Each function takes the model, its axes, a value from the knobs and what all are told (:class:`About`), and gives arrays by
name; one that the model has nothing to say to gives none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from playground.experiments.plane.axes import Axes
from playground.models import noise
from playground.models.autoregressive.plane.made import MADEPlane
from playground.models.diffusion.plane.classifier_free import ClassifierFreePlane
from playground.models.flow.plane.base import PlaneFlow
from playground.models.flow.plane.ffjord import FFJORDPlane
from playground.models.gan.plane.gan import GANPlane
from playground.models.plane import HasScoreField, KnowsItsNoise, PlaneModel
from playground.models.vae.plane.vae import VAEPlane
from playground.models.vae.plane.vqvae import VQVAEPlane

Found = dict[str, np.ndarray]


@dataclass(frozen=True)
class About:
    """What every overlay is told.

    Attributes:
        side: of maps, in cells.
        data: (M,2), points of the target.
        drawing: settings of the model's request that say how points are drawn.
    """

    side: int
    data: np.ndarray
    drawing: Mapping[str, Any] = field(default_factory=dict)


_REACH = 2.4  # of a grid of latents, in standard deviations
_LINES, _ALONG = 13, 61  # lines of a grid each way, points of a line
_ARROWS = 18  # of a field, each way
_GUESSES = 120  # points whose origin is guessed
_PATHS, _MOMENTS = 24, 40  # of trajectories: how many, and points kept of each


def discriminator(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``map``: the probability that a point is real, float32 (side, side); a critic's value, squashed about its middle."""
    if not isinstance(model, GANPlane):
        return {}
    logits = model.discriminate(axes.cells(about.side)).reshape(about.side, about.side)
    if model.key == "wgan-gp-plane":  # no sigmoid: its zero means nothing
        logits = logits - logits.median()
    return {"map": logits.sigmoid().numpy().astype(np.float32)}


def arrows(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``arrows`` (N,4): drawn points, and the way the generator's loss would move each."""
    if not isinstance(model, GANPlane):
        return {}
    z = torch.from_numpy(noise.normal(11, np.arange(160), "arrows", (model.config.latent_dim,)))
    at, way = model.arrows(z)
    longest = way.norm(dim=1).max().clamp_min(1e-9)
    return {"arrows": _arrows(axes, at, 0.45 * way / longest)}


def latent_grid(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``lines``: where a grid of z is put, (lines, points, 2): by a GAN's generator, or by a flow after a share of its layers."""
    grid = _grid()
    flat = grid.reshape(-1, 2)
    if isinstance(model, GANPlane) and model.config.latent_dim == 2:
        return {"lines": axes.outwards(model.generate(flat).reshape(grid.shape))}
    if isinstance(model, VAEPlane) and model.config.latent_dim == 2:
        return {"lines": axes.outwards(model.decode(flat)[0].reshape(grid.shape))}
    stages = _stages(model, flat)
    if not stages:
        return {}
    share = value if isinstance(value, float) else 1.0
    return {"lines": axes.outwards(stages[round(share * (len(stages) - 1))].reshape(grid.shape))}


def _stages(model: PlaneModel, z: torch.Tensor) -> list[torch.Tensor]:
    if isinstance(model, PlaneFlow):
        return model.warp(z)
    if isinstance(model, FFJORDPlane):
        return [z, *(x for x, _ in model.solve(z, 1.0, 0.0))]
    return []


def latents(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``latents`` (M,2) and ``origins`` (M,2): where points of the target lie in the latent plane."""
    x = axes.inwards(about.data)
    if isinstance(model, VAEPlane) and model.config.latent_dim == 2:
        z = model.encode(x)[0]
    elif isinstance(model, VQVAEPlane) and model.config.code_dim == 2:
        z = model.encoder(x)
    elif isinstance(model, PlaneFlow):
        z = model.encode(x)[0]
    elif isinstance(model, FFJORDPlane):
        *_, (z, _) = model.solve(x, 0.0, 1.0)
    else:
        return {}
    return {"latents": z.numpy().astype(np.float32), "origins": about.data.astype(np.float32)}


def cells(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``cells``: which code stands for each place, int16 (side, side)."""
    if not isinstance(model, VQVAEPlane):
        return {}
    return {
        "cells": model.codes(axes.cells(about.side)).reshape(about.side, about.side).numpy().astype(np.int16)
    }


def score_field(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``arrows`` (N,4): grad log p at a level of noise ``value`` in 0..1, on a grid; lengths are squashed so that all are seen."""
    if not isinstance(model, HasScoreField):
        return {}
    x = axes.cells(_ARROWS)
    if isinstance(model, ClassifierFreePlane):
        way = model.score_for(model.Request(**about.drawing), x, float(value))
    else:
        way = model.score(x, float(value))
    size = way.norm(dim=1, keepdim=True)
    length = 0.9 * axes.area(_ARROWS) ** 0.5 * size / (size + size.median().clamp_min(1e-9))
    return {"arrows": _arrows(axes, x, way / size.clamp_min(1e-9) * length)}


def x_0_pred(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``arrows`` (N,4): points of the target under noise of a level ``value``, and where the network thinks each came from.

    Tweedie's formula: (x_t + sigma^2 grad log p_t) / alpha (Efron 2011).
    """
    if not isinstance(model, KnowsItsNoise):
        return {}
    alpha, sigma = model.signal_and_noise(float(value))
    x = axes.inwards(about.data[:_GUESSES])
    epsilon = torch.from_numpy(noise.normal(13, np.arange(len(x)), "x_0_pred", (2,)))
    x_t = alpha * x + sigma * epsilon
    return {"arrows": _arrows(axes, x_t, (x_t + sigma**2 * model.score(x_t, float(value))) / alpha - x_t)}


def paths(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``lines`` (paths, moments, 2): the way of some points from noise to data; of a chain, its walk."""
    seen = [
        f.extras["points"]
        for f in model.sample(model.Request(**{**about.drawing, "num_samples": _PATHS, "seed": 7}))
    ]
    if len(seen) < 3:
        return {}
    chosen = np.linspace(0, len(seen) - 1, min(len(seen), _MOMENTS)).astype(int)
    return {"lines": axes.outwards(np.stack([seen[i] for i in chosen], axis=1))}


def conditional(model: PlaneModel, axes: Axes, value: Any, about: About) -> Found:
    """``slice`` (side, 2): places along the second coordinate and p of each, given that the first is ``value``."""
    if not isinstance(model, MADEPlane):
        return {}
    second = 0 if model.config.order else 1
    low, high = axes.square[2 * second : 2 * second + 2]
    along = np.linspace(low, high, 2 * about.side)
    u = torch.from_numpy((along - axes.mean[second]) / axes.scale).float()
    given = torch.tensor((float(value) - axes.mean[1 - second]) / axes.scale).float()
    p = model.conditional(given, u).exp().numpy() / axes.scale
    return {"slice": np.stack([along, p], 1).astype(np.float32), "slice_axis": np.array(second, np.int8)}


def _grid() -> torch.Tensor:
    """Lines of a square grid, first those that run along x: (2 lines, points, 2)."""
    across, along = torch.linspace(-_REACH, _REACH, _LINES), torch.linspace(-_REACH, _REACH, _ALONG)
    a, b = torch.meshgrid(across, along, indexing="ij")
    return torch.cat([torch.stack([b, a], -1), torch.stack([a, b], -1)])


def _arrows(axes: Axes, at: torch.Tensor, way: torch.Tensor) -> np.ndarray:
    ways = way.double().numpy() * axes.scale
    return np.concatenate([axes.outwards(at), np.nan_to_num(ways).astype(np.float32)], 1)


OVERLAYS: dict[str, Callable[[PlaneModel, Axes, Any, About], Found]] = {
    "discriminator": discriminator,
    "arrows": arrows,
    "latent_grid": latent_grid,
    "latents": latents,
    "cells": cells,
    "score_field": score_field,
    "x_0_pred": x_0_pred,
    "paths": paths,
    "conditional": conditional,
}
