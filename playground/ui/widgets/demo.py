"""What the ten-line demos of the widgets share: an application with its theme, and one made-up request."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from PySide6.QtWidgets import QApplication, QWidget

from playground.contract import EACH_CLASS, Request, knob
from playground.ui.theme import theme


@dataclass(frozen=True)
class DemoRequest(Request):
    """One knob of every kind."""

    label: int = knob(EACH_CLASS, label="class", choices="classes", help="Which garment to draw.")
    num_steps: int = knob(
        50, label="num_steps", low=1, high=1000, log=True, help="More steps, finer pictures, slower."
    )
    guidance_scale: float = knob(
        1.5,
        label="guidance_scale",
        low=0.0,
        high=8.0,
        step=0.1,
        help="How strongly the class pulls; 1 is off.",
    )
    eta: float = knob(
        0.0, label="eta", low=0.0, high=1.0, step=0.05, help="Fresh noise per step; 0 is deterministic."
    )
    sampler: str = knob(
        "ddim",
        label="sampler",
        choices=(("ddpm", "DDPM"), ("ddim", "DDIM"), ("heun", "Heun")),
        help="Which solver.",
    )
    clip: bool = knob(True, label="clip x_0_pred", help="Keep the predicted picture in range.")
    step_size: float = knob(
        0.01,
        label="step_size",
        low=1e-4,
        high=1.0,
        log=True,
        unit="px",
        fold=True,
        help="Length of a Langevin step.",
    )


def application() -> QApplication:
    """The application, with its theme; ``light``, ``dark`` or a scale may stand on the command line."""
    app = QApplication.instance() or QApplication(sys.argv)
    assert isinstance(app, QApplication)
    words = sys.argv[1:]
    theme.apply(app, "dark" if "dark" in words else "light" if "light" in words else "system")
    for word in words:
        if word.replace(".", "").isdigit():
            theme.set_scale(app, float(word))
    return app


def run(widget: QWidget) -> None:
    """Show a widget until it is closed."""
    widget.show()
    application().exec()
