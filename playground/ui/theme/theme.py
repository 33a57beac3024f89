"""How everything looks: two palettes, one accent colour per family, type that scales, one small stylesheet.

Call ``apply(app, "light" | "dark" | "system")`` once; ``set_scale`` makes all type and spacing larger.  Widgets that
paint themselves ask ``palette()`` and ``accent(self)`` when they paint, and listen to ``signals.changed`` if they
keep anything coloured.  The colours themselves stand in ``palette.py``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QTabBar, QTabWidget, QWidget

from playground import paths
from playground.ui.theme import hidden_pages
from playground.ui.theme.palette import (  # noqa: F401  widgets find them here, beside what depends on the mode
    CANVAS,
    CANVAS_LINE,
    CANVAS_MUTED,
    CANVAS_TEXT,
    CLASS_COLOURS,
    DARK,
    LIGHT,
    Palette,
)
from playground.ui.theme.stylesheet import stylesheet

if TYPE_CHECKING:
    import numpy as np

Mode = Literal["light", "dark", "system"]
LECTURE_SCALE = 1.5  # of type in a lecture hall, until it is made larger or smaller there
LECTURE_SIDE = 96  # device-independent pixels of the smallest picture that a back row can see
BASE_PIXELS = 13  # height of body text at scale 1, in device-independent pixels
MATH_ROMAN = ("KaTeX_Main", "STIX Two Math", "Cambria Math", "Latin Modern Math", "serif")
MATH_ITALIC = ("KaTeX_Math", "STIX Two Text", "Cambria", "Latin Modern Roman", "serif")


class _Signals(QObject):
    changed = Signal()  # colours or type size changed: recolour, measure again


signals = _Signals()
_state: dict[str, object] = {"mode": "system", "scale": 1.0, "palette": LIGHT, "following": False}
_state |= {"lecture": False, "lecture_scale": LECTURE_SCALE}


def apply(app: QApplication, mode: Mode = "system") -> None:
    """Apply a theme to the whole program; ``"system"`` follows the desktop's light or dark, now and later."""
    _state["mode"] = mode
    hints = app.styleHints()
    if not _state["following"]:
        _state["following"] = True
        app.setStyle("Fusion")
        hints.colorSchemeChanged.connect(_follow)
    # tells the platform too, so that the window's own frame matches
    wanted = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
    hints.setColorScheme(wanted[mode])
    _apply_style(app)


def set_scale(app: QApplication, factor: float) -> None:
    """Type and every measure that follows from it, as a multiple of the normal size (0.7 to 3).

    Lecture mode has a size of its own: the one that is set while it is on.
    """
    _state["lecture_scale" if lecture() else "scale"] = min(max(float(factor), 0.7), 3.0)
    _apply_style(app)


def scale() -> float:
    """The factor of the mode that is on (lecture or not)."""
    return float(_state["lecture_scale" if lecture() else "scale"])  # type: ignore[arg-type]


def normal_scale() -> float:
    """The factor that a mode begins with."""
    return LECTURE_SCALE if lecture() else 1.0


def set_lecture(app: QApplication, on: bool) -> None:
    """Lecture mode: type and pictures that the back row can read."""
    if on != lecture():
        _state["lecture"] = on
        _apply_style(app)


def lecture() -> bool:
    """Whether lecture mode is on."""
    return bool(_state["lecture"])


def mode() -> Mode:
    """What was asked for: light, dark or system."""
    return _state["mode"]  # type: ignore[return-value]


def palette() -> Palette:
    """The colours now in use."""
    return _state["palette"]  # type: ignore[return-value]


def family_of(widget: QWidget) -> str:
    """The ``family`` property of the widget or of the nearest ancestor that has one, else ``"neutral"``."""
    at: QWidget | None = widget
    while at is not None:
        if at.property("family"):
            return str(at.property("family"))
        at = at.parentWidget()
    return "neutral"


def accent(of: QWidget | str, on_canvas: bool = False) -> QColor:
    """The accent colour of a family, or of the tab in which a widget lives (``setProperty("family", ...)``)."""
    family = of if isinstance(of, str) else family_of(of)
    accents = DARK.accents if on_canvas else palette().accents
    return QColor(accents.get(family, accents["neutral"]))


def class_colour(label: int) -> QColor:
    """Colour of a class on the canvas."""
    return QColor(CLASS_COLOURS[label % len(CLASS_COLOURS)])


def paint_canvas(painter: QPainter, widget: QWidget) -> None:
    """The dark ground with round corners on which pictures are shown."""
    painter.fillRect(widget.rect(), QColor(palette().window))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(CANVAS))
    painter.drawRoundedRect(QRectF(widget.rect()), em() * 0.62, em() * 0.62)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


@lru_cache(maxsize=8)
def colour_map(name: str = "viridis") -> np.ndarray:
    """A perceptually uniform map, uint8 (256, 3): ``viridis``, ``cividis``, ``magma``, or ``diverging`` (blue-grey-red)."""
    import numpy as np
    import pyqtgraph as pg

    found = pg.colormap.get({"diverging": "CET-D1A"}.get(name, name))
    return np.ascontiguousarray(found.getLookupTable(nPts=256)[:, :3], dtype=np.uint8)


def numbers_font(base: QFont | None = None) -> QFont:
    """A font whose figures all have the same width, so that numbers do not dance while they change."""
    font = QFont(base if base is not None else QApplication.font())
    if hasattr(QFont, "Tag"):  # Qt >= 6.7
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def scaled_font(factor: float = 1.0, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The interface font at a multiple of the body size, for widgets that paint their own text."""
    pixels = max(round(BASE_PIXELS * scale() * factor), 8)
    return QFont(_numbers_font(QApplication.font().key(), pixels, weight))


@lru_cache(maxsize=64)
def _numbers_font(base: str, pixels: int, weight: QFont.Weight) -> QFont:
    """Made once for every base font, size and weight: widgets ask for it in every paint."""
    font = numbers_font()
    font.setPixelSize(pixels)
    font.setWeight(weight)
    return font


def em(of: QWidget | None = None) -> float:
    """The unit of spacing: the height of body text in device-independent pixels (13 at scale 1)."""
    return (
        float(of.font().pixelSize())
        if of is not None and of.font().pixelSize() > 0
        else BASE_PIXELS * scale()
    )


def text_width(text: str, font: QFont | None = None) -> float:
    """Width of a line of text in device-independent pixels."""
    return QFontMetricsF(font or QApplication.font()).horizontalAdvance(text)


@lru_cache(maxsize=1)
def load_fonts() -> str:
    """Register the fonts that travel with the program; returns the interface family to use."""
    families: list[str] = []
    for file in sorted((paths.folder("assets") / "fonts").glob("*.[ot]tf")):
        families += QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(file)))
    return (
        "Inter"
        if "Inter" in families
        else QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    )


def _follow() -> None:
    app = QApplication.instance()
    if isinstance(app, QApplication) and mode() == "system":
        _apply_style(app)


def _apply_style(app: QApplication) -> None:
    dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark if mode() == "system" else mode() == "dark"
    colours = DARK if dark else LIGHT
    look = (app, colours, scale(), lecture())
    if _state.get("look") == look:  # to style every widget anew takes a fifth of a second
        return
    _state["look"], _state["palette"] = look, colours
    font = QFont(load_fonts())
    font.setPixelSize(round(BASE_PIXELS * scale()))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    with hidden_pages.left_out():
        # of a sheet that replaces another Qt takes three to four times as long to dress all widgets
        app.setStyleSheet("")
        app.setFont(numbers_font(font))
        app.setPalette(_qt_palette(colours))
        app.setStyleSheet(stylesheet(colours, font.pixelSize(), MATH_ROMAN))
        _wake_fonts(app)
    for bar in [widget for widget in app.allWidgets() if isinstance(widget, QTabBar | QTabWidget)]:
        QApplication.sendEvent(
            bar, QEvent(QEvent.Type.StyleChange)
        )  # they keep what they measured without it
    signals.changed.emit()


def _wake_fonts(app: QApplication) -> None:
    """A part that was hidden ever since it was made, as a lesson's bar, is not told by Qt that type has grown: it asks again."""
    for widget in app.allWidgets():
        known = widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished)
        own = widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) or widget.testAttribute(
            Qt.WidgetAttribute.WA_SetStyle
        )
        if not (known or own):
            widget.setFont(QFont())


def _qt_palette(c: Palette) -> QPalette:
    role, out = QPalette.ColorRole, QPalette()
    pairs = {
        role.Window: c.window,
        role.WindowText: c.text,
        role.Base: c.surface,
        role.AlternateBase: c.raised,
        role.Text: c.text,
        role.Button: c.raised,
        role.ButtonText: c.text,
        role.BrightText: c.error,
        role.ToolTipBase: c.surface,
        role.ToolTipText: c.text,
        role.PlaceholderText: c.muted,
        role.Highlight: c.accents["neutral"],
        role.HighlightedText: c.window,
        role.Accent: c.accents["neutral"],
        role.Link: c.accents["diffusion"],
        role.Light: c.hover,
        role.Midlight: c.raised,
        role.Mid: c.line,
        role.Dark: c.line,
        role.Shadow: c.line,
    }
    for which, colour in pairs.items():
        out.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        faded = QColor(c.muted)
        faded.setAlphaF(0.6)
        out.setColor(QPalette.ColorGroup.Disabled, which, faded)
    return out
