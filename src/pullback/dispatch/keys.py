"""What tells calls apart: classes, shapes and dtypes of tensors, values of plain arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes, layouts
from pullback.op import Composite, Creation, Op
from pullback.tensor import Size, Tensor

# Plain arguments that are told apart by their type and their value; NumPy's own dtypes among them.
SIMPLE = frozenset((int, bool, type(None), str, dtypes.dtype, layouts.memory_format)) | {
    type(np.dtype(code)) for code in np.typecodes["AllInteger"] + np.typecodes["AllFloat"] + "?"
}

INTEGERS = frozenset((int,) * k for k in range(9))  # the types of a shape's elements, or of axes'


def key_source(op: Op) -> str:
    """Python source of the key of a call, over the names of an operation's parameters.

    Evaluating it raises AttributeError or TypeError for calls that are not repeated from here.
    """
    parts: list[str] = []
    first = True
    for p in op.parameters:
        n = p.name
        if p.kind is p.kind.VAR_POSITIONAL:  # or all at once, by keyword
            whole = f"{n} or (() if {n}_ is None else ({n}_,))"
            parts.append(f"{'KEY_OF_LIST' if p.is_tensor else 'KEY_OF_PLAIN'}({whole})")
        elif not p.is_tensor or (isinstance(op, Creation) and n == "dtype"):
            parts.append(f"{n}.__class__, {n} if {n}.__class__ in SIMPLE else KEY_OF_PLAIN({n})")
        elif p.is_list:
            parts.append(f"KEY_OF_LIST({n})")
        elif first:
            parts.append(f"{n}.__class__, {n}._value.__class__, {n}._value.dtype, {n}._value.shape")
            if isinstance(op, Composite) and op.asks_order:
                parts.append(f"{n}._value.flags.c_contiguous")
            first = False
        else:
            parts.append(
                f"({n}._value.__class__, {n}._value.dtype, {n}._value.shape) "
                f"if {n}.__class__ is Tensor else {n}.__class__"
            )
    if isinstance(op, Creation):
        parts.append("default_dtype()")
    return f"({', '.join(parts)},)"


def key_of(op: Op, args: Sequence[Any]) -> Any:
    """The key of a call with arguments in declared order; None if it is not repeated from here."""
    found = _keys.get(op.key)
    if found is None:
        names = [p.name for p in op.parameters]
        given = {f"{p.name}_": None for p in op.parameters if p.kind is p.kind.VAR_POSITIONAL}
        source = f"lambda {', '.join(names)}: {key_source(op)}"
        found = _keys[op.key] = eval(source, NAMES | given)
    try:
        return found(*args)
    except (AttributeError, TypeError):
        return None


_keys: dict[str, Callable[..., Any]] = {}


def plain(value: Any) -> Any:
    """The key of a plain argument: 1, 1.0 and True are not the same, nor are 0.0 and -0.0."""
    kind = type(value)
    if kind in SIMPLE:
        return kind, value
    if (kind is tuple or kind is Size) and tuple([type(v) for v in value]) in INTEGERS:
        return kind, value
    if kind is tuple or kind is list or kind is Size:
        kinds = tuple(map(type, value))
        if SIMPLE.issuperset(kinds):
            return kind, kinds, tuple(value)
        return kind, tuple(map(plain, value))
    if kind is float and value and value == value:
        return kind, value
    if kind is float or kind is complex:  # zeros have signs, and NaN is never found again
        return kind, repr(value)
    raise TypeError(f"calls with a {kind.__name__} are not repeated")


def tensors(values: Any) -> Any:
    """The key of a list of tensors."""
    key: list[Any] = [values.__class__]
    for t in values:
        if t is None:  # an axis without indices
            key.append(None)
            continue
        if t.__class__ is not Tensor:
            raise TypeError(f"calls with a {type(t).__name__} in a list are not repeated")
        value = t._value
        key += (value.__class__, value.dtype, value.shape)
    return tuple(key)


# No parameter has a name in capitals.
NAMES = {
    "SIMPLE": SIMPLE, "Tensor": Tensor, "KEY_OF_PLAIN": plain, "KEY_OF_LIST": tensors,
    "default_dtype": dtypes.get_default_dtype,
}  # fmt: skip
