"""Step 3: one live training. Pausing is not calling advance(), stopping is never calling it again."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine.choices import build_loss, build_optimizer
from engine.data.dataset import Dataset, load_dataset
from engine.data.preparation import answers, n_outputs
from engine.errors import InputError
from engine.history import History
from engine.models.build import build_model, check_memory
from engine.models.ending import check_end
from engine.parameter_groups import parameter_groups
from engine.pretrained.loading import load_first_weights
from engine.threads import needs_one_thread
from engine.training import streaming
from engine.training.advice import advice
from engine.training.batch_epochs import BatchEpochs
from engine.training.batches import Position
from engine.training.best_epoch import BestEpoch, State
from engine.training.full_batch import train
from engine.training.loop import build_loop, check_fit, check_last_batch
from engine.training.stopping import judged

ALL_THREADS = torch.get_num_threads()


class DivergedError(InputError):
    """The loss or a weight became NaN or infinite; the session is back at its last finite weights."""


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
        check_fit(experiment)
        self.device = device
        if dataset is None or (dataset.stream is not None and dataset.stream.has_changed):
            dataset = load_dataset(experiment.data)
        fit = experiment.fit
        self.dataset = dataset.to(device).for_loss(fit.loss)
        self.preparation = dataset.preparation
        self.inputs = self.preparation.inputs
        self.n_outputs = n_outputs(fit.loss, self.preparation)
        one = needs_one_thread(experiment.model, self._rows_a_step(fit), self.inputs)
        self.n_threads = 1 if one else ALL_THREADS
        torch.set_num_threads(self.n_threads)
        check_end(experiment)
        check_memory(experiment.model, self.inputs, self.n_outputs)
        torch.manual_seed(fit.seed)
        model = build_model(experiment.model, self.inputs, self.n_outputs)
        self.match = load_first_weights(model, experiment.model, needs_weights)
        """What of a file went into the model; None where none did."""
        self.model = model.to(device)
        if self.dataset.stream is None:
            check_last_batch(experiment, model, len(self.dataset.X_train))
        self.loss_fn = build_loss(fit.loss, self.dataset.y_train, self.n_outputs)
        self.optimizer = build_optimizer(fit.optimizer, parameter_groups(self.model, fit))
        self.experiment = experiment
        self.history = History(self.dataset.splits)
        self.can_go_on = True
        """Whether more epochs give what one fit of all of them would; not after weights from elsewhere."""
        self.seconds = 0.0
        self.ended = ""
        """Why the fit is over before its last epoch; empty where it is not."""
        self._loop = build_loop(experiment, self.model, self.loss_fn, self.optimizer, self._steps_an_epoch(fit), device)
        self._batches = BatchEpochs(self._loop, self.dataset, device)
        self._before: tuple[State, Position] | None = None
        """Where an epoch in batches began that is not over yet."""
        self._best = BestEpoch(fit.stopping)
        self._epochs_per_second = 0.0

    def _rows_a_step(self, fit: ex.Fit) -> int:
        stream, n_train = self.dataset.stream, len(self.dataset.X_train)
        if stream is not None:
            return stream.batch_size
        return min(fit.batches.size, n_train) if fit.batches.size else n_train

    def _steps_an_epoch(self, fit: ex.Fit) -> int:
        if self.dataset.stream is not None:
            return streaming.n_batches(self.dataset.stream)
        return fit.batches.steps(len(self.dataset.X_train))

    @property
    def epoch(self) -> int:
        """How many epochs this session has done."""
        return len(self.history)

    @property
    def done(self) -> bool:
        """Whether all the epochs of the experiment are done, or it has ended before."""
        return bool(self.ended) or self.epoch >= self.experiment.fit.epochs

    @property
    def position(self) -> Position:
        """Where in an epoch of batches the model is; between two epochs at 0."""
        return self._batches.position

    @property
    def in_batches(self) -> bool:
        """Whether an epoch is many steps, between which it can be left."""
        return self.dataset.stream is not None or bool(self.experiment.fit.batches.size)

    def extend(self, epochs: int) -> None:
        """Change how many epochs there are to do, more or fewer; what is done stays done."""
        fit = ex.replace(self.experiment.fit, epochs=max(epochs, 1))
        self.experiment = ex.replace(self.experiment, fit=fit)

    def advance(self, seconds: float | None = None, epochs: int | None = None) -> None:
        """Train for about so many seconds, or exactly so many epochs, but not past the end of the experiment.

        An epoch of batches can be left in its middle when the time is up; the next call goes on there. Every epoch's
        losses go to `history`. Raises DivergedError when one is NaN or infinite, and InputError for a file that
        changes or breaks while it is trained on.
        """
        torch.set_num_threads(self.n_threads)  # a setting of the calling thread
        goal = self.experiment.fit.epochs if epochs is None else min(self.epoch + epochs, self.experiment.fit.epochs)
        deadline = None if seconds is None else time.perf_counter() + seconds
        while self.epoch < goal and not self.ended:
            started = time.perf_counter()
            until = self._time_limit(started, deadline)
            try:
                if self.in_batches:
                    self._go_on_with_epoch(until)
                else:
                    self._train_block(min(goal - self.epoch, self._block(until)))
            finally:
                now = time.perf_counter()
                self.seconds += now - started
            self._look_at_the_clock()
            if deadline is not None and now >= deadline:
                return

    def _time_limit(self, now: float, deadline: float | None) -> float | None:
        """When to come back at the latest."""
        limit = self.experiment.fit.stopping.seconds
        if limit is None:
            return deadline
        end = now + limit - self.seconds
        return end if deadline is None else min(end, deadline)

    def _block(self, deadline: float | None) -> int:
        """How many epochs to do before the clock and the losses are looked at."""
        if deadline is None:
            return max(64, int(self._epochs_per_second))
        return max(1, int(self._epochs_per_second * (deadline - time.perf_counter())))

    def _train_block(self, n: int) -> None:
        """Do n epochs of one step each, or as many as come before the fit ends."""
        before, started = self._state(), time.perf_counter()
        losses = train(self._loop, self.dataset, self.epoch, n)
        finite = np.isfinite(losses).all(axis=1)
        if not (finite.all() and self._weights_are_finite()):
            self._restore(before)
            self._keep(losses[: self._train_while_finite(n)], before)
            raise DivergedError(advice(self.experiment.fit.optimizer.lr, self.epoch, self.dataset))
        first = self.epoch
        self._keep(losses, before)
        if self.epoch < first + n:  # it has ended within the block: do that again, no further
            self._restore(before)
            train(self._loop, self.dataset, first, self.epoch - first)
        if self.done:
            self._take_the_best()
        self._epochs_per_second = n / max(time.perf_counter() - started, 1e-9)

    def _keep(self, losses: NDArray[np.float32], before: State) -> None:
        """Append the losses [n, n_splits] of the epochs since `before`, up to the one at which the fit ends."""
        done, self.ended = self._best.look_at(losses[:, judged(self.history.splits)], before)
        self.history.append(losses[:done])

    def _take_the_best(self) -> None:
        """Back to the weights of the best epoch, from the last state that was kept before it."""
        if self._best.kept is None or self._best.number == self.epoch:
            return
        epoch, state = self._best.kept
        self._restore(state, epoch)
        if not self.in_batches:
            train(self._loop, self.dataset, epoch, self._best.number - epoch)
        self.can_go_on = False  # the weights are not those of the last epoch

    def _look_at_the_clock(self) -> None:
        limit = self.experiment.fit.stopping.seconds
        if limit is not None and self.seconds >= limit and not self.done:
            self.ended = f"the time limit of {limit:g} s"
            self._take_the_best()

    def _go_on_with_epoch(self, deadline: float | None) -> None:
        """Go on with an epoch in batches, to its end or until the deadline."""
        if self._before is None:
            self._before = self._state(), replace(self.position)
        losses = self._batches.go_on(self.experiment.fit, self.epoch, deadline)
        if losses is None:
            return
        state, position = self._before
        if not np.isfinite(losses).all() or not self._weights_are_finite():
            self._batches.stand_at(replace(position))  # before the state: the schedule is played up to there
            self._restore(state)
            raise DivergedError(advice(self.experiment.fit.optimizer.lr, self.epoch, self.dataset))
        self._batches.stand_at(Position())
        self._before = None
        best = self._best.number
        self._keep(losses, state)
        if self._best.number != best and self._best.is_wanted:
            self._best.kept = self.epoch, self._state()
        if self.done:
            self._take_the_best()
            self._batches.close()

    def _train_while_finite(self, n: int) -> int:
        """Do the same epochs again, one by one, to the last one that leaves all finite. Returns how many.

        Looking at the losses alone is not enough: -inf before a ReLU gives 0.
        """
        for done in range(n):
            before = self._state()
            losses = train(self._loop, self.dataset, self.epoch + done, 1)
            if not (np.isfinite(losses).all() and self._weights_are_finite()):
                self._restore(before, self.epoch + done)
                return done
        return n

    def _state(self) -> State:
        return copy.deepcopy((self.model.state_dict(), self.optimizer.state_dict()))

    def _restore(self, state: State, epoch: int | None = None) -> None:
        """Go back to a state after so many epochs; those that the history has, where no number is given."""
        model_state, optimizer_state = copy.deepcopy(state)
        self.model.load_state_dict(model_state)
        self.optimizer.load_state_dict(optimizer_state)
        self._replay_schedule(self.epoch if epoch is None else epoch)

    def best_weights(self) -> dict[str, torch.Tensor] | None:
        """The model's state_dict after the best epoch so far, where the fit will end with it and it is another now."""
        is_best = self._best.number == self.epoch and not self._batches.done
        if self._best.kept is None or self.done or is_best:
            return None
        now, (epoch, state) = self._state(), self._best.kept
        if epoch == self._best.number:
            return state[0]
        self._restore(state, epoch)
        train(self._loop, self.dataset, epoch, self._best.number - epoch)
        best = copy.deepcopy(self.model.state_dict())
        self._restore(now)
        return best

    def resume(
        self, losses: NDArray[np.float32], position: Position, best: dict[str, torch.Tensor] | None = None
    ) -> None:
        """Stand after the epochs with these losses [n_epochs, n_splits] and the batches of `position`, with the weights
        and the optimizer's state that the session was given; `best` is what `best_weights` gave."""
        state = self._state()
        self._keep(losses, state)
        if self.in_batches:
            self._batches.stand_at(position)
        known = best is not None or self._best.number == self.epoch
        is_kept = known and self._best.is_wanted
        self._best.kept = (self._best.number, (best or state[0], state[1])) if is_kept else None
        self._replay_schedule(self.epoch)

    def _replay_schedule(self, epoch: int) -> None:
        """Have the learning rate stand where it stood after so many epochs and the batches of the position."""
        if self._loop.schedule is None:
            return
        done = self._batches.done // self.experiment.fit.batches.accumulate
        losses = self.history.losses[:epoch, judged(self.history.splits)].tolist()
        self._loop.schedule.replay(epoch * self._steps_an_epoch(self.experiment.fit) + done, losses)

    def _weights_are_finite(self) -> bool:
        return all(bool(torch.isfinite(value).all()) for value in self.model.state_dict().values())

    def predict(self, X: torch.Tensor) -> NDArray[np.float32]:
        """The model's outputs [n, n_outputs] for X [n, ...] on any device: numbers as scaled, or logits."""
        with torch.inference_mode():
            y_pred: NDArray[np.float32] = self.model(X.to(self.device)).cpu().numpy()
        return y_pred

    def answers(self, X: torch.Tensor) -> NDArray[Any]:
        """What is predicted for X: float32 [n, n_targets] in the target's own unit, or int64 [n] class indices."""
        return answers(self.predict(X), self.preparation, self.experiment.fit.loss)

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every parameter under its state_dict name."""
        return {name: p.detach().cpu().numpy().copy() for name, p in self.model.named_parameters()}
