"""The switch at the top of a tab: groups of views, one row or two, a menu only where even that does not fit."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from playground import checkpoints
from playground.families import GROUPS, entry
from playground.models.plane_catalogue import plane_cards
from playground.tabs.frame.tab_layout import TabLayout
from playground.tabs.frame.view import suiting
from playground.tabs.registry import views_of
from playground.ui.theme import theme
from playground.ui.widgets.view_switch import ViewSwitch
from tests.windows import load

MANY_VIEWS = (
    "pixelcnn-fashion",
    "tarflow-fashion",
    "vae2d-fashion",
    "vae-fashion",
    "stylegan-fashion",
    "ddpm-fashion",
    "ldm-fashion",
    "ldm-emoji",
    "rbm-fashion",
)


def test_the_switch_folds_rather_than_being_cut(qtbot):
    switch = ViewSwitch(["Generate", "Latent plane", "Interpolate", "Grid"])
    qtbot.addWidget(switch)
    switch.show()
    chosen = []
    switch.chosen.connect(chosen.append)
    views = switch.views[0]
    wide = views.sizeHint().width()
    for room, folded in ((wide, False), (wide - 1, True), (wide + 50, False)):
        switch.fit(room)
        assert switch.is_folded == folded == switch.menu.isVisible() == (not views.isVisible())
    switch.set_index(2)
    assert (switch.index(), switch.menu.currentIndex()) == (2, 2)
    switch.fit(10)
    switch.menu.setFocus()
    qtbot.keyClick(switch.menu, Qt.Key.Key_Down)
    assert chosen == [2, 3] and views.index() == 3


def test_views_stand_in_groups(qtbot):
    switch = ViewSwitch(["Generate", "Interpolate", "Masks", "Complete"], ["make", "make", "inside", "given"])
    qtbot.addWidget(switch)
    switch.show()
    switch.fit(2000)
    chosen = []
    switch.chosen.connect(chosen.append)
    assert switch.groups.isVisible() and [v.isVisible() for v in switch.views] == [True, False, False]
    switch.set_index(1)
    switch.choose_group(2)
    assert switch.index() == 3 and not any(v.isVisible() for v in switch.views), (
        "a group of one needs no second row"
    )
    switch.choose_group(0)
    assert chosen == [1, 3, 1], "a group comes back with the view that was seen last"
    switch.choose_group(7)
    assert switch.index() == 1
    switch.fit(10)
    menu = switch.menu
    assert [menu.itemText(i) for i in range(menu.count())] == [
        "make", "Generate", "Interpolate", "inside", "Masks", "given", "Complete"
    ]  # fmt: skip
    menu.setFocus()
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    assert switch.index() == 2, "the names of groups are passed over"


def test_what_does_not_fit_in_a_row_takes_two_before_it_hides_in_a_menu(qtbot):
    switch = ViewSwitch(["Generate", "Interpolate", "Masks", "Complete"], ["make", "make", "inside", "given"])
    qtbot.addWidget(switch)
    switch.show()
    wide = switch.width_in_a_row()
    switch.fit(wide)
    assert not switch.has_two_rows and not switch.is_folded
    switch.fit(wide - 1)
    assert switch.has_two_rows and not switch.is_folded
    assert switch.groups.isVisible() and switch.views[0].isVisible() and not switch.menu.isVisible()
    qtbot.waitUntil(lambda: switch.sizeHint().height() > 1.5 * switch.groups.height())
    high = switch.sizeHint().height()
    switch.choose_group(2)
    assert not switch.views[2].isVisible(), "a group of one is not named twice"
    assert switch.sizeHint().height() == high, "its row stays: nothing jumps"
    switch.fit(max(part.sizeHint().width() for part in (switch.groups, *switch.views)) - 1)
    assert switch.is_folded and not switch.has_two_rows and switch.menu.isVisible()
    assert switch.minimumSizeHint().width() < switch.groups.sizeHint().width(), (
        "a window can be made narrower"
    )


@pytest.mark.parametrize("lecture", [False, True])
def test_no_view_hides_at_1280_pixels(qtbot, qapp, lecture):
    """Of the models that have most views, in tabs whose menu holds all models."""
    theme.set_lecture(qapp, lecture)
    try:
        for name in MANY_VIEWS:
            model = load(name)
            family = entry(model.card.family)
            kinds = suiting(views_of(family), model) + [kind for kind in views_of(family) if kind.trains_live]
            kinds.sort(key=lambda kind: GROUPS.index(kind.group))
            tab = TabLayout(family)
            qtbot.addWidget(tab)
            for card in (
                card for card in [*checkpoints.cards(), *plane_cards()] if card.family == family.key
            ):
                tab.models.add(card, card.id)
            tab.larger_button.show()
            tab.resize(1280, 700)
            tab.show()
            switch = tab.make_switch([kind.name for kind in kinds], [kind.group for kind in kinds])
            tab.fit_switch()
            assert not switch.is_folded, name
            qapp.processEvents()
            right = switch.mapTo(tab, switch.rect().bottomRight()).x()
            assert switch.width() >= switch.sizeHint().width() and right < tab.export_button.x(), name
    finally:
        theme.set_lecture(qapp, False)


def test_page_keys_turn_views_while_the_switch_is_folded(open_window, qtbot):
    window = open_window(model_id="vae2d-fashion", view="Latent plane")
    tab = window.current
    theme.set_scale(QApplication.instance(), 2.4)
    window.resize(1280, 800)
    tab.fit_switch()
    assert tab.switch.is_folded
    names = [v.name for v in tab.suitable]
    tab.view.setFocus()
    for by, name in (
        (Qt.Key.Key_PageDown, names[1]),
        (Qt.Key.Key_PageUp, names[0]),
        (Qt.Key.Key_PageUp, names[-1]),  # which may be one of other models
    ):
        qtbot.keyClick(window, by)
        qtbot.waitUntil(lambda name=name: tab.view is not None and tab.view.name == name, timeout=60_000)
        assert tab.view_names[tab.switch.index()] == name
    qtbot.waitUntil(lambda: len(tab.view.player.timeline) > 0, timeout=60_000)
    right = tab.switch.mapTo(window, tab.switch.rect().topRight()).x()
    assert right <= window.width()
