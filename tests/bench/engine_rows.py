"""The engine without a window, beside the loops of others and beside itself after a million epochs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from engine import experiment as ex
from engine.session import Session
from tests.bench import loops
from tests.bench.rows import Goal, Row, epochs_per_second, in_turns

MOST_EPOCHS = 10_000_000
MILLION = 1_000_000


STRAIGHT_LINE = ex.Experiment(fit=ex.Fit(loss=ex.L1Loss(), epochs=MOST_EPOCHS))
SQUARED_ERROR = ex.Experiment(fit=ex.Fit(loss=ex.MSELoss(), epochs=MOST_EPOCHS))


def ours(epochs: int, experiment: ex.Experiment = STRAIGHT_LINE) -> Session:
    """The engine's loop."""
    session = Session(experiment)
    session.advance(epochs=epochs)
    return session


def same_bits(epochs: int = 2_000) -> bool:
    """Whether the engine's losses are those of the course's loop, every one of them to the last bit."""
    plain = np.array(loops.plain(epochs), dtype=np.float32).T
    return plain.tobytes() == ours(epochs).history.losses.tobytes()


def measure(quick: bool, full: bool) -> list[Row | str]:
    """All rows of this file; a text says why one is missing."""
    torch.set_num_threads(1)  # as the engine does for so little work
    rounds = 3 if quick else 9
    rows: list[Row | str] = [_plain(rounds)]
    for name, peer in {"skorch": _skorch, "Lightning": _lightning, "scikit-learn": _scikit_learn}.items():
        try:
            rows += peer(3 if quick else 5)
        except ImportError as error:
            rows.append(f"{name} is left out: {error} (`make bench` installs it)")
    old, bytes_an_epoch = _old_session(full)
    rows.append(_old_and_young(old, 2 * rounds, full))
    rows.append(Row("History at 1,000,000 epochs", "bytes/epoch", [bytes_an_epoch], goal=Goal("<=", 32)))
    return rows


def _against(peer: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    return in_turns(lambda: epochs_per_second(ours, 3_000), peer, rounds)


def _plain(rounds: int) -> Row:
    values = _against(lambda: epochs_per_second(loops.plain, 3_000), rounds)
    return Row("Engine / course's loop", "epochs/s", *values, Goal(">=", 1.3))


def _skorch(rounds: int) -> list[Row]:
    usual = _against(lambda: epochs_per_second(loops.skorch, 400), rounds)
    tuned = _against(lambda: epochs_per_second(partial(loops.skorch, tuned=True), 400), rounds)
    return [
        Row("Engine / skorch", "epochs/s", *usual, Goal(">=", 6), note="verbose=0"),
        Row("Engine / skorch, tuned", "epochs/s", *tuned, note="without its PrintLog, which works even when silent"),
    ]


def _lightning(rounds: int) -> list[Row]:
    usual = _against(lambda: 200 / loops.lightning(200)[1], rounds)
    tuned = _against(lambda: 200 / loops.lightning(200, tuned=True)[1], rounds)
    note = "as documented: DataLoader of rows, self.log"
    return [
        Row("Engine / Lightning", "epochs/s", *usual, Goal(">=", 15), note=note),
        Row("Engine / Lightning, tuned", "epochs/s", *tuned, note="the batch as it is, losses in lists"),
    ]


def _scikit_learn(rounds: int) -> list[Row]:
    values = in_turns(
        lambda: epochs_per_second(partial(ours, experiment=SQUARED_ERROR), 3_000),
        lambda: epochs_per_second(loops.scikit_learn, 1_500),
        rounds,
    )
    note = "MLPRegressor without hidden layer; both squared error; its early_stopping scores every epoch"
    return [Row("Engine / scikit-learn", "epochs/s", *values, Goal(">=", 1), note=note)]


def _old_session(full: bool) -> tuple[Session, float]:
    """A session with a million epochs behind it, trained or (for they are minutes) entered; bytes an epoch."""
    session = Session(STRAIGHT_LINE)
    if full:
        session.advance(epochs=MILLION)
    else:
        some = np.zeros((1_000, 2), dtype=np.float32)
        for _ in range(MILLION // len(some)):
            session.history.append(some)
    return session, session.history.nbytes / session.epoch


def _old_and_young(old: Session, rounds: int, full: bool) -> Row:
    young = Session(STRAIGHT_LINE)
    young.advance(epochs=1_000)

    def cost(session: Session) -> float:
        return 1e6 / epochs_per_second(lambda epochs: session.advance(epochs=epochs), 1_000)

    values = in_turns(lambda: cost(old), lambda: cost(young), rounds)
    note = "" if full else "its first million rows are entered, not trained (--full trains them)"
    return Row("An epoch after 1,000,000 / 1,000", "µs", *values, Goal("<=", 1.1), note=note)
