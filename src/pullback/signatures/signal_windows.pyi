"""The operations of `torch.signal.windows`.

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


def bartlett(M: _int, *, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The triangular window of M numbers, 0 at its ends; periodic where not `sym`."""

def blackman(M: _int, *, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Blackman window of M numbers; periodic, for transforms, where not `sym`."""

def cosine(M: _int, *, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """$\\sin(\\pi (k + 1/2) / M)$; periodic where not `sym`."""

def exponential(M: _int, *, center: _float | None = None, tau: _float | Tensor = ..., sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """$e^{-|k - \\text{center}| / \\tau}$; the center is in the middle by default."""

def gaussian(M: _int, *, std: _float | Tensor = ..., sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The density of the normal distribution, 1 in the middle; periodic where not `sym`."""

def general_cosine(M: _int, *, a: Any, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Sums of cosines of the weights a, with alternating signs; periodic where not `sym`."""

def general_hamming(M: _int, *, alpha: _float | Tensor = ..., sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """$\\alpha - (1 - \\alpha) \\cos$: Hann's window for 0.5; periodic where not `sym`."""

def hamming(M: _int, *, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Hamming window of M numbers; periodic, for transforms, where not `sym`."""

def hann(M: _int, *, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Hann window of M numbers; periodic, for transforms, where not `sym`."""

def kaiser(M: _int, *, beta: _float | Tensor = ..., sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Kaiser's window $I_0(\\beta \\sqrt{1 - x^2}) / I_0(\\beta)$; periodic where not `sym`."""

def nuttall(M: _int, *, sym: _bool = True, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Nuttall window of M numbers; periodic, for transforms, where not `sym`."""

__all__ = ['bartlett', 'blackman', 'cosine', 'exponential', 'gaussian', 'general_cosine', 'general_hamming', 'hamming', 'hann', 'kaiser', 'nuttall']
