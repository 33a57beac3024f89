"""How far drawn pictures lie from real ones as two sets: energy distances in features of a diffusion model.

A critic that sees pictures one by one is slow to notice that a generator draws few of the many.  The energy distance is
zero only where two distributions agree, and needs no opponent.  In pixels it says little about detail, so it is taken in what
a trained network sees, too: features of a generator's own kind, not of the networks that ``evaluate`` measures with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from playground import data
from playground.models.blocks import from_uint8

if TYPE_CHECKING:
    from playground.models.diffusion._unet import UNet

LOG_SNR = 4.0  # the noise level that the diffusion model is told of: all but clean
_PER_CLASS = 500  # real pictures that are kept as features
_AT_ONCE = 250


def within(points: Tensor) -> Tensor:
    """E|x - x'| over the pairs of ``points`` (N,D), N at least two: a scalar."""
    return torch.cdist(points, points).sum() / (len(points) * (len(points) - 1))


def energy_distance(real: Tensor, fake: Tensor, within_real: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """2 E|x - y| - E|x - x'| - E|y - y'| (Szekely and Rizzo 2013; as a generator's loss: Bellemare et al. 2017, arXiv:1705.10743).

    Args:
        real (R,D), fake (F,D): points, at least two of each.
        within_real: ``within(real)``, if it is known.

    Returns:
        the distance as a fraction of how far real points lie apart (may fall below zero: it is estimated without bias), and
        how far drawn points lie apart as a fraction of the same; both scalars.
    """
    apart = (within(real) if within_real is None else within_real).clamp(min=1e-6)
    within_fake = within(fake)
    return (2 * torch.cdist(real, fake).mean() - within_fake) / apart - 1, (within_fake / apart).detach()


def features(net: UNet | None, pictures: Tensor) -> list[Tensor]:
    """What is compared, (B,D) each: pixels at three scales and, with a diffusion model's network, what its encoder sees.

    Args:
        pictures: (B,C,H,W) in [-1, 1].
    """
    seen = [F.avg_pool2d(pictures, 4), F.avg_pool2d(pictures, 2), pictures]
    if net is not None:
        level = torch.full((len(pictures),), LOG_SNR, device=pictures.device)
        no_class = torch.full_like(level, net.num_classes, dtype=torch.int64)
        x_t = pictures * level.sigmoid().sqrt()[:, None, None, None]
        fine, coarse = net.encode(x_t, level, no_class)
        seen += [F.avg_pool2d(fine[-1], 2)]
        for h in (coarse[1], coarse[3]):
            seen += [F.avg_pool2d(h, 2, ceil_mode=True), h.mean((2, 3))]
    return [part.float().flatten(1) for part in seen]


@dataclass(frozen=True)
class Real:
    """What real pictures of one class look like: for each kind of features (N,D), and how far apart they lie."""

    kinds: list[Tensor]
    apart: list[Tensor]


def real_of(kinds: list[Tensor]) -> Real:
    """Real pictures of one class from their :func:`features`."""
    return Real(kinds, [within(kind) for kind in kinds])


@lru_cache(maxsize=1)
def real_pictures(net: UNet, dataset: str, num_classes: int) -> list[Real]:
    """Of each class, from its first 500 training pictures."""
    images, labels = data.load(dataset, "train")
    device = net.stem.weight.device
    found = []
    for c in range(num_classes):
        chosen = torch.from_numpy(images[labels == c][:_PER_CLASS].transpose(0, 3, 1, 2).copy())
        with torch.no_grad():
            parts = [features(net, from_uint8(x.to(device))) for x in chosen.split(_AT_ONCE)]
            found.append(real_of([torch.cat(kind) for kind in zip(*parts, strict=True)]))
    return found


def few_classes(count: int, num_classes: int, generator: torch.Generator) -> Tensor:
    """Labels (count,) of so few classes that there are many pairs of one class among them."""
    num_chosen = max(min(count // 32, num_classes), 1)
    chosen = torch.randperm(num_classes, generator=generator, device=generator.device)[:num_chosen]
    return chosen[torch.arange(count, device=chosen.device) * num_chosen // count]


def distance(real: dict[int, Real], kinds: list[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of :func:`energy_distance` over kinds of features and classes, and the spread of the thumbnails.

    Args:
        real: the classes that can be compared.
        kinds: :func:`features` of drawn pictures.
        labels: their classes, (B,).
    """
    distances: list[Tensor] = []
    spreads: list[Tensor] = []
    for c, known in real.items():
        rows = labels == c
        if rows.sum() > 1:
            parts = zip(known.kinds, kinds, known.apart, strict=True)
            found = [energy_distance(x, y[rows], apart) for x, y, apart in parts]
            distances += [d for d, _ in found]
            spreads.append(found[0][1])
    if not distances:  # a tiny batch: no class has two pictures
        return kinds[0].sum() * 0, kinds[0].new_zeros(())
    return torch.stack(distances).mean(), torch.stack(spreads).mean()
