"""`python main.py NAME`: the window opens with a preset."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.command.conftest import MAIN

SHOWS_WHAT_IS_BUILT = """
import sys
from pathlib import Path
from PySide6.QtCore import QSettings
import gui.app
import main
from gui.settings import Settings

create_window = gui.app.create_window

def told(window, prepared):
    if not window.isVisible():
        return
    print(type(prepared.experiment.data.source).__name__, window.document.experiment == prepared.experiment,
          window.document.path, window.document.unsaved, flush=True)
    window.close()

def watched(_settings):
    window = create_window(Settings(QSettings(str(Path("settings.ini").absolute()), QSettings.Format.IniFormat)))
    window.trainer.prepared.connect(lambda prepared: told(window, prepared))
    return window

gui.app.create_window = watched
sys.exit(main.main(sys.argv[1:]))
"""


def test_a_preset_s_name_opens_it_in_the_window_as_something_new(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", SHOWS_WHAT_IS_BUILT, "circles-relu"],
        cwd=tmp_path,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(MAIN.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (child.returncode, child.stdout) == (0, "Circles True None False\n"), child.stderr


def test_a_name_that_is_nothing_is_refused_without_a_window(sixstep):
    finished = sixstep("circle-relu")
    assert finished.code == 2 and "circle-relu is no command, no preset and no file" in finished.err
