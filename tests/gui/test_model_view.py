"""The whole model in the middle of the window: the table's numbers, the picture, and how both go with the list."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.experiment import layers as of
from engine.files import find_experiment
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.models.stacks import stacks
from gui.model_flow import ModelFlow
from gui.model_view import ModelView
from gui.model_view.table import bytes_words
from gui.theme import DARK, LIGHT, Theme
from tests.gui.person import Person

PICTURES = Inputs((1, 28, 28))
TEN = of.Linear(out_features=10)


def shown(*layers: ex.Layer, inputs: Inputs = PICTURES, n_outputs: int = 10, frozen: int = 0) -> ModelFlow:
    """A list of layers with what flows through it for 100 rows."""
    model = ex.Sequential(layers=layers, frozen=frozen)
    return ModelFlow("Sequential", model, flow(model, inputs, n_outputs), inputs, n_outputs, 100)


@pytest.fixture
def view(qtbot: QtBot) -> ModelView:
    view = ModelView()
    qtbot.addWidget(view)
    view.resize(900, 640)
    view.show()
    return view


def texts(view: ModelView) -> list[tuple[str, ...]]:
    """What stands in the table, with the number at the left."""
    model = view.model
    return [
        (row.number, *(str(model.data(model.index(place, column))).strip() for column in range(model.columnCount())))
        for place, row in enumerate(model.rows)
    ]


def test_the_table_has_tinyvgg_s_numbers(view: ModelView) -> None:
    vgg = stacks(PICTURES)[0]
    assert vgg.name == "CNN (TinyVGG)"
    view.show_flow(shown(*vgg.model.layers, frozen=1))
    rows = texts(view)
    # parameters by hand: 10·1·9 + 10, three times 10·10·9 + 10, 490·10 + 10; memory: 4 · (parameters + 100 · values)
    assert rows[0] == (
        "0", "Conv2d(1, 10, kernel_size=3, padding=1)", "1×28×28", "10×28×28", "100", "frozen", "3.1 MB"
    )  # fmt: skip
    assert rows[1] == ("1", "ReLU()", "10×28×28", "10×28×28", "–", "–", "3.1 MB")
    assert rows[2][1:6] == ("Conv2d(10, 10, kernel_size=3, padding=1)", "10×28×28", "10×28×28", "910", "yes")
    assert rows[4] == ("4", "MaxPool2d(kernel_size=2)", "10×28×28", "10×14×14", "–", "–", "784 kB")
    assert rows[10] == ("10", "Flatten()", "10×7×7", "490", "–", "–", "196 kB")
    assert rows[11] == ("11", "Linear(490, 10)", "490", "10", "4,910", "yes", "23.6 kB")
    values = 4 * 7840 + 1960 + 4 * 1960 + 490 + 490 + 10
    memory = bytes_words(4 * (7740 + 100 * values))
    assert view.total.text() == f"7,740 parameters, 7,640 of them train · {memory} for 100 rows a step"


def test_a_block_s_layers_stand_below_it_and_the_shortcut_is_an_arc(view: ModelView) -> None:
    view.show_flow(shown(TEN, of.Residual(layers=(TEN, of.ReLU())), of.Linear(), inputs=Inputs((2,)), n_outputs=1))
    assert [row[0] for row in texts(view)] == ["0", "1", "1.layers.0", "1.layers.1", "2"]
    assert [row[1] for row in texts(view)] == ["Linear(2, 10)", "Residual", "Linear(10, 10)", "ReLU()", "Linear(10, 1)"]
    assert [box.name for box in view.graph.boxes] == ["X", "Linear", "Linear", "ReLU", "+", "Linear"]
    shortcut, = view.graph.shortcuts
    assert (view.graph.boxes[shortcut.start].path, view.graph.boxes[shortcut.end].path) == ((0,), (1,))


def red_pixels(view: ModelView, theme: Theme, left: float, right: float) -> int:
    """How many pixels of the picture between two places have the colour of errors."""
    image = view.graph.grab().toImage()
    error = QColor(theme.error).rgb()
    return sum(
        image.pixel(x, y) == error for x in range(round(left), round(right)) for y in range(image.height())
    )


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_layer_that_does_not_fit_is_red_in_picture_and_table_and_so_is_the_edge_to_it(
    view: ModelView, theme: Theme
) -> None:
    view.apply_theme(theme)
    view.show_flow(shown(of.Flatten(), TEN, of.Conv2d(), of.Linear()))
    graph = view.graph
    assert graph.broken is not None
    assert graph.broken.path == (2,)
    place = graph.boxes.index(graph.broken)
    before, after = graph.boxes[place - 1], graph.boxes[place + 1]
    assert red_pixels(view, theme, before.place.right() + 2, graph.broken.place.left()) > 10
    assert red_pixels(view, theme, 0, before.place.left()) == 0
    assert red_pixels(view, theme, after.column.left() + 12, graph.width()) == 0
    color = view.model.data(view.model.index(2, 0), Qt.ItemDataRole.ForegroundRole)
    assert color == QColor(theme.error)
    assert texts(view)[2][2:4] == ("10", "–")
    assert texts(view)[3] == ("3", "Linear", "", "", "", "", "")
    assert view.misfit.isVisible()
    assert view.misfit.sentence.text().startswith("Layer 2: Conv2d")
    assert "up to there" in view.total.text()


def test_what_the_task_does_not_take_is_a_red_edge_to_the_end(view: ModelView) -> None:
    view.show_flow(shown(TEN, of.ReLU(), of.Linear(out_features=3), inputs=Inputs((2,)), n_outputs=1))
    assert view.graph.broken is view.graph.boxes[-1]
    assert view.graph.broken.name == "y"
    assert red_pixels(view, LIGHT, view.graph.boxes[-2].place.right() + 2, view.graph.broken.place.left()) > 10


def test_a_mend_is_offered_and_said(view: ModelView) -> None:
    mended: list[ex.Sequential] = []
    view.mended.connect(mended.append)
    view.show_flow(shown(of.Conv2d(), of.BatchNorm1d(), of.Flatten(), of.Linear()))
    button = view.misfit.buttons[0]
    assert button.text() == "Use BatchNorm2d instead"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert isinstance(mended[0].layers[1], of.BatchNorm2d)


def test_boxes_are_as_large_as_what_flows(view: ModelView) -> None:
    view.show_flow(shown(of.Conv2d(), of.MaxPool2d(), of.Flatten(), of.Linear(out_features=100), of.Linear()))
    _, conv, pool, flat, hidden, out = (box.place for box in view.graph.boxes)
    assert conv.width() > pool.width() > flat.width()
    assert flat.height() > hidden.height() > out.height()


def test_row_and_box_are_selected_together_and_said_once(view: ModelView) -> None:
    view.show_flow(shown(*stacks(PICTURES)[0].model.layers))
    said: list[tuple[int, ...]] = []
    view.selected.connect(said.append)
    view.select((2,))
    assert (view.path, view.graph.path, said) == ((2,), (2,), [])
    box = view.graph.box_of((4,))
    assert box is not None
    QTest.mouseClick(view.graph, Qt.MouseButton.LeftButton, pos=box.column.center().toPoint())
    assert (view.path, said) == ((4,), [(4,)])
    QTest.keyClick(view.table, Qt.Key.Key_Down)
    assert (view.graph.path, said) == ((5,), [(4,), (5,)])
    QTest.keyClick(view.graph, Qt.Key.Key_Left)
    assert (view.path, said[-1]) == ((4,), (4,))
    assert "MaxPool2d kernel 2" in view.graph.accessibleDescription()
    QTest.mouseClick(view.graph, Qt.MouseButton.LeftButton, pos=QPoint(15, 40))
    assert view.path == (4,), "X is no layer"


def test_before_the_data_is_read_and_for_own_code_the_view_says_what_is_missing(view: ModelView) -> None:
    view.show_flow(ModelFlow("Sequential", ex.Sequential(layers=(TEN, of.Linear()))))
    assert [row[1] for row in texts(view)] == ["Linear 10", "Linear"]
    assert view.note.text() == "The shapes come when the data is read."
    view.show_flow(None)
    assert texts(view) == []
    assert view.note.text() == "The layers of this model stand in its own code."


@pytest.mark.parametrize(("size", "words"), [
    (0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (123_456, "123 kB"), (3_136_400, "3.1 MB"), (25 * 10**8, "2.5 GB"),
])  # fmt: skip
def test_bytes_are_said_shortly(size: int, words: str) -> None:
    assert bytes_words(size) == words


# --------------------------------------------------------------------------------------- the whole window


def test_the_view_comes_and_goes_and_keeps_step_with_the_list_and_the_table_of_rows(person: Person) -> None:
    window = person.window
    person.prepared_after(lambda: window.document.replace(find_experiment("circles-relu")))
    view = window.middle.model
    person.do("model")
    assert window.middle.currentWidget() is view
    assert [row[1] for row in texts(view)] == ["Linear(2, 10)", "ReLU()", "Linear(10, 10)", "ReLU()", "Linear(10, 1)"]
    assert view.title.text() == "Layers: 2 → 1"
    person.do("rows")
    assert not window.actions_["model"].isChecked()
    assert window.middle.currentWidget() is not view
    window.steps.open(2)
    QTest.mouseClick(window.model_panel.shapes_button, Qt.MouseButton.LeftButton)
    assert not window.actions_["rows"].isChecked()
    assert window.model_panel.shapes_button.text() == "Hide shapes"

    experiment = window.document.experiment
    model = ex.Sequential(layers=(TEN, of.ReLU(), of.Conv1d(), of.Linear()))
    window.document.replace(ex.replace(experiment, model=model))
    layers = window.model_panel.layers
    layers.view.setCurrentIndex(layers.layers.index_of((1,)))
    assert view.path == (1,)
    QTest.keyClick(view.table, Qt.Key.Key_Down)
    assert layers.path == (2,)
    person.wait(lambda: "Conv1d" in window.status.message)
    window.document.replace(ex.replace(experiment, model=ex.Sequential(layers=(TEN, of.ReLU(), of.Linear()))))
    person.wait(lambda: window.prepared.experiment == window.document.experiment)
    person.fit()
    assert window.middle.currentWidget() is window.plots, "the plots are back while it learns"
