"""One dream of a world model: codes, M's memory, and everything that is needed to go on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, State
from playground.data import car
from playground.models import noise

CHUNK = 4  # batches are padded to this: layers differ by 1e-6 between batch sizes, and one flipped draw dreams another road
BEGINNING = 8  # frames of the recorded drive that M has seen before the dream begins
PROGRESS = 5.0  # units of the world along the road that M calls 1
LOWEST, HIGHEST = np.array([-1.0, 0.0, 0.0]), np.ones(3)  # of wheel, gas and brake


class Dreamer(Protocol):
    """What a dream needs of the model."""

    config: Any

    def parameters(self) -> Iterator[Any]:
        """They know the device."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Frames to the mean and log variance of their codes."""

    def frames_of(self, z: Tensor) -> np.ndarray:
        """Codes to frames."""

    def remember(self, z: Tensor, actions: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """A step of M's LSTM."""

    def next_code(self, shown: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mixture over the next code."""

    def outcome(self, shown: Tensor) -> Tensor:
        """Progress and the logit of being on the road."""

    def act(self, z: Tensor, h: Tensor) -> Tensor:
        """What the controller does."""


def steering_of(text: str) -> np.ndarray:
    """``wheel gas brake; wheel gas brake ...`` as float32 (T,3), none for "".

    Raises:
        ValueError: one sentence, if it is anything else.
    """
    rows = [row.replace(",", " ").split() for row in text.split(";") if row.strip()]
    try:
        found = np.array(rows, np.float32).reshape(-1, 3) if rows else np.zeros((0, 3), np.float32)
    except ValueError:
        raise ValueError(
            "Steering is three numbers for each frame, wheel, gas and brake, parted by semicolons."
        ) from None
    return _checked(found)


def steering_text(actions: np.ndarray) -> str:
    """The inverse of :func:`steering_of`, to a thousandth."""
    return ";".join(" ".join(f"{v:.3g}" for v in row) for row in actions)


def steering_from_file(name: str) -> str:
    """A ``.npy`` file, float32 (T,3), as a text.

    Raises:
        ValueError, OSError: one sentence.
    """
    try:
        found = np.load(Path(name), allow_pickle=False)
    except ValueError:
        raise ValueError(f"{name} is not a numpy array.") from None
    if (
        not isinstance(found, np.ndarray)
        or found.ndim != 2
        or found.shape[1:] != (3,)
        or not 1 <= len(found) <= 1000
    ):
        raise ValueError(f"{name} must hold steering, (T,3) with T from 1 to 1000: wheel, gas and brake.")
    return steering_text(_checked(found.astype(np.float32)))


def _checked(found: np.ndarray) -> np.ndarray:
    if not (np.isfinite(found).all() and (found >= LOWEST - 1e-6).all() and (found <= HIGHEST + 1e-6).all()):
        raise ValueError("The wheel goes from -1 to 1, gas and brake from 0 to 1.")
    return found


class Dream:
    """Goes on frame by frame; ``step`` counts those that were dreamt, and ``actions`` what was done."""

    def __init__(self, model: Dreamer, request: Any, resume: State | None, total: int) -> None:
        self.model, self.request, self.total = model, request, total
        self.device = next(model.parameters()).device
        start = request.first_index - request.first_index % CHUNK
        stop = request.first_index + request.num_samples
        self.indices = np.arange(start, start + math.ceil((stop - start) / CHUNK) * CHUNK)
        self.wanted = slice(request.first_index - start, stop - start)
        self.step = 0
        self.temperature = float(request.temperature)  # may be turned on the way
        count, config = len(self.indices), model.config
        self.action = np.zeros((count, 3), np.float32)
        self.mixture = np.zeros((count, config.latent, config.components, 3), np.float32)
        self.progress, self.on_road = np.zeros(count, np.float32), np.ones(count, np.float32)
        if resume is None:
            self._begin()
        else:
            self._take_up(resume)

    def _begin(self) -> None:
        """M sees the first frames of the recorded drive, and what was done in them."""
        drives = car.drives("test")
        drive = self.request.drive % len(drives.frames)
        frames = torch.from_numpy(drives.frames[drive, :BEGINNING].transpose(0, 3, 1, 2).copy()).to(
            self.device
        )
        actions = torch.from_numpy(drives.actions[drive, 1:BEGINNING].copy()).to(self.device)
        z = self.model.encode(frames)[0]
        every = [t[None].repeat(CHUNK, 1, 1) for t in (z[:-1], actions)]
        _, state = self.model.remember(*every)
        self.states = [state for _ in range(len(self.indices) // CHUNK)]
        self.z = z[-1:].repeat(len(self.indices), 1)

    def _parts(self) -> list[slice]:
        return [slice(i, i + CHUNK) for i in range(0, len(self.indices), CHUNK)]

    @property
    def hidden(self) -> Tensor:
        """What M shows of its memory, (B,memory)."""
        return torch.cat([h[0] for h, _ in self.states])

    def advance(self, steered: np.ndarray | None) -> None:
        """One more frame, after what is done: (3,) for all, or None, and the controller drives."""
        config, request = self.model.config, self.request
        driven = torch.cat(
            [self.model.act(self.z[p], self.states[i][0][0]) for i, p in enumerate(self._parts())]
        )
        actions = (
            driven
            if steered is None
            else torch.tensor(steered, dtype=torch.float32, device=self.device).expand(len(driven), 3)
        )
        self.action = actions.float().cpu().numpy().copy()
        uniforms = noise.uniform(request.seed, self.indices, "component", (config.latent,), self.step)
        normals = noise.normal(request.seed, self.indices, "code", (config.latent,), self.step)
        heat = self.temperature
        new = []
        for i, part in enumerate(self._parts()):
            shown, self.states[i] = self.model.remember(
                self.z[part, None], actions[part, None].contiguous(), self.states[i]
            )
            weight, mean, spread = (t[:, 0].cpu().double().numpy() for t in self.model.next_code(shown))
            chances = np.exp((weight - weight.max(-1, keepdims=True)) / heat)
            chances /= chances.sum(-1, keepdims=True)
            wide = np.exp(spread) * math.sqrt(heat)
            chosen = np.minimum(
                (uniforms[part, :, None] >= chances.cumsum(-1)).sum(-1), config.components - 1
            )[..., None]
            z = (
                np.take_along_axis(mean, chosen, -1)
                + np.take_along_axis(wide, chosen, -1) * normals[part, :, None]
            )
            new.append(z[..., 0].astype(np.float32))
            self.mixture[part] = np.stack([chances, mean, wide], -1)
            progress, road = self.model.outcome(shown)[:, 0].float().cpu().numpy().T
            self.progress[part], self.on_road[part] = progress, 1 / (1 + np.exp(-road))
        self.z = torch.from_numpy(np.concatenate(new)).to(self.device)
        self.step += 1

    def put_code(self, z: np.ndarray) -> None:
        """Another code in place of the present one, float32 (latent,), in every dream."""
        self.z = torch.from_numpy(z.astype(np.float32)).to(self.device)[None].repeat(len(self.indices), 1)

    def frames(self, steer: Callable[[Dream], np.ndarray | None]) -> Iterator[Frame]:
        """From where it stands to the end."""
        if self.step == 0:
            yield self.frame()
        while self.step < self.total:
            self.advance(steer(self))
            yield self.frame()

    def frame(self) -> Frame:
        """What there is to see."""
        part = self.wanted
        extras = {
            "latent": self.z[part].cpu().numpy().copy(),
            "action": self.action[part].copy(),
            "progress": self.progress[part] * PROGRESS,
            "on_road": self.on_road[part].copy(),
            "temperature": self.temperature,
            "mixture": self.mixture[part].copy(),
        }
        images = self.model.frames_of(self.z[part])
        return Frame(self.step, self.total, 2 * self.step + 1, images, extras, self.state())

    def state(self) -> State:
        """Everything needed to go on from here, to the bit."""
        kept: State = {
            "step": self.step,
            "z": self.z.cpu().numpy().copy(),
            "action": self.action.copy(),
            "mixture": self.mixture.copy(),
            "progress": self.progress.copy(),
            "on_road": self.on_road.copy(),
        }
        for i, (h, c) in enumerate(self.states):
            kept |= {f"{i}/h": h.cpu().numpy().copy(), f"{i}/c": c.cpu().numpy().copy()}
        return kept

    def _take_up(self, state: State) -> None:
        def tensor(values: Any) -> Tensor:
            return torch.from_numpy(np.array(values)).to(self.device)

        self.step, self.z = int(state["step"]), tensor(state["z"])
        for name in ("action", "mixture", "progress", "on_road"):
            setattr(self, name, np.array(state[name]))
        parts = range(len(self.indices) // CHUNK)
        self.states = [(tensor(state[f"{i}/h"]), tensor(state[f"{i}/c"])) for i in parts]
