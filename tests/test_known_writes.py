"""Calls in place that were met before (`dispatch/writing.py`) write what first calls write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.dispatch import known, writing
from pullback.op import REGISTRY
from sampling import PUBLIC, Call, calls, key

OPERATIONS = [op for op in PUBLIC if op.inplace_name and not op.random]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for op in REGISTRY.values():
        op.writes.clear()
    monkeypatch.setattr(known, "OFTEN", 2)
    monkeypatch.setattr(writing, "OFTEN", 2)
    yield
    for op in REGISTRY.values():
        op.writes.clear()


def other_numbers(a: Any) -> Any:
    return np.asarray(a * 0.75 if a.dtype.kind in "fc" else a.copy())


def outcome(call: Call) -> Any:
    """What a call in place writes, and how often its memory was written; or what it refuses."""
    args, keywords = call.converted(torch)
    target = args[0]
    before = target._version
    try:
        result = getattr(target, call.op.inplace_name)(*args[1:], **keywords)
    except (RuntimeError, TypeError, IndexError) as error:
        return type(error), target.numpy().copy()
    assert result is target
    return target.numpy().copy(), target.dtype, target._version - before


@pytest.mark.parametrize("limit", [1 << 16, 1], ids=["arrays", "formulas"])
@pytest.mark.parametrize("op", OPERATIONS, ids=key)
def test_repeated_writes(op: Any, limit: int) -> None:
    with torch.config(defer_elements=limit):
        for call in calls(op):
            if not isinstance(call.args[0], np.ndarray):
                continue  # a list, or a number, is not written
            first = outcome(call.mapped(other_numbers))
            outcome(call.mapped(np.copy))  # learned from other numbers
            for _ in range(3):
                np.testing.assert_equal(outcome(call.mapped(other_numbers)), first)


SHAPES = [(70_000,), (300, 300), (3, 40, 700)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_large_arrays_are_read_before_they_are_written(shape: tuple[int, ...]) -> None:
    """By the kernels of formulas, whatever lies beside the tensor in memory."""
    rng = np.random.default_rng(0)

    def r(*sizes: int) -> Any:
        return torch.tensor(rng.random(sizes).astype(np.float32) + 0.5)

    row, one, turned, mask = r(shape[-1]), r(), r(*shape[::-1]).permute(*range(len(shape))[::-1]), (
        r(*shape) > 1
    )  # fmt: skip
    writes: list[tuple[str, Callable[[Any], tuple[Any, ...]]]] = [
        ("add", lambda x: (r(*shape),)),
        ("add", lambda x: (x,)),
        ("add", lambda x: (x.detach(),)),
        ("mul", lambda x: (row,)),
        ("mul", lambda x: (one,)),
        ("sub", lambda x: (turned,)),
        ("sub", lambda x: (x.flip(0),)),
        ("div", lambda x: (x[..., :1],)),  # is written as well
        ("masked_fill", lambda x: (mask, 0.25)),
        ("clamp", lambda x: (0.6, 0.9)),
        ("clamp", lambda x: (0.7, 0.7)),
        ("addcmul", lambda x: (row, turned)),
        ("exp", lambda x: ()),
        *[("mul", lambda x, k=k: (k,)) for k in (0.5, 2, 0.3, 2, 3, 0.3, 0.7)],
        *[("pow", lambda x, k=k: (k,)) for k in (2, 0.5, 2.5, 2)],
    ]
    for name, operands in writes:
        for _ in range(4):
            x = r(*shape)
            given = operands(x)
            expected = getattr(x.clone(), name)(*[
                v.clone() if isinstance(v, torch.Tensor) else v for v in given
            ]).numpy()  # fmt: skip
            getattr(x, f"{name}_")(*given)
            np.testing.assert_array_equal(x.numpy(), expected, err_msg=name)
    for name in ("add", "mul", "masked_fill", "clamp", "addcmul", "exp"):
        kept = REGISTRY[name].writes.values()
        assert any(callable(w) and not isinstance(w, writing._Met) for w in kept), name


@pytest.mark.parametrize("n", [10, 70_000])
def test_what_was_one_is_two_later(n: int) -> None:
    """Operands in one memory, and equal numbers, when a write was learned; and not any more."""
    for op in REGISTRY.values():
        op.writes.clear()
    x, y = torch.rand(n) + 0.5, torch.rand(n) + 0.5
    for _ in range(4):
        x.mul_(x.detach())
    expected = x.numpy() * y.numpy()
    np.testing.assert_array_equal(x.mul_(y).numpy(), expected)
    for _ in range(4):
        torch.rand(n).clamp_(0.7, 0.7)
    np.testing.assert_array_equal(y.clamp_(0.6, 0.9).numpy(), np.clip(y.clone().numpy(), 0.6, 0.9))
    assert len(set(y.tolist())) > 2


@pytest.mark.parametrize("n", [10, 70_001])
def test_parts_that_overlap(n: int) -> None:
    for _ in range(5):
        x = torch.arange(float(n))
        x[1:].add_(x[:-1])
        np.testing.assert_array_equal(x.numpy(), np.maximum(0, 2 * np.arange(n) - 1))


@pytest.mark.parametrize("n", [10, 70_000])
def test_what_was_read_before_a_write_keeps_its_numbers(n: int) -> None:
    for _ in range(5):
        x, ones = torch.ones(n), torch.ones(n)
        twice, part = 2 * x, x[2:]
        x.add_(ones)
        assert twice[0] == 2 and part[0] == 2 and x._version == 1
        x.mul_(3)
        assert twice[-1] == 2 and part[-1] == 6 and part._version == 2


@pytest.mark.parametrize("n", [10, 70_000])
def test_known_writes_are_seen_by_backward_passes(n: int) -> None:
    for _ in range(5):
        w, x = torch.ones(n, requires_grad=True), torch.ones(n)
        loss = (w * x).sum()
        x.add_(x)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
        with torch.no_grad():
            w.add_(x)
        x.mul_(w)  # which is recorded
        assert x.grad_fn is not None and w._version == 1 and float(x[0].detach()) == 6
        with pytest.raises(RuntimeError, match="leaf Variable"):
            w.add_(1)


@pytest.mark.parametrize("n", [3, 70_000])
def test_known_writes_into_memory_that_must_not_be_written(n: int) -> None:
    for _ in range(4):
        torch.ones(n).add_(1)
        torch.ones(n).exp_()
        torch.ones(2, 3).add_(torch.ones(3))
    array = np.ones(n, np.float32)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="writ"):
        fixed = torch.from_numpy(array)
    for write in (lambda: fixed.add_(1), fixed.exp_):
        with pytest.raises(RuntimeError, match="read-only"):
            write()
    assert (array == 1).all()
    with pytest.raises(RuntimeError, match="single memory location"):
        torch.ones(3).expand(2, 3).add_(torch.ones(3))


def test_known_writes_of_everything() -> None:
    """`zero_`, `fill_` and `copy_` of tensors without histories, in any order of memory."""
    for x in (torch.ones(2, 3), torch.ones(3, 2).t(), torch.ones(2, 6)[:, ::2], torch.ones(())):
        assert not x.zero_().any() and x._version >= 1
        assert (x.fill_(1e30) == np.float32(1e30)).all() and (x.fill_(-0.5) == -0.5).all()
        assert (x.copy_(torch.full_like(x, 3)) == 3).all()
    assert (torch.ones(2, dtype=torch.int8).fill_(-128) == -128).all()
    with pytest.raises(RuntimeError, match="int8"):
        torch.ones(2, dtype=torch.int8).fill_(300)
    large = torch.zeros(100_000)  # what is copied is a formula
    assert (large.copy_(torch.ones(100_000) * 3) == 3).all() and large._version == 1
    base = torch.ones(3, requires_grad=True) * 1
    base[1:].zero_()
    assert base.grad_fn.name() == "torch::autograd::CopySlices"
    with pytest.raises(RuntimeError, match="leaf Variable"):
        torch.ones(3, requires_grad=True).fill_(0)
