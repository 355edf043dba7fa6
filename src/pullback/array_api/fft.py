"""The extension of discrete Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback import fft as transforms
from pullback.array_api.promotion import named

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfftn", "rfft", "rfftfreq", "rfftn",
]  # fmt: skip


def _along_axis(name: str) -> Any:
    """A transform along one axis."""

    def function(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
        return operation(x, n, axis, norm)

    operation = getattr(transforms, name)
    return named(function, operation, name)


def _along_axes(name: str) -> Any:
    """A transform along several axes, by default all."""

    def function(
        x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
        norm: str = "backward",
    ) -> Any:  # fmt: skip
        return operation(x, s, axes, norm)

    operation = getattr(transforms, name)
    return named(function, operation, name)


fft = _along_axis("fft")
ifft = _along_axis("ifft")
rfft = _along_axis("rfft")
irfft = _along_axis("irfft")
hfft = _along_axis("hfft")
ihfft = _along_axis("ihfft")
fftn = _along_axes("fftn")
ifftn = _along_axes("ifftn")
rfftn = _along_axes("rfftn")
irfftn = _along_axes("irfftn")


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of `fft`, for samples at a distance d."""
    return transforms.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of `rfft`, for samples at a distance d."""
    return transforms.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x: Any, /, *, axes: int | Sequence[int] | None = None) -> Any:
    """With the frequency 0 moved from the front to the middle of axes, by default of all."""
    return transforms.fftshift(x, axes)


def ifftshift(x: Any, /, *, axes: int | Sequence[int] | None = None) -> Any:
    """With the frequency 0 moved from the middle to the front of axes, by default of all."""
    return transforms.ifftshift(x, axes)
