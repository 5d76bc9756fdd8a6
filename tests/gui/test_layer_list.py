"""Step 2: the list of layers through the window, by mouse and keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from engine import experiment as ex
from engine.experiment import layers as of
from engine.files import find_experiment
from engine.models.inputs import Inputs
from engine.models.layer_list import Path, layer_at
from engine.models.stacks import stacks
from gui.frames import RunState, Sizes
from tests.gui.layer_bench import (
    ALT,
    BLOCK,
    TEN,
    Bench,
    add,
    choose_sequential,
    click,
    drag,
    move,
    point,
    press,
    words,
)
from tests.gui.person import Person
from tests.gui.test_panels import type_into

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
