"""The work of the child process that turns files into pixels. Pillow decodes; no torch in here."""

from __future__ import annotations

import json
import signal
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.data.class_folders import LeftOut, class_names, files_below, shown
from engine.errors import InputError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")
MAX_PIXELS = 50_000_000
"""A picture with more is left out: it is read in the header, before anything is decoded."""
MAX_BYTES = 4 * 2**30
"""Of all pictures as float32."""
MAX_SECONDS = 20
"""For one picture; then the process ends, and `images.read` begins again without that one."""


def pixels(path: Path, size: int, mode: str) -> tuple[NDArray[np.uint8], tuple[int, int], str]:
    """One picture as [size, size, 3] or, for mode "L", [size, size] of 0 to 255, its own size and mode.

    Raises what Pillow raises; PICTURE in `images` says the same in the script.
    """
    with Image.open(path, formats=FORMATS) as file:
        own_size, own_mode = file.size, file.mode
        file.draft(None, (2 * size, 2 * size))
        picture: Image.Image = ImageOps.exif_transpose(file)
        if picture.mode.startswith("I;16"):
            picture = Image.fromarray((np.asarray(picture) // 256).astype(np.uint8))
        elif picture.mode in ("I", "F"):
            raise _NoColoursError
        picture = picture.convert(mode)
        return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)), own_size, own_mode


def read_pictures(request: dict[str, Any], folder: Path, progress: Callable[[float], None]) -> dict[str, Any]:
    """The work "images". Writes pixels.npy, uint8 [n or more, channels, size, size]; the answer says the rest.

    request: path, size, mode ("RGB" or "L"), and skip, [[file, why], ...] to leave out, as JSON in ASCII: names of
    files need not be valid Unicode. While a picture is decoded, the file "at" names it, should it end the process.
    """
    root, size, mode = Path(request["path"]), request["size"], request["mode"]
    skip = dict(json.loads(request["skip"]))
    classes = class_names(root, "pictures")
    files = _files(root, classes)
    channels = {"RGB": 3, "L": 1}[mode]
    _check_size(root, len(files), channels * size * size)
    out = np.lib.format.open_memmap(
        folder / "pixels.npy", mode="w+", dtype=np.uint8, shape=(len(files), channels, size, size)
    )
    y: list[int] = []
    left_out: list[LeftOut] = []
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses at twice that
    warnings.simplefilter("ignore")
    for place, (number, path) in enumerate(files):
        name = path.relative_to(root).as_posix()
        (folder / "at").write_bytes(_as_text(name).encode())
        if name in skip:
            left_out.append((name, skip[name]))
            continue
        _watch(MAX_SECONDS)
        try:
            picture, own_size, own_mode = pixels(path, size, mode)
        except Exception as error:
            left_out.append((name, _reason(error, path)))
            continue
        finally:
            _watch(0)
        out[len(y)] = picture.transpose(2, 0, 1) if mode == "RGB" else picture
        y.append(number)
        sizes[own_size] += 1
        modes[own_mode] += 1
        progress((place + 1) / len(files))
    (folder / "at").unlink(missing_ok=True)
    out.flush()
    np.save(folder / "y.npy", np.array(y, dtype=np.int64))
    return {
        "classes": classes,
        "left_out": _as_text(left_out),
        "sizes": sorted(sizes),
        "modes": dict(modes.most_common()),
    }


class _NoColoursError(Exception):
    """The picture's values are 32-bit numbers of no known range."""


def _files(root: Path, classes: list[str]) -> list[tuple[int, Path]]:
    """All files with the number of their class. Raises InputError where there is none."""
    try:
        files = [(number, path) for number, name in enumerate(classes) for path in files_below(root / name)]
    except OSError as error:
        place = Path(error.filename or root).name
        raise InputError(
            f"{shown(root.name)}: {shown(place)} cannot be read ({error.strerror}): allow it, or move it away."
        ) from None
    if not files:
        raise InputError(
            f"{shown(root.name)} has no pictures in its class folders (links are not followed): choose another folder."
        )
    return files


def _check_size(root: Path, n: int, values: int) -> None:
    if n * values * 4 > MAX_BYTES:
        raise InputError(
            f"{shown(root.name)} has {n:,} files, which as pictures take {n * values * 4 / 2**30:,.1f} GB of memory, "
            f"more than {MAX_BYTES / 2**30:g}: choose a smaller size, grey, or fewer pictures."
        )


def _watch(seconds: int) -> None:
    """End this process after so many seconds, whatever library holds it; 0: no more. Not on Windows."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _reason(error: Exception, path: Path) -> str:
    """Why a picture is left out."""
    match error:
        case Image.DecompressionBombError():
            return f"has more than {MAX_PIXELS // 1_000_000} million pixels"
        case UnidentifiedImageError():
            return "is empty" if not path.stat().st_size else "is no PNG, JPEG, BMP, WebP or TIFF picture"
        case _NoColoursError():
            return "holds 32-bit numbers, not colours"
        case PermissionError():
            return "may not be read"
        case FileNotFoundError():
            return "is gone"
        case MemoryError():
            return "takes too much memory"
        case _:
            return "is damaged or cut short"


def _as_text(value: object) -> str:
    """As JSON in ASCII, which holds any file's name."""
    return json.dumps(value)
