"""Complex numbers in formulas: loops compute their parts (`backends/passes/cartesian.py`)."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends.passes.canonical import canonical_node
from pullback.backends.passes.cartesian import Pair, separate
from pullback.backends.rewrite import rewrite
from pullback.backends.scalar import apply, cast, scalar_input, walk

FUNCTIONS = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "abs": np.abs,
    "angle": np.angle, "sgn": np.sign, "reciprocal": np.reciprocal, "conj": np.conj,
    "rsqrt": lambda z: 1 / np.sqrt(z), "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "square": np.square, "real": np.real, "imag": np.imag, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "nan_to_num": np.nan_to_num,
}  # fmt: skip


def in_loops(function: Any, *arrays: Any) -> Any:
    """A function of tensors, computed by compiled loops."""
    with torch.config(defer_elements=0):
        return function(*(torch.from_numpy(a) for a in arrays)).resolve_conj().numpy()


def numbers(size: int = 500, scale: float = 2.0) -> Any:
    r = np.random.default_rng(0)
    return scale * (r.normal(size=size) + 1j * r.normal(size=size))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_functions(name: str, dtype: str) -> None:
    z = numbers().astype(dtype)
    found = in_loops(lambda x: getattr(torch, name)(x), z)
    expected = FUNCTIONS[name](z.astype(np.complex128))
    assert found.dtype == FUNCTIONS[name](z).dtype
    digits = 1e-5 if dtype == "complex64" else 1e-13
    np.testing.assert_allclose(found, expected, rtol=digits, atol=digits)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("size", [2, 7, 16, 33, 1000])
def test_pairs_side_by_side(size: int, dtype: str) -> None:
    """Vectors of neighbours are read and written together, others number by number."""
    z = numbers(6 * size).astype(dtype).reshape(3, 2 * size)
    w = z[::-1] * 1j
    views = {
        "all": lambda a: a, "a row": lambda a: a[1], "every other": lambda a: a[:, ::2],
        "the rest": lambda a: a[:, 1:], "turned": lambda a: a.T, "one": lambda a: a[:, :1],
    }  # fmt: skip
    digits = 1e-5 if dtype == "complex64" else 1e-13
    for name, view in views.items():
        x, y = view(z), view(w)
        for function in (lambda a, b: a * b, lambda a, b: a.conj(), lambda a, b: b.imag - a.real):
            found = in_loops(function, x, y)
            np.testing.assert_allclose(found, function(x, y), digits, digits, err_msg=name)
        total = in_loops(lambda a, b: (a * b).sum(-1), x, y)
        np.testing.assert_allclose(total, (x * y).sum(-1), digits, 1e3 * digits, err_msg=name)


@pytest.mark.parametrize("exponent", [0, 1, 2, -1, 3, -3, 0.5, 1.5, 2 - 1j])
def test_powers(exponent: complex) -> None:
    z = numbers()
    np.testing.assert_allclose(in_loops(lambda x: x**exponent, z), z**exponent, rtol=1e-12)


def test_powers_of_zero() -> None:
    z = np.zeros(40, complex)
    np.testing.assert_array_equal(in_loops(lambda x: x**1.5, z), z)
    np.testing.assert_array_equal(in_loops(lambda x: x ** (x * 1.0), z), np.ones(40))


def test_arithmetic_does_not_overflow_on_the_way() -> None:
    z = np.array([3e30 + 4e30j, 3e-30 + 4e-30j, -3e38j, 0, 1e-44 + 1e-44j] * 8, np.complex64)
    wide = z.astype(np.complex128)
    np.testing.assert_allclose(in_loops(torch.abs, z), np.abs(wide), rtol=1e-6, atol=2e-45)
    np.testing.assert_allclose(in_loops(torch.sqrt, z), np.sqrt(wide), rtol=1e-6, atol=1e-44)
    w = z[np.r_[0:2, 4]]
    whole = in_loops(lambda x: x / x, np.resize(w, 48))
    np.testing.assert_allclose(whole, np.ones(48), rtol=1e-6)
    np.testing.assert_array_equal(in_loops(torch.sgn, np.zeros(40, complex)), np.zeros(40))


def test_both_sides_of_the_branch_cut() -> None:
    z = np.array([complex(-4.0, 0.0), complex(-4.0, -0.0), complex(4.0, -0.0)] * 8)
    for name in ("sqrt", "log"):
        expected = np.array([getattr(cmath, name)(c) for c in z])
        found = in_loops(getattr(torch, name), z)
        np.testing.assert_allclose(found, expected, rtol=1e-15)
        np.testing.assert_array_equal(np.signbit(found.imag), np.signbit(expected.imag))


@pytest.mark.parametrize("name", ["asin", "acos", "atan", "asinh", "acosh", "atanh"])
def test_inverse_functions_large_small_and_on_their_cuts(name: str) -> None:
    """Relative errors of the whole number, and the sides that NumPy chooses, by signs of zeros."""
    function: Any = getattr(np, f"arc{name[1:]}")
    for dtype, digits in ((np.complex64, 5e-7), (np.complex128, 1e-15)):
        for scale in (1e-6, 0.3, 1, 3, 1e8, 1e30):
            z = numbers(2000, scale).astype(dtype)
            expected = function(z.astype(np.clongdouble))
            assert np.max(np.abs(in_loops(getattr(torch, name), z) / expected - 1)) < digits
    ends = (-3, -1, -0.5, -0.0, 0.0, 0.5, 1, 3, 1e30)
    z = np.array([complex(a, b) for a in ends for b in ends])
    found = in_loops(getattr(torch, name), z)
    with np.errstate(all="ignore"):
        expected = function(z)
    for part in ("real", "imag"):
        a, b = getattr(found, part), getattr(expected, part)
        np.testing.assert_allclose(a, b, 1e-14, 1e-14)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def test_truth_of_complex_numbers() -> None:
    a, b = (np.array([0, 1j, 2, 0, -0.0j] * 10)[np.r_[k:50, :k]] for k in (0, 1))
    for name in ("logical_and", "logical_or", "logical_xor"):
        np.testing.assert_array_equal(in_loops(getattr(torch, name), a, b), getattr(np, name)(a, b))


def test_zeros_are_not_computed() -> None:
    """exp(iθ) x is a cosine, a sine and two products."""
    theta, x = (scalar_input(name, np.float64) for name in ("theta", "x"))
    turn = apply("exp", cast(theta, np.complex128) * 1j)
    (found,) = separate([turn * cast(x, np.complex128)])
    assert isinstance(found, Pair)
    operations = sorted(n.op for n in walk(*rewrite(found.both(), canonical_node)) if n.args)
    assert operations == ["cos", "mul", "mul", "sin"]


@pytest.mark.parametrize("lies", ["", "transposed", "every second", "backwards", "read-only"])
def test_where_the_numbers_lie(lies: str) -> None:
    z = numbers(1200).reshape(30, 40)
    seen = {
        "": z, "transposed": z.T, "every second": z[:, ::2], "backwards": z[::-1].copy()[::-1],
        "read-only": np.broadcast_to(z[0], (30, 40)).copy(),
    }[lies]  # fmt: skip
    x = torch.from_numpy(np.ascontiguousarray(seen))
    view = {"transposed": lambda: torch.from_numpy(z).T,
            "every second": lambda: torch.from_numpy(z)[:, ::2]}.get(lies, lambda: x)()  # fmt: skip
    with torch.config(defer_elements=0):
        total = (view * view).sum(0)
        each = (view * view.conj()).real * 1.0
        np.testing.assert_allclose(total.numpy(), (seen * seen).sum(0), rtol=1e-12)
        np.testing.assert_allclose(each.numpy(), np.abs(seen) ** 2, rtol=1e-12)


@pytest.mark.parametrize("kind", ["sum", "mean", "prod", "var", "std", "norm", "count_nonzero"])
@pytest.mark.parametrize("dim", [0, 1, (0, 1)])
def test_reductions(kind: str, dim: Any) -> None:
    z = numbers(600, 0.5).reshape(20, 30)
    if kind == "prod" and isinstance(dim, tuple):
        dim = None

    def reduced(x: Any) -> Any:
        if kind == "norm":
            return torch.linalg.vector_norm(x * 1.0, dim=dim)
        return getattr(x * 1.0, kind)() if dim is None else getattr(x * 1.0, kind)(dim)

    expected = reduced(torch.from_numpy(z)).numpy()
    found = in_loops(reduced, z)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_a_nonuniform_fourier_transform_is_never_stored() -> None:
    """Values, and gradients in places, frequencies and amplitudes: of 10¹⁰ pairs none is kept."""
    n = 3000
    r = np.random.default_rng(0)
    x, k = r.uniform(0, 1, n), r.uniform(-30, 30, n)
    c = r.normal(size=n) + 1j * r.normal(size=n)

    def energy() -> Any:
        leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, k, c)]
        places, frequencies, amplitudes = leaves
        waves = torch.exp(1j * frequencies[:, None] * places[None, :])
        found = waves @ amplitudes
        value = (found.abs() ** 2).sum() / n**2
        return value, *torch.autograd.grad(value, leaves)

    with torch.config(defer_elements=10**12):
        expected = [v.detach().numpy() for v in energy()]
    with torch.config(defer_elements=1 << 16, memory_budget=1 << 20):  # the matrix has 144 MB
        found = [v.detach().numpy() for v in energy()]
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * np.abs(b).max())


def test_parts_of_formulas() -> None:
    z = numbers(900)
    with torch.config(defer_elements=0):
        x = torch.from_numpy(z)
        y = torch.exp(x[:30, None] * x[None, :30] * 0.1)
        expected = np.exp(z[:30, None] * z[None, :30] * 0.1)
        np.testing.assert_allclose(y.real.sum(0).numpy(), expected.real.sum(0), rtol=1e-12)
        np.testing.assert_allclose(y.imag.amax(1).numpy(), expected.imag.max(1), rtol=1e-12)
        pairs = torch.view_as_real(y)
        np.testing.assert_allclose(pairs.numpy()[..., 1], expected.imag, rtol=1e-12)
        again = torch.view_as_complex(pairs * 2.0)
        np.testing.assert_allclose(again.sum(1).numpy(), 2 * expected.sum(1), rtol=1e-12)
        made = torch.complex(y.real * 1.0, y.imag * 2.0)
        np.testing.assert_allclose(made.sum(0).numpy(), (y.real + 2j * y.imag).sum(0).numpy())
