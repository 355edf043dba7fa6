"""What is computed where: the passes over the pairs, what is packed, what is hoisted.

A kernel's reductions fall in three kinds: over the inner indices for each row ("rows"), over the
outer index for each inner one ("columns"), over the outer index only ("totals"). A reduction
whose body uses the result of another one runs in a later pass over the pairs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ..loops import RESCALED, Kernel, Output, free_indices
from ..scalar import Scalar, walk
from .accumulate import Accumulator, Inline, Mirrored
from .extreme import Extreme, applies as all_extreme
from .rescale import Rescaled, WideRescaled, relative
from .target import Target

PACK_BYTES = 24 << 10  # of the j side in one tile: half of the smallest first-level caches
SCRATCH_BYTES = 64 << 10  # of the row accumulators of one block
COLUMN_TILE = 256
MIRRORED_TILE = 64  # the sums of as many columns stay in the first-level cache
# Of the functions that are code of their own, those that cost about as much as an addition.
CHEAP = {"floor", "ceil", "trunc", "round", "abs", "copysign"}
CONTRACTED_TILE, CONTRACTED_BLOCK = 64, 64  # pairs of a contraction: columns, vectors of rows


@dataclass
class Pass:
    """One pass over the pairs."""

    rows: list[Accumulator] = field(default_factory=list)
    columns: list[Accumulator] = field(default_factory=list)
    packed: list[Scalar] = field(default_factory=list)  # depend on the inner index only
    hoisted: list[Scalar] = field(default_factory=list)  # do not depend on it
    contractions: list[Scalar] = field(default_factory=list)  # long sums inside each pair
    transposed: list[Scalar] = field(default_factory=list)  # in them: depend on the row, not on j
    panels: list[Scalar] = field(default_factory=list)  # in them: depend on j, not on the row
    wide: list[Accumulator] = field(default_factory=list)  # sums for each value of a feature index
    pairwise: list[Scalar] = field(default_factory=list)  # in them: do not depend on that index
    crosswise: list[Accumulator] = field(default_factory=list)  # wide sums by columns; in them:
    flipped: list[Scalar] = field(default_factory=list)  # depend on the pair alone
    row_panels: list[Scalar] = field(default_factory=list)  # on the row and the feature index
    row_values: list[Scalar] = field(default_factory=list)  # on the row alone
    column_values: list[Scalar] = field(default_factory=list)  # not on the row
    tile: int = 0

    @property
    def bodies(self) -> list[Scalar]:
        return [b for acc in (*self.rows, *self.columns) for b in acc.bodies]

    @property
    def long(self) -> bool:
        """Whether there are long sums or wide ones."""
        return bool(self.contractions or self.wide or self.crosswise)

    @property
    def extremes(self) -> list[Extreme]:
        return [acc for acc in self.rows if isinstance(acc, Extreme)]

    @property
    def rescaled(self) -> list[Rescaled]:
        return [acc for acc in self.rows if isinstance(acc, Rescaled)]

    @property
    def mirrored(self) -> list[Mirrored]:
        return [acc for acc in self.rows if isinstance(acc, Mirrored)]


@dataclass
class Plan:
    """Everything that `emit.py` has to print, with its sizes."""

    kernel: Kernel
    lanes: int
    block: int  # vectors of rows whose accumulators are kept at once
    tiles: dict[str, int]  # for each long index: how many of its sums are in registers at once
    passes: list[Pass]
    totals: list[Accumulator]
    free: dict[int, frozenset[str]]
    row_outputs: list[Output]
    late_outputs: list[Output]  # written after the outer reductions are complete

    @property
    def columns(self) -> list[Accumulator]:
        return [c for p in self.passes for c in p.columns]

    @property
    def crosswise(self) -> list[Accumulator]:
        return [c for p in self.passes for c in p.crosswise]

    @property
    def mirrored(self) -> list[Mirrored]:
        """All sums over the pairs, if half of the pairs are enough."""
        return [m for p in self.passes for m in p.mirrored]

    @property
    def cross_words(self) -> tuple[tuple[str, int], ...]:
        """Feature indices, with how many words of partial results each of their values takes."""
        features = frozenset(self.kernel.named("feature"))
        names = (n for acc in self.crosswise for n in self.free[id(acc.args[0])] & features)
        return tuple(sorted(Counter(names).items()))

    @property
    def long_bytes(self) -> tuple[tuple[str, int], ...]:
        """Contracted and feature indices, with what a vector of rows keeps for each of their
        values, in bytes."""
        long = {*self.kernel.named("contracted"), *self.kernel.named("feature")}
        kept = {id(n): n for p in self.passes for n in (*p.transposed, *p.row_panels)}
        kept |= {id(acc): acc.args[0] for p in self.passes for acc in p.wide}
        found: Counter[str] = Counter()
        for n in kept.values():
            for name in self.free[id(n)] & long:
                found[name] += n.dtype.itemsize * self.lanes
        return tuple(sorted(found.items()))

    @property
    def has_finish(self) -> bool:
        return bool(self.late_outputs)


def plan(kernel: Kernel, target: Target, inline: Inline) -> Plan:
    """Sort a simplified kernel's nodes into passes and places."""
    roots = kernel.roots()
    free = free_indices(*roots)
    outer, inner = kernel.outer, frozenset(kernel.inner)
    contracted = frozenset(kernel.named("contracted"))
    features = frozenset(kernel.named("feature"))
    kahan = kernel.summation == "kahan"
    level: dict[int, int] = {}  # the number of passes that must be over before a node is known
    late: set[int] = set()
    found: dict[object, Accumulator] = {}
    passes: list[Pass] = []
    totals: list[Accumulator] = []
    for n in walk(*roots):
        depth = max((level[id(a)] for a in n.args), default=0)
        if any(id(a) in late for a in n.args):
            late.add(id(n))
        if n.op == "reduce" and n.data.over[0] not in contracted:
            over = frozenset(n.data.over)
            is_total = over == {outer} and not any(free[id(a)] & inner for a in n.args)
            key = Accumulator.key(n)
            if n.data.kind in RESCALED:
                wide = bool(features & frozenset().union(*(free[id(a)] for a in n.args)))
                if key not in found:
                    found[key] = Rescaled(n, kahan, inline)
                    passes += [Pass() for _ in range(depth + 1 - len(passes))]
                    passes[depth].rows.append(found[key])
                group = found[key]
                assert isinstance(group, Rescaled)
                (group.wide_nodes.append if wide else group.add)(n)
            elif key in found:
                found[key].add(n)
            else:
                wide = bool(features & frozenset().union(*(free[id(a)] for a in n.args)))
                acc = (
                    Mirrored(n, inline) if n.data.kind == "mirrored"
                    else Accumulator(n, kahan and not wide, inline)
                )  # fmt: skip
                found[key] = acc
                if is_total:
                    totals.append(acc)
                elif wide:
                    passes += [Pass() for _ in range(depth + 1 - len(passes))]
                    (passes[depth].crosswise if over == {outer} else passes[depth].wide).append(acc)
                else:
                    passes += [Pass() for _ in range(depth + 1 - len(passes))]
                    (passes[depth].columns if over == {outer} else passes[depth].rows).append(acc)
            if over == {outer}:
                late.add(id(n))
            else:
                depth += 1
        level[id(n)] = depth
    passes = [part for p in passes for part in _apart(p)]
    for p in passes:
        if all_extreme(p.rows) and not p.columns and not contracted and not features:
            p.rows = _extremes(p.rows, inline)
    bodies = [b for p in passes for acc in p.rescaled for b in relative(acc, kernel)]
    for p in passes:
        p.wide += [WideRescaled(n, g, inline) for g in p.rescaled for n in g.wide_nodes]
    free |= free_indices(*roots, *bodies, *(acc.args[0] for p in passes for acc in p.wide))
    for p in passes:
        _place(p, kernel, free)
    lanes = _lanes(kernel, target, free, passes)
    slots = sum(len(a.dtypes) for p in passes for a in p.rows)
    room = SCRATCH_BYTES // max(1, slots * lanes * 8)
    late_outputs = [o for o in kernel.outputs if id(o.value) in late]
    row_outputs = [o for o in kernel.outputs if id(o.value) not in late]
    most = CONTRACTED_BLOCK if any(p.long for p in passes) else 64
    block = max(4, min(most, room))
    tiles = _register_tiles(kernel, target, lanes, passes, free)
    return Plan(kernel, lanes, block, tiles, passes, totals, free, row_outputs, late_outputs)


def _register_tiles(
    kernel: Kernel, target: Target, lanes: int, passes: list[Pass], free: dict[int, frozenset[str]]
) -> dict[str, int]:
    """How many sums of each long index fit in half of the registers, beside what belongs to each
    of them: a wide sum of x_ie - y_je needs the row's x_ie for every e."""
    tiles = {}
    for name in (*kernel.named("contracted"), *kernel.named("feature")):
        sums = [
            acc.dtypes[0]
            for p in passes
            for acc in (*p.wide, *p.crosswise)
            if name in free[id(acc.args[0])]
        ]
        sums += [n.dtype for p in passes for n in p.contractions if name in n.data.over]
        size = max((d.itemsize for d in sums), default=4)
        each = max(1, lanes * size // target.vector_bytes)
        of_rows = name in kernel.named("feature") and any(
            name in free[id(n)] for p in passes for n in (*p.transposed, *p.column_values)
        )
        tiles[name] = max(2, target.registers // 2 // each // (2 if of_rows else 1))
    return tiles


def _apart(p: Pass) -> list[Pass]:
    """Columns and wide sums share no pass with rescaled sums, which may repeat a tile."""
    if not p.rescaled or not (p.columns or p.wide or p.crosswise):
        return [p]
    return [Pass(rows=p.rows), Pass(columns=p.columns, wide=p.wide, crosswise=p.crosswise)]


def _extremes(rows: list[Accumulator], inline: Inline) -> list[Accumulator]:
    groups: dict[object, Extreme] = {}
    for n in (n for acc in rows for n in acc.nodes):
        key = Extreme.key(n)
        if key in groups:
            groups[key].add(n)
        else:
            groups[key] = Extreme(n, False, inline)
    return list(groups.values())


def _lanes(
    kernel: Kernel, target: Target, free: dict[int, frozenset[str]], passes: list[Pass]
) -> int:
    """The vector length: that of the widest floating-point type in the loops, else of any type."""
    nodes = [n for n in walk(*kernel.roots()) if n.op not in ("index", "const")]
    dtypes = {n.dtype for n in nodes if free[id(n)] or n.op == "reduce"}
    floats = [d.itemsize for d in dtypes if d.kind == "f" and d.itemsize >= 4]
    widest = max(floats) if floats else max((d.itemsize for d in dtypes), default=4)
    lanes = target.lanes_of(np.dtype(f"V{widest}"))
    if target.lanes is not None:
        return lanes
    if kernel.named("contracted") or kernel.named("feature"):
        return lanes  # what is broadcast is an operand in memory
    fits = bool(passes) and all(_fits_twice(p, kernel, target, free) for p in passes)
    return 2 * lanes if fits else lanes


# Vector registers that the constants of a function take while it is used in a loop.
CONSTANTS = {"exp2": 6, "exp": 9, "sqrt": 1, "rsqrt": 2}


def _fits_twice(p: Pass, kernel: Kernel, target: Target, free: dict[int, frozenset[str]]) -> bool:
    """Whether the innermost loop of two vectors of rows stays in registers: then their chains run
    side by side, and what belongs to the inner index is loaded once for both."""
    from .math import FUNCTIONS

    varying = [n for n in walk(*p.bodies) if {kernel.outer, kernel.inner[-1]} <= free[id(n)]]
    functions = {n.op for n in varying if n.op in (*FUNCTIONS, "call") and n.op not in CHEAP}
    if p.columns or p.mirrored or len(varying) > 40 or not functions <= set(CONSTANTS):
        return False  # the sums of columns are a load and a store for each vector of rows
    kept = {id(n) for n in p.hoisted if kernel.outer in free[id(n)]}
    rows = len(kept) + sum(len(acc.dtypes) for acc in p.rows)
    constants = 1 + sum(CONSTANTS[f] for f in functions)
    if any(n.dtype.itemsize == 8 for n in varying) and functions & {"exp", "exp2"}:
        constants += 5  # the polynomial is longer
    temporary = 3
    return 2 * (rows + temporary) + constants <= target.registers


def _place_long(p: Pass, body: Scalar, kernel: Kernel, free: dict[int, frozenset[str]]) -> None:
    """In the body of a long sum or a wide one: what is known before its long index runs."""
    long = frozenset((*kernel.named("contracted"), *kernel.named("feature")))
    last = kernel.inner[-1]
    stack = [body]
    while stack:
        n = stack.pop()
        here = free[id(n)]
        if here & long and last in here:
            if kernel.outer not in here and all(m.op != "reduce" for m in walk(n)):
                if n.op != "index" and not any(m is n for m in p.panels):
                    p.panels.append(n)
            elif n.op != "load":
                stack += n.args
        elif here & long:
            if kernel.outer in here and reduces(n, kernel):
                stack += n.args
            elif kernel.outer in here and not any(m is n for m in p.transposed):
                p.transposed.append(n)
        elif last in here and kernel.outer in here:
            if not any(m is n for m in p.pairwise):
                p.pairwise.append(n)
        elif last in here:
            if n.op != "index" and not any(m is n for m in p.packed):
                p.packed.append(n)
        elif n.op != "const":
            p.hoisted.append(n)


def _place_crosswise(
    p: Pass, body: Scalar, kernel: Kernel, free: dict[int, frozenset[str]]
) -> None:
    """In the body of a wide sum by columns: what is known before its loop over the rows."""
    features, last = frozenset(kernel.named("feature")), kernel.inner[-1]

    def put(found: list[Scalar], n: Scalar) -> None:
        if n.op not in ("index", "const") and not any(m is n for m in found):
            found.append(n)

    stack = [body]
    while stack:
        n = stack.pop()
        here = free[id(n)]
        if kernel.outer not in here:
            put(p.column_values, n)
        elif here & features and (last in here or any(m.op == "reduce" for m in walk(n))):
            stack += n.args if n.op != "load" else ()
        elif here & features:
            put(p.row_panels, n)
        elif last in here:
            put(p.flipped, n)
            put(p.pairwise, n)
        else:
            put(p.row_values, n)
            p.hoisted.append(n)


def reduces(n: Scalar, kernel: Kernel) -> bool:
    """Whether a node needs the result of a pass."""
    contracted = kernel.named("contracted")
    return any(m.op == "reduce" and m.data.over[0] not in contracted for m in walk(n))


def _place(p: Pass, kernel: Kernel, free: dict[int, frozenset[str]]) -> None:
    """Find the largest subexpressions that one side of the pair decides alone."""
    outer, last = kernel.outer, kernel.inner[-1]
    seen: set[int] = set()
    for acc in p.wide:
        _place_long(p, acc.args[0], kernel, free)
    for acc in p.crosswise:
        _place_crosswise(p, acc.args[0], kernel, free)
    stack = [*reversed(p.bodies), *p.pairwise]
    while stack:
        n = stack.pop()
        if id(n) in seen:
            continue
        seen.add(id(n))
        if last not in free[id(n)]:
            if n.op != "const":
                p.hoisted.append(n)
        elif outer not in free[id(n)] and n.op != "index" and not reduces(n, kernel):
            if not any(m is n for m in p.packed):
                p.packed.append(n)
        elif n.op == "reduce":
            p.contractions.append(n)
            _place_long(p, n.args[0], kernel, free)
        else:
            stack += [a for a in n.args if n.op != "load"]
    size = sum(max(1, n.dtype.itemsize) for n in p.packed)
    most = COLUMN_TILE if p.columns else 1024
    most = MIRRORED_TILE if p.mirrored else most
    most = min(most, CONTRACTED_TILE) if p.long else most
    p.tile = max(64, min(most, PACK_BYTES // max(1, size) // 64 * 64))
