"""Nearest columns (`search.py`) with fewer instructions than sums have terms, to the same bits.

Columns are prepared here, once for each call. Where that gives nothing (numbers that are not
finite, rows far from all columns, too many columns that are equally near), the kernel itself does
the rows.
"""

from __future__ import annotations

import ctypes
import functools
from array import array
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..memory import address
from .compile import library
from .quantised import ALONG, BEYOND, LIST, WORDS, Nearest, has_dot, panel_of
from .search import Search
from .target import Target

if TYPE_CHECKING:
    from .run import Placed

LEAST_TERMS, MOST_TERMS = 16, 1024  # of a sum: |a|² and |b|² are exact as float32
LEAST_COLUMNS, LEAST_ROWS = 64, 128
STEPS = 127
SMALLEST, LARGEST = 1e-15, 1e12  # steps whose squares neither vanish nor overflow
COLUMNS_AT_ONCE = 4096
PATIENCE = 8  # tasks that were not done so, until it is not tried any more
Array = np.ndarray[Any, Any]


class Quick:
    """The rows of a search, for arrays of known shapes; called with tasks, like a kernel."""

    def __init__(self, search: Search, placed: Mapping[str, Placed], target: Target, function: Any):
        self.search, self.placed, self.target, self._function = search, placed, target, function
        self.together = 2 * target.lanes_of(np.dtype(np.int32))  # rows

    def prepared(
        self, addresses: Mapping[str, int], stop: int
    ) -> Callable[[int, int], bool] | None:
        """What does rows first … last - 1, and says whether it did; None if nothing can."""
        s, placed = self.search, self.placed
        columns = placed[s.columns]
        with np.errstate(all="ignore"):
            side = Columns.of(_view(addresses[s.columns], columns), panel_of(self.target))
        if side is None:
            return None
        values = {
            "rows": addresses[s.rows], "row_step": placed[s.rows].strides[0],
            "columns": addresses[s.columns], "column_step": columns.strides[0],
            "dimension": columns.shape[1], "count": columns.shape[0],
            "panels": address(side.panels), "starts": address(side.starts),
            "center": address(side.center), "numbers": address(side.numbers),
            "most": min(LIST, columns.shape[0] * self.together // 8), "stop": stop,
        }  # fmt: skip
        for name, step, result in (
            ("values", "value_step", s.values), ("indices", "index_step", s.indices),
        ):  # fmt: skip
            values[name] = addresses[result] if result else 0
            values[step] = placed[result].strides[0] if result else 0
        words = array("q", [values[name] for name in WORDS])
        where, function = words.buffer_info()[0], self._function
        misses = 0

        def rows(first: int, last: int, kept: Any = (words, side)) -> bool:  # what it points to
            nonlocal misses
            if misses > PATIENCE:
                return False
            done = bool(function(where, first, last))
            misses += 0 if done else 1
            return done

        return rows


class Columns(NamedTuple):
    """The columns of a search in steps, as `quantised.py` reads them."""

    panels: Array  # int8 [panel][word][column][4]
    starts: Array  # int32 [column]: what G begins with
    center: Array  # [d], in the columns' dtype
    numbers: Array  # float32: steps per unit, how far columns were moved, factor of roundings

    @classmethod
    def of(cls, y: Array, panel: int) -> Columns | None:
        """Those of an array (columns, d); None if steps cannot tell them apart."""
        count, terms = y.shape
        low, high = y.min(0).astype(np.float64), y.max(0).astype(np.float64)
        center = ((low + high) / 2).astype(y.dtype)
        half = float(np.max(np.maximum(high - center, center - low)))
        step = half / STEPS
        if not SMALLEST < step < LARGEST:  # nor if it is not a number
            return None
        inverse = np.float32(1 / step)
        words, padded = -(-terms // 4), -(-count // panel) * panel
        codes = np.zeros((padded, 4 * words), np.int8)
        starts = np.full(padded, BEYOND, np.int32)
        moved = 0.0
        for first in range(0, count, COLUMNS_AT_ONCE):
            part = slice(first, min(first + COLUMNS_AT_ONCE, count))
            exact = (y[part] - center.astype(np.float64)) * float(inverse)
            whole = np.clip(np.rint(exact), -STEPS, STEPS)
            codes[part, :terms] = whole
            squares = np.einsum("jd,jd->j", whole, whole).astype(np.int64)
            starts[part] = -(squares >> 1) - 128 * whole.sum(1).astype(np.int64)
            exact -= whole
            moved = max(moved, float(np.einsum("jd,jd->j", exact, exact).max()))
        panels = np.ascontiguousarray(codes.reshape(-1, panel, words, 4).transpose(0, 2, 1, 3))
        # roundings: of a row's steps, each by three units in the last place of at most 127; of the
        # sum of squares, by as many as it has terms
        delta = float(np.sqrt(moved)) * (1 + 1e-6) + 5e-5 * float(np.sqrt(terms))
        grow = 1 + 3 * (terms + 8) * float(np.finfo(y.dtype).eps) / 2 + 1e-6
        numbers = np.array([inverse, delta, grow], np.float32)
        numbers[1:] = np.nextafter(numbers[1:], np.float32(np.inf))
        whole_center = np.zeros(-(-terms // ALONG) * ALONG, y.dtype)
        whole_center[:terms] = center
        return cls(panels, starts, whole_center, numbers)


def quick(
    search: Search | None, sizes: tuple[int, int, int], placed: Mapping[str, Placed], target: Target
) -> Quick | None:
    """The quick way of a search, where there is one and it is worth its preparation.

    `sizes` are the numbers of rows, columns and terms.
    """
    if search is None or not has_dot(target) or target.lanes_of(np.dtype(np.int32)) == 1:
        return None
    rows, columns = placed[search.rows], placed[search.columns]
    count, among, terms = sizes
    if (*rows.shape, *columns.shape) != (count, terms, among, terms) or columns.strides[0] <= 0:
        return None
    few = count < LEAST_ROWS or among < LEAST_COLUMNS
    if few or not LEAST_TERMS <= terms <= MOST_TERMS:
        return None
    return Quick(search, placed, target, function_of(rows.dtype, search.root, target)[0])


@functools.cache
def function_of(dtype: np.dtype[Any], root: bool, target: Target) -> tuple[Any, Any]:
    """The machine code for a dtype, with what owns it."""
    engine, place = library(Nearest(dtype, root, target).module(), target)
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    return ctypes.CFUNCTYPE(word, pointer, word, word)(place("nearest")), engine


def _view(start: int, placed: Placed) -> Array:
    """The array at an address."""
    size = (placed.shape[0] - 1) * placed.strides[0] + placed.shape[1] * placed.dtype.itemsize
    memory = memoryview((ctypes.c_ubyte * size).from_address(start)).cast("B")
    return np.ndarray(placed.shape, placed.dtype, memory, strides=placed.strides)
