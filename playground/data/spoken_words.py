"""Single words spoken by a synthesizer, the dataset ``words``: ten digits and forty others in many voices, at 8 kHz.

**No person speaks here.**  The program eSpeak NG reads each word aloud in accents of English, in voices that its authors made
by hand, at three speeds; what it makes is under nobody's licence but the program's (GPL-3) is not needed to listen: only who
trains again needs its library.  Whole voices are held out for validation and for the test, so that what is learned is words and
not recordings.  A clip is one line of mu-law codes, uint8 (1,T,1) (``mu_law.py``), which begins with the word.

The test clips travel with the program (``spoken-words-test.npz``, made by :func:`write_test_clips`).  No torch.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from playground import paths
from playground.data import mu_law
from playground.data.dataset import Dataset, Split
from playground.data.modality import Modality

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = (
    *DIGITS,
    *("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"),
    *("hello", "goodbye", "cat", "dog", "bird", "fish", "house", "tree", "happy", "music"),
    *("water", "fire", "sun", "moon", "star", "river", "apple", "coffee", "banana", "computer"),
    *("summer", "winter", "morning", "evening", "yellow", "purple", "orange", "green", "monday", "friday"),
)
LENGTH = 5600  # samples of a clip: 0.7 s
LEAD = 80  # of silence before the word
ACCENTS = {"us": "en-us", "gb": "en", "scotland": "en-gb-scotland"}  # ours -> the synthesizer's
# (``en-gb+f1`` would ignore the variant in silence)
VARIANTS: dict[Split, tuple[str, ...]] = {
    "train": ("m1", "m2", "m3", "m4", "m7", "m8", "f1", "f2", "f3", "Andy", "Annie", "Gene"),
    "validation": ("m5", "f5"),
    "test": ("m6", "f4"),
}
# words a minute
SPEEDS: dict[Split, tuple[int, ...]] = {"train": (165, 185, 205), "validation": (185,), "test": (185,)}
USUAL_SPEED = 185
VOICES = tuple(f"{accent}-{variant.lower()}" for accent in ACCENTS for variant in VARIANTS["train"])
NO_VOICE = -1  # of a clip whose voice was held out
EACH = "each in turn"  # in place of a word: sample i says word i, modulo their number

WORDS_SPOKEN = Dataset(
    "words",
    "Fifty words spoken by eSpeak NG (a synthesizer), voices held out",
    "made by a program",
    (1, LENGTH, 1),
    WORDS,
    num_test=len(WORDS) * len(ACCENTS) * len(VARIANTS["test"]),
    modality=Modality.SOUND,
)
TEST_FILE = "spoken-words-test.npz"
_LIBRARIES = ("libespeak-ng.so.1", "libespeak-ng.dylib", "libespeak-ng.dll")
_LOUDNESS = 0.12  # root mean square of the word, full scale is 1
_PEAK = 0.9
_AUDIBLE = 0.02  # of the peak: what is quieter at either end is trimmed


@dataclass(frozen=True, eq=False)
class Clips:
    """A split.

    Attributes:
        codes: mu-law, uint8 (N,1,LENGTH,1).
        words: places in :data:`WORDS`, int64 (N,).
        voices: places in :data:`VOICES`, int64 (N,); :data:`NO_VOICE` where the voice is held out.
        names: ``accent-variant`` of each.
        speeds: words a minute, int64 (N,).
    """

    codes: np.ndarray
    words: np.ndarray
    voices: np.ndarray
    names: tuple[str, ...]
    speeds: np.ndarray


def load(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Clips uint8 (N,1,LENGTH,1) and the word of each, int64 (N,).

    Raises:
        FileNotFoundError: see :func:`clips`.
    """
    found = clips(split)
    return found.codes, found.words


@lru_cache(maxsize=3)
def clips(split: Split) -> Clips:
    """A split with its voices; only that of the test travels with the program.

    Raises:
        FileNotFoundError: one sentence, if the synthesizer is not on this machine.
    """
    if split == "test":
        with np.load(paths.folder("assets") / TEST_FILE) as kept:
            codes, words, names = kept["codes"], kept["words"], kept["voices"]
        return _as_clips(codes, words, [str(name) for name in names], [USUAL_SPEED] * len(words))
    return _spoken(split)


def write_test_clips() -> Path:
    """Make the file of test clips (done once; it travels with the program)."""
    made = _spoken("test")
    written = io.BytesIO()
    np.savez_compressed(written, codes=made.codes, words=made.words, voices=np.array(made.names))
    path = paths.folder("assets") / TEST_FILE
    with paths.replacing(path) as partial:
        partial.write_bytes(written.getvalue())
    return path


def _spoken(split: Split) -> Clips:
    speak = _synthesizer()
    codes, words, names, speeds = [], [], [], []
    for accent, language in ACCENTS.items():
        for variant in VARIANTS[split]:
            for speed in SPEEDS[split]:
                for index, word in enumerate(WORDS):
                    clip = _clip(*speak(word, f"{language}+{variant}", speed))
                    if clip is not None:
                        codes.append(clip)
                        words.append(index)
                        names.append(f"{accent}-{variant.lower()}")
                        speeds.append(speed)
    return _as_clips(np.stack(codes)[:, None, :, None], np.array(words, np.int64), names, speeds)


def _as_clips(codes: np.ndarray, words: np.ndarray, names: list[str], speeds: list[int]) -> Clips:
    places = {name: place for place, name in enumerate(VOICES)}
    voices = np.array([places.get(name, NO_VOICE) for name in names], np.int64)
    rates = np.array(speeds, np.int64)
    for array in (codes, words, voices, rates):
        array.setflags(write=False)
    return Clips(codes, words, voices, tuple(names), rates)


def _clip(sound: np.ndarray, rate: int) -> np.ndarray | None:
    """What was spoken, float64 (n,) at ``rate`` -> codes uint8 (LENGTH,); None if it is too long or was cut at full scale."""
    if np.abs(sound).max() >= 0.999:
        return None
    heard = _resampled(sound, rate)
    loud = np.flatnonzero(np.abs(heard) > _AUDIBLE * np.abs(heard).max())
    word = heard[loud[0] : loud[-1] + 1]
    if len(word) > LENGTH - LEAD:
        return None
    word = word * min(_LOUDNESS / np.sqrt(np.mean(word**2)), _PEAK / np.abs(word).max())
    clip = np.zeros(LENGTH)
    clip[LEAD : LEAD + len(word)] = word
    return mu_law.encode(clip)


def _resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    """At :data:`mu_law.RATE`, with what it cannot carry left out: a Fourier transform that is cut short."""
    length = round(len(sound) * mu_law.RATE / rate)
    spectrum = np.fft.rfft(sound)[: length // 2 + 1]
    fall = np.linspace(1, 0, max(1, len(spectrum) // 20))
    spectrum[-len(fall) :] *= fall
    return np.fft.irfft(spectrum, length) * length / len(sound)


class _synthesizer:
    """eSpeak NG through its library: call it with a word, a voice and a speed."""

    _RETRIEVAL, _SYNCHRONOUS_ALL = (
        2,
        0,
    )  # AUDIO_OUTPUT_SYNCHRONOUS: samples come to a function, before the call returns
    _RATE, _VOLUME = 1, 2  # of espeak_SetParameter

    def __init__(self) -> None:
        names = (*_LIBRARIES, ctypes.util.find_library("espeak-ng") or "")
        self._library = next((found for found in map(_library, names) if found is not None), None)
        if self._library is None:
            raise FileNotFoundError(
                "To make the clips again, install the synthesizer eSpeak NG (Debian: libespeak-ng1)."
            )
        self.rate = self._library.espeak_Initialize(self._RETRIEVAL, 0, None, 0)
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._parts: list[np.ndarray] = []
        self._take = kind(self._taken)  # kept, or it would be freed while the library calls it
        self._library.espeak_SetSynthCallback(self._take)

    def _taken(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if samples and count > 0:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def __call__(self, word: str, voice: str, speed: int) -> tuple[np.ndarray, int]:
        """What it says, float64 (n,) in [-1, 1], and samples a second."""
        assert self._library is not None
        self._parts.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise FileNotFoundError(f"This eSpeak NG has no voice {voice!r}.")
        self._library.espeak_SetParameter(self._RATE, speed, 0)
        self._library.espeak_SetParameter(self._VOLUME, 60, 0)  # at 100, one word in twenty-five is cut
        text = ctypes.create_string_buffer(word.encode())
        self._library.espeak_Synth(text, len(text), 0, 1, 0, 0, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._parts).astype(np.float64) / 32768, self.rate


def _library(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name) if name else None
    except OSError:
        return None
