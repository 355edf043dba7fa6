"""Index maps: view operations read as "which element of the input is element (i, j, …)?"."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.backends.scalar import Scalar, apply, const

INT = np.dtype(np.int64)
Index = tuple[Any, ...]  # of Scalars and Python ints


class Mapped:
    """A view of a value: its shape, and the element of the value for an element of the view."""

    def __init__(self, shape: Sequence[int], pull: Callable[[Index], Index]):
        self.shape = tuple(shape)
        self.ndim = len(self.shape)
        self.pull = pull


class Flat:
    """The position in several axes flattened into one; not multiplied out until it must be.

    A later reshape often undoes the earlier one: `p.view(-1)` against `v.view(-1)`.
    """

    def __init__(self, positions: list[Any], sizes: list[int]):
        self.positions = [p for p, s in zip(positions, sizes, strict=True) if s != 1]
        self.sizes = [s for s in sizes if s != 1]


def plain(i: Any) -> Any:
    """An index as an int or a scalar expression."""
    if not isinstance(i, Flat):
        return i
    flat: Any = 0
    for position, size in zip(i.positions, i.sizes, strict=True):
        position = plain(position)
        flat = position if isinstance(flat, int) and flat == 0 else _times(flat, size) + position
    return flat


def _times(a: Any, n: int) -> Any:
    a = plain(a)
    return a if n == 1 else a * n


def _plus(a: Any, n: int) -> Any:
    return a if n == 0 else plain(a) + n


class MapVocabulary:
    """`xp` for index maps: what the bodies of view operations are written with."""

    def permute(self, x: Mapped, *dims: int) -> Mapped:
        """Axis k of the view is axis dims[k] of x."""
        back = sorted(range(len(dims)), key=dims.__getitem__)
        return Mapped([x.shape[d] for d in dims], lambda i: x.pull(tuple(i[k] for k in back)))

    def expand(self, x: Mapped, *shape: int) -> Mapped:
        """Repeated axes read element 0."""
        new = len(shape) - len(x.shape)

        def pull(i: Index) -> Index:
            return x.pull(tuple(0 if s == 1 else i[new + k] for k, s in enumerate(x.shape)))

        return Mapped(shape, pull)

    def slice(self, x: Mapped, dim: int, start: int, end: int, step: int) -> Mapped:
        """Element k is start + k step."""
        count = max(0, -(-(end - start) // step))
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :])

        def pull(i: Index) -> Index:
            at = i[dim] if step == 1 else _times(i[dim], step)
            return x.pull((*i[:dim], _plus(at, start), *i[dim + 1 :]))

        return Mapped(shape, pull)

    def drop(self, x: Mapped, dims: Sequence[int]) -> Mapped:
        """Without axes of size 1."""
        kept = [k for k in range(x.ndim) if k not in dims]

        def pull(i: Index) -> Index:
            given = dict(zip(kept, i, strict=True))
            return x.pull(tuple(given.get(k, 0) for k in range(x.ndim)))

        return Mapped([x.shape[k] for k in kept], pull)

    def diagonal_view(self, x: Mapped, offset: int, dim1: int, dim2: int) -> Mapped:
        """Elements (i, i + offset) of two axes, as the last axis."""
        kept = [k for k in range(x.ndim) if k not in (dim1, dim2)]
        down, right = max(0, -offset), max(0, offset)
        count = max(0, min(x.shape[dim1] - down, x.shape[dim2] - right))

        def pull(i: Index) -> Index:
            given = dict(zip(kept, i[:-1], strict=True))
            given[dim1], given[dim2] = _plus(i[-1], down), _plus(i[-1], right)
            return x.pull(tuple(given[k] for k in range(x.ndim)))

        return Mapped([*(x.shape[k] for k in kept), count], pull)

    def windows(self, x: Mapped, dim: int, size: int, step: int) -> Mapped:
        """Window k starts at k step; its elements are the last axis."""
        count = (x.shape[dim] - size) // step + 1
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)

        def pull(i: Index) -> Index:
            return x.pull((*i[:dim], _times(i[dim], step) + plain(i[-1]), *i[dim + 1 : -1]))

        return Mapped(shape, pull)

    def reshape(self, x: Mapped, *shape: int) -> Mapped:
        """Groups of axes with the same number of elements, flattened and cut again."""
        groups = _groups(x.shape, shape)

        def pull(i: Index) -> Index:
            inside: list[Any] = []
            for old, new in groups:
                positions = [i[k] for k in new]
                inside += _regroup(positions, [shape[k] for k in new], [x.shape[k] for k in old])
            return x.pull(tuple(inside))

        return Mapped(shape, pull)

    reshape_view = reshape


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The finest cut of two shapes into runs of axes with equal products."""
    groups = []
    a = b = 0
    while a < len(old) or b < len(new):
        left: list[int] = []
        right: list[int] = []
        p = q = 1
        while True:
            if p == q and (left or right):
                break
            if (p <= q and a < len(old)) or b >= len(new):
                left.append(a)
                p *= old[a]
                a += 1
            else:
                right.append(b)
                q *= new[b]
                b += 1
        groups.append((left, right))
    return groups


def _regroup(position: list[Any], have: list[int], want: list[int]) -> list[Any]:
    """Indices into axes `want` of the element at `position` in axes `have`."""
    long = [k for k, s in enumerate(want) if s != 1]
    used = [k for k, s in enumerate(have) if s != 1]
    if len(long) <= 1 and len(used) <= 1:
        only = position[used[0]] if used else 0
        return [only if k in long else 0 for k in range(len(want))]
    if len(used) == 1 and isinstance(position[used[0]], Flat):
        flat = position[used[0]]
        if flat.sizes == [want[k] for k in long]:
            given = dict(zip(long, flat.positions, strict=True))
            return [given.get(k, 0) for k in range(len(want))]
    whole = Flat(position, have)
    if len(long) <= 1:
        return [whole if k in long else 0 for k in range(len(want))]
    number = plain(whole)
    result = []
    for k, size in enumerate(want):
        part = _floordiv(number, math.prod(want[k + 1 :]))
        result.append(0 if size == 1 else part if k == long[0] else _modulo(part, size))
    return result


def _floordiv(a: Any, n: int) -> Any:
    if n == 1:
        return a
    return apply("floor_divide", a, const(n, INT)) if isinstance(a, Scalar) else a // n


def _modulo(a: Any, n: int) -> Any:
    return apply("remainder", a, const(n, INT)) if isinstance(a, Scalar) else a % n


MAPS = MapVocabulary()
