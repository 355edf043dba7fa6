"""Elements by their rank among numbers that come in parts: as a stable sort finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pullback.backends import ranks

DTYPES = ("?", "i1", "u1", "i2", "i4", "i8", "f2", "f4", "f8")


def numbers(dtype: str, rng: Any, count: int) -> Any:
    """Small and large ones, many of them equal; of real ones zeros of both signs, infinite ones and
    NaN."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        ends = np.iinfo(kind)
        x = rng.integers(ends.min, ends.max, count, kind, endpoint=True)
        x[::3] = rng.integers(0, 5, len(x[::3]))
        return x
    if kind.kind == "b":
        return rng.random(count) < 0.5
    x = (rng.standard_normal(count) * 100).astype(kind)
    x[::3] = np.rint(x[::3] / 50)
    x[1::7], x[2::7] = -0.0, 0.0
    x[3::11], x[4::11], x[5::11] = np.inf, -np.inf, np.nan
    return x


@pytest.mark.parametrize("few", [0, 40, 1 << 18])
@pytest.mark.parametrize("dtype", DTYPES)
def test_places_are_those_of_a_stable_sort(
    dtype: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to the last bits, or to few numbers that are kept; the first among equals."""
    monkeypatch.setattr(ranks, "FEW", few)
    rng = np.random.default_rng(0)
    for count in (1, 2, 500):
        x = numbers(dtype, rng, count)
        order = np.sort(x)  # NaN last, zeros equal
        asked = sorted({0, count - 1, count // 2, *rng.integers(0, count, 20).tolist()})
        passes = []

        def pieces(x: Any = x, passes: list[int] = passes) -> Iterator[Any]:
            passes.append(1)
            yield from np.array_split(x, 3)

        def wanted(size: int, nans: int, x: Any = x, asked: list[int] = asked) -> list[int]:
            assert size == len(x) and nans == np.count_nonzero(x != x)
            return asked

        found = ranks.ranked_places(pieces, wanted)
        for rank, place in zip(asked, found.tolist(), strict=True):
            value = order[rank]
            equal = np.isnan(x) if value != value else x == value
            assert place == np.flatnonzero(equal)[0]
        if few > count:  # one look at the numbers, and one to find them
            assert len(passes) == 2
