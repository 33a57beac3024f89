"""Samples of the prior of a VAE, decoded in one pass."""

from __future__ import annotations

import numpy as np

from playground import data
from playground.capabilities import Decodes, DrawsBelow
from playground.contract import Frame, Model
from playground.tabs.frame.view import View
from playground.tabs.vae.code_generate import CodeGenerate
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import BarPlot

LENGTHS = "Lengths of the latents"


class Generate(View):
    """Samples of the prior, decoded in one pass."""

    name = "Generate"
    plot: BarPlot
    words = (
        "Each picture is one random latent <i>z</i>, decoded: a single pass, so sampling is as fast as it gets. The "
        "decoder gives every pixel its own distribution, independent of the others; its mean averages over all the "
        "details that <i>z</i> does not fix, and that is why the pictures look soft.<br><br>Switch <b>output</b> to a "
        "draw to see what an honest sample of the model looks like: the grain is the uncertainty of each pixel."
    )
    formula = r"\log p(x) \ge \E_{q(z \mid x)} [\log p(x \mid z)] - \KL(q(z \mid x) \| p(z))"
    hierarchy_words = (
        "The code is a hierarchy, drawn <b>layer by layer</b> from the top: a few numbers for the whole picture, then a "
        "grid of 7x7 places, of 14x14, of 28x28. Every frame shows what is expected once one more layer is drawn. Go "
        "back in the film and see when the kind of garment is settled, when its shape, when its cloth.<br><br>Each layer's prior depends on all the "
        "layers above. The bars say <b>by how much the drawing of each changed</b> what was expected."
    )
    hierarchy_formula = r"p(z) = p(z_1) \prod_{l=2}^{L} p(z_l \mid z_1, \ldots, z_{l-1})"
    first_stage_words = (
        "This autoencoder keeps a small grid of numbers of every picture and paints it again, nearly as it was. The pull "
        "of its latents towards a normal distribution is so weak that <b>a draw from that distribution is fog</b>: real "
        "pictures are a tiny part of what it allows.<br><br>Finding that part is the work of a second model. A diffusion "
        "model that draws such latents, and this decoder behind it, are together Stable Diffusion."
    )
    first_stage_formula = r"z \sim N(0, I) \to \hat{x} = g(z)"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Models of pictures whose latents are numbers, not codes."""
        return data.modality(model.card.dataset).has_pixels and not CodeGenerate.suits(model)

    def explanation(self, model: Model) -> tuple[str, str]:
        """A plain autoencoder has no prior to draw from, which is the lesson."""
        if isinstance(model, DrawsBelow):
            return self.hierarchy_words, self.hierarchy_formula
        if model.likelihood != "none":
            return self.words, self.formula
        if isinstance(model, Decodes) and len(model.latent_shape) > 1:
            return self.first_stage_words, self.first_stage_formula
        words = (
            "A plain autoencoder only learned to squeeze pictures into two numbers and back. <b>It has no prior</b>: "
            "nothing says where in its latent space garments are. Here the latents are drawn from a normal "
            "distribution with the codes' own mean and spread, the best blind guess there is.<br><br>Many fall into "
            "gaps that the decoder never saw, and come out as nothing in particular. Compare <i>vae2d</i>: the same "
            "networks, trained so that the space between garments is filled too."
        )
        return words, r"x \to z = f(x) \to \hat{x} = g(z)"

    def build(self) -> None:
        """A grid, and how the latents lie."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.plot = BarPlot(LENGTHS, "length of z", "pictures")

    def opened(self) -> None:
        """A hierarchy is told layer by layer."""
        if isinstance(self.model, DrawsBelow):
            self.plot.set_title("What each layer changed")
            self.plot.set_labels("layer, from the top", "grey levels")
        else:
            self.plot.set_title(LENGTHS)
            self.plot.set_labels("length of z", "pictures")

    def draw(self, frame: Frame) -> None:
        """The pictures."""
        self.grid.set_images(frame.images)

    def draw_plot(self, frame: Frame) -> None:
        """How long the latents are, or what the drawing of each layer changed."""
        if "moved" in frame.extras:
            moved = frame.extras["moved"]
            self.plot.set_values(moved, x=1 + np.arange(len(moved)))
            return
        latents = frame.extras["latent"]
        lengths = np.linalg.norm(latents.reshape(len(latents), -1), axis=1)
        counts, edges = np.histogram(lengths, bins=16, range=(0, max(float(lengths.max()) * 1.2, 1.0)))
        self.plot.set_values(counts, x=(edges[:-1] + edges[1:]) / 2)
