"""The columns of a table in step 1: what each is used for, one by one and many at once."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from gui.document import Document
from gui.frames import ColumnOffer, Prepared
from gui.steps.data import DataPanel
from gui.steps.data.column_list import ColumnList
from gui.steps.data.columns import GAPS, NAME, ROLE, TYPE
from gui.steps.data.table import TableForm

OFFERS = (
    ColumnOffer("size", "number", 3, 900),
    ColumnOffer("rooms", "number", 0, 9),
    ColumnOffer("town", "category", 0, 5),
    ColumnOffer("balcony", "yes/no", 12, 2),
    ColumnOffer("built", "date", 0, 700),
    ColumnOffer("remark", "text", 40, 950),
    ColumnOffer("price", "number", 0, 800),
)
TABLE = ex.Table(path="/flats.csv", target="price", features=("size", "rooms"))
CATEGORY = ex.Column(name="town", type="category")


class Owner:
    """A panel with a table, and what a person does with its list of columns."""

    def __init__(self, qtbot: QtBot) -> None:
        self.document = Document()
        self.panel = DataPanel(self.document)
        qtbot.addWidget(self.panel, before_close_func=lambda _: self.document.undo_stack.clear())
        self.panel.resize(290, 900)
        self.panel.show()
        qtbot.waitExposed(self.panel)
        self.panel.activateWindow()
        self.said: list[str] = []
        self.panel.refused.connect(self.said.append)

    def open(self, source: ex.Source = TABLE, offers: tuple[ColumnOffer, ...] = OFFERS) -> None:
        self.document.open(ex.Experiment(data=ex.Data(source=source)), None)
        values = dict.fromkeys(Prepared.__dataclass_fields__, ())
        values |= {"experiment": self.document.experiment, "columns": offers, "found_format": ""}
        self.panel.show_prepared(Prepared(**values))  # type: ignore[arg-type]

    @property
    def list(self) -> ColumnList:
        form = self.panel.source.form
        return form.columns  # type: ignore[attr-defined,no-any-return]

    @property
    def table(self) -> ex.Table:
        source = self.document.experiment.data.source
        assert isinstance(source, ex.Table)
        return source

    def select(self, *names: str) -> None:
        view = self.list.view
        view.clearSelection()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for row in range(view.model().rowCount()):
            if view.model().index(row, NAME).data() in names:
                view.selectionModel().select(view.model().index(row, NAME), flags)

    def choose(self, field: str, value: str) -> None:
        """Choose in the form below the list."""
        combo = {"role": self.list.role, "scale": self.list.scale}.get(field) or self.list.form.widgets[field]
        assert isinstance(combo, QComboBox)
        assert combo.isVisible(), field
        combo.setCurrentText(value)
        combo.textActivated.emit(value)

    def use(self, name: str, role: str) -> None:
        self.select(name)
        self.choose("role", role)

    def row(self, name: str) -> tuple[str, str, str]:
        model = self.list.view.model()
        row = next(row for row in range(model.rowCount()) if model.index(row, NAME).data() == name)
        return tuple(model.index(row, column).data() for column in (ROLE, TYPE, GAPS))

    def fields(self) -> set[str]:
        shown = {name for name, widget in self.list.form.widgets.items() if widget.isVisible()}
        return shown | ({"scale"} if self.list.scale.isVisible() else set())


@pytest.fixture
def owner(qtbot: QtBot) -> Owner:
    owner = Owner(qtbot)
    owner.open()
    return owner


# -------------------------------------------------------------------------------------------------- what is shown


def test_every_column_of_the_file_is_listed_with_its_role_its_type_and_its_gaps(owner: Owner) -> None:
    assert owner.list.view.model().rowCount() == 7
    assert owner.row("size") == ("feature", "number", "3")
    assert owner.row("price") == ("target", "number", "")
    assert owner.row("town") == ("unused", "category", "")
    assert owner.row("remark") == ("unused", "text", "40")
    assert owner.panel.source.form._summary.text() == "2 features predict price."


def test_before_the_file_is_read_the_columns_of_the_experiment_are_listed(owner: Owner) -> None:
    owner.document.open(ex.Experiment(data=ex.Data(source=ex.replace(TABLE, path="/other.csv"))), None)
    assert owner.list.view.model().rowCount() == 3
    assert owner.row("rooms") == ("feature", "number", "")


def test_the_help_of_a_column_says_how_many_values_it_has(owner: Owner) -> None:
    index = owner.list.view.model().index(3, NAME)
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "balcony\nyes/no, 2 different values, 12 rows without a value"


# --------------------------------------------------------------------------------------------------------- roles


def test_an_unused_column_becomes_a_feature_of_the_type_that_it_seems_to_be(owner: Owner) -> None:
    owner.use("town", "feature")
    assert owner.table == ex.replace(TABLE, features=("size", "rooms", "town"), columns=(CATEGORY,))
    owner.use("size", "unused")
    assert owner.table.features == ("rooms", "town")
    owner.document.undo_stack.undo()
    assert owner.row("size")[0] == "feature"


def test_a_new_target_takes_the_old_one_s_place_which_becomes_a_feature(owner: Owner) -> None:
    owner.use("rooms", "target")
    assert owner.table == ex.replace(TABLE, target="rooms", features=("size", "price"))


def test_a_category_as_the_target_brings_a_loss_for_classes_in_the_same_change(owner: Owner) -> None:
    before = owner.document.experiment
    owner.use("town", "target")
    assert owner.table.is_classification
    assert isinstance(owner.document.experiment.fit.loss, ex.CrossEntropyLoss)
    owner.document.undo_stack.undo()
    assert owner.document.experiment == before


def test_several_targets_are_selected_and_chosen_together(owner: Owner) -> None:
    owner.select("rooms", "price")
    owner.choose("role", "target")
    assert owner.table.target == ("rooms", "price")
    assert owner.table.features == ("size",)
    owner.use("price", "target")
    assert owner.table == ex.replace(TABLE, target="price")


def test_many_columns_are_changed_at_once_in_one_undoable_change(owner: Owner) -> None:
    owner.select("town", "balcony", "built")
    assert owner.list._selected.text() == "3 columns"
    owner.choose("role", "feature")
    assert owner.table.features == ("size", "rooms", "town", "balcony", "built")
    assert {column.name: column.type for column in owner.table.columns} == {
        "town": "category", "balcony": "yes/no", "built": "date",
    }  # fmt: skip
    owner.document.undo_stack.undo()
    assert owner.table == TABLE


def test_a_field_in_which_the_selected_columns_differ_is_empty(owner: Owner) -> None:
    owner.select("rooms", "price")
    assert owner.list.role.currentText() == ""
    assert owner.list.form.widgets["type"].currentText() == "number"
    owner.select("rooms", "town")
    assert owner.list.form.widgets["type"].currentText() == ""


@pytest.mark.parametrize(
    ("selected", "field", "value", "sentence"),
    [
        (("price",), "role", "unused", "A model needs a target: choose another column as the target, and this one "
         "becomes a feature."),
        (("size", "rooms"), "role", "unused", "A model needs at least one feature: leave one."),
        (("price", "town"), "role", "target", "'town' is a category: it can only be predicted alone."),
        (("remark",), "role", "feature", "“remark” is text: choose its type first, such as category."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_sentence_and_the_list_shows_what_is(
    owner: Owner, selected: tuple[str, ...], field: str, value: str, sentence: str
) -> None:
    owner.select(*selected)
    before = owner.list.role.currentText()
    owner.choose(field, value)
    assert owner.said == [sentence]
    assert owner.table == TABLE
    assert owner.list.role.currentText() == before
    assert not owner.document.undo_stack.canUndo()


def test_a_target_among_others_cannot_become_a_category(owner: Owner) -> None:
    owner.select("rooms", "price")
    owner.choose("role", "target")
    owner.select("rooms")
    owner.choose("type", "category")
    assert owner.said == ["'rooms' is a category: it can only be predicted alone."]
    assert owner.row("rooms") == ("target", "number", "")


# ------------------------------------------------------------------------------------ types, gaps, encoding, scaling


def test_a_text_is_used_once_it_is_said_to_be_a_category(owner: Owner) -> None:
    owner.select("remark")
    owner.choose("type", "category")
    assert owner.row("remark") == ("unused", "category", "40")
    assert owner.table == TABLE, "it is not used yet"
    owner.choose("role", "feature")
    assert owner.table.column("remark").type == "category"


def test_what_was_said_of_a_column_is_kept_while_it_is_unused(owner: Owner) -> None:
    owner.select("rooms")
    owner.choose("type", "category")
    owner.choose("encoding", "index")
    owner.choose("role", "unused")
    assert owner.table.columns == ()
    owner.choose("role", "feature")
    assert owner.table.column("rooms") == ex.Column(name="rooms", type="category", encoding="index")


def test_only_what_a_column_s_use_makes_possible_is_offered(owner: Owner) -> None:
    owner.select("size")
    assert owner.fields() == {"type", "missing", "scale"}
    owner.select("price")
    assert owner.fields() == {"type"}
    owner.use("town", "feature")
    assert owner.fields() == {"type", "encoding", "missing"}
    owner.choose("missing", "constant")
    assert owner.fields() == {"type", "encoding", "missing", "constant"}
    constant = owner.list.form.widgets["constant"]
    constant.setFocus()
    constant.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(constant, "Bern")
    QTest.keyClick(constant, Qt.Key.Key_Return)
    assert owner.table.column("town") == ex.replace(CATEGORY, missing="constant", constant="Bern")


def fills(owner: Owner) -> set[str]:
    combo = owner.list.form.widgets["missing"]
    assert isinstance(combo, QComboBox)
    return {combo.itemText(row) for row in range(combo.count()) if combo.model().item(row).isEnabled()}


def test_a_mean_is_offered_for_numbers_and_dates_only(owner: Owner) -> None:
    owner.select("size")
    assert {"mean", "median"} <= fills(owner)
    owner.select("town", "balcony", "built")
    owner.choose("role", "feature")
    assert fills(owner) == {"drop row", "most frequent", "constant"}
    owner.select("built")
    assert {"mean", "median"} <= fills(owner)


def test_a_mean_gives_way_when_a_number_becomes_a_category(owner: Owner) -> None:
    owner.select("rooms")
    owner.choose("missing", "mean")
    assert owner.table.columns == (ex.Column(name="rooms", missing="mean"),)
    owner.choose("type", "category")
    assert owner.table.columns == (ex.Column(name="rooms", type="category", missing="most frequent"),)


def test_a_new_target_has_no_made_up_values(owner: Owner) -> None:
    owner.select("size")
    owner.choose("missing", "median")
    owner.choose("role", "target")
    assert owner.table.target == "size"
    assert owner.table.columns == ()


def test_columns_are_scaled_otherwise_and_again_as_all(owner: Owner) -> None:
    owner.select("size", "rooms")
    owner.choose("scale", "robust")
    columns = tuple(ex.ColumnScaling(name=name, scale="robust") for name in ("size", "rooms"))
    assert owner.document.experiment.data.scaling == ex.Scaling(columns=columns)
    assert owner.list.scale.currentText() == "robust"
    owner.select("size")
    owner.choose("scale", "as all")
    assert owner.document.experiment.data.scaling == ex.Scaling(columns=columns[1:])


# ----------------------------------------------------------------------------------------------- keyboard, cells


@pytest.mark.qt_log_ignore("This plugin does not support")  # Qt's offscreen platform, of any list that opens
def test_a_cell_is_edited_by_keyboard(owner: Owner) -> None:
    view = owner.list.view
    view.setFocus()
    view.setCurrentIndex(view.model().index(1, ROLE))
    QTest.keyClick(view, Qt.Key.Key_F2)
    box = next(box for box in view.viewport().findChildren(QComboBox) if box.isVisible())
    QTest.keyClick(box.view(), Qt.Key.Key_End)
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    assert owner.row("rooms")[0] == "unused"
    assert owner.table.features == ("size",)


def test_rows_are_selected_by_keyboard_and_tab_leaves_the_list(owner: Owner) -> None:
    view = owner.list.view
    view.setFocus()
    view.setCurrentIndex(view.model().index(0, NAME))
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert owner.list._selected.text() == "2 columns"
    QTest.keyClick(view, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is owner.list.role


def test_a_cell_of_a_selected_row_stands_for_all_selected_rows(owner: Owner) -> None:
    owner.select("town", "balcony")
    owner.list.model.setData(owner.list.model.index(2, ROLE), "feature")
    assert owner.table.features == ("size", "rooms", "town", "balcony")
    owner.list.model.setData(owner.list.model.index(1, ROLE), "unused")
    assert owner.table.features == ("size", "town", "balcony"), "one that is not selected stands for itself"


def test_a_change_keeps_selection_and_scrolling(owner: Owner) -> None:
    many = tuple(ColumnOffer(f"x{number}", "number", 0, 9) for number in range(200))
    owner.open(ex.Table(path="/wide.csv", target="x0", features=tuple(offer.name for offer in many[1:])), many)
    owner.select("x150", "x151")
    owner.list.view.scrollToBottom()
    place = owner.list.view.verticalScrollBar().value()
    owner.choose("role", "unused")
    assert owner.list._selected.text() == "2 columns"
    assert owner.list.view.verticalScrollBar().value() == place > 0


# ---------------------------------------------------------------------------------------------------- wide tables


def test_three_thousand_columns_are_filtered_and_changed_quickly_without_a_widget_for_each(owner: Owner) -> None:
    few = len(owner.panel.findChildren(QWidget))
    many = tuple(ColumnOffer(f"gene {number}", "number", 0, 9) for number in range(3_000))
    names = tuple(offer.name for offer in many)
    started = time.perf_counter()
    owner.open(ex.Table(path="/wide.csv", target=names[0], features=names[1:]), many)
    assert len(owner.panel.findChildren(QWidget)) <= few + 5
    assert owner.list.filter.isVisible()
    assert owner.list.filter.placeholderText() == "Filter 3,000 columns"
    owner.list.filter.setFocus()
    QTest.keyClicks(owner.list.filter, "GENE 29")
    assert owner.list.view.model().rowCount() == 111, "29, 290 to 299, 2900 to 2999"
    owner.list.view.selectAll()
    owner.choose("role", "unused")
    assert len(owner.table.features) == 2_999 - 111
    owner.list.filter.clear()
    assert owner.list.view.model().rowCount() == 3_000
    assert time.perf_counter() - started < 10, "a tenth of that is usual"


def test_a_small_table_has_no_filter(owner: Owner) -> None:
    assert not owner.list.filter.isVisible()


def test_a_filter_that_fits_nothing_leaves_an_empty_list(owner: Owner) -> None:
    owner.list.filter.setText("no such column")
    assert owner.list.view.model().rowCount() == 0
    assert not owner.list.role.isVisible()
    owner.list.filter.setText("")
    owner.use("town", "feature")
    assert "town" in owner.table.features


# ------------------------------------------------------------------------------------- windows over time, streams


WEATHER = tuple(ColumnOffer(name, "number", 0, 99) for name in ("temperature", "pressure", "wind"))


def test_in_windows_over_time_the_target_can_be_a_feature_as_well(owner: Owner) -> None:
    windows = ex.Sequences(path="/weather.csv", target="temperature", features=("temperature", "pressure"))
    owner.open(windows, WEATHER)
    assert owner.row("temperature")[0] == "both"
    assert owner.fields() == set()
    owner.use("wind", "target")
    assert owner.document.experiment.data.source == ex.replace(
        windows, target="wind", features=("temperature", "pressure")
    )
    owner.use("wind", "both")
    assert owner.document.experiment.data.source.features == ("temperature", "pressure", "wind")
    box = owner.panel.source.form.form.widgets["horizon"]
    box.setValue(12)
    assert owner.document.experiment.data.source.horizon == 12


def test_a_stream_has_one_target(owner: Owner) -> None:
    stream = ex.ParquetStream(path="/parts", target="wind", features=("pressure",))
    owner.open(stream, WEATHER)
    assert [owner.list.role.itemText(row) for row in range(owner.list.role.count())] == [
        "feature", "target", "unused",
    ]  # fmt: skip
    owner.select("temperature", "pressure")
    owner.choose("role", "target")
    assert owner.said == ["One column is predicted here: choose one as the target."]
    assert owner.document.experiment.data.source == stream


# ------------------------------------------------------------------------------------------------- the suggestion


def test_a_table_of_another_file_begins_anew(owner: Owner) -> None:
    owner.select("rooms")
    owner.choose("type", "category")
    form = owner.panel.source.form
    assert isinstance(form, TableForm)
    owner.open(ex.replace(TABLE, path="/other.csv"))
    owner.use("rooms", "unused")
    owner.use("rooms", "feature")
    assert owner.table.columns == ()
