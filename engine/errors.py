"""The one error a person is shown as it stands."""

from __future__ import annotations


class InputError(Exception):
    """What the person gave cannot be used.

    The message is one sentence (two at most) that names the file, the place in it (line, column or key) and
    the remedy. The window shows it in a dialog, the command line prints it and ends with exit code 2.
    """


class HeadError(InputError):
    """A model from elsewhere takes the data at hand, but gives another number of outputs than that needs."""
