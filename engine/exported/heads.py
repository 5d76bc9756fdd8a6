"""Step 2: which operation of a program gives the answers, and what is left of it under a new head. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from engine.exported.program import ASSERTIONS, Node, Program, Ref, Tensor, made, used

LINEAR = {"linear.default": 0, "addmm.default": 1}
"""What a Linear is after torch.export, and which of its arguments are the features."""
AFTER = (
    "relu", "relu_", "sigmoid", "tanh", "softmax", "log_softmax", "_softmax", "_log_softmax", "log_sigmoid", "softplus",
    "gelu", "silu", "leaky_relu", "elu", "hardtanh", "clamp", "exp", "squeeze", "view", "reshape", "flatten",
    "dropout", "clone", "contiguous", "alias", "to", "_to_copy",
)  # fmt: skip
"""Operations that may stand between the last Linear and the end; a new head takes their place too."""


@dataclass(frozen=True)
class Body:
    """What of a program stands under a new head."""

    nodes: tuple[Node, ...]
    tensors: tuple[Tensor, ...]
    output: str
    """The value that the new Linear takes."""
    linear: str
    """The value that the old one gave; empty where there was none, and the whole output is flattened for the new."""
    place: int
    """Which of the old one's arguments the output is."""
    n_features: int


def body_of(program: Program) -> Body:
    """The program without its last Linear and what comes after, or all of it where no Linear gives the answers."""
    linear = _last_linear(program)
    if linear is None:
        sizes = program.sizes.get(program.output, ())
        return Body(program.nodes, program.tensors, program.output, "", 0, prod(sizes[1:]))
    place = LINEAR[linear.name]
    features = linear.args[place]
    assert isinstance(features, Ref)
    nodes = _alive(program.nodes, features.name)
    return Body(
        nodes, _kept(program.tensors, nodes), features.name, made(linear)[0], place, program.sizes[features.name][1]
    )


def _last_linear(program: Program) -> Node | None:
    """The Linear whose output is the program's, but for simple operations; one on rows of features alone."""
    makers = {name: node for node in program.nodes for name in made(node)}
    node = makers.get(program.output)
    while node is not None and node.name.partition(".")[0] in AFTER and node.args and isinstance(node.args[0], Ref):
        node = makers.get(node.args[0].name)
    if node is None or node.name not in LINEAR or len(node.args) <= LINEAR[node.name]:
        return None
    features = node.args[LINEAR[node.name]]
    is_row = isinstance(features, Ref) and len(program.sizes.get(features.name, ())) == 2
    return node if is_row and len(made(node)) == 1 else None


def _alive(nodes: tuple[Node, ...], output: str) -> tuple[Node, ...]:
    """The nodes that `output` needs, and those that change what they read, as torch.fx has it."""
    wanted, alive = {output}, []
    for node in reversed(nodes):
        if node.changes_its_input or node.target in ASSERTIONS or not wanted.isdisjoint(made(node)):
            wanted |= set(used(node))
            alive.append(node)
    return tuple(reversed(alive))


def _kept(tensors: tuple[Tensor, ...], nodes: tuple[Node, ...]) -> tuple[Tensor, ...]:
    """Those of modules of which anything is used, as delete_all_unused_submodules of torch.fx has it."""
    names = {name for node in nodes for name in used(node)}
    owners: set[str] = {""}
    for tensor in tensors:
        if tensor.name in names:
            parts = tensor.key.split(".")
            owners |= {".".join(parts[:n]) for n in range(1, len(parts))}
    return tuple(tensor for tensor in tensors if tensor.key.rpartition(".")[0] in owners)


def n_parameters_of(head: str, program: Program, n_outputs: int) -> int:
    """How many numbers the model for a program has, counted without making them."""
    if head == "keep":
        return program.n_parameters
    body = body_of(program)
    held = sum(tensor.note.numel for tensor in body.tensors if tensor.is_parameter)
    return held + (body.n_features + 1) * n_outputs


def embedded(program: Program) -> int:
    """How many different tokens the program knows; 0 where its input goes into no embedding at once."""
    sizes: Mapping[str, tuple[int, ...]] = {tensor.name: tensor.note.size for tensor in program.tensors}
    for node in program.nodes:
        if node.name == "embedding.default" and node.args[1:2] == (Ref(program.input),):
            weight = node.args[0]
            return sizes.get(weight.name, (0,))[0] if isinstance(weight, Ref) else 0
    return 0
