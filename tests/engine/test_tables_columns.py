"""Step 1, typed columns of a table: categories, yes and no, dates, gaps; what the training rows alone teach."""

from __future__ import annotations

import numpy as np
import pytest

from engine import experiment as ex
from engine.data import tables
from engine.data.table import rows as table_rows
from engine.data.tables import Tables, features_of, read_rows, suggest
from engine.errors import InputError
from tests.engine.table_tools import Made, parse_here, run_lines, same_bits

PENGUINS = """species,island,mass,bill,sex,tagged,seen,part
Adelie,Torgersen,3750,39.1,male,yes,2007-11-11,train
Adelie,Dream,3800,39.5,female,no,2007-11-12,train
Gentoo,Biscoe,,46.1,,Yes,2008-01-03,train
Gentoo,Biscoe,5700,,male,no,2008-01-04,test
Chinstrap,Dream,3500,46.5,female,no,,train
Chinstrap,Dream,3900,50.0,male,yes,2009-02-01,Validation
Adelie,Torgersen,3250,,female,no,2009-02-02,train
Gentoo,Unknown,5400,50.2,male,yes,2009-02-03,test
"""
COLUMN = ex.Column
SPECIES = COLUMN(name="species", type="category")
ISLAND = COLUMN(name="island", type="category")
TAGGED = COLUMN(name="tagged", type="yes/no")
SEEN = COLUMN(name="seen", type="date")


@pytest.fixture(autouse=True)
def no_child(monkeypatch):
    monkeypatch.setattr(tables, "ask", parse_here)


@pytest.fixture
def penguins(tmp_path):
    path = tmp_path / "penguins.csv"
    path.write_text(PENGUINS)
    return path


def made(path, target, features, *columns, train=None, split_column="", **keywords) -> Made:
    source = ex.Table(path=str(path), target=target, features=features, columns=columns)
    rows = read_rows(Tables().open(path), source, split_column, **keywords)
    return Made(rows, None if train is None else np.array(train))


def refusal(call, *arguments, **keywords) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **keywords)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message


def test_a_category_becomes_a_column_of_0_and_1_for_each_value_that_the_training_rows_have(penguins):
    got = same_bits(made(penguins, "tagged", ("bill", "island"), ISLAND,
                         TAGGED, train=[0, 1, 2]))  # fmt: skip
    assert got.learned.features == ("bill", "island=Biscoe", "island=Dream", "island=Torgersen")
    assert got.learned.categories == {"island": ("Biscoe", "Dream", "Torgersen")}
    assert got.X[0].tolist() == [np.float32(39.1), 0, 0, 1]
    assert got.X[-1].tolist() == [np.float32(50.2), 0, 0, 0], "an island that no training row has"
    assert got.rows.classes == ("no", "yes") and got.y.tolist() == [1, 0, 1, 0, 1, 1]
    assert any("2 rows of 8 with a missing value in bill (first on line 5)" in each for each in got.warnings)


def test_a_category_as_an_index_counts_its_values_and_the_unknown_one_comes_after_them(penguins):
    island = COLUMN(name="island", type="category", encoding="index")
    got = same_bits(made(penguins, "mass", ("island",), island, train=[0, 1, 2, 3]))
    assert got.learned.features == ("island",)
    assert got.X.ravel().tolist() == [2, 1, 0, 1, 1, 2, 3]


def test_classes_are_the_sorted_values_of_all_rows(penguins):
    got = same_bits(made(penguins, "species", ("mass",), SPECIES, train=[0]))
    assert got.rows.classes == ("Adelie", "Chinstrap", "Gentoo") and got.rows.targets == ("species",)
    assert got.y.dtype == np.int64 and got.y.tolist() == [0, 0, 2, 1, 1, 0, 2]


FILLS = {
    "mean": np.float32(np.mean(np.array([3750, 3800, 3500], dtype=np.float64))),
    "median": 3750.0,
    "most frequent": 3500.0,
    "constant": -1.5,
}


@pytest.mark.parametrize("how", FILLS)
def test_a_gap_is_filled_with_what_the_training_rows_say(penguins, how):
    mass = COLUMN(name="mass", missing=how, constant="-1.5")
    got = same_bits(made(penguins, "species", ("mass",), mass, SPECIES, train=[0, 1, 2, 4]))
    assert got.X[2, 0] == np.float32(got.learned.fills["mass"]) == FILLS[how]
    assert len(got.X) == 8 and not np.isnan(got.X).any()


def test_the_most_frequent_category_or_a_constant_fills_a_gap(penguins):
    for how, value in (("most frequent", "male"), ("constant", "unknown")):
        sex = COLUMN(name="sex", type="category", missing=how, constant="unknown")
        got = same_bits(made(penguins, "island", ("sex",), sex, ISLAND, train=[0, 1, 2, 3]))
        assert got.learned.fills == {"sex": value}
        assert got.X[2, got.learned.features.index(f"sex={value}")] == 1


def test_rows_without_a_date_are_left_out_and_the_others_count_days_since_1970(penguins):
    got = same_bits(made(penguins, "mass", ("seen",), SEEN, train=[0]))
    assert got.X[0, 0] == np.datetime64("2007-11-11").astype(int) and len(got.X) == 6


def test_a_moment_is_a_part_of_a_day(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("t,y\n02.01.1970 12:00,1\n03.01.1970 06:00,2\n")
    got = same_bits(made(path, "y", ("t",), COLUMN(name="t", type="date")))
    assert got.X.ravel().tolist() == [1.5, 2.25]
    assert any("read as dates, day.month.year hour:minute" in each for each in got.warnings)


@pytest.mark.parametrize("words", ["yes no", "Yes NO", "true false", "1 0", "ja nein", "Y n", "on off"])
def test_yes_and_no_are_1_and_0_in_many_words(tmp_path, words):
    yes, no = words.split()
    path = tmp_path / "table.csv"
    path.write_text(f"x,y\n{yes},1\n{no},2\n,3\n{yes},4\n")
    got = same_bits(made(path, "y", ("x",), COLUMN(name="x", type="yes/no")))
    assert got.X.ravel().tolist() == [1, 0, 1]
    assert same_bits(made(path, "x", ("y",), COLUMN(name="x", type="yes/no"))).y.tolist() == [1, 0, 1]


def test_several_targets_are_several_columns_of_y(penguins):
    got = same_bits(made(penguins, ("mass", "bill", "tagged"), ("seen", "island"), SEEN,
                         TAGGED, ISLAND))  # fmt: skip
    assert got.y.shape == (4, 3) and got.y[0].tolist() == [3750, np.float32(39.1), 1] and got.rows.classes == ()
    assert same_bits(made(penguins, ("mass", "bill"), ("tagged",), TAGGED)).y.shape == (5, 2)


def test_several_targets_of_numbers_keep_the_lines_short(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y,z\n1,2,3\n4,5,6\n7,,8\n")
    got = same_bits(made(path, ("y", "z"), ("x",)))
    assert got.y.tolist() == [[2, 3], [5, 6]]
    assert got.reading.read[1] == 'target = ["y", "z"]' and got.reading.read[3:] == (
        "table = table.select([*features, *target]).drop_nulls().cast(pl.Float32)",
        'X = torch.tensor(table.select(features).to_numpy(order="c"))',
        'y = torch.tensor(table.select(target).to_numpy(order="c"))',
    )


def test_the_column_of_the_split_is_given_for_each_row_that_is_left(penguins):
    got = same_bits(made(penguins, "mass", ("bill",), split_column="part", train=[0]))
    assert got.rows.which == ("train", "train", "train", "Validation", "test")


def test_duplicates_are_dropped_and_the_first_is_kept(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,k,y,z\n1,a,1,1\n2,b,3,2\n1,a,1,3\n1,b,1,4\n,a,1,5\n")
    got = same_bits(made(path, "y", ("x",), drop_duplicates=True))
    assert got.X.ravel().tolist() == [1, 2]
    assert got.warnings[-1] == "Left out: 2 duplicates."
    category = COLUMN(name="k", type="category")
    got = same_bits(made(path, "y", ("x", "k"), category, drop_duplicates=True))
    assert got.X.tolist() == [[1, 1, 0], [2, 0, 1], [1, 0, 1]]


def test_columns_of_all_types_beside_one_another_keep_their_order(penguins):
    columns = (
        ISLAND, TAGGED, SPECIES, COLUMN(name="mass", missing="mean"), COLUMN(name="bill", missing="median"),
        COLUMN(name="sex", type="category", missing="most frequent", encoding="index"),
        COLUMN(name="seen", type="date", missing="constant", constant="2007-01-01"),
    )  # fmt: skip
    features = ("tagged", "mass", "island", "seen", "bill", "sex")
    got = same_bits(made(penguins, "species", features, *columns, train=[0, 1, 2, 5, 6]))
    assert got.learned.features == (
        "tagged", "mass", "island=Biscoe", "island=Dream", "island=Torgersen", "seen", "bill", "sex",
    )  # fmt: skip
    assert set(got.learned.fills) == {"mass", "bill", "sex", "seen"} and got.X.shape == (8, 8)


def test_numbers_can_be_categories_and_sort_as_text(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,k\n1,10\n2,9\n3,10\n")
    assert same_bits(made(path, "k", ("x",), COLUMN(name="k", type="category"))).rows.classes == ("10", "9")


# -------------------------------------------------------------------------------------------------------- prediction


def test_new_rows_become_x_with_what_the_training_rows_taught(penguins, tmp_path):
    columns = (
        ISLAND, COLUMN(name="mass", missing="mean"), TAGGED,
        COLUMN(name="sex", type="category", missing="most frequent"),
    )  # fmt: skip
    features = ("mass", "island", "tagged", "sex")
    got = made(penguins, "species", features, *columns, SPECIES, train=[0, 1, 2, 4])
    source = ex.Table(path=str(penguins), target="species", features=features, columns=columns)
    again = features_of(Tables().open(penguins), source, got.learned)
    assert again.tobytes() == got.X.tobytes()
    new = tmp_path / "new.csv"
    new.write_text("sex,tagged,island,mass\n,ja,Atlantis,\nfemale,nein,Dream,1\n")
    X = features_of(Tables().open(new), source, got.learned)
    assert X.dtype == np.float32 and X.shape == (2, len(got.learned.features))
    assert dict(zip(got.learned.features, X[0].tolist(), strict=True)) == {
        "mass": got.learned.fills["mass"], "island=Biscoe": 0, "island=Dream": 0, "island=Torgersen": 0, "tagged": 1,
        "sex=female": 1, "sex=male": 0,
    }  # fmt: skip


def test_a_gap_that_nothing_fills_is_refused_with_its_line(penguins):
    island = COLUMN(name="sex", type="category")
    source = ex.Table(path=str(penguins), target="species", features=("bill", "sex"), columns=(island,))
    learned = made(penguins, "mass", ("bill", "sex"), island, train=[0, 1]).learned
    assert "3 rows of 8 with a missing value in bill and sex (first on line 4)" in refusal(
        features_of, Tables().open(penguins), source, learned
    )


# ---------------------------------------------------------------------------------------------------------- refusals

WRONG = {
    "maybe": (COLUMN(name="tagged", type="number"), "'tagged' holds text, such as 'yes' on line 2"),
    "no yes": (COLUMN(name="island", type="yes/no"), "'island' holds 'Biscoe' on line 4, neither yes nor no"),
    "no date": (COLUMN(name="island", type="date"), "'island' holds no dates that can be read, such as 'Torg"),
    "date": (COLUMN(name="seen", type="number"), "'seen' holds dates: choose its type date"),
    "mean of texts": (COLUMN(name="sex", type="category", missing="mean"), "'sex' is a category, which has no mean"),
    "no constant": (COLUMN(name="mass", missing="constant", constant="a lot"), "the constant 'a lot' is no number"),
    "not there": (COLUMN(name="iland"), "no column 'iland': did you mean 'island'?"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_column_that_cannot_be_used_so_is_refused_with_the_remedy(penguins, wrong):
    column, sentence = WRONG[wrong]
    assert sentence in refusal(made, penguins, "bill", (column.name,), column)


def test_a_gap_that_no_training_row_can_fill_is_refused(penguins):
    for column in (COLUMN(name="mass", missing="mean"), COLUMN(name="sex", type="category", missing="most frequent")):
        assert "no value in the training rows" in refusal(
            made, penguins, "island", (column.name,), column, ISLAND, train=[2]
        )


def test_one_class_and_too_many_classes_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,k,n\n" + "".join(f"{i},a,name {i}\n" for i in range(1_100)))
    assert "only one class, 'a'" in refusal(made, path, "k", ("x",), COLUMN(name="k", type="category"))
    assert "1,100 classes" in refusal(made, path, "n", ("x",), COLUMN(name="n", type="category"))
    name = COLUMN(name="n", type="category")
    assert "1,100 categories" in refusal(made, path, "x", ("n",), name, train=np.arange(1_100))


# -------------------------------------------------------------------------------------------------------- suggestions


def test_what_a_person_most_likely_means_is_suggested(tmp_path):
    path = tmp_path / "table.csv"
    lines = [
        (i, f"name {i}", i % 7 + 0.5, "" if i % 3 else i, "ab"[i % 2], ["no", "yes"][i % 2], 1, i % 4 if i > 4 else "")
        for i in range(1, 101)
    ]
    head = "id,name,x,gaps,kind,is_new,constant,class\n"
    path.write_text(head + "".join(",".join(map(str, line)) + "\n" for line in lines))
    source = suggest(Tables().open(path))
    assert source.target == "class" and source.features == ("x", "gaps", "kind", "is_new")
    assert source.columns == (
        COLUMN(name="gaps", missing="median"), COLUMN(name="kind", type="category"),
        COLUMN(name="is_new", type="yes/no"), COLUMN(name="class", type="category"),
    )  # fmt: skip
    rows = read_rows(Tables().open(path), source)
    assert len(rows.y) == 96 and rows.classes == ("0", "1", "2", "3")


def test_a_target_of_0_and_1_is_no_and_yes_and_one_of_numbers_stays_a_number(penguins, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,z,y\n" + "".join(f"{i * 1.5},{i % 2},{i % 2}\n" for i in range(30)))
    assert suggest(Tables().open(path)).columns == (COLUMN(name="y", type="yes/no"),)
    path.write_text("x,y\n" + "".join(f"{i * 1.5},{i}.5\n" for i in range(30)))
    assert suggest(Tables().open(path)).columns == ()


def test_a_column_that_says_which_rows_train_is_no_feature(penguins):
    assert "part" not in suggest(Tables().open(penguins)).features


def test_too_few_usable_columns_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("name,x\n" + "".join(f"name {i},{i}.5\n" for i in range(30)))
    assert "too few columns" in refusal(suggest, Tables().open(path))


def test_the_lines_of_typed_columns_are_as_a_person_would_write_them(penguins):
    columns = (ISLAND, COLUMN(name="mass", missing="mean"), TAGGED)
    got = made(penguins, "species", ("mass", "bill", "tagged", "island"), *columns, SPECIES)
    assert run_lines(got)["X"].shape == got.X.shape
    assert [line for line in got.reading.read if "table" in line][1:] == [
        'table = table.drop_nulls(["bill"])',
        "classes = table[target].cast(pl.String).unique().sort()",
        "y = table[target].cast(pl.String).cast(pl.Enum(classes)).to_physical()  # the place of each row's class",
    ]
    assert list(got.reading.prepare) == [
        "# Learned from the training rows alone: what stands for a missing value, which categories there are",
        "columns = []",
        'x = table.select(pl.col("mass").cast(pl.Float32)).to_series().to_numpy(writable=True)',
        "x[np.isnan(x)] = np.nanmean(x[train], dtype=np.float64)",
        "columns.append(x)",
        'columns.append(table.select(\n    pl.col("bill").cast(pl.Float32),\n'
        '    pl.col("tagged").is_in(["Yes", "yes"]).cast(pl.Float32),\n).to_numpy())',
        'x = table["island"].cast(pl.String)',
        "known = x[train].drop_nulls().unique().sort()",
        "columns += [(x == value).fill_null(False).to_numpy() for value in known]",
        "X = torch.tensor(np.column_stack(columns).astype(np.float32, order=\"C\"))",
    ]


def test_rows_that_are_read_slice_by_slice_are_the_same_rows(penguins, monkeypatch):
    columns = (SPECIES, SEEN, COLUMN(name="mass", missing="median"))
    whole = made(penguins, "species", ("mass", "bill", "seen"), *columns)
    monkeypatch.setattr(table_rows, "SLICE", 3)
    slices = same_bits(made(penguins, "species", ("mass", "bill", "seen"), *columns))
    assert slices.X.tobytes() == whole.X.tobytes() and len(slices.X) == 5
