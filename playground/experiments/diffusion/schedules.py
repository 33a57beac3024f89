"""Noise schedules side by side on one picture: linear (Ho et al. 2020), cosine (Nichol and Dhariwal 2021), and the model's own.

A schedule says how much of the picture is left at each moment t of the way: alpha_bar(t), from 1 to nearly 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.capabilities import Denoises
from playground.contract import Frame, Request, State, knob
from playground.models import noise
from playground.models.diffusion.schedule import log_snr_of, t_of

STATIONS = 5  # pictures in a row, from t = 0 to t = 1
POINTS = 200  # of a curve
LINEAR, COSINE, OWN = "linear, DDPM of 2020", "cosine, 2021", "this model's"
_BETAS = np.linspace(1e-4, 0.02, 1000)  # Ho et al. 2020, section 4
_S = 0.008  # Nichol and Dhariwal 2021, eq. 17


@dataclass(frozen=True)
class SchedulesRequest(Request):
    """Which picture, under which noise."""

    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is noised.",
    )
    num_samples: int = 1


def linear(t: np.ndarray) -> np.ndarray:
    """alpha_bar at times in 0..1 of the schedule of 1,000 steps whose beta rises linearly."""
    after = np.concatenate([[1.0], np.cumprod(1 - _BETAS)])  # (1001,)
    return np.interp(np.asarray(t, float), np.linspace(0, 1, len(after)), after)


def cosine(t: np.ndarray) -> np.ndarray:
    """alpha_bar at times in 0..1 of the cosine schedule with its small offset."""

    def f(u: np.ndarray | float) -> np.ndarray:
        return np.asarray(np.cos((np.asarray(u) + _S) / (1 + _S) * np.pi / 2) ** 2)

    return f(np.asarray(t, float)) / f(0.0)


def own(log_snr_min: float, log_snr_max: float) -> Callable[[np.ndarray], np.ndarray]:
    """alpha_bar as these models are trained: the cosine in continuous time, its log-SNR held between two ends."""

    def alpha_bar(t: np.ndarray) -> np.ndarray:
        log_snr = log_snr_of(np.minimum(np.asarray(t, float), t_of(log_snr_min)))
        return 1 / (1 + np.exp(-np.minimum(log_snr, log_snr_max)))

    return alpha_bar


def schedules_of(model: Denoises) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Name -> alpha_bar as a function of t."""
    config = model.config
    return {LINEAR: linear, COSINE: cosine, OWN: own(config.log_snr_min, config.log_snr_max)}


@torch.no_grad()
def compare(model: Denoises, request: SchedulesRequest, resume: State | None = None) -> Iterator[Frame]:
    """One frame whose ``images`` uint8 (3 * STATIONS,H,W,C) are a row for each schedule.

    Extras: ``names`` of the schedules; ``alpha_bar`` (3, STATIONS); ``curves`` (3, POINTS); ``label`` int.
    """
    images, labels = data.load(model.card.dataset, "test")
    picture, label = images[request.index : request.index + 1], int(labels[request.index])
    x_0 = model.to_x_0(torch.from_numpy(picture.transpose(0, 3, 1, 2).copy()).to(model.device))
    epsilon = torch.from_numpy(noise.normal(request.seed, [0], "x_T", tuple(x_0.shape[1:]))).to(model.device)
    every = schedules_of(model)
    left = np.stack([alpha_bar(np.linspace(0, 1, STATIONS)) for alpha_bar in every.values()])
    share = torch.from_numpy(left.reshape(-1, 1, 1, 1)).to(x_0)
    noised = share.sqrt() * x_0 + (1 - share).sqrt() * epsilon  # (3 * STATIONS, C, H, W), Ho et al. eq. 4
    extras = {
        "names": list(every),
        "alpha_bar": left,
        "curves": np.stack([alpha_bar(np.linspace(0, 1, POINTS)) for alpha_bar in every.values()]),
        "label": label,
    }
    yield Frame(1, 1, 0, model.to_pictures(noised), extras)
