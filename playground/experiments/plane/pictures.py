"""What is to be seen of a model of the plane at one moment of its training: points, density, and what its family knows.

Everything is given back in the target's own coordinates, as numpy arrays ready to draw.  Models see points of mean 0 and
spread 1; ``Axes`` says how the two belong together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from playground.experiments.plane import overlays
from playground.experiments.plane.axes import Axes
from playground.models.energy.plane.base import PlaneEnergy
from playground.models.plane import PlaneModel, last_points

_BOUND_SAMPLES = 24  # of a bound, for a map: a figure needs more


@torch.no_grad()
def picture(
    model: PlaneModel, axes: Axes, wanted: Mapping[str, Any], data: np.ndarray
) -> dict[str, np.ndarray]:
    """What is wanted of it.

    Args:
        wanted: ``count`` points from ``seed``; ``side`` of maps in cells; ``density`` true or false; names of overlays with
            what each needs to know (``overlays.OVERLAYS``); ``drawing``, settings of how points are drawn.
        data: (M,2), fresh points of the target, for overlays that show what becomes of them.
    """
    drawing, side = dict(wanted.get("drawing", {})), int(wanted["side"])
    drawn = last_points(model, int(wanted["count"]), int(wanted["seed"]), drawing)
    found = {"points": axes.outwards(drawn)}
    about = overlays.About(side, data, drawing)
    if wanted.get("density") and (density := density_map(model, axes, side)) is not None:
        found["density"] = density
    for name, make in overlays.OVERLAYS.items():
        value = wanted.get(name)
        if value is not None and value is not False:
            found |= make(model, axes, value, about)
    return found


def density_map(model: PlaneModel, axes: Axes, side: int) -> np.ndarray | None:
    """p over the square, float32 (side, side), rows from below; None where it takes an ODE for every cell, or there is none."""
    if not model.has_density or model.family == "diffusion":
        return None
    cells = axes.cells(side)
    if isinstance(model, PlaneEnergy):  # its own grid for Z is finer than a picture needs
        log_p = -model.energy(cells)
        log_p = log_p - torch.logsumexp(log_p, 0) - math.log(axes.area(side))
    else:
        before, model.num_importance = model.num_importance, _BOUND_SAMPLES
        log_p = torch.cat([model.log_prob(part) for part in cells.split(4000)])
        model.num_importance = before
    p = (log_p - 2 * math.log(axes.scale)).clamp(max=20).exp()
    return torch.nan_to_num(p).reshape(side, side).numpy().astype(np.float32)
