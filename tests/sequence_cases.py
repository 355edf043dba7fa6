"""What models of sequences compute, as numbers: the same questions for pullback and PyTorch.

    python tests/sequence_cases.py torch > tests/data/sequences.json

with a Python that has PyTorch writes the answers that `test_sequences.py` compares with. Of each
tensor, its shape and its products with a few fixed directions are kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

CASES: dict[str, Callable[[Any], Any]] = {}


def case(function: Callable[..., Any], **options: Any) -> None:
    """A question with options, under a name that says them."""
    said = ", ".join(f"{n}={v!r}" for n, v in options.items())
    CASES[f"{function.__name__} {said}".strip()] = lambda torch: function(torch, **options)


def digest(x: Any) -> list[Any]:
    """The shape of a tensor, and its products with four directions."""
    a = np.asarray(x.detach().numpy(), float).ravel()
    angles = np.arange(a.size)[:, None] * np.array([0.7, 1.3, 2.1, 2.9])
    with np.errstate(invalid="ignore"):
        return [list(x.shape), *(float(f"{v:.10g}") for v in a @ np.cos(angles))]


def leaf(torch: Any, seed: int, *shape: int, dtype: str = "float64") -> Any:
    """A tensor of numbers that requires a gradient."""
    made = np.random.default_rng([seed, *shape]).normal(size=shape)
    return torch.from_numpy(made.astype(dtype)).requires_grad_()


def answers(torch: Any, results: Any, leaves: Any) -> list[Any]:
    """Digests of results, and of the gradients of a sum of them in the leaves."""
    total = 0
    for r in results:
        weights = np.cos(np.arange(r.numel()) * 0.37).reshape(tuple(r.shape))
        total = total + (r * torch.from_numpy(weights).to(r.dtype)).sum()
    gradients = torch.autograd.grad(total, leaves)
    return [digest(x) for x in (*results, *gradients)]


# --------------------------------------------------------------------------------------- CTC


def ctc_loss(
    torch: Any, times: list[int], counts: list[int], *, shape: Any = (9, 3, 5), flat: bool = False,
    dtype: str = "float64", **options: Any,
) -> Any:  # fmt: skip
    """The loss of sequences with so many times and labels."""
    r = np.random.default_rng(7)
    x = leaf(torch, 1, *shape, dtype=dtype)
    blank = options.get("blank", 0)
    labels = np.array([c for c in range(shape[2]) if c != blank])
    targets = labels[r.integers(0, len(labels), (shape[1], max(counts)))]
    if flat:
        targets = np.concatenate([row[:n] for row, n in zip(targets, counts, strict=True)])
    loss = torch.nn.functional.ctc_loss(
        x.log_softmax(2), torch.from_numpy(targets), times, counts, **options
    )
    return answers(torch, [loss], [x])


for _reduction in ("none", "mean", "sum"):
    case(ctc_loss, times=[9, 8, 5], counts=[3, 0, 2], reduction=_reduction)
case(ctc_loss, times=[9, 9, 9], counts=[3, 1, 2], blank=4)
case(ctc_loss, times=[9, 4, 6], counts=[4, 2, 1], flat=True)
case(ctc_loss, times=[9, 2, 0], counts=[4, 4, 0], zero_infinity=True, reduction="none")
case(ctc_loss, times=[60, 55], counts=[20, 25], shape=(60, 2, 30))
case(ctc_loss, times=[60, 55], counts=[20, 25], shape=(60, 2, 30), dtype="float32")


def main() -> None:
    """Ask, and write the answers down."""
    torch = import_module(sys.argv[1])
    rows = [f"{json.dumps(n)}: {json.dumps(ask(torch))}" for n, ask in CASES.items()]
    print("{\n" + ",\n".join(rows) + "\n}")


if __name__ == "__main__":
    main()
