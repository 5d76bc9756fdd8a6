"""Step 1: a formula in x computes what it says, gives the script the same bits, and runs nothing that was typed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engine.data.formula import DEEPEST, FUNCTIONS, LONGEST, parse
from engine.errors import InputError

x = np.linspace(-2.0, 2.0, 101)

FORMULAS = {
    "x": x,
    "X + 1": x + 1,
    " 0.5*x + sin(3*x) / 3 ": 0.5 * x + np.sin(3 * x) / 3,
    "-x^2": -(x**2),
    "(-x)**2": (-x) ** 2,
    "2**-x": 2.0**-x,
    "x - 1 - 2": x - 1 - 2,
    "x / 2 / 4": x / 2 / 4,
    "2 ^ 3 ^ 2 * x": 512.0 * x,
    "x % 0.5": x % 0.5,
    "+x - -x": x - -x,
    ".5e-3 * x": 0.0005 * x,
    "1. + x": 1.0 + x,
    "007 * x": 7 * x,
    "PI * x + E": np.pi * x + np.e,
    "max(x, 0) + min(x, -1)": np.maximum(x, 0) + np.minimum(x, -1),
    "ln(x + 3) - log(x + 3)": np.zeros_like(x),
    "exp(-x^2 / 2) / sqrt(2 * pi)": np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    "x\n\t+ 1": x + 1,
    "3": np.full_like(x, 3.0),
    "7 ** 30 / 3": np.full_like(x, 7.0**30.0 / 3.0),
    "1 / (1 + exp(-100000 * x))": np.where(x < 0, 0.0, np.where(x > 0, 1.0, 0.5)),  # through infinity, and back
}
IN_RANGE = {"asin": "x / 2", "acos": "x / 2", "log": "x + 3", "ln": "x + 3", "log2": "x + 3", "log10": "x + 3",
            "sqrt": "x + 3", "min": "x, 0.5", "max": "x, 0.5"}  # fmt: skip

REFUSED = {  # what is typed: the place that the sentence names, None for none
    "": None,
    "   ": None,
    "__import__('os').system('true')": 1,
    "x.__class__": 2,
    "().__class__": 3,
    "np.sin(x)": 1,
    "eval(x)": 1,
    "open(x)": 1,
    "lambda: x": 1,
    "[x for x in x]": 1,
    "{x}": 1,
    "x if x else 1": 3,
    "x and x": 3,
    "not x": 1,
    "(x := 1)": 4,
    "x = 1": 3,
    "x == 1": 3,
    "x < 1": 3,
    "x; x": 2,
    "x # x": 3,
    "x\\\n+1": 2,
    "'x'": 1,
    'f"{x}"': 1,
    "x[0]": 2,
    "x @ x": 3,
    "~x": 1,
    "x | 1": 3,
    "`x`": 1,
    "x\0": 2,
    "\ufeffx": 1,
    "\N{CYRILLIC SMALL LETTER HA}": 1,
    "x \N{MINUS SIGN} 1": 3,
    "s\N{CYRILLIC SMALL LETTER I}n(x)": 1,
    "\N{FULLWIDTH LATIN SMALL LETTER X}": 1,
    "\N{SUPERSCRIPT TWO}": 1,
    "x\N{SUPERSCRIPT TWO}": 2,
    "\N{ARABIC-INDIC DIGIT THREE} * x": 1,
    "\ud800": 1,
    "y + 1": 1,
    "sinus(x)": 1,
    "2x": 2,
    "2(x + 1)": 2,
    "x(2)": 2,
    "(x)(x)": 4,
    "2 sin(x)": 3,
    "x x": 3,
    "1_000 * x": 2,
    "0x10": 2,
    "1e": 2,
    "1j * x": 2,
    "1..real": 3,
    "sin": 1,
    "sin + 1": 1,
    "sin sin(x)": 1,
    "sin()": None,
    "sin(x, x)": None,
    "max(x)": None,
    "max(x, 0, 1)": None,
    "max(*x)": None,
    "max(*x, x)": None,
    "max(**x)": None,
    "0,5 * x": None,
    "(x, x)": None,
    "()": None,
    "x +": 3,
    "x *": 3,
    "x // 2": 4,
    "* x": 1,
    "(x": 1,
    "x)": 2,
    ")x(": 2,
    "1e999": 1,
    "9" * 400: 1,
    "x" * LONGEST: 1,
    "x" + " " * LONGEST: None,
    "-" * 900 + "x": None,
    "(" * 400 + "x" + ")" * 400: None,
    "+".join(["x"] * 400): None,
    "x**" * 300 + "x": None,
    "sin(" * 150 + "x" + ")" * 150: None,
}
NOT_FINITE = {  # what is typed: what the sentence names
    "9**9**9": "9.0 ** 9.0 ** 9.0",
    "9**9**9 - 9**9**9": "9.0 ** 9.0 ** 9.0",
    "x + 1/0": "1.0 / 0.0",
    "x + 1 % 0": "1.0 % 0.0",
    "(-8) ** (1/3) * x": "(-8.0) ** (1.0 / 3.0)",
    "log(0) + x": "np.log(0.0)",
    "sqrt(0-1)": "np.sqrt(0.0 - 1.0)",
    "sqrt(x)": "x = -2",
    "1 / (x - x)": "x = -2",
    "log(x + 1.5)": "x = -2",
    "exp(400 * x)": "x = 1.8",
    "x ** 0.5": "x = -2",
    "x % (x - x)": "x = -2",
}


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_computes_what_it_says(text):
    assert np.array_equal(parse(text).values(x), FORMULAS[text])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_numpy_s(name):
    got = parse(f"{name}({IN_RANGE.get(name, 'x')})").values(x)
    arguments = {"x": (x,), "x / 2": (x / 2,), "x + 3": (x + 3,), "x, 0.5": (x, 0.5)}[IN_RANGE.get(name, "x")]
    assert np.array_equal(got, getattr(np, FUNCTIONS[name])(*arguments))


@pytest.mark.parametrize("text", [*FORMULAS, *(f"{name}({IN_RANGE.get(name, 'x')})" for name in FUNCTIONS)])
def test_the_script_s_line_makes_the_same_bits(text):
    expression = parse(text)
    with np.errstate(over="ignore"):
        got = eval(expression.script, {"np": np, "x": x})
    assert got.dtype == np.float64
    assert got.tobytes() == expression.values(x).tobytes()


def test_the_script_s_line_reads_as_it_was_typed():
    assert parse("0.5*x + sin(3*x)/3").script == "0.5 * x + np.sin(3 * x) / 3"
    assert parse("max(X, 0)^2").script == "np.maximum(x, 0) ** 2"
    assert parse("2^3").script == "np.full_like(x, 2.0 ** 3.0)"


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_is_no_formula_is_refused_in_a_sentence_that_names_the_place(text):
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        parse(text)
    message, place = str(caught.value), REFUSED[text]
    assert message.startswith("The formula") and message.endswith(".")
    assert "\n" not in message and "\0" not in message and len(message) < 400
    if place is not None:
        assert f"character {place}:" in message
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("text", NOT_FINITE)
def test_a_value_that_is_not_finite_is_refused_and_its_first_place_named(text):
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        parse(text).values(x)
    assert NOT_FINITE[text] in str(caught.value)
    assert time.monotonic() - started < 5


def test_a_character_that_looks_like_another_is_called_by_its_name():
    with pytest.raises(InputError, match="cyrillic small letter ha"):
        parse("\N{CYRILLIC SMALL LETTER HA} + 1")
    with pytest.raises(InputError, match="minus sign"):
        parse("x \N{MINUS SIGN} 1")


def test_as_much_as_is_allowed_can_be_computed():
    terms = "+".join(["x"] * DEEPEST)
    assert np.allclose(parse(terms).values(x), DEEPEST * x)
    longest = ("0" * LONGEST + "+x")[-LONGEST:]
    assert np.array_equal(parse(longest).values(x), x)


def test_x_itself_is_left_as_it_was():
    before = x.copy()
    for text in FORMULAS:
        parse(text).values(x)
    assert np.array_equal(x, before)
