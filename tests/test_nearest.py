"""Nearest columns by quantised distances: the same bits as the kernel that computes all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import pullback as torch
from pullback.backends.llvm import nearest
from pullback.backends.llvm.run import Placed, run
from pullback.backends.llvm.search import Search
from pullback.backends.llvm.target import host
from pullback.backends.loops import Buffer, Kernel, Loop, Output, index, load, reduce
from pullback.backends.scalar import apply
from pullback.config import config

i, j, d = map(index, "ijd")
ROLES = (Loop("i", "outer"), Loop("j", "inner"), Loop("d", "contracted"))
LANES = (2, 4, 8, 16, None)


def kernel(dtype: str, root: bool = False, rows_first: bool = True) -> Kernel:
    """min and argmin of squared distances, or of distances."""
    x, y = (Buffer(name, dtype, 2, unit=True) for name in "xy")
    sides = load(x, i, d), load(y, j, d)
    gap = sides[0] - sides[1] if rows_first else sides[1] - sides[0]
    body = reduce("sum", "d", gap * gap)
    body = apply("sqrt", body) if root else body
    outputs = (
        Output(Buffer("value", dtype, 1, unit=True), (i,), reduce("min", "j", body)),
        Output(Buffer("place", "i8", 1, unit=True), (i,), reduce("argmin", "j", body)),
    )
    return Kernel("nearest", ROLES, outputs)


class Watch:
    """Which calls did their rows."""

    def __init__(self) -> None:
        self.done: list[bool] = []
        self.off = False

    def __call__(self, quick: Any, addresses: Any, stop: int) -> Any:
        rows = None if self.off else prepared(quick, addresses, stop)
        if rows is None:
            return None

        def watched(first: int, last: int) -> bool:
            self.done.append(rows(first, last))
            return self.done[-1]

        return watched


prepared = nearest.Quick.prepared


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    """Used on any machine, whatever its instructions."""
    found = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest.Quick, "prepared", lambda *args: found(*args))
        patch.setattr(nearest, "has_dot", lambda target: True)
        yield found


def both(watch: Watch, x: Any, y: Any, lanes: int | None = None, root: bool = False) -> list[bool]:
    """Check values and places against those of all pairs; which tasks were done quickly."""
    found = []
    for watch.off in (True, False):
        watch.done = []
        arrays = {"x": x, "y": y, "value": np.full(len(x), -1, x.dtype),
                  "place": np.full(len(x), -1, np.int64)}  # fmt: skip
        sizes = {"i": len(x), "j": len(y), "d": x.shape[1]}
        run(kernel(x.dtype.str, root), sizes, arrays, target=host(lanes))
        found.append(arrays)
    (expected, result) = found
    for name in ("value", "place"):
        np.testing.assert_array_equal(result[name].view("V"), expected[name].view("V"), name)
    return watch.done


def points(kind: str, rng: Any, n: int, m: int, depth: int, dtype: str) -> tuple[Any, Any]:
    """Rows and columns of a kind."""
    x, y = rng.standard_normal((n, depth)), rng.standard_normal((m, depth))
    if kind == "uniform":
        x, y = rng.random((n, depth)), rng.random((m, depth))
    elif kind == "clusters far away":
        middle = rng.standard_normal((m, depth)) * 3
        x, y = 1e4 + middle[rng.integers(0, m, n)] + x / 4, 1e4 + middle
    elif kind == "duplicates":
        y = y[rng.integers(0, max(1, m // 3), m)]
    elif kind == "columns themselves":
        x = y[rng.integers(0, m, n)]
    elif kind == "a lattice":  # many columns are equally far
        x, y = rng.integers(0, 3, (n, depth)), rng.integers(0, 3, (m, depth))
    elif kind == "tiny":
        x, y = x * 1e-13, y * 1e-13
    elif kind == "squares vanish":  # every column is the nearest: the first one is found
        x, y = x * 1e-28, y * 1e-28
    elif kind == "squares overflow":
        x, y = x * 1e25, y * 1e25
    elif kind == "one far column":
        y[m // 2] *= 1e6
    elif kind == "far rows":
        x[::3] *= 1e5
    return x.astype(dtype), y.astype(dtype)


KINDS = ("normal", "uniform", "clusters far away", "duplicates", "columns themselves",
         "a lattice", "tiny", "squares vanish", "squares overflow", "one far column",
         "far rows")  # fmt: skip
EASY = ("normal", "uniform", "clusters far away", "columns themselves")


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", KINDS)
def test_same_bits(watch: Watch, kind: str, dtype: str, lanes: int | None) -> None:
    x, y = points(kind, np.random.default_rng(1), 300, 137, 41, dtype)
    done = both(watch, x, y, lanes)
    if kind in EASY:
        assert sum(done) > len(done) / 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    n=st.integers(128, 400), m=st.integers(64, 300), depth=st.integers(17, 90),
    kind=st.sampled_from(KINDS), lanes=st.sampled_from(LANES), dtype=st.sampled_from(["f4", "f8"]),
    threads=st.sampled_from([1, 2]), root=st.booleans(), seed=st.integers(0, 1 << 30),
)  # fmt: skip
def test_any_shape(
    watch: Watch, n: int, m: int, depth: int, kind: str, lanes: int | None, dtype: str,
    threads: int, root: bool, seed: int,
) -> None:  # fmt: skip
    x, y = points(kind, np.random.default_rng(seed), n, m, depth, dtype)
    with config(num_threads=threads):
        both(watch, x, y, lanes, root)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e-40])
@pytest.mark.parametrize("side", ["x", "y"])
def test_special_numbers(watch: Watch, side: str, value: float) -> None:
    """A row or a column with numbers that have no steps: the kernel does what is left."""
    x, y = points("normal", np.random.default_rng(2), 5000, 150, 33, "f4")
    (x if side == "x" else y)[70, 5] = value
    done = both(watch, x, y)
    if side == "x":
        assert any(done)
        assert all(done) == (value == 1e-40)


def test_equal_columns_everywhere(watch: Watch) -> None:
    """No step tells columns apart that are all the same; with one other, too many are left."""
    x, y = points("normal", np.random.default_rng(3), 256, 200, 32, "f4")
    y[:] = y[0]
    assert both(watch, x, y) == []
    y[7] += 1
    assert not any(both(watch, x, y))


def test_rows_between_columns(watch: Watch) -> None:
    """Rows half-way between two columns, up to roundings: the smaller one, or the first."""
    rng = np.random.default_rng(4)
    y = rng.standard_normal((100, 48)).astype("f4")
    pairs = rng.integers(0, 100, (2000, 2))
    x = (y[pairs[:, 0]] + y[pairs[:, 1]]) / 2
    x *= 1 + np.finfo("f4").eps * rng.integers(-2, 3, x.shape)
    assert all(both(watch, x.astype("f4"), y))


@pytest.mark.parametrize("lanes", LANES)
def test_roundings_that_all_point_the_wrong_way(watch: Watch, lanes: int | None) -> None:
    """Steps of 1: the near column is rounded away from the rows, the far one towards them."""
    depth = 32
    near = np.full(depth, 10.51)
    far = np.where(np.arange(depth) % 2, 14.49, 5.49)
    ends = np.full(depth, 127.0)
    others = np.random.default_rng(0).choice([-60.0, 60.0], (90, depth))
    y = np.stack([far, -far, near, -near, ends, -ends, *others]).astype("f4")
    x = np.zeros((200, depth), "f4")
    assert nearest_of(x, y) == {2}
    assert all(both(watch, x, y, lanes))


def nearest_of(x: Any, y: Any) -> set[int]:
    return set(((x[:, None] - y) ** 2).sum(2).argmin(1).tolist())


def test_what_is_never_done_is_not_tried_for_ever(watch: Watch) -> None:
    """Some tasks are tried; then the kernel has all rows at once."""
    x, y = points("normal", np.random.default_rng(6), 4000, 200, 32, "f4")
    y[:] = y[0]
    y[7] += 1
    search = Search("x", "y", "value", "place", False)
    placed = {"x": Placed.of(x), "y": Placed.of(y)}
    placed |= {n: Placed.of(np.empty(len(x), t)) for n, t in (("value", "f4"), ("place", "i8"))}
    calls: list[int] = []

    def function(words: int, first: int, last: int) -> int:
        calls.append(first)
        return 0

    quick = nearest.Quick(search, placed, host(), function)
    rows = prepared(quick, {"x": x.ctypes.data, "y": y.ctypes.data, "value": 0, "place": 0}, 0)
    assert rows is not None
    assert not any(rows(k, k + 32) for k in range(0, 4000, 32))
    assert len(calls) == nearest.PATIENCE + 1


def test_strides(watch: Watch) -> None:
    """Rows and columns with gaps between them, and repeated ones."""
    x, y = points("normal", np.random.default_rng(5), 600, 400, 64, "f4")
    assert all(both(watch, x[::2, 3:40], y[::3, 3:40]))
    both(watch, np.broadcast_to(x[:1], x.shape), y)
    both(watch, x, np.broadcast_to(y[:1], y.shape))
    both(watch, x[::-1], y[::-1])


def test_a_search_is_found_in_formulas(watch: Watch) -> None:
    """With either side first, squares, norms and `cdist`; and not where more is asked for."""
    watch.off = False
    rng = np.random.default_rng(6)
    x, y = (torch.tensor(rng.standard_normal((k, 20)).astype("f4")) for k in (3000, 700))
    gaps = x[:, None] - y
    nearest_ = ((x.numpy()[:, None].astype("f8") - y.numpy()) ** 2).sum(-1).argmin(1)

    def quickly(places: Any) -> bool:
        watch.done = []
        np.testing.assert_array_equal(places().numpy(), nearest_)
        return bool(watch.done) and all(watch.done)

    assert quickly(lambda: (gaps**2).sum(-1).argmin(1))
    assert quickly(lambda: ((y[:, None] - x) ** 2).sum(-1).argmin(0))
    assert quickly(lambda: (gaps * gaps).sum(-1).min(1).indices)
    assert quickly(lambda: torch.cdist(x, y).argmin(1))
    assert not quickly(lambda: ((gaps**2).sum(-1) + y[:, 0] * 0).argmin(1))
