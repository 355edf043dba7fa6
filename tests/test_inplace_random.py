"""Random programs of views, writes and reads, beside a replay without any graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings, strategies as st

import pullback as torch
from pullback.autograd.graph import allow_mutation_on_saved_tensors, saved_tensors_hooks
from pullback.utils.checkpoint import checkpoint
from replay import SHAPE, SMALL, Outcome, Program

X = np.linspace(0.2, 0.9, 12).reshape(SHAPE)
Y = np.array([0.7, -0.4, 0.55, -0.8])
STALE = "its base or another view of its base has been modified inplace"
ENTRIES = X.size + Y.size
PROGRAMS = st.lists(st.tuples(*[st.integers(0, 99)] * 4), min_size=1, max_size=14)
RANDOM = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # to explain takes minutes
)
# A direction in which sums of equal derivatives do not cancel.
ONES = np.concatenate([np.linspace(0.5, 1.5, X.size), np.linspace(1, 2, Y.size)])


def replayed(program: Any, x: Any, y: Any, protected: bool, constants: Any = None) -> Outcome:
    return Program(program, [x, y], protected=protected, constants=constants).run()


def on_tensors(program: Any, protected: bool) -> tuple[Outcome, Any, Any]:
    x, y = (torch.tensor(a, requires_grad=True) for a in (X, Y))
    outcome = Program(program, [X, Y], protected=protected, tensors=[x, y]).run()
    return outcome, x, y


def flat(*parts: Any) -> Any:
    return np.concatenate([p.detach().numpy().reshape(-1) for p in parts])


def tame(outcome: Outcome) -> None:
    numbers = np.append(outcome.gradient, outcome.value)
    assume(np.all(np.isfinite(numbers)) and np.abs(numbers).max() < 1e8)


@RANDOM
@given(PROGRAMS)
def test_random_programs_that_overwrite_nothing_saved(program: Any) -> None:
    """Views, writes and reads: values, gradients and second derivatives, never an error."""
    plain = replayed(program, X, Y, protected=True)
    tame(plain)
    outcome, x, y = on_tensors(program, protected=True)
    np.testing.assert_allclose(outcome.loss.item(), plain.value, rtol=1e-9)
    arguments = {"materialize_grads": True, "create_graph": True}
    if outcome.poisoned:
        event("a view made under no_grad, by a custom function or with others became stale")
        with pytest.raises(RuntimeError, match=STALE):
            torch.autograd.grad(outcome.loss, (x, y), **arguments)
        return
    gradient = torch.autograd.grad(outcome.loss, (x, y), **arguments)
    np.testing.assert_allclose(flat(*gradient), plain.gradient, rtol=1e-9, atol=1e-9)

    h = 1e-30  # the derivative of the replay along a direction, by the complex step
    direction = 1j * h * ONES
    shifted = replayed(
        program, X + direction[: X.size].reshape(X.shape), Y + direction[X.size :],
        protected=True, constants=plain.constants,
    )  # fmt: skip
    along = sum((g * torch.tensor(d)).sum() for g, d in zip(gradient, split(ONES), strict=True))
    second = (
        torch.autograd.grad(along, (x, y), materialize_grads=True)
        if along.requires_grad
        else (torch.zeros(SHAPE), torch.zeros(SMALL))
    )
    scale = 1 + np.abs(shifted.gradient.imag).max() / h
    np.testing.assert_allclose(flat(*second) / scale, shifted.gradient.imag / h / scale, atol=1e-9)


def split(flat: Any) -> tuple[Any, Any]:
    return flat[: X.size].reshape(X.shape), flat[X.size :]


@RANDOM
@given(PROGRAMS)
def test_random_programs_are_right_or_refused(program: Any) -> None:
    """Where saved values may be overwritten, the gradient is right, or there is none."""
    plain = replayed(program, X, Y, protected=False)
    tame(plain)
    outcome, x, y = on_tensors(program, protected=False)
    np.testing.assert_allclose(outcome.loss.item(), plain.value, rtol=1e-9)
    try:
        gradient = torch.autograd.grad(outcome.loss, (x, y), materialize_grads=True)
    except RuntimeError as error:
        reasons = ["modified by an inplace operation"] + [STALE] * outcome.poisoned
        assert any(reason in str(error) for reason in reasons), error
        event("refused")
        return
    assert not outcome.poisoned
    event("right")
    np.testing.assert_allclose(flat(*gradient), plain.gradient, rtol=1e-9, atol=1e-9)


def clones() -> Any:
    return saved_tensors_hooks(lambda t: t.clone(), lambda t: t)


@RANDOM
@given(PROGRAMS, st.sampled_from([clones, allow_mutation_on_saved_tensors]))
def test_random_programs_whose_saved_values_are_kept_apart(program: Any, hooks: Any) -> None:
    """With copies of what is saved, made at once or before a write, nothing is refused."""
    plain = replayed(program, X, Y, protected=False)
    tame(plain)
    x, y = (torch.tensor(a, requires_grad=True) for a in (X, Y))
    with hooks():
        outcome = Program(program, [X, Y], protected=False, tensors=[x, y]).run()
    arguments = {"materialize_grads": True}
    if outcome.poisoned:
        with pytest.raises(RuntimeError, match=STALE):
            torch.autograd.grad(outcome.loss, (x, y), **arguments)
        return
    gradient = torch.autograd.grad(outcome.loss, (x, y), **arguments)
    np.testing.assert_allclose(flat(*gradient), plain.gradient, rtol=1e-9, atol=1e-9)


@RANDOM
@given(PROGRAMS)
def test_random_programs_that_are_run_again(program: Any) -> None:
    """In a checkpoint: the gradient is right, or there is none."""
    plain = replayed(program, X, Y, protected=False)
    tame(plain)
    x, y = (torch.tensor(a, requires_grad=True) for a in (X, Y))
    poisoned = []

    def run(x: Any, y: Any) -> Any:
        given = [x.detach().numpy().copy(), y.detach().numpy().copy()]
        outcome = Program(program, given, protected=False, tensors=[x, y]).run()
        poisoned.append(outcome.poisoned)
        return outcome.loss

    loss = checkpoint(run, x, y, use_reentrant=False)
    np.testing.assert_allclose(loss.item(), plain.value, rtol=1e-9)
    try:
        gradient = torch.autograd.grad(loss, (x, y), materialize_grads=True)
    except RuntimeError as error:
        reasons = ["modified by an inplace operation"] + [STALE] * poisoned[0]
        assert any(reason in str(error) for reason in reasons), error
        event("refused")
        return
    assert not poisoned[0]
    event("right")
    np.testing.assert_allclose(flat(*gradient), plain.gradient, rtol=1e-9, atol=1e-9)
