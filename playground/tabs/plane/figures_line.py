"""The exact figures of a model in the plane, in a line that fills while it trains."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from playground.contract import Frame
from playground.ui.playback.transport_parts import Figures

TIPS = (
    "NLL minus entropy: how many nats more than the best possible model this one pays for a point of the target; 0 is perfect. "
    "Of a VAE it is a bound. Energy distance (Szekely and Rizzo 2013): how far drawn points are from true ones; 0 is no "
    "difference, about 0.002 is chance. A mode is found when a quarter of its weight lies within three sigma of it. Outside: "
    "drawn points where the target has less than 1 % of its mass."
)


class FiguresLine(QWidget):
    """One line; what there is no room for is left out from the right."""

    def __init__(self) -> None:
        super().__init__()
        from PySide6.QtWidgets import QHBoxLayout

        self.line = Figures()
        self.line.setAccessibleName("Figures of the model")
        self.line.setToolTip(TIPS)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1, Qt.AlignmentFlag.AlignRight)

    def show_frame(self, frame: Frame) -> None:
        """What a frame says."""
        self.line.set_parts(parts_of(frame))


def parts_of(frame: Frame) -> list[str]:
    """The figures that a frame has, in words, the most telling first."""
    said, found = frame.extras, []
    if "nll_minus_entropy" in said:
        found.append(f"NLL − entropy {said['nll_minus_entropy']:.3f} nats")
    if "energy_distance" in said:
        found.append(f"energy distance {said['energy_distance']:.4f}")
    if "modes_found" in said:
        found.append(f"{said['modes_found']} of {said['modes']} modes")
    if "mass_outside" in said:
        found.append(f"{said['mass_outside']:.0%} outside")
    found.append(f"{said['seconds']:.1f} s of training")
    return found
