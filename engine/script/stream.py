"""Steps 1, 3 and 4 of the script for Parquet that stays on disk, as `engine.streaming` does them."""

from __future__ import annotations

from engine import experiment as ex
from engine.data.parquet.sizes import sizes
from engine.script.data import text
from engine.script.losses import predicted


def stream_imports(data: ex.Data) -> list[str]:
    """What these lines import beside torch."""
    numpy = ["import numpy as np"] if _is_scaled(data) else []
    return ["from pathlib import Path", "import polars as pl", "import polars.selectors as cs", *numpy]


def data_lines(data: ex.Data, source: ex.ParquetStream, forward: str = "model") -> list[str]:
    """Section 1."""
    return [
        "# 1. Get data ready: the rows stay on disk and come block by block",
        *_settings_lines(source),
        "",
        "",
        *_reading_lines(),
        "",
        "",
        *_split_lines(data.split),
        *(_scale_lines(data, source) if _is_scaled(data) else []),
        "",
        "",
        *_load_lines(_is_scaled(data)),
        "",
        "",
        *_order_lines(source, forward),
    ]


def _settings_lines(source: ex.ParquetStream) -> list[str]:
    buffer_rows, block_rows = sizes(source)
    columns = ", ".join(map(text, (*source.features, source.target)))
    return [
        f"path = Path({text(source.path)})",
        'files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]',
        f"columns = [{columns}]  # the features and, last, the target",
        f"batch_size = {source.batch_size}",
        f"buffer_rows = {buffer_rows}  # so many are mixed at a time",
        f"block_rows = {block_rows}  # so many are read at a time",
    ]


def _reading_lines() -> list[str]:
    return [
        "def scan(file):",
        "    return pl.scan_parquet(file, glob=False, hive_partitioning=False)",
        "",
        "",
        "def blocks(start, stop):",
        '    """Rows start to stop of all files together, as (file, first row, number of rows)."""',
        "    found = []",
        "    for file, n in zip(files, n_rows):",
        "        first, last = max(start, 0), min(stop, n)",
        "        found += [(file, row, min(block_rows, last - row)) for row in range(first, last, block_rows)]",
        "        start, stop = start - n, stop - n",
        "    return found",
        "",
        "",
        "def read(block):",
        '    """The rows of a block, float32 [n, n_columns]."""',
        "    file, start, n = block",
        "    rows = scan(file).slice(start, n).select(cs.by_name(*columns).cast(pl.Float32)).collect()",
        '    return rows.to_numpy(order="c")',
    ]


def _split_lines(split: ex.Split) -> list[str]:
    validation = [f"n_validation = sum(n_rows) * {split.validation} // 100"] if split.validation else []
    end = "n_train + n_validation" if split.validation else "n_train"
    return [
        "# Split: the model learns from the training rows and is judged on rows that it has not seen",
        "n_rows = [scan(file).select(pl.len()).collect().item() for file in files]",
        f"n_train = sum(n_rows) * {split.train} // 100",
        *validation,
        f"n_test = sum(n_rows) - {end.replace('+', '-')}",
        "train = blocks(0, n_train)",
        *([f"validation = blocks(n_train, {end})"] if split.validation else []),
        f"test = blocks({end}, sum(n_rows))",
    ]


def _load_lines(is_scaled: bool) -> list[str]:
    if not is_scaled:
        return ["def load(block):", "    return torch.tensor(read(block))"]
    return [
        "def load(block):",
        "    rows = (read(block).astype(np.float64) - centre) / size",
        "    return torch.tensor(rows.astype(np.float32))",
    ]


def _is_scaled(data: ex.Data) -> bool:
    return {data.scaling.features, data.scaling.target, *(each.scale for each in data.scaling.columns)} != {"none"}


def _scale_lines(data: ex.Data, source: ex.ParquetStream) -> list[str]:
    hows = [*map(data.scaling.of, source.features), data.scaling.target]
    return [
        "",
        "# Scaling: found on the training rows alone, in one go over them, then done to all",
        "n, mean, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf",
        "for block in train:",
        "    rows = read(block).astype(np.float64)",
        "    m, rows_mean = len(rows), rows.mean(axis=0)",
        "    squares += ((rows - rows_mean) ** 2).sum(axis=0) + (rows_mean - mean) ** 2 * (n * m / (n + m))",
        "    mean += (rows_mean - mean) * (m / (n + m))",
        "    n += m",
        "    low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))",
        f"how = np.array({hows!r})  # each column is scaled",
        'kinds = [how == "standardise", how == "min-max"]',
        "centre = np.select(kinds, [mean, low], 0.0)",
        "size = np.select(kinds, [np.sqrt(squares / n), high - low], 1.0)",
        "size[size == 0] = 1.0",
    ]


def _order_lines(source: ex.ParquetStream, forward: str) -> list[str]:
    return [
        "def shuffled(epoch):",
        '    """The training rows in batches: blocks in a drawn order, the rows of each full buffer mixed."""',
        f"    generator = torch.Generator().manual_seed(({source.seed} * 1_000_003 + epoch) % 2**63)",
        "    buffer = torch.empty(min(buffer_rows, n_train), len(columns))",
        "    n, left = 0, n_train",
        "    for number in torch.randperm(len(train), generator=generator).tolist():",
        "        rows = load(train[number])",
        "        while len(rows):",
        "            taken = rows[: len(buffer) - n]",
        "            buffer[n : n + len(taken)] = taken",
        "            n, left, rows = n + len(taken), left - len(taken), rows[len(taken) :]",
        "            if n == len(buffer) or left == 0:",
        "                for numbers in torch.randperm(n, generator=generator).split(batch_size):",
        "                    yield buffer[numbers].to(device)",
        "                n = 0",
        "",
        "",
        "def in_order(part):",
        '    """The rows of a part in batches, as they are in the files."""',
        "    for block in part:",
        "        for rows in load(block).split(batch_size):",
        "            yield rows.to(device)",
        "",
        "",
        "def mean_loss(part, n):",
        '    """The loss over the n rows of a part."""',
        "    total = 0.0",
        "    with torch.inference_mode():",
        "        for rows in in_order(part):",
        f"            total += loss_fn({forward}(rows[:, :-1]), rows[:, -1:]).item() * len(rows)",
        "    return torch.tensor(total / n)",
    ]


def evaluate_lines(experiment: ex.Experiment) -> list[str]:
    """Section 4."""
    y_own = predicted(experiment.fit.loss, "model(rows[:, :-1]).cpu()") + "[:, 0]"
    own_unit = [
        "        # back to the target's own unit",
        "        y_true, y_own = y_true * size[-1] + centre[-1], y_own * size[-1] + centre[-1]",
    ] if experiment.data.scaling.target != "none" else []
    return [
        "# 4. Evaluate the model on the test set: sums over its batches",
        "model.eval()",
        "n, mean, squares, absolute, squared = 0, 0.0, 0.0, 0.0, 0.0",
        'low, high = float("inf"), -float("inf")',
        "with torch.inference_mode():",
        "    for rows in in_order(test):",
        f"        y_true, y_own = rows[:, -1].cpu().double(), {y_own}",
        *own_unit,
        "        residual, m, y_mean = y_true - y_own, len(rows), y_true.mean().item()",
        "        absolute += residual.abs().sum().item()",
        "        squared += (residual**2).sum().item()",
        "        squares += ((y_true - y_mean) ** 2).sum().item() + (y_mean - mean) ** 2 * (n * m / (n + m))",
        "        mean += (y_mean - mean) * (m / (n + m))",
        "        n += m",
        "        low, high = min(low, y_true.min().item()), max(high, y_true.max().item())",
        "    X_test = load(test[0])[:batch_size, :-1].to(device)",
        "    y_pred = model(X_test)",
        "# where all targets are the same there is nothing to explain",
        'r2 = 1 - squared / squares if low < high else float("nan")',
        'print(f"MAE {absolute / n:.6g}  RMSE {(squared / n) ** 0.5:.6g}  R2 {r2:.6g}")',
    ]
