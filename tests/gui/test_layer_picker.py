"""Step 2: the layers to choose from."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.experiment import layers as of
from engine.models.inputs import Inputs
from gui.frames import Sizes
from gui.steps.model.layer_list import LayerList
from gui.steps.model.picker import KIND, MISFIT, matches
from tests.gui.layer_bench import (
    Bench,
    click,
)


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
