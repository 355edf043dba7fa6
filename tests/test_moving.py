"""Large arrays copied and filled by several threads: as NumPy does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import moving
from pullback.config import config

pytest.importorskip("llvmlite")
ROWS, COLUMNS = 700, 300  # 840 kB of float32
assert ROWS * COLUMNS * 4 > moving.WORTH


@pytest.fixture(autouse=True)
def two_threads() -> Any:
    with config(num_threads=2):
        yield


def numbers(*shape: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


LAYOUTS = {
    "in one piece": lambda x: x,
    "some columns": lambda x: x[:, 3:-5],
    "every other row": lambda x: x[::2],
    "upside down": lambda x: x[::-1],
    "one row again and again": lambda x: np.broadcast_to(x[:1], x.shape),
    "three axes": lambda x: x.reshape(7, 100, 300)[1:, ::2, :200],
    "four axes, of which two are one": lambda x: x.reshape(7, 10, 10, 300)[:, :, :, 100:],
    "transposed": lambda x: x.T,
    "part of a transposed one": lambda x: x[3:, 1:-6].T,
    "turned to the left": np.rot90,
    "turned to the right": lambda x: np.rot90(x, -1),
    "mirrored": lambda x: x[:, ::-1],
    "some mirrored": lambda x: x[::-2, 200:1:-1],
    "from the end": lambda x: x.reshape(-1)[::-1],
    "every other column": lambda x: x[:, ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("dtype", ["float32", "complex128", "int16", "bool"])
def test_copies_into_a_part_of_an_array(layout: Any, dtype: str) -> None:
    source = layout(numbers(ROWS, COLUMNS, dtype=dtype))
    around = np.zeros([n + 2 for n in source.shape], dtype)
    expected = around.copy()
    inside = (slice(1, -1),) * source.ndim
    moving.copy_into(around[inside], source)
    expected[inside] = source
    np.testing.assert_array_equal(around, expected)


def test_what_is_done_here() -> None:
    """Not everything is left to NumPy."""
    done = []
    for layout in LAYOUTS.values():
        source = layout(numbers(ROWS, COLUMNS))
        done.append(moving._moved(np.empty(source.shape, source.dtype), source))
    assert done == [True] * 14 + [False]


@pytest.mark.parametrize("turn", [lambda x: x.T, lambda x: x[::-1].T])
def test_copies_into_other_orders(turn: Any) -> None:
    source, to = numbers(ROWS, COLUMNS), np.zeros((ROWS, COLUMNS), np.float32)
    assert moving._moved(turn(to), turn(source))
    np.testing.assert_array_equal(to, source)
    assert moving._moved(turn(to), np.ascontiguousarray(turn(source[::-1])))
    np.testing.assert_array_equal(to, source[::-1])


def test_over_the_memory_that_is_read() -> None:
    x = torch.from_numpy(numbers(ROWS, COLUMNS))
    expected = x.numpy()[:-1].copy()
    x[1:].copy_(x[:-1])
    np.testing.assert_array_equal(x[1:].numpy(), expected)
    y = torch.from_numpy(numbers(ROWS * COLUMNS))
    expected = y.numpy()[::-1].copy()
    y.copy_(y.flip(0))
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "float32", "int64", "complex64"])
@pytest.mark.parametrize("value", [0, 1, 117])
@pytest.mark.parametrize("more", [0, 1, 7])
def test_fills(dtype: str, value: int, more: int) -> None:
    size = moving.WORTH // np.dtype(dtype).itemsize + more
    array = np.full(size + 2, 3, dtype)
    moving.fill(array[1:-1], value)
    expected = np.full(size + 2, value, dtype)
    expected[[0, -1]] = np.array(3, dtype)
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("pair", sorted(moving._CONVERTED))
@pytest.mark.parametrize("more", [0, 1, 17])
def test_conversions(pair: str, more: int) -> None:
    """To the last bit."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(moving.WORTH + more)
    x *= 10.0 ** rng.integers(-44, 38, x.size)
    given = {"f": x, "d": x, "l": x.view(np.int64), "?": x > 0}[pair[0]].astype(pair[0])
    if pair[0] in "fd":
        given[:5] = np.nan, np.inf, -np.inf, -0.0, 1e-45
    if pair == "df":
        given[5] = 1e300
    with np.errstate(over="ignore", under="ignore"):
        expected = given.astype(pair[1])
    found = moving.converted(given, np.dtype(pair[1]))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.view(np.uint8), expected.view(np.uint8))


def test_conversions_have_code() -> None:
    from pullback.backends.llvm.moving import CONVERSIONS

    assert set(CONVERSIONS) == moving._CONVERTED


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joined(axis: int) -> None:
    x = numbers(ROWS, COLUMNS)
    given = [x, x[::-1], x]
    np.testing.assert_array_equal(moving.joined(given, axis), np.concatenate(given, axis))
    with pytest.raises(ValueError, match="dimensions"):
        moving.joined([x, x[1:, 1:]], axis)
    mixed = [x, x.astype(np.float64)]
    assert moving.joined(mixed, axis).dtype == np.float64


@pytest.mark.parametrize("repeats", [(2,), (1, 3), (2, 1), (2, 1, 2), (1, 1), (0, 2)])
def test_repeated(repeats: tuple[int, ...]) -> None:
    x = numbers(ROWS, COLUMNS)
    tiled = torch.from_numpy(x).tile(repeats)
    np.testing.assert_array_equal(tiled.numpy(), np.tile(x, repeats))


def test_operations_that_move() -> None:
    """They are done in whole, and their gradients."""
    x = torch.from_numpy(numbers(ROWS, COLUMNS)).requires_grad_()
    array = numbers(ROWS, COLUMNS)
    cases = {
        "flip": (x.flip(0), array[::-1]),
        "roll": (x.roll(3, 1), np.roll(array, 3, 1)),
        "pad": (torch.nn.functional.pad(x, (1, 2, 3, 4), value=5.0),
                np.pad(array, ((3, 4), (1, 2)), constant_values=5)),
        "clone": (x.clone(), array),
    }  # fmt: skip
    for name, (found, expected) in cases.items():
        np.testing.assert_array_equal(found.detach().numpy(), expected, name)
        (g,) = torch.autograd.grad(found, x, torch.ones_like(found))
        np.testing.assert_array_equal(g.numpy(), np.ones_like(array), name)
