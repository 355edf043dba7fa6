"""Reductions and scans of large arrays along an axis, by compiled loops on several threads.

NumPy's run on one, and its running sums take three cycles an element. Sums of rows are sums of
parts of `PART` numbers, each in as many sums as vectors hold; sums of columns are sums of blocks.
What is added in which order depends on the sizes alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

WORTH = 1 << 16  # elements from which compiled loops are looked for
SCAN_WORTH = 1 << 13  # of scans, which NumPy has no vector loops for
PART = 1 << 13  # of a long row
BLOCK = 128  # rows that are reduced to one
STRIP = 1 << 11  # columns: what they are reduced to stays in the cache
CHUNK = 1 << 14  # elements that are worth handing out
FEW_COLUMNS = 32
KINDS = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}
DTYPES = (np.float32, np.float64, np.int64)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


@functools.cache
def _machine() -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm import axiswise
    except ImportError:
        return None
    return axiswise


def _sizes(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, int, int] | None:
    """Elements before, along and behind axes that are side by side; None if they are not."""
    if not axes:
        return None
    first, last = min(axes), max(axes)
    if last - first >= len(axes) and math.prod(shape[first : last + 1]) != math.prod(
        shape[k] for k in axes
    ):
        return None
    return (
        math.prod(shape[:first]),
        math.prod(shape[first : last + 1]),
        math.prod(shape[last + 1 :]),
    )


def reduced(ufunc: Any, x: Any, axes: Any, keepdims: bool) -> Any:
    """`ufunc.reduce` of a large array; None for what is not done here."""
    return _reduced(KINDS.get(ufunc), x, axes, keepdims)


def sum_of_squares(x: Any, axes: Any) -> Any:
    """Σ |x|² over axes, kept."""
    if x.size >= WORTH and x.dtype.kind == "f":
        result = _reduced("squares", x, axes, True)
        if result is not None:
            return result
    size = np.abs(x)
    return np.add.reduce(size * size, axis=axes, keepdims=True)


def _reduced(kind: str | None, x: Any, axes: Any, keepdims: bool) -> Any:
    if kind is None or x.dtype not in DTYPES or not x.flags.c_contiguous:
        return None
    rank = x.ndim
    dims = range(rank) if axes is None else (axes,) if isinstance(axes, int) else axes
    dims = [d % rank for d in dims]
    sizes = _sizes(x.shape, dims)
    machine = _machine()
    if sizes is None or machine is None:
        return None
    outer, n, inner = sizes
    if n < 2 or 1 < inner < FEW_COLUMNS:
        return None
    first = machine.reductions(kind, x.dtype)
    then = machine.reductions("sum", x.dtype) if kind == "squares" else first
    array = _reduced_rows(first[0], then[0], x, outer, n) if inner == 1 else _reduced_columns(
        first[1], then[1], x, outer, n, inner
    )  # fmt: skip
    if keepdims:
        return array.reshape([1 if k in dims else s for k, s in enumerate(x.shape)])
    kept = [s for k, s in enumerate(x.shape) if k not in dims]
    return array.reshape(kept) if kept else array[0]


def _reduced_rows(function: Any, then: Any, x: Any, outer: int, n: int) -> Any:
    while True:
        parts = -(-n // PART)
        length = -(-n // parts)
        parts = -(-n // length)
        result = np.empty(outer * parts, x.dtype)
        arguments = (_address(x), _address(result), n, parts, length)
        function(arguments, outer * parts, max(1, CHUNK // length))
        if parts == 1:
            return result
        x, n, function = result, parts, then


def _reduced_columns(function: Any, then: Any, x: Any, outer: int, n: int, inner: int) -> Any:
    strips = -(-inner // STRIP)
    width = -(-inner // strips)
    while True:
        blocks = -(-n // BLOCK)
        length = -(-n // blocks)
        result = np.empty((outer * blocks, inner), x.dtype)
        arguments = (
            _address(x), _address(result), n, inner, blocks, length, strips, width,
        )  # fmt: skip
        tasks = outer * blocks * strips
        function(arguments, tasks, max(1, CHUNK // (length * width)))
        if blocks == 1:
            return result
        x, n, function = result, blocks, then


def scanned(kind: str, inputs: Sequence[Any], dim: int, writes: Sequence[Any]) -> Any:
    """Arrays of some dtypes with what is known of all elements up to each; None for what is not
    done here. Inputs are of one dtype and one shape."""
    x = inputs[0]
    machine = _machine()
    if x.size < SCAN_WORTH or machine is None or x.dtype not in DTYPES:
        return None
    if any(i.shape != x.shape or i.dtype != x.dtype for i in inputs):
        return None
    outer, n, inner = math.prod(x.shape[:dim]), x.shape[dim], math.prod(x.shape[dim + 1 :])
    if outer * inner < 2 * machine.ROWS:
        return None
    inputs = [np.ascontiguousarray(i) for i in inputs]
    results = [np.empty(x.shape, d) for d in writes]
    rows, columns, width = machine.scan(kind, x.dtype)
    arguments = (*map(_address, inputs), *map(_address, results), outer, n, inner)
    if inner == 1:
        rows(arguments, -(-outer // machine.ROWS), max(1, CHUNK // (machine.ROWS * n)))
    else:
        columns(arguments, outer * -(-inner // width), max(1, CHUNK // (min(width, inner) * n)))
    return results
