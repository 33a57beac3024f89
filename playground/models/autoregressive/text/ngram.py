"""N-gram: Shannon 1948, "A Mathematical Theory of Communication", section 3: the next character by counting.

Nothing is learned but counted: after the last few characters, what came next in the training text, and how often?  Long
contexts are rarely seen, so each hands part of its probability on to the context that is one character shorter
(``_counts.py``).  Only the n-grams that matter most are kept, as a tree of contexts read backwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from playground.contract import Recipe
from playground.models.autoregressive.text import _counts
from playground.models.autoregressive.text._text_model import NUM_CODES, Memory, TextModel, TextRequest

__all__ = ["MODEL", "RECIPES", "NGram", "NGramConfig", "TextRequest"]


@dataclass(frozen=True)
class NGramConfig:
    """How far it looks back, and how much it may keep."""

    longest: int = 7  # characters of a context
    nodes: int = 64  # contexts, in thousands of 1024
    entries: int = 96  # n-grams, in thousands of 1024


class NGram(TextModel):
    """p(character given the last few), by counting."""

    system = "n-gram"
    paper = "Shannon 1948, A Mathematical Theory of Communication"
    Config = NGramConfig

    older: Tensor
    num_children: Tensor
    num_entries: Tensor
    characters: Tensor

    def __init__(self, config: NGramConfig) -> None:
        super().__init__()
        self.config = config
        nodes, entries = config.nodes * 1024, config.entries * 1024
        self.register_buffer("older", torch.zeros(nodes, dtype=torch.uint8))
        self.register_buffer("num_children", torch.zeros(nodes, dtype=torch.uint8))
        self.register_buffer("num_entries", torch.zeros(nodes, dtype=torch.uint8))
        self.register_buffer("characters", torch.zeros(entries, dtype=torch.uint8))
        self.shares = nn.Parameter(torch.zeros(entries))
        self._table: tuple[Tensor, Tensor] | None = None
        self._table_of: tuple[object, ...] = ()  # which numbers it was made of
        self._counted: list[np.ndarray] = []
        self._is_settled = True

    # --- counting takes the place of learning

    def count(self, x: Tensor) -> dict[str, Tensor]:
        """Count stretches uint8 (B,1,1,T); says what they cost, in bits per character, before they were counted."""
        with torch.no_grad():
            loss = self.loss(x, torch.zeros(len(x)), torch.Generator())
        self._counted.append(x[:, 0, 0].cpu().numpy())
        self._is_settled = False
        return loss

    @torch.no_grad()
    def settle(self) -> None:
        """Make the tree of what was counted so far."""
        if self._is_settled:
            return
        codes = np.pad(np.concatenate(self._counted), ((0, 0), (1, 0)))
        limits = self.config.nodes * 1024, self.config.entries * 1024
        tree = _counts.pruned(_counts.count(codes, self.config.longest), *limits)
        for name in ("older", "num_children", "num_entries", "characters", "shares"):
            kept = torch.from_numpy(getattr(tree, name))
            getattr(self, name).zero_()[: len(kept)] = kept
        self._is_settled = True

    def check_weights(self) -> None:
        """Raises ValueError with one sentence, if the numbers do not make a tree."""
        self.table()

    # --- looking up

    def table(self) -> tuple[Tensor, Tensor]:
        """Keys int64 (nodes - 1,), parent * 128 + character, sorted; log-probabilities float32 (nodes, 128) of each node."""
        present = (self.shares.device, self.shares.data_ptr(), self.shares._version)
        if self._table is None or self._table_of != present:
            parts = (self.older, self.num_children, self.num_entries, self.characters)
            older, children, entries, characters = (part.cpu().numpy() for part in parts)
            keys, chances = _dense(older, children, entries, characters, self.shares.detach().cpu().numpy())
            device = self.shares.device
            self._table = torch.from_numpy(keys).to(device), torch.from_numpy(chances).to(device)
            self._table_of = present
        return self._table

    def forward(self, codes: Tensor) -> Tensor:
        """``codes`` int64 (B,T), any T -> log-probabilities (B,T,128) of the character after each."""
        return self.table()[1][self._nodes(codes)]

    def _nodes(self, codes: Tensor) -> Tensor:
        """The longest context that is known at each place, int64 (B,T)."""
        keys, _ = self.table()
        node = torch.zeros_like(codes)
        alive = torch.ones_like(codes, dtype=torch.bool)
        for back in range(self.config.longest):
            older = torch.roll(codes, back, 1)
            wanted = node * NUM_CODES + older
            place = torch.searchsorted(keys, wanted).clamp(max=max(len(keys) - 1, 0))
            alive = alive & (keys[place] == wanted) if len(keys) else torch.zeros_like(alive)
            alive[:, :back] = False  # nothing stands there
            node = torch.where(alive, place + 1, node)
        return node

    def read(self, codes: Tensor, memory: Memory) -> Tensor:
        """See :class:`TextModel`: only the last few characters are remembered, ``recent`` (B, at most 7)."""
        seen = torch.cat([memory["recent"], codes], 1) if memory else codes
        memory["recent"] = seen[:, -self.config.longest :]
        return self(memory["recent"])[:, -1]


def _dense(
    older: np.ndarray, children: np.ndarray, entries: np.ndarray, characters: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """See :meth:`NGram.table`.

    Raises:
        ValueError: one sentence, if it is not a tree.
    """
    num_nodes = 1 + int(children.sum(dtype=np.int64))
    used = int(entries[:num_nodes].sum(dtype=np.int64)) if num_nodes <= len(older) else len(shares) + 1
    parent = np.repeat(np.arange(len(children)), children)
    keys = parent * NUM_CODES + older[1:num_nodes] if num_nodes <= len(older) else np.zeros(0, np.int64)
    if used > len(shares) or (parent >= np.arange(1, len(parent) + 1)).any() or (np.diff(keys) <= 0).any():
        raise ValueError("The n-grams of this file do not make a tree.")
    if (characters >= NUM_CODES).any() or (older >= NUM_CODES).any() or (shares < 0).any():
        raise ValueError("The n-grams of this file hold numbers that cannot be.")
    added = np.zeros((num_nodes, NUM_CODES))
    added[np.repeat(np.arange(num_nodes), entries[:num_nodes]), characters[:used]] = shares[:used]
    left = np.maximum(1 - added.sum(1), 1e-6)
    chances = added
    chances[0] += left[0] / NUM_CODES
    begin = 1
    while begin < num_nodes:  # as far as the parents are known
        end = int(np.searchsorted(parent, begin))
        chances[begin : end + 1] += left[begin : end + 1, None] * chances[parent[begin - 1 : end]]
        begin = end + 1
    chances /= chances.sum(1, keepdims=True)
    return keys.astype(np.int64), np.log(chances).astype(np.float32)


MODEL = NGram
RECIPES = (
    Recipe(
        id="ngram-bible",
        config=NGramConfig(),
        dataset="bible",
        steps=242,  # the whole text once
        batch_size=64,
        ema=0.0,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 4, "num_tokens": 200, "seed": 7},
    ),
    Recipe(
        id="ngram-python",
        config=NGramConfig(),
        dataset="python",
        steps=507,  # the whole text once
        batch_size=64,
        ema=0.0,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 4, "num_tokens": 200, "seed": 7, "prompt": "def "},
    ),
)
