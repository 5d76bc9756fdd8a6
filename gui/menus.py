"""The menu bar: the actions in their menus, and the three menus whose entries are data."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar

from gui.actions import Actions
from gui.presets import first_comment, presets_by_group
from gui.settings import Settings

THEMES = ("system", "light", "dark")


class Menus(QObject):
    """File > New offers the presets in groups, Open recent the files of the settings, View > Theme the themes."""

    new_chosen = Signal(str)  # a preset's name
    recent_chosen = Signal(object)  # Path
    theme_chosen = Signal(str)

    def __init__(self, bar: QMenuBar, actions: Actions, settings: Settings) -> None:
        super().__init__(bar)
        self._settings = settings
        self.new = QMenu("&New", bar)
        self.new.aboutToShow.connect(self.fill_new)
        self.recent = QMenu("Open &recent", bar)
        self.theme = QMenu("&Theme", bar)
        group = QActionGroup(self)
        for name in THEMES:
            action = QAction(name.capitalize(), group, checkable=True, checked=settings.theme == name)
            action.setData(name)
            self.theme.addAction(action)
        menus: dict[str, list[str | QMenu]] = {
            "&File": [
                self.new, "open", self.recent, "-", "save", "save_as", "save_model", "save_experiment",
                "-", "export_script", "-", "cancel", "-", "quit",
            ],
            "&Edit": ["undo", "redo", "-", "paste_data", "copy_code"],
            "&Train": ["fit", "pause", "step", "stop", "reset"],
            "&View": ["rows", "model", "own_code", "-", self.theme],
            "&Help": ["about"],
        }  # fmt: skip
        for title, entries in menus.items():
            _fill(bar.addMenu(title), entries, actions)
        self.new.triggered.connect(self._new_triggered)
        self.recent.aboutToShow.connect(self._list_recent)
        self.recent.triggered.connect(self._recent_triggered)
        self.theme.triggered.connect(self._theme_triggered)

    def set_enabled(self, at_rest: bool) -> None:
        """Nothing new is opened while a fit is running or paused."""
        self.new.setEnabled(at_rest)
        self.recent.setEnabled(at_rest)

    @Slot()
    def fill_new(self) -> None:
        """List the presets the first time that they are looked for: reading all of them takes a moment."""
        if not self.new.isEmpty():
            return
        for group, names in presets_by_group().items():
            menu = self.new.addMenu(group)
            menu.setToolTipsVisible(True)
            for name in names:
                action = menu.addAction(name.replace("-", " ").capitalize())
                action.setData(name)
                action.setToolTip(first_comment(name))

    @Slot()
    def _list_recent(self) -> None:
        self.recent.clear()
        for path in self._settings.recent:
            self.recent.addAction(str(path).replace("&", "&&")).setData(str(path))
        if self.recent.isEmpty():
            self.recent.addAction("No files yet").setEnabled(False)

    @Slot(QAction)
    def _new_triggered(self, action: QAction) -> None:
        self.new_chosen.emit(action.data())

    @Slot(QAction)
    def _recent_triggered(self, action: QAction) -> None:
        self.recent_chosen.emit(Path(action.data()))

    @Slot(QAction)
    def _theme_triggered(self, action: QAction) -> None:
        self._settings.theme = action.data()
        self.theme_chosen.emit(action.data())


def _fill(menu: QMenu, entries: list[str | QMenu], actions: Actions) -> None:
    """Actions by name, menus as they are; "-" is a line between them."""
    for entry in entries:
        if isinstance(entry, QMenu):
            menu.addMenu(entry)
        elif entry == "-":
            menu.addSeparator()
        else:
            menu.addAction(actions[entry])
