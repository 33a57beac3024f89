"""The colours: two palettes, the canvas, and one accent for each family and class.

Accents and class colours were searched to stay apart for colour-blind eyes too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as ``#rrggbb``.  The canvas is dark in both: dim greys of pictures read best there."""

    name: Literal["light", "dark"]
    window: str  # behind everything
    surface: str  # menus, text fields
    raised: str  # buttons, the formula's ground
    hover: str
    line: str  # hairlines and slider grooves
    text: str
    muted: str
    good: str
    warning: str
    error: str
    accents: dict[str, str]


_DARK_ACCENTS = {
    "autoregressive": "#E8C874",
    "flow": "#5FDDEE",
    "vae": "#34B27D",
    "gan": "#F77EC2",
    "diffusion": "#86A9FF",
    "energy": "#FC6A1C",
    "neutral": "#AEB7C4",
}
_LIGHT_ACCENTS = {
    "autoregressive": "#8A6424",
    "flow": "#2F7488",
    "vae": "#00594D",
    "gan": "#8A1290",
    "diffusion": "#3D42D4",
    "energy": "#A31A0C",
    "neutral": "#4A5462",
}
DARK = Palette(
    name="dark",
    window="#16181C",
    surface="#1E2126",
    raised="#262A31",
    hover="#30353E",
    line="#363C46",
    text="#E7E9ED",
    muted="#A0A8B4",
    good="#4CC38A",
    warning="#F2B84B",
    error="#FF8A7A",
    accents=_DARK_ACCENTS,
)
LIGHT = Palette(
    name="light",
    window="#F8F8FA",
    surface="#FFFFFF",
    raised="#EEEFF2",
    hover="#E3E5EA",
    line="#D5D8DE",
    text="#1A1D23",
    muted="#59626F",
    good="#0B6B45",
    warning="#7A5200",
    error="#B3261E",
    accents=_LIGHT_ACCENTS,
)
# where several series share a plot: after Okabe and Ito 2008, told apart by colour-blind eyes, each 3:1 on its ground
SERIES = {
    "dark": ("#56B4E9", "#E69F00", "#2BC49B", "#F0E442", "#E08FC0", "#FF7F3F"),
    "light": ("#0072B2", "#A86200", "#007A59", "#6B5B00", "#A8447D", "#C04A00"),
}
# the canvas: the same in both themes, so that what is drawn on it uses the dark theme's accents and class colours
CANVAS = "#1D2025"
CANVAS_TEXT = "#E7E9ED"
CANVAS_MUTED = "#A0A8B4"
CANVAS_LINE = "#3A404A"
CLASS_COLOURS = (
    "#427BB7",
    "#FB9A21",
    "#D25F00",
    "#9CB0AD",
    "#C35FFA",
    "#8F7E76",
    "#F5F647",
    "#78E9AC",
    "#FAAAFB",
    "#D5F8FE",
)
