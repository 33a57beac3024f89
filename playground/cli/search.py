"""``playground search``: the drawings that fit words, a picture, or both together."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from playground import checkpoints
from playground.checkpoints import judges
from playground.cli import shared
from playground.data import emoji
from playground.data.emoji import words as emoji_words


def add(commands: shared.Commands) -> None:
    """The command and its options."""
    command = shared.add_command(commands, "search", run, "the emoji that fit words or a picture, best first")
    command.add_argument("words", nargs="*", help="what they should show, and perhaps a style")
    command.add_argument("--image", type=Path, metavar="FILE", help="a picture that they should be like")
    command.add_argument("--count", type=shared.positive, default=10, help="how many (default 10)")
    command.add_argument("--json", action="store_true", help="an array of {name, style, score}")


def run(options: Namespace) -> None:
    """One line for each drawing: the cosine of its direction with what is looked for, its name and style.

    Raises:
        ValueError: one sentence, if nothing is looked for, or no word is known.
    """
    prompt = " ".join(options.words).strip()
    if not prompt and options.image is None:
        raise ValueError("search takes words, --image FILE, or both.")
    picture = _picture(options.image) if options.image is not None else None
    read = emoji_words.understood(prompt)
    if prompt and not (read.words or read.style):
        raise ValueError(f"None of the words is known. {read.missed}".strip())
    if prompt and read.remarks:
        shared.tell(read.remarks)
    if not judges.is_there():
        raise ValueError(judges.how_to_get())
    model: Any = checkpoints.load(judges.path(judges.CLIP))
    looked_for = [model.of_prompts([prompt])[0]] if prompt else []
    looked_for += [model.of_pictures(picture)[0]] if picture is not None else []
    found = model.search(sum(looked_for), options.count)
    if options.json:
        print(json.dumps([{"name": n, "style": s, "score": round(c, 4)} for n, s, c in found], indent=1))
        return
    for name, style, score in found:
        print(f"{score:6.3f}  {name.replace('-', ' ')}  ({style})")


def _picture(path: Path) -> Any:
    """A picture of any size as uint8 (1,32,32,3)."""
    from playground.data import image_import

    return image_import.read(path, emoji.SIDE, colour=True).pixels[None]
