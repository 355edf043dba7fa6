"""The loops of `extreme.py`: short tiles, doubts about NaNs, and the look-up of positions."""

from __future__ import annotations

from ..loops import INT
from ..scalar import walk
from .extreme import TILE, Extreme
from .frame import BYTE, in_memory
from .partials import Partials
from .plan import Pass
from .scope import Each, Scope
from .vector import BOOL, Vectors


class Extremes(Partials):
    """Maxima and minima of rows."""

    def _pair_scope(
        self, rows: Scope, p: Pass, counter: str, base: str, known: bool = True
    ) -> Scope:
        """The scope of one pair: what is packed is read and put in every lane."""
        w, v = self.w, self.v
        index = w.add(f"add i64 {base}, {counter}", "j")
        scope = rows.inner({self.kernel.inner[-1]: index})
        one = Vectors(w, 1, self.target)
        for n in p.packed:
            element = in_memory(n.dtype)
            where = w.add(f"getelementptr {element}, ptr {self.pack[id(n)]}, i64 {counter}")
            raw = w.add(f"load {element}, ptr {where}, align {max(1, n.dtype.itemsize)}")
            scope.bind(n, v.splat(one.cast(raw, BYTE, BOOL) if n.dtype == BOOL else raw, n.dtype))
        for n in p.contractions if known else ():
            kind = v.type(n.dtype)
            where = w.add(f"getelementptr {kind}, ptr {self.products[id(n)]}, i64 {counter}")
            scope.bind(n, w.add(f"load {kind}, ptr {where}"))
        return scope

    def _extreme_tiles(self, rows: Scope, p: Pass, base: str, count: str, local: str) -> None:
        """Short tiles, so that the index of an extreme is found again quickly."""
        w, v = self.w, self.v
        carried = []
        for acc in p.extremes:
            state = self._get(acc, local)
            carried += [(v.type(d), s) for d, s in zip(acc.dtypes, state, strict=True)]
        with w.loop("short", "0", count, str(TILE), carried, nonempty=True) as short:
            end = self._smaller(w.add(f"add i64 {short.counter}, {TILE}"), count)
            start = v.splat(w.add(f"add i64 {base}, {short.counter}"), INT)
            found = self._extreme_pairs(rows, p, base, short.counter, end)
            states = iter(short.carried)
            for acc, value in zip(p.extremes, found, strict=True):
                old = [next(states) for _ in acc.dtypes]
                short.next += acc.merge(v, old, [value, start])
        states = iter(short.results)
        for acc in p.extremes:
            self._put(acc, local, [next(states) for _ in acc.dtypes])

    def _extreme_pairs(self, rows: Scope, p: Pass, base: str, begin: str, end: str) -> list[str]:
        """The most extreme values of a short tile."""
        w, v = self.w, self.v
        quick = []
        for acc in p.extremes:
            kind = v.type(acc.dtypes[0])
            quick += [(kind, acc.identity(v)[0]), (kind, v.constant(0, acc.dtypes[0]))]
        with w.loop("pair", begin, end, "1", quick, nonempty=True) as pair:
            scope = self._pair_scope(rows, p, pair.counter, base)
            states = iter(pair.carried)
            for acc in p.extremes:
                state = [next(states), next(states)]
                pair.next += acc.quick(v, state, scope.value(acc.args[0]))
        values = pair.results[::2]
        doubt = "false"
        for acc, total in zip(p.extremes, pair.results[1::2], strict=True):
            nan = v.any(v.binary("fcmp uno", acc.dtypes[0], total, total))
            doubt = w.add(f"or i1 {doubt}, {nan}")
        with w.when(doubt, "nan") as branch:
            careful = [(v.type(acc.dtypes[0]), acc.identity(v)[0]) for acc in p.extremes]
            with w.loop("pair", begin, end, "1", careful, nonempty=True) as pair:
                scope = self._pair_scope(rows, p, pair.counter, base)
                pair.next = [
                    acc.exact(v, old, scope.value(acc.args[0]))
                    for acc, old in zip(p.extremes, pair.carried, strict=True)
                ]
        return [
            w.either(branch, v.type(acc.dtypes[0]), slow, fast)
            for acc, slow, fast in zip(p.extremes, pair.results, values, strict=True)
        ]

    def _look_up(self, rows: Scope, acc: Extreme, tile: str) -> str:
        """The index of the extreme: the tile's pairs once more, each lane in its own tile."""
        w, v = self.w, self.v
        dtype, name = acc.dtypes[0], self.kernel.inner[-1]
        body = acc.args[0]
        for n in walk(body):
            if self._fixed(n, name):
                rows.value(n)
        size = self.arguments[f"size:{name}"]
        last = v.splat(w.add(f"sub i64 {size}, 1"), INT)
        start = [(v.type(dtype), acc.identity(v)[0]), (v.type(INT), tile)]
        with w.loop("look", "0", self._smaller(size, str(TILE)), "1", start) as look:
            index = v.binary("add", INT, tile, v.splat(look.counter, INT))
            index = v.intrinsic("smin", INT, index, last)
            x = rows.inner({name: Each(index)}).value(body)
            take = acc.better(v, x, look.carried[0])
            look.next = [
                v.select(take, dtype, x, look.carried[0]),
                v.select(take, INT, index, look.carried[1]),
            ]
        return look.results[1]
