"""Distances between all pairs of points: formulas, so that many pairs are never stored."""

from math import inf

from pullback.op import Plain, call, composite, opaque

_MODES = (
    "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)  # fmt: skip


def _norm(xp, gap, p):
    """The p-norm along the last axis; its gradient is 0 where the norm is, as PyTorch's."""
    if p == 2:
        return xp.norm2(gap, -1)
    size = xp.abs(gap)
    if p == 1:
        return xp.sum(size, -1)
    if p == inf:
        return xp.amax(size, -1)
    if p == 0:
        return xp.sum(xp.sign(size), -1)
    nothing = xp.eq(size, 0)
    total = xp.sum(xp.where(nothing, 0, xp.pow(xp.where(nothing, 1, size), p)), -1)
    same = xp.eq(total, 0)
    return xp.where(same, 0, xp.pow(xp.where(same, 1, total), 1 / p))


def _check(name, x, p):
    if x.dtype.kind != "f" or x.dtype.itemsize == 2:
        raise RuntimeError(
            f"{name} only supports floating-point dtypes, {name} got: {x.dtype} for the shape "
            f"{list(x.shape)}"
        )
    if not isinstance(p, (int, float)):
        raise TypeError(f"{name}(): argument 'p' must be float, not {type(p).__name__}")
    if p < 0:
        raise RuntimeError(f"{name} only supports non-negative p values, not {p}")


@composite(method=False)
def cdist(xp, x1, x2, p: Plain = 2.0, compute_mode: Plain = None):
    r"""$\|x_i - y_j\|_p$ for all i and j: (…, n, d) and (…, m, d) give (…, n, m).

    p from 0 (how many coordinates differ) to inf. The differences are taken as they are, whatever
    `compute_mode` says: products of matrices lose digits where points are near.
    """
    _check("cdist", x1, p)
    _check("cdist", x2, p)
    if compute_mode is not None and compute_mode not in _MODES and compute_mode not in (0, 1, 2):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    if len(x1.shape) < 2 or len(x2.shape) < 2:
        raise RuntimeError(
            f"cdist only supports at least 2D tensors, got: {len(x1.shape)}D and {len(x2.shape)}D"
        )
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    gap = xp.unsqueeze(x1, -2) - xp.unsqueeze(x2, -3)
    if not x1.shape[-1]:
        return xp.sum(gap, -1)
    return _norm(xp, gap, p)


@cdist.samples
def _(r):
    yield call(r(3, 2), r(4, 2))
    yield call(r(2, 3, 2), r(4, 2), 1)
    yield call(r(3, 2), r(4, 2), inf)
    yield call(r(3, 2), r(4, 2), 0)
    yield call(r(3, 2), r(4, 2), 3.5, "donot_use_mm_for_euclid_dist")


@cdist.reference
def _(np, x1, x2, p=2.0, compute_mode=None):
    return np.linalg.norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)


# ------------------------------------------------------------------------ of one set of points


@composite(aliases=("nn.functional.pdist",), method=False)
def pdist(xp, input, p: float = 2.0):
    r"""The distances of all pairs of rows, i < j, in one vector. RuntimeError unless 2-D."""
    if len(input.shape) != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {len(input.shape)}D")
    if input.dtype.kind != "f":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if input.dtype.itemsize < 4:
        raise NotImplementedError("\"pdist\" not implemented for 'Half': use .float()")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if p == 2:
        return xp.pair_distances(input)
    first, second = _pairs(xp, input)
    return xp.linalg_vector_norm(first - second, p, 1)


def _places(xp, n):
    """The two rows of each pair."""
    rows = xp.arange(n)
    above = xp.nonzero(xp.lt(xp.unsqueeze(rows, 1), rows))
    return xp.select(above, 1, 0), xp.select(above, 1, 1)


def _pairs(xp, input):
    return (xp.index_select(input, 0, p) for p in _places(xp, input.shape[0]))


@opaque(public=False, node="PdistForward", dtypes="f")
def pair_distances(xp, input):
    r"""The Euclidean distances of all pairs of rows, i < j."""
    return xp.pair_distances_array(input)


@pair_distances.examples
def _(xp, input):
    first, second = (xp.index_select(input, 1, p) for p in _places(xp, input.shape[1]))
    return xp.linalg_vector_norm(first - second, 2, 2)


@pair_distances.backward("input")
def _(xp, g, input, y):
    if not (xp.records or xp.divides(input)):
        return xp.pair_distances_back(g, input, y)
    same = xp.eq(y, 0)
    slopes = xp.where(same, 0, g / xp.where(same, 1, y))
    first, second = _pairs(xp, input)
    part = (first - second) * xp.unsqueeze(slopes, 1)
    shape = tuple(input.shape)
    i, j = _places(xp, shape[0])
    added = xp.rows_added(part, i, shape, -1, False)
    return added - xp.rows_added(part, j, shape, -1, False)


@opaque(public=False, derivative=False)
def pair_distances_back(xp, input, points, y):
    r"""The cotangent of the rows, from that of their distances y."""
    return xp.pair_distances_back_array(input, points, y)


@pair_distances.samples
def _(r):
    yield call(r(4, 3))


@pair_distances_back.samples
def _(r):
    yield call(r(3), r(3, 2), r(3, low=0.1))


@pdist.samples
def _(r):
    yield call(r(4, 3))
    yield call(r(4, 3), 1.0)


@pdist.reference
def _(np, input, p=2.0):
    i, j = np.triu_indices(len(input), 1)
    return np.sum(np.abs(input[i] - input[j]) ** p, axis=-1) ** (1 / p)
