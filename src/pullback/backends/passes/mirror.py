"""Sums for every point over all the others, from half of the pairs.

In out_i = Σ_j K(x_i, x_j) b_j the pair (j, i) has the kernel of the pair (i, j): one visit of both
gives K b_j to row i and K b_i to row j. A sum of f(i, j) becomes `mirrored` of f and of its image
g(i, j) = f(j, i), written with what f computes already: differences change their sign, products and
squared distances stay. It is worth it where g is much cheaper than another f.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..loops import INT, Kernel, Reduction, index, rewrite_kernel
from ..rewrite import is_float, rewrite
from ..scalar import Scalar, node, remake, walk
from .canonical import COMMUTATIVE, canonical_node, negative
from .invariants import Dependence
from .orders import opposites, terms

# In instructions, about. A sum of the other row goes through memory.
BY_COST = {
    0: "index extent const input load cast",
    1: "add sub mul neg abs sign copysign maximum minimum floor ceil trunc round where eq ne lt le "
       "gt ge logical_and logical_or logical_xor logical_not",
    4: "div sqrt rsqrt",
}  # fmt: skip
COSTS = {op: cost for cost, ops in BY_COST.items() for op in ops.split()}
COSTS["reduce"] = 32  # of more than a few terms
FUNCTION, SUM, MIRRORED_SUM = 8, 1, 3
WORTH = 0.9  # of the cost of all pairs


def mirror(kernel: Kernel) -> Kernel:
    """Plain sums over the rows of a square as mirrored ones, if that is cheaper."""
    sums = _sums(kernel)
    if not sums:
        return kernel
    depends = Dependence(kernel)
    images = Images(kernel.outer, kernel.inner[0])
    bodies = [n.args[0] for n in sums]
    mirrored = [images.of(b) for b in bodies]
    once = _cost(bodies, depends)
    more = _cost([*bodies, *mirrored], depends) - once
    count = len(sums)
    if once + more + (SUM + MIRRORED_SUM) * count > WORTH * 2 * (once + SUM * count):
        return kernel
    image = {id(n): g for n, g in zip(sums, mirrored, strict=True)}

    def rule(n: Scalar) -> Scalar:
        if id(n) not in image:
            return n
        kind = Reduction("mirrored", n.data.over)
        return node("reduce", (n.args[0], image[id(n)]), n.dtype, kind)

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))


def _sums(kernel: Kernel) -> list[Scalar]:
    """The sums over the inner index, if there is one pass over the pairs that has nothing else."""
    if not kernel.square or kernel.summation == "kahan":
        return []
    if kernel.named("feature"):
        return []
    found = []
    depends = Dependence(kernel)
    contracted = set(kernel.named("contracted"))

    def is_long(n: Scalar) -> bool:
        return n.op == "reduce" and contracted.issuperset(n.data.over)

    for n in walk(*kernel.roots()):
        if n.op != "reduce" or is_long(n):
            continue
        if n.data.over == (kernel.outer,) and not any(map(depends.varies, n.args)):
            continue  # a total of what the pass gives
        plain = n.data.kind == "sum" and is_float(n) and n.data.over == kernel.inner
        if not plain or any(m.op == "reduce" and not is_long(m) for m in walk(n.args[0])):
            return []
        found.append(n)
    return found


@dataclass
class Images:
    """What expressions of a pair are for the same pair the other way round."""

    outer: str
    inner: str
    found: dict[int, Scalar] = field(default_factory=dict)
    kept: list[Scalar] = field(default_factory=list)  # identities stay theirs

    def of(self, root: Scalar) -> Scalar:
        """f(j, i) for f(i, j)."""
        self.kept.append(root)
        for n in walk(root):
            if id(n) not in self.found:
                self.found[id(n)] = self._image(n)
        return self.found[id(root)]

    def _image(self, n: Scalar) -> Scalar:
        if n.op == "index" and n.data in (self.outer, self.inner):
            return index(self.inner if n.data == self.outer else self.outer)
        args = tuple(self.found[id(a)] for a in n.args)
        if n.op in COMMUTATIVE and args[0] is n.args[1] and args[1] is n.args[0]:
            return n
        made = remake(n, args)
        if made is n or n.dtype == INT:
            return made
        made = canonical_node(made)
        bare = made.args[0] if made.op == "neg" else made
        if n.op == "mul" and is_float(n) and _factors(bare) == _factors(n):
            return n if bare is made else negative(n)  # (c x_j) x_i = (c x_i) x_j
        if mine := terms(n):  # (a_i + b) + a_j = (a_j + b) + a_i
            theirs = terms(bare) if bare is made else opposites(terms(bare))
            if theirs == mine:
                return n
            if theirs == opposites(mine):
                return negative(n)
        return made


def _factors(n: Scalar) -> list[int]:
    """The identities of the factors of a product."""
    found, stack = [], [n]
    while stack:
        current = stack.pop()
        if current.op == "mul":
            stack += current.args
        else:
            found.append(id(current))
    return sorted(found)


def _cost(roots: Iterable[Scalar], depends: Dependence) -> int:
    """Of what is computed for each pair."""
    return sum(COSTS.get(n.op, FUNCTION) for n in walk(*roots)
               if n.dtype != INT and depends.varies(n))  # fmt: skip
