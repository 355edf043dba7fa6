"""What tensors do besides the registry's operations: attributes, conversions, operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import engine
from pullback.autograd.graph import AccumulateGrad, RemovableHandle
from pullback.autograd.versions import version
from pullback.construct import TensorType, make_leaf
from pullback.devices import CPU, check_device
from pullback.dispatch import TENSORS, bind, bind_in_place, operator
from pullback.indexing import getitem, setitem
from pullback.op import REGISTRY, Op
from pullback.tensor import Tensor, wrap


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: attach a function to Tensor under its own name."""
    setattr(Tensor, function.__name__, function)
    function.__qualname__ = f"Tensor.{function.__name__}"
    return function


def attribute(function: Callable[..., Any]) -> property:
    """Decorator: attach a read-only property."""
    made = property(function)
    setattr(Tensor, function.__name__, made)
    return made


# ------------------------------------------------------------------------------- the graph


def _set_requires_grad(self: Tensor, value: bool) -> None:
    requires_grad_(self, value)


def _set_grad(self: Tensor, value: Tensor | None) -> None:
    if value is not None:
        if not isinstance(value, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value.shape != self.shape:
            raise RuntimeError(
                f"assigned grad has data of a different size: {list(value.shape)} for a tensor of "
                f"shape {list(self.shape)}"
            )
        if value.dtype is not self.dtype:
            raise RuntimeError(
                f"assigned grad has data of a different type: {value.dtype} for {self.dtype}"
            )
    self._grad = value


def _get_grad(self: Tensor) -> Tensor | None:
    """The gradient that `backward` accumulated into this leaf."""
    return self._grad


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"data must be a Tensor, not {type(value).__name__}")
    self._value = value._value
    if self._edge is not None and self._edge[0].accumulates:
        self._edge[0].shape = value.shape


def _get_data(self: Tensor) -> Tensor:
    """The values without their history: a tensor that shares the memory."""
    return wrap(self._value)


Tensor.requires_grad = property(Tensor.requires_grad.fget, _set_requires_grad)  # type: ignore[assignment,method-assign,attr-defined]
Tensor.grad = property(_get_grad, _set_grad)  # type: ignore[attr-defined]
Tensor.data = property(_get_data, _set_data)  # type: ignore[attr-defined]


@method
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Ask for gradients with respect to this leaf, or no longer. Gives the tensor itself."""
    edge = self._edge
    if requires_grad:
        if edge is None:
            make_leaf(self)
    elif edge is not None:
        if not edge[0].accumulates:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        self._edge = None
    return self


@method
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the leaves' `.grad` the gradient of this tensor; see `autograd.backward`."""
    engine.backward(self, gradient, retain_graph, create_graph, inputs)


@method
def detach(self: Tensor) -> Tensor:
    """The same values, in the same memory, without history."""
    return wrap(self._value)


@method
def detach_(self: Tensor) -> Tensor:
    """Forget this tensor's history. RuntimeError for a view."""
    if self._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, set gradient_as_bucket_view=False"
        )
    self._edge = None
    return self


@method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook(grad)` with each gradient of this tensor; it may return another instead."""
    if self._edge is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node, number = self._edge
    handle: RemovableHandle = node.register_tensor_hook(number, hook)
    return handle


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(tensor)` after its `.grad` was updated; for leaves."""
    if self._edge is None or not isinstance(self._edge[0], AccumulateGrad):
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return RemovableHandle(self._edge[0]._hooks().post_accumulate, hook)


@method
def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this result in `.grad` during backward passes."""
    if self._edge is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if self.is_leaf or getattr(self, "retains_grad", False):
        return
    import weakref

    reference = weakref.ref(self)

    def keep(grad: Tensor) -> None:
        tensor = reference()
        if tensor is not None:
            tensor._grad = grad if tensor._grad is None else TENSORS.add(tensor._grad, grad)

    self.register_hook(keep)  # type: ignore[attr-defined]  # attached above
    self.retains_grad = True  # type: ignore[attr-defined]  # PyTorch's attribute


@attribute
def _version(self: Tensor) -> int:
    """How many times the memory was written in place."""
    return version(self._value)


@attribute
def output_nr(self: Tensor) -> int:
    """Which output of its node this tensor is."""
    return 0 if self._edge is None else self._edge[1]


# ----------------------------------------------------------------------------- attributes


@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or one of its sizes."""
    return self.shape if dim is None else self.shape[_axis(self, dim)]


def _axis(self: Tensor, dim: int) -> int:
    from pullback.arguments import wrap_dim

    return wrap_dim(dim, self._value.ndim)


@method
def dim(self: Tensor) -> int:
    """The number of axes."""
    return int(self._value.ndim)


@method
def numel(self: Tensor) -> int:
    """The number of elements."""
    return int(self._value.size)


@method
def element_size(self: Tensor) -> int:
    """The bytes of one element."""
    return int(self._value.itemsize)


@method
def stride(self: Tensor, dim: int | None = None) -> Any:
    """The steps in memory along each axis, in elements."""
    steps = tuple(s // self._value.itemsize for s in self._value.strides)
    return steps if dim is None else steps[_axis(self, dim)]


@method
def storage_offset(self: Tensor) -> int:
    """How many elements lie before the first one in the memory that it shares."""
    from pullback.backends.memory import owner

    first = owner(self._value).__array_interface__["data"][0]
    return int((self._value.__array_interface__["data"][0] - first) // self._value.itemsize)


@method
def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    return int(self._value.__array_interface__["data"][0])


@method
def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in memory in order, without gaps."""
    return bool(self._value.flags.c_contiguous)


@method
def is_floating_point(self: Tensor) -> bool:
    """Whether the elements are real floating-point numbers."""
    return self.dtype.is_floating_point


@method
def is_complex(self: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return self.dtype.is_complex


@attribute
def nbytes(self: Tensor) -> int:
    """The bytes of all elements."""
    return int(self._value.nbytes)


@attribute
def itemsize(self: Tensor) -> int:
    """The bytes of one element."""
    return int(self._value.itemsize)


@attribute
def is_cuda(self: Tensor) -> bool:
    """Whether the tensor is on an NVIDIA GPU."""
    return False


@attribute
def is_sparse(self: Tensor) -> bool:
    """Whether the layout is sparse."""
    return False


Tensor.device = property(lambda self: CPU)  # type: ignore[attr-defined]


@attribute
def T(self: Tensor) -> Tensor:
    """All axes in reverse order: a view."""
    return TENSORS.permute(self, *reversed(range(self._value.ndim)))  # type: ignore[no-any-return]


@attribute
def mT(self: Tensor) -> Tensor:
    """The last two axes exchanged: a view."""
    if self._value.ndim < 2:
        raise RuntimeError(
            "tensor.mT is only supported on matrices or batches of matrices. Got "
            f"{self._value.ndim}-D tensor."
        )
    return TENSORS.transpose(self, -2, -1)  # type: ignore[no-any-return]


@attribute
def H(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self._value.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self._value.ndim}-D "
            f"tensor."
        )
    return TENSORS.conj(TENSORS.t(self))  # type: ignore[no-any-return]


@attribute
def mH(self: Tensor) -> Tensor:
    """The conjugate transpose of the last two axes."""
    return TENSORS.conj(TENSORS.transpose(self, -2, -1))  # type: ignore[no-any-return]


# ---------------------------------------------------------------------------- conversions


@method
def item(self: Tensor) -> Any:
    """The number in a tensor of one element. RuntimeError for more."""
    if self._value.size != 1:
        raise RuntimeError(
            f"a Tensor with {self._value.size} elements cannot be converted to Scalar: its shape "
            f"is {list(self.shape)}"
        )
    return self._value.item()


@method
def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers."""
    return self._value.tolist()


@method
def numpy(self: Tensor, *, force: bool = False) -> Any:
    """The values as a NumPy array that shares the memory.

    RuntimeError for a tensor that requires grad: use `.detach().numpy()`, or `force=True`.
    """
    if self._edge is not None and not force:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    return self._value


@method
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    array = numpy(self)
    if dtype is not None and np.dtype(dtype) != array.dtype:
        if copy is False:
            raise ValueError(f"a conversion from {array.dtype} to {dtype} needs a copy")
        return array.astype(dtype)
    return array.copy() if copy else array


@method
def __dlpack__(self: Tensor, **options: Any) -> Any:
    """The DLPack capsule of the memory, for other libraries."""
    if self._edge is not None:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return self._value.__dlpack__(**options)


@method
def __dlpack_device__(self: Tensor) -> Any:
    return self._value.__dlpack_device__()


@method
def to(self: Tensor, *args: Any, dtype: Any = None, device: Any = None,
       non_blocking: bool = False, copy: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """The tensor in another dtype: `to(dtype)`, `to(device)`, `to(other)`; itself if nothing changes.

    Gradients flow back through the conversion. RuntimeError for devices that are not here.
    """
    for a in args:
        if isinstance(a, dtypes.dtype):
            dtype = a
        elif isinstance(a, Tensor):
            dtype = a.dtype
        elif not isinstance(a, bool):
            device = a
    check_device(device)
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"to(): dtype must be a torch dtype, not {type(dtype).__name__}")
    if dtype is None or dtype is self.dtype:
        return TENSORS.clone(self) if copy else self
    return TENSORS.cast(self, dtype.numpy)  # type: ignore[no-any-return]


@method
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The legacy name of the type, or the tensor converted to a dtype, `torch.FloatTensor`, …"""
    if dtype is None:
        return f"torch.{dtypes.LEGACY_NAMES[self.dtype]}"
    if isinstance(dtype, TensorType):
        dtype = dtype.dtype
    if isinstance(dtype, str):
        names = {f"torch.{n}": d for d, n in dtypes.LEGACY_NAMES.items()}
        if dtype not in names:
            raise ValueError(f"invalid type: {dtype!r}; one of {', '.join(names)}")
        dtype = names[dtype]
    return to(self, dtype)


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(self, other.dtype)


@method
def cpu(self: Tensor) -> Tensor:
    """The tensor in the memory of the CPU."""
    return self


@method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """The tensor on an NVIDIA GPU. RuntimeError where there is none."""
    return to(self, "cuda" if device is None else device)


def _conversion(name: str, dtype: dtypes.dtype) -> None:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, dtype)

    convert.__name__ = name
    convert.__doc__ = f"The tensor in dtype {dtype}."
    method(convert)


for _name, _dtype in {**dtypes.ALIASES, "bool": dtypes.bool_, "byte": dtypes.uint8,
                      "char": dtypes.int8}.items():  # fmt: skip
    _conversion(_name, _dtype)


@method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment: call .detach() first"
        )
    made = wrap(self._value.copy())
    memo[id(self)] = made
    if self._edge is not None:
        make_leaf(made)
    if self._grad is not None:
        made._grad = __deepcopy__(self._grad, memo)
    return made


def _rebuild(array: Any, requires_grad: bool) -> Tensor:
    made = wrap(array)
    return make_leaf(made) if requires_grad else made


@method
def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    if not self.is_leaf:
        raise RuntimeError("only leaf tensors can be pickled: call .detach() first")
    return _rebuild, (self._value, self._edge is not None)


# ------------------------------------------------------------------------------ operators

# Python's operators: the operation, and the one for the operands in the other order.
OPERATORS = {
    "add": ("add", "add"), "sub": ("sub", "rsub"), "mul": ("mul", "mul"), "truediv": ("div", "rdiv"),
    "floordiv": ("floor_divide", ""), "mod": ("remainder", ""), "pow": ("pow", ""),
    "matmul": ("matmul", ""), "and": ("bitwise_and", "bitwise_and"),
    "or": ("bitwise_or", "bitwise_or"), "xor": ("bitwise_xor", "bitwise_xor"),
    "eq": ("eq", ""), "ne": ("ne", ""), "lt": ("lt", ""), "le": ("le", ""), "gt": ("gt", ""),
    "ge": ("ge", ""),
}  # fmt: skip


def _install_operators() -> None:
    for name, (function, reflected) in OPERATORS.items():
        op = REGISTRY[function]
        setattr(Tensor, f"__{name}__", operator(op))
        if op.inplace_name:
            setattr(Tensor, f"__i{name}__", bind_in_place(op))
        if reflected:
            setattr(Tensor, f"__r{name}__", operator(REGISTRY[reflected]))
        elif op.result != "bool":
            setattr(Tensor, f"__r{name}__", operator(op, swap=True))


_install_operators()


@method
def __neg__(self: Tensor) -> Any:
    return TENSORS.neg(self)


@method
def __pos__(self: Tensor) -> Any:
    return self


@method
def __abs__(self: Tensor) -> Any:
    return TENSORS.abs(self)


@method
def __invert__(self: Tensor) -> Any:
    return TENSORS.bitwise_not(self)


@method
def __bool__(self: Tensor) -> bool:
    if self._value.size != 1:
        count = "more than one value" if self._value.size else "no values"
        raise RuntimeError(
            f"Boolean value of Tensor with {count} is ambiguous: its shape is "
            f"{list(self.shape)}; use .any() or .all()"
        )
    return bool(self._value.item())


@method
def __int__(self: Tensor) -> int:
    return int(item(self))


@method
def __float__(self: Tensor) -> float:
    return float(item(self))


@method
def __complex__(self: Tensor) -> complex:
    return complex(item(self))


@method
def __index__(self: Tensor) -> int:
    if self._value.dtype.kind not in "biu" or self._value.size != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self._value.item())


@method
def __len__(self: Tensor) -> int:
    if not self._value.ndim:
        raise TypeError("len() of a 0-d tensor")
    return int(self._value.shape[0])


@method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self._value.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(TENSORS.unbind(self, 0))


@method
def __contains__(self: Tensor, element: Any) -> bool:
    value = element._value if isinstance(element, Tensor) else element
    return bool((self._value == value).any())


Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]  # tensors are compared by `is`
Tensor.__getitem__ = getitem  # type: ignore[attr-defined]
Tensor.__setitem__ = setitem  # type: ignore[attr-defined]


@method
def __format__(self: Tensor, specification: str) -> str:
    if self._value.ndim == 0 and self._edge is None:
        return format(self._value.item(), specification)
    return format(repr(self), specification)


@method
def __repr__(self: Tensor) -> str:
    from pullback.printing import tensor_repr

    suffix = []
    if self.grad_fn is not None:
        suffix.append(f"grad_fn=<{self.grad_fn.name()}>")
    elif self._edge is not None:
        suffix.append("requires_grad=True")
    d = self.dtype
    usual = d in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_) or (
        d is dtypes.get_default_dtype().to_complex()
    )
    return tensor_repr(self._value, dtype_name=repr(d), default_dtype=usual, suffix=suffix)


# --------------------------------------------------------------- the registry's operations


class OperationMethod:
    """A method that is made when it is first used: a thousand of them cost nothing at import."""

    def __init__(self, name: str, op: Op, make: Callable[[Op], Callable[..., Any]]):
        self.name = name
        self.op = op
        self.make = make
        self.__doc__ = op.doc

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function = self.make(self.op)
        setattr(Tensor, self.name, function)
        return getattr(owner if instance is None else instance, self.name)


def _install_methods() -> None:
    for op in REGISTRY.values():
        names = [op.public_name, *(n for n in op.aliases if "." not in n)]
        if op.is_method and op.namespace in ("", "special"):
            for name in names:
                if name not in vars(Tensor):
                    setattr(Tensor, name, OperationMethod(name, op, bind))
        if op.inplace_name:
            in_place = [op.inplace_name, *(f"{n}_" for n in names[1:])]
            for name in in_place:
                setattr(Tensor, name, OperationMethod(name, op, bind_in_place))


_install_methods()
