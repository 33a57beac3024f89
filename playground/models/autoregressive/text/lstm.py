"""LSTM: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", writing characters as Graves did (2013, arXiv:1308.0850).

Everything that was read is squeezed into one vector of fixed size, which is changed at every character: three gates say
what is written into it, what is forgotten and what is shown.  No position looks back at another.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Recipe
from playground.models.autoregressive.text._text_model import NUM_CODES, Memory, TextModel, TextRequest

__all__ = ["LSTM", "MODEL", "RECIPES", "LSTMConfig", "TextRequest"]


@dataclass(frozen=True)
class LSTMConfig:
    """Shape of the network."""

    width: int = 352  # of the state and of what it shows
    token_width: int = 64
    dropout: float = 0.0


class LSTM(TextModel):
    """p(character given the earlier ones), by one recurrent layer."""

    system = "LSTM"
    paper = "Hochreiter and Schmidhuber 1997, Long Short-Term Memory"
    Config = LSTMConfig

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.token = nn.Embedding(NUM_CODES, config.token_width)
        self.layer = nn.LSTM(config.token_width, config.width, batch_first=True)
        self.head = nn.Linear(config.width, NUM_CODES)
        gates = dict(self.layer.named_parameters())["bias_ih_l0"].detach()
        gates[config.width : 2 * config.width] = 1.0  # nothing is forgotten at first (Jozefowicz et al. 2015)

    def forward(self, codes: Tensor) -> Tensor:
        """``codes`` int64 (B,T), any T -> logits (B,T,128) of the character after each."""
        shown, _ = self.layer(self.token(codes))
        return self.head(F.dropout(shown, self.config.dropout, self.training))

    def read(self, codes: Tensor, memory: Memory) -> Tensor:
        """See :class:`TextModel`: ``h``, what is shown, and ``c``, the memory cells, each (1,B,width)."""
        state = (memory["h"], memory["c"]) if memory else None
        shown, (memory["h"], memory["c"]) = self.layer(self.token(codes), state)
        return self.head(shown[:, -1])


MODEL = LSTM
RECIPES = (
    Recipe(
        id="lstm-bible",
        stored="int8",
        config=LSTMConfig(),
        dataset="bible",
        steps=2000,
        batch_size=16,
        learning_rate=4e-3,
        warmup_steps=100,
        ema=0.995,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 4, "num_tokens": 200, "seed": 7},
    ),
    Recipe(
        id="lstm-python",
        stored="int8",
        config=LSTMConfig(),
        dataset="python",
        steps=2000,
        batch_size=16,
        learning_rate=4e-3,
        warmup_steps=100,
        ema=0.995,
        bfloat16=False,
        compile=False,
        snapshot={"num_samples": 4, "num_tokens": 200, "seed": 7, "prompt": "def "},
    ),
)
