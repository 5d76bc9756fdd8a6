"""`fit --data` with any file or folder, and `predict` with raw new rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from engine import experiment as ex
from engine.files import RESOURCES, read_experiment

DATA = RESOURCES / "data"


def mixed(n: int = 90) -> pl.DataFrame:
    """A category, a date, yes and no, a gap here and there; the price follows from them."""
    generator = np.random.default_rng(0)
    size = generator.uniform(20, 120, n).round(2)
    town = [["Bern", "Basel", "Genf"][i % 3] for i in range(n)]
    price = [10 * s + 300 * (t == "Genf") for s, t in zip(size, town, strict=True)]
    return pl.DataFrame(
        {
            "size": size,
            "town": town,
            "lift": [["yes", "no"][i % 2] for i in range(n)],
            "floor": [None if i % 9 == 4 else i % 6 for i in range(n)],
            "price": price,
        }
    )


def source_of(folder: Path) -> ex.Source:
    return read_experiment(folder / "out" / "experiment.toml").data.source


def fit(sixstep, *arguments: object) -> None:
    finished = sixstep("fit", "straight-line", "--out", "out", "--epochs", 4, *arguments)
    assert finished.code == 0, finished.err


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_what_a_table_s_columns_are_is_found_out(sixstep, tmp_path, name):
    mixed().write_csv(tmp_path / name) if name == "t.csv" else mixed().write_parquet(tmp_path / name)
    fit(sixstep, "--data", name)
    source = source_of(tmp_path)
    assert isinstance(source, ex.Table) and source.target == "price"
    assert source.features == ("size", "town", "lift", "floor")
    assert [source.column(name).type for name in source.features] == ["number", "category", "yes/no", "number"]


def test_a_category_is_a_target_and_brings_the_loss_and_the_accuracy(sixstep, tmp_path):
    mixed().write_csv(tmp_path / "t.csv")
    fit(sixstep, "--data", "t.csv", "--target", "lift", "--features", "size,floor")
    experiment = read_experiment(tmp_path / "out" / "experiment.toml")
    assert isinstance(experiment.fit.loss, ex.CrossEntropyLoss)
    assert "test_accuracy" in (tmp_path / "out" / "metrics.json").read_text()


def test_several_targets_are_named_with_commas(sixstep, tmp_path):
    mixed().write_csv(tmp_path / "t.csv")
    fit(sixstep, "--data", "t.csv", "--target", "price,size", "--features", "town", "--set", "model.kind=layers")
    assert source_of(tmp_path).targets == ("price", "size")


def test_a_folder_of_pictures_is_known_by_its_files(sixstep, tmp_path):
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (9, 9), (100 * place, 10 * number, 0)).save(tmp_path / "pets" / name / f"{number}.png")
    fit(sixstep, "--data", "pets", "--set", "data.source.size=8")
    assert source_of(tmp_path) == ex.Images(path=str(tmp_path / "pets"), size=8)


def test_a_folder_of_texts_is_known_by_its_files_and_new_texts_are_predicted(sixstep, tmp_path):
    for label, words in (("good", "a lovely warm evening"), ("bad", "such a cold grey day")):
        (tmp_path / "texts" / label).mkdir(parents=True)
        for number in range(12):
            (tmp_path / "texts" / label / f"{number}.txt").write_text(f"{words} {number}")
    fit(sixstep, "--data", "texts", "--epochs", 60, "--set", "fit.optimizer.name=Adam", "--set", "fit.optimizer.lr=0.1")
    (tmp_path / "new.csv").write_text("text,other\nlovely evening,1\ncold day,2\n")
    assert sixstep("predict", "out/model.pt", "new.csv", "--out", "p.csv").code == 0
    assert pl.read_csv(tmp_path / "p.csv")["predicted_label"].to_list() == ["good", "bad"]


def test_a_folder_of_nothing_known_is_refused(sixstep, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a.pdf").write_bytes(b"%PDF")
    finished = sixstep("fit", "straight-line", "--out", "out", "--data", "odd")
    assert finished.code == 2 and finished.err.startswith("Error: odd has no pictures")
    assert finished.err.count("\n") == 1


def test_columns_over_time_are_asked_for_and_the_next_value_of_new_ones_is_predicted(sixstep, tmp_path):
    fit(sixstep, "--data", DATA / "weather.csv", "--as", "sequences", "--target", "temperature",
        "--set", "data.source.length=10", "--set", "data.scaling.target=standardise")  # fmt: skip
    source = source_of(tmp_path)
    assert isinstance(source, ex.Sequences) and (source.target, source.length) == ("temperature", 10)
    rows = pl.read_csv(DATA / "weather.csv").tail(12)
    rows.write_csv(tmp_path / "new.csv")
    assert sixstep("predict", "out/model.pt", "new.csv", "--out", "p.csv").code == 0
    predicted = pl.read_csv(tmp_path / "p.csv")
    assert predicted["rows up to"].to_list() == [10, 11, 12] and predicted["row predicted"].to_list() == [11, 12, 13]
    assert predicted["predicted_temperature"].is_between(-60, 60).all(), "in degrees, not as it was scaled"


def test_large_parquet_is_asked_for(sixstep, tmp_path):
    x = np.linspace(0, 1, 2000, dtype=np.float32)
    pl.DataFrame({"x": x, "y": 2 * x}).write_parquet(tmp_path / "rows.parquet")
    fit(sixstep, "--data", "rows.parquet", "--as", "parquet-stream")
    assert source_of(tmp_path) == ex.ParquetStream(path=str(tmp_path / "rows.parquet"), target="y", features=("x",))


def test_raw_new_rows_are_filled_encoded_and_scaled_as_in_training(sixstep, tmp_path):
    mixed().write_csv(tmp_path / "t.csv")
    (tmp_path / "e.toml").write_text(
        '[data.source]\nkind = "table"\npath = "t.csv"\ntarget = "price"\nfeatures = ["size", "town", "floor"]\n'
        'columns = [{ name = "town", type = "category" }, { name = "floor", missing = "median" }]\n'
        '[data.scaling]\nfeatures = "standardise"\ntarget = "standardise"\n[model]\nkind = "linear-layer"\n'
        '[fit.loss]\nname = "MSELoss"\n[fit.optimizer]\nname = "SGD"\nlr = 0.1\n'
    )
    assert sixstep("fit", "e.toml", "--out", "out", "--epochs", 400).code == 0
    (tmp_path / "new.csv").write_text("town,floor,size\nGenf,,100\nBasel,2,50\nnowhere,2,50\n")
    finished = sixstep("predict", "out/model.pt", "new.csv", "--out", "p.csv")
    assert finished.code == 0, finished.err
    predicted = pl.read_csv(tmp_path / "p.csv")
    assert predicted.columns == ["size", "town", "floor", "predicted_price"]
    assert predicted["predicted_price"][:2].to_list() == pytest.approx([1300, 500], abs=25)


def test_a_new_row_that_nothing_fills_is_refused_with_its_line(sixstep, tmp_path):
    mixed().drop("floor", "lift", "town").write_csv(tmp_path / "t.csv")
    fit(sixstep, "--data", "t.csv")
    (tmp_path / "new.csv").write_text("size\n1\n\n3\n")
    finished = sixstep("predict", "out/model.pt", "new.csv", "--out", "p.csv")
    assert finished.code == 2 and "line 3" in finished.err and not (tmp_path / "p.csv").exists()


def test_predicted_classes_have_their_names(sixstep, tmp_path):
    assert sixstep("fit", "iris", "--out", "out").code == 0
    names = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    pl.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], schema=names, orient="row").write_csv(tmp_path / "n.csv")
    assert sixstep("predict", "out/model.pt", "n.csv", "--out", "p.csv").code == 0
    assert pl.read_csv(tmp_path / "p.csv")["predicted_class"].to_list() == ["setosa", "virginica"]


@pytest.mark.parametrize("kind", ["polynomial", "sine", "circles", "moons", "blobs", "xor", "spirals", "bundled"])
def test_another_kind_is_set_by_hand_with_the_loss_that_goes_with_it(sixstep, tmp_path, kind):
    is_class = kind not in ("polynomial", "sine")
    loss = ["--set", "fit.loss.name=CrossEntropyLoss", "--set", "model.kind=layers"] if is_class else []
    split = ["--set", "data.split.method=random"]
    fit(sixstep, "--set", f"data.source.kind={kind}", *loss, *split)
    assert source_of(tmp_path).__struct_config__.tag == kind


def test_a_loss_that_does_not_suit_is_refused_with_those_that_do(sixstep):
    finished = sixstep("fit", "straight-line", "--out", "out", "--set", "data.source.kind=moons")
    assert finished.code == 2 and "choose BCEWithLogitsLoss or CrossEntropyLoss" in finished.err
