"""The one stylesheet, written from a palette and a type size; every measure is a fraction of the type size.

Labels choose their voice by a ``role`` property: ``title``, ``heading``, ``caption``, ``muted`` or ``formula``.
"""

from __future__ import annotations

from collections.abc import Sequence

from playground.ui.theme.palette import Palette


def stylesheet(c: Palette, pixels: int, math_fonts: Sequence[str]) -> str:
    """``pixels`` is the height of body text."""

    def px(factor: float) -> str:
        return f"{max(round(pixels * factor), 1)}px"

    r, math = px(0.46), ", ".join(f'"{f}"' for f in math_fonts)
    return f"""
* {{ outline: none; }}
QToolTip {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.line}; padding: {px(0.46)}; }}
QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {px(1.38)}; font-weight: 600; color: {c.text}; }}
QLabel[role="heading"] {{ font-size: {px(1.08)}; font-weight: 600; color: {c.text}; }}
QLabel[role="caption"] {{ font-size: {px(0.92)}; color: {c.muted}; }}
QLabel[role="muted"] {{ color: {c.muted}; }}
QFrame[role="formula"] {{ background: {c.raised}; border-radius: {r}; }}
QLabel[role="formula"] {{ font-family: {math}; font-size: {px(1.38)}; color: {c.text}; background: transparent; }}
QFrame[role="popup"] {{ background: {c.surface}; border: 1px solid {c.muted}; border-radius: {r}; }}
QFrame[role="line"] {{ background: {c.line}; border: none; max-height: 1px; min-height: 1px; }}

QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget[role="page"] {{ background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: {px(0.77)}; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {px(0.77)}; margin: 0; }}
QScrollBar::handle {{ background: {c.line}; border-radius: {px(0.23)}; margin: {px(0.15)}; min-height: {px(2)}; min-width: {px(2)}; }}
QScrollBar::handle:hover {{ background: {c.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: none; border: none; width: 0; height: 0; }}

QPushButton, QToolButton {{ background: {c.raised}; color: {c.text}; border: 1px solid transparent; border-radius: {r}; padding: {px(0.38)} {px(0.77)}; }}
QPushButton:hover, QToolButton:hover {{ background: {c.hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {c.line}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {c.text}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {c.muted}; background: transparent; border-color: {c.line}; }}
QToolButton[role="plain"], QPushButton[role="plain"] {{ background: transparent; padding: {px(0.3)}; }}
QToolButton[role="plain"]:hover, QPushButton[role="plain"]:hover {{ background: {c.hover}; }}
QToolButton[role="plain"]:focus, QPushButton[role="plain"]:focus {{ border-color: {c.text}; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}

QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.line}; border-radius: {r}; padding: {px(0.23)} {px(0.46)};
  selection-background-color: {c.accents["neutral"]}; selection-color: {c.window}; }}
QLineEdit:hover, QAbstractSpinBox:hover {{ border-color: {c.muted}; }}
QLineEdit:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {c.text}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0 {px(0.46)}; background: transparent; }}

QComboBox QAbstractItemView {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.line}; border-radius: {r}; padding: {px(0.3)};
  selection-background-color: {c.hover}; selection-color: {c.text}; }}
QComboBox QAbstractItemView::item {{ min-height: {px(1.9)}; padding-left: {px(0.3)}; border: none; }}

QTableView {{ background: {c.window}; color: {c.text}; border: none; gridline-color: {c.line}; selection-background-color: {c.hover}; selection-color: {c.text}; }}
QTableView[role="frozen"] {{ border-right: 1px solid {c.line}; }}
QTableView::item {{ padding: 0 {px(0.38)}; border: none; }}
QTableView::corner, QAbstractScrollArea::corner {{ background: transparent; border: none; }}
QHeaderView {{ background: {c.window}; }}
QHeaderView::section {{ background: {c.window}; color: {c.muted}; border: none; border-bottom: 1px solid {c.line}; padding: {px(0.38)} {px(0.38)}; }}
QHeaderView::section:hover {{ color: {c.text}; }}

QMenu {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.line}; border-radius: {r}; padding: {px(0.3)}; }}
QMenu::item {{ padding: {px(0.46)} {px(1.2)}; border-radius: {px(0.3)}; }}
QMenu::item:selected {{ background: {c.hover}; }}
QMenu::separator {{ height: 1px; background: {c.line}; margin: {px(0.3)} {px(0.46)}; }}

QTabBar {{ qproperty-drawBase: 0; background: transparent; font-size: {px(1)}; }}
QTabBar::tab {{ background: transparent; color: {c.muted}; padding: {px(0.62)} {px(0.92)}; border: none; border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {c.text}; }}
QTabBar::tab:selected {{ color: {c.text}; border-bottom: 2px solid {c.text}; }}
QTabBar::tab:focus {{ color: {c.text}; background: {c.hover}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {c.line}; }}
QSplitter::handle {{ background: {c.line}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QProgressBar {{ background: {c.line}; border: none; border-radius: {px(0.15)}; max-height: {px(0.3)}; }}
QProgressBar::chunk {{ background: {c.text}; border-radius: {px(0.15)}; }}
"""
