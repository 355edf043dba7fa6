"""Factors that are the same for all pairs move outwards: Σ_d (c x_d) y_d = c Σ_d x_d y_d.

A value and its gradients often carry the same weights at different places, such as
Σ_d (c p_id) p_jd in one term and Σ_d p_id (c p_jd) in another: with the weight outside they are one
node. Products are reassociated, nothing else. Kernels without pairs are left as they are.
"""

from __future__ import annotations

from ..loops import Kernel, rewrite_kernel
from ..rewrite import is_float, order, product, rewrite
from ..scalar import Scalar, apply
from .canonical import canonical_node, negative
from .invariants import Dependence


def uniform(kernel: Kernel) -> Kernel:
    """Take uniform factors out of products, and out of sums of products that share them."""
    depends = Dependence(kernel)
    if not depends.inner:
        return kernel
    return rewrite_kernel(kernel, rewrite(kernel.roots(), lambda n: _outwards(n, depends)))


def _outwards(n: Scalar, depends: Dependence) -> Scalar:
    n = canonical_node(n)
    if n.op not in ("mul", "add", "sub") or not is_float(n) or depends.uniform(n):
        return n
    (s, c, a), (t, d, b) = (_split(x, depends) for x in n.args)
    if n.op == "mul" and (c or d):
        inside = canonical_node(apply("mul", a, b))
        return _scaled(s * t, sorted([*c, *d], key=order), inside)
    if c and len(c) == len(d) and all(x is y for x, y in zip(c, d, strict=True)):
        same = (s == t) == (n.op == "add")
        inside = canonical_node(apply("add" if same else "sub", a, b))
        return _scaled(s, c, inside)
    return n


def _split(n: Scalar, depends: Dependence) -> tuple[int, list[Scalar], Scalar]:
    """(sign, uniform factors, rest) of a product made by `_scaled`."""
    sign = 1
    if n.op == "neg":
        sign, n = -1, n.args[0]
    if n.op == "mul" and not depends.uniform(n):
        for factor, rest in (n.args, n.args[::-1]):
            if depends.uniform(factor):
                return sign, _factors(factor), rest
    return sign, [], n


def _factors(n: Scalar) -> list[Scalar]:
    """A uniform product as a sorted list."""
    found: list[Scalar] = []
    stack = [n]
    while stack:
        m = stack.pop()
        if m.op == "mul":
            stack += m.args
        else:
            found.append(m)
    return sorted(found, key=order)


def _scaled(sign: int, factors: list[Scalar], rest: Scalar) -> Scalar:
    if rest.op == "neg":
        sign, rest = -sign, rest.args[0]
    result = canonical_node(apply("mul", product(factors), rest))
    return negative(result) if sign < 0 else result
