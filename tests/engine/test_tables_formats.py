"""Step 1, tables that are no CSV files, and settings that overrule what was found."""

from __future__ import annotations

import datetime
import io
import pickle
import zipfile

import numpy as np
import openpyxl
import polars as pl
import pytest
import torch
from safetensors.torch import save_file

from engine import experiment as ex
from engine.data import tables
from engine.data.tables import Tables, read_rows, write_pasted
from engine.errors import InputError
from tests.engine.table_tools import Made, parse_here, same_bits


@pytest.fixture(autouse=True)
def no_child(monkeypatch):
    monkeypatch.setattr(tables, "ask", parse_here)


def opened(path, **settings):
    return Tables().open(path, ex.TableFormat(**settings))


def made(path, target, features, *columns, **settings) -> Made:
    wanted = ex.TableFormat(**settings)
    source = ex.Table(path=str(path), target=target, features=tuple(features), columns=columns, format=wanted)
    return same_bits(Made(read_rows(Tables().open(path, wanted), source)))


def refusal(path, **settings) -> str:
    with pytest.raises(InputError) as caught:
        opened(path, **settings)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and len(message) < 400
    return message


# -------------------------------------------------------------------------------------------------------------- CSV

OVERRULED = {
    "separator": ("a;b,c\n1;2,3\n4;5,6\n", {"separator": ","}, ("a;b", "c")),
    "space": ("a b\n1 2\n3 4\n", {}, ("a", "b")),
    "header": ("a,b\n1,2\n3,4\n", {"header": "no"}, ("column_1", "column_2")),
    "no header": ("1,2\n3,4\n5,6\n", {"header": "yes"}, ("1", "2")),
    "encoding": ("größe,b\n1,2\n3,4\n".encode(), {"encoding": "latin-1"}, ("grÃ¶Ã\x9fe", "b")),
    "quotes found": ("'a,1','b'\n'1','2'\n'3','4'\n", {}, ("a,1", "b")),
    "no quotes": ('"a",b\n1,2\n3,4\n', {"quote": "none"}, ('"a"', "b")),
}


@pytest.mark.parametrize("what", OVERRULED)
def test_what_is_found_out_can_be_overruled(tmp_path, what):
    content, settings, names = OVERRULED[what]
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = opened(path, **settings)
    assert table.names == names
    if table.height == 2 and all(column.type == "number" for column in table.columns):
        made(path, names[1], [names[0]], **settings)


def test_a_decimal_comma_can_be_said_or_denied(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("x\ty\n1,234\t1\n2,345\t2\n")
    assert made(path, "y", ["x"], decimal="comma").X.ravel().tolist() == [np.float32(1.234), np.float32(2.345)]
    path = tmp_path / "table.csv"
    path.write_text("x;y\n1,5;1\n2,5;2\n")
    assert opened(path).column("x").type == "number" and opened(path, decimal="point").column("x").type != "number"


def test_the_wrong_encoding_is_refused_by_name(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("größe,b\n1,2\n".encode("cp1252"))
    assert "not valid UTF-8" in refusal(path, encoding="utf8")


def test_what_was_found_is_said_in_few_words(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x;y\n1,5;1\n2,5;2\n")
    assert opened(path).found() == "semicolon, decimal comma, header, UTF-8"


def test_what_is_pasted_becomes_a_file_of_its_own(tmp_path):
    path = write_pasted("x\ty\r\n1,5\t2\r\n2,5\t3\r\n", tmp_path)
    assert path.suffix == ".tsv" and made(path, "y", ["x"]).X.ravel().tolist() == [1.5, 2.5]
    assert write_pasted("x,y\n1,2\n", tmp_path).name == "pasted-1.csv"
    assert write_pasted("x,y\n1,2\n", tmp_path).name == "pasted-2.csv"
    with pytest.raises(InputError, match="clipboard holds no text"):
        write_pasted(" \n", tmp_path)


# ---------------------------------------------------------------------------------------------------------- Parquet


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "table.parquet"
    pl.DataFrame(
        {
            "x": pl.Series([1, 2, None, 4], dtype=pl.UInt8),
            "f": pl.Series([1.5, float("nan"), 2.5, 3.5], dtype=pl.Float32),
            "d": [datetime.date(2024, 1, day) for day in range(1, 5)],
            "b": [True, False, True, False],
            "k": pl.Series(["a", "b", "a", "b"], dtype=pl.Categorical),
            "l": [[1], [2], [3], [4]],
            "y": pl.Series([1, 2, 3, 4]).cast(pl.Decimal(10, 2)),
        }
    ).write_parquet(path)
    table = opened(path)
    types = {column.name: (column.type, column.missing) for column in table.columns}
    assert types == {
        "x": ("number", 1), "f": ("number", 1), "d": ("date", 0), "b": ("yes/no", 0), "k": ("category", 0),
        "l": ("text", 0), "y": ("number", 0),
    }  # fmt: skip
    assert any("nested values cannot be used: l" in warning for warning in table.warnings)
    types = {"b": "yes/no", "k": "category", "d": "date"}
    columns = [ex.Column(name=name, type=type_) for name, type_ in types.items()]
    assert len(made(path, "y", ["x", "f", "b", "k", "d"], *columns).X) == 2
    assert made(path, "y", ["f"]).X.ravel().tolist() == [1.5, 2.5, 3.5]


# ------------------------------------------------------------------------------------------------------------ Excel


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


DATA = [["x", "k", "when", "y"], *([i / 2, "ab"[i % 2], datetime.date(2024, 1, 1 + i), i] for i in range(20))]


def test_a_workbook_is_read_from_the_first_sheet_with_rows_or_the_one_that_is_named(tmp_path):
    path = workbook(tmp_path / "book.xlsx", notes=[["read me"]], data=DATA, more=[["x", "y"], [1, 2], [3, 4]])
    table = opened(path)
    assert table.choices == ("notes", "data", "more") and table.found() == "sheet data"
    assert table.warnings[0] == "The workbook has 3 sheets: 'data' is read."
    assert [column.type for column in table.columns] == ["number", "category", "date", "number"]
    columns = [ex.Column(name="k", type="category"), ex.Column(name="when", type="date")]
    assert made(path, "y", ["x", "k", "when"], *columns).X.shape == (20, 3)
    assert made(path, "y", ["x"], sheet="more").X.ravel().tolist() == [1, 3]
    assert opened(path, sheet="more").warnings == ()
    assert "no sheet 'other': choose from notes, data and more" in refusal(path, sheet="other")


def test_a_title_above_the_header_is_left_out_and_rows_are_named_as_excel_counts_them(tmp_path):
    rows = [["Measurements"], [], *DATA]
    rows[9] = [None, "a", None, 3]
    path = workbook(tmp_path / "book.xlsx", data=rows)
    table = opened(path)
    assert table.height == 20 and table.names == ("x", "k", "when", "y")
    assert "The header is in row 3" in table.warnings[0] and "x 1 (first on row 10)" in "".join(table.warnings)
    assert made(path, "y", ["x"]).X.shape == (19, 1)


def test_a_sheet_without_header_gets_numbers_for_names(tmp_path):
    path = workbook(tmp_path / "book.xlsx", data=[[1, 2.5], [2, 3.5], [4, 5.5]])
    assert opened(path).names == ("column_1", "column_2")
    assert made(path, "column_2", ["column_1"]).X.ravel().tolist() == [1, 2, 4]


def test_numbers_stored_as_text_and_words_for_missing_are_numbers(tmp_path):
    rows = [["x", "y"], ["1.5", 1], [" 2.5", 2], ["n/a", 3], ["3.5", 4]]
    path = workbook(tmp_path / "book.xlsx", data=rows)
    assert made(path, "y", ["x"]).X.ravel().tolist() == [1.5, 2.5, 3.5]


def test_text_far_below_numbers_is_not_lost(tmp_path):
    rows = [["x", "y"], *([i, i] for i in range(2_000)), ["abc", 1]]
    table = opened(workbook(tmp_path / "book.xlsx", data=rows))
    assert "until row 2,002, where it is 'abc'" in "".join(table.warnings)


def test_names_that_are_there_twice_or_missing_are_refused(tmp_path):
    path = workbook(tmp_path / "book.xlsx", data=[["x", "x", "y"], [1, 2, 3], [4, 5, 6]])
    assert "row 1 names x twice" in refusal(path)
    path = workbook(tmp_path / "other.xlsx", data=[["x", None, "y"], [1, 2, 3], [4, 5, 6]])
    assert "column_2" in opened(path).names or "no name" in refusal(path)


def test_a_workbook_that_unpacks_to_far_more_is_not_unpacked(tmp_path):
    path = workbook(tmp_path / "book.xlsx", data=DATA)
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in source.namelist():
            bomb.writestr(name, source.read(name).replace(b"<sheetData>", b"<sheetData>" + b" " * (64 * 2**20)))
    assert "larger than 32 MB unpacked" in refusal(path)


# ------------------------------------------------------------------------------------------------- NumPy and tensors


def test_arrays_of_numbers_are_columns(tmp_path):
    path = tmp_path / "array.npy"
    for array in (
        np.arange(12.0).reshape(4, 3), np.arange(12, dtype=">i4").reshape(4, 3),
        np.asfortranarray(np.ones((4, 3)) * [[1, 2, 3]]),
        np.arange(12).reshape(4, 3).astype(np.float16), np.arange(24.0).reshape(4, 6)[:, ::2],
    ):  # fmt: skip
        np.save(path, array)
        got = made(path, "column_3", ["column_1", "column_2"])
        assert got.X.tolist() == array[:, :2].tolist() and got.y.ravel().tolist() == array[:, 2].tolist()
    np.save(path, np.arange(4))
    assert opened(path).names == ("column_1",)


def test_named_arrays_of_one_length_stand_side_by_side(tmp_path):
    path = tmp_path / "arrays.npz"
    y, image = np.array([0, 1, 0, 1]), np.zeros((2, 2, 2))
    np.savez(path, X=np.arange(8.0).reshape(4, 2), y=y, other=np.arange(3), image=image)
    table = opened(path)
    assert table.names == ("X_1", "X_2", "y") and table.choices == ("X", "y", "other", "image")
    assert "left out: other and image" in table.warnings[0]
    assert made(path, "y", ["X_1", "X_2"]).X.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert made(path, "column_2", ["column_1"], sheet="X").y.ravel().tolist() == [1, 3, 5, 7]
    assert "no array 'Z': choose from X, y, other and image" in refusal(path, sheet="Z")
    assert "no array of numbers with one or two dimensions" in refusal(path, sheet="image")


def test_tensors_are_columns(tmp_path):
    path = tmp_path / "tensors.pt"
    torch.save({"X": torch.arange(8.0).reshape(4, 2), "y": torch.tensor([0, 1, 0, 1])}, path)
    assert made(path, "y", ["X_1", "X_2"]).X.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    torch.save(torch.arange(8.0).reshape(4, 2).bfloat16(), path)
    assert made(path, "column_2", ["column_1"]).y.ravel().tolist() == [1, 3, 5, 7]
    path = tmp_path / "tensors.safetensors"
    save_file({"X": torch.arange(8.0).reshape(4, 2), "y": torch.arange(4, dtype=torch.float64)}, path)
    assert made(path, "y", ["X_2"]).X.ravel().tolist() == [1, 3, 5, 7]


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_in_an_array_or_a_tensor_file_is_never_run(tmp_path):
    sentinel = tmp_path / "sentinel"
    np.save(tmp_path / "array.npy", np.array([Touch(sentinel)], dtype=object), allow_pickle=True)
    assert "Python objects" in refusal(tmp_path / "array.npy")
    np.savez(tmp_path / "arrays.npz", x=np.array([Touch(sentinel)], dtype=object))
    assert "Python objects" in refusal(tmp_path / "arrays.npz")
    (tmp_path / "tensors.pt").write_bytes(pickle.dumps(Touch(sentinel)))
    refusal(tmp_path / "tensors.pt")
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Touch(sentinel)))
    refusal(tmp_path / "plain.npy")
    assert not sentinel.exists()


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.safetensors", "a.parquet", "a.xlsx"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rest", b"\x93NUMPY\x01\x00\xff\xff{", b"x,y\n1,2\n", b"PAR1" * 3])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert not any(word in refusal(tmp_path / name) for word in ("Error", "polars", "numpy.", "Traceback"))


def test_an_array_that_says_it_is_larger_than_its_file_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000), }".ljust(117) + b"\n"
    (tmp_path / "array.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    refusal(tmp_path / "array.npy")
