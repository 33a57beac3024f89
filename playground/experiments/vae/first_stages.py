"""What two first stages keep of the same pictures: numbers in each place against one code of a codebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground import data
from playground.capabilities import Reconstructs
from playground.contract import Frame, Request, knob


@dataclass(frozen=True)
class FirstStagesRequest(Request):
    """Which test images."""

    index: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="The first of the test images that are taken apart and painted again; the next ones follow.",
    )
    num_samples: int = knob(5, label="num_samples", low=1, high=25, help="How many of them are shown.")


@torch.no_grad()
def both(models: tuple[Reconstructs, Reconstructs], request: FirstStagesRequest) -> Iterator[Frame]:
    """Test images through two autoencoders; after the last of the data set comes the first.

    ``images`` uint8 (B,H,W,C) are those of the first model, ``others`` those of the second, ``originals`` the images; ``psnr`` and
    ``psnr_of_others`` float64 (B,) in dB.
    """
    images, _ = data.load(models[0].card.dataset, "test")
    originals = images[(request.index + np.arange(request.num_samples)) % len(images)]
    made = []
    for model in models:
        (frame,) = model.reconstruct_frames(originals)
        made.append(frame)
    extras = {
        "originals": originals,
        "others": made[1].images,
        "psnr": psnr(made[0].images, originals),
        "psnr_of_others": psnr(made[1].images, originals),
    }
    yield Frame(1, 1, sum(f.passes for f in made), made[0].images, extras, {"index": request.index})


def psnr(images: np.ndarray, originals: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each picture uint8 (B,H,W,C) in dB, float64 (B,)."""
    errors = ((images.astype(np.float64) - originals) ** 2).mean((1, 2, 3))
    decibels: np.ndarray = 10 * np.log10(255**2 / np.maximum(errors, 1e-3))
    return decibels
