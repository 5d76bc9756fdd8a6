"""A backbone of the Hugging Face hub, chosen, looked for and fitted through the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt

from engine import experiment as ex
from gui.frames import RunState
from tests.engine.backbones import backbone, pictures
from tests.gui.person import Person


def choose_backbone(person: Person) -> None:
    """The entry of the model box."""
    combo = person.window.model_panel.model._combo
    combo.setCurrentIndex(combo.findText("Backbone"))


def with_pictures(person: Person, folder: Path) -> None:
    experiment = person.window.document.experiment
    data = ex.replace(experiment.data, source=pictures(folder))
    fit = ex.replace(experiment.fit, loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.05), epochs=4)
    person.prepared_after(
        lambda: person.window.document.replace(ex.Experiment(data=data, model=ex.Layers(), fit=fit))
    )


def test_a_backbone_is_chosen_looked_for_and_its_head_learns(person: Person, tmp_path: Path) -> None:
    window, card = person.window, person.window.model_panel.backbone
    with_pictures(person, tmp_path / "pictures")
    window.steps.open(2)
    assert card.isHidden()
    choose_backbone(person)
    person.wait(lambda: not window.trainer.has_session)
    assert not card.isHidden() and "microsoft/resnet-18" in card.summary.text()  # asked for, without a dialog
    assert window.document.experiment.model == ex.Backbone()
    person.answers.path = backbone(tmp_path / "theirs", "vit")
    person.prepared_after(card.browse.click)
    assert window.document.experiment.model == ex.Backbone(folder=str(tmp_path / "theirs"))
    n = sum(value.size for name, value in window.trainer.desk.session.parameters().items() if "backbone" in name)
    assert card.summary.text().startswith(f"ViTModel: {n:,} parameters, frozen\nHead: Linear(in_features=8, ")
    person.do("model")
    assert window.middle.model.note.text() == card.summary.text()
    person.do("model")
    frozen = window.trainer.desk.session.parameters()["backbone.embeddings.cls_token"]
    person.fit()
    assert window.state is RunState.DONE
    assert (window.trainer.desk.session.parameters()["backbone.embeddings.cls_token"] == frozen).all()
    assert window.plots.parameters.rowCount() == 2  # the head's
    assert "class Backbone(nn.Module):" in window.code.text and str(tmp_path / "theirs") in window.code.text
    person.prepared_after(card.form.widgets["frozen"].click)
    assert "which learn too" in card.summary.text()
    pooling = card.form.widgets["pooling"]
    person.prepared_after(lambda: pooling.setCurrentIndex(pooling.findData("mean")))
    assert window.document.experiment.model.pooling == "mean"


def test_a_folder_that_is_no_backbone_gives_one_sentence(person: Person, tmp_path: Path) -> None:
    with_pictures(person, tmp_path / "pictures")
    choose_backbone(person)
    person.wait(lambda: not person.window.trainer.has_session)
    person.answers.path = tmp_path / "pictures"
    person.window.model_panel.backbone.browse.click()
    person.wait(lambda: bool(person.answers.errors))
    ((sentence, details),) = person.answers.errors
    person.answers.errors.clear()
    assert sentence.startswith("pictures has no config.json") and not details


def test_for_data_without_pictures_a_backbone_is_grey_and_says_why(person: Person) -> None:
    combo = person.window.model_panel.model._combo
    place = combo.findText("Backbone")
    assert not combo.model().item(place).isEnabled()
    assert combo.itemData(place, Qt.ItemDataRole.ToolTipRole).startswith("It takes pictures")
