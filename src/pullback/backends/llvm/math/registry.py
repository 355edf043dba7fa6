"""The functions by name, and their LLVM IR."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

from pullback.backends.llvm.math import (
    bessel,
    exponential,
    gaussian,
    inverse,
    logarithm,
    power,
    rounding,
    special,
    trigonometric,
    zeta,
)
from pullback.backends.llvm.math.builder import FORMATS, Module, Value

BODIES: dict[str, Callable[..., Value]] = {
    f.__name__: f
    for f in (
        exponential.exp,
        exponential.exp2,
        exponential.expm1,
        exponential.sigmoid,
        exponential.sinh,
        exponential.cosh,
        exponential.tanh,
        logarithm.log,
        logarithm.log2,
        logarithm.log10,
        logarithm.log1p,
        trigonometric.sin,
        trigonometric.cos,
        trigonometric.tan,
        inverse.asin,
        inverse.acos,
        inverse.atan,
        inverse.atan2,
        inverse.asinh,
        inverse.acosh,
        inverse.atanh,
        power.sqrt,
        power.rsqrt,
        power.pow,
        special.erf,
        special.erfc,
        special.lgamma,
        special.digamma,
        zeta.zeta,
        gaussian.erfcx,
        gaussian.erfinv,
        gaussian.ndtri,
        gaussian.log_ndtr,
        bessel.i0,
        bessel.i1,
        bessel.i0e,
        bessel.i1e,
        rounding.floor,
        rounding.ceil,
        rounding.trunc,
        rounding.round,
        rounding.abs,
        rounding.copysign,
    )
}

FUNCTIONS: dict[str, int] = {
    name: len(inspect.signature(body).parameters) - 1 for name, body in BODIES.items()
}
"""The number of arguments of every function."""


def symbol(name: str, dtype: str, lanes: int) -> str:
    """The LLVM name of a function, such as `@pb.exp.f32x16`."""
    return Module(FORMATS[dtype], lanes, frozenset()).symbol(name)


def definitions(
    names: Iterable[str], dtype: str, lanes: int, features: Iterable[str] = frozenset()
) -> str:
    """LLVM IR of these functions and of what they need, each once, for vectors of `lanes` lanes.

    `features` are names of LLVM's CPU features; those that matter are avx512f, avx512dq and
    avx512vl.  The default is portable.  A module can hold several of these texts if each is for
    another dtype or number of lanes.  Intrinsics need no declaration.
    """
    module = Module(FORMATS[dtype], lanes, frozenset(features))
    for name in sorted(set(names)):
        if name not in BODIES:
            raise KeyError(f"no elementary function {name!r}; there are: {', '.join(FUNCTIONS)}")
        kinds = [module.format.kind] * FUNCTIONS[name]
        module.function(name, kinds, BODIES[name], "alwaysinline nounwind memory(none)")
    return "\n".join(module.definitions.values())
