"""Gradients of every public operation against finite differences, of first and second order."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import pullback
from operation_cases import (
    DIFFERENTIABLE,
    assert_same,
    function_of,
    over,
    over_operations,
    takes_complex,
)
from pullback.autograd import gradcheck, gradgradcheck
from pullback.op import Op
from sampling import (
    PUBLIC,
    Call,
    calls,
    outputs,
    public,
)


def check_gradients(call: Call, dtype: str) -> None:
    function, inputs = function_of(call, dtype)
    results = [r for r in function(*inputs) if r.dtype.is_floating_point or r.dtype.is_complex]
    if not results:
        return  # positions, as `where(condition)` gives
    assert all(r.requires_grad for r in results), "the result has no history"
    assert gradcheck(function, inputs)
    # Second derivatives of very many complex numbers, whose rules are those of real ones: along
    # random directions. Those of real numbers are compared entry by entry.
    many = dtype == "complex128" and sum(x.numel() for x in inputs) > 40
    assert gradgradcheck(function, inputs, fast_mode=many)
    assert_each_alone(results, inputs)


def assert_each_alone(results: list[Any], inputs: list[Any]) -> None:
    """The gradient of one input, without those of the others, is the same."""
    seeds = [
        pullback.from_numpy(np.cos(np.arange(r.numel())).reshape(r.shape)).to(r.dtype)
        for r in results
    ]
    ask = functools.partial(pullback.autograd.grad, retain_graph=True, allow_unused=True)
    for x, expected in zip(inputs, ask(results, inputs, seeds), strict=True):
        (found,) = ask(results, x, seeds)
        assert (found is None) == (expected is None)
        if found is not None:
            assert_same(found, expected)


@over(DIFFERENTIABLE)
def test_gradients(call: Call) -> None:
    check_gradients(call, "float64")


@over([c for c in DIFFERENTIABLE if takes_complex(c)])
def test_gradients_of_complex_numbers(call: Call) -> None:
    check_gradients(call, "complex128")


@over_operations([op for op in PUBLIC if not op.derivative or op.result in ("bool", "index")])
def test_no_derivative_is_claimed(op: Op) -> None:
    for call in calls(op):
        args, keywords = call.converted(
            pullback,
            lambda a: pullback.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a,
        )
        for r in outputs(public(pullback, op)(*args, **keywords)):
            assert not getattr(r, "requires_grad", False)
