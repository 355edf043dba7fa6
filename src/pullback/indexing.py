"""`x[…]` and `x[…] = …`: basic keys as views, tensors in the key as a gather.

A key is read from left to right, as PyTorch does: integers, slices, None and `...` make a view by
`select`, `slice` and `unsqueeze`; what index tensors and masks are left is one `index` of that
view. NumPy's basic indexing does all the view's steps at once, the graph gets a node for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_index
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.graph import Node
from pullback.autograd.levels import Levels, is_lifted
from pullback.autograd.modes import mode
from pullback.autograd.operation_node import OperationNode, node_class
from pullback.autograd.unread import unstored
from pullback.autograd.versions import tick, wrote
from pullback.autograd.views import Step, join, note_made, note_view
from pullback.autograd.watch import watch
from pullback.backends.arrays import QUIET, no_place, quiet_reset, quiet_set
from pullback.backends.memory import check_memory
from pullback.construct import number_array
from pullback.dispatch import TENSORS, apply
from pullback.dispatch.rules import Rules
from pullback.formula import before_write, is_stored
from pullback.op import REGISTRY, View
from pullback.operation import picker
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray
new = object.__new__
INT64 = np.dtype(np.int64)
FULL = slice(None)
_FULL = (FULL, slice(None, None, 1), slice(0, None), slice(0, None, 1))


class _Move:
    """One of the three view operations that basic keys are made of, and how it is recorded."""

    def __init__(self, name: str):
        op = REGISTRY[name]
        assert isinstance(op, View)
        self.op = op
        self.plan = op.plan((True,))
        self.node: type[OperationNode] = node_class(op)
        places = [0 if what == "shape" else k for what, k in self.plan.sources]
        assert all(what == "shape" or (what == "argument" and k) for what, k in self.plan.sources)
        self.pick = picker(places)  # out of (the input's shape, the plain arguments…)

    def record(self, edge: tuple[Node, int], shape: tuple[int, ...], plain: tuple[Any, ...]) -> Any:
        """The edge of the result of this move."""
        return self.node((edge,), self.plan, self.pick((shape, *plain))), 0


SELECT, SLICE, UNSQUEEZE = _Move("select"), _Move("slice"), _Move("unsqueeze")

# A move, its plain arguments, and the shape that it is applied to.
Moved = tuple[_Move, tuple[Any, ...], tuple[int, ...]]


def getitem(x: Tensor, key: Any) -> Tensor:
    """The elements that a key selects: a view for integers, slices, None and `...`."""
    value = x._value
    if type(key) is int and type(value) is ndarray:  # the most common key by far
        try:
            part = value[key, ...]
        except IndexError:
            pass  # said in our own words below
        else:
            return _view(x, part, ((SELECT, (0, key), value.shape),))
    kept = None
    if type(value) is ndarray:
        if type(key) is Tensor:
            index = key._value
            if type(index) is ndarray and index.dtype is INT64 and index.ndim and value.ndim:
                return TENSORS.index(x, [key])
        else:
            kept = _written_down(key)
            known = None if kept is None else _KNOWN.get((value.shape, kept))
            if known is not None:
                return known.view(x, value)
    places, moves, indices = _read(x, key)
    if indices:
        return TENSORS.index(_moved(x, places, moves), indices)
    if kept is not None and moves:
        if len(_KNOWN) >= MAX_KEYS:
            _KNOWN.clear()
        _KNOWN[value.shape, kept] = _Known(places, moves)
    if moves:
        return _moved(x, places, moves)
    return TENSORS.view_as_shape(x, *value.shape)


class _Known:
    """What a basic key comes to, for tensors of one shape."""

    __slots__ = ("nodes", "places", "steps")

    def __init__(self, places: Any, moves: list[Moved]):
        self.places = places
        self.steps = [(move.op, plain, None) for move, plain, _ in moves]
        # (class, plan, what is saved, the rules by dtype) of each move's node
        self.nodes = [
            (move.node, move.plan, move.pick((shape, *plain)), {}) for move, plain, shape in moves
        ]  # type: list[tuple[Any, Any, Any, dict[Any, Rules]]]

    def view(self, x: Tensor, value: Any) -> Tensor:
        """The view of a tensor with this array."""
        part = value[self.places]
        view: Tensor = new(Tensor)
        view._value = part
        edge = x._edge
        recording = mode.enabled
        if edge is not None and recording:
            dtype = part.dtype
            for cls, plan, values, rules in self.nodes:
                node = new(cls)
                node.edges = (edge,)
                node.plan = plan
                node.values = values
                node.time = tick()
                known = rules.get(dtype)
                if known is None:
                    known = rules[dtype] = Rules()
                node.rules = known
                if recording is not True:
                    watch(node)
                edge = (node, 0)
            view._edge = edge
        steps = [tuple.__new__(Step, (*step, recording, None)) for step in self.steps]
        note_made(view, x, steps[0])
        if len(steps) > 1:
            view._made_by = (*x._made_by, *steps)
        return view


_KNOWN: dict[Any, _Known] = {}
MAX_KEYS = 1_000


def _written_down(key: Any) -> Any:
    """A basic key as something that can be looked up; None for other keys."""
    kind = type(key)
    if kind is slice:
        start, stop, step = key.start, key.stop, key.step
        if type(start) in _BOUNDS and type(stop) in _BOUNDS and type(step) in _BOUNDS:
            return slice, start, stop, step
        return None
    if kind is not tuple:
        return kind if key is None or key is Ellipsis else None
    parts: list[Any] = []
    for k in key:
        kind = type(k)
        if kind is int:
            parts.append(k)
        elif k is None or k is Ellipsis:
            parts.append(kind)
        elif kind is slice and {type(k.start), type(k.stop), type(k.step)} <= _BOUNDS:
            parts.append((k.start, k.stop, k.step))
        else:
            return None
    return tuple(parts)


_BOUNDS = frozenset({int, type(None)})


def _moved(x: Tensor, places: Any, moves: list[Moved]) -> Tensor:
    """The basic part of a key: x itself if there is none."""
    if type(x._value) is ndarray:
        return _view(x, x._array[places], moves) if moves else x
    for move, plain, _ in moves:
        x = apply(move.op, (x, *plain))
    return x


def _view(x: Tensor, part: Any, moves: Any) -> Tensor:
    """A view of the memory of x, recorded move by move."""
    view: Tensor = new(Tensor)
    view._value = part
    edge = x._edge
    if edge is not None and mode.enabled:
        for move, plain, shape in moves:
            edge = move.record(edge, shape, plain)
            if mode.enabled is not True:
                watch(edge[0])
        view._edge = edge
    move, plain, _ = moves[0]
    note_view(view, x, (move.op, plain, None))
    if len(moves) > 1:
        steps = [Step(move.op, plain, None, mode.enabled) for move, plain, _ in moves]
        view._made_by = (*x._made_by, *steps)
    return view


# ----------------------------------------------------------------------------------- reading


def _read(x: Tensor, key: Any) -> tuple[Any, list[Moved], list[Tensor | None]]:
    """A key as NumPy's key for its view, as moves, and as index tensors for what is left.

    The index tensors are listed by the axes of the view; None stands for an axis without.
    """
    keys = key if type(key) is tuple else _sequence(key)
    if not _SIMPLE.issuperset(map(type, keys)):
        keys = tuple(map(_element, keys))
    shape = x._value.shape
    places: list[Any] = []
    moves: list[Moved] = []
    indices: list[Tensor | None] = []
    dim = 0  # of the view so far
    dots = False
    for k in keys:
        kind = type(k)
        if kind is slice:
            if dim >= len(shape):
                raise _too_many(x, keys)
            if k in _FULL and type(key) is tuple:  # in a tuple, it is no view of its own
                places.append(k)
            else:
                size = shape[dim]
                start, end, step = _bounds(k, size)
                places.append(slice(start, end, step))
                moves.append((SLICE, (dim, start, end, step), shape))
                length = -(-(end - start) // step)
                shape = (*shape[:dim], length, *shape[dim + 1 :])
            dim += 1
        elif kind is int:
            if dim >= len(shape):
                raise _too_many(x, keys)
            size = shape[dim]
            if not -size <= k < size:
                axis = x._value.ndim - len(shape) + dim  # of x, which has as many to the right
                raise IndexError(
                    f"index {k} is out of bounds for dimension {axis} with size {size} (tensor of "
                    f"shape {list(x.shape)})"
                )
            places.append(k)
            moves.append((SELECT, (dim, k), shape))
            shape = (*shape[:dim], *shape[dim + 1 :])
        elif k is Ellipsis:
            if dots:
                raise IndexError("an index can only have a single ellipsis ('...')")
            dots = True
            places.append(k)
            free = x._value.ndim - sum(map(_axes, keys))
            if free < 0:
                raise _too_many(x, keys)
            dim += free
        elif k is None or kind is bool:
            places.append(None)
            moves.append((UNSQUEEZE, (dim,), shape))
            shape = (*shape[:dim], 1, *shape[dim:])
            if kind is bool:
                indices += [None] * (dim - len(indices))
                indices.append(wrap(np.zeros(int(k), np.int64)))
            dim += 1
        else:
            indices += [None] * (dim - len(indices))
            if k._value.dtype.kind == "b" or k._value.dtype == np.uint8:
                rank = k._value.ndim
                _check_mask(x, keys, k._value.shape, shape, dim)
                if is_stored(k._value):
                    indices += map(wrap, np.nonzero(k._array))
                else:  # a mask of pairs
                    indices += TENSORS.nonzero(k, as_tuple=True)
                places += [FULL] * rank
                dim += rank
            else:
                if dim >= len(shape):
                    raise _too_many(x, keys)
                indices.append(k)
                places.append(FULL)
                dim += 1
    if not dots:
        places.append(Ellipsis)  # NumPy then gives an array in any case, not a number
    return tuple(places), moves, indices


# What needs no conversion before it is read.
_SIMPLE = frozenset({int, slice, bool, type(None), type(Ellipsis)})


def _too_many(x: Tensor, keys: Any) -> IndexError:
    return IndexError(
        f"too many indices for tensor of dimension {x._value.ndim}: {sum(map(_axes, keys))} for "
        f"the shape {list(x.shape)}"
    )


def _sequence(key: Any) -> tuple[Any, ...]:
    """A key that is not a tuple, as one.

    As in PyTorch, a short list stands for a tuple if it holds anything but numbers.
    """
    if isinstance(key, (list, tuple)) and len(key) < 32:
        for k in key:
            if k is None or k is Ellipsis or isinstance(k, (Tensor, slice, list, tuple, ndarray)):
                return tuple(key)
    return (key,)


def _element(k: Any) -> Any:
    """One element of a key as an int, bool, slice, None, `...`, or a tensor of indices."""
    if k is None or k is Ellipsis or isinstance(k, (bool, slice)):
        return k
    if isinstance(k, Tensor):
        return _zero_dim(k) if k._value.ndim == 0 and not is_lifted(k) else _check_index(k)
    if isinstance(k, (list, tuple, range, ndarray)):
        array = np.asarray(k if isinstance(k, ndarray) else [_plain(e) for e in k])
        if array.size == 0 and array.dtype.kind == "f":  # NumPy's dtype for no numbers
            array = array.astype(np.int64)
        elif array.dtype == object:
            raise IndexError(f"not an index: {k!r}")
        return _element(wrap(array))
    if isinstance(k, np.bool_):
        return bool(k)
    if hasattr(k, "__index__"):
        return as_index(k)
    if isinstance(k, str):
        raise TypeError(f"a tensor has no element {k!r}: indices are numbers, slices and tensors")
    raise IndexError(
        f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
        f"valid indices (got {type(k).__name__})"
    )


def _zero_dim(k: Tensor) -> Any:
    """A 0-d tensor in a key is the number in it; uint8 counts as bool."""
    kind = k._value.dtype.kind
    if kind == "b" or k._value.dtype == np.uint8:
        return bool(k._array)
    return int(k._array) if kind in "iu" else _check_index(k)


def _plain(e: Any) -> Any:
    return e._array if isinstance(e, Tensor) else e


_INDEX_DTYPES = {np.dtype(d) for d in (np.int64, np.int32, np.uint8, np.bool_)}


def _check_index(k: Tensor) -> Tensor:
    if k._value.dtype not in _INDEX_DTYPES:
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, not {k.dtype}"
        )
    return k


def _axes(k: Any) -> int:
    """How many axes of the tensor an element of the key stands for."""
    if k is None or k is Ellipsis or isinstance(k, bool):
        return 0
    if isinstance(k, Tensor) and (k._value.dtype.kind == "b" or k._value.dtype == np.uint8):
        return int(k._value.ndim)
    return 1


def _bounds(k: slice, size: int) -> tuple[int, int, int]:
    """The slice as 0 ≤ start ≤ end ≤ size and a positive step."""
    step = 1 if k.step is None else as_index(k.step)
    if step <= 0:
        raise ValueError("step must be greater than zero: reverse with .flip()")
    start, end, _ = k.indices(size)
    return start, end if end > start else start, step


def _check_mask(
    x: Tensor, keys: Any, mask: tuple[int, ...], shape: tuple[int, ...], dim: int
) -> None:
    if dim + len(mask) > len(shape):
        raise _too_many(x, keys)
    for k, size in enumerate(mask):
        if shape[dim + k] != size:
            raise IndexError(
                f"The shape of the mask {list(mask)} at index {k} does not match the shape of the "
                f"indexed tensor {list(shape)} at index {dim + k}"
            )


# ----------------------------------------------------------------------------------- writing


def setitem(x: Tensor, key: Any, value: Any, name: str = "setitem") -> None:
    """Write a number, a tensor or an array where a key points; gradients flow to the tensor.

    The value broadcasts, and is converted to the dtype of x. TypeError for lists.
    """
    if (type(x._value) is not ndarray or x._apart is not None) and not is_lifted(x):
        if x._is_formula and unstored(x) and _write_unstored(x, key, value):
            return
        join(x)
    if not isinstance(value, Tensor):
        value = _assigned(x, value)
    if not recorded(x, value):
        _write(x, key, value, name)
        return
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, x._value.dtype))
    places, moves, indices = _read(x, key)
    view = _moved(x, places, moves)
    if indices:
        if value._value.dtype != x._value.dtype:
            _check_same(x, key, value)
            value = TENSORS.cast(value, x._value.dtype)
        view.index_put_(indices, value)
        return
    view.copy_(_without_leading(value, view._value.ndim))


def _write_unstored(x: Tensor, key: Any, value: Any) -> bool:
    """Write a part of a formula, or where a mask is True, as a formula; False if it cannot be."""
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(_assigned(x, value), x._value.dtype))
    if isinstance(key, Tensor) and key._value.dtype.kind == "b" and value._value.ndim == 0:
        if key._value.shape != x._value.shape:
            return False
        x.masked_fill_(key, value)
        return True
    places, moves, indices = _read(x, key)
    part = _moved(x, places, moves)
    if indices:
        return _write_places(x, part, key, indices, value)
    value = _without_leading(value, part._value.ndim)
    if not recorded(x, value) and not _broadcasts(value.shape, part.shape):
        raise _mismatch(value.shape, part.shape)
    TENSORS.copy_(part, value)
    return True


def _write_places(x: Tensor, part: Tensor, key: Any, indices: Any, value: Tensor) -> bool:
    """Write at index tensors of a part of a formula, as a formula; False if there are masks."""
    if any(k is not None and k._value.dtype.kind == "b" for k in indices):
        return False
    if value._value.dtype != x._value.dtype:
        _check_same(x, key, value)
    at = tuple(FULL if k is None else k._array for k in indices)
    try:
        goal = np.broadcast_to(np.False_, part.shape)[at].shape
    except IndexError as error:
        raise no_place(error, part.shape) from None
    if not recorded(x, value) and not _broadcasts(value.shape, goal):
        raise _mismatch(value.shape, goal)
    part.index_put_(indices, value)
    return True


def _without_leading(value: Tensor, ndim: int) -> Tensor:
    """A value without leading axes of size 1 that are too many."""
    extra = value._value.ndim - ndim
    if extra > 0 and all(s == 1 for s in value.shape[:extra]):
        value = TENSORS.reshape(value, *value.shape[extra:])
    return value


def _broadcasts(shape: Sequence[int], goal: Sequence[int]) -> bool:
    if len(shape) > len(goal):
        return False
    pairs = zip(reversed(shape), reversed(goal), strict=False)
    return all(a in (1, b) for a, b in pairs)


def _mismatch(shape: Sequence[int], goal: Sequence[int]) -> RuntimeError:
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(shape)} cannot be broadcast to "
        f"indexing result of shape {list(goal)}"
    )


def recorded(x: Tensor, value: Any = None) -> bool:
    """Whether writing a value into x concerns the graph, or what tensors have besides numbers."""
    if Levels.count and (is_lifted(x) or is_lifted(value)):
        return True
    if not mode.enabled:
        return False
    base = x._base
    return (
        x._edge is not None
        or (base is not None and base._edge is not None)
        or (isinstance(value, Tensor) and value._edge is not None)
    )


def _assigned(x: Tensor, value: Any) -> Any:
    """A number that the dtype of x can hold, or an array."""
    kind = type(value)
    if (
        (kind is float or kind is int or kind is bool)
        and dtypes.kind(x._value.dtype) in "fc"
        and (-65504 <= value <= 65504 or dtypes.is_narrow(x._value.dtype))  # PyTorch writes inf
    ):
        return value
    if isinstance(value, (int, float, complex, np.generic)):
        return number_array(value, x.dtype)
    if isinstance(value, ndarray):
        return value
    raise TypeError(f"can't assign a {kind.__name__} to a {x.type()}")


def _write(x: Tensor, key: Any, value: Any, name: str) -> None:
    """The numbers of an array, or one, written into memory that no graph knows of."""
    array = x._array
    places, _, indices = _read(x, key)
    several = isinstance(value, Tensor) or np.ndim(value) > 0  # PyTorch fills with numbers only
    if isinstance(value, Tensor):
        if indices and value._value.dtype != array.dtype:
            _check_same(x, key, value)
        value = value._array
    part = array[places]
    check_memory(name, part, several)
    before_write(array)
    token = quiet_set(QUIET)
    try:
        if type(value) is ndarray and value.dtype.kind == "c" and array.dtype.kind not in "bc":
            value = value.real
        if indices:
            part[tuple(FULL if k is None else k._array for k in indices)] = value
        else:
            part[...] = value
    except IndexError as error:
        raise no_place(error, part.shape) from None
    except ValueError:
        if indices:
            part = part[tuple(FULL if k is None else k._array for k in indices)]
        raise _mismatch(np.shape(value), part.shape) from None
    finally:
        quiet_reset(token)
    wrote(array)


def _check_same(x: Tensor, key: Any, value: Tensor) -> None:
    """Index tensors write without conversion, except one number where a mask is True."""
    mask = isinstance(key, Tensor) and key._value.dtype.kind == "b"
    if value._value.ndim or not mask:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {x.dtype} for the "
            f"destination and {value.dtype} for the source: convert it with .to({x.dtype})"
        )


def delitem(x: Tensor, key: Any) -> None:
    """Tensors have a fixed size."""
    raise TypeError("Tensor does not support deleting items")
