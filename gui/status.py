"""The status bar: what happened last, and how far the fit is."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar

from gui.frames import Frame, RunState
from gui.widgets import ElidedLabel, named


class StatusBar(QStatusBar):
    """Message at the left; progress, epochs, epochs a second, time left at the right."""

    def __init__(self) -> None:
        super().__init__()
        self._message = ElidedLabel()
        self.progress = named(QProgressBar(textVisible=False), "progress", "Progress of the fit")
        self.progress.setFixedWidth(140)
        self._epoch = self._epochs = 0
        self.sealed = False
        """Whether the test loss is kept back."""
        self.losses = named(QLabel(), "losses")
        self.epochs = named(QLabel(), "epochs")
        self.rate = named(QLabel(), "rate")
        self.left = named(QLabel(), "time left")
        self.addWidget(self._message, 1)
        for widget in (self.losses, self.progress, self.epochs, self.rate, self.left):
            self.addPermanentWidget(widget)

    @Slot(str)
    def say(self, text: str) -> None:
        """Show a message until the next one; the whole of it in the tool tip."""
        self._message.setText(text)
        self._message.setToolTip(text)

    @property
    def message(self) -> str:
        """What is shown."""
        return self._message.text()

    def show_reading(self, share: float) -> None:
        """Show how far the reading of a file is, 0 to 1; then the fit again."""
        if share < 1:
            self.progress.setMaximum(1000)
            self.progress.setValue(int(1000 * share))
            self.say(f"Reading… {share:.0%}. Esc cancels.")
            return
        self.progress.setMaximum(self._epochs)
        self.progress.setValue(min(self._epoch, self._epochs))
        if self.message.startswith("Reading…"):
            self.say("")

    def show_state(self, state: RunState) -> None:
        """Without a fit there is no rate."""
        if state is not RunState.RUNNING:
            self.rate.setText("")
            self.left.setText("")

    def show_epochs(self, epochs: int) -> None:
        """Show how many epochs there are to do."""
        self._epochs = epochs
        self.progress.setMaximum(epochs)
        self.progress.setValue(min(self._epoch, epochs))
        self.epochs.setText(f"epoch {self._epoch:,} / {epochs:,}")

    def forget_fit(self) -> None:
        """There is no fitted model now."""
        self._epoch = 0
        self.losses.setText("")
        self.show_epochs(self._epochs)

    def show_frame(self, frame: Frame, epochs: int, state: RunState) -> None:
        """Show how far the fit is."""
        self._epoch = frame.epoch
        self.show_epochs(epochs)
        if len(frame.losses):
            last = zip(frame.splits, frame.losses[-1], strict=True)
            seen = [f"{split} {loss:.4g}" for split, loss in last if not (self.sealed and split == "test")]
            self.losses.setText("  ".join(seen))
        elif not frame.epoch:
            self.losses.setText("")
        running = state is RunState.RUNNING and frame.epochs_per_second > 0
        self.rate.setText(f"{_rounded(frame.epochs_per_second)} epochs/s" if running else "")
        left = max(epochs - frame.epoch, 0) / frame.epochs_per_second if running else 0
        self.left.setText(f"{duration(left)} left" if running else "")


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def duration(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 3:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
