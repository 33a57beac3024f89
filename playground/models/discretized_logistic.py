"""Mixtures of discretised logistics: true probabilities of the 256 grey levels.

Kingma et al. 2016 (arXiv:1606.04934, one component); Salimans et al. 2017, PixelCNN++ (arXiv:1701.05517, mixtures).
A logistic is cut into 256 bins at the middles between grey levels; the first and the last bin take the tails, so the
probabilities of the values 0..255 sum to one.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "all_log_probs",
    "all_log_probs_to_draw",
    "draw",
    "initial_bias",
    "invert",
    "log_prob",
    "mean",
    "split_parameters",
]

_HALF_BIN = 1.0 / 255.0  # grey levels are 2/255 apart on [-1, 1]
_LOG_SCALES = (-7.0, 7.0)  # beyond these a bin is all or, to float32, nothing of the distribution


def split_parameters(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``raw`` (..., 3K) -> log weights, means, log scales, each float32 (..., K)."""
    weights, means, log_scales = raw.float().chunk(3, dim=-1)
    return weights.log_softmax(-1), means, log_scales.clamp(*_LOG_SCALES)


def log_prob(raw: Tensor, values: Tensor) -> Tensor:
    """Log-probability, in nats, of 8-bit ``values``.

    Args:
        raw: parameters, (..., 3K).
        values: integers 0..255, (...).
    """
    log_weights, means, log_scales = split_parameters(raw)
    values = values.unsqueeze(-1)
    centred = values.float() / 127.5 - 1.0 - means
    inverse_scale = torch.exp(-log_scales)
    upper, lower = inverse_scale * (centred + _HALF_BIN), inverse_scale * (centred - _HALF_BIN)
    # sigmoid(u) - sigmoid(l) = sigmoid(u) sigmoid(-l) (1 - exp(l - u)): no cancellation, no special cases inside
    first, last = values == 0, values == 255
    log_bin = torch.log(-torch.expm1(-2 * _HALF_BIN * inverse_scale))
    log_bin = log_bin.masked_fill(first | last, 0.0)
    log_bin = log_bin - F.softplus(-upper).masked_fill(last, 0.0) - F.softplus(lower).masked_fill(first, 0.0)
    return torch.logsumexp(log_weights + log_bin, dim=-1)


def all_log_probs(raw: Tensor) -> Tensor:
    """Log-probabilities of all 256 values, ``raw`` (..., 3K) -> (..., 256), summing to one."""
    values = torch.arange(256, device=raw.device).expand(*raw.shape[:-1], 256)
    return log_prob(raw.unsqueeze(-2), values)


def all_log_probs_to_draw(raw: Tensor) -> Tensor:
    """:func:`all_log_probs` through differences of the distribution function: five times quicker.

    Right to about 1e-7 in each probability (float32), which is what drawing needs; scores use the exact way.
    """
    log_weights, means, log_scales = split_parameters(raw)
    steps = _edges(raw.device) - means.unsqueeze(-1)  # (..., K, 255)
    below = steps.mul_(log_scales.neg_().exp_().unsqueeze(-1)).sigmoid_()
    below = (log_weights.exp_().unsqueeze(-2) @ below).squeeze(-2)  # (..., 255)
    upper, lower = F.pad(below, (0, 1), value=1.0), F.pad(below, (1, 0), value=0.0)
    return upper.sub_(lower).clamp_min_(1e-12).log_()


@lru_cache(maxsize=8)
def _edges(device: torch.device) -> Tensor:
    """Where one grey level ends and the next begins, (255,) on [-1, 1]."""
    return (torch.arange(255, device=device, dtype=torch.float32) + 0.5) / 127.5 - 1.0


def mean(raw: Tensor) -> Tensor:
    """Mean of the distribution on [-1, 1], ``raw`` (..., 3K) -> (...), in closed form.

    The mean of grey levels is the sum of P(value > v) over v, here replaced by the integral of the logistic's tail;
    the two differ by less than half a grey level, and by far less unless the logistic is narrower than one.
    """
    weights, means, log_scales = raw.float().chunk(3, dim=-1)
    weights = (
        weights - weights.amax(-1, keepdim=True)
    ).exp()  # several times quicker than log_softmax, for any layout
    scales = log_scales.clamp(*_LOG_SCALES).exp()
    tails = F.softplus((means + 1.0) / scales) - F.softplus((means - 1.0) / scales)
    return ((weights * scales * tails).sum(-1) / weights.sum(-1) - 1.0).clamp(-1.0, 1.0)


def draw(raw: Tensor, choice: Tensor, level: Tensor) -> Tensor:
    """Draw 8-bit values from ``raw`` (..., 3K) by inverting cumulative distributions, on the CPU in float64.

    Args:
        choice: uniforms in [0, 1), float64 (...), which pick the logistic.
        level: uniforms in [0, 1), float64 (...), at which that logistic is inverted.
    """
    log_weights, means, log_scales = (part.cpu().double() for part in split_parameters(raw))
    edges = log_weights.exp().cumsum(-1)
    chosen = (choice.unsqueeze(-1) * edges[..., -1:] >= edges[..., :-1]).sum(-1, keepdim=True)  # (..., 1)
    means, scales = (part.gather(-1, chosen).squeeze(-1) for part in (means, log_scales.exp()))
    values = (means + scales * torch.logit(level) + 1.0) * 127.5
    return values.round().clamp(0, 255).to(torch.uint8)  # level 0 gives -infinity, which is the first value


def invert(raw: Tensor, level: Tensor) -> Tensor:
    """Draw 8-bit values from ``raw`` (..., 3K) by inverting the mixture's distribution function, on the CPU in float64.

    What a search among the 256 cumulative probabilities finds, with eight of them computed: for many pixels at once.

    Args:
        level: uniforms in [0, 1), float64 (...).
    """
    log_weights, means, log_scales = (part.cpu() for part in split_parameters(raw))
    weights, means, inverse_scales = log_weights.double().exp(), means.double(), (-log_scales.double()).exp()
    weights = weights / weights.sum(-1, keepdim=True)

    def below(value: Tensor, at: Tensor | None = None) -> Tensor:
        edge = (value.unsqueeze(-1) + 0.5) / 127.5 - 1.0
        w, m, s = (
            (weights, means, inverse_scales) if at is None else (weights[at], means[at], inverse_scales[at])
        )
        return (w * torch.sigmoid((edge - m) * s)).sum(-1)

    found = torch.zeros_like(level)
    left = below(found) <= level  # many are black, and found so
    low, high, wanted = torch.ones_like(level[left]), torch.full_like(level[left], 255.0), level[left]
    for _ in range(8):
        middle = ((low + high) / 2).floor()
        reached = below(middle, left) > wanted
        high, low = torch.where(reached, middle, high), torch.where(reached, low, middle + 1)
    found[left] = low.clamp(max=255)
    return found.to(torch.uint8)


def initial_bias(num_mixtures: int) -> Tensor:
    """Parameters (3K,) of an evenly spread mixture: where a network should start."""
    means = torch.linspace(-1.0, 1.0, num_mixtures)
    return torch.cat([torch.zeros(num_mixtures), means, torch.full((num_mixtures,), math.log(0.1))])
