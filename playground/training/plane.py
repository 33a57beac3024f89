"""Training a model of the plane: a generator of progress that whoever calls may pause, stop or throw away.

Points are drawn afresh for every batch, shifted and scaled to mean 0 and spread 1; figures are reported in the target's
own coordinates.  The weights that draw are an exponential average of those that learn.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.data.plane import Target
from playground.models.plane import LearnsClasses, PlaneModel, PlaneRequest, last_points

_WARMUP = 50  # steps
_CHUNK = 64  # batches drawn together


@dataclass(frozen=True)
class Progress:
    """Where a training stands: steps done, seconds it took, figures of the last step."""

    step: int
    seconds: float
    figures: dict[str, float]


class Training:
    """A model, what it learns from, and the average that draws.

    Args:
        seconds: how long the whole is planned: the learning rate falls along it.
        steps: plan by steps in place of time (for tests and for equal steps).
    """

    def __init__(
        self,
        model: type[PlaneModel],
        target: Target,
        seed: int = 7,
        seconds: float = 20.0,
        steps: int | None = None,
        device: str = "cpu",
        config: object | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.target, self.seed, self.seconds, self.steps = target, seed, seconds, steps
        self.model = (model(config) if config is not None else model()).to(device)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)
        sample = target.sample(4096, np.random.default_rng(seed + 1))
        self.mean, self.scale = sample.mean(0), float(sample.std(0).mean())
        self.optimizers = {
            turn: torch.optim.Adam(
                self.model.get_submodule(turn).parameters(),
                model.learning_rate * rate,
                betas=model_betas(model),
                fused=device == "cpu" or None,
            )
            for turn, rate in zip(model.turns, model.rates, strict=True)
        }
        self.step, self.spent = 0, 0.0
        self.rate = 1.0  # a factor on every learning rate, which may be turned while it trains
        self._batches: list[tuple[Tensor, ...]] = []

    def run(self) -> Iterator[Progress]:
        """A step, then a word about it, until the plan is done."""
        while self.progress < 1:
            yield self.advance()

    @property
    def progress(self) -> float:
        """How much of the plan is done, 0..1."""
        done = self.step / self.steps if self.steps else self.spent / self.seconds
        return min(done, 1.0)

    def advance(self) -> Progress:
        """One step of every part that learns."""
        began, progress = time.perf_counter(), self.progress
        factor = min(1.0, (self.step + 1) / _WARMUP) * (
            0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
        )
        figures: dict[str, Tensor] = {}
        for turn, optimizer in self.optimizers.items():
            found = self._loss(turn, progress)
            optimizer.zero_grad(set_to_none=True)
            found["loss"].backward()
            torch.nn.utils.clip_grad_norm_(self.model.get_submodule(turn).parameters(), 5.0)
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("peak", group["lr"]) * factor * self.rate
            optimizer.step()
            figures |= {f"{turn}_{k}".lstrip("_"): v.detach() for k, v in found.items()}
        self._update_average()
        self.step += 1
        self.spent += time.perf_counter() - began
        return Progress(self.step, self.spent, {k: float(v) for k, v in figures.items()})

    def learn_from(self, target: Target) -> None:
        """Another target from the next step on, on the scale of the first: what is known by now stays."""
        self.target = target
        self._batches.clear()

    def weights(self) -> dict[str, np.ndarray]:
        """The average's numbers, by name; copies."""
        return {name: value.cpu().numpy().copy() for name, value in self.average.state_dict().items()}

    def points(self, count: int = 2000, seed: int | None = None) -> np.ndarray:
        """What the average draws, float64 (count,2) in the target's own coordinates."""
        drawn = last_points(self.average, count, self.seed if seed is None else seed)
        return drawn.astype(np.float64) * self.scale + self.mean

    @torch.no_grad()
    def log_prob(self, points: np.ndarray) -> np.ndarray | None:
        """The average's log density at points (N,2) of the target's coordinates, (N,) in nats; None if it has none."""
        if not self.average.has_density:
            return None
        x = torch.from_numpy((points - self.mean) / self.scale).float().to(self.average.device)
        parts = [self.average.log_prob(part).cpu() for part in x.split(4000)]
        return torch.cat(parts).double().numpy() - 2 * math.log(self.scale)

    def _loss(self, turn: str, progress: float) -> dict[str, Tensor]:
        x, *classes = self._batch()
        if isinstance(self.model, LearnsClasses):
            return self.model.loss_of_classes(x, classes[0], self.generator)
        return self.model.loss(x, self.generator, turn, progress)

    def _batch(self) -> tuple[Tensor, ...]:
        """Points (B,2), and their classes (B,) where they are learned."""
        if not self._batches:
            size, device = self.model.batch_size, self.model.device
            drawn = self.target.sample(size * _CHUNK, self.rng)
            x = torch.from_numpy((drawn - self.mean) / self.scale).float().to(device)
            rows = [x.split(size)]
            if isinstance(self.model, LearnsClasses):
                rows.append(torch.from_numpy(self.target.classes_of(drawn)).to(device).split(size))
            self._batches = list(zip(*rows, strict=True))
        return self._batches.pop()

    @torch.no_grad()
    def _update_average(self) -> None:
        weight = 1 - min(self.model.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), weight)
        for mine, theirs in zip(self.average.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)


def model_betas(model: type[PlaneModel]) -> tuple[float, float]:
    """Adam's averages: none of the gradient where players answer each other (GANs)."""
    return (0.0, 0.99) if len(model.turns) > 1 else (0.9, 0.99)


__all__ = ["PlaneRequest", "Progress", "Training"]
