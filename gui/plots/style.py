"""How every plot looks, in both themes."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtGui import QColor

from gui.theme import Theme


def new_plot(title: str, left: str, bottom: str) -> pg.PlotWidget:
    """An empty plot with its title, axis labels and legend."""
    plot = pg.PlotWidget(title=title)
    item = plot.getPlotItem()
    item.setLabel("left", left)
    item.setLabel("bottom", bottom)
    item.showGrid(x=True, y=True)
    item.getAxis("left").enableAutoSIPrefix(False)
    item.getAxis("bottom").enableAutoSIPrefix(False)
    item.addLegend(offset=(-10, 10), labelTextSize="9pt")
    item.hideButtons()
    plot.setAntialiasing(True)
    return plot


def style_plot(plot: pg.PlotWidget, theme: Theme) -> None:
    """Give a plot the theme's colours."""
    plot.setBackground(theme.panel)
    item = plot.getPlotItem()
    item.setTitle(item.titleLabel.text, color=theme.text, size="11pt")
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        axis.setPen(pg.mkPen(theme.border))
        axis.setTextPen(pg.mkPen(theme.muted))
        axis.setGrid(int(255 * theme.grid_alpha))
    fill = QColor(theme.panel)
    fill.setAlpha(210)
    item.legend.setBrush(fill)
    item.legend.setPen(pg.mkPen(theme.border))
    item.legend.setLabelTextColor(theme.text)
    for _, label in item.legend.items:
        label.setText(label.text, color=theme.text)
