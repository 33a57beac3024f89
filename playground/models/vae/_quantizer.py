"""The codebook of a VQ-VAE: nearest entries, their straight-through gradient, and how the entries follow the encoder.

van den Oord et al. 2017 (arXiv:1711.00937), eq. 1-3 and appendix A.1; residual levels as in Lee et al. 2022
(arXiv:2203.01941), section 3.1; restarts of unused entries as in Jukebox (arXiv:2005.00341), section 3.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

_FOLLOW = 0.02  # 1 - gamma of eq. 6-8
_DEAD = 0.1  # an entry that is used less than this much of its fair share starts again


class Quantizer(nn.Module):
    """``levels`` codebooks of ``num_codes`` vectors; each level names what the levels before it left over.

    Nothing here is learned by gradients: entries are moving averages of what was assigned to them.
    """

    codebook: Tensor  # (levels, num_codes, code_dim)
    usage: Tensor  # (levels, num_codes): how often each entry is taken, summing to 1 in each level

    def __init__(self, levels: int, num_codes: int, code_dim: int) -> None:
        super().__init__()
        self.register_buffer("codebook", torch.zeros(levels, num_codes, code_dim))
        self.register_buffer("usage", torch.zeros(levels, num_codes))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Numbers of the nearest entries (eq. 1), level after level: ``vectors`` (..., code_dim) -> int64 (..., levels)."""
        rest, found = vectors, []
        for book in self.codebook:
            found.append(nearest(rest, book))
            rest = rest - book[found[-1]]
        return torch.stack(found, -1)

    def look_up(self, codes: Tensor) -> Tensor:
        """The sum of the entries that ``codes`` (..., levels) name, (..., code_dim)."""
        return sum(book[codes[..., i]] for i, book in enumerate(self.codebook))

    @torch.no_grad()
    def follow(self, vectors: Tensor, codes: Tensor, generator: torch.Generator) -> None:
        """Move every entry towards the mean of what was assigned to it (eq. 6-8); restart the dead ones.

        Args:
            vectors: encodings (N, code_dim), and their ``codes`` (N, levels).
            generator: picks the encodings at which dead entries start again.
        """
        rest = vectors.float()
        for level, book in enumerate(self.codebook.clone()):
            chosen = codes[:, level]
            self._follow_level(level, rest, chosen, generator)
            rest = rest - book[chosen]

    @torch.no_grad()
    def count(self, codes: Tensor) -> None:
        """Take the shares of all entries anew, from ``codes`` (N, rows, columns, levels) of many pictures."""
        for level, usage in enumerate(self.usage):
            counts = torch.bincount(codes[..., level].flatten(), minlength=len(usage))
            usage.copy_(counts / counts.sum())

    def _follow_level(self, level: int, rest: Tensor, chosen: Tensor, generator: torch.Generator) -> None:
        book, usage = self.codebook[level], self.usage[level]
        count = len(usage)
        shares = torch.bincount(chosen, minlength=count).to(rest) / len(chosen)
        sums = torch.zeros_like(book).index_add_(0, chosen, rest) / len(chosen)
        before = usage.clone()
        usage.lerp_(shares, _FOLLOW)
        moved = ((1 - _FOLLOW) * before[:, None] * book + _FOLLOW * sums) / usage[:, None].clamp_min(1e-12)
        dead = usage < _DEAD / count
        again = torch.randint(len(rest), (count,), generator=generator).to(rest.device)
        book.copy_(torch.where(dead[:, None], rest[again], moved))
        usage.copy_(torch.where(dead, torch.full_like(usage, 1 / count), usage))
        usage.div_(usage.sum())


def straight_through(vectors: Tensor, quantized: Tensor) -> Tensor:
    """``quantized``, with the gradient that ``vectors`` would have had (section 3.2)."""
    return vectors + (quantized - vectors).detach()


def nearest(vectors: Tensor, book: Tensor) -> Tensor:
    """The entry of ``book`` (K, D) at the least distance from each of ``vectors`` (..., D): int64 (...)."""
    # |v - e|^2 = |v|^2 - 2 v.e + |e|^2, of which the first does not depend on e
    return (book.square().sum(1) - 2 * vectors @ book.T).argmin(-1)


def perplexity(codes: Tensor, num_codes: int) -> Tensor:
    """How many entries are in use, as it were: exp of the entropy of ``codes`` (any shape), a scalar."""
    shares = torch.bincount(codes.flatten(), minlength=num_codes).float() / codes.numel()
    return torch.special.entr(shares).sum().exp()


def independent_codes(quantizer: Quantizer, uniforms: np.ndarray, alike: bool) -> np.ndarray:
    """Codes int64 (B,rows,columns,levels), each drawn without a look at its neighbours: every entry ``alike``, or as often as
    it occurs.  The cumulative distribution of each level is inverted in float64 at ``uniforms`` of that shape in [0, 1)."""
    usage = quantizer.usage.cpu().double().numpy()
    if alike or not usage.any():  # nothing has been counted before training
        usage = np.ones_like(usage)
    drawn = [
        np.searchsorted(c, d * c[-1], side="right")
        for c, d in zip(usage.cumsum(1), np.moveaxis(uniforms, -1, 0), strict=True)
    ]
    return np.stack(drawn, -1).clip(max=usage.shape[1] - 1).astype(np.int64)
