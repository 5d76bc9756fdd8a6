"""What a measurement is: pairs of ours and the peer's, taken in turns, and the goal that their ratio is held to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """A bound for the ratio, or for our own value where there is no peer."""

    sign: str
    bound: float

    def met(self, value: float) -> bool:
        """Whether `value` is on the right side."""
        return {">=": value >= self.bound, "<=": value <= self.bound, "<": value < self.bound}[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table. `ours` and `peer` have a value for each round; without a peer `peer` is empty."""

    what: str
    unit: str
    ours: list[float]
    peer: list[float] = field(default_factory=list)
    goal: Goal | None = None
    of_all: Callable[[list[float]], float] = statistics.median
    """How the rounds become one value: the median, or the worst of them (max)."""
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours by the peer's, round by round: what slowed the machine for a moment slowed both."""
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)] if self.peer else []

    @property
    def judged(self) -> float:
        """What the goal is about."""
        return self.of_all(self.ratios or self.ours)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else self.goal.met(self.judged)


def epochs_per_second(train: Callable[[int], object], epochs: int) -> float:
    """How fast `train(epochs)` goes."""
    started = time.perf_counter()
    train(epochs)
    return epochs / (time.perf_counter() - started)


def in_turns(
    ours: Callable[[], float], peer: Callable[[], float], rounds: int
) -> tuple[list[float], list[float]]:
    """Measure both `rounds` times, who is first by turns; one round before that is thrown away."""
    values: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        order = ((0, ours), (1, peer)) if number % 2 else ((1, peer), (0, ours))
        for column, measure in order:
            value = measure()
            if number:
                values[column].append(value)
    return values
