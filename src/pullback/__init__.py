"""PyTorch's tensors and automatic differentiation in pure Python: `import pullback as torch`.

The operations are declared in `pullback.ops`; the names of this module, the tensor's methods, the
tests and the documentation come from those declarations.
"""

import math as _math
from importlib import import_module as _import_module
from typing import Any as _Any

import pullback.ops
from pullback import (
    autograd,
    backends,
    construct,
    cuda,
    dtypes,
    methods,
    namespaces,
)
from pullback.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from pullback.backends.generator import Generator, default_generator
from pullback.construct import as_tensor, asarray, from_dlpack, from_numpy, tensor
from pullback.dispatch import device, result_type
from pullback.dtypes import (
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from pullback.tensor import Size, Tensor
from pullback.torch_alias import install_as_torch

__version__ = "0.1.0"

inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None
strided = "strided"
contiguous_format = preserve_format = channels_last = None

globals().update(dtypes.ALIASES)
globals()["bool"] = dtypes.bool_
globals().update(construct.tensor_types())


def is_tensor(obj: _Any, /) -> dtypes.builtin_bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> dtypes.builtin_bool:
    """Whether the elements are real floating-point numbers."""
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> dtypes.builtin_bool:
    """Whether the elements are complex numbers."""
    return input.dtype.is_complex


def numel(input: Tensor) -> dtypes.builtin_int:
    """The number of elements."""
    return input.shape.numel()


def can_cast(from_: dtype, to: dtype) -> dtypes.builtin_bool:
    """Whether results of the first dtype are converted to the second silently."""
    return dtypes.can_cast(from_, to)


def manual_seed(seed: dtypes.builtin_int) -> Generator:
    """Start the default stream of random numbers from a seed."""
    return default_generator.manual_seed(seed)


def seed() -> dtypes.builtin_int:
    """Start the default stream of random numbers anew; gives the seed."""
    return default_generator.seed()


def initial_seed() -> dtypes.builtin_int:
    """The seed that the default stream was started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The place in the default stream of random numbers, as bytes."""
    return from_numpy(default_generator.get_state())


def set_rng_state(new_state: Tensor) -> None:
    """Go to a place in the default stream that `get_rng_state` gave."""
    default_generator.set_state(new_state)


def set_printoptions(**options: _Any) -> None:
    """How tensors are printed: precision, threshold, edgeitems, linewidth, profile, sci_mode."""
    from pullback.printing import set_printoptions

    set_printoptions(**options)


# Imported when they are first used: whatever is not needed to make a tensor.
_SUBMODULES = ("graph", "linalg", "nn", "special")

_operation, _names, _operations = namespaces.lazy(__name__, globals())


def __getattr__(name: str) -> _Any:
    if name in _SUBMODULES:
        return _import_module(f"pullback.{name}")
    return _operation(name)


def __dir__() -> list[str]:
    return sorted({*_names(), *_SUBMODULES})


__all__ = [
    *(n for n in globals() if not n.startswith("_") and n not in ("construct", "methods", "ops")),
    *_operations,
]
