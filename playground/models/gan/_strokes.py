"""How line drawings and their colours are changed in training, so that a hand's drawing is no surprise.  All draws come from a generator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MOST_DABS = 5


def ink_of(pictures: Tensor) -> Tensor:
    """How dark each pixel is: pictures uint8 (B,C,H,W) -> (B,1,H,W) in 0..1, 1 is black."""
    grey = pictures.to(torch.float32).mean(1, keepdim=True)
    return 1 - grey / 255


def edges_of(pictures: Tensor) -> Tensor:
    """A line drawing of a coloured one: how much neighbours differ.  Pictures uint8 (B,C,H,W) -> ink (B,1,H,W) in 0..1."""
    x = F.pad(pictures.to(torch.float32) / 255, (0, 1, 0, 1), mode="replicate")
    here = x[:, :, :-1, :-1]
    steps = torch.maximum((x[:, :, :-1, 1:] - here).abs(), (x[:, :, 1:, :-1] - here).abs())
    return (1.6 * steps.amax(1, keepdim=True)).clamp(max=1)


def moved(ink: Tensor, colours: Tensor, farthest: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both pushed alike by up to ``farthest`` pixels, and half of them mirrored; ``colours`` in [-1, 1], ground is white."""
    count, side = len(ink), ink.shape[-1]
    shift = torch.randint(-farthest, farthest + 1, (count, 2, 1), generator=generator)
    mirrored = torch.rand((count, 1), generator=generator) < 0.5
    places = torch.arange(side)
    rows, columns = places + shift[:, 0] + farthest, places + shift[:, 1] + farthest
    columns = torch.where(mirrored, columns.flip(1), columns).to(ink.device)
    both = F.pad(torch.cat([ink, 1 - colours], 1), (farthest,) * 4)  # 0 is the ground in both
    batch = torch.arange(count, device=ink.device)[:, None, None]
    found = both.permute(0, 2, 3, 1)[batch, rows.to(ink.device)[:, :, None], columns[:, None]]
    found = found.permute(0, 3, 1, 2)
    return found[:, :1].contiguous(), (1 - found[:, 1:]).contiguous()


def drawn_otherwise(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Strokes wider, thinner, hollow, fainter, shaky or with gaps, each picture in its own way: ink (B,1,H,W) in 0..1."""
    chance = torch.rand((8, len(ink), 1, 1, 1), generator=generator).to(ink.device)
    wide = F.max_pool2d(ink, 3, 1, 1)
    thin = -F.max_pool2d(-ink, 3, 1, 1)
    hollow = ink - thin
    found = torch.where(chance[0] < 0.08, hollow, ink)
    amount = chance[1]
    found = torch.where((chance[2] < 0.3), torch.lerp(found, wide, 0.7 * amount), found)
    found = torch.where((chance[2] > 0.8), torch.lerp(found, torch.minimum(found, thin), 0.5 * amount), found)
    found = torch.where(chance[3] < 0.3, (found * (0.6 + 1.4 * chance[4])).clamp(max=1), found)
    found = torch.where(chance[5] < 0.25, _shaken(found, 0.9 * chance[6], generator), found)
    holes = torch.rand((len(ink), 1, ink.shape[2] // 2, ink.shape[3] // 2), generator=generator)
    whole = F.interpolate(holes.to(ink.device), scale_factor=2.0) > 0.06 * (chance[7] - 0.5).clamp(min=0) * 2
    return found * whole


def _shaken(ink: Tensor, pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Every place pulled a little elsewhere, as an unsteady hand does, by about so many ``pixels`` (B,1,1,1)."""
    count, side = len(ink), ink.shape[-1]
    pull = torch.randn((count, 2, 6, 6), generator=generator).to(ink.device) * pixels * (2 / side)
    pull = F.interpolate(pull, size=(side, side), mode="bilinear", align_corners=True)
    still = torch.eye(2, 3, device=ink.device).expand(count, 2, 3)
    grid = F.affine_grid(still, [count, 1, side, side], align_corners=False)
    return F.grid_sample(ink, grid + pull.permute(0, 2, 3, 1), align_corners=False)


# --- dabs of colour


def no_dabs(like: Tensor) -> Tensor:
    """Hints that say nothing: (B,4,H,W) for pictures (B,C,H,W)."""
    return like.new_zeros((len(like), 4, *like.shape[2:]))


def dabs_of(truth: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
    """Dabs of the true colour at random places: colours in [-1, 1] where a dab is, and whether one is there, (B,4,H,W).

    Places with colour are drawn more often than the white ground: nobody dabs what is not there.

    Args:
        truth: pictures in [-1, 1], (B,3,H,W).
        counts: how many dabs each gets, at most ``MOST_DABS``, int64 (B,).
    """
    away = (1 - truth.amin(1)).flatten(1).cpu() + 0.02
    places = torch.multinomial(away, MOST_DABS, generator=generator).to(truth.device)
    radii = torch.randint(0, 3, (len(truth), MOST_DABS), generator=generator, device=generator.device)
    radii = radii.to(truth.device)
    hints = no_dabs(truth)
    for k in range(MOST_DABS):
        there = (counts.to(truth.device) > k)[:, None, None]
        hints = with_dab(hints, truth, places[:, k], radii[:, k], there)
    return hints


def with_dab(hints: Tensor, truth: Tensor, places: Tensor, radii: Tensor, there: Tensor) -> Tensor:
    """One more square dab in each picture, of the colour at ``places`` (B,), ``2 radii + 1`` wide, where ``there`` (B,1,1)."""
    height, width = truth.shape[2:]
    rows = torch.arange(height, device=truth.device)[None, :, None]
    columns = torch.arange(width, device=truth.device)[None, None, :]
    near_row = (rows - (places // width)[:, None, None]).abs() <= radii[:, None, None]
    near_column = (columns - (places % width)[:, None, None]).abs() <= radii[:, None, None]
    inside = (near_row & near_column & there)[:, None]
    colour = truth.flatten(2).gather(2, places[:, None, None].expand(-1, 3, 1))[..., None]
    dab = torch.cat([colour, torch.ones_like(colour[:, :1])], 1)
    return torch.where(inside, dab, hints)
