"""The nodes of the graph: what is remembered of an operation, and one step of the backward pass."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import numpy as np

from pullback.autograd.handles import Hooks, RemovableHandle as RemovableHandle
from pullback.autograd.versions import tick, wrote
from pullback.backends.arrays import ARRAYS
from pullback.formula import before_write
from pullback.tensor import Tensor

Edge = tuple["Node", int] | None

# The vocabulary of tensors, set by `dispatch`, which stands above this floor.
TENSORS: Any = None
# That of arrays and formulas, likewise.
VALUES: Any = None
# What goes through the formulas at the beginning of a backward pass at once, likewise.
REPLAY: Any = None
# What does the whole of a pass that is like one before: leaves, cotangents, and whether others may
# have these; or None. Likewise.
REPEAT: Any = None


class Node:
    """One backward operator: takes the cotangents of its outputs to those of its inputs.

    `edges` are the places that the inputs' cotangents go to, None for inputs without gradient;
    `time` is when the node was made: the inputs' nodes are older, so that the backward pass visits
    nodes by decreasing time.
    """

    accumulates: ClassVar[bool] = False
    # Whether others may hold the arrays that it gives.
    lends: bool = False
    outputs: int = 1
    # Whether the backward pass can take its short way through this node, which is for operations
    # with one output and no hooks: 0, no; 1, yes; 2, and the cotangents must be fitted.
    way: int = 0
    _deferred: bool = False

    edges: tuple[Edge, ...]
    time: int
    hooks: Hooks | None = None
    metadata_: dict[Any, Any] | None = None

    def __init__(self, edges: tuple[Edge, ...]):
        self.edges = edges
        self.time = tick()

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, each with the number of its output."""
        return tuple((None, 0) if edge is None else edge for edge in self.edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for the user's own notes."""
        if self.metadata_ is None:
            self.metadata_ = {}
        return self.metadata_

    def name(self) -> str:
        """The name that PyTorch gives this node: `MulBackward0`, …"""
        return type(self).__name__

    def _sequence_nr(self) -> int:
        """When the node was made: it grows with each."""
        return self.time

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> Sequence[Any]:
        """The cotangents of the inputs, aligned with `edges`; arrays, or tensors on request.

        Those that go to nodes outside `reached`, if it is given, need not be computed.
        """
        raise NotImplementedError(f"{type(self).__name__} is abstract")

    def release(self) -> None:
        """Let go of the saved values."""

    @property
    def released(self) -> bool:
        """Whether the saved values are gone."""
        return False

    def saved(self) -> list[tuple[str, Tensor | None]]:
        """The saved tensors, detached, under PyTorch's names."""
        return []

    def attributes(self) -> dict[str, Any]:
        """What else is saved: numbers, axes, shapes."""
        return {}

    def _hooks(self) -> Hooks:
        if self.hooks is None:
            self.hooks = Hooks()
            self.way = 0
        return self.hooks

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after the node ran; it may replace the first."""
        return RemovableHandle(self._hooks().after, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the node runs; it may replace them."""
        return RemovableHandle(self._hooks().before, hook)

    def register_tensor_hook(self, output: int, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad)` with the whole cotangent of one output."""
        return RemovableHandle(self._hooks().on_tensor, (output, hook))

    def retain(self, output: int, tensor: Tensor) -> None:
        """Keep the cotangent of one output in the `grad` of its tensor, as the hooks leave it."""
        self._hooks().retained[output] = weakref.ref(tensor)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class AccumulateGrad(Node):
    """The end of a path: adds the cotangent to the `grad` of a leaf.

    It does not keep the leaf alive, nor the other way round in a circle.
    """

    accumulates = True

    def __init__(self, leaf: Tensor):
        super().__init__(())
        self.reference = weakref.ref(leaf)
        self.shape, self.dtype = leaf.shape, leaf.dtype  # also when the leaf is gone
        self._lock = threading.RLock()  # backward passes of several threads end in one leaf

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self) -> Tensor | None:
        """The leaf, while it lives."""
        return self.reference()

    def accumulate(self, cotangent: Tensor, record: bool) -> None:
        """Add a cotangent to the leaf's gradient: in place, or recorded.

        The first one becomes the gradient, so that it must not be anybody else's.
        """
        leaf = self.reference()
        if leaf is None or leaf._edge is None:
            return  # nobody can read the result, or it was told to require no gradient since
        if not leaf._edge[0].accumulates:
            raise RuntimeError(
                f"leaf variable has been moved into the graph interior: a leaf of shape "
                f"{list(leaf.shape)} was detached and then written in place with what requires "
                f"grad, so that it is a result now. Write into a .clone()"
            )
        with self._lock:
            have = leaf._grad
            if record:
                clone = TENSORS.clone  # the cotangent may be a tensor that the user holds
                leaf._grad = clone(cotangent) if have is None else TENSORS.add(have, cotangent)
            elif have is None:
                leaf._grad = cotangent
            else:
                array, added = have._array, cotangent._array
                if array.flags.writeable and array.flags.forc and array.dtype == added.dtype:
                    before_write(array)
                    np.add(array, added, out=array)
                    wrote(array)
                else:  # a gradient that the user has set: with the checks of any write
                    TENSORS.add_(have, cotangent)
        if self.hooks is not None:
            for hook in list(self.hooks.post_accumulate.values()):
                hook(leaf)


Meta = tuple[tuple[int, ...], Any]  # shape and NumPy dtype


def retain_grad(tensor: Tensor) -> None:
    """Keep the cotangent of a computed tensor in its `grad` during backward passes."""
    assert tensor._edge is not None  # the caller refuses leaves
    node, number = tensor._edge
    node.retain(number, tensor)
    tensor._retains_grad = True  # type: ignore[attr-defined]  # PyTorch's attribute


def move_edge(tensor: Tensor, edge: Edge) -> None:
    """Give a tensor another place in the graph; where it keeps its gradient, it goes on."""
    old = tensor._edge
    tensor._edge = edge
    if old is not None and old[0].hooks is not None:
        retained = old[0].hooks.retained
        reference = retained.get(old[1])
        if reference is not None and reference() is tensor:
            del retained[old[1]]
            if edge is not None:
                edge[0].retain(edge[1], tensor)


def fit(xp: Any, g: Any, meta: Meta, tensors: bool) -> Any:
    """A cotangent summed over broadcast axes and converted to its input's dtype."""
    shape, dtype = meta
    if g.shape != shape:
        g = xp.reshape(xp.sum(g, _repeated(tuple(g.shape), shape), keepdim=True), *shape)
    have = g._value.dtype if tensors else g.dtype
    if have != dtype:
        g = xp.cast(g, dtype)
    return g


def fit_array(g: Any, meta: Meta) -> Any:
    """`fit` for an array."""
    shape, dtype = meta
    if g.shape != shape:
        g = np.add.reduce(g, _repeated(g.shape, shape), keepdims=True).reshape(shape)
    return g if g.dtype is dtype else ARRAYS.cast(g, dtype)


@functools.lru_cache(10_000)
def _repeated(shape: tuple[int, ...], small: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which broadcasting repeats an array of the small shape."""
    extra = len(shape) - len(small)
    return tuple(k for k, s in enumerate(shape) if k < extra or (small[k - extra] == 1 and s != 1))
