"""Points painted by hand: strokes become tuples of points, and the document decides what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from gui.plots.area import PlotArea
from gui.theme import LIGHT
from tests.gui.plotted import classes, drag, frame, numbers, pixel, prepared, shows


class Hand:
    """A person who paints, and a document that takes every stroke."""

    def __init__(self, area: PlotArea, source: ex.Painted) -> None:
        self.area, self.plot = area, area.scatter
        self.strokes: list[tuple[tuple[float, float, int], ...]] = []
        self.experiment = ex.Experiment(data=ex.Data(source=source))
        area.painted.connect(self._painted)
        area.show_experiment(self.experiment)
        QApplication.processEvents()

    def _painted(self, points: tuple[tuple[float, float, int], ...]) -> None:
        self.strokes.append(points)
        self.show(points)

    def show(self, points: tuple[tuple[float, float, int], ...]) -> None:
        """What the document does after a stroke, and after undo."""
        source = ex.replace(self.experiment.data.source, points=points)
        self.experiment = ex.Experiment(data=ex.Data(source=source))
        self.area.show_experiment(self.experiment)

    @property
    def points(self) -> tuple[tuple[float, float, int], ...]:
        return self.experiment.data.source.points

    def stroke(self, *places: tuple[float, float]) -> None:
        drag(self.plot, *places)

    def key(self, key: str) -> None:
        self.plot.plot.setFocus()
        QTest.keyClick(self.plot.plot, key)

    def prepare(self) -> None:
        """The training thread answers: the session has the points now."""
        rows = np.array(self.points)
        used = sorted({number for _, _, number in self.points})
        y = np.array([used.index(number) for number in rows[:, 2].astype(int)])
        cut = len(y) * 4 // 5
        self.area.show_prepared(prepared(
            {"train": (rows[:cut, :2], y[:cut]), "test": (rows[cut:, :2], y[cut:])}, experiment=self.experiment,
            task="classification", classes=tuple(map(str, used)), target="class",
        ))  # fmt: skip


@pytest.fixture
def area(qtbot: QtBot) -> Iterator[PlotArea]:
    area = PlotArea()
    qtbot.addWidget(area)
    area.resize(800, 700)
    area.apply_theme(LIGHT)
    with qtbot.waitExposed(area):
        area.show()
    area.activateWindow()
    yield area


@pytest.fixture
def hand(area: PlotArea) -> Hand:
    return Hand(area, ex.Painted())


def test_a_click_paints_a_point_where_the_mouse_is(hand: Hand) -> None:
    hand.stroke((0.5, -0.25))
    assert len(hand.strokes) == 1
    ((x, y, number),) = hand.points
    assert (x, y, number) == (pytest.approx(0.5, abs=0.01), pytest.approx(-0.25, abs=0.01), 0)
    assert (x, y) == (round(x, 4), round(y, 4)), "a tenth of a pixel is enough"


def test_a_drag_paints_a_row_of_points_and_is_one_stroke(hand: Hand) -> None:
    hand.stroke((-1, 0), (0, 0), (1, 0))
    assert len(hand.strokes) == 1
    x = np.array(hand.points)[:, 0]
    assert len(x) > 15
    assert (np.diff(x) > 0).all()
    assert np.diff(x).max() < 2.5 * np.diff(x).min(), "a quick stroke leaves no gaps"


def test_digits_choose_the_class_and_e_m_b_the_tool(hand: Hand) -> None:
    hand.key("3")
    hand.stroke((0, 0))
    hand.key("7")
    hand.stroke((0.5, 0.5))
    assert [number for _, _, number in hand.points] == [3, 7]
    hand.key("e")
    hand.stroke((0, 0))
    assert [number for _, _, number in hand.points] == [7]
    hand.key("m")
    hand.stroke((0.5, 0.5), (0.2, 0.1), (-0.5, -0.5))
    ((x, y, number),) = hand.points
    assert (x, y, number) == (pytest.approx(-0.5, abs=0.01), pytest.approx(-0.5, abs=0.01), 7)
    hand.key("b")
    hand.stroke((0.5, 0.5))
    assert len(hand.points) == 2
    assert len(hand.strokes) == 5


def test_a_class_chosen_while_erasing_takes_the_brush_again(hand: Hand) -> None:
    hand.key("e")
    hand.key("2")
    assert hand.plot.paint_bar.tools["brush"].isChecked()
    hand.stroke((0, 0))
    assert hand.points[0][2] == 2


def test_the_tools_are_chosen_by_click_as_well(hand: Hand) -> None:
    bar = hand.plot.paint_bar
    QTest.mouseClick(bar.classes[9], Qt.MouseButton.LeftButton)
    hand.stroke((0, 0))
    QTest.mouseClick(bar.tools["erase"], Qt.MouseButton.LeftButton)
    assert (bar.tool, hand.points[0][2]) == ("erase", 9)
    assert all(button.accessibleName() for button in (*bar.classes, *bar.tools.values()))


def test_a_stroke_that_changes_nothing_is_not_told(hand: Hand) -> None:
    hand.key("e")
    hand.stroke((0, 0), (0.5, 0.5))
    hand.key("m")
    hand.stroke((0, 0), (0.5, 0.5))
    assert hand.strokes == []


def test_the_points_shown_are_the_document_s_after_undo(hand: Hand) -> None:
    hand.stroke((0, 0))
    hand.stroke((0.5, 0.5))
    hand.show(hand.strokes[0])
    assert len(hand.plot.painting.dots.x) == 1
    hand.stroke((-0.5, 0.5))
    assert len(hand.strokes[-1]) == 2, "the stroke that was taken back does not come again"


def test_points_are_seen_at_once_and_then_as_the_session_has_them(hand: Hand) -> None:
    hand.stroke((-0.5, 0), (0.5, 0))
    assert hand.plot.painting.dots.isVisible()
    assert not hand.plot.points.isVisible()
    hand.key("1")
    hand.stroke((-0.5, 0.5), (0.5, 0.5))
    QApplication.processEvents()
    assert shows(hand.plot.plot.viewport(), pixel(hand.plot, *hand.points[0][:2]), LIGHT.classes[0])
    hand.prepare()
    assert not hand.plot.painting.dots.isVisible()
    assert hand.plot.points.isVisible()
    hand.area.show_frame(frame(np.zeros(len(hand.plot.rows.points["test"].y), int)), 10)
    hand.stroke((0, -0.5))
    assert hand.plot.painting.dots.isVisible(), "the new point is not in the session yet"
    hand.show(hand.strokes[-2])
    assert not hand.plot.painting.dots.isVisible(), "taken back, the session has them all again"
    assert hand.plot.legend_names[:2] == ["0", "1"]


def test_a_class_keeps_its_colour_where_those_before_it_have_no_point(hand: Hand) -> None:
    for key, y in (("2", 0.5), ("9", -0.5)):
        hand.key(key)
        hand.stroke((-0.5, y), (0.5, y))
    hand.prepare()
    painted, shown = hand.plot.painting.dots.marks, {mark.color: mark.shape for mark in hand.plot.points.marks}
    assert shown.items() >= {painted[2].color: "disc", painted[9].color: "square"}.items()


def test_the_view_stays_while_one_paints(hand: Hand) -> None:
    before = hand.plot.item.getViewBox().viewRange()
    hand.stroke((-1, -1), (0, 0))
    hand.key("1")
    hand.stroke((1, 0), (0, 1))
    hand.prepare()
    QApplication.processEvents()
    assert hand.plot.item.getViewBox().viewRange() == before


def test_values_are_painted_without_classes(area: PlotArea) -> None:
    hand = Hand(area, ex.Painted(task="values"))
    assert not hand.plot.paint_bar.classes[0].isVisible()
    hand.key("3")
    hand.stroke((0, 0.5))
    assert hand.points[0][2] == 0
    assert hand.plot.item.getAxis("left").labelText == "y"


def test_the_tools_are_there_for_painted_points_alone(area: PlotArea) -> None:
    area.show_prepared(classes())
    assert not area.scatter.paint_bar.isVisible()
    assert area.scatter.x_axis.isVisible()
    hand = Hand(area, ex.Painted())
    assert hand.plot.paint_bar.isVisible()
    assert not area.scatter.x_axis.isVisible()
    area.show_experiment(ex.Experiment())
    assert not area.scatter.paint_bar.isVisible()
    assert area.scatter.points.isVisible()
    assert area.scatter.legend_names[:3] == ["class 0", "class 1", "class 2"]
    drag(area.scatter, (0, 0), (1, 1))
    hand.key("3")
    assert hand.strokes == []


def test_nothing_is_painted_while_a_model_is_fitted(hand: Hand) -> None:
    hand.area.set_paintable(False)
    hand.stroke((0, 0), (0.5, 0.5))
    assert hand.strokes == []
    assert not hand.plot.paint_bar.isEnabled()
    hand.area.set_paintable(True)
    hand.stroke((0, 0))
    assert len(hand.strokes) == 1


def test_there_is_room_for_so_many_points_and_no_more(area: PlotArea) -> None:
    full = ex.Painted(points=((0.0, 0.0, 0),) * (ex.MAX_PAINTED_POINTS - 1))
    hand = Hand(area, full)
    hand.stroke((-1, 0), (1, 0))
    assert len(hand.points) == ex.MAX_PAINTED_POINTS
    assert "no room" in hand.plot.paint_bar.count.text()


def test_points_outside_the_first_view_are_brought_into_it(area: PlotArea) -> None:
    hand = Hand(area, ex.Painted(points=((5.0, -7.0, 1),)))
    (left, right), (bottom, top) = hand.plot.item.getViewBox().viewRange()
    assert (left < -1.2, right > 5, bottom < -7, top > 1.2) == (True,) * 4


def test_frames_of_the_session_before_do_not_disturb(area: PlotArea) -> None:
    data = numbers()
    area.show_prepared(data)
    hand = Hand(area, ex.Painted())
    area.show_frame(frame(data.points["test"].y), 10)
    hand.stroke((0, 0))
    area.catch_up()
    assert not area.scatter.predictions.isVisible()
