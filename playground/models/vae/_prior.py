"""A prior fitted to the codes after training: Ghosh et al. 2020, "From variational to deterministic autoencoders" (arXiv:1903.12436).

The codes of the training pictures, drawn from q(z given x), do not fill the standard normal p(z) that training pulls them
to: there are holes between the garments, and what p(z) draws there decodes to nothing in particular.  A mixture of normal
distributions (expectation maximisation: Dempster, Laird and Rubin 1977) knows where the codes are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_ROUNDS = 60
_FLOOR = 1e-3  # added to every variance, so that no component collapses onto a few codes


def fit_mixture(
    codes: Tensor, num_components: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Fit by expectation maximisation from random codes as centres; ``codes`` (N,D).

    Returns:
        shares (K,), means (K,D) and the lower Cholesky factors of the covariances (K,D,D).
    """
    codes = codes.double()
    count, dims = codes.shape
    start = torch.randperm(count, generator=generator)[:num_components]
    means = codes[start]
    everything = codes.T.cov().reshape(dims, dims)
    factors = torch.linalg.cholesky(everything / 4 + _FLOOR * torch.eye(dims)).repeat(num_components, 1, 1)
    shares = torch.full((num_components,), 1 / num_components, dtype=torch.double)
    for _ in range(_ROUNDS):
        member = log_densities(codes, shares, means, factors).softmax(1)  # (N, K), the E-step
        weight = member.sum(0) + 1e-6
        shares, means = weight / weight.sum(), (member.T @ codes) / weight[:, None]
        for k in range(num_components):
            apart = codes - means[k]
            covariance = (member[:, k, None] * apart).T @ apart / weight[k] + _FLOOR * torch.eye(dims)
            factors[k] = torch.linalg.cholesky(covariance)
    return shares.float(), means.float(), factors.float()


def log_densities(z: Tensor, shares: Tensor, means: Tensor, factors: Tensor) -> Tensor:
    """log(share_k N(z; mean_k, factor_k factor_k^T)) of ``z`` (N,D) for every component, (N,K)."""
    columns = []
    for share, mean, factor in zip(shares, means, factors, strict=True):
        apart = torch.linalg.solve_triangular(factor, (z - mean).T, upper=False)  # (D, N)
        size = factor.diagonal().log().sum() + 0.5 * z.shape[1] * math.log(2 * math.pi)
        columns.append(share.log() - size - 0.5 * apart.square().sum(0))
    return torch.stack(columns, 1)


def draw_codes(
    normal: Tensor, choice: Tensor, shares: Tensor, means: Tensor, factors: Tensor, temperature: float
) -> Tensor:
    """Codes (B,D) by given random numbers: ``choice`` float64 (B,) in [0, 1) takes a component, ``normal`` (B,D) the place in it."""
    cumulative = shares.double().cumsum(0)
    which = torch.searchsorted(cumulative, choice * cumulative[-1], right=True).clamp(max=len(shares) - 1)
    return means[which] + temperature * torch.einsum("bij,bj->bi", factors[which], normal)
