"""Batches in parts, one for each device, and together again: `torch.nn.parallel.scatter_gather`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.devices import device
from pullback.dispatch import TENSORS
from pullback.tensor import Tensor

__all__ = ["gather", "scatter"]


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """The inputs for each of the devices: of tensors the parts along `dim`, whatever they are in.

    RuntimeError for another device than the CPU.
    """
    count = len(target_gpus)
    for target in target_gpus:
        TENSORS.zeros((), device=device(target))  # a device that is not there is refused

    def parts(x: Any) -> list[Any]:
        if isinstance(x, Tensor):
            return list(TENSORS.chunk(x, count, dim))
        if isinstance(x, (tuple, list)) and x:
            rows = zip(*map(parts, x), strict=False)
            return [_like(x, row) for row in rows]
        if isinstance(x, dict) and x:
            rows = zip(*map(parts, x.values()), strict=False)
            return [type(x)(zip(x, row, strict=True)) for row in rows]
        return [x] * count

    return parts(inputs)


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The outputs of the devices as one: tensors joined along `dim`, whatever they are in."""
    TENSORS.zeros((), device=device(target_device))
    first = outputs[0]
    if isinstance(first, Tensor):
        if not all(x.ndim for x in outputs):
            return TENSORS.stack(list(outputs))
        return TENSORS.cat(list(outputs), dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(x) != len(first) for x in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((k, gather([x[k] for x in outputs], target_device, dim)) for k in first)
    rows = zip(*outputs, strict=False)
    return _like(first, [gather(row, target_device, dim) for row in rows])


def _like(x: Any, row: Sequence[Any]) -> Any:
    """A row in the kind of sequence that x is."""
    return type(x)(*row) if hasattr(x, "_fields") else type(x)(row)
