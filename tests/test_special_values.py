"""Extreme values and senseless arguments: what PyTorch answered is written in data/pytorch.json.

`tools/pytorch_expectations.py` asked it the same questions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback
from error_cases import ERRORS
from pullback.op import Op
from sampling import (
    PUBLIC,
    bad_calls,
    key,
    special_call,
    special_dtypes,
    special_operands,
    special_operations,
)

PYTORCH = json.loads((Path(__file__).parent / "data" / "pytorch.json").read_text())
BUILTIN = {
    e.__name__: e for e in (IndexError, NotImplementedError, RuntimeError, TypeError, ValueError)
}

SPECIAL = [
    (op, dtype) for op in special_operations() for dtype in special_dtypes(op)
    if dtype in PYTORCH["special"].get(key(op), ())  # not of operations of our own
]  # fmt: skip


# The larger of 0.0 and -0.0 is either of them, in PyTorch too: it depends on the instruction.
CHOOSES_A_ZERO = {
    "clamp", "clamp_max", "clamp_min", "maximum", "minimum", "nn_functional_hardtanh",
    "nn_functional_relu6", "relu",
}  # fmt: skip


# Functions that PyTorch computes with formulas of fewer digits, and we with SciPy: the relative
# difference that is allowed (`tests/test_llvm_math.py` and SciPy's own tests are stricter).
COARSE = {
    "digamma": 1e-5, "logaddexp2": 1e-6, "special_airy_ai": 1e-4, "special_bessel_j0": 1e-3,
    "special_bessel_j1": 1e-3, "special_bessel_y0": 1e-3, "special_bessel_y1": 1e-3,
    "special_ndtr": 1e-4, "special_log_ndtr": 1e-4,
}  # fmt: skip

# Functions that PyTorch gives NaN, infinity or a wrong limit where the right one is known: at
# subnormal numbers, and where they vanish at infinity.
NO_LIMIT = {
    "igamma", "special_airy_ai", "special_modified_bessel_k1", "special_scaled_modified_bessel_k0",
    "special_scaled_modified_bessel_k1", "special_zeta",
}  # fmt: skip


@pytest.mark.parametrize(("op", "dtype"), SPECIAL, ids=lambda x: key(x) if isinstance(x, Op) else x)
def test_special_values(op: Op, dtype: str) -> None:
    """±0, ±inf, NaN, subnormal and extreme numbers give what PyTorch gives, signs of 0 included."""
    operands = special_operands(dtype, sum(p.is_tensor for p in op.parameters))
    expected = PYTORCH["special"][key(op)][dtype]
    answered = np.array([not isinstance(e, str) for e in expected])
    result = special_call(op, [a[answered] for a in operands]).on(pullback).numpy()
    wanted = np.array([e for e in expected if not isinstance(e, str)], result.dtype)
    assert len(wanted)
    if result.dtype.kind == "f":
        # A few units in the last place: libraries of elementary functions differ by as much.
        rtol = max(8 * np.finfo(result.dtype).eps, COARSE.get(key(op), 0))
        close = np.isclose(result, wanted, rtol=rtol, atol=0, equal_nan=True)
        if key(op) in COARSE:
            with np.errstate(invalid="ignore"):
                close |= np.abs(result - wanted) < 1e-7
        if key(op) in NO_LIMIT:
            extreme = np.zeros(result.shape, bool)
            for a in operands:
                size = np.abs(a[answered].astype(float))
                extreme |= (size > 1e18) | ((size > 0) & (size < 1e-37))
            close |= extreme
        with np.errstate(invalid="ignore", over="ignore"):
            close |= np.abs(result - wanted) <= 4 * np.finfo(result.dtype).smallest_subnormal
        same_zero = (wanted != 0) | (result != 0) | (np.signbit(result) == np.signbit(wanted))
        if key(op) in CHOOSES_A_ZERO:
            same_zero[:] = True
        right = close & same_zero
    else:
        right = result == wanted
    wrong = [
        f"{', '.join(str(a[answered][k]) for a in operands)} gives {result[k]}, not {wanted[k]}"
        for k in np.flatnonzero(~right)
    ]
    assert not wrong, "\n".join(wrong)


REFUSED = [
    (op, dtype) for op, dtype in SPECIAL
    if any(isinstance(e, str) and e != "!undefined" for e in PYTORCH["special"][key(op)][dtype])
]  # fmt: skip


@pytest.mark.parametrize(("op", "dtype"), REFUSED, ids=lambda x: key(x) if isinstance(x, Op) else x)
def test_special_values_that_are_refused(op: Op, dtype: str) -> None:
    """Numbers that PyTorch raises an error for, as integer division by zero."""
    operands = special_operands(dtype, sum(p.is_tensor for p in op.parameters))
    for k, answer in enumerate(PYTORCH["special"][key(op)][dtype]):
        if isinstance(answer, str) and answer != "!undefined":
            with pytest.raises(BUILTIN[answer[1:]]):
                special_call(op, [np.asarray(a[k]) for a in operands]).on(pullback)


# ------------------------------------------------------------------------------ bad arguments


def refuse(expected: str, call: Any) -> str:
    """Check that a call raises PyTorch's type, or one derived from it; the message."""
    if expected == "!AssertionError":  # PyTorch meets it in its Python code: ours knows sooner
        kind: Any = (AssertionError, TypeError)
    else:
        kind = BUILTIN[expected[1:]]
    if kind is NotImplementedError:
        kind = RuntimeError  # what programs catch; PyTorch uses both for the same reasons
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


# Where PyTorch falls over ("Could this error message be improved?"), or names what is not the
# matter: what it says elsewhere.
INSTEAD = {
    ("narrow_copy", "dim: 99"): "!IndexError",
    ("nn_functional_interpolate", "antialias: text"): "!TypeError",  # true there, and refused later
    ("nn_functional_multi_head_attention_forward", "is_causal: text"): "!TypeError",  # likewise
}


@pytest.mark.parametrize("op", [op for op in PUBLIC if key(op) in PYTORCH["errors"]], ids=key)
def test_senseless_arguments(op: Op) -> None:
    """Texts for tensors, axes that are not there, arguments too many: PyTorch's exceptions."""
    problems = []
    for label, call in bad_calls(op).items():
        expected = INSTEAD.get((key(op), label), PYTORCH["errors"][key(op)][label])
        if not expected:
            continue  # PyTorch makes sense of it
        try:
            message = refuse(expected, lambda call=call: call.on(pullback))
        except (Exception, pytest.fail.Exception) as error:
            problems.append(f"{label}: {type(error).__name__}: {error}, not {expected[1:]}")
            continue
        if not message:
            problems.append(f"{label}: no message")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str) -> None:
    """Shapes, dtypes and positions that do not fit: PyTorch's exception, and a helpful message."""
    expected = PYTORCH["errors"]["cases"][case]
    names = {name: getattr(pullback, name) for name in dir(pullback) if not name.startswith("_")}
    message = refuse(expected, lambda: eval(case, names))
    called = case.partition("(")[0].rpartition(".")[2]
    method = case.rpartition(").")[2].partition("(")[0].rstrip("_")
    named = any(name in message for name in (called, method) if name)
    sized = re.search(r"\[[\d, -]*\]|\d+x\d+|size \d|\b(index|shape|range)", message)
    typed = re.search(r"torch\.\w*\d|Float|Bool|Long|operand type", message)
    assert named or sized or typed, f"{message!r} says nothing of the operation, shapes or dtypes"


def test_signs_of_complex_numbers_that_are_not_finite() -> None:
    """NaN, as PyTorch's: such a number has no direction."""
    nan, inf = float("nan"), float("inf")
    z = pullback.tensor([complex(nan, 1), complex(1, nan), complex(inf, 1), complex(-inf, inf), 0j])
    assert pullback.sgn(z).isnan().tolist() == [True, True, True, True, False]
    assert pullback.sgn(pullback.tensor([nan])).tolist() == [0]


def test_an_axis_of_size_0_has_no_parts() -> None:
    assert pullback.unbind(pullback.empty(0, 3, requires_grad=True)) == ()
    assert list(pullback.empty(0)) == []


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pooling_by_the_norm_of_order_0(rank: int) -> None:
    pool = getattr(pullback.nn.functional, f"lp_pool{rank}d")
    with pytest.raises(RuntimeError, match="no root of order 0"):
        pool(pullback.ones(1, 1, *(4,) * rank), 0, 2)


def test_tensors_without_axes_stand_for_numbers() -> None:
    three, x = pullback.tensor(3), pullback.ones(2)
    assert pullback.full_like(x, three).tolist() == [3, 3]
    assert pullback.full((2,), three).dtype is pullback.int64
    assert pullback.addcmul(x, x, x, value=three).tolist() == [4, 4]
    assert pullback.full_like(x, np.float32(3)).dtype is pullback.float32
    for wrong in (pullback.tensor([3.0]), pullback.tensor(3.0, requires_grad=True), "3"):
        with pytest.raises(TypeError, match="argument 'fill_value' must be Number"):
            pullback.full_like(x, wrong)


@pytest.mark.parametrize("scale", [1.0, 1e25, 1e-25])
def test_gradients_of_determinants_beyond_the_range(scale: float) -> None:
    """The determinant of 13 x 13 such numbers overflows, or is 0, where the cofactors do not."""
    plain = np.random.default_rng(0).normal(size=(13, 13))
    x = pullback.from_numpy(scale * plain).requires_grad_()
    (found,) = pullback.autograd.grad(pullback.linalg.det(x), x)
    expected = np.linalg.det(plain) * np.linalg.inv(plain).T
    np.testing.assert_allclose(found.numpy() / scale**12, expected, 1e-9)


def test_gradients_of_singular_determinants() -> None:
    x = pullback.tensor(
        [[1.0, 2, 3], [2, 4, 6], [1, 1, 5]], dtype=pullback.float64
    ).requires_grad_()
    (found,) = pullback.autograd.grad(pullback.linalg.det(x), x)
    np.testing.assert_allclose(found.numpy(), [[14, -4, -2], [-7, 2, 1], [0, 0, 0]], 0, 1e-12)


def test_trigamma_on_both_sides() -> None:
    x = np.array([-3.7, -0.3, 1e-3, 0.2, 0.5, 1, 2.5, 9, 11, 40, 1e6])
    terms = np.arange(20_000.0)[:, None] + x
    end = x + 20_000
    expected = (1 / terms**2).sum(0) + 1 / end + 1 / (2 * end**2) + 1 / (6 * end**3)
    for kept in (0, 1 << 16):
        with pullback.config(defer_elements=kept):
            found = pullback.polygamma(1, pullback.from_numpy(x)).numpy()
        np.testing.assert_allclose(found, expected, 1e-12)


@pytest.mark.parametrize("elements", [1 << 16, 1], ids=["arrays", "formulas"])
def test_square_roots_written_as_powers(elements: int) -> None:
    """PyTorch's x ** 0.5 is sqrt(x), and x ** -0.5 is rsqrt(x): at -inf and -0 as well."""
    x = pullback.tensor([-np.inf, -0.0, 0.0, 4.0, -1.0])
    with pullback.config(defer_elements=elements):
        root, inverse = (x**0.5).numpy(), (x**-0.5).numpy()
    np.testing.assert_array_equal(root, [np.nan, 0, 0, 2, np.nan])
    assert np.signbit(root[1]) and not np.signbit(root[2])
    np.testing.assert_array_equal(inverse, [np.nan, -np.inf, np.inf, 0.5, np.nan])
