"""What a tensor says of itself: sizes, layout, kinds; and its transposes and parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback import dtypes, layouts
from pullback.arguments import wrap_dim
from pullback.autograd.levels import underneath
from pullback.devices import CPU
from pullback.dispatch import TENSORS
from pullback.methods.attach import attach, attribute, method, setter
from pullback.tensor import Tensor

# ----------------------------------------------------------------------------------- sizes


@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or one of its sizes."""
    return self.shape if dim is None else self._value.shape[_axis(self, dim)]


def _axis(self: Tensor, dim: int) -> int:
    """An axis counted from 0. IndexError if there is no such axis, as for any of a 0-d tensor."""
    ndim = self._value.ndim
    if ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return wrap_dim(dim, ndim)


@method
def dim(self: Tensor) -> int:
    """The number of axes."""
    return int(self._value.ndim)


@method
def numel(self: Tensor) -> int:
    """The number of elements."""
    return int(self._value.size)


attach("ndimension", dim)
attach("nelement", numel)


@method
def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether another tensor has the same shape."""
    return bool(self._value.shape == other._value.shape)


@attribute
def _cdata(self: Tensor) -> int:
    """A number that no other tensor has, by which libraries tell tensors apart."""
    return id(self)


@method
def element_size(self: Tensor) -> int:
    """The bytes of one element."""
    return int(self._value.itemsize)


@attribute
def itemsize(self: Tensor) -> int:
    """The bytes of one element."""
    return int(self._value.itemsize)


@attribute
def nbytes(self: Tensor) -> int:
    """The bytes of all elements."""
    return int(self._value.nbytes)


# ---------------------------------------------------------------------------------- layout


@method
def stride(self: Tensor, dim: int | None = None) -> Any:
    """The steps in memory along each axis, in elements."""
    if self._is_lifted:
        plain, axes = underneath(self)
        steps = stride(plain)[axes:]
        return steps if dim is None else steps[_axis(self, dim)]
    value = self._value
    if value.size and not self._is_formula:
        steps = tuple(s // value.itemsize for s in self._array.strides)
    else:  # NumPy's are 0 without elements; PyTorch's are those of a contiguous tensor
        step, backwards = 1, []
        for n in reversed(value.shape):
            backwards.append(step)
            step *= max(n, 1)
        steps = tuple(reversed(backwards))
    return steps if dim is None else steps[_axis(self, dim)]


@method
def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in memory in order, without gaps; channels last on request."""
    value = self._value
    if (memory_format is None or memory_format is layouts.contiguous_format) and (
        type(value) is np.ndarray
    ):
        return bool(value.flags.c_contiguous)
    axes = layouts.CHANNELS_LAST.get(memory_format)
    if axes is not None:
        value = self._array
        return bool(value.ndim == len(axes) and value.transpose(axes).flags.c_contiguous)
    layouts.given("is_contiguous", memory_format, 0)
    return self._is_formula or bool(self._array.flags.c_contiguous)


@method
def dim_order(self: Tensor) -> tuple[int, ...]:
    """The axes from the one with the largest step in memory to the one with the smallest."""
    steps = stride(self)
    return tuple(sorted(range(len(steps)), key=lambda k: -steps[k]))


@attribute
def device(self: Tensor) -> Any:
    """Where the tensor lives: the CPU."""
    return CPU


@attribute
def layout(self: Tensor) -> Any:
    """How the elements are laid out: `torch.strided`."""
    return layouts.strided


def _flag(name: str, doc: str, attribute_like: bool, answer: Any = False) -> None:
    """A question that has the same answer for all tensors."""

    def ask(self: Tensor) -> Any:
        return answer

    ask.__name__, ask.__doc__ = name, doc
    (attribute if attribute_like else method)(ask)


for _name, _doc in {
    "is_cuda": "Whether the tensor is on an NVIDIA GPU.",
    "is_cpu": "Whether the tensor is in the CPU's memory.",
    "is_sparse": "Whether the layout is sparse.",
    "is_sparse_csr": "Whether the layout is sparse, by rows.",
    "is_quantized": "Whether the elements are quantized.",
    "is_meta": "Whether the tensor has a shape without values.",
    "is_mkldnn": "Whether the layout is MKL-DNN's.",
    "is_mps": "Whether the tensor is on an Apple GPU.",
    "is_xpu": "Whether the tensor is on an Intel GPU.",
    "is_nested": "Whether the tensor is a list of tensors.",
    "is_ipu": "Whether the tensor is on a Graphcore IPU.",
    "is_maia": "Whether the tensor is on a Microsoft Maia.",
    "is_mtia": "Whether the tensor is on a Meta MTIA.",
    "is_vulkan": "Whether the tensor is on a GPU by Vulkan.",
    "is_xla": "Whether the tensor is on a TPU.",
}.items():
    _flag(_name, _doc, True, _name == "is_cpu")
for _name, _doc in {
    "is_conj": "Whether the tensor is a conjugate that was not computed yet: it never is.",
    "is_neg": "Whether the tensor is a negative that was not computed yet: it never is.",
    "is_distributed": "Whether the tensor is spread over processes.",
    "is_pinned": "Whether the memory is pinned for a GPU.",
    "is_shared": "Whether the memory is shared between processes.",
}.items():
    _flag(_name, _doc, False)
_flag("name", "A name for the tensor; None.", True, None)
_flag("sparse_dim", "The number of sparse axes.", False, 0)


@method
def dense_dim(self: Tensor) -> int:
    """The number of axes that are not sparse: all."""
    return int(self._value.ndim)


@method
def get_device(self: Tensor) -> int:
    """The number of the GPU that the tensor is on; -1 for the CPU."""
    return -1


@method
def is_nonzero(self: Tensor) -> bool:
    """Whether the one number of the tensor is not zero. RuntimeError for more numbers, or none."""
    return bool(self)


@method
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, which is dense; in another dtype if one is given."""
    return self if dtype is None else self.to(dtype)


@method
def is_floating_point(self: Tensor) -> bool:
    """Whether the elements are real floating-point numbers."""
    return bool(dtypes.kind(self._value.dtype) == "f")


@method
def is_complex(self: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return bool(self._value.dtype.kind == "c")


@method
def is_signed(self: Tensor) -> bool:
    """Whether the elements can be negative."""
    return bool(dtypes.kind(self._value.dtype) in "ifc")


# ------------------------------------------------------------------------ transposes, parts


@attribute
def T(self: Tensor) -> Tensor:
    """All axes in reverse order: a view."""
    return TENSORS.permute(self, *reversed(range(self._value.ndim)))


@attribute
def mT(self: Tensor) -> Tensor:
    """The last two axes exchanged: a view."""
    _need_matrix(self, "mT")
    return TENSORS.transpose(self, -2, -1)


@attribute
def H(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self._value.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self._value.ndim}-D "
            f"tensor."
        )
    return _conjugate(TENSORS.t(self))


@attribute
def mH(self: Tensor) -> Tensor:
    """The conjugate transpose of the last two axes."""
    _need_matrix(self, "mH")
    return _conjugate(TENSORS.transpose(self, -2, -1))


def _conjugate(x: Tensor) -> Tensor:
    return TENSORS.conj(x) if x._value.dtype.kind == "c" else x


def _need_matrix(self: Tensor, what: str) -> None:
    if self._value.ndim < 2:
        raise RuntimeError(
            f"tensor.{what} is only supported on matrices or batches of matrices. Got "
            f"{self._value.ndim}-D tensor."
        )


@attribute
def real(self: Tensor) -> Tensor:
    """The real part: a view; a real tensor is its own. Assigning writes into the tensor."""
    return TENSORS.real_function(self)


@attribute
def imag(self: Tensor) -> Tensor:
    """The imaginary part of a complex tensor: a view. Assigning writes into the tensor."""
    return TENSORS.imag_function(self)


@setter(real)
def _(self: Tensor, value: Any) -> None:
    self.real[...] = value


@setter(imag)
def _(self: Tensor, value: Any) -> None:
    self.imag[...] = value
