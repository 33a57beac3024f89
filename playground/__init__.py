"""Generative Playground: see how generative models work.

From Python: ``playground.load("ddpm-fashion")`` gives a model whose ``sample(request)`` is a generator of frames.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playground import earlier_names

__version__ = "0.1.0"

earlier_names.install()


def load(id_or_path: str | Path) -> Any:
    """A model from its checkpoint, on the CPU, ready to sample.

    Raises:
        playground.checkpoints.CheckpointError: one sentence, if there is no such file or something is wrong with it.
    """
    from playground import checkpoints

    return checkpoints.load(id_or_path)
