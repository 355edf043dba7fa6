"""`vmap`: a function of one example, for many at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pullback.autograd.levels import (
    BatchLevel,
    has_axis,
    hidden,
    whole,
    within,
)
from pullback.dispatch import TENSORS
from pullback.func.trees import flatten, spread
from pullback.tensor import Tensor


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps `func` over an axis of its tensors, without a loop.

    `in_dims` says which axis of each argument, None for arguments that all examples share: a number
    for all of them, or a structure of numbers like that of the arguments. Keyword arguments are
    passed on as they are. `out_dims` says where the axis goes in the results. Inside, `func` sees
    one example's tensors. `randomness` is "error", "same" or "different": what random operations
    do. With `chunk_size`, no more examples than that are computed at once.

    ValueError for axes that are not there or differ in size; RuntimeError inside for what depends
    on the numbers (`if x > 0`, `.item()`), and for writes of an example into what all share.

    Example:
        >>> x, y = torch.randn(5, 3), torch.randn(5, 3)
        >>> torch.vmap(torch.dot)(x, y).shape
        torch.Size([5])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if not (chunk_size is None or (isinstance(chunk_size, int) and chunk_size > 0)):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def mapped(*args: Any, **keywords: Any) -> Any:
        call = _Call(func, in_dims, out_dims, randomness, args, keywords)
        if chunk_size is None or chunk_size >= call.size:
            return call.run(None)
        return call.run_in_chunks(chunk_size)

    return mapped


class _Call:
    """One call of a mapped function."""

    def __init__(
        self, func: Any, in_dims: Any, out_dims: Any, randomness: str,
        args: tuple[Any, ...], keywords: dict[str, Any],
    ):  # fmt: skip
        self.func = func
        self.name = getattr(func, "__name__", repr(func))
        self.in_dims = in_dims
        self.out_dims = out_dims
        self.randomness = randomness
        self.leaves, self.structure = flatten(args)
        self.keywords = keywords
        self.dims = self._dims(args)
        self.size = self._size()

    def _head(self) -> str:
        return f"vmap({self.name}, in_dims={self.in_dims}, ...)(<inputs>)"

    def _dims(self, args: tuple[Any, ...]) -> list[int | None]:
        """The axis of each leaf, counted from 0."""
        if not isinstance(self.in_dims, (int, tuple, list)):
            raise ValueError(
                f"{self._head()}: expected `in_dims` to be int or a (potentially nested) tuple "
                f"matching the structure of inputs, got: {type(self.in_dims)}."
            )
        if not self.leaves:
            raise ValueError(
                f"{self._head()}: got no inputs. Maybe you forgot to add inputs, or you are trying "
                f"to vmap over a function with no inputs. The latter is unsupported."
            )
        dims = spread(tuple(self.in_dims) if isinstance(self.in_dims, list) else self.in_dims, args)
        if dims is None:
            raise ValueError(
                f"{self._head()}: in_dims is not compatible with the structure of `inputs`. "
                f"in_dims has structure {flatten(self.in_dims)[1]} but inputs has structure "
                f"{self.structure}."
            )
        checked: list[int | None] = []
        for x, d in zip(self.leaves, dims, strict=True):
            if d is None:
                checked.append(None)
            elif not isinstance(d, int):
                raise ValueError(
                    f"{self._head()}: Got in_dim={d} for an input but in_dim must be either an "
                    f"integer dimension or None."
                )
            elif not isinstance(x, Tensor):
                raise ValueError(
                    f"{self._head()}: Got in_dim={d} for an input but the input is of type "
                    f"{type(x)}. We cannot vmap over non-Tensor arguments, please use None as the "
                    f"respective in_dim"
                )
            elif not -x.ndim <= d < x.ndim:
                raise ValueError(
                    f"{self._head()}: Got in_dim={d} for some input, but that input is a Tensor of "
                    f"dimensionality {x.ndim} so expected in_dim to satisfy -{x.ndim} <= in_dim < "
                    f"{x.ndim}."
                )
            else:
                checked.append(d % x.ndim)
        return checked

    def _size(self) -> int:
        sizes = [x.shape[d] for x, d in zip(self.leaves, self.dims, strict=True) if d is not None]
        if not sizes:
            raise ValueError(
                f"{self._head()}: Expected at least one Tensor to vmap over: all in_dims are None"
            )
        if len(set(sizes)) > 1:
            raise ValueError(
                f"vmap: Expected all tensors to have the same size in the mapped dimension, got "
                f"sizes {sizes} for the mapped dimension"
            )
        return int(sizes[0])

    def run(self, part: tuple[int, int] | None) -> Any:
        """The results for all examples, or for those from a start on, a number of them."""
        narrow = TENSORS.narrow
        size = self.size if part is None else part[1]

        def run(level: BatchLevel) -> Any:
            given = []
            for x, d in zip(self.leaves, self.dims, strict=True):
                if d is not None:
                    x = TENSORS.movedim(x, d, 0) if d else x
                    x = hidden(x if part is None else narrow(x, 0, *part), level)
                given.append(x)
            result = self.func(*self.structure.build(given), **self.keywords)
            return self._shown(result, level)

        return within(BatchLevel(size, self.randomness), run)

    def _shown(self, result: Any, level: BatchLevel) -> Any:
        """The results with the hidden axis where it is wanted."""
        leaves, structure = flatten(result)
        dims = self._out_dims(result)
        shown = []
        for y, d in zip(leaves, dims, strict=True):
            if not isinstance(y, Tensor):
                raise ValueError(
                    f"vmap({self.name}, ...): `{self.name}` must only return Tensors, got type "
                    f"{type(y)}. Did you mean to set out_dims= to None for output?"
                )
            if d is None:
                if has_axis(y, level):
                    raise ValueError(
                        f"vmap({self.name}, ...): `{self.name}` can not return a BatchedTensor "
                        f"when out_dim is None"
                    )
                shown.append(y)
                continue
            y = whole(y, level)
            if not -y.ndim <= d < y.ndim:
                raise IndexError(
                    f"Dimension out of range (expected to be in range of [{-y.ndim}, "
                    f"{y.ndim - 1}], but got {d}): out_dims={self.out_dims}"
                )
            shown.append(TENSORS.movedim(y, 0, d) if d % y.ndim else y)
        return structure.build(shown)

    def _out_dims(self, result: Any) -> list[Any]:
        if isinstance(result, Tensor) and isinstance(self.out_dims, (tuple, list)):
            dims = list(self.out_dims) if len(self.out_dims) == 1 else None
        else:
            dims = spread(self.out_dims, result)
        if dims is None or any(not (d is None or isinstance(d, int)) for d in dims):
            raise ValueError(
                f"vmap({self.name}, ..., out_dims={self.out_dims}): out_dims is not compatible "
                f"with the structure of `outputs`. out_dims has structure "
                f"{flatten(self.out_dims)[1]} but outputs has structure {flatten(result)[1]}."
            )
        return dims

    def run_in_chunks(self, chunk_size: int) -> Any:
        """The same, a number of examples at a time."""
        rows: list[list[Any]] = []
        result = None
        for start in range(0, self.size, chunk_size):
            result = self.run((start, min(chunk_size, self.size - start)))
            rows.append(flatten(result)[0])
        dims = self._out_dims(result)
        made = [
            parts[0] if d is None else TENSORS.cat(list(parts), d)
            for parts, d in zip(zip(*rows, strict=True), dims, strict=True)
        ]
        return flatten(result)[1].build(made)
