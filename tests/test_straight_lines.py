"""What straight lines of NumPy calls do beyond calling: numbers are arrays of no axes, a choice is
written over what nobody asks for again, and primitives are written out as the calls they make."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pullback.backends.arrays import ARRAYS
from pullback.backends.scalar import PRIMITIVES
from pullback.dispatch.straight import FEW, straightened
from pullback.dispatch.written_out import WRITTEN_OUT

X = np.array([-2.0, -0.0, 0.0, 0.3, np.inf, np.nan, 1e-40], np.float32)
Y = np.array([0.7, -0.0, 3.0, np.nan, -np.inf, 2.0, 1e30], np.float32)


def line_of(body: Callable[..., Any], *arrays: Any) -> Callable[..., Any]:
    """The line of a body, of arrays that it leaves as they are."""
    with np.errstate(all="ignore"):
        kept = [a.copy() for a in arrays]
        made = straightened(
            "a body", lambda xp, given: body(xp, *given), list(arrays), range(len(arrays)),
            body(ARRAYS, *arrays),
        )  # fmt: skip
        assert made is not None
        for _ in range(2):
            np.testing.assert_array_equal(made(*arrays), body(ARRAYS, *arrays), strict=True)
        for a, b in zip(arrays, kept, strict=True):
            assert a.tobytes() == b.tobytes()
    return made


def calls_in(line: Callable[..., Any]) -> list[Any]:
    """The functions that a line calls, in order."""
    names = [n for n in line.__code__.co_names if n in line.__globals__]
    return [line.__globals__[n] for n in names]


def test_choices_are_written_over_what_is_not_asked_for_again() -> None:
    def last(xp, x, y):
        return xp.where(xp.gt(x, 0), x, y * 3)

    def asked_again(xp, x, y):
        z = y * 3
        return xp.where(xp.gt(x, 0), x, z) + z

    def given_back(xp, x, y):
        z = y * 3
        return xp.where(xp.gt(x, 0), x, z), z

    def an_argument(xp, x, y):
        return xp.where(xp.gt(x, 0), x, y)

    def twice(xp, x, y):
        return xp.where(xp.gt(x, 1), 0, xp.where(xp.lt(x, 0), y, x + 1))

    def a_row(xp, x, y):
        return xp.where(xp.gt(x, 0), x, y[:1] * 3)

    for body, over in ((last, True), (asked_again, False), (an_argument, False), (a_row, False)):
        assert (np.copyto in calls_in(line_of(body, X, Y))) == over
    assert PRIMITIVES["where"].compute not in calls_in(line_of(twice, X, Y))
    many = np.linspace(-1, 1, FEW + 1)
    assert np.copyto not in calls_in(line_of(last, many, many))
    made = straightened("two", lambda xp, g: given_back(xp, *g), [X, Y], (0, 1),
                        given_back(ARRAYS, X, Y))  # fmt: skip
    assert made is not None and np.copyto not in calls_in(made)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_are_rounded_to_the_dtype_of_the_arrays(dtype: Any) -> None:
    def body(xp, x, y):
        return xp.where(0.1 * x > y / 3, x**1.3 - 0.7, xp.maximum(y, 1e-3))

    with np.errstate(all="ignore"):
        line = line_of(body, X.astype(dtype), Y.astype(dtype))
    numbers = [v for v in line.__globals__.values() if isinstance(v, np.ndarray)]
    assert len(numbers) == 4 and all(v.shape == () and v.dtype == dtype for v in numbers)


def test_numbers_beside_integers_stay_numbers() -> None:
    line_of(lambda xp, x, y: xp.where(x > 1, x * 3, y), np.arange(3), np.arange(3))


@pytest.mark.parametrize(
    "name", sorted(n for n, p in PRIMITIVES.items() if p.compute in WRITTEN_OUT)
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_primitives_are_written_out(name: str, dtype: Any) -> None:
    primitive = PRIMITIVES[name]
    operands = [(X, Y)[k % 2][:4] for k in range(primitive.arity)]
    with np.errstate(all="ignore"):
        arrays = [np.asarray(np.nan_to_num(a) + 1, dtype) for a in operands]
        try:
            expected = primitive.compute(*arrays)
        except (NotImplementedError, TypeError):
            return  # not of this dtype
        made = straightened("one", lambda xp, g: getattr(xp, name)(*g), arrays,
                            range(primitive.arity), expected)  # fmt: skip
        assert made is not None
        np.testing.assert_array_equal(made(*arrays), expected, strict=True)


def test_what_is_written_out_is_shorter() -> None:
    called = calls_in(line_of(lambda xp, x: xp.sign(x), X))
    assert PRIMITIVES["sign"].compute not in called and np.greater in called
    called = calls_in(line_of(lambda xp, x: xp.sigmoid(x), X))
    assert called and all(isinstance(f, np.ufunc) or inspect.isclass(type(f)) for f in called)
