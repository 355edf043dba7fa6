"""Every public operation, tested from its declaration.

The cases are the registry's own samples (`sampling.py`); what each should give is known from the
declaration's NumPy reference, from finite differences, from the operation itself called another
way, and, for dtypes, from PyTorch (`data/pytorch.json`).
"""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback
from pullback.autograd import gradcheck, gradgradcheck
from pullback.backends import scalar
from pullback.backends.arrays import ARRAYS
from pullback.backends.symbols import SYMBOLS
from pullback.dispatch import TENSORS
from pullback.op import REGISTRY, Composite, Op, Pointwise, View
from sampling import (
    COMPATIBILITY,
    DTYPES,
    FLOATS,
    PAIRS,
    PUBLIC,
    Call,
    DtypeName,
    calls,
    convert,
    dtype_names,
    in_dtype,
    is_called_as_function,
    is_in_place_only,
    key,
    outputs,
    pair_call,
    promoting,
    public,
    signature,
    walk,
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
    """Whether PyTorch takes this dtype."""
    return not PYTORCH["dtypes"][key(op)][dtype].startswith("!")


def takes_complex(call: Call) -> bool:
    """Whether PyTorch takes this call with complex numbers instead of real ones."""
    position = [id(c) for c in CASES if c.op is call.op].index(id(call))
    taken: bool = PYTORCH["complex"][key(call.op)][position]
    stored = any(a.size for a in call.arrays())  # PyTorch does not look at elements that are not
    return taken and stored and real_arrays(call) and not call.dtypes()


def real_arrays(call: Call) -> bool:
    """Whether a call has arguments that could have a gradient."""
    return any(a.dtype.kind == "f" for a in call.arrays())


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


def public_function(op: Op) -> Any:
    home: Any = pullback
    for part in filter(None, op.namespace.split(".")):
        home = getattr(home, part)
    return getattr(home, op.public_name)


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


@over_operations([op for op in PUBLIC if promoting(op)])
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


# ------------------------------------------------------------------------------- gradients

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


def check_gradients(call: Call, dtype: str) -> None:
    function, inputs = function_of(call, dtype)
    results = [r for r in function(*inputs) if r.dtype.is_floating_point or r.dtype.is_complex]
    if not results:
        return  # positions, as `where(condition)` gives
    assert all(r.requires_grad for r in results), "the result has no history"
    assert gradcheck(function, inputs)
    # Second derivatives of very many complex numbers, whose rules are those of real ones: along
    # random directions. Those of real numbers are compared entry by entry.
    many = dtype == "complex128" and sum(x.numel() for x in inputs) > 40
    assert gradgradcheck(function, inputs, fast_mode=many)
    assert_each_alone(results, inputs)


def assert_each_alone(results: list[Any], inputs: list[Any]) -> None:
    """The gradient of one input, without those of the others, is the same."""
    seeds = [
        pullback.from_numpy(np.cos(np.arange(r.numel())).reshape(r.shape)).to(r.dtype)
        for r in results
    ]
    ask = functools.partial(pullback.autograd.grad, retain_graph=True, allow_unused=True)
    for x, expected in zip(inputs, ask(results, inputs, seeds), strict=True):
        (found,) = ask(results, x, seeds)
        assert (found is None) == (expected is None)
        if found is not None:
            assert_same(found, expected)


@over(DIFFERENTIABLE)
def test_gradients(call: Call) -> None:
    check_gradients(call, "float64")


@over([c for c in DIFFERENTIABLE if takes_complex(c)])
def test_gradients_of_complex_numbers(call: Call) -> None:
    check_gradients(call, "complex128")


@over_operations([op for op in PUBLIC if not op.derivative or op.result in ("bool", "index")])
def test_no_derivative_is_claimed(op: Op) -> None:
    for call in calls(op):
        args, keywords = call.converted(
            pullback,
            lambda a: pullback.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a,
        )
        for r in outputs(public(pullback, op)(*args, **keywords)):
            assert not getattr(r, "requires_grad", False)


# ------------------------------------------------------------------- the same, asked otherwise


@over([c for c in CASES if c.op.inplace_name and not is_in_place_only(c.op)])
def test_in_place(call: Call) -> None:
    """`x.op_(…)` writes what `op(x, …)` gives, into the memory of x."""
    args, keywords = call.converted(pullback)
    if not isinstance(args[0], pullback.Tensor):
        return
    pullback.manual_seed(3)
    expected = public(pullback, call.op)(*args, **keywords)
    target = args[0].clone()
    written = getattr(target, call.op.inplace_name)
    fits = pullback.can_cast(expected.dtype, target.dtype)
    moves = call.op.gives_view  # the tensor, not its numbers: it has another shape then
    if (expected.shape != target.shape and not moves) or not fits:
        with pytest.raises(RuntimeError, match=call.op.name):
            written(*args[1:], **keywords)
        return
    pullback.manual_seed(3)
    result = written(*args[1:], **keywords)
    assert result is target
    assert_same(target, expected.to(target.dtype))
    assert target._version == 1


@over([c for c in CASES if c.op.inplace_name and real_arrays(c) and c.op.derivative and c.op.rules])
def test_gradients_in_place(call: Call) -> None:
    """Written over a clone, the gradients are those of the operation itself."""
    args, keywords = call.converted(
        pullback, lambda a: pullback.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a
    )
    if not isinstance(args[0], pullback.Tensor) or not args[0].requires_grad:
        return
    leaves = [a for a in (*args, *keywords.values()) if getattr(a, "requires_grad", False)]

    def gradients(apply: Any) -> Any:
        pullback.manual_seed(0)
        result = apply()
        return pullback.autograd.grad((result * result).sum(), leaves, allow_unused=True)

    try:
        found = gradients(
            lambda: getattr(args[0].clone(), call.op.inplace_name)(*args[1:], **keywords)
        )
    except RuntimeError as error:
        assert "shape" in str(error)  # broadcast results do not fit
        return
    if is_in_place_only(call.op):
        return
    expected = gradients(lambda: public(pullback, call.op)(*args, **keywords))
    assert_same([f for f in found if f is not None], [e for e in expected if e is not None], 1e-14)


def has_out(op: Op) -> bool:
    return op.is_function and not isinstance(op, View) and "out" in inspect.signature(
        public_function(op)
    ).parameters  # fmt: skip


@over([c for c in PLAIN if has_out(c.op)])
def test_out(call: Call) -> None:
    args, keywords = call.converted(pullback)
    function = public_function(call.op)
    pullback.manual_seed(3)
    expected = function(*args, **keywords)
    parts = outputs(expected)
    if not all(isinstance(p, pullback.Tensor) for p in parts):
        return
    for start in (lambda p: pullback.empty(p.shape, dtype=p.dtype), lambda p: p.new_empty(0)):
        targets = [start(p) for p in parts]
        out = targets[0] if isinstance(expected, pullback.Tensor) else tuple(targets)
        pullback.manual_seed(3)
        assert function(*args, **keywords, out=out) is out
        if "empty" not in key(call.op):
            assert_same(targets, parts)
        assert [t.dtype for t in targets] == [p.dtype for p in parts]


@over(PLAIN)
def test_keywords(call: Call) -> None:
    """PyTorch's parameter names are understood."""
    variadic = any(p.kind is p.VAR_POSITIONAL for p in signature(call.op).parameters.values())
    if variadic or not (call.op.is_function or call.op.is_method):
        return
    function = public(pullback, call.op)
    args, keywords = call.converted(pullback)
    named = dict(zip(signature(call.op).parameters, args, strict=False)) | keywords
    if call.op.is_function:
        pullback.manual_seed(3)
        result = function(**named)
    else:
        first = next(iter(named))
        receiver = named.pop(first)
        pullback.manual_seed(3)
        result = function(receiver, **named)
    pullback.manual_seed(3)
    if "empty" not in key(call.op):
        assert_same(result, function(*args, **keywords))


@over([c for c in PLAIN if c.op.is_method and c.op.is_function])
def test_method(call: Call) -> None:
    args, keywords = call.converted(pullback)
    if not isinstance(args[0], pullback.Tensor):
        return
    variadic = any(p.kind is p.VAR_POSITIONAL for p in signature(call.op).parameters.values())
    if variadic and len(args) > 2:
        return  # the method is what the samples call
    pullback.manual_seed(3)
    expected = public_function(call.op)(*args, **keywords)
    pullback.manual_seed(3)
    assert_same(getattr(args[0], call.op.public_name)(*args[1:], **keywords), expected)


# ------------------------------------------------------------------------------ memory layouts


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


@over([c for c in ANYWHERE if "index" not in key(c.op)])
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


# ------------------------------------------------------------------------------------ numbers


@over_operations([op for op in PUBLIC if promoting(op)])
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
