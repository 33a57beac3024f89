"""Several processes under torchrun make what one process makes: the same pictures, the same weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from playground import checkpoints, distributed
from playground.cli.main import main
from playground.evaluation import report
from tests import torchrun_playground

PROGRAM = Path(__file__).with_name("torchrun_playground.py")


def torchrun(*lines):
    """What each of these command lines says, run by the same two processes."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROGRAM.parent.parent)}
    done = subprocess.run(
        [*launcher, PROGRAM, json.dumps([[str(word) for word in line] for line in lines])],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split(f"{torchrun_playground.END}\n")
    assert len(said) == len(lines) + 1
    return said[:-1]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_shares_are_neighbours_and_miss_nothing(size):
    for count in (0, 1, 5, 16, 1000):
        shares = [distributed.World(rank, size).share(count) for rank in range(size)]
        assert [i for share in shares for i in share] == list(range(count))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_broken_environment_is_a_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["sample", "vae-fashion", "--out", str(tmp_path / "a.png")]) == 1
    assert "do not name one of several processes" in capsys.readouterr().err


def test_two_processes_draw_train_and_measure_as_one_does(tmp_path, capsys):
    sample = ["sample", "made-fashion", "--count", "5", "--seed", "3", "--out"]
    train = ["train", "ae2d-fashion", "--out"]
    evaluate = ["evaluate", "vae-fashion", "--count", "40", "--only", "pictures", "--json"]
    _, trained, measured = torchrun([*sample, tmp_path / "2.npy"], [*train, tmp_path / "2"], evaluate)

    # discrete draws to the bit, split at an index that is no multiple of anything
    assert main([*sample, str(tmp_path / "1.npy")]) == 0
    one, two = np.load(tmp_path / "1.npy"), np.load(tmp_path / "2.npy")
    assert len(np.unique(one.reshape(5, -1), axis=0)) == 5
    assert np.array_equal(one, two)

    # a loss without draws has one gradient, however the batch of nine is split
    assert trained.count("step 4/4") == 1, "only the first process speaks"
    with pytest.MonkeyPatch.context() as patch:
        torchrun_playground.shrink(patch.setattr)
        assert main([*train, str(tmp_path / "1")]) == 0
    one, two = (checkpoints.load(tmp_path / n / "ae2d-fashion.safetensors") for n in ("1", "2"))
    start = type(one)(one.config).state_dict()
    assert two.card.images_seen == 36 and two.card.machine.startswith("2 processes")
    for name, value in one.state_dict().items():
        assert np.allclose(value, two.state_dict()[name], atol=2e-5), name
    moved = [float((v - start[n]).abs().max()) for n, v in one.state_dict().items()]
    assert max(moved) > 1e-3
    files = [sorted(p.name for p in (tmp_path / n).iterdir()) for n in ("1", "2")]
    assert files[0] == files[1]

    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        torchrun_playground.shorten(patch.setattr)
        assert main(evaluate) == 0
    one, two = (json.loads(said)[report.PICTURES] for said in (capsys.readouterr().out, measured))
    assert one.pop("milliseconds") > 0 and two.pop("milliseconds") > 0
    assert one == two


def test_a_batch_that_cannot_be_split_is_a_sentence(tmp_path):
    from playground.training import loop

    with pytest.raises(ValueError, match="too small to be split over 1000"):
        next(loop.train("ae2d-fashion", tmp_path, world=distributed.World(0, 1000)))
