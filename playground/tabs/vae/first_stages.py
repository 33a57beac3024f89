"""What a first stage keeps: test images through the KL autoencoder of latent diffusion and through VQGAN, with both errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from playground import checkpoints
from playground.capabilities import Reconstructs, Tokenizes
from playground.contract import Frame, Model, Request
from playground.tabs import so_what
from playground.tabs.frame.image_view import ImageView
from playground.tabs.frame.python_code import Code
from playground.tabs.frame.view import FROM_PICTURE
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

NUMBERS, CODES = "vae/kl", "vae/vqgan"


def partner_of(card: checkpoints.Card) -> checkpoints.Card | None:
    """The shipped first stage of the other kind for the same pictures, if there is one."""
    other = {NUMBERS: CODES, CODES: NUMBERS}.get(card.network)
    return next((c for c in checkpoints.cards() if c.network == other and c.dataset == card.dataset), None)


class FirstStages(ImageView[Reconstructs]):
    """Originals, numbers and codes, one under the other."""

    name = "First stages"
    group = FROM_PICTURE
    why_small = (
        "three rows of pictures stand under each other: originals, and what comes back of them in two ways"
    )
    hidden_knobs = frozenset({"seed"})
    plot: BarPlot
    words = (
        "Large models do not draw pixels: a <b>first stage</b> makes a picture small, a second model draws what is small. "
        "Here are both kinds, on test images that neither has seen.<br><br>The <b>KL autoencoder</b> keeps 8x8 places of 8 "
        "<i>numbers</i>, for diffusion. The <b>VQGAN</b> keeps 8x8 <i>codes</i>, each one of 1,024: 640 bits, a fortieth of "
        "the picture. So it must choose. Its perceptual and adversarial terms choose what looks right over what is "
        "right in every pixel.<br><br><b>PSNR</b> counts pixels only: 6 dB more is half the error. N and P walk on."
    )
    formula = r"\hat{x} = g(e_k), k = \argmin_j \| f(x) - e_j \|^2"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """One of the two kinds, with the other one there."""
        return isinstance(model, Reconstructs) and partner_of(model.card) is not None

    def request_type(self, model: Reconstructs) -> type[Request]:
        from playground.experiments.vae import first_stages

        return first_stages.FirstStagesRequest

    def build(self) -> None:
        """The rows, and the errors as bars."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.grid.setAccessibleName("Test images, and what two autoencoders make of them")
        self.column.addWidget(self.grid, 1)
        self.column.addWidget(self.make_stepper())
        self.plot = BarPlot("Mean PSNR of these", "", "dB")

    def sampler(self, model: Reconstructs, request: Request) -> Iterator[Frame]:
        """Numbers first, whichever of the two is open."""
        from playground.experiments.vae import first_stages

        card = partner_of(model.card)
        assert card is not None, "the view suits no model without a partner"
        other = self.tab.model_cache.get(card.id)
        pair = (other, model) if isinstance(model, Tokenizes) else (model, other)
        return first_stages.both(pair, request)  # type: ignore[arg-type]

    def code(self) -> Code | None:
        """With both by name."""
        card = partner_of(self.model.card)
        names = ["model", f"playground.load({card.id!r})" if card else "model"]
        if isinstance(self.model, Tokenizes):
            names.reverse()
        run = f"first_stages.both(({', '.join(names)}), request)"
        return Code(run, ("from playground.experiments.vae import first_stages",))

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """Originals, and both reconstructions."""
        return [
            ("test images", frame.extras["originals"]),
            ("8 numbers in each place", frame.images),
            ("one code in each place", frame.extras["others"]),
        ]

    def draw(self, frame: Frame) -> None:
        """The rows; what came back says how far off it is."""
        errors = [[f"{value:.1f} dB" for value in frame.extras[key]] for key in ("psnr", "psnr_of_others")]
        nothing = [""] * len(frame.images)
        self.grid.set_panels(self.panels(frame), panel_captions=[nothing, *errors])
        self.stepper.show_index(getattr(self.request, "index", 0))

    def draw_plot(self, frame: Frame) -> None:
        """Both means."""
        means = [float(frame.extras[k].mean()) for k in ("psnr", "psnr_of_others")]
        self.plot.set_values(means, names=["numbers", "codes"], high=max(40.0, *means))

    def so_what(self, frame: Frame) -> str:
        """Which of the two is nearer."""
        numbers, codes = (float(frame.extras[k].mean()) for k in ("psnr", "psnr_of_others"))
        return so_what.first_stages(numbers, codes)
