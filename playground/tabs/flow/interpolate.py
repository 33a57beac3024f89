"""The walk between two pictures, through the z of a flow."""

from __future__ import annotations

from playground.capabilities import ClassConditional
from playground.contract import Model, Request
from playground.tabs.frame.interpolate import Interpolate


class Walk(Interpolate):
    """The walk of every family that decodes, with what is special about a flow's z."""

    words = (
        "Two pictures are carried to their <i>z</i> (or two are drawn), and the flow is run backwards from the points between. "
        "Both ends come back exactly, for nothing was lost.<br><br>But <i>z</i> has as many numbers as the picture has pixels, "
        "and most of them describe fine detail. Nothing made the flow put the meaning into a few of them, so half-way "
        "pictures are often two garments at once. Compare the VAE's walks.<br><br>"
        "<b>Straight or spherical?</b> Nearly all of a 784-dimensional Gaussian has length 28. The straight line "
        "takes a short cut through the inside: watch the length."
    )
    class_words = (
        "Two pictures are carried to their <i>z</i> (or two are drawn), and the flow is run backwards from the points between. "
        "What comes back at the ends is the picture with its noise cleaned away.<br><br>This flow is told classes. <b>Told "
        "both</b>, it hears a mixture on the way: so much of one garment, so much of the other, and what stands between "
        "changes its mind at once. <b>Told none</b>, <i>z</i> has to say everything.<br><br>"
        "<b>Straight or spherical?</b> Nearly all of a 784-dimensional Gaussian has length 28. The straight line "
        "takes a short cut through the inside: watch the length."
    )

    def explanation(self, model: Model) -> tuple[str, str]:
        """A class that is mixed on the way needs words."""
        return (self.class_words if isinstance(model, ClassConditional) else self.words), self.formula

    def request_type(self, model: Model) -> type[Request]:
        from playground.experiments import interpolation

        conditional = isinstance(model, ClassConditional)
        return interpolation.ClassInterpolateRequest if conditional else interpolation.InterpolateRequest
