"""Step 2 of the script: the optimizer with its groups of parameters, and the scheduler."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from engine import experiment as ex
from engine.data.formula import parse
from engine.parameter_groups import slows_backbone, spares_biases
from engine.script.sources import class_lines

LONGEST_LINE = 110
TRAINED = "[parameter for parameter in model.parameters() if parameter.requires_grad]"
REQUIRED = ("lr", "step_size", "milestones", "T_0", "lr_lambda")
"""Options that are said even when they are the default: torch has none, or it is what everyone asks for first."""


def optimizer_definition(fit: ex.Fit) -> list[str]:
    """The lines of the class that Muon is a part of, since it takes matrices alone; none for another optimizer."""
    is_muon = isinstance(fit.optimizer, ex.optimizers.Muon)
    return class_lines("optimizer_pair")["MuonWithAdamW"] if is_muon else []


def optimizer_lines(fit: ex.Fit, model: ex.Model) -> list[str]:
    """The lines that build the optimizer of `model`, as `engine.parameter_groups` has its groups."""
    options = _options(fit.optimizer)
    has_own_class = bool(optimizer_definition(fit))
    name = "MuonWithAdamW" if has_own_class else f"torch.optim.{type(fit.optimizer).__name__}"
    if not (slows_backbone(fit) or spares_biases(fit)):
        may_be_frozen = isinstance(model, ex.OwnCode) or (
            isinstance(model, ex.Sequential | ex.Backbone | ex.Exported) and model.frozen > 0
        )
        return _call("optimizer", name, [TRAINED if may_be_frozen else "model.parameters()", *options])
    lines = [f"trained = {TRAINED}"]
    parts = [("trained", "")]
    if slows_backbone(fit):
        lines += [
            "layers = [layer for layer in model.children() if list(layer.parameters())]",
            "of_head = set((layers[-1] if layers else model).parameters())  # the last layer's",
            "head = [parameter for parameter in trained if parameter in of_head]",
            "backbone = [parameter for parameter in trained if parameter not in of_head]",
        ]
        rate = f"{fit.optimizer.lr!r} * {fit.gradients.backbone_lr!r}"
        parts = [("head", ""), ("backbone", f', "lr": {rate}')]
    lines.append("groups = [")
    for parameters, rate in parts:
        if spares_biases(fit):
            lines += [
                f'    {{"params": [parameter for parameter in {parameters} if parameter.ndim >= 2]{rate}}},',
                "    # biases and norms: no decay",
                f'    {{"params": [parameter for parameter in {parameters} if parameter.ndim < 2]{rate}, '
                '"weight_decay": 0.0},',
            ]
        else:
            lines.append(f'    {{"params": {parameters}{rate}}},')
    return [*lines, "]", *_call("optimizer", name, ["groups", *options])]


def scheduler_imports(fit: ex.Fit) -> list[str]:
    """What the scheduler's lines import beside torch."""
    return ["import numpy as np"] if any("np." in line for line in scheduler_lines(fit, "1")) else []


def scheduler_lines(fit: ex.Fit, n_steps: str) -> list[str]:
    """The lines that build the scheduler; none without one.

    `n_steps` is an expression of the script: the steps that the optimizer takes in the whole fit. Raises InputError
    for a formula that cannot be read.
    """
    scheduler = fit.scheduler
    if scheduler is None:
        return []
    n = str(fit.epochs) if scheduler.every == "epoch" else n_steps
    name = _name(scheduler)
    match scheduler:
        case ex.schedulers.SequentialLR():
            begins = (0, *scheduler.milestones)
            lengths = [*(str(after - before) for before, after in pairwise(begins)), _left(begins[-1], n)]
            parts = [_simple(part, length) for part, length in zip(scheduler.schedulers, lengths, strict=True)]
            arguments = ["optimizer", "schedulers", f"milestones={list(scheduler.milestones)!r}"]
            return [*_list("schedulers", parts), *_call("scheduler", name, arguments)]
        case ex.schedulers.ChainedScheduler():
            parts = [_simple(part, n) for part in scheduler.schedulers]
            return [*_list("schedulers", parts), *_call("scheduler", name, ["schedulers"])]
        case ex.schedulers.CyclicLR():
            highest = fit.optimizer.lr if scheduler.max_lr is None else scheduler.max_lr
            lowest = highest / 10 if scheduler.base_lr is None else scheduler.base_lr
            rates = [f"base_lr={_of_groups(lowest, fit)}", f"max_lr={_of_groups(highest, fit)}"]
            return _call("scheduler", name, ["optimizer", *rates, *_options(scheduler, "base_lr", "max_lr")])
        case ex.schedulers.OneCycleLR():
            highest = fit.optimizer.lr if scheduler.max_lr is None else scheduler.max_lr
            rates = [f"max_lr={_of_groups(highest, fit)}", f"total_steps={n}"]
            return _call("scheduler", name, ["optimizer", *rates, *_options(scheduler, "max_lr")])
        case ex.schedulers.ReduceLROnPlateau():
            return _call("scheduler", name, ["optimizer", *_options(scheduler)])
        case _:
            return _call("scheduler", name, _arguments(scheduler, n))


def _simple(scheduler: ex.schedulers.Inner, n: str) -> str:
    """The call that builds one inside of another, for `n` steps."""
    return f"{_name(scheduler)}({', '.join(_arguments(scheduler, n))})"


def _arguments(scheduler: ex.schedulers.Inner, n: str) -> list[str]:
    match scheduler:
        case ex.schedulers.CosineAnnealingLR(T_max=None):
            options = [f"T_max={n}", *_options(scheduler)]
        case ex.schedulers.ExponentialLR():
            options = [f"gamma={scheduler.gamma!r}"]
        case ex.schedulers.LambdaLR() | ex.schedulers.MultiplicativeLR():
            options = [f"lr_lambda=lambda epoch: {parse(scheduler.lr_lambda, 'epoch').script_of_one}"]
        case _:
            options = _options(scheduler)
    return ["optimizer", *options]


def _left(start: int, n: str) -> str:
    """How many of all `n` steps the last of several schedulers in a row has."""
    if n.isdecimal():
        return str(max(int(n) - start, 1))
    return f"max({n} - {start}, 1)" if start else n


def _of_groups(rate: float, fit: ex.Fit) -> str:
    """A rate that the scheduler sets by itself: one number, or one for each group of parameters."""
    if not slows_backbone(fit):
        return repr(rate)
    n = 2 if spares_biases(fit) else 1
    return f"[{', '.join([repr(rate)] * n + [f'{rate!r} * {fit.gradients.backbone_lr!r}'] * n)}]"


def _name(scheduler: ex.Scheduler) -> str:
    return f"torch.optim.lr_scheduler.{type(scheduler).__name__}"


def _options(part: ex.Part, *without: str) -> list[str]:
    """The options of `part` that are not torch's default, as arguments."""
    return [
        f"{field.name}={getattr(part, field.name)!r}"
        for field in msgspec.structs.fields(part)
        if field.name not in ("every", *without)
        and (field.name in REQUIRED or getattr(part, field.name) != field.default)
    ]


def _list(name: str, items: list[str]) -> list[str]:
    return [f"{name} = [", *(f"    {item}," for item in items), "]"]


def _call(target: str, name: str, arguments: list[str]) -> list[str]:
    """`target = name(arguments)`, an argument a line where one line is too short."""
    line = f"{target} = {name}({', '.join(arguments)})"
    if len(line) <= LONGEST_LINE:
        return [line]
    return [f"{target} = {name}(", *(f"    {argument}," for argument in arguments), ")"]
