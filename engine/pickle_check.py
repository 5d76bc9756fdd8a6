"""What a pickle describes, found out without building or running any of it.

A pickle is a program for a small stack machine. The machine here knows the few instructions that torch.save
writes and the few names that weights need. It makes notes (this tensor, from that storage, of this shape)
instead of objects and refuses everything else. So a file of unknown origin cannot run code, and no number in
it decides how much memory is taken. Nothing here calls itself, however deep the file nests, and no torch is imported.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, NoReturn

from engine.pickle_notes import (
    DAMAGED,
    DTYPE_BYTES,
    MAX_DEPTH,
    MAX_DIMENSIONS,
    MAX_INT,
    TOO_DEEP,
    RefusedError,
    StorageNote,
    TensorNote,
    shown,
)

MAX_OPCODES = 1_000_000  # about 30,000 tensors; at worst 4 seconds and 300 MB
MAX_INT_KEY = 2**32  # larger ones can be chosen to collide in a dict, which makes it slow
STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip
STORAGE_DTYPES = {
    **{f"{module}.{name}": dtype for module in ("torch", "torch.cuda") for name, dtype in STORAGES.items()},
    "torch.storage.UntypedStorage": "uint8",
}
TENSORS = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3"}
PARAMETERS = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
PASSED_OVER = {  # found beside the weights in training checkpoints; noted, never made
    "torch.device", "collections.Counter", "_codecs.encode",
    "__builtin__.set", "builtins.set", "__builtin__.complex", "builtins.complex",
}  # fmt: skip
ALLOWED = {
    "collections.OrderedDict", "torch.Size", *TENSORS, *PARAMETERS, *PASSED_OVER, *STORAGE_DTYPES,
    *(f"torch.{dtype}" for dtype in DTYPE_BYTES),
}  # fmt: skip
EXOTIC = (  # part of one of torch's names -> what it is, and what to do
    ("sparse", "a sparse tensor, which is not supported: turn it into a plain one with .to_dense() and save again"),
    ("_get_layout", "a sparse tensor, which is not supported: turn it into a plain one with .to_dense()"),
    ("qtensor", "a quantized tensor, which is not supported: save the model before it is quantized"),
    ("torch.Q", "a quantized tensor, which is not supported: save the model before it is quantized"),
    ("omplex", "complex numbers, which are not supported: save real tensors"),
    ("meta_tensor", "a tensor without values (device meta): save the model after it is filled"),
    ("float8", "8-bit floats, which are not supported: convert them with .float() and save again"),
    ("_rebuild_", "a special kind of tensor, which is not supported: save plain ones, made with .detach().clone()"),
)


@dataclass(frozen=True, slots=True)
class Name:
    """A function or class that the pickle names, such as torch.FloatStorage; it is never looked up."""

    text: str


@dataclass(frozen=True, slots=True)
class Description:
    """What one pickle describes: dicts, lists, tuples, numbers, text and notes, and every storage it names."""

    content: object
    storages: dict[str, StorageNote]


def describe(pickle: BinaryIO) -> Description:
    """Describe the pickle that starts where the file stands, and leave the file behind its end. Raises RefusedError."""
    machine = _Machine()
    try:
        return Description(machine.run(pickle), machine.storages)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, EOFError, Warning):
        raise RefusedError(DAMAGED) from None  # pickletools and a wrong order of instructions end here


class _Machine:
    """The stack machine of pickle, over notes."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, StorageNote] = {}

    def run(self, pickle: BinaryIO) -> object:
        instructions = pickletools.genops(pickle)
        for count, (opcode, argument, _) in enumerate(instructions):
            if count >= MAX_OPCODES:
                raise RefusedError(f"describes more than {MAX_OPCODES:,} values: save only model.state_dict()")
            if opcode.name in LITERALS:
                self.stack.append(argument)
            elif opcode.name == "PROTO":
                continue
            elif opcode.name == "STOP":
                return self.stack.pop()
            elif opcode.name == "GLOBAL":
                name = _dotted(argument)
                if name not in ALLOWED:
                    _refuse_name(name, instructions)
                self.stack.append(Name(name))
            elif opcode.name in STEPS:
                STEPS[opcode.name](self, argument)
            else:
                raise RefusedError(
                    f"is a pickle that torch.save does not write (it uses {opcode.name}): "
                    "save it with torch.save(model.state_dict(), path)"
                )
        raise RefusedError(DAMAGED)

    def mark(self, _: object) -> None:
        if len(self.below) >= MAX_DEPTH:
            raise RefusedError(TOO_DEEP)
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.below.pop()
        return items

    def join(self, count: int) -> None:
        items = [self.stack.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def join_since_mark(self, _: object) -> None:
        items = tuple(self.since_mark())
        self.stack.append(items)

    def append(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise RefusedError(DAMAGED)
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise RefusedError(DAMAGED)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not (isinstance(key, str) or (isinstance(key, int) and abs(key) < MAX_INT_KEY)):
                raise RefusedError("is unsafe to load: it names a value by something that is neither text nor a number")
            self.stack[-1][key] = value

    def build(self, _: object) -> None:
        state = self.stack.pop()  # the _metadata of a state_dict: not needed, so dropped
        if not isinstance(state, dict) or not isinstance(self.stack[-1], dict):
            raise RefusedError(DAMAGED)

    def call(self, _: object) -> None:
        arguments = self.stack.pop()
        function = self.stack.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise RefusedError(DAMAGED)
        if function.text == "collections.OrderedDict":
            self.stack.append({})
            self.set_items([item for pair in (arguments[0] if arguments else []) for item in _pair(pair)])
        elif function.text in TENSORS:
            self.stack.append(_tensor(function.text, *arguments))
        elif function.text in PARAMETERS and isinstance(arguments[0], TensorNote):
            self.stack.append(arguments[0])
        elif function.text == "torch.Size":
            self.stack.append(_sizes(arguments[0]))
        elif function.text in PASSED_OVER:
            self.stack.append(function)
        else:
            raise RefusedError(DAMAGED)

    def storage(self, _: object) -> None:
        kind, storage_type, key, _location, numel, *view = self.stack.pop()
        if kind != "storage" or not isinstance(key, str) or view not in ([], [None]):
            raise RefusedError(DAMAGED)
        note = StorageNote(key, STORAGE_DTYPES[storage_type.text], _number(numel))
        if self.storages.setdefault(key, note) != note:
            raise RefusedError(DAMAGED)
        self.stack.append(note)

    def remember(self, index: int) -> None:
        self.memo[index] = self.stack[-1]


LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING"}
STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "MARK": _Machine.mark,
    "TUPLE": _Machine.join_since_mark,
    "TUPLE1": lambda machine, _: machine.join(1),
    "TUPLE2": lambda machine, _: machine.join(2),
    "TUPLE3": lambda machine, _: machine.join(3),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "BUILD": _Machine.build,
    "REDUCE": _Machine.call,
    "BINPERSID": _Machine.storage,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "LONG_BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
}


def _tensor(function: str, storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> TensorNote:
    """The note for a call of torch's _rebuild_tensor…; rest is requires_grad, hooks, (v3: dtype,) metadata."""
    third = function.endswith("_v3")
    dtype = rest[2].text.removeprefix("torch.") if third else storage.dtype
    if any(rest[3 if third else 2 :]):
        raise RefusedError("holds a tensor with a pending sign or conjugate: save it with .resolve_neg()")
    note = TensorNote(storage, dtype, _number(offset), _sizes(size), _sizes(stride))
    if not isinstance(storage, StorageNote) or dtype not in DTYPE_BYTES or len(note.size) != len(note.stride):
        raise RefusedError(DAMAGED)
    return note


def _pair(value: Any) -> tuple[Any, Any]:
    key, item = value
    return key, item


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_INT:
        raise RefusedError(DAMAGED)
    return value


def _sizes(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple | list) or len(values) > MAX_DIMENSIONS:
        raise RefusedError(DAMAGED)
    return tuple(_number(value) for value in values)


def _dotted(argument: Any) -> str:
    return str(argument).replace(" ", ".", 1)


def _refuse_name(name: str, instructions: Iterator[tuple[Any, Any, Any]]) -> NoReturn:
    """Say what a pickle is that names something unknown; the rest of it tells a whole model from other code."""
    names, texts = [name], set[str]()
    try:
        for opcode, argument, _ in islice(instructions, MAX_OPCODES):
            if opcode.name == "GLOBAL":
                names.append(_dotted(argument))
            elif argument in ("_modules", "_parameters"):
                texts.add(argument)
    except ValueError:
        pass  # the rest is damaged; the name is reason enough
    if len(texts) == 2 or any(other.startswith("torch.nn.modules.") for other in names):
        raise RefusedError(
            f"holds a whole model ({shown(name)}), which only its own code can load: "
            "save the weights alone with torch.save(model.state_dict(), path)"
        )
    if name.startswith("numpy"):
        raise RefusedError("holds numpy values, not tensors: convert them to tensors or plain numbers and save again")
    for part, what in EXOTIC:
        if part in name and name.startswith("torch."):
            raise RefusedError(f"holds {what}")
    raise RefusedError(
        f"asks to run code ({shown(name)}), which weights never need: "
        "do not trust it, or save model.state_dict() alone with torch.save"
    )
