"""The application around the window: what must happen once, and the hooks for what nobody foresaw."""

from __future__ import annotations

import faulthandler
import sys
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtWidgets import QApplication

from engine.files import find_experiment
from gui.dialogs import Dialogs
from gui.frames import Failure
from gui.settings import Settings
from gui.window import MainWindow, chosen_theme


def create_app(arguments: list[str]) -> QApplication:
    """The one QApplication."""
    app = QApplication(arguments)
    app.setApplicationName("Sixstep")
    app.setStyle("Fusion")
    return app


def create_window(settings: Settings, dialogs: Dialogs | None = None) -> MainWindow:
    """The window in the theme and size of last time, not yet shown."""
    window = MainWindow(settings, dialogs)
    window.apply_theme(chosen_theme(settings))
    if settings.geometry is None or not window.restoreGeometry(settings.geometry):
        available = window.screen().availableGeometry()
        window.resize(min(1500, available.width() - 20), min(900, available.height() - 40))
    return window


def run(path: Path | None, arguments: list[str], preset: str = "") -> int:
    """Show the window until it is closed; with `path` or the name of a `preset`, open that in it."""
    faulthandler.enable()
    app = create_app(arguments)
    window = create_window(Settings())

    def show_unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        sentence = f"Something unforeseen went wrong ({kind.__name__}). Please report this."
        window.answers.show_failure(Failure(sentence, details))

    sys.excepthook = show_unforeseen
    if path is not None:
        window.open_path(path)
    elif preset:
        window.document.open(find_experiment(preset), None)
    window.show()
    return app.exec()
