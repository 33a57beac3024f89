"""Captions that grow by what is done to a drawing: colours, grounds, sizes, directions, two of it, two things.  No torch.

"octopus" with all hues turned becomes "purple octopus"; on a coloured ground "octopus on blue"; also "tiny", "upside down",
"mirrored", "two", and two drawings at half size: "red car beside blue house".  Of each kind of word some pairs with things are
held out (one in ten), and what a caption says is never a concept, or a concept in a style, that the drawings hold out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from playground.data import emoji
from playground.data.emoji import Drawings
from playground.data.emoji import colours as emoji_colours

HELD_OUT_IN = 10  # of each word's pairs with things, one in so many is held out
SHARES = {
    "plain": 0.46,
    "colour": 0.25,
    "ground": 0.07,
    "size": 0.03,
    "turned": 0.05,
    "two": 0.03,
    "both": 0.11,
}
MOST_WORDS = 9  # of a caption, its style apart
_FEW_WORDS = 3  # of each thing's name in a caption of two things


@dataclass(frozen=True, eq=False)
class Captioned:
    """Pictures uint8 (N,32,32,3), what is said of each, and in which style it is drawn."""

    images: np.ndarray
    prompts: tuple[str, ...]
    styles: tuple[str, ...]


def held_out(word: str, kin: str) -> bool:
    """Whether a word was never said of a family of concepts in training."""
    return hashlib.sha256(f"{word} {kin}".encode()).digest()[0] % HELD_OUT_IN == 0


def named(name: str, colour: str = "") -> str:
    """The words of a concept; a colour word in its name is replaced by the one given, or else that one leads."""
    words = name.split("-")
    own = [i for i, w in enumerate(words) if w in emoji_colours.COLOUR_WORDS]
    if not colour:
        return " ".join(words)
    if own:
        words[own[0]] = colour
        return " ".join(words)
    return " ".join([colour, *words])


@lru_cache(maxsize=1)
def _secrets() -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Families held out in every style, and (family, style) held out."""
    every, side = emoji.drawings(), emoji.split_of()
    kin = [emoji.family(n) for n in every.names.tolist()]
    concepts = frozenset(k for k, s in zip(kin, side.tolist(), strict=True) if s == 2)
    pairs = frozenset(
        (k, style) for k, style, s in zip(kin, every.styles.tolist(), side.tolist(), strict=True) if s == 1
    )
    return concepts, pairs


def may_be_recoloured(name: str, group: str) -> bool:
    """Whether a drawing is of a thing whose colour is nobody's own: people and their hands keep theirs, and so do flags."""
    kin = emoji.family(name).split("-")
    return group not in ("People & Body", "Flags") and not {"person", "flag", "family"} & {kin[0], kin[-1]}


def recolourable(some: Drawings) -> np.ndarray:
    """Which drawings have one main hue and may be given another: bool (N,)."""
    pairs = zip(some.names.tolist(), some.groups.tolist(), strict=True)
    return emoji_colours.has_one_hue(some.images) & np.array(
        [may_be_recoloured(n, g) for n, g in pairs], bool
    )


def gives_away(name: str, colour: str, style: str) -> bool:
    """Whether a recoloured drawing would show what is held out: "red-circle" in purple, where "purple-circle" is."""
    kin = emoji.family(named(name, colour).replace(" ", "-"))
    concepts, pairs = _secrets()
    return kin in concepts or (kin, style) in pairs


def grown(count: int, seed: int) -> Captioned:
    """About ``count`` training pictures with captions, each kind in its share; the same for the same seed."""
    known = emoji.load("train")
    one_hue = recolourable(known)
    kinds: dict[str, Callable[..., Captioned]] = {
        "plain": _plain,
        "colour": _coloured,
        "ground": _grounded,
        "size": _tiny,
        "turned": _turned,
        "two": _two,
        "both": _both,
    }
    parts = [
        make(known, one_hue, round(count * SHARES[kind]), np.random.default_rng([seed, i]))
        for i, (kind, make) in enumerate(kinds.items())
    ]
    return _joined(parts)


def _joined(parts: list[Captioned]) -> Captioned:
    return Captioned(
        np.concatenate([p.images for p in parts]),
        tuple(t for p in parts for t in p.prompts),
        tuple(s for p in parts for s in p.styles),
    )


def _in_turn(which: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` of ``which``, each as often as the others."""
    rounds = [rng.permutation(which) for _ in range(-(-count // max(1, len(which))))]
    return np.concatenate(rounds)[:count]


def _plain(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    some = known[_in_turn(np.arange(len(known)), count, rng)]
    return Captioned(some.images, tuple(named(n) for n in some.names.tolist()), tuple(some.styles.tolist()))


def _coloured(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    words = list(emoji_colours.COLOUR_WORDS)
    which = _in_turn(np.nonzero(one_hue)[0], count, rng)
    chosen = rng.choice(len(words), len(which), p=_word_shares(words))
    parts = []
    for i, word in enumerate(words):
        some = known[which[chosen == i]]
        some = some[np.array([may_say(word, n, s) for n, s in _places(some)], bool)]
        parts.append(_said(recolour_all(some.images, word), some, "{}", word))
    parts.append(_behind(parts.pop(words.index("white")), rng))  # white is not seen on white
    return _joined(parts)


def _behind(made: Captioned, rng: np.random.Generator) -> Captioned:
    """Each picture on a ground of some colour, and its caption says so."""
    chosen = rng.choice(list(emoji_colours.GROUNDS), len(made.images))
    images = made.images.copy()
    for word in emoji_colours.GROUNDS:
        images[chosen == word] = emoji_colours.on_ground(images[chosen == word], word)
    said = tuple(f"{p} on {g}" for p, g in zip(made.prompts, chosen.tolist(), strict=True))
    return Captioned(images, said, made.styles)


def _word_shares(words: list[str]) -> np.ndarray:
    shares = np.array([0.05 if w in ("white", "grey", "black", "brown") else 0.114 for w in words])
    return shares / shares.sum()


def may_say(word: str, name: str, style: str) -> bool:
    """Whether training may call a thing in a style by a colour word: faces, too, keep to bright ones."""
    if word in emoji_colours.SHADES and "face" in name.split("-"):
        return False
    return not held_out(word, emoji.family(name)) and not gives_away(name, word, style)


def recolour_all(images: np.ndarray, word: str, at_once: int = 1000) -> np.ndarray:
    """:func:`emoji_colours.recoloured`, in parts that fit the memory."""
    parts = [emoji_colours.recoloured(images[i : i + at_once], word) for i in range(0, len(images), at_once)]
    return np.concatenate(parts) if parts else images


def _grounded(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    which = _in_turn(np.arange(len(known)), count, rng)
    chosen, parts = rng.integers(len(emoji_colours.GROUNDS), size=len(which)), []
    for i, word in enumerate(emoji_colours.GROUNDS):
        some = known[which[chosen == i]]
        room = emoji_colours.ground_of(some.images).mean((1, 2))
        free = np.array([not held_out(f"on {word}", emoji.family(n)) for n in some.names.tolist()], bool)
        some = some[(room > 0.12) & (room < 0.95) & free]
        parts.append(_said(emoji_colours.on_ground(some.images, word), some, f"{{}} on {word}"))
    return _joined(parts)


def _tiny(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    some = _unless_held_out("tiny", known[_in_turn(np.arange(len(known)), count, rng)])
    return _said(placed(halved(some.images), 8, 8), some, "tiny {}")


def _turned(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    half = count // 2
    parts = []
    for word, axis in (("upside down", 1), ("mirrored", 2)):
        some = _unless_held_out(word, known[_in_turn(np.arange(len(known)), half, rng)])
        flipped = np.flip(some.images, axis)
        differs = np.abs(flipped.astype(int) - some.images).mean((1, 2, 3)) > 8
        parts.append(_said(flipped[differs], some[differs], word + " {}"))
    return _joined(parts)


def _two(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    some = _unless_held_out("two", known[_in_turn(np.arange(len(known)), count, rng)])
    half = halved(some.images)
    return _said(beside(half, half), some, "two {}")


def _both(known: Drawings, one_hue: np.ndarray, count: int, rng: np.random.Generator) -> Captioned:
    """Two things of one style, most of them in colours of their own."""
    short = np.array([len(n.split("-")) <= _FEW_WORDS for n in known.names.tolist()])
    parts = []
    for style in emoji.STYLES:
        here = known.styles == style
        share = round(count * here.sum() / len(known))
        fit = np.nonzero(here & short & one_hue)[0]
        pairs = [_coloured_thing(known, rng.choice(fit, share), rng) for _ in range(2)]
        (first, said_first), (second, said_second) = pairs
        above = rng.random(share) < 0.4
        for up, word, lay in ((False, "beside", beside), (True, "above", stacked)):
            which = [
                i for i in np.nonzero(above == up)[0]
                if not held_out(word, f"{said_first[i]} {said_second[i]}")
            ]  # fmt: skip
            said = tuple(f"{said_first[i]} {word} {said_second[i]}" for i in which)
            laid = lay(halved(first[which]), halved(second[which]))
            parts.append(Captioned(laid, said, (style,) * len(which)))
    return _joined(parts)


def _coloured_thing(
    known: Drawings, which: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[str]]:
    """Drawings, four in five of them recoloured, and what they are called."""
    images, said = known.images[which].copy(), [named(n) for n in known.names[which].tolist()]
    words = list(emoji_colours.HUES)
    chosen = np.where(rng.random(len(which)) < 0.8, rng.integers(len(words), size=len(which)), -1)
    for i, word in enumerate(words):
        mine = [k for k in np.nonzero(chosen == i)[0] if may_say(word, *_places(known[which[k : k + 1]])[0])]
        images[mine] = recolour_all(images[mine], word)
        for k in mine:
            said[k] = named(str(known.names[which[k]]), word)
    return images, said


def _unless_held_out(word: str, some: Drawings) -> Drawings:
    return some[np.array([not held_out(word, emoji.family(n)) for n in some.names.tolist()], bool)]


def _places(some: Drawings) -> list[tuple[str, str]]:
    return list(zip(some.names.tolist(), some.styles.tolist(), strict=True))


def _said(images: np.ndarray, some: Drawings, pattern: str, colour: str = "") -> Captioned:
    """Pictures made of drawings, and what is said of them: their names, perhaps in another colour, within a pattern."""
    said = tuple(pattern.format(named(n, colour)) for n in some.names.tolist())
    return Captioned(images, said, tuple(some.styles.tolist()))


# --- pictures of pictures


def halved(images: np.ndarray) -> np.ndarray:
    """uint8 (N,32,32,3) -> (N,16,16,3), the mean of four pixels."""
    n, side = len(images), images.shape[1] // 2
    parts = images.reshape(n, side, 2, side, 2, 3).astype(np.uint16)
    return ((parts.sum((2, 4)) + 2) // 4).astype(np.uint8)


def placed(small: np.ndarray, top: int, left: int, on: np.ndarray | None = None) -> np.ndarray:
    """Small pictures put on white ones, or on others."""
    size = emoji.SIDE
    canvas = np.full((len(small), size, size, 3), 255, np.uint8) if on is None else on.copy()
    canvas[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return canvas


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two drawings at half size, the first on the left."""
    return placed(right, 8, 16, placed(left, 8, 0))


def stacked(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Two drawings at half size, the first above."""
    return placed(bottom, 16, 8, placed(top, 0, 8))
