"""How well one score tells two sets of pictures apart.  No torch, no Qt."""

from __future__ import annotations

import numpy as np


def auc(low: np.ndarray, high: np.ndarray) -> float:
    """P(a value of ``high`` exceeds one of ``low``), ties counting half (Mann and Whitney 1947).

    The area under the ROC curve: 1 if every value of ``high`` is larger, 0.5 if nothing tells them apart.
    """
    ordered = np.sort(low)
    below, up_to = np.searchsorted(ordered, high, "left"), np.searchsorted(ordered, high, "right")
    return float(np.mean((below + up_to) / 2) / len(low))
