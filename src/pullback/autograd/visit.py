"""One backward pass: nodes from the youngest to the oldest.

Each is visited after everything that contributes to it, without recursion. Cotangents are arrays,
and rules run on arrays, unless the pass itself is recorded: then they are tensors.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.around import accumulate, after, before, own, tensor_hooks
from pullback.autograd.graph import AccumulateGrad, Node, fit_array
from pullback.autograd.modes import mode
from pullback.autograd.operation_node import OperationNode, steps
from pullback.autograd.versions import Latest
from pullback.autograd.watch import Anomaly, run_watched
from pullback.backends.arrays import ARRAYS, QUIET, quiet_reset, quiet_set
from pullback.tensor import wrap

ndarray = np.ndarray
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def reachable(roots: Iterable[Node], oldest: int) -> list[Node]:
    """The nodes below the roots that are not older than a time, from the oldest."""
    found: list[Node] = []
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen or node.time < oldest:
            continue
        seen.add(node)
        found.append(node)
        for edge in node.edges:
            if edge is not None:
                stack.append(edge[0])
    if len(found) > 1:
        found.sort(key=_time)
    return found


_time = operator.attrgetter("time")


def _needed(roots: list[tuple[Node, int, Any]], targets: list[tuple[Node, int]]) -> set[Node]:
    """The nodes from which a target can be reached, targets that nothing else needs excluded."""
    goals = {node for node, _ in targets}
    oldest = min([node.time for node in goals])
    needed: set[Node] = set()
    for node in reachable([node for node, _, _ in roots], oldest):
        for edge in node.edges:
            if edge is not None and (edge[0] in goals or edge[0] in needed):
                needed.add(node)
                break
    return needed


def run(
    roots: list[tuple[Node, int, Any]],
    targets: list[tuple[Node, int]] | None,
    retain: bool,
    record: bool,
    tensors: bool = False,
) -> dict[tuple[Node, int], Any]:
    """The backward pass. Gives the cotangents that arrive at the targets, if there are any.

    They are tensors if the pass is recorded, or `tensors` is set, and arrays else.
    """
    was_recording = mode.enabled
    around = mode.running
    token = None
    try:  # Ctrl-C may come after any call
        mode.switch(record)
        token = quiet_set(QUIET)
        if not (record or tensors or Anomaly.enabled) and roots and roots[0][0]._deferred:
            repeated = graph.REPEAT(roots, targets, retain)
            if repeated is not None:
                return _ended(repeated, targets)
        mode.running = running = _Pass(roots, targets, retain, record or tensors)
        captured = running.visit()
        for function in running.at_the_end:
            function()
        return captured
    finally:
        mode.running, mode.enabled = around, was_recording
        if token is not None:
            quiet_reset(token)
        mode.switch(was_recording)


def _ended(
    found: list[tuple[AccumulateGrad, Any, bool]], targets: list[tuple[Node, int]] | None
) -> dict[tuple[Node, int], Any]:
    """What a pass does at its leaves, which have no hooks."""
    if targets is not None:
        return {
            (leaf, 0): own(g) if shared and not _can_lend(g) else g for leaf, g, shared in found
        }
    for leaf, g, shared in found:
        accumulate(leaf, wrap(own(g) if shared else g), False)
    return {}


class _Pass:
    """One backward pass: what has arrived where, and who is next.

    Every node is older than its consumers: visiting the youngest of those that a cotangent has
    reached, each is complete when its turn comes. Leaves are the oldest, and wait aside.
    """

    def __init__(
        self,
        roots: list[tuple[Node, int, Any]],
        targets: list[tuple[Node, int]] | None,
        retain: bool,
        tensors: bool,
    ):
        self.retain = retain
        self.tensors = tensors
        self.watched = Anomaly.enabled
        # What hooks keep for the length of a pass, and ask for at its end.
        self.notes: dict[Any, Any] = {}
        self.at_the_end: list[Callable[[], None]] = []
        self.start = [node for node, _, _ in roots]
        self.below: set[Node] | None = None  # the nodes below the roots, once somebody asks
        self.targets = targets
        self.wanted: dict[Node, list[int]] = {}  # the targets' outputs
        for node, number in targets or ():
            self.wanted.setdefault(node, []).append(number)
        self.needed = None if targets is None else _needed(roots, targets)
        # The nodes that cotangents are sent to; None for all.
        self.reached = None if self.needed is None else self.needed | self.wanted.keys()
        self.captured: dict[tuple[Node, int], Any] = {}
        # The cotangent of a waiting node, or a list of them for several outputs.
        self.pending: dict[Node, Any] = {}
        self.heap: list[tuple[int, Node]] = []
        self.leaves: dict[Node, Any] = {}
        # The places whose cotangent is a sum made here, that can be added to in place.
        self.sums: set[tuple[Node, int]] = set()
        for node, number, g in roots:
            if self.reached is None or node in self.reached:
                self.send(node, number, g, shared=True)

    def visits(self, node: Node) -> bool:
        """Whether a cotangent of a node's outputs may arrive in this pass."""
        if self.reached is not None:
            return node in self.reached
        if self.below is None:
            self.below = set(reachable(self.start, 0))
        return node in self.below

    def send(self, node: Node, number: int, g: Any, shared: bool) -> None:
        """Add a cotangent to what has arrived for an output of a node.

        `shared`: somebody else may have the same memory.
        """
        if node.accumulates:
            have = self.leaves.get(node)
            if have is None:  # it becomes the leaf's gradient
                if shared and not self.tensors:
                    if self.targets is not None and _can_lend(g):
                        self.leaves[node] = g
                        return
                    g = own(g)
                self.leaves[node] = g
                self.sums.add((node, 0))
            else:
                self.leaves[node] = self.sum(node, 0, have, g)
            return
        pending = self.pending
        if node not in pending:
            heapq.heappush(self.heap, (-node.time, node))
            pending[node] = g if node.outputs == 1 else [None] * node.outputs
            if node.outputs == 1:
                return
        if node.outputs == 1:
            pending[node] = self.sum(node, 0, pending[node], g)
        else:
            have = pending[node][number]
            pending[node][number] = g if have is None else self.sum(node, number, have, g)

    def sum(self, node: Node, number: int, have: Any, g: Any) -> Any:
        """Two cotangents of one output; many of them cost one array."""
        if self.tensors:
            return graph.TENSORS.add(have, g)
        key = (node, number)
        if type(have) is not ndarray or type(g) is not ndarray:
            return _add(have, g)
        if key in self.sums and have.dtype is g.dtype:
            return np.add(have, g, out=have)
        self.sums.add(key)
        return np.asarray(np.add(have, g))

    def visit(self) -> dict[tuple[Node, int], Any]:
        """Go through the graph; gives the cotangents of the targets."""
        heap, pending, wanted, reached = self.heap, self.pending, self.wanted, self.reached
        short = not (self.tensors or self.watched)
        if short and heap and heap[0][1]._deferred:
            graph.REPLAY(self)
        free = not self.retain
        # The youngest of the waiting nodes, where it is known without the heap.
        ahead: Node | None = None
        ahead_g: Any = None
        while True:
            if ahead is not None:
                node, g, ahead = ahead, ahead_g, None
            elif heap:
                node = heapq.heappop(heap)[1]
                g = pending.pop(node)
            else:
                break
            way = node.way
            if not (way and short) or node in wanted or type(g) is not ndarray:
                self.general(node, g)
                continue
            # The short way: what `general` does, for most operations, at less than the cost of
            # NumPy's work on ten numbers.
            assert isinstance(node, OperationNode)
            plan = node.plan
            saves, calls, prepare = steps.get(plan) or steps.of(node.op, plan)
            dtype = g.dtype
            rules = node.rules
            if (
                (calls is None and rules is None) or (rules is not None and rules.function is None)
                or not (dtype is FLOAT32 or dtype is FLOAT64)
            ):  # fmt: skip
                self.general(node, g)
                continue
            values = node.values
            if values is None:
                raise node.used_up()
            if values and Latest.write > node.time:
                node.check_versions()
            edges = node.edges
            found: Any = None
            if rules is not None and rules.function and dtype is rules.dtype:
                found = rules.given(g, values, edges, reached)
            if found is None:
                if calls is None:
                    self.general(node, g)
                    continue
                found = self.read(node, g, calls, prepare)
            for k, result in found:
                if type(result) is not ndarray:
                    result = np.asarray(result)
                target, number = edges[k]
                if (
                    target.way
                    and ahead is None
                    and (not heap or (target.time > -heap[0][0] and target not in pending))
                ):
                    ahead, ahead_g = target, result
                    continue
                if ahead is not None:
                    self.send(ahead, 0, ahead_g, True)
                    ahead = None
                shared = target.accumulates and _is_shared(result, values, (g,))
                self.send(target, number, result, shared)
            if free and saves:
                node.values = None
        for leaf in list(self.leaves):
            g = self.leaves.pop(leaf)
            if leaf.hooks is None and self.targets is not None:  # what `general` does for it
                for number in wanted.get(leaf, ()):
                    self.captured[leaf, number] = g
            else:
                self.general(leaf, g)
        return self.captured

    def read(self, node: OperationNode, g: Any, calls: Any, prepare: Any) -> list[tuple[int, Any]]:
        """(edge, cotangent) for what the rules of an operation with one output give."""
        values: Any = node.values
        edges, reached = node.edges, self.reached
        if prepare is not None:
            pool = prepare(ARRAYS, (g,), values)
        found = []
        for k, rule, pick in calls:
            if reached is not None and edges[k][0] not in reached:
                continue  # the plan has no rule for an edge that is None
            if pick is None:
                result = rule(ARRAYS, g, *values)
            else:
                result = rule(ARRAYS, *pick(pool if prepare else (g, *values)))
            if result is None:
                continue
            if node.way == 2:
                meta = node._metas[k]  # type: ignore[index]  # way 2: there are some
                if meta is not None:
                    result = fit_array(result, meta)
            found.append((k, result))
        return found

    def general(self, node: Node, arrived: Any) -> None:
        """Visit one node: hooks, capture, accumulation, several outputs, records."""
        tensors = self.tensors
        if node.hooks is not None:
            arrived = tensor_hooks(node, arrived, tensors)
        for number in self.wanted.get(node, ()):
            g = arrived[number] if type(arrived) is list else arrived
            if g is not None:
                # A leaf's is nobody else's, but what it will be the gradient of goes on to others.
                self.captured[node, number] = g if tensors or node.accumulates else own(g)
        if isinstance(node, AccumulateGrad):
            if self.targets is None:
                accumulate(node, arrived if tensors else wrap(arrived), tensors)
            return
        if self.needed is not None and node not in self.needed:
            return
        cotangents = tuple(arrived) if type(arrived) is list else (arrived,)
        if node.hooks is not None:
            cotangents = before(node, cotangents, tensors)
        values = getattr(node, "values", None) or ()
        run = run_watched if self.watched else type(node).run
        results = run(node, cotangents, tensors, self.reached)
        if node.hooks is not None:
            results = after(node, results, cotangents, tensors)
        if not self.retain:
            node.release()
        for edge, g in zip(node.edges, results, strict=True):
            if edge is None or g is None:
                continue
            target, number = edge
            if self.reached is not None and target not in self.reached:
                continue
            shared = (
                target.accumulates
                and not tensors
                and (node.hooks is not None or node.lends or _is_shared(g, values, cotangents))
            )
            self.send(target, number, g, shared)


def _add(a: Any, b: Any) -> Any:
    if type(a) is ndarray and type(b) is ndarray:
        return np.add(a, b)
    return graph.VALUES.add(a, b)


def _can_lend(g: Any) -> bool:
    """Whether `grad` gives an array as it is, although others have it: PyTorch's gradients may be
    the caller's cotangents, or parts of them. Each element must have a place of its own."""
    return type(g) is ndarray and 0 not in g.strides and g.flags.writeable


def _is_shared(g: Any, values: Sequence[Any], cotangents: Sequence[Any]) -> bool:
    """Whether an array that a rule gave is, or may be, somebody else's as well."""
    if type(g) is ndarray and g.base is not None:
        return True
    for v in (*cotangents, *values):  # noqa: SIM110  # any() costs as much as ten of these
        if v is g or (type(v) is list and _holds(v, g)):
            return True
    return False


def _holds(values: Sequence[Any], g: Any) -> bool:
    for v in values:  # noqa: SIM110  # likewise
        if v is g:
            return True
    return False
