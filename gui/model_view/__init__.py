"""The whole model in the middle of the window: what flows through it, as a picture and as a table."""

from gui.model_view.view import ModelView

__all__ = ["ModelView"]
