"""Step 2: the module of a Sequential, from what flows through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.models.flow import Flow, LayerFlow, flow
from engine.models.inputs import Inputs
from engine.models.layer_classes import LAYERS, MASKED, PROJECTIONS
from engine.models.masked import MaskedSequential
from engine.models.sizes.blocks import Projection


def build_sequential(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> nn.Sequential:
    """The module for `model`: X [n, *inputs.shape] to y_pred [n, n_outputs] float32.

    The parameters of its first `model.frozen` layers do not learn; that a frozen BatchNorm keeps its statistics and a
    frozen Dropout leaves nothing out is the loop's part, see `engine.training.modes`. Raises InputError.
    """
    walked = fitting_flow(model, inputs, n_outputs)
    kind = MaskedSequential if any(layer.masked for layer in walked.layers) else nn.Sequential
    built = kind(*_modules(model.layers, iter(walked.layers)))
    for layer in list(built)[: model.frozen]:
        layer.requires_grad_(False)
    return built


def fitting_flow(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> Flow:
    """What flows through `model`. Raises InputError where it does not fit."""
    walked = flow(model, inputs, n_outputs)
    if not walked.fits:
        raise InputError(walked.misfit)
    return walked


def _modules(layers: tuple[ex.Layer, ...], found: Iterator[LayerFlow]) -> list[nn.Module]:
    """The modules of `layers`; `found` has each of them, a block before the layers inside it."""
    return [_module(next(found), found) for _ in layers]


def _module(layer: LayerFlow, found: Iterator[LayerFlow]) -> nn.Module:
    module = (MASKED if layer.masked else LAYERS)[type(layer.layer)]
    arguments: dict[str, Any] = layer.arguments
    if not isinstance(layer.layer, ex.layers.Residual):
        return module(**arguments)
    return module(*_modules(layer.layer.layers, found), projection=_projection(**arguments))


def _projection(projection: Projection | None = None) -> nn.Module | None:
    """What stands on the shortcut of a residual block; None where the shapes are the same."""
    return None if projection is None else PROJECTIONS[projection.name](**projection.arguments)
