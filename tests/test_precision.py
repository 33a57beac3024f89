"""bfloat16 where it is quicker: close to float32, settled once per machine, and never in what is saved or scored."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from playground import checkpoints, paths
from playground.cli.main import main
from playground.contract import knobs, make_request
from playground.models import network_class, precision

HALVING = [c for c in checkpoints.cards() if hasattr(network_class(c.network), "set_precision")]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(precision, "bfloat16_pays", lambda device: True)
    return paths.cache() / "precision.json"


def pictures(model, **settings):
    steps = {k.name: min(k.default, 8) for k in knobs(model.Request) if k.name == "num_steps"}
    names = {"num_samples": 2, "seed": 3, **steps, **settings}
    *_, last = model.sample(make_request(model.Request, names))
    return last.images.astype(int)


@pytest.mark.parametrize("card", HALVING, ids=lambda c: c.id)
def test_bfloat16_draws_the_same_pictures_but_for_a_few_grey_levels(card):
    model = checkpoints.load(card.id)
    names = list(model.state_dict())
    exact = pictures(model)
    model.set_precision("bf16")
    rough = pictures(model)
    assert np.array_equal(rough, pictures(model)), "the same request gives the same bits"
    assert not np.array_equal(exact, rough), "bfloat16 was not used at all"
    difference = np.abs(exact - rough)
    # guidance of 4, as of unclip-emoji, also multiplies what rounding does
    assert difference.mean() < 1.25 and np.percentile(difference, 99) <= 10
    assert list(model.state_dict()) == names
    model.set_precision("fp32")
    assert np.array_equal(exact, pictures(model))


@pytest.mark.parametrize("card", [c for c in HALVING if c.likelihood != "none"], ids=lambda c: c.id)
def test_scores_stay_in_float32(card):
    model = checkpoints.load(card.id)
    x = torch.randint(0, 256, (1, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = model.score(x)[0].value
    model.set_precision("bf16")
    assert model.score(x)[0].value == before


@pytest.mark.parametrize(("bf16", "verdict"), [(0.5, "bf16"), (0.95, "fp32"), (2.0, "fp32")])
def test_the_verdict_is_made_once_and_kept(cache, monkeypatch, bf16, verdict):
    model, asked = checkpoints.load(HALVING[0].id), []
    monkeypatch.setattr(precision, "seconds", lambda m: asked.append(m) or {"fp32": 1.0, "bf16": bf16})
    assert precision.settle(model) == verdict == model.precision
    monkeypatch.setattr(precision, "seconds", lambda m: {"fp32": 1.0, "bf16": 1 / bf16})
    assert precision.settle(checkpoints.load(HALVING[0].id)) == verdict, (
        "a later session finds what was settled"
    )
    assert len(asked) == 1 and verdict in json.loads(cache.read_text()).values()


def test_where_products_are_slower_in_bfloat16_no_network_is_asked(cache, monkeypatch):
    monkeypatch.setattr(precision, "bfloat16_pays", lambda device: False)
    monkeypatch.setattr(precision, "seconds", lambda m: pytest.fail("it was"))
    assert precision.settle(checkpoints.load(HALVING[0].id)) == "fp32"
    assert not cache.exists(), "the next machine with this home may be another"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 3}'])
def test_a_broken_file_of_verdicts_is_written_anew(cache, monkeypatch, text):
    cache.parent.mkdir()
    cache.write_text(text)
    monkeypatch.setattr(precision, "seconds", lambda m: {"fp32": 1.0, "bf16": 0.5})
    assert precision.settle(checkpoints.load(HALVING[0].id)) == "bf16"
    assert "bf16" in json.loads(cache.read_text()).values()


def test_the_probe_measures_both_and_leaves_the_model_as_it_was(cache):
    model = checkpoints.load(HALVING[0].id)
    found = precision.seconds(model, rounds=2)
    assert set(found) == {"fp32", "bf16"} and all(0 < s < 30 for s in found.values())
    assert model.precision == "fp32"


def test_the_command_line_takes_a_precision(cache, tmp_path, monkeypatch, capsys):
    drawn = {}
    for name in ("fp32", "bf16"):
        out = tmp_path / f"{name}.npy"
        few = ["--count", "2", "--set", "num_steps=2", "--precision", name, "--out", str(out)]
        assert main(["sample", HALVING[0].id, *few]) == 0
        drawn[name] = np.load(out)
    assert not np.array_equal(drawn["fp32"], drawn["bf16"])
    out = str(tmp_path / "x.npy")
    assert main(["sample", "vae-fashion", "--precision", "bf16", "--out", out]) == 1
    assert "fp32 only" in capsys.readouterr().err
