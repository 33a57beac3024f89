"""The Guide's map: how the families hang together, each leaf drawing as you look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea

from playground.capabilities import Decodes, Encodes, Invertible, TakesNoiseAway, promises
from playground.contract import Frame, Message
from playground.export.window_state import WindowState, link_of
from playground.models.plane_catalogue import VIEW
from playground.tabs.frame.page import Scene
from playground.tabs.guide.links import Link, LinkTargets, read
from playground.tabs.guide.live_samples import Rounds, Subject
from playground.tabs.guide.map_card import MapCard, Mark
from playground.tabs.guide.map_tree import MapTree, Twig
from playground.ui.theme import theme

WORDS = {
    "exact": (True, "exact likelihood"),
    "bound": (True, "likelihood bound"),
    "energy": (True, "energy, no likelihood"),
    "none": (False, "no likelihood"),
}


class Map(Scene):
    """The tree; a click or Enter on a leaf opens its tab."""

    name = "Map"
    why_small = "a map of the field: every leaf shows what its model draws, in the space that words leave"
    sentence = (
        "The map of the field. The first question is whether a model says how probable a picture is. Every leaf draws live; "
        "click one, or choose it with the arrows and Enter, to open it. Six families "
        f'<a href="{link_of(WindowState("compare", view=VIEW))}">learn one shape</a> before your eyes.'
    )

    def build(self) -> None:
        """Cards, tree, and a lane that draws for one leaf after the other."""
        raw, places = read("map"), LinkTargets(self.page.cards, self.page.view_names)
        self.leaves: dict[str, MapCard] = {}
        self.places: dict[str, Any] = {}  # leaf -> Place
        self.networks: dict[str, str] = {}  # leaf -> "family/file", also of those without a checkpoint
        subjects, cards = [], []
        for leaf in raw["leaf"]:
            name, networks = leaf["id"], tuple(leaf["networks"])
            found = places.card(networks)
            card = self.leaves[name] = MapCard(leaf["title"], leaf["words"], leaf["family"])
            self.networks[name] = found.network if found else networks[0]
            cards.append((leaf["parent"], card))
            place = places.find(Link(leaf["family"], networks, leaf["view"]))
            if found is not None and place is not None:
                self.places[name] = place
                card.set_model(found.id)
                card.clicked.connect(lambda _=False, place=place: self.page.go(place))
                subjects.append(Subject(name, found.id, leaf.get("settings", {}), leaf["seconds"]))
        twigs = [Twig(**twig) for twig in raw["twig"]]
        note = ("Why are there two Markov chains?", raw["twice"].replace("*", ""))
        self.tree = MapTree(twigs, cards, note)
        self.scroller = QScrollArea()
        self.scroller.setWidgetResizable(True)
        self.scroller.setWidget(self.tree)
        theme.signals.changed.connect(self._fit)
        self.column.addWidget(self.scroller)
        self.rounds = Rounds(self.new_lane("draw"), self.page.model_cache, self)
        self.rounds.set_subjects(sorted(subjects, key=lambda s: s.seconds))  # the quick ones first
        self.rounds.arrived.connect(self._arrive)
        self._passes: dict[str, int] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        self._asked = False
        self._ask = self.new_lane("facts")
        self._ask.frames_arrived.connect(lambda frames: self._know(frames[-1].payload))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a hall the tree fits."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.tree.fit(self.scroller.size() - QSize(2, 2))

    def wake(self) -> None:
        """Draw; the first time, ask the models' classes what they can do."""
        if not self._asked:
            self._asked = True
            networks = dict(self.networks)
            self._ask.play(lambda: _facts(networks))
        self.rounds.wake()

    def rest(self) -> None:
        """Draw nothing."""
        self.rounds.rest()

    @property
    def is_settled(self) -> bool:
        """Every leaf has drawn once."""
        return set(self.places) <= set(self._passes)

    def focus_first(self) -> None:
        """The focus to the first leaf that can be opened."""
        self.tree.step(-1, 1)

    def _arrive(self, name: str, frame: Frame) -> None:
        card = self.leaves[name]
        card.set_images(frame.images)
        if frame.step >= frame.total:
            self._passes[name] = max(frame.passes, 1)
            self._mark(name)

    def _know(self, facts: dict[str, dict[str, Any]]) -> None:
        self._facts = facts
        for name in facts:
            self._mark(name)

    def _mark(self, name: str) -> None:
        if name in self._facts:
            self.leaves[name].set_marks(marks(self._facts[name], self._passes.get(name)))


def marks(facts: dict[str, Any], passes: int | None) -> list[Mark]:
    """What stands at the foot of a leaf: sample, likelihood, latent, encode."""
    drawn = f"draws: {passes} pass{'es' * (passes > 1)}" if passes else "draws"
    likelihood = WORDS[facts["likelihood"]]
    if facts["invertible"]:  # its density is exact; of pictures in whole grey levels it is a bound
        likelihood = (True, "exact (8-bit: bound)")
    latent = (True, "latent") if facts["decodes"] else (False, "no latent")
    encode: Mark = (True, "encodes") if facts["encodes"] else (False, "no encoder")
    if facts["walks"]:  # no code of its own, but a noise for every picture
        latent, encode = (True, "latent: noise"), (True, "encodes")
    return [(True, drawn), likelihood, latent, encode]


def _facts(networks: dict[str, str]) -> Iterator[Message[dict[str, dict[str, Any]]]]:
    """On the worker: what the models' classes say of themselves."""
    from playground import models

    found = {}
    for name, network in networks.items():
        kind = models.network_class(network)
        found[name] = {
            "likelihood": kind.likelihood,
            "decodes": promises(kind, Decodes),
            "encodes": promises(kind, Encodes),
            "walks": promises(kind, TakesNoiseAway),
            "invertible": promises(kind, Invertible),
        }
    yield Message(found)
