"""Step 2: the editor for a model that the person writes."""

from gui.steps.own_code.card import OwnCodeCard
from gui.steps.own_code.view import OwnCodeView

__all__ = ["OwnCodeCard", "OwnCodeView"]
