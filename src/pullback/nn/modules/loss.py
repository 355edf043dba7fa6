"""Losses as modules."""

from __future__ import annotations

import inspect
from typing import Any

from pullback.nn import functional
from pullback.nn.modules.layers import PairwiseDistance
from pullback.nn.modules.module import Module

F: Any = functional
OLD = ("size_average", "reduce")  # what PyTorch had before `reduction`


class _Loss(Module):
    """A loss of `functional` whose options are attributes; tensors among them are buffers."""

    _function = ""
    _first = "input"  # what the function calls "input"
    _buffers_: tuple[str, ...] = ()
    _order: tuple[tuple[str, Any], ...] = ()
    __signature__: inspect.Signature
    reduction: str

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__()
        try:
            bound = self.__signature__.bind(*args, **keywords)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}.__init__() {error}") from None
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            if name in OLD:
                continue
            if name in self._buffers_:
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)
        old = [bound.arguments.get(n) for n in OLD]
        if any(v is not None for v in old):
            mean = "sum" if old[0] is False else "mean"
            self.reduction = "none" if old[1] is False else mean

    def forward(self, *input: Any, **named: Any) -> Any:
        """The loss of the inputs and the target, whose names are those of the function."""
        if self._first in named:
            named["input"] = named.pop(self._first)
        options = {n: getattr(self, n) for n, _ in self._order if n not in OLD}
        return getattr(F, self._function)(*input, **named, **options)


def _loss(
    name: str, function: str, doc: str, *order: tuple[str, Any], buffers: Any = (),
    first: str = "input",
) -> Any:  # fmt: skip
    parameters = [
        inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
        for n, default in order
    ]
    return type(name, (_Loss,), {
        "_function": function, "_order": order, "_buffers_": buffers, "__doc__": doc,
        "__module__": __name__, "__signature__": inspect.Signature(parameters), "_first": first,
    })  # fmt: skip


_A, _R, _M = ("size_average", None), ("reduce", None), ("reduction", "mean")
L1Loss = _loss("L1Loss", "l1_loss", "Absolute differences.", _A, _R, _M)
MSELoss = _loss("MSELoss", "mse_loss", "Squared differences.", _A, _R, _M)
SmoothL1Loss = _loss(
    "SmoothL1Loss", "smooth_l1_loss", "Squares near 0, absolute values beyond.", _A, _R, _M,
    ("beta", 1.0),
)  # fmt: skip
HuberLoss = _loss("HuberLoss", "huber_loss", "Squares near 0, linear beyond.", _M, ("delta", 1.0))
NLLLoss = _loss(
    "NLLLoss", "nll_loss", "Minus log-probabilities of classes.", ("weight", None), _A,
    ("ignore_index", -100), _R, _M, buffers=("weight",),
)  # fmt: skip
NLLLoss2d = _loss(
    "NLLLoss2d", "nll_loss", "`NLLLoss`, as it was called for images.", ("weight", None), _A,
    ("ignore_index", -100), _R, _M, buffers=("weight",),
)  # fmt: skip
CrossEntropyLoss = _loss(
    "CrossEntropyLoss", "cross_entropy", "Cross entropy of scores and classes.", ("weight", None),
    _A, ("ignore_index", -100), _R, _M, ("label_smoothing", 0.0), buffers=("weight",),
)  # fmt: skip
BCELoss = _loss(
    "BCELoss", "binary_cross_entropy", "Binary cross entropy of probabilities.", ("weight", None),
    _A, _R, _M, buffers=("weight",),
)  # fmt: skip
BCEWithLogitsLoss = _loss(
    "BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "Binary cross entropy of scores.",
    ("weight", None), _A, _R, _M, ("pos_weight", None), buffers=("weight", "pos_weight"),
)  # fmt: skip
KLDivLoss = _loss(
    "KLDivLoss", "kl_div", "Kullback-Leibler divergence.", _A, _R, _M, ("log_target", False)
)
PoissonNLLLoss = _loss(
    "PoissonNLLLoss", "poisson_nll_loss", "Minus log-likelihood of counts.", ("log_input", True),
    ("full", False), _A, ("eps", 1e-8), _R, _M, first="log_input",
)  # fmt: skip
CTCLoss = _loss(
    "CTCLoss", "ctc_loss", "Labels without an alignment.", ("blank", 0), _M,
    ("zero_infinity", False),
)  # fmt: skip
CosineEmbeddingLoss = _loss(
    "CosineEmbeddingLoss", "cosine_embedding_loss", "Cosines of pairs.", ("margin", 0.0), _A, _R, _M
)
HingeEmbeddingLoss = _loss(
    "HingeEmbeddingLoss", "hinge_embedding_loss", "Distances of pairs.", ("margin", 1.0), _A, _R, _M
)
MarginRankingLoss = _loss(
    "MarginRankingLoss", "margin_ranking_loss", "Order of pairs.", ("margin", 0.0), _A, _R, _M
)
SoftMarginLoss = _loss("SoftMarginLoss", "soft_margin_loss", "Logistic loss.", _A, _R, _M)
MultiLabelMarginLoss = _loss(
    "MultiLabelMarginLoss", "multilabel_margin_loss", "Margins of several classes.", _A, _R, _M
)
MultiLabelSoftMarginLoss = _loss(
    "MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss", "Logistic loss of several classes.",
    ("weight", None), _A, _R, _M, buffers=("weight",),
)  # fmt: skip
MultiMarginLoss = _loss(
    "MultiMarginLoss", "multi_margin_loss", "Margins of classes.", ("p", 1), ("margin", 1.0),
    ("weight", None), _A, _R, _M, buffers=("weight",),
)  # fmt: skip
TripletMarginLoss = _loss(
    "TripletMarginLoss", "triplet_margin_loss", "Distances of triplets.", ("margin", 1.0),
    ("p", 2.0), ("eps", 1e-6), ("swap", False), _A, _R, _M,
)  # fmt: skip


class GaussianNLLLoss(Module):
    """Minus log-likelihood of normal numbers."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__()
        self.full, self.eps, self.reduction = full, eps, reduction

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        """The loss of means, observations and variances."""
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(Module):
    """Distances of triplets, by a distance of your own."""

    def __init__(
        self, *, distance_function: Any = None, margin: float = 1.0, swap: bool = False,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__()
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: margin must be greater than 0, got "
                             f"{margin}")  # fmt: skip
        self.distance_function = distance_function or PairwiseDistance()
        self.margin, self.swap, self.reduction = margin, swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """The loss of three tensors."""
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip


__all__ = [
    name for name, value in globals().items()
    if isinstance(value, type) and issubclass(value, Module) and not name.startswith("_")
    and name not in ("Module", "PairwiseDistance")
]  # fmt: skip
