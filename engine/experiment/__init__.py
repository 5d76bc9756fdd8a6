"""What an experiment is: one frozen value. Its ranges, words and defaults are said here and nowhere else.

The window builds its forms from these fields, msgspec checks files against them, the script prints them.
Nothing here imports torch: a window can show an experiment before torch is loaded.
"""

from __future__ import annotations

import msgspec

from engine.experiment import layers, losses, optimizers, schedulers
from engine.experiment.backbone import Backbone
from engine.experiment.data import SPLIT_WORDS, ColumnScaling, Data, FileSource, Scale, Scaling, Source, Split
from engine.experiment.exported import Exported
from engine.experiment.files import (
    Augmentation,
    Column,
    Images,
    ParquetStream,
    Sequences,
    Table,
    TableFormat,
    Text,
)
from engine.experiment.fit import Batches, Computing, Fit, Gradients, Stopping
from engine.experiment.generated import (
    MAX_GENERATED_ROWS,
    MAX_PAINTED_POINTS,
    XOR,
    Blobs,
    Bundled,
    Circles,
    Formula,
    Moons,
    Painted,
    Polynomial,
    Sine,
    Spirals,
    StraightLine,
)
from engine.experiment.layers import Layer
from engine.experiment.losses import (
    CLASS_LOSSES,
    TWO_CLASS_LOSSES,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    Loss,
    MSELoss,
)
from engine.experiment.model import Layers, LinearRegressionModel, LinearRegressionModelV2, Model, Sequential
from engine.experiment.optimizers import SGD, Adam, Optimizer
from engine.experiment.own_code import OwnCode
from engine.experiment.part import Part
from engine.experiment.schedulers import Scheduler

__all__ = [
    "CLASS_LOSSES",
    "MAX_GENERATED_ROWS",
    "MAX_PAINTED_POINTS",
    "SGD",
    "SPLIT_WORDS",
    "TWO_CLASS_LOSSES",
    "XOR",
    "Adam",
    "Augmentation",
    "BCEWithLogitsLoss",
    "Backbone",
    "Batches",
    "Blobs",
    "Bundled",
    "Circles",
    "Column",
    "ColumnScaling",
    "Computing",
    "CrossEntropyLoss",
    "Data",
    "Experiment",
    "Exported",
    "FileSource",
    "Fit",
    "Formula",
    "Gradients",
    "HuberLoss",
    "Images",
    "L1Loss",
    "Layer",
    "Layers",
    "LinearRegressionModel",
    "LinearRegressionModelV2",
    "Loss",
    "MSELoss",
    "Model",
    "Moons",
    "Optimizer",
    "OwnCode",
    "Painted",
    "ParquetStream",
    "Part",
    "Polynomial",
    "Scale",
    "Scaling",
    "Scheduler",
    "Sequences",
    "Sequential",
    "Sine",
    "Source",
    "Spirals",
    "Split",
    "Stopping",
    "StraightLine",
    "Table",
    "TableFormat",
    "Text",
    "checked",
    "layers",
    "losses",
    "optimizers",
    "replace",
    "schedulers",
]


class Experiment(Part, frozen=True):
    """The whole experiment. The same value runs on any device; a run records which."""

    data: Data = Data()
    model: Model = LinearRegressionModel()
    fit: Fit = Fit()


replace = msgspec.structs.replace
"""A copy of a part with some fields changed; ranges are checked by `checked`."""


def checked(experiment: Experiment) -> Experiment:
    """The same experiment, every field held against its range. Raises msgspec.ValidationError with the path."""
    return msgspec.convert(msgspec.to_builtins(experiment), Experiment)
