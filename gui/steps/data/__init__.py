"""Step 1: where the rows come from, how they are divided and scaled, and the tensors they become."""

from gui.steps.data.panel import DataPanel

__all__ = ["DataPanel"]
