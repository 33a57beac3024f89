"""What is exported comes back: every view of every model is exported and opened again to the bit; hostile files are refused."""

from __future__ import annotations

import numpy as np
import pytest

import playground
from playground import checkpoints, families, machine
from playground.experiments import interpolation, knob_grid
from playground.models.energy.score_ebm import ScoreEBM
from playground.tabs import registry
from playground.tabs.frame.exporter import view_state_of
from playground.tabs.frame.family_tab import FamilyTab
from playground.tabs.frame.page import LinkTarget
from playground.tabs.gan.failures import Failures
from playground.tabs.pictures import super_resolution
from tests.windows import REPEATED, begun, every_view, load, opened, plays_steps_and_stops, shows_first

WAIT = 120_000  # ms, for a busy machine


@pytest.fixture(scope="module")
def window(qapp):
    """One window for all tests here: what is opened again must not care what was there before."""
    patch, encodings = pytest.MonkeyPatch(), interpolation.encodings

    def few(model):  # quicker, and as good
        yield next(encodings(model))

    patch.setattr(interpolation, "encodings", few)
    patch.setattr(ScoreEBM, "num_compared", 16)
    patch.setattr(machine, "num_cores", lambda: 1)  # two threads on a busy machine wait for each other
    patch.setattr(super_resolution, "is_there", lambda: False)  # larger pictures come when they come
    with opened() as one:
        yield one
    patch.undo()


def settled(view):
    """The run and what hangs on it stand; the test set may still be on its way through an encoder."""
    busy = [lane for lane in view.lanes if lane.state in ("waiting", "running")]
    return len(view.player.timeline) > 0 and not [lane for lane in busy if "encodings" not in lane.name]


def settle(qtbot, view):
    qtbot.waitUntil(lambda: settled(view), timeout=WAIT)


def go(qtbot, window, card, view_name):
    """Open a view of a model."""
    window.go(LinkTarget(card.family, card.id, view_name))
    tab = window.current
    qtbot.waitUntil(
        lambda: tab.view is not None and tab.model.card.id == card.id and tab.view.name == view_name,
        timeout=WAIT,
    )
    qtbot.waitUntil(lambda: begun(tab.view.player), timeout=WAIT)
    return tab, tab.view


def picture_of(tab):
    """What the canvas shows: titles, words and pixels."""
    return [
        (c.columns, c.captions, c.row_captions, c.column_captions, list(c.panels), c.known)
        for c in view_state_of(tab.view).contents
    ]


def same(a, b):
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def export(qtbot, tab, path):
    """Through the dialog, as a person would."""
    tab.keeper.open()
    dialog = tab.keeper.dialog
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        dialog.save_to(path)
    tab.keeper.close()


def stand_in_the_middle(qtbot, view):
    """At a step between the first and the last, if the run has one; a long run need not end for that.

    A short one does: reopened, it may be some frames past the head, and a strip would show them.
    """
    player = view.player
    qtbot.waitUntil(lambda: len(player.timeline) > 40 or not player.is_sampling, timeout=WAIT)
    player.pause()
    player.seek(len(player.timeline) // 2)
    settle(qtbot, view)


def reopen(qtbot, window, path, kind, request, step):
    """Open a kept picture and wait until it stands."""
    window.open_file(path)
    tab = window.current
    qtbot.waitUntil(lambda: type(tab.view) is kind and tab.view.request == request, timeout=WAIT)
    qtbot.waitUntil(lambda: settled(tab.view) and tab.view.player.frame.step == step, timeout=WAIT)
    assert tab.banner.isHidden(), tab.banner.text()
    return tab, tab.view


def small(kind, model):
    """A grid of two cells."""
    name, one = next(iter(knob_grid.turnable(model.Request).items()))
    low = one.low if one.low is not None else one.choices[0][0] if one.choices else one.default
    values = {
        "Grid": {"rows": "none", "columns": name, "column_values": f"{low}, {one.default}"},
        "Guidance": {"row_values": "Bag", "column_values": "1, 3"},
        "Steps": {"row_values": "ddim", "column_values": "2, 3"},
    }
    return values.get(kind.name, {})


@pytest.mark.parametrize("card, kind", list(every_view()))
def test_every_view_plays_and_comes_back_to_the_bit(window, qtbot, tmp_path, monkeypatch, card, kind):
    if not shows_first(card, kind) or card.network in REPEATED:
        pytest.skip("this view does not suit this model, or another of its network shows it")
    model = load(card.id)
    tab, view = go(qtbot, window, card, kind.name)
    assert tab.family.key == card.family and type(view) is kind
    plays_steps_and_stops(qtbot, window, tab)
    seed = 11 if view.request.seed != 11 else 12  # a new run, whatever the test before left on the knobs
    tab.knobs.set_settings({"seed": seed, "num_samples": 3, "num_steps": 6, **small(kind, model)})
    qtbot.waitUntil(lambda: begun(view.player), timeout=WAIT)
    stand_in_the_middle(qtbot, view)
    step, images, shown = view.player.frame.step, view.player.frame.images.copy(), picture_of(tab)
    export(qtbot, tab, tmp_path / "kept.png")
    snippet, request = view_state_of(tab.view).snippet, view.request

    tab.knobs.reset()  # everything changes
    tab.turn_page(1)
    built = [t for t in window.findChildren(FamilyTab) if t is not tab]
    if built:
        window.tabs.setCurrentWidget(built[-1])

    tab, view = reopen(qtbot, window, tmp_path / "kept.png", kind, request, step)
    assert tab.model.card.id == card.id and tab.knobs.request() == request
    assert np.array_equal(view.player.frame.images, images)
    assert same(picture_of(tab), shown)
    assert not view.player.is_playing, "it stands where it stood"

    space = {}
    monkeypatch.setattr(playground, "load", load)
    monkeypatch.chdir(tmp_path)  # it saves a picture
    exec(snippet, space)  # the same picture without a window
    assert np.abs(space["images"].astype(int) - images).max() <= 1


def test_what_is_left_out_as_a_repetition_is_one():
    """The same views, which call the same samplers."""
    cards = {card.network: card for card in checkpoints.cards()}
    for left, kept in REPEATED.items():
        one, other = load(cards[left].id), load(cards[kept].id)
        views = [[v for v in registry.views_of(families.entry(m.family)) if v.suits(m)] for m in (one, other)]
        own = set(views[0]) - {Failures}  # which has tests of its own
        assert own <= set(views[1]) and one.family == other.family
        assert type(one).sample is type(other).sample and one.Request is other.Request
