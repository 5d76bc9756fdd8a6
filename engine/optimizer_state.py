"""Step 6: what an optimizer remembers, as members of a model file and back: arrays, and the rest as JSON."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine.choices import build_optimizer
from engine.errors import InputError
from engine.parameter_groups import parameter_groups

OPTIMIZER = "optimizer/"
NUMBERS = "optimizer.json"
KINDS = (np.float32, np.float64, np.int64)
MOST_PLACES = 100_000
"""So many parameters a model can have, and so many tensors a list."""
LBFGS = {"func_evals", "n_iter", "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss", "al"}
"""What torch.optim.LBFGS remembers, all of it at the first parameter: vectors over all parameters, and numbers."""

State = dict[int, dict[str, Any]]
"""By the parameter's place and the name of what is remembered: a tensor, a number, or a list of both."""
_Plain = int | float | None


def members(optimizer: torch.optim.Optimizer) -> dict[str, bytes]:
    """Tensors such as optimizer/0.exp_avg.npy, those of a list as optimizer/0.old_dirs.2.npy; numbers in one JSON."""
    arrays: dict[str, bytes] = {}
    numbers: dict[str, dict[str, _Plain | list[_Plain]]] = {}
    for index, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                arrays[f"{OPTIMIZER}{index}.{name}.npy"] = _npy(value)
            elif isinstance(value, list):
                tensors = {place: each for place, each in enumerate(value) if isinstance(each, torch.Tensor)}
                arrays |= {f"{OPTIMIZER}{index}.{name}.{place}.npy": _npy(each) for place, each in tensors.items()}
                plain = [None if place in tensors else each for place, each in enumerate(value)]
                numbers.setdefault(str(index), {})[name] = plain
            elif value is not None:
                numbers.setdefault(str(index), {})[name] = value
    return arrays | ({NUMBERS: msgspec.json.encode(numbers)} if numbers else {})


def parse(given: Mapping[str, bytes], file: str) -> State:
    """The same, back from the members of `file`. Raises InputError; whether it suits is for `put_into` to say."""
    state = _numbers(given[NUMBERS], file) if NUMBERS in given else {}
    for member, content in given.items():
        if not member.startswith(OPTIMIZER):
            continue
        index, *names = member.removeprefix(OPTIMIZER).removesuffix(".npy").split(".")
        tensor = _tensor(content, file, member)
        values = state.setdefault(_place(index, file, member), {})
        match names:
            case [name] if name not in values and name.isidentifier():
                values[name] = tensor
            case [name, place] if isinstance(values.get(name), list):
                number, listed = _place(place, file, member), values[name]
                if number >= len(listed) or listed[number] is not None:
                    raise _does_not_fit(file, member)
                listed[number] = tensor
            case _:
                raise _does_not_fit(file, member)
    return state


def put_into(optimizer: torch.optim.Optimizer, model: torch.nn.Module, fit: ex.Fit, state: State, file: str) -> None:
    """Make the optimizer of a new session remember what `file` says. Raises InputError where that is not its own."""
    if not state:
        return
    if isinstance(optimizer, torch.optim.LBFGS):
        _check_lbfgs(state, model, file)
    else:
        _check(state, _after_a_step(model, fit), file)
    whole = optimizer.state_dict()
    optimizer.load_state_dict({**whole, "state": whole["state"] | state})


def _after_a_step(model: torch.nn.Module, fit: ex.Fit) -> State:
    """What an optimizer of this kind remembers after a step: taken by a copy, with gradients of zero."""
    twin = copy.deepcopy(model)
    optimizer = build_optimizer(fit.optimizer, parameter_groups(twin, fit))
    for parameter in twin.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    state: State = optimizer.state_dict()["state"]
    return state


def _check(state: State, needed: State, file: str) -> None:
    """A parameter that nothing reached has no state; one that has any has all, of the right shapes."""
    for index, values in state.items():
        mine = {name: value for name, value in needed.get(index, {}).items() if value is not None}
        if values.keys() != mine.keys() or any(_form(values[name]) != _form(mine[name]) for name in mine):
            raise InputError(f"{file}: its optimizer's state is not complete; take another copy of the file.")


def _check_lbfgs(state: State, model: torch.nn.Module, file: str) -> None:
    total = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    values = [each for value in state.get(0, {}).values() for each in (value if isinstance(value, list) else [value])]
    fits = all(not isinstance(each, torch.Tensor) or tuple(each.shape) in ((), (total,)) for each in values)
    if state.keys() != {0} or not state[0].keys() <= LBFGS or not fits:
        raise InputError(f"{file}: its optimizer's state is not complete; take another copy of the file.")


def _form(value: Any) -> object:
    return tuple(value.shape) if isinstance(value, torch.Tensor) else type(value)


def _numbers(content: bytes, file: str) -> State:
    try:
        read = msgspec.json.decode(content, type=dict[str, dict[str, _Plain | list[_Plain]]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _does_not_fit(file, NUMBERS) from None
    lists = [value for values in read.values() for value in values.values() if isinstance(value, list)]
    if any(len(each) > MOST_PLACES for each in lists):
        raise _does_not_fit(file, NUMBERS)
    return {_place(index, file, NUMBERS): dict(values) for index, values in read.items()}


def _place(text: str, file: str, member: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) < MOST_PLACES):
        raise _does_not_fit(file, member)
    return int(text)


def _npy(tensor: torch.Tensor) -> bytes:
    """As float32 where NumPy does not know the type (bfloat16), which loses nothing."""
    known = tensor.dtype in (torch.float32, torch.float64, torch.int64)
    buffer = io.BytesIO()
    np.save(buffer, (tensor if known else tensor.float()).detach().cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()


def _tensor(content: bytes, file: str, member: str) -> torch.Tensor:
    try:
        array: NDArray[Any] | None = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, SyntaxError):
        array = None
    if not isinstance(array, np.ndarray) or array.dtype not in KINDS:
        raise InputError(f"{file}, sixstep/{member}: no array of numbers; the file is damaged, take another copy.")
    return torch.from_numpy(array.copy())


def _does_not_fit(file: str, member: str) -> InputError:
    return InputError(f"{file}, sixstep/{member} fits no parameter; it is damaged, take another copy.")
