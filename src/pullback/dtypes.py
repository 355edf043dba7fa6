"""Element types, and the rules by which they mix."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np


class dtype:
    """An element type: `torch.float32` and its kin. Compared by identity, printed as PyTorch's."""

    __slots__ = (
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "kind",
        "name",
        "numpy",
    )

    numpy: np.dtype[Any]  # of the arrays that hold such elements

    def __init__(self, name: str, kind: str = "", itemsize: int = 0):
        self.name = name
        if not kind:
            self.numpy = np.dtype(name)
            kind, itemsize = self.numpy.kind, self.numpy.itemsize
        self.kind = kind  # NumPy's letter: b, u, i, f or c
        self.itemsize = itemsize  # in bytes
        self.is_floating_point = kind == "f"
        self.is_complex = kind == "c"
        self.is_signed = kind in "ifc"

    def __getattr__(self, name: str) -> Any:
        """NumPy's dtype of a type that it has from `ml_dtypes`, imported when it is needed."""
        if name != "numpy":
            raise AttributeError(f"torch.dtype has no attribute {name!r}")
        import ml_dtypes

        self.numpy = np.dtype(getattr(ml_dtypes, self.name))
        FROM_NUMPY[self.numpy] = self
        return self.numpy

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return from_name, (self.name,)

    def to_real(self) -> dtype:
        """The type of the real part."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts have this type; complex64 for float16.

        RuntimeError for integers and bool: they are not the parts of any.
        """
        if self.is_complex:
            return self
        if not self.is_floating_point:
            raise RuntimeError(
                f"Unknown Complex ScalarType for {SCALAR_NAMES[self]}: convert to a floating type "
                f"first"
            )
        return complex128 if self is float64 else complex64


uint8, uint16, uint32, uint64 = dtype("uint8"), dtype("uint16"), dtype("uint32"), dtype("uint64")
int8, int16, int32, int64 = dtype("int8"), dtype("int16"), dtype("int32"), dtype("int64")
float16, float32, float64 = dtype("float16"), dtype("float32"), dtype("float64")
bfloat16 = dtype("bfloat16", "f", 2)  # the upper half of a float32
complex64, complex128 = dtype("complex64"), dtype("complex128")
bool_ = dtype("bool")

ALL = (
    uint8, uint16, uint32, uint64, int8, int16, int32, int64,
    float16, bfloat16, float32, float64, complex64, complex128, bool_,
)  # fmt: skip

ALIASES = {
    "half": float16, "float": float32, "double": float64, "cfloat": complex64,
    "cdouble": complex128, "short": int16, "int": int32, "long": int64,
}  # fmt: skip

# What `Tensor.type()` prints, and the names of `torch.FloatTensor` and its kin.
LEGACY_NAMES = {
    float32: "FloatTensor", float64: "DoubleTensor", float16: "HalfTensor",
    bfloat16: "BFloat16Tensor",
    complex64: "ComplexFloatTensor", complex128: "ComplexDoubleTensor", uint8: "ByteTensor",
    int8: "CharTensor", int16: "ShortTensor", int32: "IntTensor", int64: "LongTensor",
    uint16: "UInt16Tensor", uint32: "UInt32Tensor", uint64: "UInt64Tensor", bool_: "BoolTensor",
}  # fmt: skip

# How PyTorch's messages call a type: "expected Float but found Double".
SCALAR_NAMES = {d: name.removesuffix("Tensor") for d, name in LEGACY_NAMES.items()}
SCALAR_NAMES |= {uint8: "Byte", bool_: "Bool"}

NAMES = {d.name: d for d in ALL}
FROM_NUMPY = {d.numpy: d for d in ALL if d is not bfloat16}  # which adds itself


def kind(numpy_dtype: np.dtype[Any]) -> str:
    """NumPy's letter for the kind of a dtype: b, u, i, f or c.

    NumPy takes bfloat16 for "V", as any dtype that is not its own; here it is floating point.
    """
    letter = numpy_dtype.kind
    return "f" if letter == "V" else letter


def limits(numpy_dtype: np.dtype[Any]) -> Any:
    """NumPy's `finfo` of a floating-point dtype."""
    if numpy_dtype.kind == "V":
        import ml_dtypes

        return ml_dtypes.finfo(numpy_dtype)  # type: ignore[no-untyped-call]  # without types
    return np.finfo(numpy_dtype)


def is_narrow(numpy_dtype: np.dtype[Any]) -> bool:
    """Whether numbers of a dtype are stored in 16 bits, and computed with in float32."""
    return numpy_dtype.itemsize == 2 and numpy_dtype.kind in "fV"


def check_number(number: Any, numpy_dtype: np.dtype[Any]) -> Any:
    """A Python number that a dtype takes: RuntimeError for complex ones elsewhere.

    OverflowError for integers beyond 64 bits, and for those that no float can hold.
    """
    if isinstance(number, complex) and numpy_dtype.kind != "c":
        if number.imag:
            raise RuntimeError(
                f"value cannot be converted to type {NAMES[numpy_dtype.name]} without overflow: "
                f"{number} is not real"
            )
        number = number.real
    elif type(number) is int and not -(2**63) <= number < 2**64:
        try:
            number = float(number) if numpy_dtype.kind in "fc" else np.int64(number)
        except OverflowError:
            shown = str(number) if number.bit_length() <= 256 else f"of {number.bit_length()} bits"
            raise OverflowError(
                f"the number {shown} is too large for {NAMES[numpy_dtype.name]}: write it as a "
                f"float, or convert the tensor with .to() first"
            ) from None
    return number


def fitted(number: Any, numpy_dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """A Python number that is written as it is, as a 0-d array.

    RuntimeError where the dtype cannot hold it; fractions are cut off, -1 may stand for the largest
    unsigned number, and infinities and NaN are numbers of every floating dtype.
    """
    letter = kind(numpy_dtype)
    if letter == "b":
        return np.array(bool(number))
    fits = letter == "c" or not (isinstance(number, complex) and number.imag)
    if fits and isinstance(number, complex) and letter != "c":
        number = number.real
    if fits and letter in "iu":
        limits_ = np.iinfo(numpy_dtype)
        low, high = int(limits_.min), int(limits_.max)
        if isinstance(number, float):  # NaN fails both comparisons
            fits = low <= number <= high
        else:
            fits = (low if letter == "i" else -high) <= number <= high
        if fits:
            number = int(number)
            return np.array(number if number >= low else number + high + 1, numpy_dtype)
    elif fits:
        with np.errstate(all="ignore"):
            found = np.array(check_number(number, numpy_dtype)).astype(numpy_dtype)
        if np.isfinite(found) or not cmath.isfinite(number):
            return found
    raise RuntimeError(
        f"value cannot be converted to type {NAMES[numpy_dtype.name]} without overflow: {number}"
    )


def from_name(name: str) -> dtype:
    """The type of that name."""
    return NAMES[name]


def from_numpy(numpy_dtype: np.dtype[Any]) -> dtype:
    """The type that stands for a NumPy dtype; TypeError if PyTorch has none."""
    found = FROM_NUMPY.get(numpy_dtype)
    if found is None:
        supported = ", ".join(NAMES)
        raise TypeError(
            f"can't convert np.ndarray of type {numpy_dtype}. The only supported types are: "
            f"{supported}."
        )
    return found


_BUILTIN = {float: float64, int: int64, bool: bool_, complex: complex128}


def given(function: str, d: Any) -> dtype | None:
    """A caller's `dtype=`: one of ours, None, or Python's float, int, bool, complex."""
    return None if d is None else as_dtype(function, d)


def as_dtype(function: str, d: Any) -> dtype:
    """The same where there must be one."""
    if isinstance(d, dtype):
        return d
    found = _BUILTIN.get(d) if isinstance(d, type) else None
    if found is None:
        raise TypeError(
            f"{function}(): argument 'dtype' must be torch.dtype, not {type(d).__name__}"
        )
    return found


class Default:
    """The floating type of `torch.tensor(1.0)`; see `set_default_dtype`."""

    dtype = float32


def get_default_dtype() -> dtype:
    """The floating type that Python floats become: float32 unless it was changed."""
    return Default.dtype


def set_default_dtype(d: dtype, /) -> None:
    """Set the floating type that Python floats become. TypeError for other types."""
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"only floating-point types are supported as the default type, not {d}")
    Default.dtype = d


# How wide integers are when they mix; the other unsigned ones mix with floats only, as in PyTorch.
_RANK = {d: k for k, d in enumerate((bool_, uint8, int8, int16, int32, int64))}


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type to which both convert: PyTorch's table.

    Integers give way to floats whatever their width: int64 with float16 is float16. RuntimeError
    for uint16, uint32 and uint64 with anything but themselves and floats.
    """
    if type1 is type2:
        return type1
    a, b = sorted((type1, type2), key=_category)
    if b.is_floating_point and not a.is_floating_point:
        return b
    if a.is_floating_point and b.is_complex:
        a = a.to_complex()
    if a.is_floating_point or a.is_complex:
        if a.itemsize == b.itemsize and a is not b:  # float16 and bfloat16: what holds both
            return float32
        return a if a.itemsize > b.itemsize else b
    if a not in _RANK or not (b in _RANK or b.is_complex):
        raise RuntimeError(f"Promotion for {a.name} and {b.name} is not supported: cast one first")
    if b.is_complex:
        return b
    if {a, b} == {uint8, int8}:
        return int16
    return a if _RANK[a] > _RANK[b] else b


def _category(d: dtype) -> int:
    """0 bool, 1 integer, 2 floating, 3 complex."""
    return {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}[d.kind]


def of_number(number: Any) -> dtype:
    """The type that a Python number stands for before it meets a tensor."""
    if isinstance(number, bool):
        return bool_
    if isinstance(number, int):
        return int64
    if isinstance(number, float):
        return Default.dtype
    if isinstance(number, complex):
        return Default.dtype.to_complex()
    raise TypeError(f"not a number: {number!r}")


def combine(with_dims: dtype | None, zero_dim: dtype | None, number: dtype | None) -> dtype:
    """The result type of operands by rank: tensors with axes, 0-d tensors, Python numbers.

    An operand of lower rank changes the result only if it is of a higher category: float32
    tensor * float64 0-d tensor is float32, int64 tensor * 1.5 is the default floating type.
    """
    result = _prefer(with_dims, _prefer(zero_dim, number))
    if result is None:
        raise TypeError("no operands")
    return result


def _prefer(high: dtype | None, low: dtype | None) -> dtype | None:
    if high is None or low is None:
        return low if high is None else high
    if high.is_complex:
        return high
    if high.is_floating_point:
        return high.to_complex() if low.is_complex else high
    if low.is_floating_point or low.is_complex:
        return low
    return promote_types(high, low) if high is bool_ else high


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether PyTorch converts results of the first type to the second silently (in-place, out=).

    A conversion may lose digits, but not the category: float to int is refused.
    """
    if from_.is_complex and not to.is_complex:
        return False
    if from_.is_floating_point and not (to.is_floating_point or to.is_complex):
        return False
    return not (from_ is not bool_ and to is bool_)
