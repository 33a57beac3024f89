"""The words of the field, from ``assets/guide/glossary.toml``: for tooltips, and for the list that ``?`` opens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from playground import paths


@dataclass(frozen=True)
class Term:
    """A word, other ways to write it, and what it means in a sentence or two."""

    name: str
    also: tuple[str, ...]
    text: str

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every way to write it."""
        return (self.name, *self.also)


@lru_cache(maxsize=1)
def terms() -> tuple[Term, ...]:
    """All of them, in alphabetical order.

    Raises:
        ValueError: one sentence, for a spelling that two terms have.
    """
    import tomllib  # the window need not wait for it

    raw = tomllib.loads((paths.folder("assets") / "guide" / "glossary.toml").read_text("utf-8"))["term"]
    found = [Term(one["name"], tuple(one.get("also", ())), one["text"]) for one in raw]
    spellings = [word.lower() for term in found for word in term.spellings]
    twice = {word for word in spellings if spellings.count(word) > 1}
    if twice:
        raise ValueError(f"The glossary explains {min(twice)!r} twice.")
    return tuple(sorted(found, key=lambda term: term.name.lower()))


def meaning(*words: str) -> str:
    """What the first of these words that is a term means, "" if none is."""
    known = {spelling.lower(): term.text for term in terms() for spelling in term.spellings}
    return next((known[word.lower()] for word in words if word.lower() in known), "")


def search(text: str) -> list[Term]:
    """The terms that begin with this text, then those that have it anywhere."""
    wanted = text.strip().lower()
    first = [t for t in terms() if any(s.lower().startswith(wanted) for s in t.spellings)]
    said = [t for t in terms() if t not in first and wanted in " ".join((*t.spellings, t.text)).lower()]
    return first + said


def linked(words: str) -> str:
    """Rich text in which the first mention of each term is a link ``term:NAME``; marked-up parts are left alone."""
    if not words:
        return ""  # the terms need not be read
    for term in terms():
        if len(term.name) < 3:  # z, x_0: in formulas everywhere
            continue
        pattern = rf"(?<![\w>/=_-]){re.escape(term.name)}(?![\w<_/-])"
        words = re.sub(pattern, rf"<a href='term:{term.name}'>\g<0></a>", words, count=1)
    return words
