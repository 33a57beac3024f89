"""Which emoji are held out: chosen by meaning, never by picture, and the same on every machine.  No torch.

*New pairs*: for one concept in twenty, one of its styles, so that a model knows both but not together.  *New concepts*: one in
forty, in every style, its words known from others.  Genders and directions of one concept stay on one side, and nothing held out
has a near twin in training.  ``assets/emoji/draw.py`` writes the choice down beside the drawings.
"""

from __future__ import annotations

import hashlib

import numpy as np

from playground.data import emoji
from playground.data.emoji import Drawings, family

TWIN = 4.0  # mean squared difference over 8-bit values, up to which two drawings are near twins
ONE_PAIR_IN, ONE_CONCEPT_IN = 20, 40
# what a person types first stays in training: a demonstration must not fail for having been held out
EVERYDAY = frozenset(
    [
        "red-heart",
        "red-apple",
        "closed-book",
        "red-circle",
        "automobile",
        "house",
        "octopus",
        "pizza",
        "rocket",
        "cat-face",
        "dog-face",
        "deciduous-tree",
    ]
)


def chosen_split(every: Drawings) -> np.ndarray:
    """Index into ``emoji.SPLITS`` of every drawing, int64 (N,)."""
    families = np.array([family(n) for n in every.names])
    twins = near_twins(every.images)
    sides = np.zeros(len(every), np.int64)
    concepts = _new_concepts(every, families, twins)
    sides[np.isin(families, concepts)] = 2
    for kin, style in _new_pairs(every, families, twins, set(concepts)):
        sides[(families == kin) & (every.styles == style)] = 1
    return sides


def near_twins(images: np.ndarray) -> np.ndarray:
    """Pairs of drawings whose mean squared difference is at most ``TWIN``: int64 (P, 2), each pair once.

    Two such drawings have nearly the same mean, which sorts out nearly all pairs before any is compared.
    """
    flat = images.reshape(len(images), -1).astype(np.int16)
    small = images.reshape(len(images), 4, 8, 4, 8, 3).mean((2, 4)).reshape(len(images), -1)
    order = np.argsort(small.mean(1), kind="stable")
    means = small.mean(1)[order]
    ends = np.searchsorted(means, means + TWIN**0.5, side="right")
    pairs = []
    for i in range(len(images)):
        near = order[i + 1 : ends[i]]
        near = near[((small[near] - small[order[i]]) ** 2).mean(1) <= TWIN]
        close = ((flat[near] - flat[order[i]]).astype(np.float32) ** 2).mean(1) <= TWIN
        pairs += [(order[i], j) for j in near[close]]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _lot(text: str) -> int:
    """A number drawn for a text, the same everywhere: the order in which families are held out."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _new_concepts(every: Drawings, families: np.ndarray, twins: np.ndarray) -> list[str]:
    """Families to hold out in every style: their words occur elsewhere, and no twin of theirs bears another name."""
    kin = np.unique(families)
    away = {f for i, j in twins if families[i] != families[j] for f in (families[i], families[j])}
    count: dict[str, int] = {}
    for name in kin:
        for word in set(name.split("-")):
            count[word] = count.get(word, 0) + 1
    many = {f for f, n in zip(*np.unique(families, return_counts=True), strict=True) if n >= 2}
    fit = [
        f for f in kin
        if f in many and f not in away and f not in EVERYDAY and all(count[w] > 1 for w in f.split("-"))
    ]  # fmt: skip
    return sorted(fit, key=lambda f: _lot("concept " + f))[: len(kin) // ONE_CONCEPT_IN]


def _new_pairs(
    every: Drawings, families: np.ndarray, twins: np.ndarray, concepts: set[str]
) -> list[tuple[str, str]]:
    """(family, style) to hold out: each of its names is known in another style, and no twin is outside."""
    places = list(zip(families.tolist(), every.styles.tolist(), strict=True))
    twinned = {p for i, j in twins if places[i] != places[j] for p in (places[i], places[j])}
    styles_of: dict[str, set[str]] = {}
    for name, style in zip(every.names.tolist(), every.styles.tolist(), strict=True):
        styles_of.setdefault(name, set()).add(style)
    lonely = {p for p, n in zip(places, every.names.tolist(), strict=True) if len(styles_of[n]) < 3}
    fit: dict[str, list[str]] = {}
    for place in dict.fromkeys(places):
        if place[0] not in concepts and place not in twinned and place not in lonely:
            fit.setdefault(place[0], []).append(place[1])
    kin = {f for f in families.tolist() if f not in concepts}
    chosen = sorted(fit, key=lambda f: _lot("pair " + f))[: len(kin) // ONE_PAIR_IN]
    return [(f, sorted(fit[f], key=lambda s: _lot(f"style {f} {s}"))[0]) for f in chosen]


def held_out_list(every: Drawings) -> dict[str, list[tuple[str, str]]]:
    """Split -> the (style, name) of its drawings, but for those of training."""
    side = chosen_split(every)
    return {
        split: list(zip(every.styles[side == i].tolist(), every.names[side == i].tolist(), strict=True))
        for i, split in enumerate(emoji.SPLITS)
        if i
    }
