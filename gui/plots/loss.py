"""The losses of every epoch, live, and those of earlier runs over them."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox

from engine import experiment as ex
from engine.history import History, envelope
from engine.runs import Run
from engine.training.stopping import judged
from gui.frames import Frame, Prepared
from gui.plots.best import BestSoFar
from gui.plots.card import DASHED, DOTTED, LINE, POINT, THIN, PlotCard
from gui.plots.rates import Rates
from gui.theme import Theme
from gui.widgets import named

BUCKETS = 700
"""A curve is drawn with the extremes of so many stretches of epochs: what a screen can show."""
STYLES = {
    "train": (Qt.PenStyle.SolidLine, LINE),
    "validation": (Qt.PenStyle.DotLine, DOTTED),
    "test": (Qt.PenStyle.DashLine, DASHED),
}
"""How the splits of an earlier run differ; the run has one colour."""
SMALLEST_LOG = np.float32(1e-12)


class LossPlot(PlotCard):
    """Loss over epoch: a curve for each split."""

    def __init__(self) -> None:
        super().__init__("Loss", "loss", "epoch")
        self._history = History(())
        self.curves: dict[str, pg.PlotCurveItem] = {}
        self.rates = Rates(self.item)
        self._best: BestSoFar | None = None
        self.best_mark = pg.ScatterPlotItem(size=11)
        self.plot.addItem(self.best_mark)
        self._earlier: dict[pg.PlotCurveItem, NDArray[np.float32]] = {}
        self._room = self._epochs = 0
        self._is_sealed = False
        self._earlier_legend: list[tuple[str, str, str]] = []
        self._log = named(QCheckBox("log"), "log", "Logarithmic loss")
        self._log.setToolTip("Show the loss on a logarithmic scale")
        self.add_control(self._log)
        self._log.toggled.connect(self._log_toggled)
        self.item.getViewBox().sigRangeChangedManually.connect(self.redraw)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        super().apply_theme(theme)
        for split, curve in self.curves.items():
            curve.setPen(pg.mkPen(theme.splits[split], width=2))
        self.rates.apply_theme(theme)
        self._color_best()
        self._name_curves()

    def begin(self, prepared: Prepared) -> None:
        """Begin a new history for a session: its best epoch is marked where choices are made by one loss."""
        self.clear(tuple(prepared.points))
        fit = prepared.experiment.fit
        if fit.stopping.patience or "validation" in prepared.points:
            self._best = BestSoFar(fit.stopping.min_delta)
        is_known = not isinstance(fit.scheduler, ex.schedulers.ReduceLROnPlateau)
        self.rates.clear(prepared.lrs if is_known else None)
        self._color_best()
        self._name_curves()

    def clear(self, splits: tuple[str, ...]) -> None:
        """Begin a new history for these splits."""
        self._history = History(splits)
        for curve in self.curves.values():
            self.plot.removeItem(curve)
        self.curves = {split: pg.PlotCurveItem(pen=pg.mkPen(self.theme.splits[split], width=2)) for split in splits}
        for curve in self.curves.values():
            self.plot.addItem(curve)
        self._best = None
        self.best_mark.clear()
        self.rates.clear()
        self._room = 0
        self.item.setYRange(0, 1)  # where there is nothing yet, the range of a fit before would stay
        self.item.enableAutoRange()
        self._name_curves()

    def append(self, frame: Frame, epochs: int) -> None:
        """Add the epochs of a frame, of so many in all; redraw shows them."""
        self._history.append(frame.losses)
        if self._best is not None:
            self._best.look(frame.losses[:, judged(frame.splits)])
        was_shown = self.rates.is_shown
        self.rates.append(frame)
        if self.rates.is_shown != was_shown:
            self._name_curves()
        self._make_room(epochs)

    def _make_room(self, epochs: int) -> None:
        """Twice the room whenever the curves reach the edge: an axis that moves costs more than the curves."""
        self._epochs = epochs
        n = max(len(self._history), *(len(losses) for losses in self._earlier.values()), 0)
        room = min(max(64, 1 << n.bit_length()), max(epochs, n, 1))
        if room != self._room and not self._zoomed():
            self._room = room
            box = self.item.getViewBox()
            box.setXRange(0, room, padding=0.03)
            box.enableAutoRange(axis=box.YAxis)

    def _zoomed(self) -> bool:
        """Whether the person has taken a closer look, which must stay as it is."""
        return not self.item.getViewBox().state["autoRange"][1]

    def compare(self, runs: list[tuple[str, Run]]) -> None:
        """Draw the losses of these runs as well, each under its name and in a colour of its own."""
        for curve in self._earlier:
            self.plot.removeItem(curve)
        self._earlier, self._earlier_legend = {}, []
        for index, (name, run) in enumerate(runs):
            color = pg.intColor(index, hues=max(len(runs), 6), values=1, maxValue=200, sat=170)
            self._earlier_legend.append((LINE, color.name(), name))
            for column, split in enumerate(run.splits):
                curve = pg.PlotCurveItem(pen=pg.mkPen(color, width=2, style=STYLES[split][0]))
                self._earlier[curve] = run.losses[:, column]
                self.plot.addItem(curve)
        if runs:
            splits = {split for _, run in runs for split in run.splits if split != "train"}
            self._earlier_legend += [(STYLES[split][1], self.theme.muted, split) for split in sorted(splits)]
        self._name_curves()
        self._room = 0
        self._make_room(self._epochs)
        self.redraw()

    def show_all(self) -> None:
        self._room = 0
        self.item.getViewBox().enableAutoRange()
        self._make_room(self._epochs)
        self.redraw()

    def set_sealed(self, sealed: bool) -> None:
        """Keep the test loss back, or show it."""
        self._is_sealed = sealed
        if "test" in self.curves:
            self.curves["test"].setVisible(not sealed)
            self._name_curves()
            self.item.enableAutoRange(axis="y")

    def _name_curves(self) -> None:
        seen = [split for split in self.curves if not (self._is_sealed and split == "test")]
        live = [(LINE, self.theme.splits[split], f"{split.capitalize()} loss") for split in seen]
        if self._best is not None:
            live.append((POINT, self._judged_color, self._best.words))
        if self.rates.is_shown:
            live.append((THIN, self.theme.muted, "Learning rate"))
        self.show_legend([*live, *self._earlier_legend])

    @Slot(bool)
    def _log_toggled(self, on: bool) -> None:
        self.item.getAxis("left").setLogMode(on)
        self.redraw()
        self.item.enableAutoRange()

    @Slot()
    def redraw(self) -> None:
        """Draw the epochs that are in view, reduced to what the screen can show."""
        low, high = self.item.getViewBox().viewRange()[0]
        self.rates.redraw(int(low), int(high) + 2)
        self._place_best()
        curves = {curve: self._history.column(split) for split, curve in self.curves.items()} | self._earlier
        for curve, losses in curves.items():
            x, y = envelope(losses, int(low), int(high) + 2, BUCKETS)
            curve.setData(x, self._scaled(y))

    def _scaled(self, losses: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.log10(np.maximum(losses, SMALLEST_LOG)) if self._log.isChecked() else losses

    # ------------------------------------------------------------------------------------------ the best epoch

    def name_best(self) -> None:
        """Say which epoch is the best; not while a fit is running, when it is another one in each frame."""
        if self._best is not None:
            self._best.settle()
            self._name_curves()

    @property
    def _judged_color(self) -> str:
        splits = tuple(self.curves)
        return self.theme.splits[splits[judged(splits)]]

    def _color_best(self) -> None:
        if self._best is not None:
            self.best_mark.setPen(pg.mkPen(self.theme.panel, width=1.5))
            self.best_mark.setBrush(pg.mkBrush(self._judged_color))

    def _place_best(self) -> None:
        best = self._best
        if best is not None and best.epoch:
            self.best_mark.setData([best.epoch - 1], self._scaled(np.array([best.loss], np.float32)))
