"""Step 1 at full size: a CSV file of 5 million rows and 10 columns to tensors, beside polars alone."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import torch

from engine import experiment as ex
from engine.data.tables import Tables, read_rows
from tests.bench.rows import Goal, Row, in_turns

ROOT = Path(__file__).parents[2]
COLUMNS = 10
MEMORY = "from tests.bench.data_rows import peak_of_ours; import sys; print(peak_of_ours(sys.argv[1]))"


def measure(quick: bool) -> list[Row]:
    """All rows of this file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "numbers.csv")
        n_rows = write(path, 1_000_000 if quick else 5_000_000)
        rounds = 3 if quick else 7
        ready = in_turns(partial(ours, path), partial(polars_alone, path), rounds)
        cold = in_turns(partial(ours, path, start_child=False), partial(polars_alone, path), rounds)
        memory = [peak_in_a_fresh_process(path) for _ in range(1 if quick else 3)]
    tensors = 4 * n_rows * COLUMNS / 2**20
    what = f"CSV of {n_rows // 10**6} million x {COLUMNS} to tensors"
    note = "checks, description and conversion to float32 included; the child waits, as it does in the window"
    return [
        Row(f"{what} / read_csv and to_numpy", "s", *ready, Goal("<=", 1.3), note=note),
        Row(f"{what}, the child's start included", "s", *cold, note="as in a command"),
        Row(
            f"{what}: peak memory / tensors", "MB", memory, [tensors] * len(memory), Goal("<=", 2.5),
            note="the window's process beyond what it had before, or all of the child, whichever is more",
        ),
    ]  # fmt: skip


def write(path: Path, n_rows: int) -> int:
    """A file of numbers with four decimals, some 74 bytes a row; returns n_rows."""
    numbers = np.random.default_rng(0)
    pl.DataFrame({f"x{j}": numbers.normal(size=n_rows).round(4) for j in range(COLUMNS)}).write_csv(path)
    return n_rows


def tensors_of(path: Path, opened: Tables) -> tuple[torch.Tensor, torch.Tensor]:
    """X [n, 9] and y [n, 1], as a session gets them."""
    names = tuple(f"x{j}" for j in range(COLUMNS))
    source = ex.Table(path=str(path), target=names[-1], features=names[:-1])
    rows = read_rows(opened.open(path), source)
    X, _ = rows.prepare(np.arange(len(rows.y)))
    return X, rows.y


def ours(path: Path, start_child: bool = True) -> float:
    """Seconds from the file to tensors; with a child process that was started before, or not."""
    opened = Tables()
    if start_child:
        opened.warm_up()
        time.sleep(1)  # in the window it has waited since the last table
    started = time.perf_counter()
    tensors_of(path, opened)
    return time.perf_counter() - started


def polars_alone(path: Path) -> float:
    """Seconds of the least that polars must do, without a look at the file and without float32."""
    started = time.perf_counter()
    pl.read_csv(path).to_numpy()
    return time.perf_counter() - started


def peak_in_a_fresh_process(path: Path) -> float:
    """Megabytes."""
    command = [sys.executable, "-c", MEMORY, str(path)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def peak_of_ours(path: str) -> float:
    """What this process takes beyond what it has now, or all of the child: they do not work at the same time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tensors_of(Path(path), Tables())
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return max(growth, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**10
