"""Tensors from data: lists, NumPy arrays, other libraries' arrays, legacy constructors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.graph import AccumulateGrad
from pullback.devices import check_device
from pullback.dispatch import TENSORS
from pullback.tensor import Tensor, wrap


def tensor(
    data: Any,
    *,
    dtype: dtypes.dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of the data: numbers, nested sequences, arrays, tensors.

    Python floats become the default dtype, Python integers int64; NumPy arrays keep theirs.
    """
    check_device(device)
    made = wrap(np.array(_as_array(data, dtype)))
    if requires_grad:
        make_leaf(made)
    return made


def as_tensor(data: Any, dtype: dtypes.dtype | None = None, device: Any = None) -> Tensor:
    """The data as a tensor, without a copy where dtype and memory allow it."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else TENSORS.cast(data, dtype.numpy)
    return wrap(_as_array(data, dtype))


asarray = as_tensor


def from_numpy(ndarray: Any, /) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy(ndarray.dtype)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not supported: copy it first, with array.copy()"
        )
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and writing to this tensor will raise. You "
            "may want to copy the array first.",
            UserWarning,
            stacklevel=2,
        )
    return wrap(ndarray if type(ndarray) is np.ndarray else np.asarray(ndarray))


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's CPU array."""
    return wrap(np.from_dlpack(ext_tensor))


def make_leaf(leaf: Tensor) -> Tensor:
    """Ask for gradients with respect to a tensor."""
    if leaf._value.dtype.kind not in "fc":
        raise RuntimeError(
            f"only Tensors of floating point and complex dtype can require gradients, not "
            f"{leaf.dtype} of shape {list(leaf.shape)}: convert it with .float() first"
        )
    leaf._edge = (AccumulateGrad(leaf), 0)
    return leaf


def _as_array(data: Any, dtype: dtypes.dtype | None) -> Any:
    if isinstance(data, Tensor):
        array = data._value
    elif isinstance(data, (np.ndarray, np.generic)) or (
        not isinstance(data, (list, tuple)) and hasattr(data, "__array__")
    ):
        array = np.asarray(data)
    else:
        array = _from_sequence(data)
    if dtype is not None:
        if array.dtype.kind == "c" and not dtype.is_complex:
            array = array.real
        with np.errstate(all="ignore"):
            return array.astype(dtype.numpy, copy=False)
    dtypes.from_numpy(array.dtype)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _from_sequence(data: Any) -> Any:
    """Nested sequences of numbers and 0-d tensors, with PyTorch's dtypes."""
    kinds: set[type] = set()
    array = np.array(_plain(data, kinds, ()))
    if array.dtype == object:
        raise TypeError(f"not a tensor: {type(data).__name__} of {[k.__name__ for k in kinds]}")
    if array.dtype.kind == "U":
        raise TypeError(f"new(): invalid data type 'str' in {data!r}")
    if array.size == 0 or array.dtype.kind == "f":
        typed = [k for k in kinds if issubclass(k, np.generic)]
        plain = any(k in (float, int, bool) for k in kinds)
        if not typed or plain:
            array = array.astype(dtypes.get_default_dtype().numpy)
    elif array.dtype.kind == "c" and complex in kinds:
        array = array.astype(dtypes.get_default_dtype().to_complex().numpy)
    elif array.dtype.kind == "u" and int in kinds:
        raise RuntimeError("Overflow when unpacking long: an integer does not fit in int64")
    return array


def _plain(data: Any, kinds: set[type], path: tuple[int, ...]) -> Any:
    if isinstance(data, (list, tuple, range)):
        items = [_plain(x, kinds, (*path, k)) for k, x in enumerate(data)]
        lengths = {len(x) if isinstance(x, list) else np.ndim(x) and len(x) for x in items}
        if len(lengths) > 1:
            sizes = sorted(lengths)
            raise ValueError(
                f"expected sequence of length {sizes[-1]} at dim {len(path) + 1} (got {sizes[0]})"
            )
        return items
    if isinstance(data, Tensor):
        data = data._value
    if isinstance(data, np.ndarray):
        kinds.add(data.dtype.type)
        return data
    kinds.add(type(data))
    return data


class TensorType(type):
    """The type of `torch.FloatTensor` and its kin: a dtype that makes tensors."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *args: Any) -> Tensor:
        return legacy(cls.dtype, *args)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def legacy(dtype: dtypes.dtype, *args: Any) -> Tensor:
    """`FloatTensor(2, 3)`: uninitialised, of these sizes; `FloatTensor([2.5])`: from data."""
    if len(args) == 1 and not isinstance(args[0], int):
        (data,) = args
        if isinstance(data, tuple) and type(data) is not tuple:  # a torch.Size
            return wrap(np.zeros(data, dtype.numpy))
        if isinstance(data, Tensor) and data.dtype is not dtype:
            raise TypeError(f"expected {dtype} (got {data.dtype}): convert it with .to()")
        return wrap(np.array(_as_array(data, dtype)))
    return wrap(np.zeros(args or (0,), dtype.numpy))


def tensor_types() -> dict[str, TensorType]:
    """`FloatTensor`, `DoubleTensor`, …, by name."""
    return {n: TensorType(n, (), {"dtype": d}) for d, n in dtypes.LEGACY_NAMES.items()}


def _construct(cls: type, *args: Any, device: Any = None) -> Tensor:
    check_device(device)
    return legacy(dtypes.get_default_dtype(), *args)


Tensor._construct = staticmethod(_construct)
