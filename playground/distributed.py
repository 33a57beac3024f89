"""Several processes working as one, started by ``torchrun``; in a process of its own everything here does nothing.

Work is split by index, so that the result is the same set however many processes there are.  Tensors travel over gloo
on CPUs and over NCCL between CUDA devices, and nothing is ever pickled.  Nothing here imports torch until it is used.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class World:
    """Which process this is, of how many."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # on this host: which of its GPUs to take

    @property
    def is_first(self) -> bool:
        """The one that prints and writes files."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """This process's part of ``range(count)``: neighbours, in the order of the ranks, at most one more or less."""
        return range(self.rank * count // self.size, (self.rank + 1) * count // self.size)


def here() -> World:
    """This process, as ``torchrun`` describes it in the environment (``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``).

    Raises:
        ValueError: one sentence, if they are not whole numbers that fit together.
    """
    said = [os.environ.get(n, d) for n, d in (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))]
    if not all(text.isdigit() for text in said) or not int(said[0]) < int(said[1]):
        raise ValueError(f"RANK={said[0]} and WORLD_SIZE={said[1]} do not name one of several processes.")
    return World(*map(int, said))


@contextmanager
def joined() -> Iterator[World]:
    """Meet the other processes, and leave them at the end.

    Raises:
        ValueError: see :func:`here`.
        RuntimeError: if the others cannot be reached.
    """
    world = here()
    if world.size == 1:
        yield world
        return
    import torch
    import torch.distributed as dist

    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield world
    finally:
        dist.destroy_process_group()
        gc.collect()  # a group that is held by a cycle until Python ends takes the process down with it


def device(world: World) -> torch.device:
    """The fastest device that computes; on a host with several GPUs the one of this process, or else the CPU."""
    import torch

    from playground.models import device as devices

    there = devices.listed()
    wanted = there[world.local_rank % len(there)] if there else "cpu"
    return torch.device("cpu" if wanted == "cpu" or devices.fault(wanted) else wanted)


def gather(world: World, array: np.ndarray) -> np.ndarray:
    """The arrays of all processes one after another along the first axis, in every process.

    Args:
        array: (n,...) of any number type; only n may differ between processes, and it may be 0.
    """
    if world.size == 1:
        return array
    import torch
    import torch.distributed as dist

    counts = [torch.zeros(1, dtype=torch.int64) for _ in range(world.size)]
    dist.all_gather(counts, torch.tensor([len(array)]))
    longest = max(int(n) for n in counts)
    mine = torch.zeros((longest, *array.shape[1:]), dtype=torch.from_numpy(array[:0].copy()).dtype)
    mine[: len(array)] = torch.from_numpy(np.ascontiguousarray(array))
    theirs = [torch.empty_like(mine) for _ in counts]
    dist.all_gather(theirs, mine)
    return np.concatenate([t.numpy()[: int(n)] for t, n in zip(theirs, counts, strict=True)])


def average(world: World, tensors: Iterable[torch.Tensor], weight: float = 1.0) -> None:
    """Replace each tensor by its mean over the processes, in place, in one message.

    Args:
        tensors: of equal shapes in every process, on one device.
        weight: of this process in the mean, relative to 1 (its share of the batch times their number).
    """
    if world.size == 1:
        return
    import torch
    import torch.distributed as dist

    mine = list(tensors)
    together = torch.cat([t.detach().reshape(-1).float() for t in mine]) * (weight / world.size)
    dist.all_reduce(together)
    for tensor, part in zip(mine, together.split([t.numel() for t in mine]), strict=True):
        tensor.copy_(part.view(tensor.shape))
