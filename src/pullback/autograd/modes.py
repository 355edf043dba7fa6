"""Whether operations are recorded: a switch per thread."""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from pullback.backends.arrays import QUIET, quiet_set

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """What each thread has of its own: the switch, and a context in which NumPy is silent.

    `quietly(f, *arguments)` calls f there. It costs 20 ns, setting and resetting the variable 140;
    but it cannot be nested, so it is for calls that lead straight into NumPy.
    """

    # False; True; or WATCHED, which is true as well: then somebody wants to see what is recorded,
    # and the short ways, which ask for True itself, are not taken.
    enabled: Any = True
    # What recording is: True, or WATCHED. The class's own, of all threads, is set by anomaly
    # detection; a thread that has hooks of its own sets it for itself.
    on: Any = True
    inference = False  # whether nothing is recorded, whatever the switch says
    tracing: str | None = None  # the scalar function whose body is being written down
    saved_hooks: tuple[Any, ...] = ()  # the innermost last
    hooks_disabled: str | None = None  # why there must be none
    multithreading = True  # what `set_multithreading_enabled` was told
    # Weak references to what is written with a history, while a transform wants to know.
    written: list[Any] | None = None
    running: Any = None  # the backward pass that this thread is in
    evaluating: Any = None  # the node that it is at, while anomalies are watched for

    def __init__(self) -> None:
        self.enabled = self.on
        context = contextvars.copy_context()
        context.run(quiet_set, QUIET)
        self.quietly = context.run
        self.levels: list[Any] = []  # of tangents and hidden axes that are open (`levels`)

    def switch(self, enabled: Any) -> None:
        """Record, or do not."""
        self.enabled = self.on if enabled and not self.inference else False

    def watch(self) -> None:
        """To be called when it may have changed whether somebody watches."""
        if self.saved_hooks:
            self.on = WATCHED
        else:
            self.__dict__.pop("on", None)
        if self.enabled:
            self.enabled = self.on


WATCHED = "watched"


mode = _Mode()


class set_multithreading_enabled:
    """Whether backward passes may use several threads, as PyTorch asks: also a context manager.

    Here, nodes are run by the thread that calls `backward` in any case; how many threads compute a
    formula is said by `set_num_threads`.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before = is_multithreading_enabled()
        _set_multithreading(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _set_multithreading(self._before)


def _set_multithreading(enabled: bool) -> None:
    mode.multithreading = bool(enabled)


def is_multithreading_enabled() -> bool:
    """What `set_multithreading_enabled` was told last in this thread; True at first."""
    return mode.multithreading


class _GradMode:
    """A context manager that is a decorator as well, of functions and of generators."""

    enabled: bool

    def __init__(self) -> None:
        self._previous: list[bool] = []

    # Ctrl-C comes where a call begins or has ended: what is stored after the last call of
    # `__enter__`, and before the first one of `__exit__`, is not separated from the block.

    def __enter__(self) -> None:
        self._previous.append(mode.enabled)
        mode.enabled = mode.on if self.enabled and not mode.inference else False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        mode.enabled = mode.on if self._previous[-1] and not mode.inference else False
        self._previous.pop()

    def _fresh(self) -> _GradMode:
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return cast(F, self._decorate_generator(function))

        @functools.wraps(function)
        def run(*args: Any, **keywords: Any) -> Any:
            inference, before = mode.inference, mode.enabled
            try:
                with self._fresh():
                    return function(*args, **keywords)
            finally:  # also if Ctrl-C came as `__exit__` began
                mode.inference, mode.enabled = inference, before
                mode.switch(before)

        return cast(F, run)

    def _decorate_generator(self, function: Any) -> Any:
        """The mode holds while the generator runs, not while its consumer does."""

        @functools.wraps(function)
        def run(*args: Any, **keywords: Any) -> Any:
            generator = function(*args, **keywords)
            resume: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self._fresh():
                        value = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield value
                    resume = functools.partial(generator.send, sent)
                except GeneratorExit:
                    with self._fresh():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)

        return run


class no_grad(_GradMode):
    """Operations inside are not recorded: their results require no gradient.

    A context manager, and a decorator of functions and generators.
    """

    enabled = False

    def __new__(cls, function: Any = None) -> Any:
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()  # type: ignore[misc]  # @no_grad without parentheses
        return made(function)

    def __init__(self, function: Any = None) -> None:
        super().__init__()


class enable_grad(no_grad):
    """Operations inside are recorded, whatever the mode around."""

    enabled = True


class set_grad_enabled(_GradMode):
    """Turn recording on or off: at once, and until the end of a `with` block if it opens one."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled = bool(mode)
        self._before = _swap(self.enabled)

    def __enter__(self) -> None:
        mode.switch(self.enabled)  # the constructor has switched already, but maybe long ago

    def __exit__(self, *error: object) -> None:
        mode.switch(self._before)

    def __call__(self, function: F) -> F:
        _swap(self._before)  # a decorator changes nothing until the function is called
        return super().__call__(function)

    def _fresh(self) -> _GradMode:
        return set_grad_enabled(self.enabled)


class inference_mode(_GradMode):
    """Nothing inside is recorded, not even within `enable_grad`; `mode=False` ends that again.

    A context manager, and a decorator of functions and generators. Tensors that are made inside
    are like any others: they may be used, and overwritten, where gradients are recorded.
    """

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls)
        if not callable(mode):
            return made
        made.__init__()  # type: ignore[misc]  # @inference_mode without parentheses
        return made(mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
        self.mode = mode if isinstance(mode, bool) else True
        self._inference: list[bool] = []

    def __enter__(self) -> None:
        self._inference.append(mode.inference)
        self._previous.append(mode.enabled)
        mode.inference = self.mode
        mode.enabled = False if self.mode else mode.on

    def __exit__(self, *error: object) -> None:
        mode.inference = self._inference[-1]
        mode.enabled = mode.on if self._previous[-1] and not mode.inference else False
        self._inference.pop()
        self._previous.pop()

    def _fresh(self) -> _GradMode:
        made: _GradMode = inference_mode(self.mode)
        return made


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return mode.inference


def _swap(enabled: bool) -> bool:
    previous = bool(mode.enabled)
    mode.switch(enabled)
    return previous


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return bool(mode.enabled)
