"""How large pictures are painted: the measure itself, and that views keep to it."""

from __future__ import annotations

import json

from playground.bench.measure_views import ViewSizes
from playground.cli.main import main


def test_the_command_prints_a_row_for_each_view(capsys, qapp):
    assert main(["measure-views", "--size", "1280x800", "--only", "vae/latent plane", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [set(row) for row in rows] == [{"tab", "view", "smallest", "largest", "share", "why"}]
    row = rows[0]
    assert (row["tab"], row["view"]) == ("vae", "Latent plane")
    assert 0 < row["smallest"] < row["largest"] < 800 and 0 < row["share"] < 1.5


def test_a_view_of_text_has_no_pictures(capsys, qapp):
    assert main(["measure-views", "--only", "autoregressive/write", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert row["share"] is row["smallest"] is row["largest"] is row["why"] is None


def test_an_unknown_view_is_a_sentence(capsys, qapp):
    assert main(["measure-views", "--only", "nothing of that name", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "nothing of that name" in said.err


def test_what_counts_as_large():
    fine = ViewSizes("t", "v", 60, 60, 0.6, None)
    assert fine.is_large(lecture=False) and not fine.is_large(lecture=True)
    assert not ViewSizes("t", "v", 120, 120, 0.5, None).is_large(lecture=True)
    assert ViewSizes("t", "v", None, None, None, None).is_large(lecture=True)
