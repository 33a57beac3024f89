"""What every flow does with its layers: a bound on the likelihood, samples, and the way there and back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from playground.contract import Frame, Request, Score, State, knob
from playground.models import noise
from playground.models.flow.layers import Active, Layer, Squeeze
from playground.models.network import Network

SCORE_DRAWS = 4  # dequantisations behind one score
DETERMINISTIC_LOGVAR = -30.0  # what ``encode`` reports: z is a point
_LOG_NORMAL = 0.5 * math.log(2 * math.pi)
_SHOWN = 3.0  # states between x and z are shown from black to white over +- so many standard deviations


@dataclass(frozen=True)
class FlowRequest(Request):
    """What to generate."""

    temperature: float = knob(
        0.7,
        label="temperature",
        low=0.0,
        high=1.5,
        step=0.05,
        help="Multiplies the standard deviation of z. 1 is the model as trained; lower gives smoother and more ordinary garments, 0 the picture of z = 0.",
    )


class Flow(Network):
    """z = f(x), invertible: log p(x) = log N(z; 0, I) + log |det df/dx|.

    Subclasses set ``layers`` (x to z, the first one of them on grey levels in [0, 256)) and ``dequantizer``.
    """

    layers: nn.ModuleList
    dequantizer: nn.Module
    initialised: Tensor
    decoded_together = 1

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.num_dims = config.channels * config.image_size**2
        self.latent_shape = (self.num_dims,)
        self.register_buffer("initialised", torch.tensor(False))

    @property
    def num_passes(self) -> int:
        """Networks that are asked on the way from x to z, or back."""
        return sum(cast(Layer, layer).passes for layer in self.layers)

    # --- likelihood

    def forward(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """One draw of the bound log p(x + u) - log q(u given x) for uint8 ``x`` (B,C,H,W): (B,) in nats."""
        u, log_q = self.dequantizer(x, epsilon)
        z, log_det = self.to_z(x + u)
        return log_normal(z) + log_det - log_q

    def apply_layer(self, layer: Any, h: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One layer towards z -> the next state, and log |det| (B,).

        ``labels`` are for a model that is told classes: int64 (B,), or how much of each, float32 (B, num_classes + 1).
        """
        after: tuple[Tensor, Tensor] = layer(h)
        return after

    def undo_layer(self, layer: Any, h: Tensor, labels: Tensor | None = None) -> Tensor:
        """The same layer towards x."""
        before: Tensor = layer.inverse(h)
        return before

    def to_z(self, y: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Grey levels in [0, 256) (B,C,H,W) -> the last state, and log |det| (B,)."""
        h, total = y, torch.zeros(len(y), device=y.device)
        for layer in self.layers:
            h, log_det = self.apply_layer(layer, h, labels)
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
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for parameter in self.parameters():  # all start from what the first process saw
                torch.distributed.broadcast(parameter.data, 0)
        self.initialised.fill_(True)

    def bound(self, x: Tensor, epsilon: Tensor, labels: Tensor | None = None) -> Tensor:
        """One draw of the bound on log P(x), (B,) in nats."""
        bits: Tensor = self(x, epsilon)
        return bits

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Upper bounds on bits/dim of ``x`` uint8 (B,C,H,W): the mean over ``SCORE_DRAWS`` dequantisations.

        The density of the continuous picture x + u is exact; only the step from 256 levels to continuous numbers makes
        it a bound.  Labels are used by a model that was told them in training.
        """
        draws = []
        for draw in range(SCORE_DRAWS):
            epsilon = noise.normal(seed, noise.identities(x), "dequantise", tuple(x.shape[1:]), draw)
            nats = self.bound(x, torch.from_numpy(epsilon).to(x.device), labels)
            draws.append(nats.cpu().double())  # not every device has float64
        bits = -torch.stack(draws) / (self.num_dims * math.log(2))  # (draws, B)
        errors = bits.std(0) / math.sqrt(SCORE_DRAWS)
        return [
            Score(value, "bound", "bits/dim", error)
            for value, error in zip(bits.mean(0).tolist(), errors.tolist(), strict=True)
        ]

    @torch.no_grad()
    def bits_by_part(self, x: Tensor, epsilon: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """One draw of the bound, split up: the numbers of each scale given the coarser ones, and u (log q).

        ``x`` uint8 and ``epsilon`` standard normal, both (B,C,H,W).  Each part is (B,) in bits per dimension *of the whole picture*, so
        that they add up; scales are densities, so one alone may be negative.
        """
        u, log_q = self.dequantizer(x, epsilon)
        h, gained, parts = x + u, torch.zeros(len(x), device=x.device), dict[str, Tensor]()
        active = h.shape[1]
        for layer in self.layers:
            if isinstance(layer, Active) and layer.channels < active:  # the rest has been split off here
                parts[f"scale {len(parts) + 1}"] = gained + log_normal(h[:, layer.channels : active])
                gained, active = torch.zeros_like(gained), layer.channels
            active *= 4 if isinstance(layer, Squeeze) else 1
            h, log_det = layer(h)
            gained = gained + log_det
        parts[f"scale {len(parts) + 1}"] = gained + log_normal(h[:, :active])
        parts["u"] = -log_q
        return {name: -nats / (self.num_dims * math.log(2)) for name, nats in parts.items()}

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
            h = F.pixel_shuffle(h, 2)
        return h

    def from_z(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Flat latents (B,D) -> grey levels in [0, 256], (B,C,H,W)."""
        with torch.autocast(z.device.type, enabled=False):  # every layer would blow up bfloat16's rounding
            h = self.as_state(z)
            for layer in reversed(self.layers):
                h = self.undo_layer(layer, h, labels)
        return h

    def decode(self, z: Tensor) -> Tensor:
        """``z`` (B,D) -> the picture in [-1, 1], (B,C,H,W); the middle of a grey level's bin gives that level."""
        return (self.from_z(z) - 0.5) / 127.5 - 1.0

    def as_continuous(self, x: Tensor) -> Tensor:
        """``x`` uint8 (B,C,H,W) -> x + u for the median of q(u given x): always the same."""
        u: Tensor = self.dequantizer(x, torch.zeros(x.shape, device=x.device))[0]
        return x + u

    def encode(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``x`` uint8 (B,C,H,W) -> z (B,D) of :meth:`as_continuous`, and a log variance that means: none."""
        z = self.as_picture(self.to_z(self.as_continuous(x), labels)[0]).flatten(1)
        return z, torch.full_like(z, DETERMINISTIC_LOGVAR)

    @torch.no_grad()
    def sample(self, request: FlowRequest, resume: State | None = None) -> Iterator[Frame]:
        """z first, then one frame per layer on the way back to x.

        States before the last are shown with +-3 from black to white.  Extras: ``latent`` float32 (B,D), ``values`` float32 (B,D)
        the state's numbers, ``layer`` (the name of what was just undone).  Every frame has a state.
        """
        indices = range(request.first_index, request.first_index + request.num_samples)
        if resume is None:
            z = np.float32(request.temperature) * noise.normal(request.seed, indices, "z", self.latent_shape)
            yield from self.decode_steps(z)
        else:
            yield from self.decode_steps(resume["z"], resume)

    @torch.no_grad()
    def decode_steps(
        self, z: np.ndarray, resume: State | None = None, labels: Tensor | None = None
    ) -> Iterator[Frame]:
        """Frames from ``z`` float32 (B,D) to the picture."""
        device, layers = self.initialised.device, list(reversed(self.layers))
        if resume is None:
            h = self.as_state(torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(device))
            yield self._frame(h, z, 0)
        else:
            h = torch.from_numpy(resume["h"].copy()).to(device)
        for at in range(0 if resume is None else int(resume["undone"]), len(layers)):
            h = self.undo_layer(layers[at], h, labels)
            if not isinstance(layers[at], Squeeze):
                yield self._frame(h, z, at + 1)

    def _frame(self, h: Tensor, z: np.ndarray, undone: int) -> Frame:
        """The frame after so many layers, counted from the last, have been undone."""
        layers: list[Any] = list(self.layers)
        seen = [layer for layer in layers if not isinstance(layer, Squeeze)]
        gone = [layer for layer in layers[len(layers) - undone :] if not isinstance(layer, Squeeze)]
        passes = sum(layer.passes for layer in gone)
        images = self.show(h, is_picture=len(gone) == len(seen))
        state = {"z": z, "h": h.cpu().numpy().copy(), "undone": undone}
        values = h.flatten(1).cpu().numpy().copy()
        extras = {"latent": z, "layer": gone[0].title if gone else "z", "values": values}
        return Frame(len(gone), len(seen), passes, images, extras, state)

    def show(self, h: Tensor, is_picture: bool) -> np.ndarray:
        """A state as uint8 (B,H,W,C): grey levels as they are, anything else with +-3 from black to white."""
        picture = self.as_picture(h) if is_picture else (self.as_picture(h) / _SHOWN + 1) * 128
        return picture.clamp(0, 255.9).to(torch.uint8).permute(0, 2, 3, 1).cpu().contiguous().numpy()

    @torch.no_grad()
    def decode_frames(
        self,
        z: np.ndarray,
        output: str = "mean",
        seed: int = 0,
        first_index: int = 0,
        labels: Tensor | None = None,
    ) -> Iterator[Frame]:
        """The frame of given latents, ``z`` float32 (B,D): a flow's decoder is certain, so there is nothing to draw."""
        *_, frame = self.decode_steps(z, labels=labels)
        yield Frame(1, 1, frame.passes, frame.images, {"latent": z}, {"z": z})

    @torch.no_grad()
    def reconstruct_frames(self, x: np.ndarray, labels: Tensor | None = None) -> Iterator[Frame]:
        """Pictures uint8 (B,H,W,C) to z and back; the frame carries ``latent``."""
        pixels = torch.from_numpy(np.array(x)).permute(0, 3, 1, 2).to(self.initialised.device)
        yield from self.decode_frames(self.encode(pixels, labels)[0].cpu().numpy(), labels=labels)


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), (B,) in nats."""
    return (-0.5 * z.square() - _LOG_NORMAL).flatten(1).sum(1)
