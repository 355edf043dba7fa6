"""Tensors in another dtype or place, and as Python numbers and lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback import dtypes, layouts
from pullback.construct import TensorType, dtype_of_type, legacy, tensor
from pullback.devices import check_device
from pullback.dispatch import TENSORS
from pullback.formula import Unstored, is_stored
from pullback.methods.attach import method
from pullback.tensor import Tensor

_PYTHON_TYPES = (float, int, bool, complex)


@method
def to(self: Tensor, *args: Any, dtype: Any = None, device: Any = None, other: Any = None,
       non_blocking: bool = False, copy: bool = False,
       memory_format: Any = None) -> Tensor:  # fmt: skip
    """The tensor in another dtype: `to(dtype)`, `to(device, dtype)`, `to(other)`; itself if
    nothing changes and `copy` is not set.

    Gradients flow back through the conversion. RuntimeError for devices that are not here.
    """
    if len(args) > 4:
        raise TypeError(f"to() takes from 0 to 4 positional arguments but {len(args)} were given")
    flags = []
    for a in args:
        if isinstance(a, dtypes.dtype) or a in _PYTHON_TYPES:
            dtype = a
        elif isinstance(a, Tensor):
            other = a
        elif isinstance(a, bool):
            flags.append(a)
        elif a is not None:
            device = a
    if flags:  # non_blocking means nothing here, then copy
        copy = copy or flags[1:2] == [True]
    if other is not None:
        dtype = other.dtype
    check_device(device)
    wanted = dtypes.given("to", dtype)
    if wanted is None or wanted.numpy == self._value.dtype:
        made = TENSORS.clone(self, memory_format=memory_format) if copy else self
    else:
        made = TENSORS.cast(self, wanted.numpy)
    if memory_format in (None, layouts.preserve_format):
        return made
    return TENSORS.contiguous(made, memory_format=memory_format)


@method
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The legacy name of the type, or the tensor converted to a dtype, `torch.FloatTensor`, …

    ValueError for names of no type.
    """
    if dtype is None:
        return f"torch.{dtypes.LEGACY_NAMES[self.dtype]}"
    if isinstance(dtype, TensorType) and dtype.__module__ == "torch.cuda":
        check_device("cuda")
    return to(self, dtype_of_type(dtype))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(self, other.dtype)


@method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in the memory of the CPU: itself."""
    return self


@method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False,
         memory_format: Any = None) -> Tensor:  # fmt: skip
    """The tensor on an NVIDIA GPU. RuntimeError where there is none."""
    return to(self, device=device or "cuda")


def _conversion(name: str, dtype: dtypes.dtype) -> None:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, dtype, memory_format=memory_format)

    convert.__name__ = name
    convert.__doc__ = f"The tensor in dtype {dtype}."
    method(convert)


for _name, _dtype in {**dtypes.ALIASES, "bool": dtypes.bool_, "byte": dtypes.uint8,
                      "char": dtypes.int8, "bfloat16": dtypes.bfloat16}.items():  # fmt: skip
    _conversion(_name, _dtype)


@method
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor with a copy of the data, in this tensor's dtype unless another is given."""
    layouts.check_layout(layout)
    return tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@method
def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """A tensor of this dtype: of these sizes, not set, or from data. Prefer `new_tensor`."""
    return legacy(self.dtype, *args, device=device)


# ------------------------------------------------------------------------- Python's numbers


@method
def item(self: Tensor) -> Any:
    """The number in a tensor of one element. RuntimeError for more."""
    if self._value.size != 1:
        raise RuntimeError(
            f"a Tensor with {self._value.size} elements cannot be converted to Scalar: its shape "
            f"is {list(self.shape)}"
        )
    return self._array.item()


@method
def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers; of a 0-d tensor its number."""
    return self._array.tolist()


def _single(self: Tensor) -> Any:
    if self._value.size != 1:
        raise ValueError(
            f"only one element tensors can be converted to Python scalars: this one has shape "
            f"{list(self.shape)}"
        )
    return self._array.item()


def _real(self: Tensor, what: str) -> Any:
    number = _single(self)
    if isinstance(number, complex):
        if number.imag:
            raise RuntimeError(f"value cannot be converted to type {what} without overflow")
        return number.real
    return number


@method
def __int__(self: Tensor) -> int:
    return int(_real(self, "int64_t"))


@method
def __float__(self: Tensor) -> float:
    return float(_real(self, "double"))


@method
def __complex__(self: Tensor) -> complex:
    return complex(_single(self))


@method
def __bool__(self: Tensor) -> bool:
    if self._value.size != 1:
        count = "more than one value" if self._value.size else "no values"
        raise RuntimeError(
            f"Boolean value of Tensor with {count} is ambiguous: its shape is "
            f"{list(self.shape)}; use .any() or .all()"
        )
    return bool(self._array.item())


@method
def __index__(self: Tensor) -> int:
    if self._value.dtype.kind not in "biu" or self._value.size != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self._array.item())


@method
def __format__(self: Tensor, specification: str) -> str:
    if self._value.ndim == 0:
        return format(self._array.item(), specification)
    return object.__format__(self, specification)


def _usual(d: dtypes.dtype) -> bool:
    """Whether numbers printed without a dtype would be read as this one."""
    default = dtypes.get_default_dtype()
    return d in (default, default.to_complex(), dtypes.int64, dtypes.bool_)


@method
def __repr__(self: Tensor) -> str:
    from pullback.printing import tensor_repr

    suffix = []
    if self.grad_fn is not None:
        suffix.append(f"grad_fn=<{self.grad_fn.name()}>")
    elif self._edge is not None:
        suffix.append("requires_grad=True")
    d = self.dtype
    # Of what is never stored, only the numbers that are shown are computed.
    value: Any = self._array if is_stored(self._value) else Unstored(self._value)
    with np.errstate(all="ignore"):
        text = tensor_repr(value, dtype_name=repr(d), default_dtype=_usual(d), suffix=suffix)
    return f"Parameter containing:\n{text}" if "_is_parameter" in self.__dict__ else text
