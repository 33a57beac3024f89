"""Continuous-time noise schedule: the cosine of Nichol and Dhariwal 2021, written in angles, and its log-SNR.

x_t = alpha_t x_0 + sigma_t epsilon with alpha_t = cos(pi t / 2), sigma_t = sin(pi t / 2): the variance is kept
(alpha_t^2 + sigma_t^2 = 1), alpha_bar of Ho et al. 2020 is alpha_t^2, and the log-SNR is
lambda_t = log(alpha_t^2 / sigma_t^2) = -2 log tan(pi t / 2) (Salimans and Ho 2022, appendix D), so that
alpha_t^2 = sigmoid(lambda_t) and sigma_t^2 = sigmoid(-lambda_t).
"""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor


def alpha_sigma(log_snr: Tensor) -> tuple[Tensor, Tensor]:
    """Signal and noise scales at a log-SNR, each of its shape."""
    return log_snr.sigmoid().sqrt(), (-log_snr).sigmoid().sqrt()


def sigmoid(log_snr: float) -> float:
    """alpha_bar at a log-SNR."""
    return 1 / (1 + math.exp(-log_snr))


def t_of(log_snr: float) -> float:
    """The time in 0..1 at which the cosine schedule has this log-SNR."""
    return 2 / math.pi * math.atan(math.exp(-log_snr / 2))


def log_snr_of(t: np.ndarray) -> np.ndarray:
    """Log-SNR at times 0 <= t < 1, float64; infinite at t = 0, where no noise is left."""
    with np.errstate(divide="ignore"):
        return -2 * np.log(np.tan(np.pi / 2 * np.asarray(t, dtype=np.float64)))
