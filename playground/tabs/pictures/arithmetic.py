"""Compare's *Arithmetic*: A - B + C with the latents of three pictures, and a slider from one class's mean to another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout

from playground import data
from playground.checkpoints import Card
from playground.contract import Frame, Model, Request
from playground.experiments.arithmetic_request import LETTERS, ArithmeticRequest
from playground.export.packed_pixels import packed, unpacked
from playground.export.picture_metadata import PictureMetadata
from playground.families import FROM_PICTURE
from playground.tabs.compare.complete import DATASET, SHAPE, Complete
from playground.tabs.frame import model_cache
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.theme import theme
from playground.ui.widgets.controls import Segmented

# a pullover without a T-shirt, and a dress: a dress with long sleeves?  Each lies near the mean latent of its class, to the VAE;
# of three that do not, the sum lies where nothing was learned
FIRST_PICTURES = (1217, 264, 522)
FIRST = ("vae-fashion", "tarflow-fashion", "ddpm-fashion", "stylegan-fashion")
FAMILIES = ("flow", "vae", "gan", "diffusion")


@dataclass(frozen=True, eq=False)
class Term:
    """One picture: a test image by number, or one from elsewhere, uint8 (H,W,C), about which something is said."""

    index: int
    own: np.ndarray | None = None
    said: str = ""

    @property
    def pixels(self) -> np.ndarray:
        """uint8 (H,W,C)."""
        found: np.ndarray = data.load(DATASET, "test")[0][self.index] if self.own is None else self.own
        return found


class Arithmetic(Complete):
    """Three pictures at the left, of which the slot shows one; a panel for each model with what the sum decodes to."""

    name = "Arithmetic"
    group = FROM_PICTURE
    verb = "Compute"
    has_mask = False
    request_type = ArithmeticRequest
    why_small = "what the three latents and their sum decode to stand side by side, for every family"
    sentence = (
        "A − B + C, computed with latents: a pullover without what makes a T-shirt, with what makes a dress. Where the sum "
        "lies beside all that was learned, noise comes out."
    )

    def build(self) -> None:
        """See the base class."""
        first = {letter: Term(index) for letter, index in zip(LETTERS, FIRST_PICTURES, strict=True)}
        self.terms, self.letter = dict(first), LETTERS[0]
        super().build()
        theme.signals.changed.connect(self._fit_hall)
        self.terms = first
        self._take(self.letter)

    def _make_sources(self) -> None:
        super()._make_sources()
        self.letters = Segmented(LETTERS)
        self.letters.setToolTip("Which picture is chosen below")
        self.letters.chosen.connect(lambda index: self.choose_letter(LETTERS[index]))
        self.three = ImageGrid(columns=len(LETTERS))
        self.three.setAccessibleName("The pictures A, B and C")
        self.three.picked.connect(lambda sample, row, column: self.letters.set_index(sample))

    def _lay_out(self) -> None:
        super()._lay_out()
        side = cast(QVBoxLayout, self._side.layout())
        side.insertWidget(0, self.three, 2)
        side.insertWidget(1, self.letters)

    # --- three pictures

    def choose_letter(self, letter: str) -> None:
        """The slot shows this one from now on."""
        self._keep()
        self._take(letter)

    def take_as(self, letter: str, picture: QImage) -> None:
        """A picture from anywhere as one of the three."""
        self.letters.set_index(LETTERS.index(letter))
        self.slot.take_picture(picture)

    def _keep(self) -> None:
        self.terms[self.letter] = Term(self.index, self.own, self.said)

    def _take(self, letter: str) -> None:
        self.letter, term = letter, self.terms[letter]
        self.index, self.own, self.said = term.index, term.own, term.said
        self._show_picture()

    def _show_picture(self) -> None:
        super()._show_picture()
        self._keep()
        self.three.set_images(self.pictures, captions=[f"{letter}" for letter in LETTERS])

    @property
    def pictures(self) -> np.ndarray:
        """uint8 (3,H,W,C)."""
        return np.stack([self.terms[letter].pixels for letter in LETTERS])

    # --- who computes

    def takes_part(self, card: Card) -> bool:
        """Those with latents of numbers."""
        return super().takes_part(card) and card.family in FAMILIES

    def first_models(self) -> list[str]:
        """One of each family, and the flow that is told classes."""
        return [key for key in FIRST if key in self._cards]

    @staticmethod
    def way(model: Model) -> str:
        """See the base class."""
        from playground.experiments import arithmetic

        return arithmetic.said(model)

    def run(self, model: Model) -> Callable[[], Iterator[Frame]]:
        """See the base class."""
        request = self.knobs.request()
        assert isinstance(request, ArithmeticRequest), "these are its knobs"
        return partial(_computed, model, self.pictures, request)

    def pictures_of(self, request: Request) -> int:
        """The three, and the sum."""
        return len(LETTERS) + 1

    def _fit_hall(self) -> None:
        self._show(range(self.race.count))  # before the first start there are panels and no race

    def _show(self, lanes: Sequence[int]) -> None:
        super()._show(lanes)
        for i in lanes:
            frame = self.race.stand(i).frame
            if frame is not None and len(frame.images) == len(LETTERS) + 1:
                captions = [*LETTERS, "A − B + C" if frame.step == frame.total else "…"]
                # a hall sees the three at the left, and here the sum
                first = len(LETTERS) if theme.lecture() else 0
                self.board.panels[i].grid.set_images(frame.images[first:], captions=captions[first:])

    # --- keeping

    def moment(self) -> tuple[Any, ...]:
        """The three pictures."""
        kept = [(t.index, None if t.own is None else t.own.tobytes(), t.said) for t in self.terms.values()]
        return (self.letter, *kept)

    def put_back(self, moment: tuple[Any, ...]) -> None:
        """The three pictures as they were."""
        letter, *kept = moment
        for name, (index, own, said) in zip(LETTERS, kept, strict=True):
            pixels = None if own is None else np.frombuffer(own, np.uint8).reshape(SHAPE).copy()
            self.terms[name] = Term(index, pixels, said)
        self._take(letter)
        self._again()

    def state(self) -> dict[str, Any]:
        """What the base class keeps, and the other two pictures."""
        terms = []
        for term in self.terms.values():
            own = {} if term.own is None else {"picture": packed(term.own), "said": term.said}
            terms.append({"index": term.index, **own})
        return {**super().state(), "terms": terms}

    def restore(self, kept: PictureMetadata) -> None:
        """The same again."""
        try:
            terms = [_term(one) for one in kept.state.get("terms", [])]
            if len(terms) != len(LETTERS):
                raise ValueError("it does not name three pictures.")
        except (ValueError, TypeError, AttributeError) as error:
            self.page.banner.show_error(f"The picture cannot be opened: {error}")
            return
        self.terms = dict(zip(LETTERS, terms, strict=True))
        self._take(LETTERS[0])
        first = {**kept.state, "index": self.index}
        if self.own is not None:
            first |= {"picture": packed(self.own), "said": self.said}
        super().restore(replace(kept, state=first))


def _term(kept: dict[str, Any]) -> Term:
    """A picture from a file that anyone may have made; raises ValueError with one sentence."""
    index, said = kept.get("index"), kept.get("said", "")
    if (
        type(index) is not int
        or not 0 <= index < data.DATASETS[DATASET].num_test
        or not isinstance(said, str)
    ):
        raise ValueError("it names no test image.")
    return Term(index, unpacked(kept["picture"], SHAPE) if "picture" in kept else None, said[:500])


def _computed(model: Model, pictures: np.ndarray, request: ArithmeticRequest) -> Iterator[Frame]:
    """On the worker."""
    from playground.experiments import arithmetic

    plain = (replace(frame, extras={}) for frame in arithmetic.compute(model, pictures, request))
    return model_cache.with_threads(model, plain)
