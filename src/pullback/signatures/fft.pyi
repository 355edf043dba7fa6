"""The operations of `torch.fft`.

Made by `python -m pullback.operations_page`: not to be edited.
"""

from builtins import bool as _bool, complex as _complex, dict as _dict, float as _float, int as _int
from builtins import list as _list, object as _object, str as _str, tuple as _tuple, type as _type
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, overload

from pullback.devices import device as _device
from pullback.dtypes import dtype as _dtype
from pullback.layouts import layout as _layout, memory_format as _memory_format
from pullback.tensor import Size as _Size, Tensor

_Out = Tensor | _tuple[Tensor, ...] | None

from pullback.signatures import return_types as return_types


def fft(input: Tensor, n: Any = None, dim: _int = -1, norm: Any = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Discrete Fourier transform $y_k = \\sum_j x_j e^{-2 \\pi i j k / n}$, along one axis."""

def fft2(input: Tensor, s: Any = None, dim: Any = ..., norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Discrete Fourier transform $y_k = \\sum_j x_j e^{-2 \\pi i j k / n}$, along two axes."""

def fftfreq(n: _int, d: _float | Tensor = ..., *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The frequencies of `fft`'s n elements, for samples d apart: 0, 1, …, -2, -1 over n d."""

def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Discrete Fourier transform $y_k = \\sum_j x_j e^{-2 \\pi i j k / n}$, along several axes, or all."""

def fftshift(input: Tensor, dim: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Axes (all, by default) turned so that frequency 0 is in the middle."""

def hfft(input: Tensor, n: Any = None, dim: _int = -1, norm: Any = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Transform of a Hermitian signal, given by its first half; real, along one axis."""

def hfft2(input: Tensor, s: Any = None, dim: Any = ..., norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Transform of a Hermitian signal, given by its first half; real, along two axes."""

def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Transform of a Hermitian signal, given by its first half; real, along several axes, or all."""

def ifft(input: Tensor, n: Any = None, dim: _int = -1, norm: Any = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Inverse of the discrete Fourier transform, along one axis."""

def ifft2(input: Tensor, s: Any = None, dim: Any = ..., norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Inverse of the discrete Fourier transform, along two axes."""

def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Inverse of the discrete Fourier transform, along several axes, or all."""

def ifftshift(input: Tensor, dim: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """The inverse of `fftshift`."""

def ihfft(input: Tensor, n: Any = None, dim: _int = -1, norm: Any = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Inverse of `hfft`: the first half of a Hermitian signal, along one axis."""

def ihfft2(input: Tensor, s: Any = None, dim: Any = ..., norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Inverse of `hfft`: the first half of a Hermitian signal, along two axes."""

def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Inverse of `hfft`: the first half of a Hermitian signal, along several axes, or all."""

def irfft(input: Tensor, n: Any = None, dim: _int = -1, norm: Any = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Inverse of `rfft`: real numbers from the first half of their transform, along one axis."""

def irfft2(input: Tensor, s: Any = None, dim: Any = ..., norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Inverse of `rfft`: real numbers from the first half of their transform, along two axes."""

def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Inverse of `rfft`: real numbers from the first half of their transform, along several axes, or all."""

def rfft(input: Tensor, n: Any = None, dim: _int = -1, norm: Any = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """First half of the discrete Fourier transform of real numbers, along one axis."""

def rfft2(input: Tensor, s: Any = None, dim: Any = ..., norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """First half of the discrete Fourier transform of real numbers, along two axes."""

def rfftfreq(n: _int, d: _float | Tensor = ..., *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The frequencies of `rfft`'s elements, for n samples d apart."""

def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """First half of the discrete Fourier transform of real numbers, along several axes, or all."""

__all__ = ['fft', 'fft2', 'fftfreq', 'fftn', 'fftshift', 'hfft', 'hfft2', 'hfftn', 'ifft', 'ifft2', 'ifftn', 'ifftshift', 'ihfft', 'ihfft2', 'ihfftn', 'irfft', 'irfft2', 'irfftn', 'rfft', 'rfft2', 'rfftfreq', 'rfftn']
