"""What a tab exports and copies of the view on screen; read in when it is first asked for, after the window is there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from playground.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from playground.export.picture_metadata import PictureMetadata
    from playground.tabs.frame.exporter import Keeper
    from playground.tabs.frame.view import View
    from playground.tabs.frame.view_state import ViewState


class Exports:
    """Of one family's tab.

    Args:
        owner: what the dialog stands over.
        button: under it short news is shown.
        banner: for what went wrong.
        shown: the view on screen, None while it has no picture of the open model.
    """

    def __init__(
        self, owner: QWidget, button: QWidget, banner: Banner, shown: Callable[[], View | None]
    ) -> None:
        self._owner, self._button, self._banner, self._shown = owner, button, banner, shown

    @cached_property
    def keeper(self) -> Keeper:
        """The dialog and the clipboard."""
        from playground.tabs.frame.exporter import Keeper

        return Keeper(self._owner, self._button, self._banner, self._view_state)

    def copy(self, settings: bool) -> None:
        """To the clipboard: the picture on screen, or the settings that make it."""
        from playground.tabs.frame.view_state import copy_picture, copy_settings

        self.keeper.copy(copy_settings if settings else copy_picture)

    def metadata(self) -> PictureMetadata | None:
        """Everything that makes the picture on screen; None while there is none."""
        from playground.tabs.frame.exporter import metadata_of

        view = self._shown()
        return metadata_of(view) if view is not None else None

    def close(self) -> None:
        """What is being written is given up."""
        if "keeper" in self.__dict__:
            self.keeper.close()

    def _view_state(self) -> ViewState | None:
        from playground.tabs.frame.exporter import view_state_of

        view = self._shown()
        return view_state_of(view) if view is not None else None
