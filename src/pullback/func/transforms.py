"""Derivatives of functions as functions: `grad`, `vjp`, `jvp`, Jacobians, Hessians.

Each transform makes variables of its own, so that derivatives inside derivatives are not confused:
gradients are those in the variables, whatever else the graph leads to. What a function does with
other tensors that require gradients is recorded as always.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd.engine import grad as gradients
from pullback.autograd.forward_ad import dual
from pullback.autograd.graph import move_edge
from pullback.autograd.levels import (
    BatchLevel,
    Level,
    again,
    hidden,
    payload,
    plain_parts,
    primal,
    set_tangent,
    tangent,
    top,
    underneath,
    variable,
    within,
)
from pullback.autograd.modes import mode
from pullback.autograd.pull import pull
from pullback.autograd.views import alias
from pullback.dispatch import TENSORS
from pullback.func.batching import vmap
from pullback.func.trees import flatten, map_leaves
from pullback.tensor import Tensor, wrap

Argnums = int | tuple[int, ...]


# ------------------------------------------------------------------------------------ recording


def _is_recorded(tensors: Sequence[Any]) -> bool:
    return any(part._edge is not None for x in tensors for part in plain_parts(x))


class _Own:
    """The variables of a transform, and whether what is computed from them depends on others.

    What the function writes in place may be a tensor of the outside: `forget_writes` leaves it with
    its new numbers, and without the history that ends in these variables.
    """

    def __init__(self, tensors: Sequence[Tensor]):
        self.written: list[Any] = []
        self.recorded = _is_recorded(tensors)
        self.variables = [variable(x) for x in tensors]
        self.nodes = {
            part._edge[0] for x in self.variables for part in plain_parts(x) if part._edge
        }

    def escapes(self, tensors: Sequence[Any]) -> bool:
        """Whether gradients could flow from tensors to anything but these variables."""
        seen = set()
        stack = [part._edge[0] for x in tensors for part in plain_parts(x) if part._edge]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.nodes:
                if not node.accumulates:  # the variable has a history of its own
                    return True
                continue
            if node.accumulates:
                if node.variable is not None:
                    return True
                continue  # the variable of a transform inside that is done
            stack += [edge[0] for edge in node.edges if edge is not None]
        return False

    def call(self, func: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """The function's result; which tensors it writes is remembered."""
        outer, mode.written = mode.written, self.written
        try:
            return func(*args, **keywords)
        except BaseException:
            self.forget_writes()
            raise
        finally:
            mode.written = outer
            if outer is not None:
                outer += self.written

    def forget_writes(self) -> None:
        """To be called when nothing needs the histories of what was written any more."""
        for base in {id(t): t for r in self.written if (t := r()) is not None}.values():
            for x in (base, *(v for r in base._views or () if (v := r()) is not None)):
                if x._edge is not None and not x._edge[0].accumulates and not self.escapes([x]):
                    move_edge(x, None)

    def cut(self, x: Any) -> Any:
        """A result without the history that leads to these variables only."""
        if not isinstance(x, Tensor):
            return x
        level = top((x,))
        if level is None:
            return alias(x) if x._edge is not None and not self.escapes([x]) else x
        if isinstance(level, BatchLevel):
            return hidden(self.cut(payload(x)), level)
        made = again(self.cut(primal(x, level)))
        set_tangent(made, level, self.cut(tangent(x, level)))
        return made


def _pulled(
    outputs: list[Tensor], inputs: list[Tensor], cotangents: list[Tensor], record: bool,
    retain: bool,
) -> list[Tensor]:  # fmt: skip
    """The gradients of ⟨cotangents, outputs⟩, zeros where there are none."""
    found: Sequence[Tensor | None]
    outer = mode.enabled
    try:
        mode.switch(record)
        if top((*outputs, *cotangents)) is None:
            pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y._edge]
            found = [None] * len(inputs)
            if pairs and inputs:
                found = gradients(
                    [y for y, _ in pairs], inputs, [g for _, g in pairs], retain_graph=retain,
                    create_graph=record, allow_unused=True,
                )  # fmt: skip
        else:
            found = pull(outputs, inputs, cotangents, record)
        return [
            TENSORS.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)
        ]
    finally:
        mode.enabled = outer  # before any call: Ctrl-C may come as one begins
        mode.switch(outer)


# ------------------------------------------------------------------------------------ arguments


def _check_argnums(args: Sequence[Any], argnums: Any) -> tuple[int, ...]:
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    for n in numbers:
        if not isinstance(n, int):
            raise RuntimeError(f"argnum must be int or Tuple[int, ...], got: {type(argnums)}")
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    found = tuple(n % len(args) for n in numbers)
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return found


def _chosen(args: Sequence[Any], argnums: Any) -> Any:
    numbers = _check_argnums(args, argnums)
    chosen = tuple(args[n] for n in numbers)
    return chosen if isinstance(argnums, tuple) else chosen[0]


def _with(args: Sequence[Any], argnums: Any, chosen: Any) -> list[Any]:
    numbers = _check_argnums(args, argnums)
    given = list(args)
    for n, x in zip(numbers, chosen if isinstance(argnums, tuple) else (chosen,), strict=True):
        given[n] = x
    return given


def _tensors(tree: Any, name: str, what: str) -> tuple[list[Tensor], Any]:
    leaves, structure = flatten(tree)
    for x in leaves:
        if not isinstance(x, Tensor):
            raise RuntimeError(
                f"{name}: Expected {what} to be only tensors, got: {type(x).__name__}"
            )
    return leaves, structure


def _split(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


# ----------------------------------------------------------------------------------- reverse mode


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, a scalar tensor, in some arguments.

    Those may be trees of tensors; the gradient has their structure, a tuple for several `argnums`.
    With `has_aux`, `func` gives `(output, aux)`, and the result is `(gradient, aux)`. Transforms
    nest: `grad(grad(f))`, `vmap(grad(f))`. RuntimeError for an output that is no scalar.

    Example:
        >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
        tensor(1.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func, updated=())
    def gradient(*args: Any, **keywords: Any) -> Any:
        g, value = both(*args, **keywords)
        return (g, value[1]) if has_aux else g

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """`grad` that gives the value as well: `(gradient, value)`, or `(gradient, (value, aux))`."""

    @functools.wraps(func, updated=())
    def both(*args: Any, **keywords: Any) -> Any:
        leaves, structure = flatten(_chosen(args, argnums))
        for x in leaves:
            if not isinstance(x, Tensor):
                raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        outer = mode.enabled
        try:
            mode.switch(True)
            own = _Own(leaves)
            given = _with(args, argnums, structure.build(own.variables))
            output, aux = _split(
                own.call(func, *given, **keywords), has_aux, "grad_and_value(f)(*args)"
            )
        finally:
            mode.enabled = outer
            mode.switch(outer)
        if not isinstance(output, Tensor):
            raise RuntimeError(
                f"grad_and_value(f)(*args): Expected f(*args) to return a tensor, got "
                f"{type(output)}"
            )
        if output.ndim:
            raise RuntimeError(
                f"grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got "
                f"tensor with {output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs "
                f"instead?"
            )
        record = outer and own.escapes([output])
        found = _pulled([output], own.variables, [TENSORS.ones_like(output)], record, record)
        value = own.cut(output) if outer else _constant(output)
        if has_aux:
            aux = map_leaves(own.cut if outer else _constant, aux)
        own.forget_writes()
        g = structure.build(found)
        if not has_aux:
            return g, value
        return g, (value, aux)

    return both


def _constant(x: Any) -> Any:
    """A result without any history; it keeps tangents and hidden axes."""
    if not isinstance(x, Tensor):
        return x
    level = top((x,))
    if level is None:
        return alias(x)
    if isinstance(level, BatchLevel):
        return hidden(_constant(payload(x)), level)
    made = again(_constant(primal(x, level)))
    set_tangent(made, level, _constant(tangent(x, level)))
    return made


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """`(output, vjp_fn)`: the value, and the function of cotangents that pulls them back.

    `vjp_fn` takes a tree like the output's, and gives a tuple of trees like the primals. It can
    be called several times, also inside `vmap`. With `has_aux`, `func` gives `(output, aux)`, and
    `aux` is returned in third place.
    """
    leaves, structure = _tensors(primals, "vjp(f, *primals)", "primals")
    outer = mode.enabled
    try:
        mode.switch(True)
        own = _Own(leaves)
        result, aux = _split(
            own.call(func, *structure.build(own.variables)), has_aux, "vjp(f, *primals)"
        )
    finally:
        mode.enabled = outer
        mode.switch(outer)
    results, form = _tensors(result, "vjp(f, *primals)", "f(*primals) to return")
    escapes = own.escapes(results)
    # Tensors of their own, with the history that `vjp_fn` follows.
    outputs = [y if y._is_lifted else wrap(y._value, y._edge) for y in results]

    def vjp_fn(
        cotangents: Any, /, retain_graph: bool = True, create_graph: bool | None = None
    ) -> Any:
        gs, given_form = flatten(cotangents)
        if given_form != form:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure "
                f"of outputs to the function. cotangents: {given_form}, primal output: {form}"
            )
        for g, y in zip(gs, outputs, strict=True):
            if g.shape != y.shape:
                raise RuntimeError(
                    f"vjp: a cotangent of shape {list(g.shape)} was given for an output of shape "
                    f"{list(y.shape)}"
                )
        record = create_graph
        if record is None:
            record = mode.enabled and (escapes or _is_recorded(gs))
        found = _pulled(outputs, own.variables, gs, record, retain_graph or record)
        return structure.build(found)

    keep = own.cut if outer else _constant
    output, aux = form.build([keep(y) for y in results]), map_leaves(keep, aux)
    own.forget_writes()
    return (output, vjp_fn, aux) if has_aux else (output, vjp_fn)


# ----------------------------------------------------------------------------------- forward mode


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """`(output, derivative of func along the tangents)`, in forward mode.

    `primals` and `tangents` are tuples of trees of tensors of the same shapes. An output that does
    not depend on the primals has zeros for a tangent, or raises with `strict`. With `has_aux`,
    `func` gives `(output, aux)`, and `aux` is returned in third place.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple):
            raise RuntimeError(
                f"jvp(f, primals, tangents): Expected {name} to be a tuple. E.g. it should be "
                f"valid to call f(*primals)."
            )
    leaves, structure = _tensors(primals, "jvp(f, primals, tangents)", "primals")
    ts, form = _tensors(tangents, "jvp(f, primals, tangents)", "tangents")
    if form != structure:
        raise RuntimeError(
            f"jvp(f, primals, tangents): Expected primals and tangents to have the same python "
            f"structure. For example, if primals is a tuple of 3 tensors, tangents also must be. "
            f"Got primals with structure {structure} and tangents with structure {form}"
        )
    if not leaves:
        raise RuntimeError("jvp(f, primals, tangents): Expected at least one Tensor in primals")

    def pushed(level: Level) -> tuple[Any, Any, Any]:
        duals = [dual(x, t, level) for x, t in zip(leaves, ts, strict=True)]
        result, aux = _split(func(*structure.build(duals)), has_aux, "jvp(f, primals, tangents)")
        outputs, out_form = _tensors(result, "jvp(f, primals, tangents)", "f(*primals) to return")
        found = []
        for y in outputs:
            t = tangent(y, level)
            if t is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of "
                        "the inputs. This is not allowed with strict=True."
                    )
                t = TENSORS.zeros_like(primal(y, level))
            found.append(t)
        values = [primal(y, level) for y in outputs]
        aux = map_leaves(lambda a: primal(a, level) if isinstance(a, Tensor) else a, aux)
        return out_form.build(values), out_form.build(found), aux

    output, derivative, aux = within(Level(), pushed)
    return (output, derivative, aux) if has_aux else (output, derivative)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """`(output, jvp_fn)`: the value, and the derivative there as a function of tangents.

    `func` is run once, whatever the number of calls of `jvp_fn`: these go through the transpose of
    its backward pass.
    """
    leaves, structure = _tensors(primals, "linearize(f, *primals)", "primals")
    outer = mode.enabled
    try:
        mode.switch(True)
        own = _Own(leaves)
        result = func(*structure.build(own.variables))
        outputs, form = _tensors(result, "linearize(f, *primals)", "f(*primals) to return")
        us = [variable(TENSORS.zeros_like(y)) for y in map(_constant, outputs)]
        pulled = pull(outputs, own.variables, us, True)
    finally:
        mode.enabled = outer
        mode.switch(outer)
    escapes = own.escapes(outputs)

    def jvp_fn(*tangents: Any) -> Any:
        ts, given = flatten(tangents)
        if given != structure:
            raise RuntimeError(
                f"linearize: Expected the tangents to have the structure of the primals, "
                f"{structure}, but got {given}"
            )
        for t, x in zip(ts, leaves, strict=True):
            if not isinstance(t, Tensor) or t.shape != x.shape or t.dtype != x.dtype:
                raise RuntimeError(
                    f"linearize: a tangent must be a tensor of its primal's shape and dtype, "
                    f"{list(x.shape)} and {x.dtype}"
                )
        pairs = [(p, t) for p, t in zip(pulled, ts, strict=True) if p is not None]
        record = mode.enabled and (escapes or _is_recorded(ts))
        found = _pulled([p for p, _ in pairs], us, [t for _, t in pairs], record, True)
        return form.build(found)

    keep = own.cut if outer else _constant
    return form.build([keep(y) for y in outputs]), jvp_fn


# --------------------------------------------------------------------------- Jacobians, Hessians


def _basis(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Unit vectors in the product of the tensors' spaces: (count, *shape) for each tensor."""
    sizes = [math.prod(x.shape) for x in tensors]
    total = sum(sizes)
    made, start = [], 0
    for x, size in zip(tensors, sizes, strict=True):
        block = np.zeros((total, size), x._value.dtype)
        block[start : start + size] = np.eye(size, dtype=x._value.dtype)
        made.append(wrap(block.reshape(total, *x.shape)))
        start += size
    return made


def _parts(x: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The rows of a stack that belong to each tensor's unit vectors, in the tensor's shape."""
    found, start = [], 0
    for like in tensors:
        size = math.prod(like.shape)
        rows = TENSORS.narrow(x, 0, start, size)
        found.append(TENSORS.reshape(rows, *like.shape, *x.shape[1:]))
        start += size
    return found


def _check_chunk(name: str, chunk_size: int | None) -> None:
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"{name}: `chunk_size` should be greater than 0, not {chunk_size}")


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False,
    chunk_size: int | None = None, _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """The function that computes the Jacobian of `func` in some arguments, in reverse mode.

    For each output of shape s and each input of shape t, a tensor of shape s + t: trees of outputs
    hold trees of inputs. One backward pass for all entries of the outputs, or for `chunk_size` of
    them at a time. Prefer `jacfwd` for more outputs than inputs. `_preallocate_and_copy` is
    PyTorch's way to save memory, and changes nothing here.
    """
    _check_chunk("jacrev", chunk_size)

    @functools.wraps(func, updated=())
    def jacobian(*args: Any, **keywords: Any) -> Any:
        chosen = _chosen(args, argnums)

        def of_chosen(*given: Any) -> Any:
            inputs = given if isinstance(argnums, tuple) else given[0]
            return func(*_with(args, argnums, inputs), **keywords)

        primals = chosen if isinstance(argnums, tuple) else (chosen,)
        output, pull_back, *aux = vjp(of_chosen, *primals, has_aux=has_aux)
        outputs, form = flatten(output)
        units = form.build(_basis(outputs))
        rows = vmap(lambda g: pull_back(g), chunk_size=chunk_size)(units)
        rows = rows if isinstance(argnums, tuple) else rows[0]
        leaves, structure = flatten(rows)
        blocks = [_parts(x, outputs) for x in leaves]  # by input, then by output
        made = form.build([structure.build([b[k] for b in blocks]) for k in range(len(outputs))])
        return (made, *aux) if has_aux else made

    return jacobian


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *,
    randomness: str = "error", chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """`jacrev` in forward mode: one pass for all entries of the inputs."""
    _check_chunk("jacfwd", chunk_size)

    @functools.wraps(func, updated=())
    def jacobian(*args: Any, **keywords: Any) -> Any:
        chosen = _chosen(args, argnums)
        primals = chosen if isinstance(argnums, tuple) else (chosen,)
        inputs, structure = _tensors(primals, "jacfwd", "the differentiated inputs")

        def of_chosen(*given: Any) -> Any:
            return func(
                *_with(args, argnums, given if isinstance(argnums, tuple) else given[0]), **keywords
            )

        def push(*tangents: Any) -> Any:
            made = jvp(of_chosen, primals, structure.build(list(tangents)), has_aux=has_aux)
            return made[1:]

        units = _basis(inputs)
        columns, *aux = vmap(
            push, randomness=randomness, out_dims=(0, None) if has_aux else (0,),
            chunk_size=chunk_size,
        )(*units)  # fmt: skip
        outputs, form = flatten(columns)
        made = []
        for y in outputs:
            rank = y.ndim - 1
            blocks = [
                TENSORS.movedim(part, tuple(range(x.ndim)), tuple(range(rank, rank + x.ndim)))
                if x.ndim and rank else part
                for part, x in zip(_parts(y, inputs), inputs, strict=True)
            ]  # fmt: skip
            built = structure.build(blocks)
            made.append(built if isinstance(argnums, tuple) else built[0])
        result = form.build(made)
        return (result, *aux) if has_aux else result

    return jacobian


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the Hessian of a scalar `func`: forward over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)


def hvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """The Hessian of a scalar `func` times the tangents, one result for each argument.

    Forward over reverse mode: it costs a few evaluations of `func`, and no matrix.
    """
    numbers = tuple(range(len(primals)))
    _, derivative = jvp(grad(func, numbers), primals, tangents)
    return derivative if len(primals) > 1 else derivative[0]


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """What a tensor inside a transform is made of: without its hidden axis, or its tangent.

    Without `recurse`, of the innermost transform only. To look at, not to compute with.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"debug_unwrap: expected a Tensor, not {type(tensor).__name__}")
    if recurse:
        return underneath(tensor)[0]
    level = top((tensor,))
    if level is None:
        return tensor
    return payload(tensor) if isinstance(level, BatchLevel) else primal(tensor, level)


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """A function with the same results: transforms take writes in place and views as they are."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. "
            f"Valid options are: remove='mutations' or 'mutations_and_views'"
        )

    @functools.wraps(func, updated=())
    def call(*args: Any, **keywords: Any) -> Any:
        return func(*args, **keywords)

    return call
