"""Formulas that are cut, moved, joined and looked up: the numbers that arrays give, to the second
derivative; and nothing of the size of all pairs is stored."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import pullback as torch
from kernel_matrix import Case, M, N, derivatives, kernel, points
from pullback.errors import OutOfMemoryError

random = np.random.default_rng(0)
ROWS = torch.tensor(random.integers(-N, N, 5))
COLUMNS = torch.tensor(random.integers(0, M, 6))
PAIRS = torch.tensor(random.integers(0, N, 5)), torch.tensor(random.integers(0, M, 5))
ALONG_1 = torch.tensor(random.integers(0, M, (N, 3)))
ALONG_0 = torch.tensor(random.integers(0, N, (4, M)))

CASES: dict[str, Case] = {
    "rows and columns": lambda k: k[2:7, 1:6],
    "steps": lambda k: k[::2, 1::3],
    "a row": lambda k: k[3],
    "a column": lambda k: k[:, -2],
    "flip": lambda k: k.flip(0, 1),
    "roll": lambda k: k.roll((2, -3), (0, 1)),
    "roll all": lambda k: k.roll(4),
    "cat rows": lambda k: torch.cat([k, k * 2, k[:3]]),
    "cat columns": lambda k: torch.cat([k, k**2], 1),
    "stack": lambda k: torch.stack([k, k + 1], 1),
    "split and cat": lambda k: torch.cat(k.split(4), 0),
    "look-up of rows": lambda k: k[ROWS],
    "look-up of columns": lambda k: k[:, COLUMNS],
    "look-up of a block": lambda k: k[ROWS[:, None], COLUMNS[None, :]],
    "look-up of pairs": lambda k: k[PAIRS],
    "look-ups apart": lambda k: k[:, None][PAIRS[0], :, PAIRS[1]],
    "gather": lambda k: k.gather(1, ALONG_1),
    "gather rows": lambda k: k.gather(0, ALONG_0),
    "gather a part": lambda k: k.gather(1, ALONG_1[:4]),
    "index_select": lambda k: k.index_select(0, PAIRS[0]),
    "take_along_dim": lambda k: k.take_along_dim(ALONG_1, 1),
    "diagonal": lambda k: k.diagonal(1),
    "lower diagonal": lambda k: k.diagonal(-2),
    "windows": lambda k: k.unfold(0, 3, 2),
    "tril": lambda k: k.tril(-1),
    "triu": lambda k: k.triu(-1),
    "repeat": lambda k: k.repeat(2, 1),
    "masked_fill": lambda k: k.masked_fill(k < 0.3, 0.5),
    "take": lambda k: k.take(torch.tensor([[3, -1], [0, 20]])),
    "rows, one by one": lambda k: torch.stack([2 * row for row in k]),
    "addmv": lambda k: torch.addmv(k[:, 0], k, k[0], beta=2, alpha=0.5),
    "addbmm": lambda k: torch.addbmm(k[:1, :2], k[None], k.t()[None, :, :2], alpha=3),
    "baddbmm": lambda k: torch.baddbmm(k[:, :2], k[None], k.t()[None, :, :2]),
    "addr": lambda k: torch.addr(k, k[:, 1], k[2], beta=0.5),
    "vdot": lambda k: torch.vdot(k.flatten(), k.flatten()),
    "cross entropy": lambda k: torch.nn.functional.cross_entropy(
        k,
        torch.arange(len(k)) % 4,
        torch.tensor([1.0, 2, 3, 0] + [1] * (k.shape[1] - 4)).to(k),
        ignore_index=2,
        label_smoothing=0.1,
    ),
    "transposed, cut, flattened": lambda k: k.t()[2:5].reshape(-1),
}


@pytest.mark.parametrize("name", CASES)
def test_moved_formulas(name: str) -> None:
    for lazy, eager in zip(
        derivatives(CASES[name], 1), derivatives(CASES[name], 10**9), strict=True
    ):
        np.testing.assert_allclose(lazy, eager, 1e-11, 1e-11)


LARGE = 3000
TO, FRO = (torch.tensor(np.random.default_rng(k).integers(0, LARGE, LARGE)) for k in (1, 2))
ONES = torch.ones(LARGE, 2, dtype=torch.float64)
STREAMED: dict[str, Case] = {
    "slice": lambda k: k[10:-10, ::2],
    "flip and roll": lambda k: k.flip(0).roll(5, 1),
    "cat": lambda k: torch.cat([k, k * k], 1),
    "stack": lambda k: torch.stack([k, k * k]),
    "look-up": lambda k: k[TO[:, None], FRO],
    "rows": lambda k: k[TO],
    "gather": lambda k: k.gather(1, TO[:, None]),
    "triangle": lambda k: k.tril(),
    "diagonal": lambda k: k.diagonal(),
    "take": lambda k: k.take(TO * LARGE + FRO),
    "rows, one by one": lambda k: torch.stack([row for row, _ in zip(k, range(70), strict=False)]),
    "classes": lambda k: -torch.nn.functional.cross_entropy(k, TO, reduction="none"),
    "added product": lambda k: torch.addmv(ONES[:, 0], k, ONES[:, 1], alpha=0.5),
    "added products": lambda k: torch.baddbmm(ONES[None], k[None], ONES[None], beta=3),
}


@pytest.mark.parametrize("name", STREAMED)
def test_moved_formulas_are_not_stored(name: str) -> None:
    """72 MB of pairs, within 8."""
    with torch.config(memory_budget=8 << 20):
        x, y = points(LARGE, 1), points(LARGE, 2)
        loss = STREAMED[name](kernel(x, y)).sum()
        gradients = torch.autograd.grad(loss, (x, y))
        with pytest.raises(OutOfMemoryError):
            kernel(x, y).detach().numpy()
    x, y = x.detach().numpy(), y.detach().numpy()
    d = x[:, None] - y
    k = np.exp(-(d**2)) + 0.3 * np.sin(x[:, None] * y)
    slope = -2 * d * np.exp(-(d**2)) + 0.3 * y * np.cos(x[:, None] * y)
    times = np.zeros((LARGE, LARGE)) + 1
    times = {
        "slice": lambda: _put(times, (slice(10, -10), slice(None, None, 2))),
        "cat": lambda: 1 + 2 * k, "stack": lambda: 1 + 2 * k,
        "look-up": lambda: np.outer(_count(TO), _count(FRO)),
        "rows": lambda: np.outer(_count(TO), np.ones(LARGE)),
        "gather": lambda: _put(times, (np.arange(LARGE), TO.numpy())),
        "take": lambda: _put(times, (TO.numpy(), FRO.numpy())),
        "rows, one by one": lambda: _put(times, slice(70)),
        "classes": lambda: _put(times, (np.arange(LARGE), TO.numpy())) - _softmax(k),
        "added product": lambda: times / 2, "added products": lambda: 2 * times,
        "triangle": lambda: np.tril(times), "diagonal": lambda: np.eye(LARGE),
    }.get(name, lambda: times)()  # fmt: skip
    np.testing.assert_allclose(gradients[0].numpy(), (times * slope).sum(1), 1e-9, 1e-9)


def _softmax(k: Any) -> Any:
    return np.exp(k) / np.exp(k).sum(1, keepdims=True)


def _put(a: Any, key: Any) -> Any:
    zeros = np.zeros_like(a)
    zeros[key] = a[key]
    return zeros


def _count(i: Any) -> Any:
    return np.bincount(i.numpy(), minlength=LARGE)


def test_look_ups_at_formulas() -> None:
    """A small table read at places that are computed for each pair; its gradient is small too."""

    def run(elements: int) -> list[Any]:
        with torch.config(defer_elements=elements):
            x, y, table = points(N, 1), points(M, 2), points(5, 3)
            places = (3 * (x[:, None] - y) ** 2).floor().long() % 5
            loss = (table[places] * kernel(x, y)).sum(1).sin().sum()
            return [g.numpy() for g in torch.autograd.grad(loss, (x, y, table))]

    for lazy, eager in zip(run(1), run(10**9), strict=True):
        np.testing.assert_allclose(lazy, eager, 1e-11, 1e-11)


def test_bad_places_are_errors_at_the_call() -> None:
    with torch.config(defer_elements=1):
        k = kernel(points(N, 1), points(M, 2))
        for bad in (N, -N - 1):
            for _ in range(2):  # also when the same shapes were met before
                with pytest.raises(IndexError, match=f"index {bad} is out of bounds"):
                    k[torch.tensor([0, bad])]
        k.gather(0, ALONG_0)
        with pytest.raises(RuntimeError, match="out of bounds"):
            k.gather(0, ALONG_0 + N)
        with pytest.raises(IndexError, match="out of range"):
            k.index_select(1, torch.tensor([M]))
        whole = (10 * k).long()
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            whole // (whole * 0)
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            whole % 0
        expected = (10 * k.detach().numpy()).astype(np.int64) // 3
        np.testing.assert_array_equal((whole // 3).numpy(), expected)


MOVES: list[Callable[[Any, Any, Any], Any]] = [
    lambda k, i, j: torch.cat([k, k[1:]], 0),
    lambda k, i, j: k.flip(1),
    lambda k, i, j: torch.cat([k[i], k]),
    lambda k, i, j: torch.cat([k[:, j], k], 1),
    lambda k, i, j: k.roll(3, 0),
    lambda k, i, j: k.t(),
    lambda k, i, j: torch.cat([k[i[:, None], j], k[:, :5]]),
    lambda k, i, j: k.tril(2) + k.triu(1),
]
EVALUATE = sys.modules["pullback.formula.evaluate"]


@pytest.mark.parametrize("compiled", [False, True])
def test_programs_of_moves(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several moves after each other, of any dtype, shape and number of threads."""
    if not compiled:  # loops are run by their definition
        monkeypatch.setattr(EVALUATE, "_launch", lambda *args: None)
        EVALUATE._plans.clear()

    @settings(max_examples=3 if compiled else 30, deadline=None, database=None)
    @given(data=st.data())
    def test(data: Any) -> None:
        sizes = [data.draw(st.integers(6, 24)) for _ in range(2)]
        dtype = data.draw(st.sampled_from(["float32", "float64"]))
        seed = data.draw(st.integers(0, 99))
        steps = data.draw(st.lists(st.sampled_from(MOVES), min_size=1, max_size=3))
        draw = np.random.default_rng(seed).integers
        places = [[torch.tensor(draw(0, 5, 5)) for _ in range(2)] for _ in steps]

        def run(elements: int) -> list[Any]:
            with torch.config(defer_elements=elements):
                ends = [points(n, seed + n).detach().to(getattr(torch, dtype)) for n in sizes]
                k = kernel(*(x.requires_grad_() for x in ends))
                for step, (i, j) in zip(steps, places, strict=True):
                    k = step(k, i, j)
                gradients = torch.autograd.grad((k * k).sum(), ends)
                return [t.detach().numpy() for t in (k, *gradients)]

        with torch.config(num_threads=data.draw(st.integers(1, 3))):
            lazy = run(1)
        digits = 1e-4 if dtype == "float32" else 1e-10
        for a, b in zip(lazy, run(10**9), strict=True):
            np.testing.assert_allclose(a, b, digits, digits)

    test()
    EVALUATE._plans.clear()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "bool", "complex64"])
def test_printing_computes_what_is_shown(dtype: str) -> None:
    def matrix(n: int) -> Any:
        k = kernel(points(n, 1), points(n, 2)).detach()
        return (torch.complex(k, -k) if dtype == "complex64" else 9 * k).to(getattr(torch, dtype))

    with torch.config(defer_elements=10**9):
        expected = repr(matrix(100))
    with torch.config(defer_elements=1):
        found = matrix(100)
        assert repr(found) == expected
        assert found._value.is_pending
    with torch.config(memory_budget=4 << 20):
        assert repr(matrix(3000)).count("...") == 7
