"""Every operation inside formulas gives what it gives on arrays: values, and two derivatives.

The cases are the registry's samples, so that a new operation is covered by its declaration. Their
arguments are formulas, and nothing is stored before its numbers are asked for; the loops are run
by their definition (`backends/interpret.py`), which `test_llvm.py` holds the compiler against, and
as machine code once for each operation.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback
from pullback.dispatch import TENSORS
from pullback.formula.node import kind_of
from pullback.formula.vocabulary import plain_key
from pullback.op import REGISTRY
from sampling import PUBLIC, Call, calls, in_dtype, key, outputs

CALLS = {
    key(op): [c for c in calls(op) if c.arrays()] for op in REGISTRY.values()
    if not op.random and any(c.arrays() for c in calls(op))
    and op.tried_function is None  # their arguments need a structure
}  # fmt: skip


# What PyTorch takes with complex numbers instead of real ones (tests/data/pytorch.json).
TAKEN = json.loads((Path(__file__).parent / "data" / "pytorch.json").read_text())["complex"]
COMPLEX = {
    key(op): found for op in PUBLIC
    if key(op) in CALLS and key(op) in TAKEN
    and (found := [
        in_dtype(c, "complex128") for c, taken in zip(calls(op), TAKEN[key(op)], strict=True)
        if taken and any(a.dtype.kind == "f" and a.size for a in c.arrays()) and not c.dtypes()
    ])
}  # fmt: skip

EVALUATE = sys.modules["pullback.formula.evaluate"]


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loops are run by their definition, in NumPy."""
    monkeypatch.setattr(EVALUATE, "_launch", lambda *args: None)
    EVALUATE._plans.clear()
    yield
    EVALUATE._plans.clear()


def numbers(call: Call, elements: int, order: int) -> Iterator[tuple[str, Any]]:
    """Results and derivatives as arrays, computed with a limit above which they are formulas."""
    with pullback.config(defer_elements=elements):
        leaves: list[Any] = []

        def tensor(a: Any) -> Any:
            made = pullback.from_numpy(np.array(a))
            if a.dtype.kind not in "fc" or not a.size:
                return made
            leaves.append(made.requires_grad_())
            return made * 1.0  # with formulas: one

        args, keywords = call.converted(pullback, tensor)
        results = outputs(getattr(TENSORS, key(call.op))(*args, **keywords))
        found = [(f"result {k}", r) for k, r in enumerate(results)]
        current = [r for r in results if getattr(r, "requires_grad", False)]
        for level in range(order):
            if not current:
                break
            total = sum(real((r * weights(r, level)).sum()) for r in current)
            gradients = pullback.autograd.grad(
                total, leaves, create_graph=level + 1 < order, allow_unused=True
            )
            named = [(f"derivative {level + 1} of argument {k}", g)
                     for k, g in enumerate(gradients) if g is not None]  # fmt: skip
            found += named
            current = [g for _, g in named if g.requires_grad]
        for name, r in found:
            yield name, r.detach().numpy() if isinstance(r, pullback.Tensor) else np.asarray(r)


def real(x: Any) -> Any:
    return x.real if x.is_complex() else x


def weights(result: Any, level: int) -> Any:
    """Different for all elements, so that transposed gradients cannot agree."""
    r = np.random.default_rng(zlib.crc32(f"{level}".encode()))
    return pullback.from_numpy(r.uniform(0.5, 1.5, result.shape)).to(result.dtype)


def compare(call: Call, order: int) -> None:
    """The same names, shapes, dtypes and numbers, to rounding."""
    eager = list(numbers(call, 10**12, order))
    lazy = list(numbers(call, 0, order))
    assert [name for name, _ in lazy] == [name for name, _ in eager]
    for (name, a), (_, b) in zip(lazy, eager, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), name
        if b.dtype.kind in "biu":
            np.testing.assert_array_equal(a, b, name)
            continue
        digits = {"f": 1e-11, "c": 1e-11}[b.dtype.kind] if b.dtype.itemsize >= 8 else 1e-5
        size = max(1.0, np.abs(b[np.isfinite(b)]).max(initial=0.0))
        np.testing.assert_allclose(a, b, digits, digits * size, err_msg=name)


def every(samples: Sequence[Call], test: Any) -> None:
    """Run a test of all samples, and report all that fail."""
    errors = []
    for call in samples:
        try:
            test(call)
        except Exception as error:
            error.add_note(f"in the call {call}")
            errors.append(error)
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(samples)} calls", errors)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("without_compiler")
def test_operations_in_formulas(name: str) -> None:
    every(CALLS[name], lambda call: compare(call, 2))


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.usefixtures("without_compiler")
def test_operations_of_complex_numbers_in_formulas(name: str) -> None:
    every(COMPLEX[name], lambda call: compare(call, 1))


@pytest.mark.parametrize("name", CALLS)
def test_operations_in_machine_code(name: str) -> None:
    every(CALLS[name], lambda call: compare(call, 2))


def test_numbers_are_not_mistaken_for_kinds_of_operands() -> None:
    """Kinds are numbered, and stand beside plain arguments in one key: 1 + x is not y + x."""
    kinds = [kind_of((), np.dtype(np.float32)), kind_of((2, 3), np.dtype(np.int64))]
    assert not {plain_key(k) for k in kinds} & set(kinds)
    told_apart = [None, 1, 1.0, True, 0.0, -0.0, (1,), (1.0,), "1"]
    assert len({plain_key(x) for x in told_apart}) == len(told_apart)


def test_numbers_between_library_calls_are_not_kept() -> None:
    """What NumPy gives for 0-d arrays is a scalar, and no constant of the rule that reads it."""
    for x0 in (0.5, 1.5, 2.5):
        found = []
        for elements in (1 << 16, 0):
            with pullback.config(defer_elements=elements):
                x = pullback.tensor(x0, dtype=pullback.float64, requires_grad=True)
                y = pullback.special.log_ndtr(x)  # SciPy's: a number in the midst of formulas
                (slope,) = pullback.autograd.grad(y, x, create_graph=True)
                (curvature,) = pullback.autograd.grad(slope, x)
                found.append([y.item(), slope.item(), curvature.item()])
        np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
