"""A backbone of the Hugging Face hub, chosen, looked for and fitted through the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt

from engine import experiment as ex
from gui.frames import RunState
from tests.engine.backbones import backbone, pictures, text_backbone, text_source, texts
from tests.engine.test_script import assert_prints_what_the_session_did
from tests.engine.warm import shared
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


def test_for_data_without_pictures_or_texts_a_backbone_is_grey_and_says_why(person: Person) -> None:
    combo = person.window.model_panel.model._combo
    place = combo.findText("Backbone")
    assert not combo.model().item(place).isEnabled()
    assert combo.itemData(place, Qt.ItemDataRole.ToolTipRole).startswith("It takes pictures or texts")


def with_texts(person: Person, folder: Path) -> None:
    experiment = person.window.document.experiment
    data = ex.replace(experiment.data, source=text_source(texts(folder / "texts.csv")))
    fit = ex.replace(experiment.fit, loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.05), epochs=4)
    person.prepared_after(
        lambda: person.window.document.replace(ex.Experiment(data=data, model=ex.Layers(), fit=fit))
    )


def test_a_backbone_of_texts_is_chosen_its_tokens_taken_by_the_button_and_its_head_learns(
    person: Person, tmp_path: Path
) -> None:
    window, card = person.window, person.window.model_panel.backbone
    with_texts(person, tmp_path)
    window.steps.open(2)
    choose_backbone(person)
    person.wait(lambda: not window.trainer.has_session)
    person.answers.path = folder = text_backbone(tmp_path / "theirs")
    card.browse.click()
    person.wait(lambda: "theirs takes tokens of its own" in window.status.message)
    assert "in step 1 choose the tokens of a backbone" in card.summary.text() and not card.take_tokens.isHidden()
    before = window.document.experiment
    person.prepared_after(card.take_tokens.click)
    assert window.document.experiment.data.source == text_source(tmp_path / "texts.csv", folder)
    assert card.take_tokens.isHidden() and card.summary.text().startswith("BertModel: ")
    person.wait(lambda: window.document.experiment != before)
    window.document.undo_stack.undo()  # one step
    assert window.document.experiment == before and not card.take_tokens.isHidden()
    person.wait(lambda: not window.trainer.has_session)
    person.prepared_after(window.document.undo_stack.redo)
    length = window.data_panel.source.form.form.widgets["length"]
    person.prepared_after(lambda: length.setValue(12))
    person.fit()
    assert window.state is RunState.DONE and window.plots.parameters.rowCount() == 2  # the head's
    assert window.prepared.texts.texts[0].startswith("[CLS] ") and window.prepared.texts.texts[0].endswith(" [SEP]")
    (tmp_path / "script.py").write_text(window.code.text)
    finished = shared().run(tmp_path / "script.py", cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert_prints_what_the_session_did(window.trainer.desk.session, finished.out)
    assert not person.answers.errors


def test_the_form_of_texts_has_a_tokenizer_for_a_backbone_s_tokens_and_a_vocabulary_for_words(
    person: Person, tmp_path: Path
) -> None:
    window = person.window
    with_texts(person, tmp_path)
    window.steps.open(1)
    form = window.data_panel.source.form
    tokens, tokenizer, vocabulary = (form.form.widgets[name] for name in ("tokens", "tokenizer", "vocabulary"))
    assert tokenizer.isHidden() and form.browse_tokenizer.isHidden() and not vocabulary.isHidden()
    tokens.setCurrentIndex(tokens.findData("backbone"))
    person.wait(lambda: not window.trainer.has_session)  # it says what is missing, without a dialog
    assert vocabulary.isHidden() and not tokenizer.isHidden() and tokenizer.placeholderText()
    person.answers.path = folder = text_backbone(tmp_path / "theirs")
    person.prepared_after(form.browse_tokenizer.click)
    assert tokenizer.text() == str(folder) == window.document.experiment.data.source.tokenizer
    assert "int64" in window.prepared.shapes[0]
    choose = ex.Backbone(folder=str(folder))
    person.prepared_after(lambda: tokens.setCurrentIndex(tokens.findData("word")))
    window.document.replace(ex.replace(window.document.experiment, model=choose))
    source = ex.replace(window.document.experiment.data.source, tokenizer="")
    window.document.edit("data", source=source)
    person.prepared_after(lambda: tokens.setCurrentIndex(tokens.findData("backbone")))
    assert window.document.experiment.data.source.tokenizer == str(folder)  # that of the backbone in step 2
    assert not person.answers.errors
