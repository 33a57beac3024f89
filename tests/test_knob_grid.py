"""The grid over two knobs: read off any request, one noise in all cells, live, and driven like every other view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PySide6.QtCore import Qt

from playground import checkpoints
from playground.contract import EACH_CLASS, Frame, Request, knob, knobs, make_request
from playground.experiments import knob_grid
from playground.tabs.frame.knob_grid import KnobGrid
from tests.windows import WAIT, load, picture_cards, wait_finished


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


@dataclass(frozen=True)
class ToyRequest(Request):
    """A request with a knob of every kind."""

    name: str = knob("plain", label="name", choices=(("plain", "Plain"), ("odd", "Odd one")), help="")
    free: str = knob("", label="free text", help="")
    steps: int = knob(12, label="steps", low=1, high=250, log=True, help="")
    scale: float = knob(1.5, label="scale", low=1.0, high=8.0, step=0.1, help="")
    label: int = knob(EACH_CLASS, label="class", choices="classes", help="")
    on: bool = knob(False, label="on", help="")


class Toy:
    """Draws its settings: what a cell was asked for can be read off its picture."""

    Request = ToyRequest

    class card:
        dataset = "fashion"
        classes = ("T-shirt", "Trouser", "Bag")

    def sample(self, request, resume=None):
        for step in range(request.steps + 1):
            image = np.zeros((request.num_samples, 28, 28, 1), np.uint8)
            image[:, 0, :4, 0] = request.steps, round(request.scale * 10), request.seed, step
            yield Frame(step, request.steps, 2 * step, image)


CLASSES = Toy.card.classes
GRID = knob_grid.grid_request(ToyRequest)


def test_a_knob_can_name_its_telling_values():
    """A PixelCNN much colder than it was trained draws empty pictures: its grid does not begin with those."""
    temperature = {k.name: k for k in knobs(load("pixelcnn0-fashion").Request)}["temperature"]
    assert knob_grid.suggested(temperature) == list(temperature.telling)
    assert min(temperature.telling) > 0.8 and temperature.default in temperature.telling


def test_axes_are_read_off_the_knobs():
    assert list(knob_grid.turnable(ToyRequest)) == ["steps", "scale", "name", "label", "on", "seed"]
    assert (GRID().rows, GRID().columns) == ("steps", "scale")
    names = [k.name for k in knobs(GRID)]
    assert names[:4] == list(knob_grid.AXES) and set(names) > {k.name for k in knobs(ToyRequest)}
    assert knob_grid.grid_request(ToyRequest) is GRID


@pytest.mark.parametrize("card", checkpoints.cards(), ids=lambda c: c.id)
def test_suggested_values_are_values_of_their_knob(card):
    from playground.models import network_class

    request = network_class(card.network).Request
    for one in knob_grid.turnable(request).values():
        values = knob_grid.suggested(one, card.classes)
        assert [one.check(value) for value in one.telling] == list(one.telling)
        assert 2 <= len(values) <= knob_grid.MOST and len(set(values)) == len(values)
        assert all(one.check(v) == v and type(v) is one.type for v in values)
        written = ", ".join(str(v) for v in values)
        assert knob_grid.values_of(one, written, card.classes) == values


def test_values_are_read_by_number_by_name_and_by_word():
    known = knob_grid.turnable(ToyRequest)
    assert knob_grid.values_of(known["label"], "bag, 0", CLASSES) == [2, 0]
    assert knob_grid.values_of(known["name"], "Odd one, plain") == ["odd", "plain"]
    assert knob_grid.values_of(known["on"], "yes, off") == [True, False]


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"row_values": "1, 999"}, "steps must lie between 1 and 250"),
        ({"column_values": "much"}, "scale takes a number"),
        ({"row_values": ",".join("1" * 11)}, "at most 10"),
        ({"columns": "steps"}, "both turn steps"),
        ({"rows": "label", "row_values": "7"}, "no class 7"),
    ],
)
def test_what_is_wrong_is_one_sentence(settings, said):
    with pytest.raises(ValueError, match=said):
        knob_grid.plan(make_request(GRID, settings), ToyRequest, CLASSES)


def test_cells_fill_one_after_another_with_one_seed():
    request = make_request(GRID, {"row_values": "2, 40", "column_values": "1, 3.5, 8", "seed": 9})
    frames = list(knob_grid.fill(Toy(), request))
    steps = [f.step for f in frames]
    assert steps == sorted(set(steps)) and steps[-1] == frames[-1].total == 6 * knob_grid.PARTS
    last = frames[-1]
    assert last.images[:, 0, :4, 0].tolist() == [
        [rows, scale, 9, rows] for rows in (2, 40) for scale in (10, 35, 80)
    ]
    assert last.extras["cost"].tolist() == [4, 4, 4, 80, 80, 80] and last.passes == 252
    assert (last.extras["rows"], last.extras["columns"]) == (["2", "40"], ["1", "3.5", "8"])
    for frame in frames:
        begun = frame.extras["begun"]
        assert begun.tolist() == sorted(begun.tolist(), reverse=True) and not frame.images[~begun].any()
    slow = [f for f in frames if f.extras["begun"].sum() == 4]
    assert len(slow) == knob_grid.PARTS, "a slow cell is seen while it forms"


def test_no_knob_along_a_side_makes_one_row():
    request = make_request(GRID, {"rows": "none", "steps": 3, "column_values": "1, 2"})
    grid = knob_grid.plan(request, ToyRequest, CLASSES)
    assert [c.scale for c in grid.cells] == [1.0, 2.0] and {c.steps for c in grid.cells} == {3}
    assert grid.titles == ("", "scale") and {c.num_samples for c in grid.cells} == {1}


@pytest.mark.parametrize("card", picture_cards(), ids=lambda c: c.id)
def test_a_cell_is_what_the_model_draws_alone(card):
    model = load(card.id)
    assert KnobGrid.suits(model)
    kind = knob_grid.grid_request(model.Request)
    first = next(iter(knob_grid.turnable(model.Request).values()))
    two = ", ".join(str(v) for v in knob_grid.suggested(first, card.classes)[:2])
    settings = {"rows": first.name, "row_values": two, "columns": "none", "seed": 5}
    settings |= {"num_steps": 3, "guidance_scale": 1.0}  # quicker, and as good
    known = {k.name for k in knobs(kind)}
    request = make_request(kind, {k: v for k, v in settings.items() if k in known})
    *_, last = knob_grid.fill(model, request)
    cells = knob_grid.plan(request, model.Request, card.classes).cells
    assert [getattr(c, first.name) for c in cells] == knob_grid.values_of(first, two, card.classes)
    assert len(last.images) == len(cells) == 2
    *_, alone = model.sample(cells[1])
    assert np.array_equal(last.images[1], alone.images[0])


def test_pickers_never_meet_and_old_values_go(open_window, qtbot):
    window = open_window(model_id="vae-fashion", view="Grid")
    tab = window.current
    view = tab.view
    wait_finished(qtbot, view)
    assert (view.request.rows, view.request.columns) == ("output", "temperature")  # the longer side lies
    assert tab.knobs.row("temperature").isHidden() and not tab.knobs.row("seed").isHidden()
    tab.knobs.set_settings({"column_values": "0.5, 1.5"})
    assert view.request.column_values == "0.5, 1.5"
    tab.knobs.set_settings({"rows": "temperature"})
    assert (view.request.rows, view.request.columns) == ("temperature", "output")
    assert view.request.column_values == "" and tab.knobs.request() == view.request
    tab.knobs.set_settings({"rows": "seed", "row_values": "3, 4"})
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.frame.extras["rows"] == ["3", "4"], timeout=WAIT)
    assert tab.knobs.row("seed").isHidden() and tab.banner.isHidden()
    tab.knobs.set_settings({"row_values": "3, x"})
    qtbot.waitUntil(lambda: not tab.banner.isHidden(), timeout=WAIT)
    assert "seed takes a whole number, not 'x'" in tab.banner.text()


def test_arrows_choose_a_cell_and_the_bars_follow(open_window, qtbot):
    window = open_window(model_id="ddpm-fashion", view="Steps")
    tab = window.current
    view = tab.view
    tab.knobs.set_settings({"row_values": "ddim, unipc", "column_values": "1, 2, 3", "guidance_scale": 1.0})
    qtbot.waitUntil(
        lambda: view.player.frame is not None and len(view.player.frame.images) == 6, timeout=WAIT
    )
    wait_finished(qtbot, view)
    view.grid.setFocus()
    view.grid.select(0)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right):
        qtbot.keyClick(view.grid, key)
    assert view.grid.selected() == 4
    assert view.plot.values.tolist() == [1, 2, 3] and view.plot.highlight == 1
    assert "UniPC" in view.plot.title


def test_values_of_one_preset_do_not_leak_into_another(open_window, qtbot):
    window = open_window(model_id="ddpm-fashion", view="Guidance")
    tab = window.current
    names = [v.name for v in tab.suitable]
    for name, values in (("Steps", ""), ("Grid", ""), ("Guidance", "Trouser, Dress, Sneaker, Bag")):
        tab.show_view(names.index(name))
        assert tab.view.request.row_values == values == tab.knobs.request().row_values
        assert tab.banner.isHidden()
