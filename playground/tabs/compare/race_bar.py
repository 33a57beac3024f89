"""The bar below a race: play, pause, stop, the time of the race under a slider, and the pace of the replay."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from playground.tabs.compare.race_panel import seconds_text
from playground.tabs.compare.race_player import RacePlayer
from playground.tabs.compare.race_record import FINISHED
from playground.ui.playback.transport_parts import Figures, SignButton, TimeSlider
from playground.ui.theme import theme
from playground.ui.widgets.controls import combo, press_by_key

PACES = ((0.25, "a quarter of its pace"), (1.0, "at its own pace"), (4.0, "four times its pace"))
TICK = 1e-3  # seconds of the race for one position of the slider


class RaceSlider(TimeSlider):
    """The time of the race, in milliseconds."""

    def show_race(self, race: RacePlayer) -> None:
        """Take range and pointer, without telling anyone."""
        with QSignalBlocker(self):
            self.setEnabled(not race.is_empty)
            self.setRange(0, max(round(race.record.duration / TICK), 1))
            self._head = self.maximum()
            self.setValue(round(race.position / TICK))
        self.update()


class RaceBar(QWidget):
    """Drives a race.

    Args:
        begin: what play does while nothing has been raced yet.
    """

    def __init__(self, race: RacePlayer, begin: Callable[[], object]) -> None:
        super().__init__()
        self.race, self._begin = race, begin
        self.first = SignButton("first", "To the start of the race (Home)")
        self.back = SignButton("back", "One frame back (Left)")
        self.play = SignButton("play", "Start (Space)")
        self.forward = SignButton("forward", "One frame on (Right)")
        self.last = SignButton("last", "Newest frames (End)")
        self.stop = SignButton("stop", "Stop all (Escape)")
        self.slider, self.label = RaceSlider(), Figures()
        self.paces = combo(PACES)
        self.paces.setCurrentIndex(1)
        self.paces.setToolTip("How fast the race is replayed")
        self.paces.setAccessibleName("pace of the replay")
        self.paces.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        row, em = QHBoxLayout(self), theme.em()
        row.setContentsMargins(round(em * 0.8), round(em * 0.2), round(em * 0.8), round(em * 0.2))
        row.setSpacing(round(em * 0.15))
        for button in (self.first, self.back, self.play, self.forward, self.last, self.stop):
            row.addWidget(button)
        row.addSpacing(round(em * 0.6))
        row.addWidget(self.slider, 1)
        row.addSpacing(round(em * 0.8))
        row.addWidget(self.label)
        row.addSpacing(round(em * 0.8))
        row.addWidget(self.paces)

    def _connect(self) -> None:
        race = self.race
        doing = {
            self.first: lambda: race.seek(0.0),
            self.back: lambda: race.step(-1),
            self.play: self.toggle,
            self.forward: lambda: race.step(1),
            self.last: lambda: race.seek(race.record.duration),
            self.stop: race.stop,
        }
        for button, act in doing.items():
            button.clicked.connect(lambda _checked=False, act=act: act())
        for button in (self.back, self.forward):
            button.setAutoRepeat(True)
        self._keys = {
            Qt.Key.Key_Home: self.first,
            Qt.Key.Key_Left: self.back,
            Qt.Key.Key_Space: self.play,
            Qt.Key.Key_Right: self.forward,
            Qt.Key.Key_End: self.last,
            Qt.Key.Key_Escape: self.stop,
        }
        self.slider.valueChanged.connect(lambda at: race.seek(at * TICK))
        self.paces.currentIndexChanged.connect(lambda _: race.set_pace(self.paces.currentData()))
        race.changed.connect(self.refresh)

    def toggle(self) -> None:
        """Start, pause, go on or replay."""
        if self.race.is_empty and not self.race.is_open:
            self._begin()
        else:
            self.race.toggle()

    def handle_key(self, event: QKeyEvent) -> bool:
        """Do what the key means; False if it means nothing here."""
        return press_by_key(self._keys, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that the control with the focus did not want."""
        event.setAccepted(self.handle_key(event))

    def refresh(self) -> None:
        """Read the race again."""
        race = self.race
        there, new = not race.is_empty, race.is_empty and not race.is_open
        does = "Pause" if race.is_playing else "Start" if new else "Go on" if race.is_open else "Replay"
        self.play.set_face("pause" if race.is_playing else "play", f"{does} (Space)")
        self.first.setEnabled(there and race.position > 0)
        self.back.setEnabled(there and race.position > 0)
        self.forward.setEnabled(there and not race.at_head)
        self.last.setEnabled(there and not race.at_head)
        self.stop.setEnabled(race.is_open)
        self.slider.show_race(race)
        self.label.set_parts(describe(race), "00.00 s of 00.00 s · 8 of 8 finished")

    def sizeHint(self) -> QSize:
        """As high as its buttons, with air."""
        return QSize(round(theme.em() * 50), round(theme.em() * 3))

    minimumSizeHint = sizeHint


def describe(race: RacePlayer) -> list[str]:
    """The moment, how many have finished by then, and whether the clocks add up."""
    if race.is_empty:
        return []
    duration = race.record.duration
    said = [seconds_text(race.position) + ("" if race.at_head else f" of {seconds_text(duration)}")]
    done = sum(race.stand(i).outcome == FINISHED for i in range(race.count))
    said.append(f"{done} of {race.count} finished")
    if race.at_head and not race.is_open and not race.was_paused:
        said.append(f"{seconds_text(race.record.wall)} of real time, with the other work of the program")
    return said
