"""Different values. There is no derivative."""

from pullback.op import Dim, Plain, call, composite, opaque


@opaque(public=False, derivative=False, dtypes="bif", outputs="values inverse counts")
def unique_(xp, input, dim: Plain, runs: bool):
    r"""The different values or slices, or runs of equal ones; where each element went; counts."""
    if 0 in input.shape and dim is not None:
        if input.shape[dim]:
            raise RuntimeError(
                f"unique: There are 0 sized dimensions, and they aren't selected, so unique "
                f"cannot be applied: the shape is {list(input.shape)}"
            )
        if len([s for s in input.shape if not s]) > 1:
            raise RuntimeError(
                f"unique: Number of zero sized dimensions is more than one, so unique cannot be "
                f"applied: the shape is {list(input.shape)}"
            )
    return (xp.unique_runs if runs else xp.unique_arrays)(input, dim)


@opaque(public=False, derivative=False, dtypes="bif", outputs="values counts")
def unique_counts_(xp, input):
    r"""The different values in order, and how many there are of each."""
    return xp.value_counts_array(input)


@unique_counts_.streamed
def _(xp, pieces, input):
    values, counts = None, None
    for x in pieces(input):
        found, more = xp.value_counts_array(x)
        if values is not None:
            found, place, _ = xp.unique_arrays(xp.cat([values, found]), None)
            more = xp.bincount_array(place, xp.cat([counts, more]), found.shape[0])
        values, counts = found, xp.cast(more, "int64")
    return values, counts


@unique_counts_.samples
def _(r):
    yield call(r.integers(0, 3, 3, 4))


@unique_.samples
def _(r):
    yield call(r.integers(0, 3, 5), None, False)
    yield call(r.integers(0, 2, 5, 2), 0, True)


def _unique(xp, input, return_inverse, return_counts, dim, runs):
    dim = dim if isinstance(dim, int) else None
    if dim is not None and not len(input.shape):
        input, dim = xp.reshape(input, 1), 0
    inverse = None
    if dim is None and not runs and not return_inverse:
        values, counts = xp.unique_counts_(input)
    else:
        values, inverse, counts = xp.unique_(input, dim, runs)
    found = [values]
    if return_inverse:
        found.append(inverse)
    if return_counts:
        found.append(counts)
    return tuple(found) if len(found) > 1 else values


@composite(derivative=False)
def unique(
    xp,
    input,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Dim = None,
):
    r"""The different values of a tensor, or the different slices along one axis, in order.

    With `return_inverse` also which of them each element is, with `return_counts` how many there
    are of each, both int64; then a tuple. NaN differs from NaN. Always in order, whatever `sorted`.
    """
    return _unique(xp, input, return_inverse, return_counts, dim, False)


@composite(derivative=False)
def unique_consecutive(
    xp, input, return_inverse: bool = False, return_counts: bool = False, dim: Dim = None
):
    r"""One value, or slice along one axis, for each run of equal ones.

    With `return_inverse` also the run that each element is in, with `return_counts` the runs'
    lengths, both int64; then a tuple.
    """
    return _unique(xp, input, return_inverse, return_counts, dim, True)


@unique.samples
def _(r):
    yield call(r.integers(0, 4, 3, 4))
    yield call(r.integers(0, 4, 9), False, True, True)
    yield call(r.integers(0, 2, 6, 2), dim=0, return_inverse=True, return_counts=True)
    yield call(r.integers(0, 2, 2, 6), dim=-1)
    yield call(r(5))
    yield call(r.booleans(5), return_counts=True)
    yield call(r.integers(0, 3, 5), return_inverse=True)


@unique_consecutive.samples
def _(r):
    yield call(r.integers(0, 3, 3, 4))
    yield call(r.integers(0, 3, 9), True, True)
    yield call(r.integers(0, 2, 6, 1), dim=0, return_inverse=True, return_counts=True)
    yield call(r.booleans(9), return_counts=True)
    yield call(r.integers(0, 2, 6), return_inverse=True)


@unique.reference
def _(np, input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    found = np.unique(input, False, return_inverse, return_counts, dim)
    if isinstance(found, tuple) and return_inverse:
        shape = input.shape if dim is None else (-1,)
        found = (found[0], found[1].reshape(shape), *found[2:])
    return found


@unique_consecutive.reference
def _(np, input, return_inverse=False, return_counts=False, dim=None):
    rows = input.reshape(-1, 1) if dim is None else np.moveaxis(input, dim, 0)
    values, inverse, counts = [], [], []
    for row in rows:
        if values and np.array_equal(row, values[-1]):
            counts[-1] += 1
        else:
            values.append(row)
            counts.append(1)
        inverse.append(len(values) - 1)
    flat = np.array(values, input.dtype)
    flat = flat.reshape(-1) if dim is None else np.moveaxis(flat, 0, dim)
    place = np.array(inverse).reshape(input.shape if dim is None else -1)
    parts = [flat] + [place] * return_inverse + [np.array(counts)] * return_counts
    return tuple(parts) if len(parts) > 1 else parts[0]
