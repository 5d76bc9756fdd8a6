"""Ctrl+C and SIGTERM end a command with one sentence; nothing half-written stays, and no process."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from engine import experiment as ex
from engine.experiment.own_code import EXAMPLE
from engine.files import write_experiment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals between processes")

NUMBERS = [signal.SIGINT, signal.SIGTERM]
LONG = ("--out", "results", "--epochs", "10000000")

DRIVER = """\
import os
import sys

sys.path.insert(0, {root!r})
import {module}

before = {module}.{name}


def interrupted(*given, **named):
    os.kill(os.getpid(), {number})
    return before(*given, **named)


{module}.{name} = interrupted
from main import main

sys.exit(main(sys.argv[1:]))
"""
"""Sixstep, to which a signal comes whenever it calls one of its functions."""


INTERRUPTING = """\
        self.n = getattr(self, "n", 0) + 1
        if self.n > 60:
            open({pids!r}, "w").write(str(os.getpid()))
            for _ in range(2):
                os.kill(os.getppid(), {number})
            while True:
                pass
"""
"""What a forward does first: later on it sends its parent two signals and does not end."""


@pytest.fixture
def driver(tmp_path):
    """driver("engine.session", "Session.advance", SIGINT) -> a file that runs Sixstep and is interrupted there."""

    def write(module: str, name: str, number: int) -> Path:
        root = str(Path(__file__).parents[2])
        path = tmp_path / "driver.py"
        path.write_text(DRIVER.format(root=root, module=module, name=name, number=int(number)))
        return path

    return write


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"driver.py", "own.toml", "pids"}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_fit_that_is_interrupted_ends_with_one_sentence_and_writes_nothing(warm_python, driver, tmp_path, number):
    path = driver("engine.session", "Session.advance", number)
    finished = warm_python.run(path, "fit", "straight-line", *LONG, cwd=tmp_path)
    assert finished.code == 128 + number and finished.err.endswith("Stopped; nothing was written.\n")
    assert "Traceback" not in finished.err and left(tmp_path) == set()


@pytest.mark.parametrize("number", NUMBERS)
def test_an_interrupt_waits_until_the_files_that_belong_together_are_written(warm_python, driver, tmp_path, number):
    path = driver("engine.headless", "atomic_write", number)
    finished = warm_python.run(path, "fit", "straight-line", "--out", "results", "--epochs", "3", cwd=tmp_path)
    assert finished.code == 128 + number and finished.err.endswith("Stopped; all files had been written.\n")
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {"experiment.toml", "history.csv", "metrics.json", "model.pt", "script.py", "fit.png"}


def test_a_prediction_that_is_interrupted_leaves_no_file(warm_python, sixstep, driver, tmp_path):
    assert sixstep("fit", "straight-line", "--out", "results", "--epochs", "3").code == 0
    (tmp_path / "new.csv").write_text("X\n0.5\n")
    path = driver("os", "fsync", signal.SIGTERM)
    finished = warm_python.run(path, "predict", "results/model.pt", "new.csv", "--out", "y.csv", cwd=tmp_path)
    assert (finished.code, finished.err) == (143, "Stopped; nothing was written.\n")
    assert left(tmp_path) == {"results", "new.csv"}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_fit_of_own_code_ends_at_the_first_of_two_signals_and_leaves_no_process(
    new_python, tmp_path, monkeypatch, number
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    act = INTERRUPTING.format(pids=str(tmp_path / "pids"), number=int(number))
    code = "import os\n" + EXAMPLE.replace("        x = x.flatten(", f"{act}        x = x.flatten(")
    write_experiment(tmp_path / "own.toml", ex.Experiment(model=ex.OwnCode(code=code)))
    finished = new_python("fit", "own.toml", "--trust-code", *LONG)
    assert finished.code == 128 + number and finished.err.endswith("Stopped; nothing was written.\n")
    assert "Traceback" not in finished.err and left(tmp_path) == {"temporary"}
    assert not [name for name in left(temporary) if name.startswith("sixstep")]
    assert not Path("/proc", (tmp_path / "pids").read_text(), "cmdline").exists()
