"""In the child process: own code is built and tried on some rows, and what went wrong is said in its own lines."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine import experiment as ex
from engine.data.dataset import Dataset
from engine.errors import InputError
from engine.own_code.building import NAME
from engine.own_code.contract import OwnCodeError
from engine.own_code.explain import Place, explain
from engine.own_code.orders import Fault, Layer, Report
from engine.session import Session

MEMORY_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")
MOST_LAYERS = 2000
"""So many are told of."""


class Watch:
    """Follows the modules of a model as they run: what went in and out, and which one runs now."""

    def __init__(self, model: nn.Module) -> None:
        self.layers: list[Layer] = []
        self.place = Place()
        self._before = ""
        self._seen: set[str] = set()
        self._hooks: list[Any] = []
        for name, module in model.named_modules():
            own = list(module.parameters(recurse=False))
            if name and (own or not list(module.children())):
                self._follow(name, module)

    def _follow(self, name: str, module: nn.Module) -> None:
        kind = type(module).__name__
        shapes: list[tuple[int, ...]] = []

        def enter(_module: nn.Module, given: tuple[Any, ...]) -> None:
            shapes.append(_shape(given))
            self.place = Place(kind, name, self._before, shapes[-1])

        def leave(module: nn.Module, _given: tuple[Any, ...], out: Any) -> None:
            self._before, self.place = name, Place(before=name)
            in_shape = shapes.pop()
            if name not in self._seen:
                self._seen.add(name)
                parameters = list(module.parameters())
                n = sum(parameter.numel() for parameter in parameters)
                learns = any(parameter.requires_grad for parameter in parameters)
                if len(self.layers) < MOST_LAYERS:
                    self.layers.append(Layer(plain(name), plain(kind), in_shape, _shape((out,)), n, learns))

        self._hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]

    def stop(self) -> None:
        """Take the hooks out again."""
        for hook in self._hooks:
            hook.remove()


def _shape(values: object) -> tuple[int, ...]:
    """The shape of the first tensor in a tuple or list, however deep."""
    if isinstance(values, torch.Tensor):
        return tuple(values.shape)
    if isinstance(values, tuple | list):
        return next((shape for shape in map(_shape, values) if shape), ())
    return ()


def try_model(experiment: ex.Experiment, rows: Dataset, device: str) -> Report:
    """Build the model, one step forward and one backward on the training rows of `rows`.

    Raises OwnCodeError for what does not fit, and whatever the code raises.
    """
    check_settings()
    session = Session(experiment, device, rows)
    model, X, y = session.model, session.dataset.X_train, session.dataset.y_train
    check_parameters(model)
    watch, line = Watch(model), _line_of_forward(model)
    parameters = dict(model.named_parameters())
    try:
        y_pred = model(X)
        check_output(y_pred, len(X), session.n_outputs, line)
        _check_gradients(y_pred, X, line)
        _check_none_is_new(parameters, model, line)
        check_settings()
        watch.place = Place()
        session.loss_fn(y_pred, y).backward()
    except Exception as error:
        if not isinstance(error, InputError):
            error.__dict__["place"], error.__dict__["line"] = watch.place, line
        raise
    finally:
        watch.stop()
    n = sum(parameter.numel() for parameter in model.parameters())
    return Report(tuple(watch.layers), tuple(X.shape), tuple(y_pred.shape), n)


def check_parameters(model: nn.Module) -> None:
    """Raise OwnCodeError for a model with weights that no file could keep."""
    for name, value in model.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise OwnCodeError(f"{name} in the state_dict is no tensor: leave get_extra_state out.")


def check_settings() -> None:
    """Raise OwnCodeError where the code has changed what torch does by default: the script's other lines need it."""
    changed = {
        "torch.set_default_dtype": torch.get_default_dtype() != torch.float32,
        "torch.set_default_device": torch.get_default_device().type != "cpu",
        "torch.set_grad_enabled": not torch.is_grad_enabled(),
    }
    for name in (name for name, is_changed in changed.items() if is_changed):
        raise OwnCodeError(f"{name} changes what the rest of the fit and of the script relies on: take it out.")


def _check_gradients(y_pred: torch.Tensor, X: torch.Tensor, line: int) -> None:
    """Raise OwnCodeError for an output that no parameter can learn from."""
    if y_pred.device != X.device:
        raise OwnCodeError(
            f"forward gives a tensor on {y_pred.device.type}, the rows are on {X.device.type}: make what you create in "
            "forward with device=x.device, and keep what you create in __init__ with self.register_buffer.",
            line,
        )
    if not y_pred.requires_grad:
        raise OwnCodeError(explain("", "element 0 of tensors does not require grad"), line)


def _check_none_is_new(before: dict[str, nn.Parameter], model: nn.Module, line: int) -> None:
    """Raise OwnCodeError for a parameter that forward has made: the optimizer does not have it."""
    for name, parameter in model.named_parameters():
        if before.get(name) is not parameter:
            raise OwnCodeError(
                f"forward makes the parameter {plain(name)[:50]}, which the optimizer does not know: make it in "
                "__init__.",
                line,
            )


def _line_of_forward(model: nn.Module) -> int:
    code = getattr(model.forward, "__code__", None)
    return code.co_firstlineno if code is not None and getattr(model.forward, "__module__", "") == NAME else 0


def check_output(y_pred: object, n_rows: int, n_out: int, line: int = 0) -> None:
    """Raise OwnCodeError for an output that is not float32 [n_rows, n_out]; `line` is that of forward."""
    if not isinstance(y_pred, torch.Tensor):
        raise OwnCodeError(f"forward gives {_article(type(y_pred).__name__)}: let it return one tensor.", line)
    shape, wanted = list(y_pred.shape), [n_rows, n_out]
    if shape != wanted:
        advice = f"let its last layer give {n_out} {'number' if n_out == 1 else 'numbers'} for each row"
        if shape == [n_rows] and n_out == 1:
            advice = "keep the last dimension, or add it with x.unsqueeze(dim=1)"
        raise OwnCodeError(f"forward gives the shape {shape} for {n_rows} rows, {wanted} is needed: {advice}.", line)
    if y_pred.dtype != torch.float32:
        dtype, end = str(y_pred.dtype).removeprefix("torch."), ".real" if y_pred.is_complex() else ".float()"
        raise OwnCodeError(f"forward gives {dtype}, float32 is needed: end it with {end}.", line)


def _article(name: str) -> str:
    return "nothing" if name == "NoneType" else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def fault(error: BaseException, code: Path) -> Fault:
    """What the person is told of an error in the file `code`, or in what it called: the line there, the sentence."""
    line = _line(error, code) or error.__dict__.get("line", 0)
    if isinstance(error, OwnCodeError):
        said = str(error)
        return Fault(said, error.line) if error.line or not line else _fault(said.partition(": ")[2], line)
    if isinstance(error, InputError):
        return Fault(str(error))
    if isinstance(error, SystemExit):
        return _fault("it ends its own process (sys.exit), so this fit has ended: take that out.", line)
    if isinstance(error, KeyboardInterrupt):
        return _fault("it raises KeyboardInterrupt, so this fit has ended: take that out.", line)
    if isinstance(error, MemoryError) or any(word in _said(error) for word in MEMORY_WORDS):
        return _fault("more memory is asked for than there is: make the layers or what is kept smaller.", line)
    if isinstance(error, RecursionError):
        return _fault("it calls itself without end: look at what calls what.", line)
    if isinstance(error, SyntaxError) and error.filename == str(code):
        return _fault(f"this is no Python ({plain(error.msg)}): correct it there.", line)
    place = error.__dict__.get("place")
    return _fault(explain(type(error).__name__, _said(error), place), line)


def _fault(sentence: str, line: int) -> Fault:
    return Fault(str(OwnCodeError(sentence, line)), line)


def _said(error: BaseException) -> str:
    try:
        return plain(str(error))
    except BaseException:  # a class of the person's own
        return ""


def plain(text: str) -> str:
    """The text without halves of characters, which no message can carry."""
    return text.encode(errors="replace").decode()


def _line(error: BaseException, code: Path) -> int:
    """The innermost line of the person's text that led to the error; 0 if none did."""
    if isinstance(error, SyntaxError) and error.filename == str(code):
        return error.lineno or 0
    lines = [
        number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(code)
    ]
    return lines[-1] if lines else 0
