"""The list of a table's columns, with a box to filter it and a form for those that are selected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import QItemSelection, QSignalBlocker, QSortFilterProxyModel, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from engine import experiment as ex
from gui.form import Form, enable_choices
from gui.frames import ColumnOffer
from gui.steps.data.columns import GAPS, NAME, ROLE, TYPE, ChoiceDelegate, ColumnsModel
from gui.steps.data.uses import AS_ALL, MEASURED, Role, Use
from gui.widgets import ElidedLabel, form_field, named

MANY = 12
"""Beyond this many columns there is a box to filter them."""
TYPES = ("number", "category", "yes/no", "date")
SCALES = (AS_ALL, "none", "standardise", "min-max", "robust")
FILLS = ("drop row", "most frequent", "constant")
NUMBER_FILLS = (*FILLS, "mean", "median")


class ColumnList(QWidget):
    """Shows how columns are used; says which should be used how. Several can be selected and changed at once."""

    wanted = Signal(list, str, object)  # the columns' names; "role", "scale" or a field of Column; the value

    def __init__(self, roles: Sequence[Role], roles_only: bool = False) -> None:
        """`roles_only`: the types of the columns, their gaps and scaling cannot be chosen."""
        super().__init__()
        self._roles_only = roles_only
        self.model = ColumnsModel(roles, types_editable=not roles_only)
        self._filtered = QSortFilterProxyModel(self, filterKeyColumn=NAME)
        self._filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._filtered.setSourceModel(self.model)
        self.filter = form_field(named(QLineEdit(clearButtonEnabled=True), "filter", "Filter the columns by name"))
        self.view = named(QTableView(), "columns", "Columns of the table")
        self._set_up_view()
        self._selected = named(ElidedLabel(), "heading")
        self.role = _combo("role", "Role", "What the column is used for. Several targets: select them, then choose.")
        self.role.addItems(list(roles))
        self.form = Form(ex.Column, skip=("name",))
        self.scale = _combo("scale", "Scaling", "How its numbers are brought to a common size, if not as all others.")
        self.scale.addItems(SCALES)
        self._lay_out()

        self.filter.textChanged.connect(self._filtered.setFilterFixedString)
        self.view.selectionModel().selectionChanged.connect(self._selection_changed)
        self.model.wanted.connect(self._cell_edited)
        self.model.modelReset.connect(self._show_selected)
        self.role.textActivated.connect(self._role_chosen)
        self.scale.textActivated.connect(self._scale_chosen)
        self.form.edited.connect(self._field_edited)

    def _set_up_view(self) -> None:
        view = self.view
        view.setModel(self._filtered)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        view.setTabKeyNavigation(False)  # Tab leaves the list; the arrows move in it
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setShowGrid(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(22)
        header = view.horizontalHeader()
        header.setMinimumSectionSize(30)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for section, width in ((ROLE, 56), (TYPE, 64), (GAPS, 46)):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(section, width)
        view.setItemDelegateForColumn(ROLE, ChoiceDelegate(self.model.roles, view))
        view.setItemDelegateForColumn(TYPE, ChoiceDelegate(TYPES, view))

    def _lay_out(self) -> None:
        rows = self.form.rows
        rows.insertRow(0, "Role", self.role)
        self.role.lower()  # the first of the form's children, which Tab follows
        rows.addRow("Scaling", self.scale)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.filter, self.view, self._selected, self.form):
            layout.addWidget(widget)

    def show_columns(self, offers: tuple[ColumnOffer, ...], uses: Mapping[str, Use]) -> None:
        """Show the columns of a table, each with its use."""
        self.model.show(offers, uses)
        self.filter.setVisible(len(offers) > MANY)
        self.filter.setPlaceholderText(f"Filter {len(offers):,} columns")
        self.view.setFixedHeight(30 + 22 * min(max(len(offers), 2), 8))
        if not self.view.selectionModel().hasSelection() and offers:
            self.view.selectRow(0)
        self._show_selected()

    # ----------------------------------------------------------------------------------- what is selected

    def _rows(self) -> list[int]:
        proxies = self.view.selectionModel().selectedRows()
        return sorted(self._filtered.mapToSource(proxy).row() for proxy in proxies)

    @Slot(QItemSelection, QItemSelection)
    def _selection_changed(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        self._show_selected()

    @Slot()
    def _show_selected(self) -> None:
        """Fill the form below the list; a field in which the selected columns differ is empty."""
        rows = self._rows()
        uses = [self.model.uses[row] for row in rows]
        for widget in (self._selected, self.form):
            widget.setVisible(bool(uses))
        if not uses:
            return
        name = self.model.offers[rows[0]].name
        self._selected.setText(name if len(rows) == 1 else f"{len(rows):,} columns")
        self._selected.setToolTip(name if len(rows) == 1 else "")
        with QSignalBlocker(self.role), QSignalBlocker(self.scale):
            _show_common(self.role, {use.role for use in uses})
            _show_common(self.scale, {use.scale for use in uses})
        self.form.show_part(uses[0].column)
        for field, combo in ((field, self.form.widgets[field]) for field in ("type", "encoding", "missing")):
            assert isinstance(combo, QComboBox)
            with QSignalBlocker(combo):
                _show_common(combo, {use.type if field == "type" else getattr(use.column, field) for use in uses})
        self._show_what_applies(uses)

    def _show_what_applies(self, uses: Collection[Use]) -> None:
        features = all(use.role == "feature" for use in uses)
        types = {use.type for use in uses}
        detailed = features and not self._roles_only
        self.form.set_row_visible("type", not self._roles_only)
        self.form.set_row_visible("encoding", detailed and types == {"category"})
        self.form.set_row_visible("missing", detailed)
        self.form.set_row_visible("constant", detailed and all(use.column.missing == "constant" for use in uses))
        self.form.rows.setRowVisible(self.scale, detailed and types <= MEASURED)
        missing = self.form.widgets["missing"]
        assert isinstance(missing, QComboBox)
        enable_choices(missing, NUMBER_FILLS if types <= MEASURED else FILLS)

    # ------------------------------------------------------------------------------------- what is wanted

    def _want(self, field: str, value: object) -> None:
        self.wanted.emit([self.model.offers[row].name for row in self._rows()], field, value)

    @Slot(int, str, object)
    def _cell_edited(self, row: int, field: str, value: object) -> None:
        """A cell of a selected row stands for all selected ones."""
        rows = self._rows()
        self.wanted.emit([self.model.offers[each].name for each in (rows if row in rows else [row])], field, value)

    @Slot(str)
    def _role_chosen(self, role: str) -> None:
        self._want("role", role)

    @Slot(str)
    def _scale_chosen(self, scale: str) -> None:
        self._want("scale", scale)

    @Slot(str, object)
    def _field_edited(self, field: str, value: object) -> None:
        self._want(field, value)


def _combo(name: str, title: str, help_text: str) -> QComboBox:
    combo = form_field(named(QComboBox(), name, title))
    combo.setToolTip(help_text)
    return combo


def _show_common(combo: QComboBox, values: Collection[str]) -> None:
    """Show the one value, or none where there are several."""
    value = next(iter(values))
    combo.setCurrentIndex(combo.findText(value) if len(values) == 1 else -1)
