"""Every model, loss, optimizer and option there is, walked from the engine's own tables, and the course's plain loop.

Not their product: each setting once, among others that are as usual. A row added to engine's tables is in these lists
without a change here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import inspect
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from engine import experiment as ex
from engine.choices import ACTIVATIONS, LOSSES, OPTIMIZERS

PAIRS = {  # options that are allowed, or do something, only together with another
    (ex.SGD, "dampening"): {"momentum": 0.9},
    (ex.SGD, "nesterov"): {"momentum": 0.9},
    (ex.optimizers.LBFGS, "lr"): {"lr": 0.1},  # at 0.5 it diverges on the table of the walk
    (ex.Sequential, "weights"): {"weights": "/models/other.pt"},  # a path in full, as files have it
    (ex.schedulers.CyclicLR, "max_momentum"): {"max_momentum": 0.95},
    (ex.schedulers.CyclicLR, "gamma"): {"mode": "exp_range"},
    (ex.schedulers.OneCycleLR, "max_momentum"): {"max_momentum": 0.9},
    (ex.schedulers.LambdaLR, "lr_lambda"): {"lr_lambda": "1 / (1 + epoch)"},
    (ex.schedulers.MultiplicativeLR, "lr_lambda"): {"lr_lambda": "1 - sin(epoch)^2 / 4"},
    (ex.schedulers.SequentialLR, "schedulers"): {"milestones": ()},
    (ex.schedulers.SequentialLR, "milestones"): {"milestones": (7,)},
}


def others(kind: inspect.Type, default: object) -> list[object]:
    """Values near an option's default, but not the same: every other word where there are words, else one."""
    match kind:
        case inspect.Metadata():
            return others(kind.type, default)
        case inspect.UnionType():
            members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
            nothing = [None] if kind.includes_none and default is not None else []
            return nothing + [value for member in members for value in others(member, default)]
        case inspect.BoolType():
            return [not default]
        case inspect.IntType():
            near = [2] if default is None else [default + 1, default - 1]
        case inspect.FloatType():
            near = [0.5, 2.0] if default is None else [default / 2 or 0.1, default * 2]
        case inspect.LiteralType():
            return [value for value in kind.values if value != default]
        case inspect.StrType():
            return [f"{default or ''}x"]
        case inspect.TupleType():
            parts = default if isinstance(default, tuple) else (None,) * len(kind.item_types)
            return [tuple(others(*item)[0] for item in zip(kind.item_types, parts, strict=True))]
        case inspect.VarTupleType():
            return [default[:-1]] if default else []
        case inspect.StructType():
            return [part for part in settings(kind.cls) if part != default]
        case _:
            raise TypeError(f"say in every_choice.py what else {default!r} could be")
    return [value for value in near if value != default and is_in_range(value, kind)][:1]


def is_in_range(value: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    """Whether the number is within the option's limits."""
    low = (kind.ge is None or value >= kind.ge) and (kind.gt is None or value > kind.gt)
    return low and (kind.le is None or value <= kind.le) and (kind.lt is None or value < kind.lt)


def settings(kind: type[ex.Part]) -> list[ex.Part]:
    """The part with its defaults, and once for every option with each other value of that option; parts in it too."""
    return [
        kind(),
        *(
            kind(**{field.name: value} | PAIRS.get((kind, field.name), {}))
            for field in inspect.type_info(kind).fields
            for value in others(field.type, field.default)
        ),
    ]


def label(part: ex.Part) -> str:
    """Its class and the options that are not the default: a test's id."""
    changed = [f.name for f in msgspec.structs.fields(part) if getattr(part, f.name) != f.default]
    return " ".join([type(part).__name__, *(f"{name}={getattr(part, name)}" for name in changed)])


MODELS: list[ex.Model] = [ex.LinearRegressionModel(), ex.LinearRegressionModelV2(), ex.Layers()]
"""Those of few words; every_layer.py walks the lists of layers, test_own_code.py what a person writes."""
STACKS = [ex.Layers(hidden=hidden) for hidden in ((), (7, 3))]
STACKS += [ex.Layers(hidden=(5,), activation=name) for name in ACTIVATIONS]
WITHOUT_BIAS = ex.Sequential(layers=(ex.layers.Linear(out_features=5, bias=False), ex.layers.Linear(bias=False)))
ALL_LOSSES = [part for kind in LOSSES for part in settings(kind)]
ALL_OPTIMIZERS = [part for kind in OPTIMIZERS for part in settings(kind)]
SPLITS = [
    ex.Split(train=80),
    ex.Split(train=60, validation=20),
    ex.Split(train=80, method="random", seed=7),
    ex.Split(train=60, validation=20, method="random", seed=0),
]


def every_fit() -> Iterator[tuple[ex.Model, ex.Loss, ex.Optimizer]]:
    """Each setting of each loss and each optimizer once, each stack once, and each model with a few of both."""
    yield from ((model_for(loss), loss, ex.Adam(lr=0.01)) for loss in ALL_LOSSES)
    for optimizer in ALL_OPTIMIZERS:
        yield ex.Layers(hidden=(5,)), ex.MSELoss(), optimizer
    yield WITHOUT_BIAS, ex.MSELoss(), ex.optimizers.Muon()  # matrices alone
    yield from ((stack, ex.MSELoss(), ex.Adam(lr=0.01)) for stack in STACKS)
    few_losses = [ex.L1Loss(), ex.BCEWithLogitsLoss(), ex.CrossEntropyLoss()]
    for fit in itertools.product(MODELS, few_losses, [ex.SGD(momentum=0.5), ex.Adam()]):
        if not (isinstance(fit[0], ex.LinearRegressionModel) and isinstance(fit[1], ex.CrossEntropyLoss)):
            yield fit  # the course's first model gives one number, that loss takes one for each class


def model_for(loss: ex.Loss) -> ex.Model:
    """A model whose outputs are what the loss takes."""
    match loss:
        case ex.losses.BCELoss():
            last: ex.Layer = ex.layers.Sigmoid()
        case ex.losses.NLLLoss() | ex.losses.KLDivLoss():
            last = ex.layers.LogSoftmax()
        case ex.losses.PoissonNLLLoss(log_input=False):
            last = ex.layers.Softplus()
        case _:
            return ex.Layers(hidden=(5,))
    return ex.Sequential(layers=(ex.layers.Linear(out_features=5), ex.layers.ReLU(), ex.layers.Linear(), last))


def source_for(loss: ex.Loss, numbers: ex.Source, shares: ex.Table) -> ex.Source:
    """Data that the loss is for: `numbers`, some that are never below 0, `shares` of a whole, or two classes."""
    match loss:
        case ex.losses.PoissonNLLLoss():
            return ex.StraightLine(step=0.03, weight=1.5)
        case ex.losses.KLDivLoss():
            return shares
        case _:
            return ex.Circles(samples=60, noise=0.1) if isinstance(loss, ex.CLASS_LOSSES) else numbers


# ------------------------------------------------------------------------------------------- the course's loop


def rows_of(source: ex.Source) -> tuple[torch.Tensor, torch.Tensor]:
    """X [n, n_features] and y, float32 [n, 1] or int64 [n] of classes, made as in a notebook."""
    if isinstance(source, ex.Circles):
        X, y = make_circles(source.samples, noise=source.noise, factor=source.factor, random_state=source.seed)
        return torch.from_numpy(X).float(), torch.from_numpy(y)
    if isinstance(source, ex.StraightLine):
        X = torch.arange(source.start, source.end, source.step).unsqueeze(dim=1)
        return X, source.weight * X + source.bias
    names = Path(source.path).read_text().splitlines()[0].split(",")
    rows = np.loadtxt(source.path, delimiter=",", skiprows=1, dtype=np.float64, ndmin=2).astype(np.float32)
    X, y = rows[:, list(map(names.index, source.features))], rows[:, list(map(names.index, source.targets))]
    return torch.tensor(X).contiguous(), torch.tensor(y).contiguous()  # NumPy gives columns first; sums would differ


class Line(nn.Module):
    def __init__(self, n_features: int):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(n_features, dtype=torch.float32))
        self.bias = nn.Parameter(torch.randn(1, dtype=torch.float32))

    def forward(self, x):
        if x.shape[1] == 1:
            return self.weights * x + self.bias
        return x @ self.weights.unsqueeze(dim=1) + self.bias


class LineV2(nn.Module):
    def __init__(self, n_features: int, n_outputs: int):
        super().__init__()
        self.linear_layer = nn.Linear(in_features=n_features, out_features=n_outputs)

    def forward(self, x):
        return self.linear_layer(x)


def plain_model(model: ex.Model, n_features: int, n_outputs: int = 1) -> nn.Module:
    """The module as a person would write it."""
    if isinstance(model, ex.LinearRegressionModel):
        return Line(n_features)
    if isinstance(model, ex.LinearRegressionModelV2):
        return LineV2(n_features, n_outputs)
    if isinstance(model, ex.Sequential):
        return nn.Sequential(*plain_layers(model.layers, n_features, n_outputs))
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise([n_features, *model.hidden]):
        layers += [nn.Linear(n_in, n_out), getattr(nn, model.activation)()]
    return nn.Sequential(*layers, nn.Linear([n_features, *model.hidden][-1], n_outputs))


def plain_layers(layers: tuple[ex.Layer, ...], size: int, n_outputs: int) -> Iterator[nn.Module]:
    """Those of the lists that stand in this module."""
    for layer in layers:
        if isinstance(layer, ex.layers.Linear):
            yield nn.Linear(size, layer.out_features or n_outputs, bias=layer.bias)
            size = layer.out_features or n_outputs
        else:
            yield getattr(nn, type(layer).__name__)(**{"dim": 1} if isinstance(layer, ex.layers.LogSoftmax) else {})


def plain_loss(loss: ex.Loss, y_train: torch.Tensor) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The loss of (y_pred, y) as a person would write it, class weights by scikit-learn."""
    said = {name: value for name, value in msgspec.structs.asdict(loss).items() if name != "balanced"}
    kind = getattr(nn, type(loss).__name__)
    match loss:
        case ex.losses.GaussianNLLLoss():
            of_torch, n = kind(**said), y_train.shape[1]
            return lambda y_pred, y: of_torch(y_pred[:, :n], y, nn.functional.softplus(y_pred[:, n:]))
        case ex.losses.SoftMarginLoss():
            return lambda y_pred, y: kind()(y_pred, torch.where(y == 1, 1.0, -1.0))
        case ex.losses.MultiLabelSoftMarginLoss():
            return lambda y_pred, y: kind()(y_pred, torch.eye(y_pred.shape[1])[y])
        case ex.losses.KLDivLoss():
            return kind(reduction="batchmean")
    if getattr(loss, "balanced", False):
        classes = y_train.reshape(-1).numpy().astype(int)
        weights = compute_class_weight("balanced", classes=np.unique(classes), y=classes)
        is_one = isinstance(loss, ex.BCEWithLogitsLoss)
        said |= {"pos_weight": torch.tensor([weights[1] / weights[0]]).float()} if is_one else {
            "weight": torch.tensor(weights).float()}
    return kind(**said)


def plain_optimizers(optimizer: ex.Optimizer, model: nn.Module) -> list[torch.optim.Optimizer]:
    """torch's own; Muon takes matrices alone, and AdamW what is none."""
    options = msgspec.structs.asdict(optimizer)
    if not isinstance(optimizer, ex.optimizers.Muon):
        return [getattr(torch.optim, type(optimizer).__name__)(model.parameters(), **options)]
    matrices = [parameter for parameter in model.parameters() if parameter.ndim == 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim != 2]
    adamw = [torch.optim.AdamW(others, lr=optimizer.lr, weight_decay=optimizer.weight_decay)] if others else []
    return [torch.optim.Muon(matrices, **options), *adamw]


def plain_loop(experiment: ex.Experiment) -> tuple[np.ndarray, list[dict[str, torch.Tensor]]]:
    """The course's loop, line by line: losses [n_epochs, n_splits] float32, and the state_dict after each epoch."""
    split, fit = experiment.data.split, experiment.fit
    X, y = rows_of(experiment.data.source)
    if isinstance(fit.loss, ex.TWO_CLASS_LOSSES):
        y = y.float().unsqueeze(dim=1)
    n_train, n_validation = len(X) * split.train // 100, len(X) * split.validation // 100
    rest, test = np.arange(len(X))[: n_train + n_validation], np.arange(len(X))[n_train + n_validation :]
    train, validation = rest[:n_train], rest[n_train:]
    if split.method == "random":
        n_test = len(X) - n_train - n_validation
        rest, test = train_test_split(np.arange(len(X)), test_size=n_test, random_state=split.seed)
        train = rest
        if n_validation:
            train, validation = train_test_split(rest, test_size=n_validation, random_state=split.seed)
    X_train, y_train = X[train], y[train]
    held_out = [(X[rows], y[rows]) for rows in ([validation, test] if n_validation else [test])]

    torch.manual_seed(fit.seed)
    n_outputs = 1 if isinstance(fit.loss, ex.TWO_CLASS_LOSSES) else 2 if y.ndim == 1 else y.shape[1]
    if isinstance(fit.loss, ex.losses.GaussianNLLLoss):
        n_outputs *= 2
    model = plain_model(experiment.model, X.shape[1], n_outputs)
    loss_fn = plain_loss(fit.loss, y_train)
    first, *others = plain_optimizers(fit.optimizer, model)
    losses, states, seen = [], [], []

    def closure():
        y_pred = model(X_train)
        loss = loss_fn(y_pred, y_train)
        model.zero_grad()
        loss.backward()
        seen.append(loss.item())
        return loss

    for _ in range(fit.epochs):
        seen.clear()
        model.train()
        first.step(closure)  # LBFGS calls it often, all others once
        for optimizer in others:
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            losses.append([seen[0], *(loss_fn(model(X), y).item() for X, y in held_out)])
        states.append({key: value.clone() for key, value in model.state_dict().items()})
    return np.array(losses, dtype=np.float32), states


def same_state(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether both have the same keys in the same order, and the same bits."""
    return list(one) == list(other) and all(one[key].numpy().tobytes() == other[key].numpy().tobytes() for key in one)
