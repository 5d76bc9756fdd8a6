"""From a CSV file of unknown origin to a typed table on disk. In the child process."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from engine import experiment as ex
from engine.data.table import faults as faults
from engine.data.table.columns import Figures, figures, parts, whole
from engine.data.table.dialect import (
    CHUNK,
    MISSING,
    Dialect,
    check_for_nul,
    is_utf8,
    opened,
    python_encoding,
    sniff,
)
from engine.data.table.lines import Naming, Reading, date_call
from engine.errors import InputError

MOST_NAME = 200
Progress = Callable[[float], None]

DATES = {
    "%Y-%m-%d": r"\d{4}-\d\d-\d\d",
    "%d.%m.%Y": r"\d\d?\.\d\d?\.\d{4}",
    "%m/%d/%Y": r"\d\d?/\d\d?/\d{4}",
    "%d/%m/%Y": r"\d\d?/\d\d?/\d{4}",
    "%Y/%m/%d": r"\d{4}/\d\d?/\d\d?",
    "%Y-%m-%d %H:%M:%S%.f": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?",
    "%Y-%m-%dT%H:%M:%S%.f": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?",
    "%Y-%m-%d %H:%M": r"\d{4}-\d\d-\d\d \d\d:\d\d",
    "%d.%m.%Y %H:%M:%S": r"\d\d?\.\d\d?\.\d{4} \d\d:\d\d:\d\d",
    "%d.%m.%Y %H:%M": r"\d\d?\.\d\d?\.\d{4} \d\d:\d\d",
    "%m/%d/%Y %H:%M": r"\d\d?/\d\d?/\d{4} \d\d:\d\d",
}
"""Ways to write a date, and the texts that may be one. 03/04/2024 is the 4th of March, unless a 13th month shows."""


def read_csv(path: Path, wanted: ex.TableFormat, out: Path, progress: Progress) -> tuple[Reading, Figures]:
    """Write the table in the CSV file `path` to `out`, an uncompressed Arrow file; how it was read, and its figures.

    NaN and the usual words for "missing" become null, blank lines at the end are left out. Raises InputError for a
    broken file or one without a row.
    """
    dialect = sniff(path, wanted)
    with opened(path) as file:  # polars does not check the header
        if dialect.encoding == "utf8" and not is_utf8(file.read(CHUNK)):
            raise faults.bad_encoding(path, dialect)
    if dialect.has_header:
        faults.check_header(path, dialect)
    raw = out.with_name("raw.arrow")
    with _expecting(path, raw, dialect, progress):
        dialect, slices = _write(path, dialect, raw, wanted)
    naming, table = _named(pl.scan_ipc(raw, glob=False), dialect)
    schema = table.collect_schema()
    check_names(path, schema.names())
    rows = n_rows(table)
    if not rows:
        raise InputError(f"{path.name} has no rows below its header: choose a file with data.")
    _check_for_nul(path, table, dialect)
    found = _figures(table, rows, slices)
    if found[schema.names()[-1]]["missing"] and not faults.separators_add_up(path, dialect, rows, len(schema)):
        faults.check_shape(path, dialect)

    numeric, words = numbers_in_texts(table, dialect)
    if words:
        with _expecting(path, raw, dialect, progress):
            dialect, slices = _write(path, replace(dialect, null_values=words), raw, wanted)
        naming, table = _named(pl.scan_ipc(raw, glob=False), dialect)
        found = _figures(table, rows, slices)
    return finish(table.head(rows), rows, Reading(dialect=dialect, names=naming), numeric, found, out)


def _figures(table: pl.LazyFrame, rows: int, slices: Sequence[pl.DataFrame]) -> Figures:
    """From what was seen while the rows were read; from the rows, where some are left out at the end."""
    seen = sum(int(each["rows"].sum()) for each in slices)
    return whole(table, slices) if seen == rows else figures(table.head(rows))


def finish(
    table: pl.LazyFrame, rows: int, reading: Reading, numeric: list[str], found: Figures | None, out: Path
) -> tuple[Reading, Figures]:
    """Write `table`, the first `rows` of raw.arrow beside `out`, to `out`; say what was changed, and its figures.

    Texts become numbers (the columns `numeric`, where they are still text) or dates, NaN becomes null. `found` are the
    figures of `table`, where they are known.
    """
    found = found or figures(table)
    schema, raw = table.collect_schema(), out.with_name("raw.arrow")
    numeric = [name for name in numeric if schema[name] == pl.String]
    dates = {name: form for name in texts(table) if name not in numeric and (form := date_format(column(table, name)))}
    changes = [plain(pl.col(name), reading.dialect).cast(pl.Float64, strict=False) for name in numeric]
    changes += [getattr(pl.col(name).str.strip_chars().str, _method(form))(form) for name, form in dates.items()]
    changed = table.with_columns(changes)
    if changes:
        found = figures(changed)
    nan = tuple(name for name, each in found.items() if each.get("nan"))
    if changes or nan or reading.names != "as they are" or rows < n_stored(pl.scan_ipc(raw, glob=False)):
        changed.with_columns(pl.col(name).fill_nan(None) for name in nan).sink_ipc(out)
        raw.unlink()
    else:
        raw.rename(out)
    if nan:
        found = figures(pl.scan_ipc(out, glob=False))
    return replace(reading, as_numbers=tuple(numeric), as_dates=dates, nan=nan), found


def _method(form: str) -> str:
    return date_call(form).partition("(")[0]


# ------------------------------------------------------------------------------------------------ reading with polars


def _write(
    path: Path, dialect: Dialect, out: Path, wanted: ex.TableFormat
) -> tuple[Dialect, list[pl.DataFrame]]:
    """Write the table as polars reads it, with as little told to polars as will do; also the `parts` of its figures.

    Types from the first 100 rows, from more of them, from all, or none. Text that is not UTF-8 is read as Windows-1252
    unless `wanted` says otherwise.
    """
    if dialect.encoding == "utf8":
        try:
            return _write_utf8(path, path, dialect, out)
        except _NoUtf8Error:
            check_for_nul(path, dialect.encoding)
            if wanted.encoding != "auto":
                raise faults.bad_encoding(path, dialect) from None
            dialect = replace(dialect, encoding="cp1252")
    copy = out.with_name("text.csv")
    _transcode(path, dialect, copy)
    try:
        return _write_utf8(path, copy, dialect, out)
    finally:
        copy.unlink()


class _NoUtf8Error(Exception):
    pass


def _write_utf8(path: Path, source: Path, dialect: Dialect, out: Path) -> tuple[Dialect, list[pl.DataFrame]]:
    looks = [replace(dialect, infer_schema_length=n) for n in (100, 10_000, None)]
    for number, look in enumerate((*looks, replace(dialect, infer_schema=False))):
        new = out.with_name(f"try-{look.encoding}-{number}.arrow")  # polars may still write to one that has failed
        slices = _try(path, source, look, new)
        if slices is not None:
            new.replace(out)
            return look, slices
        new.unlink(missing_ok=True)
    check_for_nul(path, dialect.encoding)
    faults.check_shape(path, dialect)
    raise InputError(
        f"{path.name} cannot be read as a table, and no single line can be named: check that quotation marks only "
        "stand around whole values, then save it as CSV again."
    )


def _try(path: Path, source: Path, dialect: Dialect, out: Path) -> list[pl.DataFrame] | None:
    """The `parts` of the figures, found while the rows are at hand; None where polars could not read the file.

    Its PanicException is no Exception: so everything is caught.
    """
    slices: list[pl.DataFrame] = []

    def look_at(rows: pl.DataFrame) -> pl.DataFrame:
        slices.append(rows.select(parts(rows.schema)))
        return rows

    try:
        table = pl.scan_csv(source, glob=False, **dialect.keywords() | {"encoding": "utf8"})
        table.map_batches(look_at, streamable=True).sink_ipc(out)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except MemoryError:
        raise InputError(f"{path.name} does not fit into memory: use fewer rows or columns.") from None
    except BaseException as error:
        if "invalid utf-8" in str(error):
            raise _NoUtf8Error from None
        return None
    return slices


def _transcode(path: Path, dialect: Dialect, copy: Path) -> None:
    """The file in UTF-8, as polars' streams take it."""
    decoder = codecs.getincrementaldecoder(python_encoding(dialect.encoding))()
    try:
        with opened(path) as file, copy.open("w", encoding="utf-8", newline="") as text:
            while chunk := file.read(CHUNK):
                text.write(decoder.decode(chunk))
            text.write(decoder.decode(b"", final=True))
    except UnicodeError:
        raise faults.bad_encoding(path, dialect) from None


def _check_for_nul(path: Path, table: pl.LazyFrame, dialect: Dialect) -> None:
    """Raise InputError where some text has a NUL byte; numbers and UTF-8 have been checked by their reading."""
    names = texts(table)
    found = table.select(pl.col(name).str.contains("\0", literal=True).any() for name in names)
    if any("\0" in name for name in names) or (names and any(found.collect(engine="streaming").row(0))):
        check_for_nul(path, dialect.encoding)


@contextmanager
def _expecting(path: Path, out: Path, dialect: Dialect, progress: Progress) -> Iterator[None]:
    """Tell the progress from the growing size of `out`, in a thread, from what the first lines take."""
    ended = threading.Event()
    with opened(path) as file:
        head = file.read(CHUNK // 4)
    cells = head.count(b"\n") + head.count(dialect.separator.encode())
    expected = 8 * (cells + 1) * path.stat().st_size / (len(head) + 1)

    def watch() -> None:
        while not ended.wait(0.1):
            with suppress(OSError):  # a try that has failed is deleted
                written = max((file.stat().st_size for file in out.parent.glob("try-*")), default=0)
                progress(min(0.95, written / expected))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


# ------------------------------------------------------------------------------------------------ looking at columns


def column(table: pl.LazyFrame, name: str) -> pl.Series:
    """One column in memory."""
    return table.select(pl.col(name)).collect(engine="streaming").to_series()


def check_names(path: Path, names: Sequence[str]) -> None:
    """Raise InputError for a name that polars would take for several columns, or that no message could show."""
    for place, name in enumerate(names, start=1):
        if len(name) > MOST_NAME:
            raise InputError(f"{path.name}: the name of column {place} has {len(name):,} characters: shorten it.")
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise InputError(f"{path.name}: {name!r} means a pattern to polars: give that column another name.")


def numbers_in_texts(table: pl.LazyFrame, dialect: Dialect) -> tuple[list[str], tuple[str, ...]]:
    """The columns of text that hold nothing but numbers and words for "missing", and these words as they stand."""
    found = {name: not_numbers(column(table, name), dialect) for name in texts(table)}
    odd = {name: values for name, values in found.items() if values is not None and all_missing(values)}
    return list(odd), tuple(sorted({value for values in odd.values() for value in values}))


def texts(table: pl.LazyFrame) -> list[str]:
    """The columns of text."""
    return [name for name, dtype in table.collect_schema().items() if dtype == pl.String]


def n_stored(table: pl.LazyFrame) -> int:
    """How many rows there are."""
    return int(table.select(pl.len()).collect(engine="streaming").item())


def n_rows(table: pl.LazyFrame) -> int:
    """How many rows there are before the blank ones at the end, which polars reads as rows without a value."""
    n = n_stored(table)
    if not n or table.slice(n - 1, 1).collect().row(0)[0] is not None:
        return n
    filled = table.select(pl.any_horizontal(pl.all().is_not_null())).collect(engine="streaming").to_series()
    where = filled.arg_true()
    return int(where[-1]) + 1 if len(where) else 0


def plain(text: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Text without spaces around and with a decimal point: what a cast to a number takes."""
    text = text.str.strip_chars()
    return text.str.replace(",", ".", literal=True) if dialect.decimal_comma else text


def not_numbers(column: pl.Series, dialect: Dialect) -> pl.Series | None:
    """The distinct values of a text column that are no numbers; None where it holds no number at all."""
    values = column.drop_nulls().unique().to_frame("text")
    number = plain(pl.col("text"), dialect).cast(pl.Float64, strict=False)
    odd = values.filter(number.is_null() | number.is_nan())["text"]
    return None if len(odd) == len(values) else odd


def all_missing(values: pl.Series) -> bool:
    """Whether each of these texts is a word for "missing"."""
    return values.str.strip_chars().str.to_lowercase().is_in(MISSING).all()


def date_format(column: pl.Series) -> str:
    """The format of a column of text that holds nothing but dates; empty for any other."""
    values = column.drop_nulls().unique().str.strip_chars()
    for form, pattern in DATES.items():
        if len(values) and values.head(20).str.contains(f"^{pattern}$").all():
            dates = getattr(values.str, _method(form))(form, strict=False)
            if not dates.null_count():
                return form
    return ""


def _named(table: pl.LazyFrame, dialect: Dialect) -> tuple[Naming, pl.LazyFrame]:
    """The table with its columns' final names, and the rule that gave them."""
    names = table.collect_schema().names()
    numbered = [f"column_{place}" for place in range(1, len(names) + 1)]
    if not dialect.has_header:
        return "numbered", table.rename(dict(zip(names, numbered, strict=True)))
    stripped = [name.strip() for name in names]
    if stripped == names and "" not in stripped:
        return "as they are", table
    final = [name or number for name, number in zip(stripped, numbered, strict=True)]
    return ("filled" if "" in stripped else "stripped"), table.rename(dict(zip(names, final, strict=True)))
