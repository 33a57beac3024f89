"""Words and their numbers: the vocabulary of captions, and what a prompt means in it.  No torch.

A prompt is a style and up to nine words, each with a number: its line in ``assets/emoji/words.txt`` (0 is "no word").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

import numpy as np

from playground import paths
from playground.data import emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import colours as emoji_colours

NUM_TOKENS = 1 + emoji_captions.MOST_WORDS  # the style first
CAPTION_WORDS = (
    "on",
    "tiny",
    "upside",
    "down",
    "mirrored",
    "two",
    "beside",
    "above",
    *emoji_colours.COLOUR_WORDS,
)


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """Every word, at the place of its number."""
    return tuple((paths.folder("assets") / "emoji/words.txt").read_text().split("\n")[:-1])


@lru_cache(maxsize=1)
def numbers() -> dict[str, int]:
    """Word -> its number."""
    return {word: i for i, word in enumerate(vocabulary())}


def words_of_the_drawings() -> tuple[str, ...]:
    """What ``words.txt`` holds, a line each: nothing, the styles, the words that captions add, and those of all names."""
    known = {w for n in emoji.drawings().names.tolist() for w in n.split("-")}
    return ("", *emoji.STYLES, *CAPTION_WORDS, *sorted(known - {*CAPTION_WORDS, ""}))


def encode(prompts: Sequence[str], styles: Sequence[str]) -> np.ndarray:
    """Numbers of styles and words, int64 (N, NUM_TOKENS); unknown words and those past the ninth are left out."""
    table, found = numbers(), np.zeros((len(prompts), NUM_TOKENS), np.int64)
    for row, prompt, style in zip(found, prompts, styles, strict=True):
        row[0] = table.get(style, 0)
        known = [table[w] for w in prompt.split() if w in table][: NUM_TOKENS - 1]
        row[1 : 1 + len(known)] = known
    return found


# --- what a prompt means

EVERYDAY = {  # what is usually meant, where several drawings have the word in their names
    "heart": "red-heart",
    "apple": "red-apple",
    "book": "closed-book",
    "circle": "red-circle",
    "square": "red-square",
    "car": "automobile",
    "bike": "bicycle",
    "boat": "sailboat",
    "tree": "deciduous-tree",
    "flower": "cherry-blossom",
    "smiley": "grinning-face",
    "happy": "grinning-face",
    "happy face": "grinning-face",
    "smile": "slightly-smiling-face",
    "sad": "slightly-frowning-face",
    "sad face": "slightly-frowning-face",
    "laughing": "face-with-tears-of-joy",
    "angry": "angry-face",
    "face": "slightly-smiling-face",
    "cat": "cat",
    "dog": "dog",
    "phone": "mobile-phone",
    "plane": "airplane",
    "bulb": "light-bulb",
    "lightning": "high-voltage",
    "moon": "crescent-moon",
    "computer": "laptop",
    "train": "locomotive",
    "hat": "top-hat",
    "drink": "tropical-drink",
    "cake": "birthday-cake",
    "flag": "triangular-flag",
}
SAME_WORD = {"gray": "grey", "violet": "purple", "small": "tiny", "little": "tiny"}
_SAME_PLACE = {"over": "above", "near": "beside"}
_BETWEEN = ("beside", "above")
_SKIPPED = frozenset(["a", "an", "the", "some", "please", "emoji"])
_LEADING = re.compile(r"^\W*(an? |the )?(picture|drawing|image|photo|painting|emoji) of ")


@dataclass(frozen=True)
class Prompt:
    """What was understood of a prompt."""

    words: tuple[str, ...]  # as the network is told them, nine at most
    style: str = ""  # named in the prompt; empty if none is
    read_as: tuple[tuple[str, str], ...] = ()  # (what was written, the concept that was taken for it)
    unknown: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (word, the nearest known ones)
    left_out: int = 0  # known words past the ninth

    @property
    def text(self) -> str:
        """The words, as one text."""
        return " ".join(self.words)

    @property
    def remarks(self) -> str:
        """What a person should know: sentences, empty if all was understood as written."""
        read = [f"“{written}” is read as “{taken}”." for written, taken in self.read_as]
        return " ".join([*read, *([self.missed] if self.missed else [])])

    @property
    def missed(self) -> str:
        """What was not understood, in sentences; empty if all was."""
        parts = []
        for word, near in self.unknown:
            offer = f" Nearest known: {', '.join(near)}." if near else ""
            parts.append(f"The model does not know the word “{word}”.{offer}")
        return " ".join([*parts, *([self.left_over] if self.left_over else [])])

    @property
    def left_over(self) -> str:
        """What of the known words is not read, or that there are none, in a sentence; empty if all are."""
        if not self.words:
            return "No word is left, so it draws anything."
        return f"Only the first {NUM_TOKENS - 1} words are read." if self.left_out else ""


@lru_cache(maxsize=512)
def understood(text: str) -> Prompt:
    """A prompt read as the captions are written: style words taken out, synonyms put into the drawings' own words."""
    style, text = _style_in(_LEADING.sub("", text.lower().replace("_", " ")))
    raw = re.findall(r"[^\W_]+", text.replace("'", "").replace("’", ""))[:60]
    if "-".join(raw) not in concepts():
        raw = [_SAME_PLACE.get(w, w) for w in raw]
    words: list[str] = []
    read_as: list[tuple[str, str]] = []
    unknown: list[tuple[str, tuple[str, ...]]] = []
    for part in [raw] if "-".join(raw) in concepts() else _parts(raw):
        if len(part) == 1 and part[0] in _BETWEEN:
            words += part if words else []
            continue
        found = _thing(part, read_as, unknown)
        words += found
    words = words[:-1] if words and words[-1] in _BETWEEN else words
    kept = tuple(words[: NUM_TOKENS - 1])
    return Prompt(kept, style, tuple(read_as), tuple(unknown), len(words) - len(kept))


def _style_in(text: str) -> tuple[str, str]:
    """The style that a text names, the longest first, and the text without it."""
    for style in sorted(emoji.STYLES, key=len, reverse=True):
        pattern = rf"(?<![\w-]){style.replace('-', '[- ]')}(?![\w-])"
        if re.search(pattern, text):
            return style, re.sub(pattern, " ", text, count=1)
    return "", text


def _parts(raw: list[str]) -> list[list[str]]:
    """Words cut at "beside" and "above", which stand alone."""
    parts: list[list[str]] = [[]]
    for word in raw:
        if word in _BETWEEN:
            parts += [[word], []]
        else:
            parts[-1].append(word)
    return [p for p in parts if p]


def _thing(
    part: list[str], read_as: list[tuple[str, str]], unknown: list[tuple[str, tuple[str, ...]]]
) -> list[str]:
    """One thing: what is done to it, its colour, its name, its ground."""
    name = part[1:] if part[0] in emoji_colours.COLOUR_WORDS else part
    if "-".join(name) not in concepts():  # "small airplane" is one
        part = [SAME_WORD.get(w, w) for w in part]
    done: list[str] = []
    ground: list[str] = []
    part = [w for w in part if w not in _SKIPPED or "-".join(part) in concepts()]
    if len(part) > 2 and part[-2] == "on" and part[-1] in emoji_colours.GROUNDS:
        part, ground = part[:-2], part[-2:]
    while part and (part[0] in ("tiny", "two", "mirrored") or part[:2] == ["upside", "down"]):
        if "-".join(part) in concepts():
            break
        count = 2 if part[0] == "upside" else 1
        done, part = done + part[:count], part[count:]
    colour = part[0] if len(part) > 1 and part[0] in emoji_colours.COLOUR_WORDS else ""
    if "-".join(part) in concepts() or not part or part in [[word] for word in emoji_colours.COLOUR_WORDS]:
        return [*done, *part, *ground]
    name = part[1:] if colour else part
    concept = concept_for(" ".join(name))
    if concept:
        if concept.replace("-", " ") != " ".join(name):
            read_as.append((" ".join(name), concept.replace("-", " ")))
        return [*done, *emoji_captions.named(concept, colour).split(), *ground]
    known = []
    for word in name:
        other = word if word in numbers() else (concept_for(word) or "").replace("-", " ")
        if other:
            known += other.split()
            read_as += [(word, other)] if other != word else []
        else:
            unknown.append((word, _near(word)))
    return [*done, *([colour] if colour else []), *known, *ground]


def _near(word: str) -> tuple[str, ...]:
    """Three known words at most that may be meant: those that begin so, the shortest first, then those spelt alike."""
    begun = sorted(
        (w for w in vocabulary() if len(word) > 2 and w.startswith(word)), key=lambda w: (len(w), w)
    )
    return tuple(dict.fromkeys([*begun[:2], *get_close_matches(word, vocabulary(), 3, 0.7)]))[:3]


def readings(text: str) -> tuple[Prompt, ...]:
    """What is understood of each of the prompts that semicolons part."""
    return tuple(understood(part) for part in dict.fromkeys(text.split(";")))


def missed(read: Sequence[Prompt]) -> str:
    """What was not understood of prompts, in sentences; empty if all was."""
    return " ".join(dict.fromkeys(prompt.missed for prompt in read if prompt.missed))


@lru_cache(maxsize=1)
def concepts() -> dict[str, int]:
    """Every concept of training -> in how many drawings it stands."""
    names, counts = np.unique(emoji.load("train").names, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


@lru_cache(maxsize=1)
def _by_synonym() -> dict[str, list[str]]:
    """Another word -> the concepts that it stands for, those in most styles first."""
    found: dict[str, list[str]] = {}
    for concept, others in emoji.synonyms().items():
        if concept in concepts():
            for other in others:
                found.setdefault(other, []).append(concept)
    return {o: sorted(c, key=lambda n: (-concepts()[n], len(n), n)) for o, c in found.items()}


def concept_for(text: str) -> str:
    """The concept that is meant by a word or a few: of this name, usually meant, a plural of one, or a synonym; empty if none."""
    for form in (text, *_singular(text)):
        name = form.replace(" ", "-")
        if form in EVERYDAY and EVERYDAY[form] in concepts():
            return EVERYDAY[form]
        if name in concepts():
            return name
    for form in (text, *_singular(text)):
        named = [c for c in _by_synonym().get(form, []) if form in c.split("-")] or _by_synonym().get(
            form, []
        )
        if named:
            return named[0]
    return ""


def _singular(text: str) -> list[str]:
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    return [text[: -len(e)] + new for e, new in endings if text.endswith(e) and len(text) > len(e) + 2]
