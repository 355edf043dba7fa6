"""Tangents of results: forward mode, from the declarations of reverse mode.

For an operation y = f(a, b, …) on tensors with tangents, the tangent of y is found by kind:

* the derivative of a *pointwise* operation is diagonal, and equal to its transpose: the rules are
  given the tangents for cotangents, before anything is summed;
* a *view*, and whatever is *linear*, is applied to the tangents. A rule says by its parameters
  whether it is: one that asks for no differentiable argument is the transpose of a constant map,
  one that asks for the others only is that of a map linear in each argument;
* any other rule is transposed once more: it is linear in the cotangent u, so that the tangent is
  the gradient, in u, of ⟨tangents, rules(u)⟩.

All of it is written with tensors, and is recorded and formulas as anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.graph import fit
from pullback.autograd.levels import (
    BatchLevel,
    Level,
    is_lifted,
    set_tangent,
    stripped,
    tangent,
    variable,
    with_axis,
)
from pullback.autograd.modes import mode
from pullback.autograd.pull import pull
from pullback.autograd.views import cut_out, line_of
from pullback.backends.memory import shares_memory
from pullback.dispatch.door import apply
from pullback.dispatch.inplace import apply_in_place
from pullback.op import REGISTRY, Op, Opaque, Pointwise, Reduction, View
from pullback.tensor import Tensor, wrap


def apply_forward(level: Level, op: Op, args: Sequence[Any]) -> Any:
    """The result of an operation with its tangents at a level."""
    flat = _tensors_in(args)
    tangents = {id(x): tangent(x, level) for x in flat}
    with stripped(flat, level):
        result = by_position(op)(*args)
        found = tangents_of(level, op, args, tangents, result)
    outputs = result if isinstance(result, tuple) else (result,)
    for y, t in zip(outputs, found, strict=True):
        if t is not None:
            set_tangent(y, level, t)
    return result


def by_position(op: Op) -> Callable[..., Any]:
    """An operation as a function of its arguments in order: by its shortest way, if it has one."""
    found = op.__dict__.get("_by_position")
    if found is None:
        plain = all(p.kind is p.kind.POSITIONAL_OR_KEYWORD for p in op.parameters)
        plain = plain and op.key in REGISTRY  # the user's own are not
        found = getattr(graph.TENSORS, op.key) if plain else lambda *args: apply(op, args)
        op.__dict__["_by_position"] = found
    return found


def _tensors_in(args: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for a in args:
        if isinstance(a, Tensor):
            found.append(a)
        elif type(a) is list or type(a) is tuple:
            found += [x for x in a if isinstance(x, Tensor)]
    return found


def tangents_of(
    level: Level, op: Op, args: Sequence[Any], tangents: dict[int, Tensor | None], result: Any
) -> list[Tensor | None]:
    """The tangents of an operation's outputs, None for those that have none.

    The arguments are without tangents; these are given by the arguments' `id`.
    """
    several = isinstance(result, tuple)
    outputs = list(result) if several else [result]
    nothing: list[Tensor | None] = [None] * len(outputs)
    moving = [k for k in op.edges if _moves(args[k], tangents)]
    if isinstance(op, View):
        if not op.derivative or not _moves(args[0], tangents):
            return nothing
        made = graph.TENSORS.apply(op, (tangents[id(args[0])], *args[1:]))
        return list(made) if several else [made]
    if not moving or all(dtypes.kind(o._value.dtype) not in "fc" for o in outputs):
        return nothing
    wide = not op.holomorphic and any(
        x._value.dtype.kind == "c" for x in (*_tensors_in(args), *outputs)
    )
    linear = "" if several or wide else linearity(op)
    if isinstance(op, Pointwise) and not wide:
        found = [_diagonal(op, args, tangents, result, moving)]
    elif linear:
        found = [_by_itself(op, args, tangents, moving, linear)]
    else:
        found = _transposed(level, op, args, tangents, outputs, moving)
    for k, t in enumerate(found):
        if t is not None:
            if t._value.dtype != outputs[k]._value.dtype:
                t = graph.TENSORS.cast(t, outputs[k]._value.dtype)
            found[k] = _own(t, tangents)
    return found


def _moves(arg: Any, tangents: dict[int, Tensor | None]) -> bool:
    if isinstance(arg, (list, tuple)):
        return any(tangents.get(id(x)) is not None for x in arg)
    return tangents.get(id(arg)) is not None


def _own(t: Tensor, tangents: dict[int, Tensor | None]) -> Tensor:
    """A tangent that a write in place does not share with an argument's."""
    shared = t._base is not None or t._apart is not None or any(t is g for g in tangents.values())
    copy: Tensor = graph.TENSORS.clone(t) if shared else t
    return copy


# ------------------------------------------------------------------------------------ pointwise


def _diagonal(
    op: Op, args: Sequence[Any], tangents: dict[int, Tensor | None], y: Tensor, moving: list[int]
) -> Tensor | None:
    xp = graph.TENSORS
    total = None
    for k in moving:
        t = tangents[id(args[k])]
        assert t is not None
        if t._value.dtype != y._value.dtype:
            t = xp.cast(t, y._value.dtype)
        if t._value.shape != y._value.shape:
            t = xp.expand(t, *y.shape)
        rule = op.rules[op.parameters[k].name]
        known = _known(op, args, [y], rule.names)
        part = rule.function(xp, *(t if op.is_cotangent(n) else known[n] for n in rule.names))
        if part is None:
            continue
        if part._value.shape != y._value.shape:
            part = xp.expand(part, *y.shape)
        total = part if total is None else total + part
    return total


def _known(op: Op, args: Sequence[Any], outputs: list[Any], names: Any) -> dict[str, Any]:
    """What a rule asks for by name, besides cotangents: the originals, and metadata."""
    values = list(args)
    if not isinstance(op, Pointwise):
        first = args[op.tensors[0]]
        op.normalise(values, getattr(first, "ndim", 0))
    found: dict[str, Any] = {}
    for name in names:
        if op.is_cotangent(name):
            continue
        what, k = op.source(name)
        if what == "output":
            found[name] = outputs[k]
            continue
        value = values[k]
        several = isinstance(value, (list, tuple))
        if what == "shape":
            value = [tuple(v.shape) for v in value] if several else tuple(value.shape)
        elif what == "dtype":
            value = value._value.dtype if isinstance(value, Tensor) else value
        elif what == "kept shape":
            shape, dims = values[0].shape, values[1]
            value = tuple(1 if d in dims else s for d, s in enumerate(shape))
        found[name] = value
    return found


# --------------------------------------------------------------------------------------- linear


def linearity(op: Op) -> str:
    """Whether an operation is "joint"ly linear in its differentiable arguments, or in "each".

    "" if it is neither, or its rules do not tell.
    """
    found = op.__dict__.get("_linearity")
    if found is None:
        found = op.__dict__["_linearity"] = _linearity(op)
    return found


def _linearity(op: Op) -> str:
    if op.affine or op.random or not isinstance(op, (Opaque, Reduction)):
        return ""
    own = set(op.differentiable)
    asked = {target: set(rule.names) for target, rule in op.rules.items()}
    if any("y" in names or names & set(op.outputs) for names in asked.values()):
        return ""
    if all(not names & own for names in asked.values()):
        return "joint"
    if all(names & own == own - {target} for target, names in asked.items()):
        return "each"
    return ""


def _by_itself(
    op: Op, args: Sequence[Any], tangents: dict[int, Tensor | None], moving: list[int], how: str
) -> Tensor | None:
    """A linear operation applied to the tangents."""
    xp = graph.TENSORS
    total: Tensor | None = None
    if how == "joint":
        given = list(args)
        for k in op.edges:
            a = args[k]
            if isinstance(a, (list, tuple)):
                given[k] = [_or_zeros(x, tangents) for x in a]
            elif a is not None:
                given[k] = _or_zeros(a, tangents)
        total = xp.apply(op, given)
        return total
    for k in moving:
        a = args[k]
        places = range(len(a)) if isinstance(a, (list, tuple)) else (None,)
        for i in places:
            given = list(args)
            if i is None:
                given[k] = tangents[id(a)]
            else:
                t = tangents.get(id(a[i]))
                if t is None:
                    continue
                given[k] = [t if j == i else x for j, x in enumerate(a)]
            part = xp.apply(op, given)
            total = part if total is None else total + part
    return total


def _or_zeros(x: Any, tangents: dict[int, Tensor | None]) -> Any:
    if not isinstance(x, Tensor):
        return 0 if isinstance(x, (int, float, complex)) else x
    t = tangents.get(id(x))
    return graph.TENSORS.zeros_like(x) if t is None else t


# ------------------------------------------------------------------------------- transposed rules


def _transposed(
    level: Level, op: Op, args: Sequence[Any], tangents: dict[int, Tensor | None],
    outputs: list[Any], moving: list[int],
) -> list[Tensor | None]:  # fmt: skip
    """The gradient, in the cotangents u, of the pairing of the tangents with the rules at u."""
    xp = graph.TENSORS
    numbers = [
        k for k, o in enumerate(outputs)
        if not (op.outputs and op.outputs[k] in op.integer_outputs)
    ]  # fmt: skip
    recorded = mode.enabled
    plan = op.plan(tuple(k in moving for k in op.edges))
    levels = [older for older in mode.levels if older.time < level.time]
    try:
        mode.switch(True)
        us = [_blank(outputs[k], levels) for k in numbers]
        known = _known(op, args, outputs, plan.saved_names)
        values = [known[n] for n in plan.saved_names]
        if isinstance(op, Reduction):
            named = [n for n, (what, _) in enumerate(plan.sources) if what == "output"]
            place = plan.saved_names.index("kept shape")
            values[place] = (values[place], named)
        conjugate = op.holomorphic and any(u._value.dtype.kind == "c" for u in us)
        cotangents = tuple(xp.conj(u) if conjugate else u for u in us)
        pool = op.prepare(xp, cotangents, tuple(values))
        pairs: list[tuple[Tensor, Tensor]] = []
        for k, rule, pick in plan.calls:
            a = args[op.edges[k]]
            given = rule(xp, *pick(pool))
            several = isinstance(a, (list, tuple))
            for x, part in zip(a, given, strict=True) if several else ((a, given),):
                t = tangents.get(id(x))
                if t is None or part is None:
                    continue
                part = xp.conj(part) if conjugate else part
                part = fit(xp, part, (x._value.shape, x._value.dtype), True)
                if part._edge is not None:
                    pairs.append((part, t))
    finally:
        mode.enabled = recorded  # before any call: Ctrl-C may come as one begins
        mode.switch(recorded)
    found: list[Tensor | None] = [None] * len(outputs)
    if pairs:
        made = pull([p for p, _ in pairs], us, [t for _, t in pairs], recorded)
        for k, t in zip(numbers, made, strict=True):
            found[k] = t
    return found


def _blank(like: Tensor, levels: list[Level]) -> Tensor:
    """A variable of the shape of another, whose numbers are never looked at."""
    made = wrap(graph.VALUES.filled(tuple(like.shape), 0, like._value))
    return variable(made, levels)


# -------------------------------------------------------------------------------------- writes


def apply_in_place_forward(level: Level, op: Op, args: Sequence[Any]) -> Tensor:
    """An operation written over its first argument, with tangents at a level."""
    target: Tensor = args[0]
    if op.gives_view:
        return _become_view_forward(level, op, args)
    flat = _tensors_in(args)
    tangents = {id(x): tangent(x, level) for x in flat}
    around = [*flat, *_relatives(target)]
    with stripped(around, level):
        # What the tangent's history saves must outlive the write.
        kept = graph.TENSORS.clone(target)
        tangents[id(kept)] = tangents[id(target)]
        given = [kept if a is target else a for a in args]
        (t,) = tangents_of(level, op, given, tangents, apply(op, given))
        apply_in_place(op, args)
        around += _relatives(target)
    if t is None and tangents[id(target)] is not None:
        t = graph.TENSORS.zeros_like(target)
    if t is None:
        return target
    if t._value.dtype != target._value.dtype:
        t = graph.TENSORS.cast(t, target._value.dtype)
    _write_tangent(target, level, t)
    return target


def _become_view_forward(level: Level, op: Op, args: Sequence[Any]) -> Tensor:
    """A tensor with a tangent becomes a view of what it was, and so does the tangent."""
    target: Tensor = args[0]
    t = tangent(target, level)
    base = target._base
    with stripped([target, *_relatives(target)], level):
        apply_in_place(op, args)
    if (
        target._base is not None and target._base is not base
    ):  # what it was has views, and goes on as their base
        set_tangent(target._base, level, t)
    set_tangent(target, level, apply(op, (t, *args[1:])))
    return target


def _relatives(x: Tensor) -> list[Tensor]:
    """The tensors that share memory with one, as far as histories know."""
    found: list[Tensor] = []
    above = x
    for apart in line_of(x):
        above = apart.source
        found += [*_living(apart.whole.views), above]
    base = above if above._base is None else above._base
    return [*found, base, *_living(base._views)]


def _living(references: Any) -> list[Tensor]:
    return [x for x in (r() for r in references or ()) if x is not None]


def _shares(view: Tensor, base: Tensor) -> bool:
    """Whether a view still has the memory of its base."""
    with stripped([view, base], None):
        if is_lifted(view):  # with a hidden axis: nobody can give it other memory
            return True
        return bool(shares_memory(view._value, base._value))


def _root_of(x: Tensor, duals: list[Tensor]) -> Tensor | None:
    """The dual tensor that x is, or is a view of: the last one made on the way to it."""
    root = None
    for dual in duals:
        length = len(dual._made_by)
        if len(x._made_by) >= length and x._made_by[length - 1] is dual._made_by[-1]:
            root = dual if root is None or length > len(root._made_by) else root
    return root


def _write_tangent(x: Tensor, level: Level, t: Tensor) -> None:
    """The new tangent of a tensor, and of all whose tangents share its memory."""
    base = x if x._base is None else x._base
    duals = level.duals_of(base)
    root = _root_of(x, duals)
    start = base if root is None else root
    steps = len(start._made_by)
    whole = t
    if x is not start:
        before = tangent(start, level)
        whole = graph.TENSORS.zeros_like(start)  # in memory as the start is, so that it has views
        for older in mode.levels:
            if (
                isinstance(older, BatchLevel) and older.time < level.time
                and (is_lifted(t) or is_lifted(before))
            ):  # fmt: skip
                whole = graph.TENSORS.clone(with_axis(whole, older))
        if before is not None:
            graph.TENSORS.copy_(whole, before)
        part = cut_out(graph.TENSORS, whole, x._made_by[steps:])
        graph.TENSORS.copy_(part, t)
    set_tangent(start, level, whole)
    for view in _living(base._views):
        if view is not start and _root_of(view, duals) is root and _shares(view, base):
            set_tangent(view, level, cut_out(graph.TENSORS, whole, view._made_by[steps:]))
