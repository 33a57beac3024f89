"""Grey levels read from a cleaned picture: what a bound pays after noise that left its bin.

For y = x + u with any q(u given x), log P(x) >= E_q[log p(y) - log q(u given x) + log P(x given y)].  Where u stays inside its bin
the last term is zero; under Gaussian noise it is the price of reading 256 levels again.  Here every pixel is read by itself, from a table
of how often which level stood where the cleaned picture says so and so much.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEVELS = 256
_BELIEF = 30.0  # counts that the table begins with, spread around the level itself
_REACH = 4.0  # grey levels over which they fall to a third


class ReadOut(nn.Module):
    """log P(grey level given cleaned grey level), a table that is counted once the rest is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", self._log_belief())

    @staticmethod
    def _log_belief() -> Tensor:
        level = torch.arange(float(_LEVELS))
        return (-(level - level[:, None]).abs() / _REACH).log_softmax(1)

    def forward(self, x: Tensor, cleaned: Tensor) -> Tensor:
        """``x`` uint8 and ``cleaned`` grey levels of any size, both (B,C,H,W) -> log P(x given cleaned), (B,) in nats."""
        rows = self.table.float().log_softmax(1)
        return rows[self._row_of(cleaned), x.long()].flatten(1).sum(1)

    @torch.no_grad()
    def count(self, x: Tensor, cleaned: Tensor) -> None:
        """Make the table of these pictures, as :meth:`forward` takes them."""
        place = self._row_of(cleaned) * _LEVELS + x.long()
        counts = place.flatten().bincount(minlength=_LEVELS**2).view(_LEVELS, _LEVELS)
        belief = _BELIEF * self._log_belief().exp().to(counts.device)
        self.table.copy_((counts + belief).log() - (counts.sum(1, keepdim=True) + _BELIEF).log())

    @staticmethod
    def _row_of(cleaned: Tensor) -> Tensor:
        return cleaned.round().clamp(0, _LEVELS - 1).long()
