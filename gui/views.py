"""Which of its four views the middle of the window shows; the switches in the menu follow."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from gui.actions import Actions
from gui.middle import Middle, View

SWITCHES: tuple[View, ...] = ("rows", "model", "own_code")
"""Those that show something in place of the plots."""


class Views(QObject):
    """Slots for the switches, and what is in sight."""

    shown = Signal(str)  # a view has come into sight

    def __init__(self, middle: Middle, parent: QObject) -> None:
        super().__init__(parent)
        self._middle = middle
        self._actions: Actions | None = None

    def set_actions(self, actions: Actions) -> None:
        """The window's actions, the switches among them."""
        self._actions = actions

    def is_on(self, name: View) -> bool:
        """Whether a view is in sight, or will be once the window is filled."""
        return self._actions is not None and self._actions[name].isChecked()

    @Slot(bool)
    def show_table(self, on: bool) -> None:
        """The table of all rows in place of the plots, or the plots again."""
        self._show("rows", on)

    @Slot(bool)
    def show_model(self, on: bool) -> None:
        """The whole model in place of the plots, or the plots again."""
        self._show("model", on)

    @Slot(bool)
    def show_own_code(self, on: bool) -> None:
        """The editor for own code in place of the plots, or the plots again."""
        self._show("own_code", on)

    @Slot()
    def open_editor(self) -> None:
        """The editor, by another way than its switch."""
        if self._actions is not None:
            self._actions["own_code"].setChecked(True)

    def close_editor(self) -> None:
        """The plots in place of the editor, where that is in sight."""
        if self._actions is not None:
            self._actions["own_code"].setChecked(False)

    @Slot()
    def show_plots(self) -> None:
        """The plots."""
        if self._actions is not None:
            for name in SWITCHES:
                self._actions[name].setChecked(False)

    @Slot(str)
    def show_column(self, name: str) -> None:
        """A column's head in the table was clicked: it becomes the x axis of the plot."""
        self.show_plots()
        self._middle.show_over(name)

    def _show(self, name: View, on: bool) -> None:
        if on and self._actions is not None:
            for other in SWITCHES:
                if other != name:
                    self._actions[other].setChecked(False)
        if self._middle.is_filled:
            self._middle.show_view(name if on else "plots")
        if on:
            self.shown.emit(name)
