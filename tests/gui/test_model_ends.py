"""Step 2 in the window: a loss that takes something else than the model gives, and the click that mends it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine import experiment as ex
from engine.files import find_experiment
from tests.gui.layer_bench import settle
from tests.gui.person import Counter, Person


def press_mend(person: Person, label: str) -> None:
    buttons = {button.text(): button for button in person.window.model_panel.training.end.buttons}
    QTest.mouseClick(buttons[label], Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(("loss", "mended"), [
    (ex.losses.BCELoss(), ex.BCEWithLogitsLoss()),
    (ex.losses.NLLLoss(balanced=True), ex.CrossEntropyLoss(balanced=True)),
])  # fmt: skip
def test_a_loss_that_takes_probabilities_says_so_below_it_and_one_click_takes_the_other(person, loss, mended):
    note = person.window.model_panel.training.end
    circles = find_experiment("circles-relu")
    person.prepared_after(lambda: person.window.document.open(circles, None))
    assert not note.isVisibleTo(person.window.model_panel)
    failed = Counter(person.window.trainer.failed)
    person.window.document.edit("fit", loss=loss)
    person.wait(lambda: failed.count == 1)
    assert type(loss).__name__ in note.sentence.text() and note.isVisibleTo(person.window.model_panel)
    person.prepared_after(lambda: press_mend(person, f"Use {type(mended).__name__}"))
    assert person.window.document.experiment.fit.loss == mended and not note.sentence.text()
    assert person.window.focusWidget() is person.window.model_panel.loss._combo
    assert person.answers.errors == []


def test_layers_get_their_sigmoid_by_one_click_and_are_fitted(person):
    layers = (ex.layers.Linear(out_features=8), ex.layers.ReLU(), ex.layers.Linear())
    circles = find_experiment("circles-relu")
    fit = ex.replace(circles.fit, loss=ex.losses.BCELoss(), epochs=20)
    failed = Counter(person.window.trainer.failed)
    person.window.document.open(ex.replace(circles, model=ex.Sequential(layers=layers), fit=fit), None)
    person.wait(lambda: failed.count == 1)
    person.prepared_after(lambda: press_mend(person, "Add a Sigmoid"))
    assert person.window.document.experiment.model.layers == (*layers, ex.layers.Sigmoid())
    person.fit()
    assert person.answers.errors == []


def test_layers_may_keep_their_logits_and_get_the_loss_that_takes_them(person):
    layers = (ex.layers.Linear(out_features=8), ex.layers.ReLU(), ex.layers.Linear())
    circles = find_experiment("circles-relu")
    fit = ex.replace(circles.fit, loss=ex.losses.BCELoss())
    failed = Counter(person.window.trainer.failed)
    person.window.document.open(ex.replace(circles, model=ex.Sequential(layers=layers), fit=fit), None)
    person.wait(lambda: failed.count == 1)
    person.prepared_after(lambda: press_mend(person, "Use BCEWithLogitsLoss"))
    experiment = person.window.document.experiment
    assert experiment.model.layers == layers and experiment.fit.loss == ex.BCEWithLogitsLoss()


def test_what_is_said_of_the_end_moves_nothing_that_is_being_read(person):
    window, training = person.window, person.window.model_panel.training
    circles = find_experiment("circles-relu")
    layers = (ex.layers.Linear(out_features=8), ex.layers.Linear(), ex.layers.Sigmoid())
    ended = ex.replace(
        circles, model=ex.Sequential(layers=layers), fit=ex.replace(circles.fit, loss=ex.losses.BCELoss())
    )
    person.prepared_after(lambda: window.document.open(ended, None))
    window.steps.open(2)

    def places() -> list[int]:
        parts = training.loss, training.optimizer, training.find_lr, training.scheduler
        return [part.mapTo(training, QPoint()).y() for part in parts]

    settle()
    before, failed = places(), Counter(window.trainer.failed)
    window.document.replace(ex.replace(ended, model=ex.Sequential(layers=layers[:2])))
    person.wait(lambda: failed.count == 1 and training.end.isVisible())
    settle()
    assert places() == before
    assert window.model_panel.rect().contains(training.end.geometry()), "at its foot, in sight however it is scrolled"
