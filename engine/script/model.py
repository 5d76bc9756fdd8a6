"""Step 2 of the script: the model, the loss function, the optimizer."""

from __future__ import annotations

from math import prod

import msgspec

from engine import experiment as ex
from engine.models.inputs import Inputs
from engine.own_code.contract import read_code
from engine.pretrained.matching import Match
from engine.script import losses
from engine.script.backbone import backbone_lines
from engine.script.exported import exported_lines
from engine.script.fit import n_steps
from engine.script.optimizers import optimizer_definition, optimizer_lines, scheduler_lines
from engine.script.sequential import sequential_lines
from engine.script.weights import weights_lines
from engine.threads import ONE_THREAD_BELOW, widest


def model_lines(experiment: ex.Experiment, inputs: Inputs | None = None, match: Match | None = None) -> list[str]:
    """Section 2. `inputs` says what the model takes and `match` what a file gives it, once they have been read."""
    source, model, fit = experiment.data.source, experiment.model, experiment.fit
    outputs = losses.n_outputs(source, fit.loss)
    if isinstance(model, ex.Sequential):
        definition, build = _layer_list(model, inputs or usual_inputs(source), outputs)
    else:
        definition, build = _architecture(model, source, outputs)
    classes = [*definition, *losses.definition_lines(fit.loss), *optimizer_definition(fit)]
    return [
        "# 2. Build a model, pick a loss function and an optimizer",
        *(["", *classes] if classes else []),
        *_thread_lines(experiment, inputs),
        f"torch.manual_seed({fit.seed})  # the same random start every time",
        *build,
        *weights_lines(model, match),
        "model.to(device)",
        *losses.loss_lines(fit.loss),
        *optimizer_lines(fit, model),
        *scheduler_lines(fit, n_steps(experiment)),
    ]


def _thread_lines(experiment: ex.Experiment, inputs: Inputs | None) -> list[str]:
    if isinstance(experiment.model, ex.Backbone | ex.Exported):
        return []  # never small
    return [
        f"if {_work(experiment, inputs)} < {ONE_THREAD_BELOW:_}:",
        "    torch.set_num_threads(1)  # small tensors: a second thread costs more than it brings",
    ]


def row_shape(source: ex.Source) -> tuple[int, ...] | None:
    """The shape of one row of X; None where only the data tells it."""
    match source:
        case ex.Circles() | ex.Moons() | ex.XOR() | ex.Spirals():
            return (2,)
        case ex.Blobs():
            return (source.features,)
        case ex.Painted():
            return (2,) if source.task == "classes" else (1,)
        case ex.Bundled():
            return {
                "iris": (4,), "wine": (13,), "breast cancer": (30,), "diabetes": (10,), "digits": (1, 8, 8),
            }[source.name]  # fmt: skip
        case ex.Table():
            columns = map(source.column, source.features)
            one_hot = any(column.type == "category" and column.encoding == "one-hot" for column in columns)
            return None if one_hot else (len(source.features),)
        case ex.ParquetStream():
            return (len(source.features),)
        case ex.Images():
            return (3 if source.colour == "colour" else 1, source.size, source.size)
        case ex.Text():
            return (source.length,)
        case ex.Sequences():
            return (source.length, len(source.features))
        case _:
            return (1,)


def usual_inputs(source: ex.Source) -> Inputs | None:
    """What a model takes, as far as the experiment itself tells; None where only the data does."""
    shape = row_shape(source)
    if shape is None or (isinstance(source, ex.Text) and source.tokens == "backbone"):
        return None
    return Inputs(shape, source.vocabulary + 2 if isinstance(source, ex.Text) else 0)


def _layer_list(model: ex.Sequential, inputs: Inputs | None, outputs: str) -> tuple[list[str], list[str]]:
    if inputs is None:
        return [], ["model = nn.Sequential()  # (its layers stand here once the data is read)"]
    return sequential_lines(model, inputs, outputs)


def _n_values(source: ex.Source) -> int | None:
    shape = row_shape(source)
    return None if shape is None else prod(shape)


def _work(experiment: ex.Experiment, inputs: Inputs | None) -> str:
    """Rows of a step times the widest layer: what decides over the threads, as `engine.threads` has it."""
    source, model, size = experiment.data.source, experiment.model, experiment.fit.batches.size
    rows = f"min({size}, len(X_train))" if size else "len(X_train)"
    if isinstance(source, ex.ParquetStream):
        rows = "batch_size"
    usual = usual_inputs(source)
    known = inputs or usual if isinstance(model, ex.Sequential) else usual
    if known is None:
        hidden = model.hidden if isinstance(model, ex.Layers) else ()
        widths = f"max({', '.join(['X_train.shape[1]', *map(str, hidden)])})" if hidden else "X_train.shape[1]"
        return f"{rows} * {widths}"
    width = widest(model, known)
    return f"{rows} * {width}" if width > 1 else rows


def _architecture(model: ex.Model, source: ex.Source, outputs: str) -> tuple[list[str], list[str]]:
    """The lines that define the model's class, if it has one, and the lines that build it."""
    n = _n_values(source)
    inputs = "X_train.shape[1]" if n is None else str(n)
    match model:
        case ex.LinearRegressionModel():
            product = "self.weights * x" if n == 1 else "x @ self.weights.unsqueeze(dim=1)"
            parameters = [
                f"self.weights = nn.Parameter(torch.randn({inputs}, dtype=torch.float32))",
                "self.bias = nn.Parameter(torch.randn(1, dtype=torch.float32))",
            ]
            name, formula = "LinearRegressionModel", f"{product} + self.bias"
        case ex.LinearRegressionModelV2():
            parameters = [f"self.linear_layer = nn.Linear(in_features={inputs}, out_features={outputs})"]
            name, formula = "LinearRegressionModelV2", "self.linear_layer(x)"
        case ex.Layers():
            return [], _sequential(model, source, inputs, outputs)
        case ex.Backbone():
            return backbone_lines(model, _input_shape(source), outputs, isinstance(source, ex.Text))
        case ex.Exported():
            return exported_lines(model, outputs)
        case ex.OwnCode():
            return _own_code(model, source, outputs)
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


def _own_code(model: ex.OwnCode, source: ex.Source, outputs: str) -> tuple[list[str], list[str]]:
    """The person's text as it stands. Raises OwnCodeError for one that has no model."""
    build = read_code(model.code).call(
        input_shape=_input_shape(source),
        n_outputs=outputs,
        n_tokens="n_tokens" if isinstance(source, ex.Text) else "0",
    )
    return [*model.code.rstrip("\n").split("\n"), "", ""], [f"model = {build}"]


def _input_shape(source: ex.Source) -> str:
    shape = row_shape(source)
    return "tuple(X_train.shape[1:])" if shape is None else repr(shape)


def _sequential(model: ex.Layers, source: ex.Source, inputs: str, outputs: str) -> list[str]:
    lines = ["model = nn.Sequential("]
    if isinstance(source, ex.Text):
        lines.append(f"    nn.EmbeddingBag(n_tokens, {model.embedding}, padding_idx=0),")
        inputs = str(model.embedding)
    elif len(row_shape(source) or ()) > 1:
        lines.append("    nn.Flatten(),")
    for units in model.hidden:
        lines += [
            f"    nn.Linear(in_features={inputs}, out_features={units}),",
            f"    nn.{model.activation}(),",
        ]
        inputs = str(units)
    return [*lines, f"    nn.Linear(in_features={inputs}, out_features={outputs}),", ")"]


def call(part: ex.Part, *arguments: str, always: tuple[str, ...] = ()) -> str:
    """The call that builds `part` under its own name, with the options that are not torch's default."""
    options = [
        f"{field.name}={getattr(part, field.name)!r}"
        for field in msgspec.structs.fields(part)
        if field.name in always or getattr(part, field.name) != field.default
    ]
    return f"{type(part).__name__}({', '.join([*arguments, *options])})"
