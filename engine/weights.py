"""Step 6: a state_dict from a file of unknown origin.

torch.load is not called, not even with weights_only=True: it kills the process on some small files and does not
notice a flipped bit. What a .pt file describes is looked at first (pickle_check, torch_file), and the tensors are
then copied from exactly the bytes that were looked at. So there is no second reader that could see something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.lib.stride_tricks import as_strided

from engine.pickle_notes import DTYPE_BYTES, RefusedError, TensorNote, shown
from engine.torch_file import (
    AGAIN,
    MAX_HEADER,
    Checkpoint,
    Kind,
    check_pt,
    file_format,
    named,
    read_file,
    read_members,
)

__all__ = ["Weights", "check_pt", "copied", "load_into", "read_members", "read_tensors", "read_weights"]

DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in DTYPE_BYTES}
CHOOSE = "choose the model that these weights were saved from"
INNER_KEYS = ("model_state_dict", "state_dict", "model")  # of a training checkpoint
PREFIX = "module."  # that nn.DataParallel puts before every key
ROOM_BYTES = 64 * 2**20  # tensors that share numbers may take this more than 4 times the file


@dataclass(frozen=True)
class Weights:
    """A state_dict that a file held, and what the person should know about it."""

    state_dict: dict[str, torch.Tensor]
    """On the CPU, in memory of its own; keys that shared all their numbers in the file share one tensor."""
    warnings: tuple[str, ...]
    """Sentences; each names the file."""
    part: str = ""
    """The member of a training checkpoint that the state_dict was; empty for a file that is one itself."""
    prefix: str = ""
    """What stands before every key in the file, and is taken off here."""
    kind: Kind = "pt"
    """How the file is written, whatever its name says."""


def read_weights(path: Path) -> Weights:
    """The state_dict in a .pt, .pth or .safetensors file; nothing in the file is run. Raises InputError.

    The format is told by the file's first bytes, not by its name. A training checkpoint gives its model's part.
    """
    with named(path.name):
        data = read_file(path)
        part, prefix = "", ""
        kind: Kind = "pt"
        if file_format(data[:4096], path.suffix) == "safetensors":
            kind, state_dict, warnings = "safetensors", _safetensors(data), list[str]()
        else:
            checkpoint = check_pt(data, path.name)
            notes, part = _state_dict(checkpoint.content)
            warnings = [f"is a training checkpoint: only its '{part}' is used"] if part else []
            state_dict = copied(notes, checkpoint, len(data))
            if checkpoint.is_exported:
                kind = "pt2"
                warnings.append("is a program of torch.export: its weights alone are used, nothing of it is run")
        if not state_dict:
            raise RefusedError("holds no weights: save model.state_dict() of a model that has parameters")
        if all(key.startswith(PREFIX) for key in state_dict):
            prefix = PREFIX
            state_dict = {key.removeprefix(PREFIX): tensor for key, tensor in state_dict.items()}
            warnings.append("was saved from nn.DataParallel: the prefix 'module.' is taken off its keys")
        warnings += _not_finite(state_dict)
        sentences = tuple(f"{shown(path.name, 200)} {warning}." for warning in warnings)
        return Weights(state_dict, sentences, part, prefix, kind)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors in a .pt, .pth or .safetensors file of data, by name; one that is alone in a .pt has the name "".

    As `read_weights`: nothing in the file is run. Raises InputError.
    """
    with named(path.name):
        data = read_file(path)
        if file_format(data[:4096], path.suffix) == "safetensors":
            return _safetensors(data)
        checkpoint = check_pt(data, path.name)
        content = {"": checkpoint.content} if isinstance(checkpoint.content, TensorNote) else checkpoint.content
        if not isinstance(content, dict):
            raise RefusedError("holds no tensors by name: save a tensor, or a dict of tensors, with torch.save")
        notes = {key: note for key, note in content.items() if isinstance(key, str) and isinstance(note, TensorNote)}
        return copied(notes, checkpoint, len(data))


# ---------------------------------------------------------------------------------------------------- .pt and .pth


def _state_dict(content: object) -> tuple[dict[str, TensorNote], str]:
    """The state_dict in what a pickle describes: all of it, or the model's part of a training checkpoint, and which."""
    if not isinstance(content, dict):
        what = "a single tensor, not a state_dict" if isinstance(content, TensorNote) else "no state_dict"
        raise RefusedError(f"holds {what}: save model.state_dict() with torch.save")
    inner = next((key for key in INNER_KEYS if isinstance(content.get(key), dict)), None)
    part = content if inner is None else content[inner]
    if "param_groups" in part and "state" in part:
        raise RefusedError("holds the state_dict of an optimizer, not of a model: save model.state_dict()")
    for key, value in part.items():
        if not isinstance(value, TensorNote):
            raise RefusedError(f"holds '{shown(key)}', which is no tensor: save model.state_dict() alone")
        if not isinstance(key, str):
            raise RefusedError(f"names a tensor {key} instead of by text: save model.state_dict()")
    return part, inner or ""


def copied(notes: Mapping[str, TensorNote], checkpoint: Checkpoint, file_bytes: int) -> dict[str, torch.Tensor]:
    """The tensors that the notes describe, copied out of the file's bytes. Raises RefusedError."""
    made: dict[TensorNote, torch.Tensor] = {}
    room = 4 * file_bytes + ROOM_BYTES
    for key, note in notes.items():
        if note not in made:
            room -= note.nbytes
            if room < 0:
                raise RefusedError(f"is far larger in memory than on disk (at {shown(key)}): save it with .clone()")
            made[note] = _tensor(note, checkpoint)
    return {key: made[note] for key, note in notes.items()}


def _tensor(note: TensorNote, checkpoint: Checkpoint) -> torch.Tensor:
    """One tensor, contiguous; numpy reads its bytes as unsigned words, whatever their alignment and order."""
    if note.numel == 0:
        return torch.empty(note.size, dtype=DTYPES[note.dtype])
    width = DTYPE_BYTES[note.dtype]
    record = checkpoint.storages[note.storage.key]
    words = np.frombuffer(record, f"{'>' if checkpoint.big_endian else '<'}u{width}", count=len(record) // width)
    strides = [stride * width if size > 1 else 0 for size, stride in zip(note.size, note.stride, strict=True)]
    own = np.array(as_strided(words[note.offset :], note.size, strides), f"=u{width}", order="C")
    tensor = torch.from_numpy(own)
    return tensor.ne(0) if note.dtype == "bool" else tensor.view(DTYPES[note.dtype])


# ---------------------------------------------------------------------------------------------------- .safetensors


def _safetensors(data: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file, by its own library, after a look at the sizes."""
    _check_header(data)
    try:
        state_dict = safetensors.torch.load(data)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a panic in Rust is no Exception
        raise RefusedError(
            f"is damaged (the names, shapes and places of its tensors do not match its contents): {AGAIN}"
        ) from None
    for key, tensor in state_dict.items():
        if tensor.dtype not in DTYPES.values():
            raise RefusedError(f"holds {shown(key)} as {_word(tensor.dtype)}, not supported: save it as float32")
    return state_dict


def _check_header(data: bytes) -> None:
    """Whether header and tensors are all there; whether they are right is for the library."""
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER or len(data) < 8:
        raise RefusedError(f"is no .safetensors file, or damaged (its header would have {length:,} bytes): {AGAIN}")
    if 8 + length > len(data):
        raise RefusedError(f"is incomplete (its header is cut short): {AGAIN}")
    try:
        header = json.loads(data[8 : 8 + length])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        end = max(ends, default=0)
        missing = 8 + length + end - len(data)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise RefusedError(f"is damaged (its header is no list of tensors): {AGAIN}") from None
    if missing > 0:
        raise RefusedError(f"is incomplete (the last {missing:,} bytes are missing): {AGAIN}")


# ------------------------------------------------------------------------------------------------- into a model


def load_into(module: torch.nn.Module, weights: Weights, path: Path) -> tuple[str, ...]:
    """Copy the weights into a model: every key must be there, none left over, all of the model's own shapes.

    Returns all warnings, those of reading included. Raises InputError, before the model is touched.
    """
    with named(path.name):
        given = weights.state_dict
        try:
            needed = {key: value for key, value in module.state_dict().items() if isinstance(value, torch.Tensor)}
            if needed and all(key.startswith(PREFIX) for key in needed) and not needed.keys() & given.keys():
                given = {PREFIX + key: tensor for key, tensor in given.items()}  # the model's own part named `module`
            _compare(needed, given)
            warnings = _conversions(needed, given)
            module.load_state_dict(given)
        except RuntimeError:  # a lazy layer without a shape yet, or a hook of the model's own
            raise RefusedError(f"does not fit the model: {CHOOSE}") from None
        return (*weights.warnings, *(f"{shown(path.name, 200)} {warning}." for warning in warnings))


def _compare(needed: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> None:
    """Raise RefusedError unless both have the same keys, shapes and kinds of number."""
    shapes = [key for key, tensor in needed.items() if key in given and tensor.shape != given[key].shape]
    if shapes:
        key = shapes[0]
        raise RefusedError(
            f"does not fit: {shown(key)} is {shown(list(given[key].shape))} in the file, the model needs "
            f"{list(needed[key].shape)}{_and_more(shapes, 1)}; {CHOOSE}"
        )
    missing = [key for key in needed if key not in given]
    left_over = [key for key in given if key not in needed]
    if missing or left_over:
        parts = [f"the model needs {_some(missing)}, not in the file"] if missing else []
        parts += [f"the file has {_some(left_over)}, not in the model"] if left_over else []
        raise RefusedError(f"does not fit: {' and '.join(parts)}; {CHOOSE}")
    for key, tensor in needed.items():
        if _kind(tensor.dtype) != _kind(given[key].dtype):
            raise RefusedError(
                f"does not fit: {shown(key)} is {_word(given[key].dtype)} in the file, the model needs "
                f"{_word(tensor.dtype)}; {CHOOSE}"
            )


def _conversions(needed: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> list[str]:
    """One warning for each pair of dtypes, and one for numbers that the model's dtype cannot hold."""
    converted: dict[tuple[str, str], list[str]] = {}
    too_large = []
    for key, tensor in needed.items():
        if tensor.dtype != given[key].dtype:
            converted.setdefault((_word(given[key].dtype), _word(tensor.dtype)), []).append(key)
            if _trouble(given[key]) is None and _trouble(given[key].to(tensor.dtype)) is not None:
                too_large.append(key)
    warnings = [f"has {old} numbers, converted to {new}: {_some(keys)}" for (old, new), keys in converted.items()]
    if too_large:
        warnings.append(f"has numbers too large for the model, now infinite: {_some(too_large)}")
    return warnings


# ------------------------------------------------------------------------------------------------------- wording


def _not_finite(state_dict: Mapping[str, torch.Tensor]) -> list[str]:
    """One warning for all keys that hold NaN, one for all that hold infinity."""
    found: dict[str, list[str]] = {}
    trouble: dict[int, str | None] = {}
    for key, tensor in state_dict.items():
        if id(tensor) not in trouble:
            trouble[id(tensor)] = _trouble(tensor)
        word = trouble[id(tensor)]
        if word is not None:
            found.setdefault(word, []).append(key)
    return [f"holds {word} in {_some(keys)}: its predictions will be wrong" for word, keys in found.items()]


def _trouble(tensor: torch.Tensor) -> str | None:
    """NaN or infinity, where the tensor holds one; min and max keep a NaN and need no memory."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return None
    low, high = (float(end) for end in torch.aminmax(tensor.detach()))
    if low != low:
        return "NaN"
    return "infinity" if float("inf") in (-low, high) else None


def _kind(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "bool"
    return "float" if dtype.is_floating_point else "integer"


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _some(keys: list[str], limit: int = 3) -> str:
    return ", ".join(shown(key) for key in keys[:limit]) + _and_more(keys, limit)


def _and_more(keys: list[str], limit: int) -> str:
    more = len(keys) - limit
    return f" and {more} more" if more > 0 else ""
