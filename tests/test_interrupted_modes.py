"""Ctrl-C inside of transforms: grad modes and levels are left as they were, wherever it comes."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import pullback as torch
from interruptions import interrupted
from pullback import func
from pullback.autograd import forward_ad, functional
from pullback.autograd.levels import Level, Levels, Lifted
from pullback.autograd.modes import mode


def is_safe(frame: FrameType) -> bool:
    """The first moment of an `__exit__` is among the places: nothing written in Python is safe from
    that one, and so nothing inside of pullback may need it. Finalizers and generators are not,
    where errors may be dropped."""
    name = frame.f_code.co_name
    return not (name.startswith("<") or name == "__del__")


X = torch.tensor([1.0, 2, 3])


def energy(x: Any) -> Any:
    return (x.sin() * x).sum()


@torch.no_grad()
def unrecorded(x: Any) -> Any:
    return x * 2


@torch.inference_mode()
def inferred(x: Any) -> Any:
    return unrecorded(x) + 1


def in_no_grad(program: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> None:
        before = mode.enabled
        try:
            mode.enabled = False
            program()
        finally:
            assert mode.enabled is False
            mode.enabled = before

    return run


def optimise() -> None:
    x = torch.ones(2, requires_grad=True)
    for kind in (torch.optim.SGD, torch.optim.LBFGS):
        optimizer = kind([x], lr=0.1)

        def closure(optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = (x * x).sum()
            loss.backward()
            return loss

        optimizer.step(closure)


def dual_numbers() -> None:
    number = forward_ad.enter_dual_level()
    x = forward_ad.make_dual(X, torch.ones(3))
    assert forward_ad.unpack_dual(x.exp()).tangent is not None
    forward_ad.exit_dual_level(level=number)


PROGRAMS: dict[str, Callable[[], Any]] = {
    "grad": lambda: func.grad(energy)(X),
    "grad of grad": lambda: func.grad(lambda x: func.grad(energy)(x).sum())(X),
    "grad under no_grad": in_no_grad(lambda: func.grad(energy)(X)),
    "vjp": lambda: func.vjp(torch.sin, X)[1](X),
    "jvp": lambda: func.jvp(energy, (X,), (X,)),
    "linearize": lambda: func.linearize(torch.sin, X)[1](X),
    "vmap": lambda: func.vmap(energy)(X.expand(2, 3)),
    "vmap of grad": lambda: func.vmap(func.grad(energy))(X.expand(2, 3)),
    "vmap of random numbers": lambda: func.vmap(
        lambda x: x * torch.rand(3), randomness="different"
    )(X.expand(2, 3)),
    "hessian": lambda: func.hessian(energy)(X[:2]),
    "jacobian in forward mode": lambda: functional.jacobian(
        torch.sin, X, vectorize=True, strategy="forward-mode"
    ),
    "jacobian": lambda: functional.jacobian(torch.sin, X),
    "functional jvp": lambda: functional.jvp(torch.sin, X, X),
    "decorators": lambda: inferred(X),
    "optimisers": optimise,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_modes_and_levels_are_left_as_they_were(name: str) -> None:
    program = PROGRAMS[name]
    for _ in range(3):
        program()
    calls = interrupted(program, 0, is_safe)
    assert calls > 10
    stride = max(1, calls // 400)
    for number in range(1, calls + 1, stride):
        interrupted(program, number, is_safe)
        found = (mode.enabled, mode.inference, mode.levels, Levels.count, mode.written)
        assert found == (True, False, [], 0, None), f"at call {number} of {calls}"
    program()


def test_a_level_of_the_users_is_opened_and_closed_whole() -> None:
    calls = interrupted(dual_numbers, 0, is_safe)
    for number in range(1, calls + 1):
        interrupted(dual_numbers, number, is_safe)
        # Whether the call was made to the end or not: the numbers of open levels agree.
        assert len(forward_ad._open.levels) == len(mode.levels) == Levels.count
        while mode.levels:
            forward_ad.exit_dual_level()


def test_closing_a_level_goes_on_where_it_was_interrupted() -> None:
    def lifted() -> tuple[Level, Any]:
        level = Level()
        level.enter()
        return level, forward_ad.dual(X * 1, X, level)

    level, x = lifted()
    calls = interrupted(level.leave, 0, is_safe)
    assert not isinstance(x, Lifted)
    for number in range(1, calls + 1):
        level, x = lifted()
        interrupted(level.leave, number, is_safe)
        level.leave()
        assert (mode.levels, Levels.count) == ([], 0)
        assert not isinstance(x, Lifted) and x.tolist() == [1, 2, 3]


@pytest.mark.parametrize("manager", [torch.no_grad, torch.enable_grad, torch.inference_mode])
@pytest.mark.parametrize("around", [True, False])
def test_a_block_of_the_users(manager: Any, around: bool) -> None:
    """Entered or not, left or not; but for the first moment of `__exit__`."""

    def block() -> None:
        with manager():
            pass

    def run() -> None:
        with torch.set_grad_enabled(around):
            before = mode.enabled
            entered = manager()
            entered.__enter__()
            inside.append(mode.enabled)
            entered.__exit__(None, None, None)
            assert mode.enabled is before

    inside: list[Any] = []
    run()
    made = manager()
    with torch.set_grad_enabled(around):
        calls = interrupted(made.__enter__, 0, is_safe)
        made.__exit__(None, None, None)
        for number in range(1, calls + 1):
            interrupted(
                made.__enter__, number, is_safe
            )  # `with` does not leave what was not entered
            assert mode.enabled is around and mode.inference is False
        made.__enter__()
        calls = interrupted(lambda: made.__exit__(None, None, None), 0, is_safe)
        for number in range(2, calls + 1):
            made.__enter__()
            interrupted(lambda: made.__exit__(None, None, None), number, is_safe)
            assert mode.enabled is around and mode.inference is False
    block()
