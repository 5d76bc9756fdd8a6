"""Step 2: from what an experiment says of its model to an nn.Module."""

from __future__ import annotations

import os
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
    takes_rows = isinstance(model, ex.LinearRegressionModel | ex.LinearRegressionModelV2)
    if takes_rows and (len(inputs.shape) > 1 or inputs.n_tokens):
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
        case ex.Backbone():
            from engine.pretrained.hub import build_backbone

            return build_backbone(model, inputs, n_outputs)
        case ex.Exported():
            from engine.exported.building import build_exported

            return build_exported(model, inputs, n_outputs)
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
    if isinstance(model, ex.Backbone):
        from engine.pretrained.hub_folder import look

        return look(model).n_bytes // 4  # about: they may be halves, and a few of the file's are not used
    if isinstance(model, ex.Exported):
        from engine.exported.heads import n_parameters_of
        from engine.exported.program import look as look_at

        return n_parameters_of(model.head, look_at(model.path), n_outputs)
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
