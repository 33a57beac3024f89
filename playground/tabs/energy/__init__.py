"""The Energy tab: its views, in the order of the switch."""

from playground.tabs.energy.chains import Chains
from playground.tabs.energy.energies import Energies
from playground.tabs.energy.filters import Filters
from playground.tabs.energy.repair import Repair
from playground.tabs.plane.chains import ChainsInThePlane

VIEWS = (Chains, Repair, Energies, Filters, ChainsInThePlane)
