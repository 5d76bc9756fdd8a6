"""Step 2: what of models/model.json in a .pt2 file is looked at, as types. Needs no torch.

The names are those of torch's schema of exported programs (torch/_export/serde/schema.py, 8.20 in torch 2.13).
What is not named here is skipped; a union there is a struct here of which one field is given.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from engine.pickle_notes import MAX_DIMENSIONS, MAX_INT

MAX_NODES = 50_000
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=500)]
"""Of a value in the graph."""
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,60}$", max_length=1000)]
"""Of a parameter or a buffer: names with dots between them."""
Int = Annotated[int, Meta(ge=-MAX_INT - 1, le=MAX_INT)]
Float = float | Literal["Infinity", "-Infinity", "NaN"]


class Named(msgspec.Struct):
    """A value of the graph, by its name."""

    name: Name


class SymInt(msgspec.Struct):
    """A whole number, or the name of one that the graph computes."""

    as_name: Name | UnsetType = UNSET
    as_int: Int | UnsetType = UNSET


class SymFloat(msgspec.Struct):
    """A number, or the name of one that the graph computes."""

    as_name: Name | UnsetType = UNSET
    as_float: Float | UnsetType = UNSET


class SymBool(msgspec.Struct):
    """Yes or no, or the name of one that the graph computes."""

    as_name: Name | UnsetType = UNSET
    as_bool: bool | UnsetType = UNSET


class OptionalTensor(msgspec.Struct):
    """A tensor, or none."""

    as_tensor: Named | UnsetType = UNSET
    as_none: Any = UNSET


class Device(msgspec.Struct):
    """Where a tensor was when the program was exported."""

    type: str


class Argument(msgspec.Struct, forbid_unknown_fields=True):
    """What an operation takes or gives: exactly one of these."""

    as_none: bool | UnsetType = UNSET
    as_tensor: Named | UnsetType = UNSET
    as_tensors: list[Named] | UnsetType = UNSET
    as_int: Int | UnsetType = UNSET
    as_ints: list[Int] | UnsetType = UNSET
    as_float: Float | UnsetType = UNSET
    as_floats: list[Float] | UnsetType = UNSET
    as_string: str | UnsetType = UNSET
    as_sym_int: SymInt | UnsetType = UNSET
    as_sym_ints: list[SymInt] | UnsetType = UNSET
    as_sym_float: SymFloat | UnsetType = UNSET
    as_sym_bool: SymBool | UnsetType = UNSET
    as_scalar_type: int | UnsetType = UNSET
    as_memory_format: int | UnsetType = UNSET
    as_layout: int | UnsetType = UNSET
    as_device: Device | UnsetType = UNSET
    as_bool: bool | UnsetType = UNSET
    as_bools: list[bool] | UnsetType = UNSET
    as_optional_tensor: OptionalTensor | UnsetType = UNSET
    as_optional_tensors: list[OptionalTensor] | UnsetType = UNSET
    as_graph: msgspec.Raw | UnsetType = UNSET
    as_custom_obj: msgspec.Raw | UnsetType = UNSET
    as_operator: msgspec.Raw | UnsetType = UNSET
    as_strings: msgspec.Raw | UnsetType = UNSET
    as_sym_bools: msgspec.Raw | UnsetType = UNSET
    as_sym_floats: msgspec.Raw | UnsetType = UNSET
    as_complex: msgspec.Raw | UnsetType = UNSET
    as_nested_tensors: msgspec.Raw | UnsetType = UNSET
    as_int_lists: msgspec.Raw | UnsetType = UNSET
    as_float_lists: msgspec.Raw | UnsetType = UNSET
    as_string_to_argument: msgspec.Raw | UnsetType = UNSET


class NamedArgument(msgspec.Struct):
    """An argument of an operation; kind 2: by its name."""

    name: Annotated[str, Meta(max_length=100)]
    arg: Argument
    kind: int | None = None


class Node(msgspec.Struct):
    """One operation."""

    target: str
    inputs: Annotated[list[NamedArgument], Meta(max_length=1000)]
    outputs: list[Argument]


class Hint(msgspec.Struct):
    """What a size was when the program was exported."""

    as_int: Int | UnsetType = UNSET


class Expression(msgspec.Struct):
    """A size that is not fixed; its formula is not looked at."""

    hint: Hint | None = None


class Size(msgspec.Struct):
    """A size of a tensor."""

    as_int: Annotated[int, Meta(ge=0, le=MAX_INT)] | UnsetType = UNSET
    as_expr: Expression | UnsetType = UNSET


class TensorMeta(msgspec.Struct):
    """What a tensor of the graph was when the program was exported."""

    dtype: int
    sizes: Annotated[list[Size], Meta(max_length=MAX_DIMENSIONS)]


class Graph(msgspec.Struct):
    """The operations, in their order."""

    nodes: Annotated[list[Node], Meta(max_length=MAX_NODES)]
    tensor_values: dict[str, TensorMeta]


class Parameter(msgspec.Struct):
    """A parameter and its name in the graph."""

    arg: Named
    parameter_name: Key


class Buffer(msgspec.Struct):
    """A buffer and its name in the graph."""

    arg: Named
    buffer_name: Key
    persistent: bool


class Constant(msgspec.Struct):
    """A tensor that stood in the code, and its name in the graph."""

    arg: Named
    tensor_constant_name: Key


class UserValue(msgspec.Struct):
    """What the program takes from outside, or gives."""

    arg: Argument


class InputSpec(msgspec.Struct):
    """One of what the graph takes."""

    user_input: UserValue | UnsetType = UNSET
    parameter: Parameter | UnsetType = UNSET
    buffer: Buffer | UnsetType = UNSET
    tensor_constant: Constant | UnsetType = UNSET
    custom_obj: msgspec.Raw | UnsetType = UNSET
    token: msgspec.Raw | UnsetType = UNSET
    constant_input: msgspec.Raw | UnsetType = UNSET


class OutputSpec(msgspec.Struct):
    """One of what the graph gives."""

    user_output: UserValue | UnsetType = UNSET


class Signature(msgspec.Struct):
    """What goes in and out of the graph."""

    input_specs: list[InputSpec]
    output_specs: list[OutputSpec]


class CallSignature(msgspec.Struct):
    """How the arguments and results of the program are nested, each as a JSON of its own."""

    in_spec: str
    out_spec: str


class Call(msgspec.Struct):
    """A module that was called; the first is the program itself."""

    fqn: str
    signature: CallSignature | None = None


class GraphModule(msgspec.Struct):
    """The graph and what goes with it."""

    graph: Graph
    signature: Signature
    module_call_graph: list[Call]


class Exported(msgspec.Struct):
    """The whole file."""

    graph_module: GraphModule


class Nesting(msgspec.Struct):
    """How values are nested: type None is a value itself."""

    type: str | None
    children_spec: list[Nesting]
