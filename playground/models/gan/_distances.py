"""How far drawn pictures lie from real ones as two sets: energy distances.

A discriminator that sees pictures one by one is slow to notice that a generator draws few of the many.  The energy distance
is zero only where two distributions agree.  In pixels it says little about detail, so it is taken in what the discriminator
sees: maps in which it has just learned to tell drawn pictures from real ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def within(points: Tensor) -> Tensor:
    """E|x - x'| over the pairs of ``points`` (N,D), N at least two: a scalar."""
    return torch.cdist(points, points).sum() / (len(points) * (len(points) - 1))


def energy_distance(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """2 E|x - y| - E|x - x'| - E|y - y'| (Szekely and Rizzo 2013; as a generator's loss: Bellemare et al. 2017, arXiv:1705.10743).

    Args:
        real (R,D), fake (F,D): points, at least two of each.

    Returns:
        the distance as a fraction of how far real points lie apart (may fall below zero: it is estimated without bias), and
        how far drawn points lie apart as a fraction of the same; both scalars.
    """
    apart, within_fake = within(real).clamp(min=1e-6), within(fake)
    return (2 * torch.cdist(real, fake).mean() - within_fake) / apart - 1, (within_fake / apart).detach()


def distance(real: Sequence[Tensor], fake: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
    """The means of :func:`energy_distance` and of the spread over kinds of features and classes.

    Args:
        real, fake: for each kind, features (B, ...) of real and of drawn pictures.
        labels: the class of each, real or drawn, (B,).
    """
    found = []
    for ours, theirs in zip(real, fake, strict=True):
        ours, theirs = ours.float().flatten(1), theirs.float().flatten(1)
        for c, count in enumerate(labels.bincount().tolist()):
            if count > 1:  # within a class: a mixture of classes is wide by itself
                found.append(energy_distance(ours[labels == c], theirs[labels == c]))
    if not found:  # a tiny batch: no class has two pictures
        return fake[0].sum() * 0, fake[0].new_zeros(())
    distances, spreads = zip(*found, strict=True)
    return torch.stack(distances).mean(), torch.stack(spreads).mean()
