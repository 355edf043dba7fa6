"""Long sums inside each pair, such as Σ_d x_id y_jd with d up to hundreds.

For each vector of rows and each tile of the inner index, the sums are computed before the loop over
the pairs, a few columns at a time in registers, and stored: a matrix product whose two factors stay
in the caches. What depends on the row is transposed once per block, so that lanes are rows; what
depends on the column is read where it lies and broadcast.
"""

from __future__ import annotations

from ..scalar import Scalar
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
        w, v = self.w, self.v
        for contraction in p.contractions:
            (name,) = contraction.data.over
            size = self.arguments[f"size:{name}"]
            mine = [n for n in p.transposed if name in self.plan.free[id(n)]]
            with w.loop("transpose", begin, end, "1") as row:
                rows = self._row_scope(scope, row.counter)
                local = w.add(f"sub i64 {row.counter}, {begin}")
                with w.loop(name, "0", size, "1") as loop:
                    inside = rows.inner({name: loop.counter})
                    for n in mine:
                        value = self._memory_form(inside.value(n), n.dtype)
                        kind, where = self._transposed_slot(n, size, local, loop.counter)
                        w.do(f"store {kind} {value}, ptr {where}")

    def _transposed_slot(self, n: Scalar, size: str, local: str, d: str) -> tuple[str, str]:
        w = self.w
        kind = vector_type(in_memory(n.dtype), self.v.lanes)
        at = w.add(f"add i64 {w.add(f'mul i64 {local}, {size}')}, {d}")
        return kind, w.add(f"getelementptr {kind}, ptr {self.transposed[id(n)]}, i64 {at}")

    def _allocate_transposed(self) -> None:
        """Memory whose size depends on the extents of contracted indices."""
        w = self.w
        for p in self.plan.passes:
            for n in p.transposed:
                if id(n) in self.transposed:
                    continue
                contracted = self.plan.free[id(n)] & frozenset(self.kernel.named("contracted"))
                (name,) = contracted
                count = w.add(f"mul i64 {self.arguments[f'size:{name}']}, {CONTRACTED_BLOCK}")
                kind = vector_type(in_memory(n.dtype), self.v.lanes)
                self.transposed[id(n)] = w.add(f"alloca {kind}, i64 {count}, align 64", "memory")

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
                    where = w.add(f"getelementptr {kind}, ptr {self.products[id(contraction)]}, i64 {place}")
                    w.do(f"store {kind} {total}, ptr {where}")
