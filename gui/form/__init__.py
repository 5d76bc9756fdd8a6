"""Widgets from an experiment's fields: title, limits, unit and help are what the experiment says of them."""

from gui.form.choice import ChoiceForm
from gui.form.form import Form, enable_choices

__all__ = ["ChoiceForm", "Form", "enable_choices"]
