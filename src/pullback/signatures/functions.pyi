"""The operations of `torch`.

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


def _standard_gamma(input: Tensor, generator: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """Gamma numbers of these shapes (concentrations), of scale 1."""

def abs(input: Tensor, *, out: _Out = None) -> Tensor:
    """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

def abs_(input: Tensor) -> Tensor:
    """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

def absolute(input: Tensor, *, out: _Out = None) -> Tensor:
    """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

def absolute_(input: Tensor) -> Tensor:
    """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

def acos(input: Tensor, *, out: _Out = None) -> Tensor:
    """Arc cosine, in radians; NaN outside [-1, 1]."""

def acos_(input: Tensor) -> Tensor:
    """Arc cosine, in radians; NaN outside [-1, 1]."""

def acosh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse hyperbolic cosine; NaN below 1."""

def acosh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic cosine; NaN below 1."""

def adaptive_avg_pool1d(input: Tensor, output_size: Any, *, out: _Out = None) -> Tensor:
    """The means of `output_size` parts of (b, c, n) or (c, n)."""

def add(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """Sum: $y = \\text{input} + \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

def add_(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1) -> Tensor:
    """Sum: $y = \\text{input} + \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha \\sum_b \\text{batch1}_b \\text{batch2}_b$."""

def addbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha \\sum_b \\text{batch1}_b \\text{batch2}_b$."""

def addcdiv(input: Tensor | _complex, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} / \\text{tensor2}$; not of integers."""

def addcdiv_(input: Tensor | _complex, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1) -> Tensor:
    """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} / \\text{tensor2}$; not of integers."""

def addcmul(input: Tensor | _complex, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} \\cdot \\text{tensor2}$."""

def addcmul_(input: Tensor | _complex, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1) -> Tensor:
    """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} \\cdot \\text{tensor2}$."""

def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat1}\\,\\text{mat2}$."""

def addmm_(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat1}\\,\\text{mat2}$."""

def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat}\\,\\text{vec}$, a matrix (n, m) and a vector (m)."""

def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat}\\,\\text{vec}$, a matrix (n, m) and a vector (m)."""

def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha\\,\\text{vec1}\\,\\text{vec2}^T$ of two vectors."""

def addr_(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
    """$\\beta\\,\\text{input} + \\alpha\\,\\text{vec1}\\,\\text{vec2}^T$ of two vectors."""

def adjoint(input: Tensor, *, out: _Out = None) -> Tensor:
    """The conjugate transpose of the last two axes; a number's conjugate."""

def affine_grid_generator(theta: Tensor, size: _int | Sequence[_int], align_corners: _bool, *, out: _Out = None) -> Tensor:
    """`nn.functional.affine_grid`, without its checks of the arguments' kinds."""

def alias_copy(input: Tensor, *, out: _Out = None) -> Tensor:
    """`alias`, copied."""

def all(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Whether all elements over the axes are non-zero."""

def allclose(input: Tensor, other: Tensor, rtol: _float | Tensor = ..., atol: _float | Tensor = ..., equal_nan: _bool = False, *, out: _Out = None) -> _bool:
    """Whether all elements are close, as a Python bool; see `isclose`."""

def amax(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Largest element over axes; NaN if there is one. Equal maxima share the gradient."""

def amin(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Smallest element over axes; NaN if there is one. Equal minima share the gradient."""

def aminmax(input: Tensor, *, dim: Any = None, keepdim: _bool = False, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> return_types.aminmax:
    """Named tuple (min, max): the extremes of all elements, or along one axis."""

def angle(input: Tensor, *, out: _Out = None) -> Tensor:
    """The argument of complex numbers, in (-π, π]; 0 or π for real ones, NaN for NaN."""

def any(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Whether any element over the axes is non-zero."""

def arange(start: _complex | Tensor | None = None, end: _complex | Tensor | None = None, step: _complex | Tensor = 1, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """start, start + step, … below end: $\\lceil (\\text{end} - \\text{start}) / \\text{step} \\rceil$."""

def arccos(input: Tensor, *, out: _Out = None) -> Tensor:
    """Arc cosine, in radians; NaN outside [-1, 1]."""

def arccos_(input: Tensor) -> Tensor:
    """Arc cosine, in radians; NaN outside [-1, 1]."""

def arccosh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse hyperbolic cosine; NaN below 1."""

def arccosh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic cosine; NaN below 1."""

def arcsin(input: Tensor, *, out: _Out = None) -> Tensor:
    """Arc sine, in radians; NaN outside [-1, 1]."""

def arcsin_(input: Tensor) -> Tensor:
    """Arc sine, in radians; NaN outside [-1, 1]."""

def arcsinh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse hyperbolic sine."""

def arcsinh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic sine."""

def arctan(input: Tensor, *, out: _Out = None) -> Tensor:
    """Arc tangent, in radians."""

def arctan2(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The angle of the point (other, input) in radians, in all four quadrants."""

def arctan2_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """The angle of the point (other, input) in radians, in all four quadrants."""

def arctan_(input: Tensor) -> Tensor:
    """Arc tangent, in radians."""

def arctanh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

def arctanh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

def argmax(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """Index of the largest element along one axis, the first among equals; NaN counts as largest. Without `dim`: the index into the flattened tensor. int64."""

def argmin(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """Index of the smallest element along one axis, the first among equals; NaN counts as smallest. Without `dim`: the index into the flattened tensor. int64."""

def argsort(input: Tensor, dim: _int = -1, descending: _bool = False, stable: _bool = False, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The indices that sort along one axis."""

def argwhere(input: Tensor, *, out: _Out = None) -> Tensor:
    """The positions of non-zero elements, a row each."""

def as_strided(input: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None, *, out: _Out = None) -> Tensor:
    """Elements at given steps in the memory that the input is a part of: a view."""

def as_strided_(input: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None) -> Tensor:
    """Elements at given steps in the memory that the input is a part of: a view."""

def as_strided_copy(input: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None, *, out: _Out = None) -> Tensor:
    """`as_strided`, copied."""

def as_strided_scatter(input: Tensor, src: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None, *, out: _Out = None) -> Tensor:
    """The input with `src` written where `as_strided` looks, in a copy."""

def asin(input: Tensor, *, out: _Out = None) -> Tensor:
    """Arc sine, in radians; NaN outside [-1, 1]."""

def asin_(input: Tensor) -> Tensor:
    """Arc sine, in radians; NaN outside [-1, 1]."""

def asinh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse hyperbolic sine."""

def asinh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic sine."""

def atan(input: Tensor, *, out: _Out = None) -> Tensor:
    """Arc tangent, in radians."""

def atan2(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The angle of the point (other, input) in radians, in all four quadrants."""

def atan2_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """The angle of the point (other, input) in radians, in all four quadrants."""

def atan_(input: Tensor) -> Tensor:
    """Arc tangent, in radians."""

def atanh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

def atanh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

def atleast_1d(*tensors: Tensor, tensors_: Any = None, out: _Out = None) -> Any:
    """Tensors with at least 1 axes: new ones of size 1 where there are fewer."""

def atleast_2d(*tensors: Tensor, tensors_: Any = None, out: _Out = None) -> Any:
    """Tensors with at least 2 axes: new ones of size 1 where there are fewer."""

def atleast_3d(*tensors: Tensor, tensors_: Any = None, out: _Out = None) -> Any:
    """Tensors with at least 3 axes: new ones of size 1 where there are fewer."""

def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: _bool = False, count_include_pad: _bool = True, *, out: _Out = None) -> Tensor:
    """The means of windows of (b, c, n) or (c, n); see `avg_pool2d`."""

def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """$\\beta\\,\\text{input}_b + \\alpha\\,\\text{batch1}_b \\text{batch2}_b$."""

def baddbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
    """$\\beta\\,\\text{input}_b + \\alpha\\,\\text{batch1}_b \\text{batch2}_b$."""

def bartlett_window(window_length: _int, periodic: _bool = True, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Bartlett window, as `signal.windows.bartlett`."""

def bernoulli(input: Tensor, p: _float | None = None, *, generator: Any = None, out: _Out = None) -> Tensor:
    """1 with the probability that the input gives, or with probability `p`, else 0."""

def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$y_k = x_1^\\mathsf{T} W_k\\, x_2 + b_k$."""

def bincount(input: Tensor, weights: Tensor | None = None, minlength: _int = 0, *, out: _Out = None) -> Tensor:
    """The number of times that each of 0, 1, … occurs in a vector; or the sums of weights."""

def binomial(count: Tensor, prob: Tensor, generator: Any = None, *, out: _Out = None) -> Tensor:
    """How many of `count` trials of probability `prob` succeed; both of one floating dtype."""

def bitwise_and(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Bit by bit and of integers or booleans."""

def bitwise_and_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Bit by bit and of integers or booleans."""

def bitwise_left_shift(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\text{input} \\cdot 2^\\text{other}$, bits that do not fit dropped."""

def bitwise_left_shift_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """$y = \\text{input} \\cdot 2^\\text{other}$, bits that do not fit dropped."""

def bitwise_not(input: Tensor, *, out: _Out = None) -> Tensor:
    """Every bit of integers flipped; logical not of booleans."""

def bitwise_not_(input: Tensor) -> Tensor:
    """Every bit of integers flipped; logical not of booleans."""

def bitwise_or(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Bit by bit or of integers or booleans."""

def bitwise_or_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Bit by bit or of integers or booleans."""

def bitwise_right_shift(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\lfloor \\text{input} / 2^\\text{other} \\rfloor$."""

def bitwise_right_shift_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """$y = \\lfloor \\text{input} / 2^\\text{other} \\rfloor$."""

def bitwise_xor(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Bit by bit exclusive or of integers or booleans."""

def bitwise_xor_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Bit by bit exclusive or of integers or booleans."""

def blackman_window(window_length: _int, periodic: _bool = True, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Blackman window, as `signal.windows.blackman`."""

def block_diag(*tensors: Tensor, tensors_: Any = None, out: _Out = None) -> Tensor:
    """Matrices along the diagonal of a larger one; 1-D tensors are rows, dtypes promote."""

def bmm(input: Tensor, mat2: Tensor, *, out: _Out = None) -> Tensor:
    """Products of two stacks of matrices, (b, n, k) and (b, k, m)."""

def broadcast_tensors(*tensors: Tensor, tensors_: Any = None, out: _Out = None) -> _tuple[Tensor, ...]:
    """The tensors expanded to their common shape: views."""

def broadcast_to(input: Tensor, *size: _int | Sequence[_int], size_: Any = None, out: _Out = None) -> Tensor:
    """`expand` under NumPy's name: axes of size 1 repeated without a copy."""

def bucketize(input: Tensor | _complex, boundaries: Tensor, *, out_int32: _bool = False, right: _bool = False, out: _Out = None) -> Tensor:
    """The number of the bucket of each value: k where boundaries[k - 1] < value <= boundaries[k]."""

def cartesian_prod(*tensors: Tensor, tensors_: Any = None, out: _Out = None) -> Tensor:
    """All tuples of elements of 1-D tensors, a row each; of one tensor, itself."""

def cat(tensors: Sequence[Tensor], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Tensors one after the other along an axis; dtypes promote, other sizes must agree."""

def cdist(x1: Tensor, x2: Tensor, p: Any = ..., compute_mode: Any = None, *, out: _Out = None) -> Tensor:
    """$\\|x_i - y_j\\|_p$ for all i and j: (…, n, d) and (…, m, d) give (…, n, m)."""

def ceil(input: Tensor, *, out: _Out = None) -> Tensor:
    """The smallest integer that is not smaller."""

def ceil_(input: Tensor) -> Tensor:
    """The smallest integer that is not smaller."""

def celu(input: Tensor, alpha: _float | Tensor = ..., inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$\\max(0, x) + \\min(0, \\alpha\\,(e^{x/\\alpha} - 1))$. RuntimeError for alpha = 0."""

def chain_matmul(*matrices: Tensor, matrices_: Any = None, out: _Out = None) -> Tensor:
    """`linalg.multi_dot` of matrices given one by one."""

def channel_shuffle(input: Tensor, groups: _int, *, out: _Out = None) -> Tensor:
    """The channels of (b, c, …) in another order: the first of each group, then the second, …."""

def cholesky(input: Tensor, upper: _bool = False, *, out: _Out = None) -> Tensor:
    """`linalg.cholesky`, under its older name."""

def cholesky_inverse(input: Tensor, upper: _bool = False, *, out: _Out = None) -> Tensor:
    """The inverse of A, given its Cholesky factor: $L L^H$, or $L^H L$ if `upper`."""

def cholesky_solve(input: Tensor, L: Tensor, upper: _bool = False, *, out: _Out = None) -> Tensor:
    """Solutions of A X = input, given the Cholesky factor of A: $L L^H$, or $L^H L$ if `upper`."""

def chunk(input: Tensor, chunks: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """At most `chunks` pieces of an axis, of one size but for the last: views."""

def clamp(input: Tensor | _complex, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None, *, out: _Out = None) -> Tensor:
    """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

def clamp_(input: Tensor | _complex, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None) -> Tensor:
    """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

def clamp_max(input: Tensor | _complex, max: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\min(\\text{input}, \\text{max})$."""

def clamp_max_(input: Tensor | _complex, max: Tensor | _complex) -> Tensor:
    """$y = \\min(\\text{input}, \\text{max})$."""

def clamp_min(input: Tensor | _complex, min: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\max(\\text{input}, \\text{min})$."""

def clamp_min_(input: Tensor | _complex, min: Tensor | _complex) -> Tensor:
    """$y = \\max(\\text{input}, \\text{min})$."""

def clip(input: Tensor | _complex, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None, *, out: _Out = None) -> Tensor:
    """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

def clip_(input: Tensor | _complex, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None) -> Tensor:
    """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

def clone(input: Tensor, *, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """A copy, through which gradients flow; its axes lie in memory as the input's."""

def column_stack(tensors: Sequence[Tensor], *, out: _Out = None) -> Tensor:
    """Side by side: 1-D and 0-d tensors as columns, others along axis 1."""

def combinations(input: Tensor, r: _int = 2, with_replacement: _bool = False, *, out: _Out = None) -> Tensor:
    """All combinations of r elements of a 1-D tensor, in order, a row each."""

def complex(real: Tensor, imag: Tensor, *, out: _Out = None) -> Tensor:
    """Complex numbers with these real and imaginary parts, of one floating-point dtype."""

def concat(tensors: Sequence[Tensor], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Tensors one after the other along an axis; dtypes promote, other sizes must agree."""

def concatenate(tensors: Sequence[Tensor], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Tensors one after the other along an axis; dtypes promote, other sizes must agree."""

def conj(input: Tensor, *, out: _Out = None) -> Tensor:
    """Complex conjugate; a real tensor is its own."""

def conj_physical(input: Tensor, *, out: _Out = None) -> Tensor:
    """The complex conjugate; a copy of real numbers."""

def conj_physical_(input: Tensor) -> Tensor:
    """The complex conjugate; a copy of real numbers."""

def constant_pad_nd(input: Tensor, pad: _int | Sequence[_int], value: _complex | Tensor = 0, *, out: _Out = None) -> Tensor:
    """The tensor with a margin of one value."""

def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: _int = 1, *, out: _Out = None) -> Tensor:
    """1-D cross-correlation of (b, c, n) or (c, n) with (o, c / groups, k); see `conv2d`."""

def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: _int = 1, *, out: _Out = None) -> Tensor:
    """2-D cross-correlation of images (b, c, h, w) or (c, h, w) with (o, c / groups, kh, kw)."""

def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: _int = 1, *, out: _Out = None) -> Tensor:
    """3-D cross-correlation of (b, c, d, h, w) with (o, c / groups, kd, kh, kw); see `conv2d`."""

def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: _int = 1, dilation: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `conv1d` in its input; see `conv_transpose2d`."""

def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: _int = 1, dilation: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `conv2d` in its input: (b, c, h, w) with a weight (c, o / groups, kh, kw)."""

def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: _int = 1, dilation: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `conv3d` in its input; see `conv_transpose2d`."""

def copy_(input: Tensor, src: Tensor, non_blocking: _bool = False) -> Tensor:
    """`input.copy_(src)`: the values of `src`, broadcast and converted, written over the input."""

def copysign(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The magnitude of the input with the sign of other, which zeros have too."""

def copysign_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """The magnitude of the input with the sign of other, which zeros have too."""

def corrcoef(input: Tensor, *, out: _Out = None) -> Tensor:
    """The correlations of variables, which are rows, over observations, which are columns."""

def cos(input: Tensor, *, out: _Out = None) -> Tensor:
    """Cosine; the argument in radians."""

def cos_(input: Tensor) -> Tensor:
    """Cosine; the argument in radians."""

def cosh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Hyperbolic cosine."""

def cosh_(input: Tensor) -> Tensor:
    """Hyperbolic cosine."""

def cosine_similarity(x1: Tensor, x2: Tensor, dim: _int = 1, eps: _float | Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """$x_1 \\cdot x_2 / (\\max(\\lVert x_1 \\rVert, \\epsilon) \\max(\\lVert x_2 \\rVert, \\epsilon))$."""

def count_nonzero(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """The number of non-zero elements over axes."""

def cov(input: Tensor, *, correction: _int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None, out: _Out = None) -> Tensor:
    """The covariances of variables, which are rows, over observations, which are columns."""

def cross(input: Tensor, other: Tensor, dim: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """$a \\times b$ of the vectors along one axis; without `dim`, along the first of size 3."""

def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: _int = 0, reduction: _int = 1, zero_infinity: _bool = False, *, out: _Out = None) -> Tensor:
    """`nn.functional.ctc_loss`, with the reduction as a number: 0 "none", 1 "mean", 2 "sum"."""

def cummax(input: Tensor, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> return_types.cummax:
    """Running maximum along one axis, and where it is: named tuple (values, indices)."""

def cummin(input: Tensor, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> return_types.cummin:
    """Running minimum along one axis, and where it is: named tuple (values, indices)."""

def cumprod(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """Running product along one axis. Integers and booleans are multiplied in int64."""

def cumprod_(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, axis: _int = ...) -> Tensor:
    """Running product along one axis. Integers and booleans are multiplied in int64."""

def cumsum(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """Running sum along one axis."""

def cumsum_(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, axis: _int = ...) -> Tensor:
    """Running sum along one axis."""

def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: _complex | Tensor | None = None, dim: _int = -1, out: _Out = None, axis: _int = ...) -> Tensor:
    """The running integral of `trapezoid`; the axis has one element less."""

def deg2rad(input: Tensor, *, out: _Out = None) -> Tensor:
    """Degrees as radians."""

def deg2rad_(input: Tensor) -> Tensor:
    """Degrees as radians."""

def det(input: Tensor, *, out: _Out = None) -> Tensor:
    """Determinants of square matrices (…, n, n)."""

def diag(input: Tensor, diagonal: _int = 0, *, out: _Out = None) -> Tensor:
    """The matrix with a given diagonal, or the diagonal of a matrix, copied."""

def diag_embed(input: Tensor, offset: _int = 0, dim1: _int = -2, dim2: _int = -1, *, out: _Out = None) -> Tensor:
    """The last axis as diagonals of two new axes, zeros elsewhere: the adjoint of `diagonal`."""

def diagflat(input: Tensor, offset: _int = 0, *, out: _Out = None) -> Tensor:
    """The matrix with all elements of the input on a diagonal."""

def diagonal(input: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
    """The elements (i, i + offset) of two axes, as the last axis: a view."""

def diagonal_copy(input: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1, *, out: _Out = None) -> Tensor:
    """`diagonal`, copied."""

def diagonal_scatter(input: Tensor, src: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1, *, out: _Out = None) -> Tensor:
    """The input with `src` written where `diagonal` looks, in a copy."""

def diff(input: Tensor, n: _int = 1, dim: _int = -1, prepend: Tensor | None = None, append: Tensor | None = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The n-th differences of neighbours along one axis, after `prepend` and `append` are joined."""

def digamma(input: Tensor, *, out: _Out = None) -> Tensor:
    """$\\psi = \\Gamma' / \\Gamma$; -inf at 0, NaN at negative integers."""

def digamma_(input: Tensor) -> Tensor:
    """$\\psi = \\Gamma' / \\Gamma$; -inf at 0, NaN at negative integers."""

def dist(input: Tensor, other: Tensor, p: _complex | Tensor = 2, *, out: _Out = None) -> Tensor:
    """$\\left(\\sum_i |x_i - y_i|^p\\right)^{1/p}$ over all elements; the shapes broadcast."""

def div(input: Tensor | _complex, other: Tensor | _complex, *, rounding_mode: Any = None, out: _Out = None) -> Tensor:
    """Quotient: $y = \\text{input} / \\text{other}$."""

def div_(input: Tensor | _complex, other: Tensor | _complex, *, rounding_mode: Any = None) -> Tensor:
    """Quotient: $y = \\text{input} / \\text{other}$."""

def divide(input: Tensor | _complex, other: Tensor | _complex, *, rounding_mode: Any = None, out: _Out = None) -> Tensor:
    """Quotient: $y = \\text{input} / \\text{other}$."""

def divide_(input: Tensor | _complex, other: Tensor | _complex, *, rounding_mode: Any = None) -> Tensor:
    """Quotient: $y = \\text{input} / \\text{other}$."""

def dot(input: Tensor, tensor: Tensor, *, out: _Out = None) -> Tensor:
    """$\\sum_i a_i b_i$ of two vectors of one size; no broadcasting, no conjugate."""

def dsplit(input: Tensor, indices_or_sections: Any = ..., *, out: _Out = None, indices: Any = ..., sections: Any = ...) -> _tuple[Tensor, ...]:
    """`tensor_split` along axis 2 of at least 3-D tensors."""

def dstack(tensors: Sequence[Tensor], *, out: _Out = None) -> Tensor:
    """Behind each other: along axis 2 of at least 3-D tensors."""

def einsum(equation: Any, *operands: Tensor, operands_: Any = None, out: _Out = None) -> Tensor:
    """Sums of products by Einstein's convention: `einsum("ik,kj->ij", a, b)`."""

def empty(*size: _int | Sequence[_int], memory_format: Any = None, dtype: Any = None, size_: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Memory that is not set: whatever was there."""

def empty_like(input: Tensor, *, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """`empty` with the shape and, unless given, the dtype of the input."""

def empty_permuted(size: _int | Sequence[_int], physical_layout: _int | Sequence[_int], *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Memory that is not set, its axes in a given order there."""

def empty_strided(size: _int | Sequence[_int], stride: _int | Sequence[_int], *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Memory that is not set, its elements at given steps."""

def eq(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is equal to `other`, element by element; dtypes promote before."""

def eq_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is equal to `other`, element by element; dtypes promote before."""

def equal(input: Tensor, other: Tensor, *, out: _Out = None) -> _bool:
    """Whether two tensors have the same shape and the same elements, as a Python bool."""

def erf(input: Tensor, *, out: _Out = None) -> Tensor:
    """Error function: $y = \\frac{2}{\\sqrt\\pi} \\int_0^\\text{input} e^{-t^2} dt$."""

def erf_(input: Tensor) -> Tensor:
    """Error function: $y = \\frac{2}{\\sqrt\\pi} \\int_0^\\text{input} e^{-t^2} dt$."""

def erfc(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = 1 - \\operatorname{erf}(\\text{input})$, accurate where that is small."""

def erfc_(input: Tensor) -> Tensor:
    """$y = 1 - \\operatorname{erf}(\\text{input})$, accurate where that is small."""

def erfinv(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse of `erf` on (-1, 1); infinite at the ends, NaN beyond."""

def erfinv_(input: Tensor) -> Tensor:
    """Inverse of `erf` on (-1, 1); infinite at the ends, NaN beyond."""

def exp(input: Tensor, *, out: _Out = None) -> Tensor:
    """Exponential: $y = e^\\text{input}$."""

def exp2(input: Tensor, *, out: _Out = None) -> Tensor:
    """Power of two: $y = 2^\\text{input}$."""

def exp2_(input: Tensor) -> Tensor:
    """Power of two: $y = 2^\\text{input}$."""

def exp_(input: Tensor) -> Tensor:
    """Exponential: $y = e^\\text{input}$."""

def expand_copy(input: Tensor, size: _int | Sequence[_int], *, implicit: _bool = False, out: _Out = None) -> Tensor:
    """`expand`, copied."""

def expm1(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = e^\\text{input} - 1$, accurate near 0."""

def expm1_(input: Tensor) -> Tensor:
    """$y = e^\\text{input} - 1$, accurate near 0."""

def eye(n: _int, m: _int | None = None, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The identity matrix, (n, n) or (n, m)."""

def fill(input: Tensor, value: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """A new tensor like the input, with one value everywhere: a number or a 0-d tensor."""

def fill_(input: Tensor, value: Tensor | _complex) -> Tensor:
    """`input.fill_(value)`: one value, a number or a 0-d tensor, written everywhere."""

def fill_diagonal_(input: Tensor, fill_value: _complex | Tensor, wrap: _bool = False) -> Tensor:
    """`input.fill_diagonal_(fill_value)`: one number written where all indices are equal."""

def fix(input: Tensor, *, out: _Out = None) -> Tensor:
    """The integer part, towards zero."""

def fix_(input: Tensor) -> Tensor:
    """The integer part, towards zero."""

def flatten(input: Tensor, start_dim: _int = 0, end_dim: _int = -1, *, out: _Out = None) -> Tensor:
    """Axes start_dim to end_dim as one."""

def flip(input: Tensor, *dims: _int | Sequence[_int], dims_: Any = None, out: _Out = None) -> Tensor:
    """Elements in reverse order along the axes: a copy."""

def fliplr(input: Tensor, *, out: _Out = None) -> Tensor:
    """`flip` of axis 1."""

def flipud(input: Tensor, *, out: _Out = None) -> Tensor:
    """`flip` of axis 0."""

def float_power(input: Tensor | _complex, exponent: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Power in double precision: float64, or complex128 if either is complex."""

def float_power_(input: Tensor | _complex, exponent: Tensor | _complex) -> Tensor:
    """Power in double precision: float64, or complex128 if either is complex."""

def floor(input: Tensor, *, out: _Out = None) -> Tensor:
    """The largest integer that is not larger."""

def floor_(input: Tensor) -> Tensor:
    """The largest integer that is not larger."""

def floor_divide(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Quotient rounded down: $y = \\lfloor \\text{input} / \\text{other} \\rfloor$."""

def floor_divide_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Quotient rounded down: $y = \\lfloor \\text{input} / \\text{other} \\rfloor$."""

def fmax(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The larger of two; the number, if one is NaN."""

def fmin(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The smaller of two; the number, if one is NaN."""

def fmod(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """What truncated division leaves over, with the sign of `input`, as C's `fmod`."""

def fmod_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """What truncated division leaves over, with the sign of `input`, as C's `fmod`."""

def frac(input: Tensor, *, out: _Out = None) -> Tensor:
    """The fractional part, with the sign of the input."""

def frac_(input: Tensor) -> Tensor:
    """The fractional part, with the sign of the input."""

def frexp(input: Tensor, *, out: _Out = None) -> return_types.frexp:
    """Mantissa in [0.5, 1) and exponent (int32): $\\text{mantissa} \\cdot 2^\\text{exponent}$."""

def frobenius_norm(input: Tensor, dim: _int | Sequence[_int] = ..., keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] = ..., keepdims: _bool = ...) -> Tensor:
    """The root of the sum of squared moduli over at most two axes, () for all: use `norm`."""

def full(size: _int | Sequence[_int], fill_value: _complex | Tensor, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """One value everywhere; the dtype is the value's."""

def full_like(input: Tensor, fill_value: _complex | Tensor, *, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """One value everywhere, with the shape and, unless given, the dtype of the input."""

def gather(input: Tensor, dim: _int = ..., index: Tensor = ..., *, sparse_grad: _bool = False, out: _Out = None, axis: _int = ...) -> Tensor:
    """$y_{ij} = \\text{input}_{\\text{index}_{ij} j}$ for dim 0, and so on along any axis."""

def gcd(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The greatest common divisor, at least 0."""

def gcd_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """The greatest common divisor, at least 0."""

def ge(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is at least `other`, element by element; dtypes promote before."""

def ge_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is at least `other`, element by element; dtypes promote before."""

def geqrf(input: Tensor, *, out: _Out = None) -> return_types.geqrf:
    """Householder vectors below R, and their factors τ, as LAPACK's geqrf; without derivative."""

def ger(input: Tensor, vec2: Tensor, *, out: _Out = None) -> Tensor:
    """$y_{ij} = a_i b_j$ of two vectors."""

def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: _int = 1, out: _Out = None, axis: Any = ...) -> _tuple[Tensor, ...]:
    """A tuple of derivatives along axes, by differences of second order; of `edge_order` at ends."""

def greater(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is greater than `other`, element by element; dtypes promote before."""

def greater_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is greater than `other`, element by element; dtypes promote before."""

def greater_equal(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is at least `other`, element by element; dtypes promote before."""

def greater_equal_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is at least `other`, element by element; dtypes promote before."""

def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: _int, padding_mode: _int, align_corners: _bool, *, out: _Out = None) -> Tensor:
    """`grid_sampler_2d` or `grid_sampler_3d`, by the number of axes."""

def grid_sampler_2d(input: Tensor, grid: Tensor, interpolation_mode: _int, padding_mode: _int, align_corners: _bool, *, out: _Out = None) -> Tensor:
    """`nn.functional.grid_sample` of images with 2 axes, its modes given by number."""

def grid_sampler_3d(input: Tensor, grid: Tensor, interpolation_mode: _int, padding_mode: _int, align_corners: _bool, *, out: _Out = None) -> Tensor:
    """`nn.functional.grid_sample` of images with 3 axes, its modes given by number."""

def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """One step of a GRU: the state, from `input` (n, …) and the state before."""

def gt(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is greater than `other`, element by element; dtypes promote before."""

def gt_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is greater than `other`, element by element; dtypes promote before."""

def hamming_window(window_length: _int, periodic: _bool = True, alpha: _float | Tensor = ..., beta: _float | Tensor = ..., *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """$\\alpha - \\beta \\cos$, by default the Hamming window."""

def hann_window(window_length: _int, periodic: _bool = True, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The Hann window, as `signal.windows.hann`."""

def hardshrink(input: Tensor, lambd: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """0 between ±`lambd`, the input elsewhere."""

def heaviside(input: Tensor | _complex, values: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """0 where the input is negative, 1 where it is positive, and `values` where it is 0."""

def heaviside_(input: Tensor | _complex, values: Tensor | _complex) -> Tensor:
    """0 where the input is negative, 1 where it is positive, and `values` where it is 0."""

def histc(input: Tensor, bins: _int = 100, min: _complex | Tensor = 0, max: _complex | Tensor = 0, *, out: _Out = None) -> Tensor:
    """The number of elements in each of `bins` equal parts of [min, max]; others are left out."""

def histogram(input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: _bool = False, out: _Out = None) -> return_types.histogram:
    """Named tuple (hist, bin_edges): the number, or weight, of elements in each bin."""

def histogramdd(input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: _bool = False, *, out: _Out = None) -> return_types.histogramdd:
    """A tuple (hist, bin_edges): counts of points, whose coordinates are the last axis."""

def hsplit(input: Tensor, indices_or_sections: Any = ..., *, out: _Out = None, indices: Any = ..., sections: Any = ...) -> _tuple[Tensor, ...]:
    """`tensor_split` along axis 1, or axis 0 of 1-D tensors."""

def hstack(tensors: Sequence[Tensor], *, out: _Out = None) -> Tensor:
    """Side by side: along axis 1, or axis 0 of 1-D tensors."""

def hypot(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\sqrt{\\text{input}^2 + \\text{other}^2}$, without overflow."""

def hypot_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """$y = \\sqrt{\\text{input}^2 + \\text{other}^2}$, without overflow."""

def i0(input: Tensor, *, out: _Out = None) -> Tensor:
    """Modified Bessel function of the first kind, of order 0."""

def i0_(input: Tensor) -> Tensor:
    """Modified Bessel function of the first kind, of order 0."""

def igamma(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Regularised lower incomplete gamma function P(input, other), of other ≥ 0."""

def igamma_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Regularised lower incomplete gamma function P(input, other), of other ≥ 0."""

def igammac(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Regularised upper incomplete gamma function: 1 - P(input, other)."""

def igammac_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Regularised upper incomplete gamma function: 1 - P(input, other)."""

def imag(input: Tensor, *, out: _Out = None) -> Tensor:
    """The imaginary part: a view of the complex numbers. RuntimeError for real numbers."""

def index_add(input: Tensor, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, alpha: _complex | Tensor = 1, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input with $\\alpha\\,\\text{source}$ added at the places of an axis that `index` lists."""

def index_add_(input: Tensor, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, alpha: _complex | Tensor = 1, axis: _int = ...) -> Tensor:
    """The input with $\\alpha\\,\\text{source}$ added at the places of an axis that `index` lists."""

def index_copy(input: Tensor, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input with `source` written at the places of an axis that `index` lists."""

def index_copy_(input: Tensor, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, axis: _int = ...) -> Tensor:
    """The input with `source` written at the places of an axis that `index` lists."""

def index_fill(input: Tensor, dim: _int = ..., index: Tensor = ..., value: Tensor | _complex = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input with one value, a number or 0-d tensor, at the places of an axis."""

def index_fill_(input: Tensor, dim: _int = ..., index: Tensor = ..., value: Tensor | _complex = ..., *, axis: _int = ...) -> Tensor:
    """The input with one value, a number or 0-d tensor, at the places of an axis."""

def index_put(input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: _bool = False, *, out: _Out = None) -> Tensor:
    """The input with values written, or added, at `input[indices]`."""

def index_put_(input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: _bool = False) -> Tensor:
    """The input with values written, or added, at `input[indices]`."""

def index_reduce(input: Tensor, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, out: _Out = None, axis: _int = ...) -> Tensor:
    """`scatter_reduce` with one position for all values at a place of an axis."""

def index_reduce_(input: Tensor, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, axis: _int = ...) -> Tensor:
    """`scatter_reduce` with one position for all values at a place of an axis."""

def index_select(input: Tensor, dim: _int = ..., index: Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The positions of an axis that a 1-D integer tensor lists."""

def inner(input: Tensor, other: Tensor, *, out: _Out = None) -> Tensor:
    """Sums of products along the last axes: (…, k) and (*, k) give (…, *)."""

def inverse(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverses of square matrices (…, n, n). LinAlgError where there is none."""

def isclose(input: Tensor, other: Tensor, rtol: _float | Tensor = ..., atol: _float | Tensor = ..., equal_nan: _bool = False, *, out: _Out = None) -> Tensor:
    """Whether $|\\text{input} - \\text{other}| \\le \\text{atol} + \\text{rtol}\\,|\\text{other}|$."""

def isfinite(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element is neither infinite nor NaN."""

def isin(elements: Tensor | _complex, test_elements: Tensor | _complex, *, assume_unique: _bool = False, invert: _bool = False, out: _Out = None) -> Tensor:
    """Whether each of `elements` is among `test_elements`; whether it is not, with `invert`."""

def isinf(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element is infinite."""

def isnan(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element is NaN."""

def isneginf(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element is negative infinity."""

def isposinf(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element is positive infinity."""

def isreal(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether the imaginary part of each element is 0."""

def istft(input: Tensor, n_fft: _int, hop_length: _int | None = None, win_length: _int | None = None, window: Any = None, center: _bool = True, normalized: _bool = False, onesided: Any = None, length: _int | None = None, return_complex: _bool = False, *, out: _Out = None) -> Tensor:
    """The signal of least squared error whose `stft` this is (D. Griffin and J. Lim, 1984)."""

def kaiser_window(window_length: _int, periodic: _bool = True, beta: _float | Tensor = ..., *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Kaiser's window, as `signal.windows.kaiser`."""

def kron(input: Tensor, other: Tensor, *, out: _Out = None) -> Tensor:
    """Kronecker's product: each element of the input times all of the other, as blocks."""

def kthvalue(input: Tensor, k: _int, dim: _int = -1, keepdim: _bool = False, *, out: _Out = None, axis: _int = ..., keepdims: _bool = ...) -> return_types.kthvalue:
    """The k-th smallest element along one axis, from 1, and where it is; NaN is largest."""

def lcm(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The least common multiple, at least 0."""

def lcm_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """The least common multiple, at least 0."""

def ldexp(input: Tensor, other: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\text{input} \\cdot 2^\\text{other}$."""

def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """$y = \\text{input} \\cdot 2^\\text{other}$."""

def le(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is at most `other`, element by element; dtypes promote before."""

def le_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is at most `other`, element by element; dtypes promote before."""

def lerp(input: Tensor | _complex, end: Tensor | _complex, weight: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Interpolation: $y = \\text{input} + \\text{weight}\\,(\\text{end} - \\text{input})$."""

def lerp_(input: Tensor | _complex, end: Tensor | _complex, weight: Tensor | _complex) -> Tensor:
    """Interpolation: $y = \\text{input} + \\text{weight}\\,(\\text{end} - \\text{input})$."""

def less(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is less than `other`, element by element; dtypes promote before."""

def less_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is less than `other`, element by element; dtypes promote before."""

def less_equal(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is at most `other`, element by element; dtypes promote before."""

def less_equal_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is at most `other`, element by element; dtypes promote before."""

def lgamma(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\log |\\Gamma(\\text{input})|$; inf at 0 and at negative integers."""

def lgamma_(input: Tensor) -> Tensor:
    """$y = \\log |\\Gamma(\\text{input})|$; inf at 0 and at negative integers."""

def linspace(start: _complex | Tensor, end: _complex | Tensor, steps: _int, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """`steps` numbers from start to end, both included, evenly spaced."""

def log(input: Tensor, *, out: _Out = None) -> Tensor:
    """Natural logarithm: $y = \\log \\text{input}$; -inf at 0, NaN below."""

def log10(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logarithm in base 10."""

def log10_(input: Tensor) -> Tensor:
    """Logarithm in base 10."""

def log1p(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\log(1 + \\text{input})$, accurate near 0."""

def log1p_(input: Tensor) -> Tensor:
    """$y = \\log(1 + \\text{input})$, accurate near 0."""

def log2(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logarithm in base 2."""

def log2_(input: Tensor) -> Tensor:
    """Logarithm in base 2."""

def log_(input: Tensor) -> Tensor:
    """Natural logarithm: $y = \\log \\text{input}$; -inf at 0, NaN below."""

def log_softmax(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """$x_i - \\log \\sum_j e^{x_j}$ along one axis."""

def logaddexp(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\log(e^\\text{input} + e^\\text{other})$, without overflow."""

def logaddexp2(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = \\log_2(2^\\text{input} + 2^\\text{other})$, without overflow."""

def logcumsumexp(input: Tensor, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """$\\log \\sum_{j \\le i} e^{x_j}$ along one axis, without overflow. The shape is the input's."""

def logdet(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logarithms of determinants: -inf of singular matrices, NaN of negative ones."""

def logical_and(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Both are non-zero, element by element."""

def logical_and_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Both are non-zero, element by element."""

def logical_not(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element is zero."""

def logical_not_(input: Tensor) -> Tensor:
    """Whether each element is zero."""

def logical_or(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """At least one is non-zero, element by element."""

def logical_or_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """At least one is non-zero, element by element."""

def logical_xor(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Exactly one is non-zero, element by element."""

def logical_xor_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Exactly one is non-zero, element by element."""

def logit(input: Tensor, eps: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$y = \\log(x / (1 - x))$, of x brought into [eps, 1 - eps] if `eps` is given."""

def logit_(input: Tensor, eps: _complex | Tensor | None = None) -> Tensor:
    """$y = \\log(x / (1 - x))$, of x brought into [eps, 1 - eps] if `eps` is given."""

def logspace(start: _complex | Tensor, end: _complex | Tensor, steps: _int, base: _float | Tensor = ..., *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """`steps` powers of the base, the exponents evenly spaced from start to end."""

def logsumexp(input: Tensor, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """$\\log \\sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""

def lstm_cell(input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """One step of an LSTM: (state, cell), from `input` (n, …) and `hx`, a state and a cell."""

def lt(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is less than `other`, element by element; dtypes promote before."""

def lt_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is less than `other`, element by element; dtypes promote before."""

@overload
def lu(A: Tensor, pivot: _bool = True, get_infos: Literal[False] = False, *, out: _Out = None) -> return_types.lu_factor:
    """`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""
@overload
def lu(A: Tensor, pivot: _bool = True, *, get_infos: Literal[True], out: _Out = None) -> return_types.lu_factor_ex:
    """`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""
@overload
def lu(A: Tensor, pivot: _bool = True, get_infos: _bool = False, *, out: _Out = None) -> Any:
    """`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""

def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: _Out = None) -> Tensor:
    """`linalg.lu_solve`, with the right-hand side first."""

def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: _bool = True, unpack_pivots: _bool = True, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """P, L and U of `linalg.lu_factor`'s results; those not asked for are empty."""

def masked_fill(input: Tensor | _complex, mask: Tensor | _complex, value: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The input with `value`, a number or 0-d tensor, where the mask is True."""

def masked_fill_(input: Tensor | _complex, mask: Tensor | _complex, value: Tensor | _complex) -> Tensor:
    """The input with `value`, a number or 0-d tensor, where the mask is True."""

def masked_scatter(input: Tensor, mask: Tensor, source: Tensor, *, out: _Out = None) -> Tensor:
    """The input with the first elements of `source`, in order, where the mask is True."""

def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The input with the first elements of `source`, in order, where the mask is True."""

def masked_select(input: Tensor, mask: Tensor, *, out: _Out = None) -> Tensor:
    """The elements where the mask is True, in one axis."""

def matmul(input: Tensor, other: Tensor, *, out: _Out = None) -> Tensor:
    """Matrix product: of vectors, matrices, or stacks of matrices that broadcast."""

def matrix_exp(input: Tensor, *, out: _Out = None) -> Tensor:
    """`linalg.matrix_exp`."""

def matrix_power(input: Tensor, n: _int, *, out: _Out = None) -> Tensor:
    """`linalg.matrix_power`."""

def max(input: Tensor, dim: Any = None, keepdim: _bool = False, *, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Any:
    """`max(input)`: the largest element, equal ones sharing the gradient."""

def maximum(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The larger of two; NaN if either is. Equal elements share the gradient."""

def mean(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Mean over axes: $\\frac1n \\sum_i x_i$; NaN over no elements. RuntimeError for integers."""

@overload
def median(input: Tensor, dim: Literal[None] = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """The lower median of all elements; along one axis, named tuple (values, indices)."""
@overload
def median(input: Tensor, dim: _int, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> return_types.median:
    """The lower median of all elements; along one axis, named tuple (values, indices)."""
@overload
def median(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Any:
    """The lower median of all elements; along one axis, named tuple (values, indices)."""

def meshgrid(*tensors: Tensor, indexing: Any = 'ij', tensors_: Any = None, out: _Out = None) -> _tuple[Tensor, ...]:
    """Coordinate grids of 1-D tensors, matrix ("ij") or Cartesian ("xy") order: views."""

def min(input: Tensor, dim: Any = None, keepdim: _bool = False, *, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Any:
    """`min(input)`: the smallest element, equal ones sharing the gradient."""

def minimum(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The smaller of two; NaN if either is. Equal elements share the gradient."""

def mm(input: Tensor, mat2: Tensor, *, out: _Out = None) -> Tensor:
    """Product of matrices (n, k) and (k, m)."""

def mode(input: Tensor, dim: _int = -1, keepdim: _bool = False, *, out: _Out = None, axis: _int = ..., keepdims: _bool = ...) -> return_types.mode:
    """The most frequent value along one axis, the smallest of several, and its last place."""

def moveaxis(input: Tensor, source: _int | Sequence[_int], destination: _int | Sequence[_int], *, out: _Out = None) -> Tensor:
    """Axes moved to other places, the rest in order: a view."""

def movedim(input: Tensor, source: _int | Sequence[_int], destination: _int | Sequence[_int], *, out: _Out = None) -> Tensor:
    """Axes moved to other places, the rest in order: a view."""

def msort(input: Tensor, *, out: _Out = None) -> Tensor:
    """The elements in order along the first axis."""

def mul(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

def mul_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

def multinomial(input: Tensor, num_samples: _int, replacement: _bool = False, *, generator: Any = None, out: _Out = None) -> Tensor:
    """Indices drawn with probabilities in proportion to weights (n) or (m, n), as int64."""

def multiply(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

def multiply_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

def mv(input: Tensor, vec: Tensor, *, out: _Out = None) -> Tensor:
    """Product of a matrix (n, m) and a vector (m)."""

def mvlgamma(input: Tensor, p: _int, *, out: _Out = None) -> Tensor:
    """$\\frac{p(p-1)}{4} \\log\\pi + \\sum_{j<p} \\log\\Gamma(x - j/2)$, for p ≥ 1."""

def mvlgamma_(input: Tensor, p: _int) -> Tensor:
    """$\\frac{p(p-1)}{4} \\log\\pi + \\sum_{j<p} \\log\\Gamma(x - j/2)$, for p ≥ 1."""

def nan_to_num(input: Tensor, nan: _complex | Tensor = ..., posinf: _complex | Tensor | None = None, neginf: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
    """NaN and infinities replaced: by `nan`, `posinf` and `neginf`."""

def nan_to_num_(input: Tensor, nan: _complex | Tensor = ..., posinf: _complex | Tensor | None = None, neginf: _complex | Tensor | None = None) -> Tensor:
    """NaN and infinities replaced: by `nan`, `posinf` and `neginf`."""

def nanmean(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """`mean` of the elements that are not NaN; NaN of none. RuntimeError for integers."""

@overload
def nanmedian(input: Tensor, dim: Literal[None] = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """`median` of the elements that are not NaN; NaN if there are none."""
@overload
def nanmedian(input: Tensor, dim: _int, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> return_types.nanmedian:
    """`median` of the elements that are not NaN; NaN if there are none."""
@overload
def nanmedian(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Any:
    """`median` of the elements that are not NaN; NaN if there are none."""

def nanquantile(input: Tensor, q: Tensor | _complex, dim: _int | None = None, keepdim: _bool = False, *, interpolation: Any = 'linear', out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there are none."""

def nansum(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """`sum` of the elements that are not NaN; 0 of none. RuntimeError for complex numbers."""

def narrow(input: Tensor, dim: _int = ..., start: _int = ..., length: _int = ..., *, axis: _int = ...) -> Tensor:
    """`length` positions of an axis from `start`: a view."""

def narrow_copy(input: Tensor, dim: _int = ..., start: _int = ..., length: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """`narrow`, copied."""

def native_batch_norm(input: Tensor, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: _bool, momentum: _float | Tensor, eps: _float | Tensor, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """(`batch_norm`, the means, one over the deviations); these are empty in evaluation."""

def native_channel_shuffle(input: Tensor, groups: _int, *, out: _Out = None) -> Tensor:
    """The channels of (b, c, …) in another order: the first of each group, then the second, …."""

def native_group_norm(input: Tensor, weight: Any, bias: Any, N: _int, C: _int, HxW: _int, group: _int, eps: _float | Tensor, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """(`group_norm`, the means (b, groups), one over the deviations)."""

def native_layer_norm(input: Tensor, normalized_shape: Any, weight: Any, bias: Any, eps: _float | Tensor, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """(`layer_norm`, the means, one over the deviations)."""

def ne(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is different from `other`, element by element; dtypes promote before."""

def ne_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is different from `other`, element by element; dtypes promote before."""

def neg(input: Tensor, *, out: _Out = None) -> Tensor:
    """Opposite: $y = -\\text{input}$."""

def neg_(input: Tensor) -> Tensor:
    """Opposite: $y = -\\text{input}$."""

def negative(input: Tensor, *, out: _Out = None) -> Tensor:
    """Opposite: $y = -\\text{input}$."""

def negative_(input: Tensor) -> Tensor:
    """Opposite: $y = -\\text{input}$."""

def nextafter(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """The number next to the input in the direction of other."""

def nextafter_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """The number next to the input in the direction of other."""

@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False, out: _Out = None) -> Tensor:
    """The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True], out: _Out = None) -> _tuple[Tensor, ...]:
    """The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""
@overload
def nonzero(input: Tensor, *, as_tuple: _bool = False, out: _Out = None) -> Any:
    """The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""

def nonzero_static(input: Tensor, *, size: _int, fill_value: _int = -1, out: _Out = None) -> Tensor:
    """The first positions of non-zero elements, a row each: as many as `size` says, (size, axes)."""

def norm(input: Tensor, p: Any = 'fro', dim: Any = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Vector norm over axes, or of all elements; "fro" and None mean 2."""

def normal(mean: Any = ..., std: Any = ..., size: Any = None, *, generator: Any = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, pin_memory: Any = False, out: _Out = None) -> Tensor:
    """Normal, with this mean and standard deviation, numbers or tensors that broadcast."""

def not_equal(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Whether `input` is different from `other`, element by element; dtypes promote before."""

def not_equal_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Whether `input` is different from `other`, element by element; dtypes promote before."""

def nuclear_norm(input: Tensor, dim: Any = None, keepdim: _bool = False, *, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """The sum of the singular values of matrices, of two axes: use `linalg.matrix_norm`."""

def ones(*size: _int | Sequence[_int], dtype: Any = None, size_: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Ones."""

def ones_like(input: Tensor, *, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """`ones` with the shape and, unless given, the dtype of the input."""

def orgqr(input: Tensor, input2: Tensor, *, out: _Out = None) -> Tensor:
    """`linalg.householder_product`."""

def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: _bool = True, transpose: _bool = False, *, out: _Out = None) -> Tensor:
    """The product of all of Q (m × m), as `geqrf` gives it, and another matrix."""

def outer(input: Tensor, vec2: Tensor, *, out: _Out = None) -> Tensor:
    """$y_{ij} = a_i b_j$ of two vectors."""

def pairwise_distance(x1: Tensor, x2: Tensor, p: _float | Tensor = ..., eps: _float | Tensor = ..., keepdim: _bool = False, *, out: _Out = None, keepdims: _bool = ...) -> Tensor:
    """$\\lVert x_1 - x_2 + \\epsilon \\rVert_p$ along the last axis."""

def pca_lowrank(A: Tensor, q: _int | None = None, center: _bool = True, niter: _int = 2, *, out: _Out = None) -> return_types.svd_lowrank:
    """`svd_lowrank` of A with the mean of each column taken away: principal components."""

def pdist(input: Tensor, p: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """The distances of all pairs of rows, i < j, in one vector. RuntimeError unless 2-D."""

def permute(input: Tensor, *dims: _int | Sequence[_int], dims_: Any = None) -> Tensor:
    """Axes in another order: a view."""

def permute_copy(input: Tensor, dims: _int | Sequence[_int], *, out: _Out = None) -> Tensor:
    """`permute`, copied."""

def pinverse(input: Tensor, rcond: Any = ..., *, out: _Out = None) -> Tensor:
    """`linalg.pinv` with the tolerance relative to the largest singular value."""

def pixel_shuffle(input: Tensor, upscale_factor: _int, *, out: _Out = None) -> Tensor:
    """Images (…, c r², h, w) as larger ones with fewer channels, (…, c, h r, w r)."""

def pixel_unshuffle(input: Tensor, downscale_factor: _int, *, out: _Out = None) -> Tensor:
    """The inverse of `pixel_shuffle`: (…, c, h r, w r) as (…, c r², h, w)."""

def poisson(input: Tensor, generator: Any = None, *, out: _Out = None) -> Tensor:
    """Poisson numbers of these means."""

def polar(abs: Tensor, angle: Tensor, *, out: _Out = None) -> Tensor:
    """$\\text{abs} \\cdot e^{i\\,\\text{angle}}$, of one floating-point dtype."""

def polygamma(n: _int, input: Tensor, *, out: _Out = None) -> Tensor:
    """The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""

def polygamma_(input: Tensor, n: _int) -> Tensor:
    """The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""

def positive(input: Tensor, *, out: _Out = None) -> Tensor:
    """The input itself: $y = +\\text{input}$."""

def pow(input: Tensor | _complex, exponent: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Power: $y = \\text{input}^\\text{exponent}$. Either may be a number."""

def pow_(input: Tensor | _complex, exponent: Tensor | _complex) -> Tensor:
    """Power: $y = \\text{input}^\\text{exponent}$. Either may be a number."""

def prelu(input: Tensor, weight: Tensor, *, out: _Out = None) -> Tensor:
    """$x$ above 0, a learned slope below: one, or one for each channel (axis 1)."""

def prod(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """Product over one axis, or all. Its gradient is exact where factors are 0."""

def put(input: Tensor, index: Tensor, source: Tensor, accumulate: _bool = False, *, out: _Out = None) -> Tensor:
    """The input with values written, or added, at positions in the flattened tensor."""

def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
    """The input with values written, or added, at positions in the flattened tensor."""

def qr(input: Tensor, some: _bool = True, *, out: _Out = None) -> return_types.qr:
    """`linalg.qr`, "complete" where not `some`."""

def quantile(input: Tensor, q: Tensor | _complex, dim: _int | None = None, keepdim: _bool = False, *, interpolation: Any = 'linear', out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
    """The quantiles q, in [0, 1], of all elements or along one axis; NaN if there is one."""

def rad2deg(input: Tensor, *, out: _Out = None) -> Tensor:
    """Radians as degrees."""

def rad2deg_(input: Tensor) -> Tensor:
    """Radians as degrees."""

def rand(*size: _int | Sequence[_int], generator: Any = None, dtype: Any = None, size_: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Uniform on [0, 1)."""

def rand_like(input: Tensor, *, generator: Any = None, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """`rand` with the shape and, unless given, the dtype of the input."""

def randint(low: Any = None, high: Any = None, size: Any = None, *, generator: Any = None, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Integers from low to high - 1: `randint(high, size)` or `randint(low, high, size)`."""

def randint_like(input: Tensor, low: _int, high: _int | None = None, *, generator: Any = None, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """Integers from low to high - 1, or 0 to low - 1, in the shape and dtype of the input."""

def randn(*size: _int | Sequence[_int], generator: Any = None, dtype: Any = None, size_: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Normal, with mean 0 and variance 1; for complex dtypes, of the modulus."""

def randn_like(input: Tensor, *, generator: Any = None, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """`randn` with the shape and, unless given, the dtype of the input."""

def randperm(n: _int, *, generator: Any = None, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """The integers 0 to n - 1 in random order."""

def range(start: _complex | Tensor = 0, end: _complex | Tensor | None = None, step: _complex | Tensor = 1, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """start, start + step, … up to end, which is included, in the default dtype: use `arange`."""

def ravel(input: Tensor, *, out: _Out = None) -> Tensor:
    """All elements in one axis."""

def real(input: Tensor, *, out: _Out = None) -> Tensor:
    """The real part: a view of the complex numbers; a real tensor is its own."""

def reciprocal(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse: $y = 1 / \\text{input}$."""

def reciprocal_(input: Tensor) -> Tensor:
    """Inverse: $y = 1 / \\text{input}$."""

def relu(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """Positive part: $y = \\max(\\text{input}, 0)$; NaN stays NaN."""

def relu_(input: Tensor) -> Tensor:
    """Positive part: $y = \\max(\\text{input}, 0)$; NaN stays NaN."""

def remainder(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """What floor division leaves over, with the sign of `other`, as Python's `%`."""

def remainder_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """What floor division leaves over, with the sign of `other`, as Python's `%`."""

def renorm(input: Tensor, p: _float | Tensor, dim: _int = ..., maxnorm: _float | Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Slices along one axis whose p-norm is larger than `maxnorm`, shrunk to that norm."""

def renorm_(input: Tensor, p: _float | Tensor, dim: _int = ..., maxnorm: _float | Tensor = ..., *, axis: _int = ...) -> Tensor:
    """Slices along one axis whose p-norm is larger than `maxnorm`, shrunk to that norm."""

def repeat_interleave(input: Tensor, repeats: Any = None, dim: _int | None = None, *, output_size: _int | None = None, out: _Out = None, axis: _int | None = ...) -> Tensor:
    """Each element, or each place of an axis, several times, one after the other."""

def reshape(input: Tensor, *shape: _int | Sequence[_int], shape_: Any = None) -> Tensor:
    """The elements in another shape, a view where memory allows; one size may be -1."""

def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$w\\,x / \\sqrt{\\overline{x^2} + \\epsilon}$ over the last axes; epsilon of the dtype."""

def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """One step of a plain recurrent layer with relu: the state."""

def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """One step of a plain recurrent layer with tanh: the state."""

def roll(input: Tensor, shifts: Any, dims: Any = None, *, out: _Out = None) -> Tensor:
    """Elements moved along axes, those that leave coming back at the other end."""

def rot90(input: Tensor, k: _int = 1, dims: _int | Sequence[_int] = ..., *, out: _Out = None) -> Tensor:
    """The plane of two axes turned by k quarters of a circle, from the first to the second."""

def round(input: Tensor, *, decimals: _int = 0, out: _Out = None) -> Tensor:
    """The nearest integer, or multiple of $10^{-\\text{decimals}}$; halves to even."""

def round_(input: Tensor, *, decimals: _int = 0) -> Tensor:
    """The nearest integer, or multiple of $10^{-\\text{decimals}}$; halves to even."""

def row_stack(tensors: Sequence[Tensor], *, out: _Out = None) -> Tensor:
    """On top of each other: along axis 0 of at least 2-D tensors."""

def rrelu(input: Tensor, lower: _float | Tensor = ..., upper: _float | Tensor = ..., training: _bool = False, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x$ above 0; a slope below that is drawn for each number in training, the mean otherwise."""

def rsqrt(input: Tensor, *, out: _Out = None) -> Tensor:
    """Inverse square root: $y = 1 / \\sqrt{\\text{input}}$."""

def rsqrt_(input: Tensor) -> Tensor:
    """Inverse square root: $y = 1 / \\sqrt{\\text{input}}$."""

def rsub(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """Difference the other way round: $y = \\text{other} - \\alpha\\,\\text{input}$."""

def scatter(input: Tensor, dim: _int = ..., index: Tensor = ..., src: Tensor | _complex = ..., *, reduce: Any = None, out: _Out = None, axis: _int = ..., value: Tensor | _complex = ...) -> Tensor:
    """The input with `src`, a tensor or one number, written where `gather` would read."""

def scatter_(input: Tensor, dim: _int = ..., index: Tensor = ..., src: Tensor | _complex = ..., *, reduce: Any = None, axis: _int = ..., value: Tensor | _complex = ...) -> Tensor:
    """The input with `src`, a tensor or one number, written where `gather` would read."""

def scatter_add(input: Tensor, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input with `src` added where `gather` would read. RuntimeError for two dtypes."""

def scatter_add_(input: Tensor, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., *, axis: _int = ...) -> Tensor:
    """The input with `src` added where `gather` would read. RuntimeError for two dtypes."""

def scatter_reduce(input: Tensor, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input and the values of `src` where `gather` would read, reduced at each place."""

def scatter_reduce_(input: Tensor, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, axis: _int = ...) -> Tensor:
    """The input and the values of `src` where `gather` would read, reduced at each place."""

def searchsorted(sorted_sequence: Tensor, input: Tensor | _complex, *, out_int32: _bool = False, right: _bool = False, side: Any = None, sorter: Tensor | None = None, out: _Out = None) -> Tensor:
    """Where values would be put into a sorted last axis: before equals, or, `right`, after them."""

def segment_reduce(data: Tensor, reduce: Any, *, lengths: Tensor | None = None, offsets: Tensor | None = None, axis: _int = 0, unsafe: _bool = False, initial: Any = None, out: _Out = None) -> Tensor:
    """Each segment along an axis, reduced to one place: its "sum", "mean", "max", "min" or "prod"."""

def select(input: Tensor, dim: _int = ..., index: _int = ..., *, axis: _int = ...) -> Tensor:
    """One position of an axis, which goes: a view. IndexError out of range."""

def select_copy(input: Tensor, dim: _int = ..., index: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """`select`, copied."""

def select_scatter(input: Tensor, src: Tensor, dim: _int = ..., index: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input with `src` written where `select` looks, in a copy."""

def selu(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$s x$ above 0, $s \\alpha\\,(e^x - 1)$ below: keeps mean 0 and variance 1."""

def sgn(input: Tensor, *, out: _Out = None) -> Tensor:
    """Sign of real numbers; $z / |z|$ of complex ones, and 0 at 0."""

def sgn_(input: Tensor) -> Tensor:
    """Sign of real numbers; $z / |z|$ of complex ones, and 0 at 0."""

def sigmoid(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logistic function: $y = 1 / (1 + e^{-\\text{input}})$, without overflow."""

def sigmoid_(input: Tensor) -> Tensor:
    """Logistic function: $y = 1 / (1 + e^{-\\text{input}})$, without overflow."""

def sign(input: Tensor, *, out: _Out = None) -> Tensor:
    """-1, 0 or 1; 0 for NaN."""

def sign_(input: Tensor) -> Tensor:
    """-1, 0 or 1; 0 for NaN."""

def signbit(input: Tensor, *, out: _Out = None) -> Tensor:
    """Whether each element has its sign bit set, as -0.0 has."""

def sin(input: Tensor, *, out: _Out = None) -> Tensor:
    """Sine; the argument in radians."""

def sin_(input: Tensor) -> Tensor:
    """Sine; the argument in radians."""

def sinc(input: Tensor, *, out: _Out = None) -> Tensor:
    """$y = \\sin(\\pi x) / (\\pi x)$, and 1 at 0."""

def sinc_(input: Tensor) -> Tensor:
    """$y = \\sin(\\pi x) / (\\pi x)$, and 1 at 0."""

def sinh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Hyperbolic sine."""

def sinh_(input: Tensor) -> Tensor:
    """Hyperbolic sine."""

def slice_copy(input: Tensor, dim: _int = 0, start: _int | None = None, end: _int | None = None, step: _int = 1, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """`slice`, copied."""

def slice_scatter(input: Tensor, src: Tensor, dim: _int = 0, start: _int | None = None, end: _int | None = None, step: _int = 1, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """The input with `src` written where `slice` looks, in a copy."""

def slogdet(input: Tensor, *, out: _Out = None) -> return_types.slogdet:
    """`linalg.slogdet`."""

def softmax(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """$e^{x_i} / \\sum_j e^{x_j}$ along one axis."""

def sort(input: Tensor, dim: _int = -1, descending: _bool = False, *, stable: _bool = False, out: _Out = None, axis: _int = ...) -> return_types.sort:
    """Elements in order along one axis, and where they came from; NaN counts as largest."""

def split(input: Tensor = ..., split_size_or_sections: Any = ..., dim: _int = 0, *, out: _Out = None, axis: _int = ..., split_size: Any = ..., tensor: Tensor = ...) -> _tuple[Tensor, ...]:
    """A tuple of pieces of an axis, of one size (the last may be smaller) or of given sizes."""

def split_copy(input: Tensor, split_size: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """`split_evenly`, copied."""

def split_with_sizes(input: Tensor, split_sizes: _int | Sequence[_int], dim: _int = 0, *, axis: _int = ...) -> _tuple[Tensor, ...]:
    """A tuple of pieces of an axis, of these sizes, which add up to its own: views."""

def split_with_sizes_copy(input: Tensor, split_sizes: _int | Sequence[_int], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """`split_with_sizes`, copied."""

def sqrt(input: Tensor, *, out: _Out = None) -> Tensor:
    """Square root: $y = \\sqrt{\\text{input}}$, NaN below 0."""

def sqrt_(input: Tensor) -> Tensor:
    """Square root: $y = \\sqrt{\\text{input}}$, NaN below 0."""

def square(input: Tensor, *, out: _Out = None) -> Tensor:
    """Square: $y = \\text{input}^2$."""

def square_(input: Tensor) -> Tensor:
    """Square: $y = \\text{input}^2$."""

def squeeze(input: Tensor, dim: _int | Sequence[_int] | None = None, *, axis: _int | Sequence[_int] | None = ...) -> Tensor:
    """Without axes of size 1, or without those of `dim` that have size 1: a view."""

def squeeze_(input: Tensor, dim: _int | Sequence[_int] | None = None, *, axis: _int | Sequence[_int] | None = ...) -> Tensor:
    """Without axes of size 1, or without those of `dim` that have size 1: a view."""

def squeeze_copy(input: Tensor, dim: _int | Sequence[_int] | None = None, *, out: _Out = None, axis: _int | Sequence[_int] | None = ...) -> Tensor:
    """`squeeze`, copied."""

def stack(tensors: Sequence[Tensor], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Tensors of one shape along a new axis; dtypes promote."""

def std(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: _bool = False, *, correction: _complex | Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Standard deviation: the square root of `var`."""

def std_mean(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: _bool = False, *, correction: _complex | Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> _tuple[Tensor, ...]:
    """A tuple of the standard deviation and the mean over axes, or of all elements; see `std`."""

def stft(input: Tensor, n_fft: _int, hop_length: _int | None = None, win_length: _int | None = None, window: Any = None, center: _bool = True, pad_mode: Any = 'reflect', normalized: _bool = False, onesided: Any = None, return_complex: Any = None, align_to_window: Any = None, *, out: _Out = None) -> Tensor:
    """Transforms of frames of n_fft samples, `hop_length` apart, times a window."""

def sub(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

def sub_(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1) -> Tensor:
    """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

def subtract(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
    """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

def subtract_(input: Tensor | _complex, other: Tensor | _complex, *, alpha: _complex | Tensor = 1) -> Tensor:
    """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

def sum(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Sum over axes. Integers and booleans are summed in int64; `dtype` converts first."""

def svd(input: Tensor, some: _bool = True, compute_uv: _bool = True, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """`linalg.svd` with V instead of $V^H$; U and V are zeros where not `compute_uv`."""

def svd_lowrank(A: Tensor, q: _int = 6, niter: _int = 2, M: Any = None, *, out: _Out = None) -> return_types.svd_lowrank:
    """The q largest singular values of A - M and their vectors, nearly: (…, m, q), (…, n, q)."""

def swapaxes(input: Tensor, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
    """Two axes exchanged: a view."""

def swapaxes_(input: Tensor, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
    """Two axes exchanged: a view."""

def swapdims(input: Tensor, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
    """Two axes exchanged: a view."""

def swapdims_(input: Tensor, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
    """Two axes exchanged: a view."""

def t(input: Tensor) -> Tensor:
    """The transposed matrix: a view. RuntimeError above two axes."""

def t_(input: Tensor) -> Tensor:
    """The transposed matrix: a view. RuntimeError above two axes."""

def t_copy(input: Tensor, *, out: _Out = None) -> Tensor:
    """`t`, copied."""

def take(input: Tensor, index: Tensor, *, out: _Out = None) -> Tensor:
    """The elements at positions in the flattened input; the shape is the index's."""

def take_along_dim(input: Tensor, indices: Tensor, dim: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """Elements along one axis by their indices, as `argsort` gives them; shapes broadcast."""

def tan(input: Tensor, *, out: _Out = None) -> Tensor:
    """Tangent; the argument in radians."""

def tan_(input: Tensor) -> Tensor:
    """Tangent; the argument in radians."""

def tanh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Hyperbolic tangent."""

def tanh_(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""

def tensor_split(input: Tensor, indices_or_sections: Any = ..., dim: _int = 0, *, out: _Out = None, axis: _int = ..., indices: Any = ..., sections: Any = ..., tensor_indices_or_sections: Any = ...) -> _tuple[Tensor, ...]:
    """A tuple of pieces of an axis: so many of nearly one size, or cut at given positions."""

def tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, out: _Out = None) -> Tensor:
    """Contraction of the last `dims` axes of a with the first of b, or of two lists of axes."""

def threshold(input: Tensor, threshold: _float | Tensor, value: _float | Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """The input where it is above a threshold, a value elsewhere."""

def tile(input: Tensor, *dims: _int | Sequence[_int], dims_: Any = None, out: _Out = None) -> Tensor:
    """Copies side by side; missing counts are 1."""

def topk(input: Tensor, k: _int, dim: _int = -1, largest: _bool = True, sorted: _bool = True, *, out: _Out = None, axis: _int = ...) -> return_types.topk:
    """The k largest (or smallest) elements along one axis, in order, and their indices."""

def trace(input: Tensor, *, out: _Out = None) -> Tensor:
    """The sum of the diagonal of a matrix; of integers in int64."""

def transpose(input: Tensor, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
    """Two axes exchanged: a view."""

def transpose_(input: Tensor, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
    """Two axes exchanged: a view."""

def transpose_copy(input: Tensor, dim0: _int, dim1: _int, *, out: _Out = None) -> Tensor:
    """`transpose`, copied."""

def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: _complex | Tensor | None = None, dim: _int = -1, out: _Out = None, axis: _int = ...) -> Tensor:
    """The integral of samples y along one axis, at places x, or dx apart (1 unless given)."""

def trapz(y: Tensor, x: Tensor | None = None, *, dx: _complex | Tensor | None = None, dim: _int = -1, out: _Out = None, axis: _int = ...) -> Tensor:
    """The integral of samples y along one axis, at places x, or dx apart (1 unless given)."""

def triangular_solve(input: Tensor, A: Tensor, upper: _bool = True, transpose: _bool = False, unitriangular: _bool = False, *, out: _Out = None) -> return_types.triangular_solve:
    """Solutions of A X = input for triangular A, or of its transpose, and A itself."""

def tril(input: Tensor, diagonal: _int = 0, *, out: _Out = None) -> Tensor:
    """The lower triangle of matrices; zeros above the given diagonal."""

def tril_(input: Tensor, diagonal: _int = 0) -> Tensor:
    """The lower triangle of matrices; zeros above the given diagonal."""

def tril_indices(row: _int, col: _int, offset: _int = 0, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Where the lower triangle of a matrix is: rows above columns, (2, n)."""

def triu(input: Tensor, diagonal: _int = 0, *, out: _Out = None) -> Tensor:
    """The upper triangle of matrices; zeros below the given diagonal."""

def triu_(input: Tensor, diagonal: _int = 0) -> Tensor:
    """The upper triangle of matrices; zeros below the given diagonal."""

def triu_indices(row: _int, col: _int, offset: _int = 0, *, dtype: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Where the upper triangle of a matrix is: rows above columns, (2, n)."""

def true_divide(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """Quotient: the same as `div` without rounding."""

def true_divide_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """Quotient: the same as `div` without rounding."""

def trunc(input: Tensor, *, out: _Out = None) -> Tensor:
    """The integer part, towards zero."""

def trunc_(input: Tensor) -> Tensor:
    """The integer part, towards zero."""

def unbind(input: Tensor, dim: _int = 0, *, axis: _int = ...) -> _tuple[Tensor, ...]:
    """A tuple of the positions of an axis: views."""

def unbind_copy(input: Tensor, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """`unbind`, copied."""

def unflatten(input: Tensor, dim: _int = ..., sizes: _int | Sequence[_int] = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """One axis as several."""

def unfold_copy(input: Tensor, dimension: _int, size: _int, step: _int, *, out: _Out = None) -> Tensor:
    """`unfold`, copied."""

def unique(input: Tensor, sorted: _bool = True, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None, *, out: _Out = None, axis: _int | None = ...) -> Any:
    """The different values of a tensor, or the different slices along one axis, in order."""

def unique_consecutive(input: Tensor, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None, *, out: _Out = None, axis: _int | None = ...) -> Any:
    """One value, or slice along one axis, for each run of equal ones."""

def unravel_index(indices: Tensor, shape: Any, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """The coordinates, one tensor for each axis, of positions in a flattened tensor of a shape."""

def unsafe_chunk(input: Tensor, chunks: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """The pieces that `chunk` gives, copied."""

def unsafe_split(input: Tensor, split_size: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """`split_evenly`, copied."""

def unsafe_split_with_sizes(input: Tensor, split_sizes: _int | Sequence[_int], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
    """`split_with_sizes`, copied."""

def unsqueeze(input: Tensor, dim: _int = ..., *, axis: _int = ...) -> Tensor:
    """A new axis of size 1: a view."""

def unsqueeze_(input: Tensor, dim: _int = ..., *, axis: _int = ...) -> Tensor:
    """A new axis of size 1: a view."""

def unsqueeze_copy(input: Tensor, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """`unsqueeze`, copied."""

def vander(x: Tensor, N: _int | None = None, increasing: _bool = False, *, out: _Out = None) -> Tensor:
    """Powers N - 1, …, 1, 0 of each number of a vector, in rows; `increasing`: from 0 on."""

def var(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: _bool = False, *, correction: _complex | Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Variance over axes: $\\frac{1}{n - \\text{correction}} \\sum_i |x_i - \\bar x|^2$."""

def var_mean(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: _bool = False, *, correction: _complex | Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> _tuple[Tensor, ...]:
    """A tuple of the variance and the mean over axes, or of all elements; see `var`."""

def vdot(input: Tensor, other: Tensor, *, out: _Out = None) -> Tensor:
    """$\\sum_i \\bar a_i b_i$ of two vectors of one size."""

def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of real numbers along the last axis as complex numbers: a view."""

def view_as_complex_copy(input: Tensor, *, out: _Out = None) -> Tensor:
    """`view_as_complex`, copied."""

def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones along a new last axis: a view."""

def view_as_real_copy(input: Tensor, *, out: _Out = None) -> Tensor:
    """`view_as_real`, copied."""

def view_copy(input: Tensor, size: Any, *, out: _Out = None) -> Tensor:
    """The elements in another shape, or the bits as another dtype, copied."""

def vsplit(input: Tensor, indices_or_sections: Any = ..., *, out: _Out = None, indices: Any = ..., sections: Any = ...) -> _tuple[Tensor, ...]:
    """`tensor_split` along axis 0 of at least 2-D tensors."""

def vstack(tensors: Sequence[Tensor], *, out: _Out = None) -> Tensor:
    """On top of each other: along axis 0 of at least 2-D tensors."""

@overload
def where(condition: Tensor, input: Literal[None] = None, other: Tensor | _complex | None = None, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """`where(condition, input, other)`: input where the condition holds, else other."""
@overload
def where(condition: Tensor, input: Tensor | _complex, other: Tensor | _complex | None = None, *, out: _Out = None) -> Tensor:
    """`where(condition, input, other)`: input where the condition holds, else other."""
@overload
def where(condition: Tensor, input: Tensor | _complex | None = None, other: Tensor | _complex | None = None, *, out: _Out = None) -> Any:
    """`where(condition, input, other)`: input where the condition holds, else other."""

def xlogy(input: Tensor | _complex, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
    """$y = x \\log \\text{other}$; 0 where x is 0, unless other is NaN."""

def xlogy_(input: Tensor | _complex, other: Tensor | _complex) -> Tensor:
    """$y = x \\log \\text{other}$; 0 where x is 0, unless other is NaN."""

def zero_(input: Tensor) -> Tensor:
    """`input.zero_()`: zeros written everywhere."""

def zeros(*size: _int | Sequence[_int], dtype: Any = None, size_: Any = None, layout: _layout | None = None, device: _device | _str | _int | None = None, requires_grad: _bool = False, pin_memory: _bool = False, out: _Out = None) -> Tensor:
    """Zeros."""

def zeros_like(input: Tensor, *, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
    """`zeros` with the shape and, unless given, the dtype of the input."""

from pullback.construct import TensorType as _TensorType
import pullback._C as _C
import pullback.__config__ as __config__
import pullback._dynamo as _dynamo
import pullback.amp as amp
import pullback.compiler as compiler
import pullback.array_api as array_api
import pullback.distributed as distributed
import pullback.distributions as distributions
import pullback.fft as fft
import pullback.func as func
import pullback.futures as futures
import pullback.graph as graph
import pullback.jit as jit
import pullback.linalg as linalg
import pullback.masked as masked
import pullback.multiprocessing as multiprocessing
import pullback.nn as nn
import pullback.optim as optim
import pullback.profiler as profiler
import pullback.quasirandom as quasirandom
import pullback.random as random
import pullback.serialization as serialization
import pullback.signal as signal
import pullback.special as special
import pullback.testing as testing
import pullback.types as types
import pullback.utils as utils
import pullback.version as version
from pullback.scalars import elementwise as elementwise
from pullback.graph.explaining import explain as explain
from pullback.futures import Future as Future
from pullback.plain import SymBool as SymBool
from pullback.plain import SymFloat as SymFloat
from pullback.plain import SymInt as SymInt
from pullback.methods.memory import TypedStorage as TypedStorage
from pullback.methods.memory import UntypedStorage as UntypedStorage
from pullback.compiler import compile as compile
from pullback.limits import finfo as finfo
from pullback.limits import iinfo as iinfo
from pullback.eigenpairs import lobpcg as lobpcg
from pullback.utils.dlpack import to_dlpack as to_dlpack
from pullback.amp import GradScaler as GradScaler
from pullback.amp import autocast as autocast
from pullback.amp import clear_autocast_cache as clear_autocast_cache
from pullback.amp import get_autocast_cpu_dtype as get_autocast_cpu_dtype
from pullback.amp import get_autocast_dtype as get_autocast_dtype
from pullback.amp import get_autocast_gpu_dtype as get_autocast_gpu_dtype
from pullback.amp import is_autocast_cache_enabled as is_autocast_cache_enabled
from pullback.amp import is_autocast_cpu_enabled as is_autocast_cpu_enabled
from pullback.amp import is_autocast_enabled as is_autocast_enabled
from pullback.amp import set_autocast_cache_enabled as set_autocast_cache_enabled
from pullback.amp import set_autocast_cpu_dtype as set_autocast_cpu_dtype
from pullback.amp import set_autocast_cpu_enabled as set_autocast_cpu_enabled
from pullback.amp import set_autocast_dtype as set_autocast_dtype
from pullback.amp import set_autocast_enabled as set_autocast_enabled
from pullback.amp import set_autocast_gpu_dtype as set_autocast_gpu_dtype
from pullback.plain import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from pullback.plain import compiled_with_cxx11_abi as compiled_with_cxx11_abi
detach: Callable[..., Any]
detach_: Callable[..., Any]
from pullback.plain import get_default_device as get_default_device
from pullback.plain import get_deterministic_debug_mode as get_deterministic_debug_mode
get_device: Callable[..., Any]
from pullback.plain import get_float32_matmul_precision as get_float32_matmul_precision
from pullback.plain import get_num_interop_threads as get_num_interop_threads
from pullback.plain import has_lapack as has_lapack
from pullback.plain import has_mkl as has_mkl
from pullback.plain import has_openmp as has_openmp
from pullback.plain import has_spectral as has_spectral
is_conj: Callable[..., Any]
from pullback.plain import is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled
is_distributed: Callable[..., Any]
is_inference: Callable[..., Any]
is_neg: Callable[..., Any]
is_nonzero: Callable[..., Any]
is_same_size: Callable[..., Any]
is_signed: Callable[..., Any]
from pullback.plain import is_storage as is_storage
from pullback.plain import is_warn_always_enabled as is_warn_always_enabled
resize_as_: Callable[..., Any]
resolve_conj: Callable[..., Any]
resolve_neg: Callable[..., Any]
from pullback.plain import set_default_device as set_default_device
from pullback.plain import set_deterministic_debug_mode as set_deterministic_debug_mode
from pullback.plain import set_float32_matmul_precision as set_float32_matmul_precision
from pullback.plain import set_flush_denormal as set_flush_denormal
from pullback.plain import set_num_interop_threads as set_num_interop_threads
from pullback.plain import set_warn_always as set_warn_always
from pullback.plain import sym_float as sym_float
from pullback.plain import sym_int as sym_int
from pullback.plain import sym_ite as sym_ite
from pullback.plain import sym_max as sym_max
from pullback.plain import sym_min as sym_min
from pullback.plain import sym_not as sym_not
from pullback.plain import sym_sqrt as sym_sqrt
from pullback.plain import sym_sum as sym_sum
from pullback.plain import typename as typename
from pullback.plain import use_deterministic_algorithms as use_deterministic_algorithms
from pullback.nn.under_torch import adaptive_max_pool1d as adaptive_max_pool1d
from pullback.nn.under_torch import alpha_dropout as alpha_dropout
from pullback.nn.under_torch import alpha_dropout_ as alpha_dropout_
from pullback.nn.under_torch import batch_norm as batch_norm
from pullback.nn.under_torch import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from pullback.nn.under_torch import celu_ as celu_
from pullback.nn.under_torch import conv_tbc as conv_tbc
from pullback.nn.under_torch import convolution as convolution
from pullback.nn.under_torch import cosine_embedding_loss as cosine_embedding_loss
from pullback.nn.under_torch import dropout as dropout
from pullback.nn.under_torch import dropout_ as dropout_
from pullback.nn.under_torch import embedding as embedding
from pullback.nn.under_torch import feature_alpha_dropout as feature_alpha_dropout
from pullback.nn.under_torch import feature_alpha_dropout_ as feature_alpha_dropout_
from pullback.nn.under_torch import feature_dropout as feature_dropout
from pullback.nn.under_torch import feature_dropout_ as feature_dropout_
from pullback.nn.under_torch import group_norm as group_norm
from pullback.nn.under_torch import gru as gru
from pullback.nn.under_torch import hinge_embedding_loss as hinge_embedding_loss
from pullback.nn.under_torch import instance_norm as instance_norm
from pullback.nn.under_torch import kl_div as kl_div
from pullback.nn.under_torch import layer_norm as layer_norm
from pullback.nn.under_torch import lstm as lstm
from pullback.nn.under_torch import margin_ranking_loss as margin_ranking_loss
from pullback.nn.under_torch import max_pool1d as max_pool1d
from pullback.nn.under_torch import max_pool2d as max_pool2d
from pullback.nn.under_torch import max_pool3d as max_pool3d
from pullback.nn.under_torch import norm_except_dim as norm_except_dim
from pullback.nn.under_torch import poisson_nll_loss as poisson_nll_loss
from pullback.nn.under_torch import rnn_relu as rnn_relu
from pullback.nn.under_torch import rnn_tanh as rnn_tanh
from pullback.nn.under_torch import rrelu_ as rrelu_
from pullback.nn.under_torch import selu_ as selu_
from pullback.nn.under_torch import threshold_ as threshold_
from pullback.nn.under_torch import triplet_margin_loss as triplet_margin_loss
half: _dtype
float: _dtype
double: _dtype
cfloat: _dtype
cdouble: _dtype
short: _dtype
int: _dtype
long: _dtype
bool: _dtype
sparse_coo: _layout
sparse_csr: _layout
sparse_csc: _layout
sparse_bsr: _layout
sparse_bsc: _layout
jagged: _layout
FloatTensor: _type[_TensorType]
DoubleTensor: _type[_TensorType]
HalfTensor: _type[_TensorType]
BFloat16Tensor: _type[_TensorType]
ComplexFloatTensor: _type[_TensorType]
ComplexDoubleTensor: _type[_TensorType]
ByteTensor: _type[_TensorType]
CharTensor: _type[_TensorType]
ShortTensor: _type[_TensorType]
IntTensor: _type[_TensorType]
LongTensor: _type[_TensorType]
UInt16Tensor: _type[_TensorType]
UInt32Tensor: _type[_TensorType]
UInt64Tensor: _type[_TensorType]
BoolTensor: _type[_TensorType]

__all__ = ['_standard_gamma', 'abs', 'abs_', 'absolute', 'absolute_', 'acos', 'acos_', 'acosh', 'acosh_', 'adaptive_avg_pool1d', 'add', 'add_', 'addbmm', 'addbmm_', 'addcdiv', 'addcdiv_', 'addcmul', 'addcmul_', 'addmm', 'addmm_', 'addmv', 'addmv_', 'addr', 'addr_', 'adjoint', 'affine_grid_generator', 'alias_copy', 'all', 'allclose', 'amax', 'amin', 'aminmax', 'angle', 'any', 'arange', 'arccos', 'arccos_', 'arccosh', 'arccosh_', 'arcsin', 'arcsin_', 'arcsinh', 'arcsinh_', 'arctan', 'arctan2', 'arctan2_', 'arctan_', 'arctanh', 'arctanh_', 'argmax', 'argmin', 'argsort', 'argwhere', 'as_strided', 'as_strided_', 'as_strided_copy', 'as_strided_scatter', 'asin', 'asin_', 'asinh', 'asinh_', 'atan', 'atan2', 'atan2_', 'atan_', 'atanh', 'atanh_', 'atleast_1d', 'atleast_2d', 'atleast_3d', 'avg_pool1d', 'baddbmm', 'baddbmm_', 'bartlett_window', 'bernoulli', 'bilinear', 'bincount', 'binomial', 'bitwise_and', 'bitwise_and_', 'bitwise_left_shift', 'bitwise_left_shift_', 'bitwise_not', 'bitwise_not_', 'bitwise_or', 'bitwise_or_', 'bitwise_right_shift', 'bitwise_right_shift_', 'bitwise_xor', 'bitwise_xor_', 'blackman_window', 'block_diag', 'bmm', 'broadcast_tensors', 'broadcast_to', 'bucketize', 'cartesian_prod', 'cat', 'cdist', 'ceil', 'ceil_', 'celu', 'chain_matmul', 'channel_shuffle', 'cholesky', 'cholesky_inverse', 'cholesky_solve', 'chunk', 'clamp', 'clamp_', 'clamp_max', 'clamp_max_', 'clamp_min', 'clamp_min_', 'clip', 'clip_', 'clone', 'column_stack', 'combinations', 'complex', 'concat', 'concatenate', 'conj', 'conj_physical', 'conj_physical_', 'constant_pad_nd', 'conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', 'conv_transpose2d', 'conv_transpose3d', 'copy_', 'copysign', 'copysign_', 'corrcoef', 'cos', 'cos_', 'cosh', 'cosh_', 'cosine_similarity', 'count_nonzero', 'cov', 'cross', 'ctc_loss', 'cummax', 'cummin', 'cumprod', 'cumprod_', 'cumsum', 'cumsum_', 'cumulative_trapezoid', 'deg2rad', 'deg2rad_', 'det', 'diag', 'diag_embed', 'diagflat', 'diagonal', 'diagonal_copy', 'diagonal_scatter', 'diff', 'digamma', 'digamma_', 'dist', 'div', 'div_', 'divide', 'divide_', 'dot', 'dsplit', 'dstack', 'einsum', 'empty', 'empty_like', 'empty_permuted', 'empty_strided', 'eq', 'eq_', 'equal', 'erf', 'erf_', 'erfc', 'erfc_', 'erfinv', 'erfinv_', 'exp', 'exp2', 'exp2_', 'exp_', 'expand_copy', 'expm1', 'expm1_', 'eye', 'fill', 'fill_', 'fill_diagonal_', 'fix', 'fix_', 'flatten', 'flip', 'fliplr', 'flipud', 'float_power', 'float_power_', 'floor', 'floor_', 'floor_divide', 'floor_divide_', 'fmax', 'fmin', 'fmod', 'fmod_', 'frac', 'frac_', 'frexp', 'frobenius_norm', 'full', 'full_like', 'gather', 'gcd', 'gcd_', 'ge', 'ge_', 'geqrf', 'ger', 'gradient', 'greater', 'greater_', 'greater_equal', 'greater_equal_', 'grid_sampler', 'grid_sampler_2d', 'grid_sampler_3d', 'gru_cell', 'gt', 'gt_', 'hamming_window', 'hann_window', 'hardshrink', 'heaviside', 'heaviside_', 'histc', 'histogram', 'histogramdd', 'hsplit', 'hstack', 'hypot', 'hypot_', 'i0', 'i0_', 'igamma', 'igamma_', 'igammac', 'igammac_', 'imag', 'index_add', 'index_add_', 'index_copy', 'index_copy_', 'index_fill', 'index_fill_', 'index_put', 'index_put_', 'index_reduce', 'index_reduce_', 'index_select', 'inner', 'inverse', 'isclose', 'isfinite', 'isin', 'isinf', 'isnan', 'isneginf', 'isposinf', 'isreal', 'istft', 'kaiser_window', 'kron', 'kthvalue', 'lcm', 'lcm_', 'ldexp', 'ldexp_', 'le', 'le_', 'lerp', 'lerp_', 'less', 'less_', 'less_equal', 'less_equal_', 'lgamma', 'lgamma_', 'linspace', 'log', 'log10', 'log10_', 'log1p', 'log1p_', 'log2', 'log2_', 'log_', 'log_softmax', 'logaddexp', 'logaddexp2', 'logcumsumexp', 'logdet', 'logical_and', 'logical_and_', 'logical_not', 'logical_not_', 'logical_or', 'logical_or_', 'logical_xor', 'logical_xor_', 'logit', 'logit_', 'logspace', 'logsumexp', 'lstm_cell', 'lt', 'lt_', 'lu', 'lu_solve', 'lu_unpack', 'masked_fill', 'masked_fill_', 'masked_scatter', 'masked_scatter_', 'masked_select', 'matmul', 'matrix_exp', 'matrix_power', 'max', 'maximum', 'mean', 'median', 'meshgrid', 'min', 'minimum', 'mm', 'mode', 'moveaxis', 'movedim', 'msort', 'mul', 'mul_', 'multinomial', 'multiply', 'multiply_', 'mv', 'mvlgamma', 'mvlgamma_', 'nan_to_num', 'nan_to_num_', 'nanmean', 'nanmedian', 'nanquantile', 'nansum', 'narrow', 'narrow_copy', 'native_batch_norm', 'native_channel_shuffle', 'native_group_norm', 'native_layer_norm', 'ne', 'ne_', 'neg', 'neg_', 'negative', 'negative_', 'nextafter', 'nextafter_', 'nonzero', 'nonzero_static', 'norm', 'normal', 'not_equal', 'not_equal_', 'nuclear_norm', 'ones', 'ones_like', 'orgqr', 'ormqr', 'outer', 'pairwise_distance', 'pca_lowrank', 'pdist', 'permute', 'permute_copy', 'pinverse', 'pixel_shuffle', 'pixel_unshuffle', 'poisson', 'polar', 'polygamma', 'polygamma_', 'positive', 'pow', 'pow_', 'prelu', 'prod', 'put', 'put_', 'qr', 'quantile', 'rad2deg', 'rad2deg_', 'rand', 'rand_like', 'randint', 'randint_like', 'randn', 'randn_like', 'randperm', 'range', 'ravel', 'real', 'reciprocal', 'reciprocal_', 'relu', 'relu_', 'remainder', 'remainder_', 'renorm', 'renorm_', 'repeat_interleave', 'reshape', 'rms_norm', 'rnn_relu_cell', 'rnn_tanh_cell', 'roll', 'rot90', 'round', 'round_', 'row_stack', 'rrelu', 'rsqrt', 'rsqrt_', 'rsub', 'scatter', 'scatter_', 'scatter_add', 'scatter_add_', 'scatter_reduce', 'scatter_reduce_', 'searchsorted', 'segment_reduce', 'select', 'select_copy', 'select_scatter', 'selu', 'sgn', 'sgn_', 'sigmoid', 'sigmoid_', 'sign', 'sign_', 'signbit', 'sin', 'sin_', 'sinc', 'sinc_', 'sinh', 'sinh_', 'slice_copy', 'slice_scatter', 'slogdet', 'softmax', 'sort', 'split', 'split_copy', 'split_with_sizes', 'split_with_sizes_copy', 'sqrt', 'sqrt_', 'square', 'square_', 'squeeze', 'squeeze_', 'squeeze_copy', 'stack', 'std', 'std_mean', 'stft', 'sub', 'sub_', 'subtract', 'subtract_', 'sum', 'svd', 'svd_lowrank', 'swapaxes', 'swapaxes_', 'swapdims', 'swapdims_', 't', 't_', 't_copy', 'take', 'take_along_dim', 'tan', 'tan_', 'tanh', 'tanh_', 'tensor_split', 'tensordot', 'threshold', 'tile', 'topk', 'trace', 'transpose', 'transpose_', 'transpose_copy', 'trapezoid', 'trapz', 'triangular_solve', 'tril', 'tril_', 'tril_indices', 'triu', 'triu_', 'triu_indices', 'true_divide', 'true_divide_', 'trunc', 'trunc_', 'unbind', 'unbind_copy', 'unflatten', 'unfold_copy', 'unique', 'unique_consecutive', 'unravel_index', 'unsafe_chunk', 'unsafe_split', 'unsafe_split_with_sizes', 'unsqueeze', 'unsqueeze_', 'unsqueeze_copy', 'vander', 'var', 'var_mean', 'vdot', 'view_as_complex', 'view_as_complex_copy', 'view_as_real', 'view_as_real_copy', 'view_copy', 'vsplit', 'vstack', 'where', 'xlogy', 'xlogy_', 'zero_', 'zeros', 'zeros_like', '_C', '__config__', '_dynamo', 'amp', 'compiler', 'array_api', 'distributed', 'distributions', 'fft', 'func', 'futures', 'graph', 'jit', 'linalg', 'masked', 'multiprocessing', 'nn', 'optim', 'profiler', 'quasirandom', 'random', 'serialization', 'signal', 'special', 'testing', 'types', 'utils', 'version', 'elementwise', 'explain', 'Future', 'SymBool', 'SymFloat', 'SymInt', 'TypedStorage', 'UntypedStorage', 'compile', 'finfo', 'iinfo', 'lobpcg', 'to_dlpack', 'GradScaler', 'autocast', 'clear_autocast_cache', 'get_autocast_cpu_dtype', 'get_autocast_dtype', 'get_autocast_gpu_dtype', 'is_autocast_cache_enabled', 'is_autocast_cpu_enabled', 'is_autocast_enabled', 'set_autocast_cache_enabled', 'set_autocast_cpu_dtype', 'set_autocast_cpu_enabled', 'set_autocast_dtype', 'set_autocast_enabled', 'set_autocast_gpu_dtype', 'are_deterministic_algorithms_enabled', 'compiled_with_cxx11_abi', 'detach', 'detach_', 'get_default_device', 'get_deterministic_debug_mode', 'get_device', 'get_float32_matmul_precision', 'get_num_interop_threads', 'has_lapack', 'has_mkl', 'has_openmp', 'has_spectral', 'is_conj', 'is_deterministic_algorithms_warn_only_enabled', 'is_distributed', 'is_inference', 'is_neg', 'is_nonzero', 'is_same_size', 'is_signed', 'is_storage', 'is_warn_always_enabled', 'resize_as_', 'resolve_conj', 'resolve_neg', 'set_default_device', 'set_deterministic_debug_mode', 'set_float32_matmul_precision', 'set_flush_denormal', 'set_num_interop_threads', 'set_warn_always', 'sym_float', 'sym_int', 'sym_ite', 'sym_max', 'sym_min', 'sym_not', 'sym_sqrt', 'sym_sum', 'typename', 'use_deterministic_algorithms', 'adaptive_max_pool1d', 'alpha_dropout', 'alpha_dropout_', 'batch_norm', 'binary_cross_entropy_with_logits', 'celu_', 'conv_tbc', 'convolution', 'cosine_embedding_loss', 'dropout', 'dropout_', 'embedding', 'feature_alpha_dropout', 'feature_alpha_dropout_', 'feature_dropout', 'feature_dropout_', 'group_norm', 'gru', 'hinge_embedding_loss', 'instance_norm', 'kl_div', 'layer_norm', 'lstm', 'margin_ranking_loss', 'max_pool1d', 'max_pool2d', 'max_pool3d', 'norm_except_dim', 'poisson_nll_loss', 'rnn_relu', 'rnn_tanh', 'rrelu_', 'selu_', 'threshold_', 'triplet_margin_loss', 'half', 'float', 'double', 'cfloat', 'cdouble', 'short', 'int', 'long', 'bool', 'sparse_coo', 'sparse_csr', 'sparse_csc', 'sparse_bsr', 'sparse_bsc', 'jagged', 'FloatTensor', 'DoubleTensor', 'HalfTensor', 'BFloat16Tensor', 'ComplexFloatTensor', 'ComplexDoubleTensor', 'ByteTensor', 'CharTensor', 'ShortTensor', 'IntTensor', 'LongTensor', 'UInt16Tensor', 'UInt32Tensor', 'UInt64Tensor', 'BoolTensor']
