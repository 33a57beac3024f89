"""Denoising diffusion: learn to undo a little Gaussian noise, at every level of it, then start from nothing but noise.

Ho, Jain and Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020; in continuous time and with the bound of
Kingma, Salimans, Poole and Ho, "Variational diffusion models", NeurIPS 2021; cosine schedule of Nichol and Dhariwal 2021;
v-prediction of Salimans and Ho 2022, with the weights of flow matching (Lipman et al. 2023; Esser et al. 2024);
classifier-free guidance of Ho and Salimans 2022, in a limited interval of noise levels if asked (Kynkäänniemi et al. 2024,
arXiv:2404.07724).  The samplers and their papers are in ``_samplers.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.contract import (
    Frame,
    LikelihoodKind,
    Recipe,
    Request,
    Score,
    State,
    class_knob,
    guidance_knob,
    knob,
    labels_of,
)
from playground.models import noise
from playground.models.diffusion.base import ClassDiffusion, check_state
from playground.models.diffusion.bound import Ends, bound_nats, read_grey_levels
from playground.models.diffusion.samplers import CHOICES, SAMPLERS, Denoise, Grid, SamplerState
from playground.models.diffusion.schedule import alpha_sigma, sigmoid, t_of

_ROUNDS, _DRAWS, _SCORED_TOGETHER = 8, 16, 8  # estimates of a bound, draws in each, pictures at a time


@dataclass(frozen=True)
class DiffusionConfig:
    """Shape of the network and of the noise."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    num_classes: int = 10
    width: int = 64  # channels at half resolution; twice as many at a quarter
    num_heads: int = 4
    embedding: int = 256
    num_detail_blocks: int = 0  # at half resolution, before the last layer
    log_snr_min: float = -10.0  # pure noise: alpha_bar = 0.00005
    log_snr_max: float = 10.0  # a clean picture: sigma = 0.007, under one grey level of 8 bits
    label_dropout: float = 0.1  # so often no class is given (Ho and Salimans 2022)
    uniform_share: float = 0.1  # share of training at log-SNRs spread evenly, which the bound needs
    log_snr_read_out: float = 8.0  # where the bound stops asking the network and reads the grey levels
    black_share: float = 0.5  # of the pixels, in that reading


def _limit(default: float, label: str, help: str) -> Any:
    return knob(default, label=label, low=0.0, high=1.0, step=0.01, help=help, fold=True)


@dataclass(frozen=True)
class DiffusionRequest(Request):
    """What to generate, and how to walk back from noise."""

    sampler: str = knob(
        "unipc",
        label="sampler",
        choices=CHOICES,
        help="The rule for one step from more noise to less; the network stays the same. DDPM adds fresh noise at every step, DDIM none; DPM-Solver++(2M) remembers the step before, UniPC remembers three and corrects itself. Few steps need the cleverer rules.",
    )
    num_steps: int = knob(
        12,
        label="num_steps",
        low=1,
        high=250,
        log=True,
        help="How many steps lead from pure noise to a picture. Every step asks the network once (twice with guidance).",
    )
    guidance_scale: float = guidance_knob(
        1.4,
        "Pushes each picture towards its class and away from the rest. 1 is off; high values look alike and overdrawn.",
    )
    guidance_t_min: float = _limit(
        0.0,
        "guidance_t_min",
        "Below this time, where little noise is left, the network is told the class but not pushed. That saves its second look where it changes little.",
    )
    guidance_t_max: float = _limit(
        1.0,
        "guidance_t_max",
        "Above this time, where all is noise, the network is told the class but not pushed. A push there makes the pictures alike.",
    )
    label: int = class_knob(
        "What the picture should show. The network is told; it was trained with and without this hint."
    )
    eta: float = knob(
        0.0,
        label="eta",
        low=0.0,
        high=1.0,
        step=0.05,
        help="Only for DDIM: how much fresh noise each step adds. 0 makes the path fixed by its start, 1 makes it DDPM.",
    )
    num_samples: int = knob(
        10, label="num_samples", low=1, high=100, help="How many pictures are generated together."
    )


@dataclass(frozen=True)
class Guidance:
    """How far, and at which noise levels, a picture is pushed towards its class, and away from what a weaker model says.

    Ho and Salimans 2022 (arXiv:2207.12598) for the push towards the class, where ``scale`` is 1 + w of their eq. 6:
    (1 + w) v(x_t, c) - w v(x_t) = v(x_t) + scale (v(x_t, c) - v(x_t)).  Karras et al. 2024 (arXiv:2406.02507) for the other,
    Kynkäänniemi et al. 2024 (arXiv:2404.07724) for their limits.
    """

    scale: float  # 1 is off
    t_min: float = 0.0
    t_max: float = 1.0
    auto_scale: float = 1.0  # 1 is off

    def pushes_at(self, log_snr: float) -> bool:
        """Whether the network is asked a second time, without the class."""
        return self.scale != 1 and self._within(log_snr)

    def asks_weaker_at(self, log_snr: float) -> bool:
        """Whether the weaker model is asked, too."""
        return self.auto_scale != 1 and self._within(log_snr)

    def _within(self, log_snr: float) -> bool:
        return self.t_min <= t_of(log_snr) <= self.t_max

    def passes(self, grid: Grid, step: int) -> int:
        """How often a network was asked in the first ``step`` steps."""
        levels = grid.log_snr[:step]
        return step + sum(map(self.pushes_at, levels)) + sum(map(self.asks_weaker_at, levels))


class Diffusion(ClassDiffusion):
    """A network that is told the noise level and predicts v = alpha_t epsilon - sigma_t x_0."""

    system = "Denoising diffusion (DDPM)"
    paper = "Ho, Jain and Abbeel 2020; Kingma et al. 2021; Salimans and Ho 2022"
    likelihood: LikelihoodKind = "bound"
    Config: type = DiffusionConfig
    Request: type[Request] = DiffusionRequest
    guide: Any = None  # a weaker model of the same; not a part of this one's weights

    @torch.no_grad()
    def one_pass(self) -> None:
        """Eight guided pictures, for the probe."""
        x_t, labels = self.empty(8)
        self.denoiser(labels, 1.5)(x_t, 0.0)

    def forward(self, x_t: Tensor, log_snr: Tensor, labels: Tensor) -> Tensor:
        """v_pred (B,C,H,W) of ``x_t`` (B,C,H,W) at ``log_snr`` (B,); the label ``num_classes`` means "no class"."""
        return self.net(x_t, log_snr, labels)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Flow matching's loss in v: ``x`` uint8 (B,C,H,W), ``labels`` int64 (B,) -> ``loss``.

        Flow matching draws logit(t) ~ N(0, 1) and weighs its velocity evenly (Esser et al. 2024).  In the log-SNR that is
        lambda ~ N(0, 2^2) and, in v, the weight (alpha + sigma)^2 (Kingma and Gao 2023, table 1).
        """
        x_0 = self.to_x_0(x)
        log_snr = self.training_log_snr(len(x), generator).to(x.device)
        alpha, sigma = (scale[:, None, None, None] for scale in alpha_sigma(log_snr))
        epsilon = torch.randn(x_0.shape, generator=generator, device=generator.device).to(x.device)
        dropped = torch.rand(len(x), generator=generator, device=generator.device).to(x.device)
        labels = torch.where(dropped < self.config.label_dropout, self.num_classes, labels)
        x_t = alpha * x_0 + sigma * epsilon
        v = alpha * epsilon - sigma * x_0  # Salimans and Ho 2022, section 4
        v_pred = self(x_t, log_snr, labels)
        return {"loss": ((alpha + sigma).square() * (v_pred.float() - v).square()).mean()}

    # --- sampling

    @torch.no_grad()
    def sample(self, request: DiffusionRequest, resume: State | None = None) -> Iterator[Frame]:
        """Pure noise first, then one frame per step; ``images`` is x_t, the extra ``x_0_pred`` what it would become.

        Extras: ``x_0_pred`` uint8 (B,H,W,C), even grey before the first step, and ``t``, ``alpha_bar``, ``sigma`` and
        ``log_snr`` of x_t.  Every frame has a state; continuing it under another request (sampler, guidance, label)
        branches off.  Whoever edits its ``x_t`` takes the keys ``history_*`` and ``x_before`` out, which belong to the old one.

        Raises:
            ValueError: there is no such class, or the state is not one of this many steps and samples.
        """
        config, device = self.config, self.device
        draw = self.uniforms(request)
        grid = Grid.make(request.num_steps, config.log_snr_min)
        moment = SamplerState(0, draw("x_T")) if resume is None else restored(resume, grid, request, device)
        labels = torch.from_numpy(labels_of(request.label, request, config.num_classes)).to(device)
        guidance = Guidance(
            request.guidance_scale,
            request.guidance_t_min,
            request.guidance_t_max,
            getattr(request, "autoguidance_scale", 1.0) if self.guide is not None else 1.0,
        )
        if resume is None:
            yield self._frame(moment, grid, 0)
        denoise = self.denoiser(labels, guidance)
        run = SAMPLERS[request.sampler](denoise, grid, moment, lambda step: draw("noise", step), request.eta)
        for moment in run:
            yield self._frame(moment, grid, guidance.passes(grid, moment.step))

    def denoiser(self, labels: Tensor, guidance: Guidance | float = 1.0) -> Denoise:
        """The function (x_t, log_snr) -> x_0_pred for these classes (B,), guided; a number is a scale for every level."""

        net = self.sampling_net
        guidance = guidance if isinstance(guidance, Guidance) else Guidance(guidance)

        def denoise(x_t: Tensor, log_snr: float) -> Tensor:
            alpha, sigma = math.sqrt(sigmoid(log_snr)), math.sqrt(sigmoid(-log_snr))
            level = torch.full_like(labels, log_snr, dtype=torch.float32)
            with_class: Tensor
            if not guidance.pushes_at(log_snr):
                v_pred = with_class = net(x_t, level, labels)
            else:  # with and without the class, in one batch
                both = torch.cat([labels, torch.full_like(labels, self.num_classes)])
                with_class, without = net(x_t.repeat(2, 1, 1, 1), level.repeat(2), both).chunk(2)
                v_pred = without + guidance.scale * (with_class - without)
            if guidance.asks_weaker_at(log_snr):
                weaker = self.guide.sampling_net(x_t, level, labels)
                v_pred = v_pred + (guidance.auto_scale - 1) * (with_class - weaker)
            return alpha * x_t - sigma * v_pred  # Salimans and Ho 2022, section 4

        return denoise

    # --- likelihood

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Upper bounds on bits/dim of ``x`` uint8 (B,C,H,W), given its ``labels`` or, without them, no class.

        The derivation stands in ``_bound.py``.  Each is the mean of 8 estimates with 16 draws, evenly spread over the log-SNR;
        the standard error is that of this mean.
        """
        device = self.device
        x = x.to(device)
        none = torch.full((len(x),), self.num_classes, device=device)
        labels = none if labels is None else labels.to(device)
        scores = []
        for start in range(0, len(x), _SCORED_TOGETHER):
            part = slice(start, start + _SCORED_TOGETHER)
            indices = noise.identities(x[part])
            rounds = [self._bound(x[part], labels[part], seed, indices, k) for k in range(_ROUNDS)]
            bits = torch.stack(rounds).cpu().double() / (x[0].numel() * math.log(2))  # (rounds, B)
            for mean, spread in zip(bits.mean(0).tolist(), bits.std(0).tolist(), strict=True):
                scores.append(Score(mean, "bound", "bits/dim", spread / math.sqrt(_ROUNDS)))
        return scores

    def _bound(self, x: Tensor, labels: Tensor, seed: int, indices: list[int], k: int) -> Tensor:
        """The k-th estimate in nats, (B,)."""
        config, labels = self.config, labels.repeat_interleave(_DRAWS)
        offset = noise.uniform(seed, indices, "log_snr", (1,), k)  # (B, 1)
        strata = ((np.arange(_DRAWS) + offset) / _DRAWS).astype(np.float32)  # (B, draws)
        u = torch.from_numpy(strata).to(x.device)
        shape = (_DRAWS + 1, *self.shape)
        epsilon = torch.from_numpy(noise.normal(seed, indices, "noise", shape, k)).to(x.device)
        ends = Ends(config.log_snr_min, config.log_snr_read_out)
        return bound_nats(
            lambda x_t, log_snr: self(x_t, log_snr, labels),
            self.to_x_0(x),
            ends,
            u,
            epsilon,
            lambda z: self.read_out(x, z, ends.noise_to_signal),
        )

    def read_out(self, x: Tensor, z: Tensor, noise_to_signal: float) -> Tensor:
        """-log p(x | z) in nats, (B,), where ``z`` (B, *shape) is x_0 under a little noise."""
        return read_grey_levels(x, z, noise_to_signal, self.config.black_share)

    def _frame(self, moment: SamplerState, grid: Grid, passes: int) -> Frame:
        i = moment.step
        x_0_pred = moment.history[0] if moment.history else torch.zeros_like(moment.x_t)
        extras = {"x_0_pred": self.to_pictures(x_0_pred), **self.moment(grid, i)}
        pictures = self.to_pictures(moment.x_t)
        return Frame(i, grid.num_steps, passes, pictures, extras, state_of(moment, grid))


def state_of(moment: SamplerState, grid: Grid) -> State:
    """What :meth:`Diffusion.sample` continues from: copies, since on the CPU ``numpy()`` would share memory with the running sampler."""
    state: State = {
        "step": moment.step,
        "total": grid.num_steps,
        "alpha": float(grid.alpha[moment.step]),
        "x_t": moment.x_t.cpu().numpy().copy(),
    }
    for k, x_0_pred in enumerate(moment.history):
        state[f"history_{k}"] = x_0_pred.cpu().numpy().copy()
    if moment.x_before is not None:
        state["x_before"] = moment.x_before.cpu().numpy().copy()
        state["alpha_before"] = float(grid.alpha[max(moment.step - 1, 0)])
    return state


def restored(state: State, grid: Grid, request: Request, device: torch.device) -> SamplerState:
    """The inverse of :func:`state_of`.

    Raises:
        ValueError: the state is not one of this many steps and samples.
    """
    check_state(state, grid.num_steps, request.num_samples)
    tensors = {
        name: torch.from_numpy(x.copy()).to(device) for name, x in state.items() if isinstance(x, np.ndarray)
    }
    history = tuple(tensors[f"history_{k}"] for k in range(3) if f"history_{k}" in tensors)
    return SamplerState(int(state["step"]), tensors["x_t"], history, tensors.get("x_before"))


MODEL = Diffusion
RECIPES = (
    Recipe(
        id="ddpm-fashion",
        config=DiffusionConfig(num_detail_blocks=3),
        steps=8000,
        batch_size=128,
        learning_rate=2e-3,
        betas=(0.9, 0.99),
        optimizer="muon",
        muon_learning_rate=0.02,
        warmup_steps=300,
        final_learning_rate=0.02,
        ema=0.999,
        snapshot={"sampler": "unipc", "num_steps": 12, "guidance_scale": 1.5},
        num_scored=200,  # a bound costs 128 passes
    ),
)
