"""Whose code may run: only a text that the person has seen and trusted. Needs no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment.own_code import EXAMPLE

MOST = 1000
"""So many texts are remembered."""


class UntrustedError(InputError):
    """The experiment brings code that nobody here has looked at yet."""


class Trust:
    """The texts that were trusted, known by their SHA-256: one changed letter makes another text."""

    def __init__(self, fingerprints: Iterable[str] = ()) -> None:
        self.fingerprints = list(fingerprints)
        """The oldest first."""

    def add(self, code: str) -> None:
        """Trust this very text."""
        if code not in self:
            self.fingerprints = [*self.fingerprints, fingerprint(code)][-MOST:]

    def __contains__(self, code: str) -> bool:
        return code == EXAMPLE or fingerprint(code) in self.fingerprints

    def check(self, model: ex.Model) -> None:
        """Raise UntrustedError for own code that is not trusted; every other model is fine."""
        if isinstance(model, ex.OwnCode) and model.code not in self:
            raise UntrustedError(
                "This experiment brings its own code, and nothing of it has run: read it, then trust it (step 2 has a "
                "button for that, the command --trust-code)."
            )


def fingerprint(code: str) -> str:
    """The SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
