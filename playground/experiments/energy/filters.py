"""What hidden units look for, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from playground.capabilities import HasHiddenUnits
from playground.contract import Message


@torch.no_grad()
def filters(model: HasHiddenUnits) -> Iterator[Message[list[np.ndarray]]]:
    """One message: for each layer the weights between its units and the pixels, float32 (units,H,W)."""
    yield Message([layer[:, 0].cpu().numpy() for layer in model.features()])
