"""The VAE tab's *Sliders*: one per latent dimension, most informative first, and the picture follows the finger."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from playground.capabilities import MeasuresInformation, Reconstructs
from playground.contract import Frame, Message, Model, Request
from playground.families import FROM_PICTURE
from playground.tabs.frame.image_view import ImageView
from playground.tabs.vae.slider_panel import LatentSliders
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot


class Sliders(ImageView[Reconstructs]):
    """Start from a test image, a sample or the origin, and move one number of the latent at a time."""

    name = "Sliders"
    group = FROM_PICTURE
    words = (
        "The encoder squeezed the picture into a few numbers, <i>z</i>. <b>Move one</b>: the decoder shows what it means."
        "<br><br>The bars say how much each number tells about a picture: the KL divergence from encoding to prior, "
        "averaged over the test images. One that tells nothing has <b>collapsed</b> to the prior. The VAE pays for "
        "every nat, so it uses no more numbers than it needs.<br><br>Double-click or Delete sends a slider back."
    )
    formula = r"\KL_d = \frac{1}{2} (\mu_d^2 + \sigma_d^2 - 1 - \log \sigma_d^2)"
    hidden_knobs = frozenset({"moved"})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """A flat latent, both ways."""
        return isinstance(model, Reconstructs) and len(model.latent_shape) == 1

    def request_type(self, model: Reconstructs) -> type[Request]:
        from playground.experiments.vae import latent_sliders

        return latent_sliders.SlidersRequest

    def sampler(self, model: Reconstructs, request: Request) -> Iterator[Frame]:
        """The one picture."""
        from playground.experiments.vae import latent_sliders

        return latent_sliders.slide(model, request)  # type: ignore[arg-type]

    def explanation(self, model: Reconstructs) -> tuple[str, str]:
        """An autoencoder has no KL, so no bars and nothing that can collapse."""
        if isinstance(model, MeasuresInformation):
            return self.words, self.formula
        words = (
            "The encoder squeezed the picture into two numbers. <b>Move one</b>, and the decoder shows what it "
            "means.<br><br>Nothing in a plain autoencoder says how far a number may go or what it costs: move a "
            "slider slowly and watch the picture pass through regions that the decoder never saw. A VAE fills them."
        )
        return words, r"z = f(x) \to \hat{x} = g(z)"

    def build(self) -> None:
        """The picture, what it started from, the sliders."""
        self.picture, self.origin = ImageGrid(), ImageGrid()
        self.picture.setAccessibleName("The picture of the latent under the sliders")
        self.origin.setAccessibleName("What the sliders started from")
        self.sliders = LatentSliders()
        self.back = QPushButton("Back to the start")
        self.back.setToolTip("Every slider back to where it stood at first")
        self.back.clicked.connect(lambda: self.tab.knobs.set_settings({"moved": ""}))
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(self.picture, 1)
        left.addWidget(self.make_stepper())
        right.addWidget(self.origin, 2)
        right.addWidget(self.sliders, 3)
        right.addWidget(self.back)
        row = QHBoxLayout()
        row.addLayout(left, 5)
        row.addLayout(right, 2)
        self.column.addLayout(row, 1)
        self.sliders.moved.connect(self._move)
        self.sliders.reset.connect(lambda dimension: self._move(dimension, None))
        self.sliders.touched.connect(self._touch)
        self.measurer = self.new_lane("information")
        self.measurer.frames_arrived.connect(lambda frames: self._informed(frames[-1]))
        self.measurer.failed.connect(self.tab.show_failure)
        self.bars = BarPlot("What each dimension says", "dimension, most informative first", "KL, nats")
        self.plot = self.bars
        self.kl: np.ndarray | None = None
        self.touched = -1
        self._origin: np.ndarray | None = None  # the start now shown, and its caption
        self._label = ""

    def opened(self) -> None:
        """Another model, other dimensions."""
        from playground.experiments.vae import latent_sliders

        self.tab.knobs.set_silently({"moved": ""})
        self.kl, self.touched = None, -1
        self.sliders.set_count(self.model.latent_shape[0])
        measured = isinstance(self.model, MeasuresInformation)
        self.plot = self.bars if measured else None
        if measured:
            self.measurer.play(self.source(latent_sliders.information))

    def relevant(self, request: Request) -> dict[str, bool]:
        """The seed matters for a sample or a draw, the index for a test image."""
        draws = self.model.likelihood != "none"
        random = request.start == "sample" or (draws and request.output == "sample")  # type: ignore[attr-defined]
        images = request.start == "image"  # type: ignore[attr-defined]
        self.stepper.setVisible(images)
        return {"seed": random, "index": images, "output": draws}

    def turn(self, request: Request) -> None:
        """Another start is a fresh start: what was moved goes back."""
        before = self.request
        fresh = before is not None and any(
            getattr(request, name) != getattr(before, name) for name in ("start", "index")
        )
        if before is not None and request.start == "sample" and request.seed != before.seed:  # type: ignore[attr-defined]
            fresh = True
        if fresh and request.moved == before.moved:  # type: ignore[attr-defined, union-attr]
            self.tab.knobs.set_silently({"moved": ""})
            request = self.tab.knobs.request()
        super().turn(request)

    def _move(self, dimension: int, value: float | None) -> None:
        from playground.experiments.vae import latent_sliders

        if self.model is None or self.request is None:
            return
        moves = latent_sliders.read_moves(self.request.moved, self.model.latent_shape[0])  # type: ignore[attr-defined]
        moves.pop(dimension, None)
        if value is not None:
            moves[dimension] = value
        self.tab.knobs.set_settings({"moved": latent_sliders.write_moves(moves)})

    def _touch(self, dimension: int) -> None:
        if dimension != self.touched:
            self.touched = dimension
            self._draw_bars()

    def draw(self, frame: Frame) -> None:
        """The picture, its start, and the sliders where they stand (never under the finger)."""
        from playground.experiments.vae.latent_sliders import read_moves

        request, label = self.request, "start: z = 0"
        if request.start == "image":  # type: ignore[union-attr]
            label = f"start: no. {request.index}"  # type: ignore[union-attr]
        elif request.start == "sample":  # type: ignore[union-attr]
            label = "start: a sample"
        self.stepper.show_index(getattr(request, "index", 0))
        self.picture.set_images(frame.images)
        if frame.extras["origin"] is not self._origin or label != self._label:
            self._origin, self._label = frame.extras["origin"], label
            self.origin.set_images(self._origin, captions=[label])
        if not self.sliders.in_hand:
            z = frame.extras["start"][
                0
            ].copy()  # with the newest moves: an older picture moves no slider back
            for dimension, value in read_moves(getattr(request, "moved", ""), len(z)).items():
                z[dimension] = value
            self.sliders.set_values(z)
        self.back.setEnabled(bool(getattr(request, "moved", "")))

    def _informed(self, message: Message[np.ndarray]) -> None:
        from playground.experiments.vae.latent_sliders import COLLAPSED

        if self.sliders.in_hand and message.step < message.total:
            return  # nothing moves away under the finger
        self.kl = message.payload
        order = np.argsort(-self.kl, kind="stable").tolist()
        self.sliders.set_information(order, self.kl, {d for d in order if self.kl[d] < COLLAPSED})
        self._draw_bars()

    def _draw_bars(self) -> None:
        if self.kl is None:
            return
        order = self.sliders.order
        names = [f"z{d + 1}" for d in order]
        at = order.index(self.touched) if self.touched in order else None
        few = names if len(order) <= 6 else None
        self.bars.set_values(self.kl[order], highlight=at, names=few)
        said = f": z{self.touched + 1}, number {at + 1} of {len(order)}" if at is not None else ""
        self.bars.set_title(f"What each dimension says{said}")
