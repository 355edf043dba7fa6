"""Places in the graph without tensors: what `backward` and `grad` accept in a tensor's stead."""

from __future__ import annotations

from typing import Any, NamedTuple

from pullback.autograd.graph import AccumulateGrad, Meta, Node
from pullback.tensor import Tensor


class GradientEdge(NamedTuple):
    """The place that a tensor's gradient goes to: a node, and which of its outputs.

    It keeps neither the tensor nor its value. `ownership_token` holds what belongs to the place:
    shape and dtype, and the tensor itself where it is a leaf.
    """

    node: Node
    output_nr: int
    ownership_token: Any = None

    @property
    def meta(self) -> Meta | None:
        """Shape and dtype, where they are known."""
        token = self.ownership_token
        if isinstance(token, Tensor):
            return (tuple(token._value.shape), token._value.dtype)
        if isinstance(self.node, AccumulateGrad):
            return (tuple(self.node.shape), self.node.dtype.numpy)
        return token if isinstance(token, tuple) else None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph that the gradient of a tensor goes to.

    RuntimeError for a tensor that requires no gradient.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"get_gradient_edge expects a Tensor, not {type(tensor).__name__}")
    if tensor._edge is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            f"gradients: this one has shape {list(tensor.shape)}"
        )
    node, number = tensor._edge
    meta = (tuple(tensor._value.shape), tensor._value.dtype)
    return GradientEdge(node, number, tensor if node.accumulates else meta)
