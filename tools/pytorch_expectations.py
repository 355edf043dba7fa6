"""Write tests/data/pytorch.json: what PyTorch answers to the questions of the tests.

    PYTHONPATH=src:tests python tools/pytorch_expectations.py

Run it with a Python that has PyTorch, after adding an operation; PyTorch is never needed by the
tests themselves. Operations that PyTorch does not have are named, and asked nothing.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sampling
from error_cases import ERRORS
from pullback.operation import Op
from sampling import key

TARGET = Path(__file__).parent.parent / "tests" / "data" / "pytorch.json"


def is_known(op: Op) -> bool:
    """Whether PyTorch has a function, or at least a method, of this name, in place or not."""
    home: Any = torch
    for part in filter(None, op.namespace.split(".")):
        home = getattr(home, part, None)
    names = op.public_name, f"{op.public_name}_"
    return any(hasattr(place, name) for place in (home, torch.Tensor) for name in names)


def known_operations() -> list[Op]:
    """The public operations that PyTorch has."""
    return [op for op in sampling.PUBLIC if is_known(op)]


def answer(call: Callable[[], Any]) -> Any:
    """What a call gives, or "!" and the builtin exception type that it raises."""
    try:
        return call()
    except Exception as error:
        for base in (IndexError, NotImplementedError, TypeError, ValueError, RuntimeError):
            if isinstance(error, base):
                return f"!{base.__name__}"
        return f"!{type(error).__name__}"


def result_dtypes(call: sampling.Call) -> str:
    """The dtypes of a call's results."""
    return sampling.dtype_names(call.on(torch))


def dtypes() -> dict[str, dict[str, str]]:
    """The result's dtype for each dtype of the arguments, by operation."""
    table = {}
    for op in known_operations():
        call = sampling.calls(op)[0]
        if call.arrays():
            table[key(op)] = {
                d: answer(partial(result_dtypes, sampling.in_dtype(call, d)))
                for d in sampling.DTYPES
            }
    return table


def complex_samples() -> dict[str, list[bool]]:
    """Whether each sample may have complex numbers instead of real ones."""
    table: dict[str, list[bool]] = {}
    for op in known_operations():
        table[key(op)] = []
        for call in sampling.calls(op):
            found = answer(partial(sampling.in_dtype(call, "complex128").on, torch))
            table[key(op)].append(not isinstance(found, str))
    return table


def promotions() -> dict[str, dict[str, str]]:
    """The result's dtype for operands of two dtypes."""
    return {
        key(op): {
            f"{a}, {b}": answer(partial(result_dtypes, sampling.pair_call(op, a, b)))
            for a, b in sampling.PAIRS
        }
        for op in known_operations()
        if sampling.promoting(op)
    }


def number(x: Any) -> Any:
    """A number as short as its dtype allows."""
    return json.loads(json.dumps(x.item())) if x.dtype != np.float32 else float(str(x))


def special() -> dict[str, dict[str, list[Any]]]:
    """Results for extreme values, by operation and dtype."""
    table: dict[str, dict[str, list[Any]]] = {}
    for op in filter(is_known, sampling.special_operations()):
        arity = sum(p.is_tensor for p in op.parameters)
        table[key(op)] = {}
        for dtype in sampling.special_dtypes(op):
            operands = sampling.special_operands(dtype, arity)
            sound = [
                not sampling.overflows_in_c(op, [np.asarray(v) for v in row])
                for row in zip(*operands, strict=True)
            ]
            sound_operands = [a[np.array(sound)] for a in operands]
            whole = answer(partial(sampling.special_call(op, sound_operands).on, torch))
            if isinstance(whole, str) and dtype.startswith("float"):
                continue  # not implemented for the dtype: the table of dtypes has that
            results = []
            for row, is_sound in zip(zip(*operands, strict=True), sound, strict=True):
                single = [np.asarray(v) for v in row]
                if not is_sound:
                    results.append("!undefined")
                    continue
                one = answer(partial(sampling.special_call(op, single).on, torch))
                results.append(one if isinstance(one, str) else number(one.numpy()[()]))
            if any(not isinstance(r, str) for r in results):
                table[key(op)][dtype] = results
    return table


def errors() -> dict[str, dict[str, str]]:
    """The exceptions of calls that make no sense; "" where PyTorch takes them."""
    table: dict[str, dict[str, str]] = {}
    for op in known_operations():
        table[key(op)] = {}
        for label, call in sampling.bad_calls(op).items():
            found = answer(partial(call.on, torch))
            refused = isinstance(found, str) and found != "!AttributeError"  # its own slip
            table[key(op)][label] = found if refused else ""
    names = {"torch": torch, **vars(torch)}
    table["cases"] = {}
    for case in ERRORS:
        found = answer(partial(eval, case, names))
        table["cases"][case] = found if isinstance(found, str) else ""
    return table


def main() -> None:
    """Ask, and write the answers down."""
    warnings.simplefilter("ignore")
    known = {
        "pytorch": torch.__version__.partition("+")[0],
        "dtypes": dtypes(),
        "complex": complex_samples(),
        "promotions": promotions(),
        "special": special(),
        "errors": errors(),
        "absent": {key(op): True for op in sampling.PUBLIC if not is_known(op)},
    }
    lines = [f'"pytorch": {json.dumps(known.pop("pytorch"))}']
    for section, table in known.items():
        rows = ",\n".join(
            f" {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in table.items()
        )
        lines.append(f'"{section}": {{\n{rows}\n}}')
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{TARGET}: {TARGET.stat().st_size / 1024:.0f} KiB", file=sys.stderr)


if __name__ == "__main__":
    main()
