"""The GAN tab: its views, in the order of the switch."""

from playground.tabs.gan.directions import Directions
from playground.tabs.gan.failures import Failures
from playground.tabs.gan.generate import Generate
from playground.tabs.gan.latent_walk import Walk
from playground.tabs.gan.lattice import Lattice
from playground.tabs.gan.projection import Project
from playground.tabs.gan.style_mixing import Mixing
from playground.tabs.gan.translate import Paint, TranslatedSamples, Turn

VIEWS = (Paint, Turn, Generate, TranslatedSamples, Walk, Lattice, Mixing, Directions, Project, Failures)
