"""Steps 1 and 2 together: other data brings a split, a loss and a model that can be used for it."""

from __future__ import annotations

import typing

import pytest

from engine import experiment as ex
from engine.data.dataset import load_dataset
from engine.data.preparation import check_loss
from engine.data.suits import n_classes, reads_the_same, split_methods, suited, why_not, with_data
from engine.errors import InputError
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
def test_a_loss_is_grey_with_a_reason_exactly_where_the_data_is_not_for_it(name):
    experiment = find_experiment(name)
    source, preparation = experiment.data.source, load_dataset(experiment.data).preparation
    for kind in typing.get_args(ex.Loss):
        reason = why_not(kind, source)
        if reason:
            assert reason.endswith(".") and len(reason) < 100
            with pytest.raises(InputError, match=kind.__name__):
                check_loss(kind(), preparation)
        elif n_classes(source) is not None or not preparation.classes:
            check_loss(kind(), preparation)
    assert not why_not(type(experiment.fit.loss), source)


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


def test_a_backbone_stays_for_data_of_its_kind_and_gives_way_to_layers_for_other():
    pictures, text = ex.Images(path="pictures"), ex.Text(path="texts")
    experiment = ex.Experiment(data=ex.Data(source=text), model=ex.Backbone(folder="/theirs"))
    assert with_data(experiment, ex.replace(text, length=12)).model == experiment.model
    assert with_data(experiment, ex.Text(path="other texts")).model == experiment.model
    assert with_data(experiment, pictures).model == ex.Layers()  # one of texts takes no pictures
    assert with_data(experiment, ex.Circles()).model == ex.Layers()
    not_chosen = ex.replace(experiment, model=ex.Backbone())
    assert with_data(not_chosen, pictures).model == ex.Backbone()
    assert with_data(with_data(not_chosen, pictures), text).model == ex.Backbone()
