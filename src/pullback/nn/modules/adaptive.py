"""Losses of many classes: their scores are computed with parameters of the module's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pullback.autograd import no_grad
from pullback.dispatch import TENSORS
from pullback.nn import functional
from pullback.nn.modules.container import ModuleList, Sequential
from pullback.nn.modules.linear import Linear
from pullback.nn.modules.module import Module

F: Any = functional


class Scored(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` gives."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax over many classes, the rare ones in clusters with fewer features.

    Classes are in the order of their frequency. Those below `cutoffs[0]` and the clusters between
    the other cutoffs have scores in `head`; cluster i has a `tail` with a projection to
    `in_features / div_value^(i + 1)` features. E. Grave et al., "Efficient softmax approximation
    for GPUs", ICML 2017.
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0,
        head_bias: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        whole = all(int(c) == c for c in given)
        if not whole or given != sorted({c for c in given if 0 < c < n_classes}):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                "order, where each value is between 1 and n_classes-1"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = given[0], len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for k in range(self.n_clusters):
            size = int(in_features // div_value ** (k + 1))
            count = self.cutoffs[k + 1] - self.cutoffs[k]
            self.tail.append(
                Sequential(
                    Linear(in_features, size, bias=False, **made),
                    Linear(size, count, bias=False, **made),
                )
            )

    def reset_parameters(self) -> None:
        """New parameters."""
        for part in (self.head, *(layer for pair in self.tail for layer in pair)):
            part.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> Scored:
        """The log-probabilities of the targets, (n,) or (), and the mean of their negatives.

        RuntimeError for shapes other than (n, in_features) and (n,), or (in_features,) and (), and
        for targets that are no classes.
        """
        rank = target_.dim()
        if rank > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input_.dim() != rank + 1:
            raise RuntimeError(
                f"{rank}D target tensor expects {rank + 1}D input tensors, but found inputs with "
                f"size {list(input_.shape)}"
            )
        if rank and input_.shape[0] != target_.shape[0]:
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        x, target = (input_, target_) if rank else (input_.unsqueeze(0), target_.unsqueeze(0))
        if target.numel() and not bool(((target >= 0) & (target < self.n_classes)).all()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        starts = target.new_tensor(self.cutoffs[:-1])
        cluster = (target.unsqueeze(1) >= starts).sum(1)  # 0: in the shortlist
        place = TENSORS.where(cluster > 0, self.shortlist_size + cluster - 1, target)
        output = self._logs(self.head(x)).gather(1, place.unsqueeze(1)).squeeze(1)
        for k, part in enumerate(self.tail):
            rows = (cluster == k + 1).nonzero().squeeze(1)
            if rows.numel():
                inside = (target[rows] - self.cutoffs[k]).unsqueeze(1)
                logs = self._logs(part(x[rows])).gather(1, inside).squeeze(1)
                output = output.index_add(0, rows, logs)
        return Scored(output if rank else output.squeeze(0), (-output).mean())

    @staticmethod
    def _logs(scores: Any) -> Any:
        return F.log_softmax(scores, 1)

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes: (n, n_classes) of (n, in_features)."""
        head = self._logs(self.head(input))
        parts = [head[:, : self.shortlist_size]]
        for k, part in enumerate(self.tail):
            place = self.shortlist_size + k
            parts.append(self._logs(part(input)) + head[:, place : place + 1])
        return TENSORS.cat(parts, 1)

    def predict(self, input: Any) -> Any:
        """The likeliest class of each input: (n,)."""
        with no_grad():
            found = self.head(input).argmax(1)
            rows = (found >= self.shortlist_size).nonzero().squeeze(1)
            if rows.numel():  # a cluster is likelier than any class of the shortlist
                found = found.index_copy(0, rows, self.log_prob(input[rows]).argmax(1))
        return found


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How PyTorch cuts `linear_cross_entropy` into pieces. Here the scores of many classes are a
    formula, which is not stored anyway: the options are accepted and change nothing."""

    allow_retain_graph: bool = False
    acc_policy: str | None = "auto"
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_dtype: Any = None


class LinearCrossEntropyLoss(Module):
    """`CrossEntropyLoss` of `Linear`, which is its `linear`: of (n, in_features) and n classes.

    With `out_features` (d1, …), there are as many scores and targets for each input.
    """

    def __init__(
        self, in_features: int, num_classes: int, *, out_features: tuple[int, ...] = (),
        bias: bool = False, device: Any = None, dtype: Any = None, reduction: str = "mean",
        weight: Any = None, ignore_index: int | None = None, label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:  # fmt: skip
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(
                f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}"
            )
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        super().__init__()
        self.register_buffer("weight", weight)
        self.num_classes, self.out_features = num_classes, out_features
        self.reduction, self.ignore_index = reduction, ignore_index
        self.label_smoothing, self.options = label_smoothing, options
        self.linear = Linear(
            in_features, math.prod(out_features, start=num_classes), bias=bias, device=device,
            dtype=dtype,
        )  # fmt: skip

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of inputs, and of classes or their probabilities."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, -1), target,
            linear_bias=None if bias is None else bias.reshape(shape), weight=self.weight,
            reduction=self.reduction, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing, options=self.options,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
