"""Prompts of ``playground sample``: a file of them, and what a model did not understand of their words."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from playground.capabilities import ReadsPrompts
from playground.cli import shared
from playground.contract import Model
from playground.data import emoji

Prompts = tuple[tuple[str, str], ...]  # (style, prompt) of each picture; empty: the settings say it


def from_options(options: Namespace) -> Prompts:
    """The lines of ``--prompts``, none without it.

    Raises:
        ValueError: one sentence, if the number of pictures is said as well, or the file is no text.
    """
    if options.prompts is None:
        return ()
    if shared.settings_with(options.set, num_samples=options.count).get("num_samples") is not None:
        raise ValueError("--prompts draws a picture for each line: leave out --count.")
    try:
        return read_prompts(options.prompts.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{options.prompts} is not a text file (UTF-8).") from None


def remark(model: Model, settings: dict[str, Any], prompts: Prompts) -> None:
    """Tell, on stderr, what a model does not understand of the words.

    Raises:
        ValueError: one sentence, if it draws from no words at all.
    """
    if not isinstance(model, ReadsPrompts):
        if prompts:
            raise ValueError(f"{model.card.id} does not draw from words: leave out --prompts.")
        return
    said = [prompt for _, prompt in prompts] or str(settings.get("prompt", "")).split(";")
    for sentences in dict.fromkeys(model.remarks(text) for text in said if text.strip()):
        if sentences:
            shared.tell(sentences)


def read_prompts(text: str) -> tuple[tuple[str, str], ...]:
    """The lines of a file as (style, prompt): ``style<TAB>prompt``, or a prompt alone.

    Raises:
        ValueError: one sentence, for a style that does not exist, or no line at all.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        style, tab, prompt = line.partition("\t")
        style, prompt = (style.strip(), prompt.strip()) if tab else ("", line.strip())
        if style and style not in emoji.STYLES:
            raise ValueError(
                f"Line {number} wants the style {style[:40]!r}; there are {', '.join(emoji.STYLES)}."
            )
        found.append((style, prompt))
    if not found:
        raise ValueError("The file of prompts is empty.")
    return tuple(found)
