"""A view whose runs go on from any frame with other settings; the old run is kept, shown again, and compared frame by frame.

*Continue from here* (C) holds a frame of the run: from then on every knob that is turned makes the run go on behind that
frame, from the same state, with the new settings.  A knob that would make it another run altogether (``resuming.FIXED``)
does so, and the fork is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from playground.contract import Frame, Model, Request, State, settings_of
from playground.experiments.resuming import fixed, state_after
from playground.export.contact_sheet import Content
from playground.tabs.branches import trunk as trunks
from playground.tabs.branches.side_bar import SideBar
from playground.tabs.branches.trunk import Part
from playground.tabs.frame.host import Host
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import AnyModel, View
from playground.ui.playback.timeline import Timeline

if TYPE_CHECKING:
    from playground.ui.pictures.comparison import Pair
    from playground.ui.pictures.stage import Stage

MOST_SIDES = 3  # a timeline may hold 320 MiB


@dataclass(frozen=True, eq=False)
class Side:
    """A run that was left for another: how it came about, and its frames."""

    request: Request
    trunk: list[Part]
    edits: Any
    timeline: Timeline
    number: int


@dataclass(frozen=True, eq=False)
class Fork:
    """Where branches leave a run: the frame, and the last one up to there that carries a state."""

    frame: Frame
    carrier: Frame | None
    request: Request  # of the run that is left there


class Branching(View[AnyModel]):
    """The base of views whose frames are those of ``model.sample``."""

    turning_branches: ClassVar[bool] = False  # a knob turned while the run rests half-way branches, unasked

    def __init__(self, tab: Host) -> None:
        super().__init__(tab)
        self.trunk: list[Part] = []  # the runs before this one, each up to a step
        self._fork: Fork | None = None
        self._is_new_side = False
        self._others: list[Side] = []
        self._number = 1  # of the run that is shown
        self.side_bar = SideBar()
        self.side_bar.chosen.connect(lambda index: self._show_side(self._numbers()[index]))
        self.side_bar.beside.connect(self._compare)
        self.side_bar.forgotten.connect(self._forget_others)
        self.column.addWidget(self.side_bar)
        self.player.forked.connect(self._forked)

    @classmethod
    def branches(cls, model: Model) -> bool:
        """Whether anything that can be set changes what follows in the middle of a run."""
        return True

    # --- what a view with changes by hand adds

    def edits_now(self) -> Any:
        """What was changed by hand in the run that is shown."""
        return None

    def take_edits(self, edits: Any) -> None:
        """Another run is shown, with these changes."""

    def edited_at(self, step: int) -> str:
        """What was changed by hand in the run that is shown at a step where it branches, in a word or two; "" if nothing was."""
        return ""

    def edit_list(self) -> Sequence[Any]:
        """The same as ``experiments/branching.py`` takes it."""
        return ()

    def drop_edits(self, frame: Frame) -> None:
        """The run goes another way behind ``frame``: changes of what comes later are no more."""

    def resumed(self, state: State) -> State:
        """The state with what is known of changes."""
        return state

    # --- runs

    def opened(self) -> None:
        """Another model, other runs."""
        self.forget_runs()
        self.player.can_branch = self.branches(self.model)

    def start(self, request: Request, patient: bool = False) -> None:
        """A run of its own, without the branches of the last."""
        self.forget_runs()
        super().start(request, patient)

    def forget_runs(self) -> None:
        """Only what comes next counts."""
        self.trunk, self._fork, self._is_new_side = [], None, False
        self._others, self._number = [], 1
        self.player.set_fork(False)
        self.refresh_bar()

    def turn(self, request: Request) -> None:
        """Behind a fork the run goes on with the new settings, again and again while a knob moves; else as ever."""
        self._settle_fork(request)
        if self._fork is None:
            super().turn(request)
            return
        state = state_after(self._fork.frame, self._fork.carrier, self._fork.request, request)
        if state is None:  # nothing is kept there (the timeline was thinned)
            super().turn(request)
            return
        if self._is_new_side:
            self._keep_side()
        kept = self.player.timeline.index_of_step(self._fork.frame.step)
        state = self.resumed(state)
        self.adopt(request)
        self.player.lane.touch()
        self.player.start(self.source(lambda model: model.sample(request, state)), keep=kept)
        self.refresh_bar()

    def _settle_fork(self, request: Request) -> None:
        """Whether ``request`` goes on from somewhere, and from where."""
        frame, before = self.player.frame, self.request
        if frame is None or before is None or fixed(request) != fixed(before):
            self._fork = None
            return
        if self.player.fork is not None or not self.turning_branches:
            return
        if getattr(request, "seed", None) != getattr(before, "seed", None):
            self._fork = None
            return
        rests_elsewhere = self._fork is None or frame is not self._fork.frame
        if rests_elsewhere and not self.player.is_playing and frame.step < frame.total:
            self._fork = self._fork_at(frame) if frame.step else None

    def _fork_at(self, frame: Frame) -> Fork | None:
        """Branches leave the run at a frame; None if it cannot be gone on from."""
        if self.request is None:
            return None
        timeline = self.player.timeline
        carrier = timeline.state_before(timeline.index_of_step(frame.step))
        if state_after(frame, carrier, self.request, self.request) is None:
            return None
        self._is_new_side = True
        return Fork(frame, carrier, trunks.cut(self.trunk, self.request, frame.step, frame.total)[-1][0])

    def _forked(self, frame: Frame | None) -> None:
        """C was pressed: from here, or from the last frame before it that keeps its state."""
        self._fork = self._fork_at(frame) if frame is not None else None
        if frame is None or self._fork is not None:
            self._say_where(frame)
            return
        timeline = self.player.timeline
        origin = timeline.state_before(timeline.index_of_step(frame.step))
        self.player.set_fork(False)
        if origin is not None:
            self.player.seek(timeline.index_of_step(origin.step))
            self.player.set_fork(True)

    def _say_where(self, frame: Frame | None) -> None:
        if frame is not None:
            self.tab.banner.show_notice(
                f"Turn any knob: the run goes on from step {frame.step} with it, and this run is kept. C again: no longer."
            )

    def cut_at(self, step: int, total: int) -> None:
        """The run is taken up again behind ``step`` with its present settings (something was changed there by hand)."""
        if self._fork is not None and step < self._fork.frame.step:
            self.player.set_fork(False)
            self._fork = None
        if self.trunk and step < self.trunk[-1][1] and self.request is not None:
            self.trunk = trunks.cut(self.trunk, self.request, step, total)
            self.refresh_bar()

    def branch_at(self, frame: Frame) -> bool:
        """The run is left at a frame for one that is changed there by hand; False if it cannot be gone on from.

        What is changed at the place of the last branch again is no new branch.
        """
        if self.trunk and self.trunk[-1][1] == frame.step:
            return True
        self._fork = self._fork_at(frame)
        if self._fork is None:
            return False
        self._keep_side()
        self._fork = None
        self.refresh_bar()
        return True

    # --- the sides of a fork

    def _numbers(self) -> list[int]:
        return sorted([self._number, *(side.number for side in self._others)])

    def _present(self) -> Side:
        assert self.request is not None
        return Side(self.request, self.trunk, self.edits_now(), self.player.timeline.copy(), self._number)

    def _keep_side(self) -> None:
        """The run that is shown is about to be left for a branch of it."""
        assert self._fork is not None
        self._is_new_side, present = False, self._present()
        frame = self._fork.frame
        self._others = [*self._others, present][-(MOST_SIDES - 1) :]
        self._number = max(self._numbers()) + 1
        self.trunk = trunks.cut(present.trunk, present.request, frame.step, frame.total)
        self.drop_edits(frame)

    def _show_side(self, number: int) -> None:
        """Another run is shown, at the step that is on the screen; what it still lacks is made."""
        side = next((side for side in self._others if side.number == number), None)
        frame = self.player.frame
        if side is None or frame is None:
            return
        present = self._present()
        self._others = [*(other for other in self._others if other is not side), present]
        self._fork, self._is_new_side = None, False
        self.player.set_fork(False)
        self.trunk, self._number = side.trunk, side.number
        self.take_edits(side.edits)
        self.tab.knobs.set_silently(settings_of(side.request))
        self.adopt(side.request)
        self.player.show_run(side.timeline, frame.step)
        self._go_on(side)
        self.refresh_bar()

    def _go_on(self, side: Side) -> None:
        """A run that was left before its end."""
        last = side.timeline.last
        index = len(side.timeline) - 1
        if last is None or last.step >= last.total:
            return
        state = state_after(last, side.timeline.state_before(index), side.request, side.request)
        if state is not None:
            state, request = self.resumed(state), side.request
            self.player.start(
                self.source(lambda model: model.sample(request, state)), keep=index, paused=True
            )

    def _forget_others(self) -> None:
        self._others = []
        self._stage().close_comparison()
        self.refresh_bar()

    def refresh_bar(self) -> None:
        """The runs that there are, and how this one came about."""
        numbers = self._numbers()
        at = numbers.index(self._number)
        self.side_bar.show_sides([f"run {number}" for number in numbers], at, self._said())

    def _said(self) -> str:
        if not self.trunk or self.request is None:
            return "the first run"
        part, until = self.trunk[-1]
        changed = trunks.difference(part, self.request)
        return f"from step {until} with {changed or self.edited_at(until) or 'nothing'}"

    # --- both at once

    def _stage(self) -> Stage:
        return cast("Stage", self.tab.stage)

    def _compare(self) -> None:
        """The run that was shown before, beside this one."""
        if self._stage().close_comparison() or not self._others:
            return
        other = self._others[-1]
        self._stage().compare_pair(
            self, self._pair_with(other), self.player.changed, (f"run {other.number}", f"run {self._number}")
        )

    def _pair_with(self, other: Side) -> Callable[[], Pair]:
        def pair() -> Pair:
            now = self.player.frame
            if now is None or not any(side is other for side in self._others):
                return None, None
            before = other.timeline[other.timeline.index_of_step(now.step)]
            names = self.class_names() if _same_class(other.request, self.request) else None
            return self._as_content(before, names), self._as_content(now, names)

        return pair

    def _as_content(self, frame: Frame, names: Sequence[str] | None) -> Content:
        return Content(self.name, tuple(self.panels(frame)), 1, captions=names)

    # --- kept

    def settings(self) -> dict[str, Any]:
        """The runs that this one branched off from."""
        return {"trunk": trunks.written(self.trunk)}

    def checked(self, settings: Mapping[str, Any], request: Request, model: AnyModel) -> dict[str, Any]:
        """Branches whose steps rise, each with the settings of a request that fits the last one."""
        return {"trunk": trunks.read_back(settings, request, model)}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The branches one after another, as one run."""
        trunk = list(settings["trunk"])
        if not trunk:
            super().restore(request, settings)
            return
        self.restore_trunk(trunk, request)

    def restore_trunk(self, trunk: list[Part], request: Request) -> None:
        """The same for a view whose changes by hand are in place already."""
        self.forget_runs()
        self.trunk, edits = trunk, list(self.edit_list())
        self.adopt(request)
        self.player.start(self.source(lambda model: trunks.play(model, trunk, request, edits)))

    def code(self) -> Code | None:
        """With its branches, if there are any."""
        return trunks.code(self.trunk, self.edit_list()) if self.trunk else super().code()


def _same_class(one: Request, other: Request | None) -> bool:
    return getattr(one, "label", None) == getattr(other, "label", None)
