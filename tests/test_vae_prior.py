"""The prior fitted to a VAE's codes: its density and its fit against scikit-learn, its draws against its density."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from playground.models.vae import _prior
from playground.models.vae.vae import VAE, VAEConfig, VAERequest

TINY = {"width": 4, "hidden": 16, "num_mixtures": 1, "latent_dim": 2}


@pytest.fixture
def codes():
    """Three islands, 600 points."""
    rng = np.random.default_rng(0)
    centres = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])
    return torch.from_numpy(centres[np.arange(600) % 3] + rng.normal(size=(600, 2)) * [0.5, 1.0]).float()


def test_the_fit_is_as_likely_as_that_of_scikit_learn(codes):
    from sklearn.mixture import GaussianMixture

    mixture = _prior.fit_mixture(codes, 3, torch.Generator().manual_seed(1))
    mine = _prior.log_densities(codes, *mixture).logsumexp(1).mean()
    theirs = GaussianMixture(3, random_state=0, n_init=3).fit(codes.numpy())
    assert float(mine) == pytest.approx(theirs.score(codes.numpy()), abs=0.01)


def test_the_density_is_that_of_scikit_learn(codes):
    from sklearn.mixture import GaussianMixture

    theirs = GaussianMixture(3, random_state=0).fit(codes.numpy())
    parts = (theirs.weights_, theirs.means_, np.linalg.cholesky(theirs.covariances_))
    mine = _prior.log_densities(codes.double(), *map(torch.from_numpy, parts)).logsumexp(1)
    assert np.allclose(mine, theirs.score_samples(codes.numpy()), atol=1e-4)


def test_draws_are_those_of_the_mixture():
    shares, means = torch.tensor([0.2, 0.8]), torch.tensor([[-9.0, 0.0], [9.0, 1.0]])
    factors = torch.tensor([[[1.0, 0.0], [0.5, 2.0]]]).repeat(2, 1, 1)
    rng = np.random.default_rng(0)
    uniforms = (torch.from_numpy(rng.normal(size=(4000, 2))).float(), torch.from_numpy(rng.random(4000)))
    z = _prior.draw_codes(*uniforms, shares, means, factors, 1.0)
    left = z[:, 0] < 0
    assert float(left.float().mean()) == pytest.approx(0.2, abs=0.02)
    assert torch.allclose(z[~left].T.cov(), factors[0] @ factors[0].T, atol=0.25)
    assert torch.equal(_prior.draw_codes(*uniforms, shares, means, factors, 0.0).unique(dim=0), means)


def test_a_finished_model_draws_where_its_codes_are():
    torch.manual_seed(0)
    model = VAE(VAEConfig(prior_components=3, **TINY)).eval()
    x = torch.randint(0, 256, (60, 1, 28, 28), dtype=torch.uint8)
    with torch.no_grad():
        model.encoder.load_state_dict({k: v * 3 for k, v in model.encoder.state_dict().items()})
        mu, logvar = model.encode(x)
    model.finish(x, torch.zeros(60), torch.Generator().manual_seed(0))
    *_, frame = model.sample(VAERequest(prior="fitted", num_samples=400))
    expected = mu.square().mean(0) + logvar.exp().mean(0)
    assert np.allclose(np.square(frame.extras["latent"]).mean(0), expected, rtol=0.35)
    few = [f.extras["latent"] for f in model.sample(VAERequest(prior="fitted", num_samples=2, first_index=3))]
    assert np.array_equal(few[0], frame.extras["latent"][3:5])


def test_without_a_fitted_prior_there_is_a_sentence():
    with pytest.raises(ValueError, match="no fitted prior"):
        next(VAE(VAEConfig(**TINY)).sample(VAERequest(prior="fitted")))
