"""What is in memory and what is recomputed: asked of the plan that evaluating would follow."""

from collections.abc import Callable, Sequence
from typing import Any

from pullback.formula import Formula
from pullback.formula.evaluate import planned
from pullback.formula.node import Source
from pullback.formula.plan import POLICIES, Step, is_boundary
from pullback.graph.model import Kernel
from pullback.op import View
from pullback.tensor import wrap


def is_pending(value: Any) -> bool:
    """Whether a value is a formula that is not computed yet."""
    return type(value) is Formula and value.array is None


class Storage:
    """Stored or recomputed, and by which kernels, for the values below some tensors."""

    kernels: tuple[Kernel, ...] = ()

    def __init__(self, tensors: Sequence[Any], others: Sequence[Any] = ()) -> None:
        values = [getattr(t, "_value", None) for t in (*tensors, *others)]
        roots: list[Any] = list(dict.fromkeys(v for v in values if is_pending(v)))
        self._roots = {id(r) for r in roots}
        self._stored: set[int] = set()
        self._kernels: dict[int, tuple[str, ...]] = {}
        self._alive: list[Any] = roots
        self._planned = bool(roots)
        if roots:
            order, _, self._steps = planned(roots)
            self._alive = [*order]
            self._read(order, self._steps)

    def _read(self, order: Sequence[Formula], steps: Sequence[Step]) -> None:
        for step in steps:
            results = [place for _, place, _ in step.results] or step.numpy
            self._stored |= {id(order[k]) for k in results}
        kernels = 0
        for step in steps:
            if step.call is None:
                title = "NumPy"
                members = [order[k] for k in step.numpy]
            else:
                kernels += 1
                title = f"kernel {kernels}"
                members = self._inside([order[place] for _, place, _ in step.results])
            for node in members:
                known = self._kernels.get(id(node), ())
                if title not in known:
                    self._kernels[id(node)] = (*known, title)

    def _inside(self, results: list[Formula]) -> list[Formula]:
        """The formulas that a kernel computes on its way: down to what is stored."""
        found: dict[int, Formula] = {}
        stack = list(results)
        while stack:
            node = stack.pop()
            if id(node) in found:
                continue
            found[id(node)] = node
            for a in node.arguments:
                if is_pending(a) and id(a) not in self._stored:
                    stack.append(a)  # type: ignore[arg-type]  # pending: a formula
        return list(found.values())

    def is_stored(self, value: Any) -> bool:
        """Whether a value is in memory, or will be once it is needed."""
        while is_pending(value) and isinstance(value.op, View):
            value = value.arguments[0]  # a view takes no memory of its own
        if not is_pending(value) or id(value) in self._stored or id(value) in self._roots:
            return True
        if id(value) in self._kernels:
            return False
        return is_boundary(value, POLICIES[0])

    def kernels_of(self, value: Any) -> tuple[str, ...]:
        """The names of the kernels that compute a value on their way."""
        return self._kernels.get(id(value), ())

    def look_below(
        self, node: Any, value: Any, learn: Callable[[Any, tuple[Any, int] | None], None]
    ) -> None:
        """Tell `learn` of the arguments of a pending formula, and their places in the graph."""
        if not is_pending(value) or getattr(node, "op", None) is not value.op:
            return
        op = node.op
        for place, k in enumerate(op.edges):
            argument = value.values[k]
            if op.parameters[k].is_list or not isinstance(argument, Formula | Source):
                continue
            held = argument if is_pending(argument) else argument.array
            if held is not None and place < len(node.edges):
                learn(wrap(held), node.edges[place])
