"""Step 4: how good the model is. Always in inference mode; the test set is only ever looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from engine.data.preparation import answers, predicted
from engine.data.scaling import unscale
from engine.session import Session

if TYPE_CHECKING:
    from engine.data.parquet.stream import Stream


class Scores(Struct, frozen=True):
    """The figures of a model: its loss on each split, and on the test set alone how good its answers are."""

    losses: dict[str, float]
    test: dict[str, float]
    """Of numbers MAE, RMSE and R² in the target's own unit (R² is NaN when all are the same); of classes accuracy."""
    accuracies: dict[str, float]
    """The share of right answers on each split; empty where the target is numbers."""


def score(session: Session) -> Scores:
    """The scores of the session's model as it is now. Rows on disk are all read once, which may raise InputError."""
    data, loss_fn, loss = session.dataset, session.loss_fn, session.experiment.fit.loss
    if data.stream is not None:
        return _streamed_score(session, data.stream)
    outputs = {split: session.predict(data.X(split)) for split in data.splits}
    with torch.inference_mode():
        losses = {
            split: loss_fn(torch.from_numpy(y_pred).to(session.device), data.y(split)).item()
            for split, y_pred in outputs.items()
        }
    if session.preparation.classes:
        accuracies = {
            split: float((answers(y_pred, session.preparation, loss) == true_answers(session, split)).mean())
            for split, y_pred in outputs.items()
        }
        return Scores(losses, {"accuracy": accuracies["test"]}, accuracies)
    y_pred = answers(outputs["test"], session.preparation, loss)
    mae, rmse, r2 = errors(true_answers(session, "test").astype(np.float64), y_pred.astype(np.float64))
    return Scores(losses, {"MAE": mae, "RMSE": rmse, "R²": r2}, {})


def _streamed_score(session: Session, stream: Stream) -> Scores:
    from engine.data.parquet.reader import Reader
    from engine.training.streaming import in_order

    reader, sums = Reader(stream), Errors()
    preparation, loss = session.preparation, session.experiment.fit.loss
    centre, size = np.array(preparation.y_moves or ((0.0, 1.0),)).T  # float64, and so are what they make
    losses = {}
    for split in session.dataset.splits:
        total = 0.0
        for rows in in_order(stream, reader, split):
            if rows is None:
                continue
            y, y_pred = rows[:, -1:], session.predict(rows[:, :-1])
            with torch.inference_mode():
                value = session.loss_fn(torch.from_numpy(y_pred).to(session.device), y.to(session.device))
            total += value.item() * len(rows)
            if split == "test":
                sums.add(y.numpy() * size + centre, predicted(y_pred, preparation, loss) * size + centre)
        losses[split] = total / stream.counts[split]
    return Scores(losses, {"MAE": sums.mae, "RMSE": sums.rmse, "R²": sums.r2}, {})


class Errors:
    """MAE, RMSE and R² of one target, from one batch of predictions after another; the sums in float64.

    The sum of squares about the mean as in Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances (1979).
    """

    def __init__(self) -> None:
        self._n, self._mean, self._squares, self._absolute, self._squared = 0, 0.0, 0.0, 0.0, 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, y: NDArray[np.float64], y_pred: NDArray[np.float64]) -> None:
        """Some more true values and predictions of the same shape."""
        residual, n, mean = y - y_pred, y.size, float(y.mean())
        self._absolute += float(np.abs(residual).sum())
        self._squared += float((residual**2).sum())
        self._squares += float(((y - mean) ** 2).sum()) + (mean - self._mean) ** 2 * (self._n * n / (self._n + n))
        self._mean += (mean - self._mean) * (n / (self._n + n))
        self._n += n
        self._low, self._high = min(self._low, float(y.min())), max(self._high, float(y.max()))

    @property
    def mae(self) -> float:
        """The mean absolute error."""
        return self._absolute / self._n

    @property
    def rmse(self) -> float:
        """The root of the mean squared error."""
        return float(np.sqrt(self._squared / self._n))

    @property
    def r2(self) -> float:
        """The share of the variation that is explained; NaN where there is none."""
        return 1.0 - self._squared / self._squares if self._low < self._high else float("nan")


def true_answers(session: Session, split: str, rows: slice = slice(None)) -> NDArray[Any]:
    """The targets of a split as `Session.answers` gives them: float32 [n, n_targets] unscaled, or int64 [n]."""
    y = session.dataset.y(split)[rows].cpu().numpy()
    if session.preparation.classes:
        return y.reshape(-1).astype(np.int64)
    return unscale(y, session.preparation.y_moves)


def errors(y: NDArray[np.float64], y_pred: NDArray[np.float64]) -> tuple[float, float, float]:
    """MAE, RMSE and R² of predictions [n, n_targets] against true values, R² as the mean over the targets.

    R² as in Draper & Smith, Applied Regression Analysis: 1 - SS_residual / SS_total.
    """
    residual = y - y_pred
    r2 = float(np.mean([_r2(y[:, i], residual[:, i]) for i in range(y.shape[1])]))
    return float(np.abs(residual).mean()), float(np.sqrt((residual**2).mean())), r2


def _r2(y: NDArray[np.float64], residual: NDArray[np.float64]) -> float:
    varies = y.min() < y.max()  # the sum below is rarely an exact 0
    return 1.0 - float((residual**2).sum() / ((y - y.mean()) ** 2).sum()) if varies else float("nan")
