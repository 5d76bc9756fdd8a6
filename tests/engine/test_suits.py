"""Steps 1 and 2 together: other data brings a split, a loss and a model that can be used for it."""

from __future__ import annotations

import typing

import pytest

from engine import experiment as ex
from engine.data.suits import is_classification, reads_the_same, split_methods, suited, suiting_losses, with_data
from engine.files import find_experiment, preset_names
from engine.session import Session

PRESETS = preset_names()


@pytest.mark.parametrize("before", ["straight-line", "circles-relu", "weather"])
@pytest.mark.parametrize("after", PRESETS)
def test_any_data_can_follow_any_other_and_is_fitted(before, after):
    source = find_experiment(after).data.source
    experiment = with_data(find_experiment(before), source)
    experiment = ex.replace(experiment, fit=ex.replace(experiment.fit, epochs=1, optimizer=ex.Adam(lr=1e-6)))
    session = Session(experiment)
    session.advance()
    assert session.epoch == 1
    assert suited(experiment) == experiment and experiment.data.split.method in split_methods(source)


@pytest.mark.parametrize("name", PRESETS)
def test_what_suits_already_is_left_as_it_is(name):
    experiment = find_experiment(name)
    assert suited(experiment) == experiment
    assert with_data(experiment, experiment.data.source) == experiment


@pytest.mark.parametrize("name", PRESETS)
def test_the_losses_that_are_offered_are_those_that_can_be_fitted(name):
    experiment = find_experiment(name)
    offered = suiting_losses(experiment.data.source)
    assert type(experiment.fit.loss) in offered
    assert (set(offered) == set(ex.CLASS_LOSSES)) is is_classification(experiment.data.source)
    assert set(offered) | set(ex.CLASS_LOSSES) in (set(ex.CLASS_LOSSES), set(typing.get_args(ex.Loss)))


def test_two_classes_by_one_logit_stay_while_nothing_else_can_be_known():
    texts = find_experiment("remarks")
    one_logit = ex.replace(texts, fit=ex.replace(texts.fit, loss=ex.BCEWithLogitsLoss()))
    assert isinstance(with_data(one_logit, ex.replace(texts.data.source, length=7)).fit.loss, ex.BCEWithLogitsLoss)
    assert isinstance(with_data(one_logit, ex.replace(texts.data.source, label="x")).fit.loss, ex.CrossEntropyLoss)
    assert isinstance(with_data(one_logit, ex.Blobs(classes=2)).fit.loss, ex.BCEWithLogitsLoss)
    assert isinstance(with_data(one_logit, ex.Blobs(classes=3)).fit.loss, ex.CrossEntropyLoss)


def test_rows_sorted_by_class_are_not_left_in_order():
    assert with_data(ex.Experiment(), ex.Bundled(name="iris")).data.split.method == "stratified"
    assert with_data(ex.Experiment(), ex.Moons()).data.split.method == "random"
    assert with_data(ex.Experiment(), ex.Sine()).data.split.method == "in order"


def test_the_script_s_reading_is_known_where_only_the_split_s_shares_change():
    table = ex.Data(source=ex.Table(path="a.csv", target="y", features=("x",)))
    assert reads_the_same(table, ex.replace(table, split=ex.Split(train=60), scaling=ex.Scaling(features="robust")))
    assert not reads_the_same(table, ex.replace(table, drop_duplicates=True))
    assert not reads_the_same(table, ex.replace(table, split=ex.Split(method="by column", column="set")))
    windows = ex.Data(source=ex.Sequences(path="a.csv", target="y", features=("y",)))
    assert not reads_the_same(windows, ex.replace(windows, split=ex.Split(train=60)))
