"""Evolution of a world model's controller, in its dreams: Salimans et al. 2017, "Evolution strategies as a scalable alternative
to reinforcement learning", arXiv:1703.03864 (mirrored noise, ranks in place of returns, Adam on the estimate)."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn

PAIRS = 24  # of mirrored controllers in a generation
STARTS = 6  # dreams of each
LENGTH = 90  # frames of a dream
DEVIATION, RATE = 0.1, 0.05
TEMPERATURE = 1.1  # of the dreams: what works in a wild one works in the world
OFF_ROAD = 0.5  # what a frame off the road costs, in M's units of progress


class Driver(Protocol):
    """What evolution needs of the model."""

    config: Any
    controller: nn.Linear

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Frames to codes."""

    def remember(self, z: Tensor, actions: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """A step of M."""

    def next_code(self, shown: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mixture over the next code."""

    def outcome(self, shown: Tensor) -> Tensor:
        """Progress and the logit of being on the road."""

    def act(self, z: Tensor, h: Tensor, weights: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """What controllers do, one a row."""


def evolve(model: Driver, x: Tensor, labels: Tensor, generator: torch.Generator) -> list[float]:
    """Find the controller's weights in dreams that begin like stretches of drives, uint8 (N,3 T,64,64) and float32 (N,T,5).

    Returns:
        the mean return of each generation.
    """
    weight, bias = model.controller.weight, model.controller.bias
    mean = torch.cat([weight.flatten(), bias])
    first, second, returns = torch.zeros_like(mean), torch.zeros_like(mean), []
    for generation in range(1, model.config.generations + 1):
        noise = torch.randn(PAIRS, len(mean), generator=generator).to(mean.device)
        tried = torch.cat([mean + DEVIATION * noise, mean - DEVIATION * noise])
        starts = torch.randint(len(x), (STARTS,), generator=generator)
        found = dream_returns(model, tried, x[starts], labels[starts], generator)
        returns.append(float(found.mean()))
        rank = found.argsort().argsort().float() / (len(found) - 1) - 0.5
        slope = ((rank[:PAIRS] - rank[PAIRS:])[:, None] * noise).mean(0) / DEVIATION
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope.square()
        step = first / (1 - 0.9**generation) / (torch.sqrt(second / (1 - 0.99**generation)) + 1e-8)
        mean = 0.998 * mean + RATE * step
    weight.copy_(mean[: weight.numel()].view_as(weight))
    bias.copy_(mean[weight.numel() :])
    return returns


def dream_returns(
    model: Driver,
    controllers: Tensor,
    x: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    temperature: float = TEMPERATURE,
) -> Tensor:
    """Mean returns (K,) of controllers (K, weights and bias) in one dream from each start; progress less what grass costs."""
    count, starts, width = len(controllers), len(x), model.controller.weight.numel()
    device = controllers.device
    frames = x.unflatten(1, (-1, 3)).to(device)
    z = model.encode(frames[:, :9].flatten(0, 1))[0].unflatten(0, (starts, 9))
    _, state = model.remember(z[:, :-1], labels[:, 1:9, :3].to(device))
    state = tuple(s.repeat(1, count, 1) for s in state)
    code = z[:, -1].repeat(count, 1)
    rows = controllers.repeat_interleave(starts, 0)
    weights = rows[:, :width].view(len(rows), 3, -1), rows[:, width:]
    total = torch.zeros(len(rows), device=device)
    for _ in range(LENGTH):
        action = model.act(code, state[0][0], weights)
        shown, state = model.remember(code[:, None], action[:, None], state)
        weight, mean, spread = (t[:, 0] for t in model.next_code(shown))
        gumbel = -torch.log(
            -torch.log(torch.rand(weight.shape, generator=generator).clamp(1e-9, 1 - 1e-7))
        ).to(device)
        chosen = (weight / temperature + gumbel).argmax(-1, keepdim=True)
        normal = torch.randn(code.shape, generator=generator).to(device)
        code = (
            mean.gather(-1, chosen)[..., 0]
            + math.sqrt(temperature) * spread.gather(-1, chosen)[..., 0].exp() * normal
        )
        progress, road = model.outcome(shown)[:, 0].unbind(-1)
        on = torch.sigmoid(road)
        total += progress * on - OFF_ROAD * (1 - on)
    return total.view(count, starts).mean(1)
