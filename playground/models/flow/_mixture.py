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
_NUM_CUTS, _NUM_PARTS, _NUM_NEWTON = 4, 16, 2  # of the inverse: four cuts are what sixteen halvings are
_FAR, _NUM_NEWTON_FAR = (
    30.0,
    4,
)  # beyond this the curve is nearly straight, and a float32 sigmoid nearly nothing


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
    """The x at which :func:`forward` gives ``y``: a bracket is cut into parts, then Newton's steps are kept inside it."""
    parameters = split_parameters(raw)
    x = _inverse_near(y, *parameters)
    far = y.abs() > _FAR
    return torch.where(far, _inverse_far(y, *parameters), x) if bool(far.any()) else x


def _inverse_near(y: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
    """By the distribution function itself, mirrored so that the answer lies in the lower tail, where float32 is fine.

    A cut asks at fifteen places in one operation, since at these sizes an operation costs as much as a loop through it.
    """
    sign = torch.where(y > 0, -1.0, 1.0)
    lower, means = sign * y, means * sign.unsqueeze(-1)
    low, high = _bracket(lower, means, log_scales)
    # components first: sums over a short last dimension are many times slower
    weights, means, slopes = (
        p.movedim(-1, 0).contiguous() for p in (log_weights.exp(), means, torch.exp(-log_scales))
    )
    target, inner, width = torch.sigmoid(lower), _inner(y), high - low
    every = [part.unsqueeze(1) for part in (weights, means, slopes)]  # (K, 1, ...)
    for _ in range(_NUM_CUTS):
        width = width / _NUM_PARTS
        places = torch.addcmul(low, width, inner)  # (parts - 1, ...)
        tail = (every[0] * torch.sigmoid((places - every[1]) * every[2])).sum(0)
        low = low + width * (tail <= target).sum(0)
    high, x, log_target = low + width, low + 0.5 * width, F.logsigmoid(lower)
    for _ in range(_NUM_NEWTON):  # for the logarithm of the tail, which is straighter
        share = torch.sigmoid((x - means) * slopes)
        part = weights * share
        tail, slope = part.sum(0), (part * (1 - share) * slopes).sum(0)
        x = torch.clamp(x - (tail.log() - log_target) * tail / slope.clamp_min(1e-30), low, high)
    return sign * x


def _inner(y: Tensor) -> Tensor:
    """Where a bracket is cut, counted in parts: (parts - 1, 1, ...) of as many dimensions as ``y`` and one more."""
    return torch.arange(1, _NUM_PARTS, device=y.device).view(-1, *[1] * y.ndim)


def _inverse_far(y: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
    """By its logarithm, which loses nothing in the tails."""
    low, high = _bracket(y, means, log_scales)
    x = 0.5 * (low + high)
    for _ in range(_NUM_NEWTON_FAR):
        found, log_slope = _evaluate(x, log_weights, means, log_scales)
        newton = x - (found - y) * torch.exp(-log_slope)
        low, high = torch.where(found <= y, x, low), torch.where(found >= y, x, high)
        x = torch.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
    return x


def _bracket(y: Tensor, means: Tensor, log_scales: Tensor) -> tuple[Tensor, Tensor]:
    """A component alone would put y at m + s y; the mixture's answer lies between the least and the greatest of these."""
    low, high = (means + log_scales.exp() * y.unsqueeze(-1)).aminmax(dim=-1)
    return low, high


def initial_bias(num_mixtures: int) -> Tensor:
    """Parameters (3K,) of a nearly straight curve whose components stand apart: where a network should start."""
    means = torch.linspace(-1.5, 1.5, num_mixtures) if num_mixtures > 1 else torch.zeros(1)
    return torch.cat([torch.zeros(num_mixtures), means, torch.full((num_mixtures,), -0.3)])
