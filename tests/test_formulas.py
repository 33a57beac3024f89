"""Formulas: all of the program's are in the file, which QtSvg reads; the label follows theme and type; rich text steps in."""

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QColor
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from playground import paths
from playground.families import FAMILIES
from playground.tabs.registry import views_of
from playground.ui.formulas.draw import draw_piece, formulas_of_the_program, pieces_of
from playground.ui.formulas.drawn import FILE, broken, line_width, shipped
from playground.ui.formulas.label import FormulaLabel
from playground.ui.formulas.rich_text import to_html
from playground.ui.theme import theme

LONG = r"\hat{v} = v + (w_c - 1)(v - v_{\text{no class}}) + (w_a - 1)(v - v_{\text{weak}})"


@pytest.fixture
def dressed(qapp: QApplication):
    theme.apply(qapp, "light")
    theme.set_scale(qapp, 1.0)
    yield qapp
    theme.set_scale(qapp, 1.0)
    theme.apply(qapp, "light")


def shown(qtbot: QtBot, tex: str, width: int = 600) -> FormulaLabel:
    label = FormulaLabel()
    qtbot.addWidget(label)
    label.set_formula(tex)
    label.resize(width, 200)
    label.show()
    return label


def test_every_formula_of_the_program_is_in_the_file_and_no_other() -> None:
    assert len(formulas_of_the_program()) > 40
    assert set(shipped()) == set(formulas_of_the_program()), "python -m playground.ui.formulas.draw"


def test_no_view_has_a_formula_that_the_script_does_not_find() -> None:
    views = [view for family in FAMILIES for view in views_of(family)]
    assert len(views) > 30 and {v.formula for v in views if v.formula} <= set(shipped())


def test_the_file_is_small_and_its_pictures_parse(qapp: QApplication) -> None:
    assert (paths.folder("assets") / FILE).stat().st_size < 1_000_000
    for tex, pieces in shipped().items():
        assert len(pieces) == len(pieces_of(tex))
        for piece in pieces:
            renderer = QSvgRenderer(QByteArray(piece.coloured("#123456")))
            assert renderer.isValid() and b"currentColor" not in piece.coloured("#123456"), tex
            assert 0 <= piece.lead < piece.advance and 0 < piece.ascent < piece.height, tex


def test_a_line_ends_before_a_sign_and_never_inside_a_bracket() -> None:
    assert pieces_of("y = -f(a = b, c) + d") == ["y ", "{}= -f(a = b, c) ", "{}+ d"]
    for tex in shipped():
        for piece in pieces_of(tex):
            assert all(piece.count(a) == piece.count(b) for a, b in ("()", "[]", "{}")), piece


def test_lines_are_as_long_as_they_can_be() -> None:
    pieces = shipped()[LONG]
    whole = line_width(pieces)
    assert len(broken(pieces, whole + 0.01)) == 1
    lines = broken(pieces, whole * 0.7)
    assert len(lines) > 1 and sum(lines, ()) == pieces
    assert all(line_width(line) <= whole * 0.7 for line in lines)
    assert all(line_width((*a, b[0])) > whole * 0.7 for a, b in pairwise(lines))


def ink(label: FormulaLabel) -> Callable[[str], int]:
    image = label.grab().toImage()
    colours = [image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())]
    return lambda name: colours.count(QColor(name).name())


def test_it_takes_its_colour_from_the_theme(qtbot: QtBot, dressed: QApplication) -> None:
    label = shown(qtbot, r"p(x) = \frac{\exp(-E(x))}{Z}")
    light = theme.palette().text
    assert label.is_drawn and ink(label)(light) > 10
    theme.apply(dressed, "dark")
    assert theme.palette().text != light
    assert ink(label)(theme.palette().text) > 10 and ink(label)(light) == 0


def test_it_takes_its_size_from_the_type(qtbot: QtBot, dressed: QApplication) -> None:
    label = shown(qtbot, r"\log p(x) = -E(x) - \log Z")
    before = label.sizeHint()
    theme.set_scale(dressed, 2.0)
    assert label.sizeHint().width() == pytest.approx(2 * before.width(), rel=0.06)
    assert label.sizeHint().height() == pytest.approx(2 * before.height(), rel=0.06)


def test_it_goes_on_in_the_next_line_and_makes_room_for_it(qtbot: QtBot, dressed: QApplication) -> None:
    label = shown(qtbot, LONG, width=240)
    assert len(label.lines(240)) > 1
    assert label.minimumHeight() == label.heightForWidth(240) > label.sizeHint().height()
    assert label.accessibleName().startswith("v")


def test_what_was_not_drawn_is_rich_text(qtbot: QtBot, dressed: QApplication) -> None:
    label = shown(qtbot, r"\frac{a + b}{c} = q_{17}")
    assert not label.is_drawn and "<sub>" in label.text() and " / " in label.text()
    label.set_formula(r"\log p(x) = -E(x) - \log Z")
    assert label.is_drawn and label.text() == ""


def test_fractions_in_rich_text_have_brackets_where_they_need_them() -> None:
    def plain(tex: str) -> str:
        return re.sub("<[^>]*>", "", to_html(tex))

    assert plain(r"\frac{1}{n}") == "1 / n"
    assert plain(r"\frac{a + b}{\sqrt{d}}") == "(a + b) / √d"
    assert plain(r"\left( \frac{f(a + b)}{2} \right)").replace(" ", "") == "(f(a+b)/2)"


def test_to_show_one_takes_no_ziamath() -> None:
    code = "import sys, playground.ui.formulas.label as l; assert l.shipped(); sys.exit('ziamath' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_the_script_draws_what_is_in_the_file() -> None:
    pytest.importorskip("ziamath")
    tex = r"p(x) = \frac{\exp(-E(x))}{Z}"
    first = draw_piece(pieces_of(tex)[0])
    assert first["svg"] == shipped()[tex][0].svg and first["advance"] == shipped()[tex][0].advance
