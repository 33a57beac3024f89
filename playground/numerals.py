"""Numbers as people write them: a comma or a point before the fraction, a typographic minus sign, lists of them.

No locale is asked: the same text means the same number on every machine.
"""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BEGUN = re.compile(r"[+-]?\d*\.?\d*([eE][+-]?\d*)?")  # what more typing may make a number of


def as_plain(text: str) -> str:
    """``text`` with the marks that Python reads: ``−1,5`` becomes ``-1.5``."""
    return text.strip().replace("\N{MINUS SIGN}", "-").replace(",", ".")


def parse(kind: type, text: str) -> Any:
    """A float or an int; a comma is a decimal mark, and a whole number has none.

    Raises:
        ValueError: if it is not a number of this kind.
    """
    found = as_plain(text)
    if not _NUMBER.fullmatch(found):
        raise ValueError(text)
    return kind(found)


def as_type(kind: type, value: Any) -> Any:
    """A value, or the text of one, as bool, int, float or whatever ``kind`` makes of it; nothing is rounded.

    Raises:
        ValueError, TypeError, OverflowError: if it is none of this kind.
    """
    if kind is bool:
        return _as_bool(value)
    if kind in (int, float) and isinstance(value, str):
        return parse(kind, value)
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return kind(value)


def _as_bool(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        return value.lower() in ("true", "1", "yes", "on")
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise ValueError(value)


def is_begun(text: str) -> bool:
    """Whether more typing may make a number of it."""
    return bool(_BEGUN.fullmatch(as_plain(text)))


def split(text: str, of: type = str) -> list[str]:
    """The words of a list: parted by semicolons, or by commas, and numbers by spaces, too.

    Args:
        of: what the words mean.  In a list of floats a comma is a decimal mark; it parts them where points are the decimal
            marks, where a space follows it, and where what it joins is no number.
    """
    if ";" in text or of not in (int, float):
        return _words(re.split(";" if ";" in text else ",", text))
    if of is int or "." in text:
        return _words(re.split(r"[,\s]+", text))
    parts = _words(re.split(r",?\s+", text.strip(" ,")))
    return _words([word for part in parts for word in ([part] if _is_number(part) else part.split(","))])


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(as_plain(text)))


def _words(parts: list[str]) -> list[str]:
    return [part.strip() for part in parts if part.strip()]
