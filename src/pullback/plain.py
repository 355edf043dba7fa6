"""Functions of `torch` that compute nothing: questions, settings, names, Python's numbers.

Methods of tensors that are functions as well are made of the methods.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any

from pullback.devices import CPU, check_device
from pullback.tensor import Tensor

# Functions that are the tensor's methods: `torch.is_signed(x)` is `x.is_signed()`.
OF_METHODS = (
    "detach", "detach_", "get_device", "is_conj", "is_distributed", "is_inference", "is_neg",
    "is_nonzero", "is_same_size", "is_signed", "resize_as_", "resolve_conj", "resolve_neg",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in OF_METHODS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _of_method(name)


@functools.cache
def _of_method(name: str) -> Callable[..., Any]:
    method = getattr(Tensor, name)
    first, *rest = inspect.signature(method).parameters.values()

    def function(input: Any, *args: Any, **keywords: Any) -> Any:
        if not isinstance(input, Tensor):
            raise TypeError(
                f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}"
            )
        return method(input, *args, **keywords)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = method.__doc__
    function.__module__ = "pullback"
    signature = inspect.Signature([first.replace(name="input"), *rest])
    made: Any = function
    made.__signature__ = signature
    return function


# ----------------------------------------------------------------------------------- questions


def typename(obj: Any, /) -> str:
    """The name of an object's type, with its module; of a tensor, such as "torch.FloatTensor"."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None) or ""
    name = str(getattr(kind, "__qualname__", kind.__name__))
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


def is_storage(obj: Any, /) -> bool:
    """Whether an object is the storage of a tensor."""
    from pullback.methods.memory import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))


def compiled_with_cxx11_abi() -> bool:
    """Whether extensions in C++ need the newer standard library: there is one on all systems."""
    return True


has_lapack, has_spectral = True, True  # SciPy's and NumPy's
has_mkl, has_openmp = False, False


# ------------------------------------------------------------------------------------ settings


class _Settings:
    """What scripts set and read again. None of it changes a result here."""

    deterministic = 0  # 1: warn, 2: raise
    precision = "highest"
    interop_threads = 1
    warn_always = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for algorithms whose results repeat. Noted only."""
    _Settings.deterministic = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked for."""
    return _Settings.deterministic > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked for with warn_only=True."""
    return _Settings.deterministic == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """The same by a number or a word: 0 "default", 1 "warn", 2 "error"."""
    words = ("default", "warn", "error")
    if debug_mode not in words and debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, 2 or one of {words}, not {debug_mode!r}"
        )
    number = words.index(debug_mode) if isinstance(debug_mode, str) else int(debug_mode)
    _Settings.deterministic = number


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: see `set_deterministic_debug_mode`."""
    return _Settings.deterministic


def set_float32_matmul_precision(precision: str) -> None:
    """How precise products of float32 matrices have to be. They always are of full precision."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"set_float32_matmul_precision(): precision is 'highest', 'high' or 'medium', not "
            f"{precision!r}"
        )
    _Settings.precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given."""
    return _Settings.precision


def set_num_interop_threads(int: int) -> None:
    """How many threads run operations beside each other. Noted only."""
    if not isinstance(int, numbers.Integral) or int < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, not {int!r}")
    _Settings.interop_threads = int


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was given; 1 before."""
    return _Settings.interop_threads


def set_flush_denormal(mode: bool) -> bool:
    """Ask for the smallest numbers to become zero. They never do: gives False."""
    return False


def set_warn_always(b: bool, /) -> None:
    """Whether warnings come every time. Noted only: Python's `warnings` decides."""
    _Settings.warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was given."""
    return _Settings.warn_always


def set_default_device(device: Any) -> None:
    """Where new tensors are: on the CPU. RuntimeError for any other device."""
    check_device(device)


def get_default_device() -> Any:
    """Where new tensors are: the CPU."""
    return CPU


# ------------------------------------------------------------------------------ Python's numbers


def sym_int(a: Any) -> int:
    """A number as an integer, rounded towards zero."""
    whole: int = math.trunc(a)
    return whole


def sym_float(a: Any) -> float:
    """A number as a float."""
    return float(a)


def sym_not(a: Any) -> bool:
    """The opposite of a truth value."""
    return not a


def sym_max(a: Any, b: Any) -> Any:
    """The larger of two numbers; a float if either is."""
    return float(max(a, b)) if isinstance(a, float) or isinstance(b, float) else max(a, b)


def sym_min(a: Any, b: Any) -> Any:
    """The smaller of two numbers; a float if either is."""
    return float(min(a, b)) if isinstance(a, float) or isinstance(b, float) else min(a, b)


def sym_ite(b: bool, t: Any, f: Any) -> Any:
    """`t if b else f`."""
    return t if b else f


def sym_sum(args: Iterable[Any]) -> Any:
    """The sum of numbers."""
    return sum(args)


def sym_sqrt(a: Any) -> float:
    """The square root of a number."""
    return math.sqrt(a)


class SymInt:
    """A size that is not known yet: nothing is one, as programs are run and not written down."""


class SymFloat:
    """A number that is not known yet: nothing is one."""


class SymBool:
    """A truth value that is not known yet: nothing is one."""
