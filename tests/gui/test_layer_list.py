"""Step 2: the list of layers through the window, by mouse and keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.experiment import layers as of
from engine.files import find_experiment
from engine.models.inputs import Inputs
from engine.models.layer_list import Path, layer_at
from engine.models.stacks import stacks
from gui.document import Document
from gui.frames import RunState, Sizes
from gui.steps.model import ModelPanel
from gui.steps.model.layer_list import LayerList
from gui.steps.model.picker import KIND, MISFIT, matches
from tests.gui.person import Person
from tests.gui.test_panels import type_into

TEN = of.Linear(out_features=10)
BLOCK = of.Residual(layers=(TEN, of.ReLU()))
ALT = Qt.KeyboardModifier.AltModifier


class Bench:
    """A document and the panel of step 2, for the circles: 800 rows of two numbers, one logit."""

    def __init__(self, qtbot: QtBot, experiment: ex.Experiment) -> None:
        self.document = Document()
        self.panel = ModelPanel(self.document)
        qtbot.addWidget(self.panel)
        self.refused: list[str] = []
        self.panel.refused.connect(self.refused.append)
        self.document.open(experiment, None)
        self.panel.show_sizes(Sizes(experiment.data, Inputs((2,)), 1, 800))
        self.panel.resize(320, 900)
        self.panel.show()
        self.layers = self.panel.layers

    @property
    def model(self) -> ex.Sequential:
        model = self.document.experiment.model
        assert isinstance(model, ex.Sequential)
        return model

    @property
    def names(self) -> str:
        """The layers as Linear ReLU (Linear ReLU) Linear."""
        return names(self.model.layers)

    def show(self, *layers: ex.Layer, frozen: int = 0) -> None:
        """Put these layers in place of those that are there."""
        model = ex.Sequential(layers=layers, frozen=frozen)
        self.document.replace(ex.replace(self.document.experiment, model=model))
        settle()

    def undo(self) -> None:
        self.document.undo_stack.undo()


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    """The circles' quick stack has become a list."""
    bench = Bench(qtbot, find_experiment("circles-relu"))
    choose_sequential(bench.panel)
    return bench


def settle() -> None:
    """The list gets the height that it asks for: a layout asks the next one above it, one in a turn of events."""
    for _ in range(4):
        QApplication.sendPostedEvents()


def choose_sequential(panel: ModelPanel) -> None:
    combo = panel.model._combo
    combo.setCurrentIndex(combo.findText("Sequential"))


def words(layers: LayerList) -> list[str]:
    """What stands in the rows of the list, from above."""
    return [f"{layers.layers.index_of(row.path).data()} {row.shape}".strip() for row in layers.layers.rows]


def names(layers: tuple[ex.Layer, ...]) -> str:
    """The layers as Linear ReLU (Linear ReLU) Linear."""
    return " ".join(
        f"({names(layer.layers)})" if isinstance(layer, of.Residual) else type(layer).__name__ for layer in layers
    )


def point(layers: LayerList, path: Path, part: float = 0.5, x: int = 60) -> QPoint:
    """A point of a row, at this part of its height."""
    place = layers.view.visualRect(layers.layers.index_of(path))
    assert place.isValid()
    return QPoint(place.left() + x, place.top() + round(place.height() * part))


def click(layers: LayerList, path: Path) -> None:
    layers.view.scrollTo(layers.layers.index_of(path))
    QTest.mouseClick(layers.view.viewport(), Qt.MouseButton.LeftButton, pos=point(layers, path))


def drag(layers: LayerList, path: Path, on: Path, part: float, x: int = 60) -> None:
    """Take a layer by its row and let it go over another one."""
    room, left = layers.view.viewport(), Qt.MouseButton.LeftButton
    start, end = point(layers, path), point(layers, on, part, x)
    QTest.mousePress(room, left, pos=start)
    for step in (1, 2, 3):
        move(layers, start + (end - start) * (step / 3))
    QTest.mouseRelease(room, left, pos=end)


def move(layers: LayerList, to: QPoint) -> None:
    """Move the mouse with its left button held; QTest's own move holds none."""
    room, left, none = layers.view.viewport(), Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    where = QPointF(to), QPointF(room.mapToGlobal(to))
    event = QMouseEvent(QEvent.Type.MouseMove, *where, none, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(room, event)


def press(layers: LayerList, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    layers.view.setFocus()
    QTest.keyClick(layers.view, key, modifier)


def add(layers: LayerList, text: str) -> None:
    """Add a layer by its name: the button, a few letters, Return."""
    QTest.mouseClick(layers.add_button, Qt.MouseButton.LeftButton)
    assert layers.picker.isVisible()
    QTest.keyClicks(layers.picker.filter, text)
    QTest.keyClick(layers.picker.filter, Qt.Key.Key_Return)
    assert not layers.picker.isVisible()


# --------------------------------------------------------------------------------------------------- to begin


def test_a_quick_stack_becomes_a_list_of_the_same_layers_with_their_shapes(bench: Bench) -> None:
    assert bench.layers.isVisible()
    assert words(bench.layers) == ["Linear 10 → 10", "ReLU → 10", "Linear 10 → 10", "ReLU → 10", "Linear → 1"]
    assert bench.layers.input.text() == "2 → 1"
    bench.undo()
    assert not bench.layers.isVisible()
    assert isinstance(bench.document.experiment.model, ex.Layers)


def test_the_layers_are_there_before_the_data_is_read_and_the_shapes_come_with_it(bench: Bench) -> None:
    experiment = ex.replace(find_experiment("iris"), model=ex.Sequential(layers=(TEN, of.ReLU(), of.Linear())))
    bench.document.replace(experiment)
    assert words(bench.layers) == ["Linear 10", "ReLU", "Linear"]
    bench.panel.show_sizes(Sizes(experiment.data, Inputs((4,)), 3, 120))
    assert words(bench.layers) == ["Linear 10 → 10", "ReLU → 10", "Linear → 3"]


@pytest.mark.parametrize(("preset", "inputs"), [
    ("circles-relu", Inputs((2,))), ("pictures", Inputs((1, 8, 8))), ("weather", Inputs((14, 2))),
    ("remarks", Inputs((16,), 70)),
], ids=["table", "pictures", "sequences", "text"])  # fmt: skip
def test_one_can_start_from_the_usual_models_for_the_data(bench: Bench, preset: str, inputs: Inputs) -> None:
    experiment = ex.replace(find_experiment(preset), model=ex.Sequential())
    bench.document.open(experiment, None)
    bench.panel.show_sizes(Sizes(experiment.data, inputs, 3, 100))
    bench.layers.start.choices.aboutToShow.emit()
    actions = bench.layers.start.choices.actions()
    assert [action.text() for action in actions] == [stack.name for stack in stacks(inputs)]
    actions[0].trigger()
    assert bench.model == stacks(inputs)[0].model
    assert bench.panel.flow is not None
    assert bench.panel.flow.misfit == ""
    bench.undo()
    assert bench.model == ex.Sequential()


# ------------------------------------------------------------------------------------------- add, take away


def test_a_new_layer_comes_below_the_selected_one_and_is_selected(bench: Bench) -> None:
    click(bench.layers, (1,))
    add(bench.layers, "dropout")
    assert bench.names == "Linear ReLU Dropout Linear ReLU Linear"
    assert bench.layers.path == (2,)
    assert bench.layers.form.title.text() == "Dropout"


def test_a_new_layer_never_comes_below_the_linear_that_follows_the_task(bench: Bench) -> None:
    click(bench.layers, (4,))
    add(bench.layers, "tanh")
    assert bench.names == "Linear ReLU Linear ReLU Tanh Linear"


def test_a_new_layer_comes_inside_an_empty_block(bench: Bench) -> None:
    click(bench.layers, (0,))
    for text in ("residual", "lin", "relu"):
        add(bench.layers, text)
    assert bench.names == "Linear (Linear ReLU) ReLU Linear ReLU Linear"
    assert bench.layers.path == (1, 1)


def test_the_insert_key_opens_the_picker_and_return_takes_what_is_marked(bench: Bench) -> None:
    click(bench.layers, (0,))
    press(bench.layers, Qt.Key.Key_Insert)
    assert bench.layers.picker.isVisible()
    QTest.keyClick(bench.layers.picker.filter, Qt.Key.Key_Down)
    QTest.keyClick(bench.layers.picker.filter, Qt.Key.Key_Return)
    assert bench.names == "Linear ReLU ReLU Linear ReLU Linear"


def test_remove_takes_the_layer_away_and_undo_brings_it_back_with_the_selection(bench: Bench) -> None:
    before = bench.model
    click(bench.layers, (2,))
    press(bench.layers, Qt.Key.Key_Delete)
    assert bench.names == "Linear ReLU ReLU Linear"
    assert bench.layers.path == (2,)
    bench.undo()
    assert bench.model == before
    assert bench.layers.path == (3,), "the ReLU that was selected is still so"
    bench.document.undo_stack.redo()
    assert bench.layers.path == (2,)


def test_all_layers_can_be_removed_and_the_list_says_what_to_do(bench: Bench) -> None:
    for _ in range(5):
        press(bench.layers, Qt.Key.Key_Delete)
    assert bench.model.layers == ()
    assert bench.layers.end.sentence.text() == "There is no layer yet: add a Linear at the end."
    for name in ("remove", "duplicate", "up", "down", "freeze"):
        assert not bench.layers.actions_[name].isEnabled()
    bench.layers.end.buttons[0].click()
    assert words(bench.layers) == ["Linear → 1"]
    assert bench.layers.path == (0,)


def test_every_change_is_one_step_to_undo_however_quickly_they_follow(bench: Bench) -> None:
    steps = [bench.model]
    click(bench.layers, (0,))
    for _ in range(2):
        press(bench.layers, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
        steps.append(bench.model)
    assert bench.names == "Linear Linear Linear ReLU Linear ReLU Linear"
    for step in reversed(steps[:-1]):
        bench.undo()
        assert bench.model == step


# -------------------------------------------------------------------------------------------- move and drag


def test_alt_and_arrows_move_a_layer_also_into_a_block_and_out_of_it(bench: Bench) -> None:
    bench.show(of.Tanh(), TEN, BLOCK, of.Linear())
    click(bench.layers, (0,))
    seen = []
    while bench.layers.actions_["down"].isEnabled():
        press(bench.layers, Qt.Key.Key_Down, ALT)
        seen.append(bench.names)
    assert seen == [
        "Linear Tanh (Linear ReLU) Linear", "Linear (Tanh Linear ReLU) Linear", "Linear (Linear Tanh ReLU) Linear",
        "Linear (Linear ReLU Tanh) Linear", "Linear (Linear ReLU) Tanh Linear", "Linear (Linear ReLU) Linear Tanh",
    ]  # fmt: skip
    for expected in [*reversed(seen[:-1]), "Tanh Linear (Linear ReLU) Linear"]:
        press(bench.layers, Qt.Key.Key_Up, ALT)
        assert bench.names == expected
    assert bench.layers.path == (0,)


@pytest.mark.parametrize(("path", "on", "part", "x", "result"), [
    ((0,), (1,), 0.9, 60, "Linear Tanh (Linear ReLU) Linear"),
    ((1,), (0,), 0.1, 60, "Linear Tanh (Linear ReLU) Linear"),
    ((0,), (2,), 0.5, 60, "Linear (Linear ReLU Tanh) Linear"),
    ((0,), (2,), 0.9, 60, "Linear (Tanh Linear ReLU) Linear"),
    ((0,), (2, 1), 0.9, 60, "Linear (Linear ReLU Tanh) Linear"),
    ((0,), (2, 1), 0.9, -12, "Linear (Linear ReLU) Tanh Linear"),
    ((2, 1), (0,), 0.1, 60, "ReLU Tanh Linear (Linear) Linear"),
    ((2,), (0,), 0.1, 60, "(Linear ReLU) Tanh Linear Linear"),
    ((2,), (2, 0), 0.9, 60, "Tanh Linear (Linear ReLU) Linear"),
])  # fmt: skip
def test_a_layer_is_dragged_to_where_the_line_shows(
    bench: Bench, path: Path, on: Path, part: float, x: int, result: str
) -> None:
    bench.show(of.Tanh(), TEN, BLOCK, of.Linear())
    dragged = layer_at(bench.model.layers, path)
    drag(bench.layers, path, on, part, x)
    assert bench.names == result
    assert layer_at(bench.model.layers, bench.layers.path) == dragged, "it is selected where it came"


def test_a_layer_is_dragged_below_all_others(bench: Bench) -> None:
    room = bench.layers.view.viewport()
    QTest.mousePress(room, Qt.MouseButton.LeftButton, pos=point(bench.layers, (0,)))
    end = QPoint(60, room.height() - 1)
    move(bench.layers, end)
    QTest.mouseRelease(room, Qt.MouseButton.LeftButton, pos=end)
    assert bench.names == "ReLU Linear ReLU Linear Linear"


def test_escape_gives_a_drag_up_and_a_short_slip_of_the_hand_is_none(bench: Bench) -> None:
    before, left = bench.model, Qt.MouseButton.LeftButton
    QTest.mousePress(bench.layers.view.viewport(), left, pos=point(bench.layers, (0,)))
    move(bench.layers, point(bench.layers, (3,), 0.9))
    QTest.keyClick(bench.layers.view, Qt.Key.Key_Escape)
    QTest.mouseRelease(bench.layers.view.viewport(), left, pos=point(bench.layers, (3,), 0.9))
    drag(bench.layers, (0,), (0,), 0.6)
    assert bench.model == before


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


# ---------------------------------------------------------------------------------------------------- freeze


def test_layers_are_frozen_up_to_the_selected_one_and_freed_again(bench: Bench) -> None:
    click(bench.layers, (2,))
    bench.layers.actions_["freeze"].trigger()
    assert bench.model.frozen == 3
    assert [row.is_frozen for row in bench.layers.layers.rows] == [True, True, True, False, False]
    click(bench.layers, (0,))
    press(bench.layers, Qt.Key.Key_Delete)
    assert bench.model.frozen == 2, "the same layers are frozen"
    bench.layers.actions_["unfreeze"].trigger()
    assert bench.model.frozen == 0
    assert not bench.layers.actions_["unfreeze"].isEnabled()


# ---------------------------------------------------------------------------------------------------- picker


def found(layers: LayerList) -> list[str]:
    """The layers that the picker offers."""
    return [layers.picker.list.item(row).text() for row in layers.picker._kind_rows()]


def test_typing_narrows_the_layers_to_choose_from(bench: Bench) -> None:
    bench.layers.pick()
    everything = sum(len(kinds) for kinds in of.GROUPS.values())
    assert len(found(bench.layers)) > everything, "those used most stand above all groups too"
    bench.layers.picker.filter.setText("conv")
    assert found(bench.layers) == ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]
    bench.layers.picker.filter.setText("qqq")
    assert found(bench.layers) == []
    assert bench.layers.picker.list.item(0).text().startswith("No layer")
    QTest.keyClick(bench.layers.picker.filter, Qt.Key.Key_Return)
    assert bench.layers.picker.isVisible()


@pytest.mark.parametrize(("inputs", "most"), [
    (Inputs((2,)), ["Linear", "ReLU", "Dropout"]), (Inputs((16,), 70), ["Embedding", "EmbeddingBag"]),
    (Inputs((14, 2)), ["LSTM", "GRU", "TransformerEncoderLayer"]), (Inputs((1, 8, 8)), ["Conv2d", "ReLU", "MaxPool2d"]),
], ids=["table", "text", "sequences", "pictures"])  # fmt: skip
def test_what_is_used_most_for_what_comes_here_stands_first(bench: Bench, inputs: Inputs, most: list[str]) -> None:
    bench.panel.show_sizes(Sizes(bench.document.experiment.data, inputs, 1, 100))
    bench.show(of.Linear())
    bench.layers.pick()
    assert found(bench.layers)[: len(most)] == most


def test_a_word_is_looked_for_in_names_and_groups_and_else_in_what_layers_do() -> None:
    assert list(matches("norm")) == ["Normalisation"]
    assert matches("") == {group: list(kinds) for group, kinds in of.GROUPS.items()}
    assert matches("forgets") == {"Recurrent": [of.LSTM]}


def test_what_does_not_fit_here_is_pale_says_why_and_can_still_be_chosen(bench: Bench) -> None:
    click(bench.layers, (0,))
    bench.layers.pick()
    picker = bench.layers.picker
    items = {picker.list.item(row).text(): picker.list.item(row) for row in picker._kind_rows()}
    assert picker.where.text() == "Comes after Linear 10"
    assert not items["ReLU"].data(MISFIT)
    assert "Conv2d" in items["Conv2d"].data(MISFIT)
    assert items["Conv2d"].data(MISFIT) in items["Conv2d"].toolTip()
    assert picker.list.currentItem().data(KIND) is of.Linear
    QTest.keyClick(picker.filter, Qt.Key.Key_Down)
    assert picker.list.currentItem().text() == "ReLU"
    picker.list.itemClicked.emit(items["Conv2d"])
    assert bench.names.startswith("Linear Conv2d")


# --------------------------------------------------------------------------------------- the whole window


def test_a_network_is_built_by_clicks_and_fits_with_the_quick_stack_s_bits(person: Person) -> None:
    window, document = person.window, person.window.document
    experiment = find_experiment("circles-relu")
    fit = ex.replace(experiment.fit, epochs=40)
    document.replace(ex.replace(experiment, fit=fit, model=ex.Layers(hidden=())))
    person.wait(lambda: window.prepared.experiment == document.experiment)
    window.steps.open(2)
    choose_sequential(window.model_panel)
    layers = window.model_panel.layers
    for text in ("lin", "relu", "lin", "relu"):
        add(layers, text)
    assert words(layers) == ["Linear 16 → 16", "ReLU → 16", "Linear 16 → 16", "ReLU → 16", "Linear → 1"]
    for path in ((0,), (2,)):
        click(layers, path)
        type_into(layers.form.form_of(of.Linear).widgets["out_features"], "10")
    assert document.experiment.model == ex.Sequential(layers=(TEN, of.ReLU(), TEN, of.ReLU(), of.Linear()))
    losses = []
    for model in (document.experiment.model, ex.Layers(hidden=(10, 10))):
        document.replace(ex.replace(document.experiment, model=model))
        person.wait(lambda: window.prepared.experiment == document.experiment)
        person.fit()
        person.state(RunState.DONE)
        losses.append(window.improve_panel.runs[-1].losses.tolist())
    assert losses[0] == losses[1]


def test_shapes_and_mends_are_there_even_when_no_model_was_ever_built_for_the_data(person: Person) -> None:
    model = ex.Sequential(layers=(TEN, of.BatchNorm2d(), of.Linear()))
    person.window.document.replace(ex.replace(find_experiment("iris"), model=model))
    layers = person.window.model_panel.layers
    person.wait(lambda: len(layers.view.notes()) == 1)
    person.wait(lambda: "BatchNorm2d" in person.window.status.message)
    assert not person.answers.errors, "what stands in the list is no dialog"
    area = person.window.model_panel.findChild(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= 280, "nothing is cut off in the narrowest column"
    person.prepared_after(layers.view.notes()[0].buttons[0].click)
    assert words(layers) == ["Linear 10 → 10", "BatchNorm1d → 10", "Linear → 3"]
