"""A table: its file, how it is written, and what each of its columns is used for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import Slot

from engine import experiment as ex
from gui.form import Form
from gui.frames import ColumnOffer
from gui.steps.data.column_list import ColumnList
from gui.steps.data.source_form import SourceForm
from gui.steps.data.uses import AS_ALL, Role, Use, changed, scaled, sentence, table_of, unused
from gui.widgets import ElidedLabel, named, note


class TableForm(SourceForm):
    """A table and the list of its columns."""

    def __init__(self) -> None:
        super().__init__(Form(ex.Table, skip=("path", "target", "features", "columns")), "file")
        self._table: ex.Table | None = None
        self._scaling = ex.Scaling()
        self._offers: tuple[ColumnOffer, ...] = ()
        self._described: dict[str, ex.Column] = {}
        self._format = note()
        self._summary = named(ElidedLabel(), "muted")
        self.columns = ColumnList(("feature", "target", "unused"))

        self.rows.insertWidget(1, self._format)
        self.rows.addWidget(self._summary)
        self.rows.addWidget(self.columns)

        self.columns.wanted.connect(self._change)

    def show_source(self, source: ex.Source, scaling: ex.Scaling) -> None:
        """Show a table and how its features are scaled."""
        assert isinstance(source, ex.Table)
        if self._table is None or source.path != self._table.path:
            self._offers, self._described = (), {}
            self._format.hide()
        super().show_source(source, scaling)
        unchanged = source == self._table and scaling == self._scaling
        self._table, self._scaling = source, scaling
        self._described |= {column.name: column for column in source.columns}
        count = "1 feature predicts" if len(source.features) == 1 else f"{len(source.features):,} features predict"
        self._summary.setText(f"{count} {', '.join(source.targets)}.")
        self._summary.setToolTip(self._summary.text())
        if not unchanged:
            self._show_columns()

    def _show_columns(self) -> None:
        if self._table is not None:
            names = (*self._table.features, *self._table.targets)
            offers = self._offers or tuple(ColumnOffer(name, "number", 0, 0) for name in names)
            self.columns.show_columns(offers, self._uses(offers))

    def offer(self, columns: tuple[ColumnOffer, ...], found_format: str) -> None:
        """The columns that the file has, and how it is written."""
        self._format.setText(f"Found: {found_format}")
        self._format.setVisible(bool(found_format))
        if columns != self._offers:
            self._offers = columns
            self._show_columns()

    def _uses(self, offers: Iterable[ColumnOffer]) -> dict[str, Use]:
        assert self._table is not None
        features, targets = set(self._table.features), set(self._table.targets)
        described = {column.name: column for column in self._table.columns}
        scales: dict[str, str] = {column.name: column.scale for column in self._scaling.columns}
        uses = {}
        for offer in offers:
            name = offer.name
            if name in features or name in targets:
                column = described.get(name) or ex.Column(name=name)
                role: Role = "target" if name in targets else "feature"
                uses[name] = Use(role, column.type, column, scales.get(name, AS_ALL))
            else:
                uses[name] = unused(offer, self._described.get(name))
        return uses

    @Slot(list, str, object)
    def _change(self, names: list[str], field: str, value: Any) -> None:
        """Use columns otherwise, or say why that cannot be."""
        assert self._table is not None
        if field == "scale":
            self.scaling_edited.emit(scaled(self._scaling, names, value))
            return
        try:
            uses = changed(self._uses(self.columns.model.offers), names, field, value)
            table = table_of(self._table, uses)
        except ValueError as error:
            self.refused.emit(sentence(error))
            self._show_columns()
            return
        if field != "role":
            self._described |= {name: uses[name].column for name in names}
        if table == self._table:  # what was said of a column that is not used yet
            self._show_columns()
        else:
            self.chosen.emit(table)
