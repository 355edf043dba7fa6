"""Checkpoints: memory for time. What a part of a computation saved is computed again instead.

`checkpoint(function, *args)` runs a function of which only the arguments are kept. The backward
pass runs it once more when it needs what was saved within.

With `use_reentrant=False` this is done by hooks on saved tensors: each becomes a number, and the
first that is asked for makes the function run again, until the last of them is there. With
`use_reentrant=True` the whole call is one node, whose backward runs a forward and a backward.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.autograd import engine
from pullback.autograd.function import Function
from pullback.autograd.modes import enable_grad, mode
from pullback.autograd.saved import check, saved_tensors_hooks
from pullback.autograd.versions import tick
from pullback.autograd.views import alias
from pullback.autograd.watch import user_stack
from pullback.backends.generator import default_generator
from pullback.construct import make_leaf
from pullback.missing import missing_attribute
from pullback.tensor import Tensor, wrap

__all__ = [
    "CheckpointError", "CheckpointFunction", "checkpoint", "checkpoint_sequential",
    "noop_context_fn", "set_checkpoint_debug_enabled", "set_checkpoint_early_stop",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)


Context = contextlib.AbstractContextManager[Any]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function did not do what the first had done."""


class _Stop(Exception):
    """Everything that was saved is there again."""


def noop_context_fn() -> tuple[Context, Context]:
    """No context around the first run, and none around the second."""
    return contextlib.nullcontext(), contextlib.nullcontext()


_early_stop: bool | None = None


class set_checkpoint_early_stop:
    """Whether second runs end with the last saved tensor, within a `with` block."""

    def __init__(self, enable: bool) -> None:
        self.enable = enable
        self._before: list[bool | None] = []

    def __enter__(self) -> None:
        global _early_stop
        self._before.append(_early_stop)
        _early_stop = self.enable

    def __exit__(self, *error: object) -> None:
        global _early_stop
        _early_stop = self._before.pop()


_debug: bool | None = None


class set_checkpoint_debug_enabled:
    """What `debug` is for checkpoints within a `with` block; None leaves it to each of them."""

    def __init__(self, enabled: bool | None) -> None:
        self.enabled = enabled
        self._before: list[bool | None] = []

    def __enter__(self) -> None:
        global _debug
        self._before.append(_debug)
        _debug = self.enabled

    def __exit__(self, *error: object) -> None:
        global _debug
        _debug = self._before.pop()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Context, Context]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, of which nothing but the arguments is kept for the backward.

    The function must do the same when it is run again: `preserve_rng_state=False` says that it
    draws no random numbers, and `determinism_check` is "default", to compare shapes and dtypes, or
    "none". `context_fn` gives the contexts of the first and the second run. `early_stop` ends the
    second as soon as it can; with `debug`, errors show where tensors were saved.

    `use_reentrant=False` is recommended. With True, as PyTorch has it where nothing is said, the
    pass is a single node: at least one argument must require a gradient, and `autograd.grad` and
    `backward(inputs=…)` are refused.

    CheckpointError, in the backward pass, where the second run saved other tensors.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended, but if you need to preserve the current default "
            "behavior, you can pass use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        _check_inputs(args)
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    forward, again = context_fn()
    if not mode.enabled:
        with forward:
            return function(*args, **kwargs)
    if _early_stop is not None:
        early_stop = _early_stop
    if _debug is not None:
        debug = _debug
    frame = _Frame(function, args, kwargs, again, preserve, early_stop, determinism_check, debug)
    hooks = saved_tensors_hooks(frame.pack, _Holder.unpack)
    with hooks, forward:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """A sequence of functions, or an `nn.Sequential`, in so many checkpointed segments.

    The last segment is run as it is.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. use_reentrant=False is recommended, but if you need to preserve "
            "the current default behavior, you can pass use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
    steps = list(functions.children() if hasattr(functions, "children") else functions)

    def segment(start: int, end: int) -> Callable[[Any], Any]:
        def run(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return run

    size = len(steps) // segments
    start = 0
    for start in range(0, size * (segments - 1), size) if size else ():
        input = checkpoint(
            segment(start, start + size), input,
            use_reentrant=use_reentrant, preserve_rng_state=preserve,
        )  # fmt: skip
    return segment(size * (segments - 1), len(steps))(input)


# ---------------------------------------------------------------------------- with hooks


class _Inputs(Function):
    """Keeps tensors, where hooks that are outside of a checkpoint say."""

    @staticmethod
    def forward(ctx: Any, dummy: Tensor, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        return wrap(np.empty(0))


class _Frame:
    """A checkpointed call: how to run it again, and what its tensors looked like."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any],
        again: Context, preserve: bool, early_stop: bool, determinism: str, debug: bool,
    ):  # fmt: skip
        self.function = function
        self.again, self.early_stop = again, early_stop
        self.determinism, self.debug = determinism, debug
        self.state = default_generator.get_state() if preserve else None
        tensors = [a for a in (*args, *keywords.values()) if isinstance(a, Tensor)]
        for t in tensors:  # formulas that may be stored: both runs must meet the same values
            if t._is_formula and not t._value.is_large:
                _ = t._array
        # The others as they are; the tensors are in the node.
        self.args = [None if isinstance(a, Tensor) else a for a in args]
        self.tensor_args = [isinstance(a, Tensor) for a in args]
        self.keywords = {k: None if isinstance(v, Tensor) else v for k, v in keywords.items()}
        self.tensor_keywords = [k for k, v in keywords.items() if isinstance(v, Tensor)]
        self.inputs = _Inputs.apply(make_leaf(wrap(np.empty(0))), *tensors).grad_fn
        self.metas: list[Any] = []  # of the tensors that the first run saved
        self.places: list[str] = []  # where it did, with `debug`
        # What the second run found, for each backward pass that wanted it.
        self.found: weakref.WeakKeyDictionary[Any, dict[int, tuple[Tensor, int]]]
        self.found = weakref.WeakKeyDictionary()
        self.holders: list[weakref.ref[_Holder]] = []
        self.lock = threading.RLock()

    def pack(self, tensor: Tensor) -> _Holder:
        holder = _Holder(self, len(self.metas))
        self.holders.append(weakref.ref(holder))
        self.metas.append((tuple(tensor._value.shape), tensor._value.dtype))
        if self.debug:
            self.places.append(user_stack()[-1].rstrip())
        return holder

    def get(self, number: int) -> Tensor:
        """One of the saved tensors; those that are not asked for yet are kept for this pass."""
        running = mode.running
        with self.lock:
            found = self.found.get(running) if running is not None else None
            if found is None or number not in found:
                found = self.recompute()
                if running is not None:
                    self.found[running] = found
            tensor, time = found.pop(number)
        check(tensor._value, time, "a checkpointed function")
        return tensor

    def recompute(self) -> dict[int, tuple[Tensor, int]]:
        tensors = iter(self.inputs.saved_tensors)
        args = [
            next(tensors) if is_tensor else a
            for a, is_tensor in zip(self.args, self.tensor_args, strict=True)
        ]
        keywords = self.keywords | {k: next(tensors) for k in self.tensor_keywords}
        found: dict[int, tuple[Tensor, int]] = {}
        count, expected = 0, len(self.metas)

        def pack(tensor: Tensor) -> Tensor:
            nonlocal count
            number, count = count, count + 1
            if number >= expected:
                raise CheckpointError(
                    f"torch.utils.checkpoint: trying to save more tensors during recomputation "
                    f"than during the original forward pass: {count} instead of {expected}. "
                    f"{ADVICE}"
                )
            self.compare(number, tensor)
            if self.holders[number]() is not None:
                found[number] = (tensor, tick())
            if self.early_stop and count == expected:
                raise _Stop
            return tensor

        run = contextlib.suppress(_Stop)
        hooks = saved_tensors_hooks(pack, lambda t: t)
        with _random_state(self.state), enable_grad(), self.again, run, hooks:
            self.function(*args, **keywords)
        if count != expected:
            raise CheckpointError(
                f"torch.utils.checkpoint: A different number of tensors was saved during the "
                f"original forward and recomputation.\n"
                f"Number of tensors saved during forward: {expected}\n"
                f"Number of tensors saved during recomputation: {count}\n{ADVICE}"
            )
        return found

    def compare(self, number: int, tensor: Tensor) -> None:
        shape, dtype = self.metas[number]
        new = (tuple(tensor._value.shape), tensor._value.dtype)
        if self.determinism == "none" or new == (shape, dtype):
            return
        where = ""
        if self.debug:
            where = f"\nsaved at first:\n{self.places[number]}\nand now:\n{user_stack()[-1]}"
        raise CheckpointError(
            f"torch.utils.checkpoint: Recomputed values for the following tensors have different "
            f"metadata than during the forward pass.\ntensor at position {number}: shape "
            f"{list(shape)} and {dtype} at first, {list(new[0])} and {new[1]} now. {ADVICE}{where}"
        )


ADVICE = (
    "The function must do the same in both runs: what it reads besides its arguments must not "
    "change, and random numbers must come from the default generator. checkpoint(..., debug=True) "
    "shows where the tensors were saved."
)


class _Holder:
    """Stands for a saved tensor, of which the call is known that computes it."""

    __slots__ = ("__weakref__", "frame", "number")

    def __init__(self, frame: _Frame, number: int):
        self.frame, self.number = frame, number

    def unpack(self) -> Tensor:
        return self.frame.get(self.number)


@contextlib.contextmanager
def _random_state(state: Tensor | None) -> Iterator[None]:
    """The default stream of random numbers from a former state, and afterwards from where it is."""
    if state is None:
        yield
        return
    before = default_generator.get_state()
    default_generator.set_state(state)
    try:
        yield
    finally:
        default_generator.set_state(before)


# ---------------------------------------------------------------------------- as one node


def _check_inputs(args: Sequence[Any]) -> None:
    if not any(isinstance(a, Tensor) and a._edge is not None for a in args):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=3
        )


class CheckpointFunction(Function):
    """A call as one node, whose backward runs it again."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        ctx.function = function
        ctx.state = default_generator.get_state() if preserve else None
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.are_tensors = [isinstance(a, Tensor) for a in args]
        ctx.save_for_backward(*(a for a in args if isinstance(a, Tensor)))
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        if mode.running is not None and mode.running.targets is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        tensors = iter(ctx.saved_tensors)
        args = [
            _detached(next(tensors)) if is_tensor else a
            for a, is_tensor in zip(ctx.others, ctx.are_tensors, strict=True)
        ]
        with _random_state(ctx.state), enable_grad():
            outputs = ctx.function(*args)
        pairs = [
            (y, g)
            for y, g in zip(
                outputs if isinstance(outputs, tuple) else (outputs,), cotangents, strict=True
            )
            if isinstance(y, Tensor) and y._edge is not None
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        engine.backward([y for y, _ in pairs], [g for _, g in pairs])
        return (None, None, *(a._grad if isinstance(a, Tensor) else None for a in args))


def _detached(tensor: Tensor) -> Tensor:
    made = alias(tensor)
    return make_leaf(made) if tensor._edge is not None else made
