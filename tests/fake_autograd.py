"""The little of a tensor and of its recorded graph that the pictures read, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


class AccumulateGrad:
    """The last node of a path: gradients end in its `variable`."""

    next_functions: tuple[()] = ()
    released = False

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def saved(self) -> list[tuple[str, Tensor | None]]:
        return []

    def attributes(self) -> dict[str, object]:
        return {}


class Node:
    """A backward operator."""

    def __init__(
        self,
        name: str,
        inputs: Sequence[Tensor | None],
        saved: Mapping[str, np.ndarray | None] | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        self._name = name
        self.next_functions = tuple((t and t.edge(), 0) for t in inputs)
        self._saved = dict(saved or {})
        self._attributes = dict(attributes or {})
        self.released = False

    def name(self) -> str:
        return self._name

    def saved(self) -> list[tuple[str, Tensor | None]]:
        return [(k, None if v is None else Tensor(v)) for k, v in self._saved.items()]

    def attributes(self) -> dict[str, object]:
        return self._attributes


class Tensor:
    """An array with a history."""

    def __init__(
        self, array: np.ndarray, grad_fn: Node | None = None, requires_grad: bool = False
    ) -> None:
        self.array = array
        self.grad_fn = grad_fn
        self.requires_grad = requires_grad or grad_fn is not None
        self.is_leaf = grad_fn is None
        self._accumulator: AccumulateGrad | None = None

    def edge(self) -> Node | AccumulateGrad | None:
        if self.grad_fn is not None or not self.requires_grad:
            return self.grad_fn
        if self._accumulator is None:
            self._accumulator = AccumulateGrad(self)
        return self._accumulator

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:
        return f"torch.{self.array.dtype}"

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    def data_ptr(self) -> int:
        return self.array.__array_interface__["data"][0]

    def stride(self) -> tuple[int, ...]:
        return tuple(s // self.array.itemsize for s in self.array.strides)


def leaf(*shape: int) -> Tensor:
    return Tensor(np.ones(shape, np.float32), requires_grad=True)


def kernel_norm(n: int = 4, d: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """The scenario's kernel norm, recorded as PyTorch 2.13 records it; returns H, q, p."""
    q, p = leaf(n, d), leaf(n, d)
    two_s2 = np.full(1, 12.5, np.float32)

    q_i = Tensor(q.array[:, None, :], Node("UnsqueezeBackward0", [q], {}, {"dim": 1}))
    q_j = Tensor(q.array[None, :, :], Node("UnsqueezeBackward0", [q], {}, {"dim": 0}))
    diff = Tensor(q_i.array - q_j.array, Node("SubBackward0", [q_i, q_j], {}, {"alpha": 1}))
    square = Tensor(
        diff.array**2, Node("PowBackward0", [diff], {"self": diff.array}, {"exponent": 2})
    )
    total = Tensor(
        square.array.sum(2),
        Node("SumBackward1", [square], {}, {"dim": (2,), "keepdim": False}),
    )
    minus = Tensor(-total.array, Node("NegBackward0", [total]))
    ratio = Tensor(
        minus.array / two_s2, Node("DivBackward0", [minus, None], {"other": two_s2, "self": None})
    )
    kernel = np.exp(ratio.array)
    k = Tensor(kernel, Node("ExpBackward0", [ratio], {"result": kernel}))
    v = Tensor(kernel @ p.array, Node("MmBackward0", [k, p], {"self": kernel, "mat2": p.array}))
    flat_p = Tensor(p.array.reshape(-1), Node("ViewBackward0", [p]))
    flat_v = Tensor(v.array.reshape(-1), Node("ViewBackward0", [v]))
    dot = Tensor(
        flat_p.array @ flat_v.array,
        Node("DotBackward0", [flat_p, flat_v], {"self": flat_p.array, "tensor": flat_v.array}),
    )
    h = Tensor(np.asarray(0.5 * dot.array), Node("MulBackward0", [dot, None], {"self": None}))
    return h, q, p
