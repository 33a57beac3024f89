"""The Energy tab: chains that wander downhill, each with its energy."""

from __future__ import annotations

import itertools
import math

import numpy as np

from playground.capabilities import HasNoiseLevels
from playground.contract import Frame, Model
from playground.tabs import so_what
from playground.tabs.branches.view import Branching
from playground.tabs.energy.chain_panels import panels_of
from playground.ui.pictures.image_grid import ImageGrid
from playground.ui.plots.line_plot import LinePlot

MOST_TRACES = 4  # chains whose energy is drawn, beside the mean of all
DROP = 0.05  # the first part of a run, whose fall from noise would flatten the rest


def _reach(energies: np.ndarray) -> tuple[float, float] | None:
    """An axis for energies (steps, chains) in coarse steps, so that it does not slide all the time; None for too few."""
    if len(energies) < 2:
        return None
    low, high = float(energies.min()), float(energies.max())
    step = 10 ** math.floor(math.log10(max(high - low, 1e-9))) / 2
    return math.floor(low / step - 0.5) * step, math.ceil(high / step + 0.5) * step


class Chains(Branching):
    """Many chains in parallel, each with its energy."""

    name = "Chains"
    plot: LinePlot
    words = (
        "An energy-based model gives every picture one number, its <b>energy</b>: low means plausible. To draw, a "
        "<b>Markov chain</b> wanders, a little downhill and with some noise at every step."
    )
    formula = r"p(x) = \frac{\exp(-E(x))}{Z}"

    def explanation(self, model: Model) -> tuple[str, str]:
        """Four kinds of chain."""
        mixing = (
            "<br><br>Start the chains from noise, from test images, or where training's own chains were left: if all "
            "end up alike, they <b>mix</b>."
        )
        words = {
            "energy/rbm": mixing
            + "<br><br>Here pixels are <b>black or white</b>; grey is the probability of white. A "
            "step draws all hidden units given the pixels, then all pixels given these.",
            "energy/dbm": mixing
            + "<br><br>Here pixels are <b>black or white</b>, and two layers of hidden units lie over them; grey is the "
            "probability of white. A step draws the first layer given the pixels <i>and</i> the second, then these two given "
            "the first. The energy is an upper bound of the true one (<b>mean field</b>).",
            "energy/ebm": mixing
            + "<br><br>Here a step goes <b>downhill</b> in energy and adds a little noise. Theory asks for far more noise, "
            "so that each picture is visited as often as it is probable; that would drown these pictures. With so little, "
            "chains look for low places and stay there.",
            "energy/gsn": mixing
            + "<br><br>This one has no energy at all: it <b>corrupts</b> the picture and "
            "<b>restores</b> it, over and over. Where the chain spends its time is the model.",
            "energy/score_ebm": "<br><br>Here <b>every level of noise σ has its own energy</b>: smooth hills under much "
            "noise, fine valleys under little. A chain follows the gradient, at temperature 1, while the level falls: "
            "<b>annealed</b> Langevin dynamics.<br><br>The gradient was learned by <b>denoising</b>: downhill must "
            "lead from a noisy picture to the clean one. No chain ran in training. The curves show the energy at one "
            "and the same level, that of the <i>Energy</i> view.",
        }
        more = words.get(model.card.network, mixing)
        formula = self.formula
        if model.likelihood == "none":
            formula = r"\tilde{x} \sim C(\tilde{x} \mid x), \; x \sim P(x \mid \tilde{x})"
        elif isinstance(model, HasNoiseLevels):
            formula = r"E_\sigma(x) = \frac{1}{2} \, \|r(x, \sigma)\|^2"
        return self.words + more, formula

    def build(self) -> None:
        """The grid, and the traces."""
        self.grid = ImageGrid()
        self.grid.may_show_fewer = True
        self.column.addWidget(self.grid, 1)
        self.player.speed = 30.0
        self.plot = LinePlot("Energy of each chain", "step", "nats")

    def panels(self, frame: Frame) -> list[tuple[str, np.ndarray]]:
        """See the base class."""
        return panels_of(frame)

    def draw(self, frame: Frame) -> None:
        """The pictures."""
        self.grid.set_panels(self.panels(frame), captions=self.class_names())

    def draw_plot(self, frame: Frame) -> None:
        """The energies so far, or what moves where there is none."""
        frames = list(self.player.timeline)
        steps = np.array([f.step for f in frames], float)
        reach = None
        if "energy" in frame.extras:
            energies = np.stack([f.extras["energy"] for f in frames])
            traces = {"mean": energies.mean(1)}
            traces |= {f"{i + 1}": energies[:, i] for i in range(min(MOST_TRACES, energies.shape[1]))}
            self.plot.set_curves(traces, steps)
            reach = _reach(energies[steps >= DROP * frame.total, :MOST_TRACES])
        else:
            self.plot.set_title("How much each step changes the pictures")
            self.plot.set_labels("step", "grey levels")
            self.plot.set_curve("change", np.array(_moved(frames)), steps[1:])
        self.plot.set_range(x=(0, frame.total), y=reach)
        self.plot.set_marker(frame.step)

    def so_what(self, frame: Frame) -> str:
        """At the end: how far the chains went downhill, and how soon."""
        if frame.step < frame.total:
            return ""
        frames = list(self.player.timeline)
        if "energy" not in frame.extras:
            return so_what.wandering(_moved(frames[-2:]))
        energies = [float(f.extras["energy"].mean()) for f in frames]
        return so_what.fall([f.step for f in frames], energies, frame.total)

    def opened(self) -> None:
        """Another model, other curves."""
        super().opened()
        self.plot.clear()
        self.plot.set_title("Energy of each chain")
        self.plot.set_labels("step", "nats")


def _moved(frames: list[Frame]) -> list[float]:
    """Mean change of a pixel from each frame to the next, in grey levels."""
    return [float(np.abs(b.images.astype(int) - a.images).mean()) for a, b in itertools.pairwise(frames)]
