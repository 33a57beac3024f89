"""The parts of a hierarchy of latents (Child 2021, arXiv:2011.10650, figure 3): a bottleneck, and one layer going down."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """1x1, 3x3, 1x1 with half the width inside (figure 3); one without neighbours is 1x1 throughout."""

    def __init__(self, inputs: int, outputs: int, size: int, first_gain: float = 0.0) -> None:
        super().__init__()
        inside, kernel = inputs // 2 if inputs <= 128 else inputs // 4, 3 if size > 1 else 1
        self.reduce = nn.Conv2d(inputs, inside, 1)
        self.mix = nn.Conv2d(inside, inside, kernel, padding=kernel // 2)
        self.out = nn.Conv2d(inside, outputs, 1)
        with torch.no_grad():
            self.out.weight.mul_(first_gain)
            cast("Tensor", self.out.bias).zero_()

    def forward(self, x: Tensor) -> Tensor:  # (B, inputs, H, W) -> (B, outputs, H, W)
        return self.out(F.silu(self.mix(F.silu(self.reduce(F.silu(x))))))


class Normal(NamedTuple):
    """A normal distribution over one layer's latents; each float32 (B,Z,H,W)."""

    mean: Tensor
    log_scale: Tensor

    def at(self, epsilon: Tensor, temperature: float = 1.0) -> Tensor:
        """The draw that standard normal ``epsilon`` gives."""
        return self.mean + temperature * self.log_scale.exp() * epsilon


class Layer(nn.Module):
    """One layer going down: its prior, its posterior, and what its draw adds to the stream."""

    def __init__(self, width: int, latents: int, size: int, gain: float) -> None:
        super().__init__()
        self.latents = latents
        self.prior_net = Block(width, 2 * latents + width, size)
        self.posterior_net = Block(2 * width, 2 * latents, size)
        self.write = nn.Conv2d(latents, width, 1)
        self.residual = Block(width, width, size, gain)
        with torch.no_grad():
            self.write.weight.mul_(gain)

    def prior(self, h: Tensor) -> tuple[Normal, Tensor]:
        """The stream (B,W,H,W) -> p(z_l given z_<l), and the stream with what the prior's network found."""
        found = self.prior_net(h)
        mean, log_scale = found[:, : 2 * self.latents].float().chunk(2, 1)
        return Normal(mean, _soft_limit(log_scale)), h + found[:, 2 * self.latents :]

    def posterior(self, h: Tensor, read: Tensor, prior: Normal) -> Normal:
        """q(z_l given z_<l, x), told as what differs from the prior (Vahdat and Kautz 2020, arXiv:2007.03898, section 3.2)."""
        mean, log_scale = self.posterior_net(torch.cat([h, read], 1)).float().chunk(2, 1)
        scale = prior.log_scale.exp()
        return Normal(prior.mean + scale * mean, prior.log_scale + _soft_limit(log_scale))

    def put(self, h: Tensor, z: Tensor) -> Tensor:
        """The stream with the draw in it."""
        h = h + self.write(z.to(h.dtype))
        return h + self.residual(h)


def kl_between(q: Normal, p: Normal) -> Tensor:
    """KL(q || p) of every number, in nats, (B,Z,H,W)."""
    ratio = (2 * (q.log_scale - p.log_scale)).exp()
    apart = ((q.mean - p.mean) * (-p.log_scale).exp()).square()
    return p.log_scale - q.log_scale + 0.5 * (ratio + apart - 1)


def _soft_limit(log_scale: Tensor) -> Tensor:
    """Between -5 and 5: no distribution becomes a point (NVAE's repository does the same)."""
    return 5 * torch.tanh(log_scale / 5)
