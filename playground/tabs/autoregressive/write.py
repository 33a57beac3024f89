"""Write: a text appears character by character; any character can be taken back, and another put in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from playground.capabilities import AttendsToCharacters, WritesText
from playground.contract import Frame, Message, Request, State
from playground.data import characters
from playground.export import contact_sheet
from playground.export.picture_metadata import numbers
from playground.models.autoregressive import next_token
from playground.tabs.autoregressive.token_bars import TokenBars, name_of
from playground.tabs.branches import trunk as trunks
from playground.tabs.branches.view import Branching
from playground.tabs.frame import model_cache
from playground.tabs.frame.python_code import Code
from playground.ui.theme import theme
from playground.ui.widgets.controls import combo
from playground.ui.widgets.text_page import TextPage

Edit = tuple[int, int, int]


class Write(Branching[WritesText]):
    """One text, with what may come next beside it."""

    name = "Write"
    capability = WritesText
    words = (
        "The model reads the prompt and gives a probability to <b>each character that may come next</b>; one is drawn, "
        "read, and so on. It has seen nothing but characters: that there are words, lines and names it found out by "
        "itself.<br><br><b>Click a character</b> of the text to go back to where it was about to be written: the bars "
        "show what else there could have stood. <b>Click a bar</b> to put that in its place; the text goes on from there "
        "with the same random numbers.<br><br>Turn <i>temperature</i>, <i>top k</i> and <i>top p</i> to cut the unlikely "
        "characters off."
    )
    attention_words = (
        "<br><br><b>Point at a character</b> (or walk there with the arrow keys): shaded is what the transformer looked "
        "at to write it. Each of its heads looks in its own way, which the two menus choose."
    )
    formula = r"p(x) = \prod_i p(x_i \mid x_1, \ldots, x_{i-1})"
    hidden_knobs = frozenset({"num_samples"})
    passing = frozenset({"at", "block", "head"})

    def explanation(self, model: WritesText) -> tuple[str, str]:
        """With attention, if the model has any."""
        return self.words + (
            self.attention_words if isinstance(model, AttendsToCharacters) else ""
        ), self.formula

    def build(self) -> None:
        """The page, and the bars at its right."""
        self.edits: list[Edit] = []
        self.page = TextPage()
        self.page.setAccessibleName("The text; the arrows point at a character, Enter goes back to it")
        self.page.hovered.connect(self._pointed)
        self.page.picked.connect(self._rewind_to)
        self.bars = TokenBars()
        self.bars.chosen.connect(self._put)
        self.attention = AttentionChoice()
        self.attention.changed.connect(lambda: self._pointed(self.page.pointer()))
        self.looking = self.new_lane("attention")
        self.looking.frames_arrived.connect(lambda frames: self._looked(frames[-1]))
        self.side = QWidget()
        column = QVBoxLayout(self.side)
        column.addWidget(self.bars, 1)
        column.addWidget(self.attention)
        parts = QHBoxLayout()
        parts.setSpacing(0)
        parts.addWidget(self.page, 1)
        parts.addWidget(self.side)
        self.column.addLayout(parts, 1)
        theme.signals.changed.connect(self._fit)
        self._fit()
        self.player.speed = 30.0

    def _fit(self) -> None:
        """The page is the larger one."""
        gap = round(theme.em() * 0.7)
        self.side.setFixedWidth(round(theme.em() * 18))
        self.side.layout().setContentsMargins(gap, 0, gap, 0)  # type: ignore[union-attr]

    def opened(self) -> None:
        """Blocks and heads to choose from, if there are any."""
        super().opened()
        self.edits = []
        config = self.model.config
        has = isinstance(self.model, AttendsToCharacters)
        self.attention.set_sizes(config.num_blocks if has else 0, config.num_heads if has else 0)

    def sampler(self, model: WritesText, request: Request) -> Iterator[Frame]:
        return model.sample(request)

    def start(self, request: Request, patient: bool = False) -> None:
        """A new run, without the characters that were put into the last one."""
        self.edits = []
        super().start(request, patient)

    # --- drawing

    def draw(self, frame: Frame) -> None:
        """The text so far, and what may come next."""
        codes, given = _written(frame)
        pointer = self.page.pointer()
        self.page.set_text(codes, given, frame.images.shape[2])
        prompt: int = frame.extras["prompt_length"]
        self.page.set_marked([prompt + at for _, at, _ in self.edits if at < frame.step])
        self._draw_bars(frame)
        if self.player.is_playing:
            self.page.point_at(-1)
        elif pointer >= 0:
            self._pointed(self.page.pointer())

    def _draw_bars(self, frame: Frame) -> None:
        request: Any = self.request
        chances = next_token.distribution(
            frame.extras["logits"][0], request.temperature, request.top_k, request.top_p
        )
        after = self._after(frame)
        drawn = (
            -1 if after is None else int(after.images[0, 0, frame.extras["prompt_length"] + frame.step, 0])
        )
        title = "What comes next" if drawn < 0 else f"Next was drawn: {name_of(drawn)}"
        self.bars.set_values(chances, drawn, title)

    def _after(self, frame: Frame) -> Frame | None:
        """The frame of the next character, if it is stored."""
        stored = self.player.timeline
        index = self.player.index + 1
        if self.player.frame is not frame or index >= len(stored) or stored[index].step != frame.step + 1:
            return None
        return stored[index]

    # --- rewind and fork

    def _rewind_to(self, index: int) -> None:
        """Back to the moment at which this character was about to be written."""
        frame = self.player.frame
        if frame is None:
            return
        step = max(index - frame.extras["prompt_length"], 0)
        self.player.pause()
        self.player.seek(self.player.timeline.index_of_step(step))

    def _put(self, code: int) -> None:
        """Put a character where the text stands, and let it go on from there."""
        stored, frame = self.player.timeline, self.player.frame
        if frame is None or frame.step >= frame.total:
            return
        origin = stored.state_before(self.player.index)
        if origin is None or origin.state is None:
            return
        edits = [edit for edit in self.edits if edit[1] < frame.step] + [(0, frame.step, code)]
        state: State = {
            **origin.state,
            "images": frame.images.copy(),
            "num_known": frame.step,
            "silent_until": frame.step,
            "edits": np.array(edits, np.int64),
        }
        request, self.edits = self.request, edits
        self.cut_at(frame.step, frame.total)
        self.page.point_at(-1)
        self.player.lane.touch()
        self.player.start(self.source(lambda model: model.sample(request, state)), keep=self.player.index)

    # --- attention

    def _pointed(self, index: int) -> None:
        frame = self.player.frame
        if frame is None or not self.attention.isVisibleTo(self) or self.player.is_playing or index < 1:
            self.page.set_weights(None)
            return
        codes = frame.images[0, 0, : index + 1, 0].astype(np.int64)
        block, head = self.attention.value()

        def look(model: AttendsToCharacters) -> Iterator[Message[tuple[int, np.ndarray]]]:
            import torch

            device = next(model.parameters()).device
            first, weights = model.looked_at(torch.from_numpy(codes).to(device), index)
            shades = np.zeros(index)
            weights = weights if block < 0 else weights[block : block + 1]
            weights = weights if head < 0 else weights[:, head : head + 1]
            shades[first:] = weights.mean((0, 1)).float().cpu().numpy()
            yield Message((index, shades))

        self.looking.touch()
        self.looking.play(self.source(look))

    def _looked(self, message: Message[tuple[int, np.ndarray]]) -> None:
        """Shade what was looked at, the most looked at in full."""
        index, shades = message.payload
        if index == self.page.pointer():
            self.page.set_weights(shades / max(float(shades.max(initial=0)), 1e-9))

    # --- what is kept

    def settings(self) -> dict[str, Any]:
        """The characters that were put in place, and what is pointed at."""
        block, head = self.attention.value()
        return {
            "edits": [list(e) for e in self.edits],
            "at": self.page.pointer(),
            "block": block,
            "head": head,
            **super().settings(),
        }

    def edits_now(self) -> list[tuple[int, int, int]]:
        return list(self.edits)

    def take_edits(self, edits: list[tuple[int, int, int]]) -> None:
        self.edits = list(edits)

    def edit_list(self) -> list[tuple[int, int, int]]:
        return self.edits

    def drop_edits(self, frame: Frame) -> None:
        self.edits = [edit for edit in self.edits if edit[1] < frame.step]

    def resumed(self, state: State) -> State:
        return {**state, "edits": np.array(self.edits, np.int64).reshape(-1, 3)}

    def checked(self, settings: Mapping[str, Any], request: Request, model: WritesText) -> dict[str, Any]:
        """Places that exist, and ASCII codes."""
        edits = numbers(settings.get("edits", []), (None, 3), 0, 2000)
        tokens = getattr(request, "num_tokens", 0)
        if (edits != edits.round()).any() or (edits >= [1, tokens, 128]).any() or (edits[:, 2] < 1).any():
            raise ValueError("it changes characters that do not exist.")
        has = isinstance(model, AttendsToCharacters)
        length = len(getattr(request, "prompt", "")) + tokens
        limits = {
            "at": length - 1,
            "block": model.config.num_blocks - 1 if has else -1,
            "head": model.config.num_heads - 1 if has else -1,
        }
        found = {name: int(numbers(settings.get(name, -1), (), -1, high)) for name, high in limits.items()}
        trunk = trunks.read_back(settings, request, model)
        return {"edits": [tuple(edit) for edit in edits.astype(int).tolist()], "trunk": trunk, **found}

    def restore(self, request: Request, settings: Mapping[str, Any]) -> None:
        """The run with its changed characters, as one."""
        edits = settings["edits"]

        def play(model: WritesText, request: Request) -> Iterator[Frame]:
            return model.write(request, edits)

        self.edits = list(edits)
        self.attention.set_value(settings["block"], settings["head"])
        if settings["trunk"]:
            self.restore_trunk(settings["trunk"], request)
        else:
            self.forget_runs()
            self.adopt(request)
            self.player.start(self.source(lambda model: model_cache.memory_guarded(model, request, play)))
        self._wanted = settings["at"]
        self.player.shown.connect(self._point_again)

    def _point_again(self, frame: Frame) -> None:
        """Once the run stands where it stood."""
        if not self.player.is_playing and self._wanted < _written(frame)[0].size:
            self.player.shown.disconnect(self._point_again)
            self.page.point_at(self._wanted)
            self._pointed(self._wanted)

    def code(self) -> Code | None:
        """With the characters that were put in place, if there are any."""
        if not self.edits or self.trunk:
            return super().code()
        return Code(f"model.write(request, {self.edits})")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """The text as a picture, for an animation."""
        codes, given = _written(frame)
        return [("", contact_sheet.page(characters.text_of(codes), given, frame.images.shape[2])[None])]


class AttentionChoice(QWidget):
    """Two menus: which block and which head; hidden where there are none."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        label = QLabel("Attention of the character pointed at")
        label.setProperty("role", "caption")
        column.addWidget(label)
        self._row = QHBoxLayout()
        column.addLayout(self._row)
        self.blocks, self.heads = combo([(-1, "all blocks")]), combo([(-1, "all heads")])
        self.changed = self.blocks.currentIndexChanged
        for menu, name in ((self.blocks, "Block"), (self.heads, "Head")):
            menu.setAccessibleName(name)
            self._row.addWidget(menu, 1)
        self.heads.currentIndexChanged.connect(
            lambda _: self.blocks.currentIndexChanged.emit(self.blocks.currentIndex())
        )
        theme.signals.changed.connect(self.updateGeometry)

    def set_sizes(self, blocks: int, heads: int) -> None:
        """So many of each; none hides both."""
        for menu, word, count in ((self.blocks, "block", blocks), (self.heads, "head", heads)):
            menu.blockSignals(True)
            menu.clear()
            for value in range(-1, count):
                menu.addItem(f"all {word}s" if value < 0 else f"{word} {value + 1}", value)
            menu.blockSignals(False)
        self.setVisible(blocks > 0)

    def value(self) -> tuple[int, int]:
        """Block and head from 0, -1 for all."""
        return int(self.blocks.currentData()), int(self.heads.currentData())

    def set_value(self, block: int, head: int) -> None:
        """Choose, without saying so."""
        for menu, value in ((self.blocks, block), (self.heads, head)):
            menu.blockSignals(True)
            menu.setCurrentIndex(menu.findData(value))
            menu.blockSignals(False)


def _written(frame: Frame) -> tuple[np.ndarray, int]:
    """The characters so far, uint8 (T,), and how many of them were given."""
    given = int(frame.extras["prompt_length"])
    return frame.images[0, 0, : given + frame.step, 0], given
