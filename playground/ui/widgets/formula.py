r"""Formulas in a small TeX-like notation, set as rich text: ``x_{t-1} = \sqrt{\bar{\alpha}_t} x_0 + \sigma \epsilon``.

Letters are italic, figures and function names upright, Greek by its TeX name; enough for one line under a picture.
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
        if token.startswith("\\") and token[1:] in (*_ACCENTS, "sqrt", "text"):
            if token == "\\text":
                inner, at = _raw(tokens, at + 1)
                out.append(html.escape(inner))
                continue
            inner, at = _argument(tokens, at + 1)
            out.append(_decorate(token[1:], inner))
            continue
        out.append(_symbol(token))
        at += 1
    return "".join(out), at


def _argument(tokens: list[str], at: int) -> tuple[str, int]:
    if at >= len(tokens):
        return "", at
    if tokens[at] == "{":
        return _group(tokens, at + 1)
    if tokens[at].startswith("\\") and tokens[at][1:] in (*_ACCENTS, "sqrt"):
        inner, after = _argument(tokens, at + 1)
        return _decorate(tokens[at][1:], inner), after
    return _symbol(tokens[at]), at + 1


def _raw(tokens: list[str], at: int) -> tuple[str, int]:
    end = tokens.index("}", at) if "}" in tokens[at:] else len(tokens)
    return "".join(tokens[at + 1 : end]), end + 1


def _decorate(what: str, inner: str) -> str:
    if what == "sqrt":
        several = re.search(r"[\s+−/]", re.sub(r"<su[bp]>.*?</su[bp]>|<[^>]*>", "", inner))
        return f"√({inner})" if several else f"√{inner}"  # rich text has no bar that would follow the line
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
