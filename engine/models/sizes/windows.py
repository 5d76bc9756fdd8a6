"""Convolution and pooling: windows along [channels, length] or over [channels, height, width]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd, prod

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.channels import LINES, check_rank
from engine.models.sizes.lengths import convolved, pooled, transposed
from engine.models.sizes.row import Instead, MisfitError, Row, Sized, before, name, removed

Conv = part.Conv1d | part.Conv2d
Transposed = part.ConvTranspose1d | part.ConvTranspose2d
MaxPool = part.MaxPool1d | part.MaxPool2d
Pool = MaxPool | part.AvgPool1d | part.AvgPool2d
Adaptive = part.AdaptiveAvgPool1d | part.AdaptiveAvgPool2d | part.AdaptiveMaxPool1d | part.AdaptiveMaxPool2d


def convolution(layer: Conv, row: Row) -> Sized:
    """[in_channels, *lengths] to [out_channels, *lengths]; weights [out, in / groups, *kernel_size]."""
    check_rank(layer, row)
    _check_groups(layer, row.shape[0])
    lengths = row.shape[1:]
    kernels, strides = on_all(layer.kernel_size, lengths), on_all(layer.stride, lengths)
    dilations = on_all(layer.dilation, lengths)
    if layer.padding == "same":
        return _same(layer, row, kernels, dilations)
    paddings = on_all(layer.padding, lengths)
    if layer.padding_mode != "zeros":
        _check_padding_mode(layer, lengths, paddings)
    out = tuple(map(convolved, lengths, kernels, strides, paddings, dilations))
    if min(out) < 1:
        needed = [-((length - d * (k - 1) - 1) // 2) for length, k, d in zip(lengths, kernels, dilations, strict=True)]
        raise MisfitError(
            _too_large(layer, lengths),
            *_smaller_kernel(layer, lengths, paddings, dilations),
            Instead(f"Set the padding to {max(needed)}", (ex.replace(layer, padding=(max(needed),)),)),
            *_the_other_way(layer),
        )
    return _weighted(layer, row, out)


def _same(layer: Conv, row: Row, kernels: tuple[int, ...], dilations: tuple[int, ...]) -> Sized:
    """As many values as come in: of what the windows would lose, half is put before the start, the rest at the end.

    Source: docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html, the note on padding "same".
    """
    if max(layer.stride) > 1:
        raise MisfitError(
            f"{name(layer)} pads to the same size only where its window moves by 1, here by {_by(layer.stride)}",
            Instead("Set the stride to 1", (ex.replace(layer, stride=(1,)),)),
            Instead("Set the padding to 0", (ex.replace(layer, padding=(0,)),)),
        )
    if layer.padding_mode != "zeros":
        lost = [dilation * (kernel - 1) for kernel, dilation in zip(kernels, dilations, strict=True)]
        _check_padding_mode(layer, row.shape[1:], tuple(each - each // 2 for each in lost))
    return _weighted(layer, row, row.shape[1:])


def transposition(layer: Transposed, row: Row) -> Sized:
    """[in_channels, *lengths] to [out_channels, *longer]; weights [in, out / groups, *kernel_size]."""
    check_rank(layer, row)
    _check_groups(layer, row.shape[0])
    lengths = row.shape[1:]
    kernels, strides = on_all(layer.kernel_size, lengths), on_all(layer.stride, lengths)
    paddings, dilations = on_all(layer.padding, lengths), on_all(layer.dilation, lengths)
    extra = on_all(layer.output_padding, lengths)
    most = [max(stride, dilation) - 1 for stride, dilation in zip(strides, dilations, strict=True)]
    if any(more > limit for more, limit in zip(extra, most, strict=True)):
        raise MisfitError(
            f"{name(layer)} needs an output padding below its stride or its dilation",
            Instead(f"Set it to {min(most)}", (ex.replace(layer, output_padding=(min(most),)),)),
        )
    out = tuple(map(transposed, lengths, kernels, strides, paddings, dilations, extra))
    if min(out) < 1:
        raise MisfitError(
            f"The padding of {_by(paddings)} takes away all that {name(layer)} makes of {_by(lengths)}",
            Instead("Set it to 0", (ex.replace(layer, padding=(0,)),)),
        )
    return _weighted(layer, row, out)


def pooling(layer: Pool, row: Row) -> Sized:
    """[channels, *lengths] to [channels, *shorter]; the stride is the kernel's size where it is not said."""
    check_rank(layer, row)
    lengths = row.shape[1:]
    kernels, paddings = on_all(layer.kernel_size, lengths), on_all(layer.padding, lengths)
    strides = on_all(layer.stride or layer.kernel_size, lengths)
    dilations = on_all(layer.dilation if isinstance(layer, MaxPool) else (1,), lengths)
    half = min(kernel // 2 for kernel in kernels)
    if any(padding > kernel // 2 for padding, kernel in zip(paddings, kernels, strict=True)):
        raise MisfitError(
            f"The padding of {name(layer)} may be half of its kernel at most",
            Instead(f"Set it to {half}", (ex.replace(layer, padding=(half,)),)),
        )
    ceil_mode = (layer.ceil_mode,) * len(lengths)
    out = tuple(map(pooled, lengths, kernels, strides, paddings, dilations, ceil_mode))
    if min(out) < 1:
        raise MisfitError(_too_large(layer, lengths), *_smaller_kernel(layer, lengths, paddings, dilations), removed())
    return Sized(part.options(layer), (row.shape[0], *out))


def adaptive(layer: Adaptive, row: Row) -> Sized:
    """[channels, *lengths] to [channels, *output_size]."""
    check_rank(layer, row)
    return Sized(part.options(layer), (row.shape[0], *on_all(layer.output_size, row.shape[1:])))


def on_all(sizes: tuple[int, ...], lengths: Sequence[int]) -> tuple[int, ...]:
    """A number for each axis of `lengths`: (3,) stands for 3 on all of them."""
    return sizes * len(lengths) if len(sizes) == 1 else sizes


def _weighted(layer: Conv | Transposed, row: Row, out: tuple[int, ...]) -> Sized:
    n_in, n_out = row.shape[0], layer.out_channels
    n_weights = n_in * n_out // layer.groups * prod(on_all(layer.kernel_size, out))
    arguments = {"in_channels": n_in, **part.options(layer)}
    return Sized(arguments, (n_out, *out), n_weights + (n_out if layer.bias else 0))


def _check_groups(layer: Conv | Transposed, n_in: int) -> None:
    both = gcd(n_in, layer.out_channels)
    if both % layer.groups:
        fitting = max(divisor for divisor in range(1, min(both, layer.groups) + 1) if both % divisor == 0)
        raise MisfitError(
            f"{layer.groups:,} groups do not divide both the {n_in:,} channels that come in and the "
            f"{layer.out_channels:,} that go out",
            Instead(f"Set the groups to {fitting:,}", (ex.replace(layer, groups=fitting),)),
        )


def _check_padding_mode(layer: Conv, lengths: tuple[int, ...], paddings: tuple[int, ...]) -> None:
    """A mirror needs one value more than it shows, the other side as many; what is repeated is always there."""
    most = {"reflect": min(lengths) - 1, "circular": min(lengths)}.get(layer.padding_mode)
    if most is None or all(
        padding <= length - (layer.padding_mode == "reflect") for padding, length in zip(paddings, lengths, strict=True)
    ):
        return
    raise MisfitError(
        f"The padding of {_by(paddings)} in the mode {layer.padding_mode} is more than {_by(lengths)} can fill",
        Instead("Pad with zeros", (ex.replace(layer, padding_mode="zeros"),)),
        Instead(f"Set it to {most}", (ex.replace(layer, padding=(most,)),)),
    )


def _smaller_kernel(
    layer: Conv | Pool, lengths: tuple[int, ...], paddings: tuple[int, ...], dilations: tuple[int, ...]
) -> Iterator[Instead]:
    """The layer with the largest kernel that fits, the same on every axis."""
    size = min((length + 2 * p - 1) // d + 1 for length, p, d in zip(lengths, paddings, dilations, strict=True))
    if isinstance(layer, Pool):  # its padding is bound to its kernel
        size = min((length - 1) // d + 1 for length, d in zip(lengths, dilations, strict=True))
        layer = ex.replace(layer, padding=(0,)) if max(paddings) > size // 2 else layer
    if size > 1 or isinstance(layer, Conv):
        yield Instead(f"Set the kernel to {size:,}", (ex.replace(layer, kernel_size=(size,)),))


def _the_other_way(layer: Conv | Pool) -> Iterator[Instead]:
    """The layer along the other axis: sequences of data come as [length, n]."""
    if type(layer) in LINES:
        yield before(layer, part.Transpose(), "Swap the axes with Transpose")


def _too_large(layer: Conv | Pool, lengths: tuple[int, ...]) -> str:
    padded = " with its padding" if any(layer.padding) else ""
    what = "picture" if len(lengths) == 2 else "sequence"
    return (
        f"The window of {name(layer)}, {_by(on_all(layer.kernel_size, lengths))}, is larger than the {what} "
        f"that comes in, {_by(lengths)}{padded}"
    )


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in sizes)
