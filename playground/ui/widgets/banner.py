"""A bar that says in one sentence what went wrong or is worth knowing, and offers a way on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from playground.ui.theme import icons, theme
from playground.ui.widgets.controls import IconButton

Kind = Literal["error", "warning", "info"]
_WORDS: dict[Kind, str] = {"error": "Error", "warning": "Warning", "info": "Note"}


class Banner(QWidget):
    """Hidden, and without a gap in its layout, until there is something to say."""

    action_clicked = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind: Kind = "info"
        self._action: Callable[[], object] | None = None
        self._icon = QLabel()
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.setAutoDefault(True)  # Return presses it too
        self.close_button = IconButton("close", "Close this message")
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._icon)
        self._row.addWidget(self._words, 1)
        self._row.addWidget(self.button)
        self._row.addWidget(self.close_button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.button.clicked.connect(self._act)
        self.close_button.clicked.connect(self._dismiss)
        theme.signals.changed.connect(self._restyle)
        self._restyle()
        self.hide()

    def show_error(
        self, sentence: str, action: Callable[[], object] | None = None, action_text: str = "Try again"
    ) -> None:
        """Something failed; ``action`` is called by the button and closes the banner."""
        self._show("error", sentence, action, action_text)

    def show_warning(
        self, sentence: str, action: Callable[[], object] | None = None, action_text: str = "Try again"
    ) -> None:
        """It works, but not as asked."""
        self._show("warning", sentence, action, action_text)

    def show_notice(
        self, sentence: str, action: Callable[[], object] | None = None, action_text: str = "OK"
    ) -> None:
        """Worth knowing."""
        self._show("info", sentence, action, action_text)

    def clear(self) -> None:
        """Nothing to say any more."""
        self._action = None
        self._words.clear()
        self.hide()

    def text(self) -> str:
        """The sentence shown, "" if none."""
        return self._words.text()

    def kind(self) -> Kind:
        """Of the last message."""
        return self._kind

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground tinted with the colour of the message, and a bar of it at the left."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour, radius = self._colour(), theme.em() * 0.46
        tint = QColor(colour)
        tint.setAlphaF(0.14)
        painter.setBrush(QColor(theme.palette().surface))
        painter.drawRoundedRect(self.rect(), radius, radius)
        painter.setBrush(tint)
        painter.drawRoundedRect(self.rect(), radius, radius)

    def _show(self, kind: Kind, sentence: str, action: Callable[[], object] | None, action_text: str) -> None:
        self._kind, self._action = kind, action
        self._words.setText(sentence)
        self.button.setText(action_text)
        self.button.setVisible(action is not None)
        self._restyle()
        self.setAccessibleName(f"{_WORDS[kind]}: {sentence}")
        self._icon.setAccessibleName(_WORDS[kind])
        self._icon.setToolTip(_WORDS[kind])
        self.show()

    def _act(self) -> None:
        action = self._action
        self.clear()
        self.action_clicked.emit()
        if action is not None:
            action()

    def _dismiss(self) -> None:
        self.clear()
        self.closed.emit()

    def _colour(self) -> QColor:
        colours = theme.palette()
        return QColor({"error": colours.error, "warning": colours.warning, "info": colours.muted}[self._kind])

    def _restyle(self) -> None:
        em = theme.em()
        self._row.setContentsMargins(round(em), round(em * 0.5), round(em * 0.6), round(em * 0.5))
        self._row.setSpacing(round(em * 0.8))
        self._icon.setPixmap(icons.pixmap(self._kind, self._colour(), em * 1.5, self.devicePixelRatioF()))
        self.update()


def _demo() -> None:
    """Run me: ``python -m playground.ui.widgets.banner``."""
    from playground.ui.widgets.demo import application, run

    application()
    banner = Banner()
    banner.show_error(
        "There is not enough memory for 100 pictures at once; 50 were made.", lambda: print("again")
    )
    run(banner)


if __name__ == "__main__":
    _demo()
