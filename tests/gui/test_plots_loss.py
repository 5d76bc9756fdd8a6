"""The plot of the losses: the best epoch, and the learning rate beside them."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.training.stopping import Judge
from gui.frames import Frame, Prepared
from gui.plots.best import BestSoFar
from gui.plots.loss import LossPlot
from gui.theme import DARK, LIGHT
from tests.gui.person import Person
from tests.gui.plotted import classes


@pytest.fixture
def plot(qtbot: QtBot) -> LossPlot:
    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.apply_theme(LIGHT)
    plot.show()
    return plot


def session(lrs: np.ndarray | None = None, **fit: object) -> Prepared:
    return classes(experiment=ex.Experiment(fit=ex.Fit(**fit)), lrs=lrs)


def frame(epoch: int, losses: list[float], lr: float | None = None) -> Frame:
    """A frame with these training losses; those of the test are a constant."""
    rows = np.array([[loss, 0.5] for loss in losses], np.float32)
    return Frame(1, epoch, rows, ("train", "test"), np.empty(0, np.int64), {}, 0.0, lr)


@pytest.mark.parametrize("min_delta", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("block", [1, 7, 400])
def test_the_best_epoch_is_the_one_that_early_stopping_finds(min_delta: float, block: int) -> None:
    losses = (np.linspace(1, 0.2, 400) + np.random.default_rng(0).normal(0, 0.1, 400)).astype(np.float32)
    judge, best = Judge(ex.Stopping(min_delta=min_delta)), BestSoFar(min_delta)
    for start in range(0, 400, block):
        best.look(losses[start : start + block])
        for loss in losses[start : start + block].tolist():
            judge.look(loss)
        assert (best.epoch, best.loss) == (judge.best_epoch, judge.best_loss)


def test_with_patience_the_best_epoch_is_marked_on_its_curve_and_named_at_the_end(plot: LossPlot) -> None:
    plot.begin(session(stopping=ex.Stopping(patience=3)))
    plot.append(frame(3, [0.9, 0.4, 0.6]), 10)
    plot.append(frame(5, [0.3, 0.7]), 10)
    plot.redraw()
    (x,), (y,) = plot.best_mark.getData()
    assert (x, y) == (3, pytest.approx(0.3))
    assert plot.legend_names == ["Train loss", "Test loss", "Best epoch"]
    plot.name_best()
    assert plot.legend_names[-1] == "Best epoch: 4"
    plot._log.setChecked(True)
    assert plot.best_mark.getData()[1] == pytest.approx(np.log10(0.3))
    plot.apply_theme(DARK)
    assert plot.best_mark.opts["brush"].color().name() == DARK.train


def test_without_a_choice_by_a_loss_no_epoch_is_the_best(plot: LossPlot) -> None:
    plot.begin(session())
    plot.append(frame(2, [0.9, 0.4]), 10)
    plot.redraw()
    plot.name_best()
    assert plot.legend_names == ["Train loss", "Test loss"]
    assert len(plot.best_mark.getData()[0]) == 0
    assert not plot.item.getAxis("right").isVisible()


def test_the_learning_rates_of_a_schedule_stand_at_the_right_with_their_ends_named(plot: LossPlot) -> None:
    lrs = np.geomspace(0.1, 0.001, 20)
    plot.begin(session(lrs, scheduler=ex.schedulers.ExponentialLR(), epochs=20))
    plot.append(frame(5, [0.9, 0.4, 0.6, 0.5, 0.4], lrs[4]), 20)
    plot.redraw()
    x, y = plot.rates.curve.getData()
    assert y == pytest.approx(np.log10(lrs[: len(y)]), abs=1e-5) and x[-1] == len(y) - 1
    assert plot.item.getAxis("right").isVisible()
    assert [text for _, text in plot.item.getAxis("right")._tickLevels[0]] == ["0.001", "0.1"]
    assert plot.legend_names[-1] == "Learning rate"
    mine, whole = plot.rates._box.sceneBoundingRect(), plot.item.getViewBox().sceneBoundingRect()
    assert mine.getRect() == pytest.approx(whole.getRect(), abs=1), "one lies on the other"
    plot.begin(session())
    assert not plot.item.getAxis("right").isVisible() and "Learning rate" not in plot.legend_names


def test_rates_that_hang_on_the_losses_come_with_the_frames(plot: LossPlot) -> None:
    plot.begin(session(np.full(30, 7.0), scheduler=ex.schedulers.ReduceLROnPlateau(), epochs=30))
    assert not plot.rates.is_shown, "those beforehand are of another fit"
    plot.append(frame(5, [0.4] * 5, 0.1), 30)
    plot.append(frame(9, [0.4] * 4, 0.01), 30)
    plot.redraw()
    x, y = plot.rates.curve.getData()
    assert list(x) == [0, 5, 9] and y == pytest.approx(np.log10([0.1, 0.1, 0.01]), abs=1e-5)


def test_a_rate_of_0_has_a_place_and_more_epochs_have_theirs(plot: LossPlot) -> None:
    plot.begin(session(np.array([0.1, 0.0]), scheduler=ex.schedulers.ExponentialLR(), epochs=2))
    plot.append(frame(4, [0.4] * 4, 0.05), 4)
    plot.redraw()
    _, y = plot.rates.curve.getData()
    assert y == pytest.approx(np.log10([0.1, 1e-7, 0.05, 0.05]), abs=1e-5)


def test_in_the_window_the_curve_has_its_rates_and_its_best_epoch(person: Person) -> None:
    window = person.window
    fit = ex.replace(window.document.experiment.fit, epochs=20, stopping=ex.Stopping(patience=50))
    fit = ex.replace(fit, scheduler=ex.schedulers.ReduceLROnPlateau(patience=0))
    person.prepared_after(
        lambda: window.document.replace(ex.replace(window.document.experiment, fit=fit))
    )
    person.fit()
    train = window.improve_panel.runs[-1].losses[:, 0]
    assert window.plots.loss.legend_names[-2:] == [f"Best epoch: {int(np.argmin(train)) + 1}", "Learning rate"]
    assert len(window.plots.loss.rates.curve.getData()[0]) > 1
