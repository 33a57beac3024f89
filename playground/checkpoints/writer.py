"""Writing checkpoints: weights and card in one atomic step."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from playground import paths
from playground.checkpoints.card import Card


def save(path: Path, model: Any, card: Card, stored: str = "float16") -> None:
    """Write weights and card in one atomic step; ``stored`` is float32, float16, or int8 (``int8.py``).

    Raises:
        OSError: if there is no space or no right to write there; an older file stays as it was.
    """
    import torch
    from safetensors.torch import save as to_bytes

    from playground.checkpoints import int8

    tensors = {}
    for name, value in model.state_dict().items():
        tensor = value.detach().cpu().contiguous()
        if stored == "int8" and int8.is_packable(tensor.numpy()):
            whole, steps = int8.pack(tensor.numpy())
            tensors[name], tensors[name + int8.STEP] = torch.from_numpy(whole), torch.from_numpy(steps)
        else:
            smaller = stored != "float32" and value.is_floating_point()
            tensors[name] = tensor.to(torch.float16 if smaller else value.dtype)
    text = dataclasses.asdict(card)
    text.pop("metrics")
    write_atomically(path, to_bytes(tensors, {"card": json.dumps(text)}))


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write beside the file, then replace it: a kill at any moment leaves the old or the new one, whole."""
    with paths.replacing(path) as partial:
        partial.write_bytes(data)
