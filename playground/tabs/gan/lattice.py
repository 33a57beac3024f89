"""A lattice of samples and everything between them, under the pointer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from PySide6.QtWidgets import QHBoxLayout

from playground.capabilities import Adversarial
from playground.contract import Frame, Request
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane


class Lattice(View[Adversarial]):
    """A lattice of samples with everything between them, under the pointer."""

    name = "Lattice"
    capability = Adversarial
    words = (
        "At every whole-numbered place stands one sample of the seed; between them <i>z</i> is mixed. <b>Move over "
        "the plane</b>, drag, or use the arrow keys: the picture follows.<br><br>The VAE's plane was its whole latent "
        "space. This one is a thin sheet through a space of many dimensions, so another seed is another sheet."
    )
    formula = r"z(u, v) = \frac{\sum_i w_i z_i}{\sqrt{\sum_i w_i^2}}"

    def request_type(self, model: Adversarial) -> type[Request]:
        from playground.experiments.gan import lattice

        return lattice.lattice_request(model.Request)  # type: ignore[arg-type]

    def sampler(self, model: Adversarial, request: Request) -> Iterator[Frame]:
        """The sheet, coarse at first."""
        from playground.experiments.gan import lattice

        return lattice.lattice(model, request)

    def code(self) -> Code:
        """See the base class."""
        return Code(
            "lattice.lattice(model, request)",
            ("from playground.experiments.gan import lattice",),
            "lattice.lattice_request(model.Request)",
        )

    def build(self) -> None:
        """The plane, and the picture under the pointer."""
        self.plane, self.picture = LatentPlane(("u", "v"), circles=False), ImageGrid()
        self.picture.setAccessibleName("The picture under the pointer")
        row = QHBoxLayout()
        row.addWidget(self.plane, 3)
        row.addWidget(self.picture, 1)
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
        from playground.experiments.gan import lattice

        request: Any = self.request
        self.plane.set_pointer((request.u, request.v))
        self.finger.touch()
        self.finger.play(self.source(lambda model: lattice.lattice_point(model, request)), patient=True)

    def draw(self, frame: Frame) -> None:
        """The sheet as far as it is decoded."""
        from playground.experiments.gan import lattice

        self.plane.set_manifold(
            frame.images, lattice.LATTICE_TILES, lattice.LATTICE, frame.step < frame.total
        )

    def _show_point(self, frame: Frame) -> None:
        request: Any = self.request
        text = f"({request.u:+.2f}, {request.v:+.2f})".replace("-", "−")
        self.picture.set_images(frame.images, captions=[text])
