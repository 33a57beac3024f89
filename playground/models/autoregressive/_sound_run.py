"""What a sampler of sound keeps: the request, the uniforms, the clips so far, and the draw itself.  Numpy, on the CPU.

A batch is a stack of chunks of a fixed size, (K, CHUNK, ...): matrix products differ by 1e-7 between batch sizes, and one
other code changes all that follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.contract import Frame, Request, State, knob
from playground.data import mu_law, spoken_words
from playground.models import noise

CHUNK = 4
NUM_CODES = 256
STRIDE = 40  # samples between two frames: 5 ms
LENGTH = spoken_words.LENGTH
EACH = spoken_words.EACH
ANY = "any"


@dataclass(frozen=True)
class SoundRequest(Request):
    """What to say."""

    word: str = knob(
        "seven",
        label="word",
        choices=((EACH, EACH), *((word, word) for word in spoken_words.WORDS)),
        help="What is said. Of each word the network is told its spectrogram in the voice that says it.",
    )
    voice: str = knob(
        ANY,
        label="voice",
        choices=((ANY, "any"), *((voice, voice) for voice in spoken_words.VOICES)),
        help="Whose voice of the training set says it: an accent and a voice of the synthesizer. Any: one is drawn for each clip.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.05,
        high=1.5,
        step=0.05,
        telling=(0.7, 0.85, 1.0, 1.1),
        help="Divides the logits of each sample before the draw. 1 is the model as trained; lower is cleaner and duller, and takes the hiss out of s and f; higher is noisier. The random numbers stay the same.",
    )
    num_samples: int = knob(1, label="num_samples", low=1, high=16, help="How many clips are made together.")


class SoundRun:
    """The clips of a request so far.  ``position`` is how many samples of each there are."""

    def __init__(self, request: SoundRequest, resume: State | None = None) -> None:
        self.request = request
        start = (
            request.first_index - request.first_index % CHUNK
        )  # a clip stands at the same place of its chunk
        stop = request.first_index + request.num_samples
        self.indices = np.arange(start, start + math.ceil((stop - start) / CHUNK) * CHUNK)
        self.wanted = slice(request.first_index - start, stop - start)
        self.uniforms = noise.uniform(request.seed, self.indices, "sound", (LENGTH,))  # float64
        self.codes = np.full((len(self.indices), LENGTH), mu_law.SILENCE, np.uint8)
        self.position = 0
        self.logits = np.zeros((len(self.indices), NUM_CODES), np.float32)
        if resume is not None:
            self.codes[self.wanted] = resume["images"][:, 0, :, 0]
            self.position = int(resume["position"])

    @property
    def words(self) -> np.ndarray:
        """Place of each clip's word in the list, int64 (N,)."""
        if self.request.word == EACH:
            return self.indices % len(spoken_words.WORDS)
        return np.full(len(self.indices), spoken_words.WORDS.index(self.request.word))

    @property
    def voices(self) -> np.ndarray:
        """Place of each clip's voice, int64 (N,): the one that is asked for, or any of them, drawn for each clip."""
        said = self.request.voice
        if said != ANY:
            return np.full(len(self.indices), spoken_words.VOICES.index(said))
        level = noise.uniform(self.request.seed, self.indices, "voice", ())
        return (level * len(spoken_words.VOICES)).astype(np.int64)

    def before(self, position: int, back: int) -> np.ndarray:
        """The codes ``back`` samples before a place, uint8 (N,); before the beginning there is silence."""
        if position < back:
            return np.full(len(self.indices), mu_law.SILENCE, np.uint8)
        return self.codes[:, position - back]

    def place(self, logits: np.ndarray) -> None:
        """Draw the next sample of every clip from ``logits`` float32 (N,256), and write it."""
        self.logits = logits
        chances = logits.astype(np.float64) / self.request.temperature
        chances = np.exp(chances - chances.max(-1, keepdims=True)).cumsum(-1)
        level = self.uniforms[:, self.position, None] * chances[:, -1:]
        self.codes[:, self.position] = np.minimum((chances <= level).sum(-1), NUM_CODES - 1)
        self.position += 1

    @property
    def shows(self) -> bool:
        """Whether there is a frame after this sample."""
        return self.position % STRIDE == 0

    def frame(self, activity: np.ndarray | None = None) -> Frame:
        """The clips so far, with the logits of the latest sample; every frame has a state, since codes are all it needs.

        ``activity`` (N,layers) is how much each layer let through its gates.
        """
        images = self.codes[self.wanted][:, None, :, None].copy()
        images[:, :, self.position :] = mu_law.SILENCE
        extras: dict[str, Any] = {"logits": self.logits[self.wanted].copy(), "position": self.position}
        if activity is not None:
            extras["activity"] = activity[self.wanted]
        state: State = {"position": self.position, "images": images}
        return Frame(self.position // STRIDE, LENGTH // STRIDE, self.position, images, extras, state)
