"""Parts of an axis: one position, a slice, pieces."""

from pullback.op import Dim, Plain, as_ints, call, composite, view


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


@view(public=False, name="slice")
def slice_(xp, input, dim: Dim, start: int, end: int, step: int):
    r"""The positions start, start + step, … below end of an axis: a view."""
    return xp.slice(input, dim, start, end, step)


@slice_.samples
def _(r):
    yield call(r(3, 4), 1, 0, 4, 2)
    yield call(r(3, 4), -2, 1, 3, 1)


@composite()
def narrow(xp, input, dim: Dim, start: int, length: int):
    r"""`length` positions of an axis from `start`: a view."""
    size = input.shape[dim] if input.shape else 0
    if start < 0:
        start += size
    if length < 0 or not 0 <= start <= size or start + length > size:
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
    return np.take(input, np.arange(start, start + length), dim)


@view(many=True)
def unbind(xp, input, dim: Dim = 0):
    r"""A tuple of the positions of an axis: views."""
    if not input.shape:
        raise IndexError("unbind(): Dimension specified as 0 but tensor has no dimensions")
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


@view(many=True)
def split(xp, input, split_size_or_sections: Plain, dim: Dim = 0):
    r"""A tuple of pieces of an axis, of one size (the last may be smaller) or of given sizes."""
    size = input.shape[dim]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got {step}")
        sizes = [min(step, size - k) for k in range(0, size, step)] if size else [0]
    else:
        sizes = list(as_ints(split_size_or_sections, "split", "split_size"))
        if sum(sizes) != size:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's "
                f"size at dimension {dim}), but got split_sizes={sizes}"
            )
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return tuple(xp.slice(input, dim, e - s, e, 1) for s, e in zip(sizes, ends, strict=True))


@split.backward("input")
def _(xp, g, dim):
    return xp.cat(list(g), dim)


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


@composite()
def chunk(xp, input, chunks: int, dim: Dim = 0):
    r"""At most `chunks` pieces of an axis, of one size but for the last: views."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return xp.split(input, max(1, -(-input.shape[dim] // chunks)), dim)


@chunk.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 5), 3, 1)
    yield call(r(2, 4), 9, -1)


@chunk.reference
def _(np, input, chunks, dim=0):

    step = -(-input.shape[dim] // chunks)
    return np.split(input, range(step, input.shape[dim], step), dim)
