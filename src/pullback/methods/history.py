"""The tensor and its graph: gradients, leaves, detaching, hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import engine, graph
from pullback.autograd.graph import AccumulateGrad, RemovableHandle
from pullback.autograd.versions import counted_apart, version
from pullback.autograd.views import alias, shared
from pullback.construct import make_leaf
from pullback.methods.attach import attach, attribute, method
from pullback.tensor import Tensor

# Where the names of the instance's own dictionary are needed: what is not the user's.
INTERNAL = frozenset({
    "_value", "_edge", "_grad", "_base", "_made_by", "_apart", "_views", "_heard", "_retains_grad",
    "_tangents", "_plain", "_payload", "_level",
})  # fmt: skip


new = object.__new__


def _set_requires_grad(self: Tensor, value: bool) -> None:
    if not isinstance(value, bool):
        raise RuntimeError(f"requires_grad must be a bool, not {type(value).__name__}")
    if not self.is_leaf:
        raise RuntimeError(
            "you can only change requires_grad flags of leaf variables. If you want to use a "
            "computed variable in a subgraph that doesn't require differentiation use "
            "var_no_grad = var.detach()."
        )
    requires_grad_(self, value)


attach("requires_grad", vars(Tensor)["requires_grad"].setter(_set_requires_grad))


@method
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Ask for gradients with respect to this leaf, or no longer. Gives the tensor itself."""
    edge = self._edge
    if requires_grad:
        if edge is None:
            make_leaf(self)
    elif edge is not None:
        if not edge[0].accumulates:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        self._edge = None
    return self


def _get_grad(self: Tensor) -> Tensor | None:
    """The gradient that `backward` accumulated into this leaf; None before."""
    return self._grad


def _set_grad(self: Tensor, value: Tensor | None) -> None:
    if value is not None:
        if not isinstance(value, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._value.dtype != self._value.dtype:
            raise RuntimeError(
                f"assigned grad has data of a different type: {value.dtype} for {self.dtype}"
            )
        if value._value.shape != self._value.shape:
            raise RuntimeError(
                f"assigned grad has data of a different size: {list(value.shape)} for a tensor of "
                f"shape {list(self.shape)}"
            )
    self._grad = value


def _del_grad(self: Tensor) -> None:
    self._grad = None


def _get_data(self: Tensor) -> Tensor:
    """The values without their history: a tensor that shares the memory, but counts versions apart.

    A backward pass does not see that it was written to, nor does one see writes to this tensor.
    """
    made = detach(self)
    if type(made._value) is np.ndarray:
        made._value = counted_apart(made._value)
    return made


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    if self._edge is not None and dtypes.kind(value._value.dtype) not in "fc":
        raise RuntimeError(
            f"data set to a tensor that requires gradients must be floating point or complex "
            f"dtype, not {value.dtype}"
        )
    self._value = shared(value._value)
    self._apart = self._heard = None
    if self._edge is not None and self._edge[0].accumulates:
        self._edge[0].shape, self._edge[0].dtype = value.shape, value.dtype


attach("grad", property(_get_grad, _set_grad, _del_grad))
attach("data", property(_get_data, _set_data))


@method
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the leaves' `.grad` the gradient of this tensor; see `autograd.backward`."""
    engine.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


@method
def detach(self: Tensor) -> Tensor:
    """The same values, in the same memory, without history."""
    value = self._value
    if type(value) is np.ndarray and type(self) is Tensor and self._apart is None:
        made: Tensor = new(Tensor)
        made._value = value
        return made
    return alias(self)


@method
def detach_(self: Tensor) -> Tensor:
    """Forget this tensor's history. RuntimeError for a view."""
    if self._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, set gradient_as_bucket_view=False"
        )
    self._edge = None
    return self


@method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook(grad)` with each gradient of this tensor; it may return another instead."""
    if self._edge is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node, number = self._edge
    handle: RemovableHandle = node.register_tensor_hook(number, hook)
    return handle


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(tensor)` after its `.grad` was updated; for leaves."""
    if self._edge is None or not isinstance(self._edge[0], AccumulateGrad):
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return RemovableHandle(self._edge[0]._hooks().post_accumulate, hook)


@method
def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this result in `.grad` during backward passes."""
    if self._edge is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if self.is_leaf or self.retains_grad:
        return
    graph.retain_grad(self)


@attribute
def retains_grad(self: Tensor) -> bool:
    """Whether `retain_grad` was called on this result."""
    return "_retains_grad" in self.__dict__


@attribute
def _version(self: Tensor) -> int:
    """How many times the memory was written in place."""
    return version(self._value)


@attribute
def output_nr(self: Tensor) -> int:
    """Which output of its node this tensor is."""
    return 0 if self._edge is None else int(self._edge[1])


@method
def _is_view(self: Tensor) -> bool:
    """Whether the tensor shares the memory of another one that it was made of."""
    return self._base is not None or self._apart is not None


@method
def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode: it never is."""
    return False
