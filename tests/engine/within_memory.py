"""Train on Parquet in a process that may take only so much memory beyond its start. Prints what it took, as JSON.

    python within_memory.py ROOT PATH COLUMNS BUFFER LIMIT ROWS_A_BATCH     BUFFER in MB, LIMIT in MB
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

MB = 2**20


def status(name: str, process: int | str = "self") -> int:
    """A line of a process's status, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024 // MB


def reader_start() -> int:
    """What a reading process takes before it reads, in MB."""
    code = "import engine.data.parquet.child; print(open('/proc/self/status').read())"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=sys.argv[1], check=True, capture_output=True, text=True
    ).stdout  # fmt: skip
    return int(said.split("VmHWM:")[1].split()[0]) * 1024 // MB


def main() -> None:
    root, path, columns, buffer, limit, batch_size = sys.argv[1:]
    sys.path.insert(0, root)
    import numpy as np

    import engine.data.parquet.reader
    import engine.training.streaming  # noqa: F401
    from engine import experiment as ex
    from engine.session import Session

    Session(ex.Experiment(fit=ex.Fit(optimizer=ex.Adam()))).advance(epochs=1)  # what torch takes once
    source = ex.ParquetStream(
        path=path, target="y", features=tuple(columns.split(",")), buffer=int(buffer), batch_size=int(batch_size)
    )
    data = ex.Data(source=source, scaling=ex.Scaling(features="standardise"))
    fit = ex.Fit(loss=ex.MSELoss(), optimizer=ex.Adam(), epochs=2)
    start, start_rss = status("VmData"), status("VmRSS")
    resource.setrlimit(resource.RLIMIT_DATA, ((start + int(limit)) * MB, resource.RLIM_INFINITY))
    session = Session(ex.Experiment(data=data, model=ex.Layers(), fit=fit))
    started = time.perf_counter()
    session.advance(epochs=1)
    reader = status("VmHWM", session._batches.reader._child.pid)
    session.advance()
    seconds = time.perf_counter() - started
    peak_rss = status("VmHWM")
    rows = sum(session.dataset.stream.counts.values())
    loaded = "whole"
    try:
        np.ones((rows, len(session.dataset.stream.columns)), dtype=np.float32)
    except MemoryError:
        loaded = "MemoryError"
    answer = {
        "losses": session.history.losses.tolist(), "rows": rows, "seconds": seconds, "as_a_whole": loaded,
        "start": start, "end": status("VmData"), "peak_rss": peak_rss, "start_rss": start_rss,
        "reader": reader, "reader_start": reader_start(),
    }  # fmt: skip
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
