"""What the array vocabulary has besides ufuncs: geometry, sorting, products, new arrays."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pullback import layouts
from pullback.backends import axiswise, moving
from pullback.backends.along import move_axis, take_along
from pullback.backends.generator import Generator, default_generator
from pullback.dtypes import check_number, fitted, kind as kind_of, limits

__all__ = [
    "arranged", "bitcast", "broadcast_shape", "check_index", "check_position", "clipped",
    "complex_view", "constant", "cumulate",
    "diagonal_view", "draw_integers", "draw_normal", "draw_permutation", "draw_uniform",
    "even", "gather_array", "identity", "laid_out",
    "masked_elements_array", "masked_fill_from", "max_or", "nonzero_array", "pad_constant",
    "pieces_along", "positions_along", "powers", "real_pairs", "recur", "reshape_view",
    "roll_array", "sequence", "taken", "tile_array", "triangle", "uninitialised", "windows",
    "with_diagonal",
]  # fmt: skip

INT64, FLOAT32, FLOAT64 = np.dtype(np.int64), np.dtype(np.float32), np.dtype(np.float64)
FULL, BACKWARDS = slice(None), slice(None, None, -1)


# ---------------------------------------------------------------------------------- geometry


def broadcast_shape(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The common shape; RuntimeError where there is none."""
    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        listed = ", ".join(str(list(s)) for s in shapes)
        raise RuntimeError(f"the shapes {listed} cannot be broadcast together") from None


def reshape_view(x: Any, *shape: int) -> Any:
    """A reshape that must not copy; RuntimeError where it would have to."""
    try:
        return x.reshape(shape, copy=False)
    except ValueError:
        raise RuntimeError(
            f"view size is not compatible with input tensor's size and stride (at least one "
            f"dimension spans across two contiguous subspaces): shape {list(x.shape)} viewed as "
            f"{list(shape)}. Use .reshape(...) instead."
        ) from None


def arranged(x: Any, like: Any, order: Any = None) -> Any:
    """A copy of x with its axes in memory as another array has them, or in a given order.

    Axes that are repeated or empty have no order to keep.
    """
    axes = layouts.CHANNELS_LAST.get(order)
    if axes is not None:
        made = np.empty([x.shape[k] for k in axes], x.dtype).transpose(np.argsort(axes))
    else:
        keeps = order is not layouts.contiguous_format and 0 not in like.strides
        made = np.empty_like(like, x.dtype, "K" if keeps else "C", subok=False)
    moving.copy_into(made, x)
    return made


def bitcast(x: Any, dtype: Any) -> Any:
    """The same bits as elements of another type."""
    if not x.ndim:
        return x.reshape(1).view(dtype).reshape(())
    try:
        return x.view(dtype)
    except ValueError as error:
        raise RuntimeError(f"view({dtype}): {error}") from None


def real_pairs(x: Any) -> Any:
    """Complex numbers as pairs of real ones along a new last axis, in the same memory."""
    return x[..., None].view(x.real.dtype)


def complex_view(x: Any) -> Any:
    """Pairs along the last axis as complex numbers, in the same memory."""
    if x.size and x.strides[-1] != x.itemsize:
        raise RuntimeError(
            "view_as_complex: Tensor must have a last dimension with stride 1: use .contiguous()"
        )
    return x.view(np.result_type(x.dtype, np.complex64))[..., 0]


def roll_array(x: Any, shifts: Any, dims: Any) -> Any:
    """Elements moved along axes, around the ends."""
    if type(dims) is tuple and len(dims) == 1 and x.ndim and x.size:
        (dim,), (shift,) = dims, shifts
        dim %= x.ndim
        at = -shift % x.shape[dim]
        others = (FULL,) * dim
        parts = (x[(*others, slice(at, None))], x[(*others, slice(at))])
        return moving.joined(parts, dim)
    return np.roll(x, shifts, dims)


def diagonal_view(x: Any, offset: int, dim1: int, dim2: int) -> Any:
    """The diagonals of two axes, as the last axis; writable where x is."""
    if dim1 == dim2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    view = x.diagonal(offset, dim1, dim2)
    if x.flags.writeable:
        view.flags.writeable = True
    return view


# min(max(x, low), high), of NaN NaN: the ufunc, where NumPy has it in its usual place, as `np.clip`
# asks a lot of its arguments first.
clipped: Any = getattr(getattr(getattr(np, "_core", None), "umath", None), "clip", np.clip)


def pieces_along(x: Any, dim: int, sizes: Sequence[int]) -> list[Any]:
    """An axis cut into pieces of these sizes: views."""
    bounds = itertools.pairwise(itertools.accumulate(sizes, initial=0))
    if dim == 0:
        return [x[a:b] for a, b in bounds]
    others = (FULL,) * dim
    return [x[(*others, slice(a, b))] for a, b in bounds]


def positions_along(x: Any, dim: int) -> list[Any]:
    """The positions of an axis: views."""
    if dim:
        x = x.transpose((dim, *(k for k in range(x.ndim) if k != dim)))
    return list(x) if x.ndim > 1 else [x[k, ...] for k in range(len(x))]


def windows(x: Any, dim: int, size: int, step: int) -> Any:
    """Overlapping windows along one axis, as the last axis: a view."""
    if not x.ndim:
        return x.reshape(1)
    count = (x.shape[dim] - size) // step + 1
    shape = [*x.shape, size]
    strides = [*x.strides, x.strides[dim]]
    shape[dim], strides[dim] = count, x.strides[dim] * step
    return as_strided(x, shape, strides)


def tile_array(x: Any, repeats: Sequence[int]) -> Any:
    """Copies side by side."""
    if x.nbytes * math.prod(repeats) < moving.WORTH:
        return np.tile(x, repeats)
    rank = max(x.ndim, len(repeats))
    times = (1,) * (rank - len(repeats)) + tuple(repeats)
    x = x.reshape((1,) * (rank - x.ndim) + x.shape)
    pairs = [n for pair in zip(times, x.shape, strict=True) for n in pair]
    made = np.empty(pairs, x.dtype)
    one = x.reshape([n for size in x.shape for n in (1, size)])
    moving.copy_into(made, np.broadcast_to(one, made.shape))
    return made.reshape([r * s for r, s in zip(times, x.shape, strict=True)])


def triangle(x: Any, diagonal: int, lower: bool) -> Any:
    """The lower or upper triangle of the last two axes."""
    rows, columns = x.shape[-2:]
    if rows * columns < TRIANGLE or min(rows, columns) < 4 * BAND:
        if rows * columns <= KEPT_MASK:
            return np.where(_triangle_mask(rows, columns, diagonal, lower), x, x.dtype.type(0))
        return np.tril(x, diagonal) if lower else np.triu(x, diagonal)
    result = np.zeros(x.shape, x.dtype)
    for first in range(0, rows, BAND):  # a square with a diagonal, and what is beside it
        last = min(first + BAND, rows)
        left, right = (min(max(k + diagonal, 0), columns) for k in (first, last))
        whole = slice(0, left) if lower else slice(right, columns)
        result[..., first:last, whole] = x[..., first:last, whole]
        square = x[..., first:last, left:right]
        offset = first + diagonal - left
        cut = np.tril(square, offset) if lower else np.triu(square, offset)
        result[..., first:last, left:right] = cut
    return result


@functools.lru_cache(64)
def _triangle_mask(rows: int, columns: int, diagonal: int, lower: bool) -> Any:
    mask = np.tri(rows, columns, diagonal if lower else diagonal - 1, bool)
    return mask if lower else ~mask


KEPT_MASK = 1 << 14  # elements of a matrix for which the places of its triangle are kept
TRIANGLE = 1 << 16  # elements of a matrix from which it is cut into bands
BAND = 64  # rows


def laid_out(x: Any, like: Any) -> Any:
    """x with its axes in memory as another array of its shape has them; itself if they are."""
    return x if like.flags.c_contiguous and x.flags.c_contiguous else arranged(x, like)


def with_diagonal(x: Any, value: Any, wrap: bool) -> Any:
    """A copy with one number where all indices are equal; of tall matrices, again and again."""
    made = np.array(x, order="C")
    if made.size:
        np.fill_diagonal(made, check_number(value, x.dtype), wrap)
    return made


def pad_constant(x: Any, margins: Sequence[tuple[int, int]], value: Any) -> Any:
    """One value around an array, (before, after) for each axis; negative numbers cut off."""
    inside = x[tuple(slice(max(0, -a), s - max(0, -b))
                     for s, (a, b) in zip(x.shape, margins, strict=True))]  # fmt: skip
    shape = [a + s + b for s, (a, b) in zip(x.shape, margins, strict=True)]
    result = moving.full(shape, check_number(value, x.dtype), x.dtype)
    middle = result[tuple(slice(max(0, a), n - max(0, b))
                 for n, (a, b) in zip(shape, margins, strict=True))]  # fmt: skip
    moving.copy_into(middle, inside)
    return result


def max_or(x: Any, dim: tuple[int, ...], otherwise: float) -> Any:
    """The maximum over axes, kept, or a value where there are no elements."""
    return np.maximum.reduce(x, axis=dim, keepdims=True, initial=otherwise)


# ---------------------------------------------------------------------- order and position


def cumulate(what: str, x: Any, dim: int, dtype: Any = None) -> Any:
    """Running sums, maybe "from the end", or products; in a NumPy dtype if one is given, otherwise
    integers in int64."""
    if dtype is None:
        dtype = np.int64 if x.dtype.kind in "bui" else x.dtype
    if not x.ndim:
        return x.astype(dtype)
    if x.size >= axiswise.SCAN_WORTH:
        found = axiswise.scanned(what, [x.astype(dtype, copy=False)], dim, [dtype])
        if found is not None:
            return found[0]
    if what == "sum from the end":
        return np.flip(np.cumsum(np.flip(x, dim), axis=dim, dtype=dtype), dim).copy()
    cumulative: Any = {"sum": np.cumsum, "prod": np.cumprod}[what]
    return cumulative(x, axis=dim, dtype=dtype)


def recur(x: Any, factors: Any, dim: int) -> Any:
    """s[i] = x[i] + factors[i] s[i + 1] along an axis, from its end."""
    if x.size >= axiswise.SCAN_WORTH:
        found = axiswise.scanned("recurrence", [x, factors], dim, [x.dtype])
        if found is not None:
            return found[0]
    x, factors = move_axis(x, dim, 0), move_axis(factors, dim, 0)
    step, size = 1, x.shape[0]
    while step < size:  # by doubling: log2(n) passes
        x = np.concatenate([x[:-step] + factors[:-step] * x[step:], x[-step:]])
        rest = np.zeros_like(factors[-step:])
        factors = np.concatenate([factors[:-step] * factors[step:], rest])
        step *= 2
    return np.ascontiguousarray(move_axis(x, 0, dim))


def ends(index: Any) -> tuple[int, int]:
    """The least and the largest of some positions; or 0 and the largest, if none is negative."""
    if index.dtype is INT64:  # at once: what is negative is large without a sign
        high = int(np.maximum.reduce(index.view(np.uint64), axis=None))
        if high < 2**63:
            return 0, high
    return int(np.minimum.reduce(index, axis=None)), int(np.maximum.reduce(index, axis=None))


def check_index(
    what: str, x: Any, dim: int, index: Any, extremes: Callable[[Any], tuple[int, int]] = ends
) -> None:
    """RuntimeError for positions that a look-up along an axis cannot read."""
    if not index.size:
        return
    if index.dtype.kind not in "iu":
        raise RuntimeError(f"{what}(): Expected dtype int64 for index, but got {index.dtype}")
    if index.ndim != x.ndim and x.ndim and index.ndim:
        raise RuntimeError(
            f"{what}(): Index tensor must have the same number of dimensions as input tensor, "
            f"but the shapes are {list(index.shape)} and {list(x.shape)}"
        )
    size = x.shape[dim] if x.ndim else 1
    low, high = extremes(index)
    if low < 0 or high >= size:
        worst = high if high >= size else low
        raise RuntimeError(
            f"{what}(): index {worst} is out of bounds for dimension {dim} with size {size}"
        )


def check_position(
    what: str, x: Any, dim: int, index: Any, extremes: Callable[[Any], tuple[int, int]] = ends
) -> None:
    """IndexError for positions that an axis does not have."""
    if not index.size:
        return
    size = x.shape[dim] if x.ndim else 1
    low, high = extremes(index)
    if low < 0 or high >= size:
        raise IndexError(
            f"{what}(): index out of range in self: dimension {dim} of the shape {list(x.shape)} "
            f"has size {size}"
        )


def taken(x: Any, index: Any) -> Any:
    """The elements at positions in the flattened array, counted from the end as well."""
    try:
        return x.take(index)
    except IndexError:
        check_position("take", x.reshape(-1), 0, np.where(index < 0, index + x.size, index))
        raise


def gather_array(x: Any, dim: int, index: Any) -> Any:
    """x[index[i, j], j] along axis 0, and so on; index may be smaller along the other axes."""
    check_index("gather", x, dim, index)
    if not index.size:
        return np.empty(index.shape, x.dtype)
    if not x.ndim or not index.ndim:
        return np.take(x.reshape(-1), index)
    if index.shape != x.shape:
        for k, (a, b) in enumerate(zip(index.shape, x.shape, strict=True)):
            if k != dim and a > b:
                raise RuntimeError(
                    f"gather(): Size does not match at dimension {k} expected index "
                    f"{list(index.shape)} to be no larger than self {list(x.shape)} apart from "
                    f"dimension {dim}"
                )
        x = x[tuple(slice(None) if k == dim else slice(s) for k, s in enumerate(index.shape))]
    return take_along(x, index, dim)


def masked_fill_from(x: Any, mask: Any, source: Any) -> Any:
    """A copy of x with the first elements of another array where the mask is True."""
    count = int(np.count_nonzero(mask))
    if count > source.size:
        raise RuntimeError(
            f"masked_scatter: expected at least {count} elements in source, as many as the mask "
            f"has ones, but its shape is {list(source.shape)}"
        )
    x = np.array(x, order="C")
    x[mask] = source.reshape(-1)[:count]
    return x


def masked_elements_array(x: Any, mask: Any, shape: Sequence[int]) -> Any:
    """The elements where the mask is True, then zeros, in a shape."""
    result = np.zeros(shape, x.dtype)
    found = x[mask]
    result.reshape(-1)[: found.size] = found
    return result


def nonzero_array(x: Any) -> Any:
    """Positions of non-zero elements, a row each."""
    if x.ndim < 2 or not x.flags.c_contiguous or 8 * np.count_nonzero(x) > x.size:
        return np.argwhere(x).astype(np.int64, copy=False)
    flat = np.flatnonzero(x)  # NumPy finds few far sooner along one axis than along several
    return np.stack(np.unravel_index(flat, x.shape), 1).astype(np.int64, copy=False)


# ----------------------------------------------------------------------------------- products


# --------------------------------------------------------------------------------- new arrays


def constant(shape: Sequence[int], value: Any, dtype: Any) -> Any:
    """One value everywhere. RuntimeError for a negative size."""
    if any(s < 0 for s in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    if type(value) is int and value == 0:  # not -0.0; and such memory comes for nothing
        return np.zeros(shape, dtype)
    return moving.full(shape, fitted(value, dtype), dtype)


def uninitialised(shape: Sequence[int], dtype: Any) -> Any:
    """Memory that is not set."""
    if any(s < 0 for s in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return np.empty(shape, dtype)


def sequence(start: Any, step: Any, count: int, dtype: Any) -> Any:
    """start + k step, computed by multiplication: the error does not grow."""
    if np.dtype(dtype).kind in "iu":
        return (np.arange(count, dtype=np.int64) * int(step) + int(start)).astype(dtype)
    return (start + np.arange(count, dtype=np.float64) * step).astype(dtype)


def even(start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """Evenly spaced numbers, both ends included."""
    start, end = check_number(start, dtype), check_number(end, dtype)
    return np.linspace(start, end, steps).astype(dtype)


def powers(base: float, start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """Powers of a base with evenly spaced exponents."""
    if steps < 0:
        raise RuntimeError(f"logspace: number of steps must be non-negative, got {steps}")
    start, end = (x if isinstance(x, complex) else float(x) for x in (start, end))
    check_number(start, dtype), check_number(end, dtype)
    return np.power(float(base), np.linspace(start, end, steps)).astype(dtype)


def identity(n: int, m: int, dtype: Any) -> Any:
    """Ones on the diagonal."""
    if n < 0 or m < 0:
        raise RuntimeError(f"eye: n and m must be greater or equal to 0, got {n} and {m}")
    return np.eye(n, m, dtype=dtype)


# ------------------------------------------------------------------------------------- random


def stream(generator: Any) -> Any:
    """NumPy's generator of a given one, or of the default one."""
    if generator is None:
        return default_generator.source
    if not isinstance(generator, Generator):
        raise TypeError(
            f"argument 'generator' must be torch.Generator, not {type(generator).__name__}"
        )
    return generator.source


def _check_floating(what: str, dtype: Any) -> None:
    if kind_of(dtype) not in "fc":
        raise NotImplementedError(f'"{what}" not implemented for {dtype}: draw floats, and convert')


def draw_uniform(shape: Sequence[int], dtype: Any, generator: Any) -> Any:
    """Uniform on [0, 1)."""
    source = stream(generator)
    dtype = np.dtype(dtype)
    if dtype is FLOAT32 or dtype is FLOAT64:
        return np.asarray(source.random(shape, dtype))
    _check_floating("uniform", dtype)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        return (source.random(shape, part) + 1j * source.random(shape, part)).astype(dtype)
    count = 2 ** (limits(dtype).nmant + 1)  # no more bits than there are: rounding never gives 1
    return (np.floor(source.random(shape) * count) / count).astype(dtype)


def draw_normal(shape: Sequence[int], dtype: Any, generator: Any) -> Any:
    """Normal, with variance 1."""
    source = stream(generator)
    dtype = np.dtype(dtype)
    if dtype is FLOAT32 or dtype is FLOAT64:
        return np.asarray(source.standard_normal(shape, dtype))
    _check_floating("normal", dtype)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        both = source.standard_normal((2, *shape), part) * math.sqrt(0.5)
        return (both[0] + 1j * both[1]).astype(dtype)
    return np.asarray(source.standard_normal(shape)).astype(dtype)


def draw_integers(low: int, high: int, shape: Sequence[int], dtype: Any, generator: Any) -> Any:
    """Integers from low to high - 1."""
    kind = np.dtype(dtype)
    least, largest = _range_of(kind)
    if not least <= low <= high - 1 <= largest:
        raise RuntimeError(
            f"randint: the numbers from {low} to {high - 1} are out of bounds for {kind}"
        )
    source = stream(generator)
    return np.asarray(source.integers(low, high, tuple(shape))).astype(dtype, copy=False)


@functools.cache
def _range_of(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest number of a dtype."""
    if dtype.kind == "b":
        return 0, 1
    if kind_of(dtype) == "f":
        largest = int(float(limits(dtype).max))
        return -largest, largest
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def draw_permutation(n: int, dtype: Any, generator: Any) -> Any:
    """0 to n - 1 in random order."""
    dtype = np.dtype(dtype)
    if dtype is INT64:
        return stream(generator).permutation(n)
    floating = kind_of(dtype) == "f"
    largest = 2 ** (limits(dtype).nmant + 1) if floating else int(np.iinfo(dtype).max)
    if n - 1 > largest:
        raise RuntimeError(f"randperm: n = {n} is too large for {dtype}, exact up to {largest}")
    return stream(generator).permutation(n).astype(dtype)
