"""Operations that stay formulas, on arguments such as were met before.

Checks, promotion, the decision to keep a formula and what its node saves depend on the arguments'
shapes, dtypes and places in the graph alone. `door` finds them out once; here the same call on
other tensors repeats the outcome. A kernel matrix is a dozen such calls, and its gradient twice as
many: they cost a few microseconds each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes, formula
from pullback.autograd.modes import mode
from pullback.autograd.views import note_apart
from pullback.backends.arrays import ARRAYS
from pullback.config import config
from pullback.dispatch.promotion import number_array
from pullback.formula import Formula, narrow, source
from pullback.formula.node import Template
from pullback.formula.vocabulary import plain_key
from pullback.formula.waiting import note
from pullback.op import Op, Opaque, Pointwise, Reduction, View
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray
NUMBERS = (int, float, complex, bool)
KINDS = (Pointwise, Reduction, Opaque, View)
REFUSED = (list, np.generic)
MAX_RECIPES = 10_000

_recipes: dict[Any, Recipe] = {}


def key_of(op: Op, args: Sequence[Any]) -> Any:
    """What decides the outcome; None for calls that are not repeated from here.

    These are calls on small arrays alone, and operations with other kinds of results or arguments.
    """
    if not isinstance(op, KINDS) or op.outputs:
        return None
    pending = False
    size = 1
    for a in args:  # most calls end here
        if type(a) is Tensor:
            value = a._value
            if type(value) is ndarray:
                size *= value.size
            elif type(value) is Formula and value.array is None:
                pending = True
            else:
                return None
    if not pending and (size <= config.defer_elements or isinstance(op, View)):
        return None
    enabled = mode.enabled
    if enabled and enabled is not True:  # somebody watches
        return None
    key: list[Any] = [op, enabled, config.defer_elements, dtypes.get_default_dtype()]
    for k, a in enumerate(args):
        kind = type(a)
        if kind is Tensor:
            value = a._value
            if type(value) is Formula:
                key += (value.kind, value.heavy, a._edge is None)
            else:
                key += (value.shape, value.dtype, a._edge is None)
        elif kind is int or kind is float or kind is bool or kind is complex:
            varies = k in op.tensors and not belongs(a)
            key.append(kind if varies else plain_key(a))
        elif isinstance(a, REFUSED):
            return None
        else:
            key.append(plain_key(a))
    return tuple(key)


def repeated(op: Op, apply: Callable[[Op, Sequence[Any]], Any]) -> Callable[..., Any]:
    """A function of plain tensors and numbers, in declared order: calls that gave formulas are
    repeated, others left to `apply`."""

    def call(*args: Any) -> Any:
        key = key_of(op, args)
        recipe = None if key is None else _recipes.get(key)
        found = None if recipe is None else recipe.repeat(args)
        return apply(op, args) if found is None else found

    return call


def belongs(number: Any) -> bool:
    """Whether a number is one of those that formulas are written with; others are parameters."""
    return number in (0.5, -0.5) or (
        not isinstance(number, complex) and abs(number) <= 64 and number == int(number)
    )


class Recipe:
    """The outcome of a call: which formula of which values, and which node that saves what."""

    __slots__ = (
        "_constants", "_edges", "_fills", "_like", "_make", "_maker", "_op", "_plan",
        "_rounds", "_saves", "_view",
    )  # fmt: skip

    def __init__(self, op: Op, args: Sequence[Any], given: Sequence[Any], node: Any):
        self._op = op
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


def cast(value: Any, dtype: np.dtype[Any]) -> Any:
    """An array or a formula in another dtype."""
    return formula.cast(value, dtype) if isinstance(value, Formula) else ARRAYS.cast(value, dtype)


def find(key: Any) -> Recipe | None:
    """What came out of a call like this."""
    return _recipes.get(key)


def learn(key: Any, op: Op, args: Sequence[Any], given: Sequence[Any], result: Tensor) -> None:
    """Remember the outcome of a call."""
    if not isinstance(result, Tensor) or type(result._value) is not Formula:
        return
    node = None if result._edge is None else result._edge[0]
    if len(_recipes) > MAX_RECIPES:
        _recipes.clear()
    _recipes[key] = Recipe(op, args, given, node)
