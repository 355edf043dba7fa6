"""Convolutions of arrays: correlation with weights, and its two transposes, in any dimension.

Large ones are compiled loops (`direct.py`). For others, the windows of some images at a time are
laid out as columns, in a piece of memory that stays in the cache, and BLAS multiplies them with the
weights. (Measured for 32 images of 16 x 28 x 28 and 3 x 3 weights: columns of all images at once
take twice as long; `einsum` on a view of the windows, five times.)
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.backends import direct
from pullback.config import ALWAYS_FITS, free_memory

__all__ = [
    "columns_image", "correlate", "correlate_input", "correlate_weight", "image_columns",
]  # fmt: skip

MANY = 64  # places in a window that are kept
PIECE = 1 << 18  # elements of the columns that are laid out at a time


class Geometry:
    """Where the windows of a correlation are."""

    def __init__(
        self, image: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any
    ) -> None:
        self.kernel, self.padding = tuple(kernel), padding
        self.padded = [n + a + b for n, (a, b) in zip(image, padding, strict=True)]
        self.counts = tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(self.padded, kernel, stride, dilation, strict=True)
        )
        self.stride, self.dilation = stride, dilation
        self.inside = tuple(
            slice(a, a + n) for n, (a, _) in zip(image, padding, strict=True)
        )  # of the image in the padded one
        self.few = list(self._places()) if math.prod(self.kernel) <= MANY else None
        # One by one, step by step: the image is the only column.
        self.trivial = all(k == s == 1 for k, s in zip(kernel, stride, strict=True))

    def pad(self, x: Any) -> Any:
        """Zeros around the images."""
        if not any(map(any, self.padding)):
            return x
        padded: Any = np.zeros((*x.shape[: -len(self.padded)], *self.padded), x.dtype)
        padded[(..., *self.inside)] = x
        return padded

    def places(self) -> Iterable[tuple[Any, Any]]:
        """Each place in a window, and where in the padded image it is for all windows."""
        return self.few or self._places()

    def _places(self) -> Iterator[tuple[Any, Any]]:
        for place in itertools.product(*map(range, self.kernel)):
            where = tuple(
                slice(k * d, k * d + (n - 1) * s + 1, s)
                for k, d, n, s in zip(place, self.dilation, self.counts, self.stride, strict=True)
            )
            yield (slice(None), slice(None), *place), (..., *where)

    def columns(self, x: Any, made: Any) -> Any:
        """The windows of padded images (b, c, …) as (b, c, kernel…, counts…), written to `made`."""
        for place, where in self.places():
            made[place] = x[where]
        return made


@functools.lru_cache(256)
def _kept_geometry(*sizes: Any) -> Geometry:
    return Geometry(*sizes)


def _geometry(
    image: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any
) -> Geometry:
    """The same one for the same sizes."""
    return _kept_geometry(
        tuple(image), tuple(kernel), tuple(stride), tuple(map(tuple, padding)), tuple(dilation)
    )  # fmt: skip


def _check_room(shape: Sequence[int], itemsize: int) -> None:
    """MemoryError for what no memory holds, before anything is laid out."""
    nbytes = math.prod(shape) * itemsize
    free = free_memory() if nbytes >= ALWAYS_FITS else None
    if free is not None and nbytes > free:
        raise MemoryError(
            f"{nbytes >> 20:,} MiB for shape {list(shape)}, of which {free >> 20:,} MiB are free: "
            f"the padding, or another argument, is too large"
        )


def _pieces(batch: int, elements: int) -> list[slice]:
    step = max(1, PIECE // max(1, elements))
    return [slice(k, min(k + step, batch)) for k in range(0, batch, step)]


def _wide(*arrays: Any) -> Any:
    """Half-precision numbers are summed in single precision."""
    if arrays[0].dtype == np.float16:
        return [a.astype(np.float32) for a in arrays]
    return arrays


def _problem(
    array: Any, shape: Sequence[int], weight: Sequence[int], stride: Any, padding: Any,
    dilation: Any, groups: int,
) -> direct.Problem:  # fmt: skip
    return direct.Problem(
        tuple(shape), tuple(weight), tuple(stride), tuple(map(tuple, padding)), tuple(dilation),
        groups, array.itemsize,
    )  # fmt: skip


def _plus(y: Any, bias: Any) -> Any:
    """A number added to each channel, in place: it is ours, and large."""
    if bias is not None:
        y += bias.reshape(-1, *(1,) * (y.ndim - 2))
    return y


def correlate(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """(b, c, …) with (o, c / groups, …), plus a number for each output, as (b, o, counts…)."""
    dtype = x.dtype
    x, weight = _wide(x, weight)
    batch, channels, *image = x.shape
    outputs = weight.shape[0]
    g = _geometry(image, weight.shape[2:], stride, padding, dilation)
    _check_room((batch, channels, *g.padded), x.itemsize)
    _check_room((batch, outputs, *g.counts), x.itemsize)
    size, spots = math.prod(weight.shape[1:]), math.prod(g.counts)
    problem = _problem(x, x.shape, weight.shape, stride, padding, dilation, groups)
    if direct.worth(problem, x.dtype):
        return direct.correlate(x, weight, bias, problem).astype(dtype, copy=False)
    w = weight.reshape(groups, outputs // groups, size)
    result = np.empty((batch, groups, outputs // groups, spots), x.dtype)
    x = g.pad(x)
    if g.trivial:
        np.matmul(w, x.reshape(batch, groups, size, spots), out=result)
    else:
        parts = _pieces(batch, channels * math.prod(g.kernel) * spots)
        memory = None
        for part in parts:
            count = part.stop - part.start
            if memory is None:
                memory = np.empty((count, channels, *g.kernel, *g.counts), x.dtype)
            columns = g.columns(x[part], memory[:count])
            np.matmul(w, columns.reshape(count, groups, size, spots), out=result[part])
    return _plus(result.reshape(batch, outputs, *g.counts), bias).astype(dtype, copy=False)


def correlate_input(
    y: Any, weight: Any, bias: Any, shape: Sequence[int], stride: Any, padding: Any, dilation: Any,
    groups: int,
) -> Any:  # fmt: skip
    """The transpose of `correlate` in its input: columns spread over windows, and added."""
    dtype = y.dtype
    y, weight = _wide(y, weight)
    batch, channels, *image = shape
    outputs = weight.shape[0]
    g = _geometry(image, weight.shape[2:], stride, padding, dilation)
    size, spots = math.prod(weight.shape[1:]), math.prod(g.counts)
    problem = _problem(y, shape, weight.shape, stride, padding, dilation, groups)
    if direct.worth(problem, y.dtype):
        return direct.correlate_input(y, weight, bias, problem).astype(dtype, copy=False)
    w = weight.reshape(groups, outputs // groups, size).swapaxes(1, 2)
    y = y.reshape(batch, groups, outputs // groups, spots)
    padded: Any
    if g.trivial:
        padded = np.matmul(w, y).reshape(batch, channels, *g.padded)
    else:
        padded = np.zeros((batch, channels, *g.padded), y.dtype)
        memory = None
        for part in _pieces(batch, channels * math.prod(g.kernel) * spots):
            count = part.stop - part.start
            if memory is None:
                memory = np.empty((count, groups, size, spots), y.dtype)
            columns = np.matmul(w, y[part], out=memory[:count])
            columns = columns.reshape(count, channels, *g.kernel, *g.counts)
            target = padded[part]
            for place, where in g.places():
                target[where] += columns[place]
    return _plus(padded[(..., *g.inside)], bias).astype(dtype, copy=False)


def correlate_weight(
    y: Any, x: Any, shape: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """The transpose of `correlate` in its weights."""
    dtype = x.dtype
    y, x = _wide(y, x)
    batch, channels, *image = x.shape
    outputs = shape[0]
    g = _geometry(image, shape[2:], stride, padding, dilation)
    size, spots = math.prod(shape[1:]), math.prod(g.counts)
    problem = _problem(x, x.shape, shape, stride, padding, dilation, groups)
    if direct.worth(problem, x.dtype):
        w = direct.correlate_weight(y, x, problem)
        if w is not None:
            return w.astype(dtype, copy=False)
    y = y.reshape(batch, groups, outputs // groups, spots)
    x = g.pad(x)
    result = np.zeros((groups, outputs // groups, size), x.dtype)
    memory = None
    for part in _pieces(batch, channels * math.prod(g.kernel) * spots):
        count = part.stop - part.start
        if g.trivial:
            columns = x[part]
        else:
            if memory is None:
                memory = np.empty((count, channels, *g.kernel, *g.counts), x.dtype)
            columns = g.columns(x[part], memory[:count])
        columns = columns.reshape(count, groups, size, spots)
        result += np.matmul(y[part], columns.swapaxes(2, 3)).sum(0)
    return result.reshape(shape).astype(dtype, copy=False)


def image_columns(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """The windows of images (…, c, h, w) as columns (…, c kh kw, count)."""
    *lead, channels = x.shape[:-2]
    g = _geometry(x.shape[-2:], kernel, stride, padding, dilation)
    padded = g.pad(x).reshape(math.prod(lead), channels, *g.padded)
    made = np.empty((len(padded), channels, *g.kernel, *g.counts), x.dtype)
    return g.columns(padded, made).reshape(
        *lead, channels * math.prod(g.kernel), math.prod(g.counts)
    )


def columns_image(
    y: Any, size: Sequence[int], kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    """The transpose of `image_columns`: columns added where they were read."""
    dtype = y.dtype
    (y,) = _wide(y)
    *lead, rows = y.shape[:-1]
    g = _geometry(size, kernel, stride, padding, dilation)
    channels = rows // math.prod(g.kernel)
    columns = y.reshape(math.prod(lead), channels, *g.kernel, *g.counts)
    padded: Any = np.zeros((len(columns), channels, *g.padded), y.dtype)
    for place, where in g.places():
        padded[where] += columns[place]
    inside = padded[(..., *g.inside)].reshape(*lead, channels, *size)
    return np.ascontiguousarray(inside).astype(dtype, copy=False)
