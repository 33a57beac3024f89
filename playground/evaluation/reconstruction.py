"""How well held-out drawings are painted again, or painted larger: the peak signal-to-noise ratio (PSNR), in dB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from playground import checkpoints
from playground.capabilities import Reconstructs, Tokenizes, Upscales
from playground.data import emoji
from playground.data.emoji import large as emoji_large
from playground.models.blocks import to_uint8
from playground.models.upscaling.super_resolution import bicubic


def measure(model: Reconstructs | Tokenizes) -> dict[str, dict[str, Any]]:
    """The PSNR of held-out drawings through an autoencoder."""
    figures = {}
    for split in ("new-pairs", "new-concepts"):
        images = emoji.load(split).images
        figures[f"psnr_{split.replace('-', '_')}"] = psnr(reconstructed(model, images), images)
    return figures | (_codebook(model) if isinstance(model, Tokenizes) else {})


def _codebook(model: Tokenizes) -> dict[str, dict[str, Any]]:
    """How many of its codes occur in the drawings of training, and the perplexity of their frequencies."""
    images, counts = emoji.load("train").images, np.zeros(model.num_codes)
    for first in range(0, len(images), 200):
        with torch.no_grad():
            x = torch.from_numpy(images[first : first + 200].transpose(0, 3, 1, 2).copy())
            counts += np.bincount(model.encode_codes(x).flatten().numpy(), minlength=model.num_codes)
    used, shares = counts > 0, counts / counts.sum()
    entropy = -(shares[used] * np.log(shares[used])).sum()

    def figure(value: float, unit: str, kind: str) -> dict[str, Any]:
        return {"value": value, "standard_error": 0.0, "unit": unit, "kind": kind, "num_images": len(images)}

    return {
        "codebook_use": figure(float(used.mean()), "of 1", "codes that occur"),
        "codebook_perplexity": figure(float(np.exp(entropy)), "codes", "exp of the entropy"),
    }


def measure_upscaling(model: Upscales, tell: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """The PSNR of held-out drawings at 64x64 made of those at 32x32, and of those that ``kl-emoji`` decoded; bicubic beside each."""
    small = np.concatenate([emoji.load("new-pairs").images, emoji.load("new-concepts").images])
    large = emoji_large.held_out()
    figures = {}
    for name, images in (
        ("drawings", small),
        ("decoded", reconstructed(checkpoints.load("kl-emoji"), small)),
    ):
        tell(f"{len(images)} {name}")
        figures[f"psnr_{name}"] = psnr(model.upscale(images), large)
        figures[f"psnr_{name}_bicubic"] = psnr(bicubic(images), large)
    return figures


def reconstructed(model: Reconstructs | Tokenizes, images: np.ndarray) -> np.ndarray:
    """Pictures uint8 (N,H,W,C) encoded, to numbers or to codes, and decoded again."""
    parts = [images[i : i + 100] for i in range(0, len(images), 100)]
    if isinstance(model, Reconstructs):
        return np.concatenate([frame.images for part in parts for frame in model.reconstruct_frames(part)])
    with torch.no_grad():
        pixels = (torch.from_numpy(part.transpose(0, 3, 1, 2).copy()) for part in parts)
        return np.concatenate([to_uint8(model.decode_codes(model.encode_codes(x))) for x in pixels])


def psnr(images: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """The PSNR of the mean squared error over all pictures, uint8 (N,H,W,C), with its standard error."""
    errors = ((images.astype(np.float64) - wanted) ** 2).mean((1, 2, 3))
    spread = 10 / np.log(10) * errors.std(ddof=1) / errors.mean() / np.sqrt(len(errors))
    return {
        "value": float(10 * np.log10(255**2 / errors.mean())),
        "standard_error": float(spread),
        "unit": "dB",
        "kind": "PSNR",
        "num_images": len(images),
    }
