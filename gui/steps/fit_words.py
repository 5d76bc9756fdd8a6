"""What step 3 says in plain words of its numbers."""

from __future__ import annotations

from engine import experiment as ex


def batches_in_words(n_rows: int, batches: ex.Batches) -> str:
    """Such as "800 rows in 25 batches of 32: 25 steps an epoch."."""
    n, steps, size = batches.per_epoch(n_rows), batches.steps(n_rows), batches.size
    ends = f"{steps:,} step{'s' if steps > 1 else ''} an epoch."
    if n == 1 and (not size or size >= n_rows):
        return f"{n_rows:,} rows at once: {ends}"
    rest = n_rows - n * size if batches.drop_last else n_rows - (n - 1) * size
    last = ""
    if batches.drop_last and rest:
        last = f", {rest:,} left out"
    elif not batches.drop_last and rest < size:
        last = f", the last of {rest:,}"
    each = f", each from {batches.accumulate:,} batches" if batches.accumulate > 1 else ""
    return f"{n_rows:,} rows in {n:,} batches of {size:,}{last}{each}: {ends}"


def no_precision(device: str) -> dict[object, str]:
    """The precisions that a device has not, each with the reason."""
    kind = device.partition(":")[0]
    reasons: dict[object, str] = {}
    if kind != "cuda":
        reasons["float16"] = f"float16 is for CUDA alone, and this fit computes on {kind}."
    if kind not in ("cuda", "cpu"):
        reasons["bfloat16"] = f"bfloat16 is for CUDA and the CPU, and this fit computes on {kind}."
    return reasons
