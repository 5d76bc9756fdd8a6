"""Step 3: when a fit ends before its last epoch. Needs no torch."""

from __future__ import annotations

from engine import experiment as ex


class Judge:
    """Looks at one loss after another, in order."""

    def __init__(self, stopping: ex.Stopping) -> None:
        self._stopping = stopping
        self._waited = 0
        self.epoch = 0
        """How many epochs were looked at."""
        self.best_loss = float("inf")
        self.best_epoch = 0
        """After how many epochs the loss was at its best."""

    def look(self, loss: float) -> str:
        """The loss of the next epoch; why the fit ends here, or nothing."""
        stopping = self._stopping
        self.epoch += 1
        if loss < self.best_loss - stopping.min_delta:
            self.best_loss, self.best_epoch, self._waited = loss, self.epoch, 0
        else:
            self._waited += 1
        if stopping.target_loss is not None and loss <= stopping.target_loss:
            return f"the loss has come down to {stopping.target_loss:g}"
        if stopping.patience and self._waited >= stopping.patience:
            return f"no gain in {stopping.patience:,} epochs"
        return ""


def looks(stopping: ex.Stopping) -> bool:
    """Whether there is anything to look at after each epoch."""
    return bool(stopping.patience) or stopping.target_loss is not None


def restores(stopping: ex.Stopping) -> bool:
    """Whether the weights of the best epoch are taken at the end."""
    return bool(stopping.patience) and stopping.restore_best


def judged(splits: tuple[str, ...]) -> int:
    """Which of an epoch's losses choices are made by: the validation loss, or without one the training loss."""
    return splits.index("validation") if "validation" in splits else 0
