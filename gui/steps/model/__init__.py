"""Step 2: the model, layer by layer, and how it is trained."""

from gui.steps.model.panel import ModelPanel

__all__ = ["ModelPanel"]
