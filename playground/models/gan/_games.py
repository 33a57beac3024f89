"""The games that generators and discriminators play, and what keeps a discriminator smooth."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Ask = Callable[
    [Tensor, Tensor], Tensor
]  # pictures (B,C,H,W) and their places in the batch (B,) -> logits (B,)


def discriminator_loss(on_real: Tensor, on_fake: Tensor) -> dict[str, Tensor]:
    """The discriminator's loss of Goodfellow et al. 2014 from logits, each (B,), and what it thinks of either on average."""
    probabilities = {"real": on_real.sigmoid().mean(), "fake": on_fake.sigmoid().mean()}
    return {"loss": (F.softplus(-on_real) + F.softplus(on_fake)).mean(), **probabilities}


def discriminate_pair(
    ask: Ask, real: Tensor, fake: Tensor, sigma: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a discriminator says of real and drawn pictures, and how steep it is there: R1 and R2.

    Both are mean squared slopes (Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406, eq. 9), taken as differences along one
    random direction for each picture, on half of the batch: no second derivatives, which a CPU is slow at.

    Args:
        real, fake: pictures in [-1, 1], (B,C,H,W) each.
        sigma: how far apart the two points of a difference are, for each pixel.

    Returns:
        logits of real and drawn pictures, (B,) each; R1 and R2, scalars.
    """
    count, half = len(real), max(len(real) // 2, 1)
    near = torch.cat([real[:half], fake[:half]])
    nudge = torch.randn(near.shape, generator=generator, device=generator.device).to(real.device)
    rows = torch.arange(count, device=real.device)
    seen = torch.cat([real, fake, near + sigma * nudge])
    found = ask(seen, torch.cat([rows, rows, rows[:half], rows[:half]])).float()
    on_real, on_fake, real_nudged, fake_nudged = found.split([count, count, half, half])
    r1 = ((real_nudged - on_real[:half]) / sigma).square().mean()
    r2 = ((fake_nudged - on_fake[:half]) / sigma).square().mean()
    return on_real, on_fake, r1, r2
