"""Step 1: a folder with a folder of pictures for each class, decoded by Pillow in a child process.

    pictures = read(source)       uint8, what was left out and why, counts: for the window
    rows = to_rows(pictures)      X float32 [n, channels, size, size] in 0..1, y int64 [n]

A picture that cannot be read never ends the reading: it is left out and named.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data import child
from engine.data.class_folders import FILES_BELOW, LeftOut, checked_folder, on_left_out, shown, walk_lines
from engine.data.rows import Reading, Rows, numbers
from engine.data.table.faults import listed
from engine.errors import InputError

SECONDS = 3600
MEMORY = 2**30
"""A picture of MAX_PIXELS takes 200 MB, and as much again while it is turned and its colours are changed."""
MAX_BREAKDOWNS = 5

FORMAT_NAMES = {"L": "grey", "1": "black and white", "P": "palette", "RGBA": "transparent", "I;16": "16 bits"}


@dataclass(frozen=True)
class Pictures:
    """All pictures of a folder as they become X, and what a person should know about the folder."""

    pixels: NDArray[np.uint8]
    """[n, channels, size, size], sorted by class and name."""
    y: NDArray[np.int64]
    """[n] class indices."""
    classes: tuple[str, ...]
    """The names of the class folders, sorted."""
    left_out: tuple[LeftOut, ...]
    """Files that are no pictures or broken, as ("class/name", "is empty")."""
    warnings: tuple[str, ...]
    reading: Reading

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures each class has."""
        return dict(zip(self.classes, np.bincount(self.y, minlength=len(self.classes)).tolist(), strict=True))


def read_rows(
    source: ex.Images,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rows:
    """All pictures of a folder as rows. Raises InputError as `read` does."""
    return to_rows(read(source, on_progress, cancelled))


def read(
    source: ex.Images,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Pictures:
    """Decode all pictures of a folder.

    Raises InputError for a folder without two classes of pictures, one that is too large, and where cancelled.
    """
    root = checked_folder(source.path)
    with tempfile.TemporaryDirectory(prefix="sixstep-") as temporary:
        folder = Path(temporary)
        answer = _ask(source, folder, on_progress, cancelled)
        y = np.load(folder / "y.npy", allow_pickle=False)
        pixels = np.load(folder / "pixels.npy", allow_pickle=False, mmap_mode="r")[: len(y)].copy()
    left_out: tuple[LeftOut, ...] = tuple((name, why) for name, why in json.loads(answer["left_out"]))
    used = np.unique(y)
    classes = tuple(answer["classes"][number] for number in used)
    if len(classes) < 2:
        raise InputError(_too_few(root, classes, left_out))
    empty = [name for name in answer["classes"] if name not in classes]
    return Pictures(
        pixels,
        np.searchsorted(used, y),
        classes,
        left_out,
        (*on_left_out(left_out), *_on_empty(empty), *_on_pictures(source, answer)),
        reading(source, classes, left_out, sixteen="I;16" in "".join(answer["modes"])),
    )


def to_rows(pictures: Pictures) -> Rows:
    """The pictures as tensors."""
    import torch  # late: describing a folder needs none

    X = torch.from_numpy(pictures.pixels) / 255
    return Rows(
        y=torch.from_numpy(pictures.y),
        prepare=numbers(X, ()),
        targets=("class",),
        reading=pictures.reading,
        classes=pictures.classes,
        warnings=pictures.warnings,
    )


def reading(
    source: ex.Images, classes: tuple[str, ...], left_out: tuple[LeftOut, ...] = (), sixteen: bool = False
) -> Reading:
    """The script's lines. `sixteen`: some pictures have 16 bits."""
    size, grey = source.size, source.colour == "grey"
    upper = [
        '        if picture.mode.startswith("I;16"):  # 16 bits: the upper 8 are kept',
        "            picture = Image.fromarray((np.asarray(picture) // 256).astype(np.uint8))",
    ]
    picture = [
        "def pixels(path):",
        f'    """One picture, squeezed to {f"[{size}, {size}]" if grey else f"[{size}, {size}, 3]"} of 0 to 255."""',
        '    with Image.open(path, formats=["PNG", "JPEG", "BMP", "WEBP", "TIFF"]) as picture:',
        f"        picture.draft(None, ({2 * size}, {2 * size}))  # a large JPEG is decoded smaller, which is faster",
        "        picture = ImageOps.exif_transpose(picture)  # as the camera was held",
        *(upper if sixteen else []),
        f'        picture = picture.convert("{"L" if grey else "RGB"}")',
        f"        return np.asarray(picture.resize(({size}, {size}), Image.Resampling.BILINEAR))",
        "",
        "",
    ]
    n_channels = 1 if grey else 3
    channels_first = ".unsqueeze(dim=1)" if grey else ".permute(0, 3, 1, 2).contiguous()"
    return Reading(
        read=(
            *FILES_BELOW,
            *picture,
            "X, y = [], []",
            *walk_lines(source.path, classes, left_out, "files_below(folder / name)", "X.append(pixels(path))"),
            f"X = torch.tensor(np.stack(X)){channels_first} / 255  # [n, {n_channels}, {size}, {size}], 0..1",
            "y = torch.tensor(y)  # [n] class indices",
        ),
        imports=("from pathlib import Path", "import numpy as np", "from PIL import Image, ImageOps"),
    )


def _ask(
    source: ex.Images,
    folder: Path,
    on_progress: Callable[[float], None] | None,
    cancelled: Callable[[], bool] | None,
) -> dict[str, Any]:
    """The answer of the work "images"; a picture that ends the process is left out in the next try."""
    skip: list[LeftOut] = []
    mode = "L" if source.colour == "grey" else "RGB"
    while True:
        request = {"path": source.path, "size": source.size, "mode": mode, "skip": json.dumps(skip)}
        try:
            answer: dict[str, Any] = child.ask(
                "images", request, folder=folder, seconds=SECONDS, memory=MEMORY,
                on_progress=on_progress, cancelled=cancelled,
            )  # fmt: skip
        except child.CancelledError:
            raise
        except InputError:
            at = folder / "at"
            if not at.exists() or len(skip) == MAX_BREAKDOWNS:
                raise
            skip.append((json.loads(at.read_bytes()), "cannot be decoded in reasonable time or memory"))
            with suppress(FileNotFoundError):
                (folder / "pixels.npy").unlink()
            at.unlink()
        else:
            return answer


def _too_few(root: Path, classes: tuple[str, ...], left_out: tuple[LeftOut, ...]) -> str:
    first = f" ({shown(left_out[0][0])} {left_out[0][1]})" if left_out else ""
    if not classes:
        return f"{shown(root.name)} has no pictures that can be read{first}: choose another folder."
    return (
        f"{shown(root.name)} has only one class with pictures, {shown(classes[0])!r}{first}: it takes at least two "
        "class folders to tell classes apart."
    )


def _on_empty(empty: list[str]) -> list[str]:
    if not empty:
        return []
    return [f"No pictures are in {listed([shown(name) for name in empty], most=3)}: no class is made of that."]


def _on_pictures(source: ex.Images, answer: dict[str, Any]) -> list[str]:
    """What squeezing and converting changes."""
    remarks = []
    sizes = sorted(answer["sizes"], key=lambda size: size[0] * size[1])
    to = f"{source.size} × {source.size} pixels"
    (small_width, small_height), (width, height) = sizes[0], sizes[-1]
    if any(size[0] * height != size[1] * width for size in sizes):
        remarks.append(
            f"The pictures differ in size and shape, {small_width} × {small_height} to {width} × {height}: each is "
            f"squeezed to {to}, so some are distorted."
        )
    elif width != height:
        remarks.append(f"The pictures are {width} × {height} in size: they are squeezed to {to}.")
    own = "L" if source.colour == "grey" else "RGB"
    modes = {name: n for name, n in answer["modes"].items() if name != own}
    if modes:
        each = ", ".join(f"{n:,} {FORMAT_NAMES.get(name, name)}" for name, n in modes.items())
        remarks.append(f"Pictures are made {'grey' if own == 'L' else 'RGB colour'}: {each}.")
    return remarks
