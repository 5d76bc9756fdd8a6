"""A plot in its card: title and legend in one line above it, so that they never cover the data."""

from __future__ import annotations

import html

import pyqtgraph as pg
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.theme import LIGHT, Theme
from gui.widgets import heading, named

POINT, LINE, DASHED, DOTTED, THIN = "●", "━", "╍", "┅", "─"
"""How the legend shows a kind of mark."""
HELP = "Wheel and drag to look closer, double-click to see all"
MOST_NAMED = 14
"""Of more entries the legend names these; the tool tip has them all."""


class PlotCard(QFrame):
    """Title, legend, extra controls; below them the plot with its axis labels."""

    def __init__(self, title: str, left: str, bottom: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.theme: Theme = LIGHT
        self._entries: list[tuple[str, str, str]] = []
        self.plot = pg.PlotWidget()
        self.item = self.plot.getPlotItem()
        self.item.setLabel("left", left)
        self.item.setLabel("bottom", bottom)
        self.item.showGrid(x=True, y=True)
        self.item.hideButtons()
        self.item.setMenuEnabled(False)  # pyqtgraph's own menu offers what does not work here
        self.item.getViewBox().setMenuEnabled(False)
        self.plot.setToolTip(HELP)
        self.plot.scene().sigMouseClicked.connect(self._clicked)
        self.plot.setAntialiasing(True)
        for side in ("left", "bottom"):
            self.item.getAxis(side).enableAutoSIPrefix(False)
            self.item.getAxis(side).setStyle(maxTickLevel=0)  # each finer level of grid lines costs 6 ms a frame
            self.item.getAxis(side).setCacheMode(pg.AxisItem.CacheMode.DeviceCoordinateCache)
        self._legend = named(QLabel(textFormat=Qt.TextFormat.RichText), "legend", f"Legend of {title}")
        self._legend.setMinimumWidth(10)
        self._legend.setWordWrap(True)  # a long legend takes two lines, it does not push the window wider
        self._legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._top = QHBoxLayout()
        self._top.setContentsMargins(12, 8, 12, 0)
        self._top.setSpacing(16)
        self._top.addWidget(heading(title))
        self._top.addWidget(self._legend, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 4)
        layout.setSpacing(2)
        layout.addLayout(self._top)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(12, 0, 12, 0)
        layout.addLayout(self._rows)
        layout.addWidget(self.plot, 1)

    @Slot(object)
    def _clicked(self, event: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        if event.double():
            self.show_all()

    def show_all(self) -> None:
        """Bring everything into view."""
        self.item.enableAutoRange()

    def add_control(self, widget: QWidget) -> None:
        """Put a control beside the legend."""
        self._top.addWidget(widget)

    def add_row(self, widget: QWidget) -> None:
        """Put a row of controls between the legend and the plot."""
        self._rows.addWidget(widget)

    def show_legend(self, entries: list[tuple[str, str, str]]) -> None:
        """Name what is drawn: (mark, colour, name) each."""
        self._entries = entries
        shown = entries if len(entries) <= MOST_NAMED else entries[: MOST_NAMED - 1]
        parts = [
            f'<span style="color: {color}">{mark}</span>&nbsp;{html.escape(short(name)).replace(" ", "&nbsp;")}'
            for mark, color, name in shown
        ]
        if len(shown) < len(entries):
            parts.append(f"… {len(entries) - len(shown)}&nbsp;more")
        self._legend.setText("&nbsp;&nbsp; ".join(parts))
        self._legend.setToolTip(html.escape(",  ".join(name for _, _, name in entries if name)))

    @property
    def legend_names(self) -> list[str]:
        """The names in the legend, those that are not named for want of room as well."""
        return [name for _, _, name in self._entries if name]

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.theme = theme
        self.plot.setBackground(theme.panel)
        for side in ("left", "bottom"):
            axis = self.item.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setGrid(int(255 * theme.grid_alpha))


def short(name: str, most: int = 36) -> str:
    """A name that is no longer than so many letters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
