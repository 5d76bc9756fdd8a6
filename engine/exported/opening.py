"""Step 2: a .pt2 file that is opened as a model, before there is an experiment that names it. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from engine import experiment as ex
from engine.errors import HeadError, InputError
from engine.exported.heads import embedded
from engine.exported.program import Program, look
from engine.models.inputs import Inputs
from engine.pretrained.inferring import InferredModel, infer_model
from engine.pretrained.matching import Shape
from engine.torch_file import Kind


def from_elsewhere(path: Path, kind: Kind, shapes: Mapping[str, Shape], inputs: Inputs | None) -> InferredModel:
    """The model in a file that Sixstep did not write: a program of torch.export as it is, where it can be run, else
    what keys and shapes tell. `inputs` is what the data at hand has. Raises InputError.
    """
    if kind != "pt2":
        return infer_model(shapes, path.name, inputs)
    try:
        return program_at(path, inputs)
    except HeadError:
        raise
    except InputError as reason:
        try:
            return infer_model(shapes, path.name, inputs)
        except InputError:
            raise reason from None


def program_at(path: Path, inputs: Inputs | None) -> InferredModel:
    """The program in a file as a model, all of which learns; `inputs` is what the data at hand has.

    Raises InputError where it cannot be run, HeadError where it takes the data and gives no row of numbers.
    """
    from engine.models.build import build_model

    program = look(str(path))
    here = inputs if inputs is not None and takes(program, inputs) else usual_inputs(program)
    gives = program.sizes.get(program.output, ())[1:]
    if len(gives) != 1:
        build_model(ex.Exported(path=str(path.absolute())), here, 1)
        raise HeadError(
            f"{path.name} gives {' × '.join(map(str, gives)) or 'a number without an axis of its own'} for each row, "
            "no row of numbers: choose a new head in step 2."
        )
    model = ex.Exported(path=str(path.absolute()), frozen=False, head="keep")
    build_model(model, here, gives[0])
    return InferredModel(model, here, gives[0])


def takes(program: Program, inputs: Inputs) -> bool:
    """Whether rows of the data at hand go into the program."""
    return (
        bool(inputs.n_tokens) == (program.dtype == "int64")
        and len(inputs.shape) == len(program.row)
        and all(size in (None, here) for size, here in zip(program.row, inputs.shape, strict=True))
    )


def usual_inputs(program: Program) -> Inputs:
    """What the program took when it was exported."""
    n_tokens = embedded(program) or 2  # so many different ones that any lookup has room for them
    return Inputs(program.usual_row, n_tokens if program.dtype == "int64" else 0)


def program_facts(program: Program) -> dict[str, Any]:
    """What there is to say of a program, for `main.py inspect`."""
    sizes = program.sizes.get(program.output, ())[1:]
    return {
        "model": "Exported", "features": prod(program.usual_row), "outputs": prod(sizes),
        "takes": " × ".join("any" if size is None else str(size) for size in program.row),
        "operations": len(program.nodes), "parameters": program.n_parameters,
    }  # fmt: skip
