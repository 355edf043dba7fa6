"""What declarations share about values that meet at places: reductions, and their cotangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def check_reduction(name: str, reduce: str, known: Sequence[str]) -> None:
    """RuntimeError for a reduction that is not known."""
    if reduce not in known:
        raise RuntimeError(
            f"{name}(): reduce argument must be one of {', '.join(known)}, got {reduce!r}"
        )


def counts(xp: Any, like: Any, dim: int, index: Any, include_self: bool) -> Any:
    """How many numbers meet at each place; 1 where there is none."""
    number = xp.filled(like.shape, int(include_self), like)
    ones = xp.filled(index.shape, 1, like)
    number = xp.scatter_add(number, dim, index, ones)
    return xp.where(xp.eq(number, 0), 1, number)


def reduced(
    xp: Any, input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool
) -> Any:
    """What a reduction with scattered values gives."""
    if reduce != "mean":
        return xp.scatter_array(input, dim, index, src, reduce, not include_self)
    total = xp.scatter_array(input, dim, index, src, "sum", not include_self)
    number = counts(xp, input, dim, index, include_self)
    return total / number if input.dtype.kind in "fc" else xp.floor_divide(total, number)


def cotangents(
    xp: Any, g: Any, y: Any, input: Any, dim: int, index: Any, src: Any, reduce: str,
    include_self: bool, dtype: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """The cotangents of the input and of the values, these without what the index leaves out."""
    values = src
    for k, size in enumerate(index.shape):
        values = xp.slice(values, k, 0, size, 1) if values.shape[k] != size else values
    if reduce in ("sum", "mean"):
        if reduce == "mean":
            g = g / counts(xp, g, dim, index, include_self)
        to_input, to_values = g, xp.gather(g, dim, index)
    elif reduce == "prod":
        # Of one factor, the product of the others: all of them where no other one is zero.
        zero, zero_values = xp.eq(input, 0), xp.eq(values, 0)
        started = xp.cast(zero, dtype)
        if not include_self:
            started = started * 0
        zeros = xp.scatter_add(started, dim, index, xp.cast(zero_values, dtype))
        rest = xp.scatter_reduce(
            xp.where(zero, 1, input), dim, index, xp.where(zero_values, 1, values), "prod",
            include_self=include_self,
        )  # fmt: skip
        rest = g * rest

        def others(rest: Any, zeros: Any, factor: Any, is_zero: Any) -> Any:
            alone = xp.where(xp.eq(zeros, 1), rest, 0)
            return xp.where(is_zero, alone, xp.where(xp.eq(zeros, 0), rest, 0) / factor)

        to_input = others(rest, zeros, xp.where(zero, 1, input), zero)
        to_values = others(
            xp.gather(rest, dim, index), xp.gather(zeros, dim, index),
            xp.where(zero_values, 1, values), zero_values,
        )  # fmt: skip
    else:  # equal extremes share
        found, found_values = xp.eq(input, y), xp.eq(values, xp.gather(y, dim, index))
        number = xp.scatter_add(xp.cast(found, dtype), dim, index, xp.cast(found_values, dtype))
        share = g / xp.where(xp.eq(number, 0), 1, number)
        to_input = xp.where(found, share, 0)
        to_values = xp.where(found_values, xp.gather(share, dim, index), 0)
    if not include_self:
        to_input = xp.scatter_values(to_input, dim, index, 0)
    return to_input, to_values


def reference(
    np: Any, input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool
) -> Any:
    """`reduced`, place after place."""
    groups: dict[tuple[int, ...], list[Any]] = {}
    for place in np.ndindex(index.shape):
        target = list(place)
        target[dim] = index[place]
        groups.setdefault(tuple(target), []).append(src[place])
    result = np.array(input)
    function = getattr(np, reduce)
    for where, values in groups.items():
        result[where] = function(np.array([*[input[where]] * include_self, *values]))
    return result
