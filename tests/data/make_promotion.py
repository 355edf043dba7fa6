"""PyTorch's own answers on dtypes, for `test_promotion.py`: run by hand with PyTorch installed.

python tests/data/make_promotion.py > tests/data/promotion.json
"""

# ruff: noqa: B023  # every function made in a loop below is called in its turn
import json
import operator
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch

warnings.simplefilter("ignore")
DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
COMMON = [name for name in DTYPES if name not in ("uint16", "uint32", "uint64")]
NUMBERS = {"True": True, "1": 1, "1.0": 1.0, "1j": 1j}
BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "eq", "lt",
          "and_", "or_", "xor"]  # fmt: skip
IN_PLACE = ["iadd", "isub", "imul", "itruediv", "ipow", "iand"]
UNARY = ["neg", "pos", "abs", "invert"]
FUNCTIONS = ["exp", "sqrt", "sum", "prod", "mean"]


def answer(call: Callable[[], Any]) -> str:
    """The dtype of a result, or the name of the error."""
    try:
        result = call()
    except Exception as error:
        return type(error).__name__
    return str(getattr(result, "dtype", result)).removeprefix("torch.")


def tensor(name: str, *shape: int) -> Any:
    return torch.ones(shape, dtype=getattr(torch, name))


def table(names: list[str], call: Callable[[str, str], Any]) -> list[str]:
    """A line for each first dtype, a word for each second one."""
    return [" ".join(answer(lambda: call(a, b)) for b in names) for a in names]


def line(names: list[str], call: Callable[[str], Any]) -> str:
    return " ".join(answer(lambda: call(a)) for a in names)


def of_numbers(names: list[str], call: Callable[[str, Any], Any]) -> dict[str, str]:
    return {k: line(names, lambda a: call(a, v)) for k, v in NUMBERS.items()}


def default(dtype: Any, make: Callable[[], Any]) -> Any:
    torch.set_default_dtype(dtype)
    try:
        return make()
    finally:
        torch.set_default_dtype(torch.float32)


result = torch.result_type
ops = {name: getattr(operator, name) for name in (*BINARY, *IN_PLACE, *UNARY)}
answers = {
    "PyTorch": torch.__version__,
    "dtypes": " ".join(DTYPES),
    "common": " ".join(COMMON),
    "promote_types": table(
        DTYPES, lambda a, b: torch.promote_types(getattr(torch, a), getattr(torch, b))
    ),
    "can_cast": table(DTYPES, lambda a, b: torch.can_cast(getattr(torch, a), getattr(torch, b))),
    "axes_axes": table(DTYPES, lambda a, b: result(tensor(a, 2), tensor(b, 2))),
    "axes_none": table(DTYPES, lambda a, b: result(tensor(a, 2), tensor(b))),
    "none_none": table(DTYPES, lambda a, b: result(tensor(a), tensor(b))),
    "axes_number": of_numbers(DTYPES, lambda a, v: result(tensor(a, 2), v)),
    "none_number": of_numbers(DTYPES, lambda a, v: result(tensor(a), v)),
    "float64_number": default(
        torch.float64, lambda: of_numbers(DTYPES, lambda a, v: result(tensor(a, 2), v))
    ),
    "operators": {
        n: table(COMMON, lambda a, b: ops[n](tensor(a, 2), tensor(b, 2))) for n in BINARY
    },
    "number_right": {n: of_numbers(COMMON, lambda a, v: ops[n](tensor(a, 2), v)) for n in BINARY},
    "number_left": {n: of_numbers(COMMON, lambda a, v: ops[n](v, tensor(a, 2))) for n in BINARY},
    "in_place": {
        n: table(COMMON, lambda a, b: ops[n](tensor(a, 2), tensor(b, 2))) for n in IN_PLACE
    },
    "unary": {n: line(COMMON, lambda a: ops[n](tensor(a, 2))) for n in UNARY},
    "functions": {n: line(COMMON, lambda a: getattr(torch, n)(tensor(a, 2))) for n in FUNCTIONS},
}
json.dump(answers, sys.stdout, indent=1)
print()
