"""What every flow does with its layers: a bound on the likelihood, samples, and the way there and back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.models import noise
from playground.models.base import Frame, Request, Score, State, knob
from playground.models.flow._layers import Layer, Squeeze

SCORE_DRAWS = 8  # dequantisations behind one score
_LOG_NORMAL = 0.5 * math.log(2 * math.pi)
_SHOWN = 3.0  # states between x and z are shown from black to white over +- so many standard deviations


@dataclass(frozen=True)
class FlowRequest(Request):
    """What to generate."""

    temperature: float = knob(
        0.8,
        label="temperature",
        low=0.0,
        high=1.5,
        step=0.05,
        help="Multiplies the standard deviation of z. 1 is the model as trained; lower gives smoother and more ordinary garments, 0 the picture of z = 0.",
    )


class Flow(nn.Module):
    """z = f(x), invertible: log p(x) = log N(z; 0, I) + log |det df/dx|.

    Subclasses set ``layers`` (x to z, the first one of them on grey levels in [0, 256)) and ``dequantizer``.
    """

    layers: nn.ModuleList
    dequantizer: nn.Module
    initialised: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.num_dims = config.channels * config.image_size**2
        self.latent_shape = (self.num_dims,)
        self.register_buffer("initialised", torch.tensor(False))

    # --- likelihood

    def forward(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """One draw of the bound log p(x + u) - log q(u given x) for uint8 ``x`` (B,C,H,W): (B,) in nats."""
        u, log_q = self.dequantizer(x, epsilon)
        z, log_det = self.to_z(x + u)
        return log_normal(z) + log_det - log_q

    def to_z(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Grey levels in [0, 256) (B,C,H,W) -> the last state, and log |det| (B,)."""
        h, total = y, torch.zeros(len(y), device=y.device)
        for layer in self.layers:
            h, log_det = layer(h)
            total = total + log_det
        return h, total

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The bound in bits per dimension; the first batch of all also sets ActNorm.  Labels are not used."""
        epsilon = torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
        if self.training and not bool(self.initialised):
            self.initialise(x, epsilon)
        return {"loss": -self(x, epsilon).mean() / (self.num_dims * math.log(2))}

    @torch.no_grad()
    def initialise(self, x: Tensor, epsilon: Tensor) -> None:
        """Data-dependent start, layer after layer (Kingma and Dhariwal 2018, section 3.1)."""
        u, _ = self.dequantizer(x, epsilon)
        h = x + u
        for layer in self.layers:
            layer.initialise(h)  # type: ignore[operator]
            h, _ = layer(h)
        self.initialised.fill_(True)

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Upper bounds on bits/dim of ``x`` uint8 (B,C,H,W): the mean over ``SCORE_DRAWS`` dequantisations.

        The density of the continuous picture x + u is exact; only the step from 256 levels to continuous numbers makes
        it a bound.  Labels are not used.
        """
        draws = []
        for draw in range(SCORE_DRAWS):
            epsilon = noise.normal(seed, range(len(x)), "dequantise", tuple(x.shape[1:]), draw)
            draws.append(self(x, torch.from_numpy(epsilon).to(x.device)).double())
        bits = -torch.stack(draws).cpu() / (self.num_dims * math.log(2))  # (draws, B)
        errors = bits.std(0) / math.sqrt(SCORE_DRAWS)
        return [
            Score(value, "bound", "bits/dim", error)
            for value, error in zip(bits.mean(0).tolist(), errors.tolist(), strict=True)
        ]

    # --- pictures and latents

    def as_state(self, z: Tensor) -> Tensor:
        """Flat latents (B,D), in the order of pixels -> the last state (B,C',H',W')."""
        h = z.reshape(-1, self.config.channels, self.config.image_size, self.config.image_size)
        for layer in self.layers:
            h = layer(h)[0] if isinstance(layer, Squeeze) else h
        return h

    def as_picture(self, h: Tensor) -> Tensor:
        """Any state laid out as the picture it belongs to, (B,C,H,W)."""
        while h.shape[-1] < self.config.image_size:
            h = nn.functional.pixel_shuffle(h, 2)
        return h

    def from_z(self, z: Tensor) -> Tensor:
        """Flat latents (B,D) -> grey levels in [0, 256], (B,C,H,W)."""
        h = self.as_state(z)
        for layer in reversed(self.layers):
            h = layer.inverse(h)  # type: ignore[operator]
        return h

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B,D) -> the picture in [-1, 1], (B,C,H,W); the middle of a grey level's bin gives that level."""
        return (self.from_z(z) - 0.5) / 127.5 - 1.0

    @torch.no_grad()
    def sample(self, request: FlowRequest, resume: State | None = None) -> Iterator[Frame]:
        """z first, then one frame per layer on the way back to x.

        States before the last are shown with +-3 from black to white.  Extras: ``latent`` float32 (B,D), ``layer`` (the name
        of what was just undone).  Every frame has a state.
        """
        indices = range(request.first_index, request.first_index + request.num_samples)
        if resume is None:
            z = np.float32(request.temperature) * noise.normal(request.seed, indices, "z", self.latent_shape)
            yield from self.decode_steps(z)
        else:
            yield from self.decode_steps(resume["z"], resume)

    @torch.no_grad()
    def decode_steps(self, z: np.ndarray, resume: State | None = None) -> Iterator[Frame]:
        """Frames from ``z`` float32 (B,D) to the picture."""
        device = self.initialised.device
        stages = [layer for layer in self.layers if not isinstance(layer, Squeeze)]
        done, passes = 0, 0
        if resume is None:
            h = self.as_state(torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(device))
            yield self._frame(h, z, 0, 0, "z")
        else:
            done, passes = int(resume["step"]), int(resume["passes"])
            h = torch.from_numpy(resume["h"].copy()).to(device)
        undone = 0
        for layer in reversed(self.layers):
            if isinstance(layer, Squeeze):
                h = layer.inverse(h) if undone >= done and h.shape[-1] * 2 <= self.config.image_size else h
                continue
            undone += 1
            if undone <= done:
                continue
            assert isinstance(layer, Layer)
            h, passes = layer.inverse(h), passes + layer.passes
            yield self._frame(h, z, undone, passes, layer.title)
        assert undone == len(stages)

    def _frame(self, h: Tensor, z: np.ndarray, step: int, passes: int, title: str) -> Frame:
        total = sum(not isinstance(layer, Squeeze) for layer in self.layers)
        picture = self.as_picture(h)
        if step < total:
            picture = ((picture / _SHOWN + 1) * 128).clamp(0, 255.9)
        images = picture.clamp(0, 255.9).to(torch.uint8).permute(0, 2, 3, 1).cpu().contiguous().numpy()
        state = {"z": z, "h": h.cpu().numpy().copy(), "step": step, "passes": passes}
        return Frame(step, total, passes, images, {"latent": z, "layer": title}, state)


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), (B,) in nats."""
    return (-0.5 * z.square() - _LOG_NORMAL).flatten(1).sum(1)
