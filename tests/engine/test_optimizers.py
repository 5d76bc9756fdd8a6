"""Every optimizer of torch in all its settings, and groups of parameters that learn differently."""

from __future__ import annotations

import inspect
import itertools
import re
import types
import typing

import msgspec
import pytest
import torch
from torch import nn

from engine import experiment as ex
from engine.choices import OPTIMIZERS, build_optimizer
from engine.errors import InputError
from engine.experiment.optimizers import NOT_OFFERED, OTHER_OPTIMIZERS
from engine.files import format_experiment, parse_experiment, set_value
from engine.parameter_groups import parameter_groups
from engine.script.optimizers import optimizer_lines
from tests.engine.every_choice import ALL_OPTIMIZERS, label, settings
from tests.engine.stepping import of_engine, of_script
from tests.engine.stepping_script import new_model, take_steps

OWN_DEFAULTS = {
    (ex.SGD, "lr"): 0.01,  # the course's; the script says lr always
    (ex.optimizers.Adafactor, "eps"): (torch.finfo(torch.float32).eps, 0.001),  # what torch's None stands for
}
GROUPS = [
    ex.Gradients(decay_biases=False),
    ex.Gradients(backbone_lr=0.25),
    ex.Gradients(decay_biases=False, backbone_lr=0.0),
]


def test_every_optimizer_of_torch_is_offered_or_named_with_a_reason():
    theirs = {name for name in torch.optim.__all__ if inspect.isclass(getattr(torch.optim, name))} - {"Optimizer"}
    assert {kind.__name__ for kind in OPTIMIZERS} | OTHER_OPTIMIZERS.keys() == theirs
    assert not {kind.__name__ for kind in OPTIMIZERS} & OTHER_OPTIMIZERS.keys()
    assert set(typing.get_args(ex.Optimizer)) == OPTIMIZERS.keys()


@pytest.mark.parametrize(("kind", "of_torch"), OPTIMIZERS.items())
def test_an_optimizer_has_torch_s_own_name_options_defaults_and_types(kind, of_torch):
    assert kind.__name__ == kind.__struct_config__.tag == of_torch.__name__
    theirs = inspect.signature(of_torch).parameters
    ours = {field.name: field for field in msgspec.structs.fields(kind)}
    assert ours.keys() <= theirs.keys() and theirs.keys() - ours.keys() <= NOT_OFFERED.keys()
    for name, field in ours.items():
        default = OWN_DEFAULTS.get((kind, name), theirs[name].default)
        assert field.default == default and isinstance(field.default, bool) == isinstance(default, bool), name
        assert kinds(field.type) <= kinds(theirs[name].annotation), name


def kinds(annotation: object) -> set[object]:
    """The plain types that an annotation allows."""
    if typing.get_origin(annotation) is typing.Annotated:
        return kinds(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Literal:
        return set(map(type, typing.get_args(annotation)))
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return set().union(*map(kinds, typing.get_args(annotation)))
    return {typing.get_origin(annotation) or annotation}


def test_what_is_not_offered_is_an_option_of_torch():
    theirs = set().union(*(inspect.signature(kind).parameters for kind in OPTIMIZERS.values()))
    assert NOT_OFFERED.keys() <= theirs


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS, ids=label)
def test_the_optimizer_that_is_built_has_the_options_that_were_said(optimizer):
    (group,) = build_optimizer(optimizer, [nn.Parameter(torch.zeros(2, 2))]).param_groups
    options = msgspec.structs.asdict(optimizer)
    if options.get("max_eval", ...) is None:
        options["max_eval"] = optimizer.max_iter * 5 // 4
    assert {name: group[name] for name in options} == options


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_toml_and_back_is_the_same_optimizer(tmp_path, kind):
    for optimizer in settings(kind):
        experiment = ex.Experiment(fit=ex.Fit(optimizer=optimizer))
        assert parse_experiment(format_experiment(experiment), "x.toml", tmp_path) == experiment


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        (ex.optimizers.Rprop, {"etas": (1.0, 1.2)}, "etas[0]"),
        (ex.optimizers.Rprop, {"etas": (0.5, 1.0)}, "etas[1]"),
        (ex.optimizers.Rprop, {"step_sizes": (2.0, 1.0)}, "smallest"),
        (ex.optimizers.Adadelta, {"rho": 1.5}, "rho"),
        (ex.optimizers.Adafactor, {"d": 0.5}, "d`"),
        (ex.optimizers.Adafactor, {"beta2_decay": 0.1}, "beta2_decay"),
        (ex.optimizers.LBFGS, {"max_eval": 0}, "max_eval"),
        (ex.optimizers.LBFGS, {"line_search_fn": "armijo"}, "line_search_fn"),
        (ex.optimizers.Muon, {"ns_steps": 100}, "ns_steps"),
        (ex.optimizers.Muon, {"adjust_lr_fn": "other"}, "adjust_lr_fn"),
        (ex.optimizers.NAdam, {"betas": (0.9, 1.0)}, "betas[1]"),
    ],
)
def test_what_torch_refuses_is_refused_before_torch_is_asked(kind, options, named):
    tree = {"name": kind.__name__, **options}
    with pytest.raises(msgspec.ValidationError, match=re.escape(named)):
        msgspec.convert(tree, ex.Optimizer)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_script_s_lines_take_the_same_steps_to_the_last_bit(warm_python, tmp_path, kind):
    fits, n = [ex.Fit(optimizer=optimizer) for optimizer in settings(kind)], n_steps(kind)
    assert of_script(fits, n, warm_python, tmp_path) == [of_engine(fit, n) for fit in fits]


def n_steps(kind: type[ex.Optimizer]) -> int:
    """How many steps show what it does; one of LBFGS is twenty."""
    return 2 if kind is ex.optimizers.LBFGS else 8


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_steps_are_those_of_torch_s_own_class(kind):
    for optimizer in settings(kind):
        bias = kind is not ex.optimizers.Muon  # what it takes beside matrices: below
        model = new_model(bias)
        options = msgspec.structs.asdict(optimizer)
        by_hand = getattr(torch.optim, kind.__name__)(model.parameters(), **options)
        fit = ex.Fit(optimizer=optimizer)
        assert of_engine(fit, n_steps(kind), bias) == take_steps(model, by_hand, None, n_steps(kind))


# ----------------------------------------------------------------------------------------------------------- groups


def shapes(groups: list[dict]) -> list[list[list[int]]]:
    return [[list(parameter.shape) for parameter in group["params"]] for group in groups]


def test_one_plain_group_in_the_model_s_order_where_nothing_is_special():
    model = new_model(True)
    for gradients in (ex.Gradients(), ex.Gradients(decay_biases=False)):  # without a decay there is nothing to spare
        (group,) = parameter_groups(model, ex.Fit(optimizer=ex.SGD(), gradients=gradients))
        assert group.keys() == {"params"}
        assert all(one is other for one, other in zip(group["params"], model.parameters(), strict=True))


def test_biases_and_norms_are_spared_the_decay():
    model = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Linear(3, 1))
    fit = ex.Fit(optimizer=ex.optimizers.AdamW(), gradients=ex.Gradients(decay_biases=False))
    decayed, spared = build_optimizer(fit.optimizer, parameter_groups(model, fit)).param_groups
    assert shapes([decayed, spared]) == [[[3, 2], [1, 3]], [[3], [3], [3], [1]]]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)


def test_all_but_the_last_layer_with_parameters_learn_more_slowly():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1)), nn.Flatten())
    fit = ex.Fit(optimizer=ex.Adam(lr=0.5), gradients=ex.Gradients(backbone_lr=0.25))
    head, backbone = build_optimizer(fit.optimizer, parameter_groups(model, fit)).param_groups
    assert shapes([head, backbone]) == [[[4, 3], [4], [1, 4], [1]], [[3, 2], [3]]]
    assert (head["lr"], backbone["lr"]) == (0.5, 0.125)


def test_a_model_without_layers_is_all_head():
    class Line(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.zeros(1))

    (group,) = parameter_groups(Line(), ex.Fit(gradients=ex.Gradients(backbone_lr=0.1)))
    assert "lr" not in group and len(group["params"]) == 1


def test_frozen_parameters_are_in_no_group_and_a_frozen_model_is_refused():
    model = new_model(True)
    model[0].requires_grad_(False)
    for gradients in (ex.Gradients(), *GROUPS):
        groups = parameter_groups(model, ex.Fit(gradients=gradients))
        assert [shape for group in shapes(groups) for shape in group] == [[2, 3], [2]]
    model.requires_grad_(False)
    with pytest.raises(InputError, match="freeze fewer layers"):
        parameter_groups(model, ex.Fit())


def test_every_trainable_parameter_is_in_exactly_one_group():
    model = new_model(True)
    for kind, gradients in itertools.product(OPTIMIZERS, GROUPS):
        if kind is ex.optimizers.LBFGS:
            continue
        groups = parameter_groups(model, ex.Fit(optimizer=kind(), gradients=gradients))
        grouped = [id(parameter) for group in groups for parameter in group["params"]]
        assert sorted(grouped) == sorted(map(id, model.parameters())) and all(group["params"] for group in groups)


@pytest.mark.parametrize("gradients", GROUPS, ids=repr)
def test_the_script_s_groups_take_the_same_steps_to_the_last_bit(warm_python, tmp_path, gradients):
    fits = [
        ex.Fit(optimizer=kind(), gradients=gradients) for kind in OPTIMIZERS if kind is not ex.optimizers.LBFGS
    ]
    fits.append(ex.Fit(optimizer=ex.SGD(weight_decay=0.1, momentum=0.5), gradients=gradients))
    assert of_script(fits, 8, warm_python, tmp_path) == [of_engine(fit, 8) for fit in fits]


def test_the_script_trains_what_is_not_frozen():
    frozen = ex.Sequential(layers=(ex.layers.Linear(out_features=3), ex.layers.Linear()), frozen=1)
    assert "requires_grad" in "".join(optimizer_lines(ex.Fit(), frozen))
    assert optimizer_lines(ex.Fit(), ex.Layers()) == ["optimizer = torch.optim.SGD(model.parameters(), lr=0.01)"]


@pytest.mark.parametrize("muon", settings(ex.optimizers.Muon), ids=label)
def test_with_muon_adamw_steps_what_is_no_matrix_at_the_same_rate_and_decay(muon):
    pair, by_hand = new_model(True), new_model(True)
    optimizer = build_optimizer(muon, parameter_groups(pair, ex.Fit(optimizer=muon)))
    matrices = [parameter for parameter in by_hand.parameters() if parameter.ndim == 2]
    others = [parameter for parameter in by_hand.parameters() if parameter.ndim != 2]
    two = (
        torch.optim.Muon(matrices, **msgspec.structs.asdict(muon)),
        torch.optim.AdamW(others, lr=muon.lr, weight_decay=muon.weight_decay),
    )
    X = torch.randn(20, 2, generator=torch.Generator().manual_seed(5))
    for _ in range(8):
        for model, optimizers in ((pair, [optimizer]), (by_hand, two)):
            model.zero_grad()
            model(X).square().sum().backward()
            for each in optimizers:
                each.step()
    assert all(map(torch.equal, pair.parameters(), by_hand.parameters()))
    assert len(optimizer.state_dict()["state"]) == 4, "one memory of both"


def test_a_schedule_and_a_slower_backbone_reach_both_of_a_pair():
    model = new_model(True)
    before = [parameter.clone() for parameter in model.parameters()]
    fit = ex.Fit(optimizer=ex.optimizers.Muon(), gradients=ex.Gradients(backbone_lr=0.0))
    optimizer = build_optimizer(fit.optimizer, parameter_groups(model, fit))
    model(torch.ones(3, 2)).square().sum().backward()
    optimizer.step()
    moved = [not torch.equal(*each) for each in zip(before, model.parameters(), strict=True)]
    assert moved == [False, False, True, True]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = [parameter.clone() for parameter in model.parameters()]
    optimizer.step()
    assert all(map(torch.equal, before, model.parameters()))


def test_lbfgs_says_that_it_takes_one_rate_for_all():
    fit = ex.Fit(optimizer=ex.optimizers.LBFGS(), gradients=ex.Gradients(backbone_lr=0.1))
    with pytest.raises(InputError, match="Backbone rate to 1"):
        parameter_groups(new_model(True), fit)


# ------------------------------------------------------------------------------------------------------- --set


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_any_optimizer_can_be_named_in_place_of_any_other(kind):
    for optimizer in ALL_OPTIMIZERS:
        experiment = ex.Experiment(fit=ex.Fit(optimizer=optimizer))
        changed = set_value(experiment, f"fit.optimizer.name={kind.__name__}").fit.optimizer
        assert type(changed) is kind and changed.lr == optimizer.lr


def test_an_option_with_another_meaning_takes_its_own_default():
    start = ex.Experiment(fit=ex.Fit(optimizer=ex.Adam(eps=1e-4, weight_decay=0.1)))
    adafactor = set_value(start, "fit.optimizer.name=Adafactor").fit.optimizer
    assert adafactor == ex.optimizers.Adafactor(lr=0.001, weight_decay=0.1)
