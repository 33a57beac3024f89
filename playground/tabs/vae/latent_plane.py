"""The latent plane of a VAE with two latents: the picture under the pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import Reconstructs
from playground.contract import Frame, Message, Model, Request
from playground.export.picture_metadata import numbers
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.plots.line_plot import BarPlot

if TYPE_CHECKING:
    from playground.experiments.interpolation import Encodings

NEIGHBOURS = 200


class Plane(View[Reconstructs]):
    """Two latent dimensions as a map: every move of the pointer is decoded live."""

    name = "Latent plane"
    passing = frozenset({"pointer"})
    plot: BarPlot
    words = (
        "Each point of this plane is a latent <i>z</i> of two numbers. <b>Move the pointer</b>: the decoder turns the "
        "point under it into a picture, while you move.<br><br>A <b>VAE</b> makes its encodings fill the plane like a "
        "standard normal cloud (the circles: one and two standard deviations), so nearly every point decodes to a "
        "garment. A plain <b>autoencoder</b> promises nothing: choose <i>ae2d</i> and look at its gaps.<br><br>"
        "The bars: which garments the encoder puts near the pointer. It was never told the classes."
    )
    formula = r"z \sim \N(0, I) \to x \sim p(x \mid z)"
    hidden_knobs = frozenset({"num_samples"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Two latent dimensions only."""
        return isinstance(model, Reconstructs) and model.latent_shape == (2,)

    def request_type(self, model: Reconstructs) -> type[Request]:
        from playground.experiments import interpolation

        return interpolation.PlaneRequest

    def sampler(self, model: Reconstructs, request: Request) -> Iterator[Frame]:
        """The manifold, coarse at first."""
        from playground.experiments import interpolation

        return interpolation.manifold(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """The plane, the picture under the pointer, and the neighbours."""
        self.plane, self.picture = LatentPlane(), ImageGrid()
        self.picture.setAccessibleName("The picture under the pointer")
        row = QHBoxLayout()
        row.addWidget(self.plane, 3)
        row.addWidget(self.picture, 1)
        self.column.addLayout(row, 1)
        self.plane.moved.connect(self.point_at)
        self.finger, self.encoder = self.new_lane("pointer"), self.new_lane("encodings")
        self.finger.frames_arrived.connect(lambda frames: self._show_decoded(frames[-1]))
        self.finger.failed.connect(self.tab.show_failure)
        self.encoder.frames_arrived.connect(lambda frames: self._show_encodings(frames[-1]))
        self.encoder.failed.connect(self.tab.show_failure)
        self.plot = BarPlot("Test images encoded near here", "", "share")
        self.decoded: np.ndarray | None = None  # z of the picture on screen
        self._asked: tuple[Any, ...] = ()  # what it was decoded from
        self.points, self.labels = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)

    def opened(self) -> None:
        """Another model has other encodings."""
        from playground.experiments import interpolation

        self.points, self.labels = self.points[:0], self.labels[:0]
        self.encoder.play(self.source(interpolation.encodings))

    def start(self, request: Request, patient: bool = False) -> None:
        """Decode the plane, and the point under the pointer."""
        super().start(request, patient)
        self.plane.set_mode(request.show)  # type: ignore[attr-defined]
        self.plane.set_extent(request.extent)  # type: ignore[attr-defined]
        self.point_at(*(self.plane.pointer() or (0.0, 0.0)))

    def settings(self) -> dict[str, Any]:
        """The pointer."""
        return {"pointer": list(self.plane.pointer() or (0.0, 0.0))}

    def checked(self, settings: Mapping[str, Any], request: Request, model: Reconstructs) -> dict[str, Any]:
        """A point of the plane."""
        extent = request.extent  # type: ignore[attr-defined]
        return {"pointer": numbers(settings.get("pointer", [0.0, 0.0]), (2,), -extent, extent)}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The pointer is in its place before the run begins."""
        self.plane.set_pointer(settings["pointer"])
        self.start(request)

    def relevant(self, request: Request) -> dict[str, bool]:
        """The seed only matters for a draw, and an autoencoder has no distribution to draw from."""
        draws = self.model.likelihood != "none"
        return {"output": draws, "seed": draws and getattr(request, "output", "mean") == "sample"}

    def point_at(self, z_1: float, z_2: float) -> None:
        """Decode a point now; the newest move wins."""
        if self.model is None or self.request is None:
            return
        z, request = np.array([[z_1, z_2]], np.float32), self.request
        self.plane.set_pointer((z_1, z_2))
        self._draw_neighbours(z)
        asked = (self.model, z_1, z_2, request.output, request.seed)  # type: ignore[attr-defined]
        if asked == self._asked and self.finger.state in ("waiting", "running", "finished"):
            return  # only the plane is another: it does not wait for a picture that is there
        self._asked = asked
        self.finger.touch()
        source = self.source(lambda model: model.decode_frames(z, request.output, request.seed))  # type: ignore[attr-defined]
        self.finger.play(source, patient=True)

    def draw(self, frame: Frame) -> None:
        """The manifold as far as it is decoded."""
        n = round(len(frame.images) ** 0.5)
        draft = frame.step < frame.total
        self.plane.set_manifold(frame.images, n, self.request.extent, draft)  # type: ignore[union-attr]

    def _show_decoded(self, frame: Frame) -> None:
        self.decoded = frame.extras["latent"][0]
        z_1, z_2 = self.decoded
        text = f"z = ({z_1:+.2f}, {z_2:+.2f})".replace("-", "−")
        self.picture.set_images(frame.images, captions=[text])

    def _show_encodings(self, message: Message[Encodings]) -> None:
        self.points, self.labels = message.payload
        self.plane.set_scatter(self.points, self.labels, self.model.card.classes)
        if self.plane.pointer() is not None:
            self._draw_neighbours(np.array([self.plane.pointer()], np.float32))

    def _draw_neighbours(self, z: np.ndarray) -> None:
        if len(self.points) < NEIGHBOURS:
            return
        nearest = np.argpartition(((self.points - z) ** 2).sum(1), NEIGHBOURS)[:NEIGHBOURS]
        classes = self.model.card.classes
        shares = np.bincount(self.labels[nearest], minlength=len(classes)) / NEIGHBOURS
        top = np.argsort(-shares, kind="stable")[:4]  # more names than that have no room
        self.plot.set_values(shares[top], highlight=0, high=1.0, names=[classes[i] for i in top])
