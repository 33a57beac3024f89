"""One view's playback: a lane that makes frames, a timeline that keeps them, and a pointer to the one on screen.

While the sampler runs the pointer follows it.  Behind the head, play replays stored frames and takes the sampler up
again where it stands; scrubbing only ever indexes stored frames.
"""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from playground.contract import Frame
from playground.ui.playback.stream import REFRESH, FrameSource, Lane
from playground.ui.playback.timeline import Timeline

REPLAY_SECONDS = 3.0  # a whole run, when no speed is set
REPLAY_SLOWEST = 4.0  # frames per second, for runs of a few frames
MOST_OWED = 8  # steps: a key that is held down does not run away from a slow sampler
LOOP_REST = 1.0  # seconds for which a loop rests on the result


class Player(QObject):
    """Plays, stores and scrubs what one lane generates."""

    shown = Signal(object)  # the Frame to draw now, at most once per refresh
    changed = Signal()  # length, pointer or state changed
    failed = Signal(str)  # one clear sentence
    finished = Signal()
    begins = Signal()  # a new run was asked for; what is on the screen is still the old one's
    forked = Signal(object)  # the Frame from which other settings go on from now on; None: no longer

    def __init__(self, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane = lane
        self.timeline = Timeline()
        self.loop = False
        self.can_branch = False  # its view takes runs up again behind any frame
        self._fork: Frame | None = None
        self._speed: float | None = None
        self._index = -1
        self._keep: int | None = (
            None  # a new run waits for its first frame: keep 0.._keep of what is stored then
        )
        self._keep_of_newest = -1
        self._goal: tuple[int, int] | None = None  # a step to run to, and one to stand at then
        self._silent = False  # on the way to the goal the last picture stays
        self._still = False  # no loop: the run stands where it was sent
        self._on_screen: Frame | None = None
        self._drawn_with = 0  # frames there were, when it was drawn
        self._next_show = 0.0
        self._show_timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._show_timer.timeout.connect(self._show)
        self._replay_timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._replay_timer.timeout.connect(self._tick)
        self._replay_from = (0.0, 0)  # the moment and the index at which the replay began
        lane.started.connect(self._run_started)
        lane.frames_arrived.connect(self.store)
        lane.state_changed.connect(self._lane_changed)
        lane.finished.connect(self._lane_finished)
        lane.failed.connect(self.failed)

    # --- what there is

    @property
    def index(self) -> int:
        """The pointer, -1 while there is nothing."""
        return self._index

    @property
    def frame(self) -> Frame | None:
        """The frame under the pointer."""
        return self.timeline[self._index] if self._index >= 0 else None

    @property
    def at_head(self) -> bool:
        """Whether the pointer is on the newest frame (or a new run is about to bring its first)."""
        return self._keep is not None or self._index == len(self.timeline) - 1

    @property
    def has_begun(self) -> bool:
        """Whether the newest run has brought its first frame: what is stored is its own."""
        return not self.lane.is_holding and self._keep is None and len(self.timeline) > 0

    @property
    def is_show_due(self) -> bool:
        """Whether a frame waits to be shown until the last one was seen long enough."""
        return self._show_timer.isActive()

    @property
    def is_sampling(self) -> bool:
        """Whether the sampler is at work or waiting for its turn."""
        return self.lane.state in ("waiting", "running")

    @property
    def is_replaying(self) -> bool:
        """Whether stored frames are being played."""
        return self._replay_timer.isActive()

    @property
    def is_playing(self) -> bool:
        """Whether anything moves: the sampler or a replay."""
        return self.is_sampling or self.is_replaying

    @property
    def is_open(self) -> bool:
        """Whether the run can still bring frames (it may be paused)."""
        return self.lane.is_open

    @property
    def is_empty(self) -> bool:
        """Nothing stored, nothing to come."""
        return not len(self.timeline) and not self.is_open

    @property
    def seconds_per_step(self) -> float | None:
        """What a frame of this run costs the worker on average."""
        made = self.lane.frames_made
        return self.lane.worker_seconds / made if made else None

    @property
    def speed(self) -> float | None:
        """Frames per second of sampler and replay, None: as fast as it goes (a replay then takes about 3 s)."""
        return self._speed

    @speed.setter
    def speed(self, frames_per_second: float | None) -> None:
        self.lane.set_pace(frames_per_second)
        self._speed = frames_per_second
        self._replay_from = (time.perf_counter(), max(self._index, 0))
        self.changed.emit()

    @property
    def fork(self) -> Frame | None:
        """Where branches leave the run, while they do."""
        return self._fork

    # --- what can be done

    def set_fork(self, on: bool) -> None:
        """From the frame under the pointer other settings go on from now on, or no longer."""
        frame = self.frame if on and self.can_branch else None
        if frame is not None:
            self.pause()
        if frame is not self._fork:
            self._fork = frame
            self.forked.emit(frame)
        self.changed.emit()

    def show_run(self, timeline: Timeline, step: int) -> None:
        """Put stored frames in place of the present run, which ends, and stand at a step of them."""
        self._replay_timer.stop()
        self.lane.stop()
        self._goal, self._still, self._silent, self._keep = None, False, False, None
        self.timeline, self._on_screen = timeline, None
        self._point(timeline.index_of_step(step))

    def start(
        self, source: FrameSource, *, keep: int | None = None, paused: bool = False, patient: bool = False
    ) -> None:
        """Begin a new run; the last picture stays until its first frame comes.

        Args:
            source: what to play.
            keep: keeps frames 0..keep of the present run in front of the new ones (rewind, branch, edit).
            paused: waits for play() or step_forward().
            patient: for sliders under the finger: lets the first frame that is being made be seen (``Lane.play``).
        """
        self.begins.emit()
        self._replay_timer.stop()
        self._goal, self._still, self._silent = None, False, False
        self._keep = self._keep_of_newest = -1 if keep is None else min(keep, len(self.timeline) - 1)
        self.lane.set_pace(self._speed)
        self.lane.play(source, paused=paused, patient=patient)
        self.changed.emit()

    def halt_at(self, step: int | None, head: int | None = None, silently: bool = False) -> None:
        """After start(): run to ``head`` at full speed (else to ``step``), go to ``step`` and stand still.

        None is the end of the run; ``silently`` shows nothing of the way there.
        """
        self._still, self._silent = True, silently
        self._goal = None if step is None else (max(step, head or 0), step)
        self.lane.set_pace(None)

    def toggle(self) -> None:
        """Play or pause."""
        self.pause() if self.is_playing else self.play()

    def play(self) -> None:
        """Go on: replay up to the head, sample from there; from the start if the run is over."""
        self._silent = False
        if self.is_playing or self.is_empty:
            return
        if self._still and self._goal is None:
            self._still = False
            self.lane.set_pace(self._speed)
        if not self.at_head:
            self._replay(self._index)
        elif self.is_open:
            self.lane.resume()
        elif len(self.timeline) > 1:
            self._replay(0)

    def pause(self) -> None:
        """Stand still; the sampler finishes the frame it is making."""
        self._replay_timer.stop()
        self._silent = False
        self.lane.pause()
        self.changed.emit()

    def stop(self) -> None:
        """End the run: what is stored stays."""
        self._replay_timer.stop()
        self.lane.stop()
        self.changed.emit()

    def step_forward(self) -> None:
        """One frame on; at the head of an unfinished run one more frame is drawn from the sampler."""
        if self.is_replaying:
            self.pause()
        if not self.at_head:
            self.seek(self._index + 1)
        elif self.lane.steps_owed < MOST_OWED:
            self.lane.step()

    def step_back(self) -> None:
        """One frame back."""
        self.seek(self._index - 1)

    def go_first(self) -> None:
        """To the first stored frame."""
        self.seek(0)

    def go_last(self) -> None:
        """To the newest stored frame."""
        self.seek(len(self.timeline) - 1)

    def seek(self, index: int) -> None:
        """Show a stored frame.  Anywhere behind the head this pauses the sampler, and everywhere a replay."""
        self._silent = False
        if not len(self.timeline):
            return
        index = min(max(index, 0), len(self.timeline) - 1)
        self._replay_timer.stop()
        if index < len(self.timeline) - 1:
            self.lane.pause()
        if len(self.timeline) != self._drawn_with:
            self._on_screen = None  # what shows the whole run, a strip or a curve, has grown since
        self._point(index)

    def clear(self) -> None:
        """Stop and forget everything stored."""
        self.stop()
        self.lane.let_go(self.timeline.truncate(-1))
        self.timeline.clear()
        self._index, self._keep, self._on_screen = -1, None, None
        self.set_fork(False)
        self._show_timer.stop()
        self.changed.emit()

    def close(self) -> None:
        """Take the lane off the stream and stay silent."""
        self._replay_timer.stop()
        self._show_timer.stop()
        self.lane.close()

    # --- the sampler's news

    def _run_started(self) -> None:
        if (
            self._keep is None
        ):  # a patient request, and the frames of the one before it have come since start()
            self._keep = self._keep_of_newest

    def store(self, frames: list[Frame]) -> None:
        """Take what the lane has brought, in order, into the timeline."""
        follow, serial = self.at_head, self.timeline.serial(self._index)
        if self._keep is not None:
            self.lane.let_go(self.timeline.truncate(self._keep))
            self._keep = None
        for frame in frames:
            self.timeline.append(frame)
        self._point(len(self.timeline) - 1 if follow else self.timeline.index_of_serial(serial))
        if self._goal is not None and frames and frames[-1].step >= self._goal[0]:
            self._arrive(self._goal[1])

    def _arrive(self, step: int) -> None:
        self._goal, last = None, self.timeline.last
        if last is None or last.step < last.total or not last.total:
            self.lane.pause()
        self.seek(self.timeline.index_of_step(step))

    def _lane_changed(self, state: str) -> None:
        if not self.lane.is_open:
            self._keep = None  # the run ended without a frame: what was stored stays
        self.changed.emit()

    def _lane_finished(self) -> None:
        self._goal = None
        if self._silent:
            self._silent = False
            self._show()
        self.finished.emit()
        if self.loop and not self._still and not self.is_playing and self.at_head and len(self.timeline) > 1:
            self._replay(self._index)

    # --- the pointer and the screen

    def _point(self, index: int) -> None:
        self._index = index
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        """Emit the frame under the pointer, now or when the display can show it."""
        now = time.perf_counter()
        if self._silent or self.frame is None or self.frame is self._on_screen or self._show_timer.isActive():
            return
        if now < self._next_show:
            self._show_timer.start(math.ceil((self._next_show - now) * 1000))
            return
        self._next_show = now + 0.8 * REFRESH  # the stream already keeps to the refresh: leave it some play
        self._on_screen, self._drawn_with = self.frame, len(self.timeline)
        self.shown.emit(self.frame)

    def show_now(self) -> None:
        """Draw the frame under the pointer without waiting for the display, if it is not drawn yet."""
        if self._show_timer.isActive():
            self._show_timer.stop()
            self._next_show = 0.0
            self._show()

    # --- replay

    def _rate(self) -> float:
        return self._speed or max(len(self.timeline) / REPLAY_SECONDS, REPLAY_SLOWEST)

    def _replay(self, index: int) -> None:
        self._replay_from = (time.perf_counter(), index)
        self._replay_timer.start(round(max(REFRESH, 1 / self._rate()) * 1000))
        self._point(index)

    def _tick(self) -> None:
        began, first = self._replay_from
        elapsed, last = time.perf_counter() - began, len(self.timeline) - 1
        index = min(first + int(elapsed * self._rate()), last)
        if index != self._index:
            self._point(index)
        if index == last and self._replay_timer.isActive():
            self._reached_head(elapsed - (last - first) / self._rate())

    def _reached_head(self, rested: float) -> None:
        if self.is_open:
            self._replay_timer.stop()
            self.lane.resume()
        elif not self.loop:
            self._replay_timer.stop()
        elif rested > LOOP_REST:
            self._replay(0)
            return
        self.changed.emit()
