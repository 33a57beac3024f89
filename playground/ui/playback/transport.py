"""The bar below every canvas: first, back, play, forward, last, stop, the timeline, what a step costs, and the speed.

It reads one player whenever that changes, and tells it what to do; its parts are painted in ``transport_parts``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QSizePolicy, QWidget

from playground.ui.playback.transport_parts import GETTING_READY, Figures, SignButton, TimeSlider
from playground.ui.theme import theme
from playground.ui.widgets.controls import ComboBox, press_by_key

if TYPE_CHECKING:
    from playground.ui.playback.player import Player

SPEEDS: tuple[tuple[str, float | None], ...] = (
    ("2 frames/s", 2.0),
    ("10 frames/s", 10.0),
    ("20 frames/s", 20.0),
    ("30 frames/s", 30.0),
    ("60 frames/s", 60.0),
    ("as fast as it goes", None),
)


class Transport(QWidget):
    """Drives one player at a time; without one everything is disabled."""

    def __init__(self, player: Player | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._player: Player | None = None
        self.first = SignButton("first", "First frame (Home)")
        self.back = SignButton("back", "One frame back (Left)")
        self.play = SignButton("play", "Play (Space)")
        self.forward = SignButton("forward", "One frame on (Right)")
        self.last = SignButton("last", "Newest frame (End)")
        self.stop = SignButton("stop", "Stop (Escape)")
        self.loop = SignButton("loop", "Play again and again (L)")
        self.loop.setCheckable(True)
        self.branch = SignButton(
            "branch", "Continue from here: other settings branch off at this step, and the run is kept (C)"
        )
        self.branch.setCheckable(True)
        self.branch.hide()
        self.slider = TimeSlider()
        self.label = Figures()
        self.speeds = ComboBox()
        self._fill_speeds()
        self._buttons = (self.first, self.back, self.play, self.forward, self.last, self.stop, self.loop)
        self._has_several = True
        self._lay_out()
        self._connect()
        self.set_player(player)

    @property
    def player(self) -> Player | None:
        """The player that the bar drives."""
        return self._player

    def set_player(self, player: Player | None) -> None:
        """Drive another player, or none."""
        if self._player is not None:
            self._player.changed.disconnect(self.refresh)
        self._player = player
        self.label.forget_width()
        if player is not None:
            player.changed.connect(self.refresh)
            with QSignalBlocker(self.speeds):
                self.speeds.setCurrentIndex(_nearest_speed(player.speed))
        self.refresh()

    def refresh(self) -> None:
        """Read the player again."""
        player = self._player
        frames = len(player.timeline) if player else 0
        index = player.index if player else -1
        playing = player is not None and player.is_playing
        self.play.set_face("pause" if playing else "play", "Pause (Space)" if playing else "Play (Space)")
        self.play.setEnabled(player is not None and (player.is_open or frames > 1))
        self.stop.setEnabled(player is not None and (playing or player.is_open))
        self.first.setEnabled(index > 0)
        self.back.setEnabled(index > 0)
        self.forward.setEnabled(player is not None and (index < frames - 1 or player.is_open))
        self.last.setEnabled(index < frames - 1)
        self.loop.setEnabled(player is not None)
        self.loop.setChecked(player is not None and player.loop)
        self.speeds.setEnabled(player is not None)
        self.slider.show_run(player)
        self._show_parts()
        self._show_branch()
        self.label.set_parts(describe(player), room_for(player))

    def _show_parts(self) -> None:
        """Of a run with one step there is nothing to play, to step through or to scrub."""
        frame = self._player.frame if self._player is not None else None
        several = frame is None or frame.total != 1 or self._player is None or len(self._player.timeline) > 1
        if several != self._has_several:
            self._has_several = several
            for part in (*self._buttons, self.slider, self.speeds):
                part.setVisible(several)

    def _show_branch(self) -> None:
        """Where the run ends nothing goes on."""
        player, frame = self._player, self._player.frame if self._player is not None else None
        forks = player is not None and player.fork is not None
        self.branch.setVisible(player is not None and player.can_branch)
        self.branch.setChecked(forks)
        self.branch.setEnabled(forks or (frame is not None and frame.step < frame.total))

    def handle_key(self, event: QKeyEvent) -> bool:
        """Do what the key means; False if it means nothing here.  For the window, when no control has the focus."""
        return press_by_key(self._keys, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that the control with the focus did not want."""
        event.setAccepted(self.handle_key(event))

    def sizeHint(self) -> QSize:
        """As high as its buttons, with air."""
        return QSize(round(theme.em() * 60), round(theme.em() * 3.4))

    def minimumSizeHint(self) -> QSize:
        """The numbers give way first."""
        return QSize(round(theme.em() * 42), round(theme.em() * 3.4))

    # --- inside

    def _do(self, action: Callable[[Player], None]) -> None:
        if self._player is not None:
            action(self._player)

    def _fill_speeds(self) -> None:
        for text, value in SPEEDS:
            self.speeds.addItem(text, value)
        self.speeds.setToolTip("How fast frames are made and replayed")
        self.speeds.setAccessibleName("speed")
        self.speeds.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        em = theme.em()
        row.setContentsMargins(round(em * 0.8), round(em * 0.4), round(em * 0.8), round(em * 0.4))
        row.setSpacing(round(em * 0.15))
        for button in self._buttons:
            row.addWidget(button)
        row.addWidget(self.branch)
        keeps = self.slider.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # the figures stay at the right
        self.slider.setSizePolicy(keeps)
        row.addSpacing(round(em * 0.6))
        row.addWidget(self.slider, 1)
        row.addSpacing(round(em * 0.8))
        row.addWidget(self.label)
        row.addSpacing(round(em * 0.8))
        row.addWidget(self.speeds)

    def _connect(self) -> None:
        doing: dict[QAbstractButton, Callable[[Player], None]] = {
            self.first: lambda player: player.go_first(),
            self.back: lambda player: player.step_back(),
            self.play: lambda player: player.toggle(),
            self.forward: lambda player: player.step_forward(),
            self.last: lambda player: player.go_last(),
            self.stop: lambda player: player.stop(),
        }
        for button, action in doing.items():
            button.clicked.connect(lambda _checked=False, action=action: self._do(action))
        for button in (self.back, self.forward):
            button.setAutoRepeat(True)
            button.setAutoRepeatDelay(350)
            button.setAutoRepeatInterval(60)
        self.loop.clicked.connect(self._set_loop)
        self.branch.clicked.connect(self._set_fork)
        self.slider.valueChanged.connect(self._scrub)
        self.speeds.activated.connect(self._set_speed)
        theme.signals.changed.connect(self._measure)
        key = Qt.Key
        self._keys = {
            key.Key_Space: self.play,
            key.Key_Left: self.back,
            key.Key_Right: self.forward,
            key.Key_Home: self.first,
            key.Key_End: self.last,
            key.Key_Escape: self.stop,
            key.Key_L: self.loop,
            key.Key_C: self.branch,
        }

    def _measure(self) -> None:
        self.label.forget_width()
        self.updateGeometry()
        self.refresh()

    def _set_loop(self, on: bool) -> None:
        if self._player is not None:
            self._player.loop = on

    def _set_fork(self, on: bool) -> None:
        if self._player is not None:
            self._player.set_fork(on)

    def _set_speed(self, row: int) -> None:
        if self._player is not None:
            self._player.speed = SPEEDS[row][1]

    def _scrub(self, step: int) -> None:
        if self._player is not None:
            self._player.seek(self._player.timeline.index_of_step(step))
            self.slider.show_run(self._player)


def describe(player: Player | None) -> list[str]:
    """What the numbers say: where the pointer stands, what it took, what a step costs."""
    frame = player.frame if player else None
    if frame is None:
        return [GETTING_READY] if player and player.is_sampling else []
    passes = "pass" if frame.passes == 1 else "passes"
    parts = [f"step {frame.step}/{frame.total}" if frame.total else f"step {frame.step}"]
    if frame.passes:
        parts.append(f"{frame.passes:,} network {passes}".replace(",", "\u202f"))
    seconds = player.seconds_per_step if player else None
    if frame.passes and seconds is not None:  # else nothing was computed: it is a recording
        parts.append(f"{duration(seconds)}/step")
    return parts


def room_for(player: Player | None) -> str:
    """The longest line to expect of this run, so that the timeline keeps its length."""
    frame = player.frame if player else None
    if frame is None or not frame.total:
        return ""
    passes = round(frame.passes * frame.total / max(frame.step, 1))
    return f"step {frame.total}/{frame.total} · {passes:,} network passes · 000 ms/step"


def duration(seconds: float) -> str:
    """A duration with two to three figures: ``0.4 ms``, ``12 ms``, ``1.3 s``."""
    if seconds >= 0.9995:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"


def _nearest_speed(speed: float | None) -> int:
    if speed is None:
        return len(SPEEDS) - 1
    return min(range(len(SPEEDS) - 1), key=lambda i: abs((SPEEDS[i][1] or 0.0) - speed))


if __name__ == "__main__":
    import sys
    import time
    from collections.abc import Iterator

    import numpy as np
    from PySide6.QtWidgets import QApplication, QVBoxLayout

    from playground.contract import Frame
    from playground.ui.playback.player import Player
    from playground.ui.playback.stream import Stream

    def count() -> Iterator[Frame]:
        for step in range(51):
            time.sleep(0.03)
            yield Frame(step, 50, step, np.full((1, 28, 28, 1), 5 * step, np.uint8))

    app = QApplication(sys.argv)
    theme.apply(app)
    window, big = QWidget(), QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
    window.setProperty("family", "diffusion")
    player = Player(Stream(parent=window).lane("demo"), window)
    player.shown.connect(lambda frame: big.setText(f"<h1>{frame.step}</h1>"))
    column = QVBoxLayout(window)
    column.addWidget(big, 1)
    column.addWidget(Transport(player))
    window.resize(1280, 240)
    window.show()
    player.start(count)
    sys.exit(app.exec())
