"""What is needed to call a kernel's machine code, kept beside it on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..loops import Buffer
from .search import Search, search_of

if TYPE_CHECKING:
    from .emit import Emitter


@dataclass(frozen=True)
class Facts:
    """How rows are cut, how much memory partial results take, and what the argument block holds."""

    lanes: int
    block: int  # vectors of rows whose accumulators are kept at once
    pairs: bool  # whether there are inner indices to sum over
    totals: int  # words of a task's partial results of outer reductions
    columns: int  # words per inner index of partial results of column sums; 0 without any
    long: tuple[tuple[str, int], ...]  # long indices: what a vector of rows keeps per value, bytes
    crosswise: tuple[tuple[str, int], ...]  # feature indices: words per inner index and value
    has_finish: bool
    names: tuple[str, ...]  # of the slots of the argument block
    buffers: tuple[Buffer, ...]
    scalars: tuple[tuple[str, np.dtype[Any]], ...]  # free variables
    search: Search | None = None  # what nearest columns it asks for, if nothing else

    @classmethod
    def of(cls, emitter: Emitter) -> Facts:
        plan = emitter.plan
        return cls(
            plan.lanes, plan.block, bool(plan.passes),
            sum(len(t.wide) for t in plan.totals), sum(len(c.wide) for c in plan.columns),
            plan.long_bytes, plan.cross_words, plan.has_finish, emitter.layout.names,
            plan.kernel.buffers,
            tuple((n.data, n.dtype) for n in plan.kernel.scalars), search_of(plan.kernel),
        )  # fmt: skip

    def words(self, sizes: Mapping[str, int]) -> int:
        """Words per inner index of all partial results of outer reductions."""
        return self.columns + sum(words * sizes[name] for name, words in self.crosswise)

    def dump(self) -> bytes:
        """As bytes."""
        plain = asdict(self) | {
            "buffers": [
                [b.name, b.dtype.str, b.rank, b.unit, b.storage, b.paired] for b in self.buffers
            ],
            "scalars": [[name, dtype.str] for name, dtype in self.scalars],
        }
        return json.dumps(plain).encode()

    @classmethod
    def load(cls, data: bytes) -> Facts:
        """From the bytes of `dump`."""
        plain = json.loads(data)
        plain["long"] = tuple((name, size) for name, size in plain["long"])
        plain["crosswise"] = tuple((name, words) for name, words in plain["crosswise"])
        plain["names"] = tuple(plain["names"])
        plain["buffers"] = tuple(Buffer(*b) for b in plain["buffers"])
        plain["scalars"] = tuple((name, np.dtype(d)) for name, d in plain["scalars"])
        plain["search"] = plain["search"] and Search(*plain["search"])
        return cls(**plain)
