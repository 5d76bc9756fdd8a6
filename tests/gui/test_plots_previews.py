"""Pictures, series and texts: what suits the data is shown, and what the model takes for something else is marked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.frames import ImagePreview, Prepared, SeriesPreview, TextPreview
from gui.plots.area import PlotArea
from gui.plots.images import WRONG
from gui.theme import DARK, LIGHT
from tests.gui.plotted import classes, frame, numbers, prepared, shows


@pytest.fixture
def area(qtbot: QtBot) -> Iterator[PlotArea]:
    area = PlotArea()
    qtbot.addWidget(area)
    area.resize(800, 800)
    area.apply_theme(LIGHT)
    area.show()
    yield area


NAMES = ("pizza", "steak", "<b>sushi</b>")
LABELS = np.array([0, 1, 2, 0, 1, 0])


def without_columns(**fields: object) -> Prepared:
    """60 training and 30 test rows of three classes that are no rows of numbers."""
    return prepared(
        {"train": (np.empty((60, 0)), np.arange(60) % 3), "test": (np.empty((30, 0)), np.array([0] * 20 + [1] * 10))},
        features=(), task="classification", classes=NAMES, drawn=np.array([4, 9, 17]), **fields,
    )  # fmt: skip


def pictures(channels: int = 3) -> Prepared:
    """Six of the rows as pictures: three of them are test rows whose predictions are drawn."""
    pixels = np.zeros((6, 4, 4, channels), np.uint8)
    pixels[..., 0] = np.array([250, 0, 0, 250, 0, 250])[:, np.newaxis, np.newaxis]
    splits = ("train", "train", "train", "test", "test", "test")
    preview = ImagePreview(pixels, LABELS, splits, np.array([3, 7, 11, 4, 9, 17]))
    return without_columns(images=preview)


def text_of(area: PlotArea, row: int) -> str:
    return str(area.images.model.index(row).data(Qt.ItemDataRole.AccessibleTextRole))


def test_what_suits_the_data_is_shown(area: PlotArea) -> None:
    for data, view in (
        (numbers(), area.scatter), (pictures(), area.images), (series(), area.series), (texts(), area.texts),
        (classes(), area.scatter),
    ):  # fmt: skip
        area.show_prepared(data)
        assert area.data.currentWidget() is view
        assert view.isVisible()
        n = len(data.points["test"].y) if data.drawn is None else len(data.drawn)
        area.show_frame(frame(np.zeros(n, np.int64), tuple(data.points)), 10)
        area.catch_up()
        area.apply_theme(DARK)
        area.apply_theme(LIGHT)
        area.grab()


# --------------------------------------------------------------------------------------- pictures


def test_pictures_have_their_class_and_each_class_its_count(area: PlotArea) -> None:
    area.show_prepared(pictures())
    grid = area.images
    expected = [NAMES[LABELS[place]] for place in (3, 4, 5, 0, 1, 2)]
    assert [grid.model.index(row).data() for row in range(6)] == expected, "those of the test set come first"
    offered = [grid.filter.itemText(index) for index in range(grid.filter.count())]
    assert offered == ["all classes (90)", "pizza (40)", "steak (30)", "<b>sushi</b> (20)"]
    assert grid.summary.text() == "6 of 90 pictures: 60 train, 30 test"


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_s_pixels_are_what_is_seen(area: PlotArea, channels: int) -> None:
    area.show_prepared(pictures(channels))
    QApplication.processEvents()
    view = area.images.view
    colors = ("#fa0000", "#000000") if channels == 3 else ("#fafafa", "#000000")
    for row, color in zip((0, 1), colors, strict=True):
        assert shows(view.viewport(), view.visualRect(area.images.model.index(row)).center() - QPoint(0, 20), color, 4)


def test_one_class_alone_is_shown(area: PlotArea) -> None:
    area.show_prepared(pictures())
    area.images.filter.setCurrentIndex(1)
    model = area.images.model
    assert [model.index(row).data() for row in range(model.rowCount())] == ["pizza"] * 3
    area.show_prepared(pictures())
    assert model.rowCount() == 3, "a new session of the same classes keeps the choice"
    area.images.filter.setCurrentIndex(0)
    assert model.rowCount() == 6


def test_test_pictures_that_are_taken_for_another_class_are_marked(area: PlotArea) -> None:
    area.show_prepared(pictures())
    area.show_frame(frame(np.array([0, 0, 2])), 10)  # rows 4, 9 and 17 of the test set
    model = area.images.model
    assert [model.index(row).data(WRONG) for row in range(6)] == ["", "pizza", "<b>sushi</b>", "", "", ""]
    assert text_of(area, 0) == "pizza: Test data, row 4, predicted pizza"
    assert text_of(area, 1) == "steak: Test data, row 9, predicted pizza (wrong)"
    assert text_of(area, 3) == "pizza: Training data, row 3"
    QApplication.processEvents()
    view = area.images.view
    for row, is_marked in ((0, False), (1, True)):
        cell = view.visualRect(model.index(row))
        left_of_picture = QPoint(cell.center().x() - 37, cell.top() + 40)
        assert shows(view.viewport(), left_of_picture, LIGHT.prediction) == is_marked
    area.show_frame(frame(np.array([0, 1, 0])), 10)
    assert not any(model.index(row).data(WRONG) for row in range(6))


def test_tips_of_pictures_are_not_read_as_html(area: PlotArea) -> None:
    area.show_prepared(pictures())
    tip = area.images.model.index(5).data(Qt.ItemDataRole.ToolTipRole)
    assert "<b>" not in tip
    assert "&lt;b&gt;sushi" in tip


def test_the_grid_is_walked_through_with_the_arrow_keys(area: PlotArea) -> None:
    area.show_prepared(pictures())
    QApplication.processEvents()
    view = area.images.view
    view.setCurrentIndex(area.images.model.index(0))
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.currentIndex().row() == 1
    QTest.keyClick(view, Qt.Key.Key_End)
    assert view.currentIndex().row() == 5
    assert view.accessibleName() and area.images.filter.accessibleName()


# ---------------------------------------------------------------------------------------- series


def series(n: int = 1_000) -> Prepared:
    values = np.sin(np.arange(n, dtype=np.float32) / 30)
    cuts = {"train": 0, "validation": n * 6 // 10, "test": n * 8 // 10}
    positions = np.arange(n * 8 // 10 + 5, n, 5)
    row = (np.empty((1, 1)), np.float32([0]))
    return prepared(
        dict.fromkeys(cuts, row), target="wind", drawn=np.arange(len(positions)),
        series=SeriesPreview(values, cuts, positions),
    )  # fmt: skip


def test_a_series_is_drawn_whole_with_each_split_in_its_colour(area: PlotArea) -> None:
    data = series()
    area.show_prepared(data)
    area.grab()
    plot = area.series
    assert plot.legend_names == ["Training data", "Validation data", "Test data", "Predictions"]
    regions = {split: shade.getRegion() for split, shade in plot.shades.items()}
    assert regions == {"train": (0, 600), "validation": (600, 800), "test": (800, 1000)}
    for split, curve in plot.curves.items():
        assert curve.opts["pen"].color().name() == LIGHT.splits[split]
    ends = [(curve.xData[0], curve.xData[-1]) for curve in plot.curves.values()]
    assert ends == [(0, 600), (600, 800), (800, 999)], "without a gap"
    for curve in plot.curves.values():
        np.testing.assert_array_equal(curve.yData, data.series.values[curve.xData.astype(int)])


def test_predictions_of_a_series_lie_over_the_rows_they_are_about(area: PlotArea) -> None:
    data = series()
    area.show_prepared(data)
    y_pred = np.arange(len(data.drawn), dtype=np.float32)
    area.show_frame(frame(y_pred, tuple(data.points)), 10)
    np.testing.assert_array_equal(area.series.predictions.xData, data.series.positions)
    np.testing.assert_array_equal(area.series.predictions.yData, y_pred)


def test_a_long_series_is_drawn_with_its_spikes_and_closer_up_row_by_row(area: PlotArea) -> None:
    data = series(1_000_000)
    data.series.values[123_456] = 50
    area.show_prepared(data)
    area.grab()
    curve = area.series.curves["train"]
    assert len(curve.xData) < 2_000
    assert curve.yData.max() == 50
    area.series.item.getViewBox().setXRange(123_400, 123_500, padding=0)
    np.testing.assert_array_equal(curve.yData, data.series.values[123_399:123_502])
    area.series.show_all()
    assert area.series.item.getViewBox().viewRange()[0][1] > 999_999


def test_the_view_of_a_series_is_new_only_with_new_values(area: PlotArea) -> None:
    data = series()
    area.show_prepared(data)
    box = area.series.item.getViewBox()
    box.setXRange(100, 200, padding=0)
    area.show_prepared(data)
    assert box.viewRange()[0] == [100, 200]


# ----------------------------------------------------------------------------------------- texts


def texts() -> Prepared:
    words = tuple(f"text {row}\nwith <i>marks</i>" for row in range(6))
    splits = ("train", "train", "train", "test", "test", "test")
    return without_columns(texts=TextPreview(words, LABELS, splits, np.array([3, 7, 11, 4, 9, 17])))


def test_texts_stand_in_lines_with_class_and_prediction(area: PlotArea) -> None:
    area.show_prepared(texts())
    area.show_frame(frame(np.array([0, 0, 2])), 10)
    model = area.texts.model
    lines = [[model.index(row, column).data() for column in range(4)] for row in (3, 0, 1)]
    assert lines == [
        ["train", "pizza", "", "text 0 with <i>marks</i>"],
        ["test", "pizza", "pizza", "text 3 with <i>marks</i>"],
        ["test", "steak", "pizza", "text 4 with <i>marks</i>"],
    ]
    colors = [model.index(row, 3).data(Qt.ItemDataRole.ForegroundRole) for row in (3, 0, 1)]
    assert [color and color.name() for color in colors] == [None, None, LIGHT.prediction]
    assert "&lt;i&gt;" in model.index(0, 3).data(Qt.ItemDataRole.ToolTipRole)
    area.texts.filter.setCurrentIndex(2)
    assert [model.index(row, 1).data() for row in range(model.rowCount())] == ["steak", "steak"]
