"""Largest and smallest elements over axes, and where they are."""

from pullback.op import Array, Plain, all_examples, call, composite, opaque, reduction


@reduction(identity=False, dtypes="bif")
def amax(xp, input, dim):
    r"""Largest element over axes; NaN if there is one. Equal maxima share the gradient.

    In formulas the first of them has it.
    """
    return xp.amax(input, dim, keepdim=True)


@amax.combine
def _(xp, a, b):
    return xp.maximum(a, b)


@reduction(identity=False, dtypes="bif")
def amin(xp, input, dim):
    r"""Smallest element over axes; NaN if there is one. Equal minima share the gradient.

    In formulas the first of them has it.
    """
    return xp.amin(input, dim, keepdim=True)


@amin.combine
def _(xp, a, b):
    return xp.minimum(a, b)


@reduction(
    identity=False,
    public=False,
    node="Max",
    overload=lambda *args: 1,
    dtypes="bif",
    public_name="max",
)
def max_all(xp, input, dim):
    r"""Largest element."""
    return xp.amax(input, dim, keepdim=True)


@reduction(
    identity=False,
    public=False,
    node="Min",
    overload=lambda *args: 1,
    dtypes="bif",
    public_name="min",
)
def min_all(xp, input, dim):
    r"""Smallest element."""
    return xp.amin(input, dim, keepdim=True)


max_all.combine(amax.combine_function)
min_all.combine(amin.combine_function)


@opaque(public=False, derivative=False, dtypes="f")
def extreme_shares(xp, input, dim: Plain, largest: bool):
    r"""The number of equal extremes over axes at each of them, zero at all other elements.

    The extreme is found here, and compared with where it was found: another loop may have rounded
    the elements otherwise. In formulas, for the same reason, the first extreme is the only one.
    """
    extreme = (xp.amax if largest else xp.amin)(input, dim, keepdim=True)
    return xp.count_ties(input, extreme, dim)


@extreme_shares.examples
def _(xp, input, dim, largest):
    if len(input.shape) == 1:
        return xp.filled(input.shape, 1, input)
    return xp.extreme_shares(input, tuple(d + 1 for d in dim), largest)


@extreme_shares.formula
def _(xp, input, dim, largest):
    arg = xp.argmax if largest else xp.argmin
    shape = input.shape
    rank = len(shape)
    kept = [1 if k in dim else s for k, s in enumerate(shape)]
    rest = [k for k in range(rank) if k not in dim]
    if len(dim) == 1:
        first = arg(input, dim[0], keepdim=True)
    elif not rest:
        first = xp.reshape(arg(input), *kept)
    else:
        together = xp.reshape(xp.permute(input, *rest, *dim), *(shape[k] for k in rest), -1)
        first = xp.reshape(arg(together, -1), *kept)
    place = 0
    for k in dim:
        place = place * xp.number(shape[k]) + xp.positions(shape[k], k, rank)
    return xp.cast(xp.eq(place, first), input.dtype)


@extreme_shares.samples
def _(r):
    yield call(r(3, 4), (1,), True)
    yield call(r(3, 4, 2), (0, 2), False)
    yield call(r(3, 4), (0, 1), True)


@opaque(public=False, dtypes="fc")
def shared(xp, input, shares: Array):
    r"""input / shares, and zero where the shares are: of arrays, what is there is looked for."""
    return xp.quotients_of_few(input, shares)


@shared.formula
def _(xp, input, shares):
    return xp.where(xp.gt(shares, 0), input / xp.where(xp.gt(shares, 0), shares, 1), 0)


@shared.backward("input")
def _(xp, g, shares, input_shape):
    dim = tuple(k for k, size in enumerate(input_shape) if size < shares.shape[k])
    given = xp.shared(g, shares)
    return xp.sum(given, dim, True) if dim else given


@shared.backward("shares")
def _(xp, g, y, shares):
    return -xp.shared(g * y, shares)


@shared.examples
def _(xp, input, shares):
    return xp.shared(*all_examples(xp, [input, shares]))


@shared.samples
def _(r):
    yield call(r(3, 1), r(3, 4, low=1.0))
    yield call(r(1, 4), r(3, 4, low=1.0))


def _to_extremes(xp, g, input, dim, largest):
    return xp.shared(g, xp.extreme_shares(input, dim, largest)) if dim else g


@amax.backward("input")
@max_all.backward("input")
def _(xp, g, input, dim):
    return _to_extremes(xp, g, input, dim, True)


@amin.backward("input")
@min_all.backward("input")
def _(xp, g, input, dim):
    return _to_extremes(xp, g, input, dim, False)


@amin.samples
@amax.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), True)
    yield call(r(3, 4), dim=1, keepdim=True)
    yield call(r(), 0)
    yield call(r(2, 0, 3), 2)


@amin.reference
def _(np, input, dim=None, keepdim=False):
    return np.min(input, axis=dim, keepdims=keepdim)


@amax.reference
def _(np, input, dim=None, keepdim=False):
    return np.max(input, axis=dim, keepdims=keepdim)


def _extreme(name, value, better, node):
    """The reduction that gives an extreme value and its first index along one axis."""

    @reduction(
        name=f"{name}_dim", outputs="values indices", integer_outputs="indices", node=node,
        state="values indices", single_dim=True, optional_dim=False, identity=False, public=False,
        dtypes="bif",
    )  # fmt: skip
    def with_index(xp, input, dim, start=0):
        indices = getattr(xp, f"arg{name}")(input, dim, keepdim=True)
        return getattr(xp, f"a{name}")(input, dim, keepdim=True), indices + start

    with_index.doc = f"The {value} elements along one axis, and their first indices."

    @with_index.combine
    def _(xp, a, b):
        # NaN wins, and the first index among equals, whichever order tiles come in.
        nan_a, nan_b = xp.isnan(a.values), xp.isnan(b.values)
        equal = xp.logical_or(xp.eq(a.values, b.values), xp.logical_and(nan_a, nan_b))
        wins = xp.logical_or(getattr(xp, better)(b.values, a.values),
                             xp.logical_and(nan_b, xp.logical_not(nan_a)))  # fmt: skip
        second = xp.logical_or(wins, xp.logical_and(equal, xp.lt(b.indices, a.indices)))
        return xp.where(second, b.values, a.values), xp.where(second, b.indices, a.indices)

    @with_index.backward("input")
    def _(xp, g, indices, input_shape, dim):
        return xp.scatter_zeros(g, dim[0], indices, input_shape) if dim else g

    @reduction(
        name=f"arg{name}",
        state="values indices",
        single_dim=True,
        result="index",
        identity=False,
        dtypes="if",
    )
    def index(xp, input, dim, start=0):
        return with_index.forward(xp, input, dim, start)

    index.combine(with_index.combine_function)

    @index.formula
    def _(xp, input, dim, keepdim):
        if len(dim) <= 1:
            return None
        # The extremes along the last axis, then the first row that has the extreme of all.
        columns = input.shape[-1]
        best = getattr(xp, f"a{name}")(input, -1)
        column = xp.reshape(getattr(xp, f"arg{name}")(input, -1), -1)
        row = getattr(xp, f"arg{name}")(xp.reshape(best, -1), 0, True)
        place = row * xp.number(columns) + xp.elements(column, [row])
        return xp.reshape(place, *((1,) * len(dim) if keepdim else ()))

    @index.samples
    def _(r):
        yield call(r(3, 4))
        yield call(r(3, 4), 0)
        yield call(r(3, 4), -1, True)
        yield call(r.integers(0, 3, 9), dim=0)
        yield call(r(), 0)

    @index.reference
    def _(np, input, dim=None, keepdim=False):
        return getattr(np, f"arg{name}")(input, axis=dim, keepdims=keepdim)

    @index.finish
    def _(xp, indices):
        return indices

    index.doc = (
        f"Index of the {value} element along one axis, the first among equals; NaN counts as "
        f"{value}. Without `dim`: the index into the flattened tensor. int64."
    )

    @composite(name=f"{name}_function", public_name=name)
    def function(xp, input, dim: Plain = None, keepdim: bool = False):
        if dim is None:
            return getattr(xp, f"{name}_all")(input)
        if hasattr(dim, "shape"):
            return getattr(xp, f"{name}imum")(input, dim)
        return getattr(xp, f"{name}_dim")(input, dim, keepdim)

    @function.samples
    def _(r):
        yield call(r(3, 4))
        yield call(r(3, 4), 0)
        yield call(r(3, 4), -1, True)
        yield call(r.integers(0, 3, 9), dim=0)
        yield call(r(3, 4), r(4))
        yield call(r(), 0)
        yield call(r())

    @function.reference
    def _(np, input, dim=None, keepdim=False):
        if isinstance(dim, np.ndarray):
            return getattr(np, f"{name}imum")(input, dim)
        extreme = getattr(np, f"a{name}")(input, axis=dim, keepdims=keepdim)
        if dim is None:
            return extreme
        return extreme, getattr(np, f"arg{name}")(input, axis=dim, keepdims=keepdim)

    function.doc = (
        f"`{name}(input)`: the {value} element, equal ones sharing the gradient.\n\n"
        f"`{name}(input, dim, keepdim=False)`: named tuple (values, indices) along one axis, the "
        f"first index among equals.\n`{name}(input, other)`: `{name}imum`, element by element.\n"
        f"NaN is returned if there is one. IndexError over no elements."
    )


_extreme("max", "largest", "gt", "Max")
_extreme("min", "smallest", "lt", "Min")
