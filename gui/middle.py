"""The middle of the window: the plots, or in their place the table of all rows, the whole model or own code."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.frames import RowsShown
from gui.theme import Theme
from gui.widgets import card, heading

View = Literal["plots", "rows", "model", "own_code"]


class Middle(QStackedWidget):
    """Empty until the first paint is over: the plotting library takes a third of a second to import."""

    column_chosen = Signal(str)
    """The head of a column in the table of rows was clicked."""

    def fill(self, own_code: QWidget) -> None:
        """Make the plots, the table and the view of the model, beside the editor."""
        from gui.model_view import ModelView
        from gui.plots.area import PlotArea
        from gui.rows.view import RowsView

        self.plots = PlotArea()
        self.rows = RowsView()
        self.model = ModelView()
        self._table = card()
        layout = QVBoxLayout(self._table)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.addWidget(heading("All rows of the data"))
        layout.addWidget(self.rows)
        self.addWidget(self.plots)
        self.addWidget(self._table)
        self.addWidget(self.model)
        self._own_code = own_code
        self.addWidget(own_code)
        self.rows.column_chosen.connect(self.column_chosen)

    @property
    def is_filled(self) -> bool:
        """Whether there is anything yet."""
        return self.count() > 0

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.plots.apply_theme(theme)
        self.rows.apply_theme(theme)
        self.model.apply_theme(theme)

    def show_view(self, name: View) -> None:
        """One of the four."""
        views = {"plots": self.plots, "rows": self._table, "model": self.model, "own_code": self._own_code}
        self.setCurrentWidget(views[name])

    @Slot(object)
    def show_rows(self, shown: RowsShown) -> None:
        """Fill the table."""
        self.rows.show_rows(shown)

    def show_over(self, column: str) -> None:
        """Draw the data over this column."""
        self.plots.scatter.x_axis.setCurrentText(f"x: {column}")
