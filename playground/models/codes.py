"""Grids of codes on their way: the draw of a code from its probabilities, and the picture as far as it can be known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.models.blocks import to_uint8

UNKNOWN = -1  # in a frame's codes: nothing is drawn yet


def picture_so_far(model: Any, codes: np.ndarray) -> np.ndarray:
    """Decode ``codes`` (B,rows,columns,levels), uint8 (B,H,W,C); black where a code is ``UNKNOWN``.

    The decoder wants a whole grid, so the commonest code stands in for what is not drawn yet, and what it makes of that is not shown.
    Close to the last cell a picture may still change: the decoder looks at neighbours.
    """
    unknown = (codes == UNKNOWN).any(-1)  # (B, rows, columns)
    commonest = model.quantizer.usage.argmax(1).cpu().numpy()  # (levels,)
    whole = np.where(unknown[..., None], commonest, codes)
    images = to_uint8(model.decode_codes(torch.from_numpy(whole).to(model.quantizer.usage.device)))
    zoom = images.shape[1] // codes.shape[1]
    images[unknown.repeat(zoom, 1).repeat(zoom, 2)] = 0
    return images


def draw(log_probs: Tensor, uniforms: np.ndarray, temperature: float = 1.0, top_k: int = 0) -> np.ndarray:
    """Invert the cumulative distribution on the CPU: ``log_probs`` (B,K), ``uniforms`` float64 (B,) in [0,1) -> int64 (B,)."""
    logits = log_probs.cpu().double() / temperature
    count = logits.shape[-1]
    if 0 < top_k < count:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[:, -1:], -math.inf)
    cumulative = logits.softmax(-1).cumsum(-1)
    level = torch.from_numpy(uniforms)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, level, right=True)[:, 0].clamp(max=count - 1).numpy()
