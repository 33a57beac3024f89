r"""Draw every formula of the program: ``python -m playground.ui.formulas.draw`` writes ``assets/formulas.json``.

Run it after a formula was added or changed.  It needs ziamath (``pip install -e .[dev]``), which takes a tenth of a
second for a formula: too long while a view opens, so the window reads the file and ziamath is not installed with it.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from playground.ui.formulas.drawn import FILE, INK

TOP = Path(__file__).resolve().parents[3]
UNITS = 24  # the size of type at which ziamath draws; the file is in em
TEX = {  # words of the notation that TeX does not know, or sets otherwise
    r"\N": r"\mathcal{N}",
    r"\E": r"\mathbb{E}",
    r"\KL": r"\mathrm{KL}",
    r"\epsilon": r"\varepsilon",
    r"\phi": r"\varphi",
    r"\softmax": r"\operatorname{softmax}",
    r"\argmin": r"\mathrm{arg}\,\min",
}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_RELATIONS = {"=", r"\ge", r"\le", r"\sim", r"\propto", r"\approx", r"\to", r"\ne"}
_SPACES = {r"\,", r"\;", r"\ "}
_NO_TERM = {*_RELATIONS, *_SPACES, "", "+", "-", ",", ";", "_", "^", r"\log"}  # a minus after them is a sign


def formulas_of_the_program(top: Path = TOP) -> list[str]:
    """Every string that a view gives to a name ending in ``formula``, and the objectives of the Guide's families."""
    found: dict[str, None] = {}
    for file in sorted((top / "playground" / "tabs").rglob("*.py")):
        found |= dict.fromkeys(_assigned(ast.parse(file.read_text(encoding="utf-8"))))
    families = tomllib.loads((top / "assets" / "guide" / "families.toml").read_text(encoding="utf-8"))
    found |= dict.fromkeys(family["objective"] for family in families["family"])
    return [tex for tex in found if tex and not tex.startswith("<")]


def _assigned(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        named = any(isinstance(t, ast.Name) and t.id.lower().endswith("formula") for t in targets)
        if named and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):  # type: ignore[attr-defined]
            yield node.value.value  # type: ignore[attr-defined]


def pieces_of(tex: str) -> list[str]:
    """Where a line may end: before a relation or a sum's sign, after a comma, and never inside a bracket."""
    pieces, depth, bars, last = [""], 0, set[str](), ""
    for token in _TOKEN.findall(tex):
        outside, begun = depth == 0 and not bars, bool(pieces[-1].strip())
        if outside and begun and not token.isspace():
            if token in _RELATIONS or (token in "+-" and last not in _NO_TERM):
                pieces.append(
                    "{}"
                )  # with something before it the sign has the white that it has between two terms
            elif last in (",", ";") or (token not in ",;" and _words_at_the_end(pieces[-1])):
                pieces.append("" if token in _SPACES else r"\;")
            elif token == r"\;" and last not in _SPACES:
                pieces.append("")
        bars ^= {token} & {"|", r"\|"}
        depth += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
        pieces[-1] += token
        last = last if token.isspace() else token
    return pieces


def _words_at_the_end(piece: str) -> bool:
    r"""Whether it ends with ``\text{...}``."""
    return re.search(r"\\text\{[^}]*\}$", piece) is not None


def to_tex(text: str) -> str:
    """The program's small notation as TeX."""
    out, last = "", ""
    for token in _TOKEN.findall(text):
        is_sign = token == "-" and (last in _NO_TERM or last in "([{") and not out.endswith("{}")
        out += "{-}" if is_sign else TEX.get(token, token)  # in braces it stands close to what it negates
        last = last if token.isspace() else token
    return out


def draw_piece(text: str) -> dict[str, object]:
    """One piece as ``drawn.Piece`` has it."""
    import ziafont
    import ziamath

    ziamath.config.svg2 = ziafont.config.svg2 = False  # QtSvg knows no symbols
    ziamath.config.precision = 2
    svg = ziamath.Latex(to_tex(text), size=UNITS, color=INK).svg()
    left, top, width, height = (float(v) for v in re.search(r'viewBox="([^"]*)"', svg)[1].split())  # type: ignore[index]
    return {
        "svg": smaller(svg),
        "left": round(left / UNITS, 4),
        "ascent": round(-top / UNITS, 4),
        "width": round(width / UNITS, 4),
        "height": round(height / UNITS, 4),
        "lead": round(first_ink(svg) / UNITS, 4),
        "advance": round((left + width - 1) / UNITS, 4),  # ziamath leaves 1 around everything
    }


def first_ink(svg: str) -> float:
    """The smallest x of all outlines and bars."""
    xs = [float(x) for x in re.findall(r'<rect [^>]*?\bx="([^"]*)"', svg)]
    for outline in re.findall(r'\bd="([^"]*)"', svg):
        xs += [float(x) for x in re.findall(r"-?[\d.]+", outline)[::2]]
    return min(xs)


def smaller(svg: str) -> str:
    """With outlines in relative coordinates, which have fewer digits."""
    return re.sub(r'\bd="([^"]*)"', lambda found: f'd="{_relative(found[1])}"', svg)


def _relative(outline: str) -> str:
    """M, L, Q and C become m, l, q and c; points are whole hundredths, so that no error adds up."""
    out, pen, start = "", (0, 0), (0, 0)
    for command, numbers in re.findall(r"([MLQCZ])([^MLQCZ]*)", outline):
        values = [round(float(n) * 100) for n in numbers.split()]
        points = list(zip(values[::2], values[1::2], strict=True))
        moved = [n for x, y in points for n in (x - pen[0], y - pen[1])]
        if command == "L" and not any(moved):
            continue
        out += command.lower() + "".join(_number(n) for n in moved).strip()
        pen = points[-1] if points else start
        start = pen if command == "M" else start
    return out


def _number(hundredths: int) -> str:
    """``-30`` is `` -.3``; the minus parts it from the number before."""
    digits = (
        f"{hundredths / 100:g}".replace("0.", ".", 1) if abs(hundredths) < 100 else f"{hundredths / 100:g}"
    )
    return digits if digits.startswith("-") else f" {digits}"


def main() -> int:
    """Draw all of them anew."""
    import ziamath

    drawn = {tex: [draw_piece(piece) for piece in pieces_of(tex)] for tex in formulas_of_the_program()}
    text = json.dumps({"drawn by": f"ziamath {ziamath.__version__}", "formulas": drawn}, indent=0)
    (TOP / "assets" / FILE).write_text(text + "\n", encoding="utf-8")
    print(f"{len(drawn)} formulas, {len(text) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
