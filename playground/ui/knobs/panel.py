"""The knobs at the left of every tab: one control per field of a request, built from the request's own schema.

The panel is the only place where settings live while the window runs; ``request()`` is a frozen snapshot of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QScrollArea, QVBoxLayout, QWidget

from playground import contract
from playground.contract import Request
from playground.ui.knobs.rows import Row, SeedRow, TextRow, row
from playground.ui.theme import icons, theme
from playground.ui.widgets.controls import IconButton

MAX_VISIBLE = 8


class KnobPanel(QWidget):
    """Turns a request type into controls, and the controls into requests.

    ``changed`` carries the new request at every move of a control, while it moves.  Building the panel
    (``set_request``) does not emit; ``set_settings`` and ``reset`` emit once if anything changed.
    """

    changed = Signal(object)  # Request

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._type: type[Request] = Request
        self._rows: dict[str, Row] = {}
        self._memory: dict[tuple[object, ...], Any] = {}  # last value of every knob ever turned, by _meaning
        self._as_shown: dict[str, Any] = {}  # where the knobs stood before anybody turned them
        self._silent: dict[str, Any] = {}  # values of the hidden knobs, which a view may turn by other means
        self._silent_memory: dict[tuple[type[Request], str], Any] = {}
        self._only: frozenset[str] | None = None  # the knobs that a lesson shows
        self._apt: dict[str, bool] = {}  # which knobs can do something now
        self._knobs: dict[str, contract.Knob] = {}  # all of the present type, hidden ones too
        self._last: Request | None = None
        self._page = QWidget()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._scroll)
        self.more = QPushButton("More")
        self.more.setProperty("role", "plain")
        self.more.setCheckable(True)
        self.more.toggled.connect(self._unfold)
        self._reset_all = IconButton("reset", "Reset every knob")
        self._reset_all.clicked.connect(self.reset)
        theme.signals.changed.connect(self._restyle)
        self._build((), (), set())

    # --- what a tab calls

    def set_request(
        self, request_type: type[Request], classes: Sequence[str] = (), hidden: Collection[str] = ()
    ) -> None:
        """Show the knobs of another request type; what was turned stays so where the new type has a knob of that name.

        A knob that nobody touched stands at the default of the new type, which may be another.
        """
        turned = {n: one for n, one in self._rows.items() if one.value() != self._as_shown.get(n)}
        self._memory.update({self._meaning(one.knob): one.value() for one in turned.values()})
        self._silent_memory.update({(self._type, name): value for name, value in self._silent.items()})
        if request_type is not self._type:
            self._only = None  # it was said of other knobs
        self._type = request_type
        self._knobs = {k.name: k for k in contract.knobs(request_type)}
        self._silent = {
            name: self._silent_memory.get((request_type, name), k.default)
            for name, k in self._knobs.items()
            if name in hidden
        }
        self._build(contract.knobs(request_type), tuple(classes), set(hidden))
        for one in self._rows.values():
            held = self._meaning(one.knob)
            if held in self._memory and _valid(one.knob, self._memory[held], len(classes)):
                one.show_value(self._memory[held])
        self._as_shown = self.settings()
        self._last = self.request()

    def request(self) -> Request:
        """A frozen snapshot of the knobs; hidden ones stand where ``set_settings`` put them, else at their defaults."""
        return contract.make_request(self._type, {**self._silent, **self.settings()})

    def settings(self) -> dict[str, Any]:
        """Name -> value of every knob that is drawn in the panel."""
        return {name: one.value() for name, one in self._rows.items()}

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Turn several knobs at once, hidden ones too; names that the request does not have are left alone.

        Raises:
            ValueError: one sentence, before anything is changed, if a value does not fit its knob.
        """
        self._take(settings)
        self._tell()

    def set_silently(self, settings: Mapping[str, Any]) -> None:
        """As :meth:`set_settings`, for a view that is about to begin a run anyway: nothing is emitted."""
        self._take(settings)
        self._last = self.request()

    def propose(self, settings: Mapping[str, Any]) -> None:
        """Other values for knobs that nobody has turned; they do not count as turned either.  Nothing is emitted."""
        fresh = {
            n: v
            for n, v in settings.items()
            if n in self._rows and self._knobs[n].default == self._rows[n].value()
        }
        self._take(fresh)
        self._as_shown.update({name: self._rows[name].value() for name in fresh})
        self._last = self.request()

    def _take(self, settings: Mapping[str, Any]) -> None:
        wanted = {n: self._knobs[n].check(v) for n, v in settings.items() if n in self._knobs}
        for name, value in wanted.items():
            if name in self._rows:
                self._rows[name].show_value(value)
            else:
                self._silent[name] = value

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide one knob, with no gap (a knob that cannot apply now)."""
        self._apt[name] = shown
        self._show_rows()

    def show_only(self, names: Collection[str] | None) -> None:
        """Show these knobs and no others, until there are others to show; None shows all again."""
        self._only = None if names is None else frozenset(names)
        self._show_rows()

    def shown_only(self) -> tuple[str, ...] | None:
        """What :meth:`show_only` was given that there is, in the panel's order."""
        return None if self._only is None else tuple(name for name in self._rows if name in self._only)

    def hide_knob(self, name: str) -> None:
        """Hide one more knob: a classroom sees what it needs."""
        shown = self.shown_only()
        self.show_only([one for one in (self._rows if shown is None else shown) if one != name])

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Hide the knob under the pointer, or show all again."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name, one in self._rows.items():
            if one.isVisible() and one.rect().contains(one.mapFrom(self, event.pos())):
                menu.addAction(f"Hide “{one.knob.label}”").triggered.connect(
                    lambda _=False, name=name: self.hide_knob(name)
                )
        if self._only is not None:
            menu.addAction("Show all controls").triggered.connect(lambda: self.show_only(None))
        if menu.actions():
            menu.popup(event.globalPos())

    def _show_rows(self) -> None:
        for name, one in self._rows.items():
            one.setVisible(self._apt.get(name, True) and (self._only is None or name in self._only))
        visible = _visible(tuple(self._knobs.values()), set(self._silent))
        self.more.setVisible(len(visible) < len(self._rows) and self._only is None)
        self._reset_all.setVisible(bool(self._rows) and self._only is None)
        unfolded = self.more.isChecked() or self._only is not None
        self._fold.setVisible(unfolded and len(visible) < len(self._rows))

    def come_after(self, canvas: QWidget) -> None:
        """The Tab key leads from the canvas to the first knob, and from there to the next ones."""
        before = canvas
        for one in self._rows.values():
            for control in one.findChildren(QWidget):
                here = control.window() is canvas.window()  # a menu's list is a window of its own
                if here and control.focusPolicy() & Qt.FocusPolicy.TabFocus and not control.focusProxy():
                    QWidget.setTabOrder(before, control)
                    before = control

    def set_hint(self, name: str, text: str) -> None:
        """What an empty line of text stands for, written into it in grey."""
        one = self._rows.get(name)
        if isinstance(one, TextRow):
            one.field.setPlaceholderText(text)

    def set_remark(self, name: str, sentence: str, offers: Sequence[tuple[str, str]] = ()) -> None:
        """A sentence under a line of text, and what may stand in its place: (words on a button, the text)."""
        one = self._rows.get(name)
        if isinstance(one, TextRow):
            one.set_remark(sentence, offers)

    def reset(self) -> None:
        """Every knob back to its default."""
        self.set_settings({name: k.default for name, k in self._knobs.items()})

    def reseed(self) -> None:
        """Draw a new seed."""
        seed = self._rows.get("seed")
        if isinstance(seed, SeedRow):
            seed.reseed()

    def row(self, name: str) -> Row:
        """The row of a knob.

        Raises:
            KeyError: if the panel has no such knob.
        """
        return self._rows[name]

    def sizeHint(self) -> QSize:
        """About 240 pixels wide at normal type size."""
        return QSize(max(round(theme.em() * 18.5), self.minimumSizeHint().width()), round(theme.em() * 40))

    def full_height(self) -> int:
        """What it takes to show everything without scrolling."""
        return self._page.sizeHint().height()

    def minimumSizeHint(self) -> QSize:
        """As wide as its widest row: the panel scrolls downwards, never sideways."""
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        return QSize(
            max(self._page.minimumSizeHint().width() + bar, round(theme.em() * 16)), round(theme.em() * 8)
        )

    # --- inside

    def _meaning(self, knob: contract.Knob) -> tuple[object, ...]:
        """Under what a value is remembered: free text means something else in every request type."""
        free = knob.type is str and not knob.choices
        return (knob.name, knob.label, *((self._type,) if free else ()))

    def _build(self, knobs: Sequence[contract.Knob], classes: Sequence[str], hidden: set[str]) -> None:
        self._rows = {k.name: row(k, classes) for k in knobs if k.name not in hidden}
        self._apt = {}
        self.more.setParent(None)  # keep it when the old page goes
        self._reset_all.setParent(None)
        self._page = QWidget()
        self._page.setProperty("role", "page")
        column = QVBoxLayout(self._page)
        self._fold = QWidget()
        self._folded = QVBoxLayout(self._fold)
        self._folded.setContentsMargins(0, 0, 0, 0)
        visible = _visible(knobs, hidden)
        for name, one in self._rows.items():
            (column if name in visible else self._folded).addWidget(one)
            one.changed.connect(self._tell)
        foot = QHBoxLayout()
        foot.addWidget(self.more)
        foot.addStretch(1)
        foot.addWidget(self._reset_all)
        column.addLayout(foot)
        column.addWidget(self._fold)
        column.addStretch(1)
        self._show_rows()
        self._scroll.setWidget(self._page)
        self._restyle()

    def _unfold(self, open_: bool) -> None:
        self._show_rows()
        self._restyle()

    def _tell(self) -> None:
        request = self.request()
        if request != self._last:
            self._last = request
            self.changed.emit(request)

    def _restyle(self) -> None:
        em = theme.em()
        name = "chevron-down" if self.more.isChecked() else "chevron-right"
        self.more.setIconSize(QSize(round(em), round(em)))
        self.more.setIcon(icons.icon(name, theme.accent("neutral"), em))
        column = self._page.layout()
        if column is not None:
            side = round(em * 1.1)
            column.setContentsMargins(side, round(em * 0.8), side, round(em * 0.8))
            column.setSpacing(round(em * 0.8))
            self._folded.setSpacing(round(em * 0.8))
        self.updateGeometry()


def _visible(knobs: Sequence[contract.Knob], hidden: set[str]) -> set[str]:
    """Names of at most eight knobs to show at once: those not folded, the seed and the number of samples always."""
    shown = [k.name for k in knobs if k.name not in hidden and not k.fold]
    always = [n for n in ("seed", "num_samples") if n in shown]
    own = [n for n in shown if n not in always]
    return {*own[: MAX_VISIBLE - len(always)], *always}


def _valid(knob: contract.Knob, value: Any, num_classes: int) -> bool:
    try:
        value = knob.check(value)
    except ValueError:
        return False
    return knob.choices != "classes" or contract.EACH_CLASS <= value < num_classes


def _demo() -> None:
    """Run me: ``python -m playground.ui.knobs.panel``."""
    from playground.ui.widgets.demo import DemoRequest, application, run

    application()
    panel = KnobPanel()
    panel.set_request(DemoRequest, ("T-shirt", "Trouser", "Bag"))
    panel.changed.connect(print)
    panel.setProperty("family", "diffusion")
    run(panel)


if __name__ == "__main__":
    _demo()
