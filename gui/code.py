"""This run as code: the script, always in step with the controls; what the last change touched is marked."""

from __future__ import annotations

import difflib
import re

from PySide6.QtGui import QColor, QFont, QFontDatabase, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from gui.theme import LIGHT, Theme

TOKENS = re.compile(
    r"(?P<comment>#.*)"
    r"|(?P<string>\"\"\".*?\"\"\"|f?\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<keyword>\b(?:import|from|as|class|def|return|for|in|if|else|with|None|True|False)\b)"
    r"|(?P<number>\b\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?)"
)


class _Highlighter(QSyntaxHighlighter):
    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self.formats: dict[str, QTextCharFormat] = {}

    def apply_theme(self, theme: Theme) -> None:
        for name in ("comment", "string", "keyword", "number"):
            self.formats[name] = QTextCharFormat()
            self.formats[name].setForeground(QColor(getattr(theme, name)))
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        for match in TOKENS.finditer(text):
            name = match.lastgroup or ""
            if name in self.formats:
                self.setFormat(match.start(), match.end() - match.start(), self.formats[name])


class CodePane(QPlainTextEdit):
    """Read-only Python."""

    def __init__(self) -> None:
        super().__init__(readOnly=True)
        self.setAccessibleName("This run as code")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPointSize(9)
        self.setFont(font)
        self._theme = LIGHT
        self._changed: list[int] = []
        self._highlighter = _Highlighter(self.document())

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self._highlighter.apply_theme(theme)
        self._mark()

    def show_code(self, code: str) -> None:
        """Show a script; mark the lines that differ from the one before and bring the first into view."""
        before = self.toPlainText()
        if code == before:
            return
        lines = code.splitlines()
        differ = difflib.SequenceMatcher(None, before.splitlines(), lines, autojunk=False).get_opcodes()
        self._changed = [n for kind, _, _, a, b in differ if kind != "equal" for n in range(a, b)] if before else []
        scroll = self.verticalScrollBar().value()
        self.setPlainText(code)
        self.verticalScrollBar().setValue(scroll)
        self._mark()
        if self._changed:
            cursor = self.textCursor()
            cursor.setPosition(self.document().findBlockByNumber(self._changed[0]).position())
            self.setTextCursor(cursor)
            self.ensureCursorVisible()

    def _mark(self) -> None:
        marks = []
        for number in self._changed:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = self.textCursor()
            mark.cursor.setPosition(self.document().findBlockByNumber(number).position())
            mark.format.setBackground(QColor(self._theme.changed))
            mark.format.setProperty(QTextCharFormat.Property.FullWidthSelection, True)
            marks.append(mark)
        self.setExtraSelections(marks)
