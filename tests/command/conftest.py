from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.warm import Finished, shared

MAIN = Path(__file__).parents[2] / "main.py"


@pytest.fixture(scope="session")
def warm_python():
    """Runs a Python file in a process of its own."""
    python = shared()
    yield python
    python.close()


@pytest.fixture
def sixstep(warm_python, tmp_path):
    """sixstep("fit", ...) -> what `python main.py fit ...` in the folder tmp_path does, without the wait for torch."""
    return lambda *arguments, **options: warm_python.run(MAIN, *arguments, **{"cwd": tmp_path} | options)


@pytest.fixture
def new_python(tmp_path):
    """The same from a new interpreter, as a person starts it."""

    def run(*arguments: object) -> Finished:
        child = subprocess.run(
            [sys.executable, str(MAIN), *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(child.returncode, child.stdout, child.stderr)

    return run


@pytest.fixture
def euro(tmp_path) -> Path:
    """A table with semicolons, decimal commas and gaps."""
    rows = [f"{i},5;{(i * 7) % 11},25;{2 * i + 1},0;text {i}" for i in range(40)]
    path = tmp_path / "euro.csv"
    path.write_text("\n".join(["a;b;y;note", *rows, "3,5;;7,0;gap", "4,5;1,0;NA;gap"]) + "\n")
    return path
