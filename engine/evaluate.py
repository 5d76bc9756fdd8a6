"""Step 4: how good the model is. Always in inference mode; the test set is only ever looked at."""

from __future__ import annotations

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from engine.session import Session


class Scores(Struct, frozen=True):
    """The figures of a model: its loss on each split, and on the test set alone how far off it is."""

    losses: dict[str, float]
    test_mae: float
    test_rmse: float
    test_r2: float
    """1 - sum of squared errors / sum of squares around the mean; NaN when the test targets are all the same."""


def score(session: Session) -> Scores:
    """The scores of the session's model as it is now."""
    data = session.dataset
    with torch.inference_mode():
        losses = {
            split: session.loss_fn(session.model(data.X(split)), data.y(split)).item() for split in data.splits
        }
    y = data.y_test.cpu().numpy().astype(np.float64)
    return Scores(losses, *errors(y, session.predict(data.X_test).astype(np.float64)))


def errors(y: NDArray[np.float64], y_pred: NDArray[np.float64]) -> tuple[float, float, float]:
    """MAE, RMSE and R² of predictions [n, 1] against true values [n, 1].

    R² as in Draper & Smith, Applied Regression Analysis: 1 - SS_residual / SS_total.
    """
    residual = y - y_pred
    varies = y.min() < y.max()  # the sum below is rarely an exact 0
    r2 = 1.0 - float((residual**2).sum() / ((y - y.mean()) ** 2).sum()) if varies else float("nan")
    return float(np.abs(residual).mean()), float(np.sqrt((residual**2).mean())), r2
