"""Every public operation on strided and expanded inputs, and the memory of its results."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest

import pullback
from operation_cases import (
    DETERMINISTIC,
    DIFFERENTIABLE,
    assert_same,
    over,
)
from pullback.op import Composite, View
from sampling import (
    Call,
    is_called_as_function,
    key,
    outputs,
    public,
)


def strided(a: Any) -> Any:
    """The same values, every other element of a larger array."""
    if not a.ndim:
        return np.stack([a, a])[1:].reshape(())
    large = np.zeros((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)
    large[..., 1::2] = a
    return large[..., 1::2]


def transposed(a: Any) -> Any:
    """The same values, the axes in memory in reverse order."""
    return np.asarray(a.copy(order="F"))


def expanded(a: Any) -> Any:
    """The same values, if they do not vary along the first axis, stored once."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim and len(a) > 1 else a


# Operations that are defined by how their argument lies in memory.
IN_MEMORY = {"as_strided", "as_strided_copy", "as_strided_scatter"}
ANYWHERE = [c for c in DETERMINISTIC if key(c.op) not in IN_MEMORY]

# What views that memory does not allow say.
LAYOUT = re.compile(r"Use \.reshape\(\.\.\.\) instead|use \.contiguous\(\)")


@pytest.mark.parametrize("layout", [strided, transposed], ids=lambda f: f.__name__)
@over(ANYWHERE)
def test_layouts(call: Call, layout: Any) -> None:
    """The values count, not how they lie in memory."""
    expected = call.on(pullback)
    try:
        result = call.on(pullback, layout)
    except RuntimeError as error:
        assert "view" in key(call.op)
        assert LAYOUT.search(str(error)) or "view(" in str(error)
        return
    assert_same(result, expected, 1e-14)


# Places that are all the same, or lengths that do not add up, mean nothing.
@over([c for c in ANYWHERE if "index" not in key(c.op) and key(c.op) != "segment_reduce"])
def test_expanded_inputs(call: Call) -> None:
    """Inputs whose elements share memory give what their copies give."""
    made = call.mapped(lambda a: np.array(expanded(a), order="C"))
    expected = made.on(pullback)

    def shared(a: Any) -> Any:
        if not a.ndim or len(a) < 2:
            return a
        return pullback.from_numpy(a[:1]).expand(*a.shape)

    try:
        result = made.on(pullback, shared)
    except RuntimeError as error:
        assert LAYOUT.search(str(error))
        return
    assert_same(result, expected, 1e-14)


@over([c for c in DIFFERENTIABLE if not c.op.random and key(c.op) not in IN_MEMORY])
def test_layouts_of_gradients(call: Call) -> None:
    """Gradients do not depend on how inputs lie in memory, nor cotangents."""

    def gradients(layout: Any) -> Any:
        inputs = [
            pullback.from_numpy(layout(a.copy())).requires_grad_()
            for a in call.arrays() if a.dtype.kind == "f"
        ]  # fmt: skip
        source = iter(inputs)
        args, keywords = call.converted(
            pullback, lambda a: next(source) if a.dtype.kind == "f" else a
        )
        result = [r for r in outputs(public(pullback, call.op)(*args, **keywords))
                  if getattr(r, "requires_grad", False)]  # fmt: skip
        if not result:
            return []
        seeds = [pullback.from_numpy(layout(np.cos(np.arange(r.numel())).reshape(r.shape)))
                 for r in result]  # fmt: skip
        return pullback.autograd.grad(result, inputs, seeds, allow_unused=True)

    try:
        found = gradients(transposed)
    except RuntimeError as error:
        assert LAYOUT.search(str(error))
        return
    expected = gradients(np.asarray)
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_same(a, b, 1e-12)


@over(DETERMINISTIC)
def test_arguments_are_left_alone(call: Call) -> None:
    """An operation without an underscore writes to none of its arguments."""
    made = call.mapped(np.copy)
    before = [a.copy() for a in made.arrays()]
    made.on(pullback)
    for a, b in zip(made.arrays(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def is_tracked_view(r: Any, of: Any) -> bool:
    """Whether writing to a result changes the history of the tensor that it is a part of."""
    return r._base is of and len(r._made_by) > 0


@pytest.mark.parametrize("layout", [np.copy, strided, transposed], ids=lambda f: f.__name__)
@over(DETERMINISTIC)
def test_memory_is_shared_by_views_only(call: Call, layout: Any) -> None:
    """A result is an argument, a view that knows what it is a view of, or nobody else's memory."""
    args, keywords = call.converted(pullback, layout)
    tensors: list[Any] = []
    walk_tensors((args, keywords), tensors)
    try:
        if is_called_as_function(call.op):
            result = public(pullback, call.op)(*args, **keywords)
        elif call.op.is_method:  # `public` would call it on a copy
            result = getattr(args[0], call.op.public_name)(*args[1:], **keywords)
        else:
            return
    except RuntimeError as error:
        assert LAYOUT.search(str(error)) or "view(" in str(error)
        return
    arrays = []
    for r in outputs(result):
        if not isinstance(r, pullback.Tensor):
            continue
        for t in tensors:
            if np.shares_memory(r.numpy(), t.numpy()):
                if isinstance(call.op, Composite):
                    assert r is t or is_tracked_view(r, t)
                else:
                    assert isinstance(call.op, View) and is_tracked_view(r, t)
        assert r.numpy().flags.writeable
        arrays.append(r.numpy())
    if not isinstance(call.op, (View, Composite)):
        assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


def walk_tensors(value: Any, found: list[Any]) -> None:
    """All tensors of a nest of sequences."""
    if isinstance(value, pullback.Tensor):
        found.append(value)
    parts = value.values() if isinstance(value, dict) else value
    for v in parts if isinstance(value, (dict, list, tuple)) else ():
        walk_tensors(v, found)
