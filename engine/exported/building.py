"""Step 2: from a .pt2 file to a module: the program is tried before it is taken, without its numbers first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.exported.heads import Body, body_of, embedded
from engine.exported.opening import takes
from engine.exported.program import AGAIN, ASSERTIONS, EVAL, NO_PROGRAM, Node, Program, look, read_program
from engine.models.exported import ExportedProgram, operation
from engine.models.inputs import Inputs
from engine.pickle_notes import RefusedError, shown
from engine.torch_file import Checkpoint, named
from engine.weights import DTYPES, copied

TRIED = (1, 3)
"""So many rows at a time a program must take."""
CLOSE = 1e-3
"""A row alone and the same row among others may differ by this part of the largest value, in float32."""


def build_exported(model: ex.Exported, inputs: Inputs, n_outputs: int) -> nn.Module:
    """The module for `model`: X [n, *inputs.shape] to y_pred [n, n_outputs] float32.

    A new head's weights come from torch's global generator, all others from the file. Raises InputError.
    """
    if not model.path:
        raise InputError(NO_PROGRAM)
    with named(Path(model.path).name):
        program, records, constants = read_program(Path(model.path))
        check_takes(program, inputs)
        whole = Body(program.nodes, program.tensors, program.output, "", 0, 0)
        body = body_of(program) if model.head == "new" else whole
        size = _try(program, _module(program, body, None), inputs, "meta")
        if model.head == "keep":
            _check_gives(size, n_outputs)
            if model.frozen:
                raise RefusedError("is frozen and keeps its head, so nothing could learn: unfreeze it in step 2, or "
                                   "choose a new head")  # fmt: skip
        elif size[1:].numel() != body.n_features:
            raise RefusedError(f"says of its own sizes what is not so ({body.n_features} features): {AGAIN}")
        built = _module(program, body, {True: records, False: constants})
        _try(program, built, inputs, "cpu")
        built.requires_grad_(not model.frozen)
        if model.head == "keep":
            return built
        flat = () if body.linear else (nn.Flatten(),)
        return nn.Sequential(built, *flat, nn.Linear(body.n_features, n_outputs))


def exported_words(model: ex.Exported, built: nn.Module) -> tuple[str, ...]:
    """What a person should know of a module that `build_exported` made."""
    program = look(model.path)
    body = built if isinstance(built, ExportedProgram) else built.get_submodule("0")
    n = sum(parameter.numel() for parameter in body.parameters())
    learns = "frozen" if model.frozen else "which learn too" if model.head == "new" else "which learn"
    rows = " × ".join("any" if size is None else str(size) for size in program.row)
    kind = "tokens" if program.dtype == "int64" else "numbers"
    gives = " × ".join(map(str, program.sizes.get(program.output, ())[1:])) or "one number"
    head = f"Head: its own, which gives {gives}" if body is built else f"Head: {list(built.children())[-1]}"
    return (
        f"{program.file}: {n:,} parameters, {learns}",
        f"Takes rows of {rows} {kind}; {len(program.nodes):,} operations, each one known here",
        head,
    )


def check_takes(program: Program, inputs: Inputs) -> None:
    """Raise RefusedError where the data has other rows than the program takes."""
    if (program.dtype == "int64") != bool(inputs.n_tokens):
        wanted, has = ("tokens", "numbers") if program.dtype == "int64" else ("numbers", "tokens")
        raise RefusedError(f"takes {wanted}, the data has {has}: choose other data in step 1, or another program")
    if not takes(program, inputs):
        raise RefusedError(
            f"takes rows of {_shape(program.row)}, the data here has {_shape(inputs.shape)}: choose data of that shape "
            "in step 1, or another program in step 2"
        )
    known = embedded(program)
    if known and inputs.n_tokens > known:
        raise RefusedError(
            f"knows {known:,} tokens, the data here has {inputs.n_tokens:,}: make the vocabulary in step 1 smaller"
        )


def _shape(row: tuple[int | None, ...]) -> str:
    sizes = " × ".join("any" if size is None else f"{size}" for size in row) or "one number"
    return f"{sizes} (channels × height × width)" if len(row) == 3 else sizes


def _check_gives(size: torch.Size, n_outputs: int) -> None:
    if size[1:] != (n_outputs,):
        gives = " × ".join(map(str, size[1:])) or "a number without an axis of its own"
        raise RefusedError(
            f"gives {gives} for each row, the task here takes {n_outputs}: choose a new head in step 2, or other data"
        )


def _module(
    program: Program, body: Body, records: Mapping[bool, Mapping[str, memoryview]] | None
) -> ExportedProgram:
    """The program as a module; without its records on the device meta. Raises RefusedError."""
    for node in program.nodes:
        if node.target not in ASSERTIONS:
            operation(node)  # the whole program is looked at, also what a new head will stand for
    module = ExportedProgram(body.nodes, program.input, body.output)
    numbers: dict[str, torch.Tensor] = {}
    for persistent, there in (records or {}).items():
        notes = {tensor.key: tensor.note for tensor in body.tensors if tensor.persistent is persistent}
        numbers |= copied(notes, Checkpoint(None, dict(there), False), sum(map(len, there.values())))
    for tensor in body.tensors:
        note = tensor.note
        empty = torch.empty(note.size, dtype=DTYPES[note.dtype], device="meta") if records is None else None
        module.hold(tensor, numbers[tensor.key] if empty is None else empty)
    return module


def _try(program: Program, module: ExportedProgram, inputs: Inputs, device: str) -> torch.Size:
    """Run the program on a few rows, with 1 and with 3 of them. Returns the size of what it gives.

    On the device meta nothing is computed and the sizes alone are looked at. Raises RefusedError.
    """
    from engine.models.build import memory

    room, now = memory(), _Now()

    def watch(node: Node, result: Any) -> None:
        now.node = node
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, torch.Tensor):
                size = one.element_size()
                for length in one.shape:
                    size *= max(length, 1)
                now.bytes += size
                if size > room // 4 or now.bytes > 4 * room:
                    raise RefusedError(
                        f"needs far more memory than there is (at {shown(node.name)}): use a smaller model"
                    )

    rows = _rows(inputs, max(TRIED), device)
    alone, state = [], torch.get_rng_state()
    for n in TRIED:
        now.bytes = 0
        try:
            with torch.no_grad():
                out = module.run(rows[:n], watch)
        except RefusedError:
            raise
        except Exception as error:  # of hundreds of operations, each with its own ways to say what it does not take
            raise _cannot_run(program, module, now.node, n, error) from None
        if not isinstance(out, torch.Tensor) or out.dim() == 0 or len(out) != n:
            raise RefusedError(f"does not give one answer a row: export it for any number of rows ({ANY_ROWS})")
        alone.append(out)
    if out.dtype != torch.float32:
        raise RefusedError(f"gives {str(out.dtype).removeprefix('torch.')}, float32 is needed: export model.float()")
    changed = [rows, *module.parameters(), *module.buffers()]
    if device != "meta" and any(tensor._version for tensor in changed):
        raise RefusedError(f"changes what it is given, or its own weights, while it runs: {EVAL}")
    if not torch.equal(state, torch.get_rng_state()):
        raise RefusedError(f"draws random numbers while it runs: {EVAL}")
    if device != "meta" and program.is_batch_fixed and not _is_close(alone[0], alone[-1][:1]):
        raise RefusedError(f"was exported for a fixed number of rows and gives others for one row alone: {ANY}")
    return out.shape


class _Now:
    """Where a trial run is: the operation before the one that fails, and the bytes so far."""

    node: Node | None = None
    bytes = 0


ANY_ROWS = "torch.export.export(model, (X,), dynamic_shapes=({0: torch.export.Dim('n')},))"
ANY = f"export it again with {ANY_ROWS}"


def _rows(inputs: Inputs, n: int, device: str) -> torch.Tensor:
    size = (n, *inputs.shape)
    if device == "meta":
        return torch.empty(size, dtype=torch.int64 if inputs.n_tokens else torch.float32, device="meta")
    generator = torch.Generator().manual_seed(0)  # the global one is for the head
    if inputs.n_tokens:
        return torch.randint(inputs.n_tokens, size, generator=generator)
    return torch.rand(size, generator=generator)


def _cannot_run(
    program: Program, module: ExportedProgram, before: Node | None, n: int, error: Exception
) -> RefusedError:
    nodes = module.nodes
    place = nodes.index(before) + 1 if before in nodes else 0
    name = shown(nodes[min(place, len(nodes) - 1)].name) if nodes else "nothing"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = shown(lines[0] if lines else type(error).__name__, 90).rstrip(".: ")
    if program.is_batch_fixed:
        return RefusedError(f"was exported for a fixed number of rows and does not run with {n} (at {name}): {ANY}")
    return RefusedError(f"cannot be run with rows like these (at {name}: {why}): {AGAIN}")


def _is_close(one: torch.Tensor, other: torch.Tensor) -> bool:
    scale = float(other.abs().nan_to_num().max()) if other.numel() else 0.0
    return torch.allclose(one, other, rtol=CLOSE, atol=CLOSE * scale, equal_nan=True)
