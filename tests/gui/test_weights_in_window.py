"""Pretrained weights through the window, with real torch: chosen, matched, frozen, a new head that learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from torch import nn

from engine import experiment as ex
from engine.files import find_experiment
from engine.pretrained.matching import Match, Row
from gui.document import Document
from gui.steps.model.weights import WeightsForm
from gui.theme import LIGHT
from tests.gui.person import Person


def cells(person: Person, column: int) -> list[str]:
    table = person.window.weights.table
    return [table.item(row, column).text() for row in range(table.rowCount())]


def choose(person: Person, weights: str) -> None:
    """Choose in the box where the weights come from."""
    box = person.window.weights.source
    place = box.findData(weights)
    box.setCurrentIndex(place)
    box.activated.emit(place)


def model_of(person: Person) -> ex.Sequential:
    model = person.window.document.experiment.model
    assert isinstance(model, ex.Sequential)
    return model


def test_a_frozen_pretrained_backbone_learns_a_new_question_with_its_head_alone(person: Person) -> None:
    person.prepared_after(lambda: person.window.filing.new("even-odd-transfer"))
    assert cells(person, 0)[0] == "0.weight" and cells(person, 1)[0] == "matched"
    assert cells(person, 1)[-1] == "missing"
    before = person.window.trainer.desk.session.parameters()
    person.fit()
    after = person.window.trainer.desk.session.parameters()
    assert all(after[name].tobytes() == before[name].tobytes() for name in before if not name.startswith("11."))
    assert not np.array_equal(after["11.weight"], before["11.weight"])
    assert person.window.improve_panel.runs[-1].test_scores["accuracy"] > 0.97


def test_a_shipped_model_brings_its_layers_frozen_under_a_new_head(person: Person) -> None:
    experiment = find_experiment("even-odd-transfer")
    layers = ex.Sequential(layers=(ex.layers.Flatten(), ex.layers.Linear()))
    person.prepared_after(lambda: person.window.document.open(ex.replace(experiment, model=layers), None))
    person.prepared_after(lambda: choose(person, "sixstep:digits-cnn"))
    model = model_of(person)
    assert (model.weights, model.frozen, model.fresh) == ("sixstep:digits-cnn", 9, 1)
    assert [type(layer).__name__ for layer in model.layers][:2] == ["Conv2d", "BatchNorm2d"]
    assert "start anew" in person.window.weights.found.text()
    person.window.weights.unfreeze.setFocus()
    person.prepared_after(person.window.weights.unfreeze.click)
    assert model_of(person).frozen == 0
    assert person.window.focusWidget() is person.window.weights.freeze, "what takes it back"
    person.prepared_after(person.window.weights.freeze.click)
    assert model_of(person).frozen == 9
    person.prepared_after(lambda: person.do("undo"))
    assert model_of(person).frozen == 0


def test_weights_of_the_layers_at_hand_are_taken_and_the_layers_stay(person: Person, tmp_path: Path) -> None:
    layers = (ex.layers.Linear(out_features=3), ex.layers.Tanh(), ex.layers.Linear())
    experiment = ex.replace(person.window.document.experiment, model=ex.Sequential(layers=layers))
    person.prepared_after(lambda: person.window.document.replace(experiment))
    torch.save(nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1)).state_dict(), tmp_path / "mine.pt")
    person.answers.path = tmp_path / "mine.pt"
    person.prepared_after(lambda: choose(person, "file"))
    assert model_of(person) == ex.Sequential(layers=layers, weights=str(tmp_path / "mine.pt"))
    assert set(cells(person, 1)) == {"matched"}
    assert "mine.pt" in person.window.code.text
    person.prepared_after(person.window.weights.replace_head.click)
    assert cells(person, 1) == ["matched"] * 2 + ["fresh"] * 2
    person.prepared_after(lambda: choose(person, ""))
    assert model_of(person).weights == "" and person.window.weights.table.isHidden()


def test_weights_that_fit_nothing_are_refused_in_a_sentence_and_the_model_stays(person: Person, tmp_path: Path) -> None:
    experiment = ex.replace(person.window.document.experiment, model=ex.Sequential())
    person.prepared_after(lambda: person.window.document.replace(experiment))
    torch.save({"alpha": torch.zeros(3, 3, 3)}, tmp_path / "odd.pt")
    person.answers.path = tmp_path / "odd.pt"
    choose(person, "file")
    person.wait(lambda: bool(person.answers.errors))
    ((sentence, details),) = person.answers.errors
    person.answers.errors.clear()
    assert sentence.startswith("odd.pt") and not details
    assert person.window.document.experiment == experiment


def settle(person: Person) -> None:
    """Wait until what is shown is what the document says; beginning anew prepares twice."""
    person.wait(lambda: person.window.prepared.experiment == person.window.document.experiment)


def test_an_opened_model_with_too_many_outputs_becomes_a_pretrained_one(person: Person, tmp_path: Path) -> None:
    person.prepared_after(lambda: person.window.filing.new("even-odd-transfer"))
    cnn = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 7))
    torch.save(cnn.state_dict(), tmp_path / "theirs.pt")
    person.answers.path = tmp_path / "theirs.pt"
    person.do("open")
    person.wait(lambda: "theirs.pt" in model_of(person).weights)
    settle(person)
    assert "7 outputs" in person.answers.asked[-1]
    model = model_of(person)
    assert (model.frozen, model.fresh, Path(model.weights).name) == (4, 1, "theirs.pt")
    weights = person.window.trainer.desk.session.parameters()
    assert np.array_equal(weights["0.weight"], cnn[0].weight.detach().numpy())
    assert weights["4.weight"].shape == (2, 36)
    assumed = "ReLU, MaxPool2d(2), Flatten and a stride of 1 are assumed: check them in step 2."
    assert assumed in person.window.weights.found.text() and assumed in person.window.status.message
    choose(person, "")
    person.wait(lambda: not model_of(person).weights)
    settle(person)
    choose(person, "sixstep:digits-cnn")
    person.wait(lambda: bool(model_of(person).weights))
    settle(person)
    assert assumed not in person.window.weights.found.text()


def test_shapes_are_seen_in_full_and_long_names_are_cut_in_their_middle(qtbot: QtBot) -> None:
    """Otherwise what tells the rows apart stands beyond the edge of the panel."""
    name = "backbone.features.denseblock.conv.weight"
    rows = (Row("matched", name, f"module.{name}", (256, 128, 3, 3), (256, 128, 3, 3)),
            Row("other shape", "head.weight", "head.weight", (10, 512), (1000, 512)))  # fmt: skip
    form = WeightsForm(Document())
    qtbot.addWidget(form)
    form._match = Match(rows, "theirs.pt")
    form.apply_theme(LIGHT)
    form.resize(290, 500)
    form.show()
    table = form.table
    for column in (1, 2, 3):
        assert table.columnWidth(column) >= table.sizeHintForColumn(column)
    assert sum(map(table.columnWidth, range(4))) <= table.viewport().width()
    assert [table.item(row, 3).text() for row in (0, 1)] == ["same", "1000×512"]
    assert table.textElideMode() == Qt.TextElideMode.ElideMiddle
    assert table.item(0, 0).toolTip() == f"{name}: taken from the file\nIn the file: module.{name}"
