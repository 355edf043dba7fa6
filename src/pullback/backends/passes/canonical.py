"""One form for equal expressions, so that they are one node.

Signs move outwards and powers of two move up (both exact), commutative operands are sorted, and
equal terms of a sum merge: Σ_j f(i,j) - Σ_j f(j,i) with f(j,i) = -f(i,j) becomes 2 Σ_j f(i,j).
Only the sign of a zero can change: a - b may be written -(b - a), and `tidy` turns back what is
left of it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign

import numpy as np

from ..loops import Kernel, rewrite_kernel
from ..rewrite import fold, in_order, is_const, is_float, is_power_of_two, mul, number, rewrite
from ..scalar import PRIMITIVES, Scalar, apply, const, node

COMMUTATIVE = {"add", "mul", "maximum", "minimum", "eq", "ne", "logical_and", "logical_or",
               "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"}  # fmt: skip
EVEN = {"abs", "cos", "cosh"}
ODD = {"sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf"}


def canonical(kernel: Kernel) -> Kernel:
    """The canonical form of every output."""
    return rewrite_kernel(kernel, rewrite(kernel.roots(), canonical_node))


def canonical_node(n: Scalar) -> Scalar:
    """A node whose arguments are canonical, in canonical form."""
    if n.args and n.op in PRIMITIVES and all(a.op == "const" for a in n.args):
        return fold(n, PRIMITIVES[n.op].compute) if _foldable(n) else n
    if n.op in _RULES:
        return _RULES[n.op](n)
    if n.op in EVEN and n.args[0].op == "neg":
        return canonical_node(node(n.op, n.args[0].args, n.dtype))
    if n.op in ODD and n.args[0].op == "neg":
        return negative(canonical_node(node(n.op, n.args[0].args, n.dtype)))
    if n.op in COMMUTATIVE and not in_order(*n.args):
        return apply(n.op, n.args[1], n.args[0])
    return n


def _foldable(n: Scalar) -> bool:
    divides = n.op in ("floor_divide", "remainder", "fmod") and n.dtype.kind in "iu"
    return n.dtype.kind != "c" and not (divides and is_const(n.args[1], 0))


def negative(x: Scalar) -> Scalar:
    if x.op == "neg":
        return x.args[0]
    return const(-x.data.value, x.dtype) if x.op == "const" and is_float(x) else apply("neg", x)


def _neg(n: Scalar) -> Scalar:
    return negative(n.args[0])


def split_scale(x: Scalar) -> tuple[float, Scalar]:
    """(c, y) with x = c y and c plus or minus a power of two, or 1."""
    sign = 1.0
    if x.op == "neg":
        sign, x = -1.0, x.args[0]
    if x.op == "mul" and is_power_of_two(x.args[0]):
        return sign * float(x.args[0].data.value), x.args[1]
    return sign, x


def scaled(c: float, x: Scalar) -> Scalar:
    """c x, with the sign outside."""
    if c == 0.0:
        return mul(number(0.0, x), x)  # 0 · inf and 0 · NaN are NaN
    if c < 0:
        return negative(scaled(-c, x))
    if x.op == "const":
        return const(np.asarray(c, x.dtype) * x.data.value, x.dtype)
    return x if c == 1.0 else apply("mul", number(c, x), x)


def _mul(n: Scalar) -> Scalar:
    if not is_float(n):
        return mul(*n.args)
    (c, a), (d, b) = map(split_scale, n.args)
    if a.op == "const" and is_power_of_two(a):
        c, a, b = c * float(a.data.value), b, number(1.0, b)
    elif b.op == "const" and is_power_of_two(b):
        d, b = d * float(b.data.value), number(1.0, b)
    if is_const(b, 1.0):
        return scaled(c * d, a)
    return scaled(c * d, mul(a, b))


def _div(n: Scalar) -> Scalar:
    if not is_float(n):
        return n
    (c, a), (d, b) = split_scale(n.args[0]), split_scale(n.args[1])
    if n.args[1].op == "neg":  # 1 / -0 must stay: signs only move out of numerators
        d, b = split_scale(n.args[1].args[0])
        b = apply("neg", b)
    if is_power_of_two(b):
        return canonical_node(apply("mul", number(c / d / float(b.data.value), a), a))
    return scaled(c / d, apply("div", a, b))


def _add(n: Scalar) -> Scalar:
    a, b = n.args
    if not is_float(n):
        return n if in_order(a, b) else apply("add", b, a)
    (c, x), (d, y) = split_scale(a), split_scale(b)
    if x is y and x.op != "const":
        return scaled(c + d, x)
    if abs(c) == abs(d) and abs(c) != 1.0 and x.op != "const" and y.op != "const":
        return scaled(
            abs(c),
            canonical_node(apply("add", scaled(copysign(1.0, c), x), scaled(copysign(1.0, d), y))),
        )
    if a.op == "neg" and b.op == "neg":
        return negative(canonical_node(apply("add", a.args[0], b.args[0])))
    if b.op == "neg":
        return _difference(a, b.args[0])
    if a.op == "neg":
        return _difference(b, a.args[0])
    return n if in_order(a, b) else apply("add", b, a)


def _sub(n: Scalar) -> Scalar:
    a, b = n.args
    if not is_float(n):
        return n
    if a is b:
        return n
    return _add(apply("add", a, negative(b)))


def _difference(a: Scalar, b: Scalar) -> Scalar:
    """a - b for a and b without signs."""
    return apply("sub", a, b) if in_order(a, b) else apply("neg", apply("sub", b, a))


def _pow(n: Scalar) -> Scalar:
    x, power = n.args
    if power.op != "const":
        return n
    p = float(power.data.value)
    if p == 0.0:  # of whatever number
        return number(1, x)
    if p == 1.0:
        return x
    if p == 2.0:
        return canonical_node(apply("mul", x, x))
    if p == 3.0:
        return canonical_node(apply("mul", canonical_node(apply("mul", x, x)), x))
    if is_float(n) and p == 4.0:
        square = canonical_node(apply("mul", x, x))
        return apply("mul", square, square)
    if is_float(n) and p == -1.0:
        return canonical_node(apply("div", number(1.0, x), x))
    if is_float(n) and p == -2.0:
        square = canonical_node(apply("mul", x, x))
        return canonical_node(apply("div", number(1.0, x), square))
    if is_float(n) and abs(p) == 0.5:  # at -inf and -0 too, for PyTorch
        return apply("sqrt" if p > 0 else "rsqrt", x)
    return n


def _reduce(n: Scalar) -> Scalar:
    """Signs and powers of two leave a sum."""
    if n.data.kind != "sum" or not is_float(n):
        return n
    c, x = split_scale(n.args[0])
    return n if x is n.args[0] else scaled(c, node("reduce", (x,), n.dtype, n.data))


def _cast(n: Scalar) -> Scalar:
    x = n.args[0]
    if x.op == "const" and x.dtype.kind in "bif" and n.dtype.kind in "if":
        with np.errstate(all="ignore"):
            return const(np.asarray(x.data.value).astype(n.dtype), n.dtype)
    return n


def _where(n: Scalar) -> Scalar:
    return n.args[1] if n.args[1] is n.args[2] else n


_RULES: dict[str, Callable[[Scalar], Scalar]] = {
    "neg": _neg, "mul": _mul, "div": _div, "add": _add, "sub": _sub, "pow": _pow,
    "reduce": _reduce, "cast": _cast, "where": _where,
}  # fmt: skip


def tidy(kernel: Kernel) -> Kernel:
    """-(b - a) = a - b."""

    def rule(n: Scalar) -> Scalar:
        if n.op == "neg" and n.args[0].op == "sub" and is_float(n):
            return apply("sub", n.args[0].args[1], n.args[0].args[0])
        return n

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))
