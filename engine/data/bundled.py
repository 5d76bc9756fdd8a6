"""Step 1: the real data sets that come with scikit-learn. They are part of its installation: nothing is fetched."""

from __future__ import annotations

from typing import Any

from engine import experiment as ex
from engine.data.rows import Reading, Rows, numbers

LOADERS = {
    "iris": "load_iris",
    "wine": "load_wine",
    "breast cancer": "load_breast_cancer",
    "diabetes": "load_diabetes",
    "digits": "load_digits",
}


def read_rows(source: ex.Bundled) -> Rows:
    """All rows, in scikit-learn's order and with its names.

    X is float32 [n, n_features], of the digits [n, 1, 8, 8] in 0..1; y is [n] int64, of diabetes [n, 1] float32.
    """
    import torch
    from sklearn import datasets

    bunch: Any = getattr(datasets, LOADERS[source.name])()
    features = tuple(str(name) for name in bunch.feature_names)
    if source.name == "diabetes":
        X = torch.from_numpy(bunch.data).type(torch.float)
        y = torch.from_numpy(bunch.target).type(torch.float).unsqueeze(dim=1)
        return Rows(y, numbers(X, features), ("target",), lines(source))
    y = torch.from_numpy(bunch.target).type(torch.long)
    classes = tuple(str(name) for name in bunch.target_names)
    if source.name == "digits":
        X = torch.from_numpy(bunch.images / 16).type(torch.float).unsqueeze(dim=1)
        return Rows(y, numbers(X, ()), ("class",), lines(source), classes)
    X = torch.from_numpy(bunch.data).type(torch.float)
    return Rows(y, numbers(X, features), ("class",), lines(source), classes)


def lines(source: ex.Bundled) -> Reading:
    """The script's lines that make X and y with the same bits."""
    loader = LOADERS[source.name]
    imports = (f"from sklearn.datasets import {loader}",)
    bunch = loader.removeprefix("load_")
    read = [f"{bunch} = {loader}()"]
    if source.name == "digits":
        read.append(f"X = torch.from_numpy({bunch}.images / 16).type(torch.float).unsqueeze(dim=1)  # [n, 1, 8, 8]")
    else:
        n_features = {"iris": 4, "wine": 13, "breast cancer": 30, "diabetes": 10}[source.name]
        read.append(f"X = torch.from_numpy({bunch}.data).type(torch.float)  # [n, {n_features}]")
    if source.name == "diabetes":
        return Reading((*read, f"y = torch.from_numpy({bunch}.target).type(torch.float).unsqueeze(dim=1)  # [n, 1]"),
                       imports=imports)  # fmt: skip
    read += [
        f"y = torch.from_numpy({bunch}.target).type(torch.long)  # [n], the number of each row's class",
        f"classes = [str(name) for name in {bunch}.target_names]",
    ]
    return Reading(tuple(read), imports=imports)
