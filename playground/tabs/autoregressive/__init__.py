"""The Autoregressive tab: its views, in the order of the switch."""

from playground.tabs.autoregressive.attention import Attention
from playground.tabs.autoregressive.completion import Complete
from playground.tabs.autoregressive.generate import Generate
from playground.tabs.autoregressive.generations import Generations
from playground.tabs.autoregressive.masks import Masks
from playground.tabs.autoregressive.prompted_codes import CodesFromWords
from playground.tabs.autoregressive.receptive_field import ReceptiveField
from playground.tabs.autoregressive.speech import Speak
from playground.tabs.autoregressive.surprise import Surprise
from playground.tabs.autoregressive.two_orders import TwoOrders
from playground.tabs.autoregressive.write import Write

VIEWS = (
    Generate,
    CodesFromWords,
    Complete,
    Surprise,
    ReceptiveField,
    Attention,
    Masks,
    TwoOrders,
    Write,
    Speak,
    Generations,
)
