"""What was seen in the data that will spoil a fit, each with its mend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.theme import LIGHT, Theme
from gui.widgets import named

if TYPE_CHECKING:  # it comes with NumPy, which takes a tenth of a second to import; the window paints before that
    from engine.data.guards import Guard

HIGHEST = 112
"""Pixels; beyond this the guards scroll, so that the forms above them keep their room."""

class _Sign(QWidget):
    """A triangle with an exclamation mark."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(QSize(16, 16))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(self._theme.validation)
        triangle = QPainterPath(QPointF(8, 2))
        for corner in (QPointF(15, 14), QPointF(1, 14)):
            triangle.lineTo(corner)
        triangle.closeSubpath()
        join = (Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(QPen(color, 1.6, *join))
        painter.setBrush(color)
        painter.drawPath(triangle)
        painter.setPen(QPen(QColor(self._theme.panel), 1.8, *join))
        painter.drawLine(QPointF(8, 6), QPointF(8, 9.5))
        painter.drawPoint(QPointF(8, 12.2))


class GuardList(QScrollArea):
    """A line for each guard: a sign, the sentence, and a button that mends it. As high as they are, up to a limit."""

    mended = Signal(object)  # the experiment in which it is mended

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        self._guards: tuple[Guard, ...] = ()
        self._theme = LIGHT
        self._lines: list[QWidget] = []
        self._content = QWidget()
        self._rows = QVBoxLayout(self._content)
        self._rows.setContentsMargins(14, 8, 14, 8)
        self._rows.setSpacing(10)
        self.setWidget(self._content)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hide()

    def show_guards(self, guards: Sequence[Guard]) -> None:
        """Show these, in place of those before."""
        self._guards = tuple(guards)
        for line in self._lines:
            self._rows.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = [self._line(index, guard) for index, guard in enumerate(guards)]
        for line in self._lines:
            self._rows.addWidget(line)
            line.show()  # at once: the layout counts what is shown
        self.setEnabled(True)
        self.setVisible(bool(guards))
        self._fit_height()

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self._theme = theme
        self.show_guards(self._guards)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        wanted = self._rows.totalHeightForWidth(self.viewport().width())
        self.setFixedHeight(max(0, min(wanted, HIGHEST)))

    def _line(self, index: int, guard: Guard) -> QWidget:
        line = QWidget()
        sentence = QLabel(guard.sentence, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        sentence.setMinimumWidth(1)  # a name of a column that is too long to wrap must not widen the panel
        sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(named(sentence, f"guard {index}"))
        if guard.experiment is not None:
            mend = named(QPushButton(guard.mend.replace("&", "&&")), f"mend {index}", guard.mend)
            mend.setAccessibleDescription(guard.sentence)
            mend.clicked.connect(self._mend)
            words.addWidget(mend, 0, Qt.AlignmentFlag.AlignLeft)
        layout = QHBoxLayout(line)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(_Sign(self._theme), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        return line

    @Slot()
    def _mend(self) -> None:
        index = int(self.sender().objectName().removeprefix("mend "))
        self.setEnabled(False)  # the others were found in the data as it was; new ones come with the new data
        self.mended.emit(self._guards[index].experiment)
