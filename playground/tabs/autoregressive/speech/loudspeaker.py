"""Hearing a sound: through the optional package ``sounddevice``, which is looked for when something is to be heard, and not before."""

from __future__ import annotations

import importlib

import numpy as np

from playground.data import mu_law

MISSING = "To hear it, install the sound extra: pip install generative-playground[sound] (the package sounddevice). Until then, save it as WAV."


def play(codes: np.ndarray) -> str:
    """Begin to play a sound, mu-law codes uint8 (T,); it stops what is playing.

    Returns:
        "" if it plays; else one sentence that says why not and what to do.
    """
    try:
        device = importlib.import_module("sounddevice")
    except ImportError:
        return MISSING
    except OSError as error:  # the package is there, and its library PortAudio is not
        return f"The package sounddevice cannot play here ({_in_a_line(error)}): save it as WAV."
    try:
        device.play(mu_law.decode(codes), mu_law.RATE)
    except Exception as error:  # whatever the sound card's driver has to say
        return f"This machine cannot play it ({_in_a_line(error)}): save it as WAV."
    return ""


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
