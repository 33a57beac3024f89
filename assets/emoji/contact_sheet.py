"""Draws the README's ten pictures that nobody drew: ``python assets/emoji/contact_sheet.py``.

The prompts stand in ``nobody_drew.txt``, style and words; they were chosen before any of these pictures had been seen, and so was
the seed.  In training no thing had this colour, or this concept was not drawn in this style.
"""

from __future__ import annotations

from typing import Any

from PIL import Image

from playground import checkpoints, paths
from playground.cli.sample import read_prompts
from playground.evaluation import prompts
from playground.export import contact_sheet
from playground.models import precision

SEED, COLUMNS = 7, 5


def main() -> None:
    """Draw, enlarge twice, lay out."""
    lines = read_prompts((paths.folder("assets") / "emoji/nobody_drew.txt").read_text())
    model: Any = checkpoints.load("ldm-emoji")
    larger: Any = checkpoints.load("sr-emoji")
    for network in (model, larger):
        precision.settle(network)
    images = larger.upscale(larger.upscale(prompts.draw(model, lines, {"seed": SEED})))
    captions = [words for _, words in lines]
    content = contact_sheet.Content("nobody drew", [("", images)], COLUMNS, gap=4, captions=captions)
    sheet = contact_sheet.compose([content], 1, words=True)
    Image.fromarray(sheet).save(paths.folder("assets") / "nobody_drew.png", optimize=True)


if __name__ == "__main__":
    main()
