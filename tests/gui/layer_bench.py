"""The list of layers of step 2 with a document of its own, and what a person does with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.experiment import layers as of
from engine.models.inputs import Inputs
from engine.models.layer_list import Path
from gui.document import Document
from gui.frames import Sizes
from gui.steps.model import ModelPanel
from gui.steps.model.layer_list import LayerList

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
