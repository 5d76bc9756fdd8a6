"""Layers as values: torch's own names, options, defaults and types; the way through a file; what torch is told."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from msgspec import inspect as types
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment import layers as part
from engine.files import format_experiment, parse_experiment
from engine.models.layer_classes import LAYERS, MASKED
from engine.script.sequential import MASKED_CLASSES, OWN_CLASSES
from tests.engine.every_layer import ALL, CASES, IDS

KINDS = [kind for group in part.GROUPS.values() for kind in group]
OF_TORCH = [kind for kind in KINDS if hasattr(nn, kind.__name__)]
SIZES = {  # follow from the data or from the layer before: `flow` fills them in
    "in_features", "in_channels", "num_features", "num_channels", "normalized_shape", "input_size", "embed_dim",
    "d_model", "num_embeddings",
}  # fmt: skip
NOT_OFFERED = {
    "device": "the session's",
    "dtype": "float32 everywhere",
    "inplace": "saves memory, computes the same",
    "return_indices": "a second result, which no layer takes",
    "batch_first": "always true: rows come first everywhere",
    "kdim": "self-attention: keys are what comes in",
    "vdim": "self-attention: values are what comes in",
    "include_last_offset": "for bags of different sizes in one line of tokens; here each row is a bag",
    "_weight": "torch's own business",
    "_freeze": "torch's own business; the model says which layers are frozen",
    "min_value": "torch calls it deprecated for min_val",
    "max_value": "torch calls it deprecated for max_val",
    "args": "ignored by torch",
    "kwargs": "ignored by torch",
}
NOT_OFFERED_IN = {
    **{(kind, "bias"): "came after torch 2.11; affine decides over weight and bias together"
       for kind in (*part.GROUPS["Normalisation"],) if kind is not part.LayerNorm},
    (part.ConvTranspose1d, "padding_mode"): "torch takes zeros alone",
    (part.ConvTranspose2d, "padding_mode"): "torch takes zeros alone",
    (part.GRU, "proj_size"): "for LSTM alone",
    (part.RNN, "proj_size"): "for LSTM alone",
}  # fmt: skip
VALUES_NOT_OFFERED = {
    ("output_size", type(None)): "as much as comes in: say how much, or leave the layer out",
    ("momentum", type(None)): "TOML has no word for it: a mean over all batches since the start",
}
OWN_VALUES = {
    (part.Linear, "out_features"): {type(None)},  # as many as the task takes
    (part.Unflatten, "unflattened_size"): {int},  # never told as one: see below
}
OWN_DEFAULTS = {(kind, "dim"): -1 for kind in (part.Softmax, part.Softmin, part.LogSoftmax)}  # torch: deprecated None
OWN_OPTIONS = {"mask_filling"}
"""What torch has no option for: it is said at each call."""
RECURRENT = inspect.signature(nn.RNNBase).parameters


def parameters(kind: type[ex.Layer]) -> dict[str, inspect.Parameter]:
    """The options of torch's class; those of RNN, LSTM and GRU are their base's, and one of RNN's own."""
    if kind not in (part.RNN, part.LSTM, part.GRU):
        return dict(inspect.signature(getattr(nn, kind.__name__)).parameters)
    found = {name: parameter for name, parameter in RECURRENT.items() if name != "mode"}
    if kind is part.RNN:
        found["nonlinearity"] = inspect.Parameter("nonlinearity", inspect.Parameter.KEYWORD_ONLY, default="tanh")
    return found


def plain(value: object) -> object:
    """(3,) is torch's 3, a word its function of that name."""
    if callable(value) and value is not inspect.Parameter.empty:
        return value.__name__
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def members(kind: types.Type) -> set[type]:
    """The plain types that a field takes."""
    match kind:
        case types.Metadata():
            return members(kind.type)
        case types.UnionType():
            return set().union(*map(members, kind.types))
        case types.LiteralType():
            return {str}
    return {
        types.BoolType: {bool}, types.IntType: {int}, types.FloatType: {float}, types.NoneType: {type(None)},
        types.VarTupleType: {int, tuple},
    }[type(kind)]  # fmt: skip


def flat(annotation: object) -> set[type]:
    """The plain types in an annotation of torch's."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return {str}
    if origin is tuple or annotation is torch.Size:
        return {tuple}
    if origin in (Callable, list):  # a function has a word of its own; a list is a tuple
        return set()
    if isinstance(annotation, type):
        return {annotation}
    return set().union(*map(flat, typing.get_args(annotation)))


@pytest.mark.parametrize("kind", OF_TORCH, ids=lambda kind: kind.__name__)
def test_a_layer_has_torch_s_own_name_options_defaults_and_types(kind):
    assert kind.__name__ == kind.__struct_config__.tag
    theirs = parameters(kind)
    ours = {field.name: field for field in types.type_info(kind).fields if field.name not in OWN_OPTIONS}
    left_out = {name for name in theirs if name in NOT_OFFERED or name in SIZES or (kind, name) in NOT_OFFERED_IN}
    assert ours.keys() == theirs.keys() - left_out
    for name, field in ours.items():
        parameter = theirs[name]
        if name not in kind.ALWAYS:  # those torch is told at all times
            assert plain(field.default) == plain(parameter.default), name
            assert isinstance(field.default, bool) == isinstance(parameter.default, bool), name
        if (kind, name) in OWN_DEFAULTS:
            assert field.default == OWN_DEFAULTS[kind, name]
        if parameter.annotation is not inspect.Parameter.empty and kind not in (part.RNN, part.LSTM, part.GRU):
            assert members(field.type) == told(name, kind, parameter), name


def told(name: str, kind: type[ex.Layer], parameter: inspect.Parameter) -> set[type]:
    """The plain types that torch takes and that are offered."""
    found = flat(parameter.annotation) | ({type(None)} if parameter.default is None else set())
    if (kind, name) in OWN_DEFAULTS:
        found -= {type(None)}
    return found - {of for option, of in VALUES_NOT_OFFERED if option == name} | OWN_VALUES.get((kind, name), set())


def test_what_is_left_out_is_there_in_torch():
    names = {name for kind in OF_TORCH for name in parameters(kind)}
    assert names >= SIZES | (NOT_OFFERED.keys() - {"device"})
    for kind, name in NOT_OFFERED_IN:
        if name != "bias":  # a newer torch's
            assert name in parameters(kind)


def test_every_layer_of_the_union_is_in_one_group_and_has_a_class():
    assert sorted(KINDS, key=str) == sorted(typing.get_args(ex.Layer), key=str)
    assert set(KINDS) == LAYERS.keys() and len(KINDS) == len(set(KINDS))


def test_every_activation_of_torch_is_there():
    activations = {name for name in nn.modules.activation.__all__ if name != "MultiheadAttention"} | {"Identity"}
    assert activations == {kind.__name__ for kind in part.GROUPS["Activation"]}


def test_every_layer_says_what_it_is_and_every_option_has_a_title_and_a_help():
    for kind in KINDS:
        assert kind.__doc__.rstrip().endswith("."), kind
        for field in types.type_info(kind).fields:
            if (kind, field.name) != (part.Residual, "layers"):
                words = field.type.extra_json_schema
                assert words["title"] and words["description"].rstrip().endswith("."), (kind, field.name)


def test_the_classes_that_the_script_shows_are_those_that_are_built():
    own = {kind: of.__name__ for kind, of in LAYERS.items() if of.__module__ == "engine.models.modules"}
    assert own == OWN_CLASSES
    assert {kind: of.__name__ for kind, of in MASKED.items()} == MASKED_CLASSES
    assert all(LAYERS[kind] is getattr(nn, kind.__name__) for kind in KINDS if kind not in own)
    for kind in own.keys() & set(OF_TORCH):
        assert issubclass(LAYERS[kind], getattr(nn, kind.__name__))
    for kind in MASKED.keys() & set(OF_TORCH):
        assert issubclass(MASKED[kind], getattr(nn, kind.__name__))


# ------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize(("_data", "model", "_place"), CASES, ids=IDS)
def test_toml_and_back_is_the_same_model(_data, model, _place):
    experiment = ex.Experiment(model=ex.replace(model, frozen=1))
    assert parse_experiment(format_experiment(experiment), "x.toml", Path()) == experiment
    assert ex.checked(experiment) == experiment and hash(experiment) == hash(experiment)


LAYER = '[model]\nkind = "sequential"\n[[model.layers]]\n'
BAD = {
    LAYER + 'layer = "Linaer"': ["model.layers[0].layer", "Linaer", "it can be Linear, "],
    LAYER + 'layer = "Linear"\nout_features = 0': ["model.layers[0].out_features"],
    LAYER + 'layer = "Linear"\nin_features = 3': ["model.layers[0]", "in_features", "it can be layer, out_features"],
    LAYER + 'layer = "Conv2d"\nkernel_size = []': ["model.layers[0].kernel_size"],
    LAYER + 'layer = "Conv2d"\nkernel_size = [3, 3, 3]': ["model.layers[0].kernel_size"],
    LAYER + 'layer = "Conv1d"\nkernel_size = [3, 3]': ["model.layers[0].kernel_size"],
    LAYER + 'layer = "Conv2d"\npadding = [-1]': ["model.layers[0].padding"],
    LAYER + 'layer = "Conv2d"\npadding = "valid"': ["model.layers[0].padding"],
    LAYER + 'layer = "MaxPool2d"\nstride = [0]': ["model.layers[0].stride"],
    LAYER + 'layer = "Dropout"\np = 1.5': ["model.layers[0].p"],
    LAYER + 'layer = "LSTM"\nhidden_size = 4\nproj_size = 4': ["model.layers[0]", "proj_size"],
    LAYER + 'layer = "RReLU"\nlower = 0.5': ["model.layers[0]", "lower"],
    LAYER + 'layer = "Hardtanh"\nmin_val = 1.0': ["model.layers[0]", "min_val"],
    LAYER + 'layer = "Unflatten"\nunflattened_size = [-1, -1]': ["model.layers[0]", "-1"],
    LAYER + 'layer = "EmbeddingBag"\nmode = "max"\nsparse = true': ["model.layers[0]", "mode max"],
    LAYER + 'layer = "Residual"\n' + "[[model.layers.layers]]\nlayer = 'Conv2d'\nstride = [0]": ["layers[0].stride"],
    '[model]\nkind = "sequential"\nlayers = ' + 9 * '[{layer = "Residual", layers = ' + "[]" + 9 * "}]": ["8 residual"],
}


@pytest.mark.parametrize("text", BAD)
def test_what_a_layer_may_not_be_is_named_with_its_place(text):
    with pytest.raises(InputError) as caught:
        parse_experiment(text, "mine.toml", Path())
    assert [word for word in BAD[text] if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ what torch is told


def test_torch_is_told_what_is_not_its_default():
    assert part.options(part.Conv2d(kernel_size=(3, 5), padding=(1,))) == {
        "out_channels": 16, "kernel_size": (3, 5), "padding": 1,
    }  # fmt: skip
    assert part.options(part.MaxPool2d()) == {"kernel_size": 2}
    assert part.options(part.ReLU()) == part.options(part.Residual(project=True)) == {}
    assert part.options(part.GRU(dropout=0.5)) == {"hidden_size": 16, "batch_first": True}
    assert part.options(part.GRU(dropout=0.5, num_layers=2))["dropout"] == 0.5
    assert part.options(part.Unflatten(unflattened_size=(8,)))["unflattened_size"] == (8,)


def in_training_differs(module: nn.Module, X: torch.Tensor) -> bool:
    module.train()
    return not all(torch.equal(module(X), module(X)) for _ in range(5))


DRAWING = [
    part.Dropout(), part.Dropout1d(), part.Dropout2d(), part.AlphaDropout(), part.RReLU(),
    part.LSTM(num_layers=2, dropout=0.5), part.MultiheadAttention(dropout=0.5), part.TransformerEncoderLayer(),
]  # fmt: skip
STILL = [
    part.Dropout(p=0.0), part.RReLU(lower=0.25, upper=0.25), part.LSTM(dropout=0.5), part.MultiheadAttention(),
    part.TransformerEncoderLayer(dropout=0.0), part.BatchNorm1d(), part.Linear(),
]  # fmt: skip


@pytest.mark.parametrize("layer", [*DRAWING, *STILL], ids=lambda layer: type(layer).__name__)
def test_a_model_draws_when_one_of_its_layers_does(layer):
    draws = layer in DRAWING
    assert part.draws(ex.Sequential(layers=(part.Linear(out_features=4), layer))) is draws
    assert part.draws(ex.Sequential(layers=(part.Residual(layers=(part.Residual(layers=(layer,)),)),))) is draws
    assert not part.draws(ex.Sequential(layers=(layer, part.Linear()), frozen=1))


def test_the_models_without_a_layer_list_do_not_draw():
    assert not any(map(part.draws, (ex.Layers(), ex.LinearRegressionModel(), ex.LinearRegressionModelV2())))


def test_every_setting_is_a_value_of_its_own():
    encoded = [msgspec.json.encode(layer) for layer in ALL]
    assert len(set(encoded)) == len(encoded)
