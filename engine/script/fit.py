"""Step 3 of the script: the loop, as `engine.training` does it."""

from __future__ import annotations

from engine import experiment as ex
from engine.experiment.layers import draws
from engine.script.optimizers import scheduler_imports
from engine.training.recordable import is_recordable
from engine.training.stopping import looks, restores

SEED = "({seed} * 1_000_003 + epoch)"
"""What is drawn for an epoch is seeded with, as `engine.training.step.epoch_seed` has it."""
RECORDED = (
    "for group in optimizer.param_groups:",
    '    if "capturable" in group:  # as in the window, which plays its epochs as a CUDA graph',
    '        group["capturable"] = True',
)


def fit_imports(fit: ex.Fit) -> list[str]:
    """What these lines import beside torch."""
    return [
        *(["import copy"] if restores(fit.stopping) else []),
        *(["import time"] if fit.stopping.seconds is not None else []),
        *scheduler_imports(fit),
    ]


def n_steps(experiment: ex.Experiment) -> str:
    """The steps that the optimizer takes in the whole fit, as an expression."""
    batches, epochs = experiment.fit.batches, experiment.fit.epochs
    if isinstance(experiment.data.source, ex.ParquetStream):
        of_left = "-(-(n_train % buffer_rows) // batch_size)"
        return f"{epochs} * (n_train // buffer_rows * -(-buffer_rows // batch_size) + {of_left})"
    if not batches.size:
        return str(epochs)
    steps = f"-(-len(X_train) // {batches.size})"
    if batches.drop_last:
        steps = f"max(1, len(X_train) // {batches.size})"
    return f"{epochs} * {steps if batches.accumulate == 1 else f'-(-({steps}) // {batches.accumulate})'}"


def fit_lines(experiment: ex.Experiment, has_validation: bool, device: str = "cpu") -> list[str]:
    """Section 3."""
    fit = experiment.fit
    stream = isinstance(experiment.data.source, ex.ParquetStream)
    in_batches = stream or bool(fit.batches.size)
    loop = [
        "model.train()",
        *_frozen(experiment.model),
        *(_batches(experiment, stream) if in_batches else _one_step(experiment)),
        "",
        "model.eval()",
        *_judge(experiment, has_validation, stream),
        *_schedule(fit, has_validation),
        *_print(has_validation),
        *_stop(fit.stopping, "validation_loss" if has_validation else "loss"),
    ]
    return [
        "# 3. Fit the model to the training data" + (", batch by batch" if in_batches else ""),
        f"epochs = {fit.epochs}",
        *([] if stream or not in_batches else [f"batch_size = {fit.batches.size}"]),
        *([f"accumulate = {fit.batches.accumulate}  # batches a step"] if fit.batches.accumulate > 1 else []),
        *_before(fit),
        *(RECORDED if is_recordable(experiment, device) else []),
        "for epoch in range(epochs):",
        *(f"    {line}" if line else "" for line in loop),
        *(["model.load_state_dict(best_state)  # the weights of the best epoch"] if restores(fit.stopping) else []),
    ]


def _before(fit: ex.Fit) -> list[str]:
    lines = []
    if fit.computing.compile:
        lines.append("forward = torch.compile(model)")
    if fit.computing.precision == "float16":
        lines.append("scaler = torch.amp.GradScaler(device)  # its factor is not kept in a model file")
    if looks(fit.stopping):
        lines.append('best_loss, waited = float("inf"), 0')
    if fit.stopping.seconds is not None:
        lines.append("started = time.perf_counter()  # a limit of time: not the same epoch in every run")
    return lines


def _frozen(model: ex.Model) -> list[str]:
    if isinstance(model, ex.Backbone) and model.frozen:
        return ["model.backbone.eval()  # what is frozen stays as it is, statistics too"]
    if not isinstance(model, ex.Sequential) or not model.frozen:
        return []
    return [
        f"for layer in model[:{model.frozen}]:",
        "    layer.eval()  # what is frozen stays as it is, statistics too",
    ]


def _call(fit: ex.Fit) -> str:
    return "forward" if fit.computing.compile else "model"


def _one_step(experiment: ex.Experiment) -> list[str]:
    source, fit = experiment.data.source, experiment.fit
    seed = SEED.format(seed=fit.seed) + " % 2**63"
    X, lines = "X_train", []
    if isinstance(source, ex.Images) and source.augmentation:
        lines.append(f"generator = torch.Generator().manual_seed({seed})")
        X = "augment(X_train, generator)"
    return [*lines, *_step(experiment, X, "y_train", seed)]


def _batches(experiment: ex.Experiment, stream: bool) -> list[str]:
    source, fit = experiment.data.source, experiment.fit
    batches = fit.batches
    seed = f"({SEED.format(seed=fit.seed)} % 2**63 * 1_000_003 + batch) % 2**63"
    is_numbered = draws(experiment.model) or (isinstance(source, ex.Images) and bool(source.augmentation))
    X, y = ("rows[:, :-1]", "rows[:, -1:]") if stream else ("X_train[rows]", "y_train[rows]")
    inner = []
    if isinstance(source, ex.Images) and source.augmentation:
        inner.append(f"generator = torch.Generator().manual_seed({seed})")
        X = f"augment({X}, generator)"
    if batches.accumulate > 1:
        return [*_cuts(fit), "total = 0.0", *_groups(experiment, inner, X, y, seed, is_numbered), *_mean(batches)]
    each = "shuffled(epoch)" if stream else "batches"
    head = f"for batch, rows in enumerate({each}):" if is_numbered else f"for rows in {each}:"
    inner += [*_step(experiment, X, y, seed), "total += loss.item() * len(rows)"]
    return [
        *([] if stream else _cuts(fit)),
        "total = 0.0",
        head,
        *(f"    {line}" for line in inner),
        *(["loss = torch.tensor(total / n_train)"] if stream else _mean(batches)),
    ]


def _cuts(fit: ex.Fit) -> list[str]:
    """The numbers of the rows of each batch."""
    lines = ["order = torch.arange(len(X_train))"]
    if fit.batches.shuffle:
        lines = [
            f"generator = torch.Generator().manual_seed({SEED.format(seed=fit.seed)} % 2**63)",
            "order = torch.randperm(len(X_train), generator=generator)  # every epoch in another order",
        ]
    last = "[: max(1, len(X_train) // batch_size)]  # without the last one, which is not full"
    return [*lines, f"batches = order.split(batch_size){last if fit.batches.drop_last else ''}"]


def _mean(_batches: ex.Batches) -> list[str]:
    return ["loss = torch.tensor(total / sum(map(len, batches)))"]


def _groups(
    experiment: ex.Experiment, inner: list[str], X: str, y: str, seed: str, is_numbered: bool
) -> list[str]:
    """Several batches make one step."""
    fit = experiment.fit
    head = "for batch, rows in enumerate(group, first):" if is_numbered else "for rows in group:"
    return [
        "for first in range(0, len(batches), accumulate):",
        "    group = batches[first : first + accumulate]",
        "    optimizer.zero_grad()  # forget the last gradients",
        f"    {head}",
        *(f"        {line}" for line in (*inner, *_forward(experiment, X, y, seed))),
        f"        {_backward(fit, 'loss / len(group) if len(group) > 1 else loss')}",
        "        total += loss.item() * len(rows)",
        *(f"    {line}" for line in (*_gradients(fit), *_move(fit))),
    ]


def _step(experiment: ex.Experiment, X: str, y: str, seed: str) -> list[str]:
    """One step on one batch."""
    fit = experiment.fit
    if isinstance(fit.optimizer, ex.optimizers.LBFGS):
        return [
            "losses = []",
            "",
            "def closure():  # LBFGS looks at the loss several times within one step",
            "    optimizer.zero_grad()",
            *(f"    {line}" for line in _forward(experiment, X, y, seed)),
            "    losses.append(loss.detach())",
            "    loss.backward()",
            *(f"    {line}" for line in _gradients(fit)),
            f"    return loss{' + penalty' if fit.gradients.l1 else ''}",
            "",
            "optimizer.step(closure)",
            "loss = losses[0]",
            *_after_step(fit),
        ]
    return [
        *_forward(experiment, X, y, seed),
        "optimizer.zero_grad()  # 3. forget the last gradients",
        f"{_backward(fit, 'loss')}  # 4. backpropagation",
        *_gradients(fit),
        *_move(fit),
    ]


def _forward(experiment: ex.Experiment, X: str, y: str, seed: str) -> list[str]:
    fit = experiment.fit
    lines = [
        f"y_pred = {_call(fit)}({X})  # 1. forward pass",
        f"loss = loss_fn(y_pred, {y})  # 2. how wrong is it?",
    ]
    if fit.computing.precision != "float32":
        dtype = f"torch.{fit.computing.precision}"
        lines = [f"with torch.autocast(torch.device(device).type, {dtype}):", *(f"    {line}" for line in lines)]
    if draws(experiment.model):
        lines = [f"torch.manual_seed({seed})  # what the layers draw is the same in every run", *lines]
    return lines


def _backward(fit: ex.Fit, loss: str) -> str:
    if fit.computing.precision == "float16":
        return f"scaler.scale({loss}).backward()"
    return f"({loss}).backward()" if " " in loss else f"{loss}.backward()"


def _gradients(fit: ex.Fit) -> list[str]:
    """What is done to the gradients before the step."""
    gradients, lines = fit.gradients, []
    trained = "[parameter for parameter in model.parameters() if parameter.requires_grad]"
    changed = gradients.l1 or gradients.clip_value is not None or gradients.clip_norm is not None
    if changed:
        if fit.computing.precision == "float16":
            lines.append("scaler.unscale_(optimizer)")
        lines.append(f"trained = {trained}")
    if gradients.l1:
        lines += [
            f"penalty = {gradients.l1!r} * torch.stack([parameter.abs().sum() for parameter in trained]).sum()",
            "penalty.backward()  # L1",
        ]
    if gradients.clip_value is not None:
        lines.append(f"nn.utils.clip_grad_value_(trained, {gradients.clip_value!r})")
    if gradients.clip_norm is not None:
        lines.append(f"nn.utils.clip_grad_norm_(trained, {gradients.clip_norm!r})")
    return lines


def _move(fit: ex.Fit) -> list[str]:
    if fit.computing.precision == "float16":
        return ["scaler.step(optimizer)  # 5. gradient descent", "scaler.update()", *_after_step(fit)]
    return ["optimizer.step()  # 5. gradient descent", *_after_step(fit)]


def _after_step(fit: ex.Fit) -> list[str]:
    scheduler = fit.scheduler
    if scheduler is None or scheduler.every == "epoch" or isinstance(scheduler, ex.schedulers.ReduceLROnPlateau):
        return []
    return ["scheduler.step()"]


def _schedule(fit: ex.Fit, has_validation: bool) -> list[str]:
    if isinstance(fit.scheduler, ex.schedulers.ReduceLROnPlateau):
        return [f"scheduler.step({'validation_loss' if has_validation else 'loss'}.item())"]
    return ["scheduler.step()"] if fit.scheduler is not None and fit.scheduler.every == "epoch" else []


def _judge(experiment: ex.Experiment, has_validation: bool, stream: bool) -> list[str]:
    splits = ["validation", "test"] if has_validation else ["test"]
    if stream:
        return [f"{split}_loss = mean_loss({split}, n_{split})" for split in splits]
    forward = _call(experiment.fit)
    grad = "no_grad" if experiment.fit.computing.compile else "inference_mode"
    return [
        f"with torch.{grad}():",
        *(f"    {split}_loss = loss_fn({forward}(X_{split}), y_{split})" for split in splits),
    ]


def _print(has_validation: bool) -> list[str]:
    losses = ["loss", "validation_loss", "test_loss"] if has_validation else ["loss", "test_loss"]
    return [f"print(epoch, {', '.join(f'{name}.item()' for name in losses)})"]


def _stop(stopping: ex.Stopping, loss: str) -> list[str]:
    lines = []
    if looks(stopping):
        less = f"best_loss - {stopping.min_delta!r}" if stopping.min_delta else "best_loss"
        best = ["    best_state = copy.deepcopy(model.state_dict())"] if restores(stopping) else []
        lines += [
            f"if {loss}.item() < {less}:",
            f"    best_loss, waited = {loss}.item(), 0",
            *best,
            "else:",
            "    waited += 1",
        ]
    reasons = []
    if stopping.target_loss is not None:
        reasons.append(f"{loss}.item() <= {stopping.target_loss!r}")
    if stopping.patience:
        reasons.append(f"waited >= {stopping.patience}")
    if stopping.seconds is not None:
        reasons.append(f"time.perf_counter() - started >= {stopping.seconds!r}")
    return [*lines, f"if {' or '.join(reasons)}:", "    break"] if reasons else lines
