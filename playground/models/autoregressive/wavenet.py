"""WaveNet: van den Oord et al. 2016, "WaveNet: A Generative Model for Raw Audio" (arXiv:1609.03499).

A sound is drawn one sample at a time, each given all that its receptive field holds of the earlier ones: causal convolutions of
two taps whose distance (dilation) doubles from layer to layer, so that ten layers hear 1,025 samples, an eighth of a
second.  Each layer is gated, tanh times sigmoid (eq. 2), has a residual and a skip connection, and what leaves is a softmax over
the 256 codes of the mu-law (``data/mu_law.py``): any shape of distribution, and an exact likelihood.

**What is said, and where in it we are.**  The paper conditions speech on what is said in two ways: a global vector for all of a
clip (the speaker), and a local one that changes with time (linguistic features: which phoneme, how far through it).  A word's
label as a global vector alone would ask the network to know, from an eighth of a second of sound, whether the vowel that it hears
is the first or the second of "seven": it cannot.  So the label becomes local here, as the spectrogram that the word has in that
voice (Tacotron 2, Shen et al. 2017, arXiv:1712.05884, conditions a WaveNet on spectrograms too).  It is told by principal
components: the mean over voices, and the few directions in which voices differ most, kept with the weights; no clip is.  A small
network mixes it with the voice, with the time since the beginning and with its neighbours in time, once a clip, and every layer is
given the result.  Pitch, hiss, and every single pressure are left to be drawn.

The voice is left out of one training clip in five, and only the mean is told then, so that clips of voices never heard can be
scored.

The sampler remembers what each layer heard (Paine et al. 2016, arXiv:1611.09482), so that a sample costs a sample's work.  A
state is nothing but the codes: resumed, the last receptive field is heard again through the same arithmetic, to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Score, State
from playground.data import Split, mu_law, spoken_words
from playground.models.autoregressive._sound_run import (
    ANY,
    CHUNK,
    EACH,
    LENGTH,
    NUM_CODES,
    STRIDE,
    SoundRequest,
    SoundRun,
)
from playground.models.autoregressive._word_condition import Condition, ConditionConfig
from playground.models.network import Network

__all__ = ["ANY", "EACH", "MODEL", "RECIPES", "SoundRequest", "SoundRun", "WaveNet", "WaveNetConfig"]


@dataclass(frozen=True)
class WaveNetConfig(ConditionConfig):
    """Shape of the network."""

    width: int = 48  # of the residual stream, and of each half of a gate
    num_dilations: int = 10  # 1, 2, 4, ... 512
    num_stacks: int = 1  # of these, one after the other
    skip_width: int = 128
    drop_voice: float = 0.2
    most_noise: float = 2.0  # codes, the standard deviation of what training clips are heard with, at most

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of every layer, from the lowest up."""
        return tuple(2**i for i in range(self.num_dilations)) * self.num_stacks


class WaveNet(Network):
    """p(sample given the earlier ones, the word, and the voice or none)."""

    family = "autoregressive"
    system = "WaveNet"
    paper = "van den Oord et al. 2016, arXiv:1609.03499"
    differs = "The word is told by its spectrogram in the voice asked for, in place of linguistic features."
    Config = WaveNetConfig
    Request = SoundRequest
    likelihood = "exact"
    num_threads: int | None = 1  # one sample is too little work to share
    sample_bytes = 2**22

    def __init__(self, config: WaveNetConfig) -> None:
        super().__init__()
        self.config = config
        self.codes = nn.Embedding(
            2 * NUM_CODES, config.width
        )  # of the sample before, and of the one before that
        self.first = nn.Linear(config.width, config.width)  # also brings training into half precision
        self.condition = Condition(config, len(config.dilations) * 2 * config.width)
        self.layers = nn.ModuleList([Layer(config.width, d) for d in config.dilations])
        self.skip = nn.Linear(len(self.layers) * config.width, config.skip_width)  # the sum of all skips
        self.hidden = nn.Linear(config.skip_width, config.skip_width)
        self.head = nn.Linear(config.skip_width, NUM_CODES)
        self._begin_smooth()

    @torch.no_grad()
    def _begin_smooth(self) -> None:
        """At first codes of nearly the same pressure are alike, where they come in and where they go out: cosines of the code."""
        width, skip = self.config.width, self.config.skip_width
        waves = _cosines(width) / 2
        turned = waves @ torch.linalg.qr(torch.randn(width, width))[0]
        self.codes.weight.copy_(torch.cat([waves, turned]))
        self.head.weight.copy_(_cosines(skip) / math.sqrt(skip) * torch.linspace(1.0, 0.3, skip))

    @property
    def receptive_field(self) -> int:
        """How many earlier samples one is drawn from."""
        return sum(self.config.dilations) + 2

    def forward(self, codes: Tensor, words: Tensor, voices: Tensor, first: int = 0) -> Tensor:
        """``codes`` int64 (B,T), T a multiple of 40; ``words``, ``voices`` (B,), -1 for no voice -> logits of each code, (B,T,256).

        ``first``, a multiple of 40, says where in the clip they begin.
        """
        strides = slice(first // STRIDE, (first + codes.shape[1]) // STRIDE)
        conditions = self.conditions(words, voices)[:, strides]  # (B,T/40,layers,2C)
        earlier = F.pad(codes, (2, 0), value=mu_law.SILENCE)
        h = self.first(self.codes(earlier[:, 1:-1]) + self.codes(earlier[:, :-2] + NUM_CODES))
        gated = []
        for i, layer in enumerate(self.layers):
            h, g = layer(h, conditions[:, :, i])
            gated.append(g)
        return self.head(F.relu(self.hidden(F.relu(self.skip(torch.cat(gated, -1))))))

    def conditions(self, words: Tensor, voices: Tensor) -> Tensor:
        """``words`` and ``voices`` int64 (B,), -1 for no voice -> what every layer is told, (B, T/40, layers, 2C)."""
        out = self.condition(words, voices)
        return out.view(*out.shape[:2], -1, 2 * self.config.width)

    # --- training

    def examples(self, split: Split, seed: int) -> tuple[Tensor, Tensor]:
        """Clips uint8 (N,1,1,T) spoken at the usual speed, and the word and the voice of each, int64 (N,2)."""
        clips = spoken_words.clips(split)
        usual = clips.speeds == spoken_words.USUAL_SPEED  # one course along time for each word
        if split == "train":
            self.condition.hear_words(clips.codes[usual], clips.words[usual], clips.voices[usual])
        said = torch.from_numpy(np.stack([clips.words, clips.voices], 1)[usual])
        return torch.from_numpy(clips.codes[usual].transpose(0, 3, 1, 2).copy()), said

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Bits per sample of clips uint8 (B,1,1,T) given ``labels`` int64 (B,2), word and voice.

        While training, voices are left out at random, and of most batches so is the silence after the longest word.  What is
        heard is a little wrong then, and what is to be said is not: a network that only ever heard clean sound does not know
        the way back from its own noise (noise injection, as in LPCNet: Valin and Skoglund 2018, arXiv:1810.11846).
        """
        codes, (words, voices) = x[:, 0, 0].long(), labels.unbind(1)
        heard = codes
        if self.training:
            uniforms = torch.rand(2 * len(x) + 1, generator=generator).to(x.device)
            voices = torch.where(
                uniforms[1 : len(x) + 1] < self.config.drop_voice, spoken_words.NO_VOICE, voices
            )
            if uniforms[0] < 0.9:
                codes = codes[:, : _spoken_length(codes)]
            noise = torch.randn(codes.shape, generator=generator).to(x.device)
            strength = self.config.most_noise * uniforms[len(x) + 1 :, None].square()
            heard = (codes + (noise * strength).round().long()).clamp(0, NUM_CODES - 1)
        logits = self(heard, words, voices)
        return {"loss": F.cross_entropy(logits.float().flatten(0, 1), codes.flatten()) / math.log(2)}

    # --- likelihood

    @torch.no_grad()
    def nats_per_sample(self, codes: Tensor, words: Tensor) -> Tensor:
        """-log p of each sample given the earlier ones and the word, with no voice said: int64 (B,T) -> (B,T)."""
        parts = []
        for clips, said in zip(codes.split(CHUNK), words.split(CHUNK), strict=True):  # 60 MB for each clip
            logits = self(clips, said, torch.full_like(said, spoken_words.NO_VOICE)).float()
            parts.append(F.cross_entropy(logits.transpose(1, 2), clips, reduction="none"))
        return torch.cat(parts)

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Exact bits per sample of clips uint8 (B,1,1,T) given their word; without labels, of p(x) = mean over words."""
        codes = x[:, 0, 0].long()
        if labels is not None:
            nats = self.nats_per_sample(codes, labels).sum(1)
        else:
            every = torch.arange(self.config.num_words, device=x.device)
            per_word = [self.nats_per_sample(codes, w.expand(len(x))).sum(1) for w in every]
            nats = math.log(self.config.num_words) - torch.logsumexp(-torch.stack(per_word), 0)
        bits = nats / (codes.shape[1] * math.log(2))
        return [Score(value, "exact", "bits/sample") for value in bits.tolist()]

    # --- sample by sample

    @torch.no_grad()
    def sample(self, request: SoundRequest, resume: State | None = None) -> Iterator[Frame]:
        """Draw sample after sample; a frame before the first and after every 40 (5 ms).

        Frames carry ``logits`` float32 (B,256) of the latest sample (before temperature), ``activity`` float32 (B,layers), how
        much each layer let through its gates, ``position``, and a state: the codes, which any run can go on from, also one that is to say another word.
        """
        run = SoundRun(request, resume)
        memory = Memory(self, run)
        if resume is None:
            yield run.frame()
        for position in range(max(0, run.position - self.receptive_field), run.position):
            memory.hear(position)
        while run.position < LENGTH:
            run.place(memory.hear(run.position))
            if run.shows:
                yield run.frame(memory.activity())

    @torch.no_grad()
    def sample_naive(self, request: SoundRequest, resume: State | None = None) -> Iterator[Frame]:
        """The whole receptive field is heard again for each sample.  Slow, and the oracle for :meth:`sample`."""
        run = SoundRun(request, resume)
        device = self.head.weight.device
        words, voices = (torch.from_numpy(part).to(device) for part in (run.words, run.voices))
        while run.position < LENGTH:
            first = max(0, (run.position - self.receptive_field) // STRIDE * STRIDE)
            stop = (run.position // STRIDE + 1) * STRIDE
            codes = torch.from_numpy(run.codes[:, first:stop].astype(np.int64)).to(device)
            logits = self(codes, words, voices, first)[:, run.position - first]
            run.place(logits.float().cpu().numpy())
            if run.shows:
                yield run.frame()


class Layer(nn.Module):
    """A gated causal convolution of two taps, ``dilation`` apart.

    The gate of the paper is a sigmoid, (1 + tanh(z/2)) / 2; here it is 1 + tanh(z), the same up to what weights make good.
    """

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.now = nn.Linear(width, 2 * width, bias=False)
        self.past = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, h: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """``h`` (B,T,C), ``condition`` (B,T/40,2C) -> the same with what is heard here, and the gated part alone."""
        batch, length, _ = h.shape
        z = self.now(h)
        z[:, self.dilation :] += self.past(h)[:, : max(length - self.dilation, 0)]
        z = z.view(batch, length // STRIDE, STRIDE, -1) + condition[:, :, None]
        signal, gate = torch.tanh(z).view(batch, length, -1).chunk(2, -1)
        gated = signal * (1 + gate)
        return h + self.out(gated), gated


class Memory:
    """What each layer heard, in a ring as long as the longest dilation, in numpy: a layer is too little work for torch."""

    def __init__(self, model: WaveNet, run: SoundRun) -> None:
        self.run = run
        config, self.width = model.config, model.config.width
        chunks = len(run.indices) // CHUNK
        layers = cast("list[Layer]", list(model.layers))
        self.past = np.stack([_matrix(layer.past) for layer in layers])[:, None]
        self.now = [_matrix(layer.now) for layer in layers]
        self.out = [(_matrix(layer.out), _bias(layer.out)) for layer in layers]
        self.skip = _matrix(model.skip), _bias(model.skip)
        self.hidden = _matrix(model.hidden), _bias(model.hidden)
        self.head = _matrix(model.head), _bias(model.head)
        codes = model.codes.weight.float().cpu().numpy() @ _matrix(model.first)
        codes[:NUM_CODES] += _bias(model.first)
        self.codes = codes  # of the sample before and the one before that, through the first layer
        self.dilations = np.array(config.dilations)
        self.length = int(self.dilations.max())
        self.numbers = np.arange(len(self.dilations))
        self.ring = np.zeros((self.length, len(self.dilations), chunks, CHUNK, self.width), np.float32)
        self.gated = np.zeros((chunks, CHUNK, len(self.dilations) * self.width), np.float32)
        self.conditions = _conditions(model, run)  # (T/40, layers, K, CHUNK, 2C)

    def hear(self, position: int) -> np.ndarray:
        """Let the layers hear the samples before ``position`` -> logits of the one there, float32 (N,256)."""
        run, width = self.run, self.width
        latest, earlier = run.before(position, 1), run.before(position, 2).astype(np.int64)
        h = (self.codes[latest] + self.codes[earlier + NUM_CODES]).reshape(-1, CHUNK, width)
        past = self.ring[(position - self.dilations) % self.length, self.numbers]  # (layers, K, CHUNK, C)
        gates = np.matmul(past, self.past)
        gates += self.conditions[position // STRIDE]
        for i, (z, now, (out, bias)) in enumerate(zip(gates, self.now, self.out, strict=True)):
            self.ring[position % self.length, i] = h
            z += h @ now
            np.tanh(z, out=z)
            g = z[..., width:]
            g += 1
            g *= z[..., :width]
            self.gated[..., i * width : (i + 1) * width] = g
            h = h + (g @ out + bias)
        skips = np.maximum(self.gated @ self.skip[0] + self.skip[1], 0)
        hidden = np.maximum(skips @ self.hidden[0] + self.hidden[1], 0)
        return (hidden @ self.head[0] + self.head[1]).reshape(-1, NUM_CODES)

    def activity(self) -> np.ndarray:
        """What each layer let through for the latest sample, as the mean size over its channels, float32 (N,layers)."""
        parts = np.abs(self.gated).reshape(len(self.run.indices), len(self.dilations), self.width)
        return parts.mean(-1)


def _conditions(model: WaveNet, run: SoundRun) -> np.ndarray:
    device = model.head.weight.device
    words, voices = (torch.from_numpy(part).to(device).split(CHUNK) for part in (run.words, run.voices))
    parts = [model.conditions(w, v).float().cpu().numpy() for w, v in zip(words, voices, strict=True)]
    return np.ascontiguousarray(np.stack(parts).transpose(2, 3, 0, 1, 4))


def _cosines(count: int) -> Tensor:
    """Slow to quick cosines of the code, each with a mean square of 1: float32 (256, count)."""
    place = (torch.arange(NUM_CODES) + 0.5) / NUM_CODES
    return torch.cos(math.pi * place[:, None] * torch.arange(1, count + 1)) * math.sqrt(2)


def _matrix(layer: nn.Linear) -> np.ndarray:
    return np.ascontiguousarray(layer.weight.detach().float().cpu().numpy().T)


def _bias(layer: nn.Linear) -> np.ndarray:
    return layer.bias.detach().float().cpu().numpy()


def _spoken_length(codes: Tensor) -> int:
    """Up to where anything is said in a batch (B,T), and 30 ms more, in whole strides."""
    heard = int((codes != mu_law.SILENCE).any(0).nonzero().max()) + 1
    return min(codes.shape[1], (heard // STRIDE + 7) * STRIDE)


MODEL = WaveNet
# of the shipped checkpoint: 7,340 steps with noise of up to 8 codes, the first 6,520 of them told the mean over voices alone, then 5,060 at the rates of
# 0.006 and 3e-3, and the rest as written here; made in several legs, each with a fall of the rate of its own (at the higher rates it got worse again)
RECIPES = (
    Recipe(
        id="wavenet-words",
        config=WaveNetConfig(),
        dataset="words",
        stored="int8",
        steps=24400,
        batch_size=4,
        learning_rate=1.5e-3,
        optimizer="muon",
        muon_learning_rate=0.003,
        warmup_steps=100,
        decay_steps=5000,
        ema=0.997,
        compile=False,
        snapshot={"num_samples": 4, "seed": 7, "word": EACH},
    ),
)
