"""The column at the left: six numbered headers, the form of the open step below its header."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import LIGHT, Theme


class StepHeader(QAbstractButton):
    """Number, title, and a mark when the step is done."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__(text=title, checkable=True, autoExclusive=False)
        self.number = number
        self.done = False
        self.theme = LIGHT
        self._from_keyboard = False
        self.setAccessibleName(f"Step {number}: {title}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(220, 33)

    def set_done(self, done: bool) -> None:
        """Show or hide the mark."""
        if done != self.done:
            self.done = done
            self.setAccessibleDescription("done" if done else "")
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        by_key = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._from_keyboard = event.reason() in by_key  # a ring helps there, and is noise after a click
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._from_keyboard = False
        super().focusOutEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme, painter = self.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.panel))
        if self.underMouse() or self._from_keyboard:
            painter.fillRect(self.rect(), QColor(theme.window))
        circle = QRectF(10, self.height() / 2 - 12, 24, 24)
        painter.setPen(QPen(QColor(theme.accent if self.isChecked() else theme.border), 1.5))
        painter.setBrush(QColor(theme.accent) if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(circle)
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme.on_accent if self.isChecked() else theme.muted))
        painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, str(self.number))
        font.setBold(self.isChecked())
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        title = QRectF(44, 0, self.width() - 76, self.height())
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        if self.done:
            self._draw_mark(painter)
        if self._from_keyboard:
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)

    def _draw_mark(self, painter: QPainter) -> None:
        x, y = self.width() - 26, self.height() / 2
        painter.setPen(
            QPen(QColor(self.theme.test), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        )
        painter.drawPolyline([QPointF(x, y + 1), QPointF(x + 4.5, y + 5.5), QPointF(x + 13, y - 5)])


class StepStack(QFrame):
    """Six headers; a click opens that step's panel and closes the one before."""

    opened = Signal(int)  # the step's number

    def __init__(self, panels: list[tuple[str, QWidget]]) -> None:
        super().__init__()
        self.setObjectName("card")
        self.headers: list[StepHeader] = []
        self._areas: list[QScrollArea] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        for number, (title, panel) in enumerate(panels, start=1):
            header = StepHeader(number, title)
            header.clicked.connect(self._header_clicked)
            area = QScrollArea(widgetResizable=True)
            area.hide()
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setWidget(panel)
            layout.addWidget(header)
            layout.addWidget(area, 1)
            self.headers.append(header)
            self._areas.append(area)
        layout.addStretch(0)
        self.open(1)

    def open(self, number: int) -> None:
        """Show the panel of one step."""
        for header, area in zip(self.headers, self._areas, strict=True):
            header.setChecked(header.number == number)
            area.setVisible(header.number == number)
        self.opened.emit(number)

    def set_done(self, number: int, done: bool) -> None:
        """Mark a step as done or not."""
        self.headers[number - 1].set_done(done)

    def apply_theme(self, theme: Theme) -> None:
        """Repaint the headers."""
        for header in self.headers:
            header.theme = theme
            header.update()

    @Slot()
    def _header_clicked(self) -> None:
        header = self.sender()
        assert isinstance(header, StepHeader)
        self.open(header.number)
