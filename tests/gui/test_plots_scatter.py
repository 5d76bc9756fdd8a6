"""The scatter plot: any numbers between any two axes, in colours that all can tell apart, up to a million points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from gui.plots.cloud_item import shades
from gui.plots.scatter import ScatterPlot
from gui.theme import DARK, LIGHT
from tests.gui.plotted import classes, mouse, numbers, pixel, prepared, shows

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # offscreen tips cannot be raised


@pytest.fixture
def plot(qtbot: QtBot) -> Iterator[ScatterPlot]:
    plot = ScatterPlot()
    qtbot.addWidget(plot)
    plot.resize(700, 420)
    plot.apply_theme(LIGHT)
    plot.show()
    yield plot


def see(plot: ScatterPlot) -> None:
    """Let the plot be laid out and painted."""
    QApplication.processEvents()
    plot.grab()


def all_in_view(plot: ScatterPlot) -> bool:
    (left, right), (bottom, top) = plot.item.getViewBox().viewRange()
    x, y = plot.points.cloud.x, plot.points.cloud.y
    return bool(left <= x.min() and right >= x.max() and bottom <= y.min() and top >= y.max())


# ------------------------------------------------------------------------------------------ axes


def test_one_feature_shows_train_test_and_predictions_and_nothing_to_choose(plot: ScatterPlot) -> None:
    plot.show_data(prepared({"train": ([[0.0], [1]], [0.0, 1]), "test": ([[2.0]], [2.0])}))
    plot.show_predictions(np.float32([1.5]))
    see(plot)
    assert plot.legend_names == ["Training data", "Test data", "Predictions"]
    assert not plot.x_axis.isVisible()
    assert not plot.color.isVisible()
    assert (plot.predictions.x.tolist(), plot.predictions.y.tolist()) == ([2], [1.5])
    at = [pixel(plot, *place) for place in ((0, 0), (2, 2), (2, 1.5))]
    for place, color in zip(at, (LIGHT.train, LIGHT.test, LIGHT.prediction), strict=True):
        assert shows(plot.plot.viewport(), place, color)


def test_several_features_begin_with_the_prediction_over_the_true_value(plot: ScatterPlot) -> None:
    data = numbers()
    plot.show_data(data)
    plot.show_predictions(data.points["test"].y + 1)
    assert plot.legend_names == ["Predictions for the test data"]
    assert plot.item.getAxis("bottom").labelText == "true price"
    assert plot.item.getAxis("left").labelText == "predicted price"
    assert len(plot.points.cloud.x) == 0
    np.testing.assert_array_equal(plot.predictions.x, data.points["test"].y)
    np.testing.assert_array_equal(plot.predictions.y, data.points["test"].y + 1)


def test_every_axis_can_be_chosen_for_x_and_for_y(plot: ScatterPlot) -> None:
    data = numbers()
    plot.show_data(data)
    offered = [plot.x_axis.itemText(index) for index in range(plot.x_axis.count())]
    assert offered == ["x: true value", "x: predicted", "x: x1", "x: x2", "x: x3", "x: PCA 1", "x: PCA 2"]
    plot.show_predictions(data.points["test"].y * 2)
    for index in range(plot.x_axis.count()):
        plot.x_axis.setCurrentIndex(index)
        for other in range(plot.y_axis.count()):
            plot.y_axis.setCurrentIndex(other)
            see(plot)
            kinds = {axis.kind for axis in plot.axes}
            assert len(kinds) == 2 or kinds <= {"feature", "pca"}, "true over true says nothing"
            assert bool(len(plot.points.cloud.x)) == ("predicted" not in kinds)
            assert bool(len(plot.predictions.x)) == bool(kinds & {"true", "predicted"})


def test_from_the_true_value_to_a_feature_the_rows_themselves_come_into_view(plot: ScatterPlot) -> None:
    plot.show_data(numbers())
    plot.x_axis.setCurrentText("x: x2")
    assert plot.y_axis.currentText() == "y: true value"
    assert plot.legend_names == ["Training data", "Test data", "Predictions"]
    see(plot)
    assert len(plot.points.cloud.x) == 100
    assert all_in_view(plot)
    plot.x_axis.setCurrentText("x: true value")
    assert plot.y_axis.currentText() == "y: predicted"


def test_many_features_of_classes_begin_with_the_principal_axes_of_the_training_rows(plot: ScatterPlot) -> None:
    plot.show_data(classes(columns=5))
    assert [combo.currentText() for combo in (plot.x_axis, plot.y_axis)] == ["x: PCA 1", "y: PCA 2"]
    assert plot.item.getAxis("bottom").labelText.endswith("% of the variance)")
    x = np.concatenate([points.X for points in plot._prepared.points.values()])[plot.points.cloud.rows]
    train = plot._prepared.points["train"].X
    first = np.linalg.svd(train - train.mean(axis=0))[2][0]
    assert abs(np.corrcoef(x @ first, plot.points.cloud.x)[0, 1]) > 0.9999


def test_what_is_chosen_stays_when_the_same_question_is_prepared_again(plot: ScatterPlot) -> None:
    plot.show_data(numbers())
    plot.x_axis.setCurrentText("x: x3")
    sorted_once = plot.points.cloud
    plot.show_data(numbers())
    assert plot.x_axis.currentText() == "x: x3"
    assert plot.points.cloud is sorted_once, "the same rows need no sorting"
    plot.show_data(numbers(rows=50))
    assert len(plot.points.cloud.x) == 50
    plot.show_data(numbers(columns=4))
    assert plot.x_axis.currentText() == "x: true value"


def test_data_of_another_kind_takes_the_place_of_what_was_there(plot: ScatterPlot) -> None:
    for data in (numbers(), classes(), prepared({"train": ([[0.0]], [0.0]), "test": ([[2.0]], [2.0])}), numbers()):
        plot.show_data(data)
        plot.show_predictions(data.points["test"].y)
        see(plot)
        assert plot.x_axis.isVisible() == (len(data.features) > 1)


def test_values_that_are_not_finite_are_left_out_and_do_not_spoil_the_view(plot: ScatterPlot) -> None:
    plot.show_data(prepared({"train": ([[0.0], [np.nan], [1]], [0.0, 1, np.inf]), "test": ([[2.0]], [2.0])}))
    plot.show_predictions(np.float32([np.nan]))
    see(plot)
    assert plot.points.cloud.x.tolist() == [0, 2]
    assert np.isfinite(plot.item.getViewBox().viewRange()).all()


# ---------------------------------------------------------------------------------------- classes


def test_classes_have_their_colours_test_rows_an_outline_and_wrong_ones_a_red_ring(plot: ScatterPlot) -> None:
    data = prepared(
        {"train": ([[0, 0], [4, 0]], [0, 1]), "test": ([[0, 4], [4, 4]], [0, 1])},
        task="classification", classes=("ham", "spam"),
    )  # fmt: skip
    plot.show_data(data)
    plot.show_predictions(np.array([0, 0]))
    see(plot)
    assert plot.legend_names == ["ham", "spam", "Test data", "Wrong predictions"]
    viewport = plot.plot.viewport()
    for place, number in (((0, 0), 0), ((4, 0), 1), ((0, 4), 0), ((4, 4), 1)):
        assert shows(viewport, pixel(plot, *place), LIGHT.classes[number])
    assert (plot.predictions.x.tolist(), plot.predictions.y.tolist()) == ([4], [4])
    assert shows(viewport, pixel(plot, 4, 4) + QPoint(6, 0), LIGHT.prediction)
    assert not shows(viewport, pixel(plot, 0, 4) + QPoint(6, 0), LIGHT.prediction)
    assert shows(viewport, pixel(plot, 0, 4) + QPoint(4, 0), LIGHT.text)
    assert not shows(viewport, pixel(plot, 0, 0) + QPoint(4, 0), LIGHT.text)


def test_more_than_eight_classes_differ_in_shape_as_well(plot: ScatterPlot) -> None:
    plot.show_data(classes(n=20, rows=400))
    looks = {(mark.color, mark.shape) for mark in plot.points.marks}
    assert len(looks) == 20
    assert len({shape for _, shape in looks}) == 3
    assert len(plot.legend_names) == 22
    assert "more" in plot._legend.text()
    assert "class 19" in plot._legend.toolTip()


def test_a_hundred_classes_are_drawn(plot: ScatterPlot) -> None:
    plot.show_data(classes(n=100, rows=1_000))
    see(plot)
    assert len(plot.legend_names) == 102


def test_names_of_classes_are_not_read_as_html(plot: ScatterPlot) -> None:
    plot.show_data(classes(n=2, classes=("<b>a</b>", "<img src='x'>")))
    assert "<b>" not in plot._legend.text()
    assert "<img" not in plot._legend.text()
    assert "<img" not in plot._legend.toolTip()


def test_points_are_coloured_by_split_by_class_or_by_value(plot: ScatterPlot) -> None:
    plot.show_data(classes())
    plot.color.setCurrentText("colour: split")
    assert {mark.color for mark in plot.points.marks} == {LIGHT.train, LIGHT.test}
    assert plot.legend_names == ["Training data", "Test data", "Wrong predictions"]
    data = numbers()
    plot.show_data(data)
    plot.x_axis.setCurrentText("x: x1")
    plot.color.setCurrentText("colour: price")
    assert {mark.color for mark in plot.points.marks} == set(LIGHT.values)
    y = np.concatenate([points.y for points in data.points.values()])[plot.points.cloud.rows]
    steps = plot.points._colors.astype(int)
    assert steps[np.argmin(y)] == 0
    assert steps[np.argmax(y)] == len(LIGHT.values) - 1
    order = np.argsort(y)
    assert (np.diff(steps[order]) >= 0).all()


def test_one_feature_of_classes_has_the_names_of_the_classes_on_its_axis(plot: ScatterPlot) -> None:
    plot.show_data(classes(n=2, columns=1))
    see(plot)
    assert plot.item.getAxis("left")._tickLevels == [[(0, "class 0"), (1, "class 1")]]
    plot.show_data(numbers(columns=1))
    assert plot.item.getAxis("left")._tickLevels is None


def test_the_theme_reaches_the_points(plot: ScatterPlot) -> None:
    plot.show_data(classes(n=2))
    plot.apply_theme(DARK)
    assert {mark.color for mark in plot.points.marks} == set(DARK.classes[:2])


# ------------------------------------------------------------------------------- very many points


def many(n: int = 200_000, **fields: object) -> object:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, n)
    X = draw.normal(size=(n, 2)) + 4 * y[:, np.newaxis]
    cut = n // 2
    return prepared(
        {"train": (X[:cut], y[:cut]), "test": (X[cut:], y[cut:])}, task="classification", classes=("a", "b"),
        drawn=np.arange(1_000), **fields,
    )  # fmt: skip


def test_very_many_points_are_an_image_and_become_points_when_few_are_in_view(plot: ScatterPlot) -> None:
    plot.show_data(many())
    see(plot)
    assert plot.points.is_image
    assert plot.points.is_exact
    image = plot.points._image
    assert image.width() < plot.width()
    plot.item.getViewBox().setRange(xRange=(0, 0.2), yRange=(0, 0.2))
    see(plot)
    assert not plot.points.is_image
    shown = plot.points._few
    x, y = plot.points.cloud.x[shown], plot.points.cloud.y[shown]
    (left, right), (bottom, top) = plot.item.getViewBox().viewRange()
    expected = (plot.points.cloud.x >= left) & (plot.points.cloud.x <= right)
    expected &= (plot.points.cloud.y >= bottom) & (plot.points.cloud.y <= top)
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    assert inside.sum() == expected.sum() > 0
    plot.show_all()
    see(plot)
    assert plot.points.is_image


def test_the_image_has_the_colour_of_the_points_where_they_are(plot: ScatterPlot) -> None:
    plot.show_data(many())
    see(plot)
    viewport = plot.plot.viewport()
    assert shows(viewport, pixel(plot, 0, 0), LIGHT.classes[0], off=90)
    assert shows(viewport, pixel(plot, 4, 4), LIGHT.classes[1], off=90)
    assert shows(viewport, pixel(plot, 0, 4), LIGHT.panel), "where no point is, there is nothing"


def test_an_image_that_takes_long_comes_when_the_movement_rests(plot: ScatterPlot, qtbot: QtBot) -> None:
    plot.show_data(many())
    see(plot)
    plot.points._seconds = 10.0  # as if there were a hundred million
    plot.item.getViewBox().scaleBy((0.5, 0.5))
    see(plot)
    assert plot.points.is_image
    assert not plot.points.is_exact
    qtbot.waitUntil(lambda: (plot.grab(), plot.points.is_exact)[1])


def test_the_view_moves_over_an_image_that_is_there_and_soon_has_one_of_its_own(
    plot: ScatterPlot, qtbot: QtBot
) -> None:
    plot.show_data(many())
    plot.item.getViewBox().setAspectLocked(False)
    see(plot)
    first = plot.points._image.cacheKey()
    plot.item.getViewBox().translateBy(x=1)
    see(plot)
    assert plot.points._image.cacheKey() == first
    assert plot.points.is_exact, "it has all that is in view"
    qtbot.waitUntil(lambda: (plot.grab(), plot.points._image.cacheKey() != first)[1])


def test_an_image_is_replaced_by_points_also_while_frames_keep_coming(plot: ScatterPlot, qtbot: QtBot) -> None:
    plot.show_data(many())
    plot.item.getViewBox().setAspectLocked(False)
    plot.item.getViewBox().setRange(xRange=(-0.5, 1), yRange=(-0.5, 1), padding=0)
    see(plot)
    assert plot.points.is_image
    plot.item.getViewBox().scaleBy((0.7, 0.7))
    y_pred = np.zeros(1_000, np.int64)

    def is_points() -> bool:
        y_pred[:] = 1 - y_pred
        plot.show_predictions(y_pred.copy())
        plot.grab()
        return not plot.points.is_image

    qtbot.waitUntil(is_points)


def test_more_rows_than_are_drawn_are_said_in_the_legend(plot: ScatterPlot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gui.plots.axes.MOST_ROWS", 50)
    plot.show_data(numbers(columns=1))
    assert plot.legend_names == ["Training data (40 of 80)", "Test data (10 of 20)", "Predictions"]
    assert len(plot.points.cloud.x) == 50
    assert plot.rows.find(49) == ("test", 19)


def test_an_image_s_cell_has_the_mean_colour_of_its_points_and_more_of_them_are_less_transparent() -> None:
    counts = np.array([[[0, 1, 3], [0, 0, 100]], [[0, 0, 1], [0, 7, 0]]])
    palette = np.float32([[200, 0, 0], [0, 0, 200]])
    pixels = shades(counts, palette)
    assert pixels.shape == (2, 3, 4)
    assert pixels[1, 0].tolist() == [0, 0, 0, 0], "the last row of the counts is at the top"
    assert pixels[1, 1, :3].tolist() == [200, 0, 0]
    assert pixels[1, 2, :3].tolist() == [150, 0, 50]
    alphas = [pixels[1, 1, 3], pixels[1, 2, 3], pixels[0, 1, 3], pixels[0, 2, 3]]
    assert alphas == sorted(set(alphas))
    assert alphas[-1] == 255


def test_the_image_does_not_flicker_when_it_moves(plot: ScatterPlot) -> None:
    plot.show_data(many())
    box, item = plot.item.getViewBox(), plot.points
    box.setAspectLocked(False)
    box.setRange(xRange=(0, 4), yRange=(0, 4))
    see(plot)
    before, left = item._image.copy(), item._image_box[0]
    cell = (item._image_box[1] - left) / before.width()
    box.translateBy(x=7.3 * cell)
    item.refresh()
    see(plot)
    moved = (item._image_box[0] - left) / cell
    assert moved == pytest.approx(round(moved), abs=0.01), "by whole cells"
    row, shift = before.height() // 2, round(moved)
    same = [before.pixel(x + shift, row) == item._image.pixel(x, row) for x in range(20, before.width() - 40)]
    assert shift > 0
    assert np.mean(same) > 0.9


# ------------------------------------------------------------------------------------------ hover


def test_the_row_under_the_mouse_is_said_with_its_values_and_its_prediction(plot: ScatterPlot) -> None:
    data = prepared(
        {"train": ([[0, 0], [4, 0]], [0, 1]), "test": ([[0, 4], [4, 4]], [0, 1])},
        task="classification", classes=("<b>ham</b>", "spam"), features=("<i>size</i>", "x2"),
    )  # fmt: skip
    plot.show_data(data)
    plot.show_predictions(np.array([1, 1]))
    see(plot)
    viewport = plot.plot.viewport()
    mouse(viewport, QEvent.Type.MouseMove, pixel(plot, 0, 4) + QPoint(3, 3))
    text = QToolTip.text()
    assert "Test data, row 0" in text
    assert "&lt;i&gt;size&lt;/i&gt;" in text
    assert "&lt;b&gt;ham&lt;/b&gt;" in text
    assert "spam (wrong)" in text
    mouse(viewport, QEvent.Type.MouseMove, pixel(plot, 4, 0))
    assert "Training data, row 1" in QToolTip.text()
    assert "predicted" not in QToolTip.text()
    mouse(viewport, QEvent.Type.MouseMove, pixel(plot, 2, 2))
    assert not len(plot.hover._ring.x)


def test_a_red_point_is_said_as_its_test_row(plot: ScatterPlot) -> None:
    plot.show_data(prepared({"train": ([[0.0], [1]], [0.0, 1]), "test": ([[2.0], [3.0]], [2.0, 3])}))
    plot.show_predictions(np.float32([0.5, 0.25]))
    see(plot)
    found = plot.hover.row_at(pixel(plot, 3, 0.25).toPointF())
    assert found == ("test", 1, 3.0, 0.25)


def test_of_many_features_the_tip_names_some(plot: ScatterPlot) -> None:
    plot.show_data(classes(columns=40))
    see(plot)
    cloud = plot.points.cloud
    mouse(plot.plot.viewport(), QEvent.Type.MouseMove, pixel(plot, cloud.x[0], cloud.y[0]))
    assert "28 more" in QToolTip.text()


def test_among_very_many_points_the_row_is_the_one_that_is_there(plot: ScatterPlot) -> None:
    data = many()
    plot.show_data(data)
    plot.item.getViewBox().setRange(xRange=(0, 0.05), yRange=(0, 0.05))
    see(plot)
    place = int(plot.points._few[0])
    cloud = plot.points.cloud
    split, row, x, y = plot.hover.row_at(pixel(plot, cloud.x[place], cloud.y[place]).toPointF())
    assert data.points[split].X[row].tolist() == [x, y]


@pytest.mark.parametrize(("spread", "is_round"), [(1.0, True), (1.9, True), (2.5, False), (0.4, False)])
def test_features_that_reach_about_as_far_are_drawn_to_the_same_scale(qtbot, spread, is_round):
    angles = np.linspace(0, 2 * np.pi, 100)
    X = np.column_stack([np.cos(angles), spread * np.sin(angles)])
    y = np.arange(100) % 2
    plot = ScatterPlot()
    qtbot.addWidget(plot)
    plot.resize(900, 400)
    plot.show()
    plot.show_data(prepared({"train": (X, y), "test": (X[:20], y[:20])}, task="classification", classes=("a", "b")))
    see(plot)
    see(plot)
    wide, high = plot.item.getViewBox().viewPixelSize()
    assert (wide == pytest.approx(high)) is is_round
    x_range, y_range = plot.item.getViewBox().viewRange()
    assert x_range[0] < -1 and x_range[1] > 1 and y_range[0] < -spread and y_range[1] > spread, "all of it is in view"
    plot.y_axis.setCurrentIndex(plot.y_axis.count() - 1)  # the class is no length
    assert not plot.item.getViewBox().state["aspectLocked"]
