"""The memory of a tensor: storages, resizing, functions applied in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback import dtypes, layouts
from pullback.arguments import as_ints
from pullback.autograd.levels import underneath
from pullback.autograd.modes import mode
from pullback.autograd.versions import wrote
from pullback.autograd.views import join, shared
from pullback.backends.memory import address, owner
from pullback.construct import number_array
from pullback.devices import CPU
from pullback.dispatch import TENSORS
from pullback.dispatch.writing import overwrite
from pullback.formula import before_write
from pullback.indexing import recorded, setitem
from pullback.methods.attach import method
from pullback.tensor import Tensor, wrap


@method
def data_ptr(self: Tensor) -> int:
    """The address of the first element; 0 if there is none."""
    return address(_memory(self)) if self._value.size else 0


@method
def storage_offset(self: Tensor) -> int:
    """How many elements lie before the first one in the memory that it shares."""
    return TENSORS.memory_of(self)[1]


def _memory(x: Tensor) -> Any:
    """A tensor's own part of its memory; a formula is computed."""
    plain, axes = underneath(x)
    if axes:
        raise RuntimeError(
            f"the memory of a tensor of shape {list(x.shape)} cannot be looked at inside vmap: "
            f"each example has its own"
        )
    return join(plain)


class UntypedStorage:
    """The memory that a tensor and its views share, as bytes."""

    def __init__(self, array: Any):
        self._owner = owner(array)

    device = CPU

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return address(self._owner) if self._owner.size else 0

    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self._owner.nbytes)

    def size(self) -> int:
        """The number of bytes."""
        return self.nbytes()

    def __len__(self) -> int:
        return self.nbytes()

    def _bytes(self) -> Any:
        return np.ascontiguousarray(self._owner.ravel("K")).view(np.uint8)

    def __getitem__(self, k: int) -> int:
        return int(self._bytes()[k])

    def __iter__(self) -> Iterator[int]:
        return iter(self._bytes().tolist())

    def tolist(self) -> list[int]:
        """The bytes as a list."""
        return list(self._bytes().tolist())

    def __repr__(self) -> str:
        return f"[torch.storage.UntypedStorage(device=cpu) of size {self.nbytes()}]"


class TypedStorage:
    """The memory that a tensor and its views share, as elements of its dtype."""

    def __init__(self, array: Any):
        self._untyped = UntypedStorage(array)
        self._dtype = array.dtype

    device = CPU

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.from_numpy(self._dtype)

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._untyped.data_ptr()

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._untyped.nbytes()

    def size(self) -> int:
        """The number of elements."""
        return self.nbytes() // int(self._dtype.itemsize)

    def __len__(self) -> int:
        return self.size()

    def tolist(self) -> list[Any]:
        """The elements as a list."""
        return list(self._untyped._bytes().view(self._dtype).tolist())

    def __getitem__(self, k: int) -> Any:
        return self.tolist()[k]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        items = "\n ".join(map(str, self.tolist()))
        what = f"torch.storage.TypedStorage(dtype={self.dtype}, device=cpu)"
        return f" {items}\n[{what} of size {self.size()}]"


@method
def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory that this tensor and its views share, as bytes."""
    return UntypedStorage(_memory(self))


@method
def storage(self: Tensor) -> TypedStorage:
    """The memory that this tensor and its views share, as elements. Prefer `untyped_storage`."""
    return TypedStorage(_memory(self))


@method
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether another tensor has the same elements of the same memory, in the same order."""
    a, b = _memory(self), _memory(tensor)
    return bool(
        address(a) == address(b) and a.shape == b.shape and a.strides == b.strides
        and a.dtype == b.dtype
    )  # fmt: skip


# ---------------------------------------------------------------------------- writing over it


@method
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """The values of `src`, broadcast and converted, written over the tensor; gives itself."""
    if type(src) is Tensor and (src._edge is None or not mode.enabled) and (
        overwrite(self, src._value)
    ):  # fmt: skip
        return self
    if not isinstance(src, Tensor):
        if not isinstance(src, (int, float, complex, np.generic)):
            raise TypeError(f"copy_(): argument 'src' must be Tensor, not {type(src).__name__}")
        src = wrap(number_array(src, self.dtype))
    if recorded(self, src):
        return TENSORS.copy_(self, src)
    if src._value.ndim > self._value.ndim:
        raise RuntimeError(
            f"copy_: the shape {list(src.shape)} has more axes than {list(self.shape)}, the shape "
            f"of the tensor to write to"
        )
    setitem(self, ..., src, "copy_")
    return self


@method
def fill_(self: Tensor, value: Any) -> Tensor:
    """One value, a number or a 0-d tensor, written everywhere; gives the tensor itself."""
    if type(value) is float or type(value) is int:
        kind = self._value.dtype.kind  # numbers that every dtype of the kind has
        fits = -65504 <= value <= 65504 if kind == "f" else (
            kind == "i" and type(value) is int and -128 <= value < 128
        )  # fmt: skip
        if fits and overwrite(self, value):
            return self
    if isinstance(value, Tensor):
        if value._value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._value.ndim} dimensions."
            )
    elif not isinstance(value, (int, float, complex, np.generic)):
        raise TypeError(f"fill_(): argument 'value' must be Number, not {type(value).__name__}")
    else:
        value = number_array(value, self.dtype).item()  # raises for what the dtype cannot hold
    if recorded(self, value):
        return TENSORS.fill_(self, value)
    setitem(self, ..., value, "fill_")
    return self


@method
def zero_(self: Tensor) -> Tensor:
    """Zeros written everywhere; gives the tensor itself."""
    if overwrite(self, 0):
        return self
    if recorded(self):
        return TENSORS.zero_(self)
    setitem(self, ..., 0, "zero_")
    return self


def _no_history(self: Tensor, name: str) -> None:
    if recorded(self):
        raise RuntimeError(
            f"{name}: cannot be recorded, and this tensor of shape {list(self.shape)} requires "
            f"grad. Use it inside `with torch.no_grad():`, or on .detach()"
        )


@method
def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Another shape, in order from the first element on, in the same memory if that is enough.

    In new memory, with the old elements first, if it grows. RuntimeError for a tensor that
    requires grad.
    """
    if not size:
        raise TypeError("resize_() missing 1 required positional argument: 'size'")
    shape = as_ints(size, "resize_", "size")
    if self._edge is not None:
        raise RuntimeError(
            f"resize_: cannot resize variables that require grad: this one, of shape "
            f"{list(self.shape)}, does. Use it on .detach()"
        )
    if any(s < 0 for s in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    form = layouts.given("resize_", memory_format, len(shape))
    if shape == tuple(self.shape) and memory_format is None:
        return self
    order = tuple(range(len(shape)))
    if form is not None:
        order = layouts.CHANNELS_LAST.get(form, order)
    steps, count = [1] * len(shape), 1
    for k in reversed(order):
        steps[k] = count
        count *= shape[k]
    there = int(owner(join(self)).nbytes) // int(self._value.itemsize) - storage_offset(self)
    if count <= there:
        return self.as_strided_(shape, steps)
    grown = np.zeros(count, self._value.dtype)
    grown[:there] = self.as_strided((there,), (1,))._array
    self._value = grown.reshape([shape[k] for k in order]).transpose(np.argsort(order))
    self._base, self._made_by = None, ()
    wrote(self._value)
    return self


@method
def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(self, tuple(the_template.shape), memory_format=memory_format)


@method
def set_(self: Tensor, source: Tensor | None = None) -> Tensor:
    """Take over the memory and the shape of another tensor of the same dtype."""
    _no_history(self, "set_")
    if source is None:
        self._value = np.zeros(0, self._value.dtype)
        return self
    if source._value.dtype != self._value.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}"
        )
    self._value = shared(source._value)
    return self


@method
def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """A Python function of each number, written over it. Slow; for what no operation does."""
    _no_history(self, "apply_")
    array = join(self)
    before_write(array)
    for place in np.ndindex(array.shape):
        array[place] = callable(array[place].item())
    wrote(array)
    return self


@method
def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """A Python function of each number and that of another tensor, written over the first."""
    _no_history(self, "map_")
    array = join(self)
    other = np.broadcast_to(tensor._array, array.shape)
    before_write(array)
    for place in np.ndindex(array.shape):
        array[place] = callable(array[place].item(), other[place].item())
    wrote(array)
    return self


@method
def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """A Python function of each number and those of two other tensors, written over the first."""
    _no_history(self, "map2_")
    array = join(self)
    others = [np.broadcast_to(z._array, array.shape) for z in (x, y)]
    before_write(array)
    for place in np.ndindex(array.shape):
        array[place] = callable(array[place].item(), *(z[place].item() for z in others))
    wrote(array)
    return self


@method
def resolve_conj(self: Tensor) -> Tensor:
    """The tensor itself: conjugates are computed at once."""
    return self


@method
def resolve_neg(self: Tensor) -> Tensor:
    """The tensor itself: negatives are computed at once."""
    return self
