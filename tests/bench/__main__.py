"""`make bench`: how fast Sixstep is beside others. Each file of rows is measured in a fresh process.

Goals are said, not enforced: the exit code is 1 only when the engine's losses are not those of the course's loop.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from tests.bench import (
    data_rows,
    engine_rows,
    first_paint,
    gpu_rows,
    model_rows,
    plot_rows,
    rows_view_rows,
    stream_rows,
    window_rows,
)
from tests.bench.rows import Row

Answer = TypeVar("Answer")
PARTS = ("engine", "model", "gpu", "window", "plots", "rows", "data", "stream", "first-paint")
PACKAGES = ("torch", "PySide6-Essentials", "pyqtgraph", "numpy", "scikit-learn", "skorch", "lightning")


def main() -> int:
    """Measure, print the table, write bench.json here. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: 1 minute, more noise")
    parser.add_argument("--full", action="store_true", help="really train the million epochs: minutes more")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    window_rows.use_screen_or_none()
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")  # the offscreen platform has much to say
    parts: dict[str, Callable[[], list[Row | str]]] = {
        "engine": partial(engine_rows.measure, options.quick, options.full),
        "model": partial(model_rows.measure, options.quick),
        "gpu": partial(gpu_rows.measure, options.quick),
        "window": partial(window_rows.measure, options.quick),
        "plots": partial(plot_rows.measure, options.quick),
        "rows": partial(rows_view_rows.measure, options.quick),
        "data": partial(data_rows.measure, options.quick),
        "stream": partial(stream_rows.measure, options.quick),
        "first-paint": partial(first_paint.measure, options.quick),
    }
    same = in_fresh_process(engine_rows.same_bits)
    console.print(f"The engine's losses are {'' if same else 'NOT '}those of the course's loop, to the last bit.")
    rows: list[Row] = []
    for name, measure in parts.items():
        if options.only in (None, name):
            rows += said(console, name, measure)
    console.print(table(rows))
    write(Path("bench.json"), same, rows)
    return 0 if same else 1


def in_fresh_process(work: Callable[[], Answer]) -> Answer:
    """What `work` returns, done where nothing else was loaded before."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work).result()


def said(console: Console, name: str, measure: Callable[[], list[Row | str]]) -> list[Row]:
    """The rows of one part; what is missing is said."""
    try:
        answers = in_fresh_process(measure)
    except Exception as error:  # a benchmark that fails must not hide the others
        answers = [f"{name} could not be measured: {type(error).__name__}: {error}"]
    for answer in answers:
        if isinstance(answer, str):
            console.print(answer, style="yellow")
    return [answer for answer in answers if isinstance(answer, Row)]


def table(rows: list[Row]) -> Table:
    """What people read."""
    lines = Table("what", "unit")
    for title in ("ours", "peer", "ratio", "goal", "met"):
        lines.add_column(title, justify="right")
    lines.add_column("note")
    for row in rows:
        peer, ratio = (number(row.of_all(row.peer)), f"{row.judged:.2f}") if row.peer else ("", "")
        met = {None: "", True: "yes", False: "[red]no"}[row.met]
        goal = "" if row.goal is None else str(row.goal)
        lines.add_row(row.what, row.unit, number(row.of_all(row.ours)), peer, ratio, goal, met, row.note)
    return lines


def number(value: float) -> str:
    """With as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def machine() -> dict[str, Any]:
    """Where and when this was."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "processor": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: installed(name) for name in PACKAGES},
    }


def installed(package: str) -> str | None:
    """The version of a package, None without it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write(path: Path, same_bits: bool, rows: list[Row]) -> None:
    """Everything that was measured, round by round."""
    lines = [
        {
            "what": row.what, "unit": row.unit, "ours": row.ours, "peer": row.peer, "ratios": row.ratios,
            "judged": row.judged, "goal": str(row.goal) if row.goal else None, "met": row.met, "note": row.note,
        }
        for row in rows
    ]  # fmt: skip
    path.write_text(json.dumps({"machine": machine(), "same_bits": same_bits, "rows": lines}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
