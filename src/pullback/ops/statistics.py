"""Sums that skip NaN, norms of differences, covariances."""

from pullback.op import Array, Dims, Dtype, Number, Plain, call, composite, opaque, reduction


@reduction(dtype_argument=True, accumulate="integer")
def nansum(xp, input, dim):
    r"""`sum` of the elements that are not NaN; 0 of none. RuntimeError for complex numbers."""
    if input.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs: sum its real parts")
    return xp.sum_of_numbers(input, dim)


@nansum.combine
def _(xp, a, b):
    return a + b


@nansum.formula
def _(xp, input, dim, keepdim, dtype):
    if input.dtype.kind == "f":
        input = xp.where(xp.isnan(input), 0, input)
    return xp.sum(input, dim, keepdim)


@nansum.backward("input")
def _(xp, g, input):
    return xp.where(xp.isnan(input), 0, g)


@composite()
def nanmean(xp, input, dim: Dims = None, keepdim: bool = False, *, dtype: Dtype = None):
    r"""`mean` of the elements that are not NaN; NaN of none. RuntimeError for integers."""
    if input.dtype.kind not in "fc":
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got "
            f"{input.dtype}: convert with .float()"
        )
    if dtype is not None:
        input = input.to(dtype)
    if input.dtype.kind == "c":
        raise RuntimeError("nansum does not support complex inputs: take its real parts")
    nan = xp.isnan(input)
    return xp.nansum(input, dim, keepdim) / xp.sum(xp.logical_not(nan), dim, keepdim)


@nansum.samples
@nanmean.samples
def _(r):
    nan = float("nan")
    yield call(r(3, 4))
    yield call(r(3, 4) + r.integers(0, 2, 3, 4) * 0.5, 0)
    yield call(r(2, 3, 2), (0, -1), True)
    yield call(r(3), dtype=r.float64)
    yield call(r(3, 4) * [nan, 1, 1, 1], dim=1)


@nansum.reference
def _(np, input, dim=None, keepdim=False, *, dtype=None):
    return np.nansum(input, axis=dim, keepdims=keepdim, dtype=dtype)


@nanmean.reference
def _(np, input, dim=None, keepdim=False, *, dtype=None):
    count = np.sum(~np.isnan(input), axis=dim, keepdims=keepdim)
    return np.nansum(input, axis=dim, keepdims=keepdim, dtype=dtype) / count


@opaque(outputs="min max", dtypes="bif")
def aminmax(xp, input, *, dim: Plain = None, keepdim: bool = False):
    r"""Named tuple (min, max): the extremes of all elements, or along one axis.

    NaN where there is one. Equal extremes share the gradient. RuntimeError over no elements.
    """
    dims = _axis("aminmax", dim, len(input.shape))
    low, high = _extremes(xp, input, dims)
    if keepdim:
        return low, high
    return xp.drop(low, dims), xp.drop(high, dims)


@aminmax.formula
def _(xp, input, dim, keepdim):
    dims = _axis("aminmax", dim, len(input.shape))
    return xp.amin(input, dims, keepdim), xp.amax(input, dims, keepdim)


def _axis(name, dim, rank):
    if dim is None:
        return tuple(range(rank))
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise TypeError(f"{name}(): argument 'dim' must be int, not {type(dim).__name__}")
    if not -max(rank, 1) <= dim < max(rank, 1):
        raise IndexError(
            f"{name}(): Dimension out of range (expected to be in range of "
            f"[{-max(rank, 1)}, {max(rank, 1) - 1}], but got {dim})"
        )
    return (dim % rank,) if rank else ()


def _extremes(xp, input, dims):
    for d in dims:
        if not input.shape[d]:
            raise RuntimeError(
                f"aminmax(): cannot compute aminmax over an empty dimension as the operation has "
                f"no identity: the shape is {list(input.shape)}"
            )
    return xp.amin(input, dims, keepdim=True), xp.amax(input, dims, keepdim=True)


@aminmax.backward("input")
def _(xp, g_min, g_max, input, dim, keepdim):
    dims = _axis("aminmax", dim, len(input.shape))
    if not dims:
        return _sum(g_min, g_max)
    kept = [1 if k in dims else s for k, s in enumerate(input.shape)]
    total = None
    for g, largest in ((g_min, False), (g_max, True)):
        if g is None:
            continue
        shares = xp.extreme_shares(input, dims, largest)
        there = xp.gt(shares, 0)
        part = xp.where(there, xp.reshape(g, *kept) / xp.where(there, shares, 1), 0)
        total = _sum(total, part)
    return total


def _sum(a, b):
    if a is None or b is None:
        return b if a is None else a
    return a + b


@aminmax.examples
def _(xp, input, dim, keepdim):
    rank = len(input.shape) - 1
    dims = tuple(d + 1 for d in _axis("aminmax", dim, rank))
    if not dims:
        return xp.clone(input), xp.clone(input)
    return xp.amin(input, dims, keepdim), xp.amax(input, dims, keepdim)


@aminmax.samples
def _(r):
    yield call(r.distinct(3, 4))
    yield call(r.distinct(3, 4), dim=0)
    yield call(r.distinct(3, 4), dim=-1, keepdim=True)
    yield call(r())


@aminmax.reference
def _(np, input, *, dim=None, keepdim=False):
    return (
        np.min(input, axis=dim, keepdims=keepdim),
        np.max(input, axis=dim, keepdims=keepdim),
    )


@composite(one_rounding=True)
def dist(xp, input, other, p: Number = 2):
    r"""$\left(\sum_i |x_i - y_i|^p\right)^{1/p}$ over all elements; the shapes broadcast."""
    return xp.linalg_vector_norm(input - other, p)


@dist.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 4), r(4), 1)
    yield call(r(3, 1), r(4), p=3.5)
    yield call(r(3), r(3), float("inf"))


@dist.reference
def _(np, input, other, p=2):
    return np.linalg.norm((input - other).reshape(-1), p)


def _weights(name, what, w, count):
    if len(w.shape) > 1:
        raise RuntimeError(
            f"{name}(): expected {what} to have one or fewer dimensions but got {list(w.shape)}"
        )
    if w.numel() != count:
        raise RuntimeError(
            f"{name}(): expected {what} to have the same numel as there are observations in the "
            f"input tensor but got {w.numel()} != {count}"
        )


@composite()
def cov(
    xp, input, *, correction: int = 1, fweights: Array = None, aweights: Array = None
):  # fmt: skip
    r"""The covariances of variables, which are rows, over observations, which are columns.

    A vector is one variable, and its variance a number. `fweights`, integers, say how often each
    observation counts, `aweights` how much. RuntimeError for more than two axes.
    """
    if len(input.shape) > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input of shape "
            f"{list(input.shape)}"
        )
    if input.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input: convert with .float()")
    rows = xp.reshape(input, 1, -1) if len(input.shape) < 2 else input
    count = rows.shape[1]
    weight = None
    if fweights is not None:
        if fweights.dtype.kind not in "ui":
            raise RuntimeError(f"cov(): expected fweights to be integral, got {fweights.dtype}")
        _weights("cov", "fweights", fweights, count)
        if xp.first_where(fweights < 0, fweights) is not None:
            raise RuntimeError("cov(): fweights cannot be negative")
        weight = fweights
    if aweights is not None:
        if aweights.dtype.kind != "f":
            raise RuntimeError(f"cov(): expected aweights to be floating, got {aweights.dtype}")
        _weights("cov", "aweights", aweights, count)
        if xp.first_where(aweights < 0, aweights) is not None:
            raise RuntimeError("cov(): aweights cannot be negative")
        weight = aweights if weight is None else weight * aweights
    if weight is None:
        total = count
        mean = xp.mean(rows, 1, True) if rows.dtype.kind in "fc" else xp.mean(rows.float(), 1, True)
    else:
        total = xp.sum(weight)
        if count and xp.first_where(total == 0, total) is not None:
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = xp.sum(rows * weight, 1, True) / total
    if weight is not None and aweights is not None and correction:
        freedom = total - correction * xp.sum(weight * aweights) / total
    else:
        freedom = total - correction
    freedom = xp.clamp(freedom, min=0) if hasattr(freedom, "shape") else max(freedom, 0)
    gap = rows - mean
    right = gap if weight is None else gap * weight
    turned = xp.t(right)
    y = xp.matmul(gap, xp.conj(turned) if right.dtype.kind == "c" else turned)
    if not hasattr(freedom, "shape"):
        freedom = xp.filled((), freedom, y)
    y = y / freedom
    return xp.squeeze(y)


@cov.samples
def _(r):
    yield call(r(3, 5))
    yield call(r(5))
    yield call(r(3, 5), correction=0)
    yield call(r(3, 5), fweights=r.integers(1, 5, 5))
    yield call(r(3, 5), aweights=r(5, low=0.5))
    yield call(r(2, 5), correction=2, fweights=r.integers(1, 5, 5), aweights=r(5, low=0.5))


@cov.reference
def _(np, input, *, correction=1, fweights=None, aweights=None):
    return np.cov(input, ddof=correction, fweights=fweights, aweights=aweights)


@composite()
def corrcoef(xp, input):
    r"""The correlations of variables, which are rows, over observations, which are columns.

    A vector is one variable. RuntimeError for more than two axes.
    """
    if len(input.shape) > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input of "
            f"shape {list(input.shape)}"
        )
    c = xp.cov(input)
    if not len(c.shape):
        return c / c
    spread = xp.sqrt(xp.diagonal(c))
    y = c / xp.unsqueeze(spread, 1) / xp.unsqueeze(spread, 0)
    if y.dtype.kind == "c":
        return xp.complex_function(
            xp.clamp(xp.real(y), -1, 1), xp.clamp(xp.imag_function(y), -1, 1)
        )
    return xp.clamp(y, -1, 1)


@corrcoef.samples
def _(r):
    yield call(r(3, 5))
    yield call(r(2, 4))


@corrcoef.reference
def _(np, input):
    return np.corrcoef(input)


@composite(inplace=True)
def renorm(xp, input, p: float, dim: int, maxnorm: float):
    r"""Slices along one axis whose p-norm is larger than `maxnorm`, shrunk to that norm.

    The shape is the input's. RuntimeError for p ≤ 0, maxnorm < 0, and fewer than two axes.
    """
    rank = len(input.shape)
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported: p = {p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if rank < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got the shape {list(input.shape)}"
        )
    (dim,) = _axis("renorm", dim, rank)
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"renorm: expected a floating point or complex tensor, got "
                           f"{input.dtype}")  # fmt: skip
    others = tuple(k for k in range(rank) if k != dim)
    size = xp.linalg_vector_norm(input, p, others, True)
    large = size > maxnorm
    shrunk = xp.reciprocal(xp.where(large, size, 1) + 1e-7) * maxnorm
    return input * xp.where(large, shrunk, 1)


@renorm.samples
def _(r):
    yield call(r(3, 4), 2, 0, 2.0)
    yield call(r(3, 4), 1.0, -1, 3.0)
    yield call(r(2, 3, 2), 2.5, 1, 0.5)


@renorm.reference
def _(np, input, p, dim, maxnorm):
    x = np.moveaxis(input, dim, 0)
    size = np.sum(np.abs(x) ** p, axis=tuple(range(1, x.ndim)), keepdims=True) ** (1 / p)
    return np.moveaxis(x * np.where(size > maxnorm, maxnorm / (size + 1e-7), 1), 0, dim)
