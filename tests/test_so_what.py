"""What results mean: sentences that follow from the figures, and change when they do."""

from __future__ import annotations

import pytest

from playground.tabs import so_what
from tests.windows import WAIT, wait_finished

USUAL = {"bits_per_dim": {"value": 3.0}}


@pytest.mark.parametrize(
    "bits, said",
    [
        (3.1, "in 304 of 784 bytes, about as many as a test picture takes"),
        (3.6, "in 353 of 784 bytes, 20% more than a test picture takes on average"),
        (1.5, "in 147 of 784 bytes, 50% less than a test picture takes on average"),
        (7.5, "in 735 of 784 bytes, 2.5 times as many as a test picture takes on average"),
    ],
)
def test_what_a_picture_costs_beside_the_usual(bits, said):
    assert said in so_what.cost(bits, 784, "exact", USUAL)
    assert said.replace("in ", "in at most ", 1) in so_what.cost(bits, 784, "bound", USUAL)
    assert said.partition(",")[0] in so_what.cost(bits, 784, "exact", {})


def test_chains_say_how_soon_they_fell():
    steps, energies = [0, 5, 10, 20], [100.0, 8.0, 2.0, 0.0]
    assert so_what.fall(steps, energies, 20) == (
        "the energy fell by 100 nats, nine tenths of it in the first 5 of 20 steps."
    )
    assert "rose by 100" in so_what.fall(steps, energies[::-1], 20)
    assert so_what.fall(steps, energies, 40) == "", "they are not at their end"


def test_the_discriminator_and_copies_are_counted():
    assert "takes 1 of these 4 for real: it sees through most" in so_what.believed([0.1, 0.2, 0.9, 0.4])
    assert "most fool it" in so_what.believed([0.9, 0.8, 0.7])
    assert "none of these 4" in so_what.copies(0, 4)
    assert "1 of these 4 is so near to a training picture that it may be copied" in so_what.copies(1, 4)
    assert "2 of these 4 are so near to training pictures that they" in so_what.copies(2, 4)


def test_energies_name_what_fools_them():
    assert "fooled: to this model digits are" in so_what.separation({"digits": 0.2, "noise": 1.0})
    assert "hardest to tell from garments are digits" in so_what.separation({"digits": 0.8, "noise": 1.0})
    assert so_what.separation({}) == ""


def test_first_stages_and_round_trips():
    assert (
        so_what.first_stages(30.0, 24.0)
        == "what comes back from codes is 2.0 times as far off as from numbers."
    )
    assert "from numbers is 2.0 times" in so_what.first_stages(24.0, 30.0)
    assert "nothing is lost" in so_what.round_trip(0, 1.02) and "3 pixels" in so_what.round_trip(3, 1.02)


def test_the_plane_is_judged_by_its_exact_figures():
    figures = {"nll_minus_entropy": 0.02, "modes": 8, "modes_found": 6, "energy_distance": 0.1}
    assert so_what.plane(figures, False) == (
        "0.02 nats a point above the best possible (as good as perfect), 2 of 8 modes are missing."
    )
    assert so_what.plane({**figures, "modes_found": 8}, True).startswith("at most 0.02")
    del figures["nll_minus_entropy"]
    assert "still differ" in so_what.plane(figures, False)
    assert so_what.plane({}, False) == ""


def test_a_view_says_it_when_its_run_is_over(open_window, qtbot):
    window = open_window(model_id="nice-fashion", view="Score")
    view = window.current.view
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: "So what:" in view.meaning.text(), timeout=WAIT)
    bits = float(view.player.frame.extras["bits"].mean())
    assert f"at most {bits * 98:,.0f} of 784 bytes" in view.meaning.text()
    view.player.step_back()
    qtbot.waitUntil(lambda: "So what:" not in view.meaning.text(), timeout=WAIT)
    assert view.meaning.isVisible(), "its line stays, so that the picture does not jump"
