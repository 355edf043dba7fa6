"""Fourier transforms by `scipy.fft`, imported when first used; windows and frequencies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.config import config

Function = Callable[..., Any]
LARGE = 1 << 15  # numbers from which several threads share the rows

# SciPy's word for a scale, by the direction: nothing, 1 / sqrt(count), 1 / count.
_FORWARD = {"none": "backward", "root": "ortho", "size": "forward"}
_BACKWARD = {"none": "forward", "root": "ortho", "size": "backward"}


def _threads(x: Any) -> int:
    return config.num_threads if x.size >= LARGE else 1


def _along_last(transform: Function, x: Any, dims: Sequence[int], half: bool) -> Any:
    """`transform(x, axes)` with the axes last in memory, as PyTorch's own results lie.

    The others come before them, each kind from the largest step in x to the smallest. With `half`,
    the last of the axes stays the last.
    """
    step = x.strides
    order = sorted((d for d in range(x.ndim) if d not in dims), key=lambda d: -step[d])
    order += sorted(dims[:-1] if half else dims, key=lambda d: -step[d])
    order += dims[-1:] if half else ()
    if order == list(range(x.ndim)):
        return transform(x, dims)
    made = transform(x.transpose(order), tuple(range(x.ndim - len(dims), x.ndim)))
    return made.transpose(np.argsort(order))


def complex_to_complex(x: Any, dims: Sequence[int], forward: bool, scale: str) -> Any:
    """The transform, or its conjugate."""
    import scipy.fft

    function = scipy.fft.fftn if forward else scipy.fft.ifftn
    norm = (_FORWARD if forward else _BACKWARD)[scale]
    threads = _threads(x)
    made = _along_last(
        lambda x, axes: function(x, axes=axes, norm=norm, workers=threads), x, dims, False
    )
    return made.astype(np.result_type(x.dtype, np.complex64), copy=False)


def real_to_complex(x: Any, dims: Sequence[int], scale: str) -> Any:
    """The first half of the transform of real numbers, along the last of the axes."""
    import scipy.fft

    norm = _FORWARD[scale]
    threads = _threads(x)
    made = _along_last(
        lambda x, axes: scipy.fft.rfftn(x, axes=axes, norm=norm, workers=threads), x, dims, True
    )
    return made.astype(np.result_type(x.dtype, np.complex64), copy=False)


def complex_to_real(x: Any, dims: Sequence[int], scale: str, count: int) -> Any:
    """The conjugate transform of what has that first half."""
    import scipy.fft

    def transform(x: Any, axes: Sequence[int]) -> Any:
        sizes = [x.shape[d] for d in axes[:-1]] + [count]
        return scipy.fft.irfftn(x, sizes, axes, norm=_BACKWARD[scale], workers=_threads(x))

    return _along_last(transform, x, dims, True).astype(x.real.dtype, copy=False)


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


WINDOWS: dict[str, Function] = {
    "cosines": _cosines,
    "triangle": lambda k, last: 1 - np.abs(2 * k / last - 1),
    "cosine": lambda k, last: np.sin(math.pi * (k + 0.5) / (last + 1)),
    "exponential": _exponential,
    "gaussian": lambda k, last, std: np.exp(-(((k - last / 2) / std) ** 2) / 2),
    "kaiser": lambda k, last, beta: (
        np.i0(beta * np.sqrt(np.maximum(1 - (2 * k / last - 1) ** 2, 0))) / np.i0(beta)
    ),
}

FUNCTIONS: dict[str, Function] = {
    f.__name__: f
    for f in (complex_to_complex, real_to_complex, complex_to_real, frequencies, window)
}
