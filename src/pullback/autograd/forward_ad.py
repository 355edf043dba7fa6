"""Forward mode: dual tensors, which carry a tangent through every operation.

    with forward_ad.dual_level():
        x = forward_ad.make_dual(primal, tangent)
        y = f(x)
        primal_out, tangent_out = forward_ad.unpack_dual(y)

The tangent of a result is the derivative along the tangents of what it was computed from. It is
recorded like anything else: derivatives of it in reverse mode are Hessian-vector products.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.levels import Level, again, set_tangent, split, top, with_tangent
from pullback.tensor import Tensor

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]


class _Open(threading.local):
    """The levels that are open in a thread, each inside the one before."""

    def __init__(self) -> None:
        self.levels: list[Level] = []


_open = _Open()


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` gives: the value and its tangent, None if it has none."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Open a level for dual tensors; gives its number, 0 for the outermost."""
    level, before = Level(), list(_open.levels)
    try:
        level.enter()
        _open.levels.append(level)
        return len(before)
    except BaseException:  # Ctrl-C
        _open.levels = before
        level.leave()
        raise


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the youngest level: its tangents are gone. RuntimeError if it is another."""
    last = len(_open.levels) - 1
    if last < 0 or (level is not None and level != last):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This "
            "is not supported."
        )
    closing = _open.levels[-1]
    try:
        closing.leave()
    except BaseException:  # Ctrl-C
        closing.leave()
        raise
    finally:
        _open.levels = _open.levels[:-1]


class dual_level:
    """`with dual_level():` a level for dual tensors, closed at the end of the block."""

    def __enter__(self) -> int:
        self._number = enter_dual_level()
        return self._number

    def __exit__(self, *error: object) -> None:
        exit_dual_level(level=self._number)


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of a tensor that carries a tangent of the same shape and dtype.

    RuntimeError outside `dual_level`, for another shape or dtype, and for a tensor or tangent that
    has a tangent at this level already. ValueError for integers.
    """
    for name, x in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(x, Tensor):
            raise TypeError(f"make_dual(): {name} must be Tensor, not {type(x).__name__}")
        if dtypes.kind(x._value.dtype) not in "fc":
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {x.dtype}")
    where = _level(level)
    if where is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    return dual(tensor, tangent, where)


def _alike(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors of one shape lie in memory alike; formulas do."""
    if x._is_formula or y._is_formula:
        return True
    a, b = x._array, y._array
    return all(n == 1 or s == t for n, s, t in zip(a.shape, a.strides, b.strides, strict=True))


def dual(tensor: Tensor, tangent: Tensor, level: Level) -> Tensor:
    """`make_dual` at any level."""
    if tangent.shape != tensor.shape:
        raise RuntimeError(
            f"Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the "
            f"given forward gradient is of size {list(tangent.shape)}."
        )
    if tangent._value.dtype != tensor._value.dtype:
        raise RuntimeError(
            f"Expected the tangent to have the dtype of its tensor, {tensor.dtype}, but got "
            f"{tangent.dtype}: convert it with .to()"
        )
    for x in (tensor, tangent):
        if split(x, level)[1] is not None:
            raise RuntimeError(
                "make_dual(): the tensor, or the tangent, has a tangent at this level already"
            )
    made: Tensor = graph.TENSORS.view_as_shape(tensor, *tensor.shape)
    youngest = top((made, tangent))
    if youngest is None and not _alike(tensor, tangent):  # views of the one are views of the other
        fresh = graph.TENSORS.zeros_like(tensor)
        tangent = graph.TENSORS.copy_(fresh, tangent)
    if youngest is not None and youngest.time > level.time:
        return with_tangent(made, level, tangent)
    set_tangent(made, level, tangent)
    level.note_dual(made)
    return made


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a dual tensor; None for a tensor without tangent."""
    where = _level(level)
    if where is None:
        return UnpackedDualTensor(tensor, None)
    value, found = split(tensor, where)
    return UnpackedDualTensor(value, None if found is None else again(found))


def _level(number: int | None) -> Level | None:
    levels = _open.levels
    if number is None:
        return levels[-1] if levels else None
    if not 0 <= number < len(levels):
        raise RuntimeError(f"there is no forward AD level {number}: {len(levels)} are open")
    return levels[number]
