"""On a device that is not the CPU and has no float64, as a Mac's: every model, sampler and score, and every view."""

from __future__ import annotations

import weakref
from itertools import islice

import numpy as np
import pytest
import torch

from playground import capabilities, checkpoints, contract, data
from playground.models import device
from playground.tabs.frame import model_cache
from tests import stand_in_device
from tests.test_contracts import request_for, variants
from tests.windows import WAIT, begun, load, opened, wait_open

ENOUGH = 40  # frames: one pixel is drawn like another


def images_of(card, count=2):
    """``count`` test images and their classes, as a model takes them."""
    images, labels = data.load(card.dataset, "test")
    x = torch.from_numpy(images[:count].transpose(0, 3, 1, 2).copy())
    return x, torch.from_numpy(labels[:count].copy())


def apart(one, other):
    """The largest difference in grey levels; text is equal or not."""
    return np.abs(one.astype(int) - other).max(initial=0)


@pytest.mark.parametrize("name, settings", list(variants()))
def test_every_sampler_draws_what_it_draws_on_the_cpu(name, settings):
    """The stand-in computes as the CPU does, so that pictures are the same unless numbers were made in the wrong place.

    Fused attention is the CPU's own: there the last digit of a number differs, which may move a grey level by one.
    """
    request = request_for(load(name), settings, num_samples=2, seed=11)
    expected = list(islice(load(name).sample(request), ENOUGH))[-1]
    with stand_in_device.present():
        *_, last = islice(checkpoints.load(name).to(stand_in_device.NAME).sample(request), ENOUGH)
    assert last.step == expected.step and apart(last.images, expected.images) <= 1


@pytest.mark.parametrize("card", checkpoints.cards(), ids=lambda c: c.id)
def test_every_score_is_the_cpus(card):
    model = load(card.id)
    if not isinstance(model, capabilities.Scores):
        return
    x, labels = images_of(card)
    with stand_in_device.present():
        found = (
            checkpoints.load(card.id)
            .to(stand_in_device.NAME)
            .score(x.to(stand_in_device.NAME), 5, labels.to(stand_in_device.NAME))
        )
    expected = model.score(x, 5, labels)
    assert [s.value for s in found] == pytest.approx([s.value for s in expected], rel=1e-5)
    assert [s.standard_error for s in found] == pytest.approx(
        [s.standard_error for s in expected], rel=1e-3, abs=1e-9
    )


# --- which devices are used


def test_a_device_that_computes_is_found_and_comes_first(monkeypatch):
    monkeypatch.setattr(device, "listed", lambda: [stand_in_device.NAME])
    with stand_in_device.present():
        assert device.found() == ([stand_in_device.NAME, "cpu"], {})


def test_a_device_that_is_listed_and_does_not_compute_is_left_out_with_its_reason(monkeypatch):
    """As a card for which this build of torch has no kernels: it is counted, and its first operation raises."""
    monkeypatch.setattr(device, "listed", lambda: [stand_in_device.NAME])
    with stand_in_device.present():
        stand_in_device.lose("CUDA error: no kernel image is available for execution on the device")
        names, faults = device.found()
    assert names == ["cpu"] and "no kernel image" in faults[stand_in_device.NAME]


def test_a_device_that_computes_something_else_is_left_out(monkeypatch):
    with stand_in_device.present():
        stand_in_device.err_by(0.1)
        assert "other numbers" in device.fault(stand_in_device.NAME)


def test_what_a_failed_run_held_is_freed_before_the_next_one_tries(monkeypatch):
    """Inside the ``except`` the traceback still holds the sampler, and all its tensors with it."""
    held, freed = [], []

    class Large:
        pass

    def greedy(model, request):
        large = Large()
        held.append(weakref.ref(large))
        if request.num_samples > 4:
            raise RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)")
        yield contract.Frame(1, 1, 1, np.zeros((request.num_samples, 2, 2, 1), np.uint8))

    monkeypatch.setattr(device, "free", lambda name: freed.append(held[-1]() is None))
    (frame,) = model_cache.memory_guarded(load("gan-fashion"), contract.Request(num_samples=16), greedy)
    assert freed == [True, True] and len(frame.images) == 4


# --- the window


@pytest.fixture
def window_on_device(qtbot, monkeypatch):
    """A window whose worker has the stand-in device, and prefers it as it would a GPU."""
    monkeypatch.setattr(device, "listed", lambda: [stand_in_device.NAME])

    def prepare(prepare=model_cache.prepare):
        prepare()
        stand_in_device.use_on_this_thread()

    monkeypatch.setattr(model_cache, "prepare", prepare)
    with stand_in_device.known(), opened(model_id="gan-fashion") as window:
        wait_open(qtbot, window)
        yield window


def test_a_device_that_is_lost_ends_on_the_cpu_with_a_sentence(qtbot, window_on_device):
    window = window_on_device
    tab = window.current
    qtbot.waitUntil(lambda: begun(tab.view.player), timeout=WAIT)
    assert window.devices.choice.currentText() == stand_in_device.NAME and window.devices.choice.isVisible()
    before = tab.view.player.timeline.last.images
    stand_in_device.lose("CUDA error: unspecified launch failure")
    tab.knobs.reseed()
    qtbot.waitUntil(lambda: "Everything runs on the processor now" in tab.banner.text(), timeout=WAIT)
    qtbot.waitUntil(
        lambda: begun(tab.view.player) and not np.array_equal(tab.view.player.timeline.last.images, before),
        timeout=WAIT,
    )
    assert "unspecified launch failure" in tab.banner.text()
    assert window.devices.label.text() == "device: cpu" and not window.devices.choice.isVisible()
