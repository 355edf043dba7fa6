"""Sums of scaled terms: how `exponentials.py` looks at the argument of an exponential."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..rewrite import is_const, mul
from ..scalar import Scalar, apply, cast, const
from .invariants import Dependence

MANY = 64  # terms that are looked at one by one


@dataclass(frozen=True)
class Term:
    """scale · Π above / Π below · atom; the lists hold factors that do not vary."""

    scale: float
    above: tuple[Scalar, ...]
    below: tuple[Scalar, ...]
    atom: Scalar

    @property
    def plain(self) -> bool:
        return abs(self.scale) == 1.0 and not self.above and not self.below


def terms(root: Scalar, depends: Dependence) -> list[Term]:
    """A sum as a list of terms. A sum of plain varying terms stays one atom.

    So does one of more than `MANY` terms: where sums share parts, as the steps of an unrolled
    recurrence do, the terms of the last one would double with every step.
    """
    stack: list[tuple[Scalar, bool]] = [(root, False)]
    found: dict[int, list[Term]] = {}  # of each node once, however often it is shared
    while stack:  # no recursion over graphs
        n, ready = stack.pop()
        if id(n) in found:
            continue
        factor = None
        parts: tuple[Scalar, ...]
        if n.op in ("add", "sub", "neg"):
            parts = n.args
        elif n.op in ("mul", "div") and (factor := _factor(n, depends)) is not None:
            parts = (n.args[1] if factor is n.args[0] else n.args[0],)
        else:
            found[id(n)] = [Term(1.0, (), (), n)]
            continue
        if not ready:
            stack += [(n, True), *((part, False) for part in reversed(parts))]
        elif n.op in ("add", "sub"):
            left, right = (found[id(part)] for part in parts)
            both = left + (_negated(right) if n.op == "sub" else right)
            whole = len(both) > MANY or all(t.plain and depends.varies(t.atom) for t in both)
            found[id(n)] = [Term(1.0, (), (), n)] if whole else both
        elif n.op == "neg":
            found[id(n)] = _negated(found[id(parts[0])])
        else:
            assert factor is not None
            found[id(n)] = [_times(t, factor, n.op == "div") for t in found[id(parts[0])]]
    return found[id(root)]


def _negated(parts: list[Term]) -> list[Term]:
    return [replace(t, scale=-t.scale) for t in parts]


def _factor(n: Scalar, depends: Dependence) -> Scalar | None:
    """The factor to take out of a product or quotient."""
    if n.op == "div":
        return n.args[1] if not depends.varies(n.args[1]) else None
    return next((a for a in n.args if not depends.varies(a)), None)


def _times(t: Term, factor: Scalar, below: bool) -> Term:
    if factor.op == "const":
        value = float(factor.data.value)
        if value != 0.0:
            return replace(t, scale=t.scale / value if below else t.scale * value)
    if below:
        return replace(t, below=(*t.below, factor))
    return replace(t, above=(*t.above, factor))


def total(parts: list[Term], factor: float, depends: Dependence) -> Scalar:
    """factor · Σ terms: what does not vary is summed apart, by what it depends on."""
    apart: dict[frozenset[str], Scalar] = {}
    varying: dict[tuple[float, tuple[int, ...], tuple[int, ...]], tuple[Term, Scalar]] = {}
    for t in parts:
        if depends.varies(t.atom):
            key = (abs(t.scale), tuple(map(id, t.above)), tuple(map(id, t.below)))
            first, so_far = varying.get(key, (t, None))
            same = (t.scale > 0) == (first.scale > 0)
            joint = t.atom if so_far is None else apply("add" if same else "sub", so_far, t.atom)
            varying[key] = (first, joint)
        else:
            value = times(coefficient(t, factor, depends), t.atom)
            free = depends.free(value)
            apart[free] = join(apart[free], value) if free in apart else value
    result: Scalar | None = None
    for value in apart.values():
        result = value if result is None else join(result, value)
    for first, atom in varying.values():
        value = times(coefficient(first, factor, depends), atom)
        result = value if result is None else join(result, value)
    assert result is not None
    return result


def join(a: Scalar, b: Scalar) -> Scalar:
    """a + b, as a difference where b has a sign."""
    return apply("sub", a, b.args[0]) if b.op == "neg" else apply("add", a, b)


def times(factor: Scalar, x: Scalar) -> Scalar:
    """A product, unless the factor is 1."""
    if is_const(factor, -1.0):
        return apply("neg", x)
    return x if is_const(factor, 1.0) else mul(factor, x)


def coefficient(t: Term, factor: float, depends: Dependence) -> Scalar:
    """factor · scale · Π above / Π below. Uniform factors are multiplied in float64, at no cost."""
    dtype = t.atom.dtype
    uniform = all(map(depends.uniform, (*t.above, *t.below)))
    if not t.above and not t.below:
        return const(factor * t.scale, dtype)
    wide = "f8" if uniform else dtype
    value = const(factor * t.scale, wide)
    for f in t.above:
        value = apply("mul", value, cast(f, wide))
    for f in t.below:
        value = apply("div", value, cast(f, wide))
    return cast(value, dtype)
