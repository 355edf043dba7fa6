"""Parameters: the tensors that a module learns."""

from __future__ import annotations

from typing import Any, cast

from pullback import dtypes
from pullback.autograd.views import alias
from pullback.construct import make_leaf, tensor
from pullback.devices import check_device
from pullback.dispatch import TENSORS
from pullback.tensor import Tensor


class _ParameterType(type):
    """A parameter is a plain tensor with a mark: operations know only one class of tensors.

    That keeps their short ways short, and `isinstance(x, Parameter)` is the mark's look-up.
    """

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.__dict__.get("_is_parameter", False)


class Parameter(Tensor, metaclass=_ParameterType):
    """A leaf tensor that a `Module` registers when it is assigned as an attribute.

    It shares the memory of `data`. RuntimeError for integers that would require gradients.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        """The marked tensor. `data` is a tensor; None makes one without elements."""
        if data is None:
            data = tensor([])
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter(): argument 'data' must be Tensor, not {type(data).__name__}: write "
                f"Parameter(torch.tensor(...))"
            )
        made = alias(data)
        made._base, made._made_by = None, ()  # a leaf of its own, not a view of `data`
        if requires_grad:
            if not (made.dtype.is_floating_point or made.dtype.is_complex):
                raise RuntimeError(
                    f"Only Tensors of floating point and complex dtype can require gradients, not "
                    f"{made.dtype}: say requires_grad=False"
                )
            make_leaf(made)
        made.__dict__["_is_parameter"] = True
        return cast("Parameter", made)


class _BufferType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and "_is_buffer" in instance.__dict__


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that belongs to a module's state and is not learned; registered by assignment."""

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """The marked tensor, sharing the memory of `data`."""
        made = alias(tensor([]) if data is None else data)
        made.__dict__["_is_buffer"] = persistent
        return made


# -------------------------------------------------------------------------------- without a shape

_NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer: call the module that it "
    "belongs to with a batch first, or materialize() it"
)


class _Uninitialized(Tensor):
    """A tensor without a shape and values; `materialize` makes it a plain one, the same object."""

    _dtype: Any
    _wanted: bool  # whether gradients are asked for

    @property
    def _value(self) -> Any:  # what every operation asks for
        raise ValueError(
            "Attempted to use an uninitialized parameter: it has neither a shape nor values. Call "
            "the lazy module that it belongs to with a batch first"
        )

    @property
    def shape(self) -> Any:
        """RuntimeError: there is none yet."""
        raise RuntimeError(_NO_SHAPE)

    @property
    def dtype(self) -> Any:
        """The type that the elements will have."""
        return self._dtype

    @property
    def requires_grad(self) -> bool:
        """Whether gradients will be asked for."""
        return self._wanted

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._wanted = value

    @property
    def data(self) -> Any:
        """The tensor itself; assigning another one without a shape takes its dtype."""
        return self

    @data.setter
    def data(self, value: Any) -> None:
        self._dtype = value.dtype

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for gradients, or not, once there are values."""
        self._wanted = requires_grad
        return self

    def detach(self) -> Any:
        """The tensor itself."""
        return self

    def to(self, *args: Any, **keywords: Any) -> Any:
        """The same of another dtype."""
        given = [*args, *keywords.values()]
        wanted = next((a.dtype if isinstance(a, Tensor) else a for a in given
                       if isinstance(a, (Tensor, dtypes.dtype))), self._dtype)  # fmt: skip
        return _uninitialized(wanted, self._wanted, "_is_parameter" in self.__dict__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made = memo[id(self)] = self.to()
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _uninitialized, (self._dtype, self._wanted, "_is_parameter" in self.__dict__)

    def __repr__(self, *options: Any) -> str:
        kind = "Parameter" if "_is_parameter" in self.__dict__ else "Buffer"
        return f"<Uninitialized{kind}>"

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give the tensor a shape; its values mean nothing yet."""
        own = self.__dict__
        value = TENSORS.zeros(tuple(shape), dtype=dtype or own.pop("_dtype"), device=device)
        wanted = own.pop("_wanted")
        own.pop("_dtype", None)
        self.__class__ = Tensor  # type: ignore[assignment]  # lazy no longer
        own["_value"] = value._value
        if wanted:
            make_leaf(self)


for _name in ("float", "double", "half", "bfloat16", "cpu", "cuda"):
    _kind = getattr(dtypes, {"float": "float32", "double": "float64", "half": "float16"}.get(
        _name, _name), None)  # fmt: skip

    def _converted(self: Any, *args: Any, _kind: Any = _kind) -> Any:
        return self.to() if _kind is None else self.to(_kind)

    setattr(_Uninitialized, _name, _converted)


def _uninitialized(dtype: Any, requires_grad: bool, is_parameter: bool) -> Any:
    made = object.__new__(_Uninitialized)
    made.__dict__.update(_dtype=dtype, _wanted=requires_grad)
    if is_parameter:
        made.__dict__["_is_parameter"] = True
    return made


class _UninitializedType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        marked = "_is_parameter" in getattr(instance, "__dict__", ())
        return type(instance) is _Uninitialized and marked == (cls.__name__.endswith("Parameter"))


class UninitializedParameter(Tensor, metaclass=_UninitializedType):
    """A parameter that gets its shape later, by `materialize(shape)`."""

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """The parameter without a shape."""
        check_device(device)
        return _uninitialized(dtype or dtypes.get_default_dtype(), requires_grad, True)


class UninitializedBuffer(Tensor, metaclass=_UninitializedType):
    """A buffer that gets its shape later, by `materialize(shape)`."""

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None,
        persistent: bool = True,
    ) -> Any:  # fmt: skip
        """The buffer without a shape."""
        check_device(device)
        return _uninitialized(dtype or dtypes.get_default_dtype(), requires_grad, False)


def is_lazy(parameter: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return type(parameter) is _Uninitialized
