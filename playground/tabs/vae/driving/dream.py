"""Dream: the arrow keys drive a car through a world that a network makes up frame by frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton

from playground.capabilities import Dreams
from playground.contract import Frame, Request
from playground.experiments.vae.wheel import Wheel
from playground.export.picture_metadata import numbers
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import View
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot
from playground.ui.plots.plot_column import PlotColumn
from playground.ui.widgets.controls import ARROWS, Slider, claims, combo

FRAMES_PER_SECOND = 20.0
MOST_ROWS = 1000
RANGE = 4.0  # of a number of the code, to either side
KEYS = {
    Qt.Key.Key_Left: (-1.0, 0.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0, 0.0),
    Qt.Key.Key_Up: (0.0, 0.6, 0.0),
    Qt.Key.Key_Down: (0.0, 0.0, 0.6),
}


class Dream(View[Dreams]):
    """One dream, as large as there is room for."""

    name = "Dream"
    capability = Dreams
    plot: PlotColumn
    words = (
        "Nothing here is computed by a game. <b>V</b> has learned to paint a frame from 32 numbers <i>z</i>; <b>M</b> has "
        "learned which <i>z</i> comes after this one <b>if you do that</b>. The picture is its dream.<br><br>Until you touch "
        "a key, the controller <b>C</b> drives. <b>Press the arrow keys and you steer</b>: up is gas, down is the brake. Step "
        "back on the bar below, press a key, and the dream goes another way from there.<br><br>Turn <b>temperature</b> while "
        "you drive: M knows several futures, and the warmer the dream, the less likely the one that comes. The plot is M's "
        "mixture over the next value of one number of <i>z</i>; <b>drag its slider</b> and see what that number paints."
    )
    formula = r"z_{t+1} \sim p(z_{t+1} \mid a_t, z_t, h_t)"
    hidden_knobs = frozenset({"num_samples", "steering", "num_frames"})

    def request_type(self, model: Dreams) -> type[Request]:
        from playground.experiments.vae import driving

        return driving.DriveRequest

    def build(self) -> None:
        """The picture, who drives, and a number of the code."""
        self.wheel = Wheel()
        self._held: set[int] = set()
        self.grid = ImageGrid(columns=1)
        self.grid.setAccessibleName("The dream; the arrow keys steer")
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.grid.picked.connect(lambda *_: self.setFocus())
        self.column.addWidget(self.grid, 1)
        self.who = QLabel()
        self.let_drive = QPushButton("Let the controller drive")
        self.let_drive.setToolTip("C takes the wheel until you press an arrow key again")
        self.let_drive.clicked.connect(self._let_controller_drive)
        self.number = combo([(i, f"z {i + 1}") for i in range(32)])
        self.number.setAccessibleName("Which number of the code")
        self.number.currentIndexChanged.connect(self._draw_mixture_again)
        self.value = Slider()
        self.value.setAccessibleName("Value of that number")
        self.value.setRange(-100, 100)
        self.value.scale = lambda at: at / 100 * RANGE
        self.value.sliderMoved.connect(self._put)
        row = QHBoxLayout()
        row.addWidget(self.who, 1)
        for part in (self.let_drive, self.number, self.value):
            row.addWidget(part)
        self.column.addLayout(row)
        self.player.speed = FRAMES_PER_SECOND
        self.mixture = LinePlot("What M expects next", "value of z", "density")
        self.road = LinePlot("Is the car on the road?", "frame", "M's probability")
        self.road.set_range(y=(0, 1.05))
        self.plot = PlotColumn(self.mixture, self.road)
        self._say_who()

    def showEvent(self, event: QShowEvent) -> None:
        """The arrows steer at once."""
        super().showEvent(event)
        self.setFocus()

    def sampler(self, model: Dreams, request: Request) -> Iterator[Frame]:
        from playground.experiments.vae import driving

        return driving.live(model, request, self.wheel)  # type: ignore[arg-type]

    def start(self, request: Request, patient: bool = False) -> None:
        """Another dream: the controller drives until a key is pressed."""
        self.wheel = Wheel(None, request.temperature)  # type: ignore[attr-defined]
        self._say_who()
        super().start(request, patient)

    def turn(self, request: Request) -> None:
        """The temperature is turned in the dream that there is; anything else begins another."""
        before = self.request
        only = before is not None and dataclasses.replace(request, temperature=before.temperature) == before  # type: ignore[attr-defined, call-arg]
        if not only or self.player.is_empty:
            return super().turn(request)
        self.adopt(request)
        self.wheel.temperature = request.temperature  # type: ignore[attr-defined]

    # --- steering

    def event(self, event: QEvent) -> bool:
        """The arrows steer here, whatever they do elsewhere in the window."""
        return claims(event, *ARROWS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A key is held."""
        if event.key() not in KEYS:
            return super().keyPressEvent(event)
        if not event.isAutoRepeat():
            self._held.add(event.key())
            self._take_wheel()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A key is let go."""
        if event.key() not in KEYS:
            return super().keyReleaseEvent(event)
        if not event.isAutoRepeat() and event.key() in self._held:
            self._held.discard(event.key())
            self._take_wheel()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Without the focus no key is held."""
        if self._held:
            self._held.clear()
            self._take_wheel()
        super().focusOutEvent(event)

    def _take_wheel(self) -> None:
        held = np.sum([KEYS[Qt.Key(key)] for key in self._held], 0) if self._held else np.zeros(3)
        self._go_on_from_here()
        self.wheel.held = (float(held[0]), float(held[1]), float(held[2]))
        self._say_who()

    def _let_controller_drive(self) -> None:
        self._held.clear()
        self._go_on_from_here()
        self.wheel.held = None
        self._say_who()
        self.setFocus()

    def _put(self, at: int) -> None:
        self._go_on_from_here()
        self.wheel.put = (int(self.number.currentData()), self.value.scale(at))

    def _go_on_from_here(self) -> None:
        """Where the dream stands back in time it goes another way from there; where it rests it goes on."""
        player = self.player
        if player.frame is None:
            return
        if player.at_head and player.is_open:
            return player.play()
        frame, origin = player.frame, player.timeline.state_before(player.index)
        if origin is None or origin.state is None or frame.step >= frame.total:
            return
        request, state, shown = self.request, origin.state, frame.step
        self.wheel = wheel = self.wheel.copy_until(shown)

        def onward(model: Dreams) -> Iterator[Frame]:
            from playground.experiments.vae import driving

            return driving.live(model, request, wheel, state, shown)  # type: ignore[arg-type]

        player.start(self.source(onward), keep=player.index)

    def _say_who(self) -> None:
        said = (
            "<b>You drive.</b>"
            if self.wheel.held is not None
            else "<b>The controller drives.</b> Arrow keys: you do."
        )
        self.who.setText(said)
        self.let_drive.setEnabled(self.wheel.held is not None)

    # --- drawing

    def draw(self, frame: Frame) -> None:
        """The frame, and where the number stands."""
        self.grid.set_images(frame.images, columns=1)
        if not self.value.isSliderDown():
            value = float(frame.extras["latent"][0, int(self.number.currentData())])
            self.value.setValue(round(value / RANGE * 100))

    def draw_plot(self, frame: Frame) -> None:
        """The mixture, and the road so far."""
        self._draw_mixture(frame)
        frames = list(self.player.timeline)
        self.road.set_curve(
            "on the road", [float(f.extras["on_road"][0]) for f in frames], [f.step for f in frames]
        )
        self.road.set_marker(frame.step)

    def _draw_mixture_again(self) -> None:
        if self.player.frame is not None:
            self._draw_mixture(self.player.frame)

    def _draw_mixture(self, frame: Frame) -> None:
        number = int(self.number.currentData())
        x = np.linspace(-RANGE, RANGE, 161)
        weight, mean, spread = frame.extras["mixture"][0, number].T
        if frame.step:
            z = (x[:, None] - mean) / spread
            density = (weight * np.exp(-0.5 * z**2) / (spread * np.sqrt(2 * np.pi))).sum(1)
            self.mixture.set_curve("mixture", density, x)
        self.mixture.set_marker(float(frame.extras["latent"][0, number]))

    # --- what is kept

    def settings(self) -> dict[str, Any]:
        """What was done at each frame that there is."""
        last = self.player.timeline.last
        step = last.step if last is not None else 0
        return {
            "past": [list(row) for row in self.wheel.past[:step]],
            "edits": [list(edit) for edit in self.wheel.edits if edit[0] < step],
            "number": int(self.number.currentData()),
        }

    def checked(self, settings: Mapping[str, Any], request: Request, model: Dreams) -> dict[str, Any]:
        """Rows of wheel, gas, brake and temperature, and numbers of the code that exist."""
        past = numbers(settings.get("past", []), (None, 4), -1, 2)
        edits = numbers(settings.get("edits", []), (None, 3), -RANGE, MOST_ROWS)
        count = model.config.latent
        if len(past) > MOST_ROWS or (past[:, 1:] < 0).any() or (past[:, 3:] < 0.01).any():
            raise ValueError("it was steered in a way that cannot be.")
        if (
            (edits[:, :2] != edits[:, :2].round()).any()
            or (edits[:, :2] < 0).any()
            or (edits[:, 1] >= count).any()
        ):
            raise ValueError("it changes numbers of the code that do not exist.")
        number = int(numbers(settings.get("number", 0), (), 0, count - 1))
        return {"past": past.tolist(), "edits": edits.tolist(), "number": number}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The same hands again."""
        self.number.setCurrentIndex(self.number.findData(settings["number"]))
        self.start(request)
        self.wheel.past = [tuple(row) for row in settings["past"]]
        self.wheel.edits = [(int(a), int(b), c) for a, b, c in settings["edits"]]

    def code(self) -> Code | None:
        """With everything that was done."""
        kept = self.settings()
        run = f"driving.driven(model, request, {kept['past']}, {kept['edits']})"
        return Code(run, ("from playground.experiments.vae import driving",))
