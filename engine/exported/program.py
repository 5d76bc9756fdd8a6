"""Step 2: the program in a .pt2 file as plain values, each checked. Needs no torch, and nothing of the file is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET

from engine.errors import InputError
from engine.exported import schema
from engine.exported_file import CONSTANTS, SCALAR_TYPES, exported_tensors, exported_weights
from engine.pickle_notes import RefusedError, TensorNote, shown
from engine.torch_file import EXPORTED, file_format, named, read_archive, read_file

MODEL = "models/model.json"
MAX_JSON = 64 * 2**20
EVAL = "export it again after model.eval()"
AGAIN = "export it again with torch 2.13, or choose model.state_dict() as weights instead"
FLOATS = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}
TRAINS = ("train", "training")
"""Arguments that say whether an operation is in training mode."""

ASSERTIONS = frozenset((
    "torch.ops.aten._assert_async.msg", "torch.ops.aten._assert_scalar.default",
    "torch.ops.aten._assert_tensor_metadata.default", "torch.ops.aten.sym_constrain_range.default",
    "torch.ops.aten.sym_constrain_range_for_size.default",
))  # fmt: skip
"""Operations that compute nothing: what they make sure of is about sizes that are tried before anything is trained."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that was computed before, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A dtype, a memory format, a layout or a device, by torch's name or number."""

    what: Literal["dtype", "memory format", "layout", "device"]
    value: str | int


Arg = Ref | Kind | None | bool | int | float | str | tuple["Arg", ...]
Out = str | tuple[str, ...]
"""The name of a value, or of each in a list."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: what it is called, what it takes, the names of what it gives."""

    target: str
    args: tuple[Arg, ...]
    kwargs: Mapping[str, Arg]
    outputs: tuple[Out, ...]

    @property
    def name(self) -> str:
        """Without torch's package, such as linear.default."""
        return self.target.removeprefix("torch.ops.aten.")

    @property
    def changes_its_input(self) -> bool:
        """Whether it is one of those that write where they read, as relu_."""
        base = self.name.partition(".")[0]
        return base.endswith("_") and not base.endswith("__")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A parameter, a buffer or a constant."""

    key: str
    """In the state_dict, such as layers.0.weight."""
    name: str
    """In the graph."""
    is_parameter: bool
    persistent: bool
    note: TensorNote


@dataclass(frozen=True)
class Program:
    """What a .pt2 file says: one tensor in, one tensor out."""

    file: str
    nodes: tuple[Node, ...]
    tensors: tuple[Tensor, ...]
    input: str
    dtype: str
    """Of the input: float32, or int64 for tokens."""
    row: tuple[int | None, ...]
    """The shape of one row of the input; None where any size goes."""
    usual_row: tuple[int, ...]
    """The same, as it was when the program was exported."""
    output: str
    sizes: Mapping[str, tuple[int, ...]]
    """Of every tensor in the graph when it was exported, as far as the file says."""
    is_batch_fixed: bool
    """Whether it was exported for so many rows at a time alone."""

    @property
    def n_parameters(self) -> int:
        """How many numbers its parameters have."""
        return sum(tensor.note.numel for tensor in self.tensors if tensor.is_parameter)


def look(path: str) -> Program:
    """The program in a .pt2 file, without its weights; looked at again where the file has changed. Raises InputError.
    """
    if not path:
        raise InputError(NO_PROGRAM)
    try:
        status = Path(path).stat()
        stamp = (status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        stamp = (0, 0)  # reading says why
    return _look(path, stamp)


NO_PROGRAM = "An exported model needs a .pt2 file that torch.export.save wrote: choose one in step 2."


@lru_cache(maxsize=2)
def _look(path: str, _stamp: tuple[int, int]) -> Program:
    return read_program(Path(path))[0]


def read_program(path: Path) -> tuple[Program, dict[str, memoryview], dict[str, memoryview]]:
    """The program in a .pt2 file, and the bytes of its weights and of its constants, by record. Raises InputError."""
    with named(path.name):
        data = read_file(path)
        members = read_archive(data) if file_format(data[:4096], path.suffix) == "zip" else {}
        if EXPORTED not in members or MODEL not in members:
            raise RefusedError("is no program of torch.export: choose a .pt2 file that torch.export.save wrote")
        weights, records = exported_weights(members)
        constants, constant_records = exported_tensors(members, CONSTANTS)
        return _program(path.name, members[MODEL], weights, constants), records, constant_records


def _program(
    file: str, text: memoryview, weights: Mapping[str, TensorNote], constants: Mapping[str, TensorNote]
) -> Program:
    if len(text) > MAX_JSON:
        raise RefusedError(f"describes its program in over {MAX_JSON // 2**20} MB: use a smaller model")
    try:
        module = msgspec.json.decode(text, type=schema.Exported).graph_module
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"holds a program that makes no sense here ({shown(error, 120)}): {AGAIN}") from None
    _check_nesting(module.module_call_graph)
    tensors, user = _inputs(module.signature, weights, constants)
    output = _output(module.signature)
    held = {tensor.name for tensor in tensors}
    nodes = tuple(map(_node, module.graph.nodes))
    _check_names(nodes, [*(tensor.name for tensor in tensors), user], output)
    for node in nodes:
        if node.changes_its_input and node.args and isinstance(node.args[0], Ref) and node.args[0].name in held:
            raise RefusedError(f"changes its own buffers while it runs, as a model in training does: {EVAL}")
    meta = module.graph.tensor_values.get(user)
    if meta is None or not meta.sizes:
        raise RefusedError(f"does not say what it takes, or takes a single number: {AGAIN}")
    dtype = SCALAR_TYPES.get(meta.dtype, "an unknown type")
    if dtype not in ("float32", "int64"):
        raise RefusedError(f"takes {dtype}, the data is float32 or int64: export model.float()")
    batch, *row = meta.sizes
    return Program(
        file, nodes, tensors, user, dtype,
        tuple(None if size.as_int is UNSET else size.as_int for size in row),
        tuple(map(_usual, row)), output,
        {name: tuple(map(_usual, value.sizes)) for name, value in module.graph.tensor_values.items()},
        batch.as_int is not UNSET,
    )  # fmt: skip


def _usual(size: schema.Size) -> int:
    if size.as_int is not UNSET:
        return size.as_int
    hint = None if size.as_expr is UNSET else size.as_expr.hint
    return hint.as_int if hint is not None and hint.as_int is not UNSET else 1


def _check_nesting(calls: list[schema.Call]) -> None:
    """One tensor goes in, without a name, and one comes out, in no tuple or dict."""
    signature = calls[0].signature if calls and not calls[0].fqn else None
    if signature is None:
        raise RefusedError(f"does not say how it is called: {AGAIN}")
    try:
        _version, taken = msgspec.json.decode(signature.in_spec, type=tuple[int, schema.Nesting])
        _version, given = msgspec.json.decode(signature.out_spec, type=tuple[int, schema.Nesting])
    except (msgspec.MsgspecError, RecursionError):
        raise RefusedError(f"does not say how it is called: {AGAIN}") from None
    positional = taken.children_spec[0].children_spec if len(taken.children_spec) == 2 else []
    by_name = taken.children_spec[1].children_spec if len(taken.children_spec) == 2 else [None]
    if len(positional) != 1 or positional[0].type is not None or by_name:
        raise RefusedError("does not take one tensor alone: export a model whose forward takes X and nothing else")
    if given.type is not None:
        raise RefusedError("does not give one tensor alone: export a model whose forward returns y_pred itself")


def _inputs(
    signature: schema.Signature, weights: Mapping[str, TensorNote], constants: Mapping[str, TensorNote]
) -> tuple[tuple[Tensor, ...], str]:
    """The tensors that the program holds, and the name of what it is given."""
    tensors: list[Tensor] = []
    users: list[str] = []
    for spec in signature.input_specs:
        if spec.parameter is not UNSET:
            one = spec.parameter
            tensors.append(_tensor(one.parameter_name, one.arg.name, weights, is_parameter=True))
        elif spec.buffer is not UNSET:
            key, place = spec.buffer.buffer_name, weights if spec.buffer.persistent else constants
            tensors.append(_tensor(key, spec.buffer.arg.name, place, persistent=spec.buffer.persistent))
        elif spec.tensor_constant is not UNSET:
            constant = spec.tensor_constant
            tensors.append(_tensor(constant.tensor_constant_name, constant.arg.name, constants, persistent=False))
        elif spec.user_input is not UNSET and spec.user_input.arg.as_tensor is not UNSET:
            users.append(spec.user_input.arg.as_tensor.name)
        else:
            raise RefusedError("takes something that is no tensor: export a model whose forward takes X alone")
    if len(users) != 1:
        raise RefusedError(f"takes {len(users)} inputs, data has one: export a model whose forward takes X alone")
    if len({tensor.key for tensor in tensors}) < len(tensors):
        raise RefusedError(f"names two tensors alike: {AGAIN}")
    return tuple(tensors), users[0]


def _tensor(
    key: str, name: str, notes: Mapping[str, TensorNote], is_parameter: bool = False, persistent: bool = True
) -> Tensor:
    if key not in notes:
        raise RefusedError(f"is incomplete: the numbers of {shown(key)} are missing, so export it again")
    if is_parameter and "float" not in notes[key].dtype:
        raise RefusedError(f"has whole numbers as the parameter {shown(key)}, which cannot learn: save it as a buffer")
    return Tensor(key, name, is_parameter, persistent, notes[key])


def _output(signature: schema.Signature) -> str:
    outputs = [spec.user_output for spec in signature.output_specs]
    if any(output is UNSET for output in outputs):
        raise RefusedError(f"changes its own buffers while it runs, as a model in training does: {EVAL}")
    (first, *others) = outputs or [UNSET]
    if others or first is UNSET or first.arg.as_tensor is UNSET:
        raise RefusedError("does not give one tensor alone: export a model whose forward returns y_pred itself")
    return first.arg.as_tensor.name


def _node(node: schema.Node) -> Node:
    args: list[Arg] = []
    kwargs: dict[str, Arg] = {}
    for given in node.inputs:
        value = _argument(given.arg, node.target)
        if (given.name in TRAINS and value is True) or (given.name == "dropout_p" and value not in (0.0, None)):
            raise RefusedError(f"was exported in training mode ({shown(node.target)}): {EVAL}")
        if given.kind == 2:  # by name; a name that torch does not know is refused when it is called
            kwargs[given.name] = value
        else:
            args.append(value)
    return Node(node.target, tuple(args), kwargs, tuple(_given(output, node.target) for output in node.outputs))


def _argument(arg: schema.Argument, target: str) -> Arg:
    fields = [(name, value) for name in arg.__struct_fields__ if (value := getattr(arg, name)) is not UNSET]
    if len(fields) != 1:
        raise RefusedError(f"has an argument of {shown(target)} that makes no sense: {AGAIN}")
    ((kind, value),) = fields
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Ref(value.name)
        case "as_tensors":
            return tuple(Ref(one.name) for one in value)
        case "as_bool" | "as_int" | "as_string":
            return value  # type: ignore[no-any-return]
        case "as_float":
            return _number(value)
        case "as_ints" | "as_bools":
            return tuple(value)
        case "as_floats":
            return tuple(map(_number, value))
        case "as_sym_int" | "as_sym_float" | "as_sym_bool":
            return _symbol(value, target)
        case "as_sym_ints":
            return tuple(_symbol(one, target) for one in value)
        case "as_optional_tensor":
            return _optional(value)
        case "as_optional_tensors":
            return tuple(map(_optional, value))
        case "as_scalar_type" if value in SCALAR_TYPES:
            return Kind("dtype", SCALAR_TYPES[value])
        case "as_memory_format":
            return Kind("memory format", value)
        case "as_layout" if value == 7:
            return Kind("layout", "strided")
        case "as_device":
            return Kind("device", value.type)
    raise RefusedError(
        f"gives {shown(target)} what cannot be taken here ({kind.removeprefix('as_')}): choose "
        "model.state_dict() as weights instead"
    )


def _number(value: float | str) -> float:
    return FLOATS[value] if isinstance(value, str) else float(value)


def _symbol(value: schema.SymInt | schema.SymFloat | schema.SymBool, target: str) -> Arg:
    if value.as_name is not UNSET:
        return Ref(value.as_name)
    for name in ("as_int", "as_float", "as_bool"):
        number = getattr(value, name, UNSET)
        if number is not UNSET:
            return _number(number) if name == "as_float" else number
    raise RefusedError(f"has an argument of {shown(target)} that makes no sense: {AGAIN}")


def _optional(value: schema.OptionalTensor) -> Arg:
    return None if value.as_tensor is UNSET else Ref(value.as_tensor.name)


def _given(output: schema.Argument, target: str) -> Out:
    if output.as_tensor is not UNSET:
        return output.as_tensor.name
    if output.as_tensors is not UNSET:
        return tuple(one.name for one in output.as_tensors)
    for symbol in (output.as_sym_int, output.as_sym_float, output.as_sym_bool):
        if symbol is not UNSET and symbol.as_name is not UNSET:
            return symbol.as_name
    if output.as_none is not UNSET:
        return ""
    raise RefusedError(f"expects what {shown(target)} cannot give here: choose model.state_dict() as weights instead")


def refs(arg: Arg) -> list[str]:
    """The names of the values in an argument."""
    if isinstance(arg, Ref):
        return [arg.name]
    return [name for one in arg for name in refs(one)] if isinstance(arg, tuple) else []


def used(node: Node) -> list[str]:
    """The names of all values that a node takes."""
    return [name for arg in (*node.args, *node.kwargs.values()) for name in refs(arg)]


def made(node: Node) -> list[str]:
    """The names of all values that a node gives."""
    return [name for out in node.outputs for name in ((out,) if isinstance(out, str) else out) if name]


def _check_names(nodes: tuple[Node, ...], given: list[str], output: str) -> None:
    """Each value is made once, and before it is used."""
    known = set(given)
    doubled = len(known) < len(given)
    for node in nodes:
        missing = [name for name in used(node) if name not in known]
        if missing:
            raise RefusedError(f"uses {shown(missing[0])} before it was computed: it is damaged, so export it again")
        new = made(node)
        doubled |= len(set(new)) < len(new) or not known.isdisjoint(new)
        known |= set(new)
    if doubled:
        raise RefusedError("computes two values of one name: it is damaged, so export it again")
    if output not in known:
        raise RefusedError(f"gives {shown(output)}, which it never computes: it is damaged, so export it again")
