"""Any arguments whatever: each operation gives a result or a clean exception, and nothing else.

Hypothesis takes an operation's own samples apart, and puts other things in their places: tensors of
other shapes and types, numbers of any size, texts, lists. No crash, no hang, no warning of NumPy's
(pytest makes them errors), no exception that comes of our insides.
"""

from __future__ import annotations

import re
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import pullback
from pullback.op import Op
from sampling import PUBLIC, calls, in_dtype, is_called_as_function, key, outputs, public

# What PyTorch raises (NotImplementedError is a RuntimeError).
CLEAN = (RuntimeError, TypeError, ValueError, IndexError, OverflowError)
# Where PyTorch asserts what it is given.
ASSERTING = {"nn_functional_embedding", "nn_functional_multi_head_attention_forward"}
# What Python says of a value that was used before anybody looked at it.
INSIDES = re.compile(
    r"has no attribute|not supported between|object is not (iterable|subscriptable|callable)"
    r"|unsupported operand|bad operand|can only concatenate|has no len|ufunc"
    r"|cannot interpret|not understood|bound method|unhashable|descriptor"
)  # fmt: skip
DTYPES = ("bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "float64",
          "complex64", "complex128")  # fmt: skip

sizes = st.lists(st.sampled_from([0, 1, 1, 2, 3, 4]), max_size=3).map(tuple)
elements = st.sampled_from([0, 1, -1, 2, 3, 0.5, -2.5, np.inf, -np.inf, np.nan, 1e30, -1e-30])


@st.composite
def tensors(draw: Any) -> Any:
    """Tensors of any shape, layout and dtype; the real ones may require gradients."""
    shape, dtype = draw(sizes), getattr(pullback, draw(st.sampled_from(DTYPES)))
    values = draw(st.lists(elements, min_size=1, max_size=5))
    numbers = np.resize(np.array(values), shape)
    if dtype.kind in "iub":
        numbers = np.nan_to_num(np.clip(numbers, 0 if dtype.kind != "i" else -9, 9))
    with np.errstate(all="ignore"):
        array = np.asarray(numbers).astype(dtype.numpy)
    made = pullback.from_numpy(array)
    if draw(st.booleans()) and array.ndim > 1:
        made = made.transpose(0, -1)
    return made.requires_grad_() if dtype.kind in "fc" and draw(st.booleans()) else made


numbers = st.one_of(
    st.integers(-4, 5),
    st.sampled_from([2**40, -(2**40), 2**62, 2**63, -(2**63) - 1, 10**30]),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, -2.5, 1e300, -1e-300, np.inf, -np.inf, np.nan]),
    st.booleans(),
    st.sampled_from([1j, -2.5 + 3j, complex(np.nan, np.inf)]),
)
odd = st.one_of(
    st.none(),
    st.sampled_from(["", "mean", "text", "ij,jk->ik", "none", b"bytes"]),
    st.builds(object),
    st.sampled_from([..., slice(None), int, pullback.float32, pullback.int64, {}, {1: 2}, set()]),
    st.sampled_from([np.float32(2.5), np.int64(3), np.bool_(True), np.ones((2, 3))]),
    st.builds(lambda: pullback.device("cpu")),
)
whatever = st.recursive(
    st.one_of(tensors(), numbers, odd),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=4,
)


@st.composite
def arguments(draw: Any, op: Op) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A sample with one to three of its arguments, or all of them, exchanged for anything."""
    with np.errstate(all="ignore"):
        call = in_dtype(draw(st.sampled_from(calls(op))), draw(st.sampled_from(DTYPES)))
    given_args, keywords = call.converted(pullback, np.copy)
    args = list(given_args)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(args) + len(keywords)))
        if place < len(args):
            args[place] = draw(whatever)
        elif place < len(args) + len(keywords):
            keywords[list(keywords)[place - len(args)]] = draw(whatever)
        elif draw(st.booleans()):
            args.append(draw(whatever))
        else:
            named = [p.name for p in op.parameters if p.kind is not p.kind.VAR_POSITIONAL]
            keywords[draw(st.sampled_from([*named, "out", "dtype", "no_such"]))] = draw(whatever)
    return tuple(args), keywords


class Hang(BaseException):
    """It took too long."""


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    """A call that does not come back is interrupted; one that takes all memory gets no more."""

    def stop(*_: object) -> None:
        raise Hang

    if not sys.platform.startswith("linux"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    memory = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + 2**31, memory[1]))
    signal.alarm(60)
    yield
    signal.alarm(0)
    resource.setrlimit(resource.RLIMIT_AS, memory)
    signal.signal(signal.SIGALRM, before)


def attempt(call: Any) -> None:
    """The call gives values that a user may hold, whose gradients can be taken; or it refuses."""
    try:
        parts = outputs(call())
        for r in parts:
            if r is None and len(parts) > 1:  # a part that was not asked for
                continue
            assert isinstance(r, (pullback.Tensor, bool, int, float, complex, tuple, list)), type(r)
            assert not isinstance(r, np.generic), type(r)
            if isinstance(r, pullback.Tensor):
                (r.float() if r.dtype is pullback.bfloat16 else r).detach().numpy()
                if r.requires_grad and r.is_floating_point():
                    r.sum().backward()
    except AssertionError as error:  # which PyTorch raises here and there
        if "pullback" not in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parts:
            raise
        assert str(error), "an AssertionError says nothing"
    except CLEAN as error:
        message = str(error)
        assert message, f"{type(error).__name__} says nothing"
        assert not INSIDES.search(message), f"{type(error).__name__}: {message}"


check = settings(
    max_examples=15, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture,
                           HealthCheck.data_too_large],
)  # fmt: skip


@pytest.mark.parametrize("op", PUBLIC, ids=key)
@check
@given(data=st.data())
def test_any_arguments(op: Op, data: Any) -> None:
    args, keywords = data.draw(arguments(op))

    def call() -> Any:
        try:
            return public(pullback, op, tried=False)(*args, **keywords)
        except AssertionError as error:
            if key(op) not in ASSERTING:
                raise
            raise RuntimeError(str(error)) from None

    if is_called_as_function(op) or (args and isinstance(args[0], pullback.Tensor)):
        attempt(call)


@pytest.mark.parametrize("op", [op for op in PUBLIC if op.inplace_name], ids=key)
@check
@given(data=st.data())
def test_any_arguments_in_place(op: Op, data: Any) -> None:
    (first, *args), keywords = data.draw(arguments(op).filter(lambda a: len(a[0]) > 0))
    if isinstance(first, pullback.Tensor):
        attempt(lambda: getattr(first.clone(), op.inplace_name)(*args, **keywords))
