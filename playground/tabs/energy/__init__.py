"""The Energy tab: its views, in the order of the switch."""

from playground.tabs.energy.views import Chains, Energies, Filters, Repair

VIEWS = (Chains, Repair, Energies, Filters)
