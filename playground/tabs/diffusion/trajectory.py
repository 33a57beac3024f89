"""The Diffusion tab's *Trajectory*: one sample at all its steps, on one sheet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from playground import data
from playground.contract import Frame, Model, Request
from playground.tabs.diffusion.forward_process import LATENT_FORMULA
from playground.tabs.frame.view import LOOK_INSIDE, View
from playground.tabs.pictures.way_strip import spread
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme

if TYPE_CHECKING:
    from playground.models.diffusion.base import DiffusionModel

MOST, MOST_IN_HALL = 20, 8  # pictures of the way: more would be too small to see


class Trajectory(View["DiffusionModel"]):
    """From noise to picture, and above each step what the network expects there."""

    name = "Trajectory"
    group = LOOK_INSIDE
    plot: LinePlot
    words = (
        "<b>One sample, all its steps on one sheet</b>, from pure noise at the start to the picture at the end. With each "
        "step stands what the network expects the picture to become.<br><br>Large things are decided first: the outline "
        "stands after a few steps, buttons and seams come last. The curve says how much the expectation still changes from "
        "step to step.<br><br>So what: a mind is made up early, and a prompt or class that comes late changes only details."
    )
    formula = r"x_T \to x_{t_1} \to \ldots \to x_0"
    hidden_knobs = frozenset({"num_samples"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Models of pictures."""
        return data.modality(model.card.dataset).has_pixels

    def explanation(self, model: DiffusionModel) -> tuple[str, str]:
        """Latents have another letter."""
        return self.words, LATENT_FORMULA if model.latent else self.formula

    def sampler(self, model: DiffusionModel, request: Request) -> Iterator[Frame]:
        """The first sample of the seed alone."""
        import dataclasses

        return model.sample(dataclasses.replace(request, num_samples=1))

    def build(self) -> None:
        """One sheet, and how much changes."""
        self.grid = ImageGrid()
        self.grid.setAccessibleName("One sample at every step")
        self.column.addWidget(self.grid, 1)
        self.player.speed = 10.0
        theme.signals.changed.connect(self._fit)
        self.plot = LinePlot("How much the expectation changes", "step", "grey levels")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """What is denoised, and what it is expected to become; of latents only the latter is a picture."""
        expected = frame.extras.get("x_0_pred", frame.images)
        if "x_0_pred" not in frame.extras or "z_t" in frame.extras:
            return [("x̂₀: what the model expects, decoded", expected)]
        return [("xₜ: the picture with its noise", frame.images), ("x̂₀: what the model expects", expected)]

    def draw(self, frame: Frame) -> None:
        """What is known so far; the places of later steps wait."""
        run = list(self.player.timeline)
        frames = [f for f in run if f.step <= frame.step] if any(f is frame for f in run) else [frame]
        steps = stations(frame.total, MOST_IN_HALL if theme.lecture() else MOST)
        shown = {f.step: self.panels(f) for f in frames if f.step in steps}
        titles = [title for title, _ in self.panels(frame)]
        empty = np.zeros_like(self.panels(frame)[0][1])
        sheets = [
            np.concatenate([shown[s][i][1] if s in shown else empty for s in steps])
            for i in range(len(titles))
        ]
        self.grid.set_panels(list(zip(titles, sheets, strict=True)), captions=[f"step {s}" for s in steps])
        known = np.array([s in shown for s in steps])
        whole = np.broadcast_to(known[:, None, None], sheets[0].shape[:3])
        self.grid.set_known(None if known.all() else whole.copy())

    def _fit(self) -> None:
        """In a hall, fewer of them."""
        if self.player.frame is not None and self.isVisible():
            self.draw(self.player.frame)

    def draw_plot(self, frame: Frame) -> None:
        """From each step to the next, the mean change of what is expected."""
        frames = list(self.player.timeline)
        expected = [self.panels(f)[-1][1].astype(float) for f in frames]
        changes = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(expected)]
        self.plot.set_curve("change", np.array(changes), np.array([f.step for f in frames[1:]], float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)


def stations(total: int, most: int = MOST) -> list[int]:
    """The steps that have a place on the sheet: all of them, or evenly spaced ones with both ends."""
    return spread(total + 1, most)
