"""A real window with a real thread; only the dialogs' answers and the settings file are the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, SignalInstance, Slot
from pytestqt.qtbot import QtBot

from gui.app import create_window
from gui.dialogs import Dialogs
from gui.frames import RunState
from gui.pace import PACES
from gui.settings import Settings
from gui.window import MainWindow

WAIT = 60_000  # milliseconds: only ever waited out when something is broken


class Answers(Dialogs):
    """Answers in place of the person; keeps the errors that would have been shown."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.saving = "discard"
        self.errors: list[tuple[str, str]] = []
        self.asked: list[str] = []

    def open_file(self, folder: str, filters: str = "") -> Path | None:
        return self.path

    def open_folder(self, folder: str) -> Path | None:
        return self.path

    def save_file(self, suggestion: Path, filters: str) -> Path | None:
        return self.path

    def ask_to_save(self, name: str) -> str:
        self.asked.append(name)
        return self.saving

    def ask_for_new_head(self, sentence: str) -> bool:
        self.asked.append(sentence)
        return True

    def error(self, sentence: str, details: str = "") -> None:
        self.errors.append((sentence, details))


class Counter(QObject):
    """How often a signal came. (qtbot.waitSignal disconnects inside the slot, which can crash PySide 6.11.)"""

    def __init__(self, *signals: SignalInstance) -> None:
        super().__init__()
        self.count = 0
        for signal in signals:
            signal.connect(self.came)

    @Slot()
    def came(self) -> None:
        self.count += 1


class Person:
    """The window and what a person does with it."""

    def __init__(self, qtbot: QtBot, settings: Settings, path: Path | None = None) -> None:
        self.qtbot = qtbot
        self.answers = Answers()
        self.window: MainWindow = create_window(settings, self.answers)
        if path is not None:
            self.window.open_path(path)
        qtbot.addWidget(self.window, before_close_func=self._leave)
        self._prepared = Counter(self.window.trainer.prepared)
        self._ended = Counter(self.window.trainer.run_ended)
        self._filed = Counter(self.window.filing.done)
        self.window.show()
        self.wait(lambda: self.window.prepared is not None)
        self.window.trainer.set_pace(PACES[0])

    def _leave(self, window: MainWindow) -> None:
        window.trainer.shut_down()
        window.document.undo_stack.clear()
        window.document.model_discarded()

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT)

    def _after(self, counter: Counter, change: Callable[[], object]) -> None:
        before = counter.count
        change()
        self.wait(lambda: counter.count > before)

    def prepared_after(self, change: Callable[[], object]) -> None:
        """Make a change and wait until the thread has built what it leads to."""
        self._after(self._prepared, change)

    def filed_after(self, change: Callable[[], object]) -> None:
        """Do something with a file and wait until it is done."""
        self._after(self._filed, change)

    def ended_after(self, change: Callable[[], object]) -> None:
        """Start something and wait until the run has ended."""
        self._after(self._ended, change)
        self.wait(lambda: self.window.state is not RunState.RUNNING)

    def state(self, state: RunState) -> None:
        """Wait for a state."""
        self.wait(lambda: self.window.state is state)

    def do(self, action: str) -> None:
        """Choose an action, which must be enabled."""
        assert self.window.actions_[action].isEnabled(), action
        self.window.actions_[action].trigger()

    def choose_new(self, preset: str) -> None:
        """File > New > a group > a preset."""
        new = self.window.menus.new
        new.aboutToShow.emit()
        actions = {action.data(): action for group in new.actions() for action in group.menu().actions()}
        actions[preset].trigger()

    def fit(self) -> None:
        """Fit to the end."""
        self.ended_after(lambda: self.do("fit"))
