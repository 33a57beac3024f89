"""CLIP of emoji: Radford et al. 2021, "Learning transferable visual models from natural language supervision" (arXiv:2103.00020).

Two networks, one for pictures and one for words, learn to give a drawing and what is said of it the same direction, and others in
the batch different ones (section 2.3, figure 3).  So words find pictures, a picture finds others, and a score says how well a drawing
fits its prompt.  It learns from the training drawings and their captions alone: it may judge what was held out.  It generates
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import LikelihoodKind
from playground.data import Split, emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import words as emoji_words
from playground.evaluation.classifier import Classifier, ClassifierConfig, augment, recipe
from playground.models import words
from playground.models.blocks import from_uint8
from playground.models.directions import EmbedsPictures
from playground.models.transformer import Block, RMSNorm

NUM_EXAMPLES = 40_000  # training pictures with captions, drawn once
_BLOCK = 256  # drawings
_TOGETHER = 500  # pictures that are embedded together
_HOTTEST = math.log(100.0)  # section 2.5: the temperature never falls below 0.01


@dataclass(frozen=True)
class CLIPConfig(ClassifierConfig):
    """The tower of pictures is that of the classifier; that of words one block of a transformer."""

    image_size: int = 32
    channels: int = 3
    width: int = 48
    num_features: int = 160
    num_words: int = 2048  # the first lines of the vocabulary, so many
    num_tokens: int = 10  # style and words of a prompt
    word_width: int = 128
    embedding: int = 64  # numbers of a direction
    drawing_blocks: int = 1  # of 256 drawings each, whose directions are kept, to be found
    word_dropout: float = 0.1


class CLIP(Classifier):
    """Pictures and words -> directions, float32 (B,embedding) of length 1."""

    system: ClassVar[str] = "CLIP"
    paper: ClassVar[str] = "Radford et al. 2021, arXiv:2103.00020"
    differs: ClassVar[str] = (
        "The tower of words is one block, learned with the rest, and directions have 64 numbers."
    )
    likelihood: ClassVar[LikelihoodKind] = "none"
    num_threads: ClassVar[int | None] = None
    Config = CLIPConfig
    config: CLIPConfig
    drawn: Tensor

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__(config)
        self.embedding_size = config.embedding
        self.head = nn.Linear(config.num_features, config.embedding)
        self.words = nn.Embedding(config.num_words, config.word_width)
        nn.init.normal_(self.words.weight, std=0.3)
        self.order = nn.Parameter(0.1 * torch.randn(1, config.num_tokens, config.word_width))
        self.read = Block(config.word_width, 4, 1, causal=False)
        self.read_norm = RMSNorm(config.word_width)
        self.word_head = nn.Linear(config.word_width, config.embedding)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        # the directions of all drawings, in the order of ``emoji.drawings``: counted after training
        self.register_buffer("drawn", torch.zeros(_BLOCK * config.drawing_blocks, config.embedding))

    # --- directions

    @torch.no_grad()
    def of_pictures(self, images: np.ndarray) -> Tensor:
        """uint8 (N,H,W,C) -> (N,embedding)."""
        pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        device = self.log_scale.device
        return torch.cat([self._of_pictures(from_uint8(part.to(device))) for part in pixels.split(_TOGETHER)])

    @torch.no_grad()
    def of_prompts(self, prompts: Sequence[str], styles: Sequence[str] = ()) -> Tensor:
        """Prompts as they are typed, each perhaps with a style -> (N,embedding)."""
        read = [emoji_words.understood(prompt) for prompt in prompts]
        named = list(styles) or [""] * len(read)
        said = [style or one.style for style, one in zip(named, read, strict=True)]
        tokens = torch.from_numpy(emoji_words.encode([one.text for one in read], said))
        return self.of_tokens(tokens.to(self.log_scale.device))

    def of_tokens(self, tokens: Tensor) -> Tensor:
        """Styles and words as their numbers int64 (N,T) -> (N,embedding)."""
        said = (tokens > 0)[..., None]
        h = self.read_norm(self.read(self.words(tokens) + self.order[0])) * said
        mean = h.sum(1) / said.sum(1).clamp_min(1)
        return F.normalize(self.word_head(mean).float(), dim=1)

    def _of_pictures(self, pictures: Tensor) -> Tensor:
        return F.normalize(self.head(self._features(pictures)).float(), dim=1)

    # --- training

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Captioned pictures uint8 (N,C,H,W) and the tokens of what is said of them, int64 (N,T)."""
        return words.examples(split, seed, NUM_EXAMPLES)

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The symmetric cross-entropy of figure 3; drawings that are called the same are each other's, too."""
        pictures, tokens = from_uint8(x), labels
        if self.training:
            # what comes in from outside is white; a mirrored picture would no longer be what is said
            pictures = -augment(-pictures, self.config, generator, mirror=False)
            tokens = words.forgetful(labels, self.config.word_dropout, 0.0, generator)
        scale = self.log_scale.clamp(max=_HOTTEST).exp()
        cosine = self._of_pictures(pictures) @ self.of_tokens(tokens).T  # (B, B): pictures, words
        same = (labels[:, None] == labels[None]).all(-1).float()
        target = same / same.sum(1, keepdim=True)
        both = [F.cross_entropy(scale * side, target) for side in (cosine, cosine.T)]
        right = same.gather(1, cosine.argmax(1, keepdim=True)).mean()
        return {"loss": (both[0] + both[1]) / 2, "accuracy": right, "scale": scale.detach()}

    @torch.no_grad()
    def finish(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """After training: the directions of all drawings."""
        self._index()

    def _index(self) -> None:
        found = self.of_pictures(emoji.drawings().images)
        self.drawn[: len(found)] = found

    # --- what it is for

    def search(self, direction: Tensor, count: int) -> list[tuple[str, str, float]]:
        """The drawings nearest to a direction (embedding,), best first: name, style, cosine."""
        every = emoji.drawings()
        if not self.drawn.any():  # of a training that was not waited for
            self._index()
        cosine = F.normalize(self.drawn[: len(every)].float(), dim=1) @ F.normalize(direction, dim=0)
        best = cosine.topk(min(count, len(cosine)))
        found = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(str(every.names[i]), str(every.styles[i]), score) for i, score in found]

    def fits(self, images: np.ndarray, prompts: Sequence[str], styles: Sequence[str] = ()) -> np.ndarray:
        """How well each picture uint8 (N,H,W,C) fits its prompt: cosines, float32 (N,)."""
        found: np.ndarray = (self.of_pictures(images) * self.of_prompts(prompts, styles)).sum(1).cpu().numpy()
        return found

    @torch.no_grad()
    def zero_shot(self, direction: Tensor, classes: Sequence[str]) -> np.ndarray:
        """The probability of each class, named by a prompt, for a direction (embedding,): float64 (K,) (section 3.1)."""
        cosine = self.of_prompts(classes) @ F.normalize(direction, dim=0)
        return (self.log_scale.exp() * cosine).softmax(0).double().cpu().numpy()


@lru_cache(maxsize=2)
def usual_fit(model: CLIP) -> float:
    """The mean cosine of held-out drawings with their own names: what a good picture of a prompt has."""
    held = emoji.load("new-pairs")
    said = [emoji_captions.named(n) for n in held.names.tolist()]
    return float(model.fits(held.images, said, held.styles.tolist()).mean())


@torch.no_grad()
def found_among(model: EmbedsPictures, others: int = 19, seed: int = 0) -> np.ndarray:
    """Whether each held-out pair's words fit its drawing better than those of ``others`` held-out drawings: bool (N,)."""
    held = emoji.load("new-pairs")
    said = [emoji_captions.named(n) for n in held.names.tolist()]
    cosine = (model.of_prompts(said, held.styles.tolist()) @ model.of_pictures(held.images).T).cpu().numpy()
    rng, found = np.random.default_rng(seed), []
    for i, row in enumerate(cosine):
        rivals = rng.permutation(np.delete(np.arange(len(row)), i))[:others]
        found.append(row[i] > row[rivals].max())
    return np.array(found)


MODEL = CLIP
RECIPES = (
    recipe(
        "clip-emoji",
        CLIPConfig(num_words=2029, drawing_blocks=37),
        dataset="emoji",
        steps=1500,
        batch_size=256,
        warmup_steps=100,
    ),
)
