"""The forward process on one test image: x_t = alpha_t x_0 + sigma_t epsilon, in one go for any t (Ho et al. 2020, eq. 4).

And what the network makes of it: the clean picture that it would expect behind this x_t.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.capabilities import Denoises
from playground.contract import Frame, Request, State, knob
from playground.models import noise
from playground.models.diffusion.schedule import log_snr_of, t_of

PATH = 11  # stations of the strip, from t = 0 to t = 1


@dataclass(frozen=True)
class ForwardRequest(Request):
    """How much noise on which picture."""

    t: float = knob(
        0.4,
        label="t",
        low=0.0,
        high=1.0,
        step=0.005,
        help="How far into the noise: 0 is the picture, 1 is noise alone.",
    )
    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test images is noised.",
    )
    class_label: str = knob(
        "class",
        label="network is told",
        choices=(("class", "the class"), ("nothing", "nothing")),
        help="Whether the network hears what the picture shows when it is asked for the clean one. In much noise that is all it has to go by.",
    )
    num_samples: int = 1


@torch.no_grad()
def forward(model: Denoises, request: ForwardRequest, resume: State | None = None) -> Iterator[Frame]:
    """One frame, whose ``images`` uint8 (1,H,W,C) is x_t.

    Extras: ``x_0`` and ``x_0_pred`` uint8 (1,H,W,C); ``path`` uint8 (PATH,H,W,C), the same picture under the same noise
    at evenly spaced t; ``label`` int; ``t``, ``alpha_bar``, ``sigma``, ``log_snr`` (held at the training's ends).
    """
    images, labels = data.load(model.card.dataset, "test")
    device, config = next(model.parameters()).device, model.config
    picture, label = images[request.index : request.index + 1], int(labels[request.index])
    x_0 = model.to_x_0(torch.from_numpy(picture.transpose(0, 3, 1, 2).copy()).to(device))
    epsilon = torch.from_numpy(noise.normal(request.seed, [0], "x_T", tuple(x_0.shape[1:]))).to(device)
    given = torch.full((1,), label if request.class_label == "class" else model.num_classes, device=device)
    t = min(request.t, t_of(config.log_snr_min))
    x_t = noised(x_0, epsilon, t)
    log_snr = min(float(log_snr_of(np.array(t))), config.log_snr_max)
    extras = {
        "x_0": picture,
        "x_0_pred": model.to_pictures(model.denoiser(given)(x_t, log_snr)) if t > 0 else picture,
        "path": np.concatenate(
            [model.to_pictures(noised(x_0, epsilon, s)) for s in np.linspace(0, 1, PATH).tolist()]
        ),
        "label": label,
        "t": request.t,
        "alpha_bar": math.cos(math.pi / 2 * t) ** 2,
        "sigma": math.sin(math.pi / 2 * t),
        "log_snr": log_snr,
    }
    yield Frame(1, 1, 1, model.to_pictures(x_t), extras)


def noised(x_0: torch.Tensor, epsilon: torch.Tensor, t: float) -> torch.Tensor:
    """x_t of the cosine schedule, the shape of ``x_0``."""
    return math.cos(math.pi / 2 * t) * x_0 + math.sin(math.pi / 2 * t) * epsilon


def schedule(count: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """t, alpha_bar and SNR = alpha_bar / (1 - alpha_bar) along the way, without the ends, each (count,)."""
    t = np.linspace(0.01, 0.99, count)
    alpha_bar = np.cos(np.pi / 2 * t) ** 2
    return t, alpha_bar, alpha_bar / (1 - alpha_bar)
