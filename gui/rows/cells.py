"""The values of a few rows of one column as the texts that are shown. Never touches the other rows."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the frame comes from the training thread, which has imported polars
    import polars as pl

    from gui.rows.lazy import LazyRows

ROWS_PER_PAGE = 128
LONGEST = 120
"""Characters of a text in its cell; one field of a file may hold megabytes."""
LONGEST_IN_FULL = 1_500
"""Characters of a text in its tool tip."""
ONE_LINE = str.maketrans("\t\n\r", "   ")


def page_texts(frame: pl.DataFrame | LazyRows, column: int, page: int) -> list[str | None]:
    """The texts of a page, None where a value is missing."""
    return column_texts(frame.to_series(column).slice(page * ROWS_PER_PAGE, ROWS_PER_PAGE))


def column_texts(values: pl.Series, full: bool = False) -> list[str | None]:
    """The text of each value, None where it is missing (as everywhere here, NaN is missing). With `full`, all digits
    of a number and more of a text."""
    dtype = values.dtype
    longest = LONGEST_IN_FULL if full else LONGEST
    if dtype.is_float():
        digits = 7 if str(dtype) == "Float32" else 9
        write = _all_digits if full else partial(number_text, digits=digits)
        return [None if value is None or math.isnan(value) else write(value) for value in values.to_list()]
    if dtype.is_integer():
        return [None if value is None else str(value) for value in values.to_list()]
    if dtype.is_nested() or str(dtype) in ("Binary", "Object"):
        return [str(dtype)] * len(values)  # a single one may be very large
    if str(dtype).startswith(("Date", "Datetime")):
        return _date_texts(values)
    if str(dtype) == "String":
        values = values.str.head(longest + 1)  # in polars, before Python copies it
    try:
        list_of_values = values.to_list()
    except OverflowError:  # durations beyond what Python's have room for
        return [str(dtype)] * len(values)
    texts = [None if value is None else _plain(value, longest) for value in list_of_values]
    return texts if full else [None if text is None else text.translate(ONE_LINE) for text in texts]


def number_text(value: float, digits: int) -> str:
    """A number in so many digits; whole numbers in full."""
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def date_text(seconds: float) -> str:
    """The date, and the time if there is one, so many seconds after 1970-01-01."""
    import numpy as np

    text = str(np.datetime64(int(seconds), "s")).replace("T", " ")
    return text.removesuffix(" 00:00:00")


def _all_digits(value: float) -> str:
    return f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)


def _date_texts(dates: pl.Series) -> list[str | None]:
    """By NumPy: with a year above 9999 Python's dates raise an error and polars' own text ends in a panic."""
    import numpy as np

    texts = np.datetime_as_string(dates.to_numpy()).tolist()
    return [None if text == "NaT" else _short_moment(text.replace("T", " ")) for text in texts]


def _short_moment(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: object, longest: int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= longest else text[:longest] + "…"
