"""Elements in order: sorts, the first k, and where they came from."""

from pullback.op import Array, Dim, all_examples, along_axis, call, composite, opaque


@opaque(public=False, derivative=False, along="dim", dtypes="bif", in_order=False)
def sorted_places(xp, input, dim: int, descending: bool):
    r"""The places of the elements in order along one axis; NaN counts as largest."""
    return xp.argsort_array(input, dim, descending)


@sorted_places.samples
def _(r):
    yield call(r.distinct(3, 4), 1, True)
    yield call(r.integers(0, 3, 9), 0, False)


@opaque(public=False, derivative=False, along="dim", dtypes="bif")
def extreme_places(xp, input, k: int, dim: int, largest: bool):
    r"""The places of the k largest or smallest elements along one axis, in order."""
    return xp.argpartition_array(input, k, dim, largest)


@extreme_places.streamed
def _(xp, pieces, input, k, dim, largest):
    values = places = None
    start = 0
    for x in pieces(input):
        at = xp.argpartition_array(x, min(k, x.shape[0]), 0, largest)
        best, where = xp.take(x, (at,)), at + start
        if values is not None:
            best, where = xp.cat([values, best], 0), xp.cat([places, where], 0)
            at = xp.argpartition_array(best, min(k, best.shape[0]), 0, largest)
            best, where = xp.take(best, (at,)), xp.take(where, (at,))
        values, places, start = best, where, start + x.shape[0]
    return places


@extreme_places.samples
def _(r):
    yield call(r.distinct(3, 4), 2, 1, True)
    yield call(r.integers(0, 3, 9), 4, 0, False)


@opaque(outputs="values indices", integer_outputs="indices", dtypes="bif", in_order=False)
def sort(xp, input, dim: Dim = -1, descending: bool = False, *, stable: bool = False):
    r"""Elements in order along one axis, and where they came from; NaN counts as largest."""
    indices = xp.argsort_array(input, dim, descending)
    values = xp.elements_at(input, dim, indices)
    return xp.laid_out(values, input), xp.laid_out(indices, input)


@sort.examples
def _(xp, input, dim, descending, stable):
    return along_axis(xp, lambda x, d: xp.sort(x, d, descending, stable=stable), input, dim)


@sort.formula
def _(xp, input, dim, descending, stable):
    places = xp.sorted_places(input, dim, descending)
    return xp.moved(input, dim, places), places


@opaque(outputs="values indices", integer_outputs="indices", dtypes="if")
def topk(xp, input, k: int, dim: Dim = -1, largest: bool = True, sorted: bool = True):
    r"""The k largest (or smallest) elements along one axis, in order, and their indices."""
    size = input.shape[dim] if input.shape else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: k={k} is out of range for dimension {dim} of size {size}")
    if not input.shape:
        return input, xp.argsort_array(input, dim, False)
    indices = xp.argpartition_array(input, k, dim, largest)
    return xp.elements_at(input, dim, indices), indices


@topk.examples
def _(xp, input, k, dim, largest, sorted):
    return along_axis(xp, lambda x, d: xp.topk(x, k, d, largest, sorted), input, dim)


@topk.formula
def _(xp, input, k, dim, largest, sorted):
    if not k:
        return xp.not_lowerable("nothing to compute")
    places = xp.extreme_places(input, k, dim, largest)
    return xp.moved(input, dim, places), places


@topk.backward("input")
def _(xp, g, indices, input_shape, dim):
    return xp.scatter_zeros(g, dim, indices, input_shape)


@sort.backward("input")
def _(xp, g, indices, dim):
    return xp.unsort(g, indices, dim)


@opaque(public=False, derivative=False, along="dim")
def inverse_places(xp, input, dim: int):
    r"""The inverse of permutations along one axis."""
    if not input.shape:
        return xp.filled((), 0, input)
    size = input.shape[dim]
    column = [size if k == dim else 1 for k in range(len(input.shape))]
    own = xp.reshape(xp.sequence(0, 1, size, input.dtype), *column)
    return xp.scatter_array(input, dim, input, xp.expand(own, *input.shape), "")


@inverse_places.samples
def _(r):
    yield call(r.order(4), 0)


@opaque(public=False)
def unsort(xp, input, places: Array, dim: int):
    r"""The elements back where a sort along one axis took them from."""
    if not input.shape:
        return input
    return xp.scatter_array(xp.filled(input.shape, 0, input), dim, places, input, "")


@unsort.examples
def _(xp, input, places, dim):
    input, places = all_examples(xp, [input, places])
    return xp.unsort(input, places, dim + 1) if len(input.shape) > 1 else xp.clone(input)


@unsort.formula
def _(xp, input, places, dim):
    found = xp.front(input, dim)
    if found is not None:  # of a few in front, the places are found without a sort
        few, start = found
        front = xp.slice(places, dim, start, start + few.shape[dim], 1)
        return xp.scatter_zeros(few, dim, front, input.shape)
    return xp.moved(input, dim, xp.inverse_places(places, dim))


@unsort.backward("input")
def _(xp, g, places, dim):
    return xp.gather(g, dim, places)


@unsort.samples
def _(r):
    yield call(r(4), r.order(4), 0)


@topk.samples
def _(r):
    yield call(r.distinct(3, 4), 2)
    yield call(r.distinct(3, 4), 1, 0)
    yield call(r.distinct(3, 4), 3, -1, False)
    yield call(r.distinct(4), 4, sorted=False)
    yield call(r.distinct(4), 0)


@topk.reference
def _(np, input, k, dim=-1, largest=True, sorted=True):

    order = np.argsort(-input if largest else input, axis=dim, kind="stable")
    order = np.take(order, range(k), dim)
    return np.take_along_axis(input, order, dim), order


@sort.samples
def _(r):
    yield call(r.distinct(3, 4))
    yield call(r.distinct(3, 4), 0)
    yield call(r.distinct(3, 4), -1, True)
    yield call(r.integers(0, 3, 9), descending=True, stable=True)
    yield call(r())


@sort.reference
def _(np, input, dim=-1, descending=False, *, stable=False):

    if not input.ndim:
        return input, np.zeros((), int)
    order = np.argsort(-input if descending else input, axis=dim, kind="stable")
    return np.take_along_axis(input, order, dim), order


@composite()
def argsort(xp, input, dim: Dim = -1, descending: bool = False, stable: bool = False):
    r"""The indices that sort along one axis."""
    return xp.sort(input, dim, descending, stable=stable).indices


@argsort.samples
def _(r):
    yield call(r.distinct(3, 4))
    yield call(r.distinct(3, 4), 0, True)
    yield call(r.integers(0, 3, 9), stable=True)
    yield call(r())


@argsort.reference
def _(np, input, dim=-1, descending=False, stable=False):
    if not input.ndim:
        return np.zeros((), int)
    return np.argsort(-input if descending else input, axis=dim, kind="stable")
