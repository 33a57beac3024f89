"""What models of text are asked beside their likelihood: whether they find a name again, and whether their Python parses.

In-context learning in its simplest form: a made-up name stands in a text twice.  It is in no training text, so whoever pays
less for it the second time has looked back (Olsson et al. 2022, arXiv:2209.11895, call the
heads of attention that do it induction heads).  Code: what is written after ``import os`` and ``def ``, from there on and without its last, unfinished line, is
read by Python's own parser; functions of the held-out modules, cut in the same way, are the mark to reach.
"""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from playground.capabilities import WritesText
from playground.contract import make_request
from playground.data import characters, python_source
from playground.data.python_source import PYTHON
from playground.models import noise

NUM_TEXTS, NUM_NAMES, NUM_SYLLABLES = 100, 4, 3
TEMPLATES = {  # four made-up names, three of which stand twice
    "bible": "And {0} begat {1}; and {1} begat {2}; and {2} begat {3}; and {3} died.",
    "python": "def {0}({1}, {2}):\n    {3} = {1} + {2}\n    return {3}\n",
}
NUM_CODES_WRITTEN, CODE_LENGTH, TEMPERATURE = 128, 400, 0.8
_OPENING = "def "
_AT_ONCE = 16


def repeats_names(model: WritesText, seed: int = 7) -> dict[str, Any]:
    """Bits per character of made-up names where they stand for the first and for the second time in a text.

    Returns:
        ``value`` and ``standard_error`` (over the texts) of the second time; ``values``: of both; ``num_texts`` and ``unit``.
    """
    frame = TEMPLATES[model.card.dataset]
    draws = noise.uniform(seed, np.arange(NUM_TEXTS), "name", (NUM_NAMES, 2 * NUM_SYLLABLES))
    names = [[_name(row, frame) for row in of_text] for of_text in draws]
    device = next(model.parameters()).device
    bits = np.zeros((NUM_TEXTS, 2))
    for i, four in enumerate(names):
        text = frame.format(*four)
        codes = torch.from_numpy(characters.codes_of(text).astype(np.int64))[None].to(device)
        cost = model.nats_per_character(codes)[0].cpu().double().numpy() / math.log(2)
        twice = [one for one in four if text.count(one) == 2]
        for time, place in enumerate((text.index, text.rindex)):
            bits[i, time] = np.mean([cost[place(one) : place(one) + len(one)].mean() for one in twice])
    return {
        "value": float(bits[:, 1].mean()),
        "standard_error": float(bits[:, 1].std(ddof=1) / math.sqrt(NUM_TEXTS)),
        "values": bits.mean(0).tolist(),
        "num_texts": NUM_TEXTS,
        "kind": "exact",
        "unit": "bits/char",
    }


def _name(draws: np.ndarray, frame: str) -> str:
    """Syllables of a consonant and a vowel, as a name of the Bible or of a variable."""
    letters = [
        kind[int(u * len(kind))]
        for u, kind in zip(draws, ("bdfghklmnprstvz", "aeiou") * NUM_SYLLABLES, strict=True)
    ]
    name = "".join(letters)
    return name if frame is TEMPLATES["python"] else name.capitalize()


def syntax(model: WritesText, tell: Callable[[str], None], seed: int = 7) -> dict[str, Any]:
    """How much of what a model of Python writes Python can parse, beside held-out code cut to the same length."""
    asked = {"prompt": PYTHON.prompt, "num_tokens": CODE_LENGTH, "temperature": TEMPERATURE, "seed": seed}
    written: list[str] = []
    while len(written) < NUM_CODES_WRITTEN:
        request: Any = make_request(model.Request, {**asked, "num_samples": _AT_ONCE})
        request = dataclasses.replace(request, first_index=len(written))
        *_, last = model.sample(request)
        written += [
            characters.text_of(codes)[PYTHON.prompt.index(_OPENING) :] for codes in last.images[:, 0, :, 0]
        ]
        tell(f"{len(written)} of {NUM_CODES_WRITTEN} pieces of code")
    return {
        **_shares(written),
        "real": _shares(real_code(len(_OPENING) + CODE_LENGTH)),
        "settings": {"prompt": PYTHON.prompt, "num_tokens": CODE_LENGTH, "temperature": TEMPERATURE},
    }


def problem(code: str) -> str:
    """What Python's parser says of code without its last line: "" (it parses), ``indentation``, ``brackets``, ``other``."""
    whole = code[: code.rfind("\n") + 1]
    try:
        ast.parse(whole)
    except IndentationError:
        return "indentation"
    except (SyntaxError, ValueError) as error:
        said = str(error)
        is_bracket = any(word in said for word in ("was never closed", "unmatched", "does not match"))
        return "brackets" if is_bracket else "other"
    return ""


def real_code(length: int) -> list[str]:
    """Stretches of held-out modules that begin with a function of no indentation, so many characters long."""
    found = []
    for text in python_source.modules("test").values():
        at = text.find("\n" + _OPENING)
        while at >= 0:
            if at + 1 + length <= len(text):
                found.append(text[at + 1 : at + 1 + length])
            at = text.find("\n" + _OPENING, at + 1)
    return found


def _shares(codes: list[str]) -> dict[str, Any]:
    said = [problem(code) for code in codes]
    share = said.count("") / len(said)
    return {
        "value": share,
        "standard_error": math.sqrt(share * (1 - share) / len(said)),
        "num_samples": len(said),
        "kind": "count",
        **{name: said.count(name) / len(said) for name in ("indentation", "brackets", "other")},
        "unit": "share that parses",
    }


def evaluate(model: WritesText, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every figure of this file that a model can have."""
    found: dict[str, Any] = {"in_context": repeats_names(model)}
    if model.card.dataset == PYTHON.name:
        found["syntax"] = syntax(model, tell)
    return found
