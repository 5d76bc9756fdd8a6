"""Fit on a model that does not fit: no dialog, the way to what mends it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea, QWidget

from engine import experiment as ex
from engine.experiment import layers as of
from engine.files import find_experiment
from gui.frames import RunState
from tests.gui.person import Counter, Person

TEN = of.Linear(out_features=10)


def show(person: Person, experiment: ex.Experiment) -> None:
    """Put an experiment that cannot be built into the window."""
    failed = Counter(person.window.trainer.failed)
    person.window.document.open(experiment, None)
    person.wait(lambda: failed.count == 1)


def is_in_sight(person: Person, widget: QWidget) -> bool:
    """Whether the whole widget lies within every area that scrolls around it."""
    area, above = None, widget.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea):
            area = above
            place = QRect(widget.mapTo(area.viewport(), QPoint()), widget.size())
            if not area.viewport().rect().contains(place):
                return False
        above = above.parentWidget()
    return area is not None and widget.isVisibleTo(person.window)


@pytest.mark.parametrize("layers", [
    (TEN, of.BatchNorm2d(), of.Linear()),  # a layer that does not fit
    (*(TEN, of.ReLU()) * 12, of.Softplus(), of.BatchNorm2d(), of.Linear()),  # far down in a long list
    (TEN, of.ReLU(), of.Linear(out_features=3)),  # what comes out at the end
])  # fmt: skip
def test_fit_goes_to_the_misfit_and_return_mends_it(person: Person, layers: tuple[ex.Layer, ...]) -> None:
    window = person.window
    window.resize(1366, 768)
    show(person, ex.replace(find_experiment("circles-relu"), model=ex.Sequential(layers=layers)))
    misfit = window.model_panel.flow.misfit
    window.steps.open(4)
    person.do("fit")
    assert window.steps.headers[1].isChecked() and window.status.message == misfit
    person.wait(lambda: window.focusWidget().objectName() == "mend 0")
    button = window.focusWidget()
    person.wait(lambda: is_in_sight(person, button))
    assert window.state is RunState.IDLE and person.answers.errors == []
    person.prepared_after(lambda: QTest.keyClick(button, Qt.Key.Key_Space))
    person.fit()


def test_fit_goes_to_what_the_loss_does_not_take(person: Person) -> None:
    circles = find_experiment("circles-relu")
    show(person, ex.replace(circles, fit=ex.replace(circles.fit, loss=ex.losses.BCELoss())))
    person.do("fit")
    note = person.window.model_panel.training.end
    assert person.window.steps.headers[1].isChecked()
    person.wait(lambda: person.window.focusWidget() is note.buttons[0])
    person.wait(lambda: is_in_sight(person, note))
    assert person.answers.errors == []


def test_a_model_that_learns_slowly_is_still_fitted(person: Person) -> None:
    circles = find_experiment("circles-relu")
    layers = (TEN, of.ReLU(), of.Linear(), of.Sigmoid())
    fit = ex.replace(circles.fit, epochs=3)
    person.prepared_after(
        lambda: person.window.document.open(ex.replace(circles, model=ex.Sequential(layers=layers), fit=fit), None)
    )
    assert person.window.model_panel.training.end.sentence.text()
    person.fit()
    assert person.window.steps.headers[2].isChecked()


def test_fit_goes_to_where_a_backbone_is_chosen(person: Person) -> None:
    digits = find_experiment("digits")
    show(person, ex.replace(digits, model=ex.Backbone()))
    person.do("fit")
    assert person.window.steps.headers[1].isChecked()
    person.wait(lambda: person.window.focusWidget() is person.window.model_panel.backbone.browse)
    assert person.answers.errors == []


def test_fit_goes_to_own_code_that_nobody_has_trusted(person: Person) -> None:
    code = "from torch import nn\n\n\nclass Mine(nn.Linear):\n    pass\n"
    show(person, ex.replace(find_experiment("straight-line"), model=ex.OwnCode(code=code)))
    person.do("fit")
    assert person.window.steps.headers[1].isChecked()
    assert person.window.focusWidget() is person.window.own_code.trust_button
    assert person.answers.errors == []
