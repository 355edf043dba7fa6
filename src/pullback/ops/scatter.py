"""Values written, added, multiplied or compared at positions, which may repeat.

`scatter` and its like have a position for each value, as `gather` reads; `index_add` and its like
one for all values at a place of an axis. `put` counts positions in the flattened tensor.
"""

from pullback.op import Array, Dim, Number, Plain, call, composite, opaque


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


def _check_reduce(name, reduce, known):
    if reduce not in known:
        raise RuntimeError(
            f"{name}(): reduce argument must be one of {', '.join(known)}, got {reduce!r}"
        )


def _counts(xp, like, dim, index, include_self):
    """How many numbers meet at each place; 1 where there is none."""
    number = xp.filled(like.shape, int(include_self), like)
    ones = xp.filled(index.shape, 1, like)
    number = xp.scatter_add(number, dim, index, ones)
    return xp.where(xp.eq(number, 0), 1, number)


def _reduced(xp, input, dim, index, src, reduce, include_self):
    """What a reduction with scattered values gives."""
    if reduce != "mean":
        return xp.scatter_array(input, dim, index, src, reduce, not include_self)
    total = xp.scatter_array(input, dim, index, src, "sum", not include_self)
    number = _counts(xp, input, dim, index, include_self)
    return total / number if input.dtype.kind in "fc" else xp.floor_divide(total, number)


def _to_both(xp, g, y, input, dim, index, src, reduce, include_self, dtype):
    """The cotangents of the input and of the values, these without what the index leaves out."""
    values = src
    for k, size in enumerate(index.shape):
        values = xp.slice(values, k, 0, size, 1) if values.shape[k] != size else values
    if reduce in ("sum", "mean"):
        if reduce == "mean":
            g = g / _counts(xp, g, dim, index, include_self)
        to_input, to_values = g, xp.gather(g, dim, index)
    elif reduce == "prod":
        # Of one factor, the product of the others: all of them where no other one is zero.
        zero, zero_values = xp.eq(input, 0), xp.eq(values, 0)
        started = xp.cast(zero, dtype)
        if not include_self:
            started = started * 0
        zeros = xp.scatter_add(started, dim, index, xp.cast(zero_values, dtype))
        rest = xp.scatter_reduce(
            xp.where(zero, 1, input), dim, index, xp.where(zero_values, 1, values), "prod",
            include_self=include_self,
        )  # fmt: skip
        rest = g * rest

        def others(rest, zeros, factor, is_zero):
            alone = xp.where(xp.eq(zeros, 1), rest, 0)
            return xp.where(is_zero, alone, xp.where(xp.eq(zeros, 0), rest, 0) / factor)

        to_input = others(rest, zeros, xp.where(zero, 1, input), zero)
        to_values = others(
            xp.gather(rest, dim, index), xp.gather(zeros, dim, index),
            xp.where(zero_values, 1, values), zero_values,
        )  # fmt: skip
    else:  # equal extremes share
        found, found_values = xp.eq(input, y), xp.eq(values, xp.gather(y, dim, index))
        number = xp.scatter_add(xp.cast(found, dtype), dim, index, xp.cast(found_values, dtype))
        share = g / xp.where(xp.eq(number, 0), 1, number)
        to_input = xp.where(found, share, 0)
        to_values = xp.where(found_values, xp.gather(share, dim, index), 0)
    if not include_self:
        to_input = xp.scatter_values(to_input, dim, index, 0)
    return to_input, to_values


_SCATTERED = ("sum", "prod", "mean", "amax", "amin")


@opaque(inplace=True)
def scatter_reduce(
    xp, input, dim: Dim, index: Array, src: Array, reduce: Plain, *, include_self: bool = True
):
    r"""The input and the values of `src` where `gather` would read, reduced at each place.

    `reduce`: "sum", "prod", "mean", "amax" or "amin". Without `include_self`, the input counts only
    at places that no value goes to. RuntimeError for another reduction and for two dtypes.
    """
    _check_reduce("scatter_reduce", reduce, _SCATTERED)
    _same_dtype("scatter_reduce", input, src)
    return _reduced(xp, input, dim, index, src, reduce, include_self)


@scatter_reduce.backward("input")
def _(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype):
    return _to_both(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype)[0]


@scatter_reduce.backward("src")
def _(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype):
    part = _to_both(xp, g, y, input, dim, index, src, reduce, include_self, input_dtype)[1]
    return _padded(xp, part, src.shape)


@scatter_reduce.samples
def _(r):
    for reduce in _SCATTERED:
        yield call(r.distinct(3, 4), 0, r.integers(0, 3, 2, 4), 0.9 * r.distinct(2, 4), reduce)
        yield call(r.distinct(3, 4), -1, r.integers(0, 4, 3, 4), 0.9 * r.distinct(3, 5), reduce,
                   include_self=False)  # fmt: skip


def _reduced_reference(np, input, dim, index, src, reduce, include_self):
    groups = {}
    for place in np.ndindex(index.shape):
        target = list(place)
        target[dim] = index[place]
        groups.setdefault(tuple(target), []).append(src[place])
    result = np.array(input)
    function = getattr(np, reduce)
    for target, values in groups.items():
        result[target] = function(np.array([*[input[target]] * include_self, *values]))
    return result


@scatter_reduce.reference
def _(np, input, dim, index, src, reduce, *, include_self=True):
    return _reduced_reference(np, input, dim, index, src, reduce, include_self)


# ----------------------------------------------------------------- one position for a whole place


def _check_line(xp, name, input, dim, index, source, error=IndexError):
    if index.dtype.name not in ("int32", "int64") or (index.dtype.name == "int32" and "add" not in
                                                       name):  # fmt: skip
        raise error(f"{name}(): Expected dtype int32/int64 for index, but got {index.dtype}")
    if len(index.shape) > 1:
        raise IndexError(
            f"{name}(): Index should have dimension 1 or 0 (got {len(index.shape)}), its shape "
            f"is {list(index.shape)}"
        )
    count = index.shape[0] if index.shape else 1
    if source is not None:
        if input.dtype != source.dtype:
            raise RuntimeError(
                f"{name}(): self and source expected to have the same dtype, but got (self) "
                f"{input.dtype} and (source) {source.dtype}"
            )
        whole = input.shape or (1,)
        wanted = (*whole[:dim], count, *whole[dim + 1 :])
        if tuple(source.shape) != wanted and not (not source.shape and wanted == (1,)):
            raise (RuntimeError if len(source.shape) == len(whole) else IndexError)(
                f"{name}(): source of shape {list(source.shape)} does not fit {count} places "
                f"along axis {dim} of {list(input.shape)}"
            )
    xp.check_position(name, input, dim, index)


def _spread(xp, input, dim, index, source):
    """(input, index, source) with a position for each value, as scatters want it."""
    input = input if input.shape else xp.reshape(input, 1)
    index = xp.reshape(index, -1)
    shape = (*input.shape[:dim], index.shape[0], *input.shape[dim + 1 :])
    ones = [1] * len(shape)
    ones[dim] = index.shape[0]
    index = xp.expand(xp.reshape(index, *ones), *shape)
    return input, index, None if source is None else xp.reshape(source, *shape)


@opaque(inplace=True)
def index_add(xp, input, dim: Dim, index: Array, source: Array, *, alpha: Number = 1):
    r"""The input with $\alpha\,\text{source}$ added at the places of an axis that `index` lists."""
    _check_line(xp, "index_add", input, dim, index, source)
    source = source if alpha == 1 else xp.cast(source * alpha, input.dtype)
    return xp.scatter_line(input, dim, index, source, "sum")


@index_add.backward("input")
def _(xp, g):
    return g


@index_add.backward("source")
def _(xp, g, dim, index, source_shape, alpha):
    part = xp.reshape(xp.index_select(g, dim, xp.reshape(index, -1)), *source_shape)
    return part if alpha == 1 else part * alpha


@index_add.check
def _(xp, input, dim, index, source, alpha):
    xp.check_position("index_add", input, dim, index)


@index_add.formula
def _(xp, input, dim, index, source, alpha):
    if not input.shape or not index.shape or input.dtype != source.dtype:
        return xp.not_lowerable("a single number")
    added = xp.index_adjoint(source, [None] * dim + [index], tuple(input.shape))
    return input + (added if alpha == 1 else added * alpha)


def _line_samples(r, *more, **keywords):
    yield call(r(3, 4), 0, r.order(3)[:2], r(2, 4), *more, **keywords)
    yield call(r(3, 4), -1, r.order(4)[:1], r(3, 1), *more, **keywords)
    yield call(r(3), 0, r.integers(0, 3, 0), r(0), *more, **keywords)
    yield call(r(), 0, r.integers(0, 1, 1), r(1), *more, **keywords)


@index_add.samples
def _(r):
    yield from _line_samples(r)
    yield call(r(3, 2), 0, r.integers(0, 3, 6), r(6, 2), alpha=2)


def _line_reference(np, input, dim, index, source, meet):
    result = np.array(np.atleast_1d(input))
    for k, i in enumerate(np.atleast_1d(index)):
        key = (slice(None),) * (dim % result.ndim)
        part = source if not np.ndim(source) else source[(*key, k)]
        result[(*key, i)] = meet(result[(*key, i)], part)
    return result.reshape(np.shape(input))


@index_add.reference
def _(np, input, dim, index, source, *, alpha=1):
    return _line_reference(np, input, dim, index, source, lambda a, b: a + alpha * b)


@opaque(inplace=True)
def index_copy(xp, input, dim: Dim, index: Array, source: Array):
    r"""The input with `source` written at the places of an axis that `index` lists."""
    _check_line(xp, "index_copy", input, dim, index, source)
    shape = input.shape
    input, index, source = _spread(xp, input, dim, index, source)
    return xp.reshape(xp.scatter_array(input, dim, index, source, ""), *shape)


@index_copy.backward("input")
def _(xp, g, dim, index):
    return xp.index_fill(g, dim, index, 0)


@index_copy.backward("source")
def _(xp, g, dim, index, source_shape):
    return xp.reshape(xp.index_select(g, dim, xp.reshape(index, -1)), *source_shape)


@index_copy.samples
def _(r):
    yield from _line_samples(r)


@index_copy.reference
def _(np, input, dim, index, source):
    return _line_reference(np, input, dim, index, source, lambda a, b: b)


@opaque(inplace=True, numbers="value", overloads={"value": 0, "": 1})
def index_fill(xp, input, dim: Dim, index: Array, value: Array):
    r"""The input with one value, a number or 0-d tensor, at the places of an axis."""
    if getattr(value, "shape", ()) != ():
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{len(value.shape)} dimension(s)."
        )
    size = input.shape[dim] if input.shape else 1
    if index.dtype.name != "int64":
        raise IndexError(f"index_fill_(): Expected dtype int64 for index, not {index.dtype}")
    if len(index.shape) > 1:
        raise IndexError(f"index_fill_(): Index has to be a vector/scalar: {list(index.shape)}")
    index = xp.where(xp.lt(index, 0), index + size, index)
    xp.check_position("index_fill", input, dim, index)
    shape = input.shape
    number = xp.cast(value, input.dtype) if hasattr(value, "dtype") else value
    input, index, _ = _spread(xp, input, dim, index, None)
    if hasattr(value, "dtype"):
        values = xp.expand(number, *index.shape)
    else:
        values = xp.filled(index.shape, number, input)
    return xp.reshape(xp.scatter_array(input, dim, index, values, ""), *shape)


@index_fill.backward("input")
def _(xp, g, dim, index):
    return xp.index_fill(g, dim, index, 0)


@index_fill.backward("value")
def _(xp, g, dim, index):
    filled = xp.index_fill(xp.filled(g.shape, 0, g), dim, index, 1)
    return xp.sum(xp.where(xp.eq(filled, 1), g, 0))


@index_fill.samples
def _(r):
    yield call(r(3, 4), 0, r.order(3)[:2], 2.5)
    yield call(r(3, 4), -1, r.order(4)[:1] - 4, -1)
    yield call(r(3, 4), 1, r.order(4)[:2], r())
    yield call(r(), 0, r.integers(0, 1, 1), 3.0)


@index_fill.reference
def _(np, input, dim, index, value):
    return _line_reference(np, input, dim, index, value, lambda a, b: b)


_REDUCED = ("prod", "mean", "amax", "amin")


@opaque(inplace=True)
def index_reduce(
    xp, input, dim: Dim, index: Array, source: Array, reduce: Plain, *, include_self: bool = True
):
    r"""`scatter_reduce` with one position for all values at a place of an axis.

    `reduce`: "prod", "mean", "amax" or "amin".
    """
    _check_reduce("index_reduce", reduce, _REDUCED)
    _check_line(xp, "index_reduce", input, dim, index, source)
    shape = input.shape
    input, index, source = _spread(xp, input, dim, index, source)
    return xp.reshape(_reduced(xp, input, dim, index, source, reduce, include_self), *shape)


def _line_to_both(xp, g, y, input, dim, index, source, reduce, include_self, dtype):
    whole = input.shape or (1,)
    input, index, source = _spread(xp, input, dim, index, source)
    return _to_both(
        xp, xp.reshape(g, *whole), xp.reshape(y, *whole), input, dim, index, source, reduce,
        include_self, dtype,
    )  # fmt: skip


@index_reduce.backward("input")
def _(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype):
    found = _line_to_both(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype)
    return xp.reshape(found[0], *input.shape)


@index_reduce.backward("source")
def _(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype):
    found = _line_to_both(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype)
    return xp.reshape(found[1], *source.shape)


@index_reduce.samples
def _(r):
    for reduce in _REDUCED:
        yield call(r.distinct(3, 4), 0, r.integers(0, 3, 4), 0.9 * r.distinct(4, 4), reduce)
        yield call(r.distinct(3, 4), -1, r.integers(0, 4, 3), 0.9 * r.distinct(3, 3), reduce,
                   include_self=False)  # fmt: skip


@index_reduce.reference
def _(np, input, dim, index, source, reduce, *, include_self=True):
    wide = np.broadcast_to(index.reshape([-1 if k == dim % 2 else 1 for k in range(2)]),
                           source.shape)  # fmt: skip
    return _reduced_reference(np, input, dim, wide, source, reduce, include_self)


# ------------------------------------------------------- positions in the flattened tensor, masks


def _flat_places(xp, name, input, index):
    """Positions counted from the beginning, checked."""
    if index.dtype.name != "int64":
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {index.dtype}")
    count = 1
    for size in input.shape:
        count *= size
    index = xp.where(xp.lt(index, 0), index + count, index)
    xp.check_position(name, xp.reshape(input, -1), 0, index)
    return index


@opaque(name="take_function", public_name="take", node="Take")
def take(xp, input, index: Array):
    r"""The elements at positions in the flattened input; the shape is the index's."""
    index = _flat_places(xp, "take", input, index)
    return xp.index(xp.reshape(input, -1), [index])


@take.backward("input")
def _(xp, g, index, input_shape):
    count = 1
    for size in input_shape:
        count *= size
    return xp.reshape(xp.index_adjoint(g, [index], (count,)), *input_shape)


@take.samples
def _(r):
    yield call(r(3, 4), r.integers(-12, 12, 2, 3))
    yield call(r(), r.integers(0, 1))
    yield call(r(3), r.integers(0, 3, 0))


@take.reference
def _(np, input, index):
    return np.take(input, index)


@opaque(name="put_function", public_name="put", node="Put", inplace=True)
def put(xp, input, index: Array, source: Array, accumulate: bool = False):
    r"""The input with values written, or added, at positions in the flattened tensor."""
    _same_dtype("put_", input, source)
    shape, count = input.shape, 1
    for size in index.shape:
        count *= size
    for size in source.shape:
        count = count if size != 0 else -count
    if xp.reshape(source, -1).shape != xp.reshape(index, -1).shape:
        raise IndexError(
            f"put_(): Expected source and index to have the same number of elements, but their "
            f"shapes are {list(source.shape)} and {list(index.shape)}"
        )
    index = xp.reshape(_flat_places(xp, "put_", input, index), -1)
    how = "sum" if accumulate else ""
    flat = xp.scatter_array(xp.reshape(input, -1), 0, index, xp.reshape(source, -1), how)
    return xp.reshape(flat, *shape)


@put.backward("input")
def _(xp, g, index, accumulate):
    return g if accumulate else xp.put_function(g, index, xp.filled(index.shape, 0, g))


@put.backward("source")
def _(xp, g, index, source_shape):
    return xp.reshape(xp.take_function(g, index), *source_shape)


@put.samples
def _(r):
    yield call(r(3, 4), r.order(12)[:4] - 6, r(2, 2))
    yield call(r(3, 4), r.integers(0, 12, 9), r(9), True)
    yield call(r(), r.integers(0, 1, 1), r(1))


@put.reference
def _(np, input, index, source, accumulate=False):
    result = np.array(input).reshape(-1)
    for i, value in zip(index.reshape(-1), source.reshape(-1), strict=True):
        result[i] = value + (result[i] if accumulate else 0)
    return result.reshape(input.shape)


@opaque(inplace=True)
def masked_scatter(xp, input, mask: Array, source: Array):
    r"""The input with the first elements of `source`, in order, where the mask is True.

    RuntimeError for a mask of other numbers, two dtypes, and a source with too few elements.
    """
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, not {mask.dtype}")
    _same_dtype("masked_scatter", input, source)
    shape = xp.broadcast_shape(input.shape, mask.shape)
    return xp.masked_fill_from(xp.expand(input, *shape), xp.expand(mask, *shape), source)


@masked_scatter.backward("input")
def _(xp, g, mask):
    return xp.where(mask, 0, g)


@masked_scatter.backward("source")
def _(xp, g, mask, source_shape):
    return xp.masked_elements(g, xp.expand(mask, *g.shape), tuple(source_shape))


@masked_scatter.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4), r(3, 5))
    yield call(r(3, 1), r.booleans(4), r(12))
    yield call(r(), r.booleans(), r(1))


@masked_scatter.reference
def _(np, input, mask, source):
    input, mask = (np.array(a) for a in np.broadcast_arrays(input, mask))
    input[mask] = source.reshape(-1)[: mask.sum()]
    return input


@opaque(public=False)
def masked_elements(xp, input, mask: Array, shape: Plain):
    r"""The elements where the mask is True, then zeros, in a shape: `masked_scatter`'s adjoint."""
    return xp.masked_elements_array(input, mask, shape)


@masked_elements.backward("input")
def _(xp, g, mask):
    return xp.masked_scatter(xp.filled(mask.shape, 0, g), mask, g)


@masked_elements.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4), (2, 6))
