"""Recurrent layers on arrays: one step after the other, on the rows that are still running.

Rows of all times are one after the other. A step is (start, stop, kept): its rows, of which the
first ones go on from the step before, and the others begin. A product with weights is BLAS's; the
rest of a step is a compiled loop (`llvm.recurrent`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["gru_array", "lstm_array", "lstm_back_array", "rnn_array"]

WORTH = 1 << 8  # numbers of gates from which compiled loops are looked for

Steps = Sequence[tuple[int, int, int]]


def _running(steps: Steps, first: Any, made: Any) -> Iterator[tuple[int, int, Any, int]]:
    """Each step's rows, an array with the states that it begins with, and the first row of them.

    `made` holds those that it leaves.
    """
    before = 0
    for start, stop, kept in steps:
        if kept == stop - start:
            yield start, stop, made, before
        elif not kept:
            yield start, stop, first, 0
        else:
            parts = [made[before : before + kept], first[kept : stop - start]]
            yield start, stop, np.concatenate(parts), 0
        before = start


@functools.cache
def _step(kind: str, dtype: Any) -> Any:
    """A step in machine code; None without LLVM, and for other dtypes."""
    if dtype not in (np.float32, np.float64):
        return None
    try:
        from .llvm.recurrent import step
    except ImportError:
        return None
    return step(kind, dtype)


def _sigmoid(x: Any) -> None:
    """In place; what overflows is 0 in the end."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)


def rnn_array(gates: Any, h0: Any, weight: Any, nonlinearity: str, steps: Steps) -> Any:
    """The states of a plain recurrent layer."""
    h = np.empty_like(gates)
    w = weight.T
    for start, stop, before, old in _running(steps, h0, h):
        z = np.matmul(before[old : old + stop - start], w, out=h[start:stop])
        z += gates[start:stop]
        if nonlinearity == "tanh":
            np.tanh(z, out=z)
        else:
            np.maximum(z, 0, out=z)
    return h


def lstm_array(
    gates: Any, h0: Any, c0: Any, weight: Any, projection: Any, steps: Steps
) -> tuple[Any, Any, Any]:
    """The states and cells of an LSTM, and its gates i, f, g, o after their activations."""
    rows, size = len(gates), c0.shape[1]
    gates, c0 = np.ascontiguousarray(gates), np.ascontiguousarray(c0)
    h = np.empty((rows, h0.shape[1]), gates.dtype)
    c, active = np.empty((rows, size), gates.dtype), np.empty(gates.shape, gates.dtype)
    # Of a projection, the outputs of one step.
    outputs = h if projection is None else np.empty((len(h0), size), gates.dtype)
    step = _step("lstm", gates.dtype) if gates.size >= WORTH else None
    step = step or _lstm_step
    w = weight.T
    cells = _running(steps, c0, c)
    for (start, stop, before, old), (_, _, cell, its) in zip(
        _running(steps, h0, h), cells, strict=True
    ):
        count = stop - start
        np.matmul(before[old : old + count], w, out=active[start:stop])
        to = start if projection is None else 0
        step(gates, active, cell, c, outputs, start, count, its, to, size)
        if projection is not None:
            np.matmul(outputs[:count], projection.T, out=h[start:stop])
    return h, c, active


def _lstm_step(
    gates: Any, active: Any, before: Any, c: Any, outputs: Any, first: int, rows: int, old: int,
    to: int, size: int,
) -> None:  # fmt: skip
    """One step, where states have been multiplied by weights: `llvm.recurrent`."""
    z = active[first : first + rows]
    z += gates[first : first + rows]
    _sigmoid(z[:, : 2 * size])
    np.tanh(z[:, 2 * size : 3 * size], out=z[:, 2 * size : 3 * size])
    _sigmoid(z[:, 3 * size :])
    i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
    new = np.multiply(f, before[old : old + rows], out=c[first : first + rows])
    new += i * g
    np.multiply(o, np.tanh(new), out=outputs[to : to + rows])


def lstm_back_array(
    of_h: Any, of_c: Any, h0: Any, c0: Any, weight: Any, c: Any, gates: Any, steps: Steps
) -> tuple[Any, Any, Any] | None:
    """What inputs of gates, first states and first cells of an LSTM get for what its states and
    cells get, by a compiled loop; None where there is none."""
    step = _step("lstm_back", gates.dtype) if gates.size >= WORTH else None
    if step is None:
        return None
    of_h, of_c, c0, c, gates = map(np.ascontiguousarray, (of_h, of_c, c0, c, gates))
    parts = np.empty(gates.shape, gates.dtype)
    first_h, first_c = np.zeros(h0.shape, h0.dtype), np.zeros(c0.shape, c0.dtype)
    flow_h, flow_c = np.zeros(h0.shape, h0.dtype), np.zeros(c0.shape, c0.dtype)
    flowing = 0  # rows that the step behind has handed back
    for (start, stop, cells, old), (_, _, kept) in zip(
        reversed(list(_running(steps, c0, c))), reversed(steps), strict=True
    ):
        count = stop - start
        flow_h[flowing:count] = 0
        flow_c[flowing:count] = 0
        step(gates, c, cells, of_h, of_c, flow_h, flow_c, parts, start, count, old, 0, c.shape[1])
        np.matmul(parts[start:stop], weight, out=flow_h[:count])
        first_h[kept:count] = flow_h[kept:count]
        first_c[kept:count] = flow_c[kept:count]
        flowing = kept
    return parts, first_h, first_c


def gru_array(gates: Any, h0: Any, weight: Any, bias: Any, steps: Steps) -> tuple[Any, Any]:
    """The states of a GRU; and its r, z and n, and what r multiplies."""
    rows, size = len(gates), h0.shape[1]
    gates, h0 = np.ascontiguousarray(gates), np.ascontiguousarray(h0)
    h = np.empty((rows, size), gates.dtype)
    parts = np.empty((rows, 4 * size), gates.dtype)
    made = np.empty((len(h0), 3 * size), gates.dtype)
    bias = np.zeros(3 * size, gates.dtype) if bias is None else np.ascontiguousarray(bias)
    step = _step("gru", gates.dtype) if gates.size >= WORTH else None
    step = step or _gru_step
    w = weight.T
    for start, stop, before, old in _running(steps, h0, h):
        count = stop - start
        np.matmul(before[old : old + count], w, out=made[:count])
        step(gates, made, bias, before, parts, h, start, count, old, 0, size)
    return h, parts


def _gru_step(
    gates: Any, made: Any, bias: Any, before: Any, parts: Any, h: Any, first: int, rows: int,
    old: int, to: int, size: int,
) -> None:  # fmt: skip
    """One step of a GRU, likewise."""
    made = made[:rows] + bias
    own = parts[first : first + rows]
    both = np.add(made[:, : 2 * size], gates[first : first + rows, : 2 * size],
                  out=own[:, : 2 * size])  # fmt: skip
    _sigmoid(both)
    r, z, n, inner = (own[:, k * size : (k + 1) * size] for k in range(4))
    inner[...] = made[:, 2 * size :]
    np.multiply(r, inner, out=n)
    n += gates[first : first + rows, 2 * size :]
    np.tanh(n, out=n)
    new = np.subtract(before[old : old + rows], n, out=h[first : first + rows])
    new *= z
    new += n
