"""What turns raw new rows into X and a model's outputs into answers. It travels in the model file. Needs no torch."""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.rows import Learned, feature_axis
from engine.data.scaling import Moves, unscale
from engine.errors import InputError
from engine.models.inputs import Inputs

MAX_VALUES = 10**9
"""So many values a row of X has at most; a file that says more is damaged."""


class Preparation(msgspec.Struct, frozen=True):
    """What was found on the training rows, and what the model takes and gives."""

    learned: Learned = Learned()
    targets: tuple[str, ...] = ("y",)
    classes: tuple[str, ...] = ()
    """The names of the classes; empty where the target is numbers."""
    input_shape: tuple[int, ...] = (1,)
    """The shape of one row of X."""
    n_tokens: int = 0
    """How many different tokens X can hold; 0 where it holds numbers."""
    X_moves: Moves = ()
    """Centre and size of each feature; empty where none is scaled."""
    y_moves: Moves = ()

    @property
    def inputs(self) -> Inputs:
        """What the model takes."""
        return Inputs(self.input_shape, self.n_tokens, self.learned.tokenizer)


def n_outputs(loss: ex.Loss, preparation: Preparation) -> int:
    """How many numbers the model gives for a row: one a target, one for two classes, or one a class.

    For GaussianNLLLoss two a target: first all means, then what softplus makes variances of.
    """
    if preparation.classes:
        return 1 if isinstance(loss, ex.TWO_CLASS_LOSSES) else len(preparation.classes)
    return len(preparation.targets) * (2 if isinstance(loss, ex.losses.GaussianNLLLoss) else 1)


def check_loss(loss: ex.Loss, preparation: Preparation) -> None:
    """Raise InputError for a loss that does not suit the target."""
    name, target, classes = type(loss).__name__, preparation.targets[0], preparation.classes
    if isinstance(loss, ex.CLASS_LOSSES) != bool(classes):
        better = "L1Loss, MSELoss or HuberLoss"
        if classes:
            better = "CrossEntropyLoss" if len(classes) > 2 else "BCEWithLogitsLoss or CrossEntropyLoss"
        what = "a class" if classes else "a number"
        raise InputError(f"The target {target!r} is {what}, and {name} is not for that: choose {better} in step 2.")
    if isinstance(loss, ex.TWO_CLASS_LOSSES) and len(classes) > 2:
        raise InputError(
            f"{name} tells two classes apart, {target!r} has {len(classes)}: choose CrossEntropyLoss in step 2."
        )
    if isinstance(loss, ex.losses.KLDivLoss) and len(preparation.targets) < 2:
        raise InputError(
            f"KLDivLoss is for several targets that are shares of a whole, here there is {target!r} alone: "
            "choose MSELoss or HuberLoss in step 2."
        )


def answers(y_pred: NDArray[np.float32], preparation: Preparation, loss: ex.Loss | None) -> NDArray[Any]:
    """A model's outputs [n, n_outputs] as answers: float32 [n, n_targets] in their unit, or int64 [n] classes.

    What an output means depends on the loss it was trained with; where that is not known (None) it is the number.
    """
    if preparation.classes:
        if y_pred.shape[1] == 1:  # a logit above 0 is a probability above one half
            return (y_pred[:, 0] > (0.5 if isinstance(loss, ex.losses.BCELoss) else 0)).astype(np.int64)
        classes: NDArray[np.int64] = y_pred.argmax(axis=1)
        return classes
    return unscale(predicted(y_pred, preparation, loss), preparation.y_moves)


def predicted(y_pred: NDArray[np.float32], preparation: Preparation, loss: ex.Loss | None) -> NDArray[Any]:
    """What outputs [n, n_outputs] for numbers say of the targets as they were scaled, float [n, n_targets]."""
    match loss:
        case ex.losses.PoissonNLLLoss(log_input=True) | ex.losses.KLDivLoss():
            with np.errstate(over="ignore"):  # a model that is not trained yet may give anything
                exponential: NDArray[np.float64] = np.exp(y_pred.astype(np.float64))
                return exponential
        case ex.losses.GaussianNLLLoss():
            return y_pred[:, : len(preparation.targets)]
        case _:
            return y_pred


def parse_preparation(content: bytes, file: str) -> Preparation:
    """The preparation in a model file. Raises InputError, naming `file`, for one that cannot be."""
    try:
        preparation = msgspec.json.decode(content, type=Preparation)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        preparation = None
    if preparation is None or not _adds_up(preparation):
        raise InputError(f"{file}: what it says of its data does not add up; it is damaged, take another copy.")
    return preparation


def _adds_up(preparation: Preparation) -> bool:
    shape, moves = preparation.input_shape, (*preparation.X_moves, *preparation.y_moves)
    if not 1 <= len(shape) <= 3 or min(shape) < 1 or prod(shape) > MAX_VALUES or not preparation.targets:
        return False
    n_features = shape[feature_axis(len(shape) + 1) - 1]
    return (
        0 <= preparation.n_tokens <= MAX_VALUES
        and len(preparation.classes) != 1
        and len(preparation.X_moves) in (0, n_features)
        and len(preparation.y_moves) in (0, len(preparation.targets))
        and all(isfinite(centre) and isfinite(size) and size for centre, size in moves)
    )
