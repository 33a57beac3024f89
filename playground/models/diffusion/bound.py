"""An upper bound on the bits per dimension of 8-bit pictures under a diffusion model, after Kingma et al. 2021 (VDM).

Reading the chain of noise levels as one deep hierarchy of latents, with z = x_t at log-SNR lambda in [low, high],

    -log p(x) <= KL(q(z_low | x) || N(0, 1)) + E[-log p(x | z_high)]
                 + 1/2 int_low^high E ||epsilon - epsilon_pred(z_lambda)||^2 dlambda        (VDM, eq. 11 and 18)

The integral is in lambda itself, so the schedule drops out; only its ends matter (VDM, section 5.1).  Since
epsilon = sigma x_t + alpha v, the error in epsilon is alpha times the error in v.  Where pictures themselves are
denoised, the last latent is read out pixel by pixel: p(x | z) is proportional to p(x) N(z; alpha x, sigma^2) over the 256 grey levels (VDM, eq. 8, there with a flat
p(x)); here the prior gives black a share of its own, because half of the pixels of these pictures are exactly black.
Any p(x | z), and any predictor, gives a true bound; better ones give a lower one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.models.blocks import from_uint8
from playground.models.diffusion.schedule import alpha_sigma

PredictV = Callable[[Tensor, Tensor], Tensor]  # (x_t (B,C,H,W), log_snr (B,)) -> v_pred (B,C,H,W)
ReadOut = Callable[[Tensor], Tensor]  # z_high / alpha (B,C,H,W) -> -log p(x | z_high) in nats, (B,)


@dataclass(frozen=True)
class Ends:
    """Where the integral begins and ends."""

    log_snr_low: float
    log_snr_high: float

    @property
    def noise_to_signal(self) -> float:
        """sigma / alpha of the last latent."""
        return math.exp(-self.log_snr_high / 2)


def bound_nats(
    predict_v: PredictV, x_0: Tensor, ends: Ends, u: Tensor, epsilon: Tensor, read_out: ReadOut
) -> Tensor:
    """One estimate of the bound per picture, in nats, (B,).

    Args:
        predict_v: the network.
        x_0: what noise is added to, float32 (B,C,H,W): the picture, or a latent that is a function of it.
        ends: the range of log-SNR.
        u: numbers in [0, 1) that place the log-SNRs of the integral, (B, K): evenly spread over each row, for low variance.
        epsilon: standard normal, (B, K + 1, C, H, W): K for the integral and the last for the read-out.
        read_out: what the picture costs, given the last latent.
    """
    integral = _diffusion_loss(predict_v, x_0, ends, u, epsilon[:, :-1])
    return _prior_kl(x_0, ends.log_snr_low) + integral + read_out(x_0 + ends.noise_to_signal * epsilon[:, -1])


def _prior_kl(x_0: Tensor, log_snr: float) -> Tensor:
    """KL(N(alpha x, sigma^2) || N(0, 1)), summed over a picture: (B,)."""
    alpha_squared, sigma_squared = 1 / (1 + math.exp(-log_snr)), 1 / (1 + math.exp(log_snr))
    kl = 0.5 * (alpha_squared * x_0.square() + sigma_squared - 1 - math.log(sigma_squared))
    return kl.flatten(1).sum(1)


def _diffusion_loss(predict_v: PredictV, x_0: Tensor, ends: Ends, u: Tensor, epsilon: Tensor) -> Tensor:
    """The integral by Monte Carlo: (high - low) times the mean over K draws of lambda, (B,)."""
    width = ends.log_snr_high - ends.log_snr_low
    log_snr = (ends.log_snr_low + width * u).flatten()  # (B K,)
    alpha, sigma = (scale[:, None, None, None] for scale in alpha_sigma(log_snr))
    x_0, epsilon = x_0.repeat_interleave(u.shape[1], dim=0), epsilon.flatten(0, 1)  # (B K, C, H, W)
    v = alpha * epsilon - sigma * x_0
    error = alpha * (predict_v(alpha * x_0 + sigma * epsilon, log_snr) - v)  # of epsilon_pred
    per_draw = error.square().flatten(1).sum(1).reshape(u.shape)  # (B, K)
    return 0.5 * width * per_draw.mean(1)


def read_grey_levels(x: Tensor, z: Tensor, noise_to_signal: float, black_share: float) -> Tensor:
    """-log p(x | z) of pictures uint8 (B,C,H,W) themselves under noise, ``z`` (B,C,H,W), summed over a picture: (B,)."""
    levels = from_uint8(torch.arange(256, device=x.device))
    prior = torch.full_like(levels, math.log((1 - black_share) / 255))
    prior[0] = math.log(black_share)
    logits = prior - 0.5 * ((z[..., None] - levels) / noise_to_signal).square()  # (B, C, H, W, 256)
    log_p = logits.log_softmax(-1).gather(-1, x.long()[..., None])
    return -log_p.flatten(1).sum(1)
