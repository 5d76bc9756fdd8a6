"""The child process that reads files from outside: `python -m engine.data.child_main`, see `child.ask`.

It takes one order, a line of JSON, does one of its works, and answers in lines of JSON.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.data.child import Line
from engine.errors import InputError

Progress = Callable[[float], None]
Work = Callable[[dict[str, Any], Path, Progress], Any]
"""From a request, a folder for files and a place to tell the progress to an answer that JSON can hold."""


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """What the parent process asks for."""

    work: str
    request: dict[str, Any]
    folder: str
    memory: int


def serve(works: Mapping[str, Work]) -> None:
    """Take the order, do it, answer, and end this process. Each work imports what it needs when it is called."""
    line = sys.stdin.buffer.readline()
    if not line:  # the parent has ended, or needs this child no more
        os._exit(0)
    order = msgspec.json.decode(line, type=Order)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_memory(order.memory)
    answer = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer

    def say(line: Line) -> None:
        answer.write(msgspec.json.encode(line) + b"\n")

    try:
        result = works[order.work](order.request, Path(order.folder), lambda share: say(Line(progress=share)))
        say(Line(done=True, result=result))
    except InputError as error:
        say(Line(refused=str(error)))
    except MemoryError:
        say(Line(failed="memory"))
    except BaseException as error:  # polars' PanicException is no Exception
        print(repr(error), file=sys.stderr, flush=True)
        say(Line(failed="error"))
    finally:
        os._exit(0)  # no thread of a library is waited for


def _end_with_parent() -> None:
    """End when the parent does: it never closes the other end before that."""
    sys.stdin.buffer.read()
    os._exit(1)


def limit_memory(memory: int) -> None:
    """RLIMIT_DATA and not RLIMIT_AS: the libraries reserve far more addresses than they use, and map files."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _images(request: dict[str, Any], folder: Path, progress: Progress) -> Any:
    from engine.data.image_reading import read_pictures

    return read_pictures(request, folder, progress)


def _texts(request: dict[str, Any], folder: Path, progress: Progress) -> Any:
    from engine.data.text_reading import read_texts

    return read_texts(request, folder, progress)


def _tokens(request: dict[str, Any], folder: Path, progress: Progress) -> Any:
    from engine.data.text_encoding import encode_texts

    return encode_texts(request, folder, progress)


def _table(request: dict[str, Any], folder: Path, progress: Progress) -> Any:
    from engine.data.table.work import parse

    return parse(request, folder, progress)


def _places(request: dict[str, Any], folder: Path, progress: Progress) -> Any:
    from engine.data.table.work import places

    return places(request, folder, progress)


WORKS: dict[str, Work] = {"table": _table, "places": _places, "images": _images, "texts": _texts, "tokens": _tokens}

if __name__ == "__main__":
    if "table" in sys.argv:  # most of its time, if the file is small
        import engine.data.table.work  # noqa: F401
    serve(WORKS)
