"""Step 3 on a GPU: an epoch of one step is recorded once, as a CUDA graph, and then played again.

A small model's epoch is some forty kernels of a few microseconds each, and Python takes ten times as long to start them
one by one. Recorded, they start together, and the losses stay on the device until the end.
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch

CAPACITY = 4096
"""So many epochs are played before their losses are fetched."""
WARM_UP = 3
"""So many epochs run as usual before one is recorded: libraries and optimizers set themselves up in the first ones. A
momentum that is made within a recording would be made anew whenever that is played."""

Epoch = Callable[[], list[torch.Tensor]]
"""Does an epoch on the model as it stands; its losses, a number each."""


class Recording(Protocol):
    """How work is recorded: with a CUDA graph; tests have another one, for machines without a GPU."""

    def aside(self) -> AbstractContextManager[None]:
        """Where work is done that is to be recorded later."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """The function that does `work` again. Raises RuntimeError for work that cannot be recorded."""


class CudaRecording:
    """Records what is started on a stream of its own."""

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        # thread_local: what other threads of the window do with the GPU is none of this recording's business
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            work()
        return graph.replay


class Recorder:
    """Plays the epochs of one model and its optimizer."""

    def __init__(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, recording: Recording | None = None
    ) -> None:
        self._model, self._optimizer = model, optimizer
        self._recording: Recording = recording or CudaRecording()
        self._cannot = False
        self._warmed_up = 0
        self._play: Callable[[], None] | None = None
        self._known: object = None
        """What the optimizer and the model lay on at the end of the last run."""
        device = next(model.parameters()).device
        for group in optimizer.param_groups:
            if device.type == "cuda" and "capturable" in group:  # the number of steps stays on the device
                group["capturable"] = True
        # torch warns of steps that are not recorded, and the first ones are not
        optimizer._warned_capturable_if_run_uncaptured = True
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._losses = torch.empty(0, device=device)

    def run(self, epoch: Epoch, n_losses: int, epochs: int) -> torch.Tensor:
        """Do so many epochs. Returns their losses [epochs, n_losses], on the CPU."""
        if self._known != self._memory():
            self._play, self._warmed_up = None, 0
        as_usual = epochs if self._cannot else min(epochs, WARM_UP - self._warmed_up)
        chunks = [self._as_usual(epoch, n_losses, as_usual)]
        left = epochs - as_usual
        if left and self._play is None:
            self._record(epoch, n_losses)
        if self._cannot:
            chunks.append(self._as_usual(epoch, n_losses, left))
            left = 0
        while left:
            chunks.append(self._again(min(left, CAPACITY)))
            left -= len(chunks[-1])
        self._known = self._memory()
        return torch.cat(chunks)

    def _as_usual(self, epoch: Epoch, n_losses: int, epochs: int) -> torch.Tensor:
        with self._recording.aside():
            losses = [loss for _ in range(epochs) for loss in epoch()]
        self._warmed_up += epochs
        return torch.stack(losses).reshape(-1, n_losses).cpu() if losses else torch.empty(0, n_losses)

    def _again(self, epochs: int) -> torch.Tensor:
        assert self._play
        self._place.zero_()
        for _ in range(epochs):
            self._play()
        return self._losses[:epochs].to("cpu", copy=True)  # their place is used again

    def _record(self, epoch: Epoch, n_losses: int) -> None:
        """Where it cannot be recorded, epochs are done as usual from here on."""
        self._losses = torch.empty(CAPACITY, n_losses, device=self._place.device)

        def work() -> None:
            self._losses.index_copy_(0, self._place, torch.stack(epoch())[None])
            self._place.add_(1)

        try:
            self._play = self._recording.record(work)
        except RuntimeError:  # something in the model waits for the device
            self._cannot = True

    def _memory(self) -> object:
        """What a recording holds fast: where all tensors lie, and the options of the optimizer's groups.

        Loading a state_dict puts other tensors into the optimizer.
        """
        optimizer = self._optimizer
        state = [value for values in optimizer.state.values() for value in values.values()]
        tensors = [*self._model.parameters(), *self._model.buffers(), *state]
        options = [[value for name, value in group.items() if name != "params"] for group in optimizer.param_groups]
        return [each.data_ptr() for each in tensors if isinstance(each, torch.Tensor)], options
