"""Products added to something, and products of vectors: `addmv`, `addr`, `cross`, `kron`, …"""

from pullback.op import Array, Number, Plain, all_examples, call, composite, opaque, visible_axes


def _blended(xp, name, input, product, beta, alpha):
    """beta input + alpha product; with beta = 0, the input's numbers do not count."""
    if input.dtype.kind in "iu" and (isinstance(beta, float) or isinstance(alpha, float)):
        raise RuntimeError(
            f"{name}: For integral input tensors, arguments alpha and beta must not be a floating "
            f"point number."
        )
    if product is None:  # the arguments are being checked, and a formula follows
        return None
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    try:
        shape = xp.broadcast_shape(input.shape, product.shape)
    except RuntimeError:
        shape = None
    if shape != tuple(product.shape):
        raise RuntimeError(
            f"{name}: the input of shape {list(input.shape)} does not broadcast to the product's "
            f"shape {list(product.shape)}"
        )
    return (input if beta == 1 else input * beta) + product


def _scaled(x, number):
    return x if number == 1 else x * number


def _check(name, condition, *tensors):
    if not condition:
        shapes = ", ".join(str(list(x.shape)) for x in tensors)
        raise RuntimeError(f"{name}: shapes that do not fit: {shapes}")
    if len({x.dtype for x in tensors}) > 1:
        raise RuntimeError(
            f"{name}: expected tensors of the same dtype, but got "
            f"{', '.join(str(x.dtype) for x in tensors)}"
        )


@opaque(inplace=True, dtypes="ifc", factors="beta alpha")
def addmv(xp, input, mat: Array, vec: Array, *, beta: Number = 1, alpha: Number = 1):
    r"""$\beta\,\text{input} + \alpha\,\text{mat}\,\text{vec}$, a matrix (n, m) and a vector (m)."""
    fits = len(mat.shape) == 2 and len(vec.shape) == 1 and mat.shape[1] == vec.shape[0]
    _check("addmv", fits, mat, vec)
    return _blended(xp, "addmv", input, xp.mv(mat, vec), beta, alpha)


@addmv.formula
def _(xp, input, mat, vec, beta, alpha):
    return _blended(xp, "addmv", input, xp.mv(mat, vec), beta, alpha)


def _blended_examples(xp, op, input, product, beta, alpha):
    (product,) = all_examples(xp, [product], input.shape[0])
    input = visible_axes(xp, input, len(product.shape) - 1)
    if len(input.shape) > len(product.shape):
        raise RuntimeError(
            f"{op.name}: the input of shape {list(input.shape[1:])} does not broadcast to the "
            f"product's shape {list(product.shape[1:])}"
        )
    return _blended(xp, op.name, input, product, beta, alpha)


@addmv.examples
def _(xp, input, mat, vec, beta, alpha):
    fits = len(mat.shape) == 3 and len(vec.shape) == 2 and mat.shape[2] == vec.shape[1]
    _check("addmv", fits, mat, vec)
    product = xp.squeeze(xp.matmul(mat, xp.unsqueeze(vec, 2)), 2)
    return _blended_examples(xp, addmv, input, product, beta, alpha)


@addmv.backward("mat")
def _(xp, g, vec, alpha):
    return _scaled(xp.outer(g, vec), alpha)


@addmv.backward("vec")
def _(xp, g, mat, alpha):
    return _scaled(xp.mv(xp.t(mat), g), alpha)


@opaque(inplace=True, dtypes="ifc", factors="beta alpha")
def addbmm(xp, input, batch1: Array, batch2: Array, *, beta: Number = 1, alpha: Number = 1):
    r"""$\beta\,\text{input} + \alpha \sum_b \text{batch1}_b \text{batch2}_b$.

    Stacks of matrices, (b, n, k) and (b, k, m), give (n, m).
    """
    _check_batches("addbmm", batch1, batch2)
    product = xp.cast(xp.sum(xp.bmm(batch1, batch2), (0,)), batch1.dtype)  # not int64
    return _blended(xp, "addbmm", input, product, beta, alpha)


@addbmm.formula
def _(xp, input, batch1, batch2, beta, alpha):
    product = xp.cast(xp.sum(xp.bmm(batch1, batch2), (0,)), batch1.dtype)
    return _blended(xp, "addbmm", input, product, beta, alpha)


@addbmm.grows
def _(xp, input, batch1, batch2, beta, alpha):
    return (batch1.shape[1], batch2.shape[2])


@opaque(inplace=True, dtypes="ifc", factors="beta alpha")
def baddbmm(xp, input, batch1: Array, batch2: Array, *, beta: Number = 1, alpha: Number = 1):
    r"""$\beta\,\text{input}_b + \alpha\,\text{batch1}_b \text{batch2}_b$.

    Stacks of matrices, (b, n, k) and (b, k, m), give (b, n, m).
    """
    _check_batches("baddbmm", batch1, batch2)
    return _blended(xp, "baddbmm", input, xp.bmm(batch1, batch2), beta, alpha)


@baddbmm.formula
def _(xp, input, batch1, batch2, beta, alpha):
    return _blended(xp, "baddbmm", input, xp.bmm(batch1, batch2), beta, alpha)


@baddbmm.grows
def _(xp, input, batch1, batch2, beta, alpha):
    return (*batch1.shape[:2], batch2.shape[2])


@addbmm.examples
def _(xp, input, batch1, batch2, beta, alpha):
    product = xp.sum(_products(xp, "addbmm", batch1, batch2), 1)
    product = xp.cast(product, batch1.dtype.numpy)
    return _blended_examples(xp, addbmm, input, product, beta, alpha)


@baddbmm.examples
def _(xp, input, batch1, batch2, beta, alpha):
    product = _products(xp, "baddbmm", batch1, batch2)
    return _blended_examples(xp, baddbmm, input, product, beta, alpha)


def _products(xp, name, a, b):
    """The products of stacks of matrices of many examples."""
    fits = len(a.shape) == len(b.shape) == 4
    _check(name, fits and a.shape[1] == b.shape[1] and a.shape[3] == b.shape[2], a, b)
    return xp.matmul(a, b)


def _check_batches(name, a, b):
    fits = len(a.shape) == len(b.shape) == 3
    _check(name, fits and a.shape[0] == b.shape[0] and a.shape[2] == b.shape[1], a, b)


@addbmm.backward("batch1")
def _(xp, g, batch2, alpha):
    g = xp.expand(xp.unsqueeze(g, 0), batch2.shape[0], *g.shape)
    return _scaled(xp.bmm(g, xp.transpose(batch2, 1, 2)), alpha)


@addbmm.backward("batch2")
def _(xp, g, batch1, alpha):
    g = xp.expand(xp.unsqueeze(g, 0), batch1.shape[0], *g.shape)
    return _scaled(xp.bmm(xp.transpose(batch1, 1, 2), g), alpha)


@baddbmm.backward("batch1")
def _(xp, g, batch2, alpha):
    return _scaled(xp.bmm(g, xp.transpose(batch2, 1, 2)), alpha)


@baddbmm.backward("batch2")
def _(xp, g, batch1, alpha):
    return _scaled(xp.bmm(xp.transpose(batch1, 1, 2), g), alpha)


@opaque(inplace=True, factors="beta alpha")
def addr(xp, input, vec1: Array, vec2: Array, *, beta: Number = 1, alpha: Number = 1):
    r"""$\beta\,\text{input} + \alpha\,\text{vec1}\,\text{vec2}^T$ of two vectors."""
    _check("addr", len(vec1.shape) == len(vec2.shape) == 1, vec1, vec2)
    return _blended(xp, "addr", input, xp.outer(vec1, vec2), beta, alpha)


@addr.formula
def _(xp, input, vec1, vec2, beta, alpha):
    return _blended(xp, "addr", input, xp.outer(vec1, vec2), beta, alpha)


@addr.grows
def _(xp, input, vec1, vec2, beta, alpha):
    return (vec1.shape[0], vec2.shape[0])


@addr.examples
def _(xp, input, vec1, vec2, beta, alpha):
    _check("addr", len(vec1.shape) == len(vec2.shape) == 2, vec1, vec2)
    product = xp.unsqueeze(vec1, 2) * xp.unsqueeze(vec2, 1)
    return _blended_examples(xp, addr, input, product, beta, alpha)


@addmv.backward("input")
@addbmm.backward("input")
@baddbmm.backward("input")
@addr.backward("input")
def _(xp, g, beta):
    return _scaled(g, beta)


@addr.backward("vec1")
def _(xp, g, vec2, alpha):
    return _scaled(xp.mv(g, vec2), alpha)


@addr.backward("vec2")
def _(xp, g, vec1, alpha):
    return _scaled(xp.mv(xp.t(g), vec1), alpha)


@addmv.samples
def _(r):
    yield call(r(3), r(3, 4), r(4))
    yield call(r(), r(3, 4), r(4), beta=0.5, alpha=2)
    yield call(r(3), r(3, 4), r(4), beta=0)


@addbmm.samples
def _(r):
    yield call(r(3, 2), r(2, 3, 4), r(2, 4, 2))
    yield call(r(2), r(2, 3, 4), r(2, 4, 2), beta=0.5, alpha=2)


@baddbmm.samples
def _(r):
    yield call(r(2, 3, 2), r(2, 3, 4), r(2, 4, 2))
    yield call(r(2), r(2, 3, 4), r(2, 4, 2), beta=0.5, alpha=2)


@addr.samples
def _(r):
    yield call(r(3, 2), r(3), r(2))
    yield call(r(2), r(3), r(2), beta=0.5, alpha=2)


@addmv.reference
@baddbmm.reference
def _(np, input, a, b, *, beta=1, alpha=1):
    return beta * input + alpha * np.matmul(a, b)


@addbmm.reference
def _(np, input, a, b, *, beta=1, alpha=1):
    return beta * input + alpha * np.matmul(a, b).sum(0)


@addr.reference
def _(np, input, a, b, *, beta=1, alpha=1):
    return beta * input + alpha * np.outer(a, b)


# ----------------------------------------------------------------------------------- of vectors


@opaque(dtypes="ifc", holomorphic=False)
def vdot(xp, input, other):
    r"""$\sum_i \bar a_i b_i$ of two vectors of one size."""
    _check("vdot", len(input.shape) == len(other.shape) == 1 and input.shape == other.shape,
           input, other)  # fmt: skip
    return xp.matmul(xp.conj(input), other)


@vdot.formula
def _(xp, input, other):
    return xp.matmul(xp.conj(input), other)


@vdot.examples
def _(xp, input, other):
    fits = len(input.shape) == len(other.shape) == 2 and input.shape[1] == other.shape[1]
    _check("vdot", fits, input, other)
    product = xp.matmul(xp.unsqueeze(xp.conj(input), 1), xp.unsqueeze(other, 2))
    return xp.reshape(product, -1)


@vdot.backward("input")
def _(xp, g, other):
    return xp.conj(g) * other


@vdot.backward("other")
def _(xp, g, input):
    return g * input


@vdot.samples
def _(r):
    yield call(r(4), r(4))
    yield call(r.complex(3), r.complex(3))


@vdot.reference
def _(np, input, other):
    return np.vdot(input, other)


@composite()
def inner(xp, input, other):
    r"""Sums of products along the last axes: (…, k) and (*, k) give (…, *)."""
    if not input.shape or not other.shape:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    size = input.shape[-1]
    if len(input.shape) == len(other.shape) == 1:
        return xp.dot(input, other)
    rows, columns = (_rows(x.shape) for x in (input, other))
    product = xp.mm(xp.reshape(input, rows, size), xp.t(xp.reshape(other, columns, size)))
    return xp.reshape(product, *input.shape[:-1], *other.shape[:-1])


def _rows(shape):
    count = 1
    for size in shape[:-1]:
        count *= size
    return count


@inner.samples
def _(r):
    yield call(r(3), r(3))
    yield call(r(2, 3), r(4, 3))
    yield call(r(2, 2, 3), r(3))
    yield call(r(), r(2))


@inner.reference
def _(np, input, other):
    return np.inner(input, other)


@composite()
def kron(xp, input, other):
    r"""Kronecker's product: each element of the input times all of the other, as blocks."""
    rank = max(len(input.shape), len(other.shape))
    a = (1,) * (rank - len(input.shape)) + tuple(input.shape)
    b = (1,) * (rank - len(other.shape)) + tuple(other.shape)
    left = xp.reshape(input, *(s for n in a for s in (n, 1)))
    right = xp.reshape(other, *(s for n in b for s in (1, n)))
    return xp.reshape(left * right, *(n * m for n, m in zip(a, b, strict=True)))


@kron.samples
def _(r):
    yield call(r(2, 2), r(2, 3))
    yield call(r(2), r(3, 2))
    yield call(r(), r(2))


@kron.reference
def _(np, input, other):
    return np.kron(input, other)


@composite()
def cross(xp, input, other, dim: Plain = None):
    r"""$a \times b$ of the vectors along one axis; without `dim`, along the first of size 3.

    The two have as many axes, and the others of them broadcast.
    """
    if dim is None:
        if 3 not in input.shape:
            raise RuntimeError(
                f"cross: no dimension of size 3 in input, whose shape is {list(input.shape)}"
            )
        dim = list(input.shape).index(3)
    return xp.linalg_cross(input, other, dim=dim)


@cross.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 3), r(1, 3), -1)


@cross.reference
def _(np, input, other, dim=None):
    return np.cross(input, other, axis=0 if dim is None else dim)
