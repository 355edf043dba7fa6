"""`gradcheck` and `gradgradcheck`: they pass what is right, and say what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.autograd import GradcheckError, gradcheck, gradgradcheck
from pullback.op import REGISTRY, pointwise


def points(*shape: int, kind: str = "f8") -> Any:
    source = np.random.default_rng(0)
    values = source.uniform(0.3, 1.2, shape)
    if kind == "c16":
        values = values + 1j * source.uniform(0.3, 1.2, shape)
    return torch.from_numpy(np.array(values, kind)).requires_grad_()


@pytest.fixture
def wrong() -> Iterator[dict[str, Any]]:
    """Operations whose derivatives are wrong, each in its own way."""
    before = set(REGISTRY)

    @pointwise()
    def wrong_factor(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.exp(input)

    @wrong_factor.backward("input")
    def _(xp, g, y):  # type: ignore[no-untyped-def]  # a declaration
        return g * y * 1.01

    @pointwise()
    def wrong_second(xp, a, b):  # type: ignore[no-untyped-def]  # a declaration
        return xp.mul(a, b)

    @wrong_second.backward("a")
    def _(xp, g, b):  # type: ignore[no-untyped-def]  # a declaration
        return g * b

    @wrong_second.backward("b")
    def _(xp, g, b):  # type: ignore[no-untyped-def]  # a declaration
        return g * b

    @pointwise()
    def wrong_order_two(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.sin(input)

    @wrong_order_two.backward("input")
    def _(xp, g, input):  # type: ignore[no-untyped-def]  # a declaration
        # right on arrays, and without its history on tensors
        detach = getattr(input, "detach", lambda: input)
        return g * xp.cos(detach())

    @pointwise(holomorphic=False)
    def wrong_conjugate(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.mul(input, input)

    @wrong_conjugate.backward("input")
    def _(xp, g, input):  # type: ignore[no-untyped-def]  # a declaration
        return 2 * g * input

    counter = itertools.count()

    @pointwise()
    def wandering(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.exp(input)

    @wandering.backward("input")
    def _(xp, g, y):  # type: ignore[no-untyped-def]  # a declaration
        return g * y * (1 + 1e-7 * (next(counter) % 2))

    @pointwise()
    def restless(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.exp(input)

    @restless.backward("input")
    def _(xp, g, y):  # type: ignore[no-untyped-def]  # a declaration
        return g * y + 1.0  # not linear in g

    @pointwise()
    def undefined(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.exp(input)

    @undefined.backward("input")
    def _(xp, g, y):  # type: ignore[no-untyped-def]  # a declaration
        return g * y * float("nan")

    from pullback.dispatch import bind

    made = {name: bind(REGISTRY[name]) for name in set(REGISTRY) - before}
    yield made
    for name in made:
        del REGISTRY[name]


# ----------------------------------------------------------------------------- what is right

RIGHT = {
    "polynomial": (lambda x: x**3 - 2 * x, [(4,)]),
    "two inputs": (lambda x, y: (x * y).sin() / y, [(3, 1), (4,)]),
    "two outputs": (lambda x: (x.exp(), x.sum()), [(2, 2)]),
    "matrices": (lambda a, b: (a @ b).log(), [(2, 3), (3, 2)]),
    "writes": (lambda x: (x * 1).mul_(x)[1:].sin_(), [(4,)]),
    "views": (lambda x: x.t()[0].expand(2, 3) * 2, [(3, 3)]),
    "0-d": (lambda x: x.exp(), [()]),
    "empty": (lambda x: x.exp(), [(0, 2)]),
    "not a leaf": (lambda x: (x.view(-1)[1:] * x[0, 0]).prod(), [(2, 2)]),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_gradients_pass(name: str, fast_mode: bool) -> None:
    function, shapes = RIGHT[name]
    inputs = [points(*shape) for shape in shapes]
    before = [x.tolist() for x in inputs]
    assert gradcheck(function, inputs, fast_mode=fast_mode) is True
    assert gradgradcheck(function, inputs, fast_mode=fast_mode) is True
    assert [x.tolist() for x in inputs] == before
    assert all(x.grad is None for x in inputs)


@pytest.mark.parametrize(
    "function",
    [
        lambda z: z * z, lambda z: z.exp(), lambda z: 1 / z, lambda z: z.conj() * (2 + 1j),
        lambda z: z.abs(), lambda z, w=None: (z.sin() * z.conj()).sum(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_complex_gradients_pass(function: Any, fast_mode: bool) -> None:
    assert gradcheck(function, points(3, kind="c16"), fast_mode=fast_mode)
    assert gradgradcheck(function, points(3, kind="c16"), fast_mode=fast_mode)


def test_arguments_that_are_not_checked_are_passed_on() -> None:
    x, constant = points(3), torch.arange(3.0)
    assert gradcheck(lambda a, b, c, flag: a * b**c if flag else a, (x, constant, 2, True))
    assert gradcheck(lambda a: a * 2, x)  # one tensor, not in a list


def test_outputs_without_derivative_are_left_out() -> None:
    assert gradcheck(lambda x: (x * 2, x.argmax(), x.detach()), points(3))
    assert gradcheck(lambda x: x.argmax(), points(3))


def test_checks_work_under_no_grad() -> None:
    with torch.no_grad():
        assert gradcheck(lambda x: x * x, points(3))
        assert gradgradcheck(lambda x: x * x, points(3))


def test_given_cotangents() -> None:
    g = torch.ones(3, dtype=torch.float64)
    assert gradgradcheck(lambda x: x**3, points(3), g)
    assert not g.requires_grad


# ----------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize("fast_mode", [False, True])
def test_a_wrong_factor(wrong: dict[str, Any], fast_mode: bool) -> None:
    with pytest.raises(GradcheckError, match=r"Jacobian mismatch for output 0 .* input 0"):
        gradcheck(wrong["wrong_factor"], points(3), fast_mode=fast_mode)
    assert gradcheck(wrong["wrong_factor"], points(3), raise_exception=False) is False
    assert gradcheck(wrong["wrong_factor"], points(3), rtol=0.1, fast_mode=fast_mode)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_a_wrong_second_argument(wrong: dict[str, Any], fast_mode: bool) -> None:
    inputs = (points(2, 2), points(2, 2) + 1)
    with pytest.raises(GradcheckError, match="output 0 with respect to input 1"):
        gradcheck(wrong["wrong_second"], inputs, fast_mode=fast_mode)


def test_the_message_shows_where_and_how_much(wrong: dict[str, Any]) -> None:
    x = torch.zeros(2, 2, dtype=torch.float64).requires_grad_()
    message = (
        r"entry \(0, 0\) of the input and entry \(0, 0\) of the output, finite differences give "
        r"1(\.0*\d*)?|0\.9999\d*, the backward pass 1\.01"
    )
    with pytest.raises(GradcheckError, match=message):
        gradcheck(wrong["wrong_factor"], x)


def test_the_second_output_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(GradcheckError, match="output 1 with respect to input 0"):
        gradcheck(lambda x: (x.exp(), wrong["wrong_factor"](x)), points(3))


def test_a_wrong_second_derivative(wrong: dict[str, Any]) -> None:
    function = wrong["wrong_order_two"]
    assert gradcheck(function, points(3))
    with pytest.raises(GradcheckError):
        gradgradcheck(function, points(3))
    assert gradgradcheck(function, points(3), raise_exception=False) is False


@pytest.mark.parametrize("fast_mode", [False, True])
def test_a_forgotten_conjugate(wrong: dict[str, Any], fast_mode: bool) -> None:
    function = wrong["wrong_conjugate"]
    assert gradcheck(function, points(3), fast_mode=fast_mode)  # right for real numbers
    with pytest.raises(GradcheckError, match="mismatch"):
        gradcheck(function, points(3, kind="c16"), fast_mode=fast_mode)


def test_backward_passes_that_vary(wrong: dict[str, Any]) -> None:
    function = wrong["wandering"]
    with pytest.raises(GradcheckError, match=r"not reentrant.*differ by \d.*nondet_tol=0"):
        gradcheck(function, points(3))
    assert gradcheck(function, points(3), nondet_tol=1e-6)


def test_functions_that_vary() -> None:
    calls = itertools.count()
    with pytest.raises(GradcheckError, match="different values when it is called twice"):
        gradcheck(lambda x: x * (1 + next(calls) % 3), points(3))


def test_gradients_of_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(GradcheckError):
        gradcheck(wrong["restless"], points(3))
    zero = torch.zeros(3, dtype=torch.float64).requires_grad_()
    with pytest.raises(GradcheckError, match="zero cotangents give a gradient that is not zero"):
        gradcheck(lambda x: wrong["restless"](x) * 0.0 + x, zero, atol=10)


def test_nan_is_a_mismatch(wrong: dict[str, Any]) -> None:
    with pytest.raises(GradcheckError, match="nan"):
        gradcheck(wrong["undefined"], points(3))


def test_lost_histories() -> None:
    with pytest.raises(GradcheckError, match=r"output 0 changes with entry \(0,\).*\.detach\(\)"):
        gradcheck(lambda x: x.detach() * 2, points(3))


def test_kinks_are_seen() -> None:
    x = torch.tensor(np.array([1.0, 0.0]), requires_grad=True)
    with pytest.raises(GradcheckError, match=r"entry \(1,\)"):
        gradcheck(lambda x: x.clamp(min=0.0), x, atol=1e-3)


def test_inputs_are_restored_after_an_error() -> None:
    x = points(3)
    before = x.tolist()
    calls = itertools.count()

    def fails(x: Any) -> Any:
        if next(calls) == 2:
            raise ZeroDivisionError
        return x * 2

    with pytest.raises(ZeroDivisionError):
        gradcheck(fails, x)
    assert x.tolist() == before


# --------------------------------------------------------------------------------- bad input


def test_something_must_require_grad() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, torch.zeros(3, dtype=torch.float64))


def test_single_precision_is_refused() -> None:
    with pytest.raises(ValueError, match=r"double precision.*torch.float32.*\.double\(\)"):
        gradcheck(lambda x: x, torch.zeros(3).requires_grad_())


def test_overlapping_inputs_are_refused() -> None:
    x = torch.zeros(1, dtype=torch.float64).requires_grad_().expand(3)
    with pytest.raises(RuntimeError, match="overlap in memory"):
        gradcheck(lambda x: x * 2, x)
