"""How the rows are divided, as one bar in three colours with two handles."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from gui.theme import LIGHT, Theme
from gui.widgets import named

HANDLE = 15  # pixels wide
KNOB = 9  # pixels above or below the bar
BAR = 24  # pixels high
NAMES = {"train": "Training", "validation": "Validation", "test": "Test"}
Range = tuple[int, int]


class Handle(QAbstractSlider):
    """The border between two parts: moved by mouse, arrows, Page keys, Home and End."""

    def __init__(self, parent: QWidget, above: bool) -> None:
        super().__init__(parent)
        self.above = above
        self.theme = LIGHT
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(1, 99)
        self.setPageStep(10)
        # The bar has the mouse: where both handles are in one place, it knows which one is meant.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, bottom = self.width() / 2, float(self.height())
        tip, foot = (KNOB + 1.0, 1.0) if self.above else (bottom - KNOB - 1, bottom - 1)
        shoulder = (foot * 2 + tip) / 3
        knob = QPolygonF([
            QPointF(middle - 5.5, foot), QPointF(middle + 5.5, foot), QPointF(middle + 5.5, shoulder),
            QPointF(middle, tip), QPointF(middle - 5.5, shoulder),
        ])  # fmt: skip
        line = (QPointF(middle, tip), QPointF(middle, bottom if self.above else 0))
        painter.setPen(QPen(QColor(self.theme.panel), 2))
        painter.drawLine(*line)
        focus = self.hasFocus()
        painter.setBrush(QColor(self.theme.accent if focus else self.theme.panel))
        painter.setPen(QPen(QColor(self.theme.accent if focus else self.theme.muted), 1.4))
        painter.drawPolygon(knob)


class SplitBar(QWidget):
    """Training, validation and test, in percent. A handle that is moved onto the other one takes it along."""

    moved = Signal(int, int)  # training and validation, while a handle is being dragged
    changed = Signal(int, int)  # training and validation, when a handle was let go or moved by a key

    def __init__(self, lesson: dict[str, Range]) -> None:
        """`lesson` are the shares that the lesson advises, by part; they are marked."""
        super().__init__()
        self._lesson = lesson
        self._train, self._validation = 80, 0
        self._dragged: Handle | None = None
        self.theme = LIGHT
        self.train_end = named(Handle(self, above=True), "train end", "End of the training data, percent of the rows")
        self.validation_end = named(
            Handle(self, above=False), "validation end", "End of the validation data, percent of the rows"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("How the rows are divided")
        advice = ", ".join(f"{NAMES[name].lower()} {low}–{high} %" for name, (low, high) in lesson.items())
        self.setToolTip(f"Drag the handles. The lines mark what the lesson advises: {advice}.")

        self.train_end.valueChanged.connect(self._handle_moved)
        self.validation_end.valueChanged.connect(self._handle_moved)

    def sizeHint(self) -> QSize:
        return QSize(200, BAR + 2 * KNOB + 2)

    def show_split(self, train: int, validation: int) -> None:
        """Show these shares."""
        self._train, self._validation = train, validation
        for handle, value in ((self.train_end, train), (self.validation_end, train + validation)):
            handle.blockSignals(True)
            handle.setValue(value)
            handle.blockSignals(False)
        self.setAccessibleDescription(
            f"Training {train} %, validation {validation} %, test {100 - train - validation} %"
        )
        self._place()
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        for part in (self, self.train_end, self.validation_end):
            part.theme = theme
            part.update()

    @Slot(int)
    def _handle_moved(self, value: int) -> None:
        handle = self.sender()
        if handle is self.train_end:
            train, end = value, max(value, self._train + self._validation)
        else:
            train, end = min(self._train, value), value
        self.show_split(train, end - train)
        (self.moved if self._dragged else self.changed).emit(self._train, self._validation)

    # ------------------------------------------------------------------------------------------------ the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        x, y = event.position().x(), event.position().y()
        first, second = abs(self._x(self._train) - x), abs(self._x(self._train + self._validation) - x)
        upper = y < self.height() / 2 if abs(first - second) < HANDLE else first < second
        self._dragged = self.train_end if upper else self.validation_end
        self._dragged.setFocus(Qt.FocusReason.MouseFocusReason)
        if min(first, second) > HANDLE:  # a click into the bar brings the handle there; one on it only takes hold
            self._dragged.setValue(self._percent(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            self._dragged.setValue(self._percent(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None and event.button() is Qt.MouseButton.LeftButton:
            self._dragged = None
            self.changed.emit(self._train, self._validation)

    def _bar(self) -> QRectF:
        return QRectF(HANDLE / 2, KNOB + 1, self.width() - HANDLE, BAR)

    def _x(self, percent: float) -> float:
        return self._bar().left() + self._bar().width() * percent / 100

    def _percent(self, x: float) -> int:
        return round((x - self._bar().left()) / max(self._bar().width(), 1) * 100)

    # ----------------------------------------------------------------------------------------------- the picture

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        height = KNOB + 1 + BAR // 2
        for handle in (self.train_end, self.validation_end):
            left = round(self._x(handle.value()) - HANDLE / 2)
            handle.setGeometry(left, 0 if handle.above else self.height() - height, HANDLE, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = self._bar()
        rounded = QPainterPath()
        rounded.addRoundedRect(bar, 4, 4)
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        start = 0
        shares = (self._train, self._validation, 100 - self._train - self._validation)
        for name, share in zip(NAMES, shares, strict=True):
            segment = QRectF(self._x(start), bar.top(), bar.width() * share / 100, bar.height())
            color = QColor(self.theme.splits[name] if self.isEnabled() else self.theme.border)
            painter.setClipPath(rounded)
            painter.fillRect(segment, color)
            painter.setClipping(False)
            self._label(painter, segment, color, name, share)
            start += share
        self._mark_lesson(painter, "train", 0, bar.top() - 3, -3)
        self._mark_lesson(painter, "validation", self._train, bar.bottom() + 3, 3)

    def _label(self, painter: QPainter, segment: QRectF, color: QColor, name: str, share: int) -> None:
        """The longest text that has room."""
        painter.setPen(_readable_on(color))
        for text in (f"{NAMES[name]} {share} %", f"{share} %", str(share)):
            if painter.fontMetrics().horizontalAdvance(text) <= segment.width() - 8:
                painter.drawText(segment, Qt.AlignmentFlag.AlignCenter, text)
                return

    def _mark_lesson(self, painter: QPainter, name: str, start: int, y: float, tick: int) -> None:
        """A line with ticks over where the lesson lets a part end that begins at `start`."""
        low, high = (self._x(min(start + share, 100)) for share in self._lesson[name])
        painter.setPen(QPen(QColor(self.theme.splits[name]), 2))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        for x in (low, high):
            painter.drawLine(QPointF(x, y), QPointF(x, y + tick))


def _readable_on(color: QColor) -> QColor:
    """Black or white, whichever has more contrast (relative luminance as in WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (color.redF(), color.greenF(), color.blueF())
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return QColor("black" if luminance > 0.179 else "white")
