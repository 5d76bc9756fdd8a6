"""Step 6: the weights in a .pt2 file of torch.export, read without loading the program.

torch.export.load (torch 2.13) is not called: it unpickles members that are marked so with weights_only=False, falls
back to that for the sample inputs, and hands the expressions in its JSON to SymPy, which evaluates text. The weights
themselves need none of it: a JSON names each, with its type and shape, and its bytes are a member of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from engine.pickle_notes import MAX_DIMENSIONS, MAX_INT, RefusedError, StorageNote, TensorNote, check_tensor, shown

WEIGHTS = ("data/weights/", "model_weights_config.json")
CONSTANTS = ("data/constants/", "model_constants_config.json")
"""The folder of the records, and what lists them there."""
SCALAR_TYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 12: "bool",
    13: "bfloat16", 28: "uint16", 34: "uint32", 35: "uint64",
}  # fmt: skip
"""The numbers that torch's schema of exported programs gives its types."""
Whole = Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)]


class _Size(msgspec.Struct):
    as_int: Whole


class _Meta(msgspec.Struct):
    dtype: int
    sizes: Annotated[list[_Size], msgspec.Meta(max_length=MAX_DIMENSIONS)]
    strides: Annotated[list[_Size], msgspec.Meta(max_length=MAX_DIMENSIONS)]
    storage_offset: _Size


class _Entry(msgspec.Struct):
    path_name: str
    use_pickle: bool
    tensor_meta: _Meta | None = None


class _Config(msgspec.Struct):
    config: dict[str, _Entry]


def exported_weights(members: Mapping[str, memoryview]) -> tuple[dict[str, TensorNote], dict[str, memoryview]]:
    """What the parameters and persistent buffers are, by key, and the bytes of each record. Raises RefusedError."""
    return exported_tensors(members, WEIGHTS)


def exported_tensors(
    members: Mapping[str, memoryview], place: tuple[str, str]
) -> tuple[dict[str, TensorNote], dict[str, memoryview]]:
    """The same of one place, WEIGHTS or CONSTANTS; of the latter there may be none. Raises RefusedError."""
    folder, listed = place
    if place == CONSTANTS and folder + listed not in members:
        return {}, {}
    try:
        config = msgspec.json.decode(members[folder + listed], type=_Config).config
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise RefusedError("is an exported program whose list of weights makes no sense: export it again") from None
    notes: dict[str, TensorNote] = {}
    for key, entry in config.items():
        meta, record = entry.tensor_meta, members.get(folder + entry.path_name)
        if entry.use_pickle or meta is None or meta.dtype not in SCALAR_TYPES:
            raise RefusedError(f"holds {shown(key)} as a pickle, which could run code: save model.state_dict() instead")
        dtype = SCALAR_TYPES[meta.dtype]
        n_bytes = 0 if record is None else len(record)
        sizes = tuple(size.as_int for size in meta.sizes)
        strides = tuple(stride.as_int for stride in meta.strides)
        if len(sizes) != len(strides):
            raise RefusedError(f"describes {shown(key)} in a way that makes no sense: export it again")
        storage = StorageNote(entry.path_name, dtype, n_bytes // _width(dtype))
        notes[key] = TensorNote(storage, dtype, meta.storage_offset.as_int, sizes, strides)
        check_tensor(key, notes[key], None if record is None else n_bytes)
    return notes, {note.storage.key: members[folder + note.storage.key] for note in notes.values()}


def _width(dtype: str) -> int:
    return StorageNote("", dtype, 1).nbytes
