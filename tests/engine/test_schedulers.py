"""Every scheduler of torch in all its settings: the rates are those of torch's own class, here and in the script."""

from __future__ import annotations

import inspect
import types
import typing

import msgspec
import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from engine import experiment as ex
from engine.choices import SCHEDULERS, build_optimizer, build_scheduler
from engine.errors import InputError
from engine.experiment.schedulers import NOT_OFFERED, Inner
from engine.files import format_experiment, parse_experiment, set_value
from engine.script.optimizers import scheduler_imports, scheduler_lines
from engine.session import Session
from tests.engine.every_choice import label, settings
from tests.engine.stepping import of_engine, of_script
from tests.engine.stepping_script import new_model, take_steps

N = 30
LR = 0.05
ALL_SCHEDULERS = [scheduler for kind in SCHEDULERS for scheduler in settings(kind)]
SHORT = [  # whose turns come within N steps
    ex.schedulers.StepLR(step_size=4, gamma=0.5),
    ex.schedulers.MultiStepLR(milestones=(3, 3, 9)),
    ex.schedulers.CosineAnnealingLR(T_max=7, eta_min=0.001),
    ex.schedulers.CosineAnnealingWarmRestarts(T_0=3, T_mult=2),
    ex.schedulers.LambdaLR(lr_lambda="min(1, (epoch + 1) / 10) * exp(-epoch / 20)"),
    ex.schedulers.MultiplicativeLR(lr_lambda="2^(-epoch/9) + abs(cos(epoch))^3"),
    ex.schedulers.CyclicLR(step_size_up=3, step_size_down=2, mode="triangular2", base_lr=0.01),
    ex.schedulers.CyclicLR(step_size_up=3, mode="exp_range", gamma=0.9, max_lr=0.3),
    ex.schedulers.OneCycleLR(max_lr=0.5, three_phase=True, cycle_momentum=False),
    ex.schedulers.ReduceLROnPlateau(patience=0, threshold=0.05, factor=0.5, cooldown=1),
    ex.schedulers.SequentialLR(
        schedulers=(
            ex.schedulers.LinearLR(), ex.schedulers.CosineAnnealingLR(), ex.schedulers.LambdaLR(lr_lambda="1/(1+epoch)")
        ),
        milestones=(4, 11),
    ),
    ex.schedulers.SequentialLR(
        schedulers=(ex.schedulers.ConstantLR(), ex.schedulers.CosineAnnealingWarmRestarts(T_0=4)), milestones=(3,)
    ),
    ex.schedulers.ChainedScheduler(schedulers=(ex.schedulers.LinearLR(), ex.schedulers.CosineAnnealingLR())),
]  # fmt: skip


def test_every_scheduler_of_torch_is_offered():
    theirs = set(lr_scheduler.__all__) - {"LRScheduler"}  # the base of all
    assert {kind.__name__ for kind in SCHEDULERS} == theirs
    assert set(typing.get_args(ex.Scheduler)) == SCHEDULERS.keys()


@pytest.mark.parametrize(("kind", "of_torch"), SCHEDULERS.items())
def test_a_scheduler_has_torch_s_own_name_options_defaults_and_types(kind, of_torch):
    assert kind.__name__ == kind.__struct_config__.tag == of_torch.__name__
    theirs = inspect.signature(of_torch, eval_str=False).parameters
    ours = {field.name: field for field in msgspec.structs.fields(kind) if field.name != "every"}
    assert ours.keys() <= theirs.keys() and theirs.keys() - ours.keys() <= NOT_OFFERED.keys()
    for name, field in ours.items():
        default = theirs[name].default
        if default is not inspect.Parameter.empty:
            assert field.default == default and isinstance(field.default, bool) == isinstance(default, bool), name
        words = theirs[name].annotation
        assert all(word in words for word in plain_types(field.type)), (name, words)


def plain_types(annotation: object) -> set[str]:
    """The names of the plain types in an annotation, as torch writes them; a formula is a function there."""
    if typing.get_origin(annotation) is typing.Annotated:
        return plain_types(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Literal:
        return set(map(repr, typing.get_args(annotation)))
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return set().union(*(plain_types(each) for each in typing.get_args(annotation) if each is not type(None)))
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)[0]
        return {"LRScheduler"} if inner is Inner else plain_types(inner)
    return {"Callable"} if annotation is str else {annotation.__name__}


def test_what_is_not_offered_is_an_option_of_torch():
    theirs = set().union(*(inspect.signature(kind).parameters for kind in SCHEDULERS.values()))
    assert NOT_OFFERED.keys() <= theirs


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_toml_and_back_is_the_same_scheduler(tmp_path, kind):
    for scheduler in [*settings(kind), *(each for each in SHORT if isinstance(each, kind))]:
        experiment = ex.Experiment(fit=ex.Fit(scheduler=scheduler))
        assert parse_experiment(format_experiment(experiment), "x.toml", tmp_path) == experiment
        assert ex.checked(experiment) == experiment


# ------------------------------------------------------------------------------------------------------------ rates


FORMULAS = {  # what the tests' formulas are in Python
    "0.95^epoch": lambda epoch: 0.95**epoch,
    "0.95": lambda epoch: 0.95,
    "1 / (1 + epoch)": lambda epoch: 1 / (1 + epoch),
    "1/(1+epoch)": lambda epoch: 1 / (1 + epoch),
    "1 - sin(epoch)^2 / 4": lambda epoch: 1 - np.sin(epoch) ** 2 / 4,
    "min(1, (epoch + 1) / 10) * exp(-epoch / 20)": lambda epoch: min(1, (epoch + 1) / 10) * np.exp(-epoch / 20),
    "2^(-epoch/9) + abs(cos(epoch))^3": lambda epoch: 2 ** (-epoch / 9) + abs(np.cos(epoch)) ** 3,
}


def by_hand(scheduler: ex.Scheduler, optimizer: torch.optim.Optimizer, n: int) -> lr_scheduler.LRScheduler:
    """The scheduler as a person would write it for n steps, with everything said."""
    options = {name: value for name, value in msgspec.structs.asdict(scheduler).items() if name != "every"}
    kind = getattr(lr_scheduler, type(scheduler).__name__)
    match scheduler:
        case ex.schedulers.LambdaLR() | ex.schedulers.MultiplicativeLR():
            options["lr_lambda"] = FORMULAS[scheduler.lr_lambda]
        case ex.schedulers.CosineAnnealingLR():
            options["T_max"] = scheduler.T_max or n
        case ex.schedulers.CyclicLR():
            options["max_lr"] = scheduler.max_lr or LR
            options["base_lr"] = scheduler.base_lr or options["max_lr"] / 10
        case ex.schedulers.OneCycleLR():
            options |= {"max_lr": scheduler.max_lr or LR, "total_steps": n}
        case ex.schedulers.SequentialLR():
            ends = [*scheduler.milestones, n]
            lengths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
            parts = [by_hand(*each) for each in zip(scheduler.schedulers, [optimizer] * 9, lengths, strict=False)]
            options |= {"schedulers": parts, "milestones": list(scheduler.milestones)}
        case ex.schedulers.ChainedScheduler():
            return kind([by_hand(part, optimizer, n) for part in scheduler.schedulers])
    return kind(optimizer, **options)


@pytest.mark.parametrize("scheduler", ALL_SCHEDULERS + SHORT, ids=label)
def test_the_rates_of_thirty_steps_are_those_of_torch_s_own_class(scheduler):
    fit = ex.Fit(optimizer=ex.SGD(lr=LR, momentum=0.5), scheduler=scheduler, epochs=N)
    model = new_model(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.5)
    assert of_engine(fit, N) == take_steps(model, optimizer, by_hand(scheduler, optimizer, N), N)


@pytest.mark.parametrize("scheduler", SHORT, ids=label)
def test_the_rate_changes_within_thirty_steps(scheduler):
    fit = ex.Fit(optimizer=ex.SGD(lr=LR, momentum=0.5), scheduler=scheduler, epochs=N)
    rates, _ = of_engine(fit, N)
    assert len({rate for (rate,) in rates}) > 2


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_the_script_s_lines_give_the_same_rates_and_weights_to_the_last_bit(warm_python, tmp_path, kind):
    schedulers = [*settings(kind), *(each for each in SHORT if isinstance(each, kind))]
    fits = [
        ex.Fit(optimizer=optimizer, scheduler=scheduler, epochs=N, gradients=gradients)
        for scheduler in schedulers
        for optimizer, gradients in [
            (ex.SGD(lr=LR, momentum=0.5), ex.Gradients()),
            (ex.optimizers.AdamW(), ex.Gradients(backbone_lr=0.3, decay_biases=False)),
        ]
    ]
    assert of_script(fits, N, warm_python, tmp_path) == [of_engine(fit, N) for fit in fits]


def test_a_group_that_learns_more_slowly_does_so_under_every_scheduler():
    for scheduler in ALL_SCHEDULERS:
        fit = ex.Fit(
            optimizer=ex.SGD(lr=LR, momentum=0.5), scheduler=scheduler, gradients=ex.Gradients(backbone_lr=0.25)
        )
        rates, _ = of_engine(fit, 12)
        is_floored = getattr(scheduler, "eta_min", 0) or getattr(scheduler, "min_lr", 0)
        assert all(backbone == pytest.approx(head / 4) for head, backbone in rates) or is_floored, scheduler


def test_the_whole_fit_is_counted_in_epochs_or_in_batches():
    optimizer = build_optimizer(ex.SGD(lr=LR), [nn.Parameter(torch.zeros(1))])
    for every, n in (("epoch", 7), ("batch", 70)):
        cosine = build_scheduler(ex.schedulers.CosineAnnealingLR(every=every), optimizer, 70, 7)
        one_cycle = build_scheduler(ex.schedulers.OneCycleLR(every=every), optimizer, 70, 7)
        assert (cosine.T_max, one_cycle.total_steps) == (n, n)


# ------------------------------------------------------------------------------------------------- what cannot be


def build(scheduler: ex.Scheduler, optimizer: ex.Optimizer | None = None, n: int = 10) -> None:
    built = build_optimizer(optimizer or ex.SGD(), [nn.Parameter(torch.zeros(2, 2))])
    build_scheduler(scheduler, built, n, n)


@pytest.mark.parametrize("kind", [ex.schedulers.CyclicLR, ex.schedulers.OneCycleLR])
def test_cycling_a_momentum_that_the_optimizer_has_not_is_explained(kind):
    for optimizer in (ex.optimizers.Adagrad(), ex.optimizers.LBFGS(), ex.optimizers.Rprop()):
        with pytest.raises(InputError, match=f"{type(optimizer).__name__} has none: switch off Cycle momentum"):
            build(kind(), optimizer)
        build(kind(cycle_momentum=False), optimizer)
    build(kind(), ex.optimizers.Muon())


REFUSED = {
    "one step to rise in": (ex.schedulers.OneCycleLR(pct_start=0.1), "too few to rise in"),
    "nothing to fall in": (ex.schedulers.OneCycleLR(pct_start=1.0), "nothing is left to fall in"),
    "no formula": (ex.schedulers.LambdaLR(lr_lambda=""), "write one in epoch"),
    "another variable": (ex.schedulers.LambdaLR(lr_lambda="0.9^x"), "'x' is not known; it can have epoch"),
    "a call": (ex.schedulers.LambdaLR(lr_lambda="__import__('os')"), "'__import__' is not known"),
    "an attribute": (ex.schedulers.MultiplicativeLR(lr_lambda="epoch.real"), "no place in a formula"),
    "divided by zero": (ex.schedulers.LambdaLR(lr_lambda="1 / epoch"), "no finite value at epoch = 0"),
    "divided by zero inside": (ex.schedulers.LambdaLR(lr_lambda="min(1, 1 / (epoch - 10))"), "at epoch = 10"),
    "too large": (ex.schedulers.LambdaLR(lr_lambda="10^(epoch^epoch)"), "no finite value"),
    "below zero": (ex.schedulers.LambdaLR(lr_lambda="1 - epoch / 4"), "below 0 at epoch = 5"),
    "without end": (ex.schedulers.ExponentialLR(gamma=1e4), "above 1e30"),
    "without end, by a formula": (ex.schedulers.MultiplicativeLR(lr_lambda="10^epoch"), "above 1e30"),
    "without end, together": (
        ex.schedulers.ChainedScheduler(schedulers=(ex.schedulers.ExponentialLR(gamma=99.0),) * 2), "above 1e30"
    ),
    "inside of another": (
        ex.schedulers.SequentialLR(
            schedulers=(ex.schedulers.LinearLR(), ex.schedulers.LambdaLR(lr_lambda="1/epoch")), milestones=(3,)
        ),
        "no finite value at epoch = 0",
    ),
    "chained": (
        ex.schedulers.ChainedScheduler(schedulers=(ex.schedulers.LambdaLR(lr_lambda="-1"),)), "below 0 at epoch = 0"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_break_in_the_middle_of_the_fit_is_refused_before_it_in_a_sentence(name):
    scheduler, words = REFUSED[name]
    with pytest.raises(InputError) as caught:
        build(scheduler)
    message = str(caught.value)
    assert words in message and len(message) < 400 and "\n" not in message


def test_a_cycle_that_is_halved_without_end_is_refused():
    halving = ex.schedulers.CyclicLR(step_size_up=1, mode="triangular2")
    build(halving, n=1_000)
    with pytest.raises(InputError, match=r"halves its height 50,000 times"):
        build(halving, n=100_000)


def test_a_formula_without_end_is_a_number_all_the_same(warm_python, tmp_path):
    """9^(9^epoch) in whole numbers would never end; floats do, here and in the script."""
    formula = ex.schedulers.LambdaLR(lr_lambda="1 / (1 + 9^(2^epoch))")
    fit = ex.Fit(scheduler=formula, epochs=8)
    assert of_script([fit], 8, warm_python, tmp_path) == [of_engine(fit, 8)]
    with pytest.raises(InputError, match="no finite value at epoch = 9"):
        build(formula)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": "SequentialLR", "milestones": []}, "need 1 milestones"),
        ({"name": "SequentialLR", "schedulers": []}, "schedulers"),
        ({"name": "SequentialLR", "schedulers": [{"name": "OneCycleLR"}], "milestones": []}, "OneCycleLR"),
        ({"name": "SequentialLR", "schedulers": [{"name": "SequentialLR"}], "milestones": []}, "SequentialLR"),
        ({"name": "ChainedScheduler", "schedulers": [{"name": "ReduceLROnPlateau"}]}, "ReduceLROnPlateau"),
        ({"name": "ChainedScheduler", "schedulers": []}, "schedulers"),
        ({"name": "OneCycleLR", "three_phase": True, "pct_start": 0.6}, "pct_start"),
        ({"name": "OneCycleLR", "base_momentum": 0.96}, "base_momentum"),
        ({"name": "CyclicLR", "base_momentum": 0.95}, "base_momentum"),
        ({"name": "CyclicLR", "mode": "square"}, "mode"),
        ({"name": "ReduceLROnPlateau", "factor": 1.0}, "factor"),
        ({"name": "ReduceLROnPlateau", "every": "batch"}, "every"),
        ({"name": "LinearLR", "start_factor": 0.0}, "start_factor"),
        ({"name": "ConstantLR", "factor": 0.0}, "factor"),
        ({"name": "CosineAnnealingWarmRestarts", "T_0": 0}, "T_0"),
        ({"name": "StepLR", "step_size": 0}, "step_size"),
    ],
)
def test_what_torch_refuses_is_refused_before_torch_is_asked(options, named):
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.convert(options, ex.Scheduler)


def test_milestones_rise():
    three = (ex.schedulers.LinearLR(),) * 3
    for milestones in ((5, 5), (6, 5)):
        with pytest.raises(ValueError, match="must rise"):
            ex.schedulers.SequentialLR(schedulers=three, milestones=milestones)


def test_the_script_imports_numpy_for_formulas_that_need_it_alone():
    assert scheduler_imports(ex.Fit(scheduler=ex.schedulers.LambdaLR(lr_lambda="cos(epoch)"))) == ["import numpy as np"]
    for fit in (ex.Fit(), ex.Fit(scheduler=ex.schedulers.LambdaLR()), ex.Fit(scheduler=ex.schedulers.StepLR())):
        assert scheduler_imports(fit) == []


def test_the_script_s_lines_are_of_readable_length():
    for scheduler in [*ALL_SCHEDULERS, *SHORT]:
        for gradients in (ex.Gradients(), ex.Gradients(backbone_lr=0.3)):
            lines = scheduler_lines(ex.Fit(scheduler=scheduler, gradients=gradients), "epochs * steps_per_epoch")
            assert lines and max(map(len, lines)) <= 120, lines


# ------------------------------------------------------------------------------------------------------- --set


def test_a_scheduler_can_be_named_where_there_is_none():
    experiment = set_value(ex.Experiment(), "fit.scheduler.name=StepLR")
    assert experiment.fit.scheduler == ex.schedulers.StepLR()
    assert set_value(experiment, "fit.scheduler.gamma=0.5").fit.scheduler == ex.schedulers.StepLR(gamma=0.5)
    with pytest.raises(InputError, match="it can be StepLR, MultiStepLR"):
        set_value(ex.Experiment(), "fit.scheduler.name=Step")


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_any_scheduler_can_be_named_in_place_of_any_other(kind):
    for scheduler in ALL_SCHEDULERS:
        experiment = ex.Experiment(fit=ex.Fit(scheduler=scheduler))
        assert type(set_value(experiment, f"fit.scheduler.name={kind.__name__}").fit.scheduler) is kind


def test_another_scheduler_keeps_what_means_the_same_and_fits():
    start = ex.Experiment(fit=ex.Fit(scheduler=ex.schedulers.StepLR(every="batch", gamma=0.5)))
    assert set_value(start, "fit.scheduler.name=MultiStepLR").fit.scheduler == ex.schedulers.MultiStepLR(
        every="batch", gamma=0.5
    )
    start = ex.Experiment(fit=ex.Fit(scheduler=ex.schedulers.MultiStepLR()))  # two milestones would need three parts
    assert set_value(start, "fit.scheduler.name=SequentialLR").fit.scheduler == ex.schedulers.SequentialLR()


# --------------------------------------------------------------------------------------------------- very large


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_an_option_as_large_as_a_file_may_say_trains_or_ends_in_a_sentence(kind):
    for field in msgspec.structs.fields(kind):
        for size in ("1e300", "1e6", "1e-300", "9007199254740992", "1"):
            value = f'{{name="{kind.__name__}", {field.name}={size}}}'
            try:
                session = Session(set_value(ex.Experiment(), f"fit.scheduler={value}"))
                session.advance(epochs=10)
            except InputError as error:
                assert "\n" not in str(error) and str(error).endswith(".")
            else:
                assert session.epoch == 10 and np.isfinite(session.history.losses).all()
