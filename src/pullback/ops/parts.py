"""Parts of an axis: one position, a slice, pieces; their copies, and values written there."""

from pullback.op import (
    Dim,
    Ints,
    Plain,
    as_ints,
    call,
    composite,
    copied,
    scattered,
    view,
)

MOST_PARTS = 10**7  # of an axis that is shorter: most are empty, and each takes a kilobyte


@view()
def select(xp, input, dim: Dim, index: int):
    r"""One position of an axis, which goes: a view. IndexError out of range."""
    if not input.shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"index {index} is out of bounds for dimension {dim} with size {size} "
            f"(tensor of shape {list(input.shape)})"
        )
    start = index % size
    return xp.drop(xp.slice(input, dim, start, start + 1, 1), (dim,))


@select.samples
def _(r):
    yield call(r(3, 4), 0, 1)
    yield call(r(3, 4), -1, -2)
    yield call(r(2), 0, 1)


@select.reference
def _(np, input, dim, index):
    return np.take(input, index, dim)


select_copy = copied(select)
select_scatter = scattered(select)


@view(public=False, name="slice")
def slice_(
    xp, input, dim: Dim = 0, start: int | None = None, end: int | None = None, step: int = 1
):
    r"""The positions start, start + step, … below end of an axis: a view.

    Negative positions count from the end; positions that the axis does not have are left out.
    RuntimeError for a step below 1.
    """
    if not input.shape:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    if step < 1:
        raise RuntimeError(f"slice step must be positive, not {step}")
    start, end, step = slice(start, end, step).indices(input.shape[dim])
    return xp.slice(input, dim, start, max(start, end), step)


@slice_.samples
def _(r):
    yield call(r(3, 4), 1, 0, 4, 2)
    yield call(r(3, 4), -2, 1, 3, 1)
    yield call(r(3, 4), 1, None, -1)
    yield call(r(5), 0, -4, 99, step=3)
    yield call(r(3), dim=0, start=2, end=1)


@slice_.reference
def _(np, input, dim=0, start=None, end=None, step=1):
    key = [slice(None)] * input.ndim
    key[dim] = slice(start, end, step)
    return input[tuple(key)]


slice_copy = copied(slice_, name="slice_copy")
slice_scatter = scattered(slice_, name="slice_scatter")


@view(node="Slice")
def narrow(xp, input, dim: Dim, start: int, length: int):
    r"""`length` positions of an axis from `start`: a view."""
    size = input.shape[dim] if input.shape else 0
    if start < 0:
        start += size
    if length < 0 or not 0 <= start <= size or start + length > size or not input.shape:
        raise RuntimeError(
            f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size})."
        )
    return xp.slice(input, dim, start, start + length, 1)


@narrow.samples
def _(r):
    yield call(r(3, 4), 1, 1, 2)
    yield call(r(3, 4), -1, -3, 2)
    yield call(r(3), 0, 3, 0)


@narrow.reference
def _(np, input, dim, start, length):
    start += input.shape[dim] if start < 0 else 0
    return np.take(input, np.arange(start, start + length), dim)


narrow_copy = copied(narrow, node="NarrowCopy", method=True)


@view(many=True)
def unbind(xp, input, dim: Dim = 0):
    r"""A tuple of the positions of an axis: views."""
    if not input.shape:
        raise IndexError("unbind(): Dimension specified as 0 but tensor has no dimensions")
    if xp.is_eager:
        return tuple(xp.positions_along(input, dim))
    return tuple(
        xp.drop(xp.slice(input, dim, k, k + 1, 1), (dim,)) for k in range(input.shape[dim])
    )


@unbind.backward("input")
def _(xp, g, dim):
    return xp.stack(g, dim)


@unbind.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(3, 2), -1)


@unbind.reference
def _(np, input, dim=0):
    return tuple(np.moveaxis(input, dim, 0))


unbind_copy = copied(unbind)


# ------------------------------------------------------------------------------------- pieces


def _pieces(xp, input, sizes, dim):
    """The axis cut into pieces of these sizes."""
    if xp.is_eager:
        return tuple(xp.pieces_along(input, dim, sizes))
    pieces, start = [], 0
    for size in sizes:
        pieces.append(xp.slice(input, dim, start, start + size, 1))
        start += size
    return tuple(pieces)


@view(many=True, public=False, node="Split")
def split_evenly(xp, input, split_size: int, dim: Dim = 0):
    r"""A tuple of pieces of an axis, of one size but for the last: views."""
    if not input.shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    size = input.shape[dim]
    if split_size < 0 or (split_size == 0 and size):
        raise RuntimeError(f"split expects split_size be non-negative, but got {split_size}")
    sizes = [min(split_size, size - k) for k in range(0, size, split_size)] if size else [0]
    return _pieces(xp, input, sizes, dim)


@split_evenly.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 3), 4, -1)


@split_evenly.reference
def _(np, input, split_size, dim=0):
    return np.split(input, range(split_size, input.shape[dim], split_size), dim)


@view(many=True)
def split_with_sizes(xp, input, split_sizes: Ints, dim: Dim = 0):
    r"""A tuple of pieces of an axis, of these sizes, which add up to its own: views."""
    if not input.shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    size = input.shape[dim]
    if sum(split_sizes) != size or min(split_sizes, default=0) < 0:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to be non-negative and to sum exactly to {size} "
            f"(input tensor's size at dimension {dim}), but got split_sizes={list(split_sizes)}"
        )
    return _pieces(xp, input, split_sizes, dim)


@split_evenly.backward("input")
@split_with_sizes.backward("input")
def _(xp, g, dim):
    return xp.cat(list(g), dim)


@split_with_sizes.samples
def _(r):
    yield call(r(5, 2), (2, 3))
    yield call(r(2, 3), [0, 3], -1)


@split_with_sizes.reference
def _(np, input, split_sizes, dim=0):
    return np.split(input, np.cumsum(split_sizes)[:-1], dim)


split_copy = copied(split_evenly, name="split_copy")
unsafe_split = copied(split_evenly, name="unsafe_split", node="UnsafeSplit", method=True)
split_with_sizes_copy = copied(split_with_sizes)
unsafe_split_with_sizes = copied(
    split_with_sizes, name="unsafe_split_with_sizes", node="UnsafeSplitWithSizes", method=True
)


@composite(keywords={"split_size": "split_size_or_sections", "tensor": "input"})
def split(xp, input, split_size_or_sections: Plain, dim: Dim = 0):
    r"""A tuple of pieces of an axis, of one size (the last may be smaller) or of given sizes."""
    if hasattr(split_size_or_sections, "__index__"):
        return xp.split_evenly(input, split_size_or_sections, dim)
    sizes = as_ints(split_size_or_sections, "split", "split_size")
    return xp.split_with_sizes(input, sizes, dim)


@split.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 5), [1, 4], 1)
    yield call(r(2, 3), (0, 3), -1)
    yield call(r(0, 2), 3)


@split.reference
def _(np, input, split_size_or_sections, dim=0):

    cuts = split_size_or_sections
    if isinstance(cuts, int):
        return np.split(input, range(cuts, input.shape[dim], cuts), dim)
    return np.split(input, np.cumsum(cuts)[:-1], dim)


def _chunk_size(name, input, chunks, dim):
    if not input.shape:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"{name} expects `chunks` to be greater than 0, got: {chunks}")
    return max(1, -(-input.shape[dim] // chunks))


@composite()
def chunk(xp, input, chunks: int, dim: Dim = 0):
    r"""At most `chunks` pieces of an axis, of one size but for the last: views."""
    return xp.split_evenly(input, _chunk_size("chunk", input, chunks, dim), dim)


@composite()
def unsafe_chunk(xp, input, chunks: int, dim: Dim = 0):
    r"""The pieces that `chunk` gives, copied."""
    return xp.unsafe_split(input, _chunk_size("unsafe_chunk", input, chunks, dim), dim)


@chunk.samples
@unsafe_chunk.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 5), 3, 1)
    yield call(r(2, 4), 9, -1)


@chunk.reference
@unsafe_chunk.reference
def _(np, input, chunks, dim=0):

    step = -(-input.shape[dim] // chunks)
    return np.split(input, range(step, input.shape[dim], step), dim)


_SECTIONS = dict.fromkeys(("indices", "sections"), "indices_or_sections")


@composite(keywords=_SECTIONS | {"tensor_indices_or_sections": "indices_or_sections"})
def tensor_split(xp, input, indices_or_sections: Plain, dim: Dim = 0):
    r"""A tuple of pieces of an axis: so many of nearly one size, or cut at given positions.

    The number, or the positions, may be a tensor of integers. Positions follow the rules of
    slices.
    """
    if not input.shape:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    given, size = indices_or_sections, input.shape[dim]
    if hasattr(given, "dtype"):
        if given.dtype.name != "int64" or len(given.shape) > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional int64 tensor, not {given.dtype} of shape {list(given.shape)}"
            )
        given = given.tolist()
    if hasattr(given, "__index__"):
        (count,) = as_ints((given,), "tensor_split", "sections")
        if count <= 0:
            raise RuntimeError(
                f"tensor_split: number of sections must be larger than 0, got {count}"
            )
        if count > max(size, MOST_PARTS):
            raise RuntimeError(
                f"tensor_split: {count:,} parts of an axis of size {size} do not fit into memory"
            )
        cuts = [k * (size // count) + min(k, size % count) for k in range(1, count)]
    else:
        cuts = list(as_ints(given, "tensor_split", "indices"))
    starts = [0, *cuts]
    return tuple(xp.slice(input, dim, a, b, 1) for a, b in zip(starts, [*cuts, size], strict=True))


@tensor_split.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 5), (1, 3), 1)
    yield call(r(7), [-2, 3, 9])
    yield call(r(2, 4), r.integers(3, 4), -1)
    yield call(r(4), r.integers(0, 4, 2))


@tensor_split.reference
def _(np, input, indices_or_sections, dim=0):
    cuts = indices_or_sections
    return np.array_split(input, cuts if np.ndim(cuts) else int(cuts), dim)


def _split_along(name, where, least, doc):
    """`hsplit` and its like: `tensor_split` along the axis that rows, columns or layers have."""

    @composite(name=name, keywords=_SECTIONS)
    def split_along(xp, input, indices_or_sections: Plain):
        if len(input.shape) < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension"
                f"{'s' * (least > 1)}, but got a tensor with {len(input.shape)} dimensions!"
            )
        dim = where(input)
        if hasattr(indices_or_sections, "__index__") and not hasattr(indices_or_sections, "dtype"):
            (count,) = as_ints((indices_or_sections,), name, "sections")
            if count == 0 or input.shape[dim] % count:
                raise RuntimeError(
                    f"torch.{name} attempted to split along dimension {dim}, but the size of the "
                    f"dimension {input.shape[dim]} is not divisible by the split_size {count}!"
                )
        return xp.tensor_split(input, indices_or_sections, dim)

    @split_along.samples
    def _(r):
        yield call(r(4, 6, 2), 2)
        yield call(r(4, 6, 4), (1, 3))
        if least == 1:
            yield call(r(6), 3)

    @split_along.reference
    def _(np, input, indices_or_sections):
        return getattr(np, name)(input, indices_or_sections)

    split_along.doc = doc


_split_along("hsplit", lambda x: 0 if len(x.shape) == 1 else 1, 1,
             "`tensor_split` along axis 1, or axis 0 of 1-D tensors.")  # fmt: skip
_split_along("vsplit", lambda x: 0, 2, "`tensor_split` along axis 0 of at least 2-D tensors.")
_split_along("dsplit", lambda x: 2, 3, "`tensor_split` along axis 2 of at least 3-D tensors.")
