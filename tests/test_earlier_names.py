"""What version 0.1 left behind still works: pictures and snippets in ``tests/old``, made by it, are opened and run."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import playground
from playground import checkpoints, contract, earlier_names
from playground.capabilities import HalvesPrecision
from playground.experiments.flow.layer_traces import ClassScoreRequest
from playground.export import picture_metadata
from tests.windows import load, opened

WAIT = 120_000  # ms, for a busy machine
OLD = Path(__file__).parent / "old"
PICTURES = sorted(f for f in OLD.glob("*.png") if f.stem != "race")
SNIPPETS = sorted(f for f in OLD.glob("*.txt") if f.stem != "names")
NAMES = [line.split() for line in (OLD / "names.txt").read_text().splitlines()]


def distance(images: np.ndarray, png: Path) -> float:
    """How far each of the first pictures is from the nearest place in a file that could be it: mean grey levels, the worst."""
    sheet = np.asarray(Image.open(png).convert("L"))
    places = np.lib.stride_tricks.sliding_window_view(sheet, images.shape[1:3])
    found = []
    for one in images[:4, ..., 0].astype(np.int16):
        found.append(min(float(np.abs(row.astype(np.int16) - one).mean((1, 2)).min()) for row in places))
    return max(found)


@pytest.mark.parametrize("module, name", NAMES)
def test_every_name_that_a_snippet_can_ask_for_is_there(module, name):
    assert getattr(importlib.import_module(module), name) is not None


def test_old_modules_lead_to_modules_that_exist_and_to_nothing_else():
    for places in earlier_names.MODULES.values():
        for place in places:
            importlib.import_module(place)
    with pytest.raises(AttributeError, match="has no attribute 'never'"):
        _ = importlib.import_module("playground.models.latent").never
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("playground.models.never")


def test_names_of_then_cost_nothing_until_they_are_asked_for():
    code = "import playground, sys; print(*sorted(m for m in sys.modules if m.startswith(('playground', 'torch'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["playground", "playground.earlier_names"]


@pytest.mark.parametrize("file", SNIPPETS, ids=lambda file: file.stem)
def test_a_snippet_of_then_makes_the_picture_of_then(file, monkeypatch):
    space: dict = {}
    monkeypatch.setattr(playground, "load", load)
    exec(file.read_text(), space)
    images = space["images"]
    assert images.dtype == np.uint8
    if images.shape[1] == 1:  # a text: its picture is drawn with fonts
        assert bytes(images[0].ravel()).startswith(b"In the beginning")
    else:
        assert distance(images, file.with_suffix(".png")) <= 2


@pytest.fixture(scope="module")
def window(qapp):
    with opened() as one:
        yield one


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_a_picture_of_then_opens(window, qtbot, file):
    kept = picture_metadata.read(file)
    window.open_file(file)
    tab = window.current
    assert tab.family.key == kept.family
    wanted = kept.step if kept.step is not None else 0
    qtbot.waitUntil(
        lambda: (
            tab.view is not None
            and tab.view.name == kept.view
            and tab.model.card.id == kept.model
            and tab.view.request is not None
            and contract.settings_of(tab.view.request) == kept.settings
            and tab.view.player.frame is not None
            and tab.view.player.frame.step >= wanted
        ),
        timeout=WAIT,
    )
    precision = tab.model.precision if isinstance(tab.model, HalvesPrecision) else "fp32"
    if precision == (kept.precision or "fp32"):
        assert tab.banner.isHidden(), tab.banner.text()
    else:  # a processor that is no quicker in bfloat16
        assert tab.banner.text() == (
            f"The picture was made in {kept.precision} and is made here in {precision}, so pixels may differ."
        )
    images = tab.view.player.frame.images
    if images.shape[1] > 1:
        assert tab.view.player.frame.step > wanted or distance(images, file) <= 2


def test_a_race_of_then_is_run_again(window, qtbot):
    kept = picture_metadata.read(OLD / "race.png")
    window.open_file(OLD / "race.png")
    assert window.page is not None and window.page.banner.isHidden()
    race = window.page.scene
    assert race.ids == kept.state["models"]
    assert set(race.ids) == {"vae2d-fashion", "gan-fashion", "nice-fashion"}
    assert race.settings.seed == 5
    race.stop()


def test_settings_of_then_are_read_under_their_names_of_now():
    found = picture_metadata.read(OLD / "tarflow-fashion-round-trip.png")
    assert found.settings["class_label"] == "none" and "told" not in found.settings
    assert earlier_names.settings({"told": "own", "class_label": "none"}) == {"class_label": "none"}


def test_a_request_takes_a_setting_under_either_name():
    old = importlib.import_module("playground.models.flow._journeys").ToldScoreRequest
    assert (
        old(told="none", seed=3)
        == old(class_label="none", seed=3)
        == ClassScoreRequest(class_label="none", seed=3)
    )
    with pytest.raises(TypeError):
        old(never="none")


def test_a_card_may_name_its_network_as_it_was_called_then(tmp_path, monkeypatch):
    monkeypatch.setitem(
        earlier_names.MODULES, "playground.models.flow._nice", ("playground.models.flow.nice",)
    )
    model = load("nice-fashion")
    file = tmp_path / "own-fashion.safetensors"
    checkpoints.save(
        file, model, dataclasses.replace(model.card, id="own-fashion", network="flow/_nice", metrics={})
    )
    assert checkpoints.read_card(file).network == "flow/nice"
    assert type(checkpoints.load(file)) is type(model)
