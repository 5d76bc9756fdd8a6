"""What is agreed on with own code, read from its text: nothing of it runs here. Needs no torch."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TypeGuard

from engine.errors import InputError

GIVEN = ("input_shape", "n_outputs", "n_tokens")
"""What __init__ may ask for by name."""
TAKEN = frozenset({
    "device", "X", "y", "X_train", "y_train", "X_validation", "y_validation", "X_test", "y_test", "train",
    "validation", "test", "classes", "vocabulary", "n_tokens", "tokenizer", "model", "loss_fn", "optimizer",
    "scheduler", "epochs", "epoch", "batch_size", "generator",
})  # fmt: skip
"""Names that the exported script uses itself."""


LONGEST = 200_000
UNSEEN = re.compile("[\u2028-\u202e\u2066-\u2069\ufeff]")
"""Ends of lines and changes of the writing direction that an editor shows otherwise than Python reads them."""
CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""A line that names the encoding, as PEP 263 has it."""


class OwnCodeError(InputError):
    """Own code cannot be used, or has failed: `line` is the one in its text, 0 where that is not known."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(f"Own code, line {line}: {sentence}" if line else f"Own code: {sentence}")
        self.line = line


class EndedError(OwnCodeError):
    """The child process had to be ended, or has ended itself: there is no model any more."""


class StoppedError(EndedError):
    """The person has pressed Stop, and the code did not come to an end by itself."""


@dataclass(frozen=True)
class Contract:
    """How the model in a text is built."""

    name: str
    """The class: the last one of the text that subclasses nn.Module."""
    line: int
    takes: tuple[str, ...]
    """Those of GIVEN that its __init__ names, in that order."""

    def call(self, **given: str) -> str:
        """The line of Python that builds the model, `given` as code."""
        return f"{self.name}({', '.join(f'{name}={given[name]}' for name in self.takes)})"


def read_code(code: str) -> Contract:
    """Find the model's class in `code`. Raises OwnCodeError with the line of what is not as it should be."""
    _check_characters(code)
    try:
        return _read(_parsed(code))
    except RecursionError:  # nested too deeply for what walks through it
        raise OwnCodeError("this text is nested too deeply: write it in several lines.") from None


def _read(tree: ast.Module) -> Contract:
    _check_script(tree)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    modules = [node for node in classes.values() if _is_module(node, classes, frozenset())]
    if not modules:
        line = max((node.lineno for node in classes.values()), default=0)
        raise OwnCodeError("no class here subclasses nn.Module: begin with class MyModel(nn.Module):", line)
    found = max(modules, key=lambda node: node.lineno)
    return Contract(found.name, found.lineno, _takes(found, classes))


def _check_characters(code: str) -> None:
    """What would be shown as something else than it is, or run as something else in the exported script."""
    if len(code) > LONGEST:
        raise OwnCodeError(f"the text is longer than {LONGEST:,} characters: keep what the model needs.")
    found = UNSEEN.search(code)
    if found:
        line = len(code[: found.start()].splitlines()) or 1
        raise OwnCodeError(f"a character here cannot be seen (U+{ord(found[0]):04X}): take it out.", line)
    for number, text in enumerate(code.splitlines()[:2], 1):
        coding = CODING.match(text)
        if coding and coding[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise OwnCodeError(f"the text is UTF-8 here, not {coding[1][:50]}: take this line out.", number)


def _parsed(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError as error:
        said = error.msg.removeprefix("invalid syntax. ") or "invalid syntax"
        raise OwnCodeError(f"this is no Python ({said}): correct it there.", error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError):  # a zero byte, or nested too deeply
        raise OwnCodeError("this text is no Python that can be read: write it anew.") from None


def _check_script(tree: ast.Module) -> None:
    """What would not work in the exported script, where the text stands between other lines."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            raise OwnCodeError("from __future__ must come first in the exported script: take it out.", node.lineno)
        if isinstance(node, ast.ImportFrom) and any(each.name == "*" for each in node.names):
            raise OwnCodeError("import * may hide names that the exported script uses: name what you use.", node.lineno)
        if isinstance(node, ast.If) and "__name__" in {each.id for each in ast.walk(node.test) if _is_name(each)}:
            raise OwnCodeError("the exported script would run what stands below this if: take it out.", node.lineno)
        for name in sorted(_bound(node) & TAKEN):
            raise OwnCodeError(f"{name} is a name that the exported script uses: choose another.", node.lineno)


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _bound(node: ast.AST) -> set[str]:
    """The names that a statement gives a meaning to outside of functions and classes, or takes it from."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {each.asname or each.name.partition(".")[0] for each in names}
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return {name}
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return set()
    below = {name for each in ast.iter_child_nodes(node) for name in _bound(each)}
    return below | ({node.name} if isinstance(node, ast.ExceptHandler) and node.name else set())


def _is_module(node: ast.ClassDef, classes: dict[str, ast.ClassDef], seen: frozenset[str]) -> bool:
    """Whether a class is written as a subclass of something of torch.nn, or of a class of the text that is."""
    for base in node.bases:
        words = ast.unparse(base).split(".")
        if "nn" in words[:-1] or words[-1] == "Module":
            return True
        above = classes.get(words[0])
        if above is not None and above.name not in seen and _is_module(above, classes, seen | {node.name}):
            return True
    return False


def _takes(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> tuple[str, ...]:
    init = _init(node, classes, frozenset())
    if init is None:
        return ()
    given = init.args
    names = [each.arg for each in (*given.posonlyargs, *given.args)][1:]  # without self
    optional = set(names[len(names) - len(given.defaults) :])
    names += [each.arg for each in given.kwonlyargs]
    optional |= {each.arg for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default}
    for name in names:
        if name not in GIVEN and name not in optional:
            raise OwnCodeError(
                f"__init__ is given {', '.join(GIVEN[:-1])} and {GIVEN[-1]} by name, not {name}: give it a default, "
                f"such as {name}=16.",
                init.lineno,
            )
    return tuple(name for name in GIVEN if name in names)


def _init(node: ast.ClassDef, classes: dict[str, ast.ClassDef], seen: frozenset[str]) -> ast.FunctionDef | None:
    """The class's __init__, its own or that of a class of the text."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return each
    for base in node.bases:
        above = classes.get(ast.unparse(base))
        if above is not None and above.name not in seen:
            found = _init(above, classes, seen | {node.name})
            if found is not None:
                return found
    return None
