"""Step 1: a stream's blocks as arrays, read ahead by a child process that a broken file can end without harm here."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.data.child import ROOT, broken, out_of_memory
from engine.data.class_folders import shown
from engine.data.parquet.stream import Block, Stream, still_the_same
from engine.errors import InputError

AHEAD = 2
"""Blocks that are on their way."""
LOOK = 0.01
"""Seconds after which `read` comes back without a block."""
SECONDS = 120
"""So long a block takes at most."""


class Order(msgspec.Struct, frozen=True):
    """What the child is told first."""

    stream: Stream


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What it says to each block; its rows follow."""

    refused: str = ""


class Reader:
    """Reads the blocks of one stream. Its child process ends with the last reference to it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_end`
        self._child = subprocess.Popen(
            [sys.executable, "-m", "engine.data.parquet.child", "blocks"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        self._asked: SimpleQueue[Block] = SimpleQueue()
        self._answers: SimpleQueue[NDArray[np.float32] | str | None] = SimpleQueue()
        self._on_the_way = 0
        pipe = cast(BufferedReader, self._child.stdout)
        thread = threading.Thread(
            target=_receive, args=(pipe, self._asked, self._answers, len(stream.columns)), daemon=True
        )
        thread.start()
        self.close = weakref.finalize(self, _end, self._child, thread, self._errors)
        """Ends the child; once is enough."""
        self._send(msgspec.json.encode(Order(stream)))

    def read(self, blocks: Iterable[Block]) -> Iterator[NDArray[np.float32] | None]:
        """Each block's rows, float32 [n, n_columns], scaled; None now and then while there is nothing yet.

        A second call gives up the first. Raises InputError: see `parquet.child.read_block`.
        """
        left = iter(blocks)
        old = self._on_the_way
        self._ask(islice(left, AHEAD))
        waited = 0.0
        while self._on_the_way:
            try:
                answer = self._answers.get(timeout=LOOK)
            except Empty:
                waited += LOOK
                if waited > SECONDS:
                    raise InputError(f"No rows come from {self._name} for {SECONDS} seconds: try again.") from None
                yield None
                continue
            if not isinstance(answer, np.ndarray):
                raise self._failure(answer)
            self._on_the_way -= 1
            waited = 0.0
            if old:  # of a call that was given up
                old -= 1
                continue
            self._ask(islice(left, 1))
            yield answer

    @property
    def _name(self) -> str:
        return shown(Path(self._stream.files[0].path).name)

    def _ask(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._asked.put(block)
            self._on_the_way += 1
            self._send(msgspec.json.encode(block))

    def _send(self, line: bytes) -> None:
        assert self._child.stdin
        with suppress(OSError):  # it has ended, which `read` says
            self._child.stdin.write(line + b"\n")
            self._child.stdin.flush()

    def _failure(self, refused: str | None) -> InputError:
        """Why the child has ended: what it said, or what can be seen from here."""
        if refused:
            return InputError(refused)
        for file in self._stream.files:
            still_the_same(file)
        code = self._child.wait()
        return broken(self._name, self._stream.memory, out_of_memory(code, self._errors))


def _receive(
    pipe: BufferedReader,
    asked: SimpleQueue[Block],
    answers: SimpleQueue[NDArray[np.float32] | str | None],
    n_columns: int,
) -> None:
    """Pass on what comes from the child, in a thread: pipes block. No more comes than was asked for."""
    try:
        while line := pipe.readline():
            answer = msgspec.json.decode(line, type=Answer)
            if answer.refused:
                answers.put(answer.refused)
                return
            values = np.empty((asked.get().n, n_columns), dtype=np.float32)
            if pipe.readinto(values.data.cast("B")) < values.nbytes:
                break
            answers.put(values)
    except (OSError, ValueError, msgspec.MsgspecError):
        pass
    answers.put(None)


def _end(child: subprocess.Popen[bytes], thread: threading.Thread, errors: IO[bytes]) -> None:
    child.kill()
    child.wait()
    thread.join()
    for pipe in (child.stdin, child.stdout, errors):
        if pipe:
            with suppress(BrokenPipeError):  # what the child did not take any more
                pipe.close()
