"""The vector elementary functions against mpmath.

Float64 or long double only choose, among many points, those where the error may be largest, and
some at random; what is asserted is the error against 60 digits.
"""

from __future__ import annotations

import functools
import math
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf  # type: ignore[import-untyped]

import pullback as torch
from pullback.backends.llvm.math import FUNCTIONS, coefficients, definitions, symbol
from pullback.backends.llvm.math.arrays import ArrayFunction
from pullback.backends.llvm.target import host
from pullback.backends.scalar import PRIMITIVES

llvm = pytest.importorskip("llvmlite.binding")

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = ("float32", "float64")
LANES = (1, 4, 16)
HOST = frozenset(host().features)
BOUND = dict.fromkeys(FUNCTIONS, 2.0) | {"pow": 4.0, "lgamma": 4.0, "sqrt": 0.5, "rsqrt": 1.5}
# PyTorch's digamma, i1 and log_ndtr have larger errors, in float64.
SCIPY = ("digamma", "erfcx", "erfinv", "ndtri", "log_ndtr", "i0", "i1", "i0e", "i1e")
BOUND |= dict.fromkeys((*SCIPY, "zeta"), 4.0)
EXACT = ("floor", "ceil", "trunc", "round", "abs", "copysign")
BOUND |= dict.fromkeys(EXACT, 0.0)
INF, NAN, PI = math.inf, math.nan, math.pi

NUMPY: dict[str, Callable[..., Array]] = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "pow": np.power,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "rsqrt": lambda x: 1 / np.sqrt(x),
    "erf": np.vectorize(math.erf, [float]), "erfc": np.vectorize(math.erfc, [float]),
    "round": np.rint,
    "lgamma": np.vectorize(lambda x: math.lgamma(x) if x < 1e305 else INF, [float]),
    **{name: getattr(scipy.special, name) for name in SCIPY if name != "digamma"},
    "digamma": scipy.special.psi, "zeta": scipy.special.zeta,
}  # fmt: skip


def _inverse_of_erf(x: mpf, q: mpf) -> mpf:
    """Of x, or of q = 1 - |x|, by Newton's iteration for erf, or, near ±1, for log erfc."""
    a = abs(x)
    y = a if a < 0.5 else mp.sqrt(-mp.log(q))
    for _ in range(100):
        slope = mp.exp(-y * y) * 2 / mp.sqrt(mp.pi)
        if a < 0.5:
            step = (a - mp.erf(y)) / slope
        else:
            step = (mp.log(mp.erfc(y)) - mp.log(q)) * mp.erfc(y) / slope
        y += step
        if abs(step) <= mpf(10) ** -50 * y:
            break
    return mp.sign(x) * y


MPMATH: dict[str, Callable[..., mpf]] = {
    "exp2": lambda x: mpf(2) ** x, "log2": lambda x: mp.log(x, 2), "pow": lambda x, y: x**y,
    "trunc": lambda x: mp.sign(x) * mp.floor(abs(x)), "round": mp.nint, "abs": abs,
    "copysign": lambda x, sign: abs(x) * mp.sign(sign),
    "erfc": lambda x: mp.erfc(x) if x < 1000 else mpf(0),
    "rsqrt": lambda x: 1 / mp.sqrt(x), "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "lgamma": lambda x: mp.loggamma(x).real if x > 0 else mp.log(abs(mp.gamma(x))),
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "erfinv": lambda x: _inverse_of_erf(x, 1 - abs(x)),
    "ndtri": lambda p: mp.sqrt(2) * _inverse_of_erf(2 * p - 1, 2 * min(p, 1 - p)),
    "log_ndtr": lambda x: (
        mp.log(mp.erfc(-x / mp.sqrt(2)) / 2) if x < 0
        else mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
    ),
    "i0": lambda x: mp.besseli(0, x), "i1": lambda x: mp.besseli(1, x),
    "i0e": lambda x: mp.exp(-abs(x)) * mp.besseli(0, x),
    "i1e": lambda x: mp.exp(-abs(x)) * mp.besseli(1, x),
}  # fmt: skip
DOMAIN = {
    "log": (0, INF), "log2": (0, INF), "log10": (0, INF), "log1p": (-1, INF), "sqrt": (0, INF),
    "rsqrt": (0, INF), "asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1), "acosh": (1, INF),
    "lgamma": (0, INF), "digamma": (0, INF), "erfinv": (-1, 1), "ndtri": (0, 1),
    # where mpmath has them in reasonable time
    **dict.fromkeys(("erfcx", "log_ndtr", "i0", "i1", "i0e", "i1e"), (-5000, 5000)),
}  # fmt: skip


@functools.cache
def function(
    name: str, dtype: str, lanes: int, features: frozenset[str] = HOST, cpu: str | None = None
) -> ArrayFunction:
    """Compiled once per session."""
    return ArrayFunction.compile(name, dtype, lanes, features, cpu)


@functools.cache
def exact(name: str, x: tuple[float, ...]) -> mpf:
    """60 digits, of a difference of nearly equal numbers as well."""
    reference = MPMATH.get(name) or getattr(mp, name)
    with mp.workdps(450 if max(map(abs, x)) > 1e10 else 60):
        return +reference(*map(mpf, x))


def unit(value: mpf, dtype: str) -> mpf:
    """The unit in the last place of a real number: the distance of the floats around it."""
    mantissa, smallest = (24, -149) if dtype == "float32" else (53, -1074)
    exponent = mp.frexp(abs(value))[1] if value else smallest
    return mpf(2) ** max(int(exponent) - mantissa, smallest)


def error(name: str, x: tuple[float, ...], y: float, dtype: str) -> float:
    """In units in the last place of the exact value; overflow is right where it is right."""
    value = exact(name, x)
    largest = mpf(float(np.finfo(dtype).max))
    if math.isinf(y):
        value, y = abs(value) / largest, math.copysign(1.0, float(mp.sign(value)) * y)
        return 0.0 if y > 0 and value >= 1 else INF
    return float(abs(mpf(y) - value) / unit(value, dtype))


def reference(name: str, dtype: str, xs: list[Array]) -> Array:
    """About the right values, to find the worst points with."""
    wide = (
        np.longdouble
        if dtype == "float64" and name not in ("erf", "erfc", "lgamma", "zeta", *SCIPY)
        else float
    )
    f = NUMPY.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        return np.asarray(f(*(x.astype(wide) for x in xs)))


def largest_error(name: str, y: Array, xs: list[Array], dtype: str) -> float:
    """Of the points that look worst, and of some others."""
    about = reference(name, dtype, xs)
    with np.errstate(all="ignore"):
        rounded = about.astype(dtype)
        distance = np.abs(y.astype(about.dtype) - about) / np.spacing(np.abs(rounded))
    distance[np.isnan(distance)] = INF
    distance[np.isinf(y) & (y == rounded)] = 0.0
    worst = np.argsort(distance)[-20:]
    others = np.random.default_rng(0).integers(0, y.size, 12)
    return max(
        error(name, tuple(float(x[i]) for x in xs), float(y[i]), dtype)
        for i in np.concatenate([worst, others])
    )


@functools.cache
def points(name: str, dtype: str) -> list[Array]:
    """Dense, log-uniform, random bits, and around what the reductions are sensitive to."""
    rng = np.random.default_rng(7)
    n = 12000
    bits, width = (np.int32, 31) if dtype == "float32" else (np.int64, 63)
    largest = math.log(float(np.finfo(dtype).max))

    def sign(x: Array) -> Array:
        signed: Array = x * rng.choice([-1.0, 1.0], x.size)
        return signed

    if name == "pow":
        log, product = rng.uniform(-largest, largest, (2, 3 * n))
        log[:n] *= 0.01
        log[n : 2 * n] = np.log(rng.uniform(0.7, 1.6, n))
        pair = [np.exp(log), product / log]
    elif name == "zeta":
        s = np.concatenate([rng.uniform(1, 8, n), 1 + np.exp2(rng.uniform(-20, 4, n))])
        pair = [s, np.concatenate([rng.uniform(0, 30, n), np.exp2(rng.uniform(-7, 7, n))])]
    elif FUNCTIONS[name] == 2:
        near = rng.normal(size=(2, n))
        near[0, : n // 2] = near[1, : n // 2] * (1 + 1e-3 * rng.normal(size=n // 2))
        far = [sign(np.exp(rng.uniform(-0.9, 0.9, n) * largest)) for _ in range(2)]
        pair = [np.concatenate([near[k], far[k]]) for k in range(2)]
    else:
        boundaries = np.concatenate(
            [np.arange(-40, 41) * s for s in (math.log(2) / 2, 0.5, PI / 4, 1 / 16)]
        )
        neighbours = (1 + np.arange(-6, 7) * float(np.finfo(dtype).eps) / 2)[:, None]
        with np.errstate(invalid="ignore"):  # signalling NaNs
            random_bits = rng.integers(-(2**width), 2**width, n).astype(bits).view(dtype)
            random_bits = random_bits.astype(float)
        pair = [
            np.concatenate([
                random_bits,
                rng.uniform(-1, 1, n),
                rng.uniform(-12, 12, n),
                rng.uniform(-1.2, 1.2, n) * largest,
                sign(np.exp2(rng.uniform(-40, 40, n))),
                1 + sign(np.exp2(rng.uniform(-40, 0, n))),
                (boundaries * neighbours).ravel(),
                _where_the_slope_is_two(rng, n) if name == "tan" else [],
            ])
        ]  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):
        xs = [x.astype(dtype) for x in pair]
    low, high = DOMAIN.get(name, (-INF, INF))
    keep = np.all([np.isfinite(x) & (x > low) & (x < high) for x in xs], axis=0)
    return [x[keep] for x in xs]


def _where_the_slope_is_two(rng: np.random.Generator, n: int) -> Array:
    """A little less than π/4 from multiples of π/2 that are not small: the error of the angle
    counts twice there, in units that are small."""
    turns = rng.integers(1000, 20000, 20 * n) * (PI / 2)
    return np.asarray(turns + rng.choice([-1, 1], 20 * n) * rng.uniform(0.775, PI / 4, 20 * n))


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_within_the_bound(name: str, dtype: str, lanes: int) -> None:
    xs = points(name, dtype)
    for features in {HOST, frozenset[str]()}:
        y = function(name, dtype, lanes, features)(*xs)
        assert largest_error(name, y, xs, dtype) <= BOUND[name], features


@pytest.mark.parametrize("dtype", DTYPES)
def test_lgamma_of_negative_numbers_has_a_small_absolute_error(dtype: str) -> None:
    x = np.random.default_rng(3).uniform(-30, 0, 300).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    for a, b in zip(x, function("lgamma", dtype, 4)(x), strict=True):
        value = exact("lgamma", (float(a),))
        # lgamma |x| and the distance to the next integer come with their own rounding errors
        terms = abs(mp.loggamma(abs(mpf(float(a))))) + 4 + abs(value)
        assert abs(mpf(float(b)) - value) <= 4 * eps * terms / 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeta_of_negative_numbers_has_a_small_absolute_error(dtype: str) -> None:
    rng = np.random.default_rng(3)
    s, q = rng.integers(2, 9, 200).astype(dtype), rng.uniform(-30, 0, 200).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    for a, b, found in zip(s, q, function("zeta", dtype, 4)(s, q), strict=True):
        with mp.workdps(60):
            order, first = int(a), mpf(float(b))
            terms = [(first + k) ** -order for k in range(31)]
            value = sum(terms) + mp.zeta(order, first + 31)
            assert abs(mpf(float(found)) - value) <= 2 * eps * sum(map(abs, terms))


S = sys.float_info.min * 2.0**-20  # stands for a subnormal number of the type


def subnormal(dtype: str) -> float:
    """A power of two."""
    return 2.0**-140 if dtype == "float32" else 2.0**-1060


ODD = ["sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf", "expm1", "log1p"]
SPECIAL: dict[str, list[tuple[float, ...]]] = {
    "exp": [(0, 1), (-0.0, 1), (INF, INF), (-INF, 0), (S, 1), (1e4, INF), (-1e4, 0)],
    "exp2": [(0, 1), (-0.0, 1), (INF, INF), (-INF, 0), (5, 32), (-3, 0.125), (1e30, INF),
             (-1e30, 0), (-140, 2.0**-140), (-149, 2.0**-149), (S, 1)],
    "expm1": [(INF, INF), (-INF, -1), (-1e4, -1), (1e4, INF)],
    "log": [(0, -INF), (-0.0, -INF), (1, 0), (INF, INF), (-INF, NAN), (-1, NAN), (-S, NAN)],
    "log1p": [(-1, -INF), (INF, INF), (-INF, NAN), (-2, NAN)],
    "sin": [(INF, NAN), (-INF, NAN)],
    "cos": [(0, 1), (-0.0, 1), (INF, NAN), (-INF, NAN), (S, 1)],
    "tan": [(INF, NAN), (-INF, NAN)],
    "asin": [(1, PI / 2), (-1, -PI / 2), (2, NAN), (-INF, NAN)],
    "acos": [(1, 0), (-1, PI), (0, PI / 2), (-0.0, PI / 2), (1.5, NAN), (INF, NAN)],
    "atan": [(INF, PI / 2), (-INF, -PI / 2), (1, PI / 4)],
    "sinh": [(INF, INF), (-INF, -INF), (1e4, INF)],
    "cosh": [(0, 1), (-0.0, 1), (INF, INF), (-INF, INF), (S, 1), (-1e4, INF)],
    "tanh": [(INF, 1), (-INF, -1), (50, 1)],
    "asinh": [(INF, INF), (-INF, -INF)],
    "acosh": [(1, 0), (INF, INF), (0.5, NAN), (-INF, NAN), (-1e30, NAN)],
    "atanh": [(1, INF), (-1, -INF), (1.5, NAN), (-INF, NAN)],
    "sqrt": [(0, 0), (-0.0, -0.0), (INF, INF), (-1, NAN), (-INF, NAN), (4, 2)],
    "rsqrt": [(0, INF), (-0.0, -INF), (INF, 0), (-1, NAN), (-INF, NAN), (4, 0.5)],
    "erf": [(INF, 1), (-INF, -1)],
    "erfc": [(0, 1), (-0.0, 1), (INF, 0), (-INF, 2), (S, 1), (30, 0)],
    "lgamma": [(1, 0), (2, 0), (0, INF), (-0.0, INF), (-1, INF), (-2, INF), (INF, INF),
               (-INF, INF), (-1e30, INF)],
    "digamma": [(0, -INF), (-0.0, INF), (-1, NAN), (-2, NAN), (INF, INF), (-INF, NAN),
                (-1e30, NAN)],
    "erfcx": [(0, 1), (-0.0, 1), (INF, 0), (-INF, INF), (S, 1), (-30, INF)],
    "erfinv": [(0, 0), (-0.0, -0.0), (1, INF), (-1, -INF), (1.5, NAN), (-2, NAN), (INF, NAN)],
    "ndtri": [(0, -INF), (-0.0, -INF), (1, INF), (0.5, 0), (-1, NAN), (2, NAN), (INF, NAN)],
    "log_ndtr": [(-INF, -INF), (INF, -0.0)],
    "i0": [(0, 1), (-0.0, 1), (S, 1), (1e4, INF), (-1e30, INF), (INF, NAN)],
    "i1": [(0, 0), (-0.0, 0), (1e4, INF), (-1e4, -INF), (INF, NAN)],
    "i0e": [(0, 1), (-0.0, 1), (S, 1), (INF, 0), (-INF, 0)],
    "i1e": [(0, 0), (-0.0, 0), (INF, 0), (-INF, -0.0)],
    "sigmoid": [(0, 0.5), (-0.0, 0.5), (INF, 1), (-INF, 0), (1e4, 1), (-1e4, 0)],
    "atan2": [(0, 1, 0), (-0.0, 1, -0.0), (0, -1, PI), (-0.0, -1, -PI), (0, 0, 0),
              (0, -0.0, PI), (-0.0, 0, -0.0), (-0.0, -0.0, -PI), (1, 0, PI / 2),
              (-1, -0.0, -PI / 2), (INF, INF, PI / 4), (INF, -INF, 3 * PI / 4),
              (-INF, INF, -PI / 4), (-INF, -INF, -3 * PI / 4), (1, INF, 0), (-1, INF, -0.0),
              (1, -INF, PI), (-1, -INF, -PI), (INF, 1, PI / 2), (-INF, -1, -PI / 2),
              (NAN, 1, NAN), (1, NAN, NAN), (S, 1, S), (S, S, PI / 4)],
    "floor": [(-0.0, -0.0), (-0.5, -1), (2.5, 2), (INF, INF), (-INF, -INF), (S, 0), (-S, -1)],
    "ceil": [(-0.0, -0.0), (-0.5, -0.0), (2.5, 3), (INF, INF), (-INF, -INF), (S, 1), (-S, -0.0)],
    "trunc": [(-0.0, -0.0), (-0.5, -0.0), (-2.5, -2), (INF, INF), (S, 0), (-S, -0.0)],
    "round": [(-0.0, -0.0), (-0.5, -0.0), (0.5, 0), (1.5, 2), (2.5, 2), (-INF, -INF), (S, 0)],
    "abs": [(-0.0, 0), (-INF, INF), (-S, S), (S, S)],
    "copysign": [(1, -0.0, -1), (-2, 0, 2), (0, -INF, -0.0), (INF, -S, -INF), (-S, S, S)],
    "zeta": [(1, 2, INF), (1, NAN, INF), (0.5, 2, NAN), (-3, 1, NAN), (2, 0, INF), (3, -0.0, INF),
             (3, -2, INF), (2.5, -0.5, NAN), (2, -INF, INF), (2, INF, 0), (2, NAN, NAN),
             (NAN, 2, NAN), (400, 0.01, INF), (1e30, 2, 0), (1e30, 1, 1)],
    # C99, annex F.9.4.4
    "pow": [(0, -3, INF), (-0.0, -3, -INF), (0, -2, INF), (-0.0, -2, INF), (-0.0, -0.5, INF),
            (0, -INF, INF), (-0.0, -INF, INF), (0, 3, 0), (-0.0, 3, -0.0), (-0.0, 2, 0),
            (0, 0.5, 0), (-0.0, 0.5, 0), (-1, INF, 1), (-1, -INF, 1), (1, NAN, 1), (1, INF, 1),
            (NAN, 0, 1), (NAN, -0.0, 1), (INF, 0, 1), (-2, 0.5, NAN), (-2, -1.5, NAN),
            (0.5, -INF, INF), (-0.5, -INF, INF), (2, -INF, 0), (-2, -INF, 0), (0.5, INF, 0),
            (2, INF, INF), (-2, INF, INF), (-INF, -3, -0.0), (-INF, -2, 0), (-INF, -0.5, 0),
            (-INF, 3, -INF), (-INF, 2, INF), (-INF, 0.5, INF), (INF, -1, 0), (INF, 0.5, INF),
            (NAN, 1, NAN), (2, NAN, NAN), (-2, NAN, NAN), (-2, 3, -8), (-2, 2, 4), (-2, -1, -0.5),
            (2, -140, 2.0**-140), (S, 1, S), (-S, 1, -S), (10, 1e4, INF), (-10, -1e4 - 1, -0.0),
            (0.1, 1e4, 0), (-1, 1e30, 1), (-1, 3, -1)],
}  # fmt: skip
SPECIAL |= dict.fromkeys(("log2", "log10"), SPECIAL["log"])
for odd in ODD:
    SPECIAL[odd] = SPECIAL[odd] + [(0, 0), (-0.0, -0.0)]
    if odd != "erf":  # whose slope at 0 is not 1
        SPECIAL[odd] += [(S, S), (-S, -S)]


@pytest.mark.parametrize("features", [HOST, frozenset[str]()], ids=["host", "portable"])
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, dtype: str, lanes: int, features: frozenset[str]) -> None:
    table = [
        tuple(math.copysign(subnormal(dtype), v) if abs(v) == S else v for v in row)
        for row in SPECIAL[name]
    ]
    table.append((NAN,) * (FUNCTIONS[name] + 1))
    *xs, expected = np.array(table, dtype).T
    y = function(name, dtype, lanes, features)(*xs)
    for row, a, b in zip(table, y, expected, strict=True):
        assert np.array_equal(a, b, equal_nan=True), (row, float(a))
        assert math.isnan(b) or np.signbit(a) == np.signbit(b), (row, float(a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_lanes_do_not_depend_on_each_other(name: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    xs = [
        np.concatenate([x[:4000], np.array([NAN, INF, -INF, 0], dtype)])
        for x in points(name, dtype)
    ]
    order = rng.permutation(xs[0].size)
    for lanes in (4, 16):
        y = function(name, dtype, lanes)(*xs)
        permuted = function(name, dtype, lanes)(*(x[order] for x in xs))
        assert np.array_equal(y[order], permuted, equal_nan=True)


INCREASING = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "asin", "atan", "sinh",
              "tanh", "asinh", "acosh", "atanh", "sqrt", "erf", "sigmoid"]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", INCREASING)
def test_steps_down_are_small_where_pieces_meet(name: str, dtype: str) -> None:
    """Pieces and exponents change at these points; a wrong piece is far more than 2 ulp off."""
    centres = [k * s for k in range(1, 12) for s in (math.log(2) / 2, 0.5, 0.25, 0.55, 0.855, 0.75)]
    low, high = DOMAIN.get(name, (-INF, INF))
    for centre in centres:
        x = np.float64(centre).astype(dtype) * np.ones(41, dtype)
        bits = x.view(np.int32 if dtype == "float32" else np.int64) + np.arange(-20, 21)
        x = bits.astype(np.int32 if dtype == "float32" else np.int64).view(dtype)
        if x[0] > low and x[-1] < high:
            y = function(name, dtype, 4)(x)
            assert np.all(np.diff(y) >= -2 * np.spacing(np.abs(y[1:]))), centre


HARD = [  # close to multiples of π/2: J.-M. Muller, "Elementary Functions", 2016, section 11.3
    6381956970095103.0 * 2.0**797, 5.0, 22.0, 355.0, 103993.0, 2.0**1023, 1e22, 1e300,
    math.pi, math.pi / 2, 1.5 * math.pi, 1e5 * math.pi, 2.0**40 * math.pi, 16367173.0 * 2.0**72,
]  # fmt: skip


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_huge_and_hard_angles(name: str, dtype: str, lanes: int) -> None:
    rng = np.random.default_rng(11)
    exponents = rng.uniform(10, 127 if dtype == "float32" else 1023, 100)
    angles = [
        *HARD,
        *rng.uniform(1, 2, 100) * 2.0**exponents,
        *(rng.integers(1, 10**6, 100) * PI / 2),
    ]
    x = np.array([a for a in angles if a < float(np.finfo(dtype).max)], dtype)
    y = function(name, dtype, lanes)(x)
    for a, b in zip(x, y, strict=True):
        assert error(name, (float(a),), float(b), dtype) <= 2.0, float(a)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names an x86 CPU")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_cpu_without_fused_multiply_add(name: str, dtype: str) -> None:
    xs = [x[::7] for x in points(name, dtype)]
    y = function(name, dtype, 4, frozenset(), "x86-64")(*xs)
    # a polynomial whose steps are rounded twice may lose one bit more
    assert largest_error(name, y, xs, dtype) <= 2 * BOUND[name]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32])
def test_every_width_gives_the_same_numbers(lanes: int, dtype: str) -> None:
    for name in ("exp", "sin", "log", "pow", "rsqrt"):
        xs = [x[:500] for x in points(name, dtype)]
        y, expected = (function(name, dtype, n, frozenset())(*xs) for n in (lanes, 4))
        assert np.array_equal(y, expected)
        assert largest_error(name, function(name, dtype, lanes)(*xs), xs, dtype) <= BOUND[name]


def test_definitions_hold_everything_once() -> None:
    texts = [
        definitions(FUNCTIONS, dtype, lanes, features)
        for dtype, lanes, features in [
            ("float32", 1, frozenset[str]()), ("float32", 16, HOST), ("float64", 8, HOST),
            ("float64", 16, frozenset[str]()),
        ]
    ]  # fmt: skip
    module = llvm.parse_assembly("\n".join(texts))  # refuses redefinitions
    module.verify()
    names = {f.name for f in module.functions if not f.is_declaration}
    assert {symbol(name, "float32", 16)[1:] for name in FUNCTIONS} <= names
    assert symbol("exp", "float32", 16) == "@pb.exp.f32x16"
    assert FUNCTIONS["pow"] == 2 and FUNCTIONS["exp"] == 1


def test_unknown_function_is_refused_with_the_list() -> None:
    with pytest.raises(KeyError, match=r"no elementary function 'gelu'.*exp2"):
        definitions(["gelu"], "float32", 4)


def test_coefficients_are_what_the_tool_prints() -> None:
    root = Path(__file__).parents[1]
    tool = root / "tools" / "fit_polynomials.py"
    printed = subprocess.run([sys.executable, tool], capture_output=True, text=True, check=True)
    fresh: dict[str, object] = {}
    exec(printed.stdout, fresh)
    tables = {name: table for name, table in vars(coefficients).items() if name.isupper()}
    assert tables == {name: table for name, table in fresh.items() if name.isupper()}
    assert len(tables) > 20


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SCIPY)
def test_large_arrays_are_computed_by_the_same_code(name: str, dtype: str) -> None:
    x = np.linspace(0.01, 0.99, 8195).astype(dtype)
    y = PRIMITIVES[name].compute(x)
    assert y.dtype == x.dtype and np.array_equal(y, function(name, dtype, 4)(x))
    small = PRIMITIVES[name].compute(x[:100])  # SciPy's
    np.testing.assert_allclose(small, y[:100], 8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_remainders_are_exact(dtype: type[np.floating]) -> None:
    """Of any two numbers, of multiples and their neighbours, and of what is not finite."""
    rng, n, bits = np.random.default_rng(0), 100_000, 8 * np.dtype(dtype).itemsize
    a, b = rng.integers(0, 2**bits, (2, n), np.uint64).astype(f"u{bits // 8}").view(dtype)
    with np.errstate(all="ignore"):
        near = (b * rng.integers(1, 2**20, n)).astype(dtype)
        near = np.where(rng.random(n) < 0.5, near, np.nextafter(near, dtype(0)))
    special = np.array(
        [0.0, -0.0, 1, -1, 3, 6, -6, 0.5, 1e-45, 1e38, np.inf, -np.inf, np.nan], dtype
    )
    pairs = [np.resize(x, n).astype(dtype) for x in np.meshgrid(special, special)]
    for x, y in ((a, b), (near, b), (np.sin(np.arange(n, dtype=dtype)) * 9, np.full(n, 0.7, dtype)),
                 pairs):  # fmt: skip
        found = torch.fmod(torch.from_numpy(x.copy()), torch.from_numpy(y.copy())).numpy()
        with np.errstate(all="ignore"):
            expected = np.fmod(x, y)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(x[found == 0]))
