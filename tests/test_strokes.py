"""Drawings made of strokes: data, the model point by point, its figures, its files, and the views that draw with a pen."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt

from playground.cli.main import main
from playground.contract import make_request
from playground.data import icons, svg_lines
from playground.evaluation.sequences import strokes as figures
from playground.experiments.vae import strokes
from playground.models.vae.sketchrnn import StrokesRequest
from playground.tabs.frame.page import LinkTarget
from playground.ui.strokes import ink
from playground.ui.strokes.pad import StrokePad
from playground.ui.strokes.pen_tip import axes
from playground.ui.strokes.sheet import StrokeSheet
from tests.windows import WAIT, load, opened, wait_finished

NAME = "sketchrnn-icons"


@pytest.fixture(scope="module")
def model():
    return load(NAME)


def drawings(split="test"):
    return icons.load(split)[0]


def tensor(codes):
    return torch.from_numpy(np.ascontiguousarray(codes.transpose(0, 3, 1, 2)))


def drawn(model, **settings):
    *_, last = model.sample(make_request(model.Request, {"num_samples": 2, "seed": 3, **settings}))
    return last


# --- data


def test_codes_and_strokes_are_the_same_drawing():
    for codes in drawings()[:100, 0]:
        steps = icons.strokes_of(codes)
        assert np.isfinite(steps).all() and steps[-1, 2] == 1
        assert np.array_equal(icons.codes_of(steps), codes)


def test_a_name_is_on_one_side_only_whatever_set_draws_it():
    sides = [{codes.tobytes() for codes in drawings(split)} for split in ("train", "validation", "test")]
    assert [len(drawings(split)) for split in ("validation", "test")] == [len(drawings("validation")), 585]
    assert len(drawings("train")) == 13_360
    assert not sides[0] & sides[2] and not sides[1] & sides[2]


def test_what_a_drawing_is_of_is_said_by_its_name():
    said = icons.ICONS.classes
    assert said[icons.thing_of("home-2")] == "house" and said[icons.thing_of("sail-boat")] == "boat"
    assert icons.thing_of("abstract") == 0


@pytest.mark.parametrize("large, sweep, degrees", [(0, 1, 90), (1, 1, 270), (0, 0, 90), (1, 0, 270)])
def test_arcs_lie_on_their_circle(large, sweep, degrees):
    """From (4,0) to (0,4) on a circle of radius 4: its centre is known for each pair of flags."""
    (line,) = svg_lines.polylines_of_path(f"M4 0A4 4 0 {large}{sweep}0 4")
    centre = np.array([0.0, 0.0] if large != sweep else [4.0, 4.0])
    assert np.allclose(np.hypot(*(line - centre).T), 4, atol=1e-9)
    turned = np.abs(np.diff(np.unwrap(np.arctan2(*(line - centre).T[::-1])))).sum()
    assert math.degrees(turned) == pytest.approx(degrees)


def test_curves_and_relative_steps_follow_their_closed_forms():
    (cubic,) = svg_lines.polylines_of_path("M0 0C0 1 1 1 1 0")
    t = np.linspace(0, 1, 13)
    assert np.allclose(cubic[:, 1], 3 * t * (1 - t))
    (one,) = svg_lines.polylines_of_path("m1 1h2v3z")
    assert one.tolist() == [[1, 1], [3, 1], [3, 4], [1, 1]]
    corner, dot = svg_lines.lines_in(
        '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="black"><rect width="4" height="2"/>'
        '<circle cx="5" cy="5" r="2"/></svg>'
    )
    assert {tuple(p) for p in corner.tolist()} == {(0, 0), (4, 0), (4, 2), (0, 2)}
    assert np.allclose(np.hypot(*(dot - 5).T), 2)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not xml",
        "<svg><path d='M0 0L1 1'",
        "<svg fill='none' stroke='red'></svg>",
        "<svg><path d='M0 0L9 9' fill='red'/></svg>",
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg fill='none' stroke='red'><path d='M0 0L9 9'/></svg>",
        "<svg fill='none' stroke='red'><path d='L0 0 Q'/></svg>",
    ],
)
def test_a_bad_svg_is_refused_in_a_sentence(tmp_path, model, content):
    file = tmp_path / "bad.svg"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"^bad\.svg is not an SVG drawing made of lines\.$"):
        model.settings_from_files({"begin": str(file)})


def test_a_word_is_asked_for_by_its_name(model):
    assert model.settings_from_files({"word": "fish"}) == {"word": icons.ICONS.classes.index("fish")}
    assert model.settings_from_files({"word": "3"}) == {"word": "3"}
    with pytest.raises(
        ValueError, match=r"^It cannot draw 'unicorn' by name; it can draw anything, house, .*\.$"
    ):
        model.settings_from_files({"word": "unicorn"})


def test_the_command_line_refuses_it_too(tmp_path, capsys):
    file, out = tmp_path / "bad.svg", tmp_path / "out.svg"
    file.write_text("no lines")
    assert main(["sample", NAME, "--set", f"begin={file}", "--out", str(out)]) == 1
    said = capsys.readouterr().err.strip()
    assert said == "bad.svg is not an SVG drawing made of lines." and not out.exists()


@pytest.mark.parametrize("path", ["hello", "L", "M 1", "M 1 1 z 5", "L 4 4", "M 9000 2 L 3 4"])
def test_a_bad_path_is_refused_in_a_sentence(model, path):
    with pytest.raises(ValueError, match=r"^(That is not the path|The strokes lie outside)[^\n]*\.$"):
        next(model.sample(make_request(model.Request, {"begin": path})))


# --- the model


def test_what_is_drawn_step_by_step_is_scored_alike_at_once(model):
    """The mixtures that stepping shows are those that the loss is told, for a drawing that the model itself has made."""
    request = make_request(
        model.Request, {"num_samples": 1, "word": 1, "temperature": 1.0, "begin": "M 4 4 L 20 4 L 20 20"}
    )
    frames = list(model.sample(request))
    steps = frames[-1].extras["strokes"][0]
    steps = steps[np.isfinite(steps).all(1)]
    stepped = []
    for frame, following in zip(frames, steps[frames[0].extras["given"] :], strict=False):
        weight, x, y, sx, sy, rho = frame.extras["mixture"][0].astype(float).T
        u, v = (following[0] - x) / sx, (following[1] - y) / sy
        square = (u * u + v * v - 2 * rho * u * v) / (1 - rho**2)
        density = weight * np.exp(-square / 2) / (2 * np.pi * sx * sy * np.sqrt(1 - rho**2))
        place = -np.log(density.sum() * model.config.scale**2)  # of steps in standard deviations
        stepped.append(place - np.log(frame.extras["pen"][0, int(following[2])]))
    full = torch.zeros(1, len(steps), 5)
    full[0, :, :2] = torch.from_numpy(steps[:, :2]) / model.config.scale
    full[0, :, 2], full[0, :, 3] = 1 - torch.from_numpy(steps[:, 2]), torch.from_numpy(steps[:, 2])
    with torch.no_grad():
        before = torch.nn.functional.pad(full[:, :-1], (0, 0, 1, 0))
        raw, _ = model(before, model.condition(None, torch.tensor([1])))
        at_once = model.nats(raw, full)[0, frames[0].extras["given"] :].numpy()
    assert len(stepped) > 3
    assert np.allclose(stepped, at_once[: len(stepped)], atol=2e-3)


def test_a_run_that_is_resumed_ends_alike_and_what_was_begun_stays(model):
    request = make_request(
        model.Request, {"num_samples": 3, "begin": "M 6 6 L 18 6 L 18 18 M 8 20 L 12 20", "temperature": 0.5}
    )
    frames = list(model.sample(request))
    given = icons.strokes_of(icons.codes_of(svg_lines.strokes_of_path(request.begin)))
    assert frames[0].extras["given"] == 5
    for frame in frames:
        assert np.allclose(frame.extras["strokes"][:, :5], given, atol=1 / icons.SIDE)
    kept = [f for f in frames if f.state is not None][1]
    *_, last = model.sample(request, kept.state)
    assert np.array_equal(last.extras["strokes"], frames[-1].extras["strokes"], equal_nan=True)
    assert last.step == last.total


def test_the_word_and_the_code_change_the_drawing(model):
    house, fish = (icons.ICONS.classes.index(word) for word in ("house", "fish"))
    one, other = (drawn(model, word=word, code="prior") for word in (house, fish))
    assert "latent" not in drawn(model, word=house).extras
    assert np.array_equal(one.extras["latent"], other.extras["latent"])
    assert not np.array_equal(one.images, other.images)
    codes = one.extras["latent"]
    request = make_request(model.Request, {"num_samples": 2, "seed": 3, "word": house})
    *_, same = model.draw(codes, request)
    *_, another = model.draw(-codes, request)
    assert np.array_equal(same.images, one.images) and not np.array_equal(another.images, one.images)


def test_a_way_has_its_ends_and_tells_a_common_word(model):
    *_, last = strokes.way(model, strokes.WayRequest(first=2, second=3, num_steps=3))
    z = model.code_of(tensor(drawings()[[2, 3]])).numpy()
    assert np.allclose(last.extras["latent"][[0, 2]], z, atol=1e-6)
    assert np.array_equal(icons.codes_of(last.extras["ends"][0]), drawings()[2, 0])
    assert len(last.images) == 3


# --- figures and files


def test_the_baseline_is_the_normal_distribution_of_the_steps(model):
    train = tensor(drawings("train")[:500])
    fitted = figures.MeanStroke(model, train)
    steps, lengths = model.steps(train)
    moved = np.concatenate([s[:n, :2].numpy() for s, n in zip(steps, lengths.tolist(), strict=True)])
    assert np.allclose(fitted.mean, moved.mean(0), atol=1e-4)
    assert np.allclose(fitted.covariance, np.cov(moved.T, bias=True), atol=1e-3)
    # of all steps together the entropy of the fitted distributions, which is what the fit means
    nats = fitted.nats(train).sum() / int(lengths.sum())
    normal = 0.5 * np.log((2 * np.pi * np.e) ** 2 * np.linalg.det(fitted.covariance.numpy()))
    chances = fitted.log_pen.exp().numpy()
    pen = -(chances * np.log(chances)).sum() * (int(lengths.sum()) + int((lengths < 72).sum()))
    assert float(nats) == pytest.approx(normal + pen / int(lengths.sum()), abs=1e-3)


def test_the_figures_are_better_than_a_mean_stroke(model):
    said = []
    found = figures.evaluate(model, 40, said.append)
    whole, point = found["nats_per_drawing"], found["nats_per_point"]
    assert whole["num_drawings"] == 40 and said[-1] == "40 drawings"
    assert whole["value"] < whole["mean_stroke"] and whole["without_code"] < whole["mean_stroke"]
    assert point["value"] * point["num_points"] == pytest.approx(whole["value"] * 40, rel=1e-6)


def test_strokes_and_their_codes_are_scored_alike(tmp_path, capsys):
    codes = drawings()[:2]
    np.save(tmp_path / "codes.npy", codes)
    np.save(tmp_path / "strokes.npy", np.stack([strokes.padded(icons.strokes_of(one[0])) for one in codes]))
    said = []
    for name in ("codes", "strokes"):
        assert main(["score", NAME, "--images", str(tmp_path / f"{name}.npy")]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and said[0].count("nats (bound)") == 2
    np.save(tmp_path / "wrong.npy", np.zeros((2, 3), np.float32))
    assert main(["score", NAME, "--images", str(tmp_path / "wrong.npy")]) == 1
    assert "must hold strokes" in capsys.readouterr().err


def test_a_drawing_is_written_and_gone_on_with(tmp_path, model):
    first, second = tmp_path / "a.svg", tmp_path / "b.npy"
    assert main(["sample", NAME, "--set", "word=door", "--out", str(first)]) == 0
    assert main(["sample", NAME, "--set", f"begin={first}", "--count", "3", "--out", str(second)]) == 0
    made = np.load(second)
    begun = svg_lines.strokes_of_path(svg_lines.path_of_file(first))
    assert made.dtype == np.float32 and made.shape == (3, icons.MOST_POINTS, 3)
    given = min(len(begun), icons.MOST_POINTS - 1)
    assert np.allclose(made[:, :given], begun[None, :given], atol=1e-5)


# --- widgets and views


def test_given_and_added_lines_share_the_point_where_they_meet():
    steps = np.array([[0, 0, 0], [0.1, 0, 1], [0.1, 0, 0], [0, 0.2, 0], [0.1, 0, 1]], np.float32)
    first, rest = ink.parts_of(steps, 4)
    assert [len(line) for line in first] == [2, 2] and [len(line) for line in rest] == [2]
    assert np.allclose(rest[0][0], first[1][-1])
    first, rest = ink.parts_of(steps, 0)
    assert not first and [len(line) for line in rest] == [2, 3]


@pytest.mark.parametrize("sx, sy, rho", [(2.0, 1.0, 0.0), (1.0, 2.0, 0.0), (1.0, 1.0, 0.8), (1.5, 0.5, -0.6)])
def test_the_ellipse_has_the_axes_of_its_covariance(sx, sy, rho):
    angle, long, short = axes(sx, sy, rho)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    found = turned @ np.diag([long**2, short**2]) @ turned.T
    assert np.allclose(found, [[sx * sx, rho * sx * sy], [rho * sx * sy, sy * sy]])


def test_papers_lie_apart_and_inside(qtbot):
    sheet = StrokeSheet()
    qtbot.addWidget(sheet)
    sheet.resize(500, 300)
    sheet.set_drawings(np.zeros((10, 4, 3), np.float32), captions=["x"] * 10)
    papers = [paper for _, paper in sheet.papers()]
    assert len(papers) == 10 and all(sheet.rect().contains(p.toRect()) for p in papers)
    assert not any(a.intersects(b) for i, a in enumerate(papers) for b in papers[:i])
    with qtbot.waitSignal(sheet.picked) as picked:
        qtbot.mouseClick(sheet, Qt.MouseButton.LeftButton, pos=papers[4].center().toPoint())
    assert picked.args == [4]
    qtbot.keyClick(sheet, Qt.Key.Key_Return)
    assert [number for number, _ in sheet.papers()] == [0]
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert len(sheet.papers()) == 10


def stroke(qtbot, pad, *places):
    """Draw a line through places given in parts of the pad."""
    points = [QPoint(round(x * pad.width()), round(y * pad.height())) for x, y in places]
    qtbot.mousePress(pad, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(pad, point)
    qtbot.mouseRelease(pad, Qt.MouseButton.LeftButton, pos=points[-1])


def test_the_pad_draws_takes_back_and_refuses_too_much(qtbot):
    pad = StrokePad()
    qtbot.addWidget(pad)
    pad.resize(300, 300)
    pad.show()
    with qtbot.waitSignal(pad.lifted):
        stroke(qtbot, pad, (0.2, 0.2), (0.5, 0.2), (0.8, 0.2), (0.8, 0.8))
    (line,) = pad.lines
    assert len(line) == 3, "points on a straight line are left out"
    other = StrokePad()
    qtbot.addWidget(other)
    other.set_path(pad.path)
    assert np.allclose(other.lines[0], line, atol=1e-3)
    pad.set_lines([np.random.default_rng(0).random((icons.MOST_POINTS - 2, 2))])
    with qtbot.waitSignal(pad.refused), qtbot.assertNotEmitted(pad.lifted):
        stroke(qtbot, pad, (0.2, 0.2), (0.8, 0.8))
    pad.undo()
    assert pad.path == ""


def test_the_window_goes_on_with_what_is_drawn(qtbot, tmp_path):
    with opened() as window:
        window.go(LinkTarget("vae", NAME, "Finish my drawing"))
        qtbot.waitUntil(
            lambda: (
                window.current is not None
                and window.current.view is not None
                and window.current.view.name == "Finish my drawing"
            ),
            timeout=WAIT,
        )
        view = window.current.view
        view.player.speed = 1000.0
        qtbot.mouseClick(view.empty, Qt.MouseButton.LeftButton)
        stroke(qtbot, view.pad, (0.3, 0.4), (0.7, 0.4), (0.7, 0.6))
        wait_finished(qtbot, view)
        assert view.player.frame.extras["given"] == 3 and len(view.sheet.strokes) == 10
        stroke(qtbot, view.pad, (0.4, 0.5), (0.6, 0.5))
        qtbot.waitUntil(
            lambda: view.player.frame is not None and view.player.frame.extras["given"] == 5, timeout=WAIT
        )
        assert view.request.begin == view.pad.path
        file = tmp_path / "mine.svg"
        file.write_text(
            '<?xml version="1.0" encoding="UTF-8"?><svg fill="none" stroke="red"><path d="M0 0H9V9H0z"/></svg>'
        )
        window.open_file(file)
        assert len(view.pad.lines) == 1
        wait_finished(qtbot, view)
        assert dataclasses.replace(view.request, begin="") == strokes.FinishRequest(
            word=view.request.word, seed=view.request.seed
        )
        assert isinstance(view.request, StrokesRequest)
        made = tmp_path / "made.svg"
        assert main(["sample", NAME, "--set", "word=door", "--out", str(made)]) == 0
        window.open_file(made)
        door = icons.ICONS.classes.index("door")
        qtbot.waitUntil(
            lambda: window.current.view.name == "Draw" and window.current.view.request.word == door,
            timeout=WAIT,
        )
        assert window.current.view.request.num_samples == 1
