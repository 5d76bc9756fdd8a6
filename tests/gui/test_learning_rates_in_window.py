"""Steps 2 and 3: the rates of a schedule before the fit, and the search for a learning rate."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.files import find_experiment
from engine.session import Session
from gui.frames import LrFound
from gui.plots.lr_finder import LrPlot
from tests.gui.person import Counter, Person


def test_the_rates_of_a_schedule_are_drawn_and_said_before_the_fit(person: Person) -> None:
    line = person.window.model_panel.training.schedule
    assert line.isHidden()
    scheduler = ex.schedulers.OneCycleLR(every="epoch")
    person.prepared_after(lambda: person.window.document.edit(
        "fit", optimizer=ex.Adam(lr=0.1), scheduler=scheduler, epochs=50))  # fmt: skip
    assert not line.isHidden()
    rates = person.window.prepared.lrs
    ends = f"{rates[0]:.3g} in the first epoch, {rates[-1]:.3g} in the last of 50"
    assert line.words.text() == f"Learning rate: {ends}, 0.1 at most."


def test_the_rates_of_a_plateau_hang_on_the_losses_and_are_drawn_with_those_of_the_last_fit(person: Person) -> None:
    line, edit = person.window.model_panel.training.schedule, person.window.document.edit
    plateau = ex.schedulers.ReduceLROnPlateau(patience=0, threshold=0.5)
    person.prepared_after(lambda: edit("fit", scheduler=plateau, epochs=20))
    assert person.window.prepared.lrs is None and not line.isHidden() and line._line.isHidden()
    assert line.words.text() == "When the learning rate falls depends on the losses: a fit will show it."
    person.fit()
    person.prepared_after(lambda: edit("fit.scheduler", factor=0.5))
    rates = person.window.prepared.lrs
    assert len(rates) == 20 and rates[-1] < rates[0] and not line._line.isHidden()
    assert line.words.text().startswith(f"With the losses of the last fit the learning rate is {rates[0]:.3g} in")
    person.prepared_after(lambda: edit("fit", loss=ex.MSELoss()))
    assert person.window.prepared.lrs is None, "those were another loss's"


@pytest.fixture
def looking(person: Person) -> Person:
    """A person who sees the plot of a search for a learning rate."""
    person.prepared_after(lambda: person.window.document.replace(find_experiment("iris")))
    person.window.steps.open(2)
    QTest.mouseClick(person.window.model_panel.training.find_lr, Qt.MouseButton.LeftButton)
    person.wait(person.window.plots.lr_finder.isVisible)
    return person


def test_from_a_click_to_another_learning_rate_that_can_be_undone(looking: Person) -> None:
    window, plot = looking.window, looking.window.plots.lr_finder
    before = window.document.experiment
    assert not window.plots.loss.isVisible()
    assert before.fit.optimizer.lr / 100 < plot.lr < before.fit.optimizer.lr * 100
    assert plot.use.text() == f"Use {plot.lr:g}"
    assert "where the smoothed loss falls most steeply, at most a tenth of the best rate" in plot._words.text()
    rate = plot.lr
    looking.prepared_after(lambda: QTest.mouseClick(plot.use, Qt.MouseButton.LeftButton))
    assert window.document.experiment.fit.optimizer == ex.replace(before.fit.optimizer, lr=rate)
    assert window.model_panel.training.optimizer.form_of(type(before.fit.optimizer)).widgets["lr"].value() == rate
    assert window.plots.loss.isVisible()
    looking.prepared_after(lambda: looking.do("undo"))
    assert window.document.experiment == before


def test_a_click_in_the_plot_and_the_arrow_keys_choose_another_rate(looking: Person) -> None:
    plot = looking.window.plots.lr_finder
    box = plot.item.getViewBox()
    place = plot.plot.mapFromScene(box.mapViewToScene(QPointF(-2.0, sum(box.viewRange()[1]) / 2)))
    QTest.mouseClick(plot.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert plot.lr == pytest.approx(0.01, rel=0.2)
    before = plot.lr
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.lr == pytest.approx(before * 10**0.05, rel=0.02)


def test_escape_closes_the_search_and_a_fit_goes_as_if_there_had_been_none(looking: Person) -> None:
    window = looking.window
    QTest.keyClick(window.plots.lr_finder, Qt.Key.Key_Escape)
    assert window.plots.loss.isVisible()
    looking.fit()
    session = Session(window.document.experiment)
    session.advance()
    assert np.array_equal(window.improve_panel.runs[-1].losses, session.history.losses)


def test_where_the_time_was_over_the_plot_says_how_far_the_search_came(qtbot: QtBot) -> None:
    plot = LrPlot()
    qtbot.addWidget(plot)
    lrs = np.geomspace(1e-7, 2e-4, 30)
    for is_cut in (True, False):
        plot.show_found(LrFound(1, lrs, np.linspace(1, 0.5, 30), np.linspace(1, 0.5, 30), 2e-5, is_cut))
        assert ("The time was over at 0.0002: larger rates were not tried." in plot._words.text()) == is_cut


def test_a_search_is_given_up_by_the_same_button(person: Person) -> None:
    window, training = person.window, person.window.model_panel.training
    ended = Counter(window.trainer.lr_found)
    training.find_lr.click()
    assert training.find_lr.text() == "Stop looking"
    training.find_lr.click()
    assert training.find_lr.text() == "Find a learning rate"
    person.wait(lambda: ended.count == 1)
    assert not window.plots.lr_finder.isVisible(), "nobody waits for it any more"


def test_a_search_is_given_up_also_before_the_thread_has_begun_it(person: Person) -> None:
    window, training = person.window, person.window.model_panel.training
    ended = Counter(window.trainer.lr_found)
    go = threading.Event()
    window.trainer._commands.put(go.wait)  # the thread is busy
    training.find_lr.click()
    training.find_lr.click()
    go.set()
    person.wait(lambda: ended.count == 1)
    assert not window.plots.lr_finder.isVisible()


def test_where_there_is_nothing_to_look_with_a_sentence_says_so_and_the_button_is_back(person: Person) -> None:
    window, training = person.window, person.window.model_panel.training
    window.document.edit("data.source", step=1.0)
    person.wait(lambda: bool(person.answers.errors))
    person.answers.errors.clear()
    training.find_lr.click()
    person.wait(lambda: bool(person.answers.errors))
    assert person.answers.errors[0][0].startswith("There is nothing to fit.")
    assert training.find_lr.text() == "Find a learning rate"
    person.answers.errors.clear()
