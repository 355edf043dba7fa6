"""The attributes and methods that are attached to `Tensor`.

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

from pullback.autograd.handles import RemovableHandle as _RemovableHandle
from pullback.backends.generator import Generator as _Generator
from pullback.methods.memory import TypedStorage as _TypedStorage
from pullback.methods.memory import UntypedStorage as _UntypedStorage
from pullback.signatures import return_types

class Attached:
    def size(self, dim: _int | None = None) -> Any:
        """The shape, or one of its sizes."""

    def dim(self) -> _int:
        """The number of axes."""

    def numel(self) -> _int:
        """The number of elements."""

    def ndimension(self) -> _int:
        """The number of axes."""

    def nelement(self) -> _int:
        """The number of elements."""

    def is_same_size(self, other: Tensor) -> _bool:
        """Whether another tensor has the same shape."""

    @property
    def _cdata(self) -> _int:
        """A number that no other tensor has, by which libraries tell tensors apart."""

    def element_size(self) -> _int:
        """The bytes of one element."""

    @property
    def itemsize(self) -> _int:
        """The bytes of one element."""

    @property
    def nbytes(self) -> _int:
        """The bytes of all elements."""

    def stride(self, dim: _int | None = None) -> Any:
        """The steps in memory along each axis, in elements."""

    def is_contiguous(self, memory_format: Any = None) -> _bool:
        """Whether the elements lie in memory in order, without gaps; channels last on request."""

    def dim_order(self) -> _tuple[_int, ...]:
        """The axes from the one with the largest step in memory to the one with the smallest."""

    @property
    def device(self) -> Any:
        """Where the tensor lives: the CPU."""

    @property
    def layout(self) -> Any:
        """How the elements are laid out: `torch.strided`."""

    @property
    def is_cuda(self) -> Any:
        """Whether the tensor is on an NVIDIA GPU."""

    @property
    def is_cpu(self) -> Any:
        """Whether the tensor is in the CPU's memory."""

    @property
    def is_sparse(self) -> Any:
        """Whether the layout is sparse."""

    @property
    def is_sparse_csr(self) -> Any:
        """Whether the layout is sparse, by rows."""

    @property
    def is_quantized(self) -> Any:
        """Whether the elements are quantized."""

    @property
    def is_meta(self) -> Any:
        """Whether the tensor has a shape without values."""

    @property
    def is_mkldnn(self) -> Any:
        """Whether the layout is MKL-DNN's."""

    @property
    def is_mps(self) -> Any:
        """Whether the tensor is on an Apple GPU."""

    @property
    def is_xpu(self) -> Any:
        """Whether the tensor is on an Intel GPU."""

    @property
    def is_nested(self) -> Any:
        """Whether the tensor is a list of tensors."""

    @property
    def is_ipu(self) -> Any:
        """Whether the tensor is on a Graphcore IPU."""

    @property
    def is_maia(self) -> Any:
        """Whether the tensor is on a Microsoft Maia."""

    @property
    def is_mtia(self) -> Any:
        """Whether the tensor is on a Meta MTIA."""

    @property
    def is_vulkan(self) -> Any:
        """Whether the tensor is on a GPU by Vulkan."""

    @property
    def is_xla(self) -> Any:
        """Whether the tensor is on a TPU."""

    def is_conj(self) -> Any:
        """Whether the tensor is a conjugate that was not computed yet: it never is."""

    def is_neg(self) -> Any:
        """Whether the tensor is a negative that was not computed yet: it never is."""

    def is_distributed(self) -> Any:
        """Whether the tensor is spread over processes."""

    def is_pinned(self) -> Any:
        """Whether the memory is pinned for a GPU."""

    def is_shared(self) -> Any:
        """Whether the memory is shared between processes."""

    @property
    def name(self) -> Any:
        """A name for the tensor; None."""

    def sparse_dim(self) -> Any:
        """The number of sparse axes."""

    def dense_dim(self) -> _int:
        """The number of axes that are not sparse: all."""

    def get_device(self) -> _int:
        """The number of the GPU that the tensor is on; -1 for the CPU."""

    def is_nonzero(self) -> _bool:
        """Whether the one number of the tensor is not zero. RuntimeError for more numbers, or none."""

    def to_dense(self, dtype: Any = None, *, masked_grad: _bool | None = None) -> Tensor:
        """The tensor itself, which is dense; in another dtype if one is given."""

    def is_floating_point(self) -> _bool:
        """Whether the elements are real floating-point numbers."""

    def is_complex(self) -> _bool:
        """Whether the elements are complex numbers."""

    def is_signed(self) -> _bool:
        """Whether the elements can be negative."""

    @property
    def T(self) -> Tensor:
        """All axes in reverse order: a view."""

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged: a view."""

    @property
    def H(self) -> Tensor:
        """The conjugate transpose of a matrix."""

    @property
    def mH(self) -> Tensor:
        """The conjugate transpose of the last two axes."""

    real: Tensor

    imag: Tensor

    def to(self, *args: Any, dtype: Any = None, device: Any = None, other: Any = None, non_blocking: _bool = False, copy: _bool = False, memory_format: Any = None) -> Tensor:
        """The tensor in another dtype: `to(dtype)`, `to(device, dtype)`, `to(other)`; itself if nothing changes and `copy` is not set."""

    def type(self, dtype: Any = None, non_blocking: _bool = False) -> Any:
        """The legacy name of the type, or the tensor converted to a dtype, `torch.FloatTensor`, …"""

    def type_as(self, other: Tensor) -> Tensor:
        """The tensor in the dtype of another."""

    def cpu(self, memory_format: Any = None) -> Tensor:
        """The tensor in the memory of the CPU: itself."""

    def cuda(self, device: Any = None, non_blocking: _bool = False, memory_format: Any = None) -> Tensor:
        """The tensor on an NVIDIA GPU. RuntimeError where there is none."""

    def half(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.float16."""

    def float(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.float32."""

    def double(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.float64."""

    def cfloat(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.complex64."""

    def cdouble(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.complex128."""

    def short(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.int16."""

    def int(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.int32."""

    def long(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.int64."""

    def bool(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.bool."""

    def byte(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.uint8."""

    def char(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.int8."""

    def bfloat16(self, memory_format: Any = None) -> Tensor:
        """The tensor in dtype torch.bfloat16."""

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: _bool = False, layout: Any = None, pin_memory: _bool = False) -> Tensor:
        """A tensor with a copy of the data, in this tensor's dtype unless another is given."""

    def new(self, *args: Any, device: Any = None) -> Tensor:
        """A tensor of this dtype: of these sizes, not set, or from data. Prefer `new_tensor`."""

    def item(self) -> Any:
        """The number in a tensor of one element. RuntimeError for more."""

    def tolist(self) -> Any:
        """Nested lists of Python numbers; of a 0-d tensor its number."""

    def __int__(self) -> _int:
        ...

    def __float__(self) -> _float:
        ...

    def __complex__(self) -> _complex:
        ...

    def __bool__(self) -> _bool:
        ...

    def __index__(self) -> _int:
        ...

    def __format__(self, specification: _str) -> _str:
        ...

    def __repr__(self) -> _str:
        ...

    def requires_grad_(self, requires_grad: _bool = True) -> Tensor:
        """Ask for gradients with respect to this leaf, or no longer. Gives the tensor itself."""

    grad: Tensor | None

    data: Tensor

    def backward(self, gradient: Tensor | None = None, retain_graph: _bool | None = None, create_graph: _bool = False, inputs: Any = None) -> None:
        """Add to the leaves' `.grad` the gradient of this tensor; see `autograd.backward`."""

    def detach(self) -> Tensor:
        """The same values, in the same memory, without history."""

    def detach_(self) -> Tensor:
        """Forget this tensor's history. RuntimeError for a view."""

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> _RemovableHandle:
        """Call `hook(grad)` with each gradient of this tensor; it may return another instead."""

    def register_post_accumulate_grad_hook(self, hook: Callable[..., Any]) -> _RemovableHandle:
        """Call `hook(tensor)` after its `.grad` was updated; for leaves."""

    def retain_grad(self) -> None:
        """Keep the gradient of this result in `.grad` during backward passes."""

    @property
    def retains_grad(self) -> _bool:
        """Whether `retain_grad` was called on this result."""

    @property
    def _version(self) -> _int:
        """How many times the memory was written in place."""

    @property
    def output_nr(self) -> _int:
        """Which output of its node this tensor is."""

    def _is_view(self) -> _bool:
        """Whether the tensor shares the memory of another one that it was made of."""

    def is_inference(self) -> _bool:
        """Whether the tensor was made in inference mode: it never is."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """The values, the user's own attributes and whether gradients are asked for; no history."""

    def __deepcopy__(self, memo: _dict[_int, Any]) -> Tensor:
        """A leaf with memory of its own, with its gradient. RuntimeError for results."""

    def numpy(self, *, force: _bool = False) -> Any:
        """The values as a NumPy array that shares the memory."""

    def __array__(self, dtype: Any = None, copy: _bool | None = None) -> Any:
        ...

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: _bool = False) -> Any:
        """What NumPy's functions of tensors give: tensors again, where there is such a dtype."""

    def __dlpack__(self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: _bool | None = None) -> Any:
        """The DLPack capsule of the memory, for other libraries."""

    def __dlpack_device__(self) -> Any:
        ...

    def __array_namespace__(self, *, api_version: _str | None = None) -> Any:
        """The functions of the Python array API standard for tensors: `pullback.array_api`."""

    def to_device(self, device: Any, *, stream: Any = None) -> Tensor:
        """The tensor on a device: itself on the CPU. RuntimeError for devices that are not here."""

    def data_ptr(self) -> _int:
        """The address of the first element; 0 if there is none."""

    def storage_offset(self) -> _int:
        """How many elements lie before the first one in the memory that it shares."""

    def untyped_storage(self) -> _UntypedStorage:
        """The memory that this tensor and its views share, as bytes."""

    def storage(self) -> _TypedStorage:
        """The memory that this tensor and its views share, as elements. Prefer `untyped_storage`."""

    def is_set_to(self, tensor: Tensor) -> _bool:
        """Whether another tensor has the same elements of the same memory, in the same order."""

    def copy_(self, src: Any, non_blocking: _bool = False) -> Tensor:
        """The values of `src`, broadcast and converted, written over the tensor; gives itself."""

    def fill_(self, value: Any) -> Tensor:
        """One value, a number or a 0-d tensor, written everywhere; gives the tensor itself."""

    def zero_(self) -> Tensor:
        """Zeros written everywhere; gives the tensor itself."""

    def resize_(self, *size: Any, memory_format: Any = None) -> Tensor:
        """Another shape, in order from the first element on, in the same memory if that is enough."""

    def resize_as_(self, the_template: Tensor, memory_format: Any = None) -> Tensor:
        """`resize_` to the shape of another tensor."""

    def set_(self, source: Tensor | None = None) -> Tensor:
        """Take over the memory and the shape of another tensor of the same dtype."""

    def apply_(self, callable: Callable[[Any], Any]) -> Tensor:
        """A Python function of each number, written over it. Slow; for what no operation does."""

    def map_(self, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
        """A Python function of each number and that of another tensor, written over the first."""

    def map2_(self, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
        """A Python function of each number and those of two other tensors, written over the first."""

    def resolve_conj(self) -> Tensor:
        """The tensor itself: conjugates are computed at once."""

    def resolve_neg(self) -> Tensor:
        """The tensor itself: negatives are computed at once."""

    def __add__(self, other: Any) -> Tensor: ...

    def __iadd__(self, other: Any) -> Tensor: ...

    def __radd__(self, other: Any) -> Tensor: ...

    def __sub__(self, other: Any) -> Tensor: ...

    def __isub__(self, other: Any) -> Tensor: ...

    def __rsub__(self, other: Any) -> Tensor: ...

    def __mul__(self, other: Any) -> Tensor: ...

    def __imul__(self, other: Any) -> Tensor: ...

    def __rmul__(self, other: Any) -> Tensor: ...

    def __truediv__(self, other: Any) -> Tensor: ...

    def __itruediv__(self, other: Any) -> Tensor: ...

    def __rtruediv__(self, other: Any) -> Tensor: ...

    def __floordiv__(self, other: Any) -> Tensor: ...

    def __ifloordiv__(self, other: Any) -> Tensor: ...

    def __rfloordiv__(self, other: Any) -> Tensor: ...

    def __mod__(self, other: Any) -> Tensor: ...

    def __imod__(self, other: Any) -> Tensor: ...

    def __rmod__(self, other: Any) -> Tensor: ...

    def __pow__(self, other: Any) -> Tensor: ...

    def __ipow__(self, other: Any) -> Tensor: ...

    def __rpow__(self, other: Any) -> Tensor: ...

    def __and__(self, other: Any) -> Tensor: ...

    def __iand__(self, other: Any) -> Tensor: ...

    def __rand__(self, other: Any) -> Tensor: ...

    def __or__(self, other: Any) -> Tensor: ...

    def __ior__(self, other: Any) -> Tensor: ...

    def __ror__(self, other: Any) -> Tensor: ...

    def __xor__(self, other: Any) -> Tensor: ...

    def __ixor__(self, other: Any) -> Tensor: ...

    def __rxor__(self, other: Any) -> Tensor: ...

    def __lshift__(self, other: Any) -> Tensor: ...

    def __ilshift__(self, other: Any) -> Tensor: ...

    def __rlshift__(self, other: Any) -> Tensor: ...

    def __rshift__(self, other: Any) -> Tensor: ...

    def __irshift__(self, other: Any) -> Tensor: ...

    def __rrshift__(self, other: Any) -> Tensor: ...

    def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]

    def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]

    def __lt__(self, other: Any) -> Tensor: ...

    def __le__(self, other: Any) -> Tensor: ...

    def __gt__(self, other: Any) -> Tensor: ...

    def __ge__(self, other: Any) -> Tensor: ...

    def __rdiv__(self, other: Any) -> Tensor: ...

    def __neg__(self) -> Tensor: ...

    def __abs__(self) -> Tensor: ...

    def __matmul__(self, other: Any) -> Any:
        ...

    def __rmatmul__(self, other: Any) -> Any:
        ...

    def __invert__(self) -> Any:
        ...

    def __pos__(self) -> Any:
        ...

    def __getitem__(self, key: Any) -> Tensor:
        """The elements that a key selects: a view for integers, slices, None and `...`."""

    def __setitem__(self, key: Any, value: Any, name: _str = 'setitem') -> None:
        """Write a number, a tensor or an array where a key points; gradients flow to the tensor."""

    def __delitem__(self, key: Any) -> None:
        """Tensors have a fixed size."""

    def __len__(self) -> _int:
        ...

    def __iter__(self) -> Iterator[Tensor]:
        ...

    def __reversed__(self) -> Tensor:
        ...

    def __contains__(self, element: Any) -> _bool:
        ...

    def uniform_(self, *ends: _float, generator: _Generator | None = None, **named: Any) -> Tensor:
        """Uniform numbers on [from, to), by default [0, 1): `x.uniform_(from, to)`."""

    def normal_(self, mean: _float = ..., std: _float = ..., *, generator: _Generator | None = None) -> Tensor:
        """Normal numbers with this mean and standard deviation."""

    def log_normal_(self, mean: _float = ..., std: _float = ..., *, generator: _Generator | None = None) -> Tensor:
        """Exponentials of normal numbers; mean and std are those of the logarithm."""

    def exponential_(self, lambd: _float = ..., *, generator: _Generator | None = None) -> Tensor:
        """Exponential numbers of density λ exp(-λx)."""

    def cauchy_(self, median: _float = ..., sigma: _float = ..., *, generator: _Generator | None = None) -> Tensor:
        """Cauchy numbers around a median, of this half width."""

    def geometric_(self, p: _float, *, generator: _Generator | None = None) -> Tensor:
        """How many trials of probability p it takes until one succeeds: 1, 2, …"""

    def bernoulli_(self, p: Any = ..., *, generator: _Generator | None = None) -> Tensor:
        """1 with probability p, a number or a tensor that broadcasts, else 0."""

    def random_(self, *bounds: _int, generator: _Generator | None = None, **named: Any) -> Tensor:
        """Integers from `from` to `to` - 1; by default all that the dtype holds exactly, from 0 on."""

    def __dir__(self) -> _list[_str]:
        ...

    def prelu(self, weight: Tensor, *, out: _Out = None) -> Tensor:
        """$x$ above 0, a learned slope below: one, or one for each channel (axis 1)."""

    def hardshrink(self, lambd: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
        """0 between ±`lambd`, the input elsewhere."""

    def add(self, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """Sum: $y = \\text{input} + \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

    def add_(self, other: Tensor | _complex, *, alpha: _complex | Tensor = 1) -> Tensor:
        """Sum: $y = \\text{input} + \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

    def sub(self, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

    def subtract(self, other: Tensor | _complex, *, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

    def sub_(self, other: Tensor | _complex, *, alpha: _complex | Tensor = 1) -> Tensor:
        """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

    def subtract_(self, other: Tensor | _complex, *, alpha: _complex | Tensor = 1) -> Tensor:
        """Difference: $y = \\text{input} - \\alpha\\,\\text{other}$. Shapes broadcast, dtypes promote."""

    def mul(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

    def multiply(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

    def mul_(self, other: Tensor | _complex) -> Tensor:
        """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

    def multiply_(self, other: Tensor | _complex) -> Tensor:
        """Product: $y = \\text{input} \\cdot \\text{other}$. Shapes broadcast, dtypes promote."""

    def div(self, other: Tensor | _complex, *, rounding_mode: Any = None, out: _Out = None) -> Tensor:
        """Quotient: $y = \\text{input} / \\text{other}$."""

    def divide(self, other: Tensor | _complex, *, rounding_mode: Any = None, out: _Out = None) -> Tensor:
        """Quotient: $y = \\text{input} / \\text{other}$."""

    def div_(self, other: Tensor | _complex, *, rounding_mode: Any = None) -> Tensor:
        """Quotient: $y = \\text{input} / \\text{other}$."""

    def divide_(self, other: Tensor | _complex, *, rounding_mode: Any = None) -> Tensor:
        """Quotient: $y = \\text{input} / \\text{other}$."""

    def true_divide(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Quotient: the same as `div` without rounding."""

    def true_divide_(self, other: Tensor | _complex) -> Tensor:
        """Quotient: the same as `div` without rounding."""

    def floor_divide(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Quotient rounded down: $y = \\lfloor \\text{input} / \\text{other} \\rfloor$."""

    def floor_divide_(self, other: Tensor | _complex) -> Tensor:
        """Quotient rounded down: $y = \\lfloor \\text{input} / \\text{other} \\rfloor$."""

    def remainder(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """What floor division leaves over, with the sign of `other`, as Python's `%`."""

    def remainder_(self, other: Tensor | _complex) -> Tensor:
        """What floor division leaves over, with the sign of `other`, as Python's `%`."""

    def fmod(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """What truncated division leaves over, with the sign of `input`, as C's `fmod`."""

    def fmod_(self, other: Tensor | _complex) -> Tensor:
        """What truncated division leaves over, with the sign of `input`, as C's `fmod`."""

    def neg(self, *, out: _Out = None) -> Tensor:
        """Opposite: $y = -\\text{input}$."""

    def negative(self, *, out: _Out = None) -> Tensor:
        """Opposite: $y = -\\text{input}$."""

    def neg_(self) -> Tensor:
        """Opposite: $y = -\\text{input}$."""

    def negative_(self) -> Tensor:
        """Opposite: $y = -\\text{input}$."""

    def positive(self, *, out: _Out = None) -> Tensor:
        """The input itself: $y = +\\text{input}$."""

    def reciprocal(self, *, out: _Out = None) -> Tensor:
        """Inverse: $y = 1 / \\text{input}$."""

    def reciprocal_(self) -> Tensor:
        """Inverse: $y = 1 / \\text{input}$."""

    def pow(self, exponent: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Power: $y = \\text{input}^\\text{exponent}$. Either may be a number."""

    def pow_(self, exponent: Tensor | _complex) -> Tensor:
        """Power: $y = \\text{input}^\\text{exponent}$. Either may be a number."""

    def square(self, *, out: _Out = None) -> Tensor:
        """Square: $y = \\text{input}^2$."""

    def square_(self) -> Tensor:
        """Square: $y = \\text{input}^2$."""

    def sqrt(self, *, out: _Out = None) -> Tensor:
        """Square root: $y = \\sqrt{\\text{input}}$, NaN below 0."""

    def sqrt_(self) -> Tensor:
        """Square root: $y = \\sqrt{\\text{input}}$, NaN below 0."""

    def rsqrt(self, *, out: _Out = None) -> Tensor:
        """Inverse square root: $y = 1 / \\sqrt{\\text{input}}$."""

    def rsqrt_(self) -> Tensor:
        """Inverse square root: $y = 1 / \\sqrt{\\text{input}}$."""

    def abs(self, *, out: _Out = None) -> Tensor:
        """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

    def absolute(self, *, out: _Out = None) -> Tensor:
        """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

    def abs_(self) -> Tensor:
        """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

    def absolute_(self) -> Tensor:
        """Absolute value or modulus: $y = |\\text{input}|$; real for complex inputs."""

    def sign(self, *, out: _Out = None) -> Tensor:
        """-1, 0 or 1; 0 for NaN."""

    def sign_(self) -> Tensor:
        """-1, 0 or 1; 0 for NaN."""

    def sgn(self, *, out: _Out = None) -> Tensor:
        """Sign of real numbers; $z / |z|$ of complex ones, and 0 at 0."""

    def sgn_(self) -> Tensor:
        """Sign of real numbers; $z / |z|$ of complex ones, and 0 at 0."""

    def lerp(self, end: Tensor | _complex, weight: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Interpolation: $y = \\text{input} + \\text{weight}\\,(\\text{end} - \\text{input})$."""

    def lerp_(self, end: Tensor | _complex, weight: Tensor | _complex) -> Tensor:
        """Interpolation: $y = \\text{input} + \\text{weight}\\,(\\text{end} - \\text{input})$."""

    def addcmul(self, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} \\cdot \\text{tensor2}$."""

    def addcmul_(self, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1) -> Tensor:
        """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} \\cdot \\text{tensor2}$."""

    def addcdiv(self, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} / \\text{tensor2}$; not of integers."""

    def addcdiv_(self, tensor1: Tensor | _complex, tensor2: Tensor | _complex, *, value: _complex | Tensor = 1) -> Tensor:
        """$y = \\text{input} + \\text{value} \\cdot \\text{tensor1} / \\text{tensor2}$; not of integers."""

    def permute(self, *dims: _int | Sequence[_int], dims_: Any = None) -> Tensor:
        """Axes in another order: a view."""

    def transpose(self, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
        """Two axes exchanged: a view."""

    def swapaxes(self, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
        """Two axes exchanged: a view."""

    def swapdims(self, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
        """Two axes exchanged: a view."""

    def transpose_(self, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
        """Two axes exchanged: a view."""

    def swapaxes_(self, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
        """Two axes exchanged: a view."""

    def swapdims_(self, dim0: _int = ..., dim1: _int = ..., *, axis0: _int = ..., axis1: _int = ...) -> Tensor:
        """Two axes exchanged: a view."""

    def adjoint(self, *, out: _Out = None) -> Tensor:
        """The conjugate transpose of the last two axes; a number's conjugate."""

    def t(self) -> Tensor:
        """The transposed matrix: a view. RuntimeError above two axes."""

    def t_(self) -> Tensor:
        """The transposed matrix: a view. RuntimeError above two axes."""

    def movedim(self, source: _int | Sequence[_int], destination: _int | Sequence[_int], *, out: _Out = None) -> Tensor:
        """Axes moved to other places, the rest in order: a view."""

    def moveaxis(self, source: _int | Sequence[_int], destination: _int | Sequence[_int], *, out: _Out = None) -> Tensor:
        """Axes moved to other places, the rest in order: a view."""

    def unfold(self, dimension: _int, size: _int, step: _int) -> Tensor:
        """Windows of a size along one axis, their elements as the last axis: a view."""

    def i0(self, *, out: _Out = None) -> Tensor:
        """Modified Bessel function of the first kind, of order 0."""

    def i0_(self) -> Tensor:
        """Modified Bessel function of the first kind, of order 0."""

    def eq(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is equal to `other`, element by element; dtypes promote before."""

    def eq_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is equal to `other`, element by element; dtypes promote before."""

    def ne(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is different from `other`, element by element; dtypes promote before."""

    def not_equal(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is different from `other`, element by element; dtypes promote before."""

    def ne_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is different from `other`, element by element; dtypes promote before."""

    def not_equal_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is different from `other`, element by element; dtypes promote before."""

    def lt(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is less than `other`, element by element; dtypes promote before."""

    def less(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is less than `other`, element by element; dtypes promote before."""

    def lt_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is less than `other`, element by element; dtypes promote before."""

    def less_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is less than `other`, element by element; dtypes promote before."""

    def le(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is at most `other`, element by element; dtypes promote before."""

    def less_equal(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is at most `other`, element by element; dtypes promote before."""

    def le_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is at most `other`, element by element; dtypes promote before."""

    def less_equal_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is at most `other`, element by element; dtypes promote before."""

    def gt(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is greater than `other`, element by element; dtypes promote before."""

    def greater(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is greater than `other`, element by element; dtypes promote before."""

    def gt_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is greater than `other`, element by element; dtypes promote before."""

    def greater_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is greater than `other`, element by element; dtypes promote before."""

    def ge(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is at least `other`, element by element; dtypes promote before."""

    def greater_equal(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Whether `input` is at least `other`, element by element; dtypes promote before."""

    def ge_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is at least `other`, element by element; dtypes promote before."""

    def greater_equal_(self, other: Tensor | _complex) -> Tensor:
        """Whether `input` is at least `other`, element by element; dtypes promote before."""

    def isnan(self, *, out: _Out = None) -> Tensor:
        """Whether each element is NaN."""

    def isinf(self, *, out: _Out = None) -> Tensor:
        """Whether each element is infinite."""

    def isfinite(self, *, out: _Out = None) -> Tensor:
        """Whether each element is neither infinite nor NaN."""

    def signbit(self, *, out: _Out = None) -> Tensor:
        """Whether each element has its sign bit set, as -0.0 has."""

    def logical_and(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Both are non-zero, element by element."""

    def logical_and_(self, other: Tensor | _complex) -> Tensor:
        """Both are non-zero, element by element."""

    def logical_or(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """At least one is non-zero, element by element."""

    def logical_or_(self, other: Tensor | _complex) -> Tensor:
        """At least one is non-zero, element by element."""

    def logical_xor(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Exactly one is non-zero, element by element."""

    def logical_xor_(self, other: Tensor | _complex) -> Tensor:
        """Exactly one is non-zero, element by element."""

    def logical_not(self, *, out: _Out = None) -> Tensor:
        """Whether each element is zero."""

    def logical_not_(self) -> Tensor:
        """Whether each element is zero."""

    def bitwise_and(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Bit by bit and of integers or booleans."""

    def bitwise_and_(self, other: Tensor | _complex) -> Tensor:
        """Bit by bit and of integers or booleans."""

    def bitwise_or(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Bit by bit or of integers or booleans."""

    def bitwise_or_(self, other: Tensor | _complex) -> Tensor:
        """Bit by bit or of integers or booleans."""

    def bitwise_xor(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Bit by bit exclusive or of integers or booleans."""

    def bitwise_xor_(self, other: Tensor | _complex) -> Tensor:
        """Bit by bit exclusive or of integers or booleans."""

    def bitwise_not(self, *, out: _Out = None) -> Tensor:
        """Every bit of integers flipped; logical not of booleans."""

    def bitwise_not_(self) -> Tensor:
        """Every bit of integers flipped; logical not of booleans."""

    def isclose(self, other: Tensor, rtol: _float | Tensor = ..., atol: _float | Tensor = ..., equal_nan: _bool = False, *, out: _Out = None) -> Tensor:
        """Whether $|\\text{input} - \\text{other}| \\le \\text{atol} + \\text{rtol}\\,|\\text{other}|$."""

    def allclose(self, other: Tensor, rtol: _float | Tensor = ..., atol: _float | Tensor = ..., equal_nan: _bool = False, *, out: _Out = None) -> _bool:
        """Whether all elements are close, as a Python bool; see `isclose`."""

    def equal(self, other: Tensor, *, out: _Out = None) -> _bool:
        """Whether two tensors have the same shape and the same elements, as a Python bool."""

    def clone(self, *, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
        """A copy, through which gradients flow; its axes lie in memory as the input's."""

    def contiguous(self, *, memory_format: _memory_format | None = None, out: _Out = None) -> Tensor:
        """The tensor itself if its elements lie in order, else a copy."""

    def new_zeros(self, *size: _int | Sequence[_int], dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, pin_memory: Any = None, size_: Any = None, out: _Out = None) -> Tensor:
        """`zeros` of another size, with this tensor's dtype."""

    def new_ones(self, *size: _int | Sequence[_int], dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, pin_memory: Any = None, size_: Any = None, out: _Out = None) -> Tensor:
        """`ones` of another size, with this tensor's dtype."""

    def new_empty(self, *size: _int | Sequence[_int], dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, pin_memory: Any = None, size_: Any = None, out: _Out = None) -> Tensor:
        """`empty` of another size, with this tensor's dtype."""

    def new_full(self, size: _int | Sequence[_int], fill_value: _complex | Tensor, *, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, pin_memory: Any = None, out: _Out = None) -> Tensor:
        """`full` of another size, with this tensor's dtype."""

    def new_empty_strided(self, size: _int | Sequence[_int], stride: _int | Sequence[_int], *, dtype: _dtype | _type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool = False, pin_memory: Any = None, out: _Out = None) -> Tensor:
        """`empty_strided` with this tensor's dtype."""

    def cumsum(self, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
        """Running sum along one axis."""

    def cumsum_(self, dim: _int = ..., *, dtype: _dtype | _type | None = None, axis: _int = ...) -> Tensor:
        """Running sum along one axis."""

    def cumprod(self, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
        """Running product along one axis. Integers and booleans are multiplied in int64."""

    def cumprod_(self, dim: _int = ..., *, dtype: _dtype | _type | None = None, axis: _int = ...) -> Tensor:
        """Running product along one axis. Integers and booleans are multiplied in int64."""

    def cummax(self, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> return_types.cummax:
        """Running maximum along one axis, and where it is: named tuple (values, indices)."""

    def cummin(self, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> return_types.cummin:
        """Running minimum along one axis, and where it is: named tuple (values, indices)."""

    def logcumsumexp(self, dim: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """$\\log \\sum_{j \\le i} e^{x_j}$ along one axis, without overflow. The shape is the input's."""

    def det(self, *, out: _Out = None) -> Tensor:
        """Determinants of square matrices (…, n, n)."""

    def slogdet(self, *, out: _Out = None) -> return_types.slogdet:
        """`linalg.slogdet`."""

    def logdet(self, *, out: _Out = None) -> Tensor:
        """Logarithms of determinants: -inf of singular matrices, NaN of negative ones."""

    def matrix_power(self, n: _int, *, out: _Out = None) -> Tensor:
        """`linalg.matrix_power`."""

    def matrix_exp(self, *, out: _Out = None) -> Tensor:
        """`linalg.matrix_exp`."""

    def diagonal(self, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
        """The elements (i, i + offset) of two axes, as the last axis: a view."""

    def diagonal_scatter(self, src: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1, *, out: _Out = None) -> Tensor:
        """The input with `src` written where `diagonal` looks, in a copy."""

    def diag_embed(self, offset: _int = 0, dim1: _int = -2, dim2: _int = -1, *, out: _Out = None) -> Tensor:
        """The last axis as diagonals of two new axes, zeros elsewhere: the adjoint of `diagonal`."""

    def diag(self, diagonal: _int = 0, *, out: _Out = None) -> Tensor:
        """The matrix with a given diagonal, or the diagonal of a matrix, copied."""

    def diagflat(self, offset: _int = 0, *, out: _Out = None) -> Tensor:
        """The matrix with all elements of the input on a diagonal."""

    def trace(self, *, out: _Out = None) -> Tensor:
        """The sum of the diagonal of a matrix; of integers in int64."""

    def tril(self, diagonal: _int = 0, *, out: _Out = None) -> Tensor:
        """The lower triangle of matrices; zeros above the given diagonal."""

    def tril_(self, diagonal: _int = 0) -> Tensor:
        """The lower triangle of matrices; zeros above the given diagonal."""

    def triu(self, diagonal: _int = 0, *, out: _Out = None) -> Tensor:
        """The upper triangle of matrices; zeros below the given diagonal."""

    def triu_(self, diagonal: _int = 0) -> Tensor:
        """The upper triangle of matrices; zeros below the given diagonal."""

    def fill_diagonal_(self, fill_value: _complex | Tensor, wrap: _bool = False) -> Tensor:
        """`input.fill_diagonal_(fill_value)`: one number written where all indices are equal."""

    def diff(self, n: _int = 1, dim: _int = -1, prepend: Tensor | None = None, append: Tensor | None = None, *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The n-th differences of neighbours along one axis, after `prepend` and `append` are joined."""

    def multinomial(self, num_samples: _int, replacement: _bool = False, *, generator: Any = None, out: _Out = None) -> Tensor:
        """Indices drawn with probabilities in proportion to weights (n) or (m, n), as int64."""

    def poisson(self, generator: Any = None, *, out: _Out = None) -> Tensor:
        """Poisson numbers of these means."""

    def exp(self, *, out: _Out = None) -> Tensor:
        """Exponential: $y = e^\\text{input}$."""

    def exp_(self) -> Tensor:
        """Exponential: $y = e^\\text{input}$."""

    def exp2(self, *, out: _Out = None) -> Tensor:
        """Power of two: $y = 2^\\text{input}$."""

    def exp2_(self) -> Tensor:
        """Power of two: $y = 2^\\text{input}$."""

    def expm1(self, *, out: _Out = None) -> Tensor:
        """$y = e^\\text{input} - 1$, accurate near 0."""

    def expm1_(self) -> Tensor:
        """$y = e^\\text{input} - 1$, accurate near 0."""

    def log(self, *, out: _Out = None) -> Tensor:
        """Natural logarithm: $y = \\log \\text{input}$; -inf at 0, NaN below."""

    def log_(self) -> Tensor:
        """Natural logarithm: $y = \\log \\text{input}$; -inf at 0, NaN below."""

    def log2(self, *, out: _Out = None) -> Tensor:
        """Logarithm in base 2."""

    def log2_(self) -> Tensor:
        """Logarithm in base 2."""

    def log10(self, *, out: _Out = None) -> Tensor:
        """Logarithm in base 10."""

    def log10_(self) -> Tensor:
        """Logarithm in base 10."""

    def log1p(self, *, out: _Out = None) -> Tensor:
        """$y = \\log(1 + \\text{input})$, accurate near 0."""

    def log1p_(self) -> Tensor:
        """$y = \\log(1 + \\text{input})$, accurate near 0."""

    def sigmoid(self, *, out: _Out = None) -> Tensor:
        """Logistic function: $y = 1 / (1 + e^{-\\text{input}})$, without overflow."""

    def sigmoid_(self) -> Tensor:
        """Logistic function: $y = 1 / (1 + e^{-\\text{input}})$, without overflow."""

    def relu(self, inplace: _bool = False, *, out: _Out = None) -> Tensor:
        """Positive part: $y = \\max(\\text{input}, 0)$; NaN stays NaN."""

    def relu_(self) -> Tensor:
        """Positive part: $y = \\max(\\text{input}, 0)$; NaN stays NaN."""

    def logaddexp(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\log(e^\\text{input} + e^\\text{other})$, without overflow."""

    def erf(self, *, out: _Out = None) -> Tensor:
        """Error function: $y = \\frac{2}{\\sqrt\\pi} \\int_0^\\text{input} e^{-t^2} dt$."""

    def erf_(self) -> Tensor:
        """Error function: $y = \\frac{2}{\\sqrt\\pi} \\int_0^\\text{input} e^{-t^2} dt$."""

    def amax(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """Largest element over axes; NaN if there is one. Equal maxima share the gradient."""

    def amin(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """Smallest element over axes; NaN if there is one. Equal minima share the gradient."""

    def argmax(self, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """Index of the largest element along one axis, the first among equals; NaN counts as largest. Without `dim`: the index into the flattened tensor. int64."""

    def max(self, dim: Any = None, keepdim: _bool = False, *, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Any:
        """`max(input)`: the largest element, equal ones sharing the gradient."""

    def argmin(self, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """Index of the smallest element along one axis, the first among equals; NaN counts as smallest. Without `dim`: the index into the flattened tensor. int64."""

    def min(self, dim: Any = None, keepdim: _bool = False, *, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Any:
        """`min(input)`: the smallest element, equal ones sharing the gradient."""

    def cholesky(self, upper: _bool = False, *, out: _Out = None) -> Tensor:
        """`linalg.cholesky`, under its older name."""

    @overload
    def lu(self, pivot: _bool = True, get_infos: Literal[False] = False, *, out: _Out = None) -> return_types.lu_factor:
        """`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""
    @overload
    def lu(self, pivot: _bool = True, *, get_infos: Literal[True], out: _Out = None) -> return_types.lu_factor_ex:
        """`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""
    @overload
    def lu(self, pivot: _bool = True, get_infos: _bool = False, *, out: _Out = None) -> Any:
        """`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""

    def lu_solve(self, LU_data: Tensor, LU_pivots: Tensor, *, out: _Out = None) -> Tensor:
        """`linalg.lu_solve`, with the right-hand side first."""

    def frac(self, *, out: _Out = None) -> Tensor:
        """The fractional part, with the sign of the input."""

    def frac_(self) -> Tensor:
        """The fractional part, with the sign of the input."""

    def copysign(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The magnitude of the input with the sign of other, which zeros have too."""

    def copysign_(self, other: Tensor | _complex) -> Tensor:
        """The magnitude of the input with the sign of other, which zeros have too."""

    def fmax(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The larger of two; the number, if one is NaN."""

    def fmin(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The smaller of two; the number, if one is NaN."""

    def nextafter(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The number next to the input in the direction of other."""

    def nextafter_(self, other: Tensor | _complex) -> Tensor:
        """The number next to the input in the direction of other."""

    def frexp(self, *, out: _Out = None) -> return_types.frexp:
        """Mantissa in [0.5, 1) and exponent (int32): $\\text{mantissa} \\cdot 2^\\text{exponent}$."""

    def ldexp(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """$y = \\text{input} \\cdot 2^\\text{other}$."""

    def ldexp_(self, other: Tensor) -> Tensor:
        """$y = \\text{input} \\cdot 2^\\text{other}$."""

    def nan_to_num(self, nan: _complex | Tensor = ..., posinf: _complex | Tensor | None = None, neginf: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
        """NaN and infinities replaced: by `nan`, `posinf` and `neginf`."""

    def nan_to_num_(self, nan: _complex | Tensor = ..., posinf: _complex | Tensor | None = None, neginf: _complex | Tensor | None = None) -> Tensor:
        """NaN and infinities replaced: by `nan`, `posinf` and `neginf`."""

    def float_power(self, exponent: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Power in double precision: float64, or complex128 if either is complex."""

    def float_power_(self, exponent: Tensor | _complex) -> Tensor:
        """Power in double precision: float64, or complex128 if either is complex."""

    def heaviside(self, values: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """0 where the input is negative, 1 where it is positive, and `values` where it is 0."""

    def heaviside_(self, values: Tensor | _complex) -> Tensor:
        """0 where the input is negative, 1 where it is positive, and `values` where it is 0."""

    def hypot(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\sqrt{\\text{input}^2 + \\text{other}^2}$, without overflow."""

    def hypot_(self, other: Tensor | _complex) -> Tensor:
        """$y = \\sqrt{\\text{input}^2 + \\text{other}^2}$, without overflow."""

    def deg2rad(self, *, out: _Out = None) -> Tensor:
        """Degrees as radians."""

    def deg2rad_(self) -> Tensor:
        """Degrees as radians."""

    def rad2deg(self, *, out: _Out = None) -> Tensor:
        """Radians as degrees."""

    def rad2deg_(self) -> Tensor:
        """Radians as degrees."""

    def isposinf(self, *, out: _Out = None) -> Tensor:
        """Whether each element is positive infinity."""

    def isneginf(self, *, out: _Out = None) -> Tensor:
        """Whether each element is negative infinity."""

    def logaddexp2(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\log_2(2^\\text{input} + 2^\\text{other})$, without overflow."""

    def stft(self, n_fft: _int, hop_length: _int | None = None, win_length: _int | None = None, window: Any = None, center: _bool = True, pad_mode: Any = 'reflect', normalized: _bool = False, onesided: Any = None, return_complex: Any = None, align_to_window: Any = None, *, out: _Out = None) -> Tensor:
        """Transforms of frames of n_fft samples, `hop_length` apart, times a window."""

    def istft(self, n_fft: _int, hop_length: _int | None = None, win_length: _int | None = None, window: Any = None, center: _bool = True, normalized: _bool = False, onesided: Any = None, length: _int | None = None, return_complex: _bool = False, *, out: _Out = None) -> Tensor:
        """The signal of least squared error whose `stft` this is (D. Griffin and J. Lim, 1984)."""

    def lgamma(self, *, out: _Out = None) -> Tensor:
        """$y = \\log |\\Gamma(\\text{input})|$; inf at 0 and at negative integers."""

    def lgamma_(self) -> Tensor:
        """$y = \\log |\\Gamma(\\text{input})|$; inf at 0 and at negative integers."""

    def digamma(self, *, out: _Out = None) -> Tensor:
        """$\\psi = \\Gamma' / \\Gamma$; -inf at 0, NaN at negative integers."""

    def digamma_(self) -> Tensor:
        """$\\psi = \\Gamma' / \\Gamma$; -inf at 0, NaN at negative integers."""

    def polygamma(self, n: _int, *, out: _Out = None) -> Tensor:
        """The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""

    def polygamma_(self, n: _int) -> Tensor:
        """The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""

    def mvlgamma(self, p: _int, *, out: _Out = None) -> Tensor:
        """$\\frac{p(p-1)}{4} \\log\\pi + \\sum_{j<p} \\log\\Gamma(x - j/2)$, for p ≥ 1."""

    def mvlgamma_(self, p: _int) -> Tensor:
        """$\\frac{p(p-1)}{4} \\log\\pi + \\sum_{j<p} \\log\\Gamma(x - j/2)$, for p ≥ 1."""

    def igamma(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Regularised lower incomplete gamma function P(input, other), of other ≥ 0."""

    def igamma_(self, other: Tensor | _complex) -> Tensor:
        """Regularised lower incomplete gamma function P(input, other), of other ≥ 0."""

    def igammac(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """Regularised upper incomplete gamma function: 1 - P(input, other)."""

    def igammac_(self, other: Tensor | _complex) -> Tensor:
        """Regularised upper incomplete gamma function: 1 - P(input, other)."""

    def gather(self, dim: _int = ..., index: Tensor = ..., *, sparse_grad: _bool = False, out: _Out = None, axis: _int = ...) -> Tensor:
        """$y_{ij} = \\text{input}_{\\text{index}_{ij} j}$ for dim 0, and so on along any axis."""

    def take_along_dim(self, indices: Tensor, dim: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
        """Elements along one axis by their indices, as `argsort` gives them; shapes broadcast."""

    def histc(self, bins: _int = 100, min: _complex | Tensor = 0, max: _complex | Tensor = 0, *, out: _Out = None) -> Tensor:
        """The number of elements in each of `bins` equal parts of [min, max]; others are left out."""

    def histogram(self, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: _bool = False, out: _Out = None) -> return_types.histogram:
        """Named tuple (hist, bin_edges): the number, or weight, of elements in each bin."""

    def bincount(self, weights: Tensor | None = None, minlength: _int = 0, *, out: _Out = None) -> Tensor:
        """The number of times that each of 0, 1, … occurs in a vector; or the sums of weights."""

    def index_add(self, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, alpha: _complex | Tensor = 1, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input with $\\alpha\\,\\text{source}$ added at the places of an axis that `index` lists."""

    def index_add_(self, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, alpha: _complex | Tensor = 1, axis: _int = ...) -> Tensor:
        """The input with $\\alpha\\,\\text{source}$ added at the places of an axis that `index` lists."""

    def index_copy(self, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input with `source` written at the places of an axis that `index` lists."""

    def index_copy_(self, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., *, axis: _int = ...) -> Tensor:
        """The input with `source` written at the places of an axis that `index` lists."""

    def index_fill(self, dim: _int = ..., index: Tensor = ..., value: Tensor | _complex = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input with one value, a number or 0-d tensor, at the places of an axis."""

    def index_fill_(self, dim: _int = ..., index: Tensor = ..., value: Tensor | _complex = ..., *, axis: _int = ...) -> Tensor:
        """The input with one value, a number or 0-d tensor, at the places of an axis."""

    def index_reduce(self, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, out: _Out = None, axis: _int = ...) -> Tensor:
        """`scatter_reduce` with one position for all values at a place of an axis."""

    def index_reduce_(self, dim: _int = ..., index: Tensor = ..., source: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, axis: _int = ...) -> Tensor:
        """`scatter_reduce` with one position for all values at a place of an axis."""

    def index_put(self, indices: Sequence[Tensor | None], values: Tensor, accumulate: _bool = False, *, out: _Out = None) -> Tensor:
        """The input with values written, or added, at `input[indices]`."""

    def index_put_(self, indices: Sequence[Tensor | None], values: Tensor, accumulate: _bool = False) -> Tensor:
        """The input with values written, or added, at `input[indices]`."""

    def index_select(self, dim: _int = ..., index: Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The positions of an axis that a 1-D integer tensor lists."""

    def masked_select(self, mask: Tensor, *, out: _Out = None) -> Tensor:
        """The elements where the mask is True, in one axis."""

    def gcd(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The greatest common divisor, at least 0."""

    def gcd_(self, other: Tensor | _complex) -> Tensor:
        """The greatest common divisor, at least 0."""

    def lcm(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The least common multiple, at least 0."""

    def lcm_(self, other: Tensor | _complex) -> Tensor:
        """The least common multiple, at least 0."""

    def bitwise_left_shift(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\text{input} \\cdot 2^\\text{other}$, bits that do not fit dropped."""

    def bitwise_left_shift_(self, other: Tensor | _complex) -> Tensor:
        """$y = \\text{input} \\cdot 2^\\text{other}$, bits that do not fit dropped."""

    def bitwise_right_shift(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\lfloor \\text{input} / 2^\\text{other} \\rfloor$."""

    def bitwise_right_shift_(self, other: Tensor | _complex) -> Tensor:
        """$y = \\lfloor \\text{input} / 2^\\text{other} \\rfloor$."""

    def dot(self, tensor: Tensor, *, out: _Out = None) -> Tensor:
        """$\\sum_i a_i b_i$ of two vectors of one size; no broadcasting, no conjugate."""

    def mv(self, vec: Tensor, *, out: _Out = None) -> Tensor:
        """Product of a matrix (n, m) and a vector (m)."""

    def mm(self, mat2: Tensor, *, out: _Out = None) -> Tensor:
        """Product of matrices (n, k) and (k, m)."""

    def bmm(self, mat2: Tensor, *, out: _Out = None) -> Tensor:
        """Products of two stacks of matrices, (b, n, k) and (b, k, m)."""

    def matmul(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """Matrix product: of vectors, matrices, or stacks of matrices that broadcast."""

    def outer(self, vec2: Tensor, *, out: _Out = None) -> Tensor:
        """$y_{ij} = a_i b_j$ of two vectors."""

    def ger(self, vec2: Tensor, *, out: _Out = None) -> Tensor:
        """$y_{ij} = a_i b_j$ of two vectors."""

    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat1}\\,\\text{mat2}$."""

    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat1}\\,\\text{mat2}$."""

    def var(self, dim: Any = None, unbiased: Any = None, keepdim: _bool = False, *, correction: _complex | Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
        """Variance over axes: $\\frac{1}{n - \\text{correction}} \\sum_i |x_i - \\bar x|^2$."""

    def std(self, dim: Any = None, unbiased: Any = None, keepdim: _bool = False, *, correction: _complex | Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
        """Standard deviation: the square root of `var`."""

    def norm(self, p: Any = 'fro', dim: Any = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
        """Vector norm over axes, or of all elements; "fro" and None mean 2."""

    def sort(self, dim: _int = -1, descending: _bool = False, *, stable: _bool = False, out: _Out = None, axis: _int = ...) -> return_types.sort:
        """Elements in order along one axis, and where they came from; NaN counts as largest."""

    def topk(self, k: _int, dim: _int = -1, largest: _bool = True, sorted: _bool = True, *, out: _Out = None, axis: _int = ...) -> return_types.topk:
        """The k largest (or smallest) elements along one axis, in order, and their indices."""

    def argsort(self, dim: _int = -1, descending: _bool = False, stable: _bool = False, *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The indices that sort along one axis."""

    def qr(self, some: _bool = True, *, out: _Out = None) -> return_types.qr:
        """`linalg.qr`, "complete" where not `some`."""

    def geqrf(self, *, out: _Out = None) -> return_types.geqrf:
        """Householder vectors below R, and their factors τ, as LAPACK's geqrf; without derivative."""

    def ormqr(self, tau: Tensor, other: Tensor, left: _bool = True, transpose: _bool = False, *, out: _Out = None) -> Tensor:
        """The product of all of Q (m × m), as `geqrf` gives it, and another matrix."""

    def orgqr(self, input2: Tensor, *, out: _Out = None) -> Tensor:
        """`linalg.householder_product`."""

    def select(self, dim: _int = ..., index: _int = ..., *, axis: _int = ...) -> Tensor:
        """One position of an axis, which goes: a view. IndexError out of range."""

    def select_scatter(self, src: Tensor, dim: _int = ..., index: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input with `src` written where `select` looks, in a copy."""

    def slice_scatter(self, src: Tensor, dim: _int = 0, start: _int | None = None, end: _int | None = None, step: _int = 1, *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input with `src` written where `slice` looks, in a copy."""

    def narrow(self, dim: _int = ..., start: _int = ..., length: _int = ..., *, axis: _int = ...) -> Tensor:
        """`length` positions of an axis from `start`: a view."""

    def narrow_copy(self, dim: _int = ..., start: _int = ..., length: _int = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """`narrow`, copied."""

    def unbind(self, dim: _int = 0, *, axis: _int = ...) -> _tuple[Tensor, ...]:
        """A tuple of the positions of an axis: views."""

    def split_with_sizes(self, split_sizes: _int | Sequence[_int], dim: _int = 0, *, axis: _int = ...) -> _tuple[Tensor, ...]:
        """A tuple of pieces of an axis, of these sizes, which add up to its own: views."""

    def unsafe_split(self, split_size: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
        """`split_evenly`, copied."""

    def unsafe_split_with_sizes(self, split_sizes: _int | Sequence[_int], dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
        """`split_with_sizes`, copied."""

    def split(self, split_size_or_sections: Any = ..., dim: _int = 0, *, out: _Out = None, axis: _int = ..., split_size: Any = ..., tensor: Tensor = ...) -> _tuple[Tensor, ...]:
        """A tuple of pieces of an axis, of one size (the last may be smaller) or of given sizes."""

    def chunk(self, chunks: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
        """At most `chunks` pieces of an axis, of one size but for the last: views."""

    def unsafe_chunk(self, chunks: _int, dim: _int = 0, *, out: _Out = None, axis: _int = ...) -> _tuple[Tensor, ...]:
        """The pieces that `chunk` gives, copied."""

    def tensor_split(self, indices_or_sections: Any = ..., dim: _int = 0, *, out: _Out = None, axis: _int = ..., indices: Any = ..., sections: Any = ..., tensor_indices_or_sections: Any = ...) -> _tuple[Tensor, ...]:
        """A tuple of pieces of an axis: so many of nearly one size, or cut at given positions."""

    def hsplit(self, indices_or_sections: Any = ..., *, out: _Out = None, indices: Any = ..., sections: Any = ...) -> _tuple[Tensor, ...]:
        """`tensor_split` along axis 1, or axis 0 of 1-D tensors."""

    def vsplit(self, indices_or_sections: Any = ..., *, out: _Out = None, indices: Any = ..., sections: Any = ...) -> _tuple[Tensor, ...]:
        """`tensor_split` along axis 0 of at least 2-D tensors."""

    def dsplit(self, indices_or_sections: Any = ..., *, out: _Out = None, indices: Any = ..., sections: Any = ...) -> _tuple[Tensor, ...]:
        """`tensor_split` along axis 2 of at least 3-D tensors."""

    def take(self, index: Tensor, *, out: _Out = None) -> Tensor:
        """The elements at positions in the flattened input; the shape is the index's."""

    def put(self, index: Tensor, source: Tensor, accumulate: _bool = False, *, out: _Out = None) -> Tensor:
        """The input with values written, or added, at positions in the flattened tensor."""

    def put_(self, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
        """The input with values written, or added, at positions in the flattened tensor."""

    def masked_scatter(self, mask: Tensor, source: Tensor, *, out: _Out = None) -> Tensor:
        """The input with the first elements of `source`, in order, where the mask is True."""

    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Tensor:
        """The input with the first elements of `source`, in order, where the mask is True."""

    def angle(self, *, out: _Out = None) -> Tensor:
        """The argument of complex numbers, in (-π, π]; 0 or π for real ones, NaN for NaN."""

    def conj_physical(self, *, out: _Out = None) -> Tensor:
        """The complex conjugate; a copy of real numbers."""

    def conj_physical_(self) -> Tensor:
        """The complex conjugate; a copy of real numbers."""

    def isreal(self, *, out: _Out = None) -> Tensor:
        """Whether the imaginary part of each element is 0."""

    @overload
    def nonzero(self, *, as_tuple: Literal[False] = False, out: _Out = None) -> Tensor:
        """The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""
    @overload
    def nonzero(self, *, as_tuple: Literal[True], out: _Out = None) -> _tuple[Tensor, ...]:
        """The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""
    @overload
    def nonzero(self, *, as_tuple: _bool = False, out: _Out = None) -> Any:
        """The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""

    def argwhere(self, *, out: _Out = None) -> Tensor:
        """The positions of non-zero elements, a row each."""

    def nonzero_static(self, *, size: _int, fill_value: _int = -1, out: _Out = None) -> Tensor:
        """The first positions of non-zero elements, a row each: as many as `size` says, (size, axes)."""

    def repeat_interleave(self, repeats: Any = None, dim: _int | None = None, *, output_size: _int | None = None, out: _Out = None, axis: _int | None = ...) -> Tensor:
        """Each element, or each place of an axis, several times, one after the other."""

    def addmv(self, mat: Tensor, vec: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat}\\,\\text{vec}$, a matrix (n, m) and a vector (m)."""

    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha\\,\\text{mat}\\,\\text{vec}$, a matrix (n, m) and a vector (m)."""

    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha \\sum_b \\text{batch1}_b \\text{batch2}_b$."""

    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha \\sum_b \\text{batch1}_b \\text{batch2}_b$."""

    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$\\beta\\,\\text{input}_b + \\alpha\\,\\text{batch1}_b \\text{batch2}_b$."""

    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
        """$\\beta\\,\\text{input}_b + \\alpha\\,\\text{batch1}_b \\text{batch2}_b$."""

    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1, out: _Out = None) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha\\,\\text{vec1}\\,\\text{vec2}^T$ of two vectors."""

    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: _complex | Tensor = 1, alpha: _complex | Tensor = 1) -> Tensor:
        """$\\beta\\,\\text{input} + \\alpha\\,\\text{vec1}\\,\\text{vec2}^T$ of two vectors."""

    def vdot(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """$\\sum_i \\bar a_i b_i$ of two vectors of one size."""

    def inner(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """Sums of products along the last axes: (…, k) and (*, k) give (…, *)."""

    def kron(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """Kronecker's product: each element of the input times all of the other, as blocks."""

    def cross(self, other: Tensor, dim: Any = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
        """$a \\times b$ of the vectors along one axis; without `dim`, along the first of size 3."""

    def pinverse(self, rcond: Any = ..., *, out: _Out = None) -> Tensor:
        """`linalg.pinv` with the tolerance relative to the largest singular value."""

    @overload
    def median(self, dim: Literal[None] = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """The lower median of all elements; along one axis, named tuple (values, indices)."""
    @overload
    def median(self, dim: _int, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> return_types.median:
        """The lower median of all elements; along one axis, named tuple (values, indices)."""
    @overload
    def median(self, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Any:
        """The lower median of all elements; along one axis, named tuple (values, indices)."""

    @overload
    def nanmedian(self, dim: Literal[None] = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """`median` of the elements that are not NaN; NaN if there are none."""
    @overload
    def nanmedian(self, dim: _int, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> return_types.nanmedian:
        """`median` of the elements that are not NaN; NaN if there are none."""
    @overload
    def nanmedian(self, dim: _int | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Any:
        """`median` of the elements that are not NaN; NaN if there are none."""

    def kthvalue(self, k: _int, dim: _int = -1, keepdim: _bool = False, *, out: _Out = None, axis: _int = ..., keepdims: _bool = ...) -> return_types.kthvalue:
        """The k-th smallest element along one axis, from 1, and where it is; NaN is largest."""

    def mode(self, dim: _int = -1, keepdim: _bool = False, *, out: _Out = None, axis: _int = ..., keepdims: _bool = ...) -> return_types.mode:
        """The most frequent value along one axis, the smallest of several, and its last place."""

    def msort(self, *, out: _Out = None) -> Tensor:
        """The elements in order along the first axis."""

    def quantile(self, q: Tensor | _complex, dim: _int | None = None, keepdim: _bool = False, *, interpolation: Any = 'linear', out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """The quantiles q, in [0, 1], of all elements or along one axis; NaN if there is one."""

    def nanquantile(self, q: Tensor | _complex, dim: _int | None = None, keepdim: _bool = False, *, interpolation: Any = 'linear', out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """`quantile` of the elements that are not NaN; NaN where there are none."""

    def bernoulli(self, p: _float | None = None, *, generator: Any = None, out: _Out = None) -> Tensor:
        """1 with the probability that the input gives, or with probability `p`, else 0."""

    def flip(self, *dims: _int | Sequence[_int], dims_: Any = None, out: _Out = None) -> Tensor:
        """Elements in reverse order along the axes: a copy."""

    def fliplr(self, *, out: _Out = None) -> Tensor:
        """`flip` of axis 1."""

    def flipud(self, *, out: _Out = None) -> Tensor:
        """`flip` of axis 0."""

    def rot90(self, k: _int = 1, dims: _int | Sequence[_int] = ..., *, out: _Out = None) -> Tensor:
        """The plane of two axes turned by k quarters of a circle, from the first to the second."""

    def roll(self, shifts: Any, dims: Any = None, *, out: _Out = None) -> Tensor:
        """Elements moved along axes, those that leave coming back at the other end."""

    def repeat(self, *repeats: _int | Sequence[_int], repeats_: Any = None, out: _Out = None) -> Tensor:
        """Copies side by side, so many along each axis; new axes come first."""

    def tile(self, *dims: _int | Sequence[_int], dims_: Any = None, out: _Out = None) -> Tensor:
        """Copies side by side; missing counts are 1."""

    def sum(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """Sum over axes. Integers and booleans are summed in int64; `dtype` converts first."""

    def mean(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """Mean over axes: $\\frac1n \\sum_i x_i$; NaN over no elements. RuntimeError for integers."""

    def prod(self, dim: _int | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | None = ..., keepdims: _bool = ...) -> Tensor:
        """Product over one axis, or all. Its gradient is exact where factors are 0."""

    def any(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """Whether any element over the axes is non-zero."""

    def all(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """Whether all elements over the axes are non-zero."""

    def count_nonzero(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """The number of non-zero elements over axes."""

    def scatter_add(self, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input with `src` added where `gather` would read. RuntimeError for two dtypes."""

    def scatter_add_(self, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., *, axis: _int = ...) -> Tensor:
        """The input with `src` added where `gather` would read. RuntimeError for two dtypes."""

    def scatter(self, dim: _int = ..., index: Tensor = ..., src: Tensor | _complex = ..., *, reduce: Any = None, out: _Out = None, axis: _int = ..., value: Tensor | _complex = ...) -> Tensor:
        """The input with `src`, a tensor or one number, written where `gather` would read."""

    def scatter_(self, dim: _int = ..., index: Tensor = ..., src: Tensor | _complex = ..., *, reduce: Any = None, axis: _int = ..., value: Tensor | _complex = ...) -> Tensor:
        """The input with `src`, a tensor or one number, written where `gather` would read."""

    def scatter_reduce(self, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, out: _Out = None, axis: _int = ...) -> Tensor:
        """The input and the values of `src` where `gather` would read, reduced at each place."""

    def scatter_reduce_(self, dim: _int = ..., index: Tensor = ..., src: Tensor = ..., reduce: Any = ..., *, include_self: _bool = True, axis: _int = ...) -> Tensor:
        """The input and the values of `src` where `gather` would read, reduced at each place."""

    def where(self, condition: Tensor, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """`input.where(condition, other)`: input where the condition holds, else other."""

    def maximum(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The larger of two; NaN if either is. Equal elements share the gradient."""

    def minimum(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The smaller of two; NaN if either is. Equal elements share the gradient."""

    def clamp(self, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None, *, out: _Out = None) -> Tensor:
        """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

    def clip(self, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None, *, out: _Out = None) -> Tensor:
        """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

    def clamp_(self, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None) -> Tensor:
        """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

    def clip_(self, min: Tensor | _complex | None = None, max: Tensor | _complex | None = None) -> Tensor:
        """$y = \\min(\\max(\\text{input}, \\text{min}), \\text{max})$; either bound may be missing."""

    def clamp_min(self, min: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\max(\\text{input}, \\text{min})$."""

    def clamp_min_(self, min: Tensor | _complex) -> Tensor:
        """$y = \\max(\\text{input}, \\text{min})$."""

    def clamp_max(self, max: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = \\min(\\text{input}, \\text{max})$."""

    def clamp_max_(self, max: Tensor | _complex) -> Tensor:
        """$y = \\min(\\text{input}, \\text{max})$."""

    def masked_fill(self, mask: Tensor | _complex, value: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The input with `value`, a number or 0-d tensor, where the mask is True."""

    def masked_fill_(self, mask: Tensor | _complex, value: Tensor | _complex) -> Tensor:
        """The input with `value`, a number or 0-d tensor, where the mask is True."""

    def floor(self, *, out: _Out = None) -> Tensor:
        """The largest integer that is not larger."""

    def floor_(self) -> Tensor:
        """The largest integer that is not larger."""

    def ceil(self, *, out: _Out = None) -> Tensor:
        """The smallest integer that is not smaller."""

    def ceil_(self) -> Tensor:
        """The smallest integer that is not smaller."""

    def trunc(self, *, out: _Out = None) -> Tensor:
        """The integer part, towards zero."""

    def fix(self, *, out: _Out = None) -> Tensor:
        """The integer part, towards zero."""

    def trunc_(self) -> Tensor:
        """The integer part, towards zero."""

    def fix_(self) -> Tensor:
        """The integer part, towards zero."""

    def round(self, *, decimals: _int = 0, out: _Out = None) -> Tensor:
        """The nearest integer, or multiple of $10^{-\\text{decimals}}$; halves to even."""

    def round_(self, *, decimals: _int = 0) -> Tensor:
        """The nearest integer, or multiple of $10^{-\\text{decimals}}$; halves to even."""

    def conj(self, *, out: _Out = None) -> Tensor:
        """Complex conjugate; a real tensor is its own."""

    def unique(self, sorted: _bool = True, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None, *, out: _Out = None, axis: _int | None = ...) -> Any:
        """The different values of a tensor, or the different slices along one axis, in order."""

    def unique_consecutive(self, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None, *, out: _Out = None, axis: _int | None = ...) -> Any:
        """One value, or slice along one axis, for each run of equal ones."""

    def reshape(self, *shape: _int | Sequence[_int], shape_: Any = None) -> Tensor:
        """The elements in another shape, a view where memory allows; one size may be -1."""

    def view(self, *shape: Any, shape_: Any = None, out: _Out = None, size: Any = ..., dtype: Any = ...) -> Tensor:
        """The elements in another shape, never copied; or, for a dtype, the bits as another type."""

    def expand(self, *size: _int | Sequence[_int], implicit: _bool = False, size_: Any = None) -> Tensor:
        """Axes of size 1 repeated without a copy: a view; -1 keeps a size, new axes come first."""

    def broadcast_to(self, *size: _int | Sequence[_int], size_: Any = None, out: _Out = None) -> Tensor:
        """`expand` under NumPy's name: axes of size 1 repeated without a copy."""

    def expand_as(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """`expand` to the shape of another tensor."""

    def view_as(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """`view` with the shape of another tensor."""

    def reshape_as(self, other: Tensor, *, out: _Out = None) -> Tensor:
        """`reshape` to the shape of another tensor."""

    def unsqueeze(self, dim: _int = ..., *, axis: _int = ...) -> Tensor:
        """A new axis of size 1: a view."""

    def unsqueeze_(self, dim: _int = ..., *, axis: _int = ...) -> Tensor:
        """A new axis of size 1: a view."""

    def squeeze(self, dim: _int | Sequence[_int] | None = None, *, axis: _int | Sequence[_int] | None = ...) -> Tensor:
        """Without axes of size 1, or without those of `dim` that have size 1: a view."""

    def squeeze_(self, dim: _int | Sequence[_int] | None = None, *, axis: _int | Sequence[_int] | None = ...) -> Tensor:
        """Without axes of size 1, or without those of `dim` that have size 1: a view."""

    def flatten(self, start_dim: _int = 0, end_dim: _int = -1, *, out: _Out = None) -> Tensor:
        """Axes start_dim to end_dim as one."""

    def unflatten(self, dim: _int = ..., sizes: _int | Sequence[_int] = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """One axis as several."""

    def ravel(self, *, out: _Out = None) -> Tensor:
        """All elements in one axis."""

    def sum_to_size(self, *size: _int | Sequence[_int], size_: Any = None, out: _Out = None) -> Tensor:
        """Sums over the axes that broadcasting to the input's shape would repeat."""

    def svd(self, some: _bool = True, compute_uv: _bool = True, *, out: _Out = None) -> _tuple[Tensor, ...]:
        """`linalg.svd` with V instead of $V^H$; U and V are zeros where not `compute_uv`."""

    def logsumexp(self, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = False, *, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """$\\log \\sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""

    def softmax(self, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
        """$e^{x_i} / \\sum_j e^{x_j}$ along one axis."""

    def log_softmax(self, dim: _int = ..., *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
        """$x_i - \\log \\sum_j e^{x_j}$ along one axis."""

    def inverse(self, *, out: _Out = None) -> Tensor:
        """Inverses of square matrices (…, n, n). LinAlgError where there is none."""

    def triangular_solve(self, A: Tensor, upper: _bool = True, transpose: _bool = False, unitriangular: _bool = False, *, out: _Out = None) -> return_types.triangular_solve:
        """Solutions of A X = input for triangular A, or of its transpose, and A itself."""

    def cholesky_solve(self, L: Tensor, upper: _bool = False, *, out: _Out = None) -> Tensor:
        """Solutions of A X = input, given the Cholesky factor of A: $L L^H$, or $L^H L$ if `upper`."""

    def cholesky_inverse(self, upper: _bool = False, *, out: _Out = None) -> Tensor:
        """The inverse of A, given its Cholesky factor: $L L^H$, or $L^H L$ if `upper`."""

    def erfc(self, *, out: _Out = None) -> Tensor:
        """$y = 1 - \\operatorname{erf}(\\text{input})$, accurate where that is small."""

    def erfc_(self) -> Tensor:
        """$y = 1 - \\operatorname{erf}(\\text{input})$, accurate where that is small."""

    def erfinv(self, *, out: _Out = None) -> Tensor:
        """Inverse of `erf` on (-1, 1); infinite at the ends, NaN beyond."""

    def erfinv_(self) -> Tensor:
        """Inverse of `erf` on (-1, 1); infinite at the ends, NaN beyond."""

    def logit(self, eps: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
        """$y = \\log(x / (1 - x))$, of x brought into [eps, 1 - eps] if `eps` is given."""

    def logit_(self, eps: _complex | Tensor | None = None) -> Tensor:
        """$y = \\log(x / (1 - x))$, of x brought into [eps, 1 - eps] if `eps` is given."""

    def xlogy(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """$y = x \\log \\text{other}$; 0 where x is 0, unless other is NaN."""

    def xlogy_(self, other: Tensor | _complex) -> Tensor:
        """$y = x \\log \\text{other}$; 0 where x is 0, unless other is NaN."""

    def sinc(self, *, out: _Out = None) -> Tensor:
        """$y = \\sin(\\pi x) / (\\pi x)$, and 1 at 0."""

    def sinc_(self) -> Tensor:
        """$y = \\sin(\\pi x) / (\\pi x)$, and 1 at 0."""

    def nansum(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """`sum` of the elements that are not NaN; 0 of none. RuntimeError for complex numbers."""

    def nanmean(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
        """`mean` of the elements that are not NaN; NaN of none. RuntimeError for integers."""

    def aminmax(self, *, dim: Any = None, keepdim: _bool = False, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> return_types.aminmax:
        """Named tuple (min, max): the extremes of all elements, or along one axis."""

    def dist(self, other: Tensor, p: _complex | Tensor = 2, *, out: _Out = None) -> Tensor:
        """$\\left(\\sum_i |x_i - y_i|^p\\right)^{1/p}$ over all elements; the shapes broadcast."""

    def cov(self, *, correction: _int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None, out: _Out = None) -> Tensor:
        """The covariances of variables, which are rows, over observations, which are columns."""

    def corrcoef(self, *, out: _Out = None) -> Tensor:
        """The correlations of variables, which are rows, over observations, which are columns."""

    def renorm(self, p: _float | Tensor, dim: _int = ..., maxnorm: _float | Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
        """Slices along one axis whose p-norm is larger than `maxnorm`, shrunk to that norm."""

    def renorm_(self, p: _float | Tensor, dim: _int = ..., maxnorm: _float | Tensor = ..., *, axis: _int = ...) -> Tensor:
        """Slices along one axis whose p-norm is larger than `maxnorm`, shrunk to that norm."""

    def as_strided(self, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None, *, out: _Out = None) -> Tensor:
        """Elements at given steps in the memory that the input is a part of: a view."""

    def as_strided_(self, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None) -> Tensor:
        """Elements at given steps in the memory that the input is a part of: a view."""

    def as_strided_scatter(self, src: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None, *, out: _Out = None) -> Tensor:
        """The input with `src` written where `as_strided` looks, in a copy."""

    def sin(self, *, out: _Out = None) -> Tensor:
        """Sine; the argument in radians."""

    def sin_(self) -> Tensor:
        """Sine; the argument in radians."""

    def cos(self, *, out: _Out = None) -> Tensor:
        """Cosine; the argument in radians."""

    def cos_(self) -> Tensor:
        """Cosine; the argument in radians."""

    def tan(self, *, out: _Out = None) -> Tensor:
        """Tangent; the argument in radians."""

    def tan_(self) -> Tensor:
        """Tangent; the argument in radians."""

    def asin(self, *, out: _Out = None) -> Tensor:
        """Arc sine, in radians; NaN outside [-1, 1]."""

    def arcsin(self, *, out: _Out = None) -> Tensor:
        """Arc sine, in radians; NaN outside [-1, 1]."""

    def asin_(self) -> Tensor:
        """Arc sine, in radians; NaN outside [-1, 1]."""

    def arcsin_(self) -> Tensor:
        """Arc sine, in radians; NaN outside [-1, 1]."""

    def acos(self, *, out: _Out = None) -> Tensor:
        """Arc cosine, in radians; NaN outside [-1, 1]."""

    def arccos(self, *, out: _Out = None) -> Tensor:
        """Arc cosine, in radians; NaN outside [-1, 1]."""

    def acos_(self) -> Tensor:
        """Arc cosine, in radians; NaN outside [-1, 1]."""

    def arccos_(self) -> Tensor:
        """Arc cosine, in radians; NaN outside [-1, 1]."""

    def atan(self, *, out: _Out = None) -> Tensor:
        """Arc tangent, in radians."""

    def arctan(self, *, out: _Out = None) -> Tensor:
        """Arc tangent, in radians."""

    def atan_(self) -> Tensor:
        """Arc tangent, in radians."""

    def arctan_(self) -> Tensor:
        """Arc tangent, in radians."""

    def sinh(self, *, out: _Out = None) -> Tensor:
        """Hyperbolic sine."""

    def sinh_(self) -> Tensor:
        """Hyperbolic sine."""

    def cosh(self, *, out: _Out = None) -> Tensor:
        """Hyperbolic cosine."""

    def cosh_(self) -> Tensor:
        """Hyperbolic cosine."""

    def tanh(self, *, out: _Out = None) -> Tensor:
        """Hyperbolic tangent."""

    def tanh_(self) -> Tensor:
        """Hyperbolic tangent."""

    def asinh(self, *, out: _Out = None) -> Tensor:
        """Inverse hyperbolic sine."""

    def arcsinh(self, *, out: _Out = None) -> Tensor:
        """Inverse hyperbolic sine."""

    def asinh_(self) -> Tensor:
        """Inverse hyperbolic sine."""

    def arcsinh_(self) -> Tensor:
        """Inverse hyperbolic sine."""

    def acosh(self, *, out: _Out = None) -> Tensor:
        """Inverse hyperbolic cosine; NaN below 1."""

    def arccosh(self, *, out: _Out = None) -> Tensor:
        """Inverse hyperbolic cosine; NaN below 1."""

    def acosh_(self) -> Tensor:
        """Inverse hyperbolic cosine; NaN below 1."""

    def arccosh_(self) -> Tensor:
        """Inverse hyperbolic cosine; NaN below 1."""

    def atanh(self, *, out: _Out = None) -> Tensor:
        """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

    def arctanh(self, *, out: _Out = None) -> Tensor:
        """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

    def atanh_(self) -> Tensor:
        """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

    def arctanh_(self) -> Tensor:
        """Inverse hyperbolic tangent; NaN outside [-1, 1]."""

    def atan2(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The angle of the point (other, input) in radians, in all four quadrants."""

    def arctan2(self, other: Tensor | _complex, *, out: _Out = None) -> Tensor:
        """The angle of the point (other, input) in radians, in all four quadrants."""

    def atan2_(self, other: Tensor | _complex) -> Tensor:
        """The angle of the point (other, input) in radians, in all four quadrants."""

    def arctan2_(self, other: Tensor | _complex) -> Tensor:
        """The angle of the point (other, input) in radians, in all four quadrants."""
