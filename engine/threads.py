"""How many threads one operation of torch should use: said once, for the session and for the script."""

from __future__ import annotations

from engine import experiment as ex
from engine.models import flow
from engine.models.inputs import Inputs

ONE_THREAD_BELOW = 200_000
"""Rows x widest layer below which a second thread costs more than it brings (measured on 2 cores)."""


def widest(model: ex.Model, inputs: Inputs) -> int:
    """The largest number of values that one row has anywhere in the model, what comes out for the task aside."""
    match model:
        case ex.Layers():
            return max(inputs.size, *model.hidden) if model.hidden else inputs.size
        case ex.Sequential():
            walked = flow.flow(model, inputs, n_outputs=1)
            return max(flow.widest(walked, inputs), *map(_inside, walked.layers), 0)
        case ex.Backbone() | ex.Exported():
            return ONE_THREAD_BELOW  # wide enough: nobody knows without building it
        case _:
            return inputs.size


def _inside(place: flow.LayerFlow) -> int:
    """How many values a row has between the two Linear layers of a transformer layer."""
    layer = place.layer
    return place.in_shape[0] * layer.dim_feedforward if isinstance(layer, ex.layers.TransformerEncoderLayer) else 0


def needs_one_thread(model: ex.Model, n_rows: int, inputs: Inputs) -> bool:
    """Whether training on so many rows at a time is too little work for a second thread."""
    return n_rows * widest(model, inputs) < ONE_THREAD_BELOW
