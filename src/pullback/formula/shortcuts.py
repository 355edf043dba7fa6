"""A sort of which only the front is looked at: it is the first few elements, and no sort.

`sort(...).values[:, :k]` is known when the cut is made; its gradient, zeros behind the cotangent of
the front, when it is to be brought back to where the elements came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.formula.node import Formula, Source, Value
from pullback.locks import LOCK
from pullback.op import Op

CUTS = ("slice", "select")  # views of a part of one axis
FEW = 64  # elements of a front


def cut(xp: Any, op: Op, given: Sequence[Any]) -> Any:
    """A cut of what a sort gave as a formula of the first few places; None for other formulas."""
    x, dim, first = given[:3]
    if op.name == "select":
        end, step = first % x.shape[dim] + 1, 1
    else:
        end, step = given[3:5]
    if type(x) is not Formula or step != 1 or not 0 < end <= min(FEW, x.shape[dim] // 4):
        return None
    with LOCK:  # it does not let go of what it is made of
        front = _first_places(xp, x, dim, end) if x.array is None else None
    if front is None:
        return None
    if op.name == "select":
        return xp.select(front, dim, end - 1)
    return front if first == 0 else xp.slice(front, dim, first, end, 1)


def _first_places(xp: Any, x: Formula, dim: int, end: int) -> Any:
    """The first elements along an axis of what a sort gave; None for other formulas."""
    front = _front_of_places(xp, x, dim, end)
    if front is None and x.op.name == "elements":
        table, places = x.values
        if table.ndim == len(places) == x.ndim and type(places[dim]) is Formula:
            few = _front_of_places(xp, places[dim], dim, end)
            if few is not None and all(p.shape[dim] == 1 for k, p in enumerate(places) if k != dim):
                front = xp.elements(table, [few if k == dim else p for k, p in enumerate(places)])
    return front


def _front_of_places(xp: Any, x: Formula, dim: int, count: int) -> Any:
    if not _is(x, "sorted_places") or x.values[1] != dim:
        return None
    array, _, descending = x.values
    return xp.extreme_places(array, count, dim, descending)


def front(x: Value, dim: int) -> tuple[Value, int] | None:
    """What zeros along an axis were put around, and where it begins; None for other values."""
    with LOCK:  # it does not let go of what it is made of
        return _front(x, dim)


def _front(x: Value, dim: int) -> tuple[Value, int] | None:
    # where(0 <= at < count, elements of the front at clamped places, 0) with at = 0, 1, … - start
    if not _is(x, "where"):
        return None
    inside, elements, zero = x.values
    if isinstance(zero, Value) or zero != 0 or not _is(inside, "logical_and"):
        return None
    if not _is(elements, "elements"):
        return None
    few, places = elements.values
    low, high = inside.values
    if few.ndim != x.ndim or len(places) != x.ndim or not (_is(low, "ge") and _is(high, "lt")):
        return None
    at = low.values[0]
    started = (
        high.values[0] is at and low.values[1] == 0 and _number(high.values[1]) == few.shape[dim]
        and _is(at, "sub") and _counts(at.values[0], dim) and _number(at.values[1]) is not None
    )  # fmt: skip
    clamped = places[dim]
    along = (
        started and _is(clamped, "minimum") and _number(clamped.values[1]) == few.shape[dim] - 1
        and _is(clamped.values[0], "maximum") and clamped.values[0].values[0] is at
    )  # fmt: skip
    rest = [k for k in range(x.ndim) if k != dim]
    others = all(_counts(places[k], k) and places[k].size == x.shape[k] for k in rest)
    return (few, _number(at.values[1])) if along and others else None


def _is(x: Any, name: str) -> bool:
    return type(x) is Formula and x.array is None and x.op.name == name


def _number(x: Any) -> Any:
    """The number that a fixed value is."""
    return int(x.array) if type(x) is Source and x.fixed and x.size == 1 else None


def _counts(x: Any, dim: int) -> bool:
    """Whether a value is 0, 1, 2, … along one axis."""
    if _is(x, "reshape"):
        if x.shape[dim] != x.size:
            return False
        x = x.values[0]
    elif x.ndim > 1:
        return False
    return type(x) is Source and x.fixed and x.ndim == 1
