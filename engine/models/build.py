"""Step 2: from what an experiment says of its model to an nn.Module, and back from a state_dict."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from engine import experiment as ex
from engine.choices import ACTIVATIONS
from engine.errors import InputError
from engine.models.course import LinearRegressionModel, LinearRegressionModelV2


def build_model(model: ex.Model, n_features: int, n_targets: int = 1) -> nn.Module:
    """The module for `model`: X [n, n_features] float32 to y_pred [n, n_targets] float32, on the CPU.

    Its parameters come from torch's global generator: call torch.manual_seed right before.
    """
    match model:
        case ex.LinearRegressionModel():
            if n_targets != 1:
                raise InputError("LinearRegressionModel predicts one number: choose Layers for several.")
            return LinearRegressionModel(n_features)
        case ex.LinearRegressionModelV2():
            return LinearRegressionModelV2(n_features, n_targets)
        case ex.Layers():
            return _layers(model, n_features, n_targets)


def _layers(model: ex.Layers, n_features: int, n_targets: int) -> nn.Sequential:
    sizes = (n_features, *model.hidden, n_targets)
    modules: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        modules += [nn.Linear(n_in, n_out), ACTIVATIONS[model.activation]()]
    return nn.Sequential(*modules[:-1])


def n_parameters(model: ex.Model, n_features: int, n_targets: int = 1) -> int:
    """How many numbers the model has, counted without making them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(model, n_features, n_targets).parameters())


def check_memory(model: ex.Model, n_features: int) -> None:
    """Raise InputError for a model that cannot be trained here: weights, gradients and two means of Adam, float32."""
    needed = 4 * 4 * n_parameters(model, n_features)
    if needed > memory():
        raise InputError(
            f"This model needs {needed / 2**30:,.0f} GB of memory, more than there is: make its hidden layers smaller."
        )


def memory() -> int:
    """This machine's memory in bytes; where it cannot be asked for, more than any machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**50


@dataclass(frozen=True)
class InferredModel:
    """What a state_dict's keys and shapes say of the model it belongs to."""

    model: ex.Model
    n_features: int
    n_targets: int
    warnings: tuple[str, ...] = ()


def infer_model(state_dict: dict[str, torch.Tensor], file: str) -> InferredModel:
    """The model that `state_dict` belongs to. Raises InputError, naming `file`, for one that Sixstep has not."""
    shapes = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}
    if shapes.keys() == {"weights", "bias"} and len(shapes["weights"]) == 1 and shapes["bias"] == (1,):
        return InferredModel(ex.LinearRegressionModel(), shapes["weights"][0], 1)
    if shapes.keys() == {"linear_layer.weight", "linear_layer.bias"} and len(shapes["linear_layer.weight"]) == 2:
        n_targets, n_features = shapes["linear_layer.weight"]
        return InferredModel(ex.LinearRegressionModelV2(), n_features, n_targets)
    stack = _infer_layers(shapes)
    if stack is not None:
        return stack
    raise InputError(
        f"{file}: its keys ({_some(shapes)}) fit none of Sixstep's models: "
        "weights and bias, linear_layer.weight and .bias, or a stack 0.weight, 0.bias, 2.weight, ... is needed."
    )


def _infer_layers(shapes: dict[str, tuple[int, ...]]) -> InferredModel | None:
    count = len(shapes) // 2
    if not shapes or shapes.keys() != {f"{2 * i}.{part}" for i in range(count) for part in ("weight", "bias")}:
        return None
    weights = [shapes[f"{2 * i}.weight"] for i in range(count)]
    if any(len(weight) != 2 or shapes[f"{2 * i}.bias"] != weight[:1] for i, weight in enumerate(weights)):
        return None
    if any(before[0] != after[1] for before, after in pairwise(weights)):
        return None
    hidden = tuple(weight[0] for weight in weights[:-1])
    warnings = ("The file does not say which activation stands between its layers: ReLU is assumed.",) if hidden else ()
    return InferredModel(ex.Layers(hidden=hidden), weights[0][1], weights[-1][0], warnings)


def _some(names: dict[str, tuple[int, ...]]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
