"""The button that offers whole models to start from."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton

from engine.models.inputs import Inputs
from engine.models.stacks import Stack, stacks
from gui.widgets import named


class StartButton(QPushButton):
    """Its menu has the usual models for the data at hand."""

    chosen = Signal(object)  # the ex.Sequential

    def __init__(self) -> None:
        super().__init__("Start from…")
        named(self, "start from", "Start from a usual model")
        self.setToolTip("Put a usual model for this data in place of these layers")
        self.inputs = Inputs((1,))
        self._stacks: tuple[Stack, ...] = ()
        self.choices = QMenu(self, toolTipsVisible=True)
        self.setMenu(self.choices)
        self.choices.aboutToShow.connect(self._fill)
        self.choices.triggered.connect(self._triggered)

    @Slot()
    def _fill(self) -> None:
        self._stacks = stacks(self.inputs)
        self.choices.clear()
        for place, stack in enumerate(self._stacks):
            action = self.choices.addAction(stack.name)
            action.setData(place)
            action.setToolTip(stack.help)

    @Slot(QAction)
    def _triggered(self, action: QAction) -> None:
        self.chosen.emit(self._stacks[action.data()].model)
