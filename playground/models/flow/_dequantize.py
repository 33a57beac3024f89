"""From 256 grey levels to continuous numbers: y = x + u with u in [0, 1), and what that costs.

For any q(u given x), log P(x) >= E_q[log p(x + u) - log q(u given x)].  With u uniform that is the bound of Theis et al. 2016; with
a learned q it is variational dequantisation (Flow++, Ho et al. 2019, section 3.1), tighter because the flow then need not
be flat across every bin.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.blocks import from_uint8
from playground.models.flow._networks import Conditioner
from playground.models.flow.layers import bounded

_LOG_NORMAL = 0.5 * math.log(2 * math.pi)


class Uniform(nn.Module):
    """u = Phi(epsilon), which is uniform: log q = 0."""

    def forward(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` uint8 and ``epsilon`` standard normal, both (B,C,H,W) -> u in [0,1), log q(u given x) (B,)."""
        return torch.special.ndtr(epsilon).clamp(1e-6, 1 - 1e-6), torch.zeros(len(x), device=x.device)


class Gaussian(nn.Module):
    """u = 1/2 + sigma epsilon: noise that leaves its bin, so that the grey levels must be read from x + u afterwards."""

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        """As :class:`Uniform`, but u is any real number."""
        log_q = (-0.5 * epsilon.square() - _LOG_NORMAL - math.log(self.sigma)).flatten(1).sum(1)
        return 0.5 + self.sigma * epsilon, log_q


class _ContextCoupling(nn.Module):
    """An affine coupling's network that also reads features of the picture; zero at first."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(width + channels, width, 3, padding=1)
        self.head = nn.Conv2d(width, 2 * channels, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, context: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """(B,width,H,W) and (B,channels,H,W) -> log scales and shifts, each (B,channels,H,W)."""
        h = F.silu(self.hidden(torch.cat([context, kept.to(context.dtype)], 1)))
        raw, shift = self.head(h).float().chunk(2, 1)
        return bounded(raw), shift


class Variational(nn.Module):
    """q(u given x) is itself a small flow from epsilon: stretched, coupled twice, and squashed into [0, 1)."""

    def __init__(self, size: int, channels: int, width: int, coarse_width: int) -> None:
        super().__init__()
        squeezed = 4 * channels
        self.context = Conditioner(size // 2, 2 * squeezed, 2 * squeezed, width, coarse_width, 1)
        self.couplings = nn.ModuleList(_ContextCoupling(width, squeezed // 2) for _ in range(2))

    def forward(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        """As :class:`Uniform`."""
        seen = torch.cat([from_uint8(x), (x == 0).float()], 1)
        context = self.context.features(F.pixel_unshuffle(seen, 2))
        raw, shift = self.context.head(context).float().chunk(2, 1)
        log_scale = bounded(raw)
        g = F.pixel_unshuffle(epsilon, 2)
        g = g * log_scale.exp() + shift
        log_det = log_scale.flatten(1).sum(1)
        first, second = colours(g)
        for coupling in self.couplings:
            log_scale, shift = coupling(context, second)
            first, log_det = first * log_scale.exp() + shift, log_det + log_scale.flatten(1).sum(1)
            first, second = second, first
        g = F.pixel_shuffle(join_colours(first, second), 2)
        log_slope = -F.softplus(g) - F.softplus(-g)  # of the sigmoid
        log_normal = -0.5 * epsilon.square() - _LOG_NORMAL
        log_q = (log_normal - log_slope).flatten(1).sum(1) - log_det
        return torch.sigmoid(g), log_q


def colours(h: Tensor) -> tuple[Tensor, Tensor]:
    """The two colours of a checkerboard in a squeezed picture: (B,4C,H,W) -> twice (B,2C,H,W)."""
    squares = h.unflatten(1, (-1, 4))
    return squares[:, :, ::3].flatten(1, 2), squares[:, :, 1:3].flatten(1, 2)


def join_colours(even: Tensor, odd: Tensor) -> Tensor:
    """The inverse of :func:`colours`."""
    even, odd = even.unflatten(1, (-1, 2)), odd.unflatten(1, (-1, 2))
    return torch.cat([even[:, :, :1], odd, even[:, :, 1:]], 2).flatten(1, 2)
