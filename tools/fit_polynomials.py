"""Fit the polynomials of `pullback.backends.llvm.math` and print `coefficients.py`.

Every polynomial is the best in the sense of Chebyshev (the largest weighted error is as small as
it can be), found with E. Remez's exchange algorithm ("Sur le calcul effectif des polynômes
d'approximation de Tchebychef", C. R. Acad. Sci. 199, 1934; see N. Trefethen, "Approximation
Theory and Approximation Practice", chapter 10) in 60-digit arithmetic.  The leading coefficients
are rounded up or down, whichever of all combinations leaves the smallest error (N. Brisebarre and
S. Chevillard, "Efficient polynomial L∞-approximations", ARITH 18, 2007, search further).

    python tools/fit_polynomials.py > src/pullback/backends/llvm/math/coefficients.py
    python tools/fit_polynomials.py exp2 log1p      # only report the errors of these
"""

from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf  # type: ignore[import-untyped]

mp.dps = 60
Function = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Fit:
    """target(x) ≈ Σ c_k x^k on [low, high], the error measured with a weight."""

    name: str
    target: Function
    interval: tuple[object, object]
    degrees: dict[str, int]  # by dtype
    weight: Function = lambda x: mpf(1)
    comment: str = ""
    first_in_two: bool = False  # the constant term is the sum of two floats


def remez(target: list[mpf], weight: list[mpf], grid: list[mpf], size: int) -> list[mpf]:
    """The best Σ_{k<size} c_k x^k on a grid, in the weighted largest error."""
    n = len(grid)
    chosen = [round((n - 1) * (1 - mp.cos(mp.pi * k / size)) / 2) for k in range(size + 1)]
    best, smallest = [mpf(0)] * size, mpf("inf")
    for _ in range(25):
        rows = mp.matrix(size + 1, size + 1)
        right = mp.matrix(size + 1, 1)
        for i, j in enumerate(chosen):
            power = mpf(1)
            for k in range(size):
                rows[i, k] = power
                power *= grid[j]
            rows[i, size] = (-1) ** i / weight[j]
            right[i] = target[j]
        solution = mp.lu_solve(rows, right)
        coefficients = [solution[k] for k in range(size)]
        level = abs(solution[size])
        errors = [
            w * (t - mp.polyval(coefficients[::-1], x))
            for x, t, w in zip(grid, target, weight, strict=True)
        ]
        worst = max(abs(e) for e in errors)
        if worst < smallest:  # near the optimum, the exchange may go round in circles
            best, smallest = coefficients, worst
        if worst <= level * mpf("1.001"):
            break
        chosen = extrema(errors, size + 1)
    return best


def extrema(errors: list[mpf], count: int) -> list[int]:
    """`count` points where the error is large and alternates in sign."""
    points: list[int] = []
    for i, e in enumerate(errors):
        if points and (e > 0) == (errors[points[-1]] > 0):
            if abs(e) > abs(errors[points[-1]]):
                points[-1] = i
        else:
            points.append(i)
    while len(points) > count:  # drop the smaller end
        points.pop(0 if abs(errors[points[0]]) < abs(errors[points[-1]]) else -1)
    if len(points) < count:
        raise ArithmeticError(f"only {len(points)} of {count} alternations: degree too high?")
    return points


def to_dtype(x: mpf, dtype: str) -> mpf:
    """x rounded to the precision."""
    if dtype == "float64":
        return mpf(float(x))
    with mp.workprec(24):
        return +x


def fit(task: Fit, dtype: str) -> tuple[list[mpf], mpf]:
    """Rounded coefficients, and the largest weighted error that they leave."""
    low, high = (mpf(bound) for bound in task.interval)
    n = max(300, 26 * task.degrees[dtype])  # even: functions may be 0/0 in the middle
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * (k + mpf(1) / 2) / n)) / 2 for k in range(n)]
    target = [task.target(x) for x in grid]
    weight = [task.weight(x) for x in grid]
    exact = remez(target, weight, grid, task.degrees[dtype] + 1)
    rounded = round_together(exact, grid, target, weight, dtype, task.first_in_two)
    worst = max(
        abs(w * (t - mp.polyval(rounded[::-1], x)))
        for x, t, w in zip(grid, target, weight, strict=True)
    )
    return rounded, worst


def round_together(
    c: list[mpf],
    grid: list[mpf],
    target: list[mpf],
    weight: list[mpf],
    dtype: str,
    first_in_two: bool,
) -> list[mpf]:
    """Round coefficients: the leading ones up or down, whichever combination is best."""
    nearest = [to_dtype(a, dtype) for a in c]
    if first_in_two:
        nearest[0] += to_dtype(c[0] - nearest[0], dtype)
    other = []
    for a, b in zip(c, nearest, strict=True):
        unit = mpf(2) ** (mp.floor(mp.log(abs(b), 2)) - (52 if dtype == "float64" else 23))
        other.append(b + unit if a > b else b - unit)
    # errors are tiny numbers, for which the precision of NumPy is enough
    w = np.array([float(v) for v in weight])
    x = np.array([float(v) for v in grid])
    error = np.array(
        [
            float(v * (mp.polyval(nearest[::-1], u) - t))
            for u, t, v in zip(grid, target, weight, strict=True)
        ]
    )
    leading = min(len(c), 11)
    powers = zip(range(leading), nearest, other, strict=False)
    steps = [float(b - a) * w * x**k for k, a, b in powers]
    choices = itertools.product((0, 1), repeat=leading)
    best = min(choices, key=lambda up: np.abs(error + np.dot(up, steps)).max())
    chosen = zip(nearest, other, best, strict=False)
    return [b if up else a for a, b, up in chosen] + nearest[leading:]


def tail(f: Function, terms: dict[int, int], power: int, inner: bool = False) -> Function:
    """x ↦ (f(t) - Σ c t^k) / t^power, with t = √x if `inner`: what a polynomial is left to do."""

    def g(x: mpf) -> mpf:
        t = mp.sqrt(x) if inner else x
        return (f(t) - sum(mpf(c) * t**k for k, c in terms.items())) / t**power

    return g


def in_ulps_of_exp(x: mpf) -> mpf:
    """The weight of a relative error of (e^x - 1) / x: below 1 = e^0, a unit is half as large."""
    return abs(x) if x > 0 else 2 * abs(x)


def erfc_rest(t: mpf) -> mpf:
    """e^(x²) erfc(x) (x + 3) / 3 for t = (x - 3) / (x + 3) - 1/4."""
    t += mpf(1) / 4
    x = 3 * (1 + t) / (1 - t)
    return mp.exp(x * x) * mp.erfc(x) * (x + 3) / 3


def stirling_rest(z: mpf) -> mpf:
    """What Stirling's formula leaves of lgamma(1/√z), times 1/√z."""
    with mp.workdps(120):
        x = 1 / mp.sqrt(z)
        main = (x - mpf(1) / 2) * (mp.log(x) - 1) + (mp.log(2 * mp.pi) - 1) / 2
        return x * (mp.loggamma(x) - main)


def mapped(pole: float, low: float, high: float) -> tuple[mpf, Function, tuple[mpf, mpf]]:
    """t = (x - m) / (x + pole) on an interval: m, x of t, and the ends, as far from 0."""
    ends = mpf(low), mpf(high)
    a, b = (x + mpf(pole) for x in ends)
    m = to_dtype((a * ends[1] + b * ends[0]) / (a + b), "float64")
    return m, lambda t: (m + mpf(pole) * t) / (1 - t), ((ends[0] - m) / a, (ends[1] - m) / b)


def inverse_of_erfc(s: mpf) -> mpf:
    """y / s where erfc y = e^(-s²), by Newton's iteration for log erfc."""
    y = s
    for _ in range(60):
        step = (mp.log(mp.erfc(y)) + s * s) * mp.erfc(y) * mp.exp(y * y) * mp.sqrt(mp.pi) / 2
        y += step
        if abs(step) < mpf(10) ** -55:
            break
    return y / s


PSI_ROOT = mp.findroot(mp.digamma, 1.46)


def psi_by_root(x: mpf) -> mpf:
    """ψ(x) / (x - its zero)."""
    d = x - PSI_ROOT
    return mp.digamma(x) / d if abs(d) > mpf(10) ** -20 else mp.polygamma(1, PSI_ROOT)


def psi_rest(z: mpf) -> mpf:
    """x² (ψ(x) - log x + 1/(2x)) for z = 1/x²."""
    x = 1 / mp.sqrt(z)
    return x * x * (mp.digamma(x) - mp.log(x) + 1 / (2 * x))


def bessel(order: int, z: mpf) -> mpf:
    """√x e^(-x) I(x) for z = 1/x."""
    if z < mpf("1e-6"):  # the first terms of its asymptotic series
        n, total, term = mpf(4 * order * order), mpf(0), mpf(1)
        for k in range(1, 12):
            total += term
            term *= -(n - (2 * k - 1) ** 2) * z / (8 * k)
        return total / mp.sqrt(2 * mp.pi)
    return mp.besseli(order, 1 / z) * mp.exp(-1 / z) / mp.sqrt(z)


def bessel_fits(order: int) -> list[Fit]:
    """I_0 or I_1 / x below 8, and times √x e^(-x) from there on, in two pieces."""

    def near(u: mpf) -> mpf:
        x = mp.sqrt(u)
        return mp.besseli(order, x) / x**order if u else mpf(1) / 2**order

    middle = mpf(33) / 400  # of [1/25, 1/8]
    return [
        Fit(f"I{order}", near, (0, 64), {"float64": 17}, lambda u: 1 / near(u),
            f"I{order}(x){' / x' * order} in x², x ≤ 8, relative error"),
        Fit(f"I{order}_MIDDLE", lambda t: bessel(order, t + middle),
            (mpf("-0.0425"), mpf("0.0425")), {"float64": 17},
            lambda t: 1 / bessel(order, t + middle),
            f"√x e^(-x) I{order}(x) in 1/x - 33/400, 8 ≤ x ≤ 25, relative error"),
        Fit(f"I{order}_FAR", lambda z: bessel(order, z), (0, mpf("0.0401")),
            {"float64": 11}, lambda z: 1 / bessel(order, z),
            f"√x e^(-x) I{order}(x) in 1/x, x ≥ 25, relative error"),
    ]  # fmt: skip


ERF_MIDDLE, X_OF_ERF, ERF_ENDS = mapped(1, 0.83, 6.1)
FAR, X_OF_FAR, FAR_ENDS = mapped(1, 6.0, 27.4)
PSI, X_OF_PSI, PSI_ENDS = mapped(1, 1, 3)
HALF_LOG2 = mp.log(2) / 2 * mpf("1.0001")  # reductions round: a little margin
# fmt: off
FITS = [
    Fit("EXP2", tail(lambda x: mpf(2) ** x, {0: 1}, 1), (-0.5, 0.5), {"float32": 4, "float64": 10},
        in_ulps_of_exp, "(2^x - 1) / x on [-1/2, 1/2], error in ulp of 2^x"),
    Fit("EXP_FAST", tail(mp.exp, {0: 1}, 1), (-HALF_LOG2, HALF_LOG2),
        {"float32": 4, "float64": 10}, in_ulps_of_exp,
        "(e^x - 1) / x on [-log 2, log 2] / 2, error in ulp of e^x"),
    Fit("EXP", tail(mp.exp, {0: 1, 1: 1}, 2), (-HALF_LOG2, HALF_LOG2),
        {"float32": 4, "float64": 10}, abs,
        "(e^x - 1 - x) / x² on [-log 2, log 2] / 2, relative error of e^x - 1"),
    Fit("SINH", tail(mp.sinh, {1: 1}, 3, True), (0, HALF_LOG2**2), {"float32": 1, "float64": 4},
        abs, "(sinh x - x) / x³ in x², |x| ≤ log 2 / 2, relative error of sinh x"),
    Fit("COSH", tail(mp.cosh, {0: 1}, 2, True), (0, HALF_LOG2**2), {"float32": 2, "float64": 4},
        abs, "(cosh x - 1) / x² in x², |x| ≤ log 2 / 2"),
    Fit("SINH_ONE", tail(mp.sinh, {1: 1}, 3, True), (0, 1), {"float32": 3, "float64": 7},
        lambda u: u * mp.sqrt(u) / mp.sinh(mp.sqrt(u)),
        "(sinh x - x) / x³ in x², |x| ≤ 1, relative error of sinh x"),
    Fit("LOG1P", tail(mp.log1p, {1: 1}, 2), (-0.25, 0.5), {"float32": 8, "float64": 19},
        lambda x: x * x / abs(mp.log1p(x)),
        "(log(1 + x) - x) / x² on [-1/4, 1/2], relative error of log(1 + x)"),
    Fit("SIN", tail(mp.sin, {1: 1}, 3, True), (0, (mp.pi / 2 * mpf("1.001")) ** 2),
        {"float32": 3, "float64": 7}, lambda u: u * mp.sqrt(u) / mp.sin(mp.sqrt(u)),
        "(sin x - x) / x³ in x², |x| ≤ π/2, relative error of sin x"),
    Fit("TAN", tail(mp.tan, {1: 1}, 3, True), (0, (mp.pi / 4 * mpf("1.001")) ** 2),
        {"float32": 6, "float64": 14}, lambda u: u * mp.sqrt(u) / mp.tan(mp.sqrt(u)),
        "(tan x - x) / x³ in x², |x| ≤ π/4, relative error of tan x"),
    Fit("TANH", tail(mp.tanh, {1: 1}, 3, True), (0, mpf("0.55") ** 2),
        {"float32": 3, "float64": 10}, abs,
        "(tanh x - x) / x³ in x², |x| ≤ 0.55, relative error of tanh x"),
    Fit("ASIN", tail(mp.asin, {1: 1}, 3, True), (0, 0.25), {"float32": 4, "float64": 12},
        abs, "(asin x - x) / x³ in x², |x| ≤ 1/2, relative error of asin x"),
    Fit("ASINH", tail(mp.asinh, {1: 1}, 3, True), (0, 1), {"float32": 7, "float64": 19},
        lambda u: u * mp.sqrt(u) / mp.asinh(mp.sqrt(u)),
        "(asinh x - x) / x³ in x², |x| ≤ 1, relative error of asinh x"),
    Fit("ATANH", tail(mp.atanh, {1: 1}, 3, True), (0, 0.25), {"float32": 5, "float64": 13},
        abs, "(atanh x - x) / x³ in x², |x| ≤ 1/2, relative error of atanh x"),
    Fit("LOG1P_WIDE", tail(mp.log1p, {1: 1}, 2), (-0.25, 0.5), {"float64": 10},
        lambda x: x * x / abs(mp.log1p(x)), "LOG1P for results in float32"),
    Fit("EXP2_WIDE", tail(lambda x: mpf(2) ** x, {0: 1}, 1), (-0.5, 0.5), {"float64": 5},
        abs, "EXP2 for results in float32"),
    Fit("LOG1P_NEAR", tail(mp.log1p, {1: 1, 2: mpf(-1) / 2}, 3),
        (mpf(-1) / 16, mpf(1) / 16), {"float64": 10}, lambda x: x * x,
        "(log(1 + x) - x + x²/2) / x³, |x| ≤ 1/16, relative error of log(1 + x)"),
    Fit("LOG_TAIL", tail(lambda s: mp.log((1 + s) / (1 - s)) / 2, {1: 1, 3: mpf(1) / 3}, 5, True),
        (0, 0.0401), {"float64": 7}, lambda z: z * z,
        "(atanh s - s - s³/3) / s⁵ in s², |s| ≤ 1/5, relative error of atanh s"),
    Fit("ERF", tail(mp.erf, {1: 1}, 1, True), (0, mpf("0.86") ** 2), {"float32": 5, "float64": 11},
        lambda u: 1, "(erf x - x) / x in x², |x| ≤ 0.86, error of erf x / x"),
    Fit("LOG2_ERFC", lambda a: mp.log(mp.erfc(a), 2), (0.85, 4.1), {"float32": 7},
        mp.erfc, "log2(1 - erf x), 0.85 ≤ x ≤ 4.1, error of erf x / log 2"),
    Fit("ERFC", erfc_rest, (mpf("-2.2") / mpf("3.8") - 0.25, mpf(25) / 31 - 0.25),
        {"float64": 22}, lambda t: 1 / erfc_rest(t),
        "e^(x²) erfc(x) (x + 3) / 3 in (x - 3) / (x + 3) - 1/4, 0.8 ≤ x ≤ 28, relative error",
        True),
    Fit("ERFC_SLOPE", lambda t: mp.diff(erfc_rest, t), (mpf("-0.83"), mpf("0.56")),
        {"float64": 3}, comment="derivative of ERFC, for corrections, absolute error"),
    Fit("ERFC_WIDE", erfc_rest, (-1.25, mpf(8) / 14 - 0.25), {"float64": 10},
        lambda t: 1 / erfc_rest(t), "ERFC for results in float32, 0 ≤ x ≤ 11"),
    Fit("LGAMMA", lambda x: mp.loggamma(2 + x) / x, (-0.75, 0.5), {"float64": 21},
        lambda x: abs(x / mp.loggamma(2 + x)),
        "lgamma(2 + x) / x, -3/4 ≤ x ≤ 1/2, relative error"),
    Fit("LGAMMA_WIDE", lambda x: mp.loggamma(2 + x) / x, (-0.75, 0.5), {"float64": 11},
        lambda x: abs(x / mp.loggamma(2 + x)), "LGAMMA for results in float32"),
    Fit("STIRLING", lambda z: stirling_rest(z), (0, mpf(1) / 64), {"float64": 5},
        lambda z: mp.sqrt(z + mpf("1e-8")) / 8,
        "x (lgamma(x) - (x - 1/2) (log x - 1) - (log 2π - 1) / 2) in 1/x², x ≥ 8, error of lgamma"),
    Fit("ERFCX", erfc_rest, (-1.25, 0.75), {"float64": 25}, lambda t: 1 / erfc_rest(t),
        "ERFC from 0 to infinity"),
    Fit("ERFINV", lambda u: mp.erfinv(mp.sqrt(u)) / mp.sqrt(u) if u else mp.sqrt(mp.pi) / 2,
        (0, mpf("0.2501")), {"float64": 13}, lambda u: 1,
        "erfinv(x) / x in x², |x| ≤ 1/2, absolute error"),
    Fit("ERFCINV", lambda t: inverse_of_erfc(X_OF_ERF(t)), ERF_ENDS, {"float64": 25},
        lambda t: 1 / inverse_of_erfc(X_OF_ERF(t)), f"y / s where erfc y = e^(-s²), in (s - m) / "
        f"(s + 1), m = {float(ERF_MIDDLE)!r}, 0.83 ≤ s ≤ 6.1, relative error"),
    Fit("ERFCINV_FAR", lambda t: inverse_of_erfc(X_OF_FAR(t)), FAR_ENDS, {"float64": 22},
        lambda t: 1 / inverse_of_erfc(X_OF_FAR(t)),
        f"ERFCINV with m = {float(FAR)!r}, 6 ≤ s ≤ 27.4"),
    Fit("DIGAMMA", lambda t: psi_by_root(X_OF_PSI(t)), PSI_ENDS, {"float64": 18},
        lambda t: 1 / psi_by_root(X_OF_PSI(t)), f"ψ(x) / (x - zero) in (x - m) / (x + 1), "
        f"m = {float(PSI)!r}, 1 ≤ x ≤ 3, relative error"),
    Fit("DIGAMMA_FAR", psi_rest, (mpf("1e-12"), mpf(1) / 9), {"float64": 10},
        lambda z: z + mpf("1e-9"), "x² (ψ(x) - log x + 1 / 2x) in 1/x², x ≥ 3, error of ψ(x)"),
    *bessel_fits(0),
    *bessel_fits(1),
    Fit("ATAN", tail(mp.atan, {1: 1}, 3, True), (0, 1), {"float32": 7, "float64": 19},
        abs, "(atan x - x) / x³ in x², |x| ≤ 1, relative error of atan x"),
]
# fmt: on


HEADER = '''"""Coefficients, constant term first.  Printed by tools/fit_polynomials.py; do not edit.

Each polynomial is a minimax one, fitted by us with Remez's algorithm; the comment tells the
function, the argument and the measure of the error, whose bound before rounding errors is `error`.
"""

from __future__ import annotations
'''


def declaration(name: str, comment: str, fits: dict[str, tuple[list[mpf], mpf]]) -> str:
    """The source of one table."""
    errors = ", ".join(f"2^{float(mp.log(e, 2)):.1f} ({dtype})" for dtype, (_, e) in fits.items())
    lines = ["", *textwrap.wrap(f"{comment}.  Error: {errors}.", 98)]
    lines = [f"# {line}" if line else "" for line in lines]
    lines.append(f"{name} = {{")
    for dtype, (coefficients, _) in fits.items():
        lines.append(f'    "{dtype}": (')
        lines += [f"        {float(c)!r}," for c in coefficients]
        lines.append("    ),")
    return "\n".join([*lines, "}"])


def main(names: list[str]) -> None:
    if not names:
        print(HEADER.rstrip())
    for task in FITS:  # and the second part of a constant term
        if not names or task.name in names:
            fits = {dtype: fit(task, dtype) for dtype in task.degrees}
            text = declaration(task.name, task.comment, fits)
            print(text if not names else "\n".join(text.splitlines()[:5]))
            if task.first_in_two and not names:
                rest = {d: ([c[0] - float(c[0])], e) for d, (c, e) in fits.items()}
                print(declaration(f"{task.name}_REST", "What the constant term lacks", rest))


if __name__ == "__main__":
    main(sys.argv[1:])
