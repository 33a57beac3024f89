"""World and dream: a recorded drive, and a dream that is steered in the same way, until they part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground.capabilities import Dreams
from playground.contract import Frame, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot


class Beside(View[Dreams]):
    """Two pictures under one steering wheel."""

    name = "World and dream"
    capability = Dreams
    group = LOOK_INSIDE
    plot: LinePlot
    words = (
        "At the left a drive that was recorded in the world, on a track that the model has never seen; at the right its "
        "dream, which is given <b>the same first frames and the same steering</b>, and nothing else.<br><br>At first both see "
        "one road. Then the dream must invent: what lies behind the next bend is in no frame that it was shown. The curve is "
        "how far its frame is from the world's; <b>they part</b> where a photograph of the start would have been nearer."
    )
    formula = r"\frac{1}{n} \| x_t - \hat{x}_t \|^2"
    hidden_knobs = frozenset({"num_samples", "steering", "num_frames"})

    def request_type(self, model: Dreams) -> type[Request]:
        from playground.experiments.vae import driving

        return driving.BesideRequest

    def build(self) -> None:
        """Two pictures, and their difference over time."""
        self.grid = ImageGrid(columns=2)
        self.grid.setAccessibleName("World and dream")
        self.column.addWidget(self.grid, 1)
        self.player.speed = 20.0
        self.plot = LinePlot("How far from the world", "frame", "squared grey levels")

    def sampler(self, model: Dreams, request: Request) -> Iterator[Frame]:
        from playground.experiments.vae import driving

        return driving.beside(model, request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """Without a window."""
        return Code("driving.beside(model, request)", ("from playground.experiments.vae import driving",))

    def draw(self, frame: Frame) -> None:
        """Both frames."""
        parted = frame.extras["parted"]
        after = f", parted at frame {parted}" if parted else ""
        self.grid.set_images(frame.images, columns=2, captions=["the world", f"the dream{after}"])

    def draw_plot(self, frame: Frame) -> None:
        """The errors so far."""
        frames = list(self.player.timeline)
        steps = [f.step for f in frames]
        errors = np.array([f.extras["errors"] for f in frames])
        self.plot.set_curves(
            {"the dream": errors[:, 0], "the first frame again": errors[:, 1]}, np.array(steps)
        )
        self.plot.set_marker(frame.step)

    def so_what(self, frame: Frame) -> str:
        """Whether they have parted."""
        if not frame.extras["parted"]:
            return (
                f"after {frame.step} frames the dream still knows the world better than the first frame does."
                if frame.step > 9
                else ""
            )
        return f"up to frame {frame.extras['parted']} the dream was nearer to the world than its first frame; from there it dreams of another road."

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Side by side."""
        return [("the world, the dream", frame.images)]
