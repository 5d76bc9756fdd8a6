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
from engine.models.inputs import Inputs
from engine.models.sequential import build_sequential, fitting_flow


def build_model(model: ex.Model, inputs: Inputs, n_outputs: int = 1) -> nn.Module:
    """The module for `model`: X [n, *inputs.shape] to y_pred [n, n_outputs] float32, on the CPU.

    Its parameters come from torch's global generator: call torch.manual_seed right before. Raises InputError.
    """
    if not isinstance(model, ex.Layers | ex.Sequential | ex.OwnCode) and (len(inputs.shape) > 1 or inputs.n_tokens):
        what = "tokens" if inputs.n_tokens else f"rows of shape {list(inputs.shape)}"
        raise InputError(f"{type(model).__name__} takes rows of numbers, the data has {what}: choose Layers in step 2.")
    match model:
        case ex.LinearRegressionModel():
            if n_outputs != 1:
                raise InputError(
                    f"LinearRegressionModel predicts one number, {n_outputs} are needed: choose "
                    "LinearRegressionModelV2 or Layers in step 2."
                )
            return LinearRegressionModel(inputs.size)
        case ex.LinearRegressionModelV2():
            return LinearRegressionModelV2(inputs.size, n_outputs)
        case ex.Layers():
            return _layers(model, inputs, n_outputs)
        case ex.Sequential():
            return build_sequential(model, inputs, n_outputs)
        case ex.OwnCode():
            from engine.own_code.building import build_own

            return build_own(model, inputs, n_outputs)


def _layers(model: ex.Layers, inputs: Inputs, n_outputs: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    size = inputs.size
    if inputs.n_tokens:  # token 0 is filling and does not count
        modules, size = [nn.EmbeddingBag(inputs.n_tokens, model.embedding, padding_idx=0)], model.embedding
    elif len(inputs.shape) > 1:
        modules = [nn.Flatten()]
    for n_in, n_out in pairwise((size, *model.hidden, n_outputs)):
        modules += [nn.Linear(n_in, n_out), ACTIVATIONS[model.activation]()]
    return nn.Sequential(*modules[:-1])


def n_parameters(model: ex.Model, inputs: Inputs, n_outputs: int = 1) -> int:
    """How many numbers the model has, counted without making them."""
    if isinstance(model, ex.Sequential):
        return fitting_flow(model, inputs, n_outputs).n_parameters
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(model, inputs, n_outputs).parameters())


def check_memory(model: ex.Model, inputs: Inputs, n_outputs: int) -> None:
    """Raise InputError for a model that cannot be trained here: weights, gradients and two means of Adam, float32."""
    if isinstance(model, ex.OwnCode):
        return  # its process has a limit of its own
    needed = 4 * 4 * n_parameters(model, inputs, n_outputs)
    if needed > memory():
        raise InputError(
            f"This model needs {needed / 2**30:,.0f} GB of memory, more than there is: make its layers smaller."
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
    inputs: Inputs
    n_outputs: int
    warnings: tuple[str, ...] = ()


def infer_model(state_dict: dict[str, torch.Tensor], file: str) -> InferredModel:
    """The model that `state_dict` belongs to. Raises InputError, naming `file`, for one that Sixstep has not."""
    shapes = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}
    if shapes.keys() == {"weights", "bias"} and len(shapes["weights"]) == 1 and shapes["bias"] == (1,):
        return InferredModel(ex.LinearRegressionModel(), Inputs(shapes["weights"]), 1)
    if shapes.keys() == {"linear_layer.weight", "linear_layer.bias"} and len(shapes["linear_layer.weight"]) == 2:
        n_outputs, n_features = shapes["linear_layer.weight"]
        return InferredModel(ex.LinearRegressionModelV2(), Inputs((n_features,)), n_outputs)
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
    return InferredModel(ex.Layers(hidden=hidden), Inputs(weights[0][1:]), weights[-1][0], warnings)


def _some(names: dict[str, tuple[int, ...]]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
