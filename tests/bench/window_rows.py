"""The engine with the real window open and drawing, beside the course's loop without one."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QObject, QSettings, QTimer, SignalInstance

from gui.app import create_app, create_window
from gui.frames import RunState
from gui.pace import PACES
from gui.settings import Settings
from gui.window import MainWindow
from tests.bench import loops
from tests.bench.rows import Goal, Row, epochs_per_second, in_turns

PROBE_MS = 5
PATIENCE_MS = 120_000


class PaintedFrames(QObject):
    """Counts the frames of a fit that reach the screen: those after which the loss plot is painted."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self.count = 0
        self._unpainted = False
        window.trainer.frame.connect(self._came)
        window.plots.loss.plot.viewport().installEventFilter(self)

    def _came(self, _frame: object) -> None:
        self._unpainted = True

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            self.count += self._unpainted
            self._unpainted = False
        return False


class Gaps(QObject):
    """How long the window's thread stayed away from its event loop: the longest wait of a timer due every 5 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_ms = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=PROBE_MS)
        self._timer.timeout.connect(self._came)

    def start(self) -> None:
        """Watch from now on."""
        self.longest_ms = 0.0
        self._clock.start()
        self._timer.start()

    def stop(self) -> None:
        """Watch no more."""
        self._timer.stop()

    def _came(self) -> None:
        self.longest_ms = max(self.longest_ms, self._clock.nsecsElapsed() / 1e6 - PROBE_MS)
        self._clock.start()


class Bench:
    """One window, with functions that train in it and say what they saw."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        store = QSettings(str(Path(self._folder.name) / "settings.ini"), QSettings.Format.IniFormat)
        self.window = create_window(Settings(store))
        self.window.dialogs.error = _raise  # type: ignore[method-assign]
        trainer = self.window.trainer
        self.window.show()
        self.wait_for(trainer.prepared, lambda: None)
        trainer.set_pace(PACES[0])
        self.painted = PaintedFrames(self.window)
        self.gaps = Gaps()
        self.frames_per_second: list[float] = []

    def wait_for(self, signal: SignalInstance, start: Callable[[], object], wanted: object = None) -> float:
        """Call `start`; the seconds until `signal` comes, with the value `wanted` if one is given."""
        loop = QEventLoop()
        patience = QTimer(singleShot=True, interval=PATIENCE_MS)
        patience.timeout.connect(lambda: loop.exit(1))

        def came(value: object) -> None:
            if wanted is None or value is wanted:
                loop.exit(0)

        signal.connect(came)
        patience.start()
        started = time.perf_counter()
        start()
        late = loop.exec()
        seconds = time.perf_counter() - started
        signal.disconnect(came)
        if late:
            raise TimeoutError("the window does not answer")
        return seconds

    def set_epochs(self, epochs: int) -> None:
        """Begin again at epoch 0, with so many epochs to do."""
        if self.window.document.experiment.fit.epochs != epochs:
            self.window.document.edit("fit", epochs=epochs)
        self.wait_for(self.window.trainer.prepared, self.window.reset)

    def fit(self) -> float:
        """Seconds for a whole fit: from Fit to Done."""
        return self.wait_for(self.window.trainer.state_changed, self.window.fit, RunState.DONE)

    def epochs_per_second(self, epochs: int) -> float:
        """How fast a fit goes while the window draws it."""
        self.set_epochs(epochs)
        before = self.painted.count
        seconds = self.fit()
        self.frames_per_second.append((self.painted.count - before) / seconds)
        return epochs / seconds

    def longest_gap(self, epochs: int) -> float:
        """Milliseconds that the window's thread was away at most during one fit."""
        self.set_epochs(epochs)
        self.gaps.start()
        self.fit()
        self.gaps.stop()
        return self.gaps.longest_ms

    def stop_latency(self) -> float:
        """Milliseconds from Stop to Done, in the middle of a fit."""
        self.set_epochs(10_000_000)
        self.wait_for(self.window.trainer.state_changed, self.window.fit, RunState.RUNNING)
        wait = QEventLoop()
        QTimer.singleShot(200, wait.quit)
        wait.exec()
        return 1e3 * self.wait_for(self.window.trainer.state_changed, self.window.stop, RunState.DONE)


def _raise(sentence: str, details: str = "") -> None:
    raise RuntimeError(f"{sentence}\n{details}")


def use_screen_or_none() -> str:
    """Draw into memory where there is no screen. Returns the name of the platform."""
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return os.environ.get("QT_QPA_PLATFORM", "screen")


def measure(quick: bool) -> list[Row | str]:
    """All rows of this file. Call it in a process of its own: it makes the one QApplication."""
    platform = use_screen_or_none()
    app = create_app(["bench"])
    torch.set_num_threads(1)
    bench = Bench()
    epochs, rounds = (10_000, 3) if quick else (20_000, 5)
    values = in_turns(
        lambda: bench.epochs_per_second(epochs), lambda: epochs_per_second(loops.plain, epochs // 4), rounds
    )
    gaps = [bench.longest_gap(epochs // 2) for _ in range(3)]
    stops = [bench.stop_latency() for _ in range(5 if quick else 20)]
    bench.window.trainer.shut_down()
    app.processEvents()
    size = f"{bench.window.width()} × {bench.window.height()}, {platform}"
    return [
        Row("Window drawing / course's loop without one", "epochs/s", *values, Goal(">=", 1.0), note=size),
        Row("Frames painted", "frames/s", bench.frames_per_second[1:]),
        Row("Window's thread away from its events", "ms", gaps, goal=Goal("<=", 50), of_all=max, note="the longest"),
        Row("From Stop to Done", "ms", stops, goal=Goal("<=", 100), of_all=max, note="the longest"),
    ]


