"""The registry as test cases: every public operation's calls (`pullback.samples`), and harder ones.

The module under test is a parameter (`pullback`, or PyTorch in `tools/pytorch_expectations.py`),
so that both are asked the same questions.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

import pullback  # noqa: F401  # fills the registry
from pullback.arguments import Dim, Dims, DimSet, NewDim
from pullback.op import REGISTRY, Composite, Op, Pointwise
from pullback.samples import (
    COMPLEX,
    DTYPES,
    FLOATS,
    SIGNED,
    Call,
    DtypeName,
    Sampler,
    calls,
    cast,
    convert,
    in_dtype,
    is_called_as_function,
    is_in_place_only,
    is_public,
    key,
    outputs,
    public,
    required_tensors,
    signature,
    walk,
)

__all__ = [
    "COMPATIBILITY", "COMPLEX", "DTYPES", "FLOATS", "PAIRS", "PUBLIC", "SIGNED", "Call",
    "DtypeName", "Sampler", "bad_calls", "calls", "cast", "convert", "dtype_names", "forget_calls",
    "in_dtype",
    "is_called_as_function", "is_in_place_only", "is_public", "key", "outputs",
    "overflows_in_c", "pair_call", "promoting", "public", "required_tensors", "signature",
    "special_call", "special_dtypes", "special_operands", "special_operations", "walk",
]  # fmt: skip

# Arguments that PyTorch has and that mean nothing here: every layout and device is the one.
COMPATIBILITY = {
    "device", "driver", "generator", "layout", "memory_format", "non_blocking", "pin_memory",
    "pivot", "requires_grad", "sparse_grad",
}  # fmt: skip

PUBLIC = [op for op in REGISTRY.values() if is_public(op)]


# ------------------------------------------------------------------------------------ dtypes


def dtype_names(result: Any) -> str:
    """The dtypes of a result's parts, or the names of their Python types."""
    parts = outputs(result)
    return " ".join(str(getattr(p, "dtype", type(p).__name__)).removeprefix("torch.")
                    for p in parts)  # fmt: skip


# Operand pairs for promotion: tensors, 0-d tensors ("0d"), and Python numbers.
PAIRS: list[tuple[str, Any]] = [
    ("float32", "float64"), ("int64", "float32"), ("int64", "float16"), ("bool", "int32"),
    ("uint8", "int8"), ("int16", "int32"), ("bool", "float32"), ("float16", "float32"),
    ("bfloat16", "float32"), ("bfloat16", "float16"), ("int64", "bfloat16"), ("bfloat16", 2.5),
    ("bfloat16", "0d float64"),
    ("int64", "complex64"), ("float64", "complex64"), ("float32", "0d float64"),
    ("int32", "0d int64"), ("int64", "0d float64"), ("bool", "0d uint8"),
    ("float32", "0d complex128"), ("int32", 2), ("int32", 2.5), ("float32", 2), ("float64", 2.5),
    ("float16", 2.5), ("bool", 2), ("uint8", 2), ("int64", True),
    ("float32", 2j), ("complex64", 2.5),
]  # fmt: skip


def promoting(op: Op) -> bool:
    """Whether an operation brings two tensors to a common dtype."""
    return (
        isinstance(op, Pointwise)
        and op.is_function
        and len(required_tensors(op)) == 2
        and not op.keep_dtype
    )


def pair_call(op: Op, left: str, right: Any) -> Call:
    """A call with operands of two dtypes."""
    r = Sampler(f"{left} {right}")
    if isinstance(right, str):
        shape = () if right.startswith("0d ") else (3,)
        second = cast(r(*shape, low=0.6), right.removeprefix("0d "))
    else:
        second = right
    return Call(op, (cast(r(3, low=0.6), left), second))


# ---------------------------------------------------------------------------- special values


def special_operands(dtype: str, arity: int) -> list[Any]:
    """Arrays of extreme values, every combination of them."""
    info: Any
    if dtype.startswith("float"):
        info = np.finfo(dtype)
        values = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.0, -3.5,
                  info.smallest_subnormal, info.max, -info.max]  # fmt: skip
        if arity == 1:
            values += [-info.smallest_subnormal, info.tiny, -0.5, 1.5, 2.5, -2.5, 1e-5, -1e-5,
                       0.1, 7.0, 88.0, -88.0, 100.25, 1e4]  # fmt: skip
        if arity == 3:
            values = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -2.5]
    else:
        info = np.iinfo(dtype)
        values = [0, 1, 2, 3, 7, info.max, info.max - 1, info.min]
        values += [-1, -2, -7, info.min + 1] if info.min < 0 else []
        if arity == 3:
            values = [0, 1, info.max, info.min]
    grid = np.array(list(itertools.product(values, repeat=arity)), dtype)
    return list(grid.reshape(-1, arity).T.copy())


def special_call(op: Op, operands: Sequence[Any]) -> Call:
    """The call with these operands for all tensors, masks taken from their signs."""
    names = [p.name for p in op.parameters if p.is_tensor]
    assert isinstance(op, Pointwise)
    return Call(op, tuple(a > 0 if n in op.keep_dtype else a
                          for n, a in zip(names, operands, strict=True)))  # fmt: skip


def special_operations() -> list[Op]:
    """The pointwise operations that are functions of tensors of any shape."""
    return [
        op for op in REGISTRY.values()
        if isinstance(op, Pointwise) and op.is_function
        and all(p.is_tensor or p.default is not inspect.Parameter.empty for p in op.parameters)
    ]  # fmt: skip


def special_dtypes(op: Op) -> list[str]:
    """Dtypes to try extreme values in."""
    arity = sum(p.is_tensor for p in op.parameters)
    return ["float32", *["float64"] * (arity == 1), "int64", "uint8"]


def overflows_in_c(op: Op, row: Sequence[Any]) -> bool:
    """Whether PyTorch's own loop is undefined: the smallest integer divided by -1.

    The process may even end. What gcd and lcm divide by is not for us to say.
    """
    if len(row) != 2 or row[0].dtype.kind != "i":
        return False
    least = np.iinfo(row[0].dtype).min
    if key(op) in ("gcd", "lcm"):
        return bool(row[0] == least or row[1] == least)
    return bool(row[0] == least and row[1] == -1)


# ------------------------------------------------------------------------------- bad calls


def bad_calls(op: Op) -> dict[str, Call]:
    """Calls that make no sense, by what is wrong with them."""
    good = calls(op)[0]
    made: dict[str, Call] = {}
    parameters = signature(op).parameters

    def with_argument(name: str, value: Any) -> Call:
        by_name = good.bound()
        by_name[name] = value
        args, keywords = [], {}
        named = False
        for n, p in parameters.items():
            if p.kind is p.VAR_POSITIONAL:
                args += by_name.get(n, ())
                named = True
            elif n not in by_name:
                named = True
            elif named or p.kind is p.KEYWORD_ONLY:
                keywords[n] = by_name[n]
            else:
                args.append(by_name[n])
        return Call(op, tuple(args), keywords)

    for position, (name, p) in enumerate(parameters.items()):
        if (
            name in COMPATIBILITY
            or p.kind is p.VAR_POSITIONAL
            or (position == 0 and not is_called_as_function(op))
        ):
            continue
        if op.parameters[op.positions[name]].is_tensor:
            made[f"{name}: text"] = with_argument(name, "text")
            made[f"{name}: object"] = with_argument(name, object())
        if p.annotation in (Dim, Dims, DimSet, NewDim):
            made[f"{name}: 99"] = with_argument(name, 99)
            made[f"{name}: -99"] = with_argument(name, -99)
            made[f"{name}: text"] = with_argument(name, "text")
        if p.annotation in (Dims, DimSet):
            made[f"{name}: repeated"] = with_argument(name, (0, 0))
        if p.annotation in ("int", int, "float", float, "bool", bool):
            made[f"{name}: text"] = with_argument(name, "text")
        if p.annotation in ("int", int):
            made[f"{name}: 1.5"] = with_argument(name, 1.5)
    made["unknown keyword"] = Call(op, good.args, good.keywords | {"no_such_argument": 1})
    made["too many arguments"] = Call(op, (*good.args, *[object()] * 12), good.keywords)
    if promoting(op):
        made["shapes"] = Call(op, (np.ones((2, 3)), np.ones(4)))
    if not isinstance(op, Composite) and len(good.args) and good.arrays():
        made["nothing"] = Call(op, ())
    return made


def forget_calls() -> None:
    """Let no call of an operation be one that was met before."""
    for op in REGISTRY.values():
        op.calls.clear()
