"""What is in memory and what is recomputed: asked of the plan that evaluating would follow."""

from collections.abc import Callable, Sequence
from typing import Any

from pullback.formula import Formula
from pullback.formula.evaluate import planned
from pullback.formula.node import Source
from pullback.formula.plan import POLICIES, is_boundary
from pullback.graph.kernels import NameOf, described, is_pending, members, stored_by
from pullback.graph.model import Kernel
from pullback.graph.speed import Speed
from pullback.op import View
from pullback.tensor import wrap


class Storage:
    """Stored or recomputed, and by which kernels, for the values below some tensors."""

    def __init__(self, tensors: Sequence[Any]) -> None:
        values = [getattr(t, "_value", None) for t in tensors]
        self._roots: list[Any] = list(dict.fromkeys(v for v in values if is_pending(v)))
        self._order: list[Formula] = []
        self._stored = {id(r) for r in self._roots}
        self._kernels: dict[int, tuple[str, ...]] = {}
        if self._roots:
            self._order, self._sources, self._steps = planned(self._roots)
            self._stored |= stored_by(self._order, self._steps)
            for formula, title in members(self._order, self._steps):
                known = self._kernels.get(id(formula), ())
                self._kernels[id(formula)] = (*known, title)

    def described(self, name_of: NameOf, speed: Speed) -> tuple[Kernel, ...]:
        """The kernels in words and code."""
        if not self._roots:
            return ()
        return described(self._order, self._sources, self._steps, self._roots, name_of, speed)

    def is_stored(self, value: Any) -> bool:
        """Whether a value is in memory, or will be once it is needed."""
        while is_pending(value) and isinstance(value.op, View):
            value = value.arguments[0]  # a view takes no memory of its own
        if not is_pending(value) or id(value) in self._stored:
            return True
        if id(value) in self._kernels:
            return False
        return is_boundary(value, POLICIES[0])

    def kernels_of(self, value: Any) -> tuple[str, ...]:
        """The names of the kernels that compute a value on their way."""
        return self._kernels.get(id(value), ())


def arguments_below(
    node: Any, value: Any, learn: Callable[[Any, tuple[Any, int] | None], None]
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
