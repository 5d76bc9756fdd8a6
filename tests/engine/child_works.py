"""The works of the child process that the tests start: they do what a hostile file makes a reader do."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FunctionType

try:
    import fcntl
except ImportError:
    fcntl = None

from engine.data.child_main import serve
from engine.errors import InputError


def echo(request, folder, progress):
    progress(0.25)
    (folder / "big.bin").write_bytes(b"x" * 10)
    progress(0.75)
    return request


def refuse(request, _folder, _progress):
    raise InputError(f"{request['path']}: on line 3, correct it.")


def hang(_request, folder, progress):
    with (folder / "pid").open("w") as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)  # until this process is no more
        file.write(str(os.getpid()))
        file.flush()
        progress(0.5)
        time.sleep(60)


def spin(_request, _folder, _progress):
    while True:
        pass


def eat_in_python(_request, _folder, _progress):
    return len(b"x" * 8_000_000_000)


def eat_slowly(_request, _folder, _progress):
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))


def eat_in_rust(_request, _folder, _progress):
    import polars as pl

    return len(pl.select(pl.int_range(1_000_000_000) * 2))


def polars_is_there(_request, _folder, _progress):
    import polars as pl

    return pl.select(pl.lit(1)).item()


def panic(_request, _folder, _progress):
    import polars as pl

    raise pl.exceptions.PanicException("a Rust panic")


def abort(_request, _folder, _progress):
    os.abort()


def fault(_request, _folder, _progress):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(_request, _folder, _progress):
    sys.exit(0)


def vanish(_request, _folder, _progress):
    os._exit(0)


def chatter(request, _folder, _progress):
    print('{"done": true, "result": "a lie"}', flush=True)
    os.write(1, b"noise\n")
    print("noise", file=sys.stderr)
    return "the truth"


def unspeakable(_request, _folder, _progress):
    return object()


if __name__ == "__main__":
    serve({name: work for name, work in globals().items() if isinstance(work, FunctionType) and name != "serve"})
