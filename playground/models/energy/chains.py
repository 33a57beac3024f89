"""What the chains of this family share: where they start, and how they are kept apart from their company.

A Markov chain draws by wandering: each step depends on the one before, and after enough of them the picture no longer
depends on the start.  "Enough" is never known for certain, which is what the views of this family show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from playground import data
from playground.contract import Frame, Request, State, knob
from playground.models import noise

CHUNK = (
    16  # batches are padded to this where draws are discrete: one flipped pixel changes the rest of a chain
)

STARTS = (("noise", "noise"), ("data", "test images"), ("buffer", "training's chains"))


@dataclass(frozen=True)
class ChainRequest(Request):
    """How a chain runs; models add what is theirs."""

    start: str = knob(
        "buffer",  # as training's own chains did
        label="start",
        choices=STARTS,
        help="Where each chain begins: pure noise, a test image, or a state that the chains of training left behind.",
    )


@runtime_checkable
class Chain(Protocol):
    """What a model says about its chain; :func:`run` does the rest."""

    config: Any

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W of a picture."""
        ...

    def kept(self) -> Tensor:
        """States that the chains of training left behind, grey levels uint8 (N, ...)."""
        ...

    def as_state(self, grey: Tensor) -> Tensor:
        """Grey levels in [0, 1], (B,C,H,W) -> states of the chain, (B,...): the pixels, and after them what else it holds."""
        ...

    def advance(self, x: Tensor, request: Any, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The next states, and what else there is to see of the step."""
        ...

    def frame_of(
        self, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int
    ) -> tuple[np.ndarray, dict]:
        """Pictures uint8 (B,H,W,C) and extras of a moment; ``seen`` is empty before the first step."""
        ...


@runtime_checkable
class Anneals(Protocol):
    """A chain whose states carry noise, less at every level: what is put into it must first be noised to its level."""

    def enter(self, clean: Tensor, request: Any) -> Tensor:
        """``clean`` states (B,...) noised to the level at which the chain begins."""
        ...

    def hold(self, clean: Tensor, request: Any, step: int) -> Tensor:
        """``clean`` states (B,...) noised to the level after ``step``: known pixels are overwritten by these."""
        ...

    def passes(self, request: Any, step: int) -> int:
        """How often the network has been asked after so many steps."""
        ...


def run(
    model: Chain,
    request: Any,
    resume: State | None = None,
    given: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> Iterator[Frame]:
    """A chain from its start, a frame per step; without gradients unless a model turns them on inside a step.

    Args:
        given: grey levels in [0, 1], float32 (B,C,H,W), where the chain starts instead of where the request says.
        known: bool (H,W); where it is True ``given`` is put back after every step.
    """
    device = model.kept().device
    fixed = None if given is None else model.as_state(torch.from_numpy(given).to(device))
    mask = None if known is None else torch.from_numpy(known).to(device)
    if resume is None:
        start = start_of(request, model.config.dataset, model.shape, model.kept()) if given is None else given
        x, step = model.as_state(torch.from_numpy(start).to(device)), 0
        x = model.enter(x, request) if isinstance(model, Anneals) else x
        yield _frame(model, x, {}, request, 0)
    else:
        x, step = torch.from_numpy(resume["x"].copy()).to(device), int(resume["step"])
    while step < request.num_steps:
        step += 1
        x, seen = model.advance(x, request, step)
        if fixed is not None and mask is not None:
            held = model.hold(fixed, request, step) if isinstance(model, Anneals) else fixed
            pixels = mask.expand(model.shape).flatten()
            further = x[0].numel() - len(pixels)  # units that are no pixels, which nothing holds
            x = torch.where(torch.nn.functional.pad(pixels, (0, further)).reshape(x.shape[1:]), held, x)
        yield _frame(model, x, seen, request, step)


def _frame(model: Chain, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int) -> Frame:
    pictures, extras = model.frame_of(x, seen, request, step)
    passes = model.passes(request, step) if isinstance(model, Anneals) else step
    return Frame(
        step, request.num_steps, passes, pictures, extras, {"x": x.cpu().numpy().copy(), "step": step}
    )


def to_pictures(grey: Tensor, shape: tuple[int, int, int]) -> np.ndarray:
    """Grey levels in [0, 1], (B,...) -> uint8 (B,H,W,C) on the CPU."""
    levels = (grey.float().reshape(-1, *shape) * 255).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def start_of(
    request: ChainRequest,
    dataset: str,
    shape: tuple[int, int, int],
    buffer: Tensor,
) -> np.ndarray:
    """First states as grey levels in [0, 1], float32 (B,C,H,W), a function of seed and sample index."""
    indices = np.arange(request.first_index, request.first_index + request.num_samples)
    if request.start == "noise":
        return noise.uniform(request.seed, indices, "start", shape).astype(np.float32)
    pick = noise.uniform(request.seed, indices, "start", (1,))[:, 0]
    if request.start == "data":
        images = data.load(dataset, "test")[0]
        return images[(pick * len(images)).astype(int)].transpose(0, 3, 1, 2).astype(np.float32) / 255
    kept = buffer[torch.from_numpy((pick * len(buffer)).astype(int)).to(buffer.device)]
    return kept.reshape(-1, *shape).cpu().numpy().astype(np.float32) / 255


def in_chunks(step: Callable[[Tensor, int], tuple[Tensor, ...]], x: Tensor, first_index: int) -> list[Tensor]:
    """``step(x, index of its first sample)`` on full chunks aligned to the sample index; what it gives, without the padding."""
    offset = first_index % CHUNK
    stop = offset + len(x)
    padded = x.new_zeros(-(-stop // CHUNK) * CHUNK, *x.shape[1:])
    padded[offset:stop] = x
    begin = first_index - offset
    parts = [step(part, begin + i * CHUNK) for i, part in enumerate(padded.split(CHUNK))]
    return [torch.cat(outputs)[offset:stop] for outputs in zip(*parts, strict=True)]
