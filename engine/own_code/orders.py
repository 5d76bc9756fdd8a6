"""What the parent asks of the child process that runs own code, and what the child answers. Needs no torch."""

from __future__ import annotations

import msgspec

from engine import experiment as ex
from engine.data.parquet.stream import Stream
from engine.data.preparation import Preparation

FEW = 32
"""Rows that a model is tried on."""
SHOWN_PARAMETERS = 100_000
"""So many numbers of a model go along with a frame."""


class Check(msgspec.Struct, frozen=True, tag="check"):
    """Build the model and try it on the rows X and y, forward and backward."""

    experiment: ex.Experiment
    preparation: Preparation
    device: str


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Make the session. Arrays: the Dataset's tensors, unless the last ones are to be used again."""

    experiment: ex.Experiment
    preparation: Preparation
    device: str
    stream: Stream | None = None
    same_data: bool = False


class OpenFile(msgspec.Struct, frozen=True, tag="open file"):
    """Open a model file; `restores` puts it into the session, else it only predicts."""

    path: str
    restores: bool = False


class Advance(msgspec.Struct, frozen=True, tag="advance"):
    """Session.advance."""

    seconds: float | None = None
    epochs: int | None = None


class Extend(msgspec.Struct, frozen=True, tag="extend"):
    """Session.extend."""

    epochs: int


class Predict(msgspec.Struct, frozen=True, tag="predict"):
    """The outputs for the rows X, of the session's model or, without a session, of the opened file's."""


class FindLr(msgspec.Struct, frozen=True, tag="find lr"):
    """lr_finder.find_lr. Arrays: lrs, losses, smoothed."""


class Parameters(msgspec.Struct, frozen=True, tag="parameters"):
    """Session.parameters."""


class Save(msgspec.Struct, frozen=True, tag="save"):
    """The bytes of a model file with the session, as the array `file`."""


Order = Check | Open | OpenFile | Advance | Extend | Predict | FindLr | Parameters | Save


class Layer(msgspec.Struct, frozen=True):
    """One module of the model, as it ran."""

    name: str
    """As in the state_dict, such as "layers.0"."""
    kind: str
    in_shape: tuple[int, ...]
    """Of the batch that it was tried on, the number of rows first."""
    out_shape: tuple[int, ...]
    n_parameters: int
    trainable: bool


class Report(msgspec.Struct, frozen=True):
    """What a check found."""

    layers: tuple[Layer, ...]
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    n_parameters: int


def layer_lines(report: Report) -> tuple[str, ...]:
    """The layers of a model as they ran, a line each."""
    return tuple(
        f"{layer.name}  {layer.kind}  {list(layer.in_shape)} → {list(layer.out_shape)}"
        + (f"  {layer.n_parameters:,} parameters{'' if layer.trainable else ', frozen'}" if layer.n_parameters else "")
        for layer in report.layers
    )


class Fault(msgspec.Struct, frozen=True):
    """Why own code failed."""

    sentence: str
    line: int = 0
    """In the person's text; 0 where it is not known."""


class State(msgspec.Struct, frozen=True):
    """What the parent knows of the session in the child."""

    seconds: float
    done: bool
    ended: str
    can_go_on: bool
    n_threads: int
    n_parameters: int


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an order went; arrays beside it."""

    fault: Fault | None = None
    """Own code has failed: the child is of no more use."""
    refused: str = ""
    """The sentence of an InputError of the engine's own."""
    diverged: str = ""
    """The sentence of a DivergedError."""
    report: Report | None = None
    state: State | None = None
    suggestion: float = 0.0
    """Of FindLr."""
    is_cut: bool = False
    """Of FindLr too."""
    difference: float | None = None
    """Between the predictions that an opened file has and those made now."""
    warnings: tuple[str, ...] = ()
