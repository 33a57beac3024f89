"""An energy whose gradient is learned by denoising, at every level of noise: no Markov chain runs in training.

Vincent 2011 (denoising score matching); Saremi et al. 2018, "Deep energy estimator networks"; Li, Chen and Sommer 2019,
"Learning energy-based models in high-dimensional spaces with multi-scale denoising score matching" (arXiv:1910.07762).
The energy is the squared length of what a U-Net finds wrong with a picture (Salimans and Ho 2021, "Should EBMs model the
energy or the score?"), and its gradient takes over what a diffusion model knows (Thornton et al. 2025, arXiv:2502.12786):

    E(x, lambda, c) = || r(x, lambda, c) ||^2 / 2,    r = sigma x + alpha v_pred(x, lambda, c)

At first r is the noise that the diffusion model sees in x.  The gradient of E is what it should be, epsilon / sigma, only
if r is also the right field for its own Jacobian, which training sees to: sigma grad E is fitted to the noise, or to its mean
as the diffusion model gives it, where there is one to learn from (as for the shipped weights).
Pictures are drawn by annealed Langevin dynamics (Song and Ermon 2019; Jolicoeur-Martineau et al. 2021).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.contract import (
    Frame,
    LikelihoodKind,
    Recipe,
    Score,
    State,
    class_knob,
    guidance_knob,
    knob,
    labels_of,
)
from playground.models.blocks import from_uint8, to_uint8
from playground.models.diffusion.base import ClassDiffusion
from playground.models.diffusion.samplers import Grid
from playground.models.diffusion.schedule import alpha_sigma, sigmoid
from playground.models.energy.chains import ChainRequest, run
from playground.models.precision import bfloat16_pays

# log-SNR of the energy that pictures are compared by: told garments from others best (validation)
SCORED_AT = -1.5
DATA_AT = -0.5  # log-SNR to which a test image is noised when a chain starts from it
_STRIDE = 0.1  # of a Langevin step, as a share of the noise's variance


@dataclass(frozen=True)
class ScoreEBMConfig:
    """Shape of the network inside, that of the diffusion model which it begins as, and the noise."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    num_classes: int = 10
    dataset: str = "fashion"  # whose test images a chain may start from
    width: int = 64
    num_heads: int = 4
    embedding: int = 256
    num_detail_blocks: int = 0
    log_snr_min: float = -10.0
    log_snr_max: float = 10.0
    label_dropout: float = 0.1  # so often no class is given (Ho and Salimans 2022)
    uniform_share: float = 0.1  # share of training at log-SNRs spread evenly


@dataclass(frozen=True)
class ScoreEBMRequest(ChainRequest):
    """How the chains run."""

    start: str = knob(
        "noise",
        label="start",
        choices=(("noise", "noise"), ("data", "test images")),
        help="Where each chain begins: pure noise, or a test image under so much noise that only its outline is left.",
    )
    num_steps: int = knob(
        40,
        label="num_steps",
        low=1,
        high=500,
        log=True,
        help="Steps from the first noise level to none. Each follows the gradient of the energy of its level and adds noise for the next.",
    )
    guidance_scale: float = guidance_knob(
        1.0,
        "Energies add up: E = E(x, no class) + scale (E(x, class) - E(x, no class)). 1 is off; high values look alike and overdrawn.",
    )
    label: int = class_knob("What the picture should show: each class has an energy of its own.")
    noise: float = knob(
        1.0,
        label="noise",
        low=0.0,
        high=1.0,
        step=0.05,
        help="How much of each level's noise is drawn afresh. At 1 half of each step is Langevin dynamics at temperature 1, exactly as theory asks, and the other half moves on to the next level; at 0 a chain is fixed by its start.",
    )
    langevin: int = knob(
        0,
        label="langevin",
        low=0,
        high=10,
        help="Further Langevin steps at each level, at temperature 1: downhill by a tenth of the noise's variance, with the noise that this asks for. They stir the chain, and what the gradient has wrong adds up to grain.",
    )


class ScoreEBM(ClassDiffusion):
    """The energy network and its annealed chains."""

    family = "energy"
    system = "Energy learned by denoising"
    paper = "Vincent 2011; Li et al. 2019; Salimans and Ho 2021; Thornton et al. 2025"
    likelihood: LikelihoodKind = "energy"
    sample_bytes = 24 * 2**20
    num_compared = 128  # images of each kind in histograms: an energy takes a while
    Config = ScoreEBMConfig
    Request = ScoreEBMRequest

    @torch.no_grad()
    def one_pass(self) -> None:
        """The gradient for sixteen pictures, for the probe."""
        x_t, labels = self.empty(16)
        self.scaled_gradient(x_t, 0.0, labels)

    def forward(self, x_t: Tensor, log_snr: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """E of ``x_t`` (B,C,H,W) at ``log_snr`` (B,) in nats, (B,), and sigma times its gradient, (B,C,H,W).

        The label ``num_classes`` means "no class".  Can be differentiated again.
        """
        return _energy_and_scaled_gradient(self.net, x_t, log_snr, labels)

    # --- training

    def learn_from(self, teacher: Any) -> None:
        """Begin as this diffusion model, and keep it to be asked for the mean of the noise; it is not saved with the model."""
        self.net.load_state_dict(teacher.net.state_dict())
        device = self.net.stem.weight.device
        self.__dict__["teacher"] = teacher.to(device).requires_grad_(False)
        teacher.set_precision("bf16" if bfloat16_pays(device.type) else "fp32")

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Denoising score matching over all levels, in v and with the weights of the diffusion model's loss.

        A perfect sigma grad E is the mean of the noise given x_t (Vincent 2011).  The noise that was drawn is an estimate of
        this mean, the diffusion model's answer one with far less variance; without a teacher the former has to do.

        Returns:
            ``loss``, and ``denoising``, the error against the noise that was drawn: the diffusion model's loss.
        """
        x_0 = from_uint8(x)
        log_snr = self.training_log_snr(len(x), generator).to(x.device)
        alpha, sigma = (scale[:, None, None, None] for scale in alpha_sigma(log_snr))
        epsilon = torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
        dropped = torch.rand(len(x), generator=generator, device=generator.device).to(x.device)
        labels = torch.where(dropped < self.config.label_dropout, self.num_classes, labels)
        x_t = alpha * x_0 + sigma * epsilon
        _, scaled_gradient = self(x_t, log_snr, labels)
        v_pred = (scaled_gradient - sigma * x_t) / alpha  # of the noise that the gradient stands for
        v = alpha * epsilon - sigma * x_0
        weight = (alpha + sigma).square()
        denoising = (weight * (v_pred - v).square()).mean()
        teacher = self.__dict__.get("teacher")
        if teacher is None:
            return {"loss": denoising, "denoising": denoising.detach()}
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            mean = teacher.sampling_net(x_t, log_snr, labels)
        return {"loss": (weight * (v_pred - mean).square()).mean(), "denoising": denoising.detach()}

    # --- energies

    def scaled_gradient(
        self, x: Tensor, log_snr: float, labels: Tensor, guidance_scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Energy (B,) and sigma times its gradient (B,C,H,W) at one level; both linear in the guidance."""
        net, level = self.sampling_net, torch.full_like(labels, log_snr, dtype=torch.float32)
        if guidance_scale == 1:
            return _energy_and_scaled_gradient(net, x, level, labels)
        both = torch.cat([labels, torch.full_like(labels, self.num_classes)])
        energy, scaled_gradient = _energy_and_scaled_gradient(
            net, x.repeat(2, 1, 1, 1), level.repeat(2), both
        )
        (of_class, without), (to_class, free) = energy.chunk(2), scaled_gradient.chunk(2)
        return without + guidance_scale * (of_class - without), free + guidance_scale * (to_class - free)

    def energy(self, x: Tensor, net: nn.Module | None = None) -> Tensor:
        """E at ``SCORED_AT`` without a class of pictures in [-1, 1], (B,C,H,W) -> (B,) in nats.

        No noise is added, so that the same picture has the same energy.  ``net`` is the one in float32 unless given.
        """
        none = torch.full((len(x),), self.num_classes, device=x.device)
        level = torch.full_like(none, SCORED_AT, dtype=torch.float32)
        residual = _residual(net or self.net, math.sqrt(sigmoid(SCORED_AT)) * x, level, none)
        return residual.square().flatten(1).sum(1) / 2

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Energy in nats up to an unknown constant; low means probable.  Nothing is drawn."""
        return [Score(value, "energy", "nats") for value in self.energy(from_uint8(x)).tolist()]

    # --- chains

    @torch.no_grad()
    def sample(self, request: ScoreEBMRequest, resume: State | None = None) -> Iterator[Frame]:
        """Annealed Langevin dynamics, a frame per level; ``images`` is the state, clipped.

        Extras: ``energy`` float32 (B,), that of ``images`` as :meth:`score` gives it, and ``denoised`` uint8 (B,H,W,C),
        where the gradient pointed.

        Raises:
            ValueError: there is no such class.
        """
        yield from run(self, request, resume)

    def kept(self) -> Tensor:
        """None: no chain ran in training."""
        return self.net.stem.weight.new_zeros(0, *self.shape)

    def as_state(self, grey: Tensor) -> Tensor:
        """[0, 1] -> [-1, 1], a clean picture."""
        return grey * 2 - 1

    def begins_at(self, request: Any) -> float:
        """Log-SNR of the first level: pure noise, a test image's outline, or as much noise as the picture already has."""
        if getattr(request, "damage", None) == "noise":
            return self._seen_noise(request.amount)[1]
        return (
            DATA_AT if request.start == "data" and not hasattr(request, "damage") else self.config.log_snr_min
        )

    def enter(self, clean: Tensor, request: Any) -> Tensor:
        """See :class:`Anneals`."""
        if getattr(request, "damage", None) == "noise":  # enough is there
            return clean * self._seen_noise(request.amount)[0]
        return self._noised(clean, self.begins_at(request), request, "x_T")

    def hold(self, clean: Tensor, request: Any, step: int) -> Tensor:
        """See :class:`Anneals`."""
        level = self.levels(request).log_snr[step]
        return clean if level == math.inf else self._noised(clean, level, request, "known", step)

    def passes(self, request: Any, step: int) -> int:
        """See :class:`Anneals`; each gradient counts once, with guidance twice, and the last level has no noise to stay in."""
        gradients = step + request.langevin * min(step, request.num_steps - 1)
        return gradients if request.guidance_scale == 1 else 2 * gradients

    def _noised(self, clean: Tensor, log_snr: float, request: Any, name: str, step: int = 0) -> Tensor:
        scales = math.sqrt(sigmoid(log_snr)), math.sqrt(sigmoid(-log_snr))
        return scales[0] * clean + scales[1] * self.uniforms(request)(name, step)

    def _seen_noise(self, amount: float) -> tuple[float, float]:
        """The factor that gives (1 - amount) x + amount u, u uniform in [-1, 1], a level's variance; that level's log-SNR."""
        signal, variance = (1 - amount) ** 2, amount**2 / 3
        log_snr = math.log(max(signal, 1e-9) / max(variance, 1e-9))
        low, high = self.config.log_snr_min, self.config.log_snr_max
        return (signal + variance) ** -0.5, min(max(log_snr, low), high)

    def levels(self, request: Any) -> Grid:
        """The noise levels of a chain, ``num_steps`` + 1 with none at the end."""
        return Grid.make(request.num_steps, self.begins_at(request))

    def _labels(self, request: Any, x: Tensor) -> Tensor:
        """Classes of the chains, (B,); a damaged picture is repaired without being told its class."""
        if hasattr(request, "damage"):
            return torch.full((len(x),), self.num_classes, device=x.device)
        return torch.from_numpy(labels_of(request.label, request, self.num_classes)).to(x.device)

    def advance(self, x: Tensor, request: Any, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """To the next level along the gradient, then ``langevin`` steps there."""
        grid, i, draw = self.levels(request), step - 1, self.uniforms(request)
        labels = self._labels(request, x)
        _, scaled_gradient = self.scaled_gradient(x, grid.log_snr[i], labels, request.guidance_scale)
        denoised = (x - grid.sigma[i] * scaled_gradient) / grid.alpha[i]
        fresh = request.noise * fresh_noise(grid, i)
        x = (
            grid.alpha[step] * denoised
            + math.sqrt(max(grid.sigma[step] ** 2 - fresh**2, 0.0)) * scaled_gradient
        )
        x = x + fresh * draw("langevin", step) if fresh else x
        for k in range(request.langevin if grid.sigma[step] else 0):
            _, scaled_gradient = self.scaled_gradient(x, grid.log_snr[step], labels, request.guidance_scale)
            nudge = draw(f"further {k}", step)
            x = langevin(x, scaled_gradient / grid.sigma[step], _STRIDE * grid.sigma[step] ** 2, nudge)
        return x, {"denoised": denoised}

    def frame_of(
        self, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int
    ) -> tuple[np.ndarray, dict]:
        """See :meth:`sample`."""
        energy = self.energy(x.clamp(-1, 1), self.sampling_net).cpu().numpy()
        denoised = seen.get("denoised", torch.zeros_like(x))
        return to_uint8(x), {"energy": energy, "denoised": to_uint8(denoised)}


def langevin(x: Tensor, gradient: Tensor, stride: float, nudge: Tensor) -> Tensor:
    """A step of Langevin dynamics at temperature 1 (Welling and Teh 2011, without their minibatches)."""
    return x - stride * gradient + math.sqrt(2 * stride) * nudge


def fresh_noise(grid: Grid, i: int) -> float:
    """Standard deviation of what ancestral sampling draws between levels i and i + 1 (Song, Meng and Ermon 2021, eq. 16)."""
    alpha_bar_t, alpha_bar_s = grid.alpha[i] ** 2, grid.alpha[i + 1] ** 2
    return math.sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s))


def _residual(net: nn.Module, x_t: Tensor, log_snr: Tensor, labels: Tensor) -> Tensor:
    """r(x, lambda, c), what the network finds wrong with the picture, (B,C,H,W)."""
    alpha, sigma = (scale[:, None, None, None] for scale in alpha_sigma(log_snr))
    return sigma * x_t + alpha * net(x_t, log_snr, labels).float()


def _energy_and_scaled_gradient(
    net: nn.Module, x_t: Tensor, log_snr: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """||r||^2 / 2 and sigma J^T r, the gradient by the chain rule: torch's ``vjp`` multiplies by the Jacobian's transpose."""
    residual, times_jacobian, *_ = torch.func.vjp(lambda x: _residual(net, x, log_snr, labels), x_t)
    (gradient,) = times_jacobian(residual)
    sigma = (-log_snr).sigmoid().sqrt()[:, None, None, None]
    return residual.square().flatten(1).sum(1) / 2, sigma * gradient


MODEL = ScoreEBM
RECIPES = (
    Recipe(
        id="score-ebm-fashion",
        stored="int8",
        config=ScoreEBMConfig(num_detail_blocks=3),
        start_from="ddpm-fashion",
        steps=660,
        batch_size=64,
        learning_rate=1e-3,
        betas=(0.9, 0.99),
        optimizer="muon",
        muon_learning_rate=0.01,
        warmup_steps=30,
        final_learning_rate=0.02,
        ema=0.99,
        compile=False,  # torch 2.13's compiler stumbles over the second derivative
        snapshot={"num_samples": 10, "num_steps": 20},
        evaluate={"num_steps": 30, "guidance_scale": 1.3},
    ),
)
