"""Products under a sum: what the sum leaves alone moves out, and the rest is shared.

Σ_j c_i f_ij / s = (c_i / s) Σ_j f_ij, and of products such as K S d_0, K S d_1, K S d_2 the part
K S is computed once. Products are reassociated, nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from ..loops import Kernel, rewrite_kernel
from ..rewrite import is_const, is_float, order, product, rewrite, substitute
from ..scalar import Scalar, apply, const, node, walk
from .canonical import negative
from .invariants import Dependence

MANY = 32  # factors that are looked at one by one: pairs of them are counted


@dataclass
class Factors:
    """± Π numerators / Π denominators."""

    negative: bool
    above: list[Scalar]
    below: list[Scalar]


def factors(kernel: Kernel) -> Kernel:
    """Take invariant factors out of sums, then group the products that are left."""
    depends = Dependence(kernel)
    roots = rewrite(kernel.roots(), lambda n: _hoist(n, depends))
    return rewrite_kernel(kernel, _group(roots, depends))


def flatten(root: Scalar, depends: Dependence) -> Factors:
    """A product as a list of factors; only what does not vary is divided by.

    From `MANY` on, products are factors themselves: a square of a square has four, and so on.
    """
    result = Factors(False, [], [])
    stack = [root]
    while stack:
        n = stack.pop()
        if n.op == "neg":
            result.negative = not result.negative
            stack.append(n.args[0])
        elif n.op == "mul" and len(stack) + len(result.above) + len(result.below) < MANY:
            stack += reversed(n.args)
        elif n.op == "div" and not depends.varies(n.args[1]):
            result.below.append(n.args[1])
            stack.append(n.args[0])
        elif n.op == "div" and n.args[1].op == "sqrt":
            stack += [apply("rsqrt", n.args[1].args[0]), n.args[0]]
        elif not is_const(n, 1.0):
            result.above.append(n)
    return result


def _hoist(n: Scalar, depends: Dependence) -> Scalar:
    if n.op != "reduce" or n.data.kind != "sum" or not is_float(n):
        return n
    if not depends.inner and depends.outer in n.data.over:
        return n  # a memory-bound loop: one product more per element is free
    if frozenset(n.data.over) & depends.features:
        return n
    parts = flatten(n.args[0], depends)
    alone = depends.without(n.data.over)
    late = depends.outer in n.data.over  # what is known after the rows holds no inner reduction

    def outside(f: Scalar) -> bool:
        return alone(f) and not (late and any(m.op == "reduce" for m in walk(f)))

    above = [f for f in parts.above if outside(f)]
    below = [f for f in parts.below if outside(f)]
    kept = [f for f in parts.above if not outside(f)]
    kept += [apply("div", const(1, f.dtype), f) for f in parts.below if not outside(f)]
    body = product(sorted(kept, key=order)) if kept else const(1, n.dtype)
    result = node("reduce", (body,), n.dtype, n.data)
    for f in sorted(above, key=order):
        result = apply("mul", f, result)
    for f in sorted(below, key=order):
        result = apply("div", result, f)
    return negative(result) if parts.negative else result


def _group(roots: list[Scalar], depends: Dependence) -> list[Scalar]:
    """Give products that share factors a common partial product: the most frequent pair first."""
    bodies = {
        id(n): n.args[0]
        for n in walk(*roots)
        if n.op == "reduce" and n.data.kind == "sum" and is_float(n) and depends.varies(n.args[0])
    }
    products = {key: flatten(body, depends) for key, body in bodies.items()}
    lists = [p.above for p in products.values()]
    while True:
        pairs: Counter[tuple[int, int]] = Counter()
        nodes: dict[int, Scalar] = {}
        for above in lists:
            for a, b in combinations(sorted(above, key=order), 2):
                nodes[id(a)], nodes[id(b)] = a, b
                pairs[id(a), id(b)] += 1
        if not pairs:
            break
        best = max(pairs.values())
        if best < 2:
            break
        chosen = [pair for pair, count in pairs.items() if count == best]
        a, b = min(
            ((nodes[i], nodes[j]) for i, j in chosen), key=lambda p: (order(p[0]), order(p[1]))
        )
        joint = apply("mul", a, b)
        for above in lists:
            if any(f is a for f in above) and any(f is b for f in above):
                if a is b and sum(f is a for f in above) < 2:
                    continue
                _remove(above, a)
                _remove(above, b)
                above.append(joint)
    new: dict[Scalar, Scalar] = {}
    for key, parts in products.items():
        above = sorted(
            parts.above,
            key=lambda f: (
                bool(depends.free(f) & depends.features),
                not depends.varies(f),
                order(f),
            ),
        )
        body = product(above) if above else const(1, bodies[key].dtype)
        for f in parts.below:
            body = apply("div", body, f)
        new[bodies[key]] = negative(body) if parts.negative else body
    return substitute(roots, new)


def _remove(above: list[Scalar], f: Scalar) -> None:
    for k, g in enumerate(above):
        if g is f:
            del above[k]
            return
