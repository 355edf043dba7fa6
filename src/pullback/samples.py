"""The registry as calls: each operation's samples, drawn from its declaration.

The tests are made of them (`tests/sampling.py`), and the page of operations tries them
(`operations_page.py`). The module that is asked is a parameter: pullback, its vocabulary of tensors
for operations that are not public, or PyTorch itself.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.op import Op, Pointwise, Reduction

FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
SIGNED = ("int8", "int16", "int32", "int64")
DTYPES = ("bool", "uint8", *SIGNED, *FLOATS, *COMPLEX)


class DtypeName(str):
    """A dtype among the arguments of a call; every library has its own object for it."""


class Sampler:
    """Draws the arguments of an operation's samples, always the same ones for a seed."""

    int32, int64 = DtypeName("int32"), DtypeName("int64")
    float32, float64 = DtypeName("float32"), DtypeName("float64")

    def __init__(self, name: str):
        self.source = np.random.default_rng(zlib.crc32(name.encode()))

    def __call__(self, *shape: int, low: float = -3.0, high: float = 3.0) -> Any:
        """Real numbers, evenly distributed."""
        return np.asarray(self.source.uniform(low, high, shape))

    def complex(self, *shape: int) -> Any:
        """Complex numbers."""
        return np.asarray(self(*shape) + 1j * self(*shape))

    def nonzero(self, *shape: int) -> Any:
        """Real numbers of both signs that can be divided by."""
        return self(*shape, low=0.3) * self.source.choice([-1.0, 1.0], shape)

    def distinct(self, *shape: int) -> Any:
        """Real numbers at least 0.1 apart, in random order: no ties, even when perturbed."""
        count = int(np.prod(shape))
        steps = self.source.permutation(count) - count / 2
        return (0.3 * steps + self.source.uniform(0, 0.2, count)).reshape(shape)

    def ordered(self, *shape: int) -> Any:
        """Real numbers in order along the last axis."""
        return np.sort(self(*shape), -1)

    def integers(self, low: int, high: int, *shape: int) -> Any:
        """Integers from low to high - 1."""
        return np.asarray(self.source.integers(low, high, shape))

    def booleans(self, *shape: int) -> Any:
        """True or False."""
        return np.asarray(self.source.random(shape) < 0.5)

    def order(self, count: int) -> Any:
        """The integers below count in random order."""
        return self.source.permutation(count)


@dataclass
class Call:
    """One call of an operation, with arrays for tensors."""

    op: Op
    args: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)

    def on(self, module: Any, change: Callable[[Any], Any] = lambda a: a) -> Any:
        """The result in a module, with every array changed first."""
        args, keywords = self.converted(module, change)
        return public(module, self.op)(*args, **keywords)

    def converted(self, module: Any, change: Callable[[Any], Any] = lambda a: a) -> Any:
        """The arguments as tensors and dtypes of a module; arrays that are one stay one."""
        return convert((self.args, self.keywords), module, change)

    def mapped(self, change: Callable[[Any], Any]) -> Call:
        """The call with every array changed."""
        args, keywords = walk((self.args, self.keywords), change)
        return Call(self.op, args, keywords)

    def arrays(self) -> list[Any]:
        """All arrays among the arguments."""
        found: list[Any] = []
        walk((self.args, self.keywords), found.append)
        return found

    def dtypes(self) -> list[DtypeName]:
        """The dtypes among the arguments."""
        return [a for a in (*self.args, *self.keywords.values()) if isinstance(a, DtypeName)]

    def bound(self) -> dict[str, Any]:
        """The arguments by their names."""
        made = signature(self.op).bind(*self.args, **self.keywords)
        return dict(made.arguments)

    def reference(self) -> Any:
        """The result by the operation's own NumPy reference."""
        args, keywords = convert_dtypes((self.args, self.keywords), np.dtype)
        assert self.op.reference_function is not None
        with np.errstate(all="ignore"):
            return self.op.reference_function(np, *args, **keywords)

    def __repr__(self) -> str:
        return f"{self.op.qualified_name}{self.args}{self.keywords or ''}"


def walk(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same nest of sequences with its arrays changed."""
    if isinstance(value, np.ndarray):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(walk(v, change) for v in value)
    if type(value) is dict:
        return {k: walk(v, change) for k, v in value.items()}
    return value


def convert_dtypes(value: Any, make: Callable[[str], Any]) -> Any:
    """The same nest with its names of dtypes replaced."""
    if isinstance(value, DtypeName):
        return make(value)
    if type(value) in (list, tuple):
        return type(value)(convert_dtypes(v, make) for v in value)
    if type(value) is dict:
        return {k: convert_dtypes(v, make) for k, v in value.items()}
    return value


def convert(value: Any, module: Any, change: Callable[[Any], Any]) -> Any:
    """Arrays as tensors (`change` sees the array first), names of dtypes as dtypes."""

    def tensor(a: Any) -> Any:
        made = change(a)
        if not isinstance(made, np.ndarray):
            return made
        if made.dtype.kind == "V":  # bfloat16, which PyTorch does not take from NumPy
            return module.from_numpy(made.view(np.int16)).view(module.bfloat16)
        return module.from_numpy(made)

    return walk(convert_dtypes(value, lambda name: getattr(module, name)), tensor)


def is_public(op: Op) -> bool:
    """Whether users can call it: a function, a method or an in-place method."""
    return op.is_function or op.is_method or bool(op.inplace_name)


def is_in_place_only(op: Op) -> bool:
    """Whether it can only write over a tensor, as `fill_`."""
    return not (op.is_function or op.is_method)


def key(op: Op) -> str:
    """The operation's name in the registry."""
    return op.key


def is_called_as_function(op: Op) -> bool:
    """Whether samples are calls of a function, not of a method of the first argument.

    PyTorch's methods like `x.permute(1, 0)` have functions with another signature, if any.
    """
    variadic = any(p.kind is p.VAR_POSITIONAL for p in signature(op).parameters.values())
    return op.is_function and not (variadic and op.is_method)


def public(module: Any, op: Op, tried: bool = True) -> Callable[..., Any]:
    """The operation as users of a module call it; with what its declaration says of `tried`."""
    if is_called_as_function(op):
        home = module
        for part in filter(None, op.namespace.split(".")):
            home = getattr(home, part)
        function: Callable[..., Any] = getattr(home, op.public_name)
        if tried and op.tried_function is not None:
            return functools.partial(op.tried_function, module, function)
        return function
    name = op.public_name if op.is_method else op.inplace_name

    def method(first: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(first.clone(), name)(*args, **keywords)

    return method


def signature(op: Op) -> inspect.Signature:
    """The public parameters: as declared, and dtype=None for new tensors."""
    return inspect.Signature([
        inspect.Parameter(
            p.name, p.kind, annotation=p.annotation,
            default=None if op.kind == "creation" and p.name == "dtype" else p.default,
        )
        for p in op.parameters
    ])  # fmt: skip


def calls(op: Op) -> list[Call]:
    """The operation's samples.

    Those of a pointwise operation with tensors alone are drawn here, and those of a reduction that
    declares none, as the ones behind public functions do.
    """
    r = Sampler(key(op))
    made: list[Call] = []
    if isinstance(op, Pointwise) and op.domain is not None:
        low, high = op.domain
        for shapes in _shapes(len(required_tensors(op))):
            args = [
                r.booleans(*shape) if name in op.keep_dtype else r(*shape, low=low, high=high)
                for name, shape in zip(required_tensors(op), shapes, strict=True)
            ]
            made.append(Call(op, tuple(args)))
    if op.sample_function is None and isinstance(op, Reduction):
        made = [Call(op, (r(3, 4), 0)), Call(op, (r(3, 4), -1, True)), Call(op, (r(2, 3, 2), 1))]
    if op.sample_function is not None:
        made += [Call(op, args, keywords) for args, keywords in op.sample_function(r)]
    return made


def required_tensors(op: Op) -> list[str]:
    """The names of the tensor arguments that a call must have."""
    empty = inspect.Parameter.empty
    return [p.name for p in op.parameters if p.is_tensor and p.default is empty]


def _shapes(count: int) -> Iterator[Sequence[tuple[int, ...]]]:
    """Equal shapes, broadcasting ones, 0-d ones and empty ones, for so many tensors."""
    if count == 1:
        yield from ([(3, 4)], [()], [(0, 3)])
        return
    yield [(3, 4)] * count
    yield list(itertools.islice(itertools.cycle([(3, 1), (1, 4), (4,)]), count))
    yield list(itertools.islice(itertools.cycle([(2, 3), ()]), count))
    yield [()] * count
    yield list(itertools.islice(itertools.cycle([(0, 3), (3,), (1, 1)]), count))


def outputs(result: Any) -> list[Any]:
    """The parts of a result: one tensor, several, or a Python value."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def cast(array: Any, dtype: str) -> Any:
    """The values in another dtype, made to fit: magnitudes for unsigned, signs for booleans."""
    if array.dtype.kind == "c":
        array = array if dtype.startswith("complex") else array.real
    elif dtype.startswith("complex"):
        array = array + 0.5j * np.flip(array).reshape(array.shape)
    if dtype == "bool":
        array = array > 0
    elif "int" in dtype:
        array = np.where(np.isfinite(array), array, 0)  # what integers do not have
        array = np.rint(np.abs(array) if dtype.startswith("uint") else array)
    return np.asarray(array).astype(dtypes.NAMES[dtype].numpy)


def in_dtype(call: Call, dtype: str) -> Call:
    """The call with its real numbers in another dtype; those of integer operations likewise."""
    real = any(dtypes.kind(a.dtype) in "fc" for a in call.arrays())
    return call.mapped(lambda a: cast(a, dtype) if dtypes.kind(a.dtype) in "fc" or not real else a)
