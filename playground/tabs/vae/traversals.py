"""The VAE tab's *Traversals*: what each number of a code means, under a heavy KL term and under the plain one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from playground import checkpoints
from playground.capabilities import MeasuresInformation
from playground.contract import Frame, Model, Request
from playground.families import LOOK_INSIDE
from playground.tabs.frame.image_view import ImageView
from playground.tabs.frame.python_code import Code
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme

if TYPE_CHECKING:
    from playground.models.vae.vae import VAE


def partner_of(card: checkpoints.Card) -> checkpoints.Card | None:
    """The shipped model of the same network with a plain KL term and more than two dimensions, for one without."""
    for other in checkpoints.cards():
        plain = other.config.get("beta_kl") == 1 and other.config.get("latent_dim", 0) > 2
        if plain and other.network == card.network and card.config.get("beta_kl", 1) > 1:
            return other
    return None


ROWS_IN_HALL = 3  # dimensions of each model


class Traversals(ImageView["VAE"]):
    """A row for each of the most telling dimensions, moved from -3 to 3; the plain VAE's at the right."""

    name = "Traversals"
    group = LOOK_INSIDE
    capability = MeasuresInformation
    plot: LinePlot
    why_small = (
        "two models stand side by side, each with seven values for every dimension; a double click enlarges"
    )
    words = (
        "One number of the picture's code is moved from −3 to 3, all others held: a row for each that says most. "
        "<b>Choose a cell</b> at one side, and the other shows the same move.<br><br>A <b>beta-VAE</b> pays β times for "
        "every nat, so it keeps few numbers, and those tend to mean one thing each: kind, width, shade. The <b>plain "
        "VAE</b> spreads the picture over many.<br><br>The price stands under the pictures: the code says less, so the "
        "pixels cost more."
    )
    formula = r"\E_q [\log p(x \mid z)] - \beta \, \KL(q(z \mid x) \| p(z))"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """A heavier KL term, and a plain model to stand beside it."""
        return super().suits(model) and partner_of(model.card) is not None

    def request_type(self, model: VAE) -> type[Request]:
        from playground.experiments.vae import traversals

        return traversals.TraversalsRequest

    def sampler(self, model: VAE, request: Request) -> Iterator[Frame]:
        """Both models' rows."""
        from playground.experiments.vae import traversals

        assert self.partner is not None, "suits() has seen one"
        return traversals.traverse(model, self.tab.model_cache.get(self.partner.id), request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """With the partner."""
        other = self.partner.id if self.partner else ""
        run = f"traversals.traverse(model, playground.load({other!r}), request)"
        return Code(run, ("from playground.experiments.vae import traversals",))

    def build(self) -> None:
        """The picture and what both make of it, two grids, what was measured."""
        self.partner: checkpoints.Card | None = None
        self.picture, self.grids = ImageGrid(), (ImageGrid(), ImageGrid())
        self.picture.setAccessibleName("Test image, its reconstructions, and the chosen cells")
        self.said = QLabel()
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said.setWordWrap(True)
        row = QHBoxLayout()
        for grid, name in zip(self.grids, ("beta-VAE", "plain VAE"), strict=True):
            grid.setAccessibleName(f"Traversals of the {name}; the arrow keys choose a cell")
            grid.selection_changed.connect(self._choose)
            row.addWidget(grid)
        self._top = QVBoxLayout()
        self._top.addWidget(self.picture, 1)
        self._top.addWidget(self.make_stepper())
        self.column.addLayout(self._top, 2)
        self.column.addLayout(row, 5)
        self.column.addWidget(self.said)
        self.plot = LinePlot("What each dimension says", "dimension, most telling first", "KL, nats")
        theme.signals.changed.connect(self._fit)

    def opened(self) -> None:
        """Find the plain one."""
        self.partner = partner_of(self.model.card)
        self._fit()

    def draw(self, frame: Frame) -> None:
        """Rows and numbers."""
        from playground.experiments.vae.traversals import VALUES

        extras = frame.extras
        names = self._names()
        parts = np.split(frame.images, [len(extras["dimensions"][0]) * len(VALUES)])
        cells = self._cells(frame)
        values = VALUES[cells[0]]
        for grid, part, name, rows in zip(self.grids, parts, names, extras["dimensions"], strict=True):
            grid.set_images(
                part[cells.reshape(-1)],
                columns=len(values),
                row_captions=[f"z{d + 1}" for d in rows[: len(cells)]],
                column_captions=[f"{v:+g}".replace("-", "−") if v else "0" for v in values],
                title=name,
            )
        self.stepper.show_index(getattr(self.request, "index", 0), self.model.card.classes[extras["label"]])
        lines = [
            f"{name}: {m['active']} of {m['num_dims']} dimensions used, KL {m['kl'].sum():.1f} nats, "
            f"{m['reconstruction']:.2f} bits/dim given z"
            for name, m in zip(names, extras["measured"], strict=True)
        ]
        self.said.setText("\n".join(lines))
        self._draw_chosen()

    def draw_plot(self, frame: Frame) -> None:
        """What each dimension says, of both models."""
        assert isinstance(self.plot, LinePlot)
        self.plot.set_curves({})
        for name, m in zip(self._names(), frame.extras["measured"], strict=True):
            self.plot.set_curve(name, m["kl"][m["order"]], np.arange(1, m["num_dims"] + 1))

    def _cells(self, frame: Frame) -> np.ndarray:
        """Which cells of a model's (dimensions, values) are shown, as places in its part: in a hall fewer and larger ones."""
        rows = len(frame.extras["dimensions"][0])
        cells = np.arange(len(frame.images) // 2).reshape(rows, -1)
        return cells[:ROWS_IN_HALL, ::2] if theme.lecture() else cells

    def _fit(self) -> None:
        """In a hall the traversals have all the room."""
        for part in (self.picture, self.said):
            part.setVisible(not theme.lecture())
        self.column.setStretchFactor(self._top, 0 if theme.lecture() else 2)
        for grid in self.grids:
            grid.select(-1)  # the cells are numbered anew
        if self.player.frame is not None:
            self.draw(self.player.frame)

    def _names(self) -> list[str]:
        return [f"beta-VAE, β = {self.model.config.beta_kl:g}", "plain VAE, β = 1"]

    def _choose(self, cell: int) -> None:
        """The same gesture in both."""
        for grid in self.grids:
            grid.select(cell)
        self._draw_chosen()

    def _draw_chosen(self) -> None:
        frame = self.player.frame
        if frame is None:
            return
        pictures = [frame.extras["original"], np.stack(frame.extras["reconstructions"])]
        captions = ["test image", "beta-VAE's mean", "plain VAE's mean"]
        cell, half = self.grids[0].selected(), len(frame.images) // 2
        if cell >= 0:
            cell = int(self._cells(frame).reshape(-1)[cell])
            pictures.append(frame.images[[cell, half + cell]])
            captions += ["chosen, beta-VAE", "chosen, plain VAE"]
        self.picture.set_images(np.concatenate(pictures), columns=len(captions), captions=captions)
