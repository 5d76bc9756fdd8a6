"""What crosses from the training thread to the window: frozen values of NumPy arrays and texts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine import experiment as ex
from engine.models.inputs import Inputs

if TYPE_CHECKING:  # NumPy takes a tenth of a second to import; the window paints before that
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from engine.data.guards import Guard
    from engine.data.rows import Reading
    from engine.pretrained.matching import Match
    from gui.rows.lazy import LazyRows

    Array = NDArray[np.float32]


class RunState(Enum):
    """What the training thread is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class ColumnOffer:
    """A column of the data that can be a feature or a target, and what it seems to be."""

    name: str
    type: Literal["number", "category", "yes/no", "date", "text", "empty"]
    """The best guess; a text can only be used once it is said to be something else."""
    missing: int
    """Rows without a value."""
    distinct: int
    """Different values; 0 where they were not counted."""


@dataclass(frozen=True)
class Points:
    """The rows of one split. Views of the tensors' memory: never written to."""

    X: Array
    """float32 [n, k]: the columns that can be an axis of a plot, in the rows' own units."""
    y: Array | NDArray[np.int64]
    """float32 [n] numbers in the target's own unit, or [n] class indices."""
    n_rows: int
    """How many rows the split has in all."""


@dataclass(frozen=True)
class ImagePreview:
    """Some pictures, small, to look at."""

    pixels: NDArray[np.uint8]
    """[k, height, width, channels] with 1 or 3 channels."""
    labels: NDArray[np.int64]
    """[k] class indices."""
    splits: tuple[str, ...]
    """[k] the split that each is in."""
    rows: NDArray[np.int64]
    """[k] the number of each within its split."""


@dataclass(frozen=True)
class SeriesPreview:
    """A column over time, to look at."""

    values: Array
    """float32 [n]: the target in its own unit, in time order."""
    cuts: dict[str, int]
    """The row at which each split begins, in time order; it ends where the next one begins."""
    positions: NDArray[np.int64]
    """[m] the row that each of the drawn predictions is about."""


@dataclass(frozen=True)
class TextPreview:
    """Some texts, to look at."""

    texts: tuple[str, ...]
    """[k] the beginning of each."""
    labels: NDArray[np.int64]
    """[k] class indices."""
    splits: tuple[str, ...]
    """[k] the split that each is in."""
    rows: NDArray[np.int64]
    """[k] the number of each within its split."""


@dataclass(frozen=True)
class Prepared:
    """A new session stands at epoch 0 (or at the end of an opened model)."""

    session: int
    experiment: ex.Experiment
    device: str
    points: dict[str, Points]
    features: tuple[str, ...]
    target: str
    shapes: tuple[str, ...]
    """In the lesson's notation, such as "X_train [40, 1] float32 cpu"."""
    inputs: Inputs
    """What the model takes: the shape of a row, and how many tokens it may hold."""
    n_outputs: int
    """How many numbers the model gives for a row."""
    n_parameters: int
    layers: tuple[str, ...]
    """The model's layers as torch prints them."""
    reading: Reading
    """The lines of the script that make the data."""
    columns: tuple[ColumnOffer, ...]
    """The columns of the table, used or not."""
    warnings: tuple[str, ...]
    found_format: str = ""
    """How the table is written, such as "comma, UTF-8, decimal point, header"."""
    guards: tuple[Guard, ...] = ()
    match: Match | None = None
    """What of a file went into the model at first; None where none did."""
    task: Literal["regression", "classification"] = "regression"
    classes: tuple[str, ...] = ()
    drawn: NDArray[np.int64] | None = None
    """[m] the test rows whose predictions come with each frame; None: all of points["test"]."""
    lrs: NDArray[np.float64] | None = None
    """[epochs] the learning rate of each epoch, where there is a scheduler and its rates are known beforehand; where
    they hang on the losses, what they would be with those of the last fit."""
    images: ImagePreview | None = None
    series: SeriesPreview | None = None
    texts: TextPreview | None = None
    before: int | None = None
    """The number of the trained session that it has taken the place of, where an undo would bring that back."""


@dataclass(frozen=True)
class Sizes:
    """What a model for some data takes and gives; known even where the model does not fit and nothing is prepared."""

    data: ex.Data
    inputs: Inputs
    n_outputs: int
    n_rows: int
    """Training rows."""


@dataclass(frozen=True)
class Frame:
    """A moment of a fit. `losses` [n_new, n_splits] are those of every epoch since the frame before."""

    session: int
    epoch: int
    losses: Array
    splits: tuple[str, ...]
    y_pred: Array | NDArray[np.int64]
    """[m] predictions for the test rows that are drawn: numbers in the target's own unit, or class indices."""
    parameters: dict[str, Array]
    epochs_per_second: float
    lr: float | None = None
    """The learning rate as it is now, where a scheduler changes it."""


@dataclass(frozen=True, eq=False)
class LrFound:
    """What a search for a learning rate has found."""

    session: int
    lrs: NDArray[np.float64]
    """[n] learning rates, rising."""
    losses: NDArray[np.float64]
    """[n] the loss before the step with each rate."""
    smoothed: NDArray[np.float64]
    """[n]"""
    suggestion: float
    is_cut: bool = False
    """Whether the time was over before the end."""


@dataclass(frozen=True)
class Evaluation:
    """The scores, and the test rows beside their predictions."""

    session: int
    losses: dict[str, float]
    test: dict[str, float]
    """On the test set: MAE, RMSE and R² in the target's own unit, or the accuracy."""
    X: Array
    """[n, k] the features of the first test rows in their own units; k is 0 where they are no numbers."""
    y: Array | NDArray[np.int64]
    y_pred: Array | NDArray[np.int64]
    """[n] numbers in the target's own unit, or class indices, as y."""
    features: tuple[str, ...]
    target: str
    n_rows: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A model file was opened: its experiment, and what predicting again gave."""

    path: Path
    experiment: ex.Experiment
    message: str
    of_sixstep: bool


@dataclass(frozen=True)
class WeightsFound:
    """Weights for the model were looked at: the experiment with them, and a sentence on it."""

    experiment: ex.Experiment
    message: str


@dataclass(frozen=True)
class HeadMisfit:
    """A model from elsewhere takes the data at hand, and gives another number of outputs than it needs."""

    path: Path
    sentence: str


@dataclass(frozen=True)
class SourceFound:
    """A file or folder was looked at: what it most likely is, and a sentence on it."""

    path: Path
    source: ex.FileSource
    message: str


SPLITS = ("training", "validation", "test", "left out")
"""Where a row of the data can be: `RowsShown.splits` has the place in this tuple."""


@dataclass(frozen=True)
class ColumnHead:
    """What the head of a column says. While the test set is sealed, the figures are those of the other rows."""

    name: str
    kind: Literal["number", "category", "yes/no", "date", "text", "empty"]
    role: Literal["feature", "target", "unused"] = "feature"
    missing: int = 0
    minimum: float | None = None
    """Of a date: seconds since 1970-01-01 UTC, as the other two."""
    mean: float | None = None
    maximum: float | None = None
    counts: tuple[int, ...] = ()
    """Rows in bins of the same width from minimum to maximum, about 20; or rows of each of `labels`."""
    labels: tuple[str, ...] = ()
    """The most frequent categories."""


@dataclass(frozen=True, eq=False)
class RowsShown:
    """All rows of the data, for the table. Looking at a few hundred rows of `frame` must be cheap: Arrow, in memory or
    mapped into it."""

    frame: pl.DataFrame | LazyRows | None
    """None for data that is no table, such as pictures: then `note` alone is shown."""
    columns: tuple[ColumnHead, ...] = ()
    """One for each column of the frame, in its order."""
    splits: NDArray[np.uint8] | None = None
    """[n_rows] places in SPLITS."""
    sealed: bool = False
    """Whether the values of the test rows are kept back."""
    note: str = ""


NOTHING_TO_FIT = "There is nothing to fit."
"""How a `Failure` begins that answers Fit where nothing could be built."""


@dataclass(frozen=True)
class Failure:
    """A sentence for the person and, for an unforeseen error, the details to report."""

    sentence: str
    details: str = ""
    is_wish: bool = False
    """Whether the person asked for it (a cancelled reading): said, but not in the way."""
    line: int = 0
    """The line in the person's own code; 0 where it has nothing to do with that."""


@dataclass(frozen=True)
class CodeChecked:
    """What a check of own code has found."""

    code: str
    sentence: str = ""
    """What is wrong; empty where it works."""
    line: int = 0
    layers: tuple[str, ...] = ()
    """Each module as it ran, a line each."""
