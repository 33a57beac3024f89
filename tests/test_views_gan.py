"""The GAN tab's views, driven in the real window."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt

from playground import checkpoints, data
from playground.experiments.gan import lattice
from playground.models import noise
from playground.models.gan import stylegan
from tests.windows import wait_finished

WAIT = 60_000  # ms


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


@pytest.fixture(scope="module")
def styles(tmp_path_factory):
    """A file with a StyleGAN that has learned nothing: what its views do does not depend on what it draws."""
    torch.manual_seed(0)
    model = stylegan.StyleGAN(stylegan.StyleGANConfig(width=8, top_width=8, discriminator_width=8))
    like = next(card for card in checkpoints.cards() if card.id == "gan-fashion")
    card = dataclasses.replace(
        like,
        id="styles-fashion",
        network="gan/stylegan",
        system=model.system,
        paper=model.paper,
        config=dataclasses.asdict(model.config),
        classes=data.DATASETS["fashion"].classes,
        parameters=sum(p.numel() for p in model.parameters()),
        metrics={},
    )
    file = tmp_path_factory.mktemp("models") / "styles.safetensors"
    checkpoints.save(file, model, card, "float32")
    return file


def open_styles(window, qtbot, file, view_name):
    """A user's own StyleGAN, opened from its file."""
    window.open_file(file)
    tab = window.current
    qtbot.waitUntil(lambda: tab.model is not None and tab.model.card.id == "styles-fashion", timeout=WAIT)
    tab.show_view([kind.name for kind in tab.suitable].index(view_name))
    qtbot.waitUntil(lambda: len(tab.view.player.timeline) > 0, timeout=WAIT)
    wait_finished(qtbot, tab.view)
    return tab, tab.view


def captions(grid):
    return list(grid.content().captions)


def last_frame(view):
    return view.player.timeline.last


def test_each_picture_carries_the_discriminators_opinion(open_window, qtbot, styles):
    window = open_window(model_id="gan-fashion", view="Generate")
    view = window.current.view
    wait_finished(qtbot, view)
    frame = last_frame(view)
    discriminator_output = frame.extras["discriminator_output"]
    assert (
        frame.images.shape[0] == len(discriminator_output) == 16
        and (discriminator_output > 0).all()
        and (discriminator_output < 1).all()
    )
    fooled = int((discriminator_output > 0.5).sum())
    qtbot.waitUntil(lambda: f"takes {fooled} of these 16 for real" in view.meaning.text(), timeout=WAIT)
    assert captions(view.grid)[3] == f"{discriminator_output[3]:.0%}".replace("%", " % real")
    view.grid.select(5)
    assert f"{discriminator_output[5]:.3f}" in view.plot.legend()
    _, view = open_styles(window, qtbot, styles, "Generate")
    discriminator_output = last_frame(view).extras["discriminator_output"]
    assert (discriminator_output > 0).all() and (discriminator_output < 1).all()
    assert captions(view.grid)[1] == "Trouser"


def test_truncation_pulls_all_pictures_of_a_class_together(open_window, qtbot, styles):
    tab, view = open_styles(open_window(tab="gan"), qtbot, styles, "Generate")

    def variety(psi):
        tab.knobs.set_settings({"truncation_psi": psi, "label": 7, "noise": False})
        qtbot.waitUntil(lambda: view.request.truncation_psi == psi, timeout=WAIT)
        wait_finished(qtbot, view)
        return last_frame(view).images.astype(float).std(0).mean()

    assert variety(0.0) == 0 < variety(0.5) < variety(1.0)


def test_a_walk_is_closed_and_played_as_a_loop(open_window, qtbot):
    window = open_window(model_id="gan-fashion", view="Latent walk")
    tab, view = window.current, window.current.view
    view.player.speed = None
    tab.knobs.set_settings({"num_steps": 12, "num_samples": 2})
    qtbot.waitUntil(
        lambda: len(view.player.timeline) == 12 and view.player.timeline.last.total == 12, timeout=WAIT
    )
    pictures = np.stack([f.images for f in view.player.timeline]).astype(float)
    steps = np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3, 4))
    closing = np.abs(pictures[0] - pictures[-1]).mean()
    assert closing <= 1.5 * steps.max(), "the last picture leads on to the first"
    assert view.player.loop


def test_the_lattice_follows_the_pointer(open_window, qtbot):
    window = open_window(model_id="gan-fashion", view="Lattice")
    view = window.current.view
    wait_finished(qtbot, view)
    sheet = last_frame(view)
    view.plane.moved.emit(1.0, -1.0)
    qtbot.waitUntil(
        lambda: view.picture.count() and captions(view.picture) == ["(+1.00, −1.00)"], timeout=WAIT
    )
    model = checkpoints.load("gan-fashion")
    expected = next(lattice.lattice_point(model, view.request)).images[0]
    assert np.array_equal(view.picture.content().panels[0][1][0], expected)
    assert last_frame(view) is sheet, "the sheet itself is not drawn again"
    before = view.request.u
    view.plane.setFocus()
    qtbot.keyClick(view.plane, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: view.request.u < before, timeout=WAIT)


def test_a_search_comes_nearer_to_the_test_image(open_window, qtbot):
    window = open_window(model_id="gan-fashion", view="Project")
    tab, view = window.current, window.current.view
    qtbot.waitUntil(lambda: len(view.player.timeline) > 0, timeout=WAIT)
    tab.knobs.set_settings({"index": 2, "num_steps": 60})
    qtbot.waitUntil(lambda: view.request.num_steps == 60 and not view.player.is_sampling, timeout=WAIT)
    frames = list(view.player.timeline)
    assert np.array_equal(frames[-1].images[0], data.load("fashion", "test")[0][2])
    assert frames[-1].extras["distance"] < 0.5 * frames[0].extras["distance"]
    with pytest.raises(KeyError):  # a search has no dice
        tab.knobs.row("seed")


def test_mixing_gives_each_cell_the_chosen_layers_of_its_column(open_window, qtbot, styles):
    window = open_window(tab="gan")
    assert window.current.knobs.settings()["label"] == -1, "each class in turn"
    tab, view = open_styles(window, qtbot, styles, "Style mixing")
    assert view.request.label >= 0, "classes are not mixed with each other"
    tab.knobs.set_settings({"layers": "middle", "num_rows": 2, "num_columns": 3})
    qtbot.waitUntil(lambda: view.request.layers == "middle" and view.request.num_columns == 3, timeout=WAIT)
    wait_finished(qtbot, view)
    sheet = last_frame(view).images.reshape(3, 4, 28, 28, 1).astype(int)
    model, five = checkpoints.load(styles), dataclasses.replace(view.request, num_samples=5)
    labels, noises = model.labels(five), model.noises(five)
    z = torch.from_numpy(noise.normal(five.seed, range(5), "z", model.prior_shape))
    w = model.w_of(z, labels, five.truncation_psi)
    of_row, of_column = w[1], w[2 + 2]  # the second row, the third column
    layers = torch.stack([*[of_row] * 3, *[of_column] * 2, of_row])  # 4x4 and 7x7, 14x14, 28x28
    expected = model.frame_of(layers[None], labels[1:2], [n[1:2] for n in noises]).images[0]
    assert np.abs(sheet[2, 3] - expected).max() <= 1
    assert not np.array_equal(sheet[2, 3], sheet[2, 0]) and not np.array_equal(sheet[2, 3], sheet[0, 3])


def test_a_direction_moves_the_picture_and_keeps_its_name(open_window, qtbot, styles):
    tab, view = open_styles(open_window(tab="gan"), qtbot, styles, "Directions")
    still = last_frame(view).images
    assert np.array_equal(still[0], still[1])
    name = next(n for n in tab.knobs.settings() if n.endswith("1"))
    tab.knobs.set_settings({**tab.knobs.settings(), name: 3.0})
    qtbot.waitUntil(lambda: getattr(view.request, name) == 3.0, timeout=WAIT)
    wait_finished(qtbot, view)
    moved = last_frame(view).images
    assert np.array_equal(moved[0], still[0]) and not np.array_equal(moved[1], moved[0])
    view.which.setCurrentIndex(1)
    view.title.setText("longer sleeves")
    view.title.editingFinished.emit()
    assert view.which.itemText(1) == "direction 2: longer sleeves"
    view.which.setCurrentIndex(0)
    view.which.setCurrentIndex(1)
    assert view.title.text() == "longer sleeves"
