"""Densities in the plane, the figures of what was learned, and the command that trains on them."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from playground.cli.main import main
from playground.data import plane
from playground.evaluation.plane import energy_distance, measure, modes_found

# --- targets


@pytest.mark.parametrize("name", plane.TARGETS)
def test_a_target_integrates_to_one_and_its_entropy_is_that_of_its_samples(name):
    target = plane.make(name)
    figures = plane.figures(target)
    assert figures.mass == pytest.approx(1, abs=2e-3)
    log_p = target.log_prob(target.sample(20_000, np.random.default_rng(1)))
    assert figures.entropy == pytest.approx(-log_p.mean(), abs=4 * log_p.std() / math.sqrt(len(log_p)) + 2e-3)
    share = (log_p >= figures.log_prob_of_99).mean()
    assert share > 0.986 and (share < 0.994 or name == "checkerboard")  # which is as high everywhere


@pytest.mark.parametrize("name", plane.TARGETS)
def test_samples_come_from_the_density(name):
    """Against points drawn cell by cell from the density on a grid."""
    target = plane.make(name)
    grid = plane.from_density(
        name, name, np.exp(target.log_prob(plane.grid(target, 160))).reshape(160, 160)[::-1]
    )
    x, y = (t.sample(1500, np.random.default_rng(i)) for i, t in enumerate((target, grid)))
    assert abs(energy_distance(x, y)) < 0.012


def test_widths_and_weights_are_knobs():
    heavy = plane.make("eight-gaussians", sigma=0.05, weight=0.6)
    points = heavy.sample(4000, np.random.default_rng(0))
    near = np.linalg.norm(points - heavy.modes[0], axis=1) < 0.25
    assert near.mean() == pytest.approx(0.6, abs=0.04)
    for name in ("checkerboard", "eight-gaussians", "pinwheel"):
        assert plane.figures(plane.make(name, sigma=0.2, weight=0.3)).mass == pytest.approx(1, abs=0.02)
    with pytest.raises(ValueError, match="no target called 'moon'"):
        plane.make("moon")
    with pytest.raises(ValueError, match="sigma must lie between"):
        plane.make("moons", sigma=0)


def test_a_drawn_shape_is_sampled_exactly():
    drawn = np.zeros((20, 20))
    drawn[0, 0], drawn[19, 19] = 1, 3  # top left, bottom right
    target = plane.from_density("drawn", "Drawn", drawn)
    points = target.sample(4000, np.random.default_rng(0))
    right = points[:, 0] > 0
    assert right.mean() == pytest.approx(0.75, abs=0.03)
    assert (points[right, 1] < -3.6).all() and (points[~right, 1] > 3.6).all()
    assert np.allclose(target.log_prob(points[right]), math.log(0.75 / 0.16))
    assert target.log_prob(np.zeros((1, 2)))[0] == -np.inf
    with pytest.raises(ValueError, match="Nothing is drawn"):
        plane.from_density("drawn", "Drawn", np.zeros((4, 4)))


@pytest.mark.parametrize(
    "text", ["x,y\n1,2\n3,4.5\n", "1,2\n3,4.5", "1;2\n3;4,5\n", "x\ty\n1\t2\n\n3\t4.5\n"], ids=range(4)
)
def test_points_are_read_as_spreadsheets_write_them(tmp_path, text):
    (tmp_path / "cloud.csv").write_text(text, encoding="utf-8")
    target = plane.read_csv(tmp_path / "cloud.csv")
    assert target.name == "cloud" and target.log_prob is None
    assert np.array_equal(target.points, [[1, 2], [3, 4.5]])


# --- figures


def test_a_mode_is_found_by_a_quarter_of_its_weight():
    target = plane.make("eight-gaussians")
    assert modes_found(target, target.sample(4000, np.random.default_rng(0))) == 8
    assert modes_found(target, np.repeat(target.modes[:3], 10, 0)) == 3
    few = np.concatenate([np.repeat(target.modes[:1], 97, 0), np.repeat(target.modes[1:2], 3, 0)])
    assert modes_found(target, few) == 1  # 3 % are less than a quarter of an eighth


def test_the_target_itself_is_perfect_and_a_wrong_one_is_not():
    target, wrong = plane.make("moons"), plane.make("rings")
    figures = plane.figures(target)
    good = measure(target, figures, target.sample(2000, np.random.default_rng(77)), target.log_prob)
    assert good.nll_minus_entropy == 0 and abs(good.energy_distance) < 0.02
    assert good.mass_outside == pytest.approx(0.01, abs=0.01)
    bad = measure(target, figures, wrong.sample(2000, np.random.default_rng(77)), wrong.log_prob)
    assert bad.nll_minus_entropy > 1 and bad.energy_distance > 0.05 and bad.mass_outside > 0.5
    assert good.modes is None


# --- the command


ROW = [
    "model",
    "family",
    "target",
    "seconds",
    "steps",
    "nll_minus_entropy",
    "energy_distance",
    "modes_found",
    "modes",
    "mass_outside",
]


def test_the_command_prints_rows_and_keeps_points(tmp_path, capsys):
    points = np.random.default_rng(0).normal([5, -3], [1, 0.2], (200, 2))
    (tmp_path / "mine.csv").write_text("a,b\n" + "\n".join(f"{x},{y}" for x, y in points), encoding="utf-8")
    command = ["plane", "--target", "eight-gaussians", str(tmp_path / "mine.csv"), "--models", "made-plane"]
    command += ["gan-plane", "--seconds", "0.2", "--out", str(tmp_path / "kept.npz"), "--json"]
    assert main(command) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [list(row) for row in rows] == [ROW] * 4
    assert [(r["model"], r["target"]) for r in rows] == list(
        itertools.product(("made-plane", "gan-plane"), ("eight-gaussians", "mine"))
    )
    for row in rows:
        assert row["steps"] > 0 and row["seconds"] >= 0.2 and row["energy_distance"] is not None
        known = row["target"] != "mine"
        assert (row["modes"] == 8) == known and (row["mass_outside"] is not None) == known
        assert (row["nll_minus_entropy"] is not None) == (known and row["model"] == "made-plane")
    kept = np.load(tmp_path / "kept.npz", allow_pickle=False)
    assert kept["made-plane/eight-gaussians/samples"].shape == (4000, 2)
    assert kept["made-plane/mine/log_prob"].shape == (200, 200)
    assert "gan-plane/mine/log_prob" not in kept
    x_min, x_max, y_min, y_max = kept["mine/square"]
    assert x_min < 5 < x_max and y_min < -3 < y_max
    assert np.abs(kept["made-plane/mine/samples"].mean(0) - [5, -3]).max() < 1.5


def test_the_table_says_seed_and_threads(capsys):
    assert (
        main(["plane", "--target", "moons", "--models", "nice-plane", "--seconds", "0.1", "--seed", "3"]) == 0
    )
    out = capsys.readouterr().out.splitlines()
    assert "seed 3" in out[0] and "thread" in out[0] and out[2].startswith("nice-plane")
    assert len(out) == 3 and "nats" in out[2]


def test_rows_become_a_table_without_training(tmp_path, capsys):
    assert (
        main(
            [
                "plane",
                "--target",
                "eight-gaussians",
                "moons",
                "--models",
                "gan-plane",
                "made-plane",
                "--seconds",
                "0.1",
                "--json",
            ]
        )
        == 0
    )
    printed = capsys.readouterr().out
    (tmp_path / "rows.json").write_text(printed, encoding="utf-8")
    assert main(["plane", "--table", str(tmp_path / "rows.json")]) == 0
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    rows = {(row["model"], row["target"]): row for row in json.loads(printed)}
    assert lines[0][2] == "eight-gaussians: NLL − entropy" and len({len(line) for line in lines}) == 1
    assert [line[0] for line in lines[2:]] == ["`made-plane`", "`gan-plane`"], "in the order of the tabs"
    made = rows["made-plane", "eight-gaussians"]
    assert lines[2][2:5] == [
        f"{made['nll_minus_entropy']:.3f}",
        f"{made['energy_distance']:.4f}",
        f"{made['modes_found']} of 8",
    ]
    assert lines[3][2].strip() == ""  # a GAN has no density
    (tmp_path / "rows.json").write_text('[{"model": 1}]', encoding="utf-8")
    assert main(["plane", "--table", str(tmp_path / "rows.json")]) == 2
    assert "does not hold the rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "moon"], "no target called 'moon'"),
        (["--target", "none.csv"], "none.csv: No such file"),
        (["--target", "words.csv"], "no two numbers in line 2"),
        (["--target", "nan.csv"], "not finite"),
        (["--target", "one.csv"], "one holds 1 point:"),
        (["--target", "same.csv"], "again and again"),
        (["--target", "empty.csv"], "no points"),
        (["--target", "moons.csv", "moons"], "Two targets are called 'moons'"),
        (["--models", "made"], "no model of the plane called 'made'"),
        (["--seconds", "0"], "--seconds must be above 0"),
        (["--seconds", "nan"], "--seconds must be above 0"),
        (["--seed", "-1"], "seed must lie between"),
        (["--device", "abacus"], "no device 'abacus'"),
        (["--out", "points.csv"], "writes an .npz file"),
        (["--out", "nowhere/points.npz"], "There is no folder"),
    ],
)
def test_bad_words_are_a_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    files = {
        "words": "x,y\nred,green\n",
        "nan": "1,2\nnan,3\n",
        "one": "x,y\n1,2\n",
        "same": "1,2\n1,2\n",
        "empty": "",
        "moons": "1,2\n3,4\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["plane", *arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.out == "" and len(told.err.splitlines()) == 1
