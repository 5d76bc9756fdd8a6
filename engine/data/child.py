"""Files from outside are read in a child process, with a limit of time and one of memory.

Their readers are written in C and Rust: a broken or hostile file can make them hang, take all memory or abort the
process. Only the child does. A request and a small answer cross as lines of JSON; what is big lies in a file in a
folder that the caller gives. No pickle; the child knows a fixed list of works (`child_main`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

import msgspec

from engine.errors import InputError

ROOT = Path(__file__).parents[2]
MAIN = "engine.data.child_main"
LOOK = 0.03  # seconds between two questions whether the person has cancelled
MEMORY_WORDS = (b"memory allocation of", b"MemoryError", b"bad_alloc", b"out of memory", b"Cannot allocate memory")


class CancelledError(InputError):
    """The person has cancelled."""


class EndedError(InputError):
    """The child had to be ended, or has broken down; `why` says it in a few words."""

    def __init__(self, sentence: str, why: str) -> None:
        super().__init__(sentence)
        self.why = why


class Line(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One line from the child: how far it is, or how it ended."""

    progress: float | None = None
    done: bool = False
    result: Any = None
    refused: str = ""
    """The sentence of an InputError."""
    failed: str = ""
    """"memory", or "error" for anything else that went wrong."""


class Child:
    """A child process that waits for its order. It ends with this object, with its process and when it is closed."""

    def __init__(self, main: str = MAIN, expects: str = "") -> None:
        """`expects` is the work that will be asked for: what it needs is then imported already."""
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [sys.executable, "-m", main, *([expects] if expects else [])],
            cwd=ROOT,  # the first place where -m looks for modules
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        self.close = weakref.finalize(self, _end, self.process, self.errors)


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, errors):
        if pipe:
            with suppress(BrokenPipeError):  # what the child did not take any more
                pipe.close()


def ask(
    work: str,
    request: dict[str, Any],
    *,
    folder: Path,
    seconds: float,
    memory: int,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    main: str = MAIN,
    child: Child | None = None,
) -> Any:
    """Have a child process do one of the works of its module `main`; returns the work's answer, as from JSON.

    `child` is one that was started before, which saves a third of a second; it is used up.

    `request["path"]` is the file that the errors name, absolute; `folder` is where the work may put files, and its
    owner deletes it. `memory` is in bytes, the interpreter and its libraries (about 120 MB) included; it is held on
    Linux alone. `on_progress` is called in this thread with a share of the work from 0 to 1; `cancelled` is asked
    every few hundredths of a second, and the child is killed once it says yes.

    Raises InputError where the work refuses, EndedError where it takes too long or too much memory or breaks down, and
    CancelledError.
    """
    name = Path(str(request["path"])).name
    order = msgspec.json.encode({"work": work, "request": request, "folder": str(folder), "memory": memory})
    deadline = time.monotonic() + seconds
    if child is None or child.process.poll() is not None:
        child = Child(main)
    lines: SimpleQueue[Line | None] = SimpleQueue()
    reader = threading.Thread(target=_read, args=(child.process, order, lines), daemon=True)
    reader.start()
    try:
        while True:
            if cancelled and cancelled():
                raise CancelledError(f"Reading {name} was cancelled.")
            left = deadline - time.monotonic()
            if left <= 0:
                raise _too_slow(name, seconds)
            try:
                said = lines.get(timeout=min(left, LOOK) if cancelled else left)
            except Empty:
                continue
            line = _checked(said, child, name, memory)
            if line.done:
                return line.result
            if on_progress and line.progress is not None:
                on_progress(line.progress)
    finally:
        child.process.kill()  # before its thread is waited for, which reads until the child is gone
        reader.join()
        child.close()


def _read(child: subprocess.Popen[bytes], order: bytes, lines: SimpleQueue[Line | None]) -> None:
    """Hand the order over and pass on what comes back, in a thread: pipes block. Its input stays open (see main)."""
    assert child.stdin and child.stdout
    try:
        child.stdin.write(order + b"\n")
        child.stdin.flush()
        for line in child.stdout:
            lines.put(msgspec.json.decode(line, type=Line))
    except (OSError, ValueError, msgspec.MsgspecError):
        pass
    lines.put(None)


def _checked(line: Line | None, child: Child, name: str, memory: int) -> Line:
    """What the child says, if it is neither a refusal nor its end. Raises InputError."""
    if line is None:  # it has ended without a word
        raise broken(name, memory, out_of_memory(child.process.wait(), child.errors))
    if line.refused:
        raise InputError(line.refused)
    if line.failed:
        raise broken(name, memory, line.failed == "memory" or out_of_memory(0, child.errors))
    return line


def out_of_memory(code: int, errors: IO[bytes]) -> bool:
    """Whether the child ended for want of memory: the system killed it, or it said so."""
    errors.seek(0)
    said = errors.read(1 << 16)
    killed = sys.platform != "win32" and code == -signal.SIGKILL
    return killed or any(word in said for word in MEMORY_WORDS)


def _too_slow(name: str, seconds: float) -> EndedError:
    return EndedError(
        f"{name} is not read after {seconds:,.0f} seconds: make it smaller, or save it again in another format.",
        f"not after {seconds:,.0f} seconds",
    )


def broken(name: str, memory: int, lacks_memory: bool) -> EndedError:
    """What a person is told of a child that broke down; `memory` is its limit in bytes."""
    if lacks_memory:
        most = f"more than {memory / 2**20:,.0f} MB of memory"
        sentence = f"{name} needs {most} to be read, which is too large: use fewer rows or columns."
        return EndedError(sentence, f"it needs {most}")
    sentence = f"{name} cannot be read, it is damaged or very unusual: save it again, or in another format."
    return EndedError(sentence, "what reads it breaks down")
