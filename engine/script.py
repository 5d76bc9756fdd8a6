"""Step 6: the plain PyTorch script that does exactly what the window does. Text alone: torch is not needed here.

The script is the oracle: a test runs it in a fresh process and holds its losses against the session's, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine import experiment as ex
from engine.threads import ONE_THREAD_BELOW, widest


def script(experiment: ex.Experiment, device: str = "cpu", read_table: Sequence[str] = ()) -> str:
    """The script for `experiment`.

    `read_table` are the polars lines that make the arrays X and y from a table (a Dataset has them); where they are
    not known yet, reading the file in the usual way stands in for them.
    """
    has_validation = experiment.data.split.validation > 0
    sections = [
        _head(experiment, device),
        _data(experiment.data, read_table),
        _model(experiment),
        _fit(experiment, has_validation),
        _evaluate(),
        _improve(has_validation),
        _save(experiment.model),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(experiment: ex.Experiment, device: str) -> list[str]:
    from_table = isinstance(experiment.data.source, ex.Table)
    return [
        '"""The PyTorch workflow in six steps. Prints the losses of every epoch."""',
        "",
        *(["import copy", ""] if isinstance(experiment.model, ex.Layers) else []),
        *(["import polars as pl"] if from_table else []),
        "import torch",
        "from torch import nn",
        "",
        f'device = "{device}"',
    ]


# ---------------------------------------------------------------------------------------------- step 1: data


def _data(data: ex.Data, read_table: Sequence[str]) -> list[str]:
    match data.source:
        case ex.StraightLine() as line:
            n_features = 1
            lines = [
                f"weight, bias = {line.weight!r}, {line.bias!r}  # what the model has to find",
                f"X = torch.arange({line.start!r}, {line.end!r}, {line.step!r}).unsqueeze(dim=1)  # [n, 1]",
                "y = weight * X + bias  # [n, 1]",
            ]
        case ex.Table() as table:
            n_features = len(table.features)
            lines = [
                *_tuple("features", table.features),
                f"target = {_text(table.target)}",
                *(read_table or [f"table = pl.read_csv({_text(table.path)})"]),
                f"X, y = torch.tensor(X), torch.tensor(y)  # [n, {n_features}] and [n, 1], float32",
            ]
    return ["# 1. Get data ready: turn it into tensors", *lines, "", *_split(data.split)]


def _split(split: ex.Split) -> list[str]:
    lines = ["# Split: the model learns from the training rows and is judged on rows that it has not seen"]
    if split.shuffle:
        lines += [
            f"order = torch.randperm(len(X), generator=torch.Generator().manual_seed({split.seed}))",
            "X, y = X[order], y[order]",
        ]
    lines.append(f"n_train = len(X) * {split.train} // 100")
    start = "n_train:"
    if split.validation:
        lines.append(f"n_validation = len(X) * {split.validation} // 100")
        start = "n_train + n_validation :"
    lines.append("X_train, y_train = X[:n_train].to(device), y[:n_train].to(device)")
    if split.validation:
        lines += [
            "X_validation = X[n_train : n_train + n_validation].to(device)",
            "y_validation = y[n_train : n_train + n_validation].to(device)",
        ]
    lines.append(f"X_test, y_test = X[{start}].to(device), y[{start}].to(device)")
    return lines


# --------------------------------------------------------------------------------------------- step 2: model


def _model(experiment: ex.Experiment) -> list[str]:
    n_features = len(experiment.data.source.features) if isinstance(experiment.data.source, ex.Table) else 1
    definition, build = _architecture(experiment.model, n_features)
    fit = experiment.fit
    width = widest(experiment.model, n_features)
    rows = f"len(X_train) * {width}" if width > 1 else "len(X_train)"
    return [
        "# 2. Build a model, pick a loss function and an optimizer",
        *(["", *definition] if definition else []),
        f"if {rows} < {ONE_THREAD_BELOW:_}:",
        "    torch.set_num_threads(1)  # small tensors: a second thread costs more than it brings",
        f"torch.manual_seed({fit.seed})  # the same random start every time",
        *build,
        "model.to(device)",
        f"loss_fn = nn.{_call(fit.loss)}",
        f"optimizer = torch.optim.{_call(fit.optimizer, 'model.parameters()', always=('lr',))}",
    ]


def _architecture(model: ex.Model, n_features: int) -> tuple[list[str], list[str]]:
    """The lines that define the model's class, if it has one, and the lines that build it."""
    match model:
        case ex.LinearRegressionModel():
            product = "self.weights * x" if n_features == 1 else "x @ self.weights.unsqueeze(dim=1)"
            parameters = [
                f"self.weights = nn.Parameter(torch.randn({n_features}, dtype=torch.float32))",
                "self.bias = nn.Parameter(torch.randn(1, dtype=torch.float32))",
            ]
            name, formula = "LinearRegressionModel", f"{product} + self.bias"
        case ex.LinearRegressionModelV2():
            parameters = [f"self.linear_layer = nn.Linear(in_features={n_features}, out_features=1)"]
            name, formula = "LinearRegressionModelV2", "self.linear_layer(x)"
        case ex.Layers():
            return [], _sequential(model, n_features)
    return [
        f"class {name}(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {line}" for line in parameters),
        "",
        "    def forward(self, x: torch.Tensor) -> torch.Tensor:",
        f"        return {formula}",
        "",
        "",
    ], [f"model = {name}()"]


def _sequential(model: ex.Layers, n_features: int) -> list[str]:
    lines = ["model = nn.Sequential("]
    n_in = n_features
    for units in model.hidden:
        lines += [
            f"    nn.Linear(in_features={n_in}, out_features={units}),",
            f"    nn.{model.activation}(),",
        ]
        n_in = units
    return [*lines, f"    nn.Linear(in_features={n_in}, out_features=1),", ")"]


# ---------------------------------------------------------------------------------------- steps 3 to 6


def _fit(experiment: ex.Experiment, has_validation: bool) -> list[str]:
    validation = [
        "        validation_loss = loss_fn(model(X_validation), y_validation)",
    ] if has_validation else []
    losses = ["loss", "validation_loss", "test_loss"] if has_validation else ["loss", "test_loss"]
    return [
        "# 3. Fit the model to the training data",
        f"epochs = {experiment.fit.epochs}",
        "for epoch in range(epochs):",
        "    model.train()",
        "    y_pred = model(X_train)  # 1. forward pass",
        "    loss = loss_fn(y_pred, y_train)  # 2. how wrong is it?",
        "    optimizer.zero_grad()  # 3. forget the last gradients",
        "    loss.backward()  # 4. backpropagation",
        "    optimizer.step()  # 5. gradient descent",
        "",
        "    model.eval()",
        "    with torch.inference_mode():",
        *validation,
        "        test_loss = loss_fn(model(X_test), y_test)",
        f"    print(epoch, {', '.join(f'{name}.item()' for name in losses)})",
    ]


def _evaluate() -> list[str]:
    return [
        "# 4. Evaluate the model on the test set",
        "model.eval()",
        "with torch.inference_mode():",
        "    y_pred = model(X_test)",
        "y_true = y_test.cpu().double()",
        "residual = y_true - y_pred.cpu().double()",
        "r2 = 1 - (residual**2).sum() / ((y_true - y_true.mean()) ** 2).sum()",
        "if y_true.min() == y_true.max():",
        '    r2 = float("nan")  # all targets are the same: there is nothing to explain',
        'print(f"MAE {residual.abs().mean():.6g}  RMSE {(residual**2).mean().sqrt():.6g}  R2 {r2:.6g}")',
    ]


def _improve(has_validation: bool) -> list[str]:
    judge = "the validation loss" if has_validation else "a validation split (the test set is not for choosing)"
    return [
        "# 5. Improve by experiment: change one thing (epochs, learning rate, layers), run again,",
        f"#    and choose by {judge}",
    ]


def _save(model: ex.Model) -> list[str]:
    match model:
        case ex.LinearRegressionModel():
            fresh = ["loaded_model = LinearRegressionModel()"]
        case ex.LinearRegressionModelV2():
            fresh = ["loaded_model = LinearRegressionModelV2()"]
        case ex.Layers():
            fresh = ["loaded_model = copy.deepcopy(model)"]
    return [
        "# 6. Save the model, load it again, and see that it predicts the same",
        'torch.save(model.state_dict(), "model_from_script.pt")',
        *fresh,
        'loaded_model.load_state_dict(torch.load("model_from_script.pt", weights_only=True))',
        "loaded_model.to(device).eval()",
        "with torch.inference_mode():",
        '    print("Largest difference after reloading:", (loaded_model(X_test) - y_pred).abs().max().item())',
    ]


def _call(part: ex.Loss | ex.Optimizer, *arguments: str, always: tuple[str, ...] = ()) -> str:
    """The call that builds `part` under its own name, with the options that are not torch's default."""
    options = [
        f"{field.name}={getattr(part, field.name)!r}"
        for field in msgspec.structs.fields(part)
        if field.name in always or getattr(part, field.name) != field.default
    ]
    return f"{type(part).__name__}({', '.join([*arguments, *options])})"


def _text(text: str) -> str:
    """`text` as a Python literal in double quotes."""
    literal = repr(text)
    return '"' + literal[1:-1] + '"' if literal[0] == "'" and '"' not in text else literal


def _tuple(name: str, texts: Sequence[str]) -> list[str]:
    """A list of texts, on one line where it fits."""
    line = f"{name} = [{', '.join(map(_text, texts))}]"
    if len(line) <= 88:
        return [line]
    return [f"{name} = [", *(f"    {_text(text)}," for text in texts), "]"]
