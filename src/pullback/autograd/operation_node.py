"""The nodes of registered operations: what is saved, and the rules that a backward step reads."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from pullback.autograd import graph
from pullback.autograd.graph import Edge, Meta, Node, fit
from pullback.autograd.saved import RawSaved, unpack_values
from pullback.autograd.versions import Latest, tick, written_since
from pullback.backends.arrays import ARRAYS
from pullback.config import config
from pullback.formula import Formula, as_formula
from pullback.formula.narrow import wide, wide_dtype, wide_value
from pullback.operation import Op, Plan
from pullback.tensor import Tensor, wrap


def _is_formula(g: Any) -> bool:
    return type(g) is Formula


def _unread(g: Tensor | None) -> Tensor | None:
    """A cotangent as a formula, however small: so is all that a rule makes of it, and the loops
    that compute it know what of."""
    if g is None or type(g._value) is not np.ndarray or g._value.dtype.kind not in "fc":
        return g
    return wrap(as_formula(g._value), g._edge)


def _as_value(result: Any, xp: Any) -> Any:
    """What a rule gave, where it may be one of NumPy's numbers."""
    is_number = xp is not graph.TENSORS and isinstance(result, np.generic)
    return np.asarray(result) if is_number else result


Kind = tuple[int, tuple[Meta | None, ...] | None, bool, bool, int]


_numbers: dict[Any, int] = {}
_next_number = itertools.count(1).__next__
MAX_NUMBERS = 100_000


def number_of(node: OperationNode) -> int:
    """A number for the plan and the metas of a node, which no others have."""
    what = node.plan, node.metas
    found = _numbers.get(what)
    if found is None:
        if len(_numbers) >= MAX_NUMBERS:
            _numbers.clear()
        found = _numbers.setdefault(what, _next_number())
    node.number = found
    return found


NOWHERE: Any = (None, 0)  # the edge of a node that is only read


class OperationNode(Node):
    """The backward step of a registered operation; each has a subclass of its own name."""

    op: ClassVar[Op]
    hidden: ClassVar[frozenset[int]] = frozenset()  # edges of Python numbers, which are no inputs

    way = 1

    plan: Plan
    # What the rules need, as the plan lists it; None once released.
    values: tuple[Any, ...] | None
    _metas: tuple[Meta | None, ...] | None = None
    _output_metas: tuple[Meta, ...] | None = None
    _deferred: bool = False
    _narrow: bool = False
    number: int = 0  # of plan and metas, once somebody asks: `number_of`
    packed: bool = False  # whether hooks decide where the values are kept
    # The rules of calls that are made over and over (`dispatch.rules`).
    rules: Any = None

    def __init__(self, edges: tuple[Edge, ...], plan: Plan, values: tuple[Any, ...]):
        # The hot path of every recorded operation: what is rare is set by who needs it.
        self.edges = edges
        self.plan = plan
        self.values = values
        self.time = tick()

    def kind(self) -> Kind:
        """What a node has beside its plan, edges and values."""
        return self.way, self._metas, self._deferred, self._narrow, number_of(self)

    def be_like(self, kind: Kind) -> None:
        """Be of the kind of another node of the operation; this one is new."""
        self.way, self._metas, self._deferred, self._narrow, self.number = kind

    @property
    def metas(self) -> tuple[Meta | None, ...] | None:
        """Shape and dtype of each input, where they differ from what the rules give."""
        return self._metas

    @metas.setter
    def metas(self, metas: tuple[Meta | None, ...] | None) -> None:
        self._metas = metas
        self.number = 0
        self.way = min(self.way, 1) * 2

    @property
    def output_metas(self) -> tuple[Meta, ...] | None:
        """Shape and dtype of the outputs, if there are several."""
        return self._output_metas

    @output_metas.setter
    def output_metas(self, metas: tuple[Meta, ...] | None) -> None:
        self._output_metas = metas
        self.way = 0

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        found = super().next_functions
        return tuple(f for k, f in enumerate(found) if k not in self.hidden)

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> Sequence[Any]:
        values = self.values
        if values is None:
            raise self.used_up()
        deferred = self.deferred
        if self.packed:
            values = unpack_values(values, self.time, self.name())
            deferred = any(map(_is_formula, values))
        elif Latest.write > self.time:
            self.check_versions()
        if tensors:
            if deferred:
                cotangents = tuple(map(_unread, cotangents))
            return self.results(graph.TENSORS, cotangents, self._as_tensors(values), reached)
        lazy = deferred or any(map(_is_formula, cotangents))
        if self._narrow:
            change = wide_value if lazy else wide
            cotangents, values = tuple(map(change, cotangents)), tuple(map(change, values))
        if lazy:
            results: Sequence[Any] = graph.VALUES.run(self, cotangents, values, reached)
            return results
        if self.rules is not None:
            results = self.rules.results(self, cotangents, values, reached)
            return results
        return self.results(ARRAYS, cotangents, values, reached)

    def results(
        self,
        xp: Any,
        cotangents: tuple[Any, ...],
        values: tuple[Any, ...],
        reached: Collection[Node] | None,
    ) -> Sequence[Any]:
        """What the rules give, read with a vocabulary; aligned with `edges`."""
        tensors = xp is graph.TENSORS
        output_metas = self._output_metas
        if output_metas is not None:
            if self._narrow and not tensors:
                output_metas = tuple((shape, wide_dtype(dtype)) for shape, dtype in output_metas)
            cotangents = self.materialise(cotangents, output_metas, tensors)
        conjugate = self.op.holomorphic and _any_complex(cotangents, tensors)
        if conjugate:
            cotangents = tuple(xp.conj(g) for g in cotangents)
        pool = self.op.prepare(xp, cotangents, values)
        edges = self.edges
        results: list[Any] = [None] * len(edges)
        for k, rule, pick in self.plan.calls:
            if reached is not None and not self._reaches(k, reached):
                continue
            result = rule(xp, *pick(pool))
            if type(result) is list or type(result) is tuple:  # the argument is a sequence
                for i, part in enumerate(result, start=k):
                    if edges[i] is not None and part is not None:
                        part = xp.conj(part) if conjugate else part
                        results[i] = _as_value(part, xp)
                continue
            if conjugate and result is not None:
                result = xp.conj(result)
            results[k] = result if result is None else _as_value(result, xp)
        metas = self._metas
        if metas is not None:
            for k, meta in enumerate(metas):
                if meta is not None and results[k] is not None:
                    results[k] = fit(xp, results[k], meta, tensors)
        if tensors and self.op.flat:
            results = [g if g is None or edge is None else xp.flat_in(g, _standing_for(g, edge))
                       for g, edge in zip(results, edges, strict=True)]  # fmt: skip
        return results

    def without_values(self) -> OperationNode:
        """A node with the same rules that saves nothing and leads nowhere, to read them with."""
        made: OperationNode = object.__new__(type(self))
        made.plan = self.plan
        made.edges = tuple([e and NOWHERE for e in self.edges])
        made.be_like(self.kind())
        return made

    @property
    def deferred(self) -> bool:
        """Whether a value is a formula."""
        return self._deferred

    @deferred.setter
    def deferred(self, deferred: bool) -> None:
        self._deferred = deferred
        self.way = 0

    @property
    def narrow(self) -> bool:
        """Whether there are numbers of 16 bits among operands and results: rules see float32."""
        return self._narrow

    @narrow.setter
    def narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self.way = 0

    def _reaches(self, k: int, reached: Collection[Node]) -> bool:
        """Whether somebody waits for the cotangent of edge k, or of those of a sequence."""
        edges = self.edges
        if len(edges) > len(self.op.edges):  # one argument is a sequence
            return any(edge is not None and edge[0] in reached for edge in edges)
        edge = edges[k]
        return edge is not None and edge[0] in reached

    def used_up(self) -> RuntimeError:
        """The error of a second pass through values that are gone."""
        return RuntimeError(
            f"Trying to backward through the graph a second time (or directly access saved "
            f"tensors after they have already been freed): the values that {self.name()} saved "
            f"were freed by the first backward pass. Specify retain_graph=True in the first call "
            f"of .backward() or autograd.grad()"
        )

    @staticmethod
    def materialise(
        cotangents: tuple[Any, ...], metas: tuple[Meta, ...], tensors: bool
    ) -> tuple[Any, ...]:
        """Zeros for the outputs that no cotangent reached."""
        filled = []
        for g, (shape, dtype) in zip(cotangents, metas, strict=True):
            if g is None:
                zeros = (
                    np.zeros(shape, dtype)
                    if math.prod(shape) <= config.defer_elements
                    else (np.broadcast_to(np.zeros((), dtype), shape))
                )  # of what is never stored
                g = wrap(zeros) if tensors else zeros
            filled.append(g)
        return tuple(filled)

    def _as_tensors(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The saved values as tensors with their place in the graph."""
        op = self.op
        wrapped = []
        for (what, k), value in zip(self.plan.sources, values, strict=True):
            if what == "output":
                number = k if op.outputs else 0
                integer = bool(op.outputs) and op.outputs[k] in op.integer_outputs
                value = wrap(value, None if integer else (self, number))
            elif what == "argument" and op.parameters[k].is_tensor:
                position = op.edges.index(k) if k in op.edges else -1
                if op.parameters[k].is_list:
                    edges = self.edges[position:] if position >= 0 else (None,) * len(value)
                    value = [None if v is None else wrap(v, e)
                             for v, e in zip(value, edges, strict=True)]  # fmt: skip
                elif hasattr(value, "dtype"):  # a number stays a number
                    value = wrap(value, self.edges[position] if position >= 0 else None)
            wrapped.append(value)
        return tuple(wrapped)

    def check_versions(self) -> None:
        """RuntimeError if a saved value was overwritten."""
        for name, array in self._saved_arrays(self.values or ()):
            # A formula keeps its numbers; but its tensors were overwritten, and that is an error.
            if written_since(array, self.time):
                raise RuntimeError(
                    f"one of the variables needed for gradient computation has been modified by "
                    f"an inplace operation: {name!r}, of shape {list(array.shape)}, which "
                    f"{self.name()} had saved. Use the operation without the underscore, or "
                    f"write into a .clone()"
                )

    def _saved_arrays(self, values: tuple[Any, ...]) -> list[tuple[str, Any]]:
        found = []
        for name, (what, k), value in zip(
            self.plan.saved_names, self.plan.sources, values, strict=True
        ):
            if what == "output" or (what == "argument" and self.op.parameters[k].is_tensor):
                several = value if isinstance(value, (list, tuple)) else [value]
                found += [(_public_name(name), v) for v in several if hasattr(v, "dtype")]
        return found

    def release(self) -> None:
        if (
            self.values and steps.of(self.op, self.plan).saves
        ):  # a node that saves no tensor can run again
            self.values = None

    @property
    def released(self) -> bool:
        return self.values is None

    def saved(self) -> list[tuple[str, Tensor | None]]:
        if self.values is None:
            return []
        return [(name, wrap(array)) for name, array in self._saved_arrays(self.values)]

    def attributes(self) -> dict[str, Any]:
        if self.values is None:
            return {}
        tensors = {name for name, _ in self._saved_arrays(self.values)}
        pairs = zip(self.plan.saved_names, self.values, strict=True)
        return {_public_name(n): v for n, v in pairs if _public_name(n) not in tensors}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_raw_saved_"):
            wanted = name.removeprefix("_raw_saved_")
            for k, saved_name in enumerate(self.plan.saved_names):
                if _public_name(saved_name) == wanted:
                    return RawSaved(self, k, wanted)
        if name.startswith("_saved_"):
            wanted = name.removeprefix("_saved_")
            if self.values is None and wanted in map(_public_name, self.plan.saved_names):
                raise self.freed(wanted)
            if self.packed and self.values is not None:
                for saved_name, value in zip(self.plan.saved_names, self.values, strict=True):
                    if _public_name(saved_name) == wanted:
                        (value,) = unpack_values((value,), self.time, self.name())
                        return wrap(value) if hasattr(value, "shape") else value
            for saved_name, tensor in self.saved():
                if saved_name == wanted:
                    if tensor is not None and tensor._value.dtype.kind in "fc":
                        tensor._edge = self._place(wanted)
                    return tensor
            attributes = self.attributes()
            if wanted in attributes:
                return attributes[wanted]
        raise AttributeError(f"{self.name()} has no attribute {name!r}")

    def freed(self, wanted: str) -> RuntimeError:
        """The error for what was let go of."""
        return RuntimeError(
            f"Trying to backward through the graph a second time (or directly access saved tensors "
            f"after they have already been freed): {self.name()} had saved {wanted!r}. Specify "
            f"retain_graph=True if you need to backward through the graph a second time"
        )

    def _place(self, wanted: str) -> Edge:
        """The place in the graph of a saved tensor, by its public name; None if it is a part."""
        for saved_name, (what, k) in zip(self.plan.saved_names, self.plan.sources, strict=True):
            if _public_name(saved_name) == wanted:
                if what == "output":
                    return (self, k)
                if k in self.op.edges and len(self.edges) == len(self.op.edges):
                    return self.edges[self.op.edges.index(k)]
        return None

    def __dir__(self) -> list[str]:
        saved = [f"_saved_{_public_name(n)}" for n in self.plan.saved_names]
        return [*super().__dir__(), *saved]


def _standing_for(g: Tensor, edge: Edge) -> Tensor:
    """A tensor of that shape and dtype in another's place in the graph."""
    return wrap(np.broadcast_to(np.zeros((), g.dtype.numpy), tuple(g.shape)), edge)


def _any_complex(cotangents: tuple[Any, ...], tensors: bool) -> bool:
    return any((g._value if tensors else g).dtype.kind == "c" for g in cotangents)


def _public_name(name: str) -> str:
    """PyTorch's name of a saved value."""
    return {"input": "self", "y": "result", "input_shape": "self_sym_sizes"}.get(name, name)


class Step(NamedTuple):
    """A plan, as the short way of the backward pass reads it."""

    # Whether a backward pass without `retain_graph` lets tensors go.
    saves: bool
    # (index of the edge, rule, what the rule takes out of (cotangent, *saved values), None for
    # everything in order); None if there are several outputs or a sequence of inputs.
    calls: tuple[tuple[int, Callable[..., Any], Any], ...] | None
    # The kind's chores before the rules, if it has any.
    prepare: Callable[..., Any] | None


class _Steps(dict[Plan, Step]):
    """The steps of the plans met so far."""

    def of(self, op: Op, plan: Plan) -> Step:
        """The step of an operation's plan; made once."""
        if plan in self:
            return self[plan]
        parameters = op.parameters
        saves = any(
            what == "output" or (what == "argument" and parameters[k].is_tensor)
            for what, k in plan.sources
        )
        prepare = None if type(op).prepare is Op.prepare else op.prepare
        calls = None
        if not (op.many or len(op.cotangents) > 1 or any(parameters[k].is_list for k in op.edges)):
            pool = tuple(range(1 + len(plan.sources)))
            calls = tuple(
                (k, rule, None if prepare is None and pick(pool) == pool else pick)
                for k, rule, pick in plan.calls
            )
        found = self[plan] = Step(saves, calls, prepare)
        return found


steps = _Steps()


_classes: dict[tuple[int, int], type[OperationNode]] = {}


def node_class(op: Op, overload: int = 0) -> type[OperationNode]:
    """The class of an operation's nodes, such as MulBackward0."""
    found = _classes.get((id(op), overload))
    if found is None:
        name = f"{op.node}Backward{overload}{op.node_suffix}"
        hidden = op.hidden(overload)
        known = {"op": op, "hidden": hidden, "__module__": graph.__name__}
        found = type(name, (OperationNode,), known)
        found = _classes.setdefault((id(op), overload), found)
    return found
