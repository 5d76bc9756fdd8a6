"""From the start of the process to the window's first paint, beside importing torch, Qt and pyqtgraph alone.

Run as a program this file is the measured process: it opens the window as main.py does and ends once it is painted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, Qt

from tests.bench.rows import Goal, Row, in_turns

ROOT = Path(__file__).parents[2]
IMPORTS = "import torch, PySide6.QtWidgets, pyqtgraph"


class EndsAfterFirstPaint(QObject):
    """Ends the process when the widget that it watches, and all in it, is painted for the first time."""

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:  # its children are painted next, in the same go
            QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), Qt.EventPriority.HighEventPriority.value)
        return False

    def customEvent(self, _event: QEvent) -> None:
        os._exit(0)


def open_window() -> None:
    """main.py, but for the settings, which are a new person's, and the end."""
    import gui.app
    import main
    from gui.settings import Settings
    from gui.window import MainWindow

    create_window = gui.app.create_window

    def watched_window(_settings: object) -> MainWindow:
        store = QSettings(str(Path(sys.argv[1]) / "settings.ini"), QSettings.Format.IniFormat)
        window = create_window(Settings(store))
        window.installEventFilter(EndsAfterFirstPaint(window))
        return window

    gui.app.create_window = watched_window  # type: ignore[assignment]
    main.main([])
    sys.exit("the window was closed before it was painted")


def measure(quick: bool) -> list[Row | str]:
    """The one row of this file."""
    with tempfile.TemporaryDirectory() as folder:
        values = in_turns(
            lambda: _milliseconds(["-m", "tests.bench.first_paint", folder]),
            lambda: _milliseconds(["-c", IMPORTS]),
            3 if quick else 5,
        )
    return [Row("First paint / importing torch, Qt, pyqtgraph", "ms", *values, Goal("<", 0.5), note="whole processes")]


def _milliseconds(arguments: list[str]) -> float:
    """How long a fresh Python takes from its start to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stderr=subprocess.DEVNULL, timeout=120)
    return 1e3 * (time.perf_counter() - started)


if __name__ == "__main__":
    open_window()
