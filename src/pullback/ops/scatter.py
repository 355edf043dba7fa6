"""Values written, added, multiplied or compared at positions, which may repeat.

Each value has a position, as `gather` reads. `index_add` and its like, which have one for all
values at a place of an axis, are in `index_writes`.
"""

from pullback.op import Array, Dim, Plain, all_examples, call, composite, meeting, opaque


def _same_dtype(name, input, src):
    if input.dtype != src.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, not {input.dtype} and "
            f"{src.dtype}"
        )


def _padded(xp, part, shape):
    """Zeros for what lies beyond the index: it was not read."""
    if tuple(part.shape) == tuple(shape):
        return part
    pad = []
    for have, size in zip(reversed(part.shape), reversed(shape), strict=True):
        pad += [0, size - have]
    return xp.constant_pad_nd(part, tuple(pad), 0)


@opaque(inplace=True)
def scatter_add(xp, input, dim: Dim, index: Array, src: Array):
    r"""The input with `src` added where `gather` would read. RuntimeError for two dtypes."""
    _same_dtype("scatter_add", input, src)
    return xp.scatter_array(input, dim, index, src, "sum")


@scatter_add.formula
def _(xp, input, dim, index, src):
    return input + xp.scatter_zeros(src, dim, index, input.shape)


@scatter_add.check
def _(xp, input, dim, index, src):
    xp.check_index("scatter_add", input, dim, index)


@scatter_add.backward("input")
def _(xp, g):
    return g


@scatter_add.backward("src")
def _(xp, g, dim, index, src_shape):
    return _padded(xp, xp.gather(g, dim, index), src_shape)


@scatter_add.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 2, 4), r(2, 4))
    yield call(r(3, 4), -1, r.integers(0, 4, 2, 5), r(3, 6))
    yield call(r(3), 0, r.integers(0, 3, 0), r(2))
    yield call(r(), 0, r.integers(0, 1), r())


def _scatter_of_examples(op):
    """The rule for many examples: the axis is one further."""

    def rule(xp, input, dim, index, src, *rest):
        number = not hasattr(src, "dtype")
        size = max(x.shape[0] for x in ([input, index] if number else [input, index, src]))
        input, index = all_examples(xp, [input, index], size)
        if not number:
            (src,) = all_examples(xp, [src], size)
        shape = input.shape
        if len(shape) == 1:  # numbers
            input, index = xp.unsqueeze(input, 1), xp.reshape(index, size, -1)
            src = src if number else xp.reshape(src, size, -1)
        return xp.reshape(xp.apply(op, (input, dim + 1, index, src, *rest)), *shape)

    op.examples(rule)


_scatter_of_examples(scatter_add)


def _one_by_one(np, input, dim, index, src, meet):
    """What a scatter is, position after position."""
    result = np.array(input)
    for place in np.ndindex(index.shape):
        target = list(place)
        if target:
            target[dim] = index[place]
        target = tuple(target)
        result[target] = meet(result[target], src[place] if np.ndim(src) else src)
    return result


@scatter_add.reference
def _(np, input, dim, index, src):
    return _one_by_one(np, input, dim, index, src, lambda a, b: a + b)


# ------------------------------------------------------------------------------------- writing


@opaque(public=False, node="Scatter", numbers="src", overloads={"src": 1, "": 0})
def scatter_values(xp, input, dim: Dim, index: Array, src: Array):
    r"""The input with `src`, or one number, written where `gather` would read."""
    if hasattr(src, "dtype"):
        _same_dtype("scatter", input, src)
    else:
        src = xp.filled(index.shape, src, input)
    return xp.scatter_array(input, dim, index, src, "")


@scatter_values.formula
def _(xp, input, dim, index, src):
    one = not getattr(src, "shape", ())  # a number, or one that is a parameter
    if not input.shape or any(
        a != b for k, (a, b) in enumerate(zip(index.shape, input.shape, strict=True)) if k != dim
    ):
        return xp.not_lowerable("places for some of the rows")
    for k, size in enumerate(index.shape):
        if not one and src.shape[k] != size:
            src = xp.slice(src, k, 0, size, 1)
    if one:
        value = src if hasattr(src, "dtype") else xp.number(src, input)
        src = xp.expand(value, *index.shape)
    return xp.write_along(input, index, src, dim)


@scatter_values.check
def _(xp, input, dim, index, src):
    xp.check_index("scatter", input, dim, index)


@opaque(public=False, derivative=False, along="dim")
def write_along(xp, input, index: Array, src: Array, dim: int):
    r"""`scatter_values`, of tensors with as many rows each."""
    return xp.scatter_array(input, dim, index, src, "")


@write_along.examples
def _(xp, input, index, src, dim):
    return xp.write_along(*all_examples(xp, [input, index, src]), dim + 1)


@write_along.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 4, 3, 1), r(3, 1), 1)


@scatter_values.backward("input")
def _(xp, g, dim, index):
    return xp.scatter_values(g, dim, index, 0)


@scatter_values.backward("src")
def _(xp, g, dim, index, src_shape):
    return _padded(xp, xp.gather(g, dim, index), src_shape)


@scatter_values.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 1, 4), r(2, 4))
    yield call(r(3, 4), 1, r.integers(0, 4, 3, 1), 2.5)


_scatter_of_examples(scatter_values)

_REDUCTIONS = {"add": "sum", "multiply": "prod"}


@composite(inplace=True, numbers="src", keywords={"value": "src"})
def scatter(xp, input, dim: Dim, index: Array, src: Array, *, reduce: Plain = None):
    r"""The input with `src`, a tensor or one number, written where `gather` would read.

    `reduce`: "add" or "multiply" instead of writing. Of values for one place, the last is written.
    RuntimeError for positions out of range, sizes that do not fit, and two dtypes.
    """
    if reduce is None:
        return xp.scatter_values(input, dim, index, src)
    if not isinstance(reduce, str):
        raise TypeError(f"scatter(): argument 'reduce' must be str, not {type(reduce).__name__}")
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"scatter: reduce argument must be 'add' or 'multiply', got {reduce!r}")
    if not hasattr(src, "dtype"):
        src = xp.filled(index.shape, src, input)
    return xp.scatter_reduce(input, dim, index, src, _REDUCTIONS[reduce])


@scatter.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 1, 4), r(2, 4))
    yield call(r(3, 4), -1, r.integers(0, 4, 3, 1), 2.5)
    yield call(r(3), 0, r.order(3)[:2], r(3))
    yield call(r(3), 0, r.integers(0, 3, 0), r(2))
    yield call(r(3, 4), 0, r.integers(0, 3, 2, 4), 1.5, reduce="add")
    yield call(r(3, 4), 0, r.integers(0, 3, 2, 4), -1.5, reduce="multiply")


@scatter.reference
def _(np, input, dim, index, src, *, reduce=None):
    meet = {None: lambda a, b: b, "add": lambda a, b: a + b, "multiply": lambda a, b: a * b}
    return _one_by_one(np, input, dim, index, src, meet[reduce])


# ------------------------------------------------------------------------------------ reducing

_SCATTERED = ("sum", "prod", "mean", "amax", "amin")


@opaque(inplace=True)
def scatter_reduce(
    xp, input, dim: Dim, index: Array, src: Array, reduce: Plain, *, include_self: bool = True
):
    r"""The input and the values of `src` where `gather` would read, reduced at each place.

    `reduce`: "sum", "prod", "mean", "amax" or "amin". Without `include_self`, the input counts only
    at places that no value goes to. RuntimeError for another reduction and for two dtypes.
    """
    meeting.check_reduction("scatter_reduce", reduce, _SCATTERED)
    _same_dtype("scatter_reduce", input, src)
    return meeting.reduced(xp, input, dim, index, src, reduce, include_self)


@scatter_reduce.backward("input")
def _(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype):
    return meeting.cotangents(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype)[
        0
    ]


@scatter_reduce.backward("src")
def _(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype):
    part = meeting.cotangents(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype)[
        1
    ]
    return _padded(xp, part, src.shape)


@scatter_reduce.samples
def _(r):
    for reduce in _SCATTERED:
        yield call(r.distinct(3, 4), 0, r.integers(0, 3, 2, 4), 0.9 * r.distinct(2, 4), reduce)
        yield call(r.distinct(3, 4), -1, r.integers(0, 4, 3, 4), 0.9 * r.distinct(3, 5), reduce,
                   include_self=False)  # fmt: skip


_scatter_of_examples(scatter_reduce)


@scatter_reduce.reference
def _(np, input, dim, index, src, reduce, *, include_self=True):
    return meeting.reference(np, input, dim, index, src, reduce, include_self)
