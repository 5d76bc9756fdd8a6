"""The real dialogs, answered by a click on the real button."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from gui.dialogs import Dialogs


class Clicker(QObject):
    """Presses the button with these words on the box that is open."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self._timer = QTimer(self, interval=10)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    @Slot()
    def look(self) -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            self._timer.stop()
            next(button for button in box.buttons() if button.text().replace("&", "") == self._words).click()


@pytest.fixture
def dialogs(qtbot) -> Dialogs:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    return Dialogs(parent)


@pytest.mark.parametrize(("words", "answer"), [("Use as pretrained", True), ("Cancel", False)])
def test_a_model_with_other_outputs_is_used_as_pretrained_or_not(dialogs, words, answer):
    clicker = Clicker(words)
    assert dialogs.ask_for_new_head("cnn.pth gives 10 outputs, the data has 2.") is answer
    clicker.deleteLater()


@pytest.mark.parametrize(("words", "answer"), [("Save", "save"), ("Discard", "discard"), ("Cancel", "cancel")])
def test_changes_are_saved_discarded_or_kept_for_now(dialogs, words, answer):
    clicker = Clicker(words)
    assert dialogs.ask_to_save("Untitled") == answer
    clicker.deleteLater()
