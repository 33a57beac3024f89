"""The Guide: every leaf, card and answer leads to a place that exists, and pictures are drawn only while someone looks."""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication, QLabel

from playground import checkpoints, families, labels, models
from playground.app import MainWindow
from playground.contract import make_request
from playground.evaluation import results
from playground.export.window_state import read_link
from playground.models.plane_catalogue import is_plane, plane_cards, trained_live
from playground.tabs import registry
from playground.tabs.frame.view import suiting
from playground.tabs.guide.choose import Choose
from playground.tabs.guide.families import Families
from playground.tabs.guide.figures import Figure, say
from playground.tabs.guide.links import LinkTargets, link, read
from playground.tabs.guide.map import Map, marks
from playground.tabs.guide.map_card import fitting
from playground.tabs.guide.rules import Rules
from playground.ui.formulas import rich_text
from playground.ui.theme import theme

WAIT = 90_000  # ms, for a busy machine; nothing here waits for time itself


@lru_cache(maxsize=16)
def loaded(model_id):
    return trained_live(model_id) if is_plane(model_id) else checkpoints.load(model_id)


def check(place):
    """A place is one that the window can open: tab, model, view and settings."""
    entry = families.entry(place.tab)
    if isinstance(entry, families.PageEntry):
        assert place.view in registry.view_names(entry)
        return
    model = loaded(place.model)
    assert model.card.family == entry.key
    kinds = [view for view in registry.views_of(entry) if view.name == place.view and suiting([view], model)]
    assert len(kinds) == 1, f"{place.model} has no {place.view}"
    kind = kinds[0]
    make_request(kind.request_type(kind.__new__(kind), model), place.settings)


def links():
    """Every link of the data files, with where it stands."""
    for family in read("families")["family"]:
        for part in ("strong", "weak", "systems"):
            for one in family[part]:
                if "show" in one:
                    yield f"{family['key']}: {one.get('text') or one.get('name')}", link(one["show"])
    raw = read("choose")
    for part in ("reason", "runner"):
        for name, one in raw[part].items():
            for show in one["show"]:
                yield f"{part} {name}", link(show)


def test_every_link_that_is_shown_leads_to_a_place_that_exists():
    places = LinkTargets(checkpoints.cards(), registry.view_names)
    found = [(where, places.find(wanted)) for where, wanted in links()]
    assert len([place for _, place in found if place]) > 40
    for _where, place in found:
        if place is not None:
            check(place)


def test_every_link_names_a_view_and_a_network_of_this_program():
    live = {card.network for card in plane_cards()}
    for where, wanted in links():
        entry = families.entry(wanted.tab)
        if isinstance(entry, families.PageEntry):
            continue  # a scene may come later: then the link is hidden
        assert wanted.networks and all(models.exists(n) or n in live for n in wanted.networks), where
        assert wanted.view in registry.view_names(entry), where
        assert any(n.startswith(f"{entry.key}/") for n in wanted.networks), where


def test_a_link_without_its_checkpoint_is_not_shown():
    without = LinkTargets((c for c in checkpoints.cards() if c.family != "vae"), registry.view_names)
    wanted = link({"tab": "vae", "network": "vae/vae", "view": "Reconstruct"})
    assert (
        without.find(wanted) is None
        and LinkTargets(checkpoints.cards(), registry.view_names).find(wanted) is not None
    )


def test_a_link_can_ask_for_a_kind_of_checkpoint():
    places = LinkTargets(checkpoints.cards(), registry.view_names)
    for size in (2, 32):
        raw = {"tab": "vae", "network": "vae/vae", "view": "Generate", "where": {"latent_dim": size}}
        assert loaded(places.find(link(raw)).model).config.latent_dim == size


def test_every_family_names_its_systems_once_and_in_order():
    for family in read("families")["family"]:
        names = [one["name"] for one in family["systems"]]
        years = [int(one["year"][:4]) for one in family["systems"]]
        assert len(set(names)) == len(names) and years == sorted(years), family["key"]
        assert family["sources"] and family["strong"] and family["weak"]


def test_marks_are_what_the_models_say():
    kinds = {"likelihood": "none", "decodes": True, "encodes": False, "walks": False, "invertible": False}
    texts = marks(kinds, 784)
    assert texts == [
        (True, "draws: 784 passes"),
        (False, "no likelihood"),
        (True, "latent"),
        (False, "no encoder"),
    ]


@pytest.fixture
def open_guide(qtbot):
    windows = []

    def make(view=""):
        theme.load_fonts()
        theme.apply(QApplication.instance(), "dark")
        window = MainWindow(tab="guide", view=view)
        windows.append(window)
        window.resize(1280, 800)
        window.show()
        window.stream.start()
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()


def arrive(qtbot, window, place):
    tab = window.current
    assert tab is not None and tab.family.key == place.tab
    qtbot.waitUntil(
        lambda: tab.view is not None and tab.model.card.id == place.model and tab.view.model is tab.model,
        timeout=WAIT,
    )
    assert tab.view.name == place.view
    for name, value in place.settings.items():
        assert tab.knobs.settings()[name] == value


def test_the_map_draws_rests_and_opens_what_is_chosen(open_guide, qtbot):
    window = open_guide()
    scene = window.page.scene
    assert isinstance(scene, Map)
    raw = {leaf["id"]: leaf for leaf in read("map")["leaf"]}
    cards = checkpoints.cards()
    for (
        name,
        card,
    ) in scene.leaves.items():  # a leaf has a model exactly if one of its networks has a checkpoint
        here = [c for c in cards if c.network in raw[name]["networks"]]
        assert card.isEnabled() == bool(here)
        assert (scene.places[name].tab == raw[name]["family"]) if here else name not in scene.places
        check(scene.places[name]) if here else None
    quick = scene.leaves["vae"]
    qtbot.waitUntil(lambda: quick.num_pictures > 0 and len(quick.marks) == 4, timeout=WAIT)
    assert "bound" in quick.accessibleDescription()
    assert (False, "no latent") in scene.leaves["autoregressive"].marks
    scene.focus_first()
    assert window.focusWidget() is scene.leaves["autoregressive"]
    qtbot.keyClick(scene.leaves["autoregressive"], Qt.Key.Key_Down)
    qtbot.keyClick(scene.leaves["flow"], Qt.Key.Key_Down)
    assert window.focusWidget() is quick
    qtbot.keyClick(quick, Qt.Key.Key_Return)
    arrive(qtbot, window, scene.places["vae"])
    lane = scene.rounds.lane
    assert not scene.rounds.awake and lane.state not in ("waiting", "running")
    window.tabs.setCurrentIndex(0)
    assert scene.rounds.awake
    assert not window.page.banner.isVisible()


def test_the_map_leads_to_one_shape_for_six(qtbot, open_guide):
    page = open_guide().page
    (href,) = re.findall(r'href="([^"]+)"', page.sentence.text())
    with qtbot.waitSignal(page.link_wanted) as asked:
        page.sentence.linkActivated.emit(href)  # as a click on it does
    state = read_link(asked.args[0])
    assert state.view in registry.view_names(families.entry(state.tab)) and not state.model


def test_the_cards_open_what_they_promise(open_guide, qtbot):
    window = open_guide("Families")
    page, scene = window.page, window.page.scene
    assert isinstance(scene, Families)
    qtbot.waitUntil(lambda: scene.card.grid.count() > 0, timeout=WAIT)
    titles = []
    for index, family in enumerate(scene.raw):
        scene.rail.set_index(index)
        titles.append(scene.card.title.text())
        for _button, place in scene.card.links:
            check(place)
        assert family["idea"] in scene.card.idea.text()
    assert titles == [family["title"] for family in scene.raw]
    for family, text in (("vae", "see the blur"), ("diffusion", "250 steps of DDPM")):
        window.tabs.setCurrentIndex(0)
        page.show_scene("Families")
        scene.rail.set_index([one["key"] for one in scene.raw].index(family))
        button, place = next((b, p) for b, p in scene.card.links if b.text() == text)
        button.setFocus()
        qtbot.keyClick(button, Qt.Key.Key_Return)
        arrive(qtbot, window, place)


@lru_cache(maxsize=32)
def written(model_id):
    """What the files beside a checkpoint say of it, by the name of the column that shows it."""
    metrics = checkpoints.read_metrics(checkpoints.resolve(model_id))
    pictures, card = metrics.get("fidelity", {}), checkpoints.read_card(checkpoints.resolve(model_id))
    found = {"milliseconds": pictures.get("milliseconds"), "passes": pictures.get("passes")}
    found |= {name: pictures.get(name, {}).get("value") for name in ("quality", "recall")}
    found |= {"bits": metrics.get("bits_per_dim", {}).get("value"), "training": card.training_seconds}
    known = {name: value for name, value in found.items() if value is not None}
    return known | {"likelihood": card.likelihood}, card.family


def check_figure(reason, verdict, places, rows):
    """Every number that a reason prints is the measured one, of a model of the family that it speaks of."""
    assert not re.search(r"\d", reason.text), f"a number was typed into: {reason.text}"
    said = say(reason.figure, places, rows)
    if not said:
        return
    name, _, text = said.partition(": ")
    card = next(c for c in checkpoints.cards() if labels.short(c.id, c.system) == name)
    values, family = written(card.id)
    assert family == (reason.family or verdict.family), said
    known = [name for name in reason.figure.show if name in values]
    parts = text.split(", ")
    assert len(parts) == len(known) > 0, said
    for name, part in zip(known, parts, strict=True):
        value = values[name]
        if name == "likelihood":
            assert part == value
            continue
        if name == "training":
            hours, minutes = (re.search(rf"(\d+) {unit}", part) for unit in ("h", "min"))
            shown = 3600 * int(hours[1] if hours else 0) + 60 * int(minutes[1] if minutes else 0)
            assert shown == pytest.approx(value, abs=30.1), said
            continue
        (number,) = re.findall(r"\d[\d,]*(?:\.\d+)?", part)
        digits = len(number.partition(".")[2])
        assert float(number.replace(",", "")) == pytest.approx(value, abs=0.5001 * 10**-digits), said


def test_a_figure_that_nobody_measured_is_left_out():
    cards = checkpoints.cards()
    places, card = (
        LinkTargets(cards, registry.view_names),
        next(c for c in cards if c.network == "diffusion/ddpm"),
    )
    wanted = Figure(("diffusion/ddpm",), ("passes", "milliseconds"))
    rows = results.rows([dataclasses.replace(card, metrics={})])
    assert say(wanted, places, rows) == "" and say(None, places, rows) == ""
    one = results.rows([dataclasses.replace(card, metrics={"fidelity": {"num_images": 9, "passes": 1}})])
    assert say(wanted, places, one) == f"{labels.short(card.id, card.system)}: 1 pass"


def test_every_way_through_the_conversation_ends_in_a_recommendation():
    cards = checkpoints.cards()
    rules, places, families_here = (
        Rules(),
        LinkTargets(cards, registry.view_names),
        {card.family for card in cards},
    )
    rows = results.rows(cards)
    paths = list(rules.paths())
    assert len(paths) > 200 and len({tuple(sorted(path.items())) for path in paths}) == len(paths)
    said, advised = set(), set()
    for path in paths:
        verdict = rules.verdict(path)
        said.add(verdict.rule)
        advised |= set(verdict.advice)
        assert verdict.reasons and verdict.runners and verdict.advice
        assert verdict.family not in [runner.family for runner in verdict.runners]
        for reason in verdict.reasons:
            own = any(place and place.tab == verdict.family for place in map(places.find, reason.links))
            here = verdict.family in families_here
            assert own or not here or any(one.tab == "compare" for one in reason.links), reason.text
            if here and reason.links[0].view == "Table":
                assert say(reason.figure, places, rows), f"{reason.text} links to figures and prints none"
        for reason in (*verdict.reasons, *verdict.runners):
            check_figure(reason, verdict, places, rows)
    assert said == {rule["id"] for rule in rules.rules}, "a rule that never decides"
    assert advised == {one["text"] for one in rules.advice}, "advice that is never given"
    assert sum(rules.chances({}).values()) == len(paths)


def test_changing_an_answer_keeps_what_still_counts():
    rules = Rules()
    answers = {"need": "likelihood", "speed": "no", "data": "images", "pretrained": "yes", "compute": "small"}
    assert rules.open_question(answers) is None
    new = rules.changed(answers, "need", "best")
    assert new == {"need": "best", "data": "images", "pretrained": "yes", "compute": "small"}
    assert rules.open_question(rules.changed(new, "pretrained", "no")).id == "amount"


def test_the_conversation_by_keyboard(open_guide, qtbot):
    window = open_guide("Which model?")
    scene = window.page.scene
    assert isinstance(scene, Choose) and len(scene.choices) == 6
    scene._focus_first()
    qtbot.keyClick(scene.choices[0], Qt.Key.Key_Down)
    qtbot.keyClick(scene.choices[1], Qt.Key.Key_Down)
    assert window.focusWidget() is scene.choices[2]
    qtbot.keyClick(scene.choices[2], Qt.Key.Key_Return)
    assert scene.answers == {"need": "latent"} and set(scene.standing.shares) == {"flow", "vae"}
    for key in (Qt.Key.Key_2, Qt.Key.Key_1, Qt.Key.Key_1, Qt.Key.Key_1):
        qtbot.keyClick(window, key)
    assert scene.verdict.family == "vae" and not scene.choices
    assert len(scene.links) >= len(scene.verdict.reasons)
    qtbot.waitUntil(lambda: bool(scene.rows), timeout=WAIT)
    shown = " ".join(label.text() for label in scene._answer.widget().findChildren(QLabel))
    said = [say(r.figure, scene.places, scene.rows) for r in (*scene.verdict.reasons, *scene.verdict.runners)]
    assert any(said) and all(f"<br><b>{one}</b>" in shown for one in said if one)
    qtbot.keyClick(window, Qt.Key.Key_Backspace)
    assert scene.verdict is None and scene.rules.open_question(scene.answers).id == "compute"
    qtbot.keyClick(window, Qt.Key.Key_2)
    for _button, place in scene.links:
        check(place)
    button, place = next((b, p) for b, p in scene.links if p.tab == "vae")
    qtbot.keyClick(button, Qt.Key.Key_Return)
    arrive(qtbot, window, place)
    window.tabs.setCurrentIndex(0)
    scene.earlier[-1].click()  # start again
    assert scene.answers == {} and len(scene.choices) == 6


def test_every_sign_of_a_formula_is_known():
    for family in read("families")["family"]:
        names = re.findall(r"\\([A-Za-z]+)", family["objective"])
        assert set(names) <= {*rich_text.SYMBOLS, *rich_text.COMMANDS}, family["key"]


def test_a_sentence_on_the_map_ends_with_a_clause_or_says_that_it_goes_on(qapp):
    font, words = (
        theme.scaled_font(),
        "It bends noise by layers, each of which can be undone, so nothing is lost",
    )
    line = QFontMetricsF(font).height()
    assert fitting(words, font, 2000.0, line) == words
    assert (
        fitting(words, font, theme.text_width("It bends noise by layers, each", font), line)
        == "It bends noise by layers."
    )
    narrow = fitting(words, font, theme.text_width("It bends noise …", font) + 2, line)
    assert narrow == "It bends noise …"
