"""A hierarchy of latents: its bound, its draws, and what each level decides."""

import numpy as np
import pytest
import torch

from playground import checkpoints
from playground.experiments.vae import levels
from playground.models.vae.vdvae import VDVAE, VDVAEConfig, VDVAERequest
from playground.ui.theme import theme
from tests.windows import WAIT, wait_finished

SMALL = VDVAEConfig(
    sizes=(1, 7, 14, 28),
    widths=(16, 16, 16, 8),
    layers=(1, 1, 2, 1),
    blocks=(1, 1, 1, 1),
    latents=(4, 2, 2, 1),
)


@pytest.fixture(scope="module")
def small():
    """A network with weights at random everywhere, so that nothing is hidden by a zero."""
    torch.manual_seed(0)
    model = VDVAE(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def pictures(count=3):
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8))


def test_the_kl_of_a_layer_is_the_mean_of_its_log_ratios(small):
    x, draws, layer = pictures(1).repeat(4000, 1, 1, 1), 4000, small.layers[0]
    with torch.no_grad():
        read, h = small.read(x[:1]), small.stream(1)
        prior, _ = layer.prior(h)
        posterior = layer.posterior(h, read[0], prior)
        epsilon = [torch.zeros(1, *shape) for shape in small.latent_shapes]
        told = small(x[:1], epsilon)[1][0].item()
    q = torch.distributions.Normal(posterior.mean, posterior.log_scale.exp())
    p = torch.distributions.Normal(prior.mean, prior.log_scale.exp())
    torch.manual_seed(2)
    z = q.sample((draws,))
    ratios = (q.log_prob(z) - p.log_prob(z)).flatten(1).sum(1)
    assert told > 0.01
    assert abs(ratios.mean().item() - told) < 4 * ratios.std().item() / draws**0.5


def test_the_bound_is_what_its_parts_add_up_to(small):
    x = pictures()
    reconstruction, kl, _ = small.elbo_parts(x, seed=3)
    scores = [score.value for score in small.score(x, seed=3)]
    assert np.allclose(scores, (reconstruction + kl).numpy(), rtol=1e-6)
    assert np.allclose(small.kl_per_layer(x, seed=3).sum(0), kl, rtol=1e-6)
    assert all(score.kind == "bound" for score in small.score(x))


def test_a_film_ends_in_the_picture_that_its_codes_make(small):
    frames = list(small.sample(VDVAERequest(num_samples=2, seed=5)))
    last = frames[-1]
    assert [frame.step for frame in frames] == list(range(6)) and len(last.extras["moved"]) == 5
    codes = [last.state[f"z.{i}"] for i in range(5)]
    again = small.draw_below(codes, VDVAERequest(num_samples=2, seed=99))
    assert np.array_equal(again, last.images)
    change = np.abs(last.images.astype(float) - frames[-2].images).mean()
    assert np.isclose(last.extras["moved"][-1], change, rtol=1e-5)
    (resumed,) = list(small.sample(VDVAERequest(num_samples=2, seed=5), frames[4].state))
    assert np.array_equal(resumed.images, last.images)
    assert np.array_equal(resumed.extras["moved"], last.extras["moved"])


def test_without_temperature_every_draw_is_what_is_expected(small):
    cold = list(small.sample(VDVAERequest(num_samples=2, seed=1, temperature=0.0)))
    assert all(np.array_equal(frame.images, cold[0].images) for frame in cold)
    assert np.array_equal(cold[0].images[0], cold[0].images[1])


def test_draws_differ_less_the_more_levels_are_kept():
    (frame,) = levels.redraw(checkpoints.load("vdvae-fashion"), levels.LevelsRequest(index=4, num_samples=4))
    rows = frame.images.reshape(4, 5, 28, 28).astype(float)
    spread = rows[:, 1:].std(1).mean((1, 2))
    assert frame.extras["kept"].tolist() == [0, 1, 7, 14]
    assert spread[0] > spread[1] > spread[2] > spread[3]
    original = frame.extras["original"][0, ..., 0].astype(float)
    errors = np.abs(rows[:, 0] - original).mean((1, 2))
    assert (
        errors[0] > errors[3]
        and np.abs(frame.extras["reconstruction"] - original[..., None]).mean() < errors[2]
    )
    assert (frame.extras["bits"] >= 0).all() and frame.extras["bits"].sum() > 0.1


def test_levels_in_the_window(open_window, qtbot):
    window = open_window(model_id="vdvae-fashion", view="Levels")
    view = window.current.view
    wait_finished(qtbot, view)
    assert view.grid.count() == 4 * 6 and view.picture.count() == 2
    view.stepper.next.click()
    qtbot.waitUntil(lambda: view.player.frame.extras["label"] == 2, timeout=WAIT)
    window.lecture.begin(full_screen=False)
    try:
        qtbot.waitUntil(
            lambda: min(b.width() for b in view.grid.picture_rects()) >= theme.LECTURE_SIDE, timeout=WAIT
        )
        assert view.grid.count() == 4 * 4
    finally:
        window.lecture.end()
