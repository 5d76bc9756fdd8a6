"""The child process that runs own code, as its parent sees it: it answers, or it is ended in one sentence.

Nothing that it sends is taken on trust: sizes and types are checked, and no more comes than was asked for.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, NoReturn, cast

from engine.data.child import ROOT, out_of_memory
from engine.errors import InputError
from engine.own_code.child_main import CODE, TRACE
from engine.own_code.contract import EndedError, OwnCodeError, StoppedError
from engine.own_code.orders import Answer, Order
from engine.own_code.wire import Arrays, BrokenMessageError, receive, send

MAIN = "engine.own_code.child_main"
LOOK = 0.03
"""Seconds between two questions whether the person has pressed Stop."""
STOP_SECONDS = 2.0
"""So long a step may go on after Stop."""
START_SECONDS = 60.0
"""So long torch may take to load."""
END_SECONDS = 2.0
"""So long it may take to end, once it has closed its side or was killed."""
OTHERS = 6
"""So many times as long may pass where it is not the person's text that takes the time: on a busy machine."""
TRACED = re.compile(r'File "(?P<file>[^"]*)", line (?P<line>\d+) in')

Inbox = SimpleQueue[tuple[Answer, Arrays] | None]
Outbox = SimpleQueue[tuple[Order, Arrays] | None]


class OwnChild:
    """A process for one text. It ends with this object, with its parent, and when it is closed."""

    def __init__(self, memory: int, interrupted: Callable[[], bool] = lambda: False) -> None:
        """`memory` is in bytes; `interrupted` is asked while an order is done, and once it says yes the order has two
        more seconds. Until it is given a text it loads torch and waits."""
        self.code: str | None = None
        self.data: object = None
        """The training rows that it has; it keeps them for the next session."""
        self._memory, self._interrupted = memory, interrupted
        self._folder = tempfile.TemporaryDirectory(prefix="sixstep-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self._file, self._trace = folder / CODE, folder / TRACE
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_end`
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", MAIN, str(folder), str(memory)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True,
        )  # fmt: skip
        self._inbox: Inbox = SimpleQueue()
        self._outbox: Outbox = SimpleQueue()
        self._awaited: SimpleQueue[int] = SimpleQueue()
        assert self.process.stdin and self.process.stdout
        threads = (
            threading.Thread(target=_send, args=(self.process.stdin, self._outbox), daemon=True),
            threading.Thread(target=_receive, args=(self.process.stdout, self._awaited, self._inbox), daemon=True),
        )
        for thread in threads:
            thread.start()
        self.close = weakref.finalize(self, _end, self.process, threads, self._outbox, self._errors, self._folder)
        """Ends the child; once is enough."""
        self._awaited.put(0)  # it says when it is ready
        self._is_ready = False
        self._why = ""

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self.close.alive and self.process.poll() is None

    def give(self, code: str) -> None:
        """The text that it is for, once."""
        self.code = code
        self._file.write_bytes(code.encode(errors="replace"))

    def wait_until_ready(self) -> None:
        """Wait until torch is loaded there. Raises InputError where it cannot be."""
        if self._is_ready:
            return
        try:
            self._wait(START_SECONDS)
        except StoppedError:
            raise
        except EndedError as error:
            raise InputError(f"The process for own code does not start ({self._why}): try again.") from error
        self._is_ready = True

    def ask(
        self, order: Order, arrays: Arrays | None = None, *, most: int = 0, seconds: float | None = None
    ) -> tuple[Answer, Arrays]:
        """Have an order done; `most` is how many bytes of arrays may come back, `seconds` how long it may take.

        Raises InputError where it does not even start, OwnCodeError for what own code does wrong, and EndedError where
        it ends, hangs or is stopped; after each of them the child has ended.
        """
        if not self.is_alive:
            raise EndedError("its process has ended: fit it anew.")
        self.wait_until_ready()
        self._awaited.put(most)
        self._outbox.put((order, arrays or {}))
        answer, given = self._wait(seconds)
        if answer.fault is not None:
            self.close()
            raise _given(answer.fault.sentence, answer.fault.line)
        return answer, given

    def _wait(self, seconds: float | None) -> tuple[Answer, Arrays]:
        started = time.monotonic()
        stop_at: float | None = None
        while True:
            try:
                got = self._inbox.get(timeout=LOOK)
            except Empty:
                now = time.monotonic()
                late = 0.0 if seconds is None else (now - started) / seconds
                if late > 1 and (late > OTHERS or self._traced_line()):
                    said = f"it has not come to an end after {seconds:.0f} seconds: look for a loop that does not end."
                    self._give_up(said)
                if self._interrupted():
                    stop_at = stop_at or now + STOP_SECONDS
                if stop_at is not None and now > stop_at:
                    said = "stopped, and it did not come to an end by itself: fitting again begins at epoch 0."
                    self._give_up(said, StoppedError)
                continue
            if got is None:
                self._give_up(self._last_words())
            else:
                return got

    def _give_up(self, sentence: str, kind: type[EndedError] = EndedError) -> NoReturn:
        """End the child and say at which line it was. Raises EndedError, always."""
        line = self._traced_line()
        if not self._is_ready:
            self._errors.seek(0)
            said = self._errors.read(1 << 16).decode(errors="replace").split("\n")
            self._why = next((text.strip() for text in reversed(said) if text.strip()), "it says nothing")[:150]
        self.close()
        raise kind(sentence, line)

    def _last_words(self) -> str:
        """Why a child that has ended by itself has done so."""
        try:
            code = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "its process cannot be understood any more: leave alone what it has not opened itself."
        if sys.platform != "win32" and code == -signal.SIGKILL:
            return "its process was killed, most likely because memory ran out there: make the model smaller."
        if out_of_memory(0, self._errors):
            return f"more than {self._memory / 2**20:,.0f} MB of memory are needed there: make the model smaller."
        if code < 0 and sys.platform != "win32":
            return f"its process crashed there ({signal.Signals(-code).name}): what is written in C has failed."
        return "it ends its own process, so this fit has ended: take that out."

    def _traced_line(self) -> int:
        """The innermost line of the person's text in the last trace that was written; 0 without one."""
        with suppress(OSError):
            dumps = re.split(r"^(?:Timeout|Fatal Python error)", self._trace.read_text(errors="replace"), flags=re.M)
            for dump in reversed(dumps):
                for found in TRACED.finditer(dump):
                    if found["file"] == str(self._file):
                        return int(found["line"])
        return 0


def _given(sentence: str, line: int) -> OwnCodeError:
    """The error as the child has put it."""
    error = OwnCodeError("", line)
    error.args = (sentence[:2000],)
    return error


def _send(pipe: IO[bytes], outbox: Outbox) -> None:
    """Pass on the orders, in a thread: pipes block."""
    with suppress(OSError, ValueError):
        while (message := outbox.get()) is not None:
            send(pipe, *message)


def _receive(pipe: IO[bytes], awaited: SimpleQueue[int], inbox: Inbox) -> None:
    """Pass on the answers, in a thread. No more comes than is waited for."""
    with suppress(OSError, ValueError, BrokenMessageError, MemoryError, Empty):
        reader = cast(BufferedReader, pipe)
        while reader.peek(1):
            message = receive(reader, Answer, awaited.get_nowait())
            if message is None:
                break
            inbox.put(message)
    inbox.put(None)


def _end(
    process: subprocess.Popen[bytes],
    threads: tuple[threading.Thread, ...],
    outbox: Outbox,
    errors: IO[bytes],
    folder: tempfile.TemporaryDirectory[str],
) -> None:
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # those that it has begun, too
    process.kill()
    process.wait()
    outbox.put(None)
    for thread in threads:
        thread.join(END_SECONDS)
    # a process that has left the group may still hold a pipe open: then its thread waits on, and keeps the pipe
    held = zip((process.stdin, process.stdout), threads, strict=True)
    for pipe in (*(pipe for pipe, thread in held if not thread.is_alive()), errors):
        if pipe:
            with suppress(BrokenPipeError):  # what the child did not take any more
                pipe.close()
    folder.cleanup()
