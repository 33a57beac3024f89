"""Compare's *Round trip*: one picture to a latent and back, by every family that has a way, side by side and on one clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from playground.checkpoints import Card
from playground.contract import Frame, Model, Request
from playground.experiments.round_trip_request import ERROR_TIMES, RoundTripRequest
from playground.families import FROM_PICTURE
from playground.tabs.compare.complete import Complete
from playground.tabs.frame import model_cache

WITHOUT = ("autoregressive", "energy")  # they have no latent
FIRST = ("glow-fashion", "vae-fashion", "vae2d-fashion", "vqvae-fashion", "ddpm-fashion", "stylegan-fashion")


class RoundTrip(Complete):
    """A panel for each model: what came back, and what is not as it was."""

    name = "Round trip"
    group = FROM_PICTURE
    verb = "There and back"
    has_mask = False
    request_type = RoundTripRequest
    sentence = (
        "One picture becomes the numbers that each family works with, and a picture again. A flow loses nothing, a VAE what it was not "
        "trained to keep; a GAN has to search. At the right, brighter by four: what is not as it was."
    )
    why_small = "what came back and its error stand side by side, for every family"

    def takes_part(self, card: Card) -> bool:
        """Those with a latent."""
        return super().takes_part(card) and card.family not in WITHOUT

    def first_models(self) -> list[str]:
        """One of each way."""
        return [key for key in FIRST if key in self._cards]

    @staticmethod
    def way(model: Model) -> str:
        """See the base class."""
        from playground.experiments import round_trip

        return round_trip.said(model)

    def run(self, model: Model) -> Callable[[], Iterator[Frame]]:
        """See the base class."""
        request = self.knobs.request()
        assert isinstance(request, RoundTripRequest), "these are its knobs"
        return partial(_there_and_back, model, self.picture[None].copy(), request)

    def pictures_of(self, request: Request) -> int:
        """What came back, and the error."""
        return 2

    def _show(self, lanes: Sequence[int]) -> None:
        super()._show(lanes)
        for i in lanes:
            frame, panel = self.race.stand(i).frame, self.board.panels[i]
            if frame is None:
                continue
            panel.grid.set_images(frame.images, captions=self.captions(frame))

    def captions(self, frame: Frame) -> list[str]:
        """Under a panel's two pictures: how far it is, and the mean error in grey levels."""
        if frame.step < frame.total:
            return [f"step {frame.step}/{frame.total}", ""]
        error = float(np.abs(frame.images[0].astype(int) - self.picture).mean())
        return [f"error {error:.2f}", f"error × {ERROR_TIMES}"]


def _there_and_back(model: Model, picture: np.ndarray, request: RoundTripRequest) -> Iterator[Frame]:
    """On the worker."""
    from playground.experiments import round_trip

    return model_cache.with_threads(model, round_trip.there_and_back(model, picture, request))
