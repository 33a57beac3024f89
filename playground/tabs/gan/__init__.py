"""The GAN tab: its views, in the order of the switch."""

from playground.tabs.gan.views import Directions, Generate, Lattice, Mixing, Project, Walk

VIEWS = (Generate, Walk, Lattice, Mixing, Directions, Project)
