"""How the coordinates of a model of the plane lie in those of its target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Axes:
    """How a model's coordinates lie in the target's: x = mean + scale u; ``square``: x_min, x_max, y_min, y_max."""

    mean: np.ndarray
    scale: float
    square: tuple[float, float, float, float]

    def outwards(self, points: torch.Tensor | np.ndarray) -> np.ndarray:
        """The model's coordinates (..., 2) -> the target's, float32."""
        u = points.detach().cpu().double().numpy() if isinstance(points, torch.Tensor) else points
        return (u * self.scale + self.mean).astype(np.float32)

    def inwards(self, points: np.ndarray) -> torch.Tensor:
        """And back."""
        return torch.from_numpy((np.asarray(points) - self.mean) / self.scale).float()

    def cells(self, count: int) -> torch.Tensor:
        """Centres of count x count cells over the square in the model's coordinates, row by row from below."""
        x_min, x_max, y_min, y_max = self.square
        share = (np.arange(count) + 0.5) / count
        x, y = x_min + (x_max - x_min) * share, y_min + (y_max - y_min) * share
        return self.inwards(np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2))

    def area(self, count: int) -> float:
        """Of one cell, in the model's coordinates."""
        x_min, x_max, y_min, y_max = self.square
        return (x_max - x_min) * (y_max - y_min) / (count * self.scale) ** 2
