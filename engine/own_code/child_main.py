"""The child process that runs own code: `python -m engine.own_code.child_main FOLDER MEMORY`, see `child.OwnChild`.

The whole session lives here. It takes orders and answers them one by one; where the person's text does harm, it is
this process that ends, and a file in FOLDER says at which line.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from engine.errors import InputError
from engine.own_code import orders
from engine.own_code.contract import OwnCodeError
from engine.own_code.orders import Answer, Order
from engine.own_code.wire import Arrays, receive, send

CODE = "my_model.py"
TRACE = "trace.txt"
LOOK = 1.0
"""Seconds after which a long order writes down where it is, again and again."""
EVERYTHING = 1 << 50


def main(folder: Path, memory: int) -> None:
    """Serve the parent until it ends."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent
    _end_with_parent()
    trace = (folder / TRACE).open("ab", buffering=0)
    faulthandler.enable(trace)
    _say_where_at_exit(trace)
    queue: SimpleQueue[tuple[Order, Arrays]] = SimpleQueue()
    threading.Thread(target=_take, args=(incoming, queue), daemon=True).start()

    from engine.own_code.work import Work  # torch

    work, pid = Work(folder / CODE, memory), os.getpid()
    send(outgoing, Answer())  # ready
    with open(os.devnull, "w") as silent, redirect_stdout(silent), redirect_stderr(silent):  # noqa: PTH123
        while True:
            order, arrays = queue.get()
            trace.truncate(0)
            faulthandler.dump_traceback_later(LOOK, repeat=True, file=trace)
            answer, given = done(work, order, arrays)
            if os.getpid() != pid:
                REAL_EXIT(0)  # the person's text has divided its process: one of the two answers
            faulthandler.cancel_dump_traceback_later()
            send(outgoing, answer, given)


def _take(incoming: IO[bytes], queue: SimpleQueue[tuple[Order, Arrays]]) -> None:
    """Read the orders, in a thread: when the parent ends, so does this process, whatever it is doing."""
    kind: Any = Order
    try:
        while (message := receive(incoming, kind, EVERYTHING)) is not None:
            queue.put(message)
    finally:
        REAL_EXIT(1)


REAL_EXIT = os._exit
PR_SET_PDEATHSIG = 1
"""From Linux' prctl.h."""


def _end_with_parent() -> None:
    """`_take` cannot end a process that holds the interpreter, Linux can: when the thread that began it has ended."""
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.register_at_fork(after_in_child=partial(prctl, PR_SET_PDEATHSIG, signal.SIGKILL))


def _say_where_at_exit(trace: IO[bytes]) -> None:
    """os._exit leaves no trace of its own."""

    def leave(code: int) -> None:
        faulthandler.dump_traceback(trace, all_threads=False)
        REAL_EXIT(code)

    os._exit = leave  # type: ignore[assignment]


def done(work: Any, order: Order, arrays: Arrays) -> tuple[Answer, Arrays]:
    """Do one order; whatever goes wrong is an answer too."""
    from engine.own_code.trying import fault
    from engine.session import DivergedError

    works: dict[type, Callable[..., tuple[Answer, Arrays]]] = {
        orders.Check: work.check, orders.Open: work.open, orders.OpenFile: work.open_file,
        orders.Advance: work.advance, orders.Extend: work.extend, orders.Predict: work.predict,
        orders.FindLr: work.find_lr, orders.Parameters: work.parameters, orders.Save: work.save,
    }  # fmt: skip
    do = partial(works[type(order)], order, arrays)
    try:
        return do()
    except DivergedError as error:
        return Answer(diverged=str(error), state=work.state()), work.new_losses()
    except BaseException as error:
        found = fault(error, work.code)
        if isinstance(error, InputError) and not isinstance(error, OwnCodeError):
            return Answer(refused=found.sentence), {}
        return Answer(fault=found), {}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
