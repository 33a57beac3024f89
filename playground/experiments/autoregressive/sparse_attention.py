"""Where an Image Transformer looks from a pixel: the weights of each layer, as maps over the picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from playground.models.autoregressive.image_transformer import LOCAL, Block, ImageTransformer


@torch.no_grad()
def attention_from(model: ImageTransformer, x: Tensor, labels: Tensor, row: int, column: int) -> np.ndarray:
    """How much one pixel of a picture looks at every other: float32 (layers, heads, H, W), each map of sum 1.

    Args:
        x: a picture uint8 (1,C,H,W), or its rows down to the pixel's.
        labels: its class, (1,).
    """
    found: list[np.ndarray] = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, given: found.append(_map(layer, given[0], row, column)))
        for layer in model.attention_layers
    ]
    try:
        model(x, labels)
    finally:
        for hook in hooks:
            hook.remove()
    return np.stack(found)


def _map(block: Block, x: Tensor, row: int, column: int) -> np.ndarray:
    size, weights = block.size, block.looks(x)[0][0]
    out = np.zeros((block.num_heads, size, size), np.float32)
    if block.kind == LOCAL:
        lines = weights[:, row, column].cpu().numpy().reshape(block.num_heads, block.rows, size)
        shown = min(block.rows, row + 1)  # the others stand above the picture
        out[:, row + 1 - shown : row + 1] = lines[:, block.rows - shown :]
    else:
        out[:, : x.shape[1], column] = weights[:, column, row].cpu().numpy()
    return out
