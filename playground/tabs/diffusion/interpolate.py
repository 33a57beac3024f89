"""The Diffusion tab's *Interpolate*: pictures between two noises, or between two real ones by DDIM inversion."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from playground.capabilities import Denoises
from playground.contract import Frame, Request
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.theme import theme


class Between(View[Denoises]):
    """A walk in the space of noises, denoised all at once by a deterministic sampler."""

    name = "Interpolate"
    capability = Denoises
    plot: LinePlot
    words = (
        "Without fresh noise on the way, the sampler is a fixed map: <b>each noise has its picture</b>, so one can "
        "walk from noise to noise.<br><br>Real pictures have none yet. <b>DDIM inversion</b> finds one by running the "
        "steps backwards. It is exact only with very many: the number under the pictures says what the way there and "
        "back changed.<br><br>A true noise of 784 numbers has a length near 28; the straight line cuts the corner, and "
        "inverted pictures tend to lie short of it."
    )
    formula = r"x_T(a) = \frac{\sin((1-a)\theta) \, x_T + \sin(a\theta) \, x_T'}{\sin\theta}"

    def request_type(self, model: Denoises) -> type[Request]:
        from playground.experiments.diffusion import interpolation

        return interpolation.BetweenRequest

    def sampler(self, model: Denoises, request: Request) -> Iterator[Frame]:
        """There, and back."""
        from playground.experiments.diffusion import interpolation

        return interpolation.between(model, request)  # type: ignore[arg-type]

    def relevant(self, request: Request) -> dict[str, bool]:
        """Seed, class and guidance are for noises; inversion is DDIM's, and asks for no class."""
        images = request.ends == "images"  # type: ignore[attr-defined]
        noises = dict.fromkeys(("seed", "label", "guidance_scale"), not images)
        return noises | {"corrections": images}

    def build(self) -> None:
        """The two ends with a chosen picture between them, the words on the error, and the walk."""
        self.now, self.strip, self.said = ImageGrid(), ImageGrid(), QLabel()
        self.now.setAccessibleName("The two ends and the chosen picture between them")
        self.strip.setAccessibleName("The walk; arrow keys or a click choose a picture")
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said.setWordWrap(True)
        self.column.addWidget(self.now, 2)
        self.column.addWidget(self.said)
        self.column.addWidget(self.strip, 3)
        theme.signals.changed.connect(self._share_room)
        self._share_room()
        self.strip.selection_changed.connect(lambda _: self._draw_chosen())
        self.player.speed = 10.0
        self.plot = LinePlot("Length of the noise along the way", "amount a", "length of x_T")

    def _share_room(self) -> None:
        """In a hall the walk is shown once, not with its noise too, and the chosen picture is the larger."""
        for at, shares in ((0, (5, 5)), (2, (7, 4))):
            self.column.setStretch(at, shares[theme.lecture()])
        if self.player.frame is not None:
            self.draw(self.player.frame)

    def draw(self, frame: Frame) -> None:
        """The walk, the error, and the chosen picture."""
        extras, count = frame.extras, len(frame.images)
        way = ", inverting" if extras["inverting"] else ", denoising" if frame.step < frame.total else ""
        panels = [
            (f"{self.model.noisy.replace('_t', 'ₜ')}{way}", frame.images),
            ("x̂₀: what the model expects", extras["x_0_pred"]),
        ]
        amounts = [f"{a:.2f}" for a in extras["amounts"]]
        if theme.lecture():  # without a title, too
            panels = [("", extras["x_0_pred"])]
        self.strip.set_panels(panels, columns=count, captions=amounts)
        known = extras["known"]
        self.strip.set_known(
            None if known.all() else np.broadcast_to(known[:, None, None], frame.images.shape[:3])
        )
        if self.strip.selected() < 0:
            self.strip.select(count // 2)
        self.said.setText(self._sentence(frame))
        self.said.setVisible(not theme.lecture() or "errors" in extras)  # else the transport says it
        self._draw_chosen()

    def draw_plot(self, frame: Frame) -> None:
        """Lengths of the noise, as far as they are known."""
        extras = frame.extras
        sure = np.isfinite(extras["lengths"])
        self.plot.set_curve("length", extras["lengths"][sure], extras["amounts"][sure])
        self.plot.set_range(x=(0, 1))

    def _sentence(self, frame: Frame) -> str:
        extras = frame.extras
        if "errors" in extras:
            first, second = extras["errors"]
            return (
                f"Inversion error at the ends: <b>{first:.1f}</b> and <b>{second:.1f}</b> grey levels of 255 "
                f"(root mean square, there and back{', decoder included' if self.model.latent else ''})"
            )
        if extras["inverting"]:
            return f"Running DDIM backwards: ᾱ = {extras['alpha_bar']:.3f}"
        return f"Denoising: ᾱ = {extras['alpha_bar']:.3f}" if frame.step < frame.total else "Done: ᾱ = 1"

    def _draw_chosen(self) -> None:
        frame = self.player.frame
        if frame is None:
            return
        count = len(frame.images)
        chosen = self.strip.selected() if self.strip.selected() >= 0 else count // 2
        chosen = min(chosen, count - 1)
        extras, request = frame.extras, self.request
        first, last = extras["ends"]
        if request.ends == "images":  # type: ignore[union-attr]
            names = [f"test image {request.first}", f"test image {request.second}"]  # type: ignore[union-attr]
        else:
            names = [f"noise {request.first}", f"noise {request.second}"]  # type: ignore[union-attr]
        amount = extras["amounts"][chosen]
        if extras["known"][chosen]:
            pictures = np.stack([first, frame.images[chosen], last])
            captions = [names[0], f"a = {amount:.2f}", names[1]]
        else:
            pictures, captions = np.stack([first, last]), names
        self.now.set_images(pictures, columns=len(pictures), captions=captions)
        self.plot.set_marker(float(amount))
