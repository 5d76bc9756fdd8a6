"""What does not fit in a model or to its loss, said in one sentence, with the buttons that mend it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from engine.models.ending import WrongEnd
from engine.models.flow import Mend
from gui.widgets import named


class MisfitNote(QWidget):
    """A sentence in the colour of errors; each button below it stands for a mended model, or a mended experiment."""

    mended = Signal(object)  # the ex.Sequential or, of a WrongEnd, the ex.Experiment in which it is mended

    def __init__(self) -> None:
        super().__init__()
        self._mends: tuple[Mend | WrongEnd, ...] = ()
        self.sentence = named(QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText), "error", "What does not fit")
        self.sentence.setMinimumWidth(1)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons: list[QPushButton] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(5)
        self._rows.addWidget(self.sentence)
        self.hide()

    def show_misfit(self, sentence: str, mends: Sequence[Mend | WrongEnd]) -> None:
        """Show these words and buttons in place of those before; without a sentence nothing."""
        self.setVisible(bool(sentence))
        if (sentence, tuple(mends)) == (self.sentence.text(), self._mends):
            return
        self._mends = tuple(mends)
        self.sentence.setText(sentence)
        for button in self.buttons:
            self._rows.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = [self._button(place, mend) for place, mend in enumerate(mends)]
        for button in self.buttons:
            self._rows.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def take_focus(self) -> None:
        """Give the keyboard to the first way to mend it."""
        if self.buttons:
            self.buttons[0].setFocus(Qt.FocusReason.TabFocusReason)  # so that its ring is drawn

    def _button(self, place: int, mend: Mend | WrongEnd) -> QPushButton:
        label = mend.label if isinstance(mend, Mend) else mend.mend
        button = named(QPushButton(label.replace("&", "&&")), f"mend {place}", label)
        button.setAccessibleDescription(self.sentence.text())
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(self._mend)
        return button

    @Slot()
    def _mend(self) -> None:
        place = int(self.sender().objectName().removeprefix("mend "))
        mend = self._mends[place]
        self.mended.emit(mend.model if isinstance(mend, Mend) else mend.experiment)
