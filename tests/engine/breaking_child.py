"""The child process with a decoder that breaks down at pictures of certain names, as a C library might."""

import os
from pathlib import Path

from engine.data import image_reading
from engine.data.child_main import WORKS, serve

decode = image_reading.pixels


def pixels(path: Path, size: int, mode: str):
    if path.name == "crash.png":
        os._exit(11)
    while path.name == "endless.png":
        pass
    return decode(path, size, mode)


image_reading.pixels = pixels
image_reading.MAX_SECONDS = 1
serve(WORKS)
