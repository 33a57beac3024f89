"""A diffusion model's path from noise to picture in one, two or four jumps: a consistency trajectory model.

Song, Dhariwal, Chen and Sutskever, "Consistency models", ICML 2023, learn the function that takes any point of a path of
the probability-flow ODE to its end.  Kim et al., "Consistency trajectory models", ICLR 2024, learn G(x_t, t, s), the jump
from any point to any later one, of which the consistency function is G(x_t, t, 0).  In angles, theta_t = pi t / 2, with
x_t = cos(theta_t) x_0 + sin(theta_t) epsilon, every jump is a turn (Lu and Song 2024, "TrigFlow"):

    G(x_t, t, s) = cos(theta_t - theta_s) x_t - sin(theta_t - theta_s) v_pred(x_t, t, s)

which is the identity at s = t, whatever the network says.  Where v_pred does not depend on s, it is the DDIM step of a
diffusion model: so the network starts as the diffusion model that it distils.

Both papers train on targets that the network itself makes.  Here the targets are points on paths that the teacher walks
during training (Luhman and Luhman 2021 used the ends of such paths, one jump each; here one path serves for eight): they
are exact from the first step on, which a training of half an hour needs.  The teacher walks with classifier-free guidance,
which is thereby built in (Meng et al. 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from playground.contract import Frame, LikelihoodKind, Recipe, Request, State, class_knob, knob, labels_of
from playground.models.diffusion.base import ClassDiffusion, check_state
from playground.models.diffusion.samplers import SAMPLERS, Grid, SamplerState
from playground.models.precision import bfloat16_pays

_JUMPS = 8  # that one path of the teacher serves for


@dataclass(frozen=True)
class ConsistencyConfig:
    """Shape of the network, that of its teacher, and how the teacher walks."""

    image_size: int = 28  # a multiple of 4
    channels: int = 1
    num_classes: int = 10
    width: int = 64
    num_heads: int = 4
    embedding: int = 256
    num_detail_blocks: int = 0
    log_snr_min: float = -10.0
    log_snr_max: float = 10.0
    teacher_sampler: str = "unipc"
    teacher_steps: int = 8  # a power of two
    guidance_scale: float = 1.5
    huber: float = 0.03  # errors of v well below this count by their square, those above by their size


@dataclass(frozen=True)
class ConsistencyRequest(Request):
    """What to generate, and in how many jumps."""

    num_steps: int = knob(
        2,
        label="num_steps",
        low=1,
        high=8,
        telling=(1, 2, 4, 8),
        help="How many jumps lead from pure noise to a picture. Every jump asks the network once.",
    )
    fresh_noise: float = knob(
        0.0,
        label="fresh noise",
        low=0.0,
        high=1.0,
        step=0.05,
        help="0 jumps along the path that the noise began. 1 is the sampler of consistency models: jump to the end, add new noise, jump again. In one step both are the same.",
    )
    label: int = class_knob(
        "What the picture should show. The guidance that its teacher needed a second pass for is built in."
    )
    num_samples: int = knob(
        10, label="num_samples", low=1, high=100, help="How many pictures are generated together."
    )


class Consistency(ClassDiffusion):
    """A network that is told where it is and how far to jump, and predicts v of the straight turn that leads there."""

    system = "Consistency model (few steps)"
    paper = "Song et al. 2023; Kim et al. 2024; Lu and Song 2024"
    likelihood: LikelihoodKind = "none"
    Config = ConsistencyConfig
    Request = ConsistencyRequest

    def __init__(self, config: ConsistencyConfig) -> None:
        super().__init__(config)
        self.reach = Reach(config.embedding)

    @torch.no_grad()
    def one_pass(self) -> None:
        """Sixteen pictures, for the probe."""
        x_t, labels = self.empty(16)
        self.jump(x_t, 1.0, 0.5, labels)

    def forward(self, x_t: Tensor, log_snr: Tensor, angle: Tensor, labels: Tensor) -> Tensor:
        """v_pred (B,C,H,W) of the turn by ``angle`` (B,) in radians from ``x_t`` (B,C,H,W) at ``log_snr`` (B,)."""
        v_pred: Tensor = self.net(x_t, log_snr, labels, self.reach(angle))
        return v_pred

    def jump(self, x_t: Tensor, t: float, s: float, labels: Tensor) -> tuple[Tensor, Tensor]:
        """G(x_t, t, s) for times 1 > t >= s >= 0, and the clean picture where the same turn would end: both (B,C,H,W)."""
        angle = math.pi / 2 * (t - s)
        log_snr = min(-2 * math.log(math.tan(math.pi / 2 * t)), self.config.log_snr_max) if t else math.inf
        if angle == 0:
            return x_t, x_t
        rows = torch.ones(len(x_t), device=x_t.device)
        v_pred = self.sampling_net(x_t, log_snr * rows, labels, self.reach(angle * rows))
        x_s = math.cos(angle) * x_t - math.sin(angle) * v_pred
        return x_s, math.cos(math.pi / 2 * t) * x_t - math.sin(math.pi / 2 * t) * v_pred

    # --- training

    def learn_from(self, teacher: Any) -> None:
        """Begin as this diffusion model, and keep it to walk the paths; it is not saved with the model."""
        device = self.reach.out.weight.device
        self.net.load_state_dict(teacher.net.state_dict())
        self.__dict__["teacher"] = teacher.to(device).requires_grad_(False)
        teacher.set_precision("bf16" if bfloat16_pays(device.type) else "fp32")

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of as many jumps as there are pictures; of these, one in eight lends its label, ``x`` its shape.

        Pseudo-Huber per picture (Song and Dhariwal 2024, section 3.3), on v, that is on the error of the jump divided by
        the sine of its angle.
        """
        labels = labels[
            :: _JUMPS if self.training else 4 * _JUMPS
        ]  # the teacher's time is dear: validate on fewer
        epsilon = torch.randn((len(labels), *x.shape[1:]), generator=generator, device=generator.device)
        grid = Grid.make(self.config.teacher_steps, self.config.log_snr_min)
        path = self._walk(epsilon.to(x.device), labels, grid)  # (P, steps + 1, C, H, W)
        begin, end = _jumps(len(labels), grid.num_steps, generator)  # (P, jumps) each
        rows = torch.arange(len(labels))[:, None]
        x_t, x_s = (path[rows, level].flatten(0, 1) for level in (begin, end))  # (P jumps, C, H, W)
        angles = math.pi / 2 * torch.tensor(grid.t, dtype=torch.float32)
        angle = (angles[begin] - angles[end]).flatten().to(x.device)
        log_snr = torch.tensor(grid.log_snr[:-1])[begin].flatten().to(x.device, torch.float32)
        cos, sin = (scale[:, None, None, None] for scale in (angle.cos(), angle.sin()))
        v = (cos * x_t - x_s) / sin
        v_pred = self(x_t, log_snr, angle, labels.repeat_interleave(begin.shape[1]))
        error = (v_pred.float() - v).square().flatten(1).mean(1)  # (P jumps,)
        huber = (error + self.config.huber**2).sqrt() - self.config.huber
        whole = error.view(begin.shape)[:, 0].mean()  # from noise to picture in one jump
        return {"loss": huber.mean(), "error": error.mean(), "one_jump": whole}

    @torch.no_grad()
    def _walk(self, x_T: Tensor, labels: Tensor, grid: Grid) -> Tensor:
        """The teacher's path from ``x_T``, (P, steps + 1, C, H, W)."""
        teacher = self.__dict__["teacher"]
        with torch.autocast(x_T.device.type, enabled=False):
            denoise = teacher.denoiser(labels, self.config.guidance_scale)
            run = SAMPLERS[self.config.teacher_sampler](
                denoise, grid, SamplerState(0, x_T), lambda step: torch.zeros_like(x_T)
            )
            return torch.stack([x_T, *(moment.x_t for moment in run)], dim=1)

    # --- sampling

    @torch.no_grad()
    def sample(self, request: ConsistencyRequest, resume: State | None = None) -> Iterator[Frame]:
        """Pure noise first, then one frame per jump; ``images`` is x_t, the extra ``x_0_pred`` where its jump points to.

        Extras: ``x_0_pred`` uint8 (B,H,W,C), even grey before the first jump, and ``t``, ``alpha_bar``, ``sigma`` and
        ``log_snr`` of x_t.  Every frame has a state; continuing it under another class or fresh noise branches off.

        Raises:
            ValueError: there is no such class, or the state is not one of this many steps and samples.
        """
        config, device = self.config, self.device
        draw = self.uniforms(request)
        grid = Grid.make(request.num_steps, config.log_snr_min)
        labels = torch.from_numpy(labels_of(request.label, request, config.num_classes)).to(device)
        if resume is None:
            first, x = 0, draw("x_T")
            yield self._frame(0, x, torch.zeros_like(x), grid)
        else:
            first, x = _restored(resume, request, device)
        for i in range(first, request.num_steps):
            s = grid.t[i + 1]
            target = gamma_target(s, request.fresh_noise)
            x, x_0_pred = self.jump(x, grid.t[i], target, labels)
            if request.fresh_noise and s > 0:
                x = _renoised(x, target, s, draw("noise", i))
            yield self._frame(i + 1, x, x_0_pred, grid)

    def _frame(self, i: int, x: Tensor, x_0_pred: Tensor, grid: Grid) -> Frame:
        extras = {"x_0_pred": self.to_pictures(x_0_pred), **self.moment(grid, i)}
        state: State = {"step": i, "total": grid.num_steps, "x_t": x.cpu().numpy().copy()}
        return Frame(i, grid.num_steps, i, self.to_pictures(x), extras, state)


class Reach(nn.Module):
    """How far a jump goes, as a vector for the network's embedding: (B,) radians -> (B, E); starts at zero."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(16, embedding)
        self.out = nn.Linear(embedding, embedding)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, angle: Tensor) -> Tensor:
        times = torch.arange(1, 9, device=angle.device)
        waves = angle.float()[:, None] * times  # (B, 8)
        return self.out(nn.functional.silu(self.hidden(torch.cat([waves.sin(), waves.cos()], dim=1))))


def _jumps(count: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Where the jumps of ``count`` paths begin and end, as levels 0..steps, int64 (count, 8) each on the CPU.

    The whole way, both halves, one of the quarters (what one, two and four steps need) and four at random.
    """
    half, quarter = steps // 2, steps // 4
    which = torch.randint(4, (count,), generator=generator)
    fixed = torch.tensor([[0, steps], [0, half], [half, steps]]).expand(count, -1, -1)
    quarters = torch.stack([which, which + 1], dim=1)[:, None] * quarter
    pairs = torch.combinations(torch.arange(steps + 1))  # (n, 2), rising
    chosen = pairs[torch.randint(len(pairs), (count, 4), generator=generator)]
    both = torch.cat([fixed, quarters, chosen], dim=1)  # (count, 8, 2)
    return both[..., 0], both[..., 1]


def gamma_target(s: float, gamma: float) -> float:
    """Where a jump to time ``s`` (0 <= s < 1) ends that leaves the share ``gamma``^2 of the noise at ``s`` to be drawn anew.

    Gamma-sampling (Kim et al. 2024, algorithm 3) jumps to sqrt(1 - gamma^2) times the noise level of s.  Their level is that
    of the variance-exploding form, noise over signal, which is tan(theta_s) here.
    """
    theta = math.pi / 2 * s
    return math.atan(math.sqrt(1 - gamma**2) * math.tan(theta)) * 2 / math.pi


def _renoised(x: Tensor, t: float, s: float, epsilon: Tensor) -> Tensor:
    """From time ``t`` forward to ``s`` > t: the same picture under more noise (B,C,H,W)."""
    kept = math.cos(math.pi / 2 * s) / math.cos(math.pi / 2 * t)
    added = math.sin(math.pi / 2 * s) ** 2 - (kept * math.sin(math.pi / 2 * t)) ** 2
    return kept * x + math.sqrt(max(added, 0.0)) * epsilon


def _restored(state: State, request: ConsistencyRequest, device: torch.device) -> tuple[int, Tensor]:
    check_state(state, request.num_steps, request.num_samples)
    return int(state["step"]), torch.from_numpy(state["x_t"].copy()).to(device)


MODEL = Consistency
RECIPES = (
    Recipe(
        id="consistency-fashion",
        stored="int8",
        config=ConsistencyConfig(num_detail_blocks=3),
        start_from="ddpm-fashion",
        steps=380,
        batch_size=128,
        learning_rate=2e-3,
        betas=(0.9, 0.99),
        optimizer="muon",
        muon_learning_rate=0.015,
        warmup_steps=30,
        final_learning_rate=0.02,
        ema=0.99,
        snapshot={"num_steps": 2},
        evaluate={"num_steps": 2},
    ),
)
