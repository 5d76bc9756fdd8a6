"""An editor for Python: line numbers, colours, four spaces for Tab, one line marked as wrong."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from gui.code import Highlighter
from gui.theme import LIGHT, Theme

INDENT = 4
MARGIN = 6
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class _Numbers(QWidget):
    """The strip with the line numbers."""

    def __init__(self, editor: CodeEditor) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:
        return QSize(self._editor.numbers_width, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._editor.paint_numbers(self, event.rect())


class CodeEditor(QPlainTextEdit):
    """Ctrl+Enter asks for a check; undo inside the editor is its own."""

    check_asked = Signal()

    def __init__(self) -> None:
        super().__init__(lineWrapMode=QPlainTextEdit.LineWrapMode.NoWrap)
        self._theme = LIGHT
        self._wrong_line = 0
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPointSize(10)
        self.setFont(font)
        self.setTabStopDistance(INDENT * self.fontMetrics().horizontalAdvance(" "))
        self._highlighter = Highlighter(self.document())
        self._numbers = _Numbers(self)
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._follow)
        self._make_room()

    @property
    def numbers_width(self) -> int:
        """Pixels that the line numbers take."""
        digits = len(str(max(self.blockCount(), 99)))
        return self.fontMetrics().horizontalAdvance("9") * digits + 2 * MARGIN

    @property
    def wrong_line(self) -> int:
        """The line that is marked, counted from 1; 0 for none."""
        return self._wrong_line

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self._highlighter.apply_theme(theme)
        self.mark(self._wrong_line)
        self._numbers.update()

    def mark(self, line: int) -> None:
        """Mark a line as wrong, or none with 0."""
        self._wrong_line = line
        marks = []
        if 0 < line <= self.blockCount():
            mark = QTextEdit.ExtraSelection()
            mark.cursor = QTextCursor(self.document().findBlockByNumber(line - 1))
            color = QColor(self._theme.prediction)
            color.setAlphaF(0.2)
            mark.format.setBackground(color)
            mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            marks.append(mark)
        self.setExtraSelections(marks)
        self._numbers.update()

    def go_to(self, line: int) -> None:
        """Put the cursor at the beginning of a line."""
        self.setTextCursor(QTextCursor(self.document().findBlockByNumber(line - 1)))
        self.centerCursor()

    def replace_text(self, text: str) -> None:
        """Another text, which undo takes back."""
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(QTextCursor(self.document()))

    # ------------------------------------------------------------------------------------------------ keys

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_check(event):
            event.accept()  # it would be the window's Fit
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_check(event):
            self.check_asked.emit()
        elif event.key() == Qt.Key.Key_Tab and not event.modifiers():
            self._indent()
        elif event.key() == Qt.Key.Key_Backtab:
            self._change_lines(lambda line: line[min(INDENT, len(line) - len(line.lstrip(" "))) :])
        elif event.key() in ENTER and not event.modifiers():
            self._new_line()
        else:
            super().keyPressEvent(event)

    def _indent(self) -> None:
        cursor = self.textCursor()
        if cursor.hasSelection():
            self._change_lines(lambda line: " " * INDENT + line if line.strip() else line)
        else:
            cursor.insertText(" " * (INDENT - cursor.positionInBlock() % INDENT))

    def _new_line(self) -> None:
        """Indented as the line before; one step more after a colon."""
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        indent = len(before) - len(before.lstrip(" "))
        cursor.insertText("\n" + " " * (indent + (INDENT if before.rstrip().endswith(":") else 0)))
        self.ensureCursorVisible()

    def _change_lines(self, change: object) -> None:
        """Change each of the selected lines."""
        assert callable(change)
        cursor = self.textCursor()
        first = self.document().findBlock(cursor.selectionStart())
        last = self.document().findBlock(cursor.selectionEnd())
        cursor.beginEditBlock()
        block = first
        while block.isValid() and block.blockNumber() <= last.blockNumber():
            line = QTextCursor(block)
            line.select(QTextCursor.SelectionType.LineUnderCursor)
            changed = change(block.text())
            if changed != block.text():
                line.insertText(changed)
            block = block.next()
        cursor.endEditBlock()

    # --------------------------------------------------------------------------------------------- numbers

    @Slot()
    def _make_room(self) -> None:
        self.setViewportMargins(self.numbers_width, 0, 0, 0)

    @Slot(QRect, int)
    def _follow(self, place: QRect, dy: int) -> None:
        if dy:
            self._numbers.scroll(0, dy)
        else:
            self._numbers.update(0, place.y(), self._numbers.width(), place.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._numbers.setGeometry(QRect(inside.left(), inside.top(), self.numbers_width, inside.height()))

    def paint_numbers(self, strip: QWidget, place: QRect) -> None:
        """Paint the numbers of the lines in sight on `strip`."""
        painter = QPainter(strip)
        painter.fillRect(place, QColor(self._theme.window))
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        height = self.fontMetrics().height()
        while block.isValid():
            box = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if box.top() > place.bottom():
                break
            number = block.blockNumber() + 1
            painter.setPen(QColor(self._theme.prediction if number == self._wrong_line else self._theme.muted))
            right = Qt.AlignmentFlag.AlignRight
            painter.drawText(0, int(box.top()), strip.width() - MARGIN, height, right, str(number))
            block = block.next()


def _is_check(event: QKeyEvent) -> bool:
    return event.key() in ENTER and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
