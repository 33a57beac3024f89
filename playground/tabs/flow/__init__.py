"""The Flow tab: its views, in the order of the switch."""

from playground.tabs.flow.analogies import Analogies
from playground.tabs.flow.generate import Generate
from playground.tabs.flow.interpolate import Walk
from playground.tabs.flow.layers import Layers
from playground.tabs.flow.round_trip import RoundTrip
from playground.tabs.flow.score import Score

VIEWS = (Generate, Layers, Analogies, Walk, RoundTrip, Score)
