"""Custom functions of tensors with tangents or hidden axes: their own `jvp` and `vmap`."""

from __future__ import annotations

from typing import Any, NamedTuple

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.levels import (
    BatchLevel,
    Level,
    hidden,
    is_hidden,
    payload,
    set_tangent,
    stripped,
    tangent,
)
from pullback.tensor import Tensor


class VmapInfo(NamedTuple):
    """What a custom function's `vmap` is told."""

    batch_size: int
    randomness: str


def apply_lifted(
    level: Level, function: Any, args: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """`function.apply` where the youngest tensors among the arguments are of a level."""
    if isinstance(level, BatchLevel):
        return _examples(level, function, args, keywords)
    tensors = [a for a in (*args, *keywords.values()) if isinstance(a, Tensor)]
    tangents = {id(x): tangent(x, level) for x in tensors}
    with stripped(tensors, level):
        outputs, ctx, given = function._apply(args, keywords)
        moving = [tangents.get(id(a)) if isinstance(a, Tensor) else None for a in given]
        if ctx.materialize_grads:
            moving = [
                graph.TENSORS.zeros_like(a)
                if t is None and isinstance(a, Tensor) and dtypes.kind(a._value.dtype) in "fc"
                else t
                for a, t in zip(given, moving, strict=True)
            ]
        ctx._in_jvp = True
        try:
            made = function.jvp(ctx, *moving)
        finally:
            ctx._in_jvp = False
    found = made if isinstance(made, tuple) else (made,)
    parts = outputs if isinstance(outputs, tuple) else (outputs,)
    if len(found) != len(parts):
        raise RuntimeError(
            f"{function.__name__}.jvp gave {len(found)} tangents for {len(parts)} outputs: one for "
            f"each is needed, None for those without"
        )
    for y, t in zip(parts, found, strict=True):
        if t is None or not isinstance(y, Tensor) or dtypes.kind(y._value.dtype) not in "fc":
            continue
        if t.shape != y.shape:
            raise RuntimeError(
                f"{function.__name__}.jvp gave a tangent of shape {list(t.shape)} for an output of "
                f"shape {list(y.shape)}"
            )
        set_tangent(y, level, t)
    return outputs


def _examples(
    level: BatchLevel, function: Any, args: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    own = "vmap" in {name for base in function.__mro__[:-2] for name in vars(base)}
    if own and function.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {function.__name__}, but it has both generate_vmap_rule=True "
            f"and an overriden vmap staticmethod. Please set generate_vmap_rule=False or delete "
            f"the overriden vmap staticmethod to avoid ambiguity."
        )
    if own:
        in_dims = tuple(0 if is_hidden(a, level) else None for a in args)
        given = [payload(a) if is_hidden(a, level) else a for a in args]
        info = VmapInfo(level.size, level.randomness)
        outputs, out_dims = function.vmap(info, in_dims, *given, **keywords)
        if not isinstance(outputs, tuple):
            return _hide(level, outputs, out_dims)
        dims = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(outputs)
        return tuple(_hide(level, y, d) for y, d in zip(outputs, dims, strict=True))
    if not function.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {function.__name__}, but it does not have vmap support. "
            f"Please override and implement the vmap staticmethod or set generate_vmap_rule=True."
        )
    select = graph.TENSORS.select
    rows = [
        function.apply(
            *(select(payload(a), 0, b) if is_hidden(a, level) else a for a in args),
            **{n: select(payload(a), 0, b) if is_hidden(a, level) else a
               for n, a in keywords.items()},
        )
        for b in range(level.size)
    ]  # fmt: skip
    stack = graph.TENSORS.stack
    if not isinstance(rows[0], tuple):
        return hidden(stack(rows), level)
    return tuple(hidden(stack(list(parts)), level) for parts in zip(*rows, strict=True))


def _hide(level: BatchLevel, y: Any, dim: int | None) -> Any:
    if dim is None or not isinstance(y, Tensor):
        return y
    return hidden(graph.TENSORS.movedim(y, dim, 0), level)
