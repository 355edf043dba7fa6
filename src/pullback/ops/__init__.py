"""The list of operations: one declaration each, forward and backward side by side.

Files are families. A declaration imports `pullback.op` and nothing else of pullback; importing
this package fills the registry.
"""

from pullback.ops import (
    activations,
    arithmetic,
    attention,
    axes,
    comparison,
    convolution,
    copies,
    creation,
    exponential,
    extremes,
    indexing,
    joining,
    linalg,
    linear,
    order,
    parts,
    random,
    rearrangement,
    reduction,
    scatter,
    selection,
    shapes,
    trigonometry,
)

__all__ = [
    "activations",
    "arithmetic",
    "attention",
    "axes",
    "comparison",
    "convolution",
    "copies",
    "creation",
    "exponential",
    "extremes",
    "indexing",
    "joining",
    "linalg",
    "linear",
    "order",
    "parts",
    "random",
    "rearrangement",
    "reduction",
    "scatter",
    "selection",
    "shapes",
    "trigonometry",
]
