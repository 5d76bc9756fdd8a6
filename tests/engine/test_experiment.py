"""What an experiment is: torch's names and defaults, ranges, and the way through a TOML file and back."""

from __future__ import annotations

import itertools
import math
import typing

import msgspec
import pytest

from engine import experiment as ex
from engine.choices import ACTIVATIONS, LOSSES, OPTIMIZERS
from engine.errors import InputError
from engine.files import (
    find_experiment,
    format_experiment,
    parse_experiment,
    preset_names,
    read_experiment,
    set_value,
    write_experiment,
)
from tests.engine.every_choice import MODELS, SPLITS, STACKS, settings

SOURCES = [
    ex.StraightLine(),
    ex.StraightLine(weight=-2.5, bias=1e-9, start=-3.0, end=7.25, step=1 / 3),
    ex.Table(path="/data/été \"2\" 'x' \\ \t.csv", target="größe", features=("a b", "c,d", "[e]", "f.g", "=")),
]


def test_every_kind_has_its_row_in_the_tables():
    assert set(typing.get_args(ex.Loss)) == LOSSES.keys()
    assert set(typing.get_args(ex.Optimizer)) == OPTIMIZERS.keys()
    activation = next(field for field in msgspec.structs.fields(ex.Layers) if field.name == "activation")
    names = typing.get_args(typing.get_args(activation.type)[0])
    assert list(ACTIVATIONS) == list(names) == [kind.__name__ for kind in ACTIVATIONS.values()]


def test_an_experiment_is_a_value():
    one, same = ex.Experiment(), ex.Experiment()
    assert one == same and hash(one) == hash(same)
    with pytest.raises(AttributeError):
        one.fit.epochs = 300
    with pytest.raises(AttributeError):
        one.data.source.weight = 1.0
    assert ex.replace(one.fit, epochs=300) == ex.Fit(epochs=300) and one.fit.epochs == 200


@pytest.mark.parametrize(("train", "validation", "test"), [(80, 0, 20), (60, 20, 20), (99, 0, 1), (1, 98, 1)])
def test_the_test_share_is_what_is_left(train, validation, test):
    assert ex.Split(train=train, validation=validation).test == test


# ------------------------------------------------------------------------------------------------- there and back


EXPERIMENTS = [
    *(ex.Experiment(data=ex.Data(source=source, split=split)) for source, split in itertools.product(SOURCES, SPLITS)),
    *(ex.Experiment(model=model) for model in (*MODELS, *STACKS, *settings(ex.Sequential))),
    *(ex.Experiment(fit=fit) for fit in settings(ex.Fit)),
    ex.Experiment(fit=ex.Fit(epochs=10_000_000, seed=2**63 - 1)),
]


@pytest.mark.parametrize("number", range(len(EXPERIMENTS)))
def test_toml_and_back_is_the_same_experiment(tmp_path, number):
    experiment = EXPERIMENTS[number]
    assert parse_experiment(format_experiment(experiment), "x.toml", tmp_path) == experiment
    write_experiment(tmp_path / "x.toml", experiment)
    assert read_experiment(tmp_path / "x.toml") == experiment
    assert ex.checked(experiment) == experiment


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_written_and_read_back_from_another_folder(tmp_path, name):
    write_experiment(tmp_path / "copy.toml", find_experiment(name))
    assert find_experiment(str(tmp_path / "copy.toml")) == find_experiment(name)


def test_a_table_in_the_experiment_s_folder_moves_with_it(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    source = ex.Table(path=str(here / "rows" / "t.csv"), target="y", features=("x",))
    write_experiment(here / "x.toml", ex.Experiment(data=ex.Data(source=source)))
    here.rename(there)
    assert read_experiment(there / "x.toml").data.source.path == str(there / "rows" / "t.csv")


def test_a_file_that_says_nothing_is_the_default_experiment(tmp_path):
    assert parse_experiment("", "empty.toml", tmp_path) == ex.Experiment()


# --------------------------------------------------------------------------------------------- what cannot be used


SGD = '[fit.optimizer]\nname = "SGD"\n'
ADAM = '[fit.optimizer]\nname = "Adam"\n'
LINE = '[data.source]\nkind = "straight-line"\n'
TABLE = '[data.source]\nkind = "table"\n'
BAD = {  # TOML: what the sentence must name
    "[fit]\nepochs = 0": ["fit.epochs"],
    "[fit]\nepochs = 10_000_001": ["fit.epochs"],
    "[fit]\nepochs = 1.5": ["fit.epochs"],
    "[fit]\nepochs = true": ["fit.epochs"],
    "[fit]\nepochs = 1979-05-27": ["fit.epochs"],
    "[fit]\nseed = -1": ["fit.seed"],
    "[fit]\nseed = 9223372036854775808": ["fit.seed"],
    "[fit]\nseed = 99999999999999999999999999": ["fit.seed"],
    "[fit]\nepoch = 3": ["fit", "epoch", "epochs"],
    "fit = 3": ["fit"],
    "fit = [1, 2]": ["fit"],
    "[training]\nepochs = 3": ["training", "data, model, fit"],
    SGD + "lr = -0.1": ["fit.optimizer.lr"],
    SGD + "lr = nan": ["fit.optimizer.lr", "finite"],
    SGD + "lr = inf": ["fit.optimizer.lr", "finite"],
    SGD + "lr = -inf": ["fit.optimizer.lr", "finite"],
    SGD + "lr = '0.1'": ["fit.optimizer.lr"],
    SGD + "nesterov = true": ["fit.optimizer", "momentum"],
    SGD + "nesterov = true\nmomentum = 0.9\ndampening = 0.1": ["fit.optimizer", "dampening"],
    SGD + "betas = [0.9, 0.999]": ["fit.optimizer", "betas", "lr, momentum"],
    ADAM + "betas = [0.9]": ["fit.optimizer.betas"],
    ADAM + "betas = [0.9, 1.0]": ["fit.optimizer.betas[1]"],
    ADAM + "betas = [nan, 0.9]": ["fit.optimizer.betas[0]", "finite"],
    ADAM + "momentum = 0.9": ["fit.optimizer", "momentum", "betas"],
    '[fit.optimizer]\nname = "Lion"': ["fit.optimizer.name", "Lion", "SGD, Adam"],
    "[fit.optimizer]\nlr = 0.1": ["fit.optimizer", "name"],
    "[fit.optimizer]\nname = 3": ["fit.optimizer.name"],
    '[fit.loss]\nname = "HuberLoss"\ndelta = 0': ["fit.loss.delta"],
    '[fit.loss]\nname = "HuberLoss"\ndelta = 0.0': ["fit.loss.delta"],
    '[fit.loss]\nname = "os.system"': ["fit.loss.name", "L1Loss, MSELoss, HuberLoss"],
    '[model]\nkind = "layers"\nhidden = [0]': ["model.hidden[0]"],
    '[model]\nkind = "layers"\nhidden = [65537]': ["model.hidden[0]"],
    '[model]\nkind = "layers"\nhidden = ["a"]': ["model.hidden[0]"],
    f'[model]\nkind = "layers"\nhidden = {[1] * 65}': ["model.hidden", "64"],
    '[model]\nkind = "layers"\nactivation = "relu"': ["model.activation", "relu"],
    '[model]\nkind = "linear-regression"\nhidden = [3]': ["model", "hidden"],
    '[model]\nkind = "my_models.Net"': ["model.kind", "linear-regression, linear-layer, layers"],
    LINE + "start = 1.0": ["data.source", "start", "end"],
    LINE + "step = 0.0": ["data.source.step"],
    LINE + "step = -0.1": ["data.source.step"],
    LINE + "step = 1e-9": ["data.source", "points"],
    LINE + "end = 1e308\nstart = -1e308": ["data.source", "points"],
    LINE + "path = 'a.csv'": ["data.source", "path", "weight"],
    TABLE + "path = 'a.csv'\ntarget = 'y'": ["data.source", "features"],
    TABLE + "path = 'a.csv'\ntarget = 'y'\nfeatures = []": ["data.source.features"],
    TABLE + "path = 'a.csv'\ntarget = 'y'\nfeatures = 'x'": ["data.source.features"],
    TABLE + "path = 'a.csv'\ntarget = 'y'\nfeatures = ['x', 'y']": ["data.source", "'y'"],
    TABLE + "path = 'a.csv'\ntarget = 'y'\nfeatures = ['x', 'x']": ["data.source", "twice"],
    '[data.source]\nkind = "sql"': ["data.source.kind", "straight-line, polynomial"],
    "[data.split]\ntrain = 0": ["data.split.train"],
    "[data.split]\ntrain = 100": ["data.split.train"],
    "[data.split]\ntrain = 80\nvalidation = 20": ["data.split", "80 %", "20 %"],
    "[data.split]\nvalidation = -1": ["data.split.validation"],
    "[data.split]\nmethod = 1": ["data.split.method"],
    '"a\\nb" = 1': ["a"],
    '"a\\nb" = nan': ["a", "finite"],
    "[fit]\n'<b>' = 1": ["<b>"],
}


def sentence(caught: pytest.ExceptionInfo) -> str:
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and len(message) < 600
    return message


@pytest.mark.parametrize("text", BAD)
def test_what_a_file_may_not_say_is_named_with_file_and_key(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text + "\n")
    with pytest.raises(InputError) as caught:
        read_experiment(path)
    message = sentence(caught)
    assert message.startswith("mine.toml")
    assert [part for part in BAD[text] if part not in message] == []


DAMAGED = {
    "not TOML": b"epochs: 3",
    "JSON": b'{"fit": {"epochs": 3}}',
    "a key twice": b"[fit]\nepochs = 1\nepochs = 2",
    "not UTF-8": b'[data.source]\nkind = "table"\npath = "\xe9t\xe9.csv"',
    "UTF-16": "[fit]\nepochs = 3".encode("utf-16"),
    "NUL bytes": bytes(100),
    "5 MB": b"# " + b"x" * 5_000_000,
    "deep arrays": b"a = " + b"[" * 100_000 + b"]" * 100_000,
    "deep arrays inside": b"[model]\nhidden = " + b"[" * 300 + b"]" * 300,
    "deep tables": b"a = " + b"{a = " * 100_000 + b"1" + b"}" * 100_000,
    "deep dotted keys": b"a." * 5_000 + b"a = 1",
    "deep dotted keys at a known place": b"fit.optimizer." + b"a." * 400 + b"a = 1",
    "a number of 5000 digits": b"[fit]\nepochs = " + b"9" * 5_000,
    "a month 13": b"[fit]\nepochs = 1979-13-27",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, name):
    path = tmp_path / "mine.toml"
    path.write_bytes(DAMAGED[name])
    with pytest.raises(InputError) as caught:
        read_experiment(path)
    assert "mine.toml" in sentence(caught)


def test_a_folder_and_a_missing_file_are_refused_in_a_sentence(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.toml", tmp_path / "nothing.toml" / "x.toml"):
        with pytest.raises(InputError) as caught:
            read_experiment(path)
        assert str(path) in sentence(caught)


def test_a_name_that_is_no_preset_lists_the_presets():
    with pytest.raises(InputError) as caught:
        find_experiment("straightline")
    assert [name for name in preset_names() if name not in sentence(caught)] == []
    assert {"straight-line", "straight-line-linear", "diabetes"} <= set(preset_names())


def test_checked_refuses_what_replace_lets_through():
    for fit in (ex.replace(ex.Fit(), epochs=0), ex.replace(ex.Fit(), optimizer=ex.SGD(lr=-1.0))):
        with pytest.raises(msgspec.ValidationError):
            ex.checked(ex.Experiment(fit=fit))


# ------------------------------------------------------------------------------------------------------- --set


@pytest.mark.parametrize(
    ("assignment", "fit"),
    [
        ("fit.epochs=7", ex.Fit(epochs=7)),
        (" fit.epochs = 7 ", ex.Fit(epochs=7)),
        ("fit.optimizer.lr=0.05", ex.Fit(optimizer=ex.SGD(lr=0.05))),
        ("fit.optimizer.lr=1", ex.Fit(optimizer=ex.SGD(lr=1.0))),
        ("fit.optimizer.name=Adam", ex.Fit(optimizer=ex.Adam(lr=0.01))),
        ('fit.optimizer.name="Adam"', ex.Fit(optimizer=ex.Adam(lr=0.01))),
        ("fit.loss.name=HuberLoss", ex.Fit(loss=ex.HuberLoss())),
        ('fit.loss={name="HuberLoss", delta=2.0}', ex.Fit(loss=ex.HuberLoss(delta=2.0))),
    ],
)
def test_set_changes_one_value(assignment, fit):
    assert set_value(ex.Experiment(), assignment) == ex.Experiment(fit=fit)


def test_another_optimizer_keeps_what_both_have_and_drops_the_rest():
    start = ex.Experiment(fit=ex.Fit(optimizer=ex.SGD(lr=0.3, momentum=0.9, weight_decay=0.1, nesterov=True)))
    adam = set_value(start, "fit.optimizer.name=Adam")
    assert adam.fit.optimizer == ex.Adam(lr=0.3, weight_decay=0.1)
    back = set_value(set_value(adam, "fit.optimizer.betas=[0.5, 0.6]"), "fit.optimizer.name=SGD")
    assert back.fit.optimizer == ex.SGD(lr=0.3, weight_decay=0.1)


def test_another_kind_of_model_and_data_can_be_set():
    layers = set_value(set_value(ex.Experiment(), "model.kind=layers"), "model.hidden=[4, 2]")
    assert layers.model == ex.Layers(hidden=(4, 2))
    assert set_value(layers, "model.kind=linear-layer").model == ex.LinearRegressionModelV2()
    assert set_value(layers, "model.activation=Tanh").model == ex.Layers(hidden=(4, 2), activation="Tanh")


@pytest.mark.parametrize(
    ("assignment", "named"),
    [
        ("fit.epochs", "key=value"),
        ("=3", "key=value"),
        ("fit..epochs=3", "key=value"),
        ("fit.epochs=0", "fit.epochs"),
        ("fit.epochs=many", "fit.epochs"),
        ("fit.epoch=3", "epochs"),
        ("fit.optimizer.lr=nan", "finite"),
        ("fit.optimizer.name=Lion", "SGD, Adam"),
        ("fit.optimizer=Adam", "fit.optimizer"),
        ("fit.optimizer.betas=[0.9, 0.99]", "betas"),
        ("fit.epochs.more=3", "fit.epochs"),
        ("fits.epochs=3", "fit.epochs"),
        ("model.hidden=[4]", "hidden"),
        ("data.source.kind=table", "path"),
        ("data.split.train=99.5", "data.split.train"),
        ("fit.epochs=" + "9" * 5_000, "fit.epochs"),
        ("model.kind=" + "[" * 5_000, "model.kind"),
        ("fit.epochs=1979-13-27", "fit.epochs"),
        ("model.name=Foo", "it can be kind."),
        ("fit.loss.beta=1", "it can be name."),
        ("fit.batch_size=32", "(is fit.batches.size meant?); it can be loss, optimizer, "),
        ("batch_size=32", "(is fit.batches.size meant?); it can be data, model, fit."),
        ("fit.optimiser.lr=0.1", "there is no 'fit.optimiser' (is fit.optimizer.lr meant?)."),
        ("model.layers.0.bias=false", "there is no 'model.layers.0'; it can be kind."),
        ("zzz=3", "'zzz'; it can be data, model, fit."),
    ],
)
def test_a_value_that_cannot_be_set_is_refused_in_a_sentence_that_says_what_can(assignment, named):
    with pytest.raises(InputError) as caught:
        set_value(ex.Experiment(), assignment)
    message = str(caught.value)
    assert message.startswith("--set ") and named in message and "\n" not in message and message.endswith(".")


def test_a_table_s_path_that_is_set_stays_the_same_file_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = ex.Table(path="/old.csv", target="y", features=("x",))
    experiment = set_value(ex.Experiment(data=ex.Data(source=table)), "data.source.path=new.csv")
    (tmp_path / "out").mkdir()
    write_experiment(tmp_path / "out" / "x.toml", experiment)
    assert read_experiment(tmp_path / "out" / "x.toml").data.source.path == str(tmp_path / "new.csv")


def test_no_default_is_infinite_or_nan():
    def leaves(tree):
        return itertools.chain.from_iterable(map(leaves, tree.values())) if isinstance(tree, dict) else [tree]

    for experiment in EXPERIMENTS:
        numbers = [leaf for leaf in leaves(msgspec.to_builtins(experiment)) if isinstance(leaf, float)]
        assert all(map(math.isfinite, numbers))
