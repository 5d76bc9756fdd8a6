"""The middle of the window: data and predictions, losses, parameters. Made after the first paint."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QVBoxLayout

from engine import experiment as ex
from engine.runs import Run
from gui.frames import Frame, LrFound, Prepared
from gui.plots.images import ImageGrid
from gui.plots.loss import LossPlot
from gui.plots.lr_finder import LrPlot
from gui.plots.parameters import ParameterTable
from gui.plots.scatter import ScatterPlot
from gui.plots.series import SeriesPlot
from gui.plots.texts import TextList
from gui.theme import Theme
from gui.widgets import card, heading, named

View = ScatterPlot | ImageGrid | SeriesPlot | TextList


class PlotArea(QSplitter):
    """Everything that moves while a model learns."""

    painted = Signal(object)
    """The points ((x1, x2, class), ...) after a stroke with the painting tools."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._source: ex.Source = ex.StraightLine()
        self._frame: Frame | None = None
        self._is_turn_of_loss = False
        self.scatter = ScatterPlot()
        self.images = ImageGrid()
        self.series = SeriesPlot()
        self.texts = TextList()
        self.data = QStackedWidget()
        """Whichever of these four suits the data."""
        self._views: tuple[View, ...] = (
            self.scatter, self.images, self.series, self.texts,
        )  # fmt: skip
        for view in self._views:
            self.data.addWidget(view)
        self.view: View = self.scatter
        self._no_data = card()
        QVBoxLayout(self._no_data).addWidget(
            named(QLabel("No data: step 1 says why.", alignment=Qt.AlignmentFlag.AlignCenter), "muted")
        )
        self.data.addWidget(self._no_data)
        self.loss = LossPlot()
        self.lr_finder = LrPlot()
        self._below = QStackedWidget()
        """The losses, or in their place the search for a learning rate."""
        self._below.addWidget(self.loss)
        self._below.addWidget(self.lr_finder)
        self.parameters = ParameterTable()
        parameters = card()
        layout = QVBoxLayout(parameters)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.addWidget(heading("Parameters"))
        layout.addWidget(self.parameters)
        for index, (widget, height) in enumerate(((self.data, 3), (self._below, 2), (parameters, 0))):
            self.addWidget(widget)
            self.setStretchFactor(index, height)
        self.setSizes([330, 230, 128])
        self.setHandleWidth(6)
        self.setChildrenCollapsible(False)
        self.scatter.painted.connect(self.painted)
        self.lr_finder.closed.connect(self.show_losses)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        for view in self._views:
            view.apply_theme(theme)
        self.loss.apply_theme(theme)
        self.lr_finder.apply_theme(theme)

    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Follow the document: where its points are painted, they can be painted on, before there is a session."""
        self.scatter.show_source(experiment.data.source)
        if isinstance(experiment.data.source, ex.Painted):
            self._show(self.scatter)

    def set_paintable(self, on: bool) -> None:
        """Let points be painted, or not: while a model is being fitted its data must stay."""
        self.scatter.set_paintable(on)

    def show_prepared(self, prepared: Prepared) -> None:
        """Begin with a new session."""
        self._source = prepared.experiment.data.source
        self._frame = None
        view: View = self.scatter
        if prepared.images is not None:
            view = self.images
        elif prepared.series is not None:
            view = self.series
        elif prepared.texts is not None:
            view = self.texts
        self._show(view)
        view.show_data(prepared)
        self.loss.begin(prepared)
        self.show_losses()

    def forget_fit(self, has_data: bool) -> None:
        """Nothing could be built: take what belongs to the model before out of sight, and its data if it is gone."""
        self._frame = None
        self.loss.clear(tuple(self.loss.curves))
        self.parameters.show_parameters({}, self._source)
        self.view.forget_predictions()
        self.show_losses()
        if not has_data:
            self.data.setCurrentWidget(self._no_data)

    def show_lr(self, found: LrFound) -> None:
        """The search for a learning rate in place of the losses."""
        self._below.setCurrentWidget(self.lr_finder)
        self.lr_finder.show_found(found)

    @Slot()
    def show_losses(self) -> None:
        """The losses in their place again."""
        self._below.setCurrentWidget(self.loss)

    def show_frame(self, frame: Frame, epochs: int, in_turn: bool = False) -> None:
        """Show a moment of a fit of so many epochs; in turn: one of the two plots now, the other next time."""
        self._frame = frame
        self.loss.append(frame, epochs)
        if in_turn and self._is_turn_of_loss:
            self.loss.redraw()
        else:
            self.view.show_predictions(frame.y_pred)
            if not in_turn:
                self.loss.redraw()
        self._is_turn_of_loss = not self._is_turn_of_loss
        self.parameters.show_parameters(frame.parameters, self._source)

    def catch_up(self) -> None:
        """Draw what had not had its turn."""
        self.loss.redraw()
        self.loss.name_best()
        if self._frame is not None:
            self.view.show_predictions(self._frame.y_pred)

    def _show(self, view: View) -> None:
        self.view = view
        self.data.setCurrentWidget(view)

    @Slot(list)
    def compare(self, runs: list[tuple[str, Run]]) -> None:
        """Draw the losses of several runs, by name, over each other."""
        self.loss.compare(runs)
