"""Elements by their rank among numbers that come in parts, and are not stored.

The bits of a number, turned so that they are in order, are counted 16 at a time (D. Knuth, "The Art
of Computer Programming", volume 3, section 5.2.5), until few enough are left to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["ranked_places"]

DIGIT = 16  # bits
FEW = 1 << 18  # numbers that are kept and sorted


def _keys(x: Any) -> Any:
    """Unsigned numbers in the order of others; zeros are equal, and NaN is largest."""
    x = np.ascontiguousarray(x).reshape(-1)
    size = 8 * x.dtype.itemsize
    kind = np.dtype(f"u{x.dtype.itemsize}")
    if x.dtype.kind in "bu":
        return x.astype(kind)
    top = kind.type(1 << (size - 1))
    if x.dtype.kind == "i":
        return x.view(kind) ^ top
    x = np.where(np.isnan(x), np.asarray(np.nan, x.dtype), x + x.dtype.type(0))
    bits = x.view(kind)
    return np.where(bits & top, ~bits, bits | top)


def ranked_places(
    pieces: Callable[[], Iterable[Any]], ranks: Callable[[int, int], list[int]]
) -> Any:
    """The places of the elements of some ranks, from 0, the first places among equals.

    `pieces()` gives the elements in order, as often as it is called; `ranks` asks for ranks when
    it is told how many elements, and how many NaN among them, there are.
    """
    prefixes: list[int] = []
    rest: list[int] = []
    count = nans = shift = 0
    width = 0
    while True:
        found: dict[int, Any] = {}
        for x in pieces():
            keys = _keys(x)
            if not width:
                width = 8 * keys.dtype.itemsize
                shift = max(0, width - DIGIT)
            if not prefixes:
                count += keys.size
                nans += int(np.isnan(x).sum()) if x.dtype.kind == "f" else 0
                _count(found, 0, keys, shift)
            for prefix in set(prefixes):
                _count(found, prefix, _under(keys, prefix, shift + DIGIT), shift)
        if not prefixes:
            rest = list(ranks(count, nans))
            prefixes = [0] * len(rest)
        kept: dict[int, int] = {}
        for n, (prefix, rank) in enumerate(zip(prefixes, rest, strict=True)):
            up_to = np.cumsum(found[prefix])
            digit = int(np.searchsorted(up_to, rank, "right"))
            rest[n] = rank - int(up_to[digit] - found[prefix][digit])
            prefixes[n] = (prefix << DIGIT) | digit
            kept[prefixes[n]] = int(found[prefix][digit])
        if not shift or sum(kept.values()) <= FEW:
            return _chosen(pieces, prefixes, rest, shift)
        shift -= DIGIT


def _count(found: dict[int, Any], prefix: int, keys: Any, shift: int) -> None:
    digits = (keys >> keys.dtype.type(shift)) & keys.dtype.type(min(2**DIGIT - 1, _all(keys)))
    counts = np.bincount(digits.astype(np.int64), minlength=1 << DIGIT)
    found[prefix] = found.get(prefix, 0) + counts


def _all(keys: Any) -> int:
    return int(np.iinfo(keys.dtype).max)


def _under(keys: Any, prefix: int, shift: int) -> Any:
    """The keys that begin with a prefix."""
    return keys[(keys >> keys.dtype.type(shift)) == prefix]


def _chosen(
    pieces: Callable[[], Iterable[Any]], prefixes: list[int], rest: list[int], shift: int
) -> Any:
    """The places of ranks among those that begin with prefixes."""
    keys_of: dict[int, list[Any]] = {p: [] for p in prefixes}
    places_of: dict[int, list[Any]] = {p: [] for p in prefixes}
    start = 0
    for x in pieces():
        keys = _keys(x)
        begins = keys >> keys.dtype.type(shift)
        for prefix, parts in places_of.items():
            if not shift and parts:  # they are equal, and the first is known
                continue
            places = np.flatnonzero(begins == prefix)
            if not shift:
                places = places[:1]
            if places.size:
                parts.append(places + start)
                keys_of[prefix].append(keys[places])
        start += keys.size
    result = np.empty(len(prefixes), np.int64)
    for n, (prefix, rank) in enumerate(zip(prefixes, rest, strict=True)):
        keys, places = np.concatenate(keys_of[prefix]), np.concatenate(places_of[prefix])
        if not shift:
            result[n] = places[0]
            continue
        key = np.partition(keys, rank)[rank]
        result[n] = places[np.argmax(keys == key)]
    return result
