"""Step 5: finished runs, and what was changed from one to the next. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine import experiment as ex
from engine.training.stopping import Judge, judged, restores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Run:
    """What was set and how it ended."""

    number: int
    experiment: ex.Experiment
    device: str
    ended: str
    """"done", "stopped" or "failed"."""
    seconds: float
    splits: tuple[str, ...]
    losses: NDArray[np.float32]
    """[n_epochs, n_splits], train before each update, the others after it."""
    test_scores: dict[str, float]
    """On the test set: MAE, RMSE and R², or the accuracy."""
    why: str = ""
    """Why it ended before its last epoch by itself, such as "no gain in 5 epochs"."""

    @property
    def outcome(self) -> str:
        """How it ended, in a sentence."""
        done, epochs = len(self.losses), self.experiment.fit.epochs
        best = ""
        if restores(self.experiment.fit.stopping) and done:
            epoch, loss = self._best()
            split = self.splits[judged(self.splits)]
            best = f" The weights are those of epoch {epoch:,}, {split} loss {loss:.4g}."
        if self.why:
            return f"Ended after {done:,} of {epochs:,} epochs: {self.why}.{best}"
        return f"Done.{best}" if done >= epochs else f"Stopped after {done:,} of {epochs:,} epochs."

    def _best(self) -> tuple[int, float]:
        """The best epoch, counted from 1, and its loss."""
        judge = Judge(self.experiment.fit.stopping)
        for loss in self.losses[:, judged(self.splits)].tolist():
            judge.look(loss)
        return judge.best_epoch, judge.best_loss

    @property
    def last_losses(self) -> dict[str, float]:
        """The losses of the last epoch, by split."""
        return {} if not len(self.losses) else dict(zip(self.splits, map(float, self.losses[-1]), strict=True))


def summary(experiment: ex.Experiment) -> str:
    """An experiment in one line."""
    fit = experiment.fit
    model = experiment.model
    name = type(model).__name__
    if isinstance(model, ex.Layers):
        name = "Linear " + "-".join(map(str, model.hidden)) + f" {model.activation}" if model.hidden else "one Linear"
    if isinstance(model, ex.Backbone):
        name = _short(f"Backbone {Path(model.folder).name}")
    if isinstance(model, ex.Sequential):
        name = _short("-".join(type(layer).__name__ for layer in model.layers))
    return f"{name} · {type(fit.loss).__name__} · {type(fit.optimizer).__name__} lr {fit.optimizer.lr:g}"


def changes(before: ex.Experiment, after: ex.Experiment) -> list[str]:
    """What is different in `after`, such as "lr 0.01 → 0.05"; of another kind of part only what both kinds have."""
    old, new = _flat(msgspec.to_builtins(before)), _flat(msgspec.to_builtins(after))
    return [
        f"{_word(key)} {_short(old[key])} → {_short(value)}"
        for key, value in new.items()
        if key in old and old[key] != value
    ]


def _word(key: str) -> str:
    """The last word of a key; for the kind of a part, the part's own."""
    words = key.split(".")
    return words[-2] if words[-1] in ("kind", "name") else words[-1].replace("_", " ")


def _flat(tree: dict[str, Any], key: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        path = f"{key}.{name}".removeprefix(".")
        flat |= _flat(value, path) if isinstance(value, dict) else {path: value}
    return flat


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):  # layers
        value = [next(iter(part.values())) for part in value]
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
