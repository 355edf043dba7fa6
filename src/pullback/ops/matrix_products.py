"""Products of vectors as `torch.linalg` has them, diagonals, Vandermonde matrices."""

from pullback.op import Dim, call, composite, matrices, wrap_dim


@composite(namespace="linalg", method=False, node="LinalgCross", dtypes="ifc", in_order=True)
def cross(xp, input, other, *, dim: Dim = -1):
    r"""$a \times b$ of the vectors along one axis, of size 3; the other axes broadcast."""
    a, b = tuple(input.shape), tuple(other.shape)
    if len(a) != len(b):
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, but their shapes are "
            f"{list(a)} and {list(b)}"
        )
    if not a:
        raise IndexError(f"linalg.cross: dim is {dim}, but tensor has no dimensions")
    if a[dim] != 3 or b[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3, but the shapes are "
            f"{list(a)} and {list(b)}"
        )
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"linalg.cross: expected tensors of the same dtype, but got {input.dtype} and "
            f"{other.dtype}"
        )
    xp.broadcast_shape(a, b)
    # (1, 2, 0) and (2, 0, 1) of twice the three numbers are two views.
    input, other = (xp.cat([x, x], dim) for x in (input, other))
    first = [xp.slice(x, dim, 1, 4, 1) for x in (input, other)]
    second = [xp.slice(x, dim, 2, 5, 1) for x in (input, other)]
    return first[0] * second[1] - second[0] * first[1]


@cross.backward("input")
def _(xp, g, other, dim):
    return xp.linalg_cross(other, g, dim=dim)


@cross.backward("other")
def _(xp, g, input, dim):
    return xp.linalg_cross(g, input, dim=dim)


@cross.samples
def _(r):
    yield call(r(4, 3), r(4, 3))
    yield call(r(3, 4), r(3, 1), dim=0)
    yield call(r(3), r(3))


@cross.reference
def _(np, input, other, *, dim=-1):
    return np.cross(input, other, axis=dim)


@composite(namespace="linalg", method=False)
def vecdot(xp, x, y, *, dim: int = -1):
    r"""$\sum_i \overline{x_i} y_i$ along an axis; the others broadcast."""
    matrices.check_floating("linalg.vecdot", x)
    shape = xp.broadcast_shape(x.shape, y.shape)
    if not x.shape or not y.shape:
        raise RuntimeError("linalg.vecdot: Expected x and y to have at least 1 dimension")
    axis = wrap_dim(dim, len(shape), "linalg.vecdot")
    if x.shape[dim] != y.shape[dim]:
        raise RuntimeError(
            f"linalg.vecdot: the sizes along dim {dim} differ: {list(x.shape)} and {list(y.shape)}"
        )
    return xp.sum(xp.conj(x) * y, axis)


@vecdot.samples
def _(r):
    yield call(r(2, 3), r(2, 3))
    yield call(r(3, 1), r(3, 2), dim=0)


@vecdot.reference
def _(np, x, y, *, dim=-1):
    return (np.conj(x) * y).sum(dim)


@composite(namespace="linalg", method=False)
def diagonal(xp, A, *, offset: int = 0, dim1: int = -2, dim2: int = -1):
    r"""`torch.diagonal` of the last two axes."""
    return xp.diagonal(A, offset, dim1, dim2)


@diagonal.samples
def _(r):
    yield call(r(2, 3, 3))
    yield call(r(2, 3, 4), offset=1, dim1=0, dim2=1)


@diagonal.reference
def _(np, A, *, offset=0, dim1=-2, dim2=-1):
    return np.diagonal(A, offset, dim1, dim2)


@composite(name="vander_function", public_name="vander", method=False)
def vander_function(xp, x, N: int | None = None, increasing: bool = False):
    r"""Powers N - 1, …, 1, 0 of each number of a vector, in rows; `increasing`: from 0 on.

    N is the number of numbers by default. Integers and booleans give int64.
    """
    if len(x.shape) != 1:
        raise RuntimeError(f"vander: x must be a one-dimensional tensor, not {list(x.shape)}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError(f"vander: N must be non-negative, not {count}")
    if x.dtype.kind in "bui":
        x = x.long()
    if not count:
        return xp.unsqueeze(x, 1)[:, :0]
    if count > 1 << 31:
        raise RuntimeError(f"vander: N is too large: no tensor has {count} columns of {x.shape[0]}")
    powers = [xp.pow(x, 0)]
    while len(powers) < count:
        powers.append(powers[-1] * x)
    return xp.stack(powers if increasing else powers[::-1], -1)


@vander_function.samples
def _(r):
    yield call(r(3))
    yield call(r(3), 2, True)
    yield call(r.integers(-3, 3, 2), N=4)
    yield call(r(2), N=0)


@vander_function.reference
def _(np, x, N=None, increasing=False):
    return np.vander(x, N, increasing)


@composite(namespace="linalg", method=False)
def vander(xp, x, N: int | None = None):
    r"""Powers 0, 1, …, N - 1 of each number, in rows; N is the number of numbers by default."""
    if x.dtype.kind == "b" or (x.dtype.kind == "f" and x.dtype.itemsize == 2):
        raise RuntimeError(f"linalg.vander: not implemented for {x.dtype}: convert with .to()")
    if x.dtype.kind in "iu":  # to int64
        x = xp.sum(xp.unsqueeze(x, -1), -1)
    x = x if x.shape else xp.unsqueeze(x, 0)
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"N must be greater than 1, not {count}")
    one = xp.ones_like(x)
    powers = [one]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    return xp.stack(powers, -1)


@vander.samples
def _(r):
    yield call(r(3))
    yield call(r(2, 3), 2)


@vander.reference
def _(np, x, N=None):
    return x[..., None] ** np.arange(x.shape[-1] if N is None else N)
