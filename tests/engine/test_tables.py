"""Step 1, CSV files: what loads, what is said about it, and that the exported lines give the same bits.

The files are parsed in this process, by the same code: that a child does it, test_tables_child.py shows.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import experiment as ex
from engine.data import tables
from engine.data.rows import Learned
from engine.data.tables import OpenTable, Tables, features_of, read_rows
from engine.errors import InputError
from tests.engine.table_tools import Made, parse_here, same_bits

ROOT = Path(__file__).parents[2]
DIABETES = ROOT / "resources" / "data" / "diabetes.csv"


@pytest.fixture(autouse=True)
def no_child(monkeypatch):
    monkeypatch.setattr(tables, "ask", parse_here)


@pytest.fixture
def csv(tmp_path):
    """csv(text or bytes) -> the path of such a file."""

    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def describe(path: Path) -> OpenTable:
    return Tables().open(path)


def numeric(table: OpenTable) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.type == "number")


def source_of(path: Path, features: list[str], target: str) -> ex.Table:
    return ex.Table(path=str(path), target=target, features=tuple(features))


def read_columns(path: Path, features: list[str], target: str) -> Made:
    return Made(read_rows(describe(path), source_of(path, features, target)))


def read_features(path: Path, features: list[str]) -> np.ndarray:
    source = source_of(path, features, "the target")
    return features_of(describe(path), source, Learned(features=source.features))


def refusal(call, *arguments) -> str:
    """The message of the InputError that call must raise: one or two sentences that name the file."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message and arguments[0].name in message and len(message) < 400
    return message


def assert_same_bits(path: Path, features: list[str], target: str) -> Made:
    return same_bits(read_columns(path, features, target))


# ----------------------------------------------------------------------------------------------- the sample file


def test_the_diabetes_sample_has_442_rows_of_11_columns_and_nothing_odd():
    info = describe(DIABETES)
    assert info.height == 442
    assert numeric(info) == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "target")
    assert info.warnings == ()


def test_an_ordinary_file_is_read_with_bare_polars_lines():
    features = ["bmi", "s5"]
    rows = assert_same_bits(DIABETES, features, "target")
    assert rows.X.shape == (442, 2) and rows.y.shape == (442, 1) and rows.warnings == ()
    assert list(rows.reading.read) == [
        'features = ["bmi", "s5"]',
        'target = "target"',
        f'table = pl.read_csv("{DIABETES}")',
        "table = table.select([*features, target]).drop_nulls().cast(pl.Float32)",
        'X = torch.tensor(table.select(features).to_numpy(order="c"))',
        'y = torch.tensor(table.select(target).to_numpy(order="c"))',
    ]
    assert rows.reading.prepare == () and rows.reading.imports == ("import polars as pl",)


def test_features_come_in_the_order_in_which_they_are_named():
    assert np.array_equal(read_features(DIABETES, ["s5", "bmi"]), read_features(DIABETES, ["bmi", "s5"])[:, ::-1])


# ---------------------------------------------------------------------------------------- ways to write a table

SHAPES = {
    "european": ("x;y\n1,5;2\n2,5;3\n-1e1;4,25\n", [1.5, 2.5, -10.0]),
    "european padded": ("x;y\n 1,5;2\n2,5 ;3\n", [1.5, 2.5]),
    "european quoted": ('"x";"y"\n"1,5";"2"\n"2,5";"3"\n', [1.5, 2.5]),
    "european missing": ("x;y\n1,5;2\nNA;3\n2,5;?\n3,5;4\n", [1.5, 3.5]),
    "tabs": ("x\ty\n1.5\t2\n2.5\t3\n", [1.5, 2.5]),
    "pipes": ("x|y\n1.5|2\n2.5|3\n", [1.5, 2.5]),
    "carriage returns": ("x,y\r1.5,2\r2.5,3\r", [1.5, 2.5]),
    "utf-16": ("x,y\r\n1.5,2\r\n2.5,3\r\n".encode("utf-16"), [1.5, 2.5]),
    "cp1252": ("x,y,größe\n1.5,2,3\n2.5,3,4\n".encode("cp1252"), [1.5, 2.5]),
    "byte order mark": ("\ufeffx,y\n1.5,2\n2.5,3\n", [1.5, 2.5]),
    "padded": (" x, y \n 1.5, 2\n+2.5 ,3\n", [1.5, 2.5]),
    "nameless column": ("x,,y\n1.5,7,2\n2.5,8,3\n", [1.5, 2.5]),
    "blank lines": ("x,y\n1.5,2\n\n2.5,3\n\n\n", [1.5, 2.5]),
    "blank line above": ("\nx,y\n1.5,2\n2.5,3\n", [1.5, 2.5]),
    "words for missing": ("x,y\n1.5,2\nn/a,3\nnan,3\n -,3\nNULL,4\n2.5,NA\n3.5,5\n", [1.5, 3.5]),
    "quoted empty": ('x,y\n1.5,2\n"",3\n2.5,4\n', [1.5, 2.5]),
    "NaN": ("x,y\n1.5,2\nNaN,3\n2.5,4\n", [1.5, 2.5]),
    "fraction after line 101": ("x,y\n" + "1,2\n" * 120 + "1.5,3\n", [1.0] * 120 + [1.5]),
    "missing after line 101": ("x,y\n" + "1,2\n" * 120 + "NA,3\n2,4\n", [1.0] * 120 + [2.0]),
    "padding after line 101": ("x,y\n" + "1,2\n" * 120 + " 2 ,4\n", [1.0] * 120 + [2.0]),
    "50 digits": ("x,y\n1.5,2\n2,3\n".replace("3", "3" * 30), [1.5, 2.0]),
    "whole numbers rounded once": ("x,y\n9007199254740993,2\n16777217,3\n", [9007199254740992.0, 16777216.0]),
    "other columns of any kind": ('t,x,y\n"a, b\nc",1.5,2\nabc,2.5,3\n', [1.5, 2.5]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_way_to_write_a_table_loads_and_its_script_lines_give_the_same_bits(csv, shape):
    content, x = SHAPES[shape]
    rows = assert_same_bits(csv(content), ["x"], "y")
    assert rows.X.ravel().tolist() == np.array(x, dtype=np.float32).tolist()


def test_numbers_beyond_every_integer_type_are_still_numbers(csv):
    rows = assert_same_bits(csv(f"x,y\n1,{'9' * 20}\n2,3\n"), ["x"], "y")
    assert rows.y[0, 0] == np.float32(1e20)
    assert "float32 on line 2 (1e+44)" in refusal(read_columns, csv(f"x,y\n{'9' * 44},2\n2,3\n"), ["x"], "y")


def test_a_european_file_says_so_in_its_script_lines_and_in_a_warning(csv):
    path = csv("x;y\n1,5;2\nNA;3\n2,5;4\n")
    rows = read_columns(path, ["x"], "y")
    assert rows.reading.read[2] == (
        f'table = pl.read_csv("{path}", separator=";", decimal_comma=True, null_values=["NA"])'
    )
    assert any("decimal comma" in warning and "semicolons" in warning for warning in rows.warnings)


def test_a_comma_between_three_digits_is_not_taken_for_a_decimal_comma_in_a_tab_separated_file(csv):
    info = describe(csv("x\ty\n1,234\t1\n2,345\t2\n"))
    assert numeric(info) == ("y",) and "thousands separators" in info.warnings[0]


def test_a_file_without_header_keeps_every_row_and_numbers_its_columns(csv):
    path = csv("1.5,2\n2.5,3\n")
    info = describe(path)
    assert numeric(info) == ("column_1", "column_2") and info.height == 2 and "no header" in info.warnings[0]
    assert_same_bits(path, ["column_1"], "column_2")


def test_years_as_names_stay_a_header_with_a_warning(csv):
    info = describe(csv("id,2019,2020\n1,2,3\n4,5,6\n"))
    assert numeric(info) == ("id", "2019", "2020") and "2019 and 2020" in info.warnings[0]


def test_a_name_with_brackets_is_a_name_and_no_pattern(csv):
    path = csv("x,y\n1,2\n2,3\n", "data[1].csv")
    assert "glob=False" in assert_same_bits(path, ["x"], "y").reading.read[2]


def test_dropped_rows_are_counted_and_the_first_is_named_by_its_line(csv):
    rows = read_columns(csv('note,x,y\n"two\nlines",1,2\na,,3\nb,4,\nc,5,6\n'), ["x"], "y")
    assert rows.warnings == ("Left out: 2 rows of 4 with a missing value in x and y (first on line 4).",)
    assert rows.X.tolist() == [[1.0], [5.0]]


def test_a_missing_value_in_a_column_that_is_not_used_drops_nothing(csv):
    rows = read_columns(csv("x,y,z\n1,2,\n2,3,1\n"), ["x"], "y")
    assert len(rows.X) == 2 and rows.warnings == ()


# ----------------------------------------------------------------------------------------------------- refusals

BROKEN = {
    "no bytes": ("", r"empty"),
    "only line ends": ("\n\n\n", r"empty"),
    "header only": ("x,y\n", r"no rows"),
    "short line": ("x,y\n1,2\n3\n4,5\n", r"line 3 has 1 value, but line 1 has 2"),
    "short line after quoted lines": ('x,y,z\n1,"a\nb",3\n4,5\n', r"line 4 has 2 values"),
    "long line": ("x,y\n1,2\n3,4,5\n", r"line 3 has 3 values"),
    "long line late": ("x,y\n" + "1,2\n" * 500 + "3,4,5\n", r"line 502 has 3 values"),
    "open quote": ('x,y\n1,2\n1,"3\n4,5\n', r"line 3.*quotation mark"),
    "open quote, long": ('x,y\n1,2\n1,"3' + "\n4,5" * 60_000, r"line 3.*quotation mark"),
    "quote inside a value": ('x,y\n"1" ,2\n3,4\n', r"line 2.*quotation mark"),
    "inch marks": ('x,y\n5" pipe,2\n6 pipe,4\n', r"quotation marks"),
    "NUL": ("x,y\n1,2\n3,\0\n", r"NUL bytes on line 3"),
    "HTML": ("<!DOCTYPE html><html></html>", r"HTML"),
    "Excel": (b"PK\x03\x04rest", r"Excel"),
    "gzip": (b"\x1f\x8b\x08rest", r"gzip"),
    "Excel's separator note": ("sep=;\nx;y\n1;2\n", r"line 1.*remove"),
    "same name twice": ("x,y, x\n1,2,3\n", r"names x twice"),
    "two blank names": ("x,,\n1,2,3\n", r"columns 2 and 3 have no name"),
    "no encoding": (b"x,y\n1,\x81\n2,3\n", r"not valid UTF-8"),
    "half a UTF-16 character": (b"\xff\xfe" + "x,y\n1,2\n".encode("utf-16-le") + b"x", r"not valid UTF-16"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_refused_with_the_place_and_no_foreign_words(csv, fault):
    content, wanted = BROKEN[fault]
    message = refusal(describe, csv(content))
    assert re.search(wanted, message)
    assert not re.search(r"polars|Traceback|infer_schema|dtype", message)


def test_what_is_no_readable_file_is_refused_in_plain_words(csv, tmp_path, monkeypatch):
    assert "no such file" in refusal(describe, tmp_path / "gone.csv")
    assert "folder" in refusal(describe, tmp_path)
    assert "not a Parquet file" in refusal(describe, csv("x,y\n1,2\n", "table.parquet"))
    assert "older Excel workbook" in refusal(describe, csv("x", "table.xls"))
    path = csv("x,y\n1,2\n")

    def denied(*_args, **_keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "no permission" in refusal(describe, path)


def test_a_panic_in_polars_is_refused_in_one_sentence_and_ctrl_c_passes(csv, monkeypatch):
    path = csv("x,y\n1,2\n3,4\n")

    def raising(error):
        def scan_csv(*_args, **_keywords):
            raise error

        return scan_csv

    monkeypatch.setattr(pl, "scan_csv", raising(pl.exceptions.PanicException("a\nb")))
    assert "cannot be read as a table" in refusal(describe, path)
    monkeypatch.setattr(pl, "scan_csv", raising(MemoryError()))
    assert "memory" in refusal(describe, path)
    monkeypatch.setattr(pl, "scan_csv", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        describe(path)


COLUMNS = "weight,height,sex,done,gap,late,money\n" + "".join(
    f'{i}.5,{i},{"mf"[i % 2]},{"true" if i % 2 else "false"},NA,{i},"{i:,},000"\n' for i in range(1, 12_001)
) + '1,2,m,true,?,abc,"7,000"\n'  # fmt: skip

WRONG = {
    "weigth": r"no column 'weigth': did you mean 'weight'\?",
    "zzz": r"no column 'zzz': choose from weight, height, sex",
    "sex": r"'sex' holds text, such as 'f' on line 2,",
    "done": r"'done' holds true and false",
    "gap": r"'gap' is empty in every row",
    "late": r"'late' is a number in each row until line 12,002, where it is 'abc'",
    "money": r"'money' has numbers with thousands separators, such as '1,000' on line 2",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_column_that_cannot_be_used_is_refused_by_name_with_line_and_value(csv, name):
    path = csv(COLUMNS)
    assert re.search(WRONG[name], refusal(read_columns, path, [name], "height"))
    assert re.search(WRONG[name], refusal(read_columns, path, ["height"], name))
    assert re.search(WRONG[name], refusal(read_features, path, [name]))


def test_the_columns_beside_a_broken_one_stay_usable(csv):
    assert len(assert_same_bits(csv(COLUMNS), ["weight"], "height").X) == 12_001


def test_text_in_the_first_row_of_a_column_of_numbers_is_named(csv):
    message = refusal(read_columns, csv("x,y\nabc,1\n2,2\n3,3\n"), ["x"], "y")
    assert "'x' is made of numbers except on line 2, where it is 'abc'" in message


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e39", "1e400"])
def test_a_value_that_is_infinite_as_float32_is_refused_with_its_line(csv, value):
    assert "infinite or too large for float32 on line 3" in refusal(
        read_columns, csv(f"x,y\n1.5,2\n{value},3\n2.5,4\n"), ["x"], "y"
    )


def test_too_few_complete_rows_are_refused_with_the_columns_to_blame(csv):
    assert "no row of 2 is left" in refusal(read_columns, csv("x,y\n1,\n,2\n"), ["x"], "y")
    assert "leave out x, where" in refusal(read_columns, csv("x,y\n1,1\n,2\n"), ["x"], "y")
    assert "only 1 row" in refusal(read_columns, csv("x,y\n1,2\n"), ["x"], "y")


def test_prediction_reads_the_features_without_a_target_and_even_one_row(csv):
    X = read_features(csv("y,x2,x1\nabc,2,1.5\n"), ["x1", "x2"])
    assert X.dtype == np.float32 and X.tolist() == [[1.5, 2.0]] and X.flags.c_contiguous and X.flags.writeable


def test_prediction_refuses_a_row_with_a_gap_and_names_its_line(csv):
    assert "x2 (first on line 3)" in refusal(read_features, csv("x1,x2\n1,2\n3,NA\n"), ["x1", "x2"])
    assert "line 3" in refusal(read_features, csv("x1,x2\n1,2\n\n3,4\n"), ["x1", "x2"])


# ----------------------------------------------------------------------------------------------------- warnings

ODD = {
    "missing": ("x,y\n1,2\n,3\n2,NA\n", "Values are missing: x 1 (first on line 3) and y 1 (first on line 4)."),
    "infinite": ("x,y\n1.5,2\ninf,3\n2,4\n", "x (first on line 3)"),
    "constant": ("x,y\n1,2\n1,3\n", "Constant, the same value in every row, so nothing can be learned from it: x."),
    "constant in float32": ("x,y\n1000000001,2\n1000000002,3\n", "Constant once rounded to float32"),
    "empty": ("x,y,z\n1,,3\n2,,5\n", "Entirely empty, every value is missing: y."),
    "too large": ("x,y\n9007199254740993,2\n1,3\n", "(beyond 2^53): x."),
    "thousands": ('x,y\n"1,000.5",2\n"1,001.5",3\n', "Column 'x' has numbers with thousands separators"),
    "late text": ("x,y\n1,2\n2,3\n3,4\nabc,5\n", "until line 5, where it is 'abc'"),
    "no name": ("x,\n1,2\n2,3\n", "it is called 'column_2'"),
    "one class": ("x,k\n1,a\n2,a\n", "k has only one class, 'a'"),
    "rare class": ("x,k\n1,a\n2,a\n3,b\n", "k has a single example of 'b'"),
    "identifier": ("x,k\n1,a\n2,b\n", "k has 2 distinct values in 2 rows"),
    "leak": ("x,z,y\n1,5,1\n2,6,2\n", "y is identical to x"),
}


@pytest.mark.parametrize("oddity", ODD)
def test_an_odd_table_loads_with_a_warning_that_names_the_column(csv, oddity):
    content, wanted = ODD[oddity]
    assert any(wanted in warning for warning in describe(csv(content)).warnings)


def test_many_broken_columns_are_summed_up_in_few_warnings(csv):
    names = [f"x{i}" for i in range(40)]
    lines = [",".join(names), *(",".join(["1"] * 40),) * 3, ",".join(["abc"] * 40)]
    warnings = describe(csv("\n".join(lines) + "\n")).warnings
    assert any("35 more columns" in warning for warning in warnings)
    assert all(len(warning) < 400 for warning in warnings)


def test_a_column_says_its_type_its_gaps_and_its_mean(csv):
    info = describe(csv("x,k,b,e\n1.5,a,true,\nNA,a,false,\n2,b,true,\n"))
    assert [(c.name, c.type, c.missing, c.mean) for c in info.columns] == [
        ("x", "number", 1, 1.75),
        ("k", "category", 0, None),
        ("b", "yes/no", 0, None),
        ("e", "empty", 3, None),
    ]


def test_reading_tables_needs_neither_torch_nor_qt():
    code = "import sys, engine.data.tables; print(sorted({'torch', 'PySide6', 'pyqtgraph'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_name_with_a_line_break_is_shown_in_one_line_and_one_without_end_is_refused(csv):
    path = csv('"weight\n(kg)",y\n1,2\n,3\n4,5\n')
    assert "Values are missing: weight (kg) 1 (first on line 4)" in describe(path).warnings[0]
    assert len(assert_same_bits(path, ["weight\n(kg)"], "y").X) == 2
    assert "the name of column 2 has 5,000 characters" in refusal(describe, csv("x," + "y" * 5_000 + "\n1,2\n"))


def test_a_name_that_polars_takes_for_a_pattern_is_refused(csv):
    assert "'*' means a pattern" in refusal(describe, csv("x,*\n1,2\n"))
    assert "'^x$' means a pattern" in refusal(describe, csv("y,^x$\n1,2\n"))
