"""The passes over the pairs: tiles, packing, the innermost loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..loops import INT
from ..scalar import walk
from .accumulate import Accumulator
from .crosswise import Crosswise
from .extreme import Extreme
from .frame import in_memory, positional
from .plan import Pass
from .rescale import Rescaled, WideRescaled
from .scope import Lanes, Scope
from .text import LoopHandle, scalar_type, vector_type
from .vector import DType

APART = 4  # extremes of every fourth pair
CHOICES = ("max", "min", "argmax", "argmin")
UNROLL = 2  # pairs per turn of the innermost loop: more independent work in flight


class Pairs(Crosswise):
    """Loops over rows and inner indices."""

    def _pass(self, scope: Scope, p: Pass, group: str, begin: str, end: str) -> None:
        w, v = self.w, self.v
        with w.loop("clear", "0", w.add(f"sub i64 {end}, {begin}"), "1") as row:
            for acc in p.rows:
                self._put(acc, row.counter, acc.identity(v))
            self._clear_wide(p, row.counter)
        self._transpose(scope, p, begin, end)
        self._pack_rows(scope, p, begin, end)
        *serial, last = self.kernel.inner
        indices: dict[str, str] = {}
        with self._nest(serial, indices):
            size = self.arguments[f"size:{last}"]
            with w.loop("tile", "0", size, str(p.tile)) as tile:
                flag = w.add(f"load volatile i64, ptr {self.arguments['stop']}, align 8")
                with w.when(w.add(f"icmp eq i64 {flag}, 0"), "go"):
                    self._tile(scope.inner(indices), p, group, begin, end, tile.counter)

    def _tile(self, scope: Scope, p: Pass, group: str, begin: str, end: str, tile: str) -> None:
        w = self.w
        left = w.add(f"sub i64 {self.arguments[f'size:{self.kernel.inner[-1]}']}, {tile}")
        count = self._smaller(left, str(p.tile))
        self._pack(scope, p, tile, count)
        self._pack_panels(scope, p, tile, count)
        for alike in self._alike(p.columns):
            self._clear_tile(alike, count)
        self._clear_crosswise(p, count)
        with w.loop("row", begin, end, "1") as row:
            self._row(scope, p, row.counter, begin, tile, count)
        for alike in self._alike(p.columns):
            self._add_columns(alike, group, tile, count)
        self._add_crosswise(p, group, tile, count)

    @contextmanager
    def _nest(self, names: Sequence[str], indices: dict[str, str]) -> Iterator[None]:
        if not names:
            yield
            return
        with self.w.loop(names[0], "0", self.arguments[f"size:{names[0]}"], "1") as loop:
            indices[names[0]] = loop.counter
            with self._nest(names[1:], indices):
                yield

    def _pack(self, scope: Scope, p: Pass, base: str, count: str) -> None:
        """Evaluate what depends on the inner index only for a tile, as vectors along it."""
        if not p.packed:
            return
        w, v = self.w, self.v
        name = self.kernel.inner[-1]
        last = w.add(f"sub i64 {self.arguments[f'size:{name}']}, 1")
        for n in (m for q in p.packed for m in walk(q)):
            if self.plan.free[id(n)] and self._fixed(n, name, self.kernel.outer):
                scope.value(n)
        whole = w.add(f"and i64 {count}, {-v.lanes}")
        for start, stop, limit in (("0", whole, None), (whole, count, last)):
            with w.loop("pack", start, stop, str(v.lanes)) as loop:
                index = w.add(f"add i64 {base}, {loop.counter}")
                inside = scope.inner({name: Lanes(index, limit)})
                for n in p.packed:
                    value = self._memory_form(inside.value(n), n.dtype)
                    element = in_memory(n.dtype)
                    where = w.add(
                        f"getelementptr {element}, ptr {self.pack[id(n)]}, i64 {loop.counter}"
                    )
                    kind = vector_type(element, v.lanes)
                    w.do(f"store {kind} {value}, ptr {where}, align {max(1, n.dtype.itemsize)}")
            if v.lanes == 1:
                break

    def _row(self, scope: Scope, p: Pass, row: str, begin: str, base: str, count: str) -> None:
        """One vector of rows against one tile."""
        w, v = self.w, self.v
        rows = self._row_scope(scope, row)
        local = w.add(f"sub i64 {row}, {begin}", "local")
        self._bind_finished(rows, local, before=p)
        references = [group.reference for group in p.rescaled]
        self._bind_packed(rows, p, local)
        for n in p.hoisted:
            if not any(m is r for m in walk(n) for r in references):
                rows.value(n)
        self._contract_tile(rows, p, base, count, local)
        if p.extremes:
            self._extreme_tiles(rows, p, base, count, local)
            return
        plain = [acc for acc in p.rows if not isinstance(acc, Rescaled)]
        if not p.rescaled:
            sums = self._pairs(rows, p, plain, base, count, row)
        else:
            sums = self._rescaled_pairs(rows, p, plain, base, count, row, local)
        states = iter(sums)
        for acc in plain:
            part = [next(states) for _ in acc.dtypes]
            self._put(acc, local, acc.merge(v, self._get(acc, local), part))
        for group in p.rescaled:
            state = self._get(group, local)
            added = [v.binary("fadd", group.dtypes[0], s, next(states)) for s in state[1:]]
            self._put(group, local, [state[0], *added])
        self._wide_tile(rows, p, base, count, local)
        self._cross_tile(rows, p, base, count, row, local)

    def _pairs(
        self, rows: Scope, p: Pass, plain: list[Accumulator], base: str, count: str, row: str
    ) -> list[str]:
        """The innermost loop; gives the tile's states."""
        w, v = self.w, self.v
        carried = []
        for acc in plain:
            start = acc.identity(v)
            if positional(acc):
                start[1] = v.constant(0, _short(acc)[1])
            carried += [(v.type(d), s) for d, s in zip(_short(acc), start, strict=True)]
        carried += [(v.type(d), v.constant(0, d)) for group in p.rescaled for d in group.dtypes[1:]]
        mask = self._inside(row) if p.columns else None
        if not carried:  # columns only: no chain of additions to hide
            with w.loop("pair", "0", count, "1", nonempty=True) as pair:
                self._pair(rows, p, plain, pair, base, mask, row)
            return []
        # chains of comparisons are longer than those of additions, and are put together exactly
        apart = p.long and not p.rescaled and all(acc.kind in CHOICES for acc in plain)
        # where long sums take the time, this loop is as short as it can be
        unroll, copies = (APART, APART) if apart else (1 if p.long else UNROLL, 1)
        whole = w.add(f"and i64 {count}, {-unroll}") if unroll > 1 else count
        with w.loop("pairs", "0", whole, str(unroll), carried * copies) as pair:
            states = [
                pair.carried[k * len(carried) : (k + 1) * len(carried)] for k in range(copies)
            ]
            for k in range(unroll):
                counter = w.add(f"add i64 {pair.counter}, {k}") if k else pair.counter
                one = LoopHandle(counter, states[k % copies])
                self._pair(rows, p, plain, one, base, mask, row)
                states[k % copies] = one.next
            pair.next = [s for copy in states for s in copy]
        if unroll == 1:
            return self._in_whole(plain, pair.results, base)
        parts = [
            self._in_whole(plain, pair.results[k * len(carried) : (k + 1) * len(carried)], base)
            for k in range(1, copies)
        ]
        rest = list(zip([k for k, _ in carried], pair.results[: len(carried)], strict=True))
        with w.loop("pair", whole, count, "1", rest) as pair:
            self._pair(rows, p, plain, pair, base, mask, row)
        total = self._in_whole(plain, pair.results, base)
        for part in parts:
            total = self._merged(plain, total, part)
        return total

    def _merged(self, plain: list[Accumulator], a: list[str], b: list[str]) -> list[str]:
        """The states of two parts of a tile."""
        ours, theirs, merged = iter(a), iter(b), []
        for acc in plain:
            one, other = ([next(states) for _ in acc.dtypes] for states in (ours, theirs))
            merged += acc.merge(self.v, one, other)
        return merged

    def _in_whole(self, plain: list[Accumulator], states: list[str], base: str) -> list[str]:
        """States of a tile, with positions in the whole of the inner index."""
        v, found = self.v, iter(states)
        whole = []
        for acc in plain:
            state = [next(found) for _ in acc.dtypes]
            if positional(acc):
                place = v.cast(state[1], _short(acc)[1], INT)
                state[1] = v.binary("add", INT, place, v.splat(base, INT))
            whole += state
        return [*whole, *found]

    def _rescaled_pairs(
        self,
        rows: Scope,
        p: Pass,
        plain: list[Accumulator],
        base: str,
        count: str,
        row: str,
        local: str,
    ) -> list[str]:
        """The innermost loop, a second time if a reference was too low."""
        w, v = self.w, self.v
        needs = [g.wants_reference(v, self._get(g, local)) for g in p.rescaled]
        need = needs[0]
        for other in needs[1:]:
            need = w.add(f"or i1 {need}, {other}")
        with w.repeat("attempt", [("i1", need)]) as attempt:
            (again,) = attempt.carried
            with w.when(again, "raise"):
                for group in p.rescaled:
                    self._raise(rows, p, group, base, count, local)
            inside = rows.inner()
            for group in p.rescaled:
                inside.bind(group.reference, self._get(group, local)[0])
            for n in p.hoisted:
                inside.value(n)
            sums = self._pairs(inside, p, plain, base, count, row)
            over = "false"
            first = sum(len(acc.dtypes) for acc in plain)
            for group in p.rescaled:
                over = w.add(f"or i1 {over}, {group.overflows(v, sums[first])}")
                first += len(group.weights)
            fresh = w.add(f"xor i1 {again}, true")
            attempt.again = w.add(f"and i1 {over}, {fresh}")
            attempt.next = ["true"]
        return sums

    def _raise(
        self, rows: Scope, p: Pass, group: Rescaled, base: str, count: str, local: str
    ) -> None:
        """Raise a reference to the largest exponent of the tile."""
        w, v = self.w, self.v
        dtype = group.dtypes[0]
        outside = rows.inner()
        for n in walk(group.exponent):
            if self._fixed(n, self.kernel.inner[-1]):
                outside.value(n)
        start = [(v.type(dtype), v.constant(-np.inf, dtype))]
        with w.loop("top", "0", count, "1", start, nonempty=True) as pair:
            scope = self._pair_scope(outside, p, pair.counter, base)
            top = v.intrinsic("maxnum", dtype, pair.carried[0], scope.value(group.exponent))
            pair.next = [top]
        state, factor = group.raised(v, self._get(group, local), pair.results[0])
        self._put(group, local, state)
        for acc in p.wide:
            if isinstance(acc, WideRescaled) and acc.group is group:
                self._scale_wide(acc, local, factor)

    def _pair(
        self,
        rows: Scope,
        p: Pass,
        plain: list[Accumulator],
        pair: LoopHandle,
        base: str,
        mask: str | None,
        row: str,
    ) -> None:
        """The innermost loop's body."""
        w, v = self.w, self.v
        scope = self._pair_scope(rows, p, pair.counter, base)
        for n in p.pairwise:
            kind = vector_type(in_memory(n.dtype), v.lanes)
            where = f"getelementptr {kind}, ptr {self.products[id(n)]}, i64 {pair.counter}"
            w.do(f"store {kind} {self._memory_form(scope.value(n), n.dtype)}, ptr {w.add(where)}")
        states = iter(pair.carried)
        for acc in plain:
            state = [next(states) for _ in acc.dtypes]
            places, position = _short(acc)[-1], ""
            if positional(acc):
                element = scalar_type(places)
                short = places != INT
                at = w.add(f"trunc i64 {pair.counter} to {element}") if short else pair.counter
                position = v.splat(at, places)
            args = [scope.value(a) for a in acc.args]
            pair.next += acc.update(v, state, args, position, places)
        for group in p.rescaled:
            for body, dtype in zip(group.relative, group.dtypes[1:], strict=True):
                pair.next.append(v.binary("fadd contract", dtype, next(states), scope.value(body)))
        for acc in p.mirrored:
            old, image = self._get_column(acc, pair.counter), scope.value(acc.image)
            self._put_column(acc, pair.counter, acc.merge(v, old, [image]))
        for acc in p.columns:
            args = [scope.value(a) for a in acc.args]
            where = ""
            if positional(acc):
                first = w.add(f"mul i64 {row}, {v.lanes}")
                where = v.binary("add", INT, v.splat(first, INT), w.iota(v.lanes))
            old = self._get_column(acc, pair.counter)
            new = acc.update(v, old, args, where)
            if mask is not None:
                new = acc.masked(v, mask, new, old)
            self._put_column(acc, pair.counter, new)

    def _bind_packed(self, rows: Scope, p: Pass, local: str) -> None:
        """What is known of the rows, from the block's copy."""
        for n in p.hoisted:
            if id(n) in self.row_values:
                rows.bind(n, self._read([self.row_values[id(n)]], [n.dtype], local)[0])

    def _bind_finished(self, rows: Scope, local: str, before: Pass | None) -> None:
        """The results of the passes that are over."""
        for p in self.plan.passes:
            if p is before:
                break
            for acc in p.rows:
                state = self._get(acc, local)
                if isinstance(acc, Extreme) and acc.positions:
                    index = self._look_up(rows, acc, state[1])
                    for n in acc.positions:
                        rows.bind(n, index)
                for n in acc.nodes:
                    if rows.find(n) is None:
                        rows.bind(n, acc.finish(self.v, n, state))


def _short(acc: Accumulator) -> list[DType]:
    """The dtypes of a state within one tile: a position is as short as the values it belongs to."""
    if positional(acc) and acc.dtypes[0].itemsize <= 4:
        return [acc.dtypes[0], np.dtype(np.int32)]
    return acc.dtypes
