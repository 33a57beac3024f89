"""The Diffusion tab's *Few steps*: one, two and four jumps beside fifty steps, and what each number of steps is worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from playground import checkpoints
from playground.capabilities import JumpsToData
from playground.contract import Frame, Model, Request
from playground.evaluation import fid_by_steps
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

_NAMES = {"ddpm": "DDPM", "ddim": "DDIM", "dpm++2m": "DPM-Solver++(2M)", "unipc": "UniPC"}


def teacher_of(card: checkpoints.Card) -> checkpoints.Card | None:
    """The shipped checkpoint that this one was begun from and learned from."""
    name = str(card.recipe.get("continued_from", "")).partition("@")[0]
    return next((c for c in checkpoints.cards() if c.id == name and c.id != card.id), None)


class FewSteps(View[JumpsToData]):
    """A row for each noise; the last column is the teacher's."""

    name = "Few steps"
    capability = JumpsToData
    words = (
        "Every row begins with <b>one noise</b>. The diffusion model (right) walks from it to a picture in many small "
        "steps, and asks its network twice in each. The <b>consistency model</b> learned from such walks to jump: from "
        "any point of the way to any later one.<br><br>One jump must guess everything at once and comes out soft. A "
        "second may mend the first; four are hard to tell from fifty.<br><br>The plot: <b>FID against steps</b> for "
        "every sampler (less is better), by the same judge as everywhere. Cleverer samplers come down sooner; only "
        "the model that was trained for it is any good at one or two."
    )
    formula = r"G(x_t, t, s) = \cos(\theta_t - \theta_s) \, x_t - \sin(\theta_t - \theta_s) \, v(x_t, t, s)"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """A model that jumps, and the one that it learned from."""
        return super().suits(model) and teacher_of(model.card) is not None

    def request_type(self, model: JumpsToData) -> type[Request]:
        from playground.experiments.diffusion import few_steps

        return few_steps.FewStepsRequest

    def sampler(self, model: JumpsToData, request: Request) -> Iterator[Frame]:
        """Column after column."""
        from playground.experiments.diffusion import few_steps

        assert self.teacher is not None, "suits() has seen one"
        return few_steps.few_steps(model, self.tab.model_cache.get(self.teacher.id), request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """With the teacher."""
        other = self.teacher.id if self.teacher else ""
        run = f"few_steps.few_steps(model, playground.load({other!r}), request)"
        return Code(run, ("from playground.experiments.diffusion import few_steps",))

    def build(self) -> None:
        """The pictures, what they cost, and the curves."""
        self.teacher: checkpoints.Card | None = None
        self.grid, self.cost = ImageGrid(), QLabel()
        self.grid.setAccessibleName("One, two and four jumps and many steps from the same noise")
        self.cost.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.cost.setWordWrap(True)
        self.curves = LinePlot("FID against steps", "number of steps", "FID", log_y=True)
        self.plot = self.curves
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.cost)
        self.player.speed = 30.0

    def opened(self) -> None:
        """The teacher, and what was measured of both."""
        self.teacher = teacher_of(self.model.card)
        curves: dict[str, list[fid_by_steps.Point]] = {}
        for card in (self.model.card, self.teacher):
            found = fid_by_steps.read(checkpoints.resolve(card.id)) if card else []
            name = "consistency" if card is self.model.card else ""
            curves |= {
                _NAMES.get(key, key) or name: points for key, points in fid_by_steps.curves(found).items()
            }
        self.plot = self.curves if curves else None
        self.curves.set_curves({})
        for name, points in curves.items():
            self.curves.set_curve(name, [p.fid for p in points], np.log2([p.num_steps for p in points]))
        steps = sorted({p.num_steps for points in curves.values() for p in points})
        self.curves.set_x_names({float(np.log2(n)): str(n) for n in steps})
        counts = sorted({p.num_images for points in curves.values() for p in points})
        self.curves.set_title(f"FID against steps ({' or '.join(map(str, counts))} pictures for each point)")

    def draw(self, frame: Frame) -> None:
        """The columns as far as they are."""
        extras = frame.extras
        said = [f"{n} step" + ("s" if n > 1 else "") for n in extras["num_steps"]]
        heads = [*said[:-1], f"diffusion: {said[-1].removesuffix(' steps')}"]
        self.grid.set_images(
            frame.images, columns=len(said), column_captions=heads, row_captions=self.class_names()
        )
        costs = [
            f"{steps_}: {passes} pass" + ("es" if passes > 1 else "") + f", {_time(seconds)}"
            for steps_, passes, seconds in zip(said, extras["passes"], extras["seconds"], strict=True)
            if passes
        ]
        self.cost.setText("   ·   ".join(costs) or "noise")


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
