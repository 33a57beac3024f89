"""The Diffusion tab's *Forward*: drag t, and a real picture sinks into noise; beside it what the network still sees."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QLabel

from playground.capabilities import Denoises
from playground.contract import Frame, Request
from playground.families import FROM_PICTURE
from playground.tabs.frame.image_view import ImageView
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.plots.plot_column import PlotColumn
from playground.ui.theme import theme
from playground.ui.widgets.controls import Slider

LATENT_FORMULA = r"z_t = \alpha_t \, E(x) + \sigma_t \, \epsilon"
_STEPS = 200  # positions of the slider


class Forward(ImageView[Denoises]):
    """x_0, x_t and x_0_pred under a slider for t."""

    name = "Forward"
    group = FROM_PICTURE
    why_small = "three pictures, a slider and the whole way to noise stand one above the other"
    capability = Denoises
    plot: PlotColumn
    words = (
        "<b>Drag t</b>: <i>x<sub>t</sub></i> is the picture turned down plus noise turned up, without any network."
        "<br><br>The network is only ever asked: what was the clean picture? The third picture is its answer. In much "
        "noise it can only give the average of all that is possible."
    )
    formula = r"x_t = \sqrt{\bar{\alpha}_t} \, x_0 + \sqrt{1 - \bar{\alpha}_t} \, \epsilon"
    latent_words = (
        "<b>Drag t</b>: the encoder's numbers are turned down and noise is turned up. You see what the decoder makes of "
        "them: even noise becomes pieces of cloth.<br><br>The network is asked: which latent was there without noise? The third "
        "picture is its answer, decoded."
    )
    hidden_knobs = frozenset({"t"})

    def explanation(self, model: Denoises) -> tuple[str, str]:
        """Where latents are noised, the decoder has a say in what is seen."""
        if model.latent:
            return self.latent_words, LATENT_FORMULA
        return self.words, self.formula

    def request_type(self, model: Denoises) -> type[Request]:
        from playground.experiments.diffusion import forward_process

        return forward_process.ForwardRequest

    def sampler(self, model: Denoises, request: Request) -> Iterator[Frame]:
        """The one frame."""
        from playground.experiments.diffusion import forward_process

        return forward_process.forward(model, request)  # type: ignore[arg-type]

    def build(self) -> None:
        """Three pictures, the slider, the way there, two curves."""
        self.pictures, self.strip = ImageGrid(), ImageGrid()
        self.pictures.setAccessibleName("Clean picture, noised picture, and what the network expects")
        self.strip.setAccessibleName("The same picture at evenly spaced t; a click goes there")
        self.strip.picked.connect(lambda sample, row, column: self._go_to(sample))
        self.slider = Slider()
        self.slider.setRange(0, _STEPS)
        self.slider.scale = lambda at: at / _STEPS
        self.slider.setPageStep(_STEPS // 10)
        self.slider.setAccessibleName("t, the amount of noise")
        self.slider.setToolTip(
            "t: 0 is the picture, 1 is noise alone; double-click or Delete for the default"
        )
        self.slider.valueChanged.connect(lambda at: self.tab.knobs.set_settings({"t": at / _STEPS}))
        self.slider.reset.connect(lambda: self.slider.setValue(round(0.4 * _STEPS)))
        self.value = QLabel()
        row = QHBoxLayout()
        gap = round(theme.em() * 0.8)
        row.setContentsMargins(gap, 0, gap, 0)
        row.setSpacing(gap)
        row.addWidget(QLabel("<i>t</i>"))
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)
        self.column.addWidget(self.pictures, 5)
        self.column.addWidget(self.make_stepper())
        self.column.addLayout(row)
        self.column.addWidget(self.strip, 4)
        self.signal = LinePlot("Share of signal", "t", "ᾱ")
        self.ratio = LinePlot("Signal-to-noise ratio", "t", "SNR", log_y=True)
        self.plot = PlotColumn(self.signal, self.ratio)
        theme.signals.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """In a hall the three pictures are what the back row looks at."""
        self.column.setStretchFactor(self.pictures, 6 if theme.lecture() else 5)
        self.column.setStretchFactor(self.strip, 4)
        if self.player.frame is not None and self.isVisible():
            self.draw(self.player.frame)

    def opened(self) -> None:
        """The curves stand still; only their marker moves."""
        from playground.experiments.diffusion import forward_process

        t, alpha_bar, snr = forward_process.schedule()
        self.signal.set_curve("alpha_bar", alpha_bar, t)
        self.signal.set_range(x=(0, 1), y=(0, 1))
        self.ratio.set_curve("SNR", snr, t)
        self.ratio.set_range(x=(0, 1))

    def adopt(self, request: Request) -> None:
        """The slider stands where the knob does, whoever turned it."""
        super().adopt(request)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(request.t * _STEPS))  # type: ignore[attr-defined]
        self.slider.update()
        t = request.t  # type: ignore[attr-defined]
        self.value.setText(f"{t:.3f}")
        self.value.setMinimumWidth(round(theme.text_width("0.000") + theme.em() * 0.3))

    def draw(self, frame: Frame) -> None:
        """Pictures, captions and markers."""
        extras = frame.extras
        snr = math.exp(extras["log_snr"])
        three = np.concatenate([extras["x_0"], frame.images, extras["x_0_pred"]])
        noisy = f"{self.model.noisy.replace('_t', 'ₜ')}: ᾱ = {extras['alpha_bar']:.3f}"
        captions = ["x₀: test image", noisy, "x̂₀: what it sees"]
        self.pictures.set_images(three, columns=3, captions=captions)
        path = extras["path"][:: 2 if theme.lecture() else 1]
        stations = [f"{t:.2f}".rstrip("0").rstrip(".") for t in np.linspace(0, 1, len(path))]
        self.strip.set_images(path, columns=len(path), captions=stations)
        self.strip.select(round(extras["t"] * (len(path) - 1)))
        self.stepper.show_index(getattr(self.request, "index", 0), self.model.card.classes[extras["label"]])
        at = min(max(extras["t"], 0.01), 0.99)
        self.signal.set_marker(at)
        self.signal.set_title(f"Share of signal: ᾱ = {extras['alpha_bar']:.4f}")
        self.ratio.set_marker(at)
        self.ratio.set_title(f"Signal-to-noise ratio: {snr:.3g}")

    def _go_to(self, station: int) -> None:
        self.slider.setValue(round(station / max(self.strip.count() - 1, 1) * _STEPS))
