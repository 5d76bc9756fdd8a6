"""The heads of the columns: name, type, missing values, a small histogram, min, mean and max."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QHeaderView, QWidget

from gui.frames import ColumnHead
from gui.rows.describe import figure, shares
from gui.rows.model import RowsModel
from gui.theme import LIGHT, Theme

PAD = 6
GAP = 2
BARS_HEIGHT = 26
NARROWEST, WIDEST = 84, 240
MOST_MEASURED = 300
"""Columns whose texts are measured for their width; the others of a very wide table get the usual width."""
USUAL_WIDTH = 120


class ColumnHeads(QHeaderView):
    """A header that paints what is known of each column of a `RowsModel`. A click chooses the column."""

    column_chosen = Signal(str)

    def __init__(self, model: RowsModel, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme: Theme = LIGHT
        self._rows = model
        self.setModel(model)
        self.setSectionsClickable(True)
        self.setMinimumSectionSize(48)
        self.setDefaultSectionSize(USUAL_WIDTH)
        self.sectionClicked.connect(self._clicked)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.viewport().update()

    @Slot(int)
    def _clicked(self, section: int) -> None:
        self.column_chosen.emit(self._rows.heads[section].name)

    def sizeHint(self) -> QSize:
        line = self.fontMetrics().height()
        return QSize(super().sizeHint().width(), 2 * PAD + 3 * line + BARS_HEIGHT + 3 * GAP)

    def fit_widths(self, sample: list[list[str | None]]) -> None:
        """Make each column as wide as its head, and the texts in `sample`, some for each column, need."""
        metrics, bold = self.fontMetrics(), QFontMetrics(self._bold())
        self.blockSignals(True)  # one geometry change at the end is enough
        for section, (head, texts) in enumerate(zip(self._rows.heads, sample, strict=False)):
            second = head.kind + (f"    {head.missing:,} missing" if head.missing else "")
            widths = [bold.horizontalAdvance(head.name) + self._tag_width(head), metrics.horizontalAdvance(second)]
            least, mean, most = _figures(head)
            figures = f"{least}   {most}" if head.kind == "date" else f"{least}   {mean}   {most}"
            if head.labels:
                figures = ", ".join(shares(head)[:2])
            widths.append(metrics.horizontalAdvance(figures))
            widths += [metrics.horizontalAdvance(text) for text in texts if text]
            self.resizeSection(section, min(max(max(widths) + 2 * PAD + 4, NARROWEST), WIDEST))
        self.blockSignals(False)
        self.geometriesChanged.emit()

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font

    def _tag_width(self, head: ColumnHead) -> int:
        return 0 if head.role == "feature" else self.fontMetrics().horizontalAdvance(head.role) + 2 * PAD

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        heads = self._rows.heads
        if section >= len(heads):
            return
        head, theme, line = heads[section], self._theme, self.fontMetrics().height()
        painter.save()
        painter.setClipRect(rect)
        painter.fillRect(rect, QColor(theme.window))
        painter.fillRect(QRect(rect.right(), rect.top(), 1, rect.height()), QColor(theme.border))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(theme.border))
        if head.role == "target":
            painter.fillRect(QRect(rect.left(), rect.top(), rect.width() - 1, 2), QColor(theme.accent))
        inside = rect.adjusted(PAD, PAD, -PAD - 1, -PAD)
        self._paint_name(painter, QRect(inside.left(), inside.top(), inside.width(), line), head)
        second = QRect(inside.left(), inside.top() + line + GAP, inside.width(), line)
        missing = f"{head.missing:,} missing" if head.missing else ""
        self._paint_ends(painter, second, (head.kind, theme.muted), (missing, theme.validation))
        bars = QRect(inside.left(), second.bottom() + 1 + GAP, inside.width(), BARS_HEIGHT)
        self._paint_bars(painter, bars, head)
        self._paint_figures(painter, QRect(inside.left(), bars.bottom() + 1 + GAP, inside.width(), line), head)
        painter.restore()

    def _paint_name(self, painter: QPainter, room: QRect, head: ColumnHead) -> None:
        theme, metrics = self._theme, self.fontMetrics()
        tag_width = min(self._tag_width(head), room.width() // 2)
        if tag_width:
            tag = QRect(room.right() + 1 - tag_width + PAD // 2, room.top(), tag_width - PAD // 2, room.height())
            color = theme.muted
            if head.role == "target":
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(theme.accent))
                painter.drawRoundedRect(tag, 3, 3)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                color = theme.on_accent
            painter.setPen(QColor(color))
            painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, _elided(metrics, head.role, tag.width()))
        painter.setFont(self._bold())
        painter.setPen(QColor(theme.muted if head.role == "unused" else theme.text))
        room = room.adjusted(0, 0, -tag_width, 0)
        name = _elided(painter.fontMetrics(), head.name, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, name)
        painter.setFont(self.font())

    def _paint_bars(self, painter: QPainter, room: QRect, head: ColumnHead) -> None:
        theme = self._theme
        painter.fillRect(QRect(room.left(), room.bottom(), room.width(), 1), QColor(theme.border))
        most = max(head.counts, default=0)
        if not most:
            return
        color = QColor(theme.muted if head.role == "unused" else theme.accent)
        color.setAlphaF(1.0 if head.role == "target" else 0.6)
        width = min(room.width() / len(head.counts), 26 if head.labels else room.width())
        gap = min(3.0, width / 3) if head.labels else min(1.0, width / 4)
        for number, count in enumerate(head.counts):
            if count:
                height = max(1.0, count / most * (room.height() - 1))  # a bin with one row of a million shows
                left = room.left() + number * width
                painter.fillRect(QRectF(left, room.bottom() - height, width - gap, height), color)

    def _paint_figures(self, painter: QPainter, room: QRect, head: ColumnHead) -> None:
        theme, metrics = self._theme, self.fontMetrics()
        if head.labels:
            texts = shares(head)
            self._paint_ends(painter, room, (", ".join(texts[:20]), theme.muted), ("", theme.muted))
            return
        least, mean, most = _figures(head)
        self._paint_ends(painter, room, (least, theme.muted), (most, theme.muted))
        gap = room.adjusted(metrics.horizontalAdvance(least) + 4, 0, -metrics.horizontalAdvance(most) - 4, 0)
        if metrics.horizontalAdvance(mean) <= gap.width():
            painter.setPen(QColor(theme.text))
            painter.drawText(gap, Qt.AlignmentFlag.AlignCenter, mean)

    def _paint_ends(self, painter: QPainter, room: QRect, left: tuple[str, str], right: tuple[str, str]) -> None:
        """Two texts, each with its colour, at the two ends; what has no room at the left is cut."""
        metrics = self.fontMetrics()
        end = _elided(metrics, right[0], room.width())
        painter.setPen(QColor(right[1]))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, end)
        left_room = room.width() - metrics.horizontalAdvance(end) - (8 if end else 0)
        painter.setPen(QColor(left[1]))
        text = _elided(metrics, left[0], left_room)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)


def _figures(head: ColumnHead) -> tuple[str, str, str]:
    mean = figure(head, head.mean)
    return figure(head, head.minimum), f"mean {mean}" if mean else "", figure(head, head.maximum)


def _elided(metrics: QFontMetrics, text: str, width: int) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0))
