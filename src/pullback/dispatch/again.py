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

from pullback import dtypes
from pullback.autograd.modes import mode
from pullback.config import config
from pullback.dispatch.recipes import Recipe
from pullback.formula import Formula
from pullback.formula.vocabulary import plain_key
from pullback.op import Op, Opaque, Pointwise, Reduction, View
from pullback.tensor import Tensor

ndarray = np.ndarray
NUMBERS = (int, float, complex, bool)
KINDS = (Pointwise, Reduction, Opaque, View)
REFUSED = (list, np.generic, Tensor)
MAX_RECIPES = 10_000

_recipes: dict[Any, Recipe] = {}


def key_of(op: Op, args: Sequence[Any]) -> Any:
    """What decides the outcome; None for calls that are not repeated from here.

    These are calls on small arrays alone, and operations with other kinds of results or arguments.
    """
    found = _keys.get(op)
    if found is None:
        found = _keys[op] = _key_function(op)
    return found(*args)


_keys: dict[Op, Callable[..., Any]] = {}


def _key_function(op: Op) -> Callable[..., Any]:
    """`key_of` for one operation, compiled: it is asked in every call."""
    lists = any(p.is_list and p.is_tensor for p in op.parameters)
    if not isinstance(op, KINDS) or op.outputs or lists:
        return lambda *args: None
    names = [f"x{k}" for k in range(len(op.parameters))]
    lines = ["pending = False", "size = 1"]
    for k in op.tensors:  # most calls end here
        x = names[k]
        lines += [
            f"if {x}.__class__ is Tensor:",
            f"    value = {x}._value",
            "    if value.__class__ is ndarray:",
            "        size *= value.size",
            f"        K{k} = value.shape, value.dtype, {x}._edge is None",
            "    elif value.__class__ is Formula and value.array is None:",
            "        pending = True",
            f"        K{k} = value.kind, value.heavy, {x}._edge is None",
            "    else:",
            "        return None",
            "else:",
            f"    K{k} = None",
        ]
    small = "" if isinstance(op, View) else " and size <= config.defer_elements"
    lines += [
        f"if not pending{small}:",
        "    return None",
        "enabled = mode.enabled",
        "if enabled and enabled is not True:",  # somebody watches
        "    return None",
    ]
    parts = []
    for k, x in enumerate(names):
        if k in op.tensors:
            parts.append(f"K{k} or NUMBER_KEY({x})")
        else:
            parts.append(f"None if {x} is None else PLAIN_KEY({x})")
    settings = "enabled, config.defer_elements, default_dtype()"
    lines += ["try:", f"    return OP, {settings}, {', '.join(parts)}", "except Refused:",
              "    return None"]  # fmt: skip
    known = {
        "OP": op, "NUMBER_KEY": _number_key, "PLAIN_KEY": _argument_key, "Refused": _Refused,
        "Tensor": Tensor, "Formula": Formula, "ndarray": ndarray, "config": config, "mode": mode,
        "default_dtype": dtypes.get_default_dtype,
    }  # fmt: skip
    made: dict[str, Any] = {}
    source = "\n    ".join([f"def key({', '.join(names)}):", *lines])
    exec(compile(source, f"<key of {op.qualified_name}>", "exec"), known, made)
    function: Callable[..., Any] = made["key"]
    return function


class _Refused(Exception):
    """An argument with which calls are not repeated."""


def _argument_key(a: Any) -> Any:
    if isinstance(a, REFUSED):
        raise _Refused
    return plain_key(a)


def _number_key(a: Any) -> Any:
    """What decides the outcome of what is no tensor in a tensor's place."""
    kind = type(a)
    if kind is int or kind is float or kind is bool or kind is complex:
        return plain_key(a) if belongs(a) else kind
    return _argument_key(a)


def repeated(op: Op, apply: Callable[[Op, Sequence[Any]], Any]) -> Callable[..., Any]:
    """A function of plain tensors and numbers, in declared order: calls that gave formulas are
    repeated, others left to `apply`."""

    def call(*args: Any) -> Any:
        key = key_of(op, args)
        recipe = None if key is None else _recipes.get(key)
        if recipe is None:
            return apply(op, args)
        function = recipe.function
        found = recipe.repeat(args) if function is None else function(*args)
        return apply(op, args) if found is None else found

    return call


def belongs(number: Any) -> bool:
    """Whether a number is one of those that formulas are written with; others are parameters."""
    return number in (0.5, -0.5) or (
        not isinstance(number, complex) and abs(number) <= 64 and number == int(number)
    )


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
