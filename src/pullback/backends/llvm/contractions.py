"""Long sums inside each pair, such as Σ_d x_id y_jd with d up to hundreds.

For each vector of rows and each tile of the inner index, the sums are computed before the loop over
the pairs, a few columns at a time in registers, and stored: a matrix product whose two factors stay
in the caches. What depends on the row is transposed once per block, so that lanes are rows; what
depends on the column is read where it lies and broadcast.
"""

from __future__ import annotations

from ..scalar import Scalar
from .accumulate import Accumulator
from .extremes import Extremes
from .frame import in_memory
from .plan import CONTRACTED_BLOCK, Pass
from .scope import Scope
from .text import vector_type

REGISTER_TILE = 4  # columns at a time


class Contractions(Extremes):
    """Tiles of long sums."""

    def _transpose(self, scope: Scope, p: Pass, begin: str, end: str) -> None:
        """Store what long sums need of the rows of a block: [row][d], vectors of rows."""
        w = self.w
        for n in p.transposed:
            name = self._long_index(n)
            size = self.arguments[f"size:{name}"]
            with w.loop("transpose", begin, end, "1") as row:
                rows = self._row_scope(scope, row.counter)
                local = w.add(f"sub i64 {row.counter}, {begin}")
                with w.loop(name, "0", size, "1") as loop:
                    value = self._memory_form(rows.inner({name: loop.counter}).value(n), n.dtype)
                    kind, where = self._transposed_slot(n, size, local, loop.counter)
                    w.do(f"store {kind} {value}, ptr {where}")

    def _long_index(self, n: Scalar) -> str:
        """The contracted or feature index that a node depends on."""
        long = {*self.kernel.named("contracted"), *self.kernel.named("feature")}
        (name,) = self.plan.free[id(n)] & long
        return name

    def _transposed_slot(self, n: Scalar, size: str, local: str, d: str) -> tuple[str, str]:
        w = self.w
        kind = vector_type(in_memory(n.dtype), self.v.lanes)
        at = w.add(f"add i64 {w.add(f'mul i64 {local}, {size}')}, {d}")
        return kind, w.add(f"getelementptr {kind}, ptr {self.transposed[id(n)]}, i64 {at}")

    def _allocate_transposed(self) -> None:
        """Memory whose size depends on the extents of contracted indices."""
        w, v = self.w, self.v
        for p in self.plan.passes:
            for n in p.transposed:
                if id(n) in self.transposed:
                    continue
                size = self.arguments[f"size:{self._long_index(n)}"]
                count = w.add(f"mul i64 {size}, {CONTRACTED_BLOCK}")
                kind = vector_type(in_memory(n.dtype), self.v.lanes)
                self.transposed[id(n)] = w.add(f"alloca {kind}, i64 {count}, align 64", "memory")

            for acc in p.wide:
                size = self._padded(acc)
                count = w.add(f"mul i64 {size}, {CONTRACTED_BLOCK}")
                kind = v.type(acc.dtypes[0])
                self.wide_sums[id(acc)] = w.add(f"alloca {kind}, i64 {count}, align 64", "memory")

    def _padded(self, acc: Accumulator) -> str:
        """The extent of a wide sum's feature index, with room for a whole register tile."""
        size = self.arguments[f"size:{self._feature(acc)}"]
        return self.w.add(f"add i64 {size}, {REGISTER_TILE}")

    def _feature(self, acc: Accumulator) -> str:
        features = frozenset(self.kernel.named("feature"))
        (name,) = self.plan.free[id(acc.args[0])] & features
        return name

    def _wide_slot(self, acc: Accumulator, local: str, e: str) -> str:
        w, kind = self.w, self.v.type(acc.dtypes[0])
        line = w.add(f"mul i64 {local}, {self._padded(acc)}")
        at = w.add(f"add i64 {line}, {e}")
        return w.add(f"getelementptr {kind}, ptr {self.wide_sums[id(acc)]}, i64 {at}")

    def _wide_value(self, acc: Accumulator, local: str, e: str) -> str:
        return self.w.add(
            f"load {self.v.type(acc.dtypes[0])}, ptr {self._wide_slot(acc, local, e)}"
        )

    def _clear_wide(self, p: Pass, local: str) -> None:
        v = self.v
        for acc in p.wide:
            with self.w.loop("clear", "0", self._padded(acc), "1") as loop:
                where = self._wide_slot(acc, local, loop.counter)
                zero = v.constant(0, acc.dtypes[0])
                self.w.do(f"store {v.type(acc.dtypes[0])} {zero}, ptr {where}")

    def _wide_tile(self, rows: Scope, p: Pass, base: str, count: str, local: str) -> None:
        """Add a tile of columns to the wide sums of one vector of rows."""
        w, v = self.w, self.v
        for acc in p.wide:
            name, dtype = self._feature(acc), acc.dtypes[0]
            kind, size = v.type(dtype), self.arguments[f"size:{name}"]
            mine = [n for n in p.transposed if name in self.plan.free[id(n)]]
            last = w.add(f"sub i64 {size}, 1")
            with w.loop("features", "0", size, str(REGISTER_TILE)) as features:
                places = [w.add(f"add i64 {features.counter}, {k}") for k in range(REGISTER_TILE)]
                scopes = []
                for place in places:
                    e = self._smaller(place, last)
                    scope = rows.inner({name: e})
                    for n in mine:
                        slot_kind, where = self._transposed_slot(n, size, local, e)
                        scope.bind(n, w.add(f"load {slot_kind}, ptr {where}"))
                    scopes.append(scope)
                start = [(kind, v.constant(0, dtype))] * REGISTER_TILE
                with w.loop("pair", "0", count, "1", start, nonempty=True) as pair:
                    shared = self._pair_scope(rows, p, pair.counter, base, known=False)
                    for n in p.pairwise:
                        at = w.add(
                            f"getelementptr {v.type(n.dtype)}, ptr {self.products[id(n)]}, "
                            f"i64 {pair.counter}"
                        )
                        shared.bind(n, w.add(f"load {v.type(n.dtype)}, ptr {at}"))
                    for scope, total in zip(scopes, pair.carried, strict=True):
                        inside = shared.inner(scope.indices | shared.indices)
                        for n in mine:
                            inside.bind(n, scope.value(n))
                        term = inside.value(acc.args[0])
                        pair.next.append(v.primitive("add", dtype, dtype, [total, term]))
                for place, total in zip(places, pair.results, strict=True):
                    where = self._wide_slot(acc, local, place)
                    old = w.add(f"load {kind}, ptr {where}")
                    new = v.primitive("add", dtype, dtype, [old, total])
                    w.do(f"store {kind} {new}, ptr {where}")

    def _contract_tile(self, rows: Scope, p: Pass, base: str, count: str, local: str) -> None:
        """The long sums of one vector of rows with a tile of columns."""
        w, v = self.w, self.v
        last = w.add(f"sub i64 {count}, 1")
        for contraction in p.contractions:
            (name,) = contraction.data.over
            dtype, kind = contraction.dtype, v.type(contraction.dtype)
            size = self.arguments[f"size:{name}"]
            mine = [n for n in p.transposed if name in self.plan.free[id(n)]]
            with w.loop("columns", "0", count, str(REGISTER_TILE), nonempty=True) as columns:
                places = [w.add(f"add i64 {columns.counter}, {k}") for k in range(REGISTER_TILE)]
                scopes = []
                for place in places:
                    inside = self._smaller(place, last)
                    scopes.append(self._pair_scope(rows, p, inside, base, known=False))
                start = [(kind, v.constant(0, dtype))] * REGISTER_TILE
                with w.loop(name, "0", size, "1", start) as loop:
                    shared = {}
                    for n in mine:
                        slot_kind, where = self._transposed_slot(n, size, local, loop.counter)
                        shared[n] = w.add(f"load {slot_kind}, ptr {where}")
                    for scope, total in zip(scopes, loop.carried, strict=True):
                        inside_sum = scope.inner({name: loop.counter})
                        for n, value in shared.items():
                            inside_sum.bind(n, value)
                        term = inside_sum.value(contraction.args[0])
                        loop.next.append(v.primitive("add", dtype, dtype, [total, term]))
                for place, total in zip(places, loop.results, strict=True):
                    where = w.add(
                        f"getelementptr {kind}, ptr {self.products[id(contraction)]}, i64 {place}"
                    )
                    w.do(f"store {kind} {total}, ptr {where}")
