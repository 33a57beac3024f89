"""Invertible layers.  ``forward`` goes from x to z and also returns log |det dz/dx| (B,); ``inverse`` goes back.

Every layer keeps all the numbers of the picture: what a multiscale flow has "split off" (Dinh et al. 2016, section 3.6)
stays where it is, in the last channels, and layers simply no longer touch it.  So the way back is exact and at every moment
the whole state can be laid out as a picture.  All of it is float32; only the networks inside couplings may be less.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.models.flow import _mixture

_EDGE = 1e-5  # so much of the unit interval is kept free at either end, so that the logit is finite


class Layer(nn.Module):
    """What all layers have: a name for the eye, whether a network is asked, and ActNorm's hook."""

    passes = 0  # networks asked, one way
    title = ""

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """(B,C,H,W) -> the next state and log |det| (B,)."""
        raise NotImplementedError

    def inverse(self, h: Tensor) -> Tensor:
        """The state before :meth:`forward`."""
        raise NotImplementedError

    def initialise(self, h: Tensor) -> None:
        """Set parameters that depend on the first batch (``h`` is this layer's input)."""


class Logit(Layer):
    """Grey levels y in [0, 256) -> logit(y / 256), the ends kept a little away (Dinh et al. 2016, section 4.1).

    Nearly half of a garment's pixels are black.  In the logit a black pixel's bin, [0, 1), is half the axis.
    """

    title = "logit"

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        inner = 1 - 2 * _EDGE
        v = _EDGE + inner / 256 * h
        w = _EDGE + inner / 256 * (256 - h)  # 1 - v, without cancellation
        log_v, log_w = v.log(), w.log()
        log_det = (torch.log(torch.tensor(inner / 256, device=h.device)) - log_v - log_w).flatten(1).sum(1)
        return log_v - log_w, log_det

    def inverse(self, h: Tensor) -> Tensor:
        return ((torch.sigmoid(h) - _EDGE) * (256 / (1 - 2 * _EDGE))).clamp(0, 256)


class Scale(Layer):
    """Grey levels y -> (y - 128) / 64."""

    title = "scale"

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        return (h - 128) / 64, h.new_full((len(h),), -h[0].numel() * math.log(64))

    def inverse(self, h: Tensor) -> Tensor:
        return 64 * h + 128


class Squeeze(Layer):
    """Every 2x2 square becomes four channels (Dinh et al. 2016, section 3.6)."""

    title = "squeeze"

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        return F.pixel_unshuffle(h, 2), h.new_zeros(len(h))

    def inverse(self, h: Tensor) -> Tensor:
        return F.pixel_shuffle(h, 2)


class ActNorm(Layer):
    """A scale and a shift per channel (or per number), set so that the first batch leaves it with mean 0 and variance 1.

    Kingma and Dhariwal 2018, section 3.1.

    Args:
        shape: of the parameters, ending (C,1,1) or (C,H,W).
    """

    title = "actnorm"

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(shape))
        self.log_scale = nn.Parameter(torch.zeros(shape))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        repeated = h[0].numel() // self.log_scale.numel()
        log_det = self.log_scale.sum() * repeated
        return (h + self.shift) * self.log_scale.exp(), log_det.expand(len(h))

    def inverse(self, h: Tensor) -> Tensor:
        return h * (-self.log_scale).exp() - self.shift

    @torch.no_grad()
    def initialise(self, h: Tensor) -> None:
        over = [0] + [d for d in (2, 3) if self.shift.shape[d - 1] == 1]
        self.shift.copy_(-h.mean(over, keepdim=True)[0])
        spread = h.var(over, keepdim=True, unbiased=False)[0]
        self.log_scale.copy_(-0.5 * torch.log(spread + 1e-4))


class InvertibleConv(Layer):
    """A learned invertible linear map of the channels, W = P L (U + diag(s)) (Kingma and Dhariwal 2018, section 3.2, eq. 10).

    P, fixed, swaps the two halves of the channels, so that couplings take turns; L and U start as the identity.
    """

    title = "1x1 convolution"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.lower = nn.Parameter(torch.zeros(channels, channels))
        self.upper = nn.Parameter(torch.zeros(channels, channels))
        self.log_s = nn.Parameter(torch.zeros(channels))  # s > 0: W starts as P and cannot pass through zero

    def factors(self) -> tuple[Tensor, Tensor]:
        """L with ones on its diagonal, and U + diag(s)."""
        one = torch.eye(self.channels, device=self.lower.device)
        return self.lower.tril(-1) + one, self.upper.triu(1) + torch.diag(self.log_s.exp())

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(h.device.type, enabled=False):
            lower, upper = self.factors()
            mixed = torch.matmul(lower @ upper, h.flatten(2)).unflatten(2, h.shape[2:])
        log_det = self.log_s.sum() * (h.shape[2] * h.shape[3])
        return mixed.roll(self.channels // 2, 1), log_det.expand(len(h))

    def inverse(self, h: Tensor) -> Tensor:
        lower, upper = self.factors()
        flat = h.roll(-(self.channels // 2), 1).flatten(2)
        half = torch.linalg.solve_triangular(lower, flat, upper=False, unitriangular=True)
        return torch.linalg.solve_triangular(upper, half, upper=True).unflatten(2, h.shape[2:])


class AffineCoupling(Layer):
    """One half is shifted and stretched as a network says that reads the other (Dinh et al. 2016, eq. 4-8).

    Args:
        net: (B, C - C//2, H, W) -> (B, 2 (C//2), H, W).
    """

    passes = 1
    title = "affine coupling"

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        changed, kept = split(h)
        log_scale, shift = self.parameters_for(kept)
        changed = (changed + shift) * log_scale.exp()
        return torch.cat([changed, kept], 1), log_scale.flatten(1).sum(1)

    def inverse(self, h: Tensor) -> Tensor:
        changed, kept = split(h)
        log_scale, shift = self.parameters_for(kept)
        return torch.cat([changed * (-log_scale).exp() - shift, kept], 1)

    def parameters_for(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Log scales within +-3, and shifts."""
        raw, shift = self.net(kept).float().chunk(2, 1)
        return bounded(raw), shift


class MixtureCoupling(Layer):
    """One half goes through curves, scales and shifts that a network gives which reads the other (Ho et al. 2019, eq. 14-16).

    Args:
        net: (B, C - C//2, H, W) -> (B, (C//2)(3K + 2), H, W).
    """

    passes = 1
    title = "mixture coupling"

    def __init__(self, net: nn.Module, num_mixtures: int) -> None:
        super().__init__()
        self.net, self.num_mixtures = net, num_mixtures
        self.bias = nn.Parameter(torch.cat([torch.zeros(2), _mixture.initial_bias(num_mixtures)]))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        changed, kept = split(h)
        log_scale, shift, curves = self.parameters_for(kept)
        changed, log_slope = _mixture.forward(changed, curves)
        changed = (changed + shift) * log_scale.exp()
        return torch.cat([changed, kept], 1), (log_slope + log_scale).flatten(1).sum(1)

    def inverse(self, h: Tensor) -> Tensor:
        changed, kept = split(h)
        log_scale, shift, curves = self.parameters_for(kept)
        return torch.cat([_mixture.inverse(changed * (-log_scale).exp() - shift, curves), kept], 1)

    def parameters_for(self, kept: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log scales and shifts (B,C//2,H,W), curves (B,C//2,H,W,3K)."""
        raw = self.net(kept).float().unflatten(1, (3 * self.num_mixtures + 2, -1)).movedim(1, -1)
        raw = raw + self.bias
        return bounded(raw[..., 0]), raw[..., 1], raw[..., 2:]


class Active(Layer):
    """Some layers on the first ``channels`` of the state; the others were split off and stay as they are."""

    def __init__(self, channels: int, layers: list[Layer]) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.ModuleList(layers)
        self.passes = sum(layer.passes for layer in layers)
        self.title = next((layer.title for layer in layers if layer.passes), layers[0].title)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        active, rest = h[:, : self.channels], h[:, self.channels :]
        total = torch.zeros(len(h), device=h.device)
        for layer in self.layers:
            active, log_det = layer(active)
            total = total + log_det
        return torch.cat([active, rest], 1), total

    def inverse(self, h: Tensor) -> Tensor:
        active, rest = h[:, : self.channels], h[:, self.channels :]
        for layer in reversed(self.layers):
            active = layer.inverse(active)  # type: ignore[operator]
        return torch.cat([active, rest], 1)

    def initialise(self, h: Tensor) -> None:
        active: Any = h[:, : self.channels]
        for layer in self.layers:
            layer.initialise(active)  # type: ignore[operator]
            active, _ = layer(active)


def split(h: Tensor) -> tuple[Tensor, Tensor]:
    """The channels that a coupling changes and those that it reads."""
    changed = h.shape[1] // 2
    return h[:, :changed], h[:, changed:]


def bounded(raw: Tensor) -> Tensor:
    """Log scales kept within +-3, straight near zero."""
    return 3 * torch.tanh(raw / 3)
