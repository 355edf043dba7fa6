"""Whole places of an axis written, added or reduced: `index_add`, `index_copy`, …

The positions are one axis; each is of all values at a place. `scatter` has a position for each
value.
"""

from pullback.op import Array, Dim, Number, Plain, all_examples, call, meeting, opaque


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


def _line_of_examples(op):
    """The rule for many examples: places that they share as they are, or of rows of them all."""

    def rule(xp, input, dim, index, source, *rest):
        size = max(x.shape[0] for x in (input, index, source))
        input, source = all_examples(xp, [input, source], size)
        shape = input.shape
        if len(shape) == 1:
            input, source = xp.unsqueeze(input, 1), xp.reshape(source, size, -1)
        if index.shape[0] == 1:
            y = xp.apply(op, (input, dim + 1, xp.squeeze(index, 0), source, *rest))
            return xp.reshape(y, *shape)
        if len(index.shape) < 3 and len(source.shape) == len(input.shape):
            places, count = _rows(xp, op.name, input, dim + 1, index)
            if source.shape[dim + 1] * size == places.shape[0]:
                y = xp.apply(op, (
                    _in_rows(xp, input, dim + 1), 0, places, _in_rows(xp, source, dim + 1), *rest
                ))  # fmt: skip
                y = xp.reshape(y, size, count, *y.shape[1:])
                return xp.reshape(xp.movedim(y, 1, dim + 1), *shape)
        raise RuntimeError(
            f"{op.name}(): the index of shape {list(index.shape[1:])} and the source of shape "
            f"{list(source.shape[1:])} do not fit axis {dim} of {list(shape[1:])}"
        )

    op.examples(rule)


def _in_rows(xp, x, dim):
    """The places of an axis of all examples, one after the other, as rows."""
    y = xp.movedim(x, dim, 1)
    return xp.reshape(y, y.shape[0] * y.shape[1], *y.shape[2:])


def _rows(xp, name, input, dim, index):
    """(positions along an axis as those of rows of all examples, how many each example has)."""
    size, count = index.shape[0], input.shape[dim]
    wrong = xp.first_outside(index, 0, count)
    if wrong is not None:
        raise IndexError(
            f"{name}(): index {wrong} is out of range for axis {dim - 1} of a tensor of shape "
            f"{list(input.shape[1:])}"
        )
    places = xp.reshape(index, size, -1) + xp.unsqueeze(xp.arange(size), 1) * count
    return xp.reshape(places, -1), count


@opaque(inplace=True)
def index_add(xp, input, dim: Dim, index: Array, source: Array, *, alpha: Number = 1):
    r"""The input with $\alpha\,\text{source}$ added at the places of an axis that `index` lists."""
    _check_line(xp, "index_add", input, dim, index, source)
    source = source if alpha == 1 else xp.cast(source * alpha, input.dtype)
    return xp.add_line(input, dim, index, source)


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


_line_of_examples(index_add)


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
    return xp.write_line(input, dim, index, source)


@index_copy.formula
def _(xp, input, dim, index, source):
    if not input.shape or not source.shape:
        return xp.not_lowerable("a single number")
    place, there = _last_places(xp, input, dim, index)
    return xp.where(there, xp.moved(source, dim, place), input)


@index_copy.check
def _(xp, input, dim, index, source):
    xp.check_position("index_copy", input, dim, index)


def _last_places(xp, input, dim, index):
    """For each place of an axis, where an index last names it, and whether it does."""
    size, rank = input.shape[dim], len(input.shape)
    order, begin, counts, _ = xp.buckets(xp.reshape(index, -1), size)
    last = xp.elements(order, [xp.maximum(begin + counts - 1, xp.number(0))])
    column = [size if k == dim else 1 for k in range(rank)]
    return xp.reshape(last, *column), xp.reshape(xp.gt(counts, 0), *column)


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


_line_of_examples(index_copy)


@opaque(inplace=True, numbers="value", overloads={"value": 0, "": 1})
def index_fill(xp, input, dim: Dim, index: Array, value: Array):
    r"""The input with one value, a number or 0-d tensor, at the places of an axis."""
    if getattr(value, "shape", ()) != ():
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{len(value.shape)} dimension(s)."
        )
    if index.dtype.str[1:] != "i8":  # its name takes NumPy 1.5 µs
        raise IndexError(f"index_fill_(): Expected dtype int64 for index, not {index.dtype}")
    if len(index.shape) > 1:
        raise IndexError(f"index_fill_(): Index has to be a vector/scalar: {list(index.shape)}")
    number = xp.cast(value, input.dtype) if hasattr(value, "dtype") else value
    return xp.fill_line(input, dim, index, number)


@index_fill.formula
def _(xp, input, dim, index, value):
    if not input.shape or not index.size:
        return xp.not_lowerable("a single number")
    index = xp.where(xp.lt(index, 0), index + xp.number(input.shape[dim]), index)
    xp.check_position("index_fill", input, dim, index)
    _, there = _last_places(xp, input, dim, index)
    number = value if hasattr(value, "dtype") else xp.number(value, input)
    return xp.where(there, xp.cast(number, input.dtype), input)


@index_fill.backward("input")
def _(xp, g, dim, index):
    return xp.index_fill(g, dim, index, 0)


@index_fill.backward("value")
def _(xp, g, dim, index):
    filled = xp.index_fill(xp.filled(g.shape, 0, g), dim, index, 1)
    return xp.sum(xp.where(xp.eq(filled, 1), g, 0))


@index_fill.examples
def _(xp, input, dim, index, value):
    own = hasattr(value, "dtype")
    size = max(x.shape[0] for x in ([input, index, value] if own else [input, index]))
    (input,) = all_examples(xp, [input], size)
    shape = input.shape
    if len(shape) == 1:
        input = xp.unsqueeze(input, 1)
    if index.shape[0] == 1 and not (own and value.shape[0] > 1):
        value = xp.squeeze(value, 0) if own else value
        y = xp.index_fill(input, dim + 1, xp.squeeze(index, 0), value)
        return xp.reshape(y, *shape)
    index = xp.where(xp.lt(index, 0), index + input.shape[dim + 1], index)
    index = xp.reshape(xp.expand(index, size, *index.shape[1:]), size, -1)
    places, count = _rows(xp, "index_fill", input, dim + 1, index)
    rows = _in_rows(xp, input, dim + 1)
    if own:
        each = xp.expand(xp.reshape(value, value.shape[0], 1), *index.shape)
        each = xp.reshape(each, -1, *(1,) * (len(rows.shape) - 1))
        source = xp.expand(xp.cast(each, input.dtype.numpy), places.shape[0], *rows.shape[1:])
        y = xp.index_copy(rows, 0, places, source)
    else:
        y = xp.index_fill(rows, 0, places, value)
    y = xp.reshape(y, size, count, *rows.shape[1:])
    return xp.reshape(xp.movedim(y, 1, dim + 1), *shape)


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
    meeting.check_reduction("index_reduce", reduce, _REDUCED)
    _check_line(xp, "index_reduce", input, dim, index, source)
    shape = input.shape
    input, index, source = _spread(xp, input, dim, index, source)
    return xp.reshape(meeting.reduced(xp, input, dim, index, source, reduce, include_self), *shape)


def _line_to_both(xp, g, y, input, dim, index, source, reduce, include_self, dtype):
    """The cotangents of the input and of the source, in their shapes."""
    whole = input.shape or (1,)
    wide = _spread(xp, input, dim, index, source)
    g, y = xp.reshape(g, *whole), xp.reshape(y, *whole)
    found = meeting.cotangents(xp, g, y, wide[0], dim, *wide[1:], reduce, include_self, dtype)
    return xp.reshape(found[0], *input.shape), xp.reshape(found[1], *source.shape)


@index_reduce.backward("input")
def _(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype):
    found = _line_to_both(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype)
    return found[0]


@index_reduce.backward("source")
def _(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype):
    found = _line_to_both(xp, g, y, input, dim, index, source, reduce, include_self, input_dtype)
    return found[1]


@index_reduce.samples
def _(r):
    for reduce in _REDUCED:
        yield call(r.distinct(3, 4), 0, r.integers(0, 3, 4), 0.9 * r.distinct(4, 4), reduce)
        yield call(r.distinct(3, 4), -1, r.integers(0, 4, 3), 0.9 * r.distinct(3, 3), reduce,
                   include_self=False)  # fmt: skip


_line_of_examples(index_reduce)


@index_reduce.reference
def _(np, input, dim, index, source, reduce, *, include_self=True):
    wide = np.broadcast_to(index.reshape([-1 if k == dim % 2 else 1 for k in range(2)]),
                           source.shape)  # fmt: skip
    return meeting.reference(np, input, dim, wide, source, reduce, include_self)
