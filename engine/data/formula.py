"""Step 1: a formula in x, typed as text; in step 2 it is one in epoch.

What is typed is cut into tokens of a fixed list before Python's grammar sees it, and the grammar's tree is walked by
another fixed list: nothing of it is ever run as code. NumPy computes in float64, the same way here and in the script.
"""

from __future__ import annotations

import ast
import copy
import operator
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import InputError

if TYPE_CHECKING:  # a formula is read before NumPy is there
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 1_000  # characters
DEEPEST = 100  # levels of a tree; a level costs a few of Python's frames
LARGEST_WHOLE = 2**53  # float64 has every whole number up to here

FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "exp": "exp", "log": "log", "ln": "log", "log2": "log2", "log10": "log10",
    "sqrt": "sqrt", "abs": "abs", "sign": "sign", "floor": "floor", "ceil": "ceil", "min": "minimum", "max": "maximum",
}  # fmt: skip
"""What may be typed, and NumPy's name for it."""
TWO_VALUES = ("minimum", "maximum")
CONSTANTS = ("pi", "e")
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Pow: operator.pow, ast.UAdd: operator.pos, ast.USub: operator.neg,
}  # fmt: skip

TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|[-+*/%^(),])|\s+",
    re.ASCII,
)


@dataclass(frozen=True)
class Expression:
    """A formula that was read: its tree has numbers, its variable, operators, and functions of NumPy alone."""

    tree: ast.expr
    has_x: bool
    variable: str = "x"

    @property
    def script(self) -> str:
        """The same in Python, for `x` and `np`: "0.5 * x + np.sin(3 * x)"."""
        text = ast.unparse(self.tree)
        return text if self.has_x else f"np.full_like(x, {text})"

    @property
    def script_of_one(self) -> str:
        """The same in Python for one whole number: "0.95 ** float(epoch)". Whole numbers have no end, floats do."""

        class Float(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.expr:
                return node if node.id == "np" else ast.Name(f"float({node.id})")

        return ast.unparse(Float().visit(copy.deepcopy(self.tree)))

    def value_at(self, x: float) -> float:
        """The value for one number. Raises InputError where a part of the formula is not finite."""
        import numpy as np

        with np.errstate(all="ignore"):
            return float(_value(self.tree, x))

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """y [n] float64 for x [n] float64. Raises InputError where y is not finite."""
        import numpy as np

        with np.errstate(all="ignore"):
            value = _value(self.tree, x)
            y: NDArray[np.float64] = value if self.has_x else np.full_like(x, value)
        bad = ~np.isfinite(y)
        if bad.any():
            raise InputError(
                f"y has no finite value at x = {x[bad][0]:g}: change the formula, or where x starts and ends."
            )
        return y

    def first_not_finite(self, x: NDArray[np.float64]) -> float | None:
        """The first of the numbers x [n] for which a part of the formula has no finite value; None: there is none."""
        import numpy as np

        good = np.ones(len(x), dtype=bool)
        with np.errstate(all="ignore"):
            for node in ast.walk(self.tree):
                if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call):
                    good &= np.isfinite(_value(node, x))
        return None if good.all() else float(x[~good][0])


def parse(text: str, variable: str = "x") -> Expression:
    """The formula in `text`. Raises InputError that names the place and what may stand there."""
    if len(text) > LONGEST:
        raise InputError(f"The formula has {len(text):,} characters: {LONGEST:,} are the most.")
    tokens = _tokens(text, variable)
    if not tokens:
        example = f"0.5 * {variable} + sin(3 * {variable})"
        raise InputError(f"The formula is empty: write one in {variable}, such as {example}.")
    starts, python = [], ""
    for token in tokens:
        starts.append(len(python))
        python += token.python + " "
    try:
        tree = ast.parse(python, mode="eval").body
    except SyntaxError as error:
        token = tokens[max(bisect_right(starts, (error.offset or 1) - 1) - 1, 0)]
        raise _error(token.place, f"something is missing or too much at {token.text!r}.") from None
    except (RecursionError, MemoryError):
        raise InputError(TOO_DEEP) from None
    return Expression(tree, _check(tree, variable), variable)


# --------------------------------------------------------------------------------------------------- tokens


class _Token(NamedTuple):
    text: str
    place: int
    """The first character has place 1."""
    kind: str
    python: str


TOO_DEEP = f"The formula is nested more than {DEEPEST} deep: write it shorter."


def _tokens(text: str, variable: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise _error(position + 1, f"{_character(text[position])} has no place in a formula; {_allowed(variable)}.")
        if match.lastgroup:
            word = match.group()
            python = _python(word, match.lastgroup, position + 1, variable)
            tokens.append(_Token(word, position + 1, match.lastgroup, python))
        position = match.end()
    for left, right in pairwise([*tokens, _Token("", len(text) + 1, "end", "")]):
        _check_neighbours(left, right, variable)
    return tokens


def _python(word: str, kind: str, place: int, variable: str) -> str:
    """What stands for a token in Python."""
    if kind == "number":
        number = float(word)
        if not isfinite(number):
            raise _error(place, f"{_short(word)} is too large for a number.")
        return repr(int(word) if word.isdigit() and number <= LARGEST_WHOLE else number)
    if kind == "name":
        name = word.lower()
        if name not in (variable, *CONSTANTS, *FUNCTIONS):
            raise _error(place, f"{_short(word)!r} is not known; {_allowed(variable)}.")
        return name if name == variable else f"np.{FUNCTIONS.get(name, name)}"
    return "**" if word == "^" else word


def _check_neighbours(left: _Token, right: _Token, variable: str) -> None:
    """Python would take 2(x) for a call: whatever stands side by side needs an operator."""
    begins = right.kind in ("number", "name") or right.text == "("
    if left.text.lower() in FUNCTIONS:
        if right.text != "(":
            raise _error(left.place, f"{left.text} needs parentheses, as in {left.text}({variable}).")
    elif begins and (left.kind != "sign" or left.text == ")"):
        between = f"{_short(left.text)} and {_short(right.text)}"
        raise _error(right.place, f"an operator is missing between {between}; for 2{variable} write 2 * {variable}.")
    elif right.kind == "end" and left.kind == "sign" and left.text != ")":
        raise _error(left.place, f"something is missing after {left.text}.")


def _character(character: str) -> str:
    """A character as a person can tell it from one that looks alike."""
    if character.isascii():
        return repr(character)
    return f"{character!r} ({unicodedata.name(character, f'U+{ord(character):04X}').lower()})"


def _short(word: str, length: int = 20) -> str:
    return word if len(word) <= length else f"{word[:length]}…"


def _allowed(variable: str) -> str:
    return f"it can have {variable}, numbers, + - * / % ** ( ), pi, e, and {', '.join(FUNCTIONS)}"


def _error(place: int, what: str) -> InputError:
    return InputError(f"The formula, character {place}: {what}")


# ----------------------------------------------------------------------------------------------------- tree


def _check(node: ast.expr, variable: str, depth: int = 1) -> bool:
    """Whether the variable is in the tree. Whole numbers among themselves become floats: 9**9**9 would never end."""
    if depth > DEEPEST:
        raise InputError(TOO_DEEP)
    match node:
        case ast.Constant(value=int() | float()):
            return False
        case ast.Attribute(value=ast.Name(id="np"), attr=name) if name in CONSTANTS:
            return False
        case ast.Name(id=name) if name == variable:
            return True
        case ast.UnaryOp(operand=operand):
            return _check(operand, variable, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            parts = [left, right]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=parts, keywords=[]):
            needed = 2 if name in TWO_VALUES else 1
            if len(parts) != needed:
                word = next(word for word, numpy_name in FUNCTIONS.items() if numpy_name == name)
                takes = "2 values with a comma between them" if needed == 2 else "1 value"
                given = f"{len(parts)} value{'s' * (len(parts) != 1)}"
                raise InputError(f"The formula gives {given} to {word}, which takes {takes}: correct that.")
        case ast.Tuple():
            raise InputError("The formula has a comma outside of min and max: write decimals with a point, as in 0.5.")
        case _:
            unknown = _short(ast.unparse(node))
            raise InputError(f"The formula has {unknown!r}, which is not known; {_allowed(variable)}.")
    found = [_check(part, variable, depth + 1) for part in parts]
    if not any(found):
        for number in ast.walk(node):
            if isinstance(number, ast.Constant) and isinstance(number.value, int):
                number.value = float(number.value)
    return any(found)


def _value(node: ast.expr, x: NDArray[np.float64] | float) -> Any:
    """The value of a checked tree: an array [n], or a number where there is no x or x is one."""
    import numpy as np

    operate: Callable[..., Any]
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name():
            return x
        case ast.Attribute(attr=name):  # checked: one of CONSTANTS
            return getattr(np, name)
        case ast.UnaryOp(op=op, operand=operand):
            operate, parts = OPERATORS[type(op)], [operand]
        case ast.BinOp(left=left, op=op, right=right):
            operate, parts = OPERATORS[type(op)], [left, right]
        case ast.Call(func=ast.Attribute(attr=name), args=parts):
            operate = getattr(np, name)  # checked: one of FUNCTIONS
    try:
        value = operate(*(_value(part, x) for part in parts))
    except (ZeroDivisionError, OverflowError):  # Python's own numbers; arrays give infinity
        value = np.nan
    if not isinstance(value, np.ndarray) and (isinstance(value, complex) or not isfinite(value)):
        raise InputError(f"The formula has {_short(ast.unparse(node), 60)}, which is no finite number: change it.")
    return value
