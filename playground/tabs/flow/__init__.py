"""The Flow tab: its views, in the order of the switch."""

from playground.tabs.flow.analogies import Analogies
from playground.tabs.flow.views import Generate, Layers, RoundTrip, Score, Walk

VIEWS = (Generate, Layers, Analogies, Walk, RoundTrip, Score)
