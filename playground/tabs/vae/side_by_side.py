"""The VAE beside the autoencoder: two latent planes under one pointer, so that the difference is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel

from playground import checkpoints, labels
from playground.capabilities import Reconstructs
from playground.contract import Frame, Message, Model, Request
from playground.export.picture_metadata import numbers
from playground.families import LOOK_INSIDE
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.plots.line_plot import BarPlot

if TYPE_CHECKING:
    from playground.experiments.interpolation import Encodings

NEAR = 0.25  # how far from the pointer an encoding counts as near


def partner_of(card: checkpoints.Card) -> checkpoints.Card | None:
    """The shipped checkpoint of the same family with two latent dimensions and another network, if there is one."""
    for other in checkpoints.cards():
        flat = other.family == card.family and other.config.get("latent_dim") == 2
        if flat and other.network != card.network:
            return other
    return None


class Beside(View[Reconstructs]):
    """Pointing into one plane points at the same z in the other."""

    name = "Side by side"
    passing = frozenset({"pointer"})
    group = LOOK_INSIDE
    why_small = "two planes stand side by side, each with the picture under its pointer"
    plot: BarPlot
    words = (
        "The same networks, trained with and without a prior. <b>Move the pointer</b> over one plane: the other points "
        "at the same <i>z</i>.<br><br>The <b>VAE</b> blurs each code and pulls all towards a standard normal: its plane "
        "is filled, and neighbours are alike. The <b>autoencoder</b> only had to reconstruct: its codes lie in arms "
        "with <b>gaps</b> between, where nothing was ever trained.<br><br>The bars count the test images encoded near "
        "the pointer. Set <b>show</b> to <i>encoded</i> to see all of them."
    )
    formula = r"x \to q(z \mid x) \to \hat{x}; x \to f(x) \to \hat{x}"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Two latent dimensions, and a model to stand beside it."""
        flat = isinstance(model, Reconstructs) and model.latent_shape == (2,)
        return flat and partner_of(model.card) is not None

    def request_type(self, model: Reconstructs) -> type[Request]:
        from playground.experiments import interpolation

        return interpolation.BesideRequest

    def settings(self) -> dict[str, Any]:
        """The pointer."""
        return {"pointer": list(self.planes[0].pointer() or (0.0, 0.0))}

    def checked(self, settings: Mapping[str, Any], request: Request, model: Reconstructs) -> dict[str, Any]:
        """A point of the plane."""
        extent = request.extent  # type: ignore[attr-defined]
        return {"pointer": numbers(settings.get("pointer", [0.0, 0.0]), (2,), -extent, extent)}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The pointer is in its place before the run begins."""
        self.planes[0].set_pointer(settings["pointer"])
        self.start(request)

    def code(self) -> Code | None:
        """With the partner."""
        other = self.partner.id if self.partner else ""
        run = f"interpolation.beside(model, playground.load({other!r}), request)"
        return Code(run, ("from playground.experiments import interpolation",))

    def build(self) -> None:
        """Two columns: name, plane, picture."""
        self.planes, self.titles = (LatentPlane(), LatentPlane()), (QLabel(), QLabel())
        self.pictures = (ImageGrid(), ImageGrid())
        grid = QGridLayout()
        for column, (title, plane, picture) in enumerate(
            zip(self.titles, self.planes, self.pictures, strict=True)
        ):
            title.setAlignment(Qt.AlignmentFlag.AlignCenter)
            title.setWordWrap(True)
            grid.setColumnStretch(column, 1)  # of equal width, so that the planes are of equal size
            picture.setAccessibleName("The picture under the pointer")
            plane.moved.connect(self.point_at)
            for row, part in enumerate((title, plane, picture)):
                grid.addWidget(part, row, column)
        grid.setRowStretch(1, 5)
        grid.setRowStretch(2, 3)
        self.column.addLayout(grid, 1)
        self.finger = self.new_lane("pointer")
        self.finger.frames_arrived.connect(lambda frames: self._show_decoded(frames[-1]))
        self.finger.failed.connect(self.tab.show_failure)
        self.encoders = (self.new_lane("encodings"), self.new_lane("encodings of the other"))
        for side, lane in enumerate(self.encoders):
            lane.frames_arrived.connect(lambda frames, side=side: self._show_encodings(side, frames[-1]))
            lane.failed.connect(self.tab.show_failure)
        self.plot = BarPlot(f"Test images encoded within {NEAR:g} of the pointer", "", "test images")
        self.points: list[np.ndarray] = [np.zeros((0, 2), np.float32)] * 2
        self.decoded: np.ndarray | None = None  # z of the pictures on screen
        self.partner: checkpoints.Card | None = None

    def opened(self) -> None:
        """Find the partner; the VAE stands at the left whichever of the two is open."""
        from playground.experiments import interpolation

        self.partner = partner_of(self.model.card)
        self.points = [np.zeros((0, 2), np.float32)] * 2
        assert self.partner is not None, "suits() has seen one"
        for title, card in zip(self.titles, self._in_order(self.model.card, self.partner), strict=True):
            title.setText(f"<b>{labels.short(card.id, card.system)}</b>")
            title.setToolTip(f"{card.id}: {card.system}")
        for side, ours in enumerate(self._in_order(True, False)):
            self.encoders[side].play(
                self._both(lambda model, other, ours=ours: interpolation.encodings(model if ours else other))
            )

    def sampler(self, model: Reconstructs, request: Request) -> Iterator[Frame]:
        """Both planes, coarse at first."""
        from playground.experiments import interpolation

        return interpolation.beside(model, self._partner_model(), request)  # type: ignore[arg-type]

    def start(self, request: Request, patient: bool = False) -> None:
        """Decode the planes, and the point under the pointer."""
        super().start(request, patient)
        for plane in self.planes:
            plane.set_mode(request.show)  # type: ignore[attr-defined]
            plane.set_extent(request.extent)  # type: ignore[attr-defined]
        self.point_at(*(self.planes[0].pointer() or (0.0, 0.0)))

    def relevant(self, request: Request) -> dict[str, bool]:
        """The seed only matters for a draw."""
        return {"seed": getattr(request, "output", "mean") == "sample"}

    def point_at(self, z_1: float, z_2: float) -> None:
        """Point both planes at z, and decode it in both."""
        from playground.experiments import interpolation

        if self.model is None or self.request is None:
            return
        for plane in self.planes:
            plane.set_pointer((z_1, z_2))
        z, request = np.array([[z_1, z_2]], np.float32), self.request
        self.finger.touch()
        decode = self._both(
            lambda model, other: interpolation.decode_both(model, other, z, request.output, request.seed)  # type: ignore[attr-defined]
        )
        self.finger.play(decode, patient=True)
        self._count()

    def draw(self, frame: Frame) -> None:
        """Both planes as far as they are decoded."""
        half = len(frame.images) // 2
        parts = self._in_order(frame.images[:half], frame.images[half:])
        for plane, tiles in zip(self.planes, parts, strict=True):
            plane.set_manifold(tiles, round(half**0.5), self.request.extent)  # type: ignore[union-attr]

    # --- inside

    def _partner_model(self) -> Any:
        assert self.partner is not None
        return self.tab.model_cache.get(self.partner.id)

    def _both(self, frames: Any) -> Any:
        return self.source(lambda model: frames(model, self._partner_model()))

    def _in_order(self, ours: Any, other: Any) -> tuple[Any, Any]:
        """The VAE's first."""
        return (ours, other) if self.model.likelihood != "none" else (other, ours)

    def _show_decoded(self, frame: Frame) -> None:
        self.decoded = frame.extras["latent"][0]
        z_1, z_2 = self.decoded
        text = f"z = ({z_1:+.2f}, {z_2:+.2f})".replace("-", "−")
        for picture, image in zip(self.pictures, self._in_order(*frame.images), strict=True):
            picture.set_images(image[None], captions=[text])

    def _show_encodings(self, side: int, message: Message[Encodings]) -> None:
        self.points[side], labels = message.payload
        self.planes[side].set_scatter(self.points[side], labels, self.model.card.classes)
        self._count()

    def _count(self) -> None:
        at = np.array(self.planes[0].pointer() or (0.0, 0.0), np.float32)
        counts = [int((((points - at) ** 2).sum(1) < NEAR**2).sum()) for points in self.points]
        cards = self._in_order(self.model.card, self.partner or self.model.card)
        names = [labels.short(card.id, card.system).partition(",")[0] for card in cards]
        self.plot.set_values(counts, names=names, high=max(400.0, *counts))
