"""Several processes, one result: work is dealt out in batches whose bounds do not depend on how many processes there are.

``torchrun --nproc-per-node N`` tells each process who it is; without it there is one process and nothing to agree on.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Shard:
    """Which of how many processes this is."""

    rank: int = 0
    world_size: int = 1

    def batches(self, count: int, batch_size: int) -> list[tuple[int, int]]:
        """(first index, how many) of this process's batches of ``count`` things."""
        every = [(first, min(batch_size, count - first)) for first in range(0, count, batch_size)]
        return every[self.rank :: self.world_size]

    def total(self, values: np.ndarray) -> np.ndarray:
        """The sum over all processes: where each fills its own part of zeros, the whole."""
        if self.world_size == 1:
            return values
        tensor = torch.from_numpy(values.copy())
        dist.all_reduce(tensor)
        return tensor.numpy()


@contextlib.contextmanager
def joined() -> Iterator[Shard]:
    """This process's shard while the group stands; the only one, if no ``torchrun`` started it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Shard()
        return
    dist.init_process_group("gloo")
    try:
        yield Shard(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
