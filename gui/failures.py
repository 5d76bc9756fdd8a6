"""What is said of an error that ended a command of the thread."""

from __future__ import annotations

import traceback

from engine.data.child import CancelledError
from engine.errors import InputError
from engine.own_code.contract import OwnCodeError, StoppedError
from engine.own_code.trust import UntrustedError
from gui.frames import Failure


def failure_of(error: BaseException) -> Failure:
    """A sentence, with the traceback where the error is a fault of the program; it keeps no frame of the error's."""
    if isinstance(error, InputError):
        is_wish = isinstance(error, CancelledError | StoppedError | UntrustedError)
        return Failure(str(error), is_wish=is_wish, line=error.line if isinstance(error, OwnCodeError) else 0)
    sentence = (
        f"Something unforeseen went wrong ({type(error).__name__}). Your experiment is still here; please report this."
    )
    if isinstance(error, MemoryError) or "not enough memory" in str(error):
        sentence = "There is not enough memory for this: take fewer rows or a smaller model."
    return Failure(sentence, "".join(traceback.format_exception(error)))
