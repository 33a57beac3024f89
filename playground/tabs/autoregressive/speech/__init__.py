"""The view of models that speak: sound while it is made, what it is drawn from, and how it is heard."""

from playground.tabs.autoregressive.speech.speak import Speak

__all__ = ["Speak"]
