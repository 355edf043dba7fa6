"""Values written, or added, at positions."""

from pullback.op import Array, Dim, all_examples, call, opaque


@opaque(inplace=True)
def scatter_add(xp, input, dim: Dim, index: Array, src: Array):
    r"""The input with `src` added where `gather` would read. RuntimeError for two dtypes."""
    if input.dtype != src.dtype:
        raise RuntimeError(
            f"scatter_add(): Expected self.dtype to be equal to src.dtype, not {input.dtype} and "
            f"{src.dtype}"
        )
    return xp.scatter_array(input, dim, index, src, True)


@scatter_add.examples
def _(xp, input, dim, index, src):
    input, index, src = all_examples(xp, [input, index, src])
    if len(input.shape) == 1:
        whole = [x if len(x.shape) > 1 else xp.unsqueeze(x, 1) for x in (input, index, src)]
        return xp.squeeze(xp.scatter_add(whole[0], 1, whole[1], whole[2]), 1)
    return xp.scatter_add(input, dim + 1, index, src)


@scatter_add.backward("input")
def _(xp, g):
    return g


@scatter_add.backward("src")
def _(xp, g, dim, index, src_shape):
    return _padded(xp, xp.gather(g, dim, index), src_shape)


def _padded(xp, part, shape):
    """Zeros for what lies beyond the index: it was not read."""
    if tuple(part.shape) == tuple(shape):
        return part
    pad = []
    for have, size in zip(reversed(part.shape), reversed(shape), strict=True):
        pad += [0, size - have]
    return xp.constant_pad_nd(part, tuple(pad), 0)


@scatter_add.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 2, 4), r(2, 4))
    yield call(r(3, 4), -1, r.integers(0, 4, 2, 5), r(3, 6))
    yield call(r(3), 0, r.integers(0, 3, 0), r(2))
    yield call(r(), 0, r.integers(0, 1), r())


@scatter_add.reference
def _(np, input, dim, index, src):

    result = np.array(input)
    for place in np.ndindex(index.shape):
        target = list(place)
        if target:
            target[dim] = index[place]
        result[tuple(target)] += src[place]
    return result
