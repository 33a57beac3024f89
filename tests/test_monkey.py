"""A monkey at the real window: some hundreds of random clicks, drags, keys, tab changes and resizes, always the same ones.

Nothing may raise, Qt may not warn, and afterwards every lane must still answer.
"""

from __future__ import annotations

import random
import sys
import time

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider, QApplication, QFileDialog, QWidget
from shiboken6 import isValid

from playground.app import MainWindow
from playground.tabs.frame.family_tab import FamilyTab
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.pictures.latent_plane import LatentPlane
from playground.ui.playback.lane import Lane
from playground.ui.theme import theme

WAIT = 120_000  # ms, for a busy machine
GESTURES, AT_LEAST = 400, 250
ENOUGH = 18.0  # seconds of computing after which it may stop earlier
KEYS = [
    *(Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home),
    *(Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Tab, Qt.Key.Key_Backtab),
    *(Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_R, Qt.Key.Key_E, Qt.Key.Key_L, Qt.Key.Key_F11),
    *(Qt.Key.Key_Question, Qt.Key.Key_N, Qt.Key.Key_P, Qt.Key.Key_D, Qt.Key.Key_1, Qt.Key.Key_9),
    *(Qt.Key.Key_Minus, Qt.Key.Key_Period, Qt.Key.Key_Comma, Qt.Key.Key_Backspace, Qt.Key.Key_Delete),
]
WITH_CTRL = [
    *(
        Qt.Key.Key_S,
        Qt.Key.Key_C,
        Qt.Key.Key_O,
        Qt.Key.Key_Plus,
        Qt.Key.Key_Minus,
        Qt.Key.Key_0,
        Qt.Key.Key_A,
    ),
    *(Qt.Key.Key_Tab, Qt.Key.Key_Z, Qt.Key.Key_V),
]
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Monkey:
    """Makes one gesture after another at whatever is on the screen."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window, self.random = window, random.Random(seed)
        self.done: list[str] = []  # what it did, for whoever reads a failure

    def gesture(self) -> None:
        acts = (self.click, self.drag, self.press, self.press_ctrl, self.change_tab, self.resize, self.wheel)
        (act,) = self.random.choices(acts, (30, 18, 26, 8, 6, 5, 7))
        act()
        QTest.qWait(self.random.choice((0, 0, 5, 20)))

    def target(self, kinds: type | tuple[type, ...] = QWidget) -> tuple[QWidget, QPoint] | None:
        """A widget that a hand could touch now, and a point in it."""
        tops = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
        top = self.random.choice(tops)
        found = [w for w in [top, *top.findChildren(QWidget)] if isinstance(w, kinds) and _can_be_touched(w)]
        if not found:
            return None
        widget = self.random.choice(found)
        at = QPoint(self.random.randrange(widget.width()), self.random.randrange(widget.height()))
        return widget, at

    def note(self, what: str, widget: QWidget | None = None) -> None:
        where = f" {type(widget).__name__} {widget.accessibleName()!r}" if widget is not None else ""
        self.done.append(what + where)

    def click(self) -> None:
        if (hit := self.target()) is not None:
            self.note("click", hit[0])
            press = QTest.mouseDClick if self.random.random() < 0.1 else QTest.mouseClick
            press(hit[0], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, hit[1])

    def drag(self) -> None:
        if (hit := self.target((QAbstractSlider, ImageGrid, LatentPlane))) is None:
            return
        widget, at = hit
        self.note("drag", widget)
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        for _ in range(self.random.randrange(1, 6)):
            if not isValid(widget):  # a model that was loading has come, and other knobs with it
                return
            at = QPoint(
                self.random.randrange(-5, widget.width() + 5), self.random.randrange(-5, widget.height() + 5)
            )
            QTest.mouseMove(widget, at)
            QTest.qWait(self.random.choice((0, 2)))
        if isValid(widget):
            QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)

    def press(self) -> None:
        key = self.random.choice(KEYS)
        self.note(f"key {key.name}")
        QTest.keyClick(QApplication.focusWidget() or self.window, key)

    def press_ctrl(self) -> None:
        key = self.random.choice(WITH_CTRL)
        self.note(f"key Ctrl+{key.name}")
        how = CTRL | SHIFT if self.random.random() < 0.3 else CTRL
        QTest.keyClick(QApplication.focusWidget() or self.window, key, how)

    def change_tab(self) -> None:
        index = self.random.randrange(self.window.tabs.count())
        self.note(f"tab {index}")
        bar = self.window.tabs.tabBar()
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(index).center())

    def resize(self) -> None:
        wide, high = self.random.randrange(700, 1900), self.random.randrange(480, 1080)
        self.note(f"resize {wide}x{high}")
        self.window.resize(wide, high)

    def wheel(self) -> None:
        if (hit := self.target()) is None:
            return
        self.note("wheel", hit[0])
        turn = QPoint(0, self.random.choice((-120, 120)))
        none, phase = Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
        at = QPointF(hit[1])
        event = QWheelEvent(
            at, hit[0].mapToGlobal(at), QPoint(), turn, Qt.MouseButton.NoButton, none, phase, False
        )
        QApplication.sendEvent(hit[0], event)


def _can_be_touched(widget: QWidget) -> bool:
    return widget.isVisible() and widget.isEnabled() and widget.width() > 1 and widget.height() > 1


class Closer(QTimer):
    """Closes menus, which run an event loop of their own, and modal boxes, so that the monkey comes out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.timeout.connect(self._look)
        self.start(40)

    def _look(self) -> None:
        found = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        self.seen = self.seen + 1 if found is not None else 0
        if found is not None and self.seen > 3:  # long enough to be clicked into
            found.close()


@pytest.mark.parametrize("seed", [20261122])
def test_a_monkey_breaks_nothing(qtbot, monkeypatch, seed):
    raised = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: raised.append(error))
    monkeypatch.setattr(QFileDialog, "open", lambda self: None)  # the system's dialogs are not ours to test
    app = QApplication.instance()
    theme.load_fonts()
    theme.apply(app, "dark")
    window = MainWindow()
    window.resize(1280, 800)
    window.show()
    window.stream.start()
    qtbot.waitUntil(lambda: window.current is not None and window.current.view is not None, timeout=WAIT)
    closer = Closer()
    monkey, began = Monkey(window, seed), time.process_time()
    try:
        while len(monkey.done) < GESTURES:
            if len(monkey.done) >= AT_LEAST and time.process_time() - began > ENOUGH:
                break
            monkey.gesture()
            assert not raised, (raised, monkey.done[-10:])
            assert window.isVisible(), monkey.done[-10:]
    finally:
        closer.stop()

    for tab in window.findChildren(FamilyTab):
        tab.keeper.close()
    answered = dict.fromkeys(window.stream.findChildren(Lane), False)
    for lane in answered:
        lane.finished.connect(lambda lane=lane: answered.__setitem__(lane, True))

    def every_lane_answers() -> bool:
        for lane in (lane for lane, done in answered.items() if not done and not lane.is_open):
            lane.play(lambda: iter(()))  # again, where a scene that was still loading has stopped it
        return all(answered.values())

    for lane in answered:
        lane.play(lambda: iter(()))
    qtbot.waitUntil(every_lane_answers, timeout=WAIT)
    assert not raised
    if window.lecture.is_on:
        window.lecture.toggle()
    window.close()
    assert window.ended_in_time
    window.deleteLater()
    theme.set_scale(app, 1.0)
    theme.apply(app, "dark")
