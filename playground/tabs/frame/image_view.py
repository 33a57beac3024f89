"""What views have in common that start from a test image: a line that walks over them, with keys for it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from playground.contract import Request, knobs
from playground.tabs.frame.view import AnyModel, View
from playground.ui.widgets.stepper import Stepper

COUNT = 10_000


class ImageView(View[AnyModel]):
    """A view whose request has an ``index`` into the test images.  N, P and D: next, previous, any."""

    stepper: Stepper

    def make_stepper(self) -> Stepper:
        """The line; for ``build``."""
        self.stepper = Stepper("test image", COUNT)
        self.stepper.stepped.connect(lambda index: self.tab.knobs.set_settings({"index": index}))
        return self.stepper

    def adopt(self, request: Request) -> None:
        """Steps count from what was asked for last, however late its picture comes."""
        super().adopt(request)
        self.tab.knobs.set_shown("index", False)  # the line under the picture says it, and takes a number too
        self.stepper.index = getattr(request, "index", 0)
        ends = (k.high for k in knobs(self.asked(self.model)) if k.name == "index")
        self.stepper.set_count(int(next(ends, None) or COUNT - 1) + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        buttons = {
            Qt.Key.Key_N: self.stepper.next,
            Qt.Key.Key_P: self.stepper.previous,
            Qt.Key.Key_D: self.stepper.any,
        }
        button = buttons.get(Qt.Key(event.key()))
        if button is None or event.modifiers() != Qt.KeyboardModifier.NoModifier or not button.isVisible():
            super().keyPressEvent(event)
            return
        button.click()
