"""One run of Sketch-RNN: drawings so far, point by point, and everything that is needed to go on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from playground.contract import Frame, State
from playground.data import icons
from playground.models import noise

CHUNK = 4  # batches are padded to this: layers differ by 1e-6 between batch sizes, and one flipped draw redraws the rest
STATE_EVERY = 4  # points
END = 2  # of the pen's states
# of a component, in standard deviations of all steps: coordinates are kept to a fortieth of one, and nothing is surer
LOG_SPREADS = (-4.0, 4.0)


class Decoder(Protocol):
    """What a run needs of the model."""

    config: Any  # latent, scale and components

    def parameters(self) -> Iterator[Any]:
        """They know the device."""

    def condition(self, z: Tensor | None, word: Tensor) -> Tensor:
        """What the decoder is told all the while."""

    def __call__(self, before: Tensor, condition: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Steps before (B,T,5) -> raw numbers of the mixture of each next one, and the state."""


class StrokeRun:
    """Draws as long as any of the drawings goes on; a drawing that has ended stays as it is.

    Args:
        z: codes float32 (num_samples,latent), None for what the request says; with strokes to go on from there is none.
    """

    def __init__(self, model: Decoder, request: Any, z: np.ndarray | None, resume: State | None) -> None:
        self.model, self.request = model, request
        self.device = next(model.parameters()).device
        start = request.first_index - request.first_index % CHUNK
        stop = request.first_index + request.num_samples
        self.indices = np.arange(start, start + math.ceil((stop - start) / CHUNK) * CHUNK)
        self.wanted = slice(request.first_index - start, stop - start)
        count, most = len(self.indices), icons.MOST_POINTS
        self.uniforms = noise.uniform(request.seed, self.indices, "point", (most, 2))
        self.normals = noise.normal(request.seed, self.indices, "step", (most, 2)).astype(np.float64)
        self.strokes = np.full((count, most, 3), np.nan, np.float32)
        self.begun = self._begin_with(request.begin)
        self.given = len(self.begun)
        self.z: np.ndarray | None = None
        if not self.given and (z is not None or request.code == "prior"):
            self.z = noise.normal(request.seed, self.indices, "code", (model.config.latent,))
            if z is not None:
                self.z[self.wanted] = z
        self.step = self.given
        self.ended = np.zeros(count, bool)
        word = torch.full((CHUNK,), request.word, dtype=torch.long, device=self.device)
        self.condition = [
            model.condition(None if self.z is None else self._tensor(self.z[part]), word)
            for part in self._parts()
        ]
        if resume is None:
            self._read_what_is_given()
        else:
            self._take_up(resume)

    def _parts(self) -> list[slice]:
        return [slice(i, i + CHUNK) for i in range(0, len(self.indices), CHUNK)]

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def _begin_with(self, path: str) -> np.ndarray:
        from playground.data import svg_lines

        return svg_lines.strokes_of_path(path)[: icons.MOST_POINTS - 1]

    def _read_what_is_given(self) -> None:
        """The first mixture, after the strokes that are there already."""
        self.strokes[:, : self.given] = self.begun
        steps = np.zeros((self.given + 1, 5), np.float32)
        steps[1:, :2] = self.begun[:, :2] / self.model.config.scale
        steps[1:, 2], steps[1:, 3] = 1 - self.begun[:, 2], self.begun[:, 2]
        before = self._tensor(np.repeat(steps[None], CHUNK, 0))
        read = [self.model(before, condition) for condition in self.condition]
        self.raw = np.concatenate([raw[:, -1].cpu().double().numpy() for raw, _ in read])
        self.states: list[tuple[Tensor, Tensor]] = [state for _, state in read]

    def mixture(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the next step, as the temperature leaves it: float64 (B,M,6) and the pen's probabilities (B,3)."""
        m, heat, scale = self.model.config.components, self.request.temperature, self.model.config.scale
        weight, mu_x, mu_y, log_x, log_y, bend = np.split(self.raw[:, : 6 * m], 6, 1)
        spread = scale * math.sqrt(heat)
        parts = (
            _softmax(weight / heat),
            scale * mu_x,
            scale * mu_y,
            spread * np.exp(np.clip(log_x, *LOG_SPREADS)),
            spread * np.exp(np.clip(log_y, *LOG_SPREADS)),
            0.99 * np.tanh(bend),
        )
        return np.stack(parts, -1), _softmax(self.raw[:, 6 * m :] / heat)

    def advance(self) -> None:
        """Draw the next point of every drawing that goes on, and read it."""
        mixture, pen = self.mixture()
        chosen = _drawn(mixture[..., 0], self.uniforms[:, self.step, 0])
        _, mu_x, mu_y, spread_x, spread_y, rho = mixture[np.arange(len(mixture)), chosen].T
        one, other = self.normals[:, self.step].T
        dx = mu_x + spread_x * one
        dy = mu_y + spread_y * (rho * one + np.sqrt(1 - rho**2) * other)
        state = _drawn(pen, self.uniforms[:, self.step, 1])
        if self.step == 0:
            state = np.minimum(state, 1)  # a drawing has a point at least
        self.ended |= state == END
        drawn = np.stack([dx, dy, state == 1], 1).astype(np.float32)
        self.strokes[~self.ended, self.step] = drawn[~self.ended]
        last = self.step + 1 == icons.MOST_POINTS
        if last:
            self.strokes[~self.ended, self.step, 2] = 1
        self.step += 1
        if not last:
            self._read(drawn, state)

    def _read(self, drawn: np.ndarray, state: np.ndarray) -> None:
        steps = np.zeros((len(drawn), 1, 5), np.float32)
        steps[:, 0, :2] = drawn[:, :2] / self.model.config.scale
        steps[np.arange(len(drawn)), 0, 2 + state] = 1
        for i, part in enumerate(self._parts()):
            raw, self.states[i] = self.model(self._tensor(steps[part]), self.condition[i], self.states[i])
            self.raw[part] = raw[:, -1].cpu().double().numpy()

    def frames(self) -> Iterator[Frame]:
        """From where it stands to the end, which is the same step for every run."""
        if self.step == self.given:
            yield self.frame()
        while self.step < icons.MOST_POINTS:
            self.advance()
            if self.ended[self.wanted].all():
                self.step = icons.MOST_POINTS
            yield self.frame()

    def frame(self) -> Frame:
        """What there is to see."""
        strokes = self.strokes[self.wanted].copy()
        mixture, pen = self.mixture()
        extras: dict[str, Any] = {
            "strokes": strokes,
            "given": self.given,
            "mixture": mixture[self.wanted].astype(np.float32),
            "pen": pen[self.wanted].astype(np.float32),
            "ended": self.ended[self.wanted].copy(),
        }
        if self.z is not None:
            extras["latent"] = self.z[self.wanted].copy()
        images = np.stack([icons.codes_of(one)[None] for one in strokes])
        done = self.step - self.given
        with_state = done % STATE_EVERY == 0 or self.step == icons.MOST_POINTS
        total = icons.MOST_POINTS - self.given
        return Frame(done, total, done + 1, images, extras, self._state() if with_state else None)

    def _state(self) -> State:
        kept: State = {"step": self.step, "strokes": self.strokes.copy(), "ended": self.ended.copy()}
        kept["raw"] = self.raw.copy()
        for i, (h, c) in enumerate(self.states):
            kept |= {f"{i}/h": h.cpu().numpy().copy(), f"{i}/c": c.cpu().numpy().copy()}
        if self.z is not None:
            kept["z"] = self.z.copy()
        return kept

    def _take_up(self, state: State) -> None:
        self.step = int(state["step"])
        self.strokes, self.ended = state["strokes"].copy(), state["ended"].copy()
        self.raw = state["raw"].copy()
        parts = range(len(self.indices) // CHUNK)
        self.states = [(self._tensor(state[f"{i}/h"]), self._tensor(state[f"{i}/c"])) for i in parts]
        if self.z is not None and "z" in state:
            self.z = state["z"].copy()
            word = torch.full((CHUNK,), self.request.word, dtype=torch.long, device=self.device)
            self.condition = [
                self.model.condition(self._tensor(self.z[part]), word) for part in self._parts()
            ]


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _drawn(chances: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Which of the choices (B,n) each uniform number falls on."""
    edges = chances.cumsum(-1)
    return np.minimum((uniforms[:, None] * edges[:, -1:] >= edges).sum(1), chances.shape[1] - 1)
