"""A World Model: Ha and Schmidhuber 2018, "World Models", arXiv:1803.10122: three parts that learn one after the other.

*V* (vision), a VAE, squeezes a frame into 32 numbers z.  *M* (memory), an LSTM with a mixture of normal distributions for each
number of the next z (a mixture-density network), learns what comes of what one does; here it also says how far along the road
the next frame leads, and whether the car is on it.  *C* (controller) is one linear layer from z and M's state to wheel, gas and
brake, found by an evolution strategy (Salimans et al. 2017, arXiv:1703.03864) that never sees the world: it drives in M's dream.

All of it is one network and one run of training: V for the first batches, then M on the codes of the finished V, then, once,
C.  The recipe's examples are stretches of a drive, with what was done in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Request, Score, State, knob
from playground.data import Split, car
from playground.models import noise
from playground.models.blocks import from_uint8
from playground.models.network import Network
from playground.models.vae import evolution
from playground.models.vae.dream import PROGRESS, Dream, steering_of
from playground.models.vae.vae import gaussian_kl

STRETCH = 32  # frames of a training example
PER_STRETCH = 6  # of which V sees so many in a batch
NUM_CODES_SCORED = 4


@dataclass(frozen=True)
class WorldModelConfig:
    """Shapes of the three parts, and when each learns."""

    latent: int = 32
    width: int = 24  # of V's first layer; each of the next three has twice as many
    memory: int = 256
    components: int = 5  # of the mixture of each number
    sigma: float = 0.1  # spread of a pixel around its reconstruction in V's loss; pixels are in [-1, 1]
    vision_batches: int = 2000
    generations: int = 120  # of the evolution


@dataclass(frozen=True)
class DreamRequest(Request):
    """How to dream."""

    temperature: float = knob(
        0.8,
        label="temperature",
        low=0.05,
        high=2.0,
        step=0.05,
        telling=(0.1, 0.5, 1.0, 1.5),
        help="Of the mixture over the next z: low, and the dream keeps to what is likeliest; high, and roads bend, split and vanish. 1 is the model as trained.",
    )
    drive: int = knob(
        0,
        label="begins like drive",
        low=0,
        high=5,
        help="Which recorded drive's first frames the dream begins with.",
    )
    num_frames: int = knob(
        120,
        label="num_frames",
        low=1,
        high=1000,
        help="How many frames are dreamt; what is steered by a file is as long as the file.",
    )
    steering: str = knob(
        "",
        label="steering",
        longest=60_000,
        help="What is done at each frame: wheel -1..1, gas 0..1 and brake 0..1 as numbers, frames parted by semicolons. On the command line the name of a .npy file, float32 (T,3). Empty: the controller drives.",
    )
    num_samples: int = knob(1, label="num_samples", low=1, high=16, help="How many dreams, side by side.")


class WorldModel(Network):
    """Dreams of driving: z of the next frame given z, what is done, and the memory of what was."""

    family = "vae"
    system = "World Model"
    paper = "Ha and Schmidhuber 2018, arXiv:1803.10122"
    Config = WorldModelConfig
    Request = DreamRequest
    likelihood = "bound"
    num_threads: int | None = 1
    sample_bytes = 2**22

    batches: Tensor
    log_scale: Tensor

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.config = config
        w, latent = config.width, config.latent
        down = [
            nn.Sequential(nn.Conv2d(a, b, 4, 2, 1), nn.ReLU())
            for a, b in ((3, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w))
        ]
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(8 * w * 16, 2 * latent))
        self.spread = nn.Linear(latent, 8 * w * 16)
        up = [
            nn.Sequential(nn.Conv2d(a, 4 * b, 3, padding=1), nn.PixelShuffle(2), nn.ReLU())
            for a, b in ((8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w))
        ]
        self.decoder = nn.Sequential(*up, nn.Conv2d(w, 12, 3, padding=1), nn.PixelShuffle(2))
        self.memory = nn.LSTM(latent + 3, config.memory, batch_first=True)
        self.mixture = nn.Linear(config.memory, 3 * latent * config.components)
        self.outcome = nn.Linear(config.memory, 2)  # progress, and the logit of being on the road
        self.controller = nn.Linear(latent + config.memory, 3)
        nn.init.zeros_(self.controller.weight)
        nn.init.zeros_(self.controller.bias)
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer(
            "log_scale", torch.tensor(math.log(0.05))
        )  # of a logistic around a reconstruction

    # --- V

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Frames uint8 (B,3,64,64) -> mean and log variance of q(z given x), each (B,latent)."""
        mu, logvar = self.encoder(from_uint8(x)).float().chunk(2, -1)
        return mu, logvar.clamp(-12, 4)

    def picture(self, z: Tensor) -> Tensor:
        """Codes (B,latent) -> frames in [-1, 1], (B,3,64,64)."""
        return self.decoder(F.relu(self.spread(z)).unflatten(1, (-1, 4, 4))).float()

    @torch.no_grad()
    def frames_of(self, z: Tensor) -> np.ndarray:
        """Codes (B,latent) -> frames uint8 (B,64,64,3)."""
        pixels = (self.picture(z).clamp(-1, 1) + 1) * 127.5
        return pixels.round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()

    @torch.no_grad()
    def reconstructed(self, frames: np.ndarray) -> np.ndarray:
        """Frames uint8 (B,64,64,3) as they are painted again from the middle of their codes."""
        x = torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))).to(self.log_scale.device)
        return self.frames_of(self.encode(x)[0])

    # --- M

    def remember(self, z: Tensor, actions: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Codes (B,T,latent) and what is done in each (B,T,3) -> what M shows after each (B,T,memory), and its state."""
        return self.memory(torch.cat([z, actions], -1), state)

    def next_code(self, shown: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What M shows (...,memory) -> log-weights, means and log-spreads of the next code, each (...,latent,components)."""
        parts = self.mixture(shown).unflatten(-1, (3, self.config.latent, self.config.components))
        weight, mean, spread = parts.unbind(-3)
        return torch.log_softmax(weight.float(), -1), mean.float(), spread.float().clamp(-5, 3)

    def nats(self, shown: Tensor, z: Tensor) -> Tensor:
        """-log p of the next codes (...,latent), summed over their numbers."""
        weight, mean, spread = self.next_code(shown)
        log_normal = (
            -0.5 * ((z[..., None] - mean) * torch.exp(-spread)).square()
            - spread
            - 0.5 * math.log(2 * math.pi)
        )
        return -torch.logsumexp(weight + log_normal, -1).sum(-1)

    # --- learning

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Stretches of drives: frames uint8 (N,3 T,64,64), and float32 (N,T,5): wheel, gas, brake, progress, on the road."""
        every = car.drives(split)
        count = every.frames.shape[1] // STRETCH
        cut = lambda a: a[:, : count * STRETCH].reshape(-1, STRETCH, *a.shape[2:])  # noqa: E731
        frames = torch.from_numpy(np.ascontiguousarray(cut(every.frames).transpose(0, 1, 4, 2, 3))).flatten(
            1, 2
        )
        said = [cut(every.actions), cut(every.progress)[..., None] / PROGRESS, cut(every.on_road)[..., None]]
        return frames, torch.from_numpy(np.concatenate([s.astype(np.float32) for s in said], -1))

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Of V in its batches, of M after them; of both where nothing is learned."""
        frames = x.unflatten(1, (-1, 3))  # (B,T,3,64,64)
        if not self.training:
            vision, memory = (
                self._vision_loss(frames[:, :: STRETCH // 4], generator),
                self._memory_loss(frames, labels, generator),
            )
            return {"loss": vision["vision"] / 1000 + memory["memory"], **vision, **memory}
        self.batches += 1
        if self.batches <= self.config.vision_batches:
            chosen = torch.randperm(frames.shape[1], generator=generator)[:PER_STRETCH]
            found = self._vision_loss(frames[:, chosen.to(x.device)], generator)
            return {"loss": found["vision"] / 1000, **found}
        found = self._memory_loss(frames, labels, generator)
        return {"loss": found["memory"], **found}

    def _vision_loss(self, frames: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        pixels = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        mu, logvar = self.encode(pixels)
        z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=generator).to(mu.device)
        error = (self.picture(z) - from_uint8(pixels)).square()
        kl = gaussian_kl(mu, logvar).sum(1).mean()
        vision = error.sum((1, 2, 3)).mean() / (2 * self.config.sigma**2) + kl
        return {"vision": vision, "psnr": -10 * torch.log10(error.mean() / 4), "kl": kl}

    def _memory_loss(self, frames: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        with torch.no_grad():
            mu, logvar = self.encode(frames.flatten(0, 1).contiguous(memory_format=torch.channels_last))
            z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=generator).to(mu.device)
            z = z.unflatten(0, frames.shape[:2])
        shown, _ = self.remember(z[:, :-1], labels[:, 1:, :3])  # what is done leads to the next frame
        code = self.nats(shown, z[:, 1:]).mean()
        progress, on_road = self.outcome(shown).float().unbind(-1)
        miss = (progress - labels[:, 1:, 3]).square().mean()
        road = F.binary_cross_entropy_with_logits(on_road, labels[:, 1:, 4])
        return {"memory": code + 5 * miss + 2 * road, "next_code": code, "progress": miss, "road": road}

    @torch.no_grad()
    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """After training: the scale of V's errors, then C by evolution in dreams that begin like drives of ``x``."""
        pixels = x[:400].unflatten(1, (-1, 3))[:, 0]
        error = (self.picture(self.encode(pixels)[0]) - from_uint8(pixels)).abs().mean()
        self.log_scale.copy_(torch.log(error / (2 * math.log(2))))  # a logistic's mean absolute deviation
        evolution.evolve(self, x, labels, generator)

    # --- C

    def act(self, z: Tensor, h: Tensor, weights: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Wheel, gas and brake (B,3) that C would do at codes (B,latent) with M's state (B,memory); ``weights`` of other C's, one a row."""
        seen = torch.cat([z, h], -1)
        if weights is None:
            raw = self.controller(seen)
        else:
            raw = torch.einsum("boi,bi->bo", weights[0], seen) + weights[1]
        return torch.cat(
            [torch.tanh(raw[:, :1]), torch.sigmoid(raw[:, 1:2]), torch.sigmoid(raw[:, 2:] - 2)], -1
        )

    # --- likelihood

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """A bound of V's on frames uint8 (B,3,64,64) in bits/dim, each alone, by a logistic around their reconstruction."""
        mu, logvar = self.encode(x)
        kl = gaussian_kl(mu, logvar).sum(1)
        drawn = noise.normal(seed, noise.identities(x), "code", (NUM_CODES_SCORED, mu.shape[1]))
        costs = [
            self.frame_nats(mu + torch.exp(logvar / 2) * one, x) + kl
            for one in torch.from_numpy(drawn).to(x.device).unbind(1)
        ]
        bits = torch.stack(costs, 1) / (math.log(2) * x[0].numel())
        error = bits.std(1) / math.sqrt(NUM_CODES_SCORED)
        return [
            Score(v, "bound", "bits/dim", e)
            for v, e in zip(bits.mean(1).tolist(), error.tolist(), strict=True)
        ]

    @torch.no_grad()
    def frame_nats(self, z: Tensor, x: Tensor) -> Tensor:
        """-log p(8-bit frame given its code), uint8 (B,3,64,64) -> (B,)."""
        centre, scale = self.picture(z), torch.exp(self.log_scale)
        at = from_uint8(x)
        high, low = (at + 1 / 255 - centre) / scale, (at - 1 / 255 - centre) / scale
        chance = torch.where(x < 255, torch.sigmoid(high), 1.0) - torch.where(x > 0, torch.sigmoid(low), 0.0)
        return -chance.clamp(min=1e-7).log().sum((1, 2, 3))

    # --- dreaming

    @torch.no_grad()
    def sample(self, request: DreamRequest, resume: State | None = None) -> Iterator[Frame]:
        """Dream frame by frame; the first is of the recorded drive that the dream begins like.

        Frames carry ``latent`` float32 (B,latent), ``action`` (B,3) that led to them, ``progress`` (B,) in units of the world,
        ``on_road`` (B,) in 0..1, and the ``mixture`` (B,latent,components,3) that z was drawn from: weight, mean, spread.
        """
        given = steering_of(request.steering)
        total = len(given) if len(given) else request.num_frames
        yield from Dream(self, request, resume, total).frames(
            lambda dream: given[dream.step] if len(given) else None
        )

    @torch.no_grad()
    def dream(
        self, request: DreamRequest, steer: Callable[[Dream], np.ndarray | None], resume: State | None = None
    ) -> Iterator[Frame]:
        """As ``sample``, ``num_frames`` long, steered by a function that is asked at each frame; None: the controller drives."""
        yield from Dream(self, request, resume, request.num_frames).frames(steer)

    def settings_from_files(self, settings: Any) -> dict[str, Any]:
        """``steering`` may name a ``.npy`` file.

        Raises:
            ValueError, OSError: one sentence, for a file that is no steering.
        """
        from playground.models.vae.dream import steering_from_file

        name = str(settings.get("steering", ""))
        return {**settings, "steering": steering_from_file(name)} if name.endswith(".npy") else dict(settings)


MODEL = WorldModel
RECIPES = (
    Recipe(
        id="worldmodel-car",
        config=WorldModelConfig(),
        dataset="car",
        steps=3800,
        batch_size=20,
        learning_rate=1e-3,
        final_learning_rate=0.05,
        decay_steps=1200,
        warmup_steps=100,
        ema=0.995,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 6, "num_frames": 24, "seed": 7},
    ),
)
