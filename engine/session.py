"""Step 3: one live training. Pausing is not calling advance(), stopping is never calling it again."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine.choices import build_loss, build_optimizer
from engine.data.dataset import Dataset, load_dataset
from engine.data.guards import LARGE
from engine.data.preparation import answers, n_outputs
from engine.errors import InputError
from engine.history import History
from engine.models.build import build_model, check_memory
from engine.models.inputs import Inputs
from engine.threads import needs_one_thread

if TYPE_CHECKING:
    from engine.data.parquet.reader import Reader
    from engine.data.parquet.stream import Stream
    from engine.pretrained.matching import Match

ALL_THREADS = torch.get_num_threads()


class DivergedError(InputError):
    """The loss or a weight became NaN or infinite; the session is back at its last finite weights."""


@dataclass
class Position:
    """How far a streamed epoch is: with the weights all that it takes to go on with it."""

    batches: int = 0
    total: float = 0.0
    """The sum, over the rows so far, of their batch's loss before its update."""


class Session:
    """A model, its loss function and its optimizer, at some epoch. Belongs to one thread at a time."""

    def __init__(
        self,
        experiment: ex.Experiment,
        device: str = "cpu",
        dataset: Dataset | None = None,
        needs_weights: bool = True,
    ) -> None:
        """Build everything for epoch 0. `dataset` spares reading the data again; where all weights are put in
        afterwards, those of a file that is gone are not needed. Raises InputError.
        """
        self.device = device
        if dataset is None or (dataset.stream is not None and dataset.stream.has_changed):
            dataset = load_dataset(experiment.data)
        self.dataset = dataset.to(device).for_loss(experiment.fit.loss)
        self.preparation = dataset.preparation
        self.inputs = Inputs(self.preparation.input_shape, self.preparation.n_tokens)
        self.n_outputs = n_outputs(experiment.fit.loss, self.preparation)
        stream = self.dataset.stream
        rows_a_step = len(self.dataset.X_train) if stream is None else stream.batch_size
        one = needs_one_thread(experiment.model, rows_a_step, self.inputs.size)
        self.n_threads = 1 if one else ALL_THREADS
        torch.set_num_threads(self.n_threads)
        check_memory(experiment.model, self.inputs, self.n_outputs)
        torch.manual_seed(experiment.fit.seed)
        model = build_model(experiment.model, self.inputs, self.n_outputs)
        self.match = _load_weights(model, experiment.model, needs_weights)
        """What of a file went into the model; None where none did."""
        self.model = model.to(device)
        self.loss_fn = build_loss(experiment.fit.loss)
        self.optimizer = build_optimizer(experiment.fit.optimizer, self.model.parameters())
        self.experiment = experiment
        self.history = History(self.dataset.splits)
        self.can_go_on = True
        """Whether more epochs give what one fit of all of them would; not after weights from elsewhere."""
        self.seconds = 0.0
        self.position = Position()
        """Where in an epoch the model is, when its rows stay on disk; else between two epochs, always."""
        self._epochs_per_second = 0.0
        self._reader: Reader | None = None
        self._streamed_epoch: Generator[None, None, NDArray[np.float32]] | None = None
        self._before: tuple[Any, Position] | None = None

    @property
    def epoch(self) -> int:
        """How many epochs this session has done."""
        return len(self.history)

    @property
    def done(self) -> bool:
        """Whether all the epochs of the experiment are done."""
        return self.epoch >= self.experiment.fit.epochs

    def extend(self, epochs: int) -> None:
        """Change how many epochs there are to do, more or fewer; what is done stays done."""
        fit = ex.replace(self.experiment.fit, epochs=max(epochs, 1))
        self.experiment = ex.replace(self.experiment, fit=fit)

    def advance(self, seconds: float | None = None, epochs: int | None = None) -> None:
        """Train for about so many seconds, or exactly so many epochs, but not past the end of the experiment.

        Rows that stay on disk can be left in the middle of an epoch when the time is up; the next call goes on there.
        Every epoch's losses go to `history`. Raises DivergedError when one is NaN or infinite, and InputError for a
        file that changes or breaks while it is trained on.
        """
        torch.set_num_threads(self.n_threads)  # a setting of the calling thread
        left = self.experiment.fit.epochs - self.epoch
        left = left if epochs is None else min(left, epochs)
        deadline = None if seconds is None else time.perf_counter() + seconds
        if self.dataset.stream is not None:
            started = time.perf_counter()
            try:
                while left > 0 and self._end_of_epoch(self.dataset.stream, deadline):
                    left -= 1
            finally:
                self.seconds += time.perf_counter() - started
            return
        while left > 0:
            n = min(left, self._block(deadline))
            started = time.perf_counter()
            self._train_block(n)
            now = time.perf_counter()
            self.seconds += now - started
            self._epochs_per_second = n / max(now - started, 1e-9)
            left -= n
            if deadline is not None and now >= deadline:
                return

    def _block(self, deadline: float | None) -> int:
        """How many epochs to do before the clock and the losses are looked at."""
        if deadline is None:
            return max(64, int(self._epochs_per_second))
        return max(1, int(self._epochs_per_second * (deadline - time.perf_counter())))

    def _train_block(self, n: int) -> None:
        before = copy.deepcopy((self.model.state_dict(), self.optimizer.state_dict()))
        losses = self._train(n, self.epoch)
        finite = np.isfinite(losses).all(axis=1)
        if finite.all() and self._weights_are_finite():
            self.history.append(losses)
            return
        self._restore(before)
        kept = self._train_while_finite(n)
        self.history.append(losses[:kept])
        raise DivergedError(self._advice(self.epoch))

    def _train(self, n: int, first_epoch: int) -> NDArray[np.float32]:
        """Do n epochs; the pictures of each are changed by its own number, whenever it is done."""
        source = self.experiment.data.source
        if not isinstance(source, ex.Images) or not source.augmentation:
            return train(self.model, self.loss_fn, self.optimizer, self.dataset, n)

        from engine.data.augment import augment

        def changed(epoch: int) -> torch.Tensor:
            generator = torch.Generator().manual_seed(epoch_seed(self.experiment.fit.seed, first_epoch + epoch))
            return augment(self.dataset.X_train, source.augmentation, generator)

        return train(self.model, self.loss_fn, self.optimizer, self.dataset, n, changed)

    def _end_of_epoch(self, stream: Stream, deadline: float | None) -> bool:
        """Go on with the epoch of rows on disk; whether its end came before the deadline."""
        from engine import streaming

        if self._streamed_epoch is None:
            self._begin_epoch(stream)
        assert self._streamed_epoch
        try:
            while True:
                next(self._streamed_epoch)
                if deadline is not None and time.perf_counter() >= deadline:
                    return False
        except StopIteration as end:
            losses = end.value
        except streaming.NotFiniteError:
            losses = np.array([[np.nan]])
        except InputError:  # the weights and the position are kept: the next call reads on from there
            self._streamed_epoch = self._reader = None
            raise
        self._streamed_epoch = None
        if not np.isfinite(losses).all() or not self._weights_are_finite():
            assert self._before
            state, position = self._before
            self._restore(state)
            self.position = replace(position)
            raise DivergedError(self._advice(self.epoch))
        self.position, self._before = Position(), None
        self.history.append(losses)
        if self.done:
            self._reader = None  # its process ends
        return True

    def _begin_epoch(self, stream: Stream) -> None:
        from engine import streaming
        from engine.data.parquet.reader import Reader

        if self._before is None:
            state = copy.deepcopy((self.model.state_dict(), self.optimizer.state_dict()))
            self._before = state, replace(self.position)
        self._reader = self._reader or Reader(stream)
        self._streamed_epoch = streaming.epoch(
            self.model, self.loss_fn, self.optimizer, stream, self._reader, self.epoch, self.position, self.device
        )

    def _train_while_finite(self, n: int) -> int:
        """Do the same epochs again, one by one, to the last one that leaves all finite. Returns how many.

        Looking at the losses alone is not enough: -inf before a ReLU gives 0.
        """
        for done in range(n):
            before = copy.deepcopy((self.model.state_dict(), self.optimizer.state_dict()))
            losses = self._train(1, self.epoch + done)
            if not (np.isfinite(losses).all() and self._weights_are_finite()):
                self._restore(before)
                return done
        return n

    def _restore(self, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
        model_state, optimizer_state = copy.deepcopy(state)
        self.model.load_state_dict(model_state)
        self.optimizer.load_state_dict(optimizer_state)

    def _weights_are_finite(self) -> bool:
        return all(bool(torch.isfinite(value).all()) for value in self.model.state_dict().values())

    def _advice(self, epoch: int) -> str:
        lr = self.experiment.fit.optimizer.lr
        return (
            f"The loss became NaN or infinite after epoch {epoch}: the steps are too large for this data. "
            f"{self._scaling_advice()}Try a much smaller learning rate, such as {lr / 10:g} instead of {lr:g}; "
            "the model keeps its last finite weights."
        )

    def _scaling_advice(self) -> str:
        """What else helps where the numbers themselves are large."""
        tensors = {"features": self.dataset.X_train, "target": self.dataset.y_train}
        numbers = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
        large = [name for name, tensor in numbers.items() if float(tensor.abs().max()) >= LARGE]
        return f"Standardise the {' and the '.join(large)} in step 1. " if large else ""

    def predict(self, X: torch.Tensor) -> NDArray[np.float32]:
        """The model's outputs [n, n_outputs] for X [n, ...] on any device: numbers as scaled, or logits."""
        with torch.inference_mode():
            y_pred: NDArray[np.float32] = self.model(X.to(self.device)).cpu().numpy()
        return y_pred

    def answers(self, X: torch.Tensor) -> NDArray[Any]:
        """What is predicted for X: float32 [n, n_targets] in the target's own unit, or int64 [n] class indices."""
        return answers(self.predict(X), self.preparation)

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every parameter under its state_dict name."""
        return {name: p.detach().cpu().numpy().copy() for name, p in self.model.named_parameters()}


def _load_weights(module: torch.nn.Module, model: ex.Model, is_needed: bool) -> Match | None:
    if not isinstance(model, ex.Sequential) or not model.weights:
        return None
    from engine.pretrained.loading import load_weights

    try:
        return load_weights(module, model.weights)
    except InputError:
        if is_needed:
            raise
        return None


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of what is drawn for one epoch, so that each epoch is the same after a pause or a restart."""
    return (seed * 1_000_003 + epoch) % 2**63


def train(
    model: torch.nn.Module,
    loss_fn: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    dataset: Dataset,
    epochs: int,
    X_train_of: Callable[[int], torch.Tensor] | None = None,
) -> NDArray[np.float32]:
    """The loop: full batch, `epochs` times. Returns the losses [epochs, n_splits], train before each update.

    `X_train_of` gives the training rows of the i-th of these epochs, where they are not always the same.

    It does what the course's loop does, to the bit, and leaves out what that does for nothing: losses stay
    tensors until the end (an .item() each waits for the device), no train()/eval() where no layer tells them
    apart, no hooks around forward and step, no fresh "ones" for every backward.
    """
    X_train, y_train = dataset.X_train, dataset.y_train
    others = [(dataset.X(split), dataset.y(split)) for split in dataset.splits if split != "train"]
    parameters = list(model.parameters())
    forward, loss_of, step = model.forward, loss_fn.forward, unwrapped_step(optimizer)
    one = torch.ones((), device=X_train.device)
    losses: list[torch.Tensor] = []
    for epoch in range(epochs):
        X = X_train if X_train_of is None else X_train_of(epoch)
        loss = loss_of(forward(X), y_train)
        for parameter in parameters:
            parameter.grad = None
        loss.backward(one)
        losses.append(loss.detach())
        with torch.no_grad():
            step(optimizer)
            for X, y in others:
                losses.append(loss_of(forward(X), y))
    if not losses:
        return np.empty((0, 1 + len(others)), dtype=np.float32)
    rows: NDArray[np.float32] = torch.stack(losses).reshape(epochs, -1).cpu().numpy()
    return rows


def unwrapped_step(optimizer: torch.optim.Optimizer) -> Callable[[torch.optim.Optimizer], Any]:
    """optimizer.step without torch's wrappers for the profiler and for gradient mode (functools.wraps keeps it)."""
    step: Any = type(optimizer).step
    while hasattr(step, "__wrapped__"):
        step = step.__wrapped__
    return step  # type: ignore[no-any-return]
