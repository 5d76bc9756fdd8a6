# mypy: disable-error-code="no-any-return"
"""Step 2: a program of torch.export as an nn.Module: its parameters under their own names, its operations one by one.

It does what `torch.export.load(path).module()` does, to the bit: the same operations of torch in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from engine.exported.ops import FACTORIES, OPERATIONS, Operation
from engine.exported.program import ASSERTIONS, Arg, Kind, Node, Out, Ref, Tensor, made, used
from engine.pickle_notes import RefusedError, shown

FORMATS = {
    1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d, 4: torch.preserve_format,
}  # fmt: skip
DTYPES = {
    "float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32, "float64": torch.float64,
    "bool": torch.bool, "uint8": torch.uint8, "int8": torch.int8, "int16": torch.int16, "int32": torch.int32,
    "int64": torch.int64,
}  # fmt: skip
Values = dict[str, Any]
Look = Callable[[Node, Any], None]
"""Called with each operation and what it gave."""


class _Step:
    """One operation, ready to be run: its function, what it takes, and which values nobody needs after it."""

    __slots__ = ("args", "done_with", "kwargs", "node", "run", "where")

    def __init__(self, node: Node, run: Operation, done_with: tuple[str, ...]) -> None:
        self.node, self.run, self.done_with = node, run, done_with
        given = {**node.kwargs, "device": Kind("device", "")} if node.target in FACTORIES else node.kwargs
        self.where = any(isinstance(arg, Kind) and arg.what == "device" for arg in (*node.args, *given.values()))
        self.args = tuple(map(_constant, node.args))
        self.kwargs = {name: _constant(arg) for name, arg in given.items()}

    def __deepcopy__(self, _memo: object) -> _Step:
        return self  # nothing in it changes

    def arguments(self, values: Values, device: torch.device) -> tuple[list[Any], dict[str, Any]]:
        """What the operation is called with; a device in the program is the one that the rows are on."""
        place = device if self.where else None
        return (
            [_filled(arg, values, place) for arg in self.args],
            {name: _filled(arg, values, place) for name, arg in self.kwargs.items()},
        )


class ExportedProgram(nn.Module):
    """A program of torch.export: X [n, *row] to what the program gives; its weights are those of the file.

    It is as it was exported: Dropout does nothing and BatchNorm keeps its statistics, also while it learns.
    """

    def __init__(self, nodes: Iterable[Node], given: str, output: str) -> None:
        """`given` and `output` are the names of what goes in and comes out. Raises RefusedError."""
        super().__init__()
        self._ends = (given, output)
        self._steps = _steps(nodes, {given, output})
        self._held: dict[str, tuple[nn.Module, str]] = {}

    @property
    def nodes(self) -> list[Node]:
        """The operations that are run, in their order."""
        return [step.node for step in self._steps]

    def hold(self, note: Tensor, tensor: torch.Tensor) -> None:
        """Take in a parameter or a buffer under its own name, such as layers.0.weight. Raises RefusedError."""
        *path, name = note.key.split(".")
        owner: nn.Module = self
        try:
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, nn.Module())
                owner = owner.get_submodule(part)
            if note.is_parameter:
                owner.register_parameter(name, nn.Parameter(tensor))
            else:
                owner.register_buffer(name, tensor, persistent=note.persistent)
        except (KeyError, AttributeError):  # a module has an attribute of that name
            raise RefusedError(f"has a tensor of a name that is taken ({shown(note.key)}): rename it") from None
        self._held[note.name] = owner, name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x)

    def run(self, x: torch.Tensor, look: Look | None = None) -> torch.Tensor:
        """The output for the rows x; `look` sees each operation and what it gave."""
        given, output = self._ends
        values: Values = {name: getattr(owner, part) for name, (owner, part) in self._held.items()}
        values[given] = x
        for step in self._steps:
            args, kwargs = step.arguments(values, x.device)
            result = step.run(*args, **kwargs)
            if look is not None:
                look(step.node, result)
            _keep(step.node.outputs, result, values)
            for name in step.done_with:
                del values[name]
        return values[output]


def _steps(nodes: Iterable[Node], kept: set[str]) -> list[_Step]:
    """The nodes with their functions; those that only make sure of something are left out. Raises RefusedError."""
    nodes = [node for node in nodes if node.target not in ASSERTIONS]
    last: dict[str, int] = {}
    for place, node in enumerate(nodes):
        last.update(dict.fromkeys((*made(node), *used(node)), place))
    done_with: dict[int, list[str]] = {}
    for name, place in last.items():
        if name not in kept:
            done_with.setdefault(place, []).append(name)
    return [_Step(node, operation(node), tuple(done_with.get(place, ()))) for place, node in enumerate(nodes)]


def operation(node: Node) -> Operation:
    """The function of torch that a node names. Raises RefusedError for one that is not on the list."""
    run = OPERATIONS.get(node.target)
    if run is None:
        raise RefusedError(
            f"uses an operation that is not on Sixstep's list ({shown(node.target)}), so it is not run: choose "
            "model.state_dict() as weights instead, or export the model without it"
        )
    return run


def _constant(arg: Arg) -> Any:
    """An argument as torch takes it; what is only known while the program runs stays a Ref or a device."""
    match arg:
        case Kind("dtype", str(name)) if name in DTYPES:
            return DTYPES[name]
        case Kind("memory format", int(number)) if number in FORMATS:
            return FORMATS[number]
        case Kind("layout"):
            return torch.strided
        case Kind("device"):
            return arg
        case Kind():
            raise RefusedError(f"uses a {arg.what} that is not known here ({shown(arg.value)}): export it as float32")
        case tuple():
            return [_constant(one) for one in arg]
        case _:
            return arg


def _filled(arg: Any, values: Values, device: torch.device | None) -> Any:
    if isinstance(arg, Ref):
        return values[arg.name]
    if isinstance(arg, list):
        return [_filled(one, values, device) for one in arg]
    return device if isinstance(arg, Kind) else arg


def _keep(outputs: tuple[Out, ...], result: Any, values: Values) -> None:
    """Put what an operation gave where the program looks for it."""
    if len(outputs) == 1:
        (out,) = outputs
        if isinstance(out, str):
            values[out] = result
            return
        outputs = out
    if not isinstance(result, tuple | list) or len(result) != len(outputs):
        raise ValueError("it gives another number of results than the program expects")
    for out, one in zip(outputs, result, strict=True):
        if isinstance(out, str):
            values[out] = one
        else:
            _keep((out,), one, values)
