"""Usual networks chosen and fitted through the window; the exported script repeats each to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import experiment as ex
from engine.experiment import layers as of
from engine.files import RESOURCES
from gui.frames import RunState
from gui.pace import PACES
from tests.gui.person import Person
from tests.gui.test_sources_in_window import assert_fits_and_its_script_repeats_it, choose

DATA = RESOURCES / "data"


def start_from(person: Person, name: str) -> None:
    """Choose Sequential in step 2, then a usual model from its menu."""
    window, panel = person.window, person.window.model_panel
    window.steps.open(2)
    person.wait(lambda: window.prepared.experiment == window.document.experiment)
    combo = panel.model._combo
    combo.setCurrentIndex(combo.findText("Sequential"))
    menu = panel.layers.start.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == name).trigger()
    person.wait(lambda: window.prepared.experiment == window.document.experiment)


def kinds(person: Person) -> set[type[ex.Layer]]:
    return {type(layer) for layer in of.every(person.window.document.experiment.model.layers)}


def last_accuracy(person: Person) -> float:
    return person.window.improve_panel.runs[-1].test_scores["accuracy"]


def test_tiny_vgg_learns_a_folder_of_pictures_in_batches(person: Person, tmp_path: Path) -> None:
    choose(person, "Pictures in folders", DATA / "digits")
    person.window.document.edit("data.source", size=8, colour="grey")
    start_from(person, "CNN (TinyVGG)")
    assert {of.Conv2d, of.MaxPool2d, of.Flatten, of.Linear} <= kinds(person)
    person.window.document.edit("fit", batches=ex.Batches(size=32), optimizer=ex.Adam(lr=0.01))
    assert_fits_and_its_script_repeats_it(person, tmp_path, epochs=8)
    assert last_accuracy(person) > 0.6


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_a_recurrent_network_learns_a_series(person: Person, tmp_path: Path, name: str) -> None:
    choose(person, "Columns over time", DATA / "weather.csv")
    person.window.document.edit("data", scaling=ex.Scaling(features="standardise", target="standardise"))
    start_from(person, name)
    assert {getattr(of, name), of.LastStep, of.Linear} == kinds(person)
    person.window.document.edit("fit", optimizer=ex.Adam(lr=0.01))
    assert_fits_and_its_script_repeats_it(person, tmp_path, epochs=6)
    losses = person.window.improve_panel.runs[-1].losses[:, 0]
    assert losses[-1] < 0.9 * losses[0]


def test_a_transformer_encoder_learns_texts(person: Person, tmp_path: Path) -> None:
    choose(person, "Texts in a table", DATA / "remarks.csv")
    start_from(person, "Transformer encoder")
    assert {of.Embedding, of.PositionalEmbedding, of.TransformerEncoderLayer, of.MeanOverTime} <= kinds(person)
    person.window.document.edit("fit", batches=ex.Batches(size=16), optimizer=ex.Adam(lr=0.003))
    assert_fits_and_its_script_repeats_it(person, tmp_path, epochs=6)
    assert last_accuracy(person) > 0.8


def test_early_stopping_says_why_and_the_weights_are_the_best_ones(person: Person) -> None:
    window = person.window
    window.document.edit("data", split=ex.Split(train=60, validation=20))
    window.document.edit("fit", epochs=5000, optimizer=ex.SGD(lr=0.05), stopping=ex.Stopping(patience=20))
    person.wait(lambda: window.prepared.experiment == window.document.experiment)
    person.fit()
    run = window.improve_panel.runs[-1]
    assert len(run.losses) < 5000
    assert f"Ended after {len(run.losses)} of 5,000 epochs: no gain in 20 epochs" in window.status.message
    best = int(run.losses[:, 1].argmin())
    assert best == len(run.losses) - 21
    assert f"The weights are those of epoch {best + 1}, validation loss" in window.status.message


def test_a_stop_in_the_middle_of_an_epoch_of_batches_is_taken_at_once_and_the_fit_goes_on(person: Person) -> None:
    window = person.window
    source = ex.StraightLine(step=1e-5)
    window.document.edit("data", source=source)
    window.document.edit("fit", batches=ex.Batches(size=1), epochs=2)
    person.wait(lambda: window.prepared.experiment == window.document.experiment)
    window.trainer.set_pace(PACES[0])
    person.do("fit")
    person.state(RunState.RUNNING)
    person.do("pause")
    person.wait(lambda: window.actions_["pause"].text() == "&Resume")
    assert not window.improve_panel.runs
    person.ended_after(lambda: person.do("stop"))
    assert len(window.improve_panel.runs[-1].losses) == 0
