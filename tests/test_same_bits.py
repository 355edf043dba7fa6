"""A call gives the same bits each time: read first, and as a straight line of calls later.

A line is kept if it gives the bits that the body gave for the numbers of one call. Powers of two
are rounded nowhere in products and quotients, so that what would be other roundings is kept here,
if anything would be, and then seen with other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.dispatch import bind, known
from pullback.op import REGISTRY, composite
from sampling import (
    PUBLIC,
    Call,
    calls,
    forget_calls,
    in_dtype,
    is_in_place_only,
    key,
    outputs,
    public,
)

OPERATIONS = [
    op for op in PUBLIC
    if not (is_in_place_only(op) or op.random or "empty" in key(op))  # whatever was there
]  # fmt: skip
FACTORS = (0.7341, 1.0837)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_calls()
    monkeypatch.setattr(known, "OFTEN", 2)
    yield
    forget_calls()


def powers_of_two(a: Any) -> Any:
    """The nearest ones, of the same signs; zeros are zeros."""
    if a.dtype.kind == "c":
        return np.asarray(powers_of_two(a.real) + 1j * powers_of_two(a.imag), a.dtype)
    if a.dtype.kind not in "fV":
        return a.copy()
    x = np.asarray(a, np.float64)
    size = np.exp2(np.round(np.log2(np.where(x == 0, 1, np.abs(x)))))
    return np.asarray(np.where(x == 0, 0, np.copysign(size, x)), a.dtype)


def times(factor: float) -> Callable[[Any], Any]:
    """Other numbers of the same shape and dtype; places that are looked up stay what they are."""
    return lambda a: np.asarray(a * factor, a.dtype) if a.dtype.kind in "fc" else a.copy()


def bits(call: Call, change: Callable[[Any], Any]) -> list[Any]:
    """The results' types, shapes and bytes."""
    with torch.no_grad():
        args, keywords = call.converted(torch, change)
        return bits_of(outputs(public(torch, call.op)(*args, **keywords)))


def bits_of(results: Any) -> list[Any]:
    """The types, shapes and bytes of tensors; anything else as it is written."""
    return [
        (r.dtype, r.shape, r.contiguous()._array.tobytes()) if isinstance(r, torch.Tensor)
        else bits_of(r) if isinstance(r, (tuple, list)) else repr(r)
        for r in results
    ]  # fmt: skip


@pytest.mark.parametrize("op", OPERATIONS, ids=key)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_same_bits_each_time(op: Any, dtype: str) -> None:
    for made in calls(op):
        with np.errstate(all="ignore"):
            call = in_dtype(made, dtype)
        try:
            bits(call, powers_of_two)
        except (NotImplementedError, RuntimeError, TypeError):
            continue  # of another dtype, or these numbers are none of its arguments
        first = []
        for factor in FACTORS:
            forget_calls()
            first.append(bits(call, times(factor)))
        forget_calls()
        for _ in range(3):
            bits(call, powers_of_two)
        for factor, expected in zip(FACTORS, first, strict=True):
            for _ in range(2):
                assert bits(call, times(factor)) == expected


def quotients(xp, x, y):
    """Of two tensors."""
    return 1.1 / x, x / 1.1, x / y, x % y, 1.1 % x, x // y, 1.1 // x


def powers(xp, x, y):
    """Of two tensors."""
    return x**y, x**3, x**0.5, 1.1**x, x**-1


def others(xp, x, y):
    """Of two tensors."""
    return 1.1 - x, x - 1.1, -x, abs(x), +x * 0.1, x + y, x > y, (x > y) & (x < 1), ~(x > y)


@pytest.mark.parametrize("body", [quotients, powers, others])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_operators_in_bodies_are_operations(body: Any, dtype: str) -> None:
    op = composite(public=False)(body)
    try:
        function = bind(op)
        generator = torch.Generator().manual_seed(0)
        numbers = 0.1 + torch.rand(2, 1000, generator=generator)
        x, y = numbers.to(getattr(torch, dtype))
        first = bits_of(function(x, y))
        forget_calls()
        for _ in range(4):
            function(torch.full_like(x, 2), torch.full_like(y, 0.5))
        (line,) = op.calls.values()
        assert "_straightened" in line.__qualname__
        assert bits_of(function(x, y)) == first
    finally:
        del REGISTRY[op.key]
