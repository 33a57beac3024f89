"""Where a model looks from one pixel: the weights of its causal attention (PixelSNAIL, arXiv:1712.09763; Image Transformer).

The context of a gated PixelCNN works on cells of 2x2 pixels and is handed down two rows: the pixel at (row, column), counted from 0, is given
what the cell at (row // 2 - 1, column // 2) found, the one in the last pair of rows that was finished before it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground import data
from playground.capabilities import AttendsToPixels
from playground.contract import Frame, Request, State, knob
from playground.experiments.autoregressive import sparse_attention
from playground.models.autoregressive.image_transformer import ImageTransformer
from playground.models.autoregressive.pixel_model import features_of
from playground.models.autoregressive.pixelcnn import PixelCNN

MEAN = 0  # in place of a head, which are counted from 1
PATTERN = -1  # in place of a head: what the layer may look at at all
_PLACE = "The pixel that asks, counted from 1: point at it, or turn this."


@dataclass(frozen=True)
class AttentionRequest(Request):
    """Which pixel, in which picture; :func:`attention_request` adds which map."""

    image: int = knob(
        0,
        label="test image",
        low=0,
        high=9999,
        counts="test images",
        help="Which of the 10,000 test pictures.",
    )
    row: int = knob(19, label="row", low=1, high=28, counts="rows", help=_PLACE)
    column: int = knob(15, label="column", low=1, high=28, counts="columns", help=_PLACE)
    seed: int = 0
    num_samples: int = 1


@lru_cache
def attention_request(num_layers: int, num_heads: int, *, sparse: bool = False) -> type[Request]:
    """An :class:`AttentionRequest` with fields ``layer`` 1..num_layers and ``head`` 1..num_heads or ``MEAN``.

    Where layers are ``sparse``, each in its own pattern, ``head`` can be ``PATTERN``, too.
    """
    layers = tuple((i, str(i)) for i in range(1, num_layers + 1))
    heads = ((MEAN, "mean of the heads"), *((i, f"head {i}") for i in range(1, num_heads + 1)))
    if sparse:
        heads = ((PATTERN, "what it may look at"), *heads)
    layer_help = "Which attention layer, counted from the bottom; each reads what the ones before it found."
    head_help = "The heads of a layer look at the same cells in different ways, side by side."
    fields = [
        ("layer", int, knob(num_layers, label="layer", choices=layers, help=layer_help)),
        ("head", int, knob(MEAN, label="head", choices=heads, help=head_help)),
    ]
    made = dataclasses.make_dataclass("AttentionOf", fields, bases=(AttentionRequest,), frozen=True)
    made.__doc__ = "Which pixel, in which picture, and whose attention."
    return made


def asking_cell(row: int, column: int) -> tuple[int, int] | None:
    """The cell whose context a pixel is given (all counted from 0); None in the first two rows, which have none."""
    return (row // 2 - 1, column // 2) if row >= 2 else None


@torch.no_grad()
def attention_weights(model: PixelCNN, x: Tensor, labels: Tensor) -> Tensor:
    """How much every cell looks at every other, float32 (layers, B, heads, cells, cells); each row sums to 1.

    Args:
        x: pictures uint8 (B,C,2n,W), or their first rows: n rows of W/2 cells, numbered row by row.
        labels: their classes, (B,).
    """
    found: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, given: found.append(_layer_weights(layer, given[0])))
        for layer in model.attention_layers
    ]
    try:
        model.context(features_of(x), labels)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(found)


def _layer_weights(layer: nn.Module, x: Tensor) -> Tensor:
    """The softmax inside ``RowAttention.forward``: ``x`` (B,C,rows,columns) -> (B, heads, queries, keys)."""
    b, c, rows, columns = x.shape
    heads: int = layer.num_heads  # type: ignore[assignment]
    qkv = layer.qkv(layer.norm(x)).reshape(b, 3, heads, c // heads, rows * columns)  # type: ignore[operator]
    q, k, _ = qkv.float().unbind(1)  # (B, heads, C/heads, cells)
    logits = q.transpose(-1, -2) @ k / math.sqrt(q.shape[2])
    row_of = torch.arange(rows * columns, device=x.device) // columns
    return logits.masked_fill(row_of[None, :] > row_of[:, None], -torch.inf).softmax(-1)


def look(model: AttendsToPixels, request: Any, resume: State | None = None) -> Iterator[Frame]:
    """One frame, whose ``images`` is the test picture, read with its own class.

    Extras: ``weights`` float32 (layers, heads, h, w), how much the pixel looks at each cell (of 2x2 pixels, or a single one),
    in maps of sum 1, or of zeros while there is nothing to look at; ``pattern`` bool (layers, h, w), what each layer may look
    at; ``row`` and ``column`` of the pixel, from 0.
    """
    images, classes = data.load(model.card.dataset, "test")
    picture, label = images[request.image : request.image + 1], int(classes[request.image])
    row, column = request.row - 1, request.column - 1
    maps, pattern = _of_pixel(model, picture, label, row, column)
    yield Frame(1, 1, 1, picture, {"weights": maps, "pattern": pattern, "row": row, "column": column}, {})


def _of_pixel(
    model: Any, picture: np.ndarray, label: int, row: int, column: int
) -> tuple[np.ndarray, np.ndarray]:
    device = next(model.parameters()).device
    labels = torch.tensor([label], device=device)

    def rows(count: int) -> Tensor:  # what lies below is not there yet
        return torch.from_numpy(picture[:, :count].transpose(0, 3, 1, 2).copy()).to(device)

    if isinstance(model, ImageTransformer):
        maps = sparse_attention.attention_from(model, rows(row + 1), labels, row, column)
        return maps, model.pattern(row, column)
    layers, cells = model.attention_layers, model.config.image_size // 2
    maps = np.zeros((len(layers), layers[0].num_heads, cells, cells), np.float32)
    pattern = np.zeros((len(layers), cells, cells), bool)
    asking = asking_cell(row, column)
    if asking is not None:
        finished = asking[0] + 1
        every = attention_weights(model, rows(2 * finished), labels)[:, 0]  # (layers, heads, cells, cells)
        asked = every[:, :, asking[0] * cells + asking[1]].cpu().numpy()
        maps[:, :, :finished] = asked.reshape(*maps.shape[:2], finished, cells)
        pattern[:, :finished] = True
    return maps, pattern


def shown(weights: np.ndarray, layer: int, head: int, pattern: np.ndarray | None = None) -> np.ndarray:
    """The map of one layer and head (from 1, or ``MEAN``, or ``PATTERN``: evenly) of ``weights`` (layers, heads, h, w): (h, w)."""
    if head == PATTERN and pattern is not None:
        return pattern[layer - 1] / max(pattern[layer - 1].sum(), 1)
    of_layer = weights[layer - 1]
    return of_layer.mean(0) if head == MEAN else of_layer[head - 1]
