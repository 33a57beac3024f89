"""A comma or a point: numbers mean the same on every machine, in fields, in lists and on the command line."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QLocale, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from playground import numerals
from playground.contract import Knob, make_request
from playground.experiments import knob_grid
from playground.experiments.vae import latent_sliders
from playground.models.vae.vae import VAE
from playground.ui.knobs.rows import row

FRACTION = Knob("scale", float, 1.0, "scale", "A number.", low=0.0, high=20.0, step=0.01)
WHOLE = Knob("steps", int, 7, "steps", "A whole number.", low=1, high=10_000)
SIGNED = Knob("shift", float, 0.0, "shift", "A number.", low=-5.0, high=5.0, step=0.1, unit="px")


@pytest.fixture(params=["de_DE", "en_US", "C"])
def locale(request):
    """The system's locale: in the first a comma stands before the fraction, and a point between thousands."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def typed(qtbot, knob, text):
    """The row of a knob after ``text`` was typed over its number, with Enter; and what was said beside it."""
    one = row(knob, ())
    qtbot.addWidget(one)
    one.show()
    qtbot.waitExposed(one)
    one.activateWindow()
    one.field.setFocus()
    qtbot.waitUntil(one.field.hasFocus)
    one.field.selectAll()
    for letter in text:  # QTest knows ASCII alone
        QApplication.sendEvent(
            one.field, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter)
        )
    QTest.keyClick(one.field, Qt.Key.Key_Return)
    return one, QToolTip.text() if QToolTip.isVisible() else ""


@pytest.mark.parametrize(
    "knob, text, value, shown",
    [
        (FRACTION, "2.7", 2.7, "2.70"),
        (FRACTION, "2,7", 2.7, "2.70"),
        (FRACTION, "1.5", 1.5, "1.50"),
        (FRACTION, ",5", 0.5, "0.50"),
        (SIGNED, "−1,5", -1.5, "-1.5 px"),
        (WHOLE, "1500", 1500, "1500"),
    ],
)
def test_both_marks_are_read_and_a_point_is_written(qtbot, locale, knob, text, value, shown):
    one, said = typed(qtbot, knob, text)
    assert one.value() == value and one.field.text() == shown and said == ""


@pytest.mark.parametrize(
    "knob, text, words",
    [
        (WHOLE, "1.5", "steps takes a whole number"),
        (WHOLE, "1,5", "steps takes a whole number"),
        (WHOLE, "0", "steps must lie between 1 and 10000"),
        (FRACTION, "99", "scale must lie between 0 and 20"),
        (FRACTION, "1.2.3", None),  # the second point never gets in: 1.23
    ],
)
def test_what_cannot_be_is_refused_with_words_and_never_another_number(qtbot, locale, knob, text, words):
    one, said = typed(qtbot, knob, text)
    if words is None:
        assert one.value() == 1.23
    else:
        assert one.value() == knob.default and said.startswith(words)


@pytest.mark.parametrize(
    "text, values",
    [
        ("0.5, 1, 2.5", [0.5, 1, 2.5]),  # as written before
        ("0.5,1,2.5", [0.5, 1, 2.5]),
        ("1, 2, 3", [1, 2, 3]),
        ("1,2,3", [1, 2, 3]),
        ("0,5; 1,5", [0.5, 1.5]),
        ("0,5 1,5", [0.5, 1.5]),
        ("0,5, 1,5", [0.5, 1.5]),
        ("0.5;1.5;", [0.5, 1.5]),
        ("1,5", [1.5]),
        ("1e-3,1e-2", [0.001, 0.01]),
        ("1e-05; 2", [1e-5, 2]),
    ],
)
def test_lists_of_fractions(text, values):
    one = Knob("x", float, 1.0, "x", "A number.", low=0.0, high=20.0)
    assert knob_grid.values_of(one, text) == values


def test_lists_of_other_things():
    assert numerals.split("1,5 7;8", int) == ["1,5 7", "8"] and numerals.split("1,5 7", int) == [
        "1",
        "5",
        "7",
    ]
    assert numerals.split("Ankle boot, Bag") == numerals.split("Ankle boot; Bag;") == ["Ankle boot", "Bag"]
    with pytest.raises(ValueError, match="takes a whole number"):
        knob_grid.values_of(WHOLE, "1.5; 2")


def test_moves_of_sliders_are_read_in_both_ways():
    moves = {2: 1.25, 6: -0.5}
    for text in ("3=1.25, 7=-0.5", "3=1,25; 7=−0,5", "3=1,25 7=-0,5", "3=1.25,7=-0.5", "3=1,25, 7=-0,5;"):
        assert latent_sliders.read_moves(text, 9) == moves
    assert latent_sliders.read_moves(latent_sliders.write_moves(moves), 9) == moves


def test_the_command_line_reads_both():
    assert make_request(VAE.Request, {"temperature": "0,5"}) == make_request(
        VAE.Request, {"temperature": "0.5"}
    )
    for text in ("1.5", "1,5", "7_0", "", "x"):
        with pytest.raises(ValueError, match="seed takes a whole number"):
            make_request(VAE.Request, {"seed": text})
    for text in ("nan", "inf", "1.000,5", "1_0.5", "0x10"):
        with pytest.raises(ValueError, match="temperature takes a number"):
            make_request(VAE.Request, {"temperature": text})
    with pytest.raises(ValueError, match="seed takes a whole number"):
        make_request(VAE.Request, {"seed": 1.5})
