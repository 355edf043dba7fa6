"""The operations of `torch.special`.

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


def airy_ai(input: Tensor, *, out: _Out = None) -> Tensor:
    """Airy function Ai."""

def bessel_j0(input: Tensor, *, out: _Out = None) -> Tensor:
    """Bessel function of the first kind, of order 0."""

def bessel_j1(input: Tensor, *, out: _Out = None) -> Tensor:
    """Bessel function of the first kind, of order 1."""

def bessel_y0(input: Tensor, *, out: _Out = None) -> Tensor:
    """Bessel function of the second kind, of order 0: -inf at 0, NaN below."""

def bessel_y1(input: Tensor, *, out: _Out = None) -> Tensor:
    """Bessel function of the second kind, of order 1: -inf at 0, NaN below."""

def chebyshev_polynomial_t(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the first kind, of degree n."""

def chebyshev_polynomial_u(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the second kind, of degree n."""

def chebyshev_polynomial_v(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the third kind, of degree n."""

def chebyshev_polynomial_w(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the fourth kind, of degree n."""

def digamma(input: Tensor, *, out: _Out = None) -> Tensor:
    """$\\psi = \\Gamma' / \\Gamma$; -inf at 0, NaN at negative integers."""

def entr(input: Tensor, *, out: _Out = None) -> Tensor:
    """Entropy: $y = -x \\log x$; 0 at 0, -inf below."""

def erf(input: Tensor, *, out: _Out = None) -> Tensor:
    """Error function: $y = \\frac{2}{\\sqrt\\pi} \\int_0^\\text{input} e^{-t^2} dt$."""

def erfc(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = 1 - \\operatorname{erf}(\\text{input})$, accurate where that is small."""

def erfcx(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = e^{\\text{input}^2} \\operatorname{erfc}(\\text{input})$, which does not underflow."""

def erfinv(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse of `erf` on (-1, 1); infinite at the ends, NaN beyond."""

def exp2(input: Tensor, *, out: _Out = None) -> Tensor:
    """Power of two: $y = 2^\\text{input}$."""

def expit(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logistic function: $y = 1 / (1 + e^{-\\text{input}})$, without overflow."""

def expm1(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = e^\\text{input} - 1$, accurate near 0."""

def gammainc(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Regularised lower incomplete gamma function P(input, other), of other ≥ 0."""

def gammaincc(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Regularised upper incomplete gamma function: 1 - P(input, other)."""

def gammaln(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\log |\\Gamma(\\text{input})|$; inf at 0 and at negative integers."""

def hermite_polynomial_h(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Hermite polynomial (physicists'), of degree n."""

def hermite_polynomial_he(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Hermite polynomial (probabilists'), of degree n."""

def i0(input: Tensor, *, out: _Out = None) -> Tensor:
    """Modified Bessel function of the first kind, of order 0."""

def i0e(input: Tensor, *, out: _Out = None) -> Tensor:
    """$e^{-|x|} I_0(x)$."""

def i1(input: Tensor, *, out: _Out = None) -> Tensor:
    """Modified Bessel function of the first kind, of order 1."""

def i1e(input: Tensor, *, out: _Out = None) -> Tensor:
    """$e^{-|x|} I_1(x)$."""

def laguerre_polynomial_l(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Laguerre polynomial, of degree n."""

def legendre_polynomial_p(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Legendre polynomial, of degree n."""

def log1p(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\log(1 + \\text{input})$, accurate near 0."""

def log_ndtr(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logarithm of `ndtr`, accurate far to the left."""

def log_softmax(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """$x_i - \\log \\sum_j e^{x_j}$ along one axis."""

def logit(input: Tensor, eps: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$y = \\log(x / (1 - x))$, of x brought into [eps, 1 - eps] if `eps` is given."""

def logsumexp(input: Tensor, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """$\\log \\sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""

def modified_bessel_i0(input: Tensor, *, out: _Out = None) -> Tensor:
    """`i0`."""

def modified_bessel_i1(input: Tensor, *, out: _Out = None) -> Tensor:
    """`i1`."""

def modified_bessel_k0(input: Tensor, *, out: _Out = None) -> Tensor:
    """Modified Bessel function of the second kind, of order 0: inf at 0, NaN below."""

def modified_bessel_k1(input: Tensor, *, out: _Out = None) -> Tensor:
    """Modified Bessel function of the second kind, of order 1: inf at 0, NaN below."""

def multigammaln(input: Tensor, p: _int, *, out: _Out = None) -> Tensor:
    """$\\frac{p(p-1)}{4} \\log\\pi + \\sum_{j<p} \\log\\Gamma(x - j/2)$, for p ≥ 1."""

def ndtr(input: Tensor, *, out: _Out = None) -> Tensor:
    """Distribution function of the normal distribution."""

def ndtri(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse of `ndtr` on (0, 1); infinite at the ends, NaN beyond."""

def polygamma(n: _int, input: Tensor, *, out: _Out = None) -> Tensor:
    """The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""

def psi(input: Tensor, *, out: _Out = None) -> Tensor:
    """$\\psi = \\Gamma' / \\Gamma$; -inf at 0, NaN at negative integers."""

def round(input: Tensor, *, decimals: _int = 0, out: _Out = None) -> Tensor:
    """The nearest integer, or multiple of $10^{-\\text{decimals}}$; halves to even."""

def scaled_modified_bessel_k0(input: Tensor, *, out: _Out = None) -> Tensor:
    """$e^x K_0(x)$."""

def scaled_modified_bessel_k1(input: Tensor, *, out: _Out = None) -> Tensor:
    """$e^x K_1(x)$."""

def shifted_chebyshev_polynomial_t(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the first kind, of degree n, at 2x - 1."""

def shifted_chebyshev_polynomial_u(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the second kind, of degree n, at 2x - 1."""

def shifted_chebyshev_polynomial_v(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the third kind, of degree n, at 2x - 1."""

def shifted_chebyshev_polynomial_w(input: Tensor | _complex, n: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Chebyshev polynomial of the fourth kind, of degree n, at 2x - 1."""

def sinc(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\sin(\\pi x) / (\\pi x)$, and 1 at 0."""

def softmax(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """$e^{x_i} / \\sum_j e^{x_j}$ along one axis."""

def spherical_bessel_j0(input: Tensor, *, out: _Out = None) -> Tensor:
    """$\\sin x / x$, and 1 at 0; 0 at infinity."""

def xlog1py(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = x \\log(1 + \\text{other})$; 0 where x is 0, unless other is NaN."""

def xlogy(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = x \\log \\text{other}$; 0 where x is 0, unless other is NaN."""

def zeta(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Hurwitz zeta function $\\sum_k (k + \\text{other})^{-\\text{input}}$, of input > 1."""

__all__ = ['airy_ai', 'bessel_j0', 'bessel_j1', 'bessel_y0', 'bessel_y1', 'chebyshev_polynomial_t', 'chebyshev_polynomial_u', 'chebyshev_polynomial_v', 'chebyshev_polynomial_w', 'digamma', 'entr', 'erf', 'erfc', 'erfcx', 'erfinv', 'exp2', 'expit', 'expm1', 'gammainc', 'gammaincc', 'gammaln', 'hermite_polynomial_h', 'hermite_polynomial_he', 'i0', 'i0e', 'i1', 'i1e', 'laguerre_polynomial_l', 'legendre_polynomial_p', 'log1p', 'log_ndtr', 'log_softmax', 'logit', 'logsumexp', 'modified_bessel_i0', 'modified_bessel_i1', 'modified_bessel_k0', 'modified_bessel_k1', 'multigammaln', 'ndtr', 'ndtri', 'polygamma', 'psi', 'round', 'scaled_modified_bessel_k0', 'scaled_modified_bessel_k1', 'shifted_chebyshev_polynomial_t', 'shifted_chebyshev_polynomial_u', 'shifted_chebyshev_polynomial_v', 'shifted_chebyshev_polynomial_w', 'sinc', 'softmax', 'spherical_bessel_j0', 'xlog1py', 'xlogy', 'zeta']
