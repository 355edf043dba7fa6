"""Fourier transforms by `scipy.fft`, imported when first used; windows and frequencies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# SciPy's word for a scale, by the direction: nothing, 1 / sqrt(count), 1 / count.
_FORWARD = {"none": "backward", "root": "ortho", "size": "forward"}
_BACKWARD = {"none": "forward", "root": "ortho", "size": "backward"}


def complex_to_complex(x: Any, dims: Sequence[int], forward: bool, scale: str) -> Any:
    """The transform, or its conjugate."""
    import scipy.fft

    if forward:
        made = scipy.fft.fftn(x, axes=dims, norm=_FORWARD[scale])
    else:
        made = scipy.fft.ifftn(x, axes=dims, norm=_BACKWARD[scale])
    return made.astype(np.result_type(x.dtype, np.complex64), copy=False)


def real_to_complex(x: Any, dims: Sequence[int], scale: str) -> Any:
    """The first half of the transform of real numbers, along the last of the axes."""
    import scipy.fft

    made = scipy.fft.rfftn(x, axes=dims, norm=_FORWARD[scale])
    return made.astype(np.result_type(x.dtype, np.complex64), copy=False)


def complex_to_real(x: Any, dims: Sequence[int], scale: str, count: int) -> Any:
    """The conjugate transform of what has that first half."""
    import scipy.fft

    sizes = [x.shape[d] for d in dims[:-1]] + [count]
    made = scipy.fft.irfftn(x, sizes, dims, norm=_BACKWARD[scale])
    return made.astype(x.real.dtype, copy=False)


def frequencies(count: int, spacing: float, half: bool, dtype: Any) -> Any:
    """The frequencies of a transform's elements, in cycles per unit of the spacing."""
    made = np.fft.rfftfreq(count, spacing) if half else np.fft.fftfreq(count, spacing)
    return made.astype(dtype)


def window(name: str, count: int, symmetric: bool, parameters: Sequence[Any], dtype: Any) -> Any:
    """A window of a name; one that is not symmetric is the first part of one that is longer.

    F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform
    (1978); A. H. Nuttall, Some windows with very good sidelobe behavior (1981).
    """
    if count <= 1:
        return np.ones(count, dtype)
    places = np.arange(count, dtype=np.float64)
    last = count - 1 if symmetric else count
    return WINDOWS[name](places, last, *parameters).astype(dtype)


def _cosines(k: Any, last: int, *weights: float) -> Any:
    angle = 2 * math.pi * k / last
    return sum((-1) ** i * a * np.cos(i * angle) for i, a in enumerate(weights))


def _exponential(k: Any, last: int, center: float | None, tau: float) -> Any:
    return np.exp(-np.abs(k - (last / 2 if center is None else center)) / tau)


WINDOWS: dict[str, Callable[..., Any]] = {
    "cosines": _cosines,
    "triangle": lambda k, last: 1 - np.abs(2 * k / last - 1),
    "cosine": lambda k, last: np.sin(math.pi * (k + 0.5) / (last + 1)),
    "exponential": _exponential,
    "gaussian": lambda k, last, std: np.exp(-(((k - last / 2) / std) ** 2) / 2),
    "kaiser": lambda k, last, beta: (
        np.i0(beta * np.sqrt(np.maximum(1 - (2 * k / last - 1) ** 2, 0))) / np.i0(beta)
    ),
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (complex_to_complex, real_to_complex, complex_to_real, frequencies, window)
}
