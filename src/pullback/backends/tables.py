"""Rows of tables: looked up, and added where they were looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["add_rows", "ones_at", "take_rows"]


def _factors(places: Any, rows: int, skipped: int, by_frequency: bool) -> Any:
    """What each looked-up row is multiplied by; None for ones."""
    if skipped < 0 and not by_frequency:
        return None
    factors = np.ones(places.shape)
    if by_frequency:
        factors /= np.bincount(places, minlength=rows)[places]
    factors[places == skipped] = 0
    return factors


WIDE = 128  # numbers of a row that are worth a call of their own


def add_rows(y: Any, places: Any, shape: Sequence[int], skipped: int, by_frequency: bool) -> Any:
    """Zeros with the rows of y added at places: one after the other, or by sorting the places."""
    rows, width = shape
    places = places.reshape(-1).astype(np.int64, copy=False)
    result = np.zeros((rows, width), y.dtype)
    if not places.size:
        return result
    y = y.reshape(places.size, width)
    factors = _factors(places, rows, skipped, by_frequency)
    if factors is not None:
        y = y * factors[:, None].astype(y.dtype)
    if width >= WIDE:
        for place, row in zip(places.tolist(), y, strict=True):
            result[place] += row
        return result
    order = np.argsort(places, kind="stable")
    at = places[order]
    first = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
    if len(first) == len(places):  # no place is met twice
        result[places] = y
    else:
        result[at[first]] = np.add.reduceat(y[order], first, axis=0)
    return result


def take_rows(x: Any, places: Any, skipped: int, by_frequency: bool) -> Any:
    """The rows at places, multiplied as `add_rows` multiplies."""
    flat = places.reshape(-1)
    factors = _factors(flat, x.shape[0], skipped, by_frequency)
    found = x[flat]
    if factors is not None:
        found = found * factors[:, None].astype(x.dtype)
    return found.reshape(*places.shape, x.shape[1])


def ones_at(places: Any, count: int) -> Any:
    """Integers as rows of zeros with a one. RuntimeError for such as have no column."""
    if not places.size:
        if count <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return np.zeros((*places.shape, count), np.int64)
    if places.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if count == -1:
        count = int(places.max()) + 1
    elif count < 1 or places.max() >= count:
        raise RuntimeError(
            f"Class values must be smaller than num_classes: {places.max()} is no class, there are "
            f"{count}" if count >= 1
            else "num_classes should be positive"
        )  # fmt: skip
    return (places[..., None] == np.arange(count)).astype(np.int64)
