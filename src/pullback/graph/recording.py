"""Remember where operations were written and what ran, while somebody wants to know.

Outside a recording nothing is remembered: operations take their short ways.
"""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from typing import Any

from pullback.autograd import engine, watch
from pullback.autograd.graph import Node
from pullback.formula.evaluate import set_observer
from pullback.graph.fold import fold
from pullback.graph.history import MADE_AT
from pullback.graph.kernels import described, members
from pullback.graph.model import Array, Graph, Kernel
from pullback.graph.names import Names, Variables, caller
from pullback.graph.speed import speed
from pullback.graph.walk import Walk
from pullback.locks import LOCK
from pullback.tensor import Tensor

MAX_GRAPHS = 20
"""Backward passes of more lines than this are not kept."""


class Recording:
    """What happened inside `record()`: the graphs of the backward passes, and the kernels that ran.

    All of it is plain data: no tensor is kept alive.
    """

    def __init__(self) -> None:
        self._graphs: list[tuple[str, Graph, dict[str, int]]] = []
        self._roots: list[weakref.ref[Any]] = []
        self._places: set[object] = set()
        # A number for each formula that was seen. Identities are used again once one is gone.
        self._numbers: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._last = 0
        # The kernels of each plan that ran; the plan is kept, so that its identity stays its own.
        self._plans: dict[int, tuple[tuple[Kernel, ...], Any]] = {}
        self._computed_by: dict[int, set[tuple[int, str]]] = {}  # formula: (plan, kernel)
        self._busy = False

    @property
    def graphs(self) -> tuple[tuple[str, Graph], ...]:
        """(the line that asked for it, the graph), with the kernels that ran and their times."""
        return tuple((title, self._finished(g, numbers)) for title, g, numbers in self._graphs)

    def __repr__(self) -> str:
        count = len(self._graphs)
        return f"Recording({count} graph{'s' * (count != 1)}; explore() writes a page of it)"

    def _repr_html_(self) -> str:
        """The pictures of all graphs, for notebooks."""
        from pullback.graph.dot import draw

        parts = [
            f"<h4>{escape(title)}</h4>{draw(fold(graph))._repr_html_()}"
            for title, graph in self.graphs
        ]
        return "\n".join(parts) or f"<p>{escape(repr(self))}</p>"

    def _finished(self, graph: Graph, numbers: Mapping[str, int]) -> Graph:
        """The graph with the kernels that computed its values, in the order in which they ran."""
        by_box = {key: self._computed_by.get(number, set()) for key, number in numbers.items()}
        plans = {plan for found in by_box.values() for plan, _ in found}
        counts = {"kernel": 0, "NumPy": 0}
        titles: dict[tuple[int, str], str] = {}
        kernels = []
        for plan, (found, steps) in self._plans.items():
            if plan not in plans:
                continue
            for kernel in found:
                word = kernel.name.partition(" ")[0]
                counts[word] += 1
                titles[plan, kernel.name] = f"{word} {counts[word]}"

            def made_by(arrays: Sequence[Array], plan: int = plan) -> tuple[Array, ...]:
                return tuple(
                    replace(a, made_by=titles[plan, a.made_by]) if a.made_by else a for a in arrays
                )

            for kernel, step in zip(found, steps, strict=True):
                kernels.append(
                    replace(
                        kernel,
                        name=titles[plan, kernel.name],
                        reads=made_by(kernel.reads),
                        writes=made_by(kernel.writes),
                        state="in memory" if kernel.state and step.seconds else kernel.state,
                        measured=step.seconds,
                        compiled=step.compiled,
                    )
                )
        if not kernels:
            return graph
        boxes = tuple(
            replace(
                box, kernels=tuple(t for m, t in titles.items() if m in by_box.get(box.key, ()))
            )
            for box in graph.boxes
        )
        return replace(graph, boxes=boxes, kernels=tuple(kernels))

    def _number(self, formula: Any) -> int:
        known = self._numbers.get(id(formula))
        if known is not None and known[0]() is formula:
            return known[1]
        self._last += 1
        self._numbers[id(formula)] = weakref.ref(formula), self._last
        return self._last

    # -- what a recording is told --

    def made(self, node: Node) -> None:
        """A node was made."""
        frame = caller()
        if frame is not None:
            node.metadata[MADE_AT] = frame.f_code, frame.f_lasti

    def asked(self, outputs: Sequence[Any], params: Mapping[str, Any] | None = None) -> None:
        """A backward pass is about to start, or a picture was asked for."""
        nodes = [t.grad_fn for t in outputs if getattr(t, "grad_fn", None) is not None]
        frame = caller()
        if self._busy or frame is None or not nodes or len(self._graphs) >= MAX_GRAPHS:
            return
        place = frame.f_code, frame.f_lasti
        if place in self._places or any(r() is n for r in self._roots for n in nodes):
            return  # the same line again, or the same graph
        self._places.add(place)
        self._roots += [weakref.ref(node) for node in nodes]
        self._busy = True
        try:
            measured = speed()
            with LOCK:  # no other thread computes what is looked at
                walk = Walk(list(outputs), params or {}, frame)
                graph = walk.graph(measured)
                numbers = {key: self._number(f) for key, f in walk.formulas().items()}
        finally:
            self._busy = False
        file = frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
        self._graphs.append((f"{file}, line {frame.f_lineno}", graph, numbers))

    def look_in(self, namespace: Mapping[str, Any]) -> None:
        """Where nobody asked for gradients: the graphs of the variables that nothing came of."""
        tensors = {
            name: value
            for name, value in namespace.items()
            if isinstance(value, Tensor) and value.grad_fn is not None and name[:1] != "_"
        }
        below: set[int] = set()
        stack = [node for t in tensors.values() for node, _ in t.grad_fn.next_functions]
        while stack:
            node = stack.pop()
            if node is not None and id(node) not in below:
                below.add(id(node))
                stack += [target for target, _ in node.next_functions]
        last = [t for t in tensors.values() if id(t.grad_fn) not in below]
        if not self._graphs and last:
            everything = {k: v for k, v in namespace.items() if isinstance(v, Tensor)}
            self._busy = True
            try:
                measured = speed()
                with LOCK:
                    graph = Walk(last, everything, None).graph(measured)
            finally:
                self._busy = False
            self._graphs.append(("", graph, {}))

    def evaluated(self, order: Any, sources: Any, steps: Any, roots: Any) -> None:
        """Formulas are about to be computed by these steps."""
        if self._busy:
            return
        self._busy = True
        try:
            if id(steps) not in self._plans:
                names = Names({}, Variables.of(caller()).tensors)
                found = described(order, sources, steps, roots, names.of_kernel, speed())
                self._plans[id(steps)] = found, steps
            for formula, title in members(order, steps):
                known = self._computed_by.setdefault(self._number(formula), set())
                known.add((id(steps), title))
        finally:
            self._busy = False


active: Recording | None = None


@contextmanager
def record() -> Iterator[Recording]:
    """Within the `with` block, pictures know the source line of every operation, and what ran.

    Operations are slower meanwhile: they take the long way, and look for the line that called them.
    A recording holds in all threads. Inside of another one, it is that one.

        with pullback.graph.record() as recording:
            loss = model(x).sum()
            loss.backward()
        pullback.graph.explore(recording)
    """
    global active
    if active is not None:
        yield active
        return
    recording = active = Recording()
    watch.set_recorder(recording.made)
    engine.before_pass = recording.asked
    set_observer(recording.evaluated)
    try:
        yield recording
    finally:
        watch.set_recorder(None)
        engine.before_pass = None
        set_observer(None)
        active = None
