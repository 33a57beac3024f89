"""The VAE tab's *Reconstruct*: a test image, the distribution that the encoder gives it, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from playground.capabilities import ImportanceWeighted, PricesReconstruction, Reconstructs, SplitsElbo
from playground.contract import Frame, Message, Model, Request
from playground.families import FROM_PICTURE
from playground.tabs import so_what
from playground.tabs.frame.image_view import ImageView
from playground.tabs.vae.posterior import Posterior
from playground.tabs.vae.sliders import Sliders
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.plots.line_plot import BarPlot, LinePlot
from playground.ui.theme import theme

if TYPE_CHECKING:
    from playground.experiments.interpolation import Encodings
    from playground.experiments.vae.reconstruction import Bounds


class Reconstruct(ImageView[Reconstructs]):
    """x -> q(z given x) -> x_recon, and the ELBO in its two parts."""

    name = "Reconstruct"
    group = FROM_PICTURE
    why_small = "the picture, what the decoder makes of it, its place on the plane and what it costs stand side by side"
    plot: BarPlot
    words = (
        "The encoder answers a picture not with one code but with a <b>distribution</b>, N(μ, σ²). The decoder turns "
        "its middle, and a few draws from it, back into pictures.<br><br>Two prices make up the bound. <b>Given z</b>: "
        "what the decoder still pays for the pixels. <b>KL</b>: what it costs to say <i>z</i>; a smaller σ is dearer. With "
        "more codes (<i>k</i> draws instead of one, the better ones counted more) the bound comes closer to the true "
        "cost.<br><br>N and P walk over the "
        "test images; on a plane, click near a point (or arrows, Enter)."
    )
    formula = r"-\log p(x) \le \E_q [-\log p(x \mid z)] + \KL(q(z \mid x) \| p(z))"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """As the sliders, and what a picture costs given its code is known."""
        return Sliders.suits(model) and isinstance(model, SplitsElbo | PricesReconstruction)

    def request_type(self, model: Reconstructs) -> type[Request]:
        from playground.experiments.vae import reconstruction

        return reconstruction.ReconstructRequest

    def sampler(self, model: Reconstructs, request: Request) -> Iterator[Frame]:
        """The one frame."""
        from playground.experiments.vae import reconstruction

        return reconstruction.reconstruct(model, request)  # type: ignore[arg-type]

    def explanation(self, model: Reconstructs) -> tuple[str, str]:
        """An autoencoder's code is a point, and nobody pays for it."""
        if model.likelihood != "none":
            return self.words, self.formula
        words = (
            "The encoder answers a picture with <b>one point</b>, and the decoder turns it back. There is no σ, no "
            "prior and so no KL: the number says what the pixels cost once the code is known, and <b>nobody has paid "
            "for the code</b>. It is not a likelihood, and not to be compared with a VAE's bound.<br><br>N and P walk "
            "over the test images; click near any point of the plane to take it (or the arrows, then Ctrl+Enter)."
        )
        return words, r"x \to z = f(x) \to \hat{x} = g(z)"

    def build(self) -> None:
        """The pictures, the price, the plane and the posterior."""
        self.pictures, self.plane, self.posterior = ImageGrid(), LatentPlane(), Posterior()
        self.pictures.setAccessibleName("Test image, reconstruction, and decoded draws")
        self.plane.set_mode("scatter")
        self.plane.setCursor(Qt.CursorShape.PointingHandCursor)
        self.plane.setMouseTracking(False)  # a click chooses; the marker stands at mu
        self.plane.pressed.connect(self._take_nearest)
        self.price = QLabel()
        self.price.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.price.setWordWrap(True)
        self.curve = LinePlot("Bound against k", "log₂ of k, the number of codes", "bits/dim")
        self._line, self._places = QWidget(), QWidget()
        right = QVBoxLayout()
        right.addWidget(self.posterior, 3)
        right.addWidget(self.curve, 2)
        places = QHBoxLayout(self._places)
        places.addWidget(self.plane, 9)
        places.addLayout(right, 4)
        line = QHBoxLayout(self._line)  # one, so that the plane has the height of the other
        line.addWidget(self.make_stepper())
        line.addWidget(self.price, 1)
        for layout in (places, line):
            layout.setContentsMargins(0, 0, 0, 0)
        self._whole = QGridLayout()
        self._whole.addWidget(self.pictures, 0, 0)
        self.column.addLayout(self._whole, 1)
        theme.signals.changed.connect(self._arrange)
        self.encoder = self.new_lane("encodings")
        self.encoder.frames_arrived.connect(lambda frames: self._show_encodings(frames[-1]))
        self.encoder.failed.connect(self.tab.show_failure)
        self.plot = self.bars = BarPlot("What the picture costs", "", "bits/dim")
        self.weigher = self.new_lane("bound")
        self.weigher.frames_arrived.connect(lambda frames: self._show_bounds(frames[-1]))
        self.weigher.failed.connect(self.tab.show_failure)
        self.points = np.zeros((0, 2), np.float32)

    def opened(self) -> None:
        """A plane for two dimensions; more are drawn as bars."""
        from playground.experiments import interpolation

        flat = self.model.latent_shape == (2,)
        self.plane.setVisible(flat)
        self._arrange()
        self.points = self.points[:0]
        self.price.setText("\u00a0")  # that of another model's picture
        self.bars.set_values([])
        self.posterior.set_points(self.points, np.zeros(0, np.int64))
        if flat:
            self.encoder.play(self.source(interpolation.encodings))

    def _arrange(self) -> None:
        """In a hall pictures and plane stand side by side, both large, and what is small makes room."""
        hall = theme.lecture()
        self.curve.setVisible(isinstance(self.model, ImportanceWeighted) and not hall)
        flat = self.model is not None and self.model.latent_shape == (2,)
        self.posterior.setVisible(not (hall and flat))
        for part in (self._line, self._places):
            self._whole.removeWidget(part)
        self._whole.addWidget(self._line, 1, 0, 1, 2 if hall else 1)
        self._whole.addWidget(self._places, *((0, 1) if hall else (2, 0)))
        for row, stretch in enumerate((1, 0, 0) if hall else (2, 0, 6)):
            self._whole.setRowStretch(row, stretch)
        for column, stretch in enumerate((5, 4) if hall else (1, 0)):
            self._whole.setColumnStretch(column, stretch)
        if self.player.frame is not None:
            self._say_price(self.player.frame.extras)

    def start(self, request: Request, patient: bool = False) -> None:
        """The picture, and its bound for ever more weights."""
        super().start(request, patient)
        if isinstance(self.model, ImportanceWeighted):
            from playground.experiments.vae import reconstruction

            self.weigher.play(self.source(lambda model: reconstruction.bounds(model, request)))  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """A point has no draws."""
        draws = self.model.likelihood != "none"
        return {"draws": draws, "seed": draws}

    def draw(self, frame: Frame) -> None:
        """Pictures, numbers, ellipse."""
        extras = frame.extras
        draws = len(frame.images) - 2
        captions = ["test image", "mean" if draws else "reconstruction"]
        self.pictures.set_images(frame.images, captions=[*captions, *(f"draw {k + 1}" for k in range(draws))])
        self.stepper.show_index(getattr(self.request, "index", 0), self.model.card.classes[extras["label"]])
        self.plane.set_ellipse(extras["mu"], extras["sigma"])
        self.posterior.set_posterior(extras["mu"], extras["sigma"], extras["latent"][1:])
        if "reconstruction" not in extras:
            return  # its price follows in a moment: the one before stays till then
        self._say_price(extras)
        given = extras["reconstruction"]
        if "kl" not in extras:
            self.bars.set_values([given], names=["given z"], highlight=0)
            return
        kl = extras["kl"]
        self.bars.set_values([given, kl, given + kl], names=["given z", "KL", "−ELBO"], highlight=2)

    def _say_price(self, extras: Mapping[str, Any]) -> None:
        """In a hall the sum alone: its parts are the bars."""
        given = extras.get("reconstruction")
        if given is None:
            return
        if "kl" not in extras:
            self.price.setText(f"{given:.3f} bits/dim given the code, which nobody has paid for")
            return
        kl, error = extras["kl"], extras["standard_error"]
        parts = f" &nbsp;=&nbsp; {given:.3f} given z &nbsp;+&nbsp; {kl:.3f} KL" if not theme.lecture() else ""
        self.price.setText(f"−ELBO: <b>{given + kl:.3f}</b> ± {error:.3f} bits/dim{parts}")

    def so_what(self, frame: Frame) -> str:
        """How much is kept by how few numbers."""
        original, back = frame.images[0].astype(float), frame.images[1]
        return so_what.reconstruction(
            float(np.abs(original - back).mean()), frame.extras["mu"].size, original.size
        )

    def _show_bounds(self, message: Message[Bounds]) -> None:
        k, bits = message.payload
        self.curve.set_curve("bound", bits, np.log2(k))
        self.curve.set_range(x=(0, message.total - 1))
        self.curve.set_title(f"Bound against k: {bits[-1]:.3f} at k = {k[-1]}")

    def _show_encodings(self, message: Message[Encodings]) -> None:
        self.points, labels = message.payload
        reach = float(np.quantile(np.abs(self.points), 0.998))
        self.plane.set_extent(max(round(reach * 2 + 0.5) / 2, 1.0))
        self.plane.set_scatter(self.points, labels, self.model.card.classes)
        self.posterior.set_points(self.points, labels)

    def _take_nearest(self, z_1: float, z_2: float) -> None:
        if len(self.points):
            distance = ((self.points - np.array([z_1, z_2], np.float32)) ** 2).sum(1)
            self.tab.knobs.set_settings({"index": int(np.argmin(distance))})
