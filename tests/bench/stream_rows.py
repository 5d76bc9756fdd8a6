"""Parquet larger than memory: how fast it is trained on beside the same batches from memory, and what it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from engine import experiment as ex
from engine.data.parquet.reader import Reader
from engine.session import Session
from engine.training.streaming import in_order
from tests.bench.rows import Goal, Row, in_turns

ROOT = Path(__file__).parents[2]
FEATURES = tuple(f"c{number}" for number in range(15))
ROWS_A_PART = 200_000
BATCH = 4096


def measure(quick: bool) -> list[Row | str]:
    """All rows of this file."""
    limit, buffer = (40, 12) if quick else (128, 48)
    n_parts = -(-4 * limit * 2**20 // (ROWS_A_PART * 4 * (len(FEATURES) + 1)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, n_parts)
        rows: list[Row | str] = [_speed(folder, buffer, 2 if quick else 5)]
        return rows + _memory(folder, buffer, limit)


def write(folder: Path, n_parts: int) -> None:
    """Parts of 12.8 MB each: numbers that cannot be packed any smaller, and their sum."""
    generator = np.random.default_rng(0)
    for part in range(n_parts):
        X = generator.normal(size=(ROWS_A_PART, len(FEATURES))).astype(np.float32)
        table = pl.DataFrame(X, schema=FEATURES).with_columns(y=X.sum(axis=1))
        table.write_parquet(folder / f"{part:03}.parquet", compression="uncompressed", row_group_size=50_000)


def _experiment(folder: Path, buffer: int) -> ex.Experiment:
    source = ex.ParquetStream(path=str(folder), target="y", features=FEATURES, batch_size=BATCH, buffer=buffer)
    fit = ex.Fit(loss=ex.MSELoss(), optimizer=ex.Adam(), epochs=1_000_000)
    return ex.Experiment(data=ex.Data(source=source), model=ex.Layers(), fit=fit)


def _speed(folder: Path, buffer: int, rounds: int) -> Row:
    """Training rows a second, the test rows' losses included on both sides."""
    session = Session(_experiment(folder, buffer))
    stream = session.dataset.stream
    assert stream is not None
    reader = Reader(stream)
    train, test = (
        torch.cat([rows for rows in in_order(stream, reader, split) if rows is not None]) for split in ("train", "test")
    )
    reader.close()
    peer = Session(_experiment(folder, buffer), dataset=session.dataset)
    n = stream.counts["train"]

    def streamed() -> float:
        started = time.perf_counter()
        session.advance(epochs=1)
        return n / (time.perf_counter() - started)

    def from_memory() -> float:
        started = time.perf_counter()
        for numbers in torch.randperm(n).split(BATCH):
            rows = train[numbers]
            loss = peer.loss_fn(peer.model(rows[:, :-1]), rows[:, -1:])
            peer.optimizer.zero_grad()
            loss.backward()
            peer.optimizer.step()
        with torch.inference_mode():
            for rows in test.split(BATCH):
                peer.loss_fn(peer.model(rows[:, :-1]), rows[:, -1:])
        return n / (time.perf_counter() - started)

    note = f"{n:,} rows of 16 columns, batches of {BATCH:,}, buffer {buffer} MB; the peer is torch's own loop"
    return Row("Epoch from Parquet / from memory", "rows/s", *in_turns(streamed, from_memory, rounds), note=note)


def _memory(folder: Path, buffer: int, limit: int) -> list[Row | str]:
    if sys.platform != "linux":
        return ["the memory of a stream is left out: only Linux holds a process to a limit of it"]
    took: dict[str, Any] = json.loads(
        subprocess.run(
            [
                sys.executable, ROOT / "tests/engine/within_memory.py", ROOT, folder, ",".join(FEATURES),
                str(buffer), str(limit), str(BATCH),
            ],
            check=True, capture_output=True, text=True,
        ).stdout
    )  # fmt: skip
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    note = f"{size:,.0f} MB of Parquet, buffer {buffer} MB, RLIMIT_DATA {limit} MB above the start"
    return [
        Row("Memory for a file 4 x the limit / limit", "MB", [took["peak_rss"] - took["start_rss"]], [limit],
            Goal("<=", 1), note=note),
        Row("Memory of its reading process", "MB", [took["reader"]],
            note=f"{took['reader_start']} MB before its first block: the interpreter and polars"),
    ]  # fmt: skip
