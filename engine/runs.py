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
    """"done", "stopped", "failed", or "lost" where its model is gone."""
    seconds: float
    splits: tuple[str, ...]
    losses: NDArray[np.float32]
    """[n_epochs, n_splits], train before each update, the others after it."""
    test_scores: dict[str, float]
    """On the test set: MAE, RMSE and R², or the accuracy; empty where the model is gone."""
    why: str = ""
    """Why it ended before its last epoch by itself, such as "no gain in 5 epochs"; of one that failed the sentence."""

    @property
    def outcome(self) -> str:
        """How it ended, in a sentence."""
        done, epochs = len(self.losses), self.experiment.fit.epochs
        if self.ended in ("failed", "lost"):
            return f"Failed after {done:,} of {epochs:,} epochs. {self.why}"
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
    if isinstance(model, ex.Exported):
        name = _short(f"Exported {Path(model.path).name}")
    if isinstance(model, ex.Sequential):
        name = _short("-".join(type(layer).__name__ for layer in model.layers))
    return f"{name} · {type(fit.loss).__name__} · {type(fit.optimizer).__name__} lr {fit.optimizer.lr:g}"


def changes(before: ex.Experiment, after: ex.Experiment) -> list[str]:
    """What is different in `after`, such as "lr 0.01 → 0.05"; of another kind of part only what both kinds have."""
    old, new = _settings(before), _settings(after)
    return [
        f"{name} {_words(old[key][1], zero)} → {_words(value, zero)}"
        for key, (name, value, zero) in new.items()
        if key in old and old[key][1] != value
    ]


LONGEST_TITLE = 12
"""A field with a longer title goes by its name here: lr."""


def _settings(part: ex.Part, key: str = "") -> dict[str, tuple[str, Any, str]]:
    """Every setting by its key: its name on the screen, its value, and what its form shows in place of 0."""
    settings: dict[str, tuple[str, Any, str]] = {}
    for field in msgspec.structs.fields(part):
        value, path, name = getattr(part, field.name), f"{key}.{field.name}", field.name.replace("_", " ")
        if isinstance(value, ex.Part):
            if value.__struct_config__.tag:
                settings[path] = (name, _kind(value), "")
            settings |= _settings(value, path)
            continue
        zero = ""
        for meta in getattr(field.type, "__metadata__", ()):
            zero = (meta.extra or {}).get("zero", "")
            if meta.title and len(meta.title) <= LONGEST_TITLE:
                name = meta.title if meta.title[:2].isupper() else meta.title[:1].lower() + meta.title[1:]
        settings[path] = (name, value, zero)
    return settings


def _kind(part: ex.Part) -> str:
    """What a part is called in a file: its kind where there are several, else its first value, a name."""
    tag = part.__struct_config__.tag
    return str(tag or getattr(part, part.__struct_fields__[0]))


def _words(value: Any, zero: str) -> str:
    match value:
        case None | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case 0 if zero:
            return zero
        case _:
            return _short(value)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = ", ".join(_kind(each) if isinstance(each, ex.Part) else str(each) for each in value)
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
