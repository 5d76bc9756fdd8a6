"""Menus and toolbar as rows. Whether an action is enabled follows from the document and the state alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from gui.frames import RunState

When = Callable[[RunState, bool], bool]
"""From the state and whether there is a session to whether the action makes sense."""


def always(_state: RunState, _session: bool) -> bool:
    """Enabled at any time."""
    return True


def at_rest(state: RunState, _session: bool) -> bool:
    """Enabled while no fit is running or paused."""
    return state not in (RunState.RUNNING, RunState.PAUSED)


def can_start(state: RunState, session: bool) -> bool:
    """Enabled when there is something to train and nothing is training."""
    return session and state is not RunState.RUNNING


def never(_state: RunState, _session: bool) -> bool:
    """Enabled by whoever knows that it makes sense now."""
    return False


def has_session(_state: RunState, session: bool) -> bool:
    """Enabled when there is data."""
    return session


def is_open(state: RunState, _session: bool) -> bool:
    """Enabled during a fit and while it is paused."""
    return state in (RunState.RUNNING, RunState.PAUSED)


def has_model(state: RunState, session: bool) -> bool:
    """Enabled when there is a model that stands still."""
    return session and state is not RunState.RUNNING


@dataclass(frozen=True)
class Row:
    """One action: its name, text, shortcut, what it does and when it can."""

    name: str
    text: str
    shortcut: str
    slot: Callable[..., object]
    when: When = always
    tip: str = ""
    is_switch: bool = False
    """Whether it is on or off; the slot is told which."""


class Actions:
    """The actions by name."""

    def __init__(self, parent: QWidget, rows: list[Row]) -> None:
        self._rows = rows
        self._actions: dict[str, QAction] = {}
        for row in rows:
            action = QAction(row.text, parent)
            action.setObjectName(row.name)
            action.setShortcut(QKeySequence(row.shortcut))
            shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            if row.tip:
                action.setToolTip(f"{row.tip} ({shortcut})" if shortcut else row.tip)
            action.setCheckable(row.is_switch)
            (action.toggled if row.is_switch else action.triggered).connect(row.slot)
            parent.addAction(action)
            self._actions[row.name] = action

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def refresh(self, state: RunState, has_session: bool) -> None:
        """Enable what makes sense now."""
        for row in self._rows:
            self._actions[row.name].setEnabled(row.when(state, has_session))
