"""From logits to the next character: temperature, top-k, top-p and the draw.  Numpy only, so that a view can do it too."""

from __future__ import annotations

import numpy as np


def distribution(
    logits: np.ndarray, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> np.ndarray:
    """Probabilities float64 (..., V) of the next token, from ``logits`` (..., V).

    Args:
        temperature: divides the logits.
        top_k: only so many of the likeliest tokens stay (Fan et al. 2018, arXiv:1805.04833); 0 for all.
        top_p: only the fewest likeliest tokens stay that together have this probability (nucleus sampling, Holtzman
            et al. 2019, arXiv:1904.09751), taken after temperature and ``top_k``.
    """
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max(-1, keepdims=True))
    order = np.argsort(-weights, -1, kind="stable")  # the likeliest first
    ranked = np.take_along_axis(weights, order, -1)
    if 0 < top_k < weights.shape[-1]:
        ranked[..., top_k:] = 0
    ranked /= ranked.sum(-1, keepdims=True)
    if top_p < 1:
        before = ranked.cumsum(-1) - ranked
        ranked[before >= top_p] = 0  # the token that reaches top_p stays
        ranked /= ranked.sum(-1, keepdims=True)
    found = np.zeros_like(ranked)
    np.put_along_axis(found, order, ranked, -1)
    return found


def draw(probabilities: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Invert the cumulative distribution: ``probabilities`` (B,V), ``uniforms`` float64 (B,) in [0,1) -> int64 (B,)."""
    cumulative = probabilities.cumsum(-1)
    level = uniforms[:, None] * cumulative[:, -1:]
    return (cumulative <= level).sum(-1)
