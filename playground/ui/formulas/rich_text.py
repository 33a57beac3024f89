r"""Formulas in a small TeX-like notation, set as rich text: ``x_{t-1} = \sqrt{\bar{\alpha}_t} x_0 + \sigma \epsilon``.

Letters are italic, figures and function names upright, Greek by its TeX name; enough for one line under a picture.
The window shows formulas as they were drawn beforehand, with real fractions and roots (``label.py``); rich
text is for those that were not, and for pages.
"""

from __future__ import annotations

import html
import re

from playground.ui.theme import theme

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ",
    "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω",
    "xi": "ξ", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "prod": "∏", "sum": "∑", "int": "∫", "partial": "∂", "nabla": "∇", "infty": "∞", "cdot": "·", "times": "×",
    "sim": "∼", "approx": "≈", "propto": "∝", "le": "≤", "ge": "≥", "ne": "≠", "in": "∈", "to": "→", "mid": "|",
    "pm": "±", "odot": "⊙", "ldots": "…", "dots": "…", "|": "∥", "ell": "ℓ", "det": "det", "log": "log", "exp": "exp",
    "max": "max", "min": "min", "softmax": "softmax", "argmin": "arg min", "cos": "cos", "sin": "sin", "N": "𝒩", "E": "𝔼", "KL": "KL", ",": "\u2009", ";": "\u2004", " ": " ",
}  # fmt: skip
_UPRIGHT = {"arg min", "cos", "sin", "det", "log", "exp", "max", "min", "softmax", "KL"}
_ITALIC_GREEK = set("αβγδεηθλμνπρστφψωξ")
COMMANDS = ("bar", "hat", "tilde", "sqrt", "text", "frac", "left", "right")  # known besides the symbols
_ACCENTS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[_^{}]|[A-Za-z]|[0-9.]+|\s+|.")


def to_html(text: str) -> str:
    """Rich text for a QLabel; text that starts with ``<`` is taken to be rich text already."""
    if text.lstrip().startswith("<"):
        return text
    out, _ = _group(_TOKEN.findall(text), 0, top=True)
    return f"<span>{out}</span>"


def _group(tokens: list[str], at: int, top: bool = False) -> tuple[str, int]:
    """Set tokens up to the closing brace; returns the html and the index after it."""
    out: list[str] = []
    while at < len(tokens):
        token = tokens[at]
        if token == "}" and not top:
            return "".join(out), at + 1
        if token in "_^":
            tag = "sub" if token == "_" else "sup"
            inner, at = _argument(tokens, at + 1)
            out.append(f"<{tag}>{inner}</{tag}>")
            continue
        if token == "{":
            inner, at = _group(tokens, at + 1)
            out.append(inner)
            continue
        if token.startswith("\\") and token[1:] in COMMANDS:
            inner, at = _command(token[1:], tokens, at + 1)
            out.append(inner)
            continue
        out.append(_symbol(token))
        at += 1
    return "".join(out), at


def _command(name: str, tokens: list[str], at: int) -> tuple[str, int]:
    """What a command with arguments sets, and the index after them."""
    if name in ("left", "right"):  # brackets grow with their content; here they are as high as a line
        return "", at
    if name == "text":
        inner, at = _raw(tokens, at)
        return html.escape(inner), at
    inner, at = _argument(tokens, at)
    if name == "frac":
        below, at = _argument(tokens, at)
        return f"{_one_factor(inner)} / {_one_factor(below)}", at
    return _decorate(name, inner), at


def _one_factor(inner: str) -> str:
    """In brackets if it has several terms."""
    return f"({inner})" if _several_terms(inner) else inner


def _several_terms(inner: str) -> bool:
    """Whether a sign or a space stands outside of brackets, indices and powers."""
    shown = re.sub(r"<su[bp]>.*?</su[bp]>|<[^>]*>", "", inner).strip().replace("∂ ", "∂")
    while shown != (less := re.sub(r"\([^()]*\)", "", shown)):
        shown = less
    return bool(re.search(r"[\s+−/]", shown))


def _argument(tokens: list[str], at: int) -> tuple[str, int]:
    if at >= len(tokens):
        return "", at
    if tokens[at] == "{":
        return _group(tokens, at + 1)
    if tokens[at].isspace():
        return _argument(tokens, at + 1)
    if tokens[at].startswith("\\") and tokens[at][1:] in COMMANDS:
        return _command(tokens[at][1:], tokens, at + 1)
    return _symbol(tokens[at]), at + 1


def _raw(tokens: list[str], at: int) -> tuple[str, int]:
    end = tokens.index("}", at) if "}" in tokens[at:] else len(tokens)
    return "".join(tokens[at + 1 : end]), end + 1


def _decorate(what: str, inner: str) -> str:
    if what == "sqrt":
        return f"√{_one_factor(inner)}"  # rich text has no bar that would follow the line
    head = re.match(r"((?:<[^>]*>)*)(.)", inner)
    return f"{head[1]}{head[2]}{_ACCENTS[what]}{inner[head.end() :]}" if head else inner


def _symbol(token: str) -> str:
    if token.startswith("\\"):
        sign = SYMBOLS.get(token[1:], token[1:])
        return _italic(sign) if sign in _ITALIC_GREEK else sign
    if token.isalpha() and len(token) == 1:
        return _italic(token)
    return {"-": "−", "*": "∗"}.get(token, " " if token.isspace() else html.escape(token))


def _italic(letter: str) -> str:
    families = ", ".join(f"'{f}'" for f in theme.MATH_ITALIC)
    style = "normal" if theme.MATH_ITALIC[0] == "KaTeX_Math" else "italic"
    return f'<span style="font-family:{families}; font-style:{style}">{letter}</span>'
