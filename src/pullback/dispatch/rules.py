"""Rules of backward passes that are made over and over: what is left of them.

The rules of a node ask the cotangents and what was saved for shapes and dtypes, as bodies do. So
the rules of calls with one key, for one choice of arguments with gradients, become one straight
line of NumPy's calls (`straight`) when they have been read a few times: chores of the kind, rules,
sums over broadcast axes and conversions. The engine calls it instead, where all its results are
asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from pullback.autograd.graph import Node
from pullback.autograd.operation_node import OperationNode
from pullback.backends.arrays import ARRAYS
from pullback.dispatch import looped
from pullback.dispatch.straight import straightened
from pullback.op import Pointwise

ndarray = np.ndarray
OFTEN = 8  # passes after which rules are made a straight line


class Rules:
    """The rules of the nodes of one key: `OperationNode.rules`."""

    __slots__ = ("dtype", "function", "places", "reads")

    def __init__(self) -> None:
        # (cotangents and saved values, one after the other) → the results at these edges; None
        # until it is made, False if there is none.
        self.function: Any = None
        self.places: tuple[int, ...] = ()
        self.dtype: Any = None  # of the first cotangent
        self.reads = 0

    def given(self, g: Any, values: tuple[Any, ...], edges: Sequence[Any], reached: Any) -> Any:
        """Pairs (edge, cotangent) for the one cotangent of an output; None where the rules must be
        read."""
        places = self.places
        if reached is not None:
            for k in places:
                if edges[k][0] not in reached:
                    return None
        parts = self._called(g, *values)
        return None if parts is None else zip(places, parts, strict=True)

    def _called(self, *arrays: Any) -> Any:
        """What the line gives; None where it fails: the rules are read, and say it in full."""
        try:
            return self.function(*arrays)
        except Exception:
            return None

    def results(
        self,
        node: OperationNode,
        cotangents: tuple[Any, ...],
        values: tuple[Any, ...],
        reached: Collection[Node] | None,
    ) -> Sequence[Any]:
        """What the rules give for arrays, aligned with the node's edges."""
        metas = node.output_metas
        if metas is not None:
            cotangents = node.materialise(cotangents, metas, False)
        edges = node.edges
        all_asked = reached is None or all(e is None or e[0] in reached for e in edges)
        if self.function and all_asked and cotangents[0].dtype is self.dtype:
            parts = self._called(*cotangents, *values)
            if parts is not None:
                results: list[Any] = [None] * len(edges)
                for k, part in zip(self.places, parts, strict=True):
                    results[k] = part if type(part) is ndarray else np.asarray(part)
                return results
        found = node.results(ARRAYS, cotangents, values, reached)
        if self.function is None and all_asked:
            self.reads += 1
            if self.reads == OFTEN:
                self._straighten(node, cotangents, values, found)
        return found

    def _straighten(
        self,
        node: OperationNode,
        cotangents: tuple[Any, ...],
        values: tuple[Any, ...],
        found: Sequence[Any],
    ) -> None:
        self.function = False
        places = tuple(k for k, g in enumerate(found) if g is not None)
        if not places or not all(type(g) is ndarray for g in cotangents):
            return
        count = len(cotangents)
        given = (*cotangents, *values)
        sources = node.plan.sources
        arrays = [k for k, v in enumerate(given) if type(v) is ndarray or _is_list_of_arrays(v)]
        varying = [*range(count), *(count + n for n, (what, _) in enumerate(sources)
                                    if what == "output")]  # fmt: skip

        alike = node.without_values()

        def body(xp: Any, given: list[Any]) -> Any:
            results = alike.results(xp, tuple(given[:count]), tuple(given[count:]), None)
            return tuple(results[k] for k in places)

        op = node.op
        title = f"the rules of {op.qualified_name}"
        line = straightened(
            title, body, given, arrays, tuple(found[k] for k in places), shapes=varying
        )
        if line is None:
            return

        def loop(line: Any, given: Any, result: Any) -> Any:
            return looped.looped(title, body, given, arrays, result, line, taken=range(len(given)))

        def better(function: Any) -> None:
            self.function = function

        self.places, self.dtype = places, cotangents[0].dtype
        if isinstance(op, Pointwise) and cotangents[0].size >= looped.WORTH:
            line = looped.Counted(line, loop, better)
        self.function = line  # other threads look at this one first


def _is_list_of_arrays(value: Any) -> bool:
    return type(value) is list and all(v is None or type(v) is ndarray for v in value)
