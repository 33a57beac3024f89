"""The command line as scripts use it: results on stdout and nothing else, one sentence on stderr, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from playground import checkpoints, data
from playground.bench import memory, sampling, window
from playground.cli.main import main


def test_list_is_an_array_of_cards(capsys):
    assert main(["list", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    drawing = [c for c in cards if c["dataset"] != "plane" and c["family"]]  # CLIP has none
    assert len(drawing) == len(checkpoints.cards()) >= 5
    for card in cards:
        assert {"id", "family", "system", "dataset", "parameters", "metrics"} <= card.keys()
    assert main(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(cards)


def test_sample_writes_arrays_grids_and_films(tmp_path, capsys):
    arguments = [
        "sample",
        "ddpm-fashion",
        "--count",
        "3",
        "--seed",
        "5",
        "--set",
        "num_steps=3",
        "sampler=ddim",
    ]
    assert main([*arguments, "--out", str(tmp_path / "a.npy")]) == 0
    images = np.load(tmp_path / "a.npy")
    assert images.shape == (3, 28, 28, 1) and images.dtype == np.uint8
    assert main([*arguments, "--out", str(tmp_path / "a.png")]) == 0
    with Image.open(tmp_path / "a.png") as sheet:
        assert np.array_equal(np.array(sheet)[:28, :28], images[0, ..., 0])
    assert main([*arguments, "--out", str(tmp_path / "a.gif")]) == 0
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 4
    assert capsys.readouterr().out == ""


def test_more_than_one_batch_is_the_same_set(tmp_path):
    for count in (3, 103):
        assert (
            main(["sample", "vae-fashion", "--count", str(count), "--out", str(tmp_path / f"{count}.npy")])
            == 0
        )
    few, many = np.load(tmp_path / "3.npy"), np.load(tmp_path / "103.npy")
    assert len(many) == 103
    assert np.abs(few.astype(int) - many[:3]).max() <= 1
    assert len(np.unique(many.reshape(103, -1), axis=0)) == 103


def test_score_speaks_of_every_image(tmp_path, capsys):
    images, labels = data.load("fashion", "test")
    np.save(tmp_path / "x.npy", images[:3])
    np.save(tmp_path / "y.npy", labels[:3])
    arguments = ["score", "pixelcnn-fashion", "--images", str(tmp_path / "x.npy"), "--seed", "0", "--json"]
    assert main(arguments) == 0
    unconditional = json.loads(capsys.readouterr().out)
    assert main([*arguments, "--labels", str(tmp_path / "y.npy")]) == 0
    conditional = json.loads(capsys.readouterr().out)
    assert len(unconditional) == len(conditional) == 3
    assert all(s["kind"] == "exact" and s["unit"] == "bits/dim" for s in unconditional)
    limit = np.log2(10) / 784  # p(x) is at least a tenth of p(x given its class)
    assert all(
        u["value"] <= c["value"] + limit + 1e-6 for u, c in zip(unconditional, conditional, strict=True)
    )


def test_a_model_of_text_writes_and_scores_text(tmp_path, capsys):
    out, settings = tmp_path / "two.txt", ["prompt=And he said, a=b", "num_tokens=30"]
    arguments = ["sample", "ngram-bible", "--count", "2", "--set", *settings, "--out", str(out)]
    assert main(arguments) == 0
    texts = out.read_text().split("\n\n* * *\n\n")
    assert [t.startswith("And he said, a=b") for t in texts] == [True, True] and texts[0] != texts[1]
    assert main([*arguments[:-1], str(tmp_path / "two.npy")]) == 0
    codes = np.load(tmp_path / "two.npy")
    assert codes.shape == (2, 1, 46, 1) and bytes(codes[1, 0, :, 0]).decode() == texts[1].removesuffix("\n")
    verse = "And it came to pass, that the children of Israel went up.\n"
    scores = []
    for name, text in (("good", verse), ("bad", verse[::-1])):
        (tmp_path / name).write_text(text)
        assert main(["score", "ngram-bible", "--text", str(tmp_path / name), "--json"]) == 0
        scores += json.loads(capsys.readouterr().out)
    assert [s["unit"] for s in scores] == ["bits/char"] * 2 and scores[0]["value"] < 2 < scores[1]["value"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["sample", "ngram-bible", "--out", "a.png"], "ends in .txt, .npy"),
        (["sample", "ngram-bible", "--set", "prompt=é", "--out", "a.txt"], "plain characters"),
        (["score", "ngram-bible", "--images", "good.npy"], "give --text"),
        (["score", "vae-fashion", "--text", "good.npy"], "give --images"),
        (["score", "ngram-bible", "--text", "good.npy"], "not a text file"),
        (["evaluate", "ngram-bible", "--only", "pictures"], "only its likelihood"),
        (["sample", "nothing", "--out", "a.png"], "no checkpoint 'nothing'"),
        (["sample", "vae-fashion", "--out", "a.txt"], "ends in"),
        (["sample", "vae-fashion", "--out", "missing/a.png"], "no folder"),
        (["sample", "vae-fashion", "--set", "colour=red", "--out", "a.png"], "no setting called 'colour'"),
        (["sample", "vae-fashion", "--set", "temperature", "--out", "a.png"], "name=value"),
        (["sample", "vae-fashion", "--set", "temperature=hot", "--out", "a.png"], "takes a number"),
        (["sample", "vae-fashion", "--set", "temperature=99", "--out", "a.png"], "between"),
        (["sample", "ddpm-fashion", "--set", "sampler=euler", "--out", "a.png"], "must be one of"),
        (["sample", "vae-fashion", "--seed", "-1", "--out", "a.png"], "seed must lie between"),
        (["score", "vae-fashion", "--images", "none.npy"], "none.npy"),
        (["score", "vae-fashion", "--images", "pickled.npy"], "not a .npy file of numbers"),
        (["score", "vae-fashion", "--images", "float.npy"], "must hold uint8 images"),
        (["score", "ae2d-fashion", "--images", "good.npy"], "no likelihood"),
        (["score", "vae-fashion", "--images", "good.npy", "--seed", "-1"], "seed must lie between"),
        (["score", "vae-fashion", "--images", "good.npy", "--seed", str(2**63)], "seed must lie between"),
        (["sample", "vae-fashion", "--seed", str(2**63), "--out", "a.png"], "seed must lie between"),
        (["sample", "vae-fashion", "--set", "seed=-1", "--out", "a.png"], "seed must lie between"),
        (
            ["sample", "vae-fashion", "--set", "seed=5", "--seed", "6", "--out", "a.png"],
            "seed is given twice",
        ),
        (["sample", "vae-fashion", "--set", "num_samples=0", "--out", "a.png"], "whole number from 1"),
        (["sample", "vae-fashion", "--set", "num_samples=many", "--out", "a.png"], "whole number from 1"),
        (
            ["sample", "vae-fashion", "--count", "2", "--set", "num_samples=3", "--out", "a.png"],
            "given twice",
        ),
        (["check", "folder/none"], "no file 'folder/none'"),
        (["check", ""], "no file ''"),
        (["evaluate", "vae-fashion", "--count", "1"], "--count must be at least 20 for pictures"),
        (["evaluate", "vae-fashion", "--only", "likelihood", "--count", "1"], "at least 2 for likelihood"),
        (["evaluate", "vae-fashion", "--only", "lens", "--count", "1"], "at least 2 for lens"),
        (["evaluate", "ngram-bible", "--count", "9"], "on all test books"),
        (["evaluate", "ae2d-fashion", "--only", "likelihood"], "only its pictures can be measured"),
        (["evaluate", "vae-fashion", "--only", "likelihood", "--set", "seed=5"], "leave it out"),
        (["evaluate", "vae-fashion", "--count", "20", "--set", "num_samples=9"], "said by --count"),
        (["bench", "--only", "nosuchrow"], "No row's name contains 'nosuchrow'"),
        (["--tab", "poetry"], "no tab called 'poetry'"),
        (["--screenshot", "missing/a.png"], "no folder"),
    ],
)
def test_errors_are_one_sentence(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("float.npy", np.zeros((1, 28, 28, 1)))
    np.save("good.npy", np.zeros((1, 28, 28, 1), np.uint8))
    np.save("pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err and captured.err.count("\n") == 1 and "Traceback" not in captured.err


def test_seed_and_count_may_stand_among_the_settings(tmp_path):
    for name, how in (("a", ["--set", "seed=5", "num_samples=3"]), ("b", ["--seed", "5", "--count", "3"])):
        assert main(["sample", "vae2d-fashion", *how, "--out", str(tmp_path / f"{name}.npy")]) == 0
    first, second = (np.load(tmp_path / f"{name}.npy") for name in "ab")
    assert len(first) == 3 and np.array_equal(first, second)
    assert main(["sample", "vae2d-fashion", "--count", "3", "--out", str(tmp_path / "c.npy")]) == 0
    assert not np.array_equal(first, np.load(tmp_path / "c.npy"))


def test_wrong_words_exit_with_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["sample", "vae-fashion", "--count", "0", "--out", "a.png"])
    assert stop.value.code == 2
    assert "at least 1" in capsys.readouterr().err


def test_a_bench_row_that_fails_costs_only_itself(monkeypatch, capsys):
    def fails():
        raise RuntimeError("out of memory")

    good = lambda: sampling.row("made up", 1.0, "ms")  # noqa: E731
    monkeypatch.setattr(sampling, "model_rows", lambda: [("first", good), ("broken", fails)])
    monkeypatch.setattr(window, "window_rows", lambda: [("last", lambda: [good(), good()])])
    assert main(["bench", "--json"]) == 1
    told = capsys.readouterr()
    assert len(json.loads(told.out)) == 3
    assert "broken could not be measured" in told.err


def test_a_row_whose_peer_is_not_installed_is_skipped_with_its_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)  # importing it raises, as where it is not installed
    measure = dict(sampling.model_rows())["diffusion, per step, against diffusers"]
    (row,) = measure()
    assert row.value is None and row.ok is None and "diffusers is not installed" in row.skipped
    assert row.skipped in sampling.as_table([row])


def test_bfloat16_is_skipped_with_its_reason_where_it_was_not_measured():
    rows = sampling.bfloat16_rows({"fp32": 10.0, "auto": 10.0}, "fp32")
    assert [row.value for row in rows] == [10.0, None, 10.0] and "bfloat16" in rows[1].skipped


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
def test_memory_is_that_of_the_process_itself_and_not_of_the_one_that_started_it():
    """On Linux the highest resident size of ``getrusage`` is inherited: a bench that had grown was counted as the window's."""
    large = np.ones(60_000_000)  # 0.48 GB here
    code = "from playground.bench.memory import resident; print(*resident())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    now, peak = (float(word) for word in done.stdout.split())
    assert memory.resident()[0] > large.nbytes / 1e9 > peak >= now > 0


def test_what_is_trained_live_is_listed_and_cannot_be_sampled(capsys, tmp_path):
    assert main(["list", "--json"]) == 0
    found = {card["id"]: card for card in json.loads(capsys.readouterr().out)}
    assert found["made-plane"]["dataset"] == "plane" and found["made-plane"]["family"] == "autoregressive"
    assert main(["sample", "made-plane", "--out", str(tmp_path / "a.png")]) == 2
    said = capsys.readouterr()
    assert "trained live" in said.err and said.err.count("\n") == 1 and not said.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", ["sample", "score", "evaluate", "complete", "train", "list", "bench", "data"]
)
def test_every_command_explains_itself(command, capsys):
    """A per cent sign in a help text is a directive to argparse."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0 and command in capsys.readouterr().out
