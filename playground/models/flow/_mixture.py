"""An invertible curve for every number: the distribution function of a mixture of logistics (Flow++, Ho et al. 2019).

y = logit(sum_k w_k sigmoid((x - m_k) / s_k)) (their eq. 14-16).  An affine coupling can only shift and
stretch a number; this maps a distribution with several modes onto one with a single mode: pixels have a narrow mode at black
and a broad one over all other greys.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_LOG_SCALES = (-6.0, 4.0)
_NUM_HALVINGS, _NUM_NEWTON = 12, 4  # of the inverse
_FAR = 60.0  # beyond this a float32 sigmoid is nearly zero; but there the curve is nearly straight, and Newton needs no help


def split_parameters(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``raw`` (..., 3K) -> log weights, means, log scales, each float32 (..., K)."""
    weights, means, log_scales = raw.float().chunk(3, dim=-1)
    return weights.log_softmax(-1), means, log_scales.clamp(*_LOG_SCALES)


def forward(x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
    """``x`` (...) under the curves of ``raw`` (..., 3K) -> y (...) and log dy/dx (...).

    Both tails are kept as logarithms, so that nothing is lost to rounding far away from the mixture.
    """
    return _evaluate(x, *split_parameters(raw))


def _evaluate(x: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor) -> tuple[Tensor, Tensor]:
    t = (x.unsqueeze(-1) - means) * torch.exp(-log_scales)
    below, above = -F.softplus(-t), -F.softplus(t)  # log sigmoid(t), log sigmoid(-t)
    log_cdf = torch.logsumexp(log_weights + below, -1)
    log_rest = torch.logsumexp(log_weights + above, -1)
    log_pdf = torch.logsumexp(log_weights + below + above - log_scales, -1)
    return log_cdf - log_rest, log_pdf - log_cdf - log_rest


def inverse(y: Tensor, raw: Tensor) -> Tensor:
    """The x at which :func:`forward` gives ``y``: a bracket halved, then Newton's steps kept inside it."""
    log_weights, means, log_scales = split_parameters(raw)
    weights, slopes = log_weights.exp(), torch.exp(-log_scales)
    # a component alone would put y at m + s y; the mixture's answer lies between the least and the greatest of these
    alone = means + log_scales.exp() * y.unsqueeze(-1)
    low, high = least, greatest = alone.amin(-1), alone.amax(-1)
    sign = torch.where(y > 0, -1.0, 1.0)  # compare in the smaller tail, where float32 is fine
    target, signed = torch.sigmoid(sign * y), slopes * sign.unsqueeze(-1)
    for _ in range(_NUM_HALVINGS):
        x = 0.5 * (low + high)
        tail = (weights * torch.sigmoid((x.unsqueeze(-1) - means) * signed)).sum(-1)
        left = (tail <= target) ^ (y > 0)  # the answer is at x or to its right
        low, high = torch.where(left, x, low), torch.where(left, high, x)
    far = y.abs() > _FAR
    low, high = torch.where(far, least, low), torch.where(far, greatest, high)
    x = 0.5 * (low + high)
    for _ in range(_NUM_NEWTON):
        found, log_slope = _evaluate(x, log_weights, means, log_scales)
        newton = x - (found - y) * torch.exp(-log_slope)
        low, high = torch.where(found <= y, x, low), torch.where(found >= y, x, high)
        x = torch.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
    return x


def initial_bias(num_mixtures: int) -> Tensor:
    """Parameters (3K,) of a nearly straight curve whose components stand apart: where a network should start."""
    means = torch.linspace(-1.5, 1.5, num_mixtures) if num_mixtures > 1 else torch.zeros(1)
    return torch.cat([torch.zeros(num_mixtures), means, torch.full((num_mixtures,), -0.3)])
