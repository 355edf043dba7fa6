"""Recurrent layers on arrays: one step after the other, on the rows that are still running.

Rows of all times are one after the other. A step is (start, stop, kept): its rows, of which the
first ones go on from the step before, and the others begin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["gru_array", "lstm_array", "rnn_array"]

Steps = Sequence[tuple[int, int, int]]


def _running(steps: Steps, first: Any, made: Any) -> Iterator[tuple[int, int, Any]]:
    """Each step's rows, and the state that it begins with; `made` holds those that it leaves."""
    before = 0
    for start, stop, kept in steps:
        if kept == stop - start:
            state = made[before : before + kept]
        elif not kept:
            state = first[: stop - start]
        else:
            state = np.concatenate([made[before : before + kept], first[kept : stop - start]])
        yield start, stop, state
        before = start


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
    for start, stop, before in _running(steps, h0, h):
        z = np.matmul(before, w, out=h[start:stop])
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
    h = np.empty((rows, h0.shape[1]), gates.dtype)
    c, active = np.empty((rows, size), gates.dtype), np.empty_like(gates)
    w = weight.T
    cells = _running(steps, c0, c)
    for (start, stop, before), (_, _, cell) in zip(_running(steps, h0, h), cells, strict=True):
        z = np.matmul(before, w, out=active[start:stop])
        z += gates[start:stop]
        _sigmoid(z[:, : 2 * size])
        np.tanh(z[:, 2 * size : 3 * size], out=z[:, 2 * size : 3 * size])
        _sigmoid(z[:, 3 * size :])
        i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
        new = np.multiply(f, cell, out=c[start:stop])
        new += i * g
        if projection is None:
            np.multiply(o, np.tanh(new), out=h[start:stop])
        else:
            np.matmul(o * np.tanh(new), projection.T, out=h[start:stop])
    return h, c, active


def gru_array(gates: Any, h0: Any, weight: Any, bias: Any, steps: Steps) -> tuple[Any, Any]:
    """The states of a GRU; and its r, z and n, and what r multiplies."""
    rows, size = len(gates), h0.shape[1]
    h = np.empty((rows, size), gates.dtype)
    parts = np.empty((rows, 4 * size), gates.dtype)
    w = weight.T
    for start, stop, before in _running(steps, h0, h):
        made = np.matmul(before, w)
        if bias is not None:
            made += bias
        both = np.add(made[:, : 2 * size], gates[start:stop, : 2 * size],
                      out=parts[start:stop, : 2 * size])  # fmt: skip
        _sigmoid(both)
        r, z, n, inner = (parts[start:stop, k * size : (k + 1) * size] for k in range(4))
        inner[...] = made[:, 2 * size :]
        np.multiply(r, inner, out=n)
        n += gates[start:stop, 2 * size :]
        np.tanh(n, out=n)
        new = np.subtract(before, n, out=h[start:stop])
        new *= z
        new += n
    return h, parts
