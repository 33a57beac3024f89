"""Speed of the models against the budgets, side by side with a slower way where there is one.  No Qt here.

Every figure is a median over repetitions after a warm-up, on the machine at hand; ``playground/bench/window.py`` adds the
rows that need a window.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from playground import checkpoints, machine
from playground.capabilities import HasNoiseLevels
from playground.contract import Model, make_request
from playground.models import precision

PARALLEL = 5.0
IN_GROUPS = 5.0  # a picture in groups of pixels, against one pixel after another without guidance: a fourteenth of the passes
# the budgets: seconds, milliseconds, or how many times quicker than the other way
SIXTEEN_IMAGES, ONE_PICTURE, PLANE, UPSCALED, STROKE = 1.5, 16.0, 33.0, 20.0, 25.0
ONE_DRAWING = 1.0  # seconds
TWENTY_FRAMES = 1.0  # seconds of a dream of 20 frames a second
NAIVE, BFLOAT16, DIFFUSERS = 300.0, 1 / 0.6, 1 / 0.67


@dataclass(frozen=True)
class Row:
    """One measured figure.  ``peer`` is another way in the same unit; ``ratio`` = peer / value unless the name says else.

    A row that cannot be measured here has no value, and ``skipped`` says why in one sentence.
    """

    name: str
    value: float | None
    unit: str
    peer: float | None = None
    ratio: float | None = None
    budget: float | None = None  # of the ratio where there is a peer, else of the value
    ok: bool | None = None
    skipped: str | None = None


def row(name: str, value: float, unit: str, peer: float | None = None, budget: float | None = None) -> Row:
    """Fill in the ratio and whether the budget is met (a ratio must reach it, a value must stay under it)."""
    ratio = None if peer is None else peer / value
    ok = None if budget is None else (ratio >= budget if ratio is not None else value <= budget)
    return Row(name, round(value, 3), unit, peer and round(peer, 3), ratio and round(ratio, 2), budget, ok)


def model_rows() -> Iterator[tuple[str, Callable[[], Row | list[Row]]]]:
    """Name and measurement of every row that needs only the models."""
    for count, budget in ((1, None), (16, NAIVE)):
        yield f"autoregressive, {count} images, cached", partial(_cached_against_naive, count, budget)
    yield "autoregressive, 16 images, cached against one full pass", _cached_against_full_pass
    yield _SOUND, _sound_against_naive
    yield _GROUPS, _groups_against_pixels
    yield (
        "diffusion, 16 images, 12 steps",
        lambda: _drain("ddpm-fashion", SIXTEEN_IMAGES, num_samples=16, num_steps=12),
    )
    yield (
        "diffusion, 16 images, 20 steps",
        lambda: _drain("ddpm-fashion", SIXTEEN_IMAGES, num_samples=16, num_steps=20),
    )
    yield (
        "latent diffusion, 16 images, 12 steps",
        lambda: _drain("ldm-fashion", None, "latent diffusion", num_samples=16, num_steps=12),
    )
    for count, budget in ((1, 0.2), (9, 0.7)):
        title = f"words to a colour picture, {count} images, 16 steps"
        yield (
            title,
            partial(
                _drain, "ldm-emoji", budget, "words to a colour picture", num_samples=count, num_steps=16
            ),
        )
    yield "diffusion, per step, in each precision", _per_step
    yield "diffusion, per step, against diffusers", _against_diffusers
    yield "growth with count and steps", _growth
    yield "words to 16 colour pictures, all codes at once against one by one", _parallel_against_raster
    yield "VAE decode, one picture", lambda: _decode("vae-fashion", 1)
    yield "VAE decode, 15x15 plane", lambda: _decode("vae2d-fashion", 225)
    from_latents = (
        card for card in checkpoints.cards() if card.family == "gan" and card.dataset == "fashion"
    )
    for name in sorted(card.id for card in from_latents):
        yield f"{name}, one picture", partial(_one_pass, name, 1)
        yield f"{name}, 15x15 plane", partial(_one_pass, name, 225)
    for name in (card.id for card in checkpoints.cards() if card.network == "gan/pix2pix"):
        yield "pen to translated picture", partial(_translate, name)
    yield "super-resolution, one picture", _upscale
    yield "dream, 20 frames", lambda: _drain("worldmodel-car", TWENTY_FRAMES, "dream", num_frames=20)
    yield _STROKES, _one_drawing
    yield "energy, 16 images, one Langevin step", lambda: _chain_step("ebm-fashion")
    yield "energy, 16 images, one Gibbs step", lambda: _chain_step("rbm-fashion")
    yield "energy, 16 images, one Gibbs step of three layers", lambda: _chain_step("dbm-fashion")
    yield "energy, 16 images, one annealed step", lambda: _chain_step("score-ebm-fashion")


def _seconds(act: Callable[[], Any], repeats: int) -> float:
    act()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _parallel_against_raster() -> Row:
    """Both as they are by default, with their caches: at most 12 passes against 64 places, each picture alike in size."""
    settings = {"num_samples": 16, "prompt": "red heart"}
    parallel, raster = (
        _seconds(partial(_drawn, key, settings), 3) for key in ("maskgit-emoji", "vqtransformer-emoji")
    )
    title = "words to 16 colour pictures, all codes at once against one by one"
    return row(title, parallel, "s", peer=raster, budget=PARALLEL)


def _drawn(key: str, settings: Mapping[str, Any]) -> None:
    model = _model(key)
    for _ in model.sample(make_request(model.Request, settings)):
        pass


def _cached_against_naive(count: int, budget: float | None) -> Row:
    """The naive sampler is timed over 20 pixels of the middle and scaled to 784: all its pixels cost the same."""
    model = _model("pixelcnn-fashion")
    request = make_request(model.Request, {"num_samples": count, "guidance_scale": 1.0})
    cached = _seconds(lambda: list(model.sample(request)), 3)
    naive = model.sample_naive(request)
    next(naive)
    start, pixels = time.perf_counter(), 20
    for _ in range(pixels):
        next(naive)
    per_pixel = (time.perf_counter() - start) / pixels
    size = model.config.image_size**2
    return row(f"autoregressive, {count} images, cached", cached, "s", peer=per_pixel * size, budget=budget)


def _cached_against_full_pass() -> Row:
    """How near drawing pixel by pixel comes to the least it could cost: one pass over finished pictures."""
    import torch

    model = _model("pixelcnn-fashion")
    request = make_request(model.Request, {"num_samples": 16, "guidance_scale": 1.0})
    x, labels = torch.zeros(16, 1, 28, 28, dtype=torch.uint8), torch.arange(16) % 10
    with torch.no_grad():
        one_pass = _seconds(lambda: model(x, labels), 5)
    cached = _seconds(lambda: list(model.sample(request)), 3)
    return row("autoregressive, 16 images, cached against one full pass", cached, "s", peer=one_pass)


def _groups_against_pixels() -> Row:
    """The parallel multiscale PixelCNN against the gated one with its caches, without guidance: both draw their density."""
    parallel = _seconds(partial(_drawn, "parallel-pixelcnn-fashion", {"num_samples": 16}), 3)
    settings = {"num_samples": 16, "guidance_scale": 1.0}
    cached = _seconds(partial(_drawn, "pixelcnn-fashion", settings), 3)
    return row(_GROUPS, parallel, "s", peer=cached, budget=IN_GROUPS)


def _sound_against_naive() -> Row:
    """One clip, 5,600 samples; the naive sampler is timed over 40 samples of the middle and scaled."""
    model = _model("wavenet-words")
    request = make_request(model.Request, {})
    frames = list(model.sample(request))
    cached = _seconds(lambda: list(model.sample(request)), 3)
    naive = model.sample_naive(request, frames[len(frames) // 2].state)
    start = time.perf_counter()
    next(naive)
    per_frame = time.perf_counter() - start
    return row(_SOUND, cached, "s", peer=per_frame * frames[-1].total)


def _one_drawing() -> Row:
    model = _model("sketchrnn-icons")
    request = make_request(model.Request, {"num_samples": 1})
    return row(_STROKES, _seconds(lambda: list(model.sample(request)), 5), "s", budget=ONE_DRAWING)


def _model(name: str, wanted: str = "auto") -> Any:
    """A model as the window runs it: its number of threads, its precision."""
    import torch

    model = checkpoints.load(name)
    torch.set_flush_denormal(True)
    torch.set_num_threads(model.num_threads or min(machine.num_cores(), 8))
    precision.settle(model, wanted)
    return model


def _drain(name: str, budget: float | None, kind: str = "", /, **settings: Any) -> Row:
    model = _model(name)
    request = make_request(model.Request, settings)
    seconds = _seconds(lambda: list(model.sample(request)), 3)
    title = f"{kind or model.family}, " + ", ".join(f"{v} {_UNITS[k]}" for k, v in settings.items())
    return row(title, seconds, "s", budget=budget)


_UNITS = {"num_samples": "images", "num_steps": "steps", "num_frames": "frames"}
_STROKES = "Sketch-RNN, one drawing, stroke by stroke"
_SOUND = "WaveNet, a word of 0.7 s, cached"
_GROUPS = "garments, 16 images, groups at once against pixel by pixel, cached"
_STEPS = 6  # enough to time one


def _step_seconds(model: Model) -> float:
    """Of one guided step on 16 images: two passes each."""
    request = make_request(model.Request, {"num_samples": 16, "num_steps": _STEPS, "sampler": "dpm++2m"})
    return _seconds(lambda: list(model.sample(request)), 3) / _STEPS


def _per_step() -> list[Row]:
    found, chosen = {}, "fp32"
    for wanted in ("fp32", "bf16", "auto") if precision.bfloat16_pays("cpu") else ("fp32", "auto"):
        model = _model("ddpm-fashion", wanted)
        found[wanted], chosen = _step_seconds(model) * 1e3, model.precision
    return bfloat16_rows(found, chosen)


def bfloat16_rows(milliseconds: Mapping[str, float], chosen: str) -> list[Row]:
    """A row for each precision, against float32; without a measurement of bf16 that row is skipped.

    Args:
        milliseconds: of one step in ``fp32``, ``bf16`` and ``auto``.
        chosen: what the probe made of ``auto``.
    """
    title, rows = "diffusion, 16 images, one step, ", []
    names = {"fp32": "fp32", "bf16": "bf16 channels_last", "auto": f"as the probe chose ({chosen})"}
    for wanted, name in names.items():
        budget = BFLOAT16 if wanted == "bf16" else None
        if wanted in milliseconds:
            peer = None if wanted == "fp32" else milliseconds["fp32"]
            rows.append(row(title + name, milliseconds[wanted], "ms", peer, budget))
        else:
            reason = "Products in bfloat16 are no quicker on this processor, so nothing here uses it."
            rows.append(Row(title + name, None, "ms", budget=budget, skipped=reason))
    return rows


def _against_diffusers() -> list[Row]:
    """Our sampler loop against the scheduler of diffusers, around the same network in the same precision."""
    name = "diffusion, 16 images, one step of DPM-Solver++, against diffusers"
    try:
        from diffusers import DPMSolverMultistepScheduler
    except ImportError:
        reason = "diffusers is not installed: pip install 'generative-playground[test]' brings it."
        return [Row(name, None, "ms", budget=DIFFUSERS, skipped=reason)]
    import torch

    model = _model("ddpm-fashion")
    scheduler: Any = DPMSolverMultistepScheduler(
        prediction_type="sample", beta_schedule="squaredcos_cap_v2", solver_order=2
    )
    labels = torch.arange(16) % model.num_classes
    denoise = model.denoiser(labels, make_request(model.Request, {}).guidance_scale)
    start = torch.randn(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))

    @torch.no_grad()
    def theirs() -> None:
        scheduler.set_timesteps(_STEPS)
        x = start
        for t in scheduler.timesteps:
            alpha_bar = float(scheduler.alphas_cumprod[t])
            x_0_pred = denoise(x, math.log(alpha_bar / (1 - alpha_bar)))
            x = scheduler.step(x_0_pred, t, x).prev_sample
            (x * 127.5 + 127.5).clamp(0, 255).to(torch.uint8).numpy()  # a frame, as ours gives one

    milliseconds = _seconds(theirs, 3) / _STEPS * 1e3
    return [row(name, _step_seconds(model) * 1e3, "ms", peer=milliseconds, budget=DIFFUSERS)]


def _growth() -> list[Row]:
    """Time over count, and over steps; the peer is the smallest of each, so the ratio says how it grew."""
    rows = []
    for vary, values, fixed in (
        ("num_samples", (1, 4, 16, 64), {"num_steps": 6}),
        ("num_steps", (5, 10, 20, 40), {"num_samples": 4}),
    ):
        found = [_drain("ddpm-fashion", None, **{vary: value, **fixed}) for value in values]
        for value, one in zip(values, found, strict=True):
            name = f"growth: diffusion, {value} {_UNITS[vary]}"
            seconds, least = one.value or 0.0, max(found[0].value or 0.0, 1e-9)
            rows.append(Row(name, seconds, "s", least, round(seconds / least, 2)))
    for count in (1, 16, 64):
        one = _drain("pixelcnn-fashion", None, num_samples=count)
        rows.append(dataclasses.replace(one, name=f"growth: {one.name}"))
    return rows


def _decode(name: str, count: int) -> Row:
    model = _model(name)
    z = np.random.default_rng(0).standard_normal((count, *model.latent_shape)).astype(np.float32)
    milliseconds = _seconds(lambda: list(model.decode_frames(z)), 20) * 1e3
    return row(
        "VAE decode, one picture" if count == 1 else "VAE decode, 15x15 plane",
        milliseconds,
        "ms",
        budget=ONE_PICTURE if count == 1 else PLANE,
    )


def _upscale() -> Row:
    """The second stage of a cascade, 32x32 to 64x64, in the precision that is quicker here."""
    model = _model("sr-emoji")
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    milliseconds = _seconds(lambda: model.upscale(image), 20) * 1e3
    return row("super-resolution, one picture", milliseconds, "ms", budget=UPSCALED)


def _translate(name: str) -> Row:
    """A drawing painted, and what the levels of the network hold: what the window asks for at every stroke."""
    from playground.experiments.gan import translation

    model = _model(name)
    drawing = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    request = translation.PaintRequest()
    milliseconds = _seconds(lambda: list(translation.paint(model, request, drawing)), 20) * 1e3
    return row("pen to translated picture", milliseconds, "ms", budget=STROKE)


def _one_pass(name: str, count: int) -> Row:
    """From a latent to its pictures, as a slider or a plane asks for them."""
    import torch

    model = _model(name)
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((count, *model.latent_shape)))
    with torch.no_grad():
        milliseconds = _seconds(lambda: model.decode(z.float()), 10) * 1e3
    title = f"{name}, {'one picture' if count == 1 else '15x15 plane'}"
    return row(title, milliseconds, "ms", budget=ONE_PICTURE if count == 1 else PLANE)


def _chain_step(name: str) -> Row:
    model, steps = _model(name), 20
    request = make_request(model.Request, {"num_samples": 16, "num_steps": steps})
    milliseconds = _seconds(lambda: list(model.sample(request)), 3) / steps * 1e3
    kind = (
        "annealed"
        if isinstance(model, HasNoiseLevels)
        else "Langevin"
        if hasattr(request, "step_size")
        else "Gibbs"
    )
    return row(f"energy, 16 images, one {kind} step", milliseconds, "ms")


def as_table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    lines = [f"{'':66s} {'value':>10s} {'':5s} {'peer':>10s} {'ratio':>7s} {'budget':>7s}"]
    for r in rows:
        peer = "" if r.peer is None else f"{r.peer:.2f}"
        ratio = "" if r.ratio is None else f"{r.ratio:.1f}x"
        budget = "" if r.budget is None else f"{r.budget:g}"
        said = r.skipped or {True: "met", False: "MISSED", None: ""}[r.ok]
        value = "" if r.value is None else f"{r.value:.2f}"
        lines.append(f"{r.name:66s} {value:>10s} {r.unit:5s} {peer:>10s} {ratio:>7s} {budget:>7s} {said}")
    return "\n".join(lines)
