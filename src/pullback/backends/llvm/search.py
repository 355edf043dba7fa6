"""Kernels that search nearest columns: min_j and argmin_j of Σ_d (x_id - y_jd)², or its root."""

from __future__ import annotations

from typing import NamedTuple

from ..loops import Kernel
from ..scalar import Scalar


class Search(NamedTuple):
    """What a kernel asks for: names of arrays, "" for results that it does not want."""

    rows: str
    columns: str
    values: str
    indices: str
    root: bool


def search_of(kernel: Kernel) -> Search | None:
    """The search that a simplified kernel is, if it is nothing else."""
    contracted, inner = kernel.named("contracted"), kernel.inner
    if len(contracted) != 1 or len(inner) != 1 or len(kernel.loops) != 3:
        return None
    results = {"min": "", "argmin": ""}
    bodies: dict[int, Scalar] = {}
    for o in kernel.outputs:
        n = o.value
        plain = len(o.indices) == 1 and o.indices[0].op == "index" and o.buffer.storage is None
        if n.op != "reduce" or n.data.over != inner or n.data.kind not in results or not plain:
            return None
        results[n.data.kind] = o.buffer.name
        bodies[id(n.args[0])] = n.args[0]
    if len(bodies) != 1 or len(kernel.outputs) != sum(map(bool, results.values())):
        return None
    (body,) = bodies.values()
    root = body.op == "sqrt"
    loads = _squared_distance(body.args[0] if root else body)
    if loads is None:
        return None
    by_index = {n.args[0].data: n.data for n in loads if _is_plain(n, contracted[0])}
    if by_index.keys() != {kernel.outer, inner[0]}:
        return None
    rows, columns = by_index[kernel.outer], by_index[inner[0]]
    return Search(rows.name, columns.name, results["min"], results["argmin"], root)


def _squared_distance(n: Scalar) -> tuple[Scalar, ...] | None:
    """The two sides of Σ_d (x - y)²."""
    if n.op != "reduce" or n.data.kind != "sum" or n.args[0].op != "mul":
        return None
    a, b = n.args[0].args
    return a.args if a is b and a.op == "sub" and a.dtype == n.dtype else None


def _is_plain(n: Scalar, along: str) -> bool:
    """Whether a side is x[i, d] of an array of floats with neighbouring d."""
    if n.op != "load" or n.data.rank != 2 or not n.data.unit or n.data.storage is not None:
        return False
    i, d = n.args
    return n.dtype.char in "fd" and i.op == d.op == "index" and d.data == along and i.data != along
