"""`x[…]` and `x[…] = …`: basic keys as views, tensors in the key as a gather."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.dispatch import TENSORS
from pullback.tensor import Tensor, wrap


def getitem(x: Tensor, key: Any) -> Tensor:
    """The elements that a key selects: a view for integers, slices, None and `...`."""
    view, indices = _basic(x, key)
    if indices is not None:
        return TENSORS.index(view, indices)
    return TENSORS.view_as_shape(view, *view.shape) if view is x else view


def setitem(x: Tensor, key: Any, value: Any) -> None:
    """Write a number, a tensor or an array where a key points; gradients flow to the tensor."""
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value).astype(x._value.dtype))
    view, indices = _basic(x, key)
    if indices is not None:
        if value._value.dtype != x._value.dtype:
            value = TENSORS.cast(value, x._value.dtype)
        view.index_put_(indices, value)  # type: ignore[attr-defined]  # attached later
        return
    if value._value.ndim > view._value.ndim:  # leading axes of size 1 are dropped, as NumPy does
        extra = value._value.ndim - view._value.ndim
        if all(s == 1 for s in value.shape[:extra]):
            value = TENSORS.reshape(value, *value.shape[extra:])
    view.copy_(value)  # type: ignore[attr-defined]  # attached later


def _basic(x: Tensor, key: Any) -> tuple[Tensor, list[Tensor | None] | None]:
    """The view by the key's integers, slices, None and `...`; and what is left: index tensors."""
    keys = list(key) if isinstance(key, tuple) else [_sequence(key)]
    keys = [_element(k) for k in keys]
    consumed = sum(_axes(k) for k in keys)
    rank = x._value.ndim
    if consumed > rank:
        raise IndexError(
            f"too many indices for tensor of dimension {rank}: {consumed} for the shape "
            f"{list(x.shape)}"
        )
    dots = [k for k, e in enumerate(keys) if e is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    at = dots[0] if dots else len(keys)
    keys[at : at + 1] = [slice(None)] * (rank - consumed)
    dim = 0
    view = x
    indices: list[Tensor | None] = []
    for k in keys:
        if k is None:
            view = TENSORS.unsqueeze(view, dim)
        elif isinstance(k, bool):
            view = TENSORS.unsqueeze(view, dim)
            indices += [None] * (dim - len(indices)) + [_positions(np.array([k]))[0]]
        elif isinstance(k, int):
            view = TENSORS.select(view, dim, k)
            continue
        elif isinstance(k, slice):
            view = _slice(view, dim, k)
        else:
            mask = k._value.dtype.kind == "b" or k._value.dtype == np.uint8
            if mask:
                _check_mask(k, view, dim)
            parts = _positions(k._array) if mask else [_integers(k)]
            indices += [None] * (dim - len(indices)) + list(parts)
            dim += len(parts)
            continue
        dim += 1
    if not indices:
        return view, None
    return view, indices


def _sequence(key: Any) -> Any:
    """A list of numbers is an index tensor; NumPy's rule, which PyTorch follows."""
    return key


def _element(k: Any) -> Any:
    if k is None or k is Ellipsis or isinstance(k, (bool, slice)):
        return k
    if isinstance(k, Tensor):
        if k._value.ndim == 0 and k._value.dtype.kind in "iub":
            return k._array.item()
        return k
    if isinstance(k, (list, tuple, range, np.ndarray)):
        array = np.asarray([e._array if isinstance(e, Tensor) else e for e in k])
        return wrap(array.astype(np.int64) if array.size == 0 else array)
    if isinstance(k, np.bool_):
        return bool(k)
    if hasattr(k, "__index__"):
        return int(k.__index__())
    raise IndexError(
        f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
        f"valid indices (got {type(k).__name__})"
    )


def _axes(k: Any) -> int:
    """How many axes of the tensor an element of the key stands for."""
    if k is None or k is Ellipsis or isinstance(k, bool):
        return 0
    if isinstance(k, Tensor) and k._value.dtype.kind == "b":
        return int(k._value.ndim)
    return 1


def _slice(view: Tensor, dim: int, k: slice) -> Tensor:
    step = 1 if k.step is None else k.step.__index__()
    if step <= 0:
        raise ValueError("step must be greater than zero: reverse with .flip()")
    size = view.shape[dim]
    start, end, _ = slice(_bound(k.start), _bound(k.stop), step).indices(size)
    if start == 0 and end >= size and step == 1:
        return view
    return TENSORS.slice(view, dim, start, max(start, end), step)  # type: ignore[no-any-return]


def _bound(value: Any) -> Any:
    return value if value is None else int(value)


def _check_mask(mask: Tensor, view: Tensor, dim: int) -> None:
    for k, size in enumerate(mask.shape):
        if dim + k >= view._value.ndim or view.shape[dim + k] != size:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {k} does not match the shape "
                f"of the indexed tensor {list(view.shape)} at index {dim + k}"
            )


def _positions(mask: Any) -> list[Tensor]:
    return [wrap(p) for p in np.nonzero(mask)] if mask.ndim else [wrap(np.flatnonzero(mask))]


def _integers(k: Tensor) -> Tensor:
    if k._value.dtype.kind not in "iu":
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, not {k.dtype}"
        )
    return k
