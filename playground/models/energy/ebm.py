"""A deep energy: Du and Mordatch 2019, "Implicit Generation and Modeling with Energy-Based Models" (arXiv:1903.08689).

A convolutional network gives each picture an energy; pictures are drawn by Langevin dynamics, which walks downhill with a
little noise.  Training lowers the energy of data and raises that of what the chains find (contrastive divergence), with
a replay buffer so that chains grow long over many updates.  Nijkamp et al. 2019 (arXiv:1904.09770) explain what such
short runs are: the noise is far smaller than the gradient step asks for, so the chains sample at a low temperature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Score, State, knob
from playground.models import noise
from playground.models.blocks import from_uint8
from playground.models.energy.chains import ChainRequest, run, to_pictures
from playground.models.network import Network

_CLIP = 0.03  # of the gradient that a Langevin step follows, as in the paper's code


@dataclass(frozen=True)
class EBMConfig:
    """Shape of the network, and how its chains run in training."""

    image_size: int = 28
    channels: int = 1
    dataset: str = "fashion"  # whose test images a chain may start from
    width: int = 32
    num_langevin: int = 40
    step_size: float = 10.0
    noise: float = 0.005
    buffer_size: int = 4096
    restarts: float = 0.05  # share of chains that begin anew from noise
    energy_penalty: float = 0.1


@dataclass(frozen=True)
class EBMRequest(ChainRequest):
    """How the chains run."""

    num_steps: int = knob(
        200,
        label="num_steps",
        low=1,
        high=1000,
        log=True,
        help="Langevin steps. Training's chains are short; far longer ones show whether the model's valleys are pictures.",
    )
    step_size: float = knob(
        10.0,
        label="step_size",
        low=0.5,
        high=40.0,
        log=True,
        help="How far each step follows the gradient of the energy downhill.",
    )
    noise: float = knob(
        0.005,
        label="noise",
        low=0.0,
        high=0.1,
        step=0.001,
        help="How much chance there is in each step: the standard deviation of the noise, where grey runs from -1 to 1. Theory asks for far more, sqrt(2 step size), which would drown these pictures; so little makes the chain slide downhill and hardly wander.",
    )


class EBM(Network):
    """The energy network and its Langevin chains."""

    family = "energy"
    system = "Deep energy-based model"
    paper = "Du and Mordatch 2019, arXiv:1903.08689"
    likelihood = "energy"
    Config = EBMConfig
    Request = EBMRequest
    num_threads: int | None = None
    sample_bytes = 2**20
    num_compared = 500

    def __init__(self, config: EBMConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = (config.channels, config.image_size, config.image_size)
        width = config.width
        self.layers = nn.Sequential(
            nn.Conv2d(config.channels, width, 5, 2, 2),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 3, 2, 1),
            nn.SiLU(),
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1),
            nn.SiLU(),
            nn.Conv2d(4 * width, 4 * width, 3, 2, 1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(4 * width * (-(-config.image_size // 16)) ** 2, 4 * width),
            nn.SiLU(),
            nn.Linear(4 * width, 1),
        )
        self.replay: Tensor
        self.register_buffer("replay", torch.zeros(config.buffer_size, *self.shape, dtype=torch.uint8))

    def forward(self, x: Tensor) -> Tensor:
        """Energy of pictures in [-1, 1], (B,C,H,W) -> (B,) in nats, up to an unknown constant."""
        return self.layers(x)[:, 0]

    # --- training

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Contrastive divergence with a replay buffer, and a penalty that keeps energies near zero (section 3)."""
        config, device = self.config, x.device
        real = from_uint8(x)
        real = (real + config.noise * torch.randn(x.shape, generator=generator).to(device)).clamp(-1, 1)
        place = torch.randint(0, config.buffer_size, (len(x),), generator=generator).to(device)
        fresh = torch.rand(x.shape, generator=generator).to(device) * 2 - 1
        fake = from_uint8(self.replay[place])
        anew = torch.rand(len(x), generator=generator).to(device) < config.restarts
        anew = anew | (
            self.replay[place].flatten(1).amax(1) == 0
        )  # places of the buffer that nothing has filled yet
        fake = torch.where(anew[:, None, None, None], fresh, fake)
        for _ in range(config.num_langevin):
            nudge = torch.randn(x.shape, generator=generator).to(device)
            fake = self.langevin(fake, nudge, config.step_size, config.noise)
        if self.training:
            self.replay[place] = ((fake + 1) * 127.5).round().to(torch.uint8)
        with torch.autocast(device.type, enabled=False):  # only the chains may be rounded
            on_real, on_fake = self(real), self(fake)
        penalty = config.energy_penalty * (on_real.square() + on_fake.square()).mean()
        gap = on_real.mean() - on_fake.mean()
        return {"loss": gap + penalty, "real": on_real.mean(), "fake": on_fake.mean()}

    def langevin(self, x: Tensor, nudge: Tensor, step_size: float, noise: float) -> Tensor:
        """One step: noise, then downhill along the clipped gradient; (B,C,H,W) in [-1, 1]."""
        with torch.enable_grad():
            x = (x + noise * nudge).clamp(-1, 1).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self(x).float().sum(), x)
        return (x.detach() - step_size * gradient.float().clamp(-_CLIP, _CLIP)).clamp(-1, 1)

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Energy in nats up to an unknown constant; low means probable.  Nothing is drawn."""
        return [Score(value, "energy", "nats") for value in self(from_uint8(x)).float().tolist()]

    # --- chains

    @torch.no_grad()
    def sample(self, request: EBMRequest, resume: State | None = None) -> Iterator[Frame]:
        """Langevin dynamics, a frame per step.  Extras: ``energy`` float32 (B,)."""
        yield from run(self, request, resume)

    def kept(self) -> Tensor:
        """See :class:`Chain`."""
        return self.replay

    def as_state(self, grey: Tensor) -> Tensor:
        """[0, 1] -> [-1, 1]."""
        return grey * 2 - 1

    def advance(self, x: Tensor, request: Any, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """One Langevin step."""
        indices = range(request.first_index, request.first_index + len(x))
        nudge = torch.from_numpy(noise.normal(request.seed, indices, "langevin", self.shape, step))
        return self.langevin(x, nudge.to(x.device), request.step_size, request.noise), {}

    def frame_of(
        self, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int
    ) -> tuple[np.ndarray, dict]:
        """See :meth:`sample`."""
        return to_pictures((x + 1) / 2, self.shape), {"energy": self(x).float().cpu().numpy()}


MODEL = EBM
RECIPES = (
    Recipe(
        id="ebm-fashion",
        config=EBMConfig(),
        steps=3000,
        batch_size=64,
        learning_rate=3e-4,
        betas=(0.0, 0.999),
        final_learning_rate=0.05,
        max_grad_norm=0.1,
        ema=0.998,
        compile=False,
        snapshot={"num_samples": 10, "start": "noise", "num_steps": 200},
        evaluate={"start": "buffer", "num_steps": 60},
    ),
)
