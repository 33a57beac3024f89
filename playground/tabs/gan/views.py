"""The GAN tab: pictures in one pass, and a latent space to walk through, to mix, to steer and to search."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit

from playground.capabilities import Adversarial, HasStyles
from playground.contract import Frame, Model, Request
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.plots.line_plot import BarPlot, LinePlot
from playground.ui.widgets.controls import ComboBox

if TYPE_CHECKING:
    from playground.models.gan.stylegan import StyleGAN

DISCRIMINATOR_OUTPUT = "D(x): how probably real, says the discriminator"


def _code(run: str, request: str) -> Code:
    imports = ("from playground.experiments.gan import explore",)
    return Code(f"explore.{run}", imports, f"explore.{request}")


class Generate(View):
    """Samples, each with the discriminator's opinion."""

    name = "Generate"
    plot: BarPlot
    words = (
        "Each picture is one random <i>z</i>, sent <b>once</b> through the generator. It learned from a second network, "
        "the <b>discriminator</b>, which learned to tell its pictures from real ones; the bars show what that network "
        "thinks.<br><br>How probable a picture is, a GAN cannot say: it has <b>no likelihood</b>."
    )
    formula = r"\min_G \max_D \; \E_x [\log D(x)] + \E_z [\log (1 - D(G(z)))]"

    def explanation(self, model: Model) -> tuple[str, str]:
        """What only StyleGAN has."""
        if not isinstance(model, HasStyles):
            return self.words, self.formula
        more = (
            "<br><br><b>truncation_psi</b> pulls every style <i>w</i> to the mean of its class: safer, less varied. For "
            "variety, training also compared whole <b>sets</b>, in what the discriminator sees."
        )
        return self.words + more, self.formula

    def build(self) -> None:
        """The grid, and the opinions as bars."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.grid.selection_changed.connect(lambda _: self._draw_bars())
        self.plot = BarPlot(DISCRIMINATOR_OUTPUT, "picture", "D(x)")

    def draw(self, frame: Frame) -> None:
        """The pictures, each with its opinion or its class."""
        found, names = frame.extras["discriminator_output"], self.class_names()
        if names is None:
            names = [f"{v:.0%}".replace("%", " % real") for v in found]
        self.grid.set_images(frame.images, captions=names)

    def draw_plot(self, frame: Frame) -> None:
        """The opinions."""
        self._draw_bars()

    def _draw_bars(self) -> None:
        frame, chosen = self.player.frame, self.grid.selected()
        if frame is not None:
            found = frame.extras["discriminator_output"]
            highlight = chosen if 0 <= chosen < len(found) else None
            x = np.arange(1, len(found) + 1)
            self.plot.set_values(found, x=x, highlight=highlight)


class Walk(View[Adversarial]):
    """A closed, smooth walk through the latent space, played as a loop."""

    name = "Latent walk"
    plot: LinePlot
    words = (
        "Each picture walks along a smooth, closed curve through the space of <i>z</i>; the last step leads on to the "
        "first. Every place on the way is as probable as any sample.<br><br>If the generator had learned pictures by "
        "heart, it would jump from one to the next. It glides: it has learned what garments have in common.<br><br>"
        "Speed and loop are those of the bar below."
    )
    formula = r"z(a) = z_0 \cos a + z_1 \sin a"

    def request_type(self, model: Adversarial) -> type[Request]:
        """See the class."""
        from playground.experiments.gan import explore

        return explore.walk_request(model.Request)  # type: ignore[arg-type]

    def sampler(self, model: Adversarial, request: Request) -> Iterator[Frame]:
        """The walk."""
        from playground.experiments.gan import explore

        return explore.walk(model, request)

    def code(self) -> Code:
        """See the base class."""
        return _code("walk(model, request)", "walk_request(model.Request)")

    def build(self) -> None:
        """The grid, and how far each step moves the picture."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.player.loop = True
        self.player.speed = 20.0
        self.plot = LinePlot("How much the first picture changes", "step", "grey levels")
        self._changes: tuple[Frame | None, list[float]] = (None, [])

    def draw(self, frame: Frame) -> None:
        """The pictures."""
        self.grid.set_images(frame.images, captions=self.class_names())

    def draw_plot(self, frame: Frame) -> None:
        """The changes so far."""
        first, changes = self._changes
        timeline = self.player.timeline
        if not len(timeline) or timeline[0] is not first:
            first, changes = (timeline[0] if len(timeline) else None), []
        for i in range(len(changes) + 1, len(timeline)):
            before, now = timeline[i - 1].images[0].astype(int), timeline[i].images[0]
            changes.append(float(np.abs(now - before).mean()))
        self._changes = first, changes
        self.plot.set_curve("change", np.array(changes), np.arange(2, len(changes) + 2, dtype=float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)


class Lattice(View[Adversarial]):
    """A lattice of samples with everything between them, under the pointer."""

    name = "Lattice"
    words = (
        "At every whole-numbered place stands one sample of the seed; between them <i>z</i> is mixed. <b>Move over "
        "the plane</b>, drag, or use the arrow keys: the picture follows.<br><br>The VAE's plane was its whole latent "
        "space. This one is a thin sheet through a space of many dimensions, so another seed is another sheet."
    )
    formula = r"z(u, v) = \sum_i w_i z_i / \sqrt{\sum_i w_i^2}"

    def request_type(self, model: Adversarial) -> type[Request]:
        """See the class."""
        from playground.experiments.gan import explore

        return explore.lattice_request(model.Request)  # type: ignore[arg-type]

    def sampler(self, model: Adversarial, request: Request) -> Iterator[Frame]:
        """The sheet, row by row."""
        from playground.experiments.gan import explore

        return explore.lattice(model, request)

    def code(self) -> Code:
        """See the base class."""
        return _code("lattice(model, request)", "lattice_request(model.Request)")

    def build(self) -> None:
        """The plane, and the picture under the pointer."""
        self.plane, self.picture = LatentPlane(("u", "v"), circles=False), ImageGrid()
        self.picture.setAccessibleName("The picture under the pointer")
        row = QHBoxLayout()
        row.addWidget(self.plane, 3)
        row.addWidget(self.picture, 2)
        self.column.addLayout(row, 1)
        self.plane.moved.connect(self._point_at)
        self.finger = self.new_lane("pointer")
        self.finger.frames_arrived.connect(lambda frames: self._show_point(frames[-1]))
        self.finger.failed.connect(self.tab.show_failure)

    def turn(self, request: Request) -> None:
        """The pointer's own knobs do not change the sheet."""
        before = self.request
        places: Any = {"u": 0.0, "v": 0.0}
        same = before is not None and dataclasses.replace(request, **places) == dataclasses.replace(
            before, **places
        )
        if same:
            self.adopt(request)
            self._ask()
        else:
            super().turn(request)

    def start(self, request: Request, patient: bool = False) -> None:
        """The sheet, and the point."""
        super().start(request, patient)
        self._ask()

    def _point_at(self, u: float, v: float) -> None:
        self.tab.knobs.set_settings({**self.tab.knobs.settings(), "u": u, "v": v})

    def _ask(self) -> None:
        from playground.experiments.gan import explore

        request: Any = self.request
        self.plane.set_pointer((request.u, request.v))
        self.finger.touch()
        self.finger.play(self.source(lambda model: explore.lattice_point(model, request)), patient=True)

    def draw(self, frame: Frame) -> None:
        """The sheet as far as it is decoded."""
        from playground.experiments.gan import explore

        self.plane.set_manifold(frame.images, explore.LATTICE_TILES, explore.LATTICE)

    def _show_point(self, frame: Frame) -> None:
        request: Any = self.request
        text = f"({request.u:+.2f}, {request.v:+.2f})".replace("-", "−")
        self.picture.set_images(frame.images, captions=[text])


class Mixing(View["StyleGAN"]):
    """Rows and columns of pictures, and what comes of giving one's styles to the other."""

    name = "Style mixing"
    capability = HasStyles
    plot: BarPlot
    words = (
        "The left column and the top row are samples. Every cell takes the <b>chosen layers' style from its column</b> "
        "and all others from its row.<br><br>The coarse layers, up to 7x7 pixels, decide what the garment's outline is; "
        "the middle ones its parts; the fine ones its shading. Nobody told the network to sort things so: it follows "
        "from giving each resolution its own style."
    )
    formula = r"x = g(w_{row}, \ldots, w_{column}, \ldots, w_{row})"

    def request_type(self, model: StyleGAN) -> type[Request]:
        """See the class."""
        from playground.experiments.gan import explore

        return explore.MixRequest

    def sampler(self, model: StyleGAN, request: Request) -> Iterator[Frame]:
        """Row by row."""
        from playground.experiments.gan import explore

        return explore.mix(model, request)  # type: ignore[arg-type]

    def code(self) -> Code:
        """See the base class."""
        return _code("mix(model, request)", "MixRequest")

    def build(self) -> None:
        """One sheet, and how far each cell is from its two parents."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.grid.selection_changed.connect(lambda _: self._draw_bars())
        self.plot = BarPlot("Mean difference from its parents", "", "grey levels")

    def draw(self, frame: Frame) -> None:
        """The sheet as far as it is mixed."""
        columns = frame.extras["columns"]
        names = [""] + [f"column {i}" for i in range(1, columns)]
        rows = [""] + [f"row {i}" for i in range(1, len(frame.images) // columns)]
        self.grid.set_images(frame.images, columns=columns, column_captions=names, row_captions=rows)
        if self.grid.selected() < 0 and frame.step == frame.total:
            self.grid.select(columns + 1)
        self._draw_bars()

    def _draw_bars(self) -> None:
        frame, chosen = self.player.frame, self.grid.selected()
        if frame is None or not 0 <= chosen < len(frame.images):
            return
        row, column = divmod(chosen, frame.extras["columns"])
        if row and column:
            picture = frame.images[chosen].astype(int)
            parents = frame.images[row * frame.extras["columns"]], frame.images[column]
            distances = np.array([np.abs(picture - parent).mean() for parent in parents])
            self.plot.set_values(distances, names=["its row", "its column"])


class Directions(View["StyleGAN"]):
    """Sliders along the principal directions of w; each can be given a name."""

    name = "Directions"
    capability = HasStyles
    plot: BarPlot
    words = (
        "The mapping network sends random <i>z</i> to styles <i>w</i>, and the cloud of styles is longer in some "
        "directions than in others. These sliders move one picture along the eight longest, in <b>standard "
        "deviations</b>.<br><br>Many directions mean something: width, sleeves, brightness. Find out which, and "
        "<b>give it a name</b> under the pictures: it is kept for the next time."
    )
    formula = r"w' = w + \sum_i a_i \sigma_i u_i"

    def request_type(self, model: StyleGAN) -> type[Request]:
        """See the class."""
        from playground.experiments.gan import explore

        return explore.DirectionRequest

    def sampler(self, model: StyleGAN, request: Request) -> Iterator[Frame]:
        """One picture, before and after."""
        from playground.experiments.gan import explore

        return explore.move(model, request)

    def code(self) -> Code:
        """See the base class."""
        return _code("move(model, request)", "DirectionRequest")

    def build(self) -> None:
        """Two pictures, and a line for names."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        line = QHBoxLayout()
        self.which, self.title = ComboBox(), QLineEdit()
        self.which.setAccessibleName("Direction to name")
        self.title.setAccessibleName("Name of the direction")
        self.title.setPlaceholderText("what does this direction change?")
        self.title.setMaxLength(40)
        self.which.currentIndexChanged.connect(lambda i: self.title.setText(self._name(i)))
        self.title.editingFinished.connect(self._rename)
        line.addWidget(QLabel("Name"))
        line.addWidget(self.which)
        line.addWidget(self.title, 1)
        self.column.addLayout(line)
        self.plot = BarPlot("Spread of w along its principal directions", "direction", "σ")
        self.finger = self.new_lane("spread")
        self.finger.frames_arrived.connect(lambda frames: self._show_spread(frames[-1].payload))

    def opened(self) -> None:
        """Another model has other directions."""
        from playground.experiments.gan import explore

        self.which.clear()
        self.which.addItems([self._entry(i) for i in range(explore.NUM_DIRECTIONS)])
        self.finger.play(self.source(explore.spread))

    def _entry(self, index: int) -> str:
        name = self._name(index)
        return f"direction {index + 1}" + (f": {name}" if name else "")

    def _key(self, index: int) -> str:
        return f"directions/{self.model.card.id}/{index}"

    def _name(self, index: int) -> str:
        return str(QSettings().value(self._key(index), "")) if index >= 0 else ""

    def _rename(self) -> None:
        index = self.which.currentIndex()
        if index >= 0:
            QSettings().setValue(self._key(index), self.title.text().strip())
            self.which.setItemText(index, self._entry(index))

    def draw(self, frame: Frame) -> None:
        """Before and after."""
        self.grid.set_images(frame.images, columns=2, captions=["as drawn", "moved"])

    def _show_spread(self, deviations: np.ndarray) -> None:
        self.plot.set_values(deviations, x=np.arange(1, len(deviations) + 1))


class Project(View[Adversarial]):
    """A test image is looked for in the latent space, step by step."""

    name = "Project"
    plot: LinePlot
    words = (
        "A GAN has no encoder: nothing tells which <i>z</i> belongs to a given picture, or whether any does. What one "
        "does instead is to <b>search</b>: start near by, draw, compare with the target, and move the latent "
        "downhill, again and again.<br><br>What the search cannot reach, the generator cannot draw: a pattern, a "
        "logo, an odd strap. The curve is what is left of the difference."
    )
    formula = r"z^* = \argmin_z \| x - G(z) \|^2"

    def request_type(self, model: Adversarial) -> type[Request]:
        """See the class."""
        from playground.experiments.gan import explore

        return explore.project_request(model.Request)  # type: ignore[arg-type]

    hidden_knobs = frozenset({"seed", "temperature", "truncation_psi", "noise", "label"})

    def sampler(self, model: Adversarial, request: Request) -> Iterator[Frame]:
        """The search."""
        from playground.experiments.gan import explore

        return explore.project(model, request)

    def code(self) -> Code:
        """See the base class."""
        return _code("project(model, request)", "project_request(model.Request)")

    def build(self) -> None:
        """Target and search, and the distance."""
        self.grid = ImageGrid()
        self.column.addWidget(self.grid, 1)
        self.player.speed = 20.0
        self.plot = LinePlot("What is left of the difference", "step", "mean square error")

    def draw(self, frame: Frame) -> None:
        """Both pictures."""
        captions = ["test image", f"drawn, step {frame.step}"]
        self.grid.set_images(frame.images, columns=2, captions=captions)

    def draw_plot(self, frame: Frame) -> None:
        """The distance so far."""
        frames = list(self.player.timeline)
        distances = np.array([f.extras["distance"] for f in frames])
        self.plot.set_curve("distance", distances, np.array([f.step for f in frames], float))
        self.plot.set_range(x=(0, frame.total))
        self.plot.set_marker(frame.step)
