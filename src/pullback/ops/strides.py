"""Views by steps in memory: `as_strided`, its copy, and values written there."""

from pullback.op import Array, Ints, Plain, all_examples, call, composite, copied, opaque, view


@view(public=False, injective=False, node="AsStrided")
def strided(
    xp, input, size: Plain, stride: Plain, offset: int, own_stride: Plain, storage: Plain = None
):
    r"""Elements at steps in the input's memory, from `offset` after its first one on: a view.

    `own_stride` and `storage`: the input's own steps, and (place of its first element, size) of its
    memory. What does not lie so, a tangent or a cotangent, is read as if it did, among zeros.
    """
    return xp.strided_view(input, size, stride, offset, own_stride, storage)


@strided.backward("input")
def _(xp, g, size, stride, offset, own_stride, input_shape):
    return xp.restrided(g, stride, offset, tuple(input_shape), own_stride, True)


@opaque(public=False)
def restrided(xp, input, stride: Plain, offset: int, shape: Plain, new_stride: Plain, shared: bool):
    r"""Elements laid out in memory and read otherwise: the adjoint of a strided view.

    The input is added at its steps, `offset` after the first place that is read, to zeros. What
    several elements read (with `shared`) or are added to is divided among them.
    """
    return xp.restrided_array(input, stride, offset, shape, new_stride, shared)


@restrided.backward("input")
def _(xp, g, stride, offset, input_shape, new_stride, shared):
    return xp.restrided(g, new_stride, -offset, tuple(input_shape), stride, not shared)


def _last(size, stride):
    """The place of the last element."""
    return sum((n - 1) * t for n, t in zip(size, stride, strict=True)) if 0 not in size else 0


def _span(size, stride, offset, own_size, own_stride):
    """How many places there are from the first to the last one of two sets."""
    last = max(offset + _last(size, stride), _last(own_size, own_stride))
    return last - min(offset, 0) + 1


@strided.examples
def _(xp, input, size, stride, offset, own_stride, storage):
    own, first, _, count = xp.memory_of(input)
    shape = input.shape[1:]
    lies = offset >= 0 and offset + _last(size, stride) <= _last(shape, own_stride) and all(
        n == 1 or a == b for n, a, b in zip(shape, own[1:], own_stride, strict=True)
    )  # fmt: skip
    step = own[0] if lies else _span(size, stride, offset, shape, own_stride)
    return xp.strided(
        input, (input.shape[0], *size), (step, *stride), offset, (step, *own_stride),
        (first, count) if lies else None,
    )  # fmt: skip


@restrided.examples
def _(xp, input, stride, offset, shape, new_stride, shared):
    step = _span(input.shape[1:], stride, offset, shape, new_stride)
    return xp.restrided(
        input, (step, *stride), offset, (input.shape[0], *shape), (step, *new_stride), shared
    )


@strided.samples
def _(r):
    yield call(r(3, 4), (2, 2), (1, 2), 1, (4, 1))


@restrided.samples
def _(r):
    yield call(r(2, 2), (1, 2), 1, (3, 4), (4, 1), True)


strided_copy = copied(strided, name="strided_copy", public=False)


@strided_copy.examples
def _(xp, input, *steps):
    return xp.clone(strided.examples_function(xp, input, *steps))


@opaque(public=False, node="AsStridedScatter")
def strided_scatter(xp, input, src, size: Plain, stride: Plain, offset: int, own_stride: Plain):
    r"""The input with `src` written at steps in a copy of its memory."""
    return xp.strided_scatter_array(input, src, size, stride, offset, own_stride)


@strided_scatter.backward("input")
def _(xp, g, src_shape, size, stride, offset, own_stride):
    return xp.strided_scatter(g, xp.filled(src_shape, 0, g), size, stride, offset, own_stride)


@strided_scatter.backward("src")
def _(xp, g, size, stride, offset, own_stride):
    return xp.restrided(g, own_stride, -offset, tuple(size), stride, False)


@strided_scatter.examples
def _(xp, input, src, size, stride, offset, own_stride):
    input, src = all_examples(xp, [input, src])
    step = _span(size, stride, offset, input.shape[1:], own_stride)
    return xp.strided_scatter(
        input, src, (input.shape[0], *size), (step, *stride), offset, (step, *own_stride)
    )


@strided_scatter.samples
def _(r):
    yield call(r(3, 4), r(2, 2), (2, 2), (1, 2), 1, (4, 1))


def _steps(xp, name, input, size, stride, storage_offset):
    """(size, stride, places after the input's first one, the input's own steps)."""
    if len(size) != len(stride):
        raise RuntimeError(
            f"{name}: mismatch in length of strides and shape: {list(stride)} and {list(size)}"
        )
    if min((*size, *stride), default=0) < 0:
        raise RuntimeError(
            f"{name}: Negative sizes and strides are not supported at the moment, got sizes "
            f"{list(size)} and strides {list(stride)}"
        )
    if storage_offset is not None and storage_offset < 0:
        raise RuntimeError(f"{name}: Tensor: invalid storage offset {storage_offset}")
    own, first, low, high = xp.memory_of(input)
    offset = 0 if storage_offset is None else storage_offset - first
    last = first + offset + _last(size, stride)
    if 0 not in size and not low <= first + offset <= last < high:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset "
            f"{first + offset} are out of bounds for the storage of {name}'s tensor of shape "
            f"{list(input.shape)}, which has the places from {low} to {high - 1}"
        )
    return tuple(size), tuple(stride), offset, own, (first, high)


@composite(inplace=True, gives_view=True)
def as_strided(xp, input, size: Ints, stride: Ints, storage_offset: int | None = None):
    r"""Elements at given steps in the memory that the input is a part of: a view.

    `storage_offset` counts from the beginning of that memory; by default, the input's own.
    RuntimeError for steps that lead out of it.
    """
    return xp.strided(input, *_steps(xp, "as_strided", input, size, stride, storage_offset))


@composite(method=False)
def as_strided_copy(xp, input, size: Ints, stride: Ints, storage_offset: int | None = None):
    r"""`as_strided`, copied."""
    return xp.strided_copy(input, *_steps(xp, "as_strided", input, size, stride, storage_offset))


@composite()
def as_strided_scatter(
    xp, input, src: Array, size: Ints, stride: Ints, storage_offset: int | None = None
):
    r"""The input with `src` written where `as_strided` looks, in a copy."""
    steps = _steps(xp, "as_strided_scatter", input, size, stride, storage_offset)
    if tuple(src.shape) != steps[0]:
        raise RuntimeError(
            f"as_strided_scatter: expected src of shape {list(size)}, not {list(src.shape)}"
        )
    return xp.strided_scatter(input, src, *steps[:-1])


@as_strided.samples
@as_strided_copy.samples
def _(r):
    yield call(r(3, 4), (2, 2), (1, 2))
    yield call(r(3, 4), (2, 3), (4, 1), 1)
    yield call(r(6), [3, 2], [1, 1], storage_offset=2)


@as_strided_scatter.samples
def _(r):
    yield call(r(3, 4), r(2, 2), (2, 2), (1, 2))
    yield call(r(3, 4), r(2, 3), [2, 3], [4, 1], storage_offset=1)


def _places(np, size, stride, offset):
    places = np.full((), offset or 0)
    for s, t in zip(size, stride, strict=True):
        places = places[..., None] + np.arange(s) * t
    return places


@as_strided.reference
@as_strided_copy.reference
def _(np, input, size, stride, storage_offset=None):
    return input.reshape(-1)[_places(np, size, stride, storage_offset)]


@as_strided_scatter.reference
def _(np, input, src, size, stride, storage_offset=None):
    result = np.array(input)
    result.reshape(-1)[_places(np, size, stride, storage_offset)] = src
    return result
