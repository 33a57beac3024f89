"""Interpolate: the drawings that lie between two drawings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from playground import data
from playground.capabilities import DrawsStrokes
from playground.contract import Frame, Request
from playground.tabs.frame.view import View
from playground.tabs.vae.strokes.draw import ended, pictures
from playground.ui.plots.line_plot import LinePlot
from playground.ui.strokes.sheet import StrokeSheet
from playground.ui.widgets.stepper import Stepper


class Way(View[DrawsStrokes]):
    """Two test drawings above, the way below."""

    name = "Interpolate"
    capability = DrawsStrokes
    plot: LinePlot
    words = (
        "The encoder reads each of the two drawings into a code <i>z</i>; then codes between the two are <b>drawn again</b>, "
        "all with the same pen. Strokes are not shifted: each stop is a drawing that the decoder believes in.<br><br>Compare "
        "the ends, a = 0 and a = 1, with the test drawings above: they are <b>drawn from memory</b>, and come back as near relations. This decoder "
        "sees all its own earlier points and guesses the next so well that its code has little left to say. At the full price of the KL term "
        "it says next to nothing: <b>posterior collapse</b>, which threatens every VAE with a strong decoder. This one was trained at a tenth "
        "of the price.<br><br>Raise <b>temperature</b>, and chance says "
        "more than the code does."
    )
    formula = (
        r"z(a) = \frac{\sin((1-a) \, \theta)}{\sin \theta} z_0 + \frac{\sin(a \, \theta)}{\sin \theta} z_1"
    )
    hidden_knobs = frozenset({"num_samples"})

    def request_type(self, model: DrawsStrokes) -> type[Request]:
        from playground.experiments.vae import strokes

        return strokes.WayRequest

    def build(self) -> None:
        """The ends, each with a line to choose it, and the way."""
        self.ends = (StrokeSheet(columns=1), StrokeSheet(columns=1))
        self.steppers = (Stepper("test drawing", 2), Stepper("test drawing", 2))
        self.sheet = StrokeSheet()
        self.sheet.setAccessibleName("The way")
        row = QHBoxLayout()
        for end, stepper, knob in zip(self.ends, self.steppers, ("first", "second"), strict=True):
            end.setAccessibleName(f"The {knob} test drawing")
            stepper.stepped.connect(lambda index, knob=knob: self.tab.knobs.set_settings({knob: index}))
            side = QVBoxLayout()
            side.addWidget(end, 1)
            side.addWidget(stepper)
            row.addLayout(side, 1)
        self.column.addLayout(row, 2)
        self.column.addWidget(self.sheet, 3)
        self.player.speed = 30.0
        self.plot = LinePlot("Points of each drawing", "amount a", "points")

    def opened(self) -> None:
        """As many test drawings as there are."""
        for stepper in self.steppers:
            stepper.set_count(data.DATASETS[self.model.card.dataset].num_test)

    def sampler(self, model: DrawsStrokes, request: Request) -> Iterator[Frame]:
        """The way, all stops at once."""
        from playground.experiments.vae import strokes

        return strokes.way(model, request)  # type: ignore[arg-type]

    def adopt(self, request: Request) -> None:
        """The lines under the ends say which they are."""
        super().adopt(request)
        for stepper, knob in zip(self.steppers, ("first", "second"), strict=True):
            index = getattr(request, knob)
            label = int(data.load(self.model.card.dataset, "test")[1][index])
            stepper.index = index
            stepper.show_index(index, self.model.card.classes[label] if label else "")
            self.tab.knobs.set_shown(knob, False)

    def draw(self, frame: Frame) -> None:
        """Both ends, and the way so far."""
        for end, drawing in zip(self.ends, frame.extras["ends"], strict=True):
            end.set_drawings(drawing[None])
        drawn = frame.extras["strokes"]
        amounts = np.arange(len(drawn)) / max(len(drawn) - 1, 1)
        said = [f"a = {a:.2f}" for a in amounts]
        self.sheet.set_drawings(drawn, captions=said, ended=ended(frame))

    def draw_plot(self, frame: Frame) -> None:
        """How long each drawing is."""
        counts = np.isfinite(frame.extras["strokes"][..., 0]).sum(1)
        self.plot.set_curve("points", counts.astype(float), np.linspace(0, 1, len(counts)))
        self.plot.set_range(x=(0, 1))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The way, black on white."""
        return [("", pictures(frame))]
