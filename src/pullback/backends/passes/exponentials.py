"""Exponentials: base 2, with every factor outside the loop, and one pass for a softmax."""

from __future__ import annotations

from math import e, log, log2

from ..loops import Kernel, extent, reduce, rewrite_kernel
from ..rewrite import is_float, order, product, rewrite
from ..scalar import Scalar, apply, const, walk
from .canonical import negative
from .factors import flatten
from .invariants import Dependence
from .linear import Term, terms, total

LOG2_E = log2(e)
ARITHMETIC = {"add", "sub", "mul", "div", "sqrt", "rsqrt"}


def softmax(kernel: Kernel) -> Kernel:
    """Exponentials relative to a reduction of their own argument need no second pass.

    With a reference m_i that is known while the loop runs (see `loops.REDUCTIONS`),

        logsumexp_j a_ij          = m_i + log Σ_j exp(a_ij - m_i)
        Σ_j exp(a_ij - c_i) v_ij  = exp(m_i - c_i) Σ_j exp(a_ij - m_i) v_ij

    and the second is used where c_i comes out of a reduction of a_ij, its logsumexp or maximum.
    """
    depends = Dependence(kernel)
    inner = frozenset(kernel.inner)

    def rule(n: Scalar) -> Scalar:
        if n.op != "reduce" or not is_float(n) or frozenset(n.data.over) != inner:
            return n
        if n.data.kind == "logsumexp":
            a, base = _exponent(n.args[0], depends)
            top = reduce(f"reference{base}", n.data.over, a)
            sums = reduce(f"scaled{base}", n.data.over, a, const(1, a.dtype))
            if not base:
                return apply("add", top, apply("log", sums))
            return apply("mul", const(log(2), n.dtype), apply("add", top, apply("log2", sums)))
        return n

    roots = kernel.roots()
    bases = {
        id(n.args[0]): n.args[0]
        for n in walk(*roots)
        if n.op == "reduce" and n.data.kind in ("logsumexp", "max") and is_float(n)
    }
    if bases and inner:
        merged = rewrite(roots, lambda n: _merge(n, list(bases.values()), depends, inner))
        roots = tuple(rewrite(merged, rule))
    return rewrite_kernel(kernel, roots)


def _merge(n: Scalar, bases: list[Scalar], depends: Dependence, inner: frozenset[str]) -> Scalar:
    """A sum of exponentials relative to a reduction of their argument, if `n` is one."""
    if n.op != "reduce" or n.data.kind != "sum" or frozenset(n.data.over) != inner:
        return n
    parts = flatten(n.args[0], depends)
    for f in parts.above:
        for a in bases if f.op == "exp" else ():
            offset = _offset(f.args[0], a, depends, inner)
            if offset is None:
                continue
            rest = list(parts.above)
            rest.remove(f)
            outside = depends.without(n.data.over)
            weights = [g for g in rest if not outside(g)]
            weights += [apply("div", const(1, g.dtype), g) for g in parts.below if not outside(g)]
            weight = product(sorted(weights, key=order)) if weights else const(1, n.dtype)
            exponent, base = _exponent(a, depends)
            sums = reduce(f"scaled{base}", n.data.over, exponent, weight)
            unit, scale = (1 / LOG2_E, LOG2_E) if base else (1.0, 1.0)
            top = Term(unit, (), (), reduce(f"reference{base}", n.data.over, exponent))
            shift = total([top, *offset], scale, depends)
            # Without any pairs the sum is 0, whatever the reduction of no exponents is.
            for name in n.data.over:
                some = apply("gt", extent(name), const(0, extent(name).dtype))
                shift = apply("where", some, shift, const(0, shift.dtype))
            result = apply("mul", sums, apply(f"exp{base}", shift))
            for g in sorted((g for g in rest if outside(g)), key=order):
                result = apply("mul", g, result)
            for g in sorted((g for g in parts.below if outside(g)), key=order):
                result = apply("div", result, g)
            return negative(result) if parts.negative else result
    return n


def _exponent(a: Scalar, depends: Dependence) -> tuple[Scalar, str]:
    """The exponent in the base that is cheaper: 2 where a factor can take log2 e in.

    An exponent without factors keeps base e: it may be as low as the lowest number (a mask), and
    its product with log2 e would be -inf.
    """
    plain = any(t.plain and depends.varies(t.atom) for t in terms(a, depends))
    return (a, "") if plain else (in_base2(a, depends), "2")


def _offset(t: Scalar, a: Scalar, depends: Dependence, inner: frozenset[str]) -> list[Term] | None:
    """t - a if it depends on no inner index and on a reduction over them."""
    left = terms(t, depends)
    for term in terms(a, depends):
        same = [k for k, other in enumerate(left) if other == term]
        if not same:
            return None
        del left[same[0]]
    if any(depends.free(x) & inner for t_ in left for x in (*t_.above, *t_.below, t_.atom)):
        return None
    relative = any(n.op == "reduce" for t_ in left for n in walk(t_.atom))
    return left if relative else None


def in_base2(a: Scalar, depends: Dependence) -> Scalar:
    """a log2 e, every term scaled where it is cheapest."""
    return total(terms(a, depends), LOG2_E, depends)


def base2(kernel: Kernel) -> Kernel:
    """exp(x) = exp2(x log2 e) where x is itself a rounded result.

    The product rounds once more than x did: exp moves by |x| / 2 ulp, about as much as it did
    because of the rounding of x. An argument that is exact (an element of an array) keeps the
    function that is accurate to 2 ulp. The terms of a sum are scaled one by one, so that only the
    ones that change from pair to pair are scaled inside the loop.
    """
    depends = Dependence(kernel)

    def rule(n: Scalar) -> Scalar:
        if n.op != "exp" or not is_float(n) or not depends.varies(n):
            return n
        x = n.args[0]
        inexact = x.args[0] if x.op == "neg" else x
        if inexact.op not in ARITHMETIC:
            return n
        return apply("exp2", in_base2(x, depends))

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))
