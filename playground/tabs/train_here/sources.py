"""What can be learned from: a folder, an example that ships with the program, or the data of a checkpoint.  On the worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from playground.contract import Message
from playground.data import emoji, fashion, own_pictures
from playground.data.emoji import large as emoji_large
from playground.data.own_pictures import Collection, OwnPicturesError

EXAMPLES = 300  # pictures of an example: as many as somebody might have
_REPORTED_EVERY = 10  # files


@dataclass(frozen=True)
class Reading:
    """How far a folder has been read, or why it is no good."""

    done: int
    total: int
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Source:
    """What is learned from.

    Attributes:
        pictures: the user's own, or an example.
        shown: some of what a checkpoint's recipe learns from, uint8 (n,H,W,C), if it is one's.
    """

    pictures: Collection | None
    title: str
    shown: np.ndarray


def of_folder(folder: Path, colour: bool) -> Iterator[Message[Reading | Source]]:
    """Read a folder; the last message is the source, or a sentence."""
    try:
        files = own_pictures.files_in(folder)
        found: list[np.ndarray | str] = []
        for one in own_pictures.read_each(files, colour):
            found.append(one)
            if len(found) % _REPORTED_EVERY == 0:
                yield Message(Reading(len(found), len(files)))
        pictures = own_pictures.collected(folder, found, colour)
    except OwnPicturesError as error:
        yield Message(Reading(0, 0, str(error)))
        return
    yield Message(Source(pictures, pictures.title, pictures.images))


def of_example(colour: bool) -> Iterator[Message[Source]]:
    """Pictures that ship with the program, for a first try."""
    if colour:
        images, title = emoji.load("train").images, "emoji"
    else:
        images, title = fashion.load("test")[0], "garments"
    chosen = np.random.default_rng(7).permutation(len(images))[:EXAMPLES]
    pictures = Collection(title, np.ascontiguousarray(images[np.sort(chosen)]))
    yield Message(Source(pictures, title, pictures.images))


def of_dataset(dataset: str) -> Iterator[Message[Source]]:
    """Some pictures of a checkpoint's training data."""
    from playground import data

    images = data.load(dataset, "train")[0][:EXAMPLES]
    yield Message(Source(None, data.DATASETS[dataset].title, images))


def recipes_here() -> Iterator[Message[list[tuple[str, str, str]]]]:
    """Ids, names and data sets of the picture recipes whose training data are on this machine."""
    from playground import data, labels, models

    there = {emoji.EMOJI.name}
    if not fashion.missing():
        there.add(fashion.FASHION.name)
    if any(place.is_file() for place in emoji_large.training_places()):
        there.add(emoji_large.EMOJI_64.name)
    found = []
    for id, (network, recipe) in sorted(models.recipes().items()):
        if recipe.dataset in there and data.modality(recipe.dataset).has_pixels:
            name = labels.short(id, models.network_class(network).system)
            found.append((id, f"{name}, {data.DATASETS[recipe.dataset].title}", recipe.dataset))
    yield Message(found)
