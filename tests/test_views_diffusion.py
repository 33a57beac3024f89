"""The Diffusion tab's views: forward noising and DDIM inversion against closed forms, and the gestures in the window."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt

from playground import checkpoints, data
from playground.contract import EACH_CLASS
from playground.experiments.diffusion.forward_process import ForwardRequest, forward, schedule
from playground.experiments.diffusion.image_to_image import ImageToImageRequest, image_to_image
from playground.experiments.diffusion.interpolation import BetweenRequest, between
from playground.models import noise
from playground.models.diffusion.samplers import Grid, SamplerState, ddim, ddim_inversion
from playground.models.diffusion.schedule import sigmoid, t_of
from tests.windows import WAIT, wait_finished

IMAGES, LABELS = data.load("fashion", "test")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads that wait for each other crawl on a machine where others are at work."""
    monkeypatch.setattr("playground.machine.num_cores", lambda: 1)


@pytest.fixture(scope="module")
def model():
    return checkpoints.load("ddpm-fashion")


# --- forward


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 0.9])
def test_forward_noising_is_the_closed_form(model, t):
    (frame,) = forward(model, ForwardRequest(t=t, index=3, seed=5))
    x_0 = IMAGES[3].astype(float) / 127.5 - 1
    epsilon = noise.normal(5, [0], "x_T", (1, 28, 28))[0].transpose(1, 2, 0)
    alpha_bar = math.cos(math.pi * t / 2) ** 2
    x_t = math.sqrt(alpha_bar) * x_0 + math.sqrt(1 - alpha_bar) * epsilon
    expected = np.clip(np.round((x_t + 1) * 127.5), 0, 255)
    assert np.abs(frame.images[0] - expected).max() <= 1
    assert frame.extras["alpha_bar"] == pytest.approx(alpha_bar) and frame.extras["label"] == LABELS[3]
    if t:
        assert math.exp(frame.extras["log_snr"]) == pytest.approx(alpha_bar / (1 - alpha_bar))
    assert np.array_equal(frame.extras["path"][0], IMAGES[3])


def test_the_end_of_the_way_is_the_noise_that_sampling_starts_from(model):
    (frame,) = forward(model, ForwardRequest(t=1.0, seed=8))
    start = next(model.sample(model.Request(num_samples=1, seed=8, num_steps=2)))
    assert np.abs(frame.images.astype(int) - start.images).mean() < 1.5
    assert math.isfinite(frame.extras["log_snr"])


def test_the_network_sees_more_in_less_noise(model):
    def error(t):
        (frame,) = forward(model, ForwardRequest(t=t, index=0))
        return np.abs(frame.extras["x_0_pred"][0].astype(float) - IMAGES[0]).mean()

    clean, little, much = error(0.0), error(0.2), error(0.9)
    assert clean == 0 and little < 8 < much


def test_the_curves_are_those_of_the_schedule():
    t, alpha_bar, snr = schedule()
    assert np.allclose(alpha_bar, np.cos(np.pi * t / 2) ** 2) and np.allclose(
        snr, 1 / np.tan(np.pi * t / 2) ** 2
    )


# --- image to image


def test_a_picture_comes_back_from_where_its_noise_began(model):
    request = ImageToImageRequest(
        index=4, strength=0.3, num_steps=10, label=EACH_CLASS, num_samples=2, seed=5
    )
    frames = list(image_to_image(model, request))
    assert [f.step for f in frames] == [0, 1, 2, 3]
    assert frames[-1].passes == 6 and frames[-1].total == 3
    x_0 = IMAGES[4].astype(float) / 127.5 - 1
    epsilon = noise.normal(5, [0, 1], "x_T", (1, 28, 28)).transpose(0, 2, 3, 1)
    t = 0.3 * t_of(model.config.log_snr_min)
    x_t = math.cos(math.pi * t / 2) * x_0 + math.sin(math.pi * t / 2) * epsilon
    expected = np.clip(np.round((x_t + 1) * 127.5), 0, 255)
    assert np.abs(frames[0].images - expected).max() <= 1
    assert np.array_equal(frames[0].extras["origin"][0], IMAGES[4])
    assert frames[0].extras["origin_label"] == LABELS[4]


def test_more_strength_leaves_less_of_the_picture_and_the_most_nothing(model):
    def last(strength, index):
        how = {"strength": strength, "index": index, "num_steps": 8, "num_samples": 3, "label": 8}
        *_, frame = image_to_image(model, ImageToImageRequest(**how))
        return frame.images.astype(float)

    changes = [np.abs(last(strength, 1) - IMAGES[1]).mean() for strength in (0.125, 0.5, 1.0)]
    assert changes == sorted(changes) and changes[0] < 12 < 30 < changes[2]
    request = model.Request(num_steps=8, num_samples=3, label=8, guidance_scale=2.0)
    *_, drawn = model.sample(request)
    assert np.abs(last(1.0, 1) - drawn.images).mean() < 6
    assert np.abs(last(1.0, 0) - drawn.images).mean() < 6


# --- inversion


def gaussian(mean, variance):
    """The exact x_0_pred of data N(mean, variance)."""

    def denoise(x, log_snr):
        alpha, sigma_squared = math.sqrt(sigmoid(log_snr)), sigmoid(-log_snr)
        gain = alpha * variance / (alpha**2 * variance + sigma_squared)
        return mean + gain * (x - alpha * mean)

    return denoise


def there_and_back(denoise, x_0, num_steps, corrections=0):
    grid = Grid.make(num_steps, -10.0)
    *_, end = ddim_inversion(denoise, grid, x_0, 10.0, corrections)
    *_, back = ddim(denoise, grid, SamplerState(0, end.x_t), lambda step: torch.zeros_like(x_0))
    return end.x_t, back.x_t


def test_inversion_of_a_gaussian_finds_its_standardised_picture():
    """For Gaussian data the probability flow is linear: x_T is (x_0 - mean) / deviation where alpha is nearly 0."""
    x_0 = torch.tensor([-0.8, -0.1, 0.3, 0.9]).reshape(1, 1, 2, 2).double()
    x_T, back = there_and_back(gaussian(0.2, 0.09), x_0, 2000)
    assert torch.allclose(x_T, (x_0 - 0.2) / 0.3, atol=0.02)
    assert torch.allclose(back, x_0, atol=2e-3)
    assert not torch.allclose(there_and_back(gaussian(0.2, 0.09), x_0, 10)[1], x_0, atol=2e-3)


def test_corrections_make_it_more_exact():
    x_0 = torch.tensor([-0.8, -0.1, 0.3, 0.9]).reshape(1, 1, 2, 2).double()
    errors = [
        (there_and_back(gaussian(0.2, 0.09), x_0, 30, n)[1] - x_0).abs().max().item() for n in (0, 1, 3)
    ]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_there_and_back_returns_the_test_images_and_says_how_nearly(model):
    rough, fine = (
        list(between(model, BetweenRequest(num_steps=n, num_pictures=3, first=2, second=3)))[-1]
        for n in (4, 24)
    )
    for frame in (rough, fine):
        change = frame.images[[0, -1]].astype(float) - IMAGES[[2, 3]]
        assert np.allclose(frame.extras["errors"], np.sqrt((change**2).mean((1, 2, 3))))
    assert (fine.extras["errors"] < rough.extras["errors"] / 2).all() and fine.extras["errors"].max() < 12


def test_between_noises_the_ends_are_the_samples_of_generate(model):
    settings = {"num_steps": 5, "seed": 4, "sampler": "unipc", "guidance_scale": 2.0, "label": 8}
    frames = list(
        between(model, BetweenRequest(ends="noises", first=0, second=1, num_pictures=4, **settings))
    )
    *_, alone = model.sample(model.Request(num_samples=2, **settings))
    assert np.abs(frames[-1].images[[0, -1]].astype(int) - alone.images).max() <= 1
    assert [f.step for f in frames] == list(range(6)) and frames[-1].passes == 10
    lengths = frames[-1].extras["lengths"]
    straight = next(between(model, BetweenRequest(ends="noises", path="straight", num_steps=2, seed=4)))
    assert abs(lengths[1:-1].mean() / lengths[[0, -1]].mean() - 1) < 0.03
    assert straight.extras["lengths"][3] < 0.8 * straight.extras["lengths"][0]


def test_frames_of_a_walk_keep_their_shape_and_say_what_is_known(model):
    frames = list(between(model, BetweenRequest(num_steps=3, num_pictures=5, corrections=2)))
    assert [f.step for f in frames] == list(range(1, 7)) and {f.total for f in frames} == {6}
    assert {f.images.shape for f in frames} == {(5, 28, 28, 1)}
    assert [f.extras["inverting"] for f in frames] == [True] * 3 + [False] * 3
    assert frames[0].extras["known"].tolist() == [True, False, False, False, True]
    assert [f.passes for f in frames] == [3, 6, 9, 10, 11, 12]
    assert "errors" in frames[-1].extras and "errors" not in frames[-2].extras


# --- the window


def test_dragging_t_noises_the_picture(open_window, qtbot):
    window = open_window(model_id="ddpm-fashion", view="Forward")
    tab, view = window.current, window.current.view
    wait_finished(qtbot, view)
    for position in (60, 100, 160):
        view.slider.setValue(position)
    assert view.request.t == 0.8 == tab.knobs.request().t
    qtbot.waitUntil(lambda: view.player.frame.extras["t"] == 0.8, timeout=WAIT)
    assert view.signal.marker == pytest.approx(0.8) == view.ratio.marker
    assert np.array_equal(view.pictures.content().panels[0][1][1], view.player.frame.images[0])
    qtbot.keyClick(view.slider, Qt.Key.Key_Left)
    assert view.request.t == pytest.approx(0.795)
    view.strip.picked.emit(0, 0, 0)
    assert view.request.t == 0.0
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_N)
    assert view.request.index == 1
    tab.knobs.reset()
    assert view.request.t == 0.4 and view.slider.value() == 80


def test_a_picture_is_drowned_and_comes_back_as_the_class_that_is_named(open_window, qtbot):
    window = open_window(model_id="ldm-fashion", view="Image to image")
    tab, view = window.current, window.current.view
    view.player.speed = None
    tab.knobs.set_settings({"num_steps": 4, "strength": 0.5, "label": 7, "num_samples": 2})
    qtbot.waitUntil(lambda: view.player.frame is not None and view.player.frame.total == 2, timeout=WAIT)
    wait_finished(qtbot, view)
    assert np.array_equal(view.origin.content().panels[0][1][0], IMAGES[1])
    assert np.array_equal(view.grid.content().panels[0][1], view.player.frame.images)
    assert "z_t" in view.explanation(view.model)[1]
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_N)
    assert view.request.index == 2
    qtbot.waitUntil(lambda: np.array_equal(view.origin.content().panels[0][1][0], IMAGES[2]), timeout=WAIT)


def test_latents_are_shown_as_maps_beside_what_the_decoder_makes_of_them(open_window, qtbot):
    window = open_window(model_id="ldm-fashion", view="Generate")
    view = window.current.view
    wait_finished(qtbot, view)
    view.player.seek(1)
    view.player.show_now()
    (said, maps), (decoded, pictures) = [(panel[0], panel[1]) for panel in view.grid.content().panels]
    assert "zₜ" in said and "decoded" in decoded
    assert np.array_equal(maps, view.player.frame.extras["z_t"]) and maps.shape[1:3] == (28, 28)
    assert np.array_equal(pictures, view.player.frame.images)
    assert "latent" in view.explanation(view.model)[0]


def test_a_model_with_a_guide_shows_what_both_pushes_do(open_window, qtbot):
    window = open_window(model_id="ldm-fashion", view="Two guides")
    tab, view = window.current, window.current.view
    view.player.speed = None
    tab.knobs.set_settings({"row_values": "1, 3", "column_values": "1, 4", "num_steps": 4})
    qtbot.waitUntil(
        lambda: view.player.frame is not None and len(view.player.frame.images) == 4, timeout=WAIT
    )
    wait_finished(qtbot, view)
    frame = view.player.frame
    for first, second in itertools.combinations(frame.images, 2):
        assert not np.array_equal(first, second)
    model = view.model
    label = view.request.label
    asked = model.Request(
        seed=view.request.seed,
        label=label,
        num_steps=4,
        num_samples=1,
        autoguidance_scale=3.0,
        guidance_scale=1.0,
    )
    *_, alone = model.sample(asked)
    assert np.abs(frame.images[2].astype(int) - alone.images[0]).max() <= 1


def test_only_a_model_with_a_guide_offers_to_follow_it(open_window, qtbot):
    tab = open_window(model_id="ldm-fashion", view="Generate").current
    wait_finished(qtbot, tab.view)
    assert "Two guides" in [kind.name for kind in tab.suitable]
    assert tab.knobs.row("autoguidance_scale").isVisibleTo(tab)
    tab = open_window(model_id="ldm-small-fashion", view="Generate").current
    wait_finished(qtbot, tab.view)
    assert "Two guides" not in [kind.name for kind in tab.suitable]
    assert not tab.knobs.row("autoguidance_scale").isVisibleTo(tab)


def test_at_a_pace_that_the_eye_follows_every_picture_has_its_plot(open_window, qtbot, monkeypatch):
    view = open_window(model_id="ldm-fashion", view="Generate").current.view
    wait_finished(qtbot, view)
    shown, plotted, draw_plot = [], [], view.draw_plot
    view.player.shown.connect(lambda frame: shown.append((time.perf_counter(), frame.step)))

    def note(frame):
        plotted.append(frame.step)
        draw_plot(frame)

    monkeypatch.setattr(view, "draw_plot", note)
    view.player.speed = 10.0
    view.player.play()  # again from the first frame
    qtbot.waitUntil(lambda: not view.player.is_playing, timeout=WAIT)
    gaps = np.diff([when for when, _ in shown])
    # a busy machine may be late with one and quick with the next
    at_leisure = [shown[i][1] for i in range(1, len(shown) - 1) if min(gaps[i - 1], gaps[i]) > 0.08]
    assert len(at_leisure) > 2 and set(at_leisure) <= set(plotted)


def test_a_walk_is_chosen_from_and_what_cannot_apply_is_hidden(open_window, qtbot):
    window = open_window(model_id="ddpm-fashion", view="Interpolate")
    tab, view = window.current, window.current.view
    view.player.speed = None
    tab.knobs.set_settings({"num_steps": 2, "corrections": 0, "num_pictures": 3})
    qtbot.waitUntil(
        lambda: view.player.frame is not None and "errors" in view.player.frame.extras, timeout=WAIT
    )
    assert "grey levels" in view.said.text()
    assert tab.knobs.row("seed").isHidden() and tab.knobs.row("label").isHidden()
    view.strip.setFocus()
    view.strip.select(1)
    qtbot.keyClick(view.strip, Qt.Key.Key_Right)
    assert view.strip.selected() == 2
    assert np.array_equal(view.now.content().panels[0][1][1], view.player.frame.images[2])
    assert np.array_equal(view.now.content().panels[0][1][[0, 2]], IMAGES[[0, 6]])
    tab.knobs.set_settings({"ends": "noises"})
    assert not tab.knobs.row("seed").isHidden() and tab.knobs.row("corrections").isHidden()
    qtbot.waitUntil(lambda: view.player.frame.total == 2 and view.player.frame.step == 2, timeout=WAIT)
    assert "errors" not in view.player.frame.extras


def test_few_steps_stand_beside_many_from_one_noise(open_window, qtbot):
    """Every column is what its own model draws; the curves are the measured points."""
    from playground.evaluation import fid_by_steps

    window = open_window(model_id="consistency-fashion", view="Few steps")
    view = window.current.view
    window.current.knobs.set_settings({"num_steps": 3, "num_samples": 2, "seed": 4})
    wait_finished(qtbot, view)
    qtbot.waitUntil(lambda: view.player.frame is not None and view.player.frame.total == 10, timeout=WAIT)
    wait_finished(qtbot, view)
    last = view.player.timeline.last
    columns = last.images.reshape(2, 4, 28, 28, 1)
    fast, slow = checkpoints.load("consistency-fashion"), checkpoints.load("ddpm-fashion")
    for column, n in enumerate((1, 2, 4)):
        *_, alone = fast.sample(fast.Request(num_steps=n, num_samples=2, seed=4))
        assert np.abs(columns[:, column].astype(int) - alone.images).mean() < 1
    guided = {"sampler": "ddim", "num_steps": 3, "num_samples": 2, "seed": 4, "guidance_scale": 1.5}
    *_, alone = slow.sample(slow.Request(**guided))
    assert np.abs(columns[:, 3].astype(int) - alone.images).mean() < 1
    assert last.extras["passes"].tolist() == [1, 2, 4, 6] and (last.extras["seconds"] > 0).all()
    view.player.seek(len(view.player.timeline) - 1)
    assert "4 steps: 4 passes" in view.cost.text()
    for card in ("consistency-fashion", "ddpm-fashion"):
        for point in fid_by_steps.read(checkpoints.resolve(card)):
            assert point.num_images >= 500 and point.fid > 0
    x, y = view.curves.curve("consistency")
    assert x[0] == 0 and (np.diff(y[:3]) < 0).all(), "two jumps are better than one, four than two"


def test_points_are_kept_under_the_weights_that_they_are_of(tmp_path):
    from playground.evaluation import fid_by_steps

    path = tmp_path / "consistency-fashion.safetensors"
    path.write_bytes(checkpoints.resolve("consistency-fashion").read_bytes())
    points = [fid_by_steps.Point("ddim", n, 2 * n, 500, 1 / n, 0.1, "j") for n in (4, 2)]
    points += [fid_by_steps.Point("unipc", 1, 2, 500, 5.0, 0.1, "j")]
    fid_by_steps.write(path, points)
    assert fid_by_steps.read(path) == points
    assert [p.num_steps for p in fid_by_steps.curves(points)["ddim"]] == [1, 2, 4]
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert fid_by_steps.read(path) == []
    fid_by_steps.path_of(path).write_text("[1]")
    assert fid_by_steps.read(path) == []


def test_every_sampler_is_measured_at_few_steps_first():
    from playground.evaluation import fid_by_steps
    from playground.models.diffusion import consistency, ddpm

    planned = fid_by_steps.plan(ddpm.DiffusionRequest)
    assert planned[0] == ("ddpm", 1) and [n for _, n in planned] == sorted(n for _, n in planned)
    assert len(planned) == 1 + 4 * 5 and planned.count(("unipc", 50)) == 1
    assert fid_by_steps.plan(consistency.ConsistencyRequest) == [("", 1), ("", 2), ("", 4), ("", 8)]
