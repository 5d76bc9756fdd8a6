"""Step 1 of the script: the lines that divide the rows, as `engine.data.splitting` does."""

from __future__ import annotations

from engine import experiment as ex


def split_lines(split: ex.Split, as_numbers: bool) -> list[str]:
    """The script's lines that make `train`, `validation` and `test` for `y`; slices where nothing is drawn.

    `as_numbers`: `train` must be an array of row numbers, since something is learned from these rows first.
    """
    parts = ["train", *(["validation"] if split.validation else []), "test"]
    if split.method == "by column":
        lines = [f"words = {{word: part for part, words in {ex.SPLIT_WORDS!r}.items() for word in words}}"]
        lines += ["said = np.array([words[word.strip().lower()] for word in which])"]
        return lines + [f'{part} = np.flatnonzero(said == "{part}")' for part in ex.SPLIT_WORDS]
    lines = [f"n_train = len(y) * {split.train} // 100"]
    if split.validation:
        lines.append(f"n_validation = len(y) * {split.validation} // 100")
    if split.method == "in order":
        end = "n_train + n_validation" if split.validation else "n_train"
        bounds = {"train": ":n_train", "validation": f"n_train:{end}", "test": f"{end}:"}
        if as_numbers:
            return [*lines, *(f"{part} = np.arange(len(y))[{bounds[part]}]" for part in parts)]
        slices = {"train": "slice(n_train)", "validation": f"slice(n_train, {end})", "test": f"slice({end}, None)"}
        return [*lines, *(f"{part} = {slices[part]}" for part in parts)]
    first = "rest" if split.validation else "train"
    n_test = "len(y) - n_train - n_validation" if split.validation else "len(y) - n_train"
    stratify = {"": "", "rest": ", stratify=labels[rest]"}
    whole = ", stratify=labels" if split.method == "stratified" else ""
    again = stratify["rest"] if split.method == "stratified" else ""
    lines += ["labels = y.numpy()"] if whole else []
    lines.append(
        f"{first}, test = train_test_split(np.arange(len(y)), test_size={n_test}, random_state={split.seed}{whole})"
    )
    if split.validation:
        lines.append(
            f"train, validation = train_test_split(rest, test_size=n_validation, random_state={split.seed}{again})"
        )
    return lines


def split_imports(split: ex.Split) -> list[str]:
    """What the script's lines import."""
    if split.method in ("random", "stratified"):
        return ["import numpy as np", "from sklearn.model_selection import train_test_split"]
    return ["import numpy as np"] if split.method == "by column" else []
