"""The tensor: a value, and its place in the graph. It knows nobody; methods are attached to it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pullback import dtypes

if TYPE_CHECKING:  # methods are attached by `methods`, most of them from the registry
    from pullback.signatures.tensor import Attached
else:
    Attached = object


class Size(tuple[int, ...]):
    """A shape: a tuple of sizes, printed as PyTorch's."""

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        """A shape from integers. TypeError for anything else."""
        checked = []
        for k, size in enumerate(sizes):
            try:
                checked.append(size if type(size) is int else size.__index__())
            except (AttributeError, TypeError):
                raise TypeError(
                    f"torch.Size() takes an iterable of 'int' (item {k} is '{type(size).__name__}')"
                ) from None
        return tuple.__new__(cls, checked)

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return as_size(found) if type(key) is slice else found

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(
                f"can only concatenate tuple (not {type(other).__name__}) to torch.Size"
            )
        return Size(super().__add__(other))

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return as_size(super().__mul__(times))

    __rmul__ = __mul__


def as_size(shape: tuple[int, ...]) -> Size:
    """A shape that is known to be one: `Size` without its checks."""
    return tuple.__new__(Size, shape)


class Tensor(Attached):
    """A multi-dimensional array that remembers how it was computed.

    `_value` is the array. `_edge` is the place that this tensor's gradient goes to, as
    `(node, output number)`: for a result, the node that recorded the operation; for a leaf that
    requires a gradient, the node that accumulates into `grad`; None for a constant.
    """

    _value: Any
    _edge: tuple[Any, int] | None = None
    _grad: Tensor | None = None
    # A view of another tensor knows the tensor that owns the memory, and how it was made of it.
    _base: Tensor | None = None
    _made_by: tuple[Any, ...] = ()
    # A view of a formula, which has no memory yet: what `autograd.views` makes it a view with.
    _apart: Any = None
    # The owner knows its views, so that writing in place can bring their histories up to date.
    _views: list[weakref.ref[Tensor]] | None = None

    # The value whose memory is listened to, for the sake of views that do not follow writes.
    _heard: Any = None

    # Whether there are tangents or a hidden axis (`autograd.levels`), and what such tensors have.
    _is_lifted = False
    _without_history: Callable[[], Tensor]

    # Set by `construct`: what `torch.Tensor(...)` means.
    _construct: Callable[..., Tensor]

    def __new__(cls, *args: Any, **keywords: Any) -> Tensor:
        """`Tensor(sizes…)` or `Tensor(data)`: a float tensor; prefer `torch.tensor`."""
        return cls._construct(cls, *args, **keywords)

    __array_priority__ = 1000  # NumPy arrays leave mixed arithmetic to the tensor

    @property
    def _array(self) -> Any:
        """The value as an array: a formula is evaluated, once."""
        value = self._value
        if hasattr(value, "is_pending"):
            value = type(self)._evaluate(self)
        return value

    @property
    def _is_formula(self) -> bool:
        """Whether the value is not computed yet."""
        return getattr(self._value, "is_pending", False)

    # Set by `dispatch`: the numbers of a tensor's formula, which the tensor then has.
    _evaluate: Callable[[Any], Any]

    @property
    def shape(self) -> Size:
        """The sizes of the axes."""
        return as_size(self._value.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.from_numpy(self._value.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self._value.ndim)

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was not computed from tensors that require gradients."""
        return self._edge is None or self._edge[0].accumulates

    @property
    def grad_fn(self) -> Any:
        """The node that recorded this tensor's computation; None for a leaf."""
        edge = self._edge
        return None if edge is None or edge[0].accumulates else edge[0]

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow into this tensor. Settable on leaves."""
        return self._edge is not None


_new = object.__new__


def wrap(value: Any, edge: tuple[Any, int] | None = None) -> Tensor:
    """A tensor around an array."""
    tensor: Tensor = _new(Tensor)
    tensor._value = value
    if edge is not None:
        tensor._edge = edge
    return tensor
