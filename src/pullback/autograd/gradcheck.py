"""Derivatives against finite differences: `gradcheck` and `gradgradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import forward_ad, graph
from pullback.autograd.engine import grad
from pullback.autograd.levels import BatchLevel, hidden, whole, within
from pullback.autograd.modes import enable_grad, is_grad_enabled, no_grad
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
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of a function with central finite differences.

    `inputs` are the arguments; those that require gradients, in double precision, are perturbed
    by `eps`, entry by entry, the imaginary parts of complex ones too. With `fast_mode`, one random
    direction per pair of input and output replaces the full Jacobian. Gives True, or raises
    GradcheckError with both Jacobians (False with `raise_exception=False`).

    `check_forward_ad` compares forward mode as well, `check_backward_ad=False` nothing else;
    `check_batched_grad` and `check_batched_forward_grad` compare derivatives along several
    directions at once, inside vmap, with those along each.
    """
    arguments = _arguments(inputs)
    if not (check_backward_ad or check_forward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True: there is "
            "nothing to check"
        )
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError(
            "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )
    if check_batched_grad and not check_backward_ad:
        raise AssertionError(
            "Setting check_batched_grad=True requires check_backward_ad to be True"
        )
    try:
        if check_backward_ad:
            _check(func, arguments, eps, atol, rtol, nondet_tol, check_undefined_grad, fast_mode)
        if check_forward_ad:
            check_forward(func, arguments, eps, atol, rtol, fast_mode)
        if check_batched_grad:
            _check_batched_grad(func, arguments, atol, rtol)
        if check_batched_forward_grad:
            _check_batched_forward(func, arguments, atol, rtol)
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
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
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
        found: tuple[Any, ...] = grad(  # for finite differences, without a graph
            made, wanted, list(both[count:]), create_graph=is_grad_enabled(),
            materialize_grads=True,
        )  # fmt: skip
        return found

    return gradcheck(
        gradients, [*arguments, *cotangents], eps=eps, atol=atol, rtol=rtol,
        raise_exception=raise_exception, nondet_tol=nondet_tol, fast_mode=fast_mode,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
        check_batched_grad=check_batched_grad,
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
        places = [k for k, o in enumerate(results) if dtypes.kind(o._value.dtype) in "fc"]
        _check_constant(checked, values, eps, atol, source)
        return
    cotangents = [_directions(output._array, fast, source) for output in outputs]
    # By output, then by its cotangent: a gradient for each input.
    exact = [
        [_pull(outputs, output, checked, g, nondet_tol) for g in along]
        for output, along in zip(outputs, cotangents, strict=True)
    ]
    for i, x in enumerate(checked):
        directions = _directions(x._value, fast, source)
        numerical = [_difference(x._value, d, eps, values) for d in directions]
        for o, along in enumerate(cotangents):
            changes = _rows([change[o] for change in numerical], outputs[o])
            gradients = _rows([e[i] for e in exact[o]], x)
            expected = np.real(np.conj(_rows(along, outputs[o])) @ changes.T)
            found = np.real(np.conj(gradients) @ _rows(directions, x).T)
            # Not ">": whatever is not a number is a mismatch.
            wrong = ~(np.abs(found - expected) <= atol + rtol * np.abs(expected))
            if np.any(wrong):
                n, m = (int(k) for k in np.argwhere(wrong)[0])
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {i}: along "
                    f"{_where(directions[m])} of the input and {_where(along[n])} of the output, "
                    f"finite differences give {expected[n, m]:.8g}, the backward pass "
                    f"{found[n, m]:.8g}{_excuse(values)}"
                )
    if undefined:
        zero = grad(outputs, checked, [wrap(np.zeros_like(o._array)) for o in outputs],
                    retain_graph=True, allow_unused=True)  # fmt: skip
        for i, g in enumerate(zero):
            if g is not None and np.any(g._array != 0):
                raise GradcheckError(f"zero cotangents give a gradient that is not zero: input {i}")


def check_forward(
    func: Any, arguments: list[Any], eps: float, atol: float, rtol: float, fast: bool
) -> None:
    """Forward mode against finite differences. GradcheckError where they differ."""
    checked = [k for k, x in enumerate(arguments) if _is_checked(x)]
    results = _outputs(func, arguments)
    places = [k for k, o in enumerate(results) if dtypes.kind(o._value.dtype) in "fc"]

    def values() -> list[Any]:
        with no_grad():
            again = _outputs_plain(func, arguments)
        return [np.array(again[k]._value) for k in places]

    source = np.random.default_rng(2)
    for i, k in enumerate(checked):
        x = arguments[k]
        for d in _directions(x._value, fast, source):
            found = _tangents(func, arguments, {k: wrap(d)}, places)
            for o, t, change in zip(places, found, _difference(x._value, d, eps, values),
                                    strict=True):  # fmt: skip
                exact = np.zeros_like(change) if t is None else t._array
                if exact.shape != change.shape or exact.dtype != results[o]._value.dtype:
                    raise GradcheckError(
                        f"the tangent of output {o} has shape {list(exact.shape)} and dtype "
                        f"{exact.dtype}, the output {list(change.shape)} and {results[o].dtype}"
                    )
                wrong = ~(np.abs(exact - change) <= atol + rtol * np.abs(change))
                if np.any(wrong):
                    place = tuple(int(n) for n in np.argwhere(wrong)[0])
                    raise GradcheckError(
                        f"Jacobian computed with forward mode mismatch for output {o} with respect "
                        f"to input {i}: along {_where(d)} of the input, entry {place} of the "
                        f"output changes by {change[place]:.8g} in finite differences, by "
                        f"{exact[place]:.8g} in forward mode{_excuse(values)}"
                    )


def _tangents(
    func: Any, arguments: list[Any], directions: dict[int, Tensor], places: list[int]
) -> list[Tensor | None]:
    """The tangents of some outputs along directions of some arguments."""
    with forward_ad.dual_level():
        given = [
            forward_ad.make_dual(x, directions[k]) if k in directions else x
            for k, x in enumerate(arguments)
        ]
        results = _outputs(func, given)
        return [forward_ad.unpack_dual(results[k]).tangent for k in places]


def _check_batched_grad(func: Any, arguments: list[Any], atol: float, rtol: float) -> None:
    """Gradients along several cotangents at once against those along each."""
    checked = [x for x in arguments if _is_checked(x)]
    outputs = _differentiable(_outputs(func, arguments))
    source = np.random.default_rng(3)
    for output in outputs:
        pair = [_random(output._value, source) for _ in range(2)]
        stacked = wrap(np.stack([g._value for g in pair]))
        together = grad(output, checked, stacked, retain_graph=True, allow_unused=True,
                        is_grads_batched=True)  # fmt: skip
        for b, g in enumerate(pair):
            alone = grad(output, checked, g, retain_graph=True, allow_unused=True)
            for both, one in zip(together, alone, strict=True):
                _compare_batch(
                    None if both is None else graph.TENSORS.select(both, 0, b),
                    one,
                    atol,
                    rtol,
                    "backward",
                )


def _check_batched_forward(func: Any, arguments: list[Any], atol: float, rtol: float) -> None:
    """Tangents along several directions at once against those along each."""
    results = _outputs(func, arguments)
    places = [k for k, o in enumerate(results) if dtypes.kind(o._value.dtype) in "fc"]
    source = np.random.default_rng(4)
    for k, x in enumerate(arguments):
        if not _is_checked(x):
            continue
        pair = [_random(x._value, source) for _ in range(2)]
        stacked = wrap(np.stack([d._value for d in pair]))

        def both(level: BatchLevel, k: int, stacked: Tensor) -> list[Tensor | None]:
            made = _tangents(func, arguments, {k: hidden(stacked, level)}, places)
            return [None if t is None else whole(t, level) for t in made]

        together = within(BatchLevel(2, "same"), both, k, stacked)
        for b, d in enumerate(pair):
            alone = _tangents(func, arguments, {k: d}, places)
            for t, one in zip(together, alone, strict=True):
                _compare_batch(
                    None if t is None else graph.TENSORS.select(t, 0, b), one, atol, rtol, "forward"
                )


def _compare_batch(
    one: Tensor | None, other: Tensor | None, atol: float, rtol: float, what: str
) -> None:
    if one is None or other is None:
        given = one if other is None else other
        if given is None or not np.any(given._array):
            return
        raise GradcheckError(f"{what} mode inside vmap gives no derivative where there is one")
    if not np.allclose(one._array, other._array, rtol, atol, equal_nan=True):
        raise GradcheckError(
            f"{what} mode inside vmap gives another derivative than outside: {one} and {other}"
        )


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


def _rows(arrays: list[Any], like: Tensor) -> Any:
    """Arrays of a tensor's shape as the rows of a matrix, of which there may be none."""
    return np.reshape(arrays, (len(arrays), like._value.size))


def _pull(outputs: Any, output: Tensor, inputs: list[Any], g: Any, nondet_tol: float) -> list[Any]:
    """The gradients of one output along a cotangent; computed twice, as they must not vary."""
    once, again = (
        grad(output, inputs, wrap(g), retain_graph=True, allow_unused=True) for _ in range(2)
    )
    results = []
    for x, found, second in zip(inputs, once, again, strict=True):
        if found is None:
            results.append(np.zeros_like(x._value))
            continue
        if found._value.shape != x._value.shape or found._value.dtype != x._value.dtype:
            raise GradcheckError(
                f"a gradient has shape {list(found.shape)} and dtype {found.dtype}, its input "
                f"{list(x.shape)} and {x.dtype}"
            )
        with np.errstate(invalid="ignore"):
            difference = np.abs(found._array - second._array)
        if np.any(difference > nondet_tol):
            raise GradcheckError(
                f"Backward is not reentrant, i.e., running backward with same input and "
                f"grad_output multiple times gives different values: they differ by "
                f"{difference.max():.8g}, the tolerance is nondet_tol={nondet_tol:g}"
            )
        results.append(found._array)
    return results
