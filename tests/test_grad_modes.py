"""Grad modes: with blocks, decorators, generators, exceptions, threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import pullback as torch

grad = torch.autograd.grad


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


def recording() -> bool:
    found = (leaf() * 2).requires_grad
    assert found is torch.is_grad_enabled()
    return bool(found)


def test_modes_as_context_managers() -> None:
    assert recording()
    with torch.no_grad():
        assert not recording()
        with torch.enable_grad():
            assert recording()
            with torch.set_grad_enabled(False):
                assert not recording()
            assert recording()
        assert not recording()
    assert recording()


def test_modes_survive_exceptions() -> None:
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        raise ZeroDivisionError
    assert recording()
    with torch.no_grad():
        with pytest.raises(ZeroDivisionError), torch.enable_grad():
            raise ZeroDivisionError
        assert not recording()


def test_modes_can_be_entered_again() -> None:
    for mode in (torch.no_grad(), torch.set_grad_enabled(False)):
        torch.set_grad_enabled(True)
        for _ in range(2):
            with mode:
                assert not recording()
            assert recording()
    mode = torch.no_grad()
    with mode, torch.enable_grad(), mode:
        assert not recording()
    assert recording()


def test_set_grad_enabled_as_a_function() -> None:
    torch.set_grad_enabled(False)
    try:
        assert not recording()
    finally:
        torch.set_grad_enabled(True)
    assert recording()


def test_modes_as_decorators() -> None:
    @torch.no_grad()
    def off(a: int, b: int = 2) -> tuple[int, int, bool]:
        """Documented."""
        return a, b, recording()

    @torch.no_grad
    def bare() -> bool:
        return recording()

    @torch.enable_grad()
    def on() -> bool:
        return recording()

    @torch.set_grad_enabled(False)
    def set_off() -> bool:
        return recording()

    @torch.no_grad()
    def recursive(n: int) -> bool:
        return recording() if n == 0 else recursive(n - 1) or recording()

    @torch.no_grad()
    def fails() -> None:
        raise ZeroDivisionError

    assert recording()  # the decorators have not switched anything
    assert off(1, b=3) == (1, 3, False)
    assert off.__name__ == "off" and off.__doc__ == "Documented."
    assert not bare() and not set_off() and not recursive(3)
    with torch.no_grad():
        assert on()
        assert not recording()
    with pytest.raises(ZeroDivisionError):
        fails()
    assert recording()


def test_modes_decorate_generators() -> None:
    log: list[Any] = []

    @torch.no_grad()
    def numbers() -> Iterator[Any]:
        try:
            sent = yield recording()
            log.append((sent, recording()))
            try:
                yield recording()
            except KeyError as error:
                log.append((type(error), recording()))
            with torch.enable_grad():
                yield recording()
            yield recording()
            return "done"  # StopIteration carries it
        finally:
            log.append(("closed", recording()))

    made = numbers()
    assert next(made) is False and recording()
    assert made.send("hello") is False and recording()
    assert made.throw(KeyError()) is True and recording()
    assert log == [("hello", False), (KeyError, False)]
    assert next(made) is False and recording()
    with pytest.raises(StopIteration) as stop:
        next(made)
    assert stop.value.value == "done" and recording()

    made = numbers()
    next(made)
    made.close()
    assert log[-1] == ("closed", False) and recording()

    made = numbers()
    next(made)
    with pytest.raises(OSError):
        made.throw(OSError())
    assert log[-1] == ("closed", False) and recording()


def test_inference_mode() -> None:
    @torch.inference_mode()
    def off() -> bool:
        return recording()

    @torch.inference_mode
    def bare() -> bool:
        return recording()

    @torch.inference_mode()
    def numbers() -> Iterator[bool]:
        yield recording()

    assert not off() and not bare() and list(numbers()) == [False] and recording()
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled()
        with torch.enable_grad():
            assert not recording()
        with torch.inference_mode(mode=False):
            assert recording() and not torch.is_inference_mode_enabled()
        x = leaf() * 2
        assert not recording()
    with torch.inference_mode(False):
        assert recording()
    with torch.no_grad():
        with torch.inference_mode():
            pass
        assert not recording()
    assert recording() and not torch.is_inference_mode_enabled()
    (leaf() * x).sum().backward()
    with pytest.raises(ZeroDivisionError), torch.inference_mode():
        raise ZeroDivisionError
    assert recording()


def test_modes_are_per_thread() -> None:
    found: list[bool] = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: found.append(recording()))
        thread.start()
        thread.join()
        assert found == [True]
        assert not recording()


def test_a_backward_pass_leaves_the_mode_alone() -> None:
    x = leaf()
    y = (x * x).sum()
    with torch.no_grad():
        y.backward()
        assert not torch.is_grad_enabled()
    with pytest.raises(RuntimeError):
        y.backward()
    assert recording()
