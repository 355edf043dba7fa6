"""The list of operations: one declaration each, forward and backward side by side.

Files are families. A declaration imports `pullback.op` and nothing else of pullback; importing
this package fills the registry.
"""

from pullback.ops import (
    arithmetic,
    attention,
    comparison,
    convolution,
    creation,
    exponential,
    extremes,
    indexing,
    joining,
    linalg,
    movement,
    order,
    random,
    reduction,
    selection,
    trigonometry,
)

__all__ = [
    "arithmetic",
    "attention",
    "comparison",
    "convolution",
    "creation",
    "exponential",
    "extremes",
    "indexing",
    "joining",
    "linalg",
    "movement",
    "order",
    "random",
    "reduction",
    "selection",
    "trigonometry",
]
