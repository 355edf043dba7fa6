"""Operations on tensors with a hidden axis: `vmap`, by the kind of operation.

* *pointwise*: broadcasting does it, once the operands' visible axes are aligned;
* *reductions*, and whatever names its axes: the axes move by one;
* *views*: the axes or sizes that they name move by one;
* what takes any axes in front (`leading=`) as it is, copies of views as the views;
* other operations by a rule of their own (`@op.examples`), or once for each example, stacked.

The hidden axis is the first of the payload. Everything is written with tensors: it is recorded,
stays a formula, and may have tangents and further hidden axes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback.autograd import graph
from pullback.autograd.levels import BatchLevel, has_axis, hidden, is_hidden, payload, whole
from pullback.autograd.modes import mode
from pullback.autograd.rebase import check_writable
from pullback.autograd.views import inherit, note_view
from pullback.backends.generator import default_generator
from pullback.dispatch.door import apply
from pullback.dispatch.forward import by_position
from pullback.dispatch.inplace import apply_in_place
from pullback.dispatch.promotion import result_type
from pullback.op import (
    Creation,
    Op,
    Opaque,
    Pointwise,
    Reduction,
    View,
    ViewCopy,
    ViewScatter,
    along_axis,
)  # fmt: skip
from pullback.tensor import Tensor


def apply_examples(level: BatchLevel, op: Op, args: Sequence[Any]) -> Any:
    """The result of an operation some of whose tensors have the level's hidden axis."""
    if op.examples_function is not None:
        values = _normal(op, args)
        for k in op.tensors:
            values[k] = _lifted(level, values[k])
        made = op.examples_function(graph.TENSORS, *values)
        if isinstance(op, View):
            return _noted(op, args[0], values, _hide(level, made))
    elif isinstance(op, Pointwise):
        made = by_position(op)(*_aligned(level, op, args))
    elif isinstance(op, Reduction):
        made = _reduced(level, op, args)
    elif isinstance(op, View):
        values = _normal(op, args)
        return _noted(op, args[0], values, _hide(level, _viewed(op, payload(args[0]), values)))
    elif isinstance(op, ViewCopy):
        views = _viewed(op.view, payload(args[0]), _normal(op, args))
        clone = graph.TENSORS.clone
        made = tuple(map(clone, views)) if isinstance(views, tuple) else clone(views)
    elif isinstance(op, ViewScatter):
        input, src, *plain = _all_lifted(level, op, args)
        made = apply(op, (input, src, *op.view.moved(plain)))
    elif isinstance(op, Opaque) and op.leading:
        made = apply(op, _with_leading(op, _all_lifted(level, op, args)))
    elif isinstance(op, Opaque) and op.along and len(op.tensors) == 1:
        made = _along(op, payload(args[0]), _normal(op, args))
    else:
        made = _one_by_one(level, op, args)
    found = _hide(level, made)
    if op.outputs and type(found) is tuple and op.tuple_class is not tuple:
        return op.tuple_class(*found)
    return found


def _hide(level: BatchLevel, made: Any) -> Any:
    if not isinstance(made, tuple):
        return hidden(_all(level, made), level)
    parts = [hidden(_all(level, part), level) for part in made]
    return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)


def _all(level: BatchLevel, y: Tensor) -> Tensor:
    """A result for each example, where it depends on none."""
    if y.shape[0] != level.size:
        y = graph.TENSORS.expand(y, level.size, *y.shape[1:])
    return y


def _normal(op: Op, args: Sequence[Any]) -> list[Any]:
    """The arguments with the plain ones in the one form that bodies see."""
    values = list(args)
    for k, p in enumerate(op.parameters):
        if not p.is_tensor and isinstance(values[k], Tensor):
            values[k] = values[k].item()
    first = next((args[k] for k in op.tensors if isinstance(args[k], Tensor)), None)
    op.normalise(values, first.ndim if first is not None else 0)
    return values


def _lifted(level: BatchLevel, value: Any) -> Any:
    """A tensor with the axis in front, at size 1 if it is the same for all examples."""
    if isinstance(value, (list, tuple)):
        return [_lifted(level, v) for v in value]
    if not isinstance(value, Tensor):
        return value
    return payload(value) if is_hidden(value, level) else graph.TENSORS.unsqueeze(value, 0)


def _all_lifted(level: BatchLevel, op: Op, args: Sequence[Any]) -> list[Any]:
    """The arguments in normal form, every tensor with as many examples."""
    values = _normal(op, args)
    for k in op.tensors:
        x = values[k]
        if isinstance(x, Tensor):
            values[k] = _all(level, _lifted(level, x))
    return values


def _with_leading(op: Opaque, values: list[Any]) -> list[Any]:
    if isinstance(op.leading, str):
        k = op.positions[op.leading]
        values[k] = (values[op.tensors[0]].shape[0], *values[k])
    return values


def apply_examples_in_place(level: BatchLevel, op: Op, args: Sequence[Any]) -> Tensor:
    """The same, written over the first argument. RuntimeError if that has no such axis."""
    target: Tensor = args[0]
    if not is_hidden(target, level):
        raise RuntimeError(
            f"vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a "
            f"Tensor `other` in extra_args that has more elements than `self`: {op.name}_ of a "
            f"tensor of shape {list(target.shape)}, which all {level.size} examples share. Use "
            f"the operation without the underscore"
        )
    if op.gives_view:
        check_writable(payload(target), op.inplace_name)
        old = hidden(payload(target), level)
        old._base, old._made_by = target._base, target._made_by
        view = apply(op, (old, *args[1:]))
        inherit(target, old, view)
        target.__dict__["_payload"] = payload(view)
        return target
    if isinstance(op, Pointwise) and op.examples_function is None:
        apply_in_place(op, _aligned(level, op, args))
        return target
    new = apply(op, args)
    if new.shape != target.shape:
        raise RuntimeError(
            f"{op.name}_: output with shape {list(target.shape)} doesn't match the broadcast shape "
            f"{list(new.shape)}"
        )
    graph.TENSORS.copy_(payload(target), whole(new, level))
    return target


# ------------------------------------------------------------------------------------ pointwise


def _aligned(level: BatchLevel, op: Pointwise, args: Sequence[Any]) -> list[Any]:
    """The operands with as many visible axes each, and the dtype that those would have."""
    xp = graph.TENSORS
    given = list(args)
    common = [
        args[k] for k in op.tensors
        if args[k] is not None and op.parameters[k].name not in op.keep_dtype
    ]  # fmt: skip
    mixed = len({x._value.dtype for x in common if isinstance(x, Tensor)}) > 1
    rank = max([args[k]._value.ndim for k in op.tensors if isinstance(args[k], Tensor)])
    for k in op.tensors:
        x = args[k]
        if not isinstance(x, Tensor):
            continue
        if mixed and op.parameters[k].name not in op.keep_dtype:
            x = xp.cast(x, result_type(*common).numpy)
        if is_hidden(x, level):
            y = payload(x)
            missing = rank - x.ndim
            x = xp.reshape(y, level.size, *(1,) * missing, *y.shape[1:]) if missing else y
        given[k] = x
    return given


# ----------------------------------------------------------------------------------- reductions


def _reduced(level: BatchLevel, op: Reduction, args: Sequence[Any]) -> Any:
    xp = graph.TENSORS
    x = args[0]
    flat = args[1] is None and (op.takes_start or op.single_dim)  # positions among all elements
    values = _normal(op, args)
    dims, keepdim = values[1], values[2]
    y = payload(x)
    if x.ndim == 0:
        y, dims = xp.unsqueeze(y, 1), (0,)
        if keepdim:
            keepdim = False
    elif flat:
        y, dims = xp.reshape(y, level.size, -1), (0,)
    if not dims:
        raise RuntimeError(f"{op.public_name}: no axis to reduce inside vmap")
    moved = tuple(d + 1 for d in dims)
    given = [y, moved[0] if op.single_dim else moved, keepdim and not flat, *args[3:]]
    made = apply(op, given)
    if flat and keepdim:
        made = xp.reshape(made, level.size, *(1,) * x.ndim)
    return made


def _noted(op: View, source: Tensor, values: list[Any], made: Any) -> Any:
    """Views know of each other, as their payloads do: tangents are written through them."""
    several = isinstance(made, tuple)
    for k, view in enumerate(made if several else (made,)):
        if payload(view)._base is not None or payload(view)._apart is not None:
            note_view(view, source, (op, tuple(values[1:]), k if several else None))
    return made


def _along(op: Opaque, y: Tensor, values: list[Any]) -> Any:
    """An operation along one axis."""
    place = op.positions[op.along]

    def function(x: Tensor, dim: int) -> Any:
        return apply(op, (x, *values[1:place], dim, *values[place + 1 :]))

    return along_axis(graph.TENSORS, function, y, values[place])


# ---------------------------------------------------------------------------------------- views


def _viewed(op: View, y: Tensor, values: list[Any]) -> Any:
    """A view of the whole: the axes that it names are one further, the sizes one more."""
    rule = _VIEWS.get(op.key)
    if rule is not None:
        return rule(op, y, values[1:])
    return apply(op, (y, *op.moved(values[1:])))


def _permute(op: View, y: Tensor, plain: list[Any]) -> Any:
    rank = y.ndim - 1
    (dims,) = plain
    return apply(op, (y, (0, *(d % rank + 1 for d in dims))))


def _shaped(op: View, y: Tensor, plain: list[Any]) -> Any:
    (shape,) = plain
    count = 1
    for n in shape:
        count *= n if n != -1 else 1
    have = 1
    for n in y.shape[1:]:
        have *= n
    if -1 in shape and count:
        shape = tuple(have // count if n == -1 else n for n in shape)
    return apply(op, (y, (y.shape[0], *shape)))


def _expand(op: View, y: Tensor, plain: list[Any]) -> Any:
    size, *rest = plain
    rank = y.ndim - 1
    new = len(size) - rank
    if new > 0:
        y = graph.TENSORS.reshape(y, y.shape[0], *(1,) * new, *y.shape[1:])
    return apply(op, (y, (y.shape[0], *size), *rest))


def _t(op: View, y: Tensor, plain: list[Any]) -> Any:
    if y.ndim > 3:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {y.ndim - 1}D")
    return (
        graph.TENSORS.transpose(y, -1, -2)
        if y.ndim == 3
        else graph.TENSORS.view_as_shape(y, *y.shape)
    )


def _transpose(op: View, y: Tensor, plain: list[Any]) -> Any:
    if y.ndim == 1:
        return graph.TENSORS.view_as_shape(y, *y.shape)
    return apply(op, (y, plain[0] + 1, plain[1] + 1))


def _unfold(op: View, y: Tensor, plain: list[Any]) -> Any:
    if y.ndim == 1:  # of a number: one window
        return graph.TENSORS.unsqueeze(y, 1)
    return apply(op, (y, plain[0] + 1, *plain[1:]))


_VIEWS: dict[str, Callable[..., Any]] = {
    "permute": _permute,
    "reshape": _shaped,
    "view_as_shape": _shaped,
    "expand": _expand,
    "t": _t,
    "transpose": _transpose,
    "unfold": _unfold,
}


# ------------------------------------------------------------------------------ one at a time


def _one_by_one(level: BatchLevel, op: Op, args: Sequence[Any]) -> Any:
    xp = graph.TENSORS
    if level.size == 0:
        raise RuntimeError(f"vmap: {op.public_name} has no rule for a batch of no examples")
    results = [apply(op, [_example(level, a, b) for a in args]) for b in range(level.size)]
    if not isinstance(results[0], tuple):
        return xp.stack(results)
    parts = [xp.stack(list(rows)) for rows in zip(*results, strict=True)]
    made = results[0]
    return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)


def _example(level: BatchLevel, a: Any, b: int) -> Any:
    if type(a) is list or type(a) is tuple:
        return [_example(level, x, b) for x in a]
    return graph.TENSORS.select(payload(a), 0, b) if is_hidden(a, level) else a


# --------------------------------------------------------------------------------------- random


def is_inside() -> bool:
    """Whether this thread is inside vmap."""
    return any(level.batches for level in mode.levels)


def _youngest() -> BatchLevel:
    found: BatchLevel = [level for level in mode.levels if level.batches][-1]
    return found


def levels_that_differ(name: str, x: Tensor) -> list[BatchLevel]:
    """The levels whose examples are to have random numbers of their own in place of a tensor's.

    RuntimeError where randomness is an error, and where all examples share the tensor.
    """
    found = []
    for level in mode.levels:
        if not isinstance(level, BatchLevel) or level.randomness == "same":
            continue
        if level.randomness == "error":
            raise _refusal(name)
        if not has_axis(x, level):
            raise RuntimeError(
                f"vmap: Cannot ask for different inplace randomness on an unbatched tensor: {name} "
                f"of a tensor of shape {list(x.shape)}, which all {level.size} examples share. Use "
                f"the operation without the underscore, or randomness='same'"
            )
        found.append(level)
    return found


def _refusal(name: str) -> RuntimeError:
    return RuntimeError(
        f"vmap: called random operation while in randomness error mode. Please either use the "
        f"'same' or 'different' randomness flags on vmap or perform the randomness operation "
        f"out of vmap ({name})"
    )


def apply_random(op: Op, args: Sequence[Any]) -> Any:
    """Random numbers inside vmap: refused, the same for all examples, or different."""
    level = _youngest()
    if level.randomness == "error":
        raise _refusal(op.public_name)
    place = mode.levels.index(level)
    try:
        mode.levels.remove(level)
        tensors = [a for a in args if isinstance(a, Tensor)]
        same = level.randomness == "same"
        if same and not any(is_hidden(a, level) for a in tensors):
            return apply(op, args)
        if not same and isinstance(op, Opaque) and op.leading:
            return hidden(apply(op, _all_lifted(level, op, args)), level)
        if not same and isinstance(op, Creation) and "size" in op.positions:
            return hidden(apply(op, _larger(level, op, args)), level)
        state = default_generator.get_state()
        results = []
        for b in range(level.size):
            if same:
                default_generator.set_state(state)
            results.append(apply(op, [_example(level, a, b) for a in args]))
        return hidden(graph.TENSORS.stack(results), level)
    finally:
        if level not in mode.levels:
            mode.levels.insert(place, level)


def _larger(level: BatchLevel, op: Op, args: Sequence[Any]) -> list[Any]:
    """The arguments of a creation for as many examples at once."""
    values = list(args)
    k = op.positions["size"]
    while values[k] is None:  # randint(high, size)
        k -= 1
    size = values[k]
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    values[k] = (level.size, *size)
    return values
