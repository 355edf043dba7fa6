"""Derivatives against finite differences: `gradcheck` and `gradgradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd.engine import grad
from pullback.autograd.modes import enable_grad, no_grad
from pullback.tensor import Tensor, wrap


class GradcheckError(RuntimeError):
    """A derivative that differs from finite differences."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of a function with central finite differences.

    `inputs` are the arguments; those that require gradients, in double precision, are perturbed
    by `eps`, entry by entry, the imaginary parts of complex ones too. With `fast_mode`, one random
    direction per pair of input and output replaces the full Jacobian. Gives True, or raises
    GradcheckError with both Jacobians (False with `raise_exception=False`).
    """
    arguments = _arguments(inputs)
    try:
        _check(func, arguments, eps, atol, rtol, nondet_tol, check_undefined_grad, fast_mode)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """`gradcheck` of the gradients of a function, in its inputs and in the cotangents."""
    arguments = _arguments(inputs)
    outputs = _differentiable(_outputs(func, arguments))
    if grad_outputs is None:
        source = np.random.default_rng(0)
        cotangents = [_random(o._array, source) for o in outputs]
    else:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
        cotangents = [wrap(g._array.copy()) for g in given]
    for g in cotangents:
        g.requires_grad_()  # attached by `methods`
    count = len(arguments)

    def gradients(*both: Any) -> tuple[Any, ...]:
        inner = list(both[:count])
        made = _differentiable(_outputs(func, inner))
        wanted = [x for x in inner if _is_checked(x)]
        found = grad(made, wanted, list(both[count:]), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g._edge is not None)

    return gradcheck(
        gradients, [*arguments, *cotangents], eps=eps, atol=atol, rtol=rtol,
        raise_exception=raise_exception, nondet_tol=nondet_tol, fast_mode=fast_mode,
    )  # fmt: skip


def _arguments(inputs: Any) -> list[Any]:
    arguments = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [x for x in arguments if _is_checked(x)]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have requires_grad=True."
        )
    for x in checked:
        if x._value.dtype not in (np.float64, np.complex128):
            raise ValueError(
                f"gradcheck needs double precision, but an input has dtype {x.dtype}: finite "
                f"differences of single precision are noise. Convert it with .double()"
            )
        if 0 in x._array.strides and x._value.size > 1:
            raise RuntimeError("gradcheck needs inputs whose elements do not overlap in memory")
    return arguments


def _is_checked(x: Any) -> bool:
    return isinstance(x, Tensor) and x._edge is not None


def _outputs(func: Callable[..., Any], arguments: Sequence[Any]) -> list[Any]:
    with enable_grad():
        result = func(*arguments)
    return [result] if isinstance(result, Tensor) else list(result)


def _differentiable(outputs: list[Any]) -> list[Tensor]:
    return [o for o in outputs if _is_checked(o)]


def _random(like: Any, source: np.random.Generator) -> Tensor:
    values = source.standard_normal(like.shape)
    if like.dtype.kind == "c":
        values = values + 1j * source.standard_normal(like.shape)
    return wrap(np.asarray(values, like.dtype))


def _check(
    func: Any, arguments: list[Any], eps: float, atol: float, rtol: float,
    nondet_tol: float, undefined: bool, fast: bool,
) -> None:  # fmt: skip
    checked = [x for x in arguments if _is_checked(x)]
    results = _outputs(func, arguments)
    outputs = _differentiable(results)
    places = [k for k, o in enumerate(results) if _is_checked(o)]

    def values() -> list[Any]:
        with no_grad():
            again = _outputs_plain(func, arguments)
        return [np.array(again[k]._array) for k in places]

    source = np.random.default_rng(1)
    if not outputs:  # nothing is claimed to depend on the inputs: then nothing must
        places = [k for k, o in enumerate(results) if o._value.dtype.kind in "fc"]
        _check_constant(checked, values, eps, atol, source)
        return
    for i, x in enumerate(checked):
        directions = _directions(x._value, fast, source)
        numerical = [_difference(x._value, d, eps, values) for d in directions]
        for o, output in enumerate(outputs):
            for g in _directions(output._array, fast, source):
                exact = _pull(outputs, output, x, g, nondet_tol)
                for d, change in zip(directions, numerical, strict=True):
                    expected = np.sum(np.real(np.conj(g) * change[o]))
                    found = np.sum(np.real(np.conj(exact) * d))
                    if not np.abs(found - expected) <= atol + rtol * np.abs(expected):
                        raise GradcheckError(
                            f"Jacobian mismatch for output {o} with respect to input {i}: along "
                            f"{_where(d)} of the input and {_where(g)} of the output, finite "
                            f"differences give {expected:.8g}, the backward pass {found:.8g}"
                            f"{_excuse(values)}"
                        )
    if undefined:
        zero = grad(outputs, checked, [wrap(np.zeros_like(o._array)) for o in outputs],
                    retain_graph=True, allow_unused=True)  # fmt: skip
        for i, g in enumerate(zero):
            if g is not None and np.any(g._array != 0):
                raise GradcheckError(f"zero cotangents give a gradient that is not zero: input {i}")


def _check_constant(
    checked: list[Any], values: Any, eps: float, atol: float, source: np.random.Generator
) -> None:
    """Outputs without history must not change with the inputs."""
    for i, x in enumerate(checked):
        for d in _directions(x._value, False, source):
            for o, change in enumerate(_difference(x._value, d, eps, values)):
                if not np.all(np.abs(change) <= atol):
                    raise GradcheckError(
                        f"output {o} changes with {_where(d)} of input {i}, by "
                        f"{np.abs(change).max():.8g} times as much, but no output requires grad: "
                        f"was its history lost by .detach(), .data, .item() or NumPy?"
                    )


def _excuse(values: Callable[[], list[Any]]) -> str:
    """What may explain a mismatch that is not the derivative's fault."""
    for one, other in zip(values(), values(), strict=True):
        if not np.array_equal(one, other, equal_nan=True):
            return ". The function itself gives different values when it is called twice"
    return ""


def _outputs_plain(func: Callable[..., Any], arguments: Sequence[Any]) -> list[Any]:
    result = func(*arguments)
    return [result] if isinstance(result, Tensor) else list(result)


def _where(direction: Any) -> str:
    places = np.argwhere(direction)
    if len(places) == 1:
        return f"entry {tuple(int(k) for k in places[0])}"
    return "a random direction"


def _directions(like: Any, fast: bool, source: np.random.Generator) -> list[Any]:
    """Unit directions: every entry (and i times it), or one random combination."""
    if fast:
        return [_random(like, source)._value]
    made = []
    for k in range(like.size):
        for unit in (1, 1j) if like.dtype.kind == "c" else (1,):
            direction = np.zeros(like.shape, like.dtype)
            direction.reshape(-1)[k] = unit
            made.append(direction)
    return made


def _difference(
    array: Any, direction: Any, eps: float, values: Callable[[], list[Any]]
) -> list[Any]:
    """The central difference quotient of all outputs."""
    before = array.copy()
    try:
        array[...] = before + eps * direction
        above = values()
        array[...] = before - eps * direction
        below = values()
    finally:
        array[...] = before
    return [(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)]


def _pull(outputs: Any, output: Tensor, x: Tensor, g: Any, nondet_tol: float) -> Any:
    """The gradient of one output along a cotangent; computed twice, as it must not vary."""
    results = []
    for _ in range(2):
        (found,) = grad(output, x, wrap(g), retain_graph=True, allow_unused=True)
        if found is None:
            return np.zeros_like(x._value)
        if found._value.shape != x._value.shape or found._value.dtype != x._value.dtype:
            raise GradcheckError(
                f"a gradient has shape {list(found.shape)} and dtype {found.dtype}, its input "
                f"{list(x.shape)} and {x.dtype}"
            )
        results.append(found._array)
    with np.errstate(invalid="ignore"):
        if np.any(np.abs(results[0] - results[1]) > nondet_tol):
            difference = np.abs(results[0] - results[1]).max()
            raise GradcheckError(
                f"Backward is not reentrant, i.e., running backward with same input and "
                f"grad_output multiple times gives different values: they differ by "
                f"{difference:.8g}, the tolerance is nondet_tol={nondet_tol:g}"
            )
    return results[0]
