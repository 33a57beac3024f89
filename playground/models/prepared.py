"""What a layer works out of its weights before it can be used: once, for as long as the weights stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_PLACE = "_prepared"  # in the layer's own dictionary: no buffer, so it is in no checkpoint


def prepared(layer: nn.Module, make: Callable[[], Tensor], *weights: Tensor) -> Tensor:
    """``make()``, kept with the layer; made anew whenever one of ``weights`` was changed in place, moved or exchanged.

    While gradients are wanted nothing is kept: they have to flow through it.
    """
    if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
        return make()
    state = tuple((weight.data_ptr(), weight._version, weight.device, weight.dtype) for weight in weights)
    kept = layer.__dict__.get(_PLACE)
    if kept is None or kept[0] != state:
        with torch.no_grad():
            kept = layer.__dict__[_PLACE] = state, make()
    made: Tensor = kept[1]
    return made
