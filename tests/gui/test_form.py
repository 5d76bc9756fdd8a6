"""Forms: a widget for every kind of field, with the limits and words of the experiment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import pytest
from msgspec import Meta
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from gui.form import ChoiceForm, Form
from gui.number_boxes import FloatBox, WholeBox

Edits = list[tuple[str, object]]


@pytest.fixture
def shown(qtbot: QtBot) -> Callable[..., tuple[Form, Edits]]:
    def show(form: Form, part: ex.Part) -> tuple[Form, Edits]:
        qtbot.addWidget(form)
        edits: Edits = []
        form.edited.connect(lambda name, value: edits.append((name, value)))
        form.show_part(part)
        form.show()
        qtbot.waitExposed(form)
        form.activateWindow()
        return form, edits

    return show


def type_into(widget: QWidget, text: str) -> None:
    widget.setFocus()
    widget.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)


def sentence_below(form: Form, name: str) -> str:
    labels = [label for label in form.findChildren(QLabel, "warning") if not label.isHidden()]
    assert all(label.y() > form.widgets[name].y() for label in labels)
    return " ".join(label.text() for label in labels)


def titles(form: Form) -> list[str]:
    layout = form.layout()
    assert isinstance(layout, QFormLayout)
    return [label.text() for label in form.findChildren(QLabel) if label.buddy() is not None]


# ---------------------------------------------------------------------------------------------- kinds of field


def test_what_a_kind_has_of_its_own_comes_before_what_it_has_in_common(qtbot: QtBot) -> None:
    assert titles(Form(ex.Formula)) == ["y =", "Start", "End", "Samples", "Noise", "Data seed"]


def test_a_text_is_said_when_it_is_finished(shown) -> None:
    form, edits = shown(Form(ex.Formula), ex.Formula())
    line = form.widgets["text"]
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, "x ** 2")
    assert edits == []
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert edits == [("text", "x ** 2")]


def test_a_refused_text_stays_with_the_sentence_below_it_until_another_is_given(shown) -> None:
    form, _ = shown(Form(ex.Formula), ex.Formula())
    type_into(form.widgets["text"], "x +")
    form.refuse("text", "Something is missing after +.")
    assert form.widgets["text"].text() == "x +"
    assert sentence_below(form, "text") == "Something is missing after +."
    type_into(form.widgets["text"], "x + 1")
    assert sentence_below(form, "text") == ""


def test_a_refused_number_goes_back(shown) -> None:
    form, _ = shown(Form(ex.Sine), ex.Sine())
    box = form.widgets["start"]
    type_into(box, "5")
    form.refuse("start", "Start 5 must be smaller than end 1.")
    assert box.value() == -1


def test_a_list_that_is_no_list_of_numbers_is_refused_below_the_field(shown) -> None:
    form, edits = shown(Form(ex.Polynomial), ex.Polynomial())
    refused: list[str] = []
    form.refused.connect(refused.append)
    type_into(form.widgets["coefficients"], "one two")
    assert edits == []
    assert refused == ["“one two” is not a list of numbers: write it as 10, 10."]
    assert sentence_below(form, "coefficients") == refused[0]
    type_into(form.widgets["coefficients"], "1, -0.25 1e-7")
    assert edits == [("coefficients", (1.0, -0.25, 1e-7))]


class Optional(ex.Part, frozen=True):
    limit: Annotated[float | None, Meta(title="Limit")] = None


def test_a_number_that_may_be_missing_is_none_where_its_line_is_empty(shown) -> None:
    form, edits = shown(Form(Optional), Optional(limit=0.1))
    line = form.widgets["limit"]
    assert line.text() == "0.1"
    type_into(line, "2.5e-3")
    QTest.keyClick(line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(line, Qt.Key.Key_Delete)
    QTest.keyClick(line, Qt.Key.Key_Return)
    type_into(line, "much")
    assert edits == [("limit", 0.0025), ("limit", None)]
    assert "“much” is not a number" in sentence_below(form, "limit")


class Several(ex.Part, frozen=True):
    most: Annotated[
        Annotated[int, Meta(ge=1, le=9)] | None,
        Meta(title="Most", description="How many; empty: as many as there are."),
    ] = None
    size: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(title="Size", min_length=1, max_length=2)] = (3,)
    pad: Annotated[
        Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(min_length=1, max_length=2)] | Literal["same"],
        Meta(title="Pad"),
    ] = (0,)
    betas: Annotated[
        tuple[Annotated[float, Meta(ge=0, lt=1)], Annotated[float, Meta(ge=0, lt=1)]], Meta(title="Betas")
    ] = (0.9, 0.999)
    factor: Annotated[float, Meta(gt=0, lt=1, title="Factor")] = 0.5
    search: Annotated[Literal["wide", "deep"] | None, Meta(title="Search")] = None
    sure: Annotated[bool | None, Meta(title="Sure")] = None
    inner: Annotated[ex.SGD | ex.Adam | None, Meta(title="Inner")] = None


@pytest.mark.parametrize(("name", "text", "value"), [
    ("most", "4", 4), ("size", "5", (5,)), ("size", "3, 5", (3, 5)), ("size", "3 5", (3, 5)),
    ("pad", "1, 2", (1, 2)), ("pad", "same", "same"), ("betas", "0, .5", (0, 0.5)), ("factor", "0.25", 0.25),
])  # fmt: skip
def test_numbers_alone_in_pairs_or_missing_are_typed_in_a_line(shown, name: str, text: str, value: object) -> None:
    form, edits = shown(Form(Several), Several())
    type_into(form.widgets[name], text)
    assert edits == [(name, value)]
    form.show_part(Several(**{name: value}))
    assert form.widgets[name].text() == str(value).strip("(),")


@pytest.mark.parametrize(("name", "text", "sentence"), [
    ("most", "0", "0 must be at least 1 and at most 9, or leave it empty."),
    ("most", "1.5", "1.5 is not a whole number: write one, or leave it empty."),
    ("most", "1 2", "“1 2” is not a number: write one, or leave it empty."),
    ("size", "3, 0", "0 must be at least 1."),
    ("size", "1, 2, 3", "It takes 1 to 2 numbers, not 3: write it as 10, 10."),
    ("size", "", "It takes 1 to 2 numbers, not 0: write it as 10, 10."),
    ("pad", "valid", "“valid” is not a list of numbers: write it as 10, 10, or as same."),
    ("betas", "0.5", "It takes 2 numbers, not 1: write it as 0.5, 0.5."),
    ("betas", "0.5, 1", "1 must be at least 0 and below 1."),
    ("betas", "nan, 0", "“nan, 0” is not a list of numbers: write it as 0.5, 0.5."),
    ("factor", "1", "1 is not taken: it must be above 0 and below 1."),
    ("factor", "-2", "-2 is not taken: it must be above 0 and below 1."),
])  # fmt: skip
def test_a_text_that_is_no_value_is_refused_with_the_limit(shown, name: str, text: str, sentence: str) -> None:
    form, edits = shown(Form(Several), Several(most=5))
    refused: list[str] = []
    form.refused.connect(refused.append)
    widget = form.widgets[name]
    widget.setFocus()
    widget.selectAll()
    QTest.keyClick(widget, Qt.Key.Key_Delete)
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)
    assert edits == []
    assert refused[0] == sentence
    assert sentence_below(form, name) == sentence


def test_an_empty_line_says_in_grey_what_none_means(shown) -> None:
    form, _ = shown(Form(Several), Several())
    assert form.widgets["most"].placeholderText() == "as many as there are"
    assert form.widgets["most"].text() == ""


def test_a_choice_that_may_be_missing_has_none_as_its_first_entry(shown) -> None:
    form, edits = shown(Form(Several), Several(search="deep", sure=False))
    for name, entries in (("search", ["none", "wide", "deep"]), ("sure", ["none", "yes", "no"])):
        combo = form.widgets[name]
        assert [combo.itemText(row) for row in range(combo.count())] == entries
        assert combo.currentIndex() == 2
        combo.setCurrentIndex(0)
    assert edits == [("search", None), ("sure", None)]


def test_a_part_of_one_kind_or_another_or_none_is_chosen_and_edited_inside_the_form(shown) -> None:
    form, edits = shown(Form(Several), Several())
    inner = form.inner["inner"]
    assert isinstance(inner, ChoiceForm)
    assert [inner._combo.itemText(row) for row in range(inner._combo.count())] == ["None", "SGD", "Adam"]
    inner._combo.setCurrentIndex(1)
    form.show_part(Several(inner=ex.SGD()))
    type_into(inner.form_of(ex.SGD).widgets["lr"], "0.5")
    assert edits == [("inner", ex.SGD()), ("inner", ex.SGD(lr=0.5))]


def test_zero_is_said_in_words_where_it_stands_for_something_else_and_a_number_can_be_typed(qtbot: QtBot) -> None:
    box = WholeBox(0, 1_000, " rows", "all rows")
    qtbot.addWidget(box)
    box.show()
    assert box.text() == "all rows"
    type_into(box, "1")
    assert (box.value(), box.text()) == (1, "1 row")
    type_into(box, "0")
    assert (box.value(), box.text()) == (0, "all rows")
    QTest.keyClicks(box, "32")  # behind the words, without selecting them
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert (box.value(), box.text()) == (32, "32 rows")


def test_points_paths_and_lists_of_columns_have_no_row(qtbot: QtBot) -> None:
    assert titles(Form(ex.Painted)) == ["Paint"]
    assert list(Form(ex.Table, skip=("path",)).widgets) == []
    assert list(Form(ex.Scaling).widgets) == ["features", "target"]


def test_a_choice_is_shown_in_words_and_said_by_its_value(shown) -> None:
    form, edits = shown(Form(ex.TableFormat), ex.TableFormat(separator="\t", encoding="utf8"))
    combo = form.widgets["separator"]
    assert isinstance(combo, QComboBox)
    assert combo.currentText() == "tab"
    assert form.widgets["encoding"].currentText() == "UTF-8"
    combo.setCurrentText("semicolon  ;")
    assert edits == [("separator", ";")]


def test_the_name_of_a_column_is_chosen_from_those_that_are_offered(shown) -> None:
    form, edits = shown(Form(ex.Text, skip=("path",), columns=("text", "label")), ex.Text(path="a", text="review"))
    combo = form.widgets["text"]
    assert isinstance(combo, QComboBox)
    assert combo.currentText() == "review", "before it is known what there is"
    form.offer_columns(["stars", "review", "title"])
    assert edits == []
    assert [combo.itemText(row) for row in range(combo.count())] == ["stars", "review", "title"]
    assert combo.currentText() == "review"
    combo.setCurrentIndex(2)
    assert edits == [("text", "title")]


def test_of_a_field_s_choices_some_can_be_shut_off(shown) -> None:
    form, _ = shown(Form(ex.Split, columns=("column",)), ex.Split())
    form.allow("method", ("in order", "random"))
    combo = form.widgets["method"]
    assert isinstance(combo, QComboBox)
    assert [combo.model().item(row).isEnabled() for row in range(4)] == [True, True, False, False]


# ------------------------------------------------------------------------------------------ a part inside a part


def test_a_part_inside_is_folded_away_and_opened_by_keyboard(shown) -> None:
    form, edits = shown(Form(ex.Images, skip=("path",)), ex.Images(path="a"))
    flip = form.inner["augmentation"].widgets["flip"]
    assert isinstance(flip, QCheckBox)
    assert not flip.isVisible()
    button = form._folds["augmentation"].button
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert flip.isVisible()
    flip.setFocus()
    QTest.keyClick(flip, Qt.Key.Key_Space)
    assert edits == [("augmentation", ex.Augmentation(flip=True))]
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert not flip.isVisible()


def test_the_title_says_whether_something_inside_is_not_as_usual(shown) -> None:
    form, _ = shown(Form(ex.Images, skip=("path",)), ex.Images(path="a"))
    button = form._folds["augmentation"].button
    assert button.text() == "Augmentation"
    form.show_part(ex.Images(path="a", augmentation=ex.Augmentation(rotate=10)))
    assert button.text() == "Augmentation · changed"


def test_showing_a_part_says_nothing(shown) -> None:
    form, edits = shown(Form(ex.Images, skip=("path",)), ex.Images(path="a"))
    form.show_part(ex.Images(path="a", size=64, colour="grey", augmentation=ex.Augmentation(flip=True, crop=4)))
    assert edits == []


# ------------------------------------------------------------------------------------------------------ numbers


def whole(qtbot: QtBot, minimum: int, maximum: int, suffix: str = "") -> WholeBox:
    box = WholeBox(minimum, maximum, suffix)
    qtbot.addWidget(box)
    box.show()
    qtbot.waitExposed(box)
    box.activateWindow()
    return box


def test_a_number_may_leave_its_range_while_it_is_typed_and_the_nearest_is_taken_and_said(qtbot: QtBot) -> None:
    box, said, corrections = whole(qtbot, 1, 99, " %"), [], []
    box.valueChanged.connect(said.append)
    box.corrected.connect(corrections.append)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "100")
    assert box.lineEdit().text() == "100", "three digits can be typed"
    assert said == []
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert (box.value(), box.lineEdit().text(), said) == (99, "99 %", [99])
    assert corrections == ["100 is outside 1 to 99 %: 99 % is taken."]


@pytest.mark.parametrize(
    ("typed", "value"), [("55", 55), ("55 %", 55), ("55%", 55), ("1,0", 10), ("x7y", 7), ("-3", 3)]
)
def test_digits_and_the_unit_can_be_typed_and_nothing_else(qtbot: QtBot, typed: str, value: int) -> None:
    box = whole(qtbot, 1, 99, " %")
    type_into(box, typed)
    assert box.value() == value


def test_a_box_that_was_emptied_shows_its_number_again(qtbot: QtBot) -> None:
    box = whole(qtbot, 1, 99, " %")
    box.setValue(40)
    box.setFocus()
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert (box.value(), box.lineEdit().text()) == (40, "40 %")


def test_a_seed_of_any_size_is_shown_and_typed(qtbot: QtBot) -> None:
    form = Form(ex.Fit)
    qtbot.addWidget(form)
    form.show_part(ex.Fit(seed=3_000_000_000))
    box = form.widgets["seed"]
    assert isinstance(box, WholeBox)
    assert box.lineEdit().text() == "3,000,000,000"
    edits: Edits = []
    form.edited.connect(lambda name, value: edits.append((name, value)))
    type_into(box, str(2**63 - 1))
    assert edits == [("seed", 2**63 - 1)]
    type_into(box, "9" * 40)
    assert box.value() == 2**63 - 1


def test_arrows_step_by_one_and_by_tens_where_the_number_is_large(qtbot: QtBot) -> None:
    box = whole(qtbot, 0, 10_000)
    for start, key, end in [
        (5, Qt.Key.Key_Up, 6), (99, Qt.Key.Key_Up, 100), (100, Qt.Key.Key_Up, 110), (100, Qt.Key.Key_Down, 99),
        (0, Qt.Key.Key_Down, 0), (10_000, Qt.Key.Key_Up, 10_000),
    ]:  # fmt: skip
        box.setValue(start)
        QTest.keyClick(box, key)
        assert box.value() == end
    share = whole(qtbot, 1, 200, " %")
    share.setValue(150)
    QTest.keyClick(share, Qt.Key.Key_Up)
    assert share.value() == 151, "a percent counts"


def test_a_float_can_have_a_unit(qtbot: QtBot) -> None:
    box = FloatBox(0, 180, suffix=" °")
    qtbot.addWidget(box)
    box.setValue(12.5)
    assert box.text() == "12.5 °"
    type_into(box, "7.25 °")
    assert box.value() == 7.25
