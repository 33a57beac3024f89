"""``playground check --device``: one command that says whether a device computes what the CPU does."""

from __future__ import annotations

import json

import numpy as np
import pytest

from playground.cli.main import main
from playground.evaluation import device_check
from tests import stand_in_device

QUICK = [
    "dcgan-fashion",
    "ngram-bible",
    "vae2d-fashion",
]  # pictures in one step, drawn number by number, scored


def test_the_cpu_agrees_with_itself(capsys):
    assert main(["check", "--device", "cpu", "--json", *QUICK]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["id"] for row in rows} == {"all", *QUICK}
    assert {row["what"] for row in rows} == {"noise", "pictures", "score"}
    assert {row["unit"] for row in rows} >= {"grey levels", "nats", "of the score"}
    assert all(row["ok"] and row["distance"] <= row["limit"] for row in rows)
    assert all(
        row["milliseconds"] > 0 and row["cpu_milliseconds"] > 0 for row in rows if row["what"] != "noise"
    )


def test_a_device_that_computes_the_same_passes():
    with stand_in_device.present():
        rows = list(device_check.rows(QUICK, stand_in_device.NAME))
    assert all(row.ok for row in rows), [row for row in rows if not row.ok]


def test_a_device_that_errs_is_found_out():
    with stand_in_device.present():
        stand_in_device.err_by(0.3)
        rows = list(device_check.rows(["dcgan-fashion", "vae2d-fashion"], stand_in_device.NAME))
    wrong = {row.unit for row in rows if not row.ok}
    assert {"grey levels", "of the score"} <= wrong
    assert "**not ok**" in device_check.table(rows)


def test_what_a_device_cannot_do_is_a_row_with_its_reason():
    def load(id):
        pair = device_check.loaded_on(stand_in_device.NAME)(id)
        stand_in_device.lose("CUDA error: unspecified launch failure")
        return pair

    with stand_in_device.present():
        _, row = device_check.rows(["dcgan-fashion"], stand_in_device.NAME, load)
    assert not row.ok and row.distance == np.inf and "unspecified launch failure" in row.note


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--device", "warp"], "no device 'warp'"),
        (["--device", "cpu", "nosuch"], "no checkpoint 'nosuch'"),
        (["--json"], "--json goes with --device"),
    ],
)
def test_wrong_words_are_one_sentence(words, expected, capsys):
    assert main(["check", *words]) == 1
    said = capsys.readouterr()
    assert expected in said.err and said.out == "" and "Traceback" not in said.err
