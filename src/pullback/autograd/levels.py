"""Tensors with more to them than numbers: tangents (forward mode) and a hidden batch axis (`vmap`).

Both are levels: entered one inside another, each with tensors of its own. An operation that meets
such tensors is first read for the youngest level among them (`dispatch/forward.py`,
`dispatch/batch.py`), which calls it again on what the level's tensors are made of. Nothing is asked
of other tensors: these have a class of their own, and what they hold as value is no array, so that
no shorter way takes them for plain ones.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.modes import mode
from pullback.autograd.views import alias
from pullback.locks import LOCK
from pullback.tensor import Tensor

_clock = itertools.count(1).__next__


class Levels:
    """How many levels are open, in all threads: operations look for their tensors only then."""

    count = 0


class Level:
    """One level of tangents, or one hidden axis; younger ones have larger times."""

    size = -1  # of the hidden axis

    def __init__(self) -> None:
        self.time = _clock()
        self.open = self._counted = False
        self._tensors: list[weakref.ref[Tensor]] = []  # that have a tangent here
        self._duals: list[weakref.ref[Tensor]] = []  # that were given one

    def note_dual(self, x: Tensor) -> None:
        """Remember that tangents of views of x are views of its tangent, whatever x is a view of.

        That is PyTorch's rule: a dual tensor shares its numbers with others, not its tangent.
        """
        with LOCK:
            known = self._duals
            if len(known) >= 32 and len(known) & (len(known) - 1) == 0:  # at powers of two
                known[:] = [r for r in known if r() is not None]
            known.append(weakref.ref(x))

    def duals_of(self, base: Tensor) -> list[Tensor]:
        """The dual tensors that are views of a tensor."""
        found = (r() for r in self._duals)
        return [x for x in found if x is not None and x._base is base]

    @property
    def batches(self) -> bool:
        """Whether it is a hidden axis."""
        return self.size >= 0

    def enter(self) -> None:
        """Open the level, inside those that are open in this thread."""
        self.open = True
        mode.levels.append(self)
        with LOCK:
            Levels.count += 1
            self._counted = True

    def leave(self) -> None:
        """Close the level, if it is open: its tangents are gone. It can be begun again."""
        self.open = False
        if self in mode.levels:
            mode.levels.remove(self)
        with LOCK:
            if self._counted:
                Levels.count -= 1
                self._counted = False
        for reference in self._tensors:
            x = reference()
            if isinstance(x, Lifted):
                x._tangents.pop(self, None)
                x._settle()
        self._tensors.clear()
        self._duals.clear()


class BatchLevel(Level):
    """A hidden axis of that many examples."""

    def __init__(self, size: int, randomness: str = "error"):
        super().__init__()
        self.size = size
        self.randomness = randomness


def within(level: Level, function: Callable[..., Any], *args: Any) -> Any:
    """`function(level, *args)` with the level open, which is closed wherever Ctrl-C comes.

    A context manager could not say so: Ctrl-C may come when its `__exit__` begins.
    """
    try:
        level.enter()
        return function(level, *args)
    finally:
        try:
            level.leave()
        except BaseException:
            level.leave()
            raise


class Outline:
    """What can be seen of a value that must not be taken for an array: all but its numbers."""

    __slots__ = ("dtype", "itemsize", "nbytes", "ndim", "shape", "size")

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape = shape
        self.dtype = dtype
        self.ndim = len(shape)
        self.size = 1
        for n in shape:
            self.size *= n
        self.itemsize = dtype.itemsize
        self.nbytes = self.size * dtype.itemsize

    def __array__(self, *args: Any, **keywords: Any) -> Any:
        raise RuntimeError(
            f"the numbers of a tensor of shape {list(self.shape)} were asked for which has a "
            f"hidden axis of vmap, or a tangent: this operation cannot be transformed"
        )


class Lifted(Tensor):
    """A tensor with tangents, or with a hidden axis and maybe tangents of younger levels.

    With a hidden axis, `_payload` is the whole tensor, that axis first. Without, the tensor has its
    own value and history as any other, and becomes plain again when its last tangent goes.
    """

    _is_lifted = True
    _tangents: dict[Level, Tensor]
    _payload: Tensor | None
    _level: BatchLevel
    _plain: type[Tensor]  # the class that it has without tangents

    @property
    def _value(self) -> Any:  # it hides the array
        payload = self.__dict__.get("_payload")
        if payload is not None:
            whole = payload._value
            return Outline(tuple(whole.shape[1:]), whole.dtype)
        value = self.__dict__["_value"]
        return Outline(tuple(value.shape), value.dtype)

    @_value.setter
    def _value(self, value: Any) -> None:
        if self.__dict__.get("_payload") is not None:
            raise RuntimeError("the memory of a tensor inside vmap cannot be replaced")
        self.__dict__["_value"] = value

    @property
    def _edge(self) -> Any:
        payload = self.__dict__.get("_payload")
        return self.__dict__.get("_edge") if payload is None else payload._edge

    @_edge.setter
    def _edge(self, edge: Any) -> None:
        payload = self.__dict__.get("_payload")
        if payload is None:
            self.__dict__["_edge"] = edge
        else:
            payload._edge = edge

    @property
    def _array(self) -> Any:
        payload = self.__dict__.get("_payload")
        if payload is not None:
            raise RuntimeError(
                f"vmap: It looks like you're calling .item() on a Tensor, printing it or taking it "
                f"to NumPy: the numbers of a tensor of shape {list(self.shape)} differ between the "
                f"{self._level.size} examples, and a program inside vmap must not depend on them "
                f"(use torch.where instead of if)"
            )
        with stripped([self], None):
            return self._array

    @property
    def _is_formula(self) -> bool:
        own = self.__dict__
        value = own["_value"] if own.get("_payload") is None else own["_payload"]._value
        return getattr(value, "is_pending", False)

    def _without_history(self) -> Tensor:
        inside = self.__dict__.get("_payload")
        if inside is not None:
            return hidden(alias(inside), self._level)
        with stripped([self], None):
            return alias(self)

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in order."""
        inside = self.__dict__.get("_payload")
        if inside is not None:
            return memory_format is None and bool(inside.is_contiguous())
        with stripped([self], None):
            return bool(self.is_contiguous(memory_format))

    def _settle(self) -> None:
        """The class that is due to the tangents that are left."""
        if not self._tangents and self.__dict__.get("_payload") is None:
            self.__class__ = self.__dict__["_plain"]
            del self.__dict__["_plain"], self.__dict__["_tangents"]


def is_lifted(x: Any) -> bool:
    """Whether a tensor has a tangent or a hidden axis."""
    return isinstance(x, Lifted)


def top(args: Iterable[Any]) -> Level | None:
    """The youngest level that has a tensor among the arguments, or in sequences among them."""
    found: Level | None = None
    for a in args:
        if isinstance(a, Lifted):
            level = _top_of(a)
        elif type(a) is list or type(a) is tuple:
            level = top(a)
        else:
            continue
        if level is not None and (found is None or level.time > found.time):
            found = level
    return found


def _top_of(x: Lifted) -> Level | None:
    if x._tangents:  # younger than its hidden axis
        return max(x._tangents, key=lambda level: level.time)
    return x._level if x.__dict__.get("_payload") is not None else None


# --------------------------------------------------------------------------------- tangents


def tangent(x: Any, level: Level) -> Tensor | None:
    """The tangent of a tensor at a level."""
    return x._tangents.get(level) if isinstance(x, Lifted) else None


def set_tangent(x: Tensor, level: Level, value: Tensor | None) -> None:
    """Give a tensor a tangent at a level, or take it away."""
    if value is None:
        if isinstance(x, Lifted) and x._tangents.pop(level, None) is not None:
            x._settle()
        return
    if not isinstance(x, Lifted):
        x.__dict__["_tangents"] = {}
        x.__dict__["_plain"] = type(x)
        x.__class__ = Lifted
    assert isinstance(x, Lifted)
    if level not in x._tangents:
        with LOCK:
            known = level._tensors
            if len(known) >= 32 and len(known) & (len(known) - 1) == 0:  # at powers of two
                known[:] = [r for r in known if r() is not None]
            known.append(weakref.ref(x))
    x._tangents[level] = value


@contextmanager
def stripped(tensors: Sequence[Any], level: Level | None) -> Iterator[None]:
    """Tensors without their tangents at a level (None: at all) while the block runs."""
    taken: list[tuple[Lifted, dict[Level, Tensor]]] = []
    for x in tensors:
        if isinstance(x, Lifted):
            found = {k: t for k, t in x._tangents.items() if level is None or k is level}
            if found:
                for k in found:
                    del x._tangents[k]
                x._settle()
                taken.append((x, found))
    try:
        yield
    finally:
        for x, found in taken:
            for k, t in found.items():
                if not isinstance(x, Lifted):
                    x.__dict__["_tangents"] = {}
                    x.__dict__["_plain"] = type(x)
                    x.__class__ = Lifted
                x._tangents[k] = t


def primal(x: Tensor, level: Level) -> Tensor:
    """The same tensor without its tangent at a level: it shares value, history and the rest."""
    if tangent(x, level) is None:
        return x
    assert isinstance(x, Lifted)
    made = again(x)
    set_tangent(made, level, None)
    return made


def split(x: Tensor, level: Level) -> tuple[Tensor, Tensor | None]:
    """A tensor without its tangent at a level, and that: beneath younger levels as well."""
    youngest = top((x,))
    if youngest is None or youngest.time < level.time:
        return x, None
    if youngest is level:
        return primal(x, level), tangent(x, level)
    if isinstance(youngest, BatchLevel):
        p, t = split(payload(x), level)
        return hidden(p, youngest), None if t is None else hidden(t, youngest)
    own = tangent(x, youngest)
    assert own is not None
    p, t = split(primal(x, youngest), level)
    p_own, t_own = split(own, level)
    p = with_tangent(p, youngest, p_own)
    if t is None and t_own is not None:
        t = graph.TENSORS.zeros_like(t_own)
    if t is not None and t_own is not None:
        t = with_tangent(t, youngest, t_own)
    return p, t


def with_tangent(x: Tensor, level: Level, t: Tensor) -> Tensor:
    """Another tensor with a tangent at a level, beneath younger levels where these are."""
    youngest = top((x, t))
    if youngest is None or youngest.time <= level.time:
        made = again(x)
        set_tangent(made, level, t)
        return made
    if isinstance(youngest, BatchLevel):
        return hidden(with_tangent(whole(x, youngest), level, whole(t, youngest)), youngest)
    p, own = split(x, youngest)
    q, t_own = split(t, youngest)
    made = with_tangent(p, level, q)
    if t_own is not None:
        own = with_tangent(graph.TENSORS.zeros_like(t_own) if own is None else own, level, t_own)
    return made if own is None else with_tangent(made, youngest, own)


def plain_parts(x: Any) -> list[Tensor]:
    """The tensors without tangents and hidden axes that a tensor consists of."""
    if not isinstance(x, Tensor):
        return []
    level = top((x,))
    if level is None:
        return [x]
    if isinstance(level, BatchLevel):
        return plain_parts(payload(x))
    return plain_parts(primal(x, level)) + plain_parts(tangent(x, level))


def beneath(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors with every hidden axis in front, those of the youngest levels last, and no tangents.

    What is there can be looked at: the numbers of all examples at once.
    """
    found = list(tensors)
    while (level := top(found)) is not None:
        if isinstance(level, BatchLevel):
            found = [whole(x, level) for x in found]
        else:
            found = [primal(x, level) for x in found]
    return found


def underneath(x: Tensor) -> tuple[Tensor, int]:
    """The plain tensor that a tensor's own numbers are in, and how many hidden axes it has."""
    axes = 0
    while (level := top((x,))) is not None:
        if isinstance(level, BatchLevel):
            x = payload(x)
            axes += 1
        else:
            x = primal(x, level)
    return x, axes


# -------------------------------------------------------------------------------- hidden axes


def hidden(payload: Tensor, level: BatchLevel) -> Tensor:
    """A tensor whose first axis is hidden."""
    made: Lifted = object.__new__(Lifted)
    made.__dict__.update(_payload=payload, _level=level, _tangents={})
    return made


def is_hidden(x: Any, level: Level) -> bool:
    """Whether a tensor has the hidden axis of a level, on the outside."""
    return (
        isinstance(x, Lifted)
        and not x._tangents
        and x.__dict__.get("_payload") is not None
        and x._level is level
    )


def has_axis(x: Tensor, level: BatchLevel) -> bool:
    """Whether a tensor has the hidden axis of a level, at any depth."""
    youngest = top((x,))
    if youngest is None or youngest.time < level.time:
        return False
    if is_hidden(x, level):
        return True
    if isinstance(youngest, BatchLevel):
        return has_axis(payload(x), level)
    t = tangent(x, youngest)
    assert t is not None
    return has_axis(primal(x, youngest), level) or has_axis(t, level)


def payload(x: Tensor) -> Tensor:
    """The whole of a tensor with a hidden axis."""
    found: Tensor = x.__dict__["_payload"]
    return found


def whole(x: Tensor, level: BatchLevel) -> Tensor:
    """The tensor with the level's axis first; repeated, if it has none."""
    xp = graph.TENSORS
    youngest = top((x,))
    if youngest is not None and youngest.time > level.time:
        if isinstance(youngest, BatchLevel):
            inside = whole(payload(x), level)
            return hidden(xp.transpose(inside, 0, 1), youngest)
        made = again(whole(primal(x, youngest), level))
        t = tangent(x, youngest)
        assert t is not None
        set_tangent(made, youngest, whole(t, level))
        return made
    if is_hidden(x, level):
        return payload(x)
    repeated: Tensor = xp.expand(xp.unsqueeze(x, 0), level.size, *x.shape)
    return repeated


def hide(x: Tensor, level: BatchLevel) -> Tensor:
    """The tensor whose first axis is the level's, with that axis hidden: the inverse of `whole`."""
    youngest = top((x,))
    if youngest is None or youngest.time < level.time:
        return hidden(x, level)
    if isinstance(youngest, BatchLevel):
        return hidden(hide(graph.TENSORS.transpose(payload(x), 0, 1), level), youngest)
    made = again(hide(primal(x, youngest), level))
    t = tangent(x, youngest)
    assert t is not None
    set_tangent(made, youngest, hide(t, level))
    return made


def again(x: Tensor) -> Tensor:
    """Another tensor with the same value, history and tangents."""
    inside = x.__dict__.get("_payload")
    if inside is not None:
        assert isinstance(x, Lifted)
        made = hidden(inside, x._level)
    else:
        with stripped([x], None):
            made = alias(x)
            made._edge = x._edge
    for level, t in x.__dict__.get("_tangents", {}).items():
        set_tangent(made, level, t)
    return made


def variable(x: Tensor, levels: Sequence[Level] | None = None) -> Tensor:
    """A tensor equal to x that gradients can be taken in, different for each example of the levels.

    It has x's own history, if there is one: with respect to x, gradients flow on.
    """
    for level in mode.levels if levels is None else levels:
        if isinstance(level, BatchLevel):
            x = with_axis(x, level)
    return _separate(x)


def with_axis(x: Tensor, level: BatchLevel) -> Tensor:
    """The same with a hidden axis of the level, in its place among others."""
    youngest = top((x,))
    if youngest is not None and youngest.time > level.time:
        if isinstance(youngest, BatchLevel):
            return hidden(with_axis(payload(x), level), youngest)
        made = again(with_axis(primal(x, youngest), level))
        set_tangent(made, youngest, tangent(x, youngest))
        return made
    return x if is_hidden(x, level) else hidden(whole(x, level), level)


def _separate(x: Tensor) -> Tensor:
    youngest = top((x,))
    if youngest is not None:
        if isinstance(youngest, BatchLevel):
            return hidden(_separate(payload(x)), youngest)
        made = _separate(primal(x, youngest))
        set_tangent(made, youngest, tangent(x, youngest))
        return made
    if x._edge is not None and mode.enabled:
        view: Tensor = graph.TENSORS.view_as_shape(x, *x.shape)
        return view
    if dtypes.kind(x._value.dtype) not in "fc":
        raise RuntimeError(
            f"only Tensors of floating point and complex dtype can require gradients, not "
            f"{x.dtype} of shape {list(x.shape)}: convert it with .float() first"
        )
    made = alias(x)
    made._edge = (graph.AccumulateGrad(made), 0)
    return made
