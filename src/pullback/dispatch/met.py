"""What is known of a call that the door has answered: what varies, and how its node is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.modes import mode
from pullback.autograd.operation_node import node_class
from pullback.autograd.versions import tick
from pullback.autograd.watch import watch
from pullback.dispatch.record import metas_of_outputs, saved
from pullback.dispatch.rules import Rules
from pullback.formula import narrow
from pullback.op import Composite, Op, Opaque, Pointwise
from pullback.operation import Plan
from pullback.tensor import Tensor

ndarray = np.ndarray
new = object.__new__


class Met:
    """A call that the door has answered."""

    __slots__ = ("args", "metas", "narrow", "op", "operands", "result", "values")

    def __init__(
        self, op: Op, args: Sequence[Any], values: Sequence[Any], result: Any, metas: Any
    ) -> None:
        self.op = op
        self.args = args
        self.values = values
        self.result = result
        self.metas = metas
        self.narrow = narrow.narrow_type(op, values)
        # What the declaration is read with.
        self.operands = values if self.narrow is None else narrow.widened(op, values)

    def rounding(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        """A function of operands, for those of the call, which may have numbers of 16 bits."""
        if self.narrow is None:
            return compute
        return narrow.rounding(self.op, self.values, compute, self.narrow)


class Converted:
    """How an operand is filled in that is converted to another dtype first."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


def fills_of(met: Met) -> list[tuple[int, Any]] | None:
    """Where arguments that vary go: (position, dtype of a number, or list, or Converted, or None).

    None where an argument became something else: that is not repeated here.
    """
    found: list[tuple[int, Any]] = []
    for k in met.op.tensors:
        argument, value = met.args[k], met.values[k]
        if type(argument) is Tensor:
            if type(value) is not ndarray or type(argument._value) is not ndarray:
                return None
            if value is argument._value:
                found.append((k, None))
            elif value.shape == argument._value.shape and value.dtype != argument._value.dtype:
                found.append((k, Converted(value.dtype)))
            else:
                return None
        elif isinstance(argument, (list, tuple)):
            for a, v in zip(argument, value, strict=True):
                if a is None and v is None:
                    continue
                if type(a) is not Tensor or v is not a._value or type(v) is not ndarray:
                    return None
            found.append((k, list))
        elif type(argument) in (int, float, complex, bool):
            found.append((k, value.dtype if type(value) is ndarray else type(argument)))
        elif argument is not None:
            return None
    return found


def limit_of(met: Met) -> int:
    """Elements for which the size rule would have to be asked again."""
    op = met.op
    sizes = [v.size for v in met.values if type(v) is ndarray]
    if isinstance(op, Pointwise):
        return max([int(met.result.size), *sizes])
    if isinstance(op, Composite):
        return max(sizes, default=0)
    grows = isinstance(op, Opaque) and op.grows_function is not None
    return int(met.result.size) if grows else 0


class Record:
    """How the node of a repeated call is made, for each choice of arguments with gradients."""

    def __init__(self, met: Met, fills: list[tuple[int, Any]]):
        self.op = op = met.op
        results = list(map(np.asarray, met.result if type(met.result) is tuple else (met.result,)))
        self.differentiable = bool(op.rules and results) and dtypes.kind(results[0].dtype) in "fc"
        self.overload = op.overload(*met.args) if op.overload is not None else 0
        self.metas = met.metas
        self.several = isinstance(met.result, tuple)
        self.output_metas = metas_of_outputs(op, results)
        self.narrow = narrow.has_narrow((*results, *met.values))
        # As the setters of the node have it.
        general = self.narrow or self.output_metas is not None
        self.way = 0 if general else 1 if met.metas is None else 2
        self.steps: dict[Any, Any] = {}
        self.varying = dict(fills)
        self.lists = frozenset(k for k, how in fills if how is list)
        # What rules may ask for that is the same at every call.
        self.constants: dict[tuple[str, int], Any] = {}
        if self.differentiable:
            rules = [
                rule for rule in op.rules.values()
                if isinstance(met.args[op.positions[rule.target]], (Tensor, list, tuple))
            ]  # fmt: skip
            names = {n for rule in rules for n in rule.names} | set(op.always_saved)
            for what, k in (op.source(n) for n in names if not op.is_cotangent(n)):
                if what != "output" and not (what == "argument" and k in self.varying):
                    self.constants[what, k] = saved(op, what, k, met.args, met.values)

    def step(self, needs: tuple[bool, ...], key: Any) -> tuple[Any, Plan, Callable[..., Any], Any]:
        """(class of the node, plan, function of (result, arguments) that gives what is saved, the
        rules); kept under a key, which says for each tensor of a list whether it has a gradient."""
        op = self.op
        plan = op.plan(needs)
        parts: list[str] = []
        names: dict[str, Any] = {}
        several = self.several
        rules = None if self.narrow else Rules()
        for n, (what, k) in enumerate(plan.sources):
            if what == "kept shape":
                names[f"c{n}"] = (self.constants[what, k], plan.saved_outputs)
                parts.append(f"c{n}")
            elif what == "output":
                parts.append(f"y[{k}]" if several else "y")
            elif what == "argument" and k in self.varying:
                how = self.varying[k]
                if not (how is None or how is list or type(how) is Converted):
                    rules = None  # a number, which may be another one
                parts.append(
                    f"args[{k}]._value" if how is None or type(how) is Converted
                    else f"[None if t is None else t._value for t in args[{k}]]" if how is list
                    else f"args[{k}]"
                )  # fmt: skip
            else:
                names[f"c{n}"] = self.constants[what, k]
                parts.append(f"c{n}")
        save = eval(f"lambda y, args: ({''.join(part + ', ' for part in parts)})", names)
        found = self.steps[key] = (node_class(op, self.overload), plan, save, rules)
        return found

    def node(
        self, needs: tuple[bool, ...], edges: tuple[Any, ...], y: Any, args: Any, key: Any = None
    ) -> Any:
        """The node of a call with this result, where gradients are recorded."""
        cls, plan, save, rules = self.steps.get(key or needs) or self.step(needs, key or needs)
        node = new(cls)
        node.edges = edges
        node.plan = plan
        node.values = save(y, args)
        node.time = tick()
        if rules is not None:
            node.rules = rules
        if self.way != 1:  # what is rare
            node.way = self.way
            node._metas = self.metas
            node._narrow = self.narrow
            if self.output_metas is not None:
                node._output_metas = self.output_metas
                node.outputs = len(self.output_metas)
        if mode.enabled is not True:
            watch(node)
        return node

    def node_of(self, y: Any, args: Any) -> Any:
        """The node, if one of the arguments has a gradient."""
        if not self.lists:
            edges = tuple([getattr(args[k], "_edge", None) for k in self.op.edges])
            needs = tuple([edge is not None for edge in edges])
            return self.node(needs, edges, y, args) if True in needs else None
        several: list[Any] = []
        found: list[bool] = []
        for k in self.op.edges:
            if k in self.lists:
                of_list = [None if t is None else t._edge for t in args[k]]
                several += of_list
                found.append(of_list.count(None) < len(of_list))
            else:
                edge = getattr(args[k], "_edge", None)
                several.append(edge)
                found.append(edge is not None)
        if True not in found:
            return None
        which = tuple([edge is not None for edge in several])
        return self.node(tuple(found), tuple(several), y, args, which)
