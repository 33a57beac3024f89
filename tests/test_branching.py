"""A run goes on from any of its frames, unchanged or with other settings: one contract for every shipped model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from playground import checkpoints, contract
from playground.experiments import branching
from playground.experiments.resuming import can_be_painted, state_after, with_paint
from tests.windows import load

FAST = {"num_steps": 5, "num_tokens": 24, "num_samples": 2, "seed": 11}
CARDS = [
    c
    for c in checkpoints.cards()
    if c.family != "gan" and not c.network.startswith(("upscaling", "vae/vae", "vae/ae", "clip"))
]


pytestmark = pytest.mark.usefixtures("one_thread")


def request_of(model, **settings):
    names = {k.name for k in contract.knobs(model.Request)}
    return contract.make_request(model.Request, {k: v for k, v in {**FAST, **settings}.items() if k in names})


def resumable(frames, request):
    """The frames behind which the run can go on, without the last."""
    found, carrier = [], None
    for frame in frames[:-1]:
        carrier = frame if frame.state is not None else carrier
        if state_after(frame, carrier, request, request) is not None:
            found.append(frame)
    return found


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_a_branch_that_changes_nothing_is_the_run_itself_to_the_bit(card):
    model = load(card.id)
    request = request_of(model)
    frames = list(model.sample(request))
    places = resumable(frames, request)
    if len(frames) == 1:
        assert not places, "there is nothing to go on from"
        return
    assert len(places) > 1
    again = list(branching.branched(model, [(request, places[len(places) // 2].step)], request))
    assert [f.step for f in again] == [f.step for f in frames]
    assert all(np.array_equal(a.images, b.images) for a, b in zip(again, frames, strict=True))


@pytest.mark.parametrize("name", ["gpt-bible", "made-fashion"])
def test_a_run_drawn_place_by_place_goes_on_behind_every_place(name):
    """Also where no state is kept: what is drawn is taken, the rest depends on the new seed alone."""
    model = load(name)
    request = request_of(model)
    frames = list(model.sample(request))
    step = next(f.step for f in frames[20:] if f.state is None)
    frame = next(f for f in frames if f.step == step)
    assert len(resumable(frames, request)) == len(frames) - 1
    *_, same = branching.branched(model, [(request, step)], request)
    assert np.array_equal(same.images, frames[-1].images)
    *first, other = branching.branched(model, [(request, step)], dataclasses.replace(request, seed=12))
    assert [f.step for f in first] == [f.step for f in frames[:-1]]
    known = frame.images != 0
    assert np.array_equal(other.images[known], frame.images[known])
    assert not np.array_equal(other.images, frames[-1].images)


def test_another_class_reads_what_is_drawn_anew():
    model = load("pixelcnn-fashion")
    trouser, bag = (request_of(model, label=label) for label in (1, 8))
    at = 13 * 28 + 5
    frames = list(branching.branched(model, [(trouser, at)], bag))
    half = next(f for f in frames if f.step == at).images
    # the oracle: the same pixels given to a new run of the other class
    given = {"row": 0, "num_known": at, "silent_until": at, "images": half}
    *_, oracle = model.sample(bag, given)
    assert np.array_equal(frames[-1].images, oracle.images) and not np.array_equal(oracle.images, half)


def test_edits_before_and_behind_a_branch_are_made_again():
    model = load("made-fashion")
    request = request_of(model)
    other, at = dataclasses.replace(request, seed=12), 300
    edits = [(0, 5, 9, 255), (1, 20, 3, 200)]  # pixels 149 and 563
    *_, found = branching.branched(model, [(request, at)], other, edits)
    *_, first = branching.edited(model, request, edits[:1])
    assert np.array_equal(found.images[:, :10], first.images[:, :10])
    assert found.images[1, 20, 3] == 200 and found.images[0, 5, 9] == 255
    *_, without = branching.branched(model, [(request, at)], other, edits[:1])
    assert np.array_equal(found.images[0], without.images[0]), (
        "the other picture does not know of the second edit"
    )


def test_edited_codes_and_letters_stay_through_a_branch():
    prior = load("vqprior-fashion")
    request = request_of(prior)
    other = dataclasses.replace(request, seed=12)
    edits = [(0, 1, 1, 0, 5), (1, 4, 2, 1, 9)]
    *_, found = branching.branched(prior, [(request, 20)], other, edits)
    assert found.extras["codes"][0, 1, 1, 0] == 5 and found.extras["codes"][1, 4, 2, 1] == 9
    writer = load("lstm-bible")
    request = request_of(writer, num_samples=1)
    letters = [(0, 3, ord("x")), (0, 15, ord("y"))]
    *_, found = branching.branched(writer, [(request, 10)], dataclasses.replace(request, seed=12), letters)
    text = found.extras["text"][0][found.extras["prompt_length"] :]
    assert (text[3], text[15]) == ("x", "y")


def test_a_step_that_was_never_made_is_refused():
    model = load("ddpm-fashion")
    request = request_of(model)
    with pytest.raises(ValueError, match="cannot branch at step 77"):
        list(branching.branched(model, [(request, 77)], request))


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "unipc", "dpm++2m"])
def test_paint_replaces_what_is_expected_and_leaves_the_noise(sampler):
    """x_t = alpha x_0 + sigma epsilon before and after, with the same epsilon; other pictures do not notice."""
    model = load("ddpm-fashion")
    known = {
        value for value, _ in next(k for k in contract.knobs(model.Request) if k.name == "sampler").choices
    }
    if sampler not in known:
        pytest.skip(f"there is no sampler {sampler}: {sorted(known)}")
    request = request_of(model, sampler=sampler, num_steps=8)
    frames = list(model.sample(request))
    state = frames[4].state
    assert can_be_painted(state)
    pixels = [(0, 2, 3, 255), (0, 2, 4, 0)]
    new = with_paint(state, pixels)
    noise = [s["x_t"] - s["alpha"] * s["history_0"] for s in (state, new)]
    assert np.allclose(noise[0], noise[1], atol=1e-6)
    assert new["history_0"][0, 0, 2, 3] == 1 and new["history_0"][0, 0, 2, 4] == -1
    assert np.array_equal(new["x_t"][1], state["x_t"][1])
    after = list(branching.painted(model, request, frames[4], pixels))
    assert [f.step for f in after] == [4, 5, 6, 7, 8]
    assert not np.array_equal(after[-1].images[0], frames[-1].images[0])
    assert np.array_equal(after[-1].images[1], frames[-1].images[1])
    again = list(branching.branched(model, [(request, 4)], request, [(4, *pixel) for pixel in pixels]))
    assert np.array_equal(again[-1].images, after[-1].images)
