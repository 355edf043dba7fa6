"""The calls that operations are tested with, and what each should give."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback
from pullback.backends import scalar
from pullback.backends.arrays import ARRAYS
from pullback.backends.symbols import SYMBOLS
from pullback.op import Op, Pointwise
from sampling import (
    PUBLIC,
    Call,
    DtypeName,
    calls,
    convert,
    in_dtype,
    key,
    outputs,
    public,
    signature,
)

PYTORCH = json.loads((Path(__file__).parent / "data" / "pytorch.json").read_text())

CASES = [call for op in PUBLIC for call in calls(op)]
# Whose arguments make sense as they are.
PLAIN = [call for call in CASES if call.op.tried_function is None]
DETERMINISTIC = [call for call in CASES if not call.op.random]


def over(cases: list[Call]) -> Any:
    """Decorator: one test per operation, that tries all of its calls and reports every failure."""
    by_operation: dict[str, list[Call]] = {}
    for case in cases:
        by_operation.setdefault(key(case.op), []).append(case)

    def decorate(test: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("name", by_operation)
        @functools.wraps(test)
        def run(name: str, **parameters: Any) -> None:
            errors = []
            for call in by_operation[name]:
                try:
                    test(call, **parameters)
                except Exception as error:
                    error.add_note(f"in the call {call}")
                    errors.append(error)
            if errors:
                raise ExceptionGroup(f"{len(errors)} of {len(by_operation[name])} calls", errors)

        others = [p for p in inspect.signature(test).parameters.values() if p.name != "call"]
        name = inspect.Parameter("name", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        run.__signature__ = inspect.Signature([name, *others])
        return run

    return decorate


def over_operations(operations: list[Op]) -> Any:
    """Decorator: one test for each operation."""
    return pytest.mark.parametrize("op", operations, ids=key)


def values(result: Any) -> list[Any]:
    """The parts of a result as arrays."""
    return [
        np.asarray(number_array(r) if isinstance(r, pullback.Tensor) else r)
        for r in outputs(result)
    ]


def number_array(tensor: Any) -> Any:
    """The numbers of a tensor; bfloat16's in float32."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype is pullback.bfloat16 else tensor).numpy()


def assert_same(found: Any, expected: Any, tolerance: float = 0.0) -> None:
    """Equal in structure, shapes and numbers, NaNs included; the tolerance is relative."""
    found, expected = values(found), values(expected)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        if tolerance == 0 or a.dtype.kind in "bui":
            np.testing.assert_array_equal(a, b)
        else:
            # Sums cancel: the error of an element is relative to the largest one.
            finite = np.abs(b[np.isfinite(b)])
            size = max(1.0, finite.max()) if finite.size else 1.0
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * size)


def reference(call: Call) -> Any:
    """What a call should give, from its NumPy reference or in higher precision."""
    if call.op.reference_function is not None:
        return call.reference()
    assert isinstance(call.op, Pointwise), f"{key(call.op)} declares no reference"
    try:
        try:
            return traced(call, np.longdouble)
        except TypeError:  # SciPy has no such numbers
            return traced(call, np.float64)
    except AttributeError:  # a library's function: its accuracy is held against PyTorch's
        bound = signature(call.op).bind(*call.args, **call.keywords)
        bound.apply_defaults()
        values = [
            np.asarray(v, np.float64) if p.is_tensor and not isinstance(v, (int, float)) else v
            for p, v in zip(call.op.parameters, bound.arguments.values(), strict=True)
        ]
        return np.asarray(call.op.compute(ARRAYS, values))


def traced(call: Call, precision: Any) -> Any:
    """The body of a pointwise operation, read with symbols and evaluated in a precision."""
    names = {p.name: p for p in call.op.parameters}
    bound = signature(call.op).bind(*call.args, **call.keywords)
    bound.apply_defaults()
    inputs, symbols = {}, []
    for name, value in bound.arguments.items():
        if names[name].is_tensor and isinstance(value, (np.ndarray, int, float)):
            array = np.asarray(value)
            real = array.dtype.kind == "f" or any(a.dtype.kind == "f" for a in call.arrays())
            real = real and name not in call.op.keep_dtype
            inputs[name] = array.astype(precision) if real else array
            dtype = np.dtype(np.float64) if real else call.arrays()[0].dtype
            value = scalar.scalar_input(name, array.dtype if array.dtype.kind == "b" else dtype)
        symbols.append(value)
    return scalar.evaluate(call.op.compute(SYMBOLS, symbols), inputs)


def supports(op: Op, dtype: str) -> bool:
    """Whether PyTorch takes this dtype; of operations that it does not have, real numbers."""
    answers = PYTORCH["dtypes"].get(key(op))
    return dtype.startswith("float") if answers is None else not answers[dtype].startswith("!")


def takes_complex(call: Call) -> bool:
    """Whether PyTorch takes this call, of an operation that it has, with complex numbers."""
    position = [id(c) for c in CASES if c.op is call.op].index(id(call))
    answers = PYTORCH["complex"].get(key(call.op))
    taken: bool = answers is not None and answers[position]
    stored = any(a.size for a in call.arrays())  # PyTorch does not look at elements that are not
    return taken and stored and real_arrays(call) and not call.dtypes()


def real_arrays(call: Call) -> bool:
    """Whether a call has arguments that could have a gradient."""
    return any(a.dtype.kind == "f" for a in call.arrays())


def public_function(op: Op) -> Any:
    home: Any = pullback
    for part in filter(None, op.namespace.split(".")):
        home = getattr(home, part)
    return getattr(home, op.public_name)


# Their gradient holds the quantile, not the stream of random numbers: see test_distributions.py.
BY_QUANTILE = {"_standard_gamma"}
DIFFERENTIABLE = [
    c for c in CASES
    if key(c.op) not in BY_QUANTILE
    and real_arrays(c) and c.op.derivative and c.op.result not in ("bool", "index")
    and not (c.op.random and not c.op.rules)
    and not any(isinstance(a, DtypeName) for a in c.args)
]  # fmt: skip


def function_of(call: Call, dtype: str = "float64") -> tuple[Any, list[Any]]:
    """A function of the real arguments alone, and those arguments, requiring gradients."""
    made = in_dtype(call, dtype)
    kinds = "fc"
    inputs = [
        pullback.from_numpy(a.copy()).requires_grad_()
        for a in made.arrays()
        if a.dtype.kind in kinds
    ]

    def function(*tensors: Any) -> Any:
        source = iter(tensors)
        args, keywords = convert(
            (made.args, made.keywords), pullback,
            lambda a: next(source) if a.dtype.kind in kinds else a,
        )  # fmt: skip
        pullback.manual_seed(0)
        result = outputs(public(pullback, call.op)(*args, **keywords))
        return tuple(r for r in result if isinstance(r, pullback.Tensor))

    return function, inputs
