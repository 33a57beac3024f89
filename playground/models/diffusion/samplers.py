"""Ways back from noise: ancestral DDPM, DDIM, DPM-Solver++(2M) and UniPC, one function each, all with one signature.

Every sampler walks a :class:`Grid` of noise levels from pure noise to none, asks ``denoise`` for x_0_pred once per step
and yields a :class:`SamplerState` after each.  A moment is also a place to start from: the same function continues it.
In the equations, t is the level we are at and s the next, less noisy one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from playground.models.diffusion.schedule import log_snr_of, sigmoid, t_of

Denoise = Callable[[Tensor, float], Tensor]  # (x_t (B,C,H,W), log_snr) -> x_0_pred (B,C,H,W)
Draw = Callable[[int], Tensor]  # step -> standard normal noise (B,C,H,W)


@dataclass(frozen=True)
class Grid:
    """Noise levels t[0] > ... > t[num_steps] = 0 with their scales, as plain Python numbers (double precision)."""

    t: list[float]
    alpha: list[float]
    sigma: list[float]
    log_snr: list[float]

    @classmethod
    def make(cls, num_steps: int, log_snr_min: float, rho: float = 1.0) -> Grid:
        """From ``log_snr_min`` to a clean picture; ``rho`` above 1 crowds the levels towards little noise."""
        t = t_of(log_snr_min) * (1 - np.arange(num_steps + 1) / num_steps) ** rho
        alpha, sigma, log_snr = np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t), log_snr_of(t)
        return cls(t.tolist(), alpha.tolist(), sigma.tolist(), log_snr.tolist())

    @property
    def num_steps(self) -> int:
        """How many steps lead from the first level to the last."""
        return len(self.t) - 1


@dataclass(frozen=True, eq=False)
class SamplerState:
    """Where a sampler stands after ``step`` steps."""

    step: int
    x_t: Tensor
    history: tuple[Tensor, ...] = ()  # x_0_pred at the levels before, the newest first, three at most
    x_before: Tensor | None = None  # x_t one level earlier, for samplers that correct it


class Sampler(Protocol):
    """What all samplers look like; only stochastic ones call ``draw``, only DDIM minds ``eta``."""

    def __call__(
        self, denoise: Denoise, grid: Grid, start: SamplerState, draw: Draw, eta: float = 0.0
    ) -> Iterator[SamplerState]: ...


def ddpm(
    denoise: Denoise, grid: Grid, start: SamplerState, draw: Draw, eta: float = 0.0
) -> Iterator[SamplerState]:
    """Ancestral sampling (Ho et al. 2020, algorithm 2) on any grid, with the smaller of its two variances."""
    x, history = start.x_t, start.history
    for i in range(start.step, grid.num_steps):
        alpha_bar_t, alpha_bar_s = grid.alpha[i] ** 2, grid.alpha[i + 1] ** 2
        alpha = alpha_bar_t / alpha_bar_s  # of this step: alpha_bar is the product of all of them
        beta = 1 - alpha
        x_0_pred = denoise(x, grid.log_snr[i])
        mean = (  # eq. 7
            math.sqrt(alpha_bar_s) * beta / (1 - alpha_bar_t) * x_0_pred
            + math.sqrt(alpha) * (1 - alpha_bar_s) / (1 - alpha_bar_t) * x
        )
        beta_tilde = (1 - alpha_bar_s) / (1 - alpha_bar_t) * beta  # eq. 7; zero in the last step
        x = mean + math.sqrt(beta_tilde) * draw(i) if beta_tilde > 0 else mean
        history = (x_0_pred, *history)[:3]
        yield SamplerState(i + 1, x, history)


def ddim(
    denoise: Denoise, grid: Grid, start: SamplerState, draw: Draw, eta: float = 0.0
) -> Iterator[SamplerState]:
    """DDIM (Song, Meng and Ermon 2021): ``eta`` 0 is deterministic, 1 is DDPM."""
    x, history = start.x_t, start.history
    for i in range(start.step, grid.num_steps):
        alpha_bar_t, alpha_bar_s = grid.alpha[i] ** 2, grid.alpha[i + 1] ** 2
        x_0_pred = denoise(x, grid.log_snr[i])
        epsilon_pred = (x - grid.alpha[i] * x_0_pred) / grid.sigma[i]
        sigma = eta * math.sqrt(
            (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
        )  # eq. 16
        direction = math.sqrt(max(1 - alpha_bar_s - sigma**2, 0.0)) * epsilon_pred  # towards x_t
        x = math.sqrt(alpha_bar_s) * x_0_pred + direction  # eq. 12
        x = x + sigma * draw(i) if sigma > 0 else x
        history = (x_0_pred, *history)[:3]
        yield SamplerState(i + 1, x, history)


def ddim_inversion(
    denoise: Denoise, grid: Grid, x_0: Tensor, log_snr_max: float, corrections: int = 0
) -> Iterator[SamplerState]:
    """DDIM backwards, from a picture to the noise that leads to it (Song, Meng and Ermon 2021, section 4.3).

    A backward step needs the noise predicted at its end, which is not known yet; plain inversion takes that of its
    beginning.  Each correction puts in the one at the end as found so far: a fixed point of it is the exact inverse.

    Args:
        x_0: clean pictures (B,C,H,W).
        log_snr_max: the level at which the network is asked about a picture without noise.
        corrections: further network passes in every step.
    """

    def predicted_noise(x: Tensor, log_snr: float) -> tuple[Tensor, Tensor]:
        x_0_pred = denoise(x, log_snr)
        alpha, sigma = math.sqrt(sigmoid(log_snr)), math.sqrt(sigmoid(-log_snr))
        return (x - alpha * x_0_pred) / sigma, x_0_pred

    x = x_0
    for i in range(grid.num_steps, 0, -1):  # from s = i to t = i - 1, which has more noise
        epsilon_pred, x_0_pred = predicted_noise(x, min(grid.log_snr[i], log_snr_max))
        for correction in range(corrections + 1):
            clean = (x - grid.sigma[i] * epsilon_pred) / grid.alpha[i]  # eq. 12 with eta = 0, solved for x_t
            x_t = grid.alpha[i - 1] * clean + grid.sigma[i - 1] * epsilon_pred
            if correction < corrections:
                epsilon_pred, x_0_pred = predicted_noise(x_t, grid.log_snr[i - 1])
        x = x_t
        yield SamplerState(grid.num_steps - i + 1, x, (x_0_pred,))


def dpm_solver_2m(
    denoise: Denoise, grid: Grid, start: SamplerState, draw: Draw, eta: float = 0.0
) -> Iterator[SamplerState]:
    """DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2): x_0_pred is continued along a line in the log-SNR."""
    x, history = start.x_t, start.history
    for i in range(start.step, grid.num_steps):
        x_0_pred = denoise(x, grid.log_snr[i])
        D = x_0_pred
        if history and i + 1 < grid.num_steps:  # the first step has no past, the last has no finite length
            r = (grid.log_snr[i] - grid.log_snr[i - 1]) / (grid.log_snr[i + 1] - grid.log_snr[i])
            D = (1 + 1 / (2 * r)) * x_0_pred - 1 / (2 * r) * history[0]
        # e^{-h}, where h is half the difference of the two log-SNRs
        decay = grid.sigma[i + 1] * grid.alpha[i] / (grid.alpha[i + 1] * grid.sigma[i])
        x = grid.sigma[i + 1] / grid.sigma[i] * x + grid.alpha[i + 1] * (1 - decay) * D
        history = (x_0_pred, *history)[:3]
        yield SamplerState(i + 1, x, history)


def unipc(
    denoise: Denoise, grid: Grid, start: SamplerState, draw: Draw, eta: float = 0.0
) -> Iterator[SamplerState]:
    """UniPC of order 3 (Zhao et al. 2023, algorithms 5 and 6, data prediction): predict, then correct with what was found there."""
    x, history, x_before = start.x_t, start.history, start.x_before
    for i in range(start.step, grid.num_steps):
        x_0_pred = denoise(x, grid.log_snr[i])
        if x_before is not None:  # UniC: the step from i - 1 to i once more, now knowing x_0_pred at its end
            order = min(3, grid.num_steps - i + 1)
            x = _unified_step(grid, i - 1, x_before, history[:order], x_0_pred)
        x_before, history = x, (x_0_pred, *history)[:3]
        order = min(3, grid.num_steps - i)  # lower towards the end, where the steps in log-SNR grow
        # UniP; the last step leaves no noise
        x = _unified_step(grid, i, x, history[:order]) if order > 1 else x_0_pred
        yield SamplerState(i + 1, x, history, x_before)


def _unified_step(
    grid: Grid, i: int, x: Tensor, past: tuple[Tensor, ...], there: Tensor | None = None
) -> Tensor:
    """From level i to i + 1 (Zhao et al. 2023, eq. 8 and 9) by x_0_pred at i, i - 1, ... and, to correct, ``there`` at i + 1."""
    j = i + 1
    h = (grid.log_snr[j] - grid.log_snr[i]) / 2  # the paper's lambda is half the log-SNR
    ratios = [(grid.log_snr[i - k] - grid.log_snr[i]) / 2 / h for k in range(1, len(past))]  # r_k
    differences = [(past[k] - past[0]) / ratios[k - 1] for k in range(1, len(past))]  # D_k / r_k
    if there is not None:
        ratios, differences = [*ratios, 1.0], [*differences, there - past[0]]
    x = grid.sigma[j] / grid.sigma[i] * x - grid.alpha[j] * math.expm1(-h) * past[0]
    for weight, difference in zip(_unified_weights(ratios, h), differences, strict=True):
        x = x - grid.alpha[j] * math.expm1(-h) * weight * difference  # B(h) = e^{-h} - 1
    return x


def _unified_weights(ratios: list[float], h: float) -> list[float]:
    """Solve R(h) a = b(h) (Zhao et al. 2023, theorem 3.1): exact wherever x_0_pred is a polynomial in the log-SNR."""
    if len(ratios) <= 1:
        return [0.5] * len(ratios)  # the paper's choice for one difference, of the same order of accuracy
    b, phi, factorial = [], math.expm1(-h) / -h - 1, 1
    for k in range(1, len(ratios) + 1):
        factorial *= k
        b.append(phi * factorial / math.expm1(-h))
        phi = phi / -h - 1 / (factorial * (k + 1))
    R = np.vander(ratios, increasing=True).T  # R_kn = r_n^k
    return np.linalg.solve(R, np.array(b)).tolist()


SAMPLERS: dict[str, Sampler] = {"ddpm": ddpm, "ddim": ddim, "dpm++2m": dpm_solver_2m, "unipc": unipc}
CHOICES = (
    ("ddpm", "DDPM"),
    ("ddim", "DDIM"),
    ("dpm++2m", "DPM-Solver++(2M)"),
    ("unipc", "UniPC"),
)  # of a knob
