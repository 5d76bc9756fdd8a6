"""Step 2: the options of the selected layer, what a row of the list says, and what mends a misfit."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine import experiment as ex
from engine.experiment import layers as of
from engine.models.inputs import Inputs
from gui.frames import Sizes
from tests.gui.layer_bench import (
    BLOCK,
    TEN,
    Bench,
    add,
    click,
    press,
    settle,
    words,
)
from tests.gui.test_panels import type_into

# ------------------------------------------------------------------------------------- options and selection


def test_the_selected_layer_s_options_and_help_stand_below_and_change_it(bench: Bench) -> None:
    click(bench.layers, (2,))
    form = bench.layers.form
    assert form.title.text() == "Linear"
    assert form.help.text() == "Every output is a weighted sum of all inputs plus a bias."
    type_into(form.form_of(of.Linear).widgets["out_features"], "7")
    assert words(bench.layers)[2:4] == ["Linear 7 → 7", "ReLU → 7"]
    click(bench.layers, (3,))
    assert form.help.text() == "Below 0 it gives 0, above 0 what came in."
    assert not form.form_of(of.Linear).isVisible()
    bench.undo()
    assert bench.layers.path == (3,)
    assert words(bench.layers)[2] == "Linear 10 → 10"


def test_what_does_not_go_together_is_refused_at_its_field(bench: Bench) -> None:
    bench.show(of.LSTM(hidden_size=4), of.Linear())
    before = bench.model
    click(bench.layers, (0,))
    bench.layers.form.form_of(of.LSTM).edited.emit("proj_size", 9)
    assert bench.model == before
    assert bench.refused == ["Proj_size must be less than hidden_size."]


@pytest.mark.parametrize(("inputs", "first"), [
    (Inputs((16,), 70), of.Embedding()), (Inputs((14, 2)), of.RNN()),
], ids=["text", "sequences"])  # fmt: skip
def test_that_filling_is_left_out_is_asked_of_texts_alone(bench: Bench, inputs: Inputs, first: ex.Layer) -> None:
    bench.panel.show_sizes(Sizes(bench.document.experiment.data, inputs, 1, 100))
    bench.show(first, of.MeanOverTime(), of.Linear())
    click(bench.layers, (1,))
    box = bench.layers.form.form_of(of.MeanOverTime).widgets["mask_filling"]
    assert box.isVisible() == (inputs.n_tokens > 0)
    if box.isVisible():
        QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(6, box.height() // 2))
        assert bench.model.layers[1] == of.MeanOverTime(mask_filling=False)


def test_a_convolution_takes_the_word_same_for_its_padding_and_keeps_the_size(bench: Bench) -> None:
    bench.panel.show_sizes(Sizes(bench.document.experiment.data, Inputs((1, 8, 8)), 1, 100))
    bench.show(of.Conv2d(out_channels=4, kernel_size=(4,)), of.Flatten(), of.Linear())
    click(bench.layers, (0,))
    type_into(bench.layers.form.form_of(of.Conv2d).widgets["padding"], "same")
    assert bench.model.layers[0] == of.Conv2d(out_channels=4, kernel_size=(4,), padding="same")
    assert words(bench.layers)[0] == "Conv2d 4, kernel 4, pad same → 4×8×8"


def test_arrow_keys_walk_through_all_rows_of_the_tree(bench: Bench) -> None:
    bench.show(TEN, BLOCK, of.Linear())
    click(bench.layers, (0,))
    seen = [bench.layers.path]
    for _ in range(5):
        press(bench.layers, Qt.Key.Key_Down)
        seen.append(bench.layers.path)
    assert seen == [(0,), (1,), (1, 0), (1, 1), (2,), (2,)]


def test_rows_are_told_to_a_screen_reader_with_shape_lock_and_fault(bench: Bench) -> None:
    bench.show(TEN, of.Conv2d(), of.Linear(), frozen=1)
    role = Qt.ItemDataRole.AccessibleTextRole
    told = [bench.layers.layers.index_of(row.path).data(role) for row in bench.layers.layers.rows]
    assert told[0] == "Linear 10, gives 10, frozen"
    assert told[1].startswith("Conv2d 16, kernel 3, ")
    assert told[1].endswith(bench.layers.view.notes()[0].sentence.text())
    assert told[2] == "Linear"
    layers = bench.layers
    buttons = (layers.add_button, layers.start, *layers._buttons.values())
    for widget in (layers.view, layers.picker.filter, *buttons):
        assert widget.accessibleName()


def test_the_list_grows_with_the_panel_and_scrolls_in_a_low_one(bench: Bench) -> None:
    bench.show(*[of.ReLU()] * 40, of.Linear())
    heights = []
    for height in (450, 900, 1400):
        bench.panel.resize(320, height)
        heights.append(bench.layers.view.sizeHint().height())
    assert heights == sorted(set(heights))
    bench.layers.select((40,))
    assert bench.layers.view.viewport().rect().intersects(
        bench.layers.view.visualRect(bench.layers.layers.index_of((40,)))
    )


# ----------------------------------------------------------------------------------------- misfits and mends


def test_a_layer_that_does_not_fit_says_so_below_itself_and_a_click_mends_it(bench: Bench) -> None:
    click(bench.layers, (0,))
    add(bench.layers, "batchnorm2")
    note, = bench.layers.view.notes()
    assert note.isVisible()
    assert "BatchNorm2d" in note.sentence.text()
    button = note.buttons[0]
    assert button.text() == "Use BatchNorm1d instead"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert bench.names == "Linear BatchNorm1d ReLU Linear ReLU Linear"
    assert not bench.layers.view.notes()
    bench.undo()
    assert len(bench.layers.view.notes()) == 1


def test_what_comes_out_at_the_end_is_mended_below_the_list(bench: Bench) -> None:
    bench.show(TEN, of.ReLU(), of.Linear(out_features=3))
    assert bench.layers.end.isVisible()
    assert bench.layers.end.sentence.text().startswith("This model gives 3 numbers for each row, the task takes 1")
    QTest.mouseClick(bench.layers.end.buttons[0], Qt.MouseButton.LeftButton)
    assert not bench.layers.end.isVisible()
    assert bench.panel.flow is not None
    assert bench.panel.flow.misfit == ""


def test_the_buttons_stay_below_the_pointer_while_layers_and_messages_come_and_go(bench: Bench) -> None:
    def places() -> list[QPoint]:
        settle()
        buttons = [bench.layers.add_button, *bench.layers._buttons.values()]
        return [button.mapTo(bench.panel, QPoint()) for button in buttons]

    bench.show(TEN, of.ReLU(), TEN, of.ReLU(), of.Linear())
    before = places()
    bench.layers.add(of.Tanh)
    assert places() == before
    for _ in range(3):
        bench.layers.remove()
        assert places() == before
    bench.show(of.Linear(out_features=3))
    assert places() == before and bench.layers.end.isVisible()
    list_ends = bench.layers.view.mapTo(bench.panel, bench.layers.view.rect().bottomLeft()).y()
    assert bench.layers.end.mapTo(bench.panel, QPoint()).y() > list_ends > before[0].y()


def test_after_a_mend_the_keyboard_is_in_the_list(bench: Bench) -> None:
    bench.show(TEN, of.ReLU(), of.Linear(out_features=3))
    for note in (lambda: bench.layers.end, lambda: bench.layers.view.notes()[0]):
        (button, *_) = note().buttons
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)
        assert bench.panel.flow is not None and bench.panel.flow.misfit == ""
        assert bench.panel.focusWidget() is bench.layers.view
        bench.show(TEN, of.BatchNorm2d(), of.Linear())


def test_a_button_that_turns_grey_leaves_the_keyboard_to_the_list(bench: Bench) -> None:
    bench.show(TEN, of.ReLU(), of.Linear())
    click(bench.layers, (1,))
    up = bench.layers._buttons["up"]
    up.setFocus()
    QTest.keyClick(up, Qt.Key.Key_Space)
    assert bench.names == "ReLU Linear Linear" and not up.isEnabled()
    assert bench.panel.focusWidget() is bench.layers.view


def test_a_fault_inside_a_block_is_marked_at_the_inner_layer(bench: Bench) -> None:
    bench.show(TEN, of.Residual(layers=(of.ReLU(), of.MaxPool2d())), of.Linear())
    assert [row.path for row in bench.layers.layers.rows if row.misfit] == [(1, 1)]
    assert "MaxPool2d" in bench.layers.view.notes()[0].sentence.text()
