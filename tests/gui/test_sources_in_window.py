"""Every source of data in a real fit through the window; the exported script repeats each to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import safetensors.numpy
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from engine import experiment as ex
from engine.files import RESOURCES, find_experiment
from gui.steps.data.sources import ENTRIES
from tests.engine.warm import shared
from tests.gui.person import Person

DATA = RESOURCES / "data"
MADE = [entry for group in ENTRIES.values() for entry in group if not entry.place and entry.kind is not ex.Painted]
STROKES = tuple((0.1 * (i % 5), 0.2 * (i // 5) + i % 2, i % 2) for i in range(24))


def assert_fits_and_its_script_repeats_it(person: Person, folder: Path, epochs: int = 5) -> None:
    window = person.window
    window.document.edit("fit", epochs=epochs)
    person.fit()
    losses = window.improve_panel.runs[-1].losses
    assert len(losses) == epochs
    (folder / "script.py").write_text(window.code.text)
    finished = shared().run(folder / "script.py", cwd=folder)
    assert (finished.code, finished.err) == (0, "")
    printed = np.array([line.split()[1:] for line in finished.out.splitlines()[:epochs]], dtype=np.float64)
    assert printed.tobytes() == losses.astype(np.float64).tobytes()


def choose(person: Person, words: str, path: Path | None = None) -> None:
    """Choose a source in step 1; `path` answers the dialog."""
    person.answers.path = path
    combo = person.window.data_panel.source.combo
    combo.setCurrentIndex(combo.findText(words))
    person.prepared_after(lambda: combo.activated.emit(combo.currentIndex()))
    person.wait(lambda: person.window.prepared.experiment == person.window.document.experiment)


@pytest.mark.parametrize("entry", [entry for entry in MADE if entry.kind is not ex.StraightLine], ids=lambda e: e.words)
def test_a_source_that_is_made_is_chosen_and_fitted(person: Person, tmp_path: Path, entry) -> None:
    choose(person, entry.words)
    assert type(person.window.document.experiment.data.source) is entry.kind
    assert_fits_and_its_script_repeats_it(person, tmp_path)


@pytest.mark.parametrize("name", ["iris", "wine", "breast cancer", "diabetes", "digits"])
def test_a_bundled_set_is_fitted(person: Person, tmp_path: Path, name: str) -> None:
    choose(person, "Real data sets")
    person.window.data_panel._field_edited("name", name)
    assert_fits_and_its_script_repeats_it(person, tmp_path)
    assert (person.window.plots.view is person.window.plots.images) is (name == "digits")


def test_points_are_painted_fitted_and_each_stroke_is_undone_alone(person: Person, tmp_path: Path) -> None:
    person.window.document.replace(find_experiment("painted"))
    person.wait(lambda: person.window.prepared.experiment == person.window.document.experiment)
    person.prepared_after(lambda: person.window.plots.painted.emit(STROKES[:20]))
    person.prepared_after(lambda: person.window.plots.painted.emit(STROKES))
    person.wait(lambda: person.window.prepared.experiment == person.window.document.experiment)
    assert_fits_and_its_script_repeats_it(person, tmp_path)
    person.do("undo")  # the epochs
    person.do("undo")
    assert person.window.document.experiment.data.source.points == STROKES[:20]


def test_the_first_strokes_open_no_dialog(person: Person) -> None:
    combo = person.window.data_panel.source.combo
    combo.setCurrentIndex(combo.findText("Painted points"))
    combo.activated.emit(combo.currentIndex())
    person.wait(lambda: "aint" in person.window.status.message)
    person.window.plots.painted.emit(STROKES[:1])
    assert person.answers.errors == []
    person.prepared_after(lambda: person.window.plots.painted.emit(STROKES))


# --------------------------------------------------------------------------------------------------------- tables


def mixed() -> pl.DataFrame:
    """Numbers, a category, yes and no, a date and gaps; the last column is a number."""
    generator = np.random.default_rng(0)
    n = 80
    size = generator.normal(size=n).round(6)
    return pl.DataFrame(
        {
            "size": size,
            "colour": [["red", "green", "blue"][i % 3] for i in range(n)],
            "sold": [["yes", "no"][i % 2] for i in range(n)],
            "weight": [None if i % 10 == 3 else float(i % 7) for i in range(n)],
            "price": (3 * size + 1).round(6),
        }
    )


def numbers() -> np.ndarray:
    return mixed().select(pl.col("size"), (pl.col("size") * 2 + 1).alias("twice"), pl.col("price")).to_numpy()


TABLES: dict[str, Callable[[Path], object]] = {
    "t.csv": lambda path: mixed().write_csv(path),
    "t.tsv": lambda path: mixed().write_csv(path, separator="\t"),
    "t.parquet": lambda path: mixed().write_parquet(path),
    "t.xlsx": lambda path: write_excel(path),
    "t.npy": lambda path: np.save(path, numbers()),
    "t.npz": lambda path: np.savez(path, rows=numbers()),
    "t.safetensors": lambda path: safetensors.numpy.save_file({"rows": numbers().astype(np.float32)}, path),
}


def write_excel(path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the workbook")
    book = openpyxl.Workbook()
    for row in [mixed().columns, *mixed().rows()]:
        book.active.append(row)
    book.save(path)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_each_format_is_chosen_and_fitted(person: Person, tmp_path: Path, name: str) -> None:
    TABLES[name](tmp_path / name)
    choose(person, "Table", tmp_path / name)
    source = person.window.document.experiment.data.source
    assert isinstance(source, ex.Table) and len(source.features) >= 2
    if name == "t.csv":
        assert (source.target, source.features) == ("price", ("size", "colour", "sold", "weight"))
        assert source.column("colour").type == "category" and source.column("sold").type == "yes/no"
        assert person.window.prepared.features[1:4] == ("colour=blue", "colour=green", "colour=red")
    assert_fits_and_its_script_repeats_it(person, tmp_path)


def test_a_target_that_is_a_category_is_fitted_as_classes(person: Person, tmp_path: Path) -> None:
    mixed().select("size", "weight", "colour").write_csv(tmp_path / "t.csv")
    choose(person, "Table", tmp_path / "t.csv")
    assert person.window.prepared.classes == ("blue", "green", "red")
    assert isinstance(person.window.document.experiment.fit.loss, ex.CrossEntropyLoss)
    assert_fits_and_its_script_repeats_it(person, tmp_path)
    assert person.window.evaluate_panel._values["accuracy"].text().endswith("%")


def test_several_targets_scaling_and_a_split_by_column_are_fitted(person: Person, tmp_path: Path) -> None:
    which = pl.Series("set", ["train", "train", "test", "validation"] * 20)
    mixed().with_columns(which).write_csv(tmp_path / "t.csv")
    choose(person, "Table", tmp_path / "t.csv")
    source = ex.Table(path=str(tmp_path / "t.csv"), target=("price", "weight"), features=("size",))
    source = ex.replace(source, columns=(ex.Column(name="weight", missing="mean"),))
    experiment = person.window.document.experiment
    data = ex.Data(
        source=source, split=ex.Split(method="by column", column="set"),
        scaling=ex.Scaling(features="standardise", target="min-max"),
    )  # fmt: skip
    person.window.document.replace(ex.replace(experiment, data=data, model=ex.Layers()))
    assert_fits_and_its_script_repeats_it(person, tmp_path)
    assert person.window.prepared.shapes[0].startswith("X_train [")


def test_a_table_is_pasted_from_the_clipboard_and_kept_as_a_file(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(person.window.settings), "pasted", property(lambda _: tmp_path / "pasted"))
    QApplication.clipboard().setText(mixed().write_csv(separator="\t"))
    person.prepared_after(lambda: person.do("paste_data"))
    source = person.window.document.experiment.data.source
    assert isinstance(source, ex.Table) and Path(source.path).parent == tmp_path / "pasted"
    assert_fits_and_its_script_repeats_it(person, tmp_path)


def test_a_file_dropped_onto_the_window_becomes_the_data(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    mixed().write_csv(path)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    place, copy = QPointF(50, 50), Qt.DropAction.CopyAction
    enter = QDragEnterEvent(place.toPoint(), copy, data, no_button, no_key)
    QApplication.sendEvent(person.window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(place, copy, data, no_button, no_key)
    person.prepared_after(lambda: QApplication.sendEvent(person.window, drop))
    assert person.window.document.experiment.data.source.path == str(path)


# ------------------------------------------------------------------------------- pictures, texts, windows, streams


def pictures(folder: Path) -> Path:
    generator = np.random.default_rng(1)
    for place, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(0, 120, (16, 16, 3)) + 120 * place
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


def test_a_folder_of_pictures_is_fitted_with_augmentation(person: Person, tmp_path: Path) -> None:
    choose(person, "Pictures in folders", pictures(tmp_path / "pets"))
    assert person.window.prepared.images is not None
    change = ex.Augmentation(flip=True, rotate=10.0, crop=2, colour=0.2)
    person.window.document.edit("data.source", augmentation=change, size=12)
    assert_fits_and_its_script_repeats_it(person, tmp_path)


def test_a_folder_of_texts_is_fitted(person: Person, tmp_path: Path) -> None:
    for label, words in (("good", "a lovely warm evening"), ("bad", "such a cold grey day")):
        (tmp_path / "texts" / label).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "texts" / label / f"{number}.txt").write_text(f"{words} number {number}")
    choose(person, "Texts in folders", tmp_path / "texts")
    assert person.window.prepared.texts is not None
    assert_fits_and_its_script_repeats_it(person, tmp_path)


def test_texts_in_a_table_are_fitted(person: Person, tmp_path: Path) -> None:
    choose(person, "Texts in a table", DATA / "remarks.csv")
    assert_fits_and_its_script_repeats_it(person, tmp_path)


def test_columns_over_time_are_fitted(person: Person, tmp_path: Path) -> None:
    choose(person, "Columns over time", DATA / "weather.csv")
    assert person.window.plots.view is person.window.plots.series
    person.window.document.edit("data", scaling=ex.Scaling(features="standardise", target="standardise"))
    assert_fits_and_its_script_repeats_it(person, tmp_path)


def test_parquet_that_stays_on_disk_is_fitted(person: Person, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=3000).astype(np.float32)
    pl.DataFrame({"x": x, "y": 2 * x + 1}).write_parquet(tmp_path / "rows.parquet", row_group_size=500)
    choose(person, "Large Parquet file", tmp_path / "rows.parquet")
    assert isinstance(person.window.document.experiment.data.source, ex.ParquetStream)
    assert_fits_and_its_script_repeats_it(person, tmp_path)


# ------------------------------------------------------------------------------------------- what was seen in it


def test_a_guard_offers_its_mend_and_one_click_makes_it(person: Person, tmp_path: Path) -> None:
    mixed().with_columns(copy=pl.col("price"), same=pl.lit(7)).select(
        "size", "copy", "same", "price"
    ).write_csv(tmp_path / "t.csv")
    person.prepared_after(
        lambda: person.window.document.edit(
            "data", source=ex.Table(path=str(tmp_path / "t.csv"), target="price", features=("size", "copy", "same"))
        )
    )
    assert {guard.mend for guard in person.window.prepared.guards} == {"Leave out copy", "Leave out same"}
    guard = next(guard for guard in person.window.prepared.guards if guard.mend == "Leave out copy")
    person.prepared_after(lambda: person.window.data_panel.guards.mended.emit(guard.experiment))
    assert person.window.document.experiment.data.source.features == ("size", "same")
    person.prepared_after(lambda: person.do("undo"))
    assert "copy" in person.window.document.experiment.data.source.features


def test_what_remains_to_be_mended_stays_in_sight(person: Person, tmp_path: Path) -> None:
    table = mixed().with_columns(pl.col("price").alias("copy"), pl.lit(7).alias("same"))
    table.select("size", "copy", "same", "price").write_csv(tmp_path / "t.csv")
    source = ex.Table(path=str(tmp_path / "t.csv"), target="price", features=("size", "copy", "same"))
    person.window.steps.open(1)
    person.prepared_after(lambda: person.window.document.edit("data", source=source))
    guards = person.window.data_panel.guards
    for mend in ("Leave out copy", "Leave out same"):
        assert guards.isVisible() and guards.height() > 40
        guard = next(guard for guard in person.window.prepared.guards if guard.mend == mend)
        person.prepared_after(lambda guard=guard: guards.mended.emit(guard.experiment))
    assert not guards.isVisible()


def test_where_nothing_can_be_built_step_1_says_why_and_so_does_fit(person: Person, tmp_path: Path) -> None:
    mixed().write_csv(tmp_path / "t.csv")
    source = ex.Table(path=str(tmp_path / "t.csv"), target="colour", features=("size",))
    person.window.document.edit("data", source=source)
    person.wait(lambda: bool(person.answers.errors))
    assert "'colour'" in person.answers.errors.pop()[0]
    assert "'colour'" in person.window.data_panel._shapes.text()
    assert [header.done for header in person.window.steps.headers][:2] == [False, False]
    person.window.trainer.fit()
    person.wait(lambda: bool(person.answers.errors))
    assert "'colour'" in person.answers.errors.pop()[0]
    person.prepared_after(lambda: person.do("undo"))
    assert [header.done for header in person.window.steps.headers][:2] == [True, True]


@pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform has no way to raise a list
def test_arrow_keys_in_the_list_of_sources_open_the_list_and_ask_for_no_file(person: Person) -> None:
    person.window.steps.open(1)
    combo = person.window.data_panel.source.combo
    person.wait(combo.isVisible)
    combo.setCurrentIndex(combo.findText("Real data sets"))  # the next one asks for a file
    person.qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentText() == "Real data sets" and combo.view().isVisible()
    combo.hidePopup()
    assert person.window.document.experiment == ex.Experiment()


def test_all_rows_stand_in_a_table_and_the_test_rows_stay_sealed_until_step_4(person: Person) -> None:
    person.prepared_after(lambda: person.window.document.replace(find_experiment("diabetes")))
    person.do("rows")
    person.wait(lambda: person.window.middle.rows.model.rowCount() == 442)
    model = person.window.middle.rows.model
    splits = model.splits(range(442))
    texts = model.texts(0, range(442))
    assert {text == "sealed" for text, split in zip(texts, splits, strict=True) if split == 2} == {True}
    assert "sealed" not in {text for text, split in zip(texts, splits, strict=True) if split != 2}
    assert "Test loss" not in person.window.plots.loss.legend_names
    person.fit()
    assert not person.window.actions_["rows"].isChecked(), "the plots are back while it learns"
    assert "Test loss" in person.window.plots.loss.legend_names
    person.do("rows")
    person.wait(lambda: not model.sealed)
    assert "sealed" not in model.texts(0, range(442))


def test_a_broken_file_changes_nothing_and_says_why(person: Person, tmp_path: Path) -> None:
    before = person.window.document.experiment
    (tmp_path / "broken.csv").write_text("a,b\n1,2\n3,4,5\n")
    person.answers.path = tmp_path / "broken.csv"
    person.window.filing.choose_table()
    person.wait(lambda: bool(person.answers.errors))
    (sentence, details), = person.answers.errors
    person.answers.errors.clear()
    assert "broken.csv: line 3" in sentence and not details
    assert person.window.document.experiment == before
    person.fit()
