"""`rearrange`: axes permuted, split and joined, as a pattern says in words."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

from pullback.dispatch import TENSORS
from pullback.tensor import Tensor

ELLIPSIS = "..."
Group = tuple[str, ...]  # the axes that are one in the tensor, the first one outermost


class Pattern(NamedTuple):
    """Both sides of a pattern."""

    left: tuple[Group, ...]
    right: tuple[Group, ...]


def rearrange(tensor: Tensor | Sequence[Tensor], pattern: str, **axes_lengths: int) -> Tensor:
    """The elements of a tensor, or of several that are stacked, in the order of a pattern.

    A pattern has the names of all axes on both sides, in a row: "b h w c -> b c h w". Names in
    parentheses are one axis of the tensor, the first one outermost: "b (h p) w -> b h (w p)";
    lengths that do not follow from the tensor's are given by name, `p=2`. "..." are any axes, "1"
    or "()" an axis of size 1. The notation is that of einops (A. Rogozhnikov, ICLR 2022). Nothing
    is copied unless axes are joined that do not lie beside each other in memory.

    ValueError for a pattern that is none or that does not fit the tensor's axes, RuntimeError for
    lengths that do not.

    Example:
        >>> rearrange(torch.zeros(2, 6, 5), "b (h p) w -> b h (w p)", p=2).shape
        torch.Size([2, 3, 10])
    """
    x = tensor if isinstance(tensor, Tensor) else TENSORS.stack(tensor)
    left, right = _parse(pattern, frozenset(axes_lengths))
    shape = tuple(x.shape)
    if (ELLIPSIS,) in left:
        more = len(shape) - len(left) + 1
        if more < 0:
            raise ValueError(
                f"Number of dimensions in pattern ({len(left) - 1}) must be less than or equal to "
                f"the number of dimensions in the tensor ({len(shape)})"
            )
        names = tuple(f"{ELLIPSIS}{k}" for k in range(more))
        k = left.index((ELLIPSIS,))
        left = (*left[:k], *((n,) for n in names), *left[k + 1 :])
        right = _with_ellipsis(right, names)
    if len(left) != len(shape):
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of "
            f"dimensions in the tensor ({len(shape)})"
        )
    sizes: dict[str, int] = {}
    for group, size in zip(left, shape, strict=True):
        sizes |= _sizes(pattern, group, size, axes_lengths)
    order = [n for group in left for n in group]
    apart = TENSORS.reshape(x, *(sizes[n] for n in order))
    moved = TENSORS.permute(apart, tuple(order.index(n) for group in right for n in group))
    joined: Tensor = TENSORS.reshape(moved, *(math.prod(sizes[n] for n in g) for g in right))
    return joined


def _with_ellipsis(groups: tuple[Group, ...], names: Group) -> tuple[Group, ...]:
    """Groups with the axes that "..." stands for: each its own group, unless in parentheses."""
    found: list[Group] = []
    for group in groups:
        if group == (ELLIPSIS,):
            found += [(n,) for n in names]
        else:
            found.append(tuple(n for a in group for n in (names if a.strip("()") == ELLIPSIS
                                                          else (a,))))  # fmt: skip
    return tuple(found)


def _sizes(pattern: str, group: Group, size: int, given: dict[str, int]) -> dict[str, int]:
    """The lengths of the axes that one axis of the tensor consists of."""
    known = {n: int(given[n]) for n in group if n in given}
    unknown = [n for n in group if n not in known]
    product = math.prod(known.values())
    if len(unknown) > 1:
        raise RuntimeError(
            f"rearrange: cannot infer the sizes of {' and '.join(unknown)} at once, in "
            f"{pattern!r}: give all but one of them, as {unknown[0]}=..."
        )
    if min(known.values(), default=1) < 0 or (
        size % product if unknown and product else size != product
    ):
        raise RuntimeError(
            f"rearrange: the axis ({' '.join(group)}) of size {size} does not fit the sizes {known}"
            f", in {pattern!r}"
        )
    return known | dict.fromkeys(unknown, size // product if product else 0)


@functools.lru_cache(256)
def _parse(pattern: str, given: frozenset[str]) -> Pattern:
    """The sides of a pattern, checked."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"Pattern must contain a single '->' separator: {pattern!r}")
    left, right = (_groups(side) for side in sides)
    names, others = ({n.strip("()") for g in groups for n in g} for groups in (left, right))
    if any(n == f"({ELLIPSIS})" for g in left for n in g):
        raise ValueError(f"Ellipsis in parentheses on the left side is not allowed: {pattern!r}")
    if ELLIPSIS in others - names:
        raise ValueError(
            f"Ellipsis found in right side, but not left side of a pattern: {pattern!r}"
        )
    if names != others:
        raise ValueError(
            f"Identifiers only on one side of rearrange expression (should be on both): "
            f"{sorted(names ^ others)} in {pattern!r}"
        )
    if given - names:
        raise ValueError(
            f"Identifiers not found in rearrange expression: {sorted(given - names)} in {pattern!r}"
        )
    return Pattern(left, right)


def _groups(side: str) -> tuple[Group, ...]:
    """One side of a pattern; "..." within parentheses is "(...)"."""
    spaced = side.replace("(", " ( ").replace(")", " ) ").replace(ELLIPSIS, f" {ELLIPSIS} ")
    found: list[Group] = []
    seen: set[str] = set()
    inside: list[str] | None = None
    for word in spaced.split():
        if word == "(":
            if inside is not None:
                raise ValueError(f"brackets inside brackets are not allowed: {side!r}")
            inside = []
        elif word == ")":
            if inside is None:
                raise ValueError(f"Brackets are not balanced: {side!r}")
            found.append(tuple(inside))
            inside = None
        elif word == "1":
            if inside is None:
                found.append(())
        else:
            _check_name(word, side, seen)
            seen.add(word)
            if inside is None:
                found.append((word,))
            else:
                inside.append(f"({word})" if word == ELLIPSIS else word)
    if inside is not None:
        raise ValueError(f"Imbalanced parentheses in expression: {side!r}")
    return tuple(found)


def _check_name(word: str, side: str, seen: set[str]) -> None:
    if word in seen:
        raise ValueError(f"Indexing expression contains duplicate dimension {word!r}: {side!r}")
    if word == ELLIPSIS:
        return
    if word.isdecimal():
        raise ValueError(f"rearrange only supports unnamed axes of size 1, not {word}: {side!r}")
    if "." in word:
        raise ValueError(f"Expression may contain dots only inside ellipsis (...): {side!r}")
    if not word.isidentifier() or word.startswith("_") or word.endswith("_"):
        raise ValueError(
            f"Invalid axis identifier: {word!r} in {side!r}: names are letters and digits, with "
            f"underscores inside"
        )
