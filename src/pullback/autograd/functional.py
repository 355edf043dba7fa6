"""Products with Jacobians and Hessians, and these matrices, of functions of tensors.

Each takes a function, its inputs (a tensor or a tuple of them), and the vectors v of the product in
the shapes of what they are multiplied with. The results are constants, unless `create_graph` is
set; `strict` refuses outputs that do not depend on an input, whose derivatives are zeros otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.engine import grad
from pullback.autograd.forward_ad import dual
from pullback.autograd.levels import BatchLevel, Level, hidden, split, variable, whole, within
from pullback.autograd.modes import enable_grad, no_grad
from pullback.autograd.views import alias
from pullback.tensor import Tensor, wrap

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]


def _as_tuple(given: Any, name: str, function: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether a tuple was given, and it. TypeError for anything but tensors."""
    several = isinstance(given, (tuple, list))
    tensors = tuple(given) if several else (given,)
    for k, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"The {name} of {function} must be either a Tensor or a tuple of Tensors but the "
                f"value at index {k} has type {type(x)}."
            )
    return several, tensors


@enable_grad()
def _variables(inputs: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    return [variable(x if create_graph else alias(x)) for x in inputs]


@enable_grad()
def _run(func: Any, inputs: Sequence[Any], name: str) -> tuple[bool, tuple[Tensor, ...]]:
    result = func(*inputs)
    return _as_tuple(result, "outputs of the user-provided function", name)


def _vectors(v: Any, like: Sequence[Tensor], several: bool, name: str, what: str) -> list[Tensor]:
    """The vectors in the shapes of tensors; 1 for a single number if they are not given."""
    if v is None:
        if len(like) != 1 or math.prod(like[0].shape) != 1:
            raise RuntimeError(
                f"{name}: the vector v can only be None if the {what} of the user-provided "
                f"function is a single Tensor with a single element"
            )
        return [graph.TENSORS.ones_like(like[0])]
    _, vectors = _as_tuple(v, "v", name)
    if len(vectors) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}."
        )
    for k, (x, t) in enumerate(zip(like, vectors, strict=True)):
        if x.shape != t.shape:
            raise RuntimeError(
                f"v has invalid size: entry {k} should be of shape {list(x.shape)} but is of shape "
                f"{list(t.shape)}."
            )
    return list(vectors)


def _gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], vectors: Sequence[Tensor],
    create_graph: bool,
) -> list[Tensor | None]:  # fmt: skip
    pairs = [(y, g) for y, g in zip(outputs, vectors, strict=True) if y._edge is not None]
    if not pairs:
        return [None] * len(inputs)
    found = grad([y for y, _ in pairs], inputs, [g for _, g in pairs], retain_graph=True,
                 create_graph=create_graph, allow_unused=True)  # fmt: skip
    return list(found)


def _filled(
    found: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, create_graph: bool,
    message: str,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Zeros for what does not depend, or the error that says so."""
    made = []
    for k, (g, x) in enumerate(zip(found, like, strict=True)):
        if g is None or (strict and create_graph and g._edge is None):
            if strict:
                raise RuntimeError(f"{message} {k}. This is not allowed in strict mode.")
            g = graph.TENSORS.zeros_like(x) if g is None else g
        made.append(g)
    return tuple(made)


def _shown(several: bool, tensors: Sequence[Tensor], create_graph: bool) -> Any:
    shown = tuple(tensors) if create_graph else tuple(alias(t) for t in tensors)
    return shown if several else shown[0]


def vjp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None,
    create_graph: bool = False, strict: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """`(outputs, v @ J)`: the vectors v, one for each output, times the Jacobian."""
    several, given = _as_tuple(inputs, "inputs", "vjp")
    xs = _variables(given, create_graph)
    many, outputs = _run(func, xs, "vjp")
    vectors = _vectors(v, outputs, many, "vjp", "output")
    found = _gradients(outputs, xs, vectors, create_graph)
    message = "The outputs of the user-provided function are independent of input"
    made = _filled(found, given, strict, create_graph, message)
    return _shown(many, outputs, create_graph), _shown(several, made, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None,
    create_graph: bool = False, strict: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """`(outputs, J @ v)`: the Jacobian times the vectors v, one for each input, in forward mode."""
    _, given = _as_tuple(inputs, "inputs", "jvp")
    vectors = _vectors(v, given, True, "jvp", "input")
    if not create_graph:
        given, vectors = tuple(map(alias, given)), list(map(alias, vectors))

    @(enable_grad() if create_graph else no_grad())
    def pushed(level: Level) -> tuple[bool, list[Tensor], tuple[Tensor, ...]]:
        duals = [dual(x, t, level) for x, t in zip(given, vectors, strict=True)]
        many, results = _as_tuple(func(*duals), "outputs of the user-provided function", "jvp")
        pairs = [split(y, level) for y in results]
        outputs = [y for y, _ in pairs]
        made = _filled([t for _, t in pairs], outputs, strict, False,
                       "The Jacobian times v does not depend on the inputs, in output")  # fmt: skip
        return many, outputs, made

    many, outputs, made = within(Level(), pushed)
    return _shown(many, outputs, create_graph), _shown(many, made, create_graph)


def jacobian(
    func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The derivatives of the outputs in the inputs: of shape output.shape + input.shape.

    A tuple over the outputs of tuples over the inputs, where these are tuples. One backward pass
    for each entry of the outputs, or with `vectorize` one for all of them, inside vmap. The
    strategy "forward-mode" needs `vectorize`: one forward pass for all entries of the inputs.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                "torch.autograd.functional.jacobian: `create_graph=True` and "
                '`strategy="forward-mode"` are not supported together (yet). Please either set '
                '`create_graph=False` or `strategy="reverse-mode"`.'
            )
        if strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and "
                '`strategy="forward-mode"` are not supported together (yet). Please either set '
                '`strict=False` or `strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                "torch.autograd.functional.jacobian: Computing Jacobian using forward-AD or "
                "forward-over-reverse Hessian is only implemented for `vectorize=True`."
            )
        return _forward_jacobian(func, inputs)
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )
    several, given = _as_tuple(inputs, "inputs", "jacobian")
    xs = _variables(given, create_graph)
    many, outputs = _run(func, xs, "jacobian")
    rows = [_rows(y, k, xs, create_graph, strict, vectorize) for k, y in enumerate(outputs)]
    shown = tuple(_shown(several, row, create_graph) for row in rows)
    return shown if many else shown[0]


def _rows(
    y: Tensor, number: int, xs: Sequence[Tensor], create_graph: bool, strict: bool, vectorize: bool
) -> list[Tensor]:
    """The Jacobian of one output in each input."""
    xp = graph.TENSORS
    count = math.prod(y.shape)
    message = f"Output {number} of the user-provided function is independent of input"
    found: Sequence[Tensor | None]
    if y._edge is None or not count:
        found = _filled([None] * len(xs), xs, strict and y._edge is None, create_graph, message)
        return [xp.zeros(*y.shape, *x.shape, dtype=x.dtype) for x in xs]
    units = np.eye(count, dtype=y._value.dtype).reshape(count, *y.shape)
    if vectorize:
        found = grad(y, xs, wrap(units), retain_graph=True, create_graph=create_graph,
                     allow_unused=True, is_grads_batched=True)  # fmt: skip
        stacked = [
            xp.zeros(count, *x.shape, dtype=x.dtype) if g is None else g
            for g, x in zip(found, xs, strict=True)
        ]
    else:
        rows = [
            _filled(_gradients([y], xs, [wrap(unit)], create_graph), xs, strict, create_graph,
                    message)
            for unit in units
        ]  # fmt: skip
        stacked = list(zip(*rows, strict=True))

    @(enable_grad() if create_graph else no_grad())
    def joined() -> list[Tensor]:
        columns = stacked if vectorize else [xp.stack(list(column)) for column in stacked]
        return [xp.reshape(g, *y.shape, *x.shape) for g, x in zip(columns, xs, strict=True)]

    return joined()


def _forward_jacobian(func: Callable[..., Any], inputs: Tensors) -> Any:
    xp = graph.TENSORS
    several, given = _as_tuple(inputs, "inputs", "jacobian")
    sizes = [math.prod(x.shape) for x in given]
    total = sum(sizes)

    @no_grad()
    def pushed(level: Level, batch: BatchLevel) -> tuple[bool, list[list[Tensor]]]:
        duals, start = [], 0
        for x, size in zip(map(alias, given), sizes, strict=True):
            unit = np.zeros((total, size), x._value.dtype)
            unit[start : start + size] = np.eye(size)
            start += size
            t = hidden(wrap(unit.reshape(total, *x.shape)), batch)
            duals.append(dual(x, t, level))
        many, results = _as_tuple(func(*duals), "outputs of the user-provided function", "jacobian")
        made = []
        for result in results:
            y, found = split(result, level)
            t = xp.zeros_like(y) if found is None else found
            columns = xp.movedim(whole(t, batch), 0, -1)
            blocks = xp.split(columns, sizes, -1)
            made.append([xp.reshape(b, *y.shape, *x.shape)
                         for b, x in zip(blocks, given, strict=True)])  # fmt: skip
        return many, made

    many, made = within(BatchLevel(total), lambda batch: within(Level(), pushed, batch))
    shown = tuple(_shown(several, row, False) for row in made)
    return shown if many else shown[0]


def hessian(
    func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of a scalar function: a tuple of tuples for a tuple of inputs."""
    several, given = _as_tuple(inputs, "inputs", "hessian")

    def first(*xs: Tensor) -> Any:
        ys = _variables(xs, True)
        y = _scalar(func, ys, "hessian")
        found = _gradients([y], ys, [graph.TENSORS.ones_like(y)], True)
        message = "The output of the user-provided function is independent of input"
        return _filled(found, ys, strict, False, message)

    rows = jacobian(first, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return rows if several else rows[0][0]


def _scalar(func: Callable[..., Any], xs: Sequence[Tensor], name: str) -> Tensor:
    many, outputs = _run(func, xs, name)
    if many or math.prod(outputs[0].shape) != 1:
        raise RuntimeError(
            f"The function given to {name} should return a single Tensor with a single element"
        )
    return outputs[0]


def vhp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None,
    create_graph: bool = False, strict: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """`(output, v @ H)`: the vectors v times the Hessian of a scalar function."""
    several, given = _as_tuple(inputs, "inputs", "vhp")
    vectors = _vectors(v, given, several, "vhp", "input")
    xs = _variables(given, create_graph)
    output = _scalar(func, xs, "vhp")
    first = _filled(
        _gradients([output], xs, [graph.TENSORS.ones_like(output)], True), xs, strict, True,
        "The output of the user-provided function is independent of input",
    )  # fmt: skip
    found = _gradients(first, xs, vectors, create_graph)
    message = "The Jacobian of the user-provided function is independent of input"
    made = _filled(found, given, strict, create_graph, message)
    return _shown(False, [output], create_graph), _shown(several, made, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None,
    create_graph: bool = False, strict: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """`(output, H @ v)`: the Hessian, which is symmetric, times the vectors v: as `vhp`."""
    return vhp(func, inputs, v, create_graph, strict)
