"""What was understood of a prompt, under the line in which it stands: words that are not known, and the nearest that are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from playground.contract import Frame
from playground.data.emoji.words import Prompt, missed
from playground.ui.knobs.panel import KnobPanel


def show(knobs: KnobPanel, frame: Frame) -> bool:
    """Put under each prompt what a frame says of it; False if the frame has to say something else, or nothing."""
    readings: Mapping[str, Sequence[Prompt]] = frame.extras.get("readings", {})
    shown = knobs.settings()
    for name, read in readings.items():
        text = str(shown.get(name, ""))
        knobs.set_remark(name, sentence(read), offers(text, read))
    every = [missed(read) for read in readings.values()]
    return bool(readings) and frame.extras.get("notice", "") in ("", *every)


def sentence(read: Sequence[Prompt]) -> str:
    """Which words are not known, and what others were read as."""
    unknown = dict.fromkeys(word for prompt in read for word, _ in prompt.unknown)
    parts = [f"“{word}” is not a word that the model knows." for word in unknown]
    taken = dict.fromkeys(pair for prompt in read for pair in prompt.read_as)
    parts += [f"“{written}” is read as “{meant}”." for written, meant in taken]
    parts += dict.fromkeys(prompt.left_over for prompt in read if prompt.left_over)
    return " ".join(parts)


def offers(text: str, read: Sequence[Prompt]) -> list[tuple[str, str]]:
    """For each unknown word the nearest known ones: (the word, the whole text with it in its place)."""
    found: dict[str, str] = {}
    for word, near in (pair for prompt in read for pair in prompt.unknown):
        unread = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
        found |= {other: unread.sub(other, text) for other in near}
    return list(found.items())
