"""Norms of vectors, over axes or of all elements.

In rules, `g` and `y` come with the reduced axes of size 1, so that they broadcast with the input.
"""

from math import inf

from pullback.op import Dtype, Number, Plain, call, composite, reduction


@reduction(
    public=False,
    floating=True,
    holomorphic=False,
    result="real",
    node="LinalgVectorNorm",
    public_name="norm",
)
def norm2(xp, input, dim):
    r"""Euclidean norm over axes; the gradient at 0 is 0."""
    if xp.is_eager:
        return xp.sum_of_squares(input, dim)
    size = xp.abs(input)
    return xp.sum(size * size, dim, keepdim=True)


@norm2.combine
def _(xp, a, b):
    return a + b


@norm2.finish
def _(xp, s):
    return xp.sqrt(s)


@norm2.backward("input")
def _(xp, g, y, input):
    return input * xp.where(xp.eq(y, 0), 0, g / xp.where(xp.eq(y, 0), 1, y))


@composite(namespace="linalg", method=False, one_rounding=True)
def vector_norm(
    xp, x, ord: Number = 2, dim: Plain = None, keepdim: bool = False, *, dtype: Dtype = None
):
    r"""$(\sum_i |x_i|^\text{ord})^{1/\text{ord}}$ over axes; ord may be 0, inf or -inf."""
    if dtype is not None:
        x = x.to(dtype)
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{x.dtype} of shape {list(x.shape)}"
        )
    if ord == 2:
        return xp.norm2(x, dim, keepdim)
    size = xp.abs(x)
    if ord == inf:
        return xp.amax(size, dim, keepdim)
    if ord == -inf:
        return xp.amin(size, dim, keepdim)
    if ord == 0:
        return xp.sum(xp.sign(size), dim, keepdim)
    if ord == 1:
        return xp.sum(size, dim, keepdim)
    if ord < 0:  # 0 if one number is, with a gradient of 0
        zero = xp.eq(xp.amin(size, dim, keepdim), 0)
        total = xp.sum(xp.pow(xp.where(xp.eq(size, 0), 1, size), ord), dim, keepdim)
        return xp.where(zero, 0, xp.pow(total, 1 / ord))
    total = xp.sum(xp.pow(size, ord), dim, keepdim)
    zero = xp.eq(total, 0)  # where the gradient is 0 as well
    return xp.where(zero, 0, xp.pow(xp.where(zero, 1, total), 1 / ord))


@vector_norm.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1, 0)
    yield call(r(3, 4), inf, (0, 1), True)
    yield call(r(3, 4), -inf, 1)
    yield call(r(3, 4), 3.5, -1)
    yield call(r(3, 4), 0)
    yield call(r.nonzero(3), -1.5)
    yield call(r(3), dtype=r.float64)


@composite()
def norm(
    xp, input, p: Plain = "fro", dim: Plain = None, keepdim: bool = False, *, dtype: Dtype = None
):
    r"""Vector norm over axes, or of all elements; "fro" and None mean 2.

    "nuc": the sum of the singular values of matrices, of two axes.
    """
    if p is None or p == "fro":
        p = 2
    if isinstance(p, str):
        dim = tuple(range(len(input.shape))) if dim is None else dim
        return xp.linalg_matrix_norm(input, p, dim, keepdim, dtype=dtype)
    return xp.linalg_vector_norm(input, p, dim, keepdim, dtype=dtype)


@norm.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1, 0)
    yield call(r(3, 4), inf, (0, 1), True)
    yield call(r(3, 4), 3.5, -1)
    yield call(r(3, 4), "fro", 1)
    yield call(r(3, 4), "nuc")
    yield call(r(2, 3, 4), "nuc", (2, 0), True)
    yield call(r(3), dtype=r.float64)


@vector_norm.reference
@norm.reference
def _(np, input, ord=2, dim=None, keepdim=False, *, dtype=None):

    if ord == "nuc":
        return np.linalg.norm(input, ord, dim, keepdim)
    size = np.abs(input)
    if ord in (inf, -inf):
        return (np.max if ord > 0 else np.min)(size, axis=dim, keepdims=keepdim)
    if ord == 0:
        return np.count_nonzero(input, axis=dim, keepdims=keepdim)
    ord = 2 if ord == "fro" else ord
    return np.sum(size**ord, axis=dim, keepdims=keepdim) ** (1 / ord)
