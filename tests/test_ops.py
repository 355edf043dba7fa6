"""Every public operation, tested from its declaration.

The cases are the registry's own samples (`sampling.py`); what each should give is known from the
declaration's NumPy reference, from the operation itself called another way, and, for dtypes, from
PyTorch (`data/pytorch.json`). Beside it: `test_ops_gradients.py`, `test_ops_variants.py`,
`test_ops_layouts.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback
from operation_cases import (
    CASES,
    DETERMINISTIC,
    PYTORCH,
    assert_same,
    over,
    over_operations,
    public_function,
    real_arrays,
    reference,
    supports,
    takes_complex,
    values,
)
from pullback.backends.arrays import ARRAYS
from pullback.dispatch import TENSORS
from pullback.op import REGISTRY, Composite, Op, Pointwise
from sampling import (
    COMPATIBILITY,
    DTYPES,
    FLOATS,
    PAIRS,
    PUBLIC,
    Call,
    DtypeName,
    calls,
    dtype_names,
    in_dtype,
    key,
    outputs,
    pair_call,
    promoting,
    public,
    signature,
    walk,
)

# ---------------------------------------------------------------------------- declarations


@over_operations(list(REGISTRY.values()))
def test_documentation(op: Op) -> None:
    first = op.doc.partition("\n")[0]
    assert first, f"{key(op)} has no documentation"
    assert first.endswith((".", ":", ";")) or "$" in first or first[-1] in "`)", first


@over_operations(PUBLIC)
def test_samples_exercise_every_parameter(op: Op) -> None:
    made = calls(op)
    assert made, f"{key(op)} declares no samples"
    given: dict[str, list[Any]] = {}
    for call in made:
        for name, value in call.bound().items():
            given.setdefault(name, []).append(value)
    for name, p in signature(op).parameters.items():
        if name in COMPATIBILITY:
            continue
        assert name in given, f"no sample of {key(op)} gives {name!r}"
        if p.default is not p.empty:
            assert any(v is not p.default for v in given[name]), f"{name!r} is always its default"


@over_operations(PUBLIC)
def test_every_operation_has_a_reference(op: Op) -> None:
    assert op.reference_function is not None or isinstance(op, Pointwise) or op.random


@over_operations([op for op in REGISTRY.values() if op not in PUBLIC])
def test_internal_operations_have_samples(op: Op) -> None:
    """Rules are written with them: they can be tried, and differentiated, on their own."""
    made = calls(op)
    assert made, f"{key(op)} declares no samples"
    for call in made:
        args, keywords = call.converted(
            pullback,
            lambda a: pullback.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a,
        )
        getattr(TENSORS, key(op))(*args, **keywords)


@over_operations(list(REGISTRY.values()))
def test_rules_are_complete(op: Op) -> None:
    """Each tensor argument that takes real numbers has a rule, unless the operation has none."""
    if not op.derivative:
        assert not op.rules, f"{key(op)} says that it has no derivative, and has a rule"
    if isinstance(op, Composite) or not op.derivative or op.result in ("bool", "index"):
        return
    for call in calls(op):
        for name, value in call.bound().items():
            found: list[Any] = []
            walk(value, lambda a, found=found: (found.append(a.dtype.kind), a)[1])
            if "f" in found:
                assert name in op.rules, f"{key(op)} has no rule for {name!r}"


@over_operations(PUBLIC)
def test_names(op: Op) -> None:
    """Each name gives the operation, with its documentation."""
    for name in [op.public_name, *op.aliases]:
        home: Any = pullback
        *path, last = name.split(".")
        for part in path or filter(None, op.namespace.split(".")):
            home = getattr(home, part)
        if op.is_function:
            assert getattr(home, last) is public_function(op)
            assert getattr(home, last).__doc__ == op.doc
        if op.is_method and not path:
            assert callable(getattr(pullback.Tensor, last))


# --------------------------------------------------------------------------------- forward


@over(DETERMINISTIC)
def test_forward(call: Call) -> None:
    result = call.on(pullback)
    single = any(getattr(r, "dtype", None) is pullback.float32 for r in outputs(result))
    assert_same(result, reference(call), 3e-6 if single else 1e-12)  # new tensors are float32


@over([c for c in DETERMINISTIC if real_arrays(c) and supports(c.op, "float32")])
def test_forward_in_single_precision(call: Call) -> None:
    rounded = in_dtype(call, "float32")
    result = rounded.on(pullback)
    for r in outputs(result):
        if isinstance(r, pullback.Tensor):
            double = PYTORCH["dtypes"].get(key(call.op), {}).get("float32") == "float64"
            assert r.dtype is not pullback.float64 or "float64" in call.dtypes() or double
    if any(isinstance(v, DtypeName) for v in call.args):  # bits of floats are not those of doubles
        return
    assert_same(result, reference(in_dtype(rounded, "float64")), 3e-6)


@over([c for c in DETERMINISTIC if takes_complex(c)])
def test_forward_of_complex_numbers(call: Call) -> None:
    made = in_dtype(call, "complex128")
    expected = made.reference() if call.op.reference_function else complex_reference(made)
    assert_same(made.on(pullback), expected, 1e-12)


def complex_reference(call: Call) -> Any:
    """The body of a pointwise operation on complex numbers."""
    bound = signature(call.op).bind(*call.args, **call.keywords)
    bound.apply_defaults()
    with np.errstate(all="ignore"):
        return call.op.compute(ARRAYS, [
            np.asarray(v, complex) if p.is_tensor and p.name not in call.op.keep_dtype else v
            for p, v in zip(call.op.parameters, bound.arguments.values(), strict=True)
        ])  # fmt: skip


def test_pytorch_was_asked() -> None:
    """Of each operation, unless it has none of that name."""
    new = [
        key(op) for op in PUBLIC if not {key(op)} & (PYTORCH["errors"].keys() | PYTORCH["absent"])
    ]
    assert not new, f"run tools/pytorch_expectations.py with a Python that has PyTorch, for {new}"


@over_operations([op for op in PUBLIC if key(op) in PYTORCH["dtypes"]])
def test_dtypes(op: Op) -> None:
    """Results have PyTorch's dtypes; what it refuses is refused."""
    wrong = {}
    for dtype in DTYPES:
        expected = PYTORCH["dtypes"][key(op)][dtype]
        if expected == "complex32":  # which NumPy has not: refused
            expected = "!"
        try:
            found = dtype_names(in_dtype(calls(op)[0], dtype).on(pullback))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            found = f"!{type(error).__name__}"
        if found != expected and not (found[0] == expected[0] == "!"):
            wrong[dtype] = f"{found} instead of {expected}"
    assert not wrong


@over_operations([op for op in PUBLIC if promoting(op) and key(op) in PYTORCH["promotions"]])
def test_promotion(op: Op) -> None:
    """Pairs that PyTorch takes give its dtypes. (It refuses numbers in some operations.)"""
    wrong = {}
    for left, right in PAIRS:
        expected = PYTORCH["promotions"][key(op)][f"{left}, {right}"]
        try:
            found = dtype_names(pair_call(op, left, right).on(pullback))
        except (RuntimeError, TypeError) as error:
            found = f"!{type(error).__name__}"
        if found != expected and not expected.startswith("!"):
            wrong[f"{left}, {right}"] = f"{found} instead of {expected}"
    assert not wrong


@over([c for c in CASES if c.op.random])
def test_random(call: Call) -> None:
    """Seeded, results repeat; unseeded, they move on. Uninitialised memory has a shape only."""
    pullback.manual_seed(7)
    first = call.on(pullback)
    if "empty" in key(call.op):
        assert first.shape == call.on(pullback).shape
        return
    second = call.on(pullback)
    pullback.manual_seed(7)
    assert_same(call.on(pullback), first)
    if outputs(first)[0].numel() > 3:
        assert not np.array_equal(values(first)[0], values(second)[0])


# ------------------------------------------------------------------------------------ numbers


@over_operations([op for op in PUBLIC if promoting(op) and key(op) in PYTORCH["promotions"]])
@pytest.mark.parametrize("dtype", FLOATS)
def test_numbers_as_operands(op: Op, dtype: str) -> None:
    """A Python number is a 0-d tensor of the other operand's dtype."""
    x = pullback.tensor([0.5, 1.5, 2.0], dtype=getattr(pullback, dtype))
    if not supports(op, dtype):
        return
    function = public(pullback, op)
    assert_same(function(x, 2.0), function(x, pullback.full((), 2.0, dtype=x.dtype)))
    assert function(x, 2.0).dtype is function(x, x).dtype


@pytest.mark.parametrize("name", ["add", "sub", "rsub"])
@pytest.mark.parametrize("alpha", [None, "x", [1]])
@pytest.mark.parametrize("limit", [0, 10**12])
def test_alpha_is_a_number(name: str, alpha: Any, limit: int) -> None:
    """Of formulas as well; a tensor of one number is one."""
    a, b = pullback.ones(3, 4), pullback.ones(4)
    function = getattr(pullback, name)
    with pullback.config(defer_elements=limit):
        with pytest.raises(TypeError, match=rf"{name}\(\): argument 'alpha' must be Number"):
            function(a, b, alpha=alpha)
        scaled = function(a, b, alpha=pullback.tensor(2.0))
        assert scaled.tolist() == function(a, b, alpha=2).tolist()


def test_tolerances_are_real_numbers() -> None:
    """Integers too large for the tensors' dtype are tolerances like others, as PyTorch's."""
    x = pullback.tensor([[1, 2], [3, 4]], dtype=pullback.uint8)
    assert pullback.allclose(x, x + 1, rtol=2**63) and pullback.allclose(x, x + 1, atol=10**30)
    assert not pullback.allclose(x, x + 1, rtol=-(2**63) - 1)


@pytest.mark.parametrize("given", [np.float32(2.5), np.ones((2, 3))])
def test_numpy_values_are_no_tensors_of_composites(given: Any) -> None:
    with pytest.raises(TypeError, match=r"randn_like\(\): argument 'input' must be Tensor"):
        pullback.randn_like(given)
