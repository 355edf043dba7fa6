"""Tensors from data: lists, NumPy arrays, other libraries' arrays, legacy constructors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import chain
from operator import index
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.graph import AccumulateGrad
from pullback.devices import check_device
from pullback.dispatch import TENSORS
from pullback.layouts import check_layout
from pullback.tensor import Size, Tensor, wrap


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of the data: numbers, nested sequences, arrays, tensors.

    Python floats become the default dtype, Python integers int64; NumPy's numbers and arrays keep
    their dtype. ValueError for ragged sequences, TypeError for what is not a number, RuntimeError
    for numbers that the dtype cannot hold.
    """
    check_device(device)
    if pin_memory:
        raise RuntimeError("pin_memory=True requires a GPU: pullback computes on the CPU here")
    wanted = dtypes.given("tensor", dtype)
    made = wrap(_as_array(data, wanted, copy=True))
    if requires_grad:
        make_leaf(made)
    return made


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor, without a copy where dtype and memory allow it.

    A tensor of that dtype is given back as it is, a NumPy array shares its memory.
    """
    check_device(device)
    wanted = dtypes.given("as_tensor", dtype)
    if isinstance(data, Tensor):
        if wanted is None or wanted is data.dtype:
            return data
        return TENSORS.cast(data, wanted.numpy)
    return wrap(_as_array(data, wanted))


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The object as a tensor: of its own memory if `copy`, sharing the object's if `copy=False`.

    With `copy=None` memory is shared where that is possible. ValueError if it is not and
    `copy=False`. Numbers, sequences, arrays, tensors, and objects with a buffer or `__dlpack__`.
    """
    check_device(device)
    wanted = dtypes.given("asarray", dtype)
    if isinstance(obj, Tensor):
        made = _asarray_of_tensor(obj, wanted, copy)
        if requires_grad and made._edge is None:
            make_leaf(made)
        return made
    array: Any = obj if isinstance(obj, np.ndarray) else None
    if array is None and not isinstance(obj, np.generic):
        array = _memory_of(obj, wanted)
    if array is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        array = _as_array(obj, wanted)
    else:
        have = _checked(array)
        if copy is False and wanted is not None and wanted is not have:
            raise ValueError(
                f"can't alias tensor with dtype {dtypes.SCALAR_NAMES[have]!r} into dtype "
                f"{dtypes.SCALAR_NAMES[wanted]!r}."
            )
        array = _as_array(array, wanted, copy=bool(copy))
    made = wrap(array)
    return make_leaf(made) if requires_grad else made


def _asarray_of_tensor(obj: Tensor, wanted: dtypes.dtype | None, copy: bool | None) -> Tensor:
    if wanted is not None and wanted is not obj.dtype:
        if copy is False:
            raise ValueError(
                f"can't alias tensor with dtype {dtypes.SCALAR_NAMES[obj.dtype]!r} into dtype "
                f"{dtypes.SCALAR_NAMES[wanted]!r}."
            )
        return TENSORS.cast(obj, wanted.numpy)
    return TENSORS.clone(obj) if copy else obj


def _memory_of(obj: Any, wanted: dtypes.dtype | None) -> Any:
    """The memory of an object that exports it, as an array; None if it does not."""
    if hasattr(obj, "__dlpack__"):
        return np.from_dlpack(obj)
    if isinstance(obj, (bytes, bytearray, memoryview)):
        # Bytes have no dtype of their own: they are read as what the caller wants.
        return np.frombuffer(obj, (wanted or dtypes.get_default_dtype()).numpy)
    if hasattr(obj, "__array__") or hasattr(obj, "__array_interface__"):
        return np.asarray(obj)
    return None


def from_numpy(ndarray: Any, /) -> Tensor:
    """A tensor that shares the memory of a NumPy array, both ways.

    TypeError for dtypes that tensors do not have; ValueError for memory that tensors cannot
    describe: negative strides, a foreign byte order, fields of records.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    _checked(ndarray)
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and writing to this tensor will raise. You "
            "may want to copy the array first.",
            UserWarning,
            stacklevel=2,
        )
    return wrap(_plain(ndarray))


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-D tensor that shares the memory of a buffer, read as elements of a dtype."""
    wanted = dtypes.given("frombuffer", dtype)
    if wanted is None:
        raise TypeError("frombuffer() misses the argument 'dtype'")
    view = memoryview(buffer)
    length, size = view.nbytes, wanted.itemsize
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({size})"
        )
    if count == 0 or offset + count * size > length:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must "
            f"be greater than 0 and not be greater than actual buffer length ({length} bytes)"
        )
    made = wrap(np.frombuffer(buffer, wanted.numpy, count, offset))
    return make_leaf(made) if requires_grad else made


class _Capsule:
    """A DLPack capsule as an object that hands it out, which is what NumPy asks for."""

    def __init__(self, capsule: Any):
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's CPU array, or of a DLPack capsule."""
    check_device(device)
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    elif not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError(
            f"from_dlpack received an invalid capsule: {type(ext_tensor).__name__} has no "
            f"__dlpack__. Make the tensor with torch.as_tensor()"
        )
    array = np.from_dlpack(ext_tensor, copy=copy)
    _checked(array)
    return wrap(array)


def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-d tensor of the default dtype, unless another is given."""
    check_layout(layout)
    wanted = dtypes.given("scalar_tensor", dtype) or dtypes.get_default_dtype()
    if isinstance(s, complex) and dtype is None:
        wanted = wanted.to_complex()
    return tensor(s, dtype=wanted, device=device, requires_grad=requires_grad)


def make_leaf(leaf: Tensor) -> Tensor:
    """Ask for gradients with respect to a tensor.

    What it was computed from is computed now, unless it is far larger than that: a variable is read
    at every step of whatever looks for a better one.
    """
    if dtypes.kind(leaf._value.dtype) not in "fc":
        raise RuntimeError(
            f"only Tensors of floating point and complex dtype can require gradients, not "
            f"{leaf.dtype} of shape {list(leaf.shape)}: convert it with .float() first"
        )
    if leaf._is_formula and not leaf._value.heavy:
        leaf._evaluate(leaf)
    leaf._edge = (AccumulateGrad(leaf), 0)
    return leaf


# ------------------------------------------------------------------------------------ arrays


def _checked(array: np.ndarray[Any, Any]) -> dtypes.dtype:
    """The dtype of an array whose memory a tensor can share; TypeError or ValueError if not."""
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported: use array.astype("
            "array.dtype.newbyteorder('='))"
        )
    found = dtypes.from_numpy(array.dtype)
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not currently supported. (You can probably work around this by making a "
            "copy of your array with array.copy().)"
        )
    if any(s % found.itemsize for s in array.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy "
            "array to reallocate the memory."
        )
    return found


def _plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array as NumPy's own class: subclasses (matrix, memmap) have other rules."""
    return array if type(array) is np.ndarray else np.asarray(array)


def _as_array(data: Any, dtype: dtypes.dtype | None, copy: bool = False) -> Any:
    """The data as an array; in memory of its own if `copy`."""
    if isinstance(data, Tensor):
        array = data._array
    elif isinstance(data, np.generic):
        array = np.asarray(data)
        dtypes.from_numpy(array.dtype)
    elif isinstance(data, np.ndarray) or (
        not isinstance(data, (list, tuple)) and hasattr(data, "__array__")
    ):
        array = _plain(np.asarray(data))
        _checked(array)
    else:
        return _from_sequence(data, dtype)
    if dtype is not None and dtype.numpy != array.dtype:
        if array.dtype.kind == "c" and not dtype.is_complex and dtype is not dtypes.bool_:
            array = array.real
        with np.errstate(all="ignore"):
            return array.astype(dtype.numpy, order="C")
    return array.copy() if copy else array


# --------------------------------------------------------------------------------- sequences


def _is_sequence(x: Any) -> bool:
    """What holds further elements: Python's sequences, strings among them, and arrays."""
    if isinstance(x, Tensor):  # inside a list it counts as a number, or is refused
        return False
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and not isinstance(
        x, (dict, np.generic)
    )  # fmt: skip


def _from_sequence(data: Any, dtype: dtypes.dtype | None) -> Any:
    """Nested sequences of numbers and 0-d tensors, with PyTorch's dtypes."""
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    sizes, numbers = _flatten(data)
    kinds = set(map(type, numbers))
    if dtype is None:
        dtype = _infer(numbers, kinds)
    if not kinds <= _PLAIN:
        numbers = [_number(x) for x in numbers]
        kinds = set(map(type, numbers))
    return _convert(numbers, kinds, dtype).reshape(sizes)


_PLAIN = {bool, int, float, complex}


def _flatten(data: Any) -> tuple[list[int], list[Any]]:
    """The sizes of a nested sequence, and all that it holds in one list; ValueError if ragged."""
    sizes: list[int] = []
    items: list[Any] = [data]
    while items and _is_sequence(items[0]):
        first = items[0]
        if isinstance(first, str) or len(sizes) == 64:
            raise ValueError(f"too many dimensions {type(first).__name__!r}")
        kinds = set(map(type, items))
        if not kinds <= {list, tuple}:
            for x in items:
                if not _is_sequence(x):
                    raise TypeError(
                        f"not a sequence: {type(x).__name__} beside {type(first).__name__} at dim "
                        f"{len(sizes)}"
                    )
        lengths = set(map(len, items))
        size = len(first)
        if len(lengths) > 1:
            other = next(len(x) for x in items if len(x) != size)
            raise ValueError(
                f"expected sequence of length {size} at dim {len(sizes)} (got {other})"
            )
        sizes.append(size)
        items = list(chain.from_iterable(items))
    return sizes, items


def _infer(numbers: list[Any], kinds: set[type]) -> dtypes.dtype:
    """The smallest dtype for all of these numbers: PyTorch's promotion, one by one."""
    if not numbers:
        return dtypes.get_default_dtype()
    found: dtypes.dtype | None = None
    for kind in kinds:
        if kind in _PLAIN:
            candidates = {dtypes.of_number(kind())}
        elif issubclass(kind, np.generic):
            candidates = {dtypes.from_numpy(np.dtype(kind))}
        else:
            candidates = {_dtype_of(x) for x in numbers if type(x) is kind}
        for candidate in candidates:
            found = candidate if found is None else dtypes.promote_types(found, candidate)
    assert found is not None
    return found


def _dtype_of(x: Any) -> dtypes.dtype:
    if isinstance(x, Tensor):
        return x.dtype
    if isinstance(x, np.ndarray):
        return dtypes.from_numpy(x.dtype)
    if isinstance(x, (bool, int, float, complex)):  # their subclasses: enumerations, …
        return dtypes.of_number(x)
    if _is_sequence(x):
        raise TypeError(f"{type(x).__name__!r} object cannot be interpreted as a number")
    raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")


def _number(x: Any) -> Any:
    """A leaf of a nested sequence as a Python number; what is none is left as it is."""
    if isinstance(x, (np.generic, np.ndarray)):
        return x.item() if x.size == 1 and not x.ndim else x
    if isinstance(x, Tensor):
        if x._value.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return x._array.item()
    return x


def _convert(numbers: list[Any], kinds: set[type], dtype: dtypes.dtype) -> Any:
    """Python numbers in one array of a dtype; an error for those that it cannot hold."""
    if dtype is dtypes.bool_:
        return np.array([bool(x) for x in numbers], np.bool_)
    with np.errstate(all="ignore"):
        if dtype.is_complex:
            return np.array([complex(x) for x in numbers], np.complex128).astype(dtype.numpy)
        if dtype.is_floating_point:
            _each(float, "must be real number, not {}", numbers, kinds - {bool, int, float})
            if int in kinds:  # NumPy would look for an integer type that holds them all
                numbers = list(map(float, numbers))
            return np.array(numbers, np.float64).astype(dtype.numpy)
        return _integers(numbers, kinds, dtype)


def _each(to: Callable[[Any], Any], message: str, numbers: list[Any], kinds: set[type]) -> None:
    """TypeError for the first of the numbers of these kinds that does not convert."""
    for x in numbers:
        if type(x) in kinds:
            try:
                to(x)
            except TypeError:
                raise TypeError(message.format(type(x).__name__)) from None


def _integers(numbers: list[Any], kinds: set[type], dtype: dtypes.dtype) -> Any:
    limits = np.iinfo(dtype.numpy)
    low, high = int(limits.min), int(limits.max)
    overflow = RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
    if float in kinds:  # truncated; NaN fails both comparisons
        if not all(low <= x <= high for x in numbers if type(x) is float):
            raise overflow
        numbers = [int(x) if type(x) is float else x for x in numbers]
    if not kinds <= {bool, int, float}:
        message = "{!r} object cannot be interpreted as an integer"
        _each(index, message, numbers, kinds - {bool, int, float, complex})
        _each(int, message, numbers, {complex})
    try:
        array = np.array(numbers, np.uint64 if dtype is dtypes.uint64 else np.int64)
    except OverflowError:
        if dtype is dtypes.uint64:
            raise OverflowError("an integer is negative or too big for torch.uint64") from None
        raise ValueError(
            "Overflow when unpacking long long: an integer does not fit in int64"
        ) from None
    if dtype.itemsize < 8 and array.size:
        # As in PyTorch, -1 may stand for the largest unsigned number, and so on.
        lowest = low if dtype.is_signed else -high
        if not (array.min() >= lowest and array.max() <= high):
            raise overflow
    return array.astype(dtype.numpy)


def number_array(number: Any, dtype: dtypes.dtype) -> Any:
    """A number as a 0-d array; RuntimeError where the dtype cannot hold it."""
    number = _number(number)
    signed = dtype.kind in "iu" and dtype is not dtypes.uint64
    if signed and type(number) is int and not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long: an integer does not fit in int64")
    return dtypes.fitted(number, dtype.numpy)


# ----------------------------------------------------------------------- legacy constructors


class TensorType(type):
    """The type of `torch.FloatTensor` and its kin: a dtype that makes tensors."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *args: Any, **options: Any) -> Tensor:
        return legacy(cls.dtype, *args, **options)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def legacy(
    dtype: dtypes.dtype, *args: Any, device: Any = None, keep: bool = False, **named: Any
) -> Tensor:
    """`FloatTensor(2, 3)`: uninitialised, of these sizes; `FloatTensor([2.5])`: from data.

    `keep` lets a tensor of another dtype through as it is, which `torch.Tensor(…)` does.
    """
    check_device(device)
    if "data" in named:
        args = (named.pop("data"),)
    elif "size" in named:
        args = tuple(named.pop("size"))
    if named:
        raise TypeError(f"new() got an unexpected keyword argument {next(iter(named))!r}")
    if len(args) == 1 and not _is_size(args[0]):
        (data,) = args
        if isinstance(data, Tensor):
            if data.dtype is not dtype and not keep:
                raise TypeError(f"expected {dtype} (got {data.dtype}): convert it with .to()")
            return TENSORS.view_as_shape(data, *data.shape)
        if isinstance(data, Size):
            return _uninitialised(data, dtype)
        if not _is_sequence(data) or isinstance(data, str):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        return wrap(_as_array(data, dtype))
    for k, size in enumerate(args):
        if not _is_size(size):
            raise TypeError(
                f"new(): argument 'size' must be tuple of ints, but found element of type "
                f"{type(size).__name__} at pos {k + 1}"
            )
    return _uninitialised([int(size) for size in args] or [0], dtype)


def _is_size(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def _uninitialised(sizes: Any, dtype: dtypes.dtype) -> Tensor:
    if any(size < 0 for size in sizes):
        worst = min(sizes)
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {worst}: {list(sizes)}"
        )
    return wrap(np.zeros(sizes, dtype.numpy))


def tensor_types() -> dict[str, TensorType]:
    """`FloatTensor`, `DoubleTensor`, …, by name."""
    return {n: TensorType(n, (), {"dtype": d}) for d, n in dtypes.LEGACY_NAMES.items()}


def set_default_tensor_type(t: Any, /) -> None:
    """Set the default dtype by its legacy type, `torch.DoubleTensor` or its name."""
    dtypes.set_default_dtype(dtype_of_type(t))


def dtype_of_type(t: Any) -> dtypes.dtype:
    """The dtype of `torch.FloatTensor`, `"torch.FloatTensor"`, `torch.Tensor` or a dtype itself.

    ValueError for other names.
    """
    if isinstance(t, dtypes.dtype):
        return t
    if isinstance(t, TensorType):
        return t.dtype
    if t is Tensor:
        return dtypes.get_default_dtype()
    name = t if isinstance(t, str) else getattr(t, "__name__", repr(t))
    names = {f"torch.{n}": d for d, n in dtypes.LEGACY_NAMES.items()}
    if name == "torch.Tensor":
        return dtypes.get_default_dtype()
    if name.startswith("torch.cuda."):
        check_device("cuda")
    if name not in names:
        raise ValueError(f"invalid type: {name!r}; one of {', '.join(names)}")
    return names[name]


def _construct(cls: type, *args: Any, **options: Any) -> Tensor:
    return legacy(dtypes.get_default_dtype(), *args, keep=True, **options)


Tensor._construct = staticmethod(_construct)
