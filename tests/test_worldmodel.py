"""The world model: the recorded drives, dreams that keep their promises, steering from files, and driving with the keys."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from playground import contract
from playground.data import car
from playground.evaluation.sequences import drives as figures
from playground.experiments.vae import driving
from playground.experiments.vae.wheel import TURN, Wheel
from playground.models.vae import dream as dreams
from playground.models.vae import evolution
from playground.models.vae.worldmodel import DreamRequest, WorldModel, WorldModelConfig


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    small = WorldModelConfig(latent=6, width=4, memory=16, components=3, generations=2)
    return WorldModel(small).requires_grad_(False).eval()


def last(frames):
    *_, frame = frames
    return frame


def test_the_test_drives_travel_and_fit_together():
    drives = car.drives("test")
    assert drives.frames.shape == (6, 100, 64, 64, 3) and drives.frames.dtype == np.uint8
    assert drives.actions.shape == (6, 100, 3) and np.abs(drives.actions).max() <= 1
    assert drives.on_road.mean() > 0.4 and not drives.progress[~drives.on_road].any()
    red = (drives.frames[:, :, 46, 32, 0] > 150) & (drives.frames[:, :, 46, 32, 1] < 90)
    assert red.all(), "the car stands three quarters down"


def test_missing_drives_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAYGROUND_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="record them with"):
        car.drives.__wrapped__("train")


def test_a_dream_resumes_to_the_bit_and_does_not_depend_on_its_company(model):
    request = DreamRequest(seed=3, num_frames=12, num_samples=3)
    frames = list(model.sample(request))
    assert [f.step for f in frames] == list(range(13)) and frames[0].images.shape == (3, 64, 64, 3)
    origin = frames[5]
    rest = list(model.sample(request, resume=origin.state))
    assert np.array_equal(rest[-1].images, frames[-1].images) and len(rest) == 7
    alone = last(model.sample(dataclasses.replace(request, num_samples=1, first_index=1)))
    assert np.abs(alone.images[0].astype(int) - frames[-1].images[1]).max() <= 1
    assert not np.array_equal(frames[-1].extras["latent"][0], frames[-1].extras["latent"][1])


def test_steering_is_obeyed_and_comes_from_a_file(model, tmp_path):
    steering = np.random.default_rng(0).uniform([-1, 0, 0], [1, 1, 1], (9, 3)).astype(np.float32)
    np.save(tmp_path / "s.npy", steering)
    settings = model.settings_from_files({"steering": str(tmp_path / "s.npy"), "seed": 4})
    frames = list(model.sample(contract.make_request(DreamRequest, settings)))
    assert len(frames) == 10 and frames[-1].total == 9
    done = np.stack([f.extras["action"][0] for f in frames[1:]])
    assert np.abs(done - steering).max() < 1e-3
    other = last(model.sample(DreamRequest(seed=4, num_frames=9)))
    assert not np.array_equal(other.extras["latent"], frames[-1].extras["latent"])


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 2)), np.full((3, 3), 2.0), np.full((3, 3), np.nan), np.zeros((0, 3))]
)
def test_bad_steering_is_a_sentence(model, tmp_path, bad):
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(ValueError, match="wheel"):
        model.settings_from_files({"steering": str(tmp_path / "bad.npy")})
    with pytest.raises(ValueError, match="three numbers"):
        dreams.steering_of("1 2")


def test_the_mixture_is_the_density_that_is_drawn_from(model):
    """By the sum of the components' densities, for one number of the code."""
    shown = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))
    z = torch.randn(5, 6, generator=torch.Generator().manual_seed(2))
    weight, mean, spread = model.next_code(shown)
    density = (
        weight.exp() * torch.exp(-0.5 * ((z[..., None] - mean) / spread.exp()) ** 2) / spread.exp()
    ).sum(-1)
    expected = -(density / np.sqrt(2 * np.pi)).log().sum(-1)
    assert torch.allclose(model.nats(shown, z), expected, atol=1e-4)


def test_a_frame_given_its_code_is_a_distribution_of_8_bit_values(model):
    z = torch.zeros(256, 6)
    x = torch.arange(256, dtype=torch.uint8)[:, None, None, None].expand(256, 3, 64, 64).clone()
    one = model.picture(z[:1])[0, 0, 0, 0]
    at = (x[:, 0, 0, 0].float() / 127.5 - 1 - one) / torch.exp(model.log_scale)
    half = 1 / 255 / torch.exp(model.log_scale)
    high = torch.where(torch.arange(256) < 255, torch.sigmoid(at + half), 1.0)
    low = torch.where(torch.arange(256) > 0, torch.sigmoid(at - half), 0.0)
    assert float((high - low).sum()) == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(model.frame_nats(z[:2], x[:2])).all()


def test_evolution_finds_what_pays(model):
    """A stand-in whose progress is the gas: the controller learns to press it."""

    class Pays(WorldModel):
        def outcome_of(self, action):
            return action[:, 1]

    driver = Pays(dataclasses.replace(model.config, generations=25)).requires_grad_(False).eval()
    gas = []

    def act(z, h, weights=None):
        done = WorldModel.act(driver, z, h, weights)
        gas.append(done[:, 1])
        return done

    driver.act = act
    driver.outcome.forward = lambda shown: torch.stack(
        [gas[-1][:, None], torch.full_like(gas[-1][:, None], 9.0)], -1
    )
    x, labels = driver.examples("test", 0)
    returns = evolution.evolve(driver, x[:4], labels[:4], torch.Generator().manual_seed(0))
    assert np.mean(returns[-3:]) > np.mean(returns[:3]) + 10


def test_hands_are_remembered_and_the_same_hands_dream_the_same(model):
    request = driving.DriveRequest(seed=5, num_frames=14)
    wheel = Wheel((1.0, 0.5, 0.0), 0.7)
    first = []
    for frame in driving.live(model, request, wheel):
        first.append(frame)
        if frame.step == 6:
            wheel.held, wheel.temperature, wheel.put = (-1.0, 0.0, 0.5), 1.3, (2, 3.0)
    assert len(wheel.past) == 14 and wheel.past[0][0] == pytest.approx(TURN) and wheel.past[3][0] == 1
    assert wheel.edits == [(6, 2, 3.0)] and wheel.past[-1][3] == pytest.approx(1.3)
    again = list(driving.driven(model, request, wheel.past, wheel.edits))
    assert all(np.array_equal(a.images, b.images) for a, b in zip(first, again, strict=True))
    other = wheel.copy_until(6)
    other.held = (0.0, 1.0, 0.0)
    forked = list(driving.live(model, request, other, first[6].state, 6))
    assert forked[0].step == 7 and not np.array_equal(forked[-1].images, first[-1].images)


def test_a_dream_beside_the_world_is_steered_as_the_drive_was(model):
    frames = list(driving.beside(model, driving.BesideRequest(drive=2)))
    recorded = car.drives("test")
    assert len(frames) == 100 - dreams.BEGINNING + 1
    assert all(np.array_equal(f.images[0], recorded.frames[2, dreams.BEGINNING - 1 + f.step]) for f in frames)
    assert np.allclose(frames[9].extras["action"][0], recorded.actions[2, dreams.BEGINNING + 8], atol=1e-6)
    assert frames[0].extras["errors"][1] == 0 and frames[5].extras["errors"].shape == (3,)


def test_the_last_frame_again_is_what_a_still_world_needs(model):
    still = car.Drives(*(np.repeat(a[:2, :1], 24, 1) for a in dataclasses.astuple(car.drives("test"))))
    found = figures.nats_per_frame(model, still)
    moving = figures.nats_per_frame(
        model, car.Drives(*(a[:2, :24] for a in dataclasses.astuple(car.drives("test"))))
    )
    assert found["last_frame"] < 0.5 * moving["last_frame"] and found["kind"] == "bound"
