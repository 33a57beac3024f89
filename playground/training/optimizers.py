"""Optimisers: AdamW for everything, or Muon for the matrices inside a network and AdamW for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces each momentum matrix by the nearest
orthogonal one, through a Newton-Schulz iteration.  A convolution counts as the matrix (outputs, inputs x kernel).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from playground.contract import Recipe
from playground.models.precision import bfloat16_pays


def make_optimizers(model: nn.Module, recipe: Recipe, turn: str = "") -> list[torch.optim.Optimizer]:
    """The optimisers of a recipe over all parameters of ``model``, the part that learns in ``turn``."""
    times = recipe.learning_rates.get(turn, 1.0)
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}  # lists of vectors
    for parameter in model.parameters():
        inside = (
            id(parameter) not in tables
            and parameter.ndim >= 2
            and min(parameter.shape[0], parameter[0].numel()) >= 32
        )
        (matrices if recipe.optimizer == "muon" and inside else rest).append(parameter)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            rest, lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.weight_decay, fused=True
        )
    ]
    if matrices:
        optimizers.append(Muon(matrices, lr=recipe.muon_learning_rate, weight_decay=recipe.weight_decay))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"] * times
    return optimizers


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine down to ``final_learning_rate`` (Loshchilov and Hutter 2016), as a fraction of the peak.

    With ``decay_steps`` the rate stays at its peak until so many steps before the end, then falls linearly (Hägele et al. 2024,
    arXiv:2405.18392): a run can be ended, or gone on with from before the fall, at any time.
    """
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    if recipe.decay_steps:
        left = (recipe.steps - step) / recipe.decay_steps
        return recipe.final_learning_rate + (1 - recipe.final_learning_rate) * min(1.0, max(0.0, left))
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    low = recipe.final_learning_rate
    return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class Muon(torch.optim.Optimizer):
    """Momentum orthogonalised by Newton-Schulz; the step of a matrix has the same size in every direction."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(state["momentum"], group["momentum"])  # Nesterov
                direction = orthogonalize(update.flatten(1))
                scale = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(direction.view_as(parameter), alpha=-group["lr"] * scale)


def orthogonalize(matrix: Tensor, num_steps: int = 5) -> Tensor:
    """Approximately U V^T of the singular value decomposition U S V^T, in bfloat16 where that is quicker: quintic Newton-Schulz."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.to(torch.bfloat16 if bfloat16_pays(matrix.device.type) else torch.float32)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(num_steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if wide else x.T).to(matrix.dtype)
