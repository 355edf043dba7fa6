"""Recipes: what comes out of a call that gives a formula, again on other tensors.

The first calls of a kind go through what their recipe has written down. Then it is compiled: the
formulas that the operation is made of and the node, one after the other, in one Python function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import formula
from pullback.autograd.versions import tick
from pullback.autograd.views import note_apart
from pullback.backends.arrays import ARRAYS
from pullback.config import config
from pullback.dispatch.promotion import number_array
from pullback.formula import Formula, narrow, source
from pullback.formula.node import Template
from pullback.formula.waiting import note
from pullback.op import Op, View
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray
OFTEN = 4  # repeated calls after which a recipe is compiled


class Recipe:
    """The outcome of a call: which formula of which values, and which node that saves what."""

    __slots__ = (
        "_constants", "_edges", "_fills", "_like", "_make", "_maker", "_op", "_plan",
        "_repeats", "_rounds", "_saves", "_view", "function",
    )  # fmt: skip

    def __init__(self, op: Op, args: Sequence[Any], given: Sequence[Any], node: Any):
        self._op = op
        self._repeats = 0
        # `repeat` as one compiled function of all arguments, once it was called a few times.
        self.function: Any = None
        self._rounds = narrow.narrow_type(op, given) is not None
        self._constants = list(given)
        # (position, dtype to convert to or None) of tensors, (position, dtype) of numbers.
        self._fills: list[tuple[int, Any]] = []
        for k in op.tensors:
            if isinstance(args[k], Tensor):
                as_it_is = given[k] is args[k]._value
                self._fills.append((k, None if as_it_is else given[k].dtype))
            elif type(given[k]) is ndarray:
                self._fills.append((k, given[k].dtype))
        for k, _ in self._fills:  # what is filled in anew is not kept alive
            self._constants[k] = None
        self._maker: Any = None
        self._edges = op.edges
        self._view = (op, tuple(given[1:]), None) if isinstance(op, View) else None
        self._make = None
        if node is not None:
            self._make = type(node)
            self._plan = node.plan
            self._like = node.kind()
            self._saves: list[tuple[str, Any]] = []
            for (what, k), value in zip(node.plan.sources, node.values, strict=True):
                follows = what == "output" or (what == "argument" and k in op.tensors)
                self._saves.append((what, k) if follows else ("constant", value))

    def repeat(self, args: Sequence[Any]) -> Tensor | None:
        """The same with other tensors and numbers.

        None for a view, or a copy, of what another thread has given numbers to since the recipe was
        found.
        """
        if self.function is not None:
            compiled: Tensor | None = self.function(*args)
            return compiled
        self._repeats += 1
        if self._repeats == OFTEN:
            self.function = self._compiled(args)
        given = self._constants[:]
        for k, dtype in self._fills:
            a = args[k]
            if type(a) is Tensor:
                given[k] = a._value if dtype is None else cast(a._value, dtype)
            else:
                given[k] = number_array(a, dtype)
        whole = given[0]
        if self._view is not None and type(whole) is not Formula:
            return None
        result = self._built(given)
        if type(result) is not Formula:
            return None
        if result.nodes > config.max_formula_nodes:
            formula.limit(result)
        make = self._make
        if make is None:
            return self._noted(wrap(result), args, whole)
        saved = []
        for what, k in self._saves:
            if what == "output":
                saved.append(result)
            elif what == "argument":
                a = args[k]
                saved.append(a._value if type(a) is Tensor else a)
            else:
                saved.append(k)
        edges = tuple(
            [a._edge if type(a) is Tensor else None for a in map(args.__getitem__, self._edges)]
        )
        node = make(edges, self._plan, tuple(saved))
        node.be_like(self._like)
        return self._noted(wrap(result, (node, 0)), args, whole)

    def _built(self, given: list[Any]) -> Any:
        """The formula. Operands are of known kinds: how it is made is looked up once."""
        if self._rounds:
            return narrow.built(self._op, given)
        maker = self._maker
        if maker is None:  # looked up in each call, if it may be another one
            result = formula.build(self._op, given)
            self._maker = formula.lasting_maker(self._op, given)
            return result
        operands = []
        for k, _ in self._fills:
            v = given[k]
            if type(v) is ndarray:
                v = given[k] = source(v)
            operands.append(v)
        if self._op.check_function is not None:
            self._op.check_function(formula.FORMULAS, *given)
        if type(maker) is Template:
            return Formula(maker, tuple(given), operands)
        return maker.expand(operands)

    def _noted(self, made: Tensor, args: Sequence[Any], whole: Any) -> Tensor:
        """A result that others are told of."""
        note(made)
        if self._view is not None:
            note_apart(made, args[0], whole, self._view)
        return made

    def _compiled(self, args: Sequence[Any]) -> Callable[..., Any] | None:
        """`repeat` for arguments of these classes; None where it is more than one way."""
        op, maker = self._op, self._maker
        if self._rounds or maker is None:
            return None
        names = Names()
        lines: list[str] = []
        items = [names.of(v) for v in self._constants]
        operands = []
        for k, dtype in self._fills:
            item = f"v{k}"
            as_array = True
            if isinstance(args[k], Tensor):
                lines.append(f"v{k} = x{k}._value")
                as_array = type(args[k]._value) is ndarray
                kind = "ndarray" if as_array else "Formula"
                lines.append(f"if v{k}.__class__ is not {kind}: return None")
                if dtype is not None:
                    item = f"u{k}"
                    lines.append(f"u{k} = cast(v{k}, {names.of(dtype)})")
            else:
                lines.append(f"v{k} = number_array(x{k}, {names.of(dtype)})")
            if as_array:
                lines.append(f"s{k} = source({item})")
                item = f"s{k}"
            items[k] = item
            operands.append(item)
        if op.check_function is not None:
            lines.append(f"{names.of(op.check_function)}(FORMULAS, {listed(items)})")
        if type(maker) is Template:
            lines.append(f"y = Formula({names.of(maker)}, ({listed(items)}), ({listed(operands)}))")
        else:
            made = maker.written(operands, names.of)
            if made is None:
                return None
            lines += made[0]
            lines.append(f"y = {made[1]}")
        lines.append("if y.nodes > config.max_formula_nodes: limit(y)")
        lines += ["t = new(Tensor)", "t._value = y"]
        if self._make is not None:
            lines += self._node_lines(args, names)
        lines.append("note(t)")
        if self._view is not None:
            lines.append(f"note_apart(t, x0, v0, {names.of(self._view)})")
        parameters = ", ".join(f"x{k}" for k in range(len(args)))
        source_ = "\n    ".join([f"def repeat({parameters}):", *lines, "return t"])
        made_: dict[str, Any] = {}
        exec(compile(source_, f"<{op.qualified_name}, repeated>", "exec"), names.known, made_)
        function: Callable[..., Any] = made_["repeat"]
        return function

    def _node_lines(self, args: Sequence[Any], names: Names) -> list[str]:
        """Source of the node of a result `y` in a tensor `t`."""
        edges = [f"x{k}._edge" if isinstance(args[k], Tensor) else "None" for k in self._edges]
        saved = []
        for what, k in self._saves:
            if what == "output":
                saved.append("y")
            elif what == "argument":
                saved.append(f"v{k}" if isinstance(args[k], Tensor) else f"x{k}")
            else:
                saved.append(names.of(k))
        lines = [f"n = new({names.of(self._make)})", f"n.edges = ({listed(edges)})"]
        lines += [f"n.plan = {names.of(self._plan)}", f"n.values = ({listed(saved)})"]
        lines += ["n.time = tick()", f"n.be_like({names.of(self._like)})", "t._edge = (n, 0)"]
        return lines


class Names:
    """Constants of compiled code."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = dict(NAMES)

    def of(self, value: Any) -> str:
        """A name for a constant."""
        if value is None or type(value) is int:
            return repr(value)
        name = f"c{len(self.known)}"
        self.known[name] = value
        return name


def listed(items: Sequence[str]) -> str:
    """Source of the elements of a tuple."""
    return "".join(f"{item}, " for item in items)


def cast(value: Any, dtype: np.dtype[Any]) -> Any:
    """An array or a formula in another dtype."""
    return formula.cast(value, dtype) if isinstance(value, Formula) else ARRAYS.cast(value, dtype)


NAMES = {
    "FORMULAS": formula.FORMULAS, "Formula": Formula, "Tensor": Tensor, "cast": cast,
    "config": config, "limit": formula.limit, "ndarray": ndarray, "new": object.__new__,
    "note": note, "note_apart": note_apart, "number_array": number_array, "source": source,
    "tick": tick,
}  # fmt: skip
