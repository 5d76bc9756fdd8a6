"""This run as code: the script, always in step with the controls; what the last change touched is marked."""

from __future__ import annotations

import difflib
import re

from PySide6.QtCore import QSize
from PySide6.QtGui import (
    QAction,
    QColor,
    QFont,
    QFontDatabase,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QTextEdit, QToolButton, QVBoxLayout

from gui.theme import LIGHT, Theme
from gui.widgets import heading

TOKENS = re.compile(
    r"(?P<comment>#.*)"
    r"|(?P<open>(?:\"\"\"(?!.*\"\"\")|'''(?!.*''')).*)"
    r"|(?P<string>\"\"\".*?\"\"\"|'''.*?'''|f?\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<keyword>\b(?:import|from|as|class|def|return|for|in|is|if|elif|else|with|while|break|continue|pass"
    r"|and|or|not|lambda|try|except|finally|raise|assert|del|yield|global|nonlocal|None|True|False)\b)"
    r"|(?P<number>\b\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?)"
)


LONGEST = 100
"""Lines of the script are seldom longer."""
INSIDE = {1: '"""', 2: "'''"}
"""The state of a line whose end lies inside such a string."""


class Highlighter(QSyntaxHighlighter):
    """Colours for Python."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self.formats: dict[str, QTextCharFormat] = {}

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        for name in ("comment", "string", "keyword", "number"):
            self.formats[name] = QTextCharFormat()
            self.formats[name].setForeground(QColor(getattr(theme, name)))
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        start = 0
        self.setCurrentBlockState(0)
        if self.previousBlockState() in INSIDE and self.formats:
            quotes = INSIDE[self.previousBlockState()]
            end = text.find(quotes)
            start = len(text) if end < 0 else end + 3
            self.setFormat(0, start, self.formats["string"])
            if end < 0:
                self.setCurrentBlockState(self.previousBlockState())
        for match in TOKENS.finditer(text, start):
            name = match.lastgroup or ""
            if name == "open":  # a string that goes on in the next line
                self.setCurrentBlockState(1 if match[0].startswith(INSIDE[1]) else 2)
                name = "string"
            if name in self.formats:
                self.setFormat(match.start(), match.end() - match.start(), self.formats[name])


class CodePane(QFrame):
    """A title, a button to copy, and read-only Python."""

    def __init__(self, copy: QAction) -> None:
        super().__init__()
        self.setMinimumWidth(240)
        self.setObjectName("card")
        self._theme = LIGHT
        self._changed: list[int] = []
        self._marks_changes = False
        self._editor = QPlainTextEdit(readOnly=True, lineWrapMode=QPlainTextEdit.LineWrapMode.NoWrap)
        self._editor.setAccessibleName("This run as code")
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPointSize(9)
        self._editor.setFont(font)
        self._highlighter = Highlighter(self._editor.document())
        button = QToolButton()
        button.setDefaultAction(copy)

        top = QHBoxLayout()
        top.setContentsMargins(12, 6, 6, 0)
        top.addWidget(heading("This run as code"))
        top.addStretch()
        top.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addLayout(top)
        layout.addWidget(self._editor)

    def sizeHint(self) -> QSize:
        """Wide enough for a line of LONGEST letters."""
        letters = self._editor.fontMetrics().horizontalAdvance("x") * LONGEST
        edges = 2 * self._editor.frameWidth() + 2 * int(self._editor.document().documentMargin())
        return QSize(letters + edges + self._editor.verticalScrollBar().sizeHint().width() + 24, 400)

    @property
    def text(self) -> str:
        """The script that is shown."""
        return self._editor.toPlainText()

    @property
    def changed_lines(self) -> list[str]:
        """The lines that are marked."""
        lines = self.text.splitlines()
        return [lines[number] for number in self._changed]

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self._highlighter.apply_theme(theme)
        self._mark()

    def show_code(self, code: str) -> None:
        """Show a script; mark the lines that differ from the one before and bring the first into view."""
        before = self.text
        if code == before:
            return
        lines = code.splitlines()
        differ = difflib.SequenceMatcher(None, before.splitlines(), lines, autojunk=False).get_opcodes()
        changed = [n for kind, _, _, a, b in differ if kind != "equal" for n in range(a, b)]
        self._changed = changed if self._marks_changes else []
        scroll = self._editor.verticalScrollBar().value()
        self._editor.setPlainText(code)
        self._editor.verticalScrollBar().setValue(scroll)
        self._mark()
        if self._changed:
            self._editor.setTextCursor(self._cursor_at(self._changed[0]))
            self._editor.ensureCursorVisible()

    def begin_anew(self) -> None:
        """This is another document's script: nothing in it was changed, and nothing is marked until `mark_changes`."""
        self._marks_changes, self._changed = False, []
        self._editor.verticalScrollBar().setValue(0)
        self._mark()

    def mark_changes(self) -> None:
        """The script stands as the document has it: mark what is changed from now on."""
        self._marks_changes = True

    def _cursor_at(self, line: int) -> QTextCursor:
        return QTextCursor(self._editor.document().findBlockByNumber(line))

    def _mark(self) -> None:
        marks = []
        for line in self._changed:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = self._cursor_at(line)
            mark.format.setBackground(QColor(self._theme.changed))
            mark.format.setProperty(QTextCharFormat.Property.FullWidthSelection, True)
            marks.append(mark)
        self._editor.setExtraSelections(marks)
