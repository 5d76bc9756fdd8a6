"""NumPy arrays and tensors of unknown origin to a typed table on disk. In the child process."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from engine import experiment as ex
from engine.data.table.dialect import opened
from engine.data.table.faults import listed
from engine.data.table.formats import MOST_BYTES, Found
from engine.data.table.lines import Kind, Reading
from engine.data.table.reading import finish
from engine.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_arrays(path: Path, kind: Kind, wanted: ex.TableFormat, out: Path) -> Found:
    """Write the named array of a file, or all that have as many rows, side by side, to `out`. Raises InputError."""
    arrays, calls = _tensors(path) if kind in ("pt", "safetensors") else _numpy(path, kind)
    usable = {name: array for name, array in arrays.items() if array.ndim in (1, 2) and array.dtype.kind in "biuf"}
    if wanted.sheet:
        if wanted.sheet not in arrays:
            raise InputError(f"{path.name} has no array {wanted.sheet!r}: choose from {listed(list(arrays))}.")
        usable = {name: array for name, array in usable.items() if name == wanted.sheet}
    if not usable:
        each = [f"{name or 'the array'} {list(array.shape)} of {array.dtype}" for name, array in arrays.items()]
        there = listed(each, most=3) or "none at all"
        raise InputError(
            f"{path.name} has no array of numbers with one or two dimensions ({there}): "
            "save X [rows, columns] and y [rows]."
        )
    chosen = _of_same_length(usable)
    frame = _side_by_side(chosen)
    if not frame.height:
        raise InputError(f"{path.name} has no rows: choose a file with data.")
    frame.write_ipc(out.with_name("raw.arrow"))
    widths = tuple((name, array.shape[1] if array.ndim == 2 else 0, calls[name]) for name, array in chosen.items())
    reading = Reading(kind=kind, arrays=widths)
    raw = pl.scan_ipc(out.with_name("raw.arrow"), glob=False)
    reading, found = finish(raw, frame.height, reading, [], None, out)
    left_out = [name for name in arrays if name not in chosen]
    remarks = [f"Arrays of another length, shape or type are left out: {listed(left_out)}."] if left_out else []
    return reading, found, [name for name in arrays if name], [] if wanted.sheet else remarks


def _of_same_length(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with as many rows as the one with the most numbers, if together they are not too wide."""
    largest = max(arrays.values(), key=lambda array: array.size)
    same = {name: array for name, array in arrays.items() if len(array) == len(largest)}
    return same if len(same) > 1 else {name: array for name, array in arrays.items() if array is largest}


def _side_by_side(arrays: dict[str, NDArray[Any]]) -> pl.DataFrame:
    arrays = {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in arrays.items()}
    if len(arrays) == 1:
        array = next(iter(arrays.values()))
        names = [f"column_{place}" for place in range(1, (array.shape[1] if array.ndim == 2 else 1) + 1)]
        return pl.DataFrame(array, schema=names, orient="row")
    columns: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[name] = array
        else:
            columns |= {f"{name}_{place}": column for place, column in enumerate(array.T, start=1)}
    return pl.DataFrame(columns)


def _numpy(path: Path, kind: Kind) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays of a .npy or .npz file; a pickle in it is never loaded."""
    try:
        if kind == "npz":
            _check_members(path)
        with opened(path) as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {name: loaded[name] for name in loaded.files} if kind == "npz" else {"": loaded}
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a broken header raises what Python's own parser does
        if "allow_pickle" in str(error):
            raise InputError(f"{path.name} holds Python objects, not numbers: save an array of numbers.") from None
        raise _no_numpy(path) from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise _no_numpy(path)
    return arrays, dict.fromkeys(arrays, "")


def _no_numpy(path: Path) -> InputError:
    return InputError(f"{path.name} is not a NumPy file, or damaged: save it again with np.save or np.savez.")


def _check_members(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MOST_BYTES:
        raise InputError(f"{path.name} is larger than {MOST_BYTES // 2**30} GB when unpacked: save fewer rows.")


def _tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The tensors of a .pt or .safetensors file as arrays, and what the script calls to make them."""
    import torch  # 0.8 s

    from engine.weights import read_tensors

    tensors = {name: each for name, each in read_tensors(path).items() if not each.is_complex()}
    halves = {name for name, each in tensors.items() if each.dtype == torch.bfloat16}  # NumPy has no such type
    arrays = {name: each.float().numpy() if name in halves else each.numpy() for name, each in tensors.items()}
    return arrays, {name: ".float().numpy()" if name in halves else ".numpy()" for name in tensors}
