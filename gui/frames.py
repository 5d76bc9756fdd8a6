"""What crosses from the training thread to the window: frozen values of NumPy arrays and texts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from engine import experiment as ex

if TYPE_CHECKING:  # NumPy takes a tenth of a second to import; the window paints before that
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


class RunState(Enum):
    """What the training thread is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Points:
    """The rows of one split that are drawn: X [n, n_features], y [n]; evenly picked where there are very many."""

    X: Array
    y: Array
    n_rows: int
    """How many rows the split has in all."""


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
    n_parameters: int
    layers: tuple[str, ...]
    """The model's layers as torch prints them."""
    read_table: tuple[str, ...]
    """The polars lines of the script that read the table."""
    columns: tuple[str, ...]
    """The number columns of the table, used or not."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """A moment of a fit. `losses` [n_new, n_splits] are those of every epoch since the frame before."""

    session: int
    epoch: int
    losses: Array
    splits: tuple[str, ...]
    y_pred: Array
    """Predictions [n] for the test rows that are drawn."""
    parameters: dict[str, Array]
    epochs_per_second: float


@dataclass(frozen=True)
class Evaluation:
    """The scores, and the test rows beside their predictions."""

    session: int
    losses: dict[str, float]
    test_mae: float
    test_rmse: float
    test_r2: float
    X: Array
    y: Array
    y_pred: Array
    features: tuple[str, ...]
    target: str
    n_rows: int


@dataclass(frozen=True)
class Opened:
    """A model file was opened: its experiment, and what predicting again gave."""

    path: Path
    experiment: ex.Experiment
    message: str
    of_sixstep: bool


@dataclass(frozen=True)
class TableFound:
    """A table was looked at: the columns that can be used."""

    path: Path
    columns: tuple[str, ...]
    """The names of the number columns."""
    n_rows: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """A sentence for the person and, for an unforeseen error, the details to report."""

    sentence: str
    details: str = ""
