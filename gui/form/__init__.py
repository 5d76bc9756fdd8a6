"""Widgets from an experiment's fields: title, limits, unit and help are what the experiment says of them."""

from gui.form.boxes import enable_choices
from gui.form.choice import ChoiceForm
from gui.form.form import Form

__all__ = ["ChoiceForm", "Form", "enable_choices"]
