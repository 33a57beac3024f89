"""The ruler's figures against the libraries that compute them, and its marks against what they should do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from playground import data
from playground.evaluation import baselines, feature_distances


@pytest.fixture
def clouds():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(12, 12)) / 3
    real = rng.normal(size=(300, 12)) @ mixing
    fake = rng.normal(size=(260, 12)) @ mixing * 0.9 + 0.2
    return real.astype(np.float32), fake.astype(np.float32)


def test_the_frechet_distance_is_scipys(clouds):
    from scipy.linalg import sqrtm

    real, fake = (c.astype(np.float64) for c in clouds)
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert feature_distances.frechet_distance(real, fake) == pytest.approx(expected, rel=1e-8)
    assert feature_distances.frechet_distance(real, real) == pytest.approx(0, abs=1e-8)


def test_the_frechet_distance_is_that_of_torchmetrics(clouds):
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Flat(nn.Module):
        num_features = 12

        def forward(self, x):
            return x.flatten(1).float()

    theirs = FrechetInceptionDistance(feature=Flat())
    theirs.set_dtype(torch.float64)
    levels = [np.clip(c * 40 + 128, 0, 255).astype(np.uint8) for c in clouds]
    for images, real in zip(levels, (True, False), strict=True):
        theirs.update(torch.from_numpy(images).reshape(len(images), 3, 2, 2), real=real)
    assert feature_distances.frechet_distance(*levels) == pytest.approx(float(theirs.compute()), rel=1e-6)


def test_fewer_pictures_than_features_still_have_a_distance(clouds):
    real, fake = clouds[0], clouds[1][:7]
    assert 0 < feature_distances.frechet_distance(real, fake) < np.inf
    with pytest.raises(ValueError, match="at least two"):
        feature_distances.frechet_distance(real, fake[:1])


@pytest.mark.parametrize("k", [1, 5])
def test_neighbourhoods_are_those_of_prdc(clouds, k, monkeypatch, capsys):
    import prdc

    monkeypatch.setattr(feature_distances, "_ROWS", 70)  # several parts, the last one shorter
    expected = prdc.compute_prdc(*clouds, nearest_k=k)
    found = feature_distances.neighbourhoods(*clouds, k=k)
    for name, value in expected.items():
        assert getattr(found, name).mean() == pytest.approx(value, abs=1e-12), name
    capsys.readouterr()


def test_reach_and_nearest_are_those_of_scikit_learn(clouds):
    from sklearn.metrics import pairwise_distances_argmin_min
    from sklearn.neighbors import NearestNeighbors

    real, fake = clouds
    theirs = NearestNeighbors(n_neighbors=6).fit(real).kneighbors(real)[0][:, 5]
    assert feature_distances.own_reach(real, 5) == pytest.approx(theirs, abs=1e-4)
    assert feature_distances.nearest(fake, real) == pytest.approx(
        pairwise_distances_argmin_min(fake, real)[1], abs=1e-4
    )


def test_too_few_pictures_for_neighbours_is_a_sentence(clouds):
    with pytest.raises(ValueError, match="more than 5 pictures"):
        feature_distances.neighbourhoods(clouds[0][:5], clouds[1])


def test_class_entropy():
    assert feature_distances.class_entropy(np.arange(100) % 10, 10) == pytest.approx(1)
    assert feature_distances.class_entropy(np.zeros(100, np.int64), 10) == 0
    assert feature_distances.class_entropy(np.arange(100) % 2, 4) == pytest.approx(0.5)


def test_the_bootstrap_knows_the_error_of_a_mean():
    values = np.random.default_rng(0).normal(size=400)
    found = feature_distances.mean_of(values, seed=1)
    assert found["value"] == pytest.approx(values.mean())
    assert found["standard_error"] == pytest.approx(values.std() / 20, rel=0.2)
    assert feature_distances.mean_of(values, seed=1) == found != feature_distances.mean_of(values, seed=2)


# --- marks


def test_reference_and_held_out_images_have_nothing_in_common():
    images, labels = data.load("fashion", "test")
    reference, held_out = baselines.reference("fashion"), baselines.held_out("fashion", 700)
    assert np.array_equal(reference[0], images[:5000]) and np.array_equal(held_out[0], images[5000:5700])
    assert np.array_equal(held_out[1], labels[5000:5700])
    with pytest.raises(ValueError, match="5000 held-out images, not 5001"):
        baselines.held_out("fashion", 5001)


def test_the_marks_spoil_pictures_as_they_say():
    images = baselines.held_out("fashion", 40)[0]
    from scipy.ndimage import uniform_filter

    blurred = uniform_filter(images[..., 0].astype(np.float64), size=(1, 3, 3), mode="constant")
    assert np.abs(baselines.blurred(images)[..., 0] - blurred).max() <= 0.5 + 1e-9
    middle = (images > 60) & (images < 190)
    change = (baselines.noisy(images).astype(float) - images)[middle]
    assert change.std() == pytest.approx(12, rel=0.05) and abs(change.mean()) < 0.5
    partners = baselines.partners(40)
    assert sorted(partners) == list(range(40)) and (partners != np.arange(40)).all()
    average = (images.astype(float) + images[partners]) / 2
    assert np.abs(baselines.paired(images) - average).max() <= 0.5
