"""How elements lie in memory: the names of the orders."""

from __future__ import annotations

from typing import Any


class memory_format:
    """An order of a tensor's axes in memory."""

    __slots__ = ("_name",)

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name  # the constant of this module


class layout:
    """How a tensor's elements are kept: all of them, at steps (`torch.strided`)."""

    __slots__ = ("_name",)

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _layout_named, (self._name,)


def _layout_named(name: str) -> layout:
    return SPARSE.get(name, strided)


strided = layout("strided")
# What scripts ask for whether a tensor is it; none is.
SPARSE = {
    name: layout(name)
    for name in ("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged")
}


def check_layout(value: Any) -> None:
    """RuntimeError for another layout than `torch.strided`."""
    if value is not None and value is not strided:
        raise RuntimeError(f"pullback's tensors are dense: there is no layout={value!r}")


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

# The axes of a batch of images, or of volumes, from the largest step to the smallest.
CHANNELS_LAST: dict[Any, tuple[int, ...]] = {
    channels_last: (0, 2, 3, 1),
    channels_last_3d: (0, 2, 3, 4, 1),
}


def given(function: str, value: Any, ndim: int) -> memory_format | None:
    """A caller's `memory_format=`. TypeError for anything else, RuntimeError where none can be."""
    if value is not None and not isinstance(value, memory_format):
        raise TypeError(
            f"{function}(): argument 'memory_format' must be torch.memory_format, not "
            f"{type(value).__name__}"
        )
    axes = CHANNELS_LAST.get(value)
    if value is not None and axes is not None and ndim != len(axes):
        raise RuntimeError(
            f"{function}(): required rank {len(axes)} tensor to use {value._name} format, but "
            f"there are {ndim} axes"
        )
    return value
