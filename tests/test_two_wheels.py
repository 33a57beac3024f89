"""What is needed to start comes in one wheel, the rest in another; without it, the program says how it is had."""

from __future__ import annotations

import importlib.util
import json
import shutil

import pytest

from playground import checkpoints, families, paths
from playground.cli.main import main
from tests.windows import WAIT, opened, wait_open

ROOT = paths.PACKAGE.parent


@pytest.fixture(scope="module")
def hatch_build():
    """The build hook of both wheels."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def first_wheel_only(tmp_path, monkeypatch):
    """A folder of checkpoints with one model, and a catalogue that knows two more of its family."""
    folder = tmp_path / "pretrained"
    folder.mkdir()
    shutil.copy(ROOT / "pretrained" / "stylegan-fashion.safetensors", folder)
    names = ("stylegan-fashion", "dcgan-fashion", "gan-fashion")
    cards = [c for c in checkpoints.cards() if c.id in names]
    entries = [{"id": c.id, "family": c.family, "system": c.system} for c in cards]
    (folder / "catalogue.json").write_text(json.dumps(entries))
    there = paths.folder
    monkeypatch.setattr(paths, "folder", lambda name: folder if name == "pretrained" else there(name))


def test_the_first_wheel_holds_what_every_tab_opens_with_and_what_that_needs(hatch_build):
    cards = hatch_build.read_cards()
    start = hatch_build.needed_to_start(cards)
    assert {f.opens for f in families.FAMILIES} & set(cards) <= start
    assert all(o.partition("@")[0] in start for id in start for o in cards[id]["built_on"])
    first, second = hatch_build.files_of(start), hatch_build.files_of(set(cards) - start)
    weights = {str(f) for f in (ROOT / "pretrained").glob("*.safetensors")}
    assert not first.keys() & second.keys() and weights <= first.keys() | second.keys()


def test_what_a_model_is_built_on_comes_with_it(hatch_build):
    cards = {first: {"built_on": [], "guided_by": ["weak@0"]} for first in hatch_build.opened_first()} | {
        "weak": {"built_on": ["codes@0"]},
        "codes": {},
        "apart": {},
    }
    assert hatch_build.needed_to_start(cards) == {*hatch_build.opened_first(), "weak", "codes"}


def test_a_model_that_is_not_installed_is_a_sentence_in_the_terminal(first_wheel_only, capsys):
    assert main(["sample", "dcgan-fashion", "--out", "x.png"]) == 1
    assert "pip install generative-playground-models" in capsys.readouterr().err
    assert main(["list"]) == 0
    said = capsys.readouterr()
    assert "stylegan-fashion" in said.out and "dcgan-fashion, gan-fashion" in said.err


def test_the_menu_shows_what_is_not_installed_and_says_how_to_get_it(first_wheel_only, qtbot):
    with opened(model_id="stylegan-fashion") as window:
        wait_open(qtbot, window)
        tab = window.current
        at = tab.models.findData("dcgan-fashion")
        assert tab.models.itemText(at) == "dcgan-fashion (not installed)"
        tab.models.setCurrentIndex(at)
        assert "pip install generative-playground-models" in tab.banner.text()
        assert tab.models.currentData() == tab.model_id == "stylegan-fashion"


def test_asked_for_at_the_start_it_opens_the_first_and_says_so(first_wheel_only, qtbot):
    with opened(tab="gan", model_id="gan-fashion") as window:
        qtbot.waitUntil(lambda: window.current.view is not None, timeout=WAIT)
        assert window.current.model_id == "stylegan-fashion"
        assert "gan-fashion" in window.current.banner.text()


def test_a_checkout_lacks_nothing():
    assert checkpoints.missing() == []
