"""Figures of a world model, on drives along tracks that it has never seen.

*Nats per frame*: a bound on -log p of each 8-bit frame given all earlier ones and what was done (reconstruction from a code
of the frame's own, and what that code costs under M's mixture), beside the same with the prior in M's place, and beside
the last frame again with a logistic around it of the best scale.  *Ten frames ahead*: dreams steered as the drive was, in mean
squared grey levels, beside the last frame again.  *Controller*: what it comes along the road in dreams of several
temperatures, and in the world as ``assets/car/try_controller.py`` has measured it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground import paths
from playground.data import car
from playground.models.vae import evolution
from playground.models.vae.vae import gaussian_kl
from playground.models.vae.worldmodel import PROGRESS, STRETCH, WorldModel

AHEAD, SEEN = 10, 8  # frames: how far a dream is compared, after how many
EVERY = 7  # frames from one beginning to the next
TEMPERATURES = (0.2, 0.5, 0.8, 1.0, 1.2, 1.5)
NUM_DREAMS = 48
TRIED = "car/controller.json"  # what the controller did in the world, by the hash of the weights


def evaluate(model: WorldModel, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every figure, on the test drives."""
    drives = car.drives("test")
    found = {"nats_per_frame": nats_per_frame(model, drives), "ten_ahead": ten_ahead(model, drives)}
    tell("the controller in dreams …")
    return {**found, "controller": controller(model)}


def _tensors(model: WorldModel, drives: car.Drives) -> tuple[Tensor, Tensor]:
    device = model.log_scale.device
    frames = torch.from_numpy(np.ascontiguousarray(drives.frames.transpose(0, 1, 4, 2, 3))).to(device)
    return frames, torch.from_numpy(drives.actions.copy()).to(device)


@torch.no_grad()
def nats_per_frame(model: WorldModel, drives: car.Drives, seed: int = 7) -> dict[str, Any]:
    """The bound with M; ``prior``: each frame alone; ``last_frame``: the last frame again."""
    frames, actions = _tensors(model, drives)
    generator = torch.Generator().manual_seed(seed)
    with_memory, alone, again = [], [], []
    for drive, done in zip(frames, actions, strict=True):
        mu, logvar = model.encode(drive)
        z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=generator).to(mu.device)
        paint = torch.cat([model.frame_nats(a, b) for a, b in zip(z.split(50), drive.split(50), strict=True)])
        entropy = 0.5 * (1 + math.log(2 * math.pi) + logvar).sum(1)
        shown, _ = model.remember(z[None, :-1], done[None, 1:])
        with_memory.append((paint[1:] + model.nats(shown[0], z[1:]) - entropy[1:]).cpu().double().numpy())
        alone.append((paint + gaussian_kl(mu, logvar).sum(1))[1:].cpu().double().numpy())
        again.append(_last_frame(drive).cpu().double().numpy())
    every = np.concatenate(with_memory)
    return {
        "value": float(every.mean()),
        "standard_error": float(
            np.std([d.mean() for d in with_memory], ddof=1) / math.sqrt(len(with_memory))
        ),
        "prior": float(np.concatenate(alone).mean()),
        "last_frame": float(np.concatenate(again).mean()),
        "num_frames": len(every),
        "kind": "bound",
        "unit": "nats/frame",
    }


def _last_frame(drive: Tensor) -> Tensor:
    """-log p of frames uint8 (T,3,64,64) but the first, by a logistic around the frame before, of the best of many scales."""
    x, centre = drive[1:].float(), drive[:-1].float()
    best = None
    for scale in np.geomspace(0.3, 30, 15):
        high, low = torch.sigmoid((x + 0.5 - centre) / scale), torch.sigmoid((x - 0.5 - centre) / scale)
        high, low = torch.where(x < 255, high, 1.0), torch.where(x > 0, low, 0.0)
        nats = -(high - low).clamp(min=1e-7).log().sum((1, 2, 3))
        best = nats if best is None or nats.mean() < best.mean() else best
    assert best is not None, "there are scales"
    return best


@torch.no_grad()
def ten_ahead(model: WorldModel, drives: car.Drives) -> dict[str, Any]:
    """Frames :data:`AHEAD` later as M expects them (the mean of the likeliest component each time), and the last frame again."""
    frames, actions = _tensors(model, drives)
    ours, again = [], []
    for drive, done in zip(frames, actions, strict=True):
        mu = model.encode(drive)[0]
        for start in range(0, len(drive) - SEEN - AHEAD, EVERY):
            last = start + SEEN - 1
            z, state = mu[start : last + 1], None
            shown, state = model.remember(z[None, :-1], done[None, start + 1 : last + 1])
            code = z[-1]
            for t in range(last + 1, last + 1 + AHEAD):
                shown, state = model.remember(code[None, None], done[None, t : t + 1], state)
                weight, mean, _ = (part[0, 0] for part in model.next_code(shown))
                code = (weight.exp() * mean).sum(-1)
            truth = drive[last + AHEAD].permute(1, 2, 0).cpu().numpy()[None]
            before = drive[last].permute(1, 2, 0).cpu().numpy()[None]
            ours.append(_squared(model.frames_of(code[None]), truth))
            again.append(_squared(before, truth))
    gain = np.array(ours) - np.array(again)
    return {
        "value": float(np.mean(ours)),
        "standard_error": float(np.std(ours, ddof=1) / math.sqrt(len(ours))),
        "last_frame": float(np.mean(again)),
        "difference": float(gain.mean()),
        "difference_error": float(gain.std(ddof=1) / math.sqrt(len(gain))),
        "num_beginnings": len(ours),
        "kind": "measured",
        "unit": "squared grey levels",
    }


def _squared(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.square(a.astype(float) - b.astype(float)).mean())


@torch.no_grad()
def controller(model: WorldModel, seed: int = 7) -> dict[str, Any]:
    """Units of the world along the road that the controller makes a frame, what grass costs taken off."""
    drives = car.drives("test")
    frames, _ = _tensors(model, drives)
    said = np.concatenate(
        [drives.actions, drives.progress[..., None] / PROGRESS, drives.on_road[..., None]], -1
    )
    starts = [(d, t) for d in range(len(frames)) for t in range(0, frames.shape[1] - STRETCH, 12)][
        :NUM_DREAMS
    ]
    x = torch.stack([frames[d, t : t + STRETCH].flatten(0, 1) for d, t in starts])
    labels = torch.stack([torch.from_numpy(said[d, t : t + STRETCH].astype(np.float32)) for d, t in starts])
    weights = torch.cat([model.controller.weight.flatten(), model.controller.bias])[None]
    scores = []
    for heat in TEMPERATURES:
        generator = torch.Generator().manual_seed(seed)
        total = evolution.dream_returns(model, weights, x, labels, generator, heat)
        scores.append(float(total.mean()) / evolution.LENGTH * PROGRESS)
    found = {
        "value": scores[TEMPERATURES.index(1.0)],
        "standard_error": 0.0,
        "temperatures": list(TEMPERATURES),
        "dream": scores,
        "num_dreams": len(starts),
        "kind": "measured",
        "unit": "units/frame",
    }
    return {**found, **tried_in_the_world(model.weights_hash)}


def tried_in_the_world(weights: str) -> dict[str, Any]:
    """What the script measured of these weights; empty if nothing."""
    try:
        return dict(json.loads((paths.folder("assets") / TRIED).read_text())[weights])
    except (OSError, ValueError, KeyError):
        return {}
