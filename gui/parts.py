"""The parts of the window that show what becomes of the experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gui.actions import Actions
from gui.code import CodePane
from gui.menus import Menus
from gui.middle import Middle
from gui.status import StatusBar
from gui.steps.data import DataPanel
from gui.steps.evaluate import EvaluatePanel
from gui.steps.fit import FitPanel
from gui.steps.improve import ImprovePanel
from gui.steps.model import ModelPanel
from gui.steps.model.weights import WeightsForm
from gui.steps.own_code import OwnCodeView
from gui.steps.panel import StepPanel
from gui.steps.save import SavePanel
from gui.steps.stack import StepStack
from gui.views import Views

if TYPE_CHECKING:
    from gui.plots.area import PlotArea


@dataclass(frozen=True)
class Parts:
    """Made by the window, which says where they stand."""

    data_panel: DataPanel
    model_panel: ModelPanel
    weights: WeightsForm
    own_code: OwnCodeView
    fit_panel: FitPanel
    evaluate_panel: EvaluatePanel
    improve_panel: ImprovePanel
    save_panel: SavePanel
    panels: tuple[StepPanel, ...]
    """Those of the six steps, in order."""
    steps: StepStack
    middle: Middle
    views: Views
    code: CodePane
    status: StatusBar
    menus: Menus
    actions: Actions

    @property
    def plots(self) -> PlotArea:
        """The plots; there after the first paint."""
        return self.middle.plots
