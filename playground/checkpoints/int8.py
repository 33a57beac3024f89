"""Weights in one byte each, so that all checkpoints together stay small.

Every row of a large matrix (every output channel of a convolution) is kept as whole numbers from -127 to 127 and the size
of its step: symmetric quantisation of weights after training, by channel (Jacob et al. 2018, arXiv:1712.05877; Krishnamoorthi
2018, arXiv:1806.08342, section 3).  They are float32 again before any network sees them.  No torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

STEP = "::step"  # after the name of a packed tensor: its steps, float32 (rows,)
LEAST = 2048  # numbers; smaller tensors are kept as they are
_MOST = 127
_BITS = 12  # of a step, so that 127 of them are an exact float32


def is_packable(array: np.ndarray) -> bool:
    """Whether a tensor is large enough to be worth it, and has rows."""
    return array.ndim >= 2 and array.size >= LEAST and array.dtype.kind == "f"


def pack(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float (rows, ...) -> int8 of that shape and the steps, float32 (rows,).

    No number moves by more than half a step, and what was unpacked is packed again to the same bits.
    """
    rows = array.astype(np.float32).reshape(len(array), -1)
    digits, powers = np.frexp(np.abs(rows).max(1).astype(np.float64) / _MOST)
    steps = np.ldexp(np.ceil(digits * 2**_BITS) / 2**_BITS, powers).astype(np.float32)
    whole = np.rint(rows / np.where(steps > 0, steps, 1)[:, None])
    return whole.astype(np.int8).reshape(array.shape), steps


def unpack(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All tensors of a file, those that were packed as float32.

    Raises:
        ValueError: one sentence, if whole numbers and steps do not belong together.
    """
    found = {}
    for name, array in arrays.items():
        if name.endswith(STEP):
            if arrays.get(name.removesuffix(STEP), np.zeros(0)).dtype != np.int8:
                raise ValueError(f"has steps for {name.removesuffix(STEP)[:60]!r}, which is not packed")
        elif array.dtype != np.int8:
            found[name] = array
        else:
            steps = arrays.get(name + STEP)
            if steps is None or array.ndim < 2 or steps.shape != array.shape[:1] or steps.dtype.kind != "f":
                raise ValueError(f"lacks the steps of the packed tensor {name[:60]!r}")
            rows = array.reshape(len(array), math.prod(array.shape[1:])).astype(np.float32)
            with np.errstate(over="ignore"):  # whoever reads a file looks for what is not finite
                found[name] = (rows * steps.astype(np.float32)[:, None]).reshape(array.shape)
    return found
