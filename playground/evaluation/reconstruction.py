"""How well an autoencoder paints held-out drawings again: the peak signal-to-noise ratio (PSNR), in dB."""

from __future__ import annotations

from typing import Any

import numpy as np

from playground.capabilities import Reconstructs
from playground.data import emoji


def measure(model: Reconstructs) -> dict[str, dict[str, Any]]:
    """The PSNR of held-out drawings through an autoencoder, of their mean squared error, in dB."""
    figures = {}
    for split in ("new-pairs", "new-concepts"):
        images = emoji.load(split).images
        again = np.concatenate(
            [
                f.images
                for i in range(0, len(images), 100)
                for f in model.reconstruct_frames(images[i : i + 100])
            ]
        )
        errors = ((again.astype(np.float64) - images) ** 2).mean((1, 2, 3))
        psnr = 10 * np.log10(255**2 / errors.mean())
        spread = 10 / np.log(10) * errors.std(ddof=1) / errors.mean() / np.sqrt(len(errors))
        figures[f"psnr_{split.replace('-', '_')}"] = {
            "value": float(psnr),
            "standard_error": float(spread),
            "unit": "dB",
            "kind": "PSNR",
            "num_images": len(images),
        }
    return figures
