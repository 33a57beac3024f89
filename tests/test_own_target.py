"""A target of the user's own: drawn, taken back, read from a file; each becomes a density or points that can be learned."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from playground.data import plane
from playground.tabs.plane import target_spec
from playground.tabs.plane.own_target import OwnTarget


@pytest.fixture
def own(qtbot):
    widget = OwnTarget()
    qtbot.addWidget(widget)
    widget.resize(420, 520)
    widget.show()
    return widget


def dab(qtbot, own, row, column):
    """One stroke of the brush, and what it told."""
    own.field.point_at(row, column)
    with qtbot.waitSignal(own.changed) as told:
        qtbot.keyClick(own.field, Qt.Key.Key_Space)
    return told.args[0]


def test_a_stroke_becomes_a_density_that_is_sampled_exactly(own, qtbot):
    target = target_spec.target_of(dab(qtbot, own, 6, 40))
    points = target.sample(4000, np.random.default_rng(0))
    cell = 2 * plane.HALF / target_spec.SIDE
    middle = np.array([-plane.HALF + 40.5 * cell, plane.HALF - 6.5 * cell])  # row 0 is at the top
    assert np.abs(points - middle).max() < 2.5 * cell
    figures = plane.figures(target)
    assert figures.mass == pytest.approx(1, abs=0.02)
    assert -target.log_prob(points).mean() == pytest.approx(figures.entropy, abs=0.05)


def test_strokes_are_taken_back_and_cleared(own, qtbot):
    first = dab(qtbot, own, 6, 40)
    assert dab(qtbot, own, 30, 10) != first
    for press, expected in ((own.undo_button, first), (own.clear_button, None), (own.undo_button, first)):
        with qtbot.waitSignal(own.changed) as told:
            press.click()
        assert told.args[0] == expected
    own.eraser.setChecked(True)
    left = target_spec.heights_of(dab(qtbot, own, 6, 40))
    assert left.sum() < target_spec.heights_of(first).sum() / 2, "its soft edge at most"


def test_points_of_a_file_are_a_target_and_bad_files_a_sentence(own, qtbot, tmp_path):
    good, bad = tmp_path / "mine.csv", tmp_path / "bad.csv"
    good.write_text("x,y\n0,1\n2,3\n4,-1\n")
    bad.write_text("x,y\n0,nan\n1,2\n")
    with qtbot.waitSignal(own.changed) as told:
        assert own.take_file(good)
    target = target_spec.target_of(told.args[0])
    assert target.name == "mine" and target.log_prob is None and "3 points" in own.hint.text()
    with qtbot.waitSignal(own.refused) as told:
        assert own.take_file(bad)
    assert "bad" in told.args[0] and told.args[0].endswith(".")
    assert not own.take_file(tmp_path / "film.mp4")


def test_a_picture_becomes_the_shape_of_its_outline(own, qtbot, tmp_path):
    picture = np.zeros((96, 96), np.uint8)
    picture[24:72, 24:72] = 255
    Image.fromarray(picture).save(tmp_path / "square.png")
    with qtbot.waitSignal(own.changed) as told:
        assert own.take_file(tmp_path / "square.png")
    heights = target_spec.heights_of(told.args[0])
    edge = np.zeros(heights.shape, bool)
    edge[11:37, 11:37] = True
    edge[13:35, 13:35] = False
    assert heights[edge].all() and not heights[~edge].any(), "a frame two cells wide, hollow"
    points = target_spec.target_of(told.args[0]).sample(500, np.random.default_rng(0))
    assert (np.abs(points).max(1) > 1.8).all()
    with qtbot.waitSignal(own.changed) as told:
        own.undo()
    assert told.args[0] is None
    Image.new("L", (50, 50), 120).save(tmp_path / "even.png")
    with qtbot.waitSignal(own.refused) as told:
        assert own.take_file(tmp_path / "even.png")
    assert "no outline to learn" in told.args[0]


def test_widths_and_weights_of_a_target_travel():
    spec = target_spec.built_in("eight-gaussians", 0.3, 0.5)
    target = target_spec.target_of(target_spec.from_text(target_spec.as_text(spec)))
    assert target.mode_sigma == 0.3 and target.mode_weights[0] == pytest.approx(0.5)
    assert target_spec.built_in("moons") == {"name": "moons"}
    for bad in ({"sigma": "wide"}, {"sigma": True}, {"weight": 2.0}):
        with pytest.raises(ValueError):
            target_spec.target_of({"name": "moons", **bad})
