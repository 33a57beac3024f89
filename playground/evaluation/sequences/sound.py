"""What models of spoken words are asked: bits per sample of voices never heard, and how many words a listener would name right.

The listener is a network too (``recogniser.py``), trained on other voices than those that are scored here; beside its figure for
made words stands the one for real clips of held-out voices.  The baselines are counted on one held-out voice and scored on
the other, so that nothing but what ships is needed: *silence* knows how often a sample is silent and spreads the rest evenly,
*unigram* how often each code comes, *first order* how often each follows each.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from playground import checkpoints
from playground.capabilities import Speaks
from playground.checkpoints import judges
from playground.contract import make_request
from playground.data import mu_law, spoken_words

RECOGNISER = "recogniser-words"
NUM_MADE = 150  # three of each word
_AT_ONCE = 25
_PRIOR = 16.0  # how many counts the unigram weighs in each row of the first order


def evaluate(model: Speaks, count: int | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every figure of this file, on the first ``count`` test clips (default: all)."""
    found: dict[str, Any] = {"bits_per_sample": bits_per_sample(model, count, tell)}
    if judges.is_there(RECOGNISER):
        found["named"] = named(model, tell)
    return found


def bits_per_sample(model: Speaks, count: int | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """What held-out clips cost given their words, no voice said.

    Returns:
        ``value`` and ``standard_error`` (over clips), ``num_clips``, ``kind``, ``unit``, and ``baselines``: name -> value.
    """
    clips = spoken_words.clips("test")
    chosen = np.random.default_rng(0).permutation(len(clips.words))[:count]
    device = next(model.parameters()).device
    values: list[float] = []
    for part in np.array_split(chosen, math.ceil(len(chosen) / _AT_ONCE)):
        x = torch.from_numpy(clips.codes[part].transpose(0, 3, 1, 2).copy()).to(device)
        scores = model.score(x, 0, torch.from_numpy(clips.words[part]).to(device))
        values += [float(s.value or 0.0) for s in scores]
        tell(f"{len(values)} of {len(chosen)} clips")
    return {
        "value": float(np.mean(values)),
        "standard_error": float(np.std(values, ddof=1) / math.sqrt(len(values))),
        "num_clips": len(values),
        "kind": "exact",
        "unit": "bits/sample",
        "baselines": baselines(),
    }


def baselines() -> dict[str, float]:
    """Bits per sample of test clips by models that hear next to nothing, see the head of the file."""
    clips = spoken_words.clips("test")
    variants = np.array([name.partition("-")[2] for name in clips.names])
    costs: dict[str, list[np.ndarray]] = {"silence": [], "unigram": [], "first order": []}
    for held in np.unique(variants):
        known, new = (clips.codes[variants != held, 0, :, 0], clips.codes[variants == held, 0, :, 0])
        for name, bits in _costs(known, new).items():
            costs[name].append(bits)
    return {name: float(np.concatenate(bits).mean()) for name, bits in costs.items()}


def _costs(known: np.ndarray, new: np.ndarray) -> dict[str, np.ndarray]:
    """What each clip of ``new`` (N,T) costs, in bits per sample, by counts of ``known`` (M,T)."""
    counts = np.bincount(known.ravel(), minlength=256) + 1.0
    unigram = counts / counts.sum()
    silence = np.full(256, (1 - unigram[mu_law.SILENCE]) / 255)
    silence[mu_law.SILENCE] = unigram[mu_law.SILENCE]
    pairs = np.zeros((256, 256))
    np.add.at(pairs, (_before(known).ravel(), known.ravel()), 1.0)
    first = (pairs + _PRIOR * unigram) / (pairs.sum(1, keepdims=True) + _PRIOR)
    return {
        "silence": -np.log2(silence[new]).mean(1),
        "unigram": -np.log2(unigram[new]).mean(1),
        "first order": -np.log2(first[_before(new), new]).mean(1),
    }


def _before(codes: np.ndarray) -> np.ndarray:
    return np.pad(codes[:, :-1], ((0, 0), (1, 0)), constant_values=mu_law.SILENCE)


def named(
    model: Speaks, tell: Callable[[str], None], count: int = NUM_MADE, temperature: float = 1.0, seed: int = 7
) -> dict[str, Any]:
    """How many made words the recogniser names right: each word in turn, with no voice said.

    Returns:
        ``value``, ``standard_error``, ``num_clips``, ``temperature``, ``words`` (those missed, and what was heard), and ``real``:
        the share of held-out clips that it names right.
    """
    listener: Any = checkpoints.load(judges.path(RECOGNISER))
    asked = {"word": spoken_words.EACH, "temperature": temperature, "seed": seed}
    heard: list[np.ndarray] = []
    for first in range(0, count, _AT_ONCE):
        heard.append(hear(listener, made(model, asked, range(first, min(first + _AT_ONCE, count)))))
        tell(f"{min(first + _AT_ONCE, count)} of {count} words spoken")
    meant, names = np.arange(count) % len(spoken_words.WORDS), np.concatenate(heard)
    clips = spoken_words.clips("test")
    missed = {
        f"{spoken_words.WORDS[a]} {i}": spoken_words.WORDS[b]
        for i, (a, b) in enumerate(zip(meant, names, strict=True))
        if a != b
    }
    return {
        **_share(meant == names),
        "temperature": temperature,
        "missed": missed,
        "real": _share(hear(listener, clips.codes) == clips.words),
    }


def made(model: Speaks, settings: dict[str, Any], indices: range) -> np.ndarray:
    """Clips of these sample indices, uint8 (N,1,T,1), drawn in runs of as many as the request allows."""
    parts = []
    most = 16
    for first in range(indices.start, indices.stop, most):
        request: Any = make_request(
            model.Request, {**settings, "num_samples": min(most, indices.stop - first)}
        )
        *_, last = model.sample(dataclasses.replace(request, first_index=first))
        parts.append(last.images)
    return np.concatenate(parts)


@torch.no_grad()
def hear(listener: Any, codes: np.ndarray) -> np.ndarray:
    """Which word each clip uint8 (N,1,T,1) is, int64 (N,)."""
    x = torch.from_numpy(codes.transpose(0, 3, 1, 2).copy())
    return torch.cat([listener(part) for part in x.split(100)]).argmax(1).numpy()


def _share(right: np.ndarray) -> dict[str, Any]:
    share = float(right.mean())
    return {
        "value": share,
        "standard_error": math.sqrt(share * (1 - share) / len(right)),
        "num_clips": len(right),
        "kind": "count",
        "unit": "share named right",
    }
