"""What a training in the window is asked for, as knobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from playground.contract import Request, knob
from playground.training.own_runs import GREY_ONLY, TITLES

_HELP = (
    "What learns the pictures. A VAE shows something within seconds and stays soft; a GAN is sharper and less steady; diffusion "
    "needs minutes and draws best; PixelCNN draws pixel by pixel, grey pictures only. Below them are the program's own recipes whose training "
    "pictures are on this machine; those take hours."
)
_OWN = tuple((name, title) for name, title in TITLES.items())


@dataclass(frozen=True)
class OwnTraining(Request):
    """Which model, on what."""

    recipe: str = knob("vae-own", label="model", choices=_OWN, help=_HELP)
    colour: bool = knob(
        False,
        label="colour",
        help="Pictures of 32x32 in colour, in place of 28x28 grey ones. Takes two to three times as long.",
    )
    augment: bool = knob(
        True,
        label="flips and shifts",
        help="Each picture is shown mirrored or not, and shifted by up to two pixels, anew every time. A small set then lasts longer; turn it off where left and right matter, as in writing.",
    )

    drawn_by: str = knob(
        "",
        label="add pictures drawn by",
        choices=(("", "nobody"),),
        help="A model that has learned the same pictures draws as many again, which are learned, too. Whether that helps is seen on the pictures that are held out: beside its curve stands that of the model without them.",
    )

    @property
    def is_colour(self) -> bool:
        """Whether it is to learn, and can learn, colours."""
        return self.colour and self.recipe not in GREY_ONLY


def with_choices(others: Sequence[tuple[str, str, str]], drawers: Sequence[str]) -> type[OwnTraining]:
    """The same, with recipes of the program's own below, and models that have learned the same pictures."""
    choices = (*_OWN, *((id, title) for id, title, _ in others))
    recipe = knob("vae-own", label="model", choices=choices, help=_HELP)
    (field,) = [f for f in dataclasses.fields(OwnTraining) if f.name == "drawn_by"]
    nobody = (("", "nobody"), *((id, id) for id in drawers))
    drawn_by = dataclasses.field(default="", metadata={"knob": {**field.metadata["knob"], "choices": nobody}})
    made = dataclasses.make_dataclass(
        "OwnTraining",
        [("recipe", str, recipe), ("drawn_by", str, drawn_by)],
        bases=(OwnTraining,),
        frozen=True,
    )
    made.__doc__ = OwnTraining.__doc__
    return made


HIDDEN = frozenset({"seed", "num_samples"})
