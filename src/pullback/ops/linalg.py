"""Products of vectors and matrices."""

from pullback.op import (
    Array,
    Number,
    call,
    composite,
    opaque,
    visible_axes,
)


def _check(name, condition, message):
    if not condition:
        raise RuntimeError(f"{name}: {message()}")


def _same_dtype(name, a, b):
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"{name}: expected both tensors to have the same dtype, but got: {a.dtype} and "
            f"{b.dtype}. Convert one with .to()"
        )


@opaque(dtypes="ifc")
def dot(xp, input, tensor):
    r"""$\sum_i a_i b_i$ of two vectors of one size; no broadcasting, no conjugate."""
    _check(
        "dot",
        len(input.shape) == len(tensor.shape) == 1,
        lambda: (
            f"1D tensors expected, but got {len(input.shape)}D and {len(tensor.shape)}D tensors "
            f"of shapes {list(input.shape)} and {list(tensor.shape)}"
        ),
    )
    _check(
        "dot",
        input.shape == tensor.shape,
        lambda: (
            f"inconsistent tensor size, expected tensor {list(input.shape)} and src "
            f"{list(tensor.shape)} to have the same number of elements"
        ),
    )
    _same_dtype("dot", input, tensor)
    return xp.matmul(input, tensor)


@dot.examples
def _(xp, input, tensor):
    product = xp.matmul(xp.unsqueeze(input, 1), xp.unsqueeze(tensor, 2))
    return xp.reshape(product, product.shape[0])


@dot.formula
def _(xp, input, tensor):
    return xp.sum(input * tensor)


@dot.backward("input")
def _(xp, g, tensor):
    return g * tensor


@dot.backward("tensor")
def _(xp, g, input):
    return g * input


@dot.samples
def _(r):
    yield call(r(4), r(4))
    yield call(r(0), r(0))
    yield call(r.integers(-9, 9, 3), r.integers(-9, 9, 3))


@dot.reference
def _(np, input, tensor):
    return np.sum(input * tensor)


@opaque(dtypes="ifc")
def mv(xp, input, vec):
    r"""Product of a matrix (n, m) and a vector (m)."""
    _check(
        "mv",
        len(input.shape) == 2 and len(vec.shape) == 1 and input.shape[1] == vec.shape[0],
        lambda: f"size mismatch, got input {list(input.shape)}, vec {list(vec.shape)}",
    )
    _same_dtype("mv", input, vec)
    return xp.matmul(input, vec)


@mv.examples
def _(xp, input, vec):
    return xp.squeeze(xp.matmul(input, xp.unsqueeze(vec, 2)), 2)


@mv.formula
def _(xp, input, vec):
    return xp.sum(input * vec, 1)


@mv.backward("input")
def _(xp, g, vec):
    return xp.outer(g, vec)


@mv.backward("vec")
def _(xp, g, input):
    return xp.mv(xp.t(input), g)


@mv.samples
def _(r):
    yield call(r(3, 4), r(4))
    yield call(r(3, 0), r(0))


@mv.reference
def _(np, input, vec):
    return np.sum(input * vec, 1)


@opaque(dtypes="ifc")
def mm(xp, input, mat2):
    r"""Product of matrices (n, k) and (k, m)."""
    _check(
        "mm",
        len(input.shape) == len(mat2.shape) == 2,
        lambda: (
            "mat1 and mat2 must be matrices, not of "
            f"shapes {list(input.shape)} and {list(mat2.shape)}"
        ),
    )
    _check(
        "mm",
        input.shape[1] == mat2.shape[0],
        lambda: (
            f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        ),
    )
    _same_dtype("mm", input, mat2)
    return xp.matmul(input, mat2)


@mm.examples
def _(xp, input, mat2):
    return xp.matmul(input, mat2)


@mm.formula
def _(xp, input, mat2):
    return xp.sum(xp.unsqueeze(input, -1) * xp.unsqueeze(mat2, 0), 1)


@mm.grows
def _(xp, input, mat2):
    return (input.shape[0], mat2.shape[1])


@mm.backward("input")
def _(xp, g, mat2):
    return xp.mm(g, xp.t(mat2))


@mm.backward("mat2")
def _(xp, g, input):
    return xp.mm(xp.t(input), g)


@mm.samples
def _(r):
    yield call(r(3, 4), r(4, 2))
    yield call(r(3, 0), r(0, 2))
    yield call(r.integers(-9, 9, 2, 3), r.integers(-9, 9, 3, 2))


@mm.reference
def _(np, input, mat2):
    return np.sum(input[:, :, None] * mat2, 1)


@opaque(dtypes="ifc")
def bmm(xp, input, mat2):
    r"""Products of two stacks of matrices, (b, n, k) and (b, k, m)."""
    _check(
        "bmm",
        len(input.shape) == len(mat2.shape) == 3,
        lambda: (
            f"batch1 and batch2 must be 3D tensors, not of shapes {list(input.shape)} and "
            f"{list(mat2.shape)}"
        ),
    )
    _check(
        "bmm",
        input.shape[0] == mat2.shape[0] and input.shape[2] == mat2.shape[1],
        lambda: (
            f"Expected size for first two dimensions of batch2 tensor to be: "
            f"[{input.shape[0]}, {input.shape[2]}] but got: {list(mat2.shape[:2])}."
        ),
    )
    _same_dtype("bmm", input, mat2)
    return xp.matmul(input, mat2)


@opaque(public=False, node="Bmm", dtypes="ifc")
def matmul_batched(xp, input, mat2):
    r"""Products of stacks of matrices, batch axes broadcasting."""
    _same_dtype("matmul", input, mat2)
    return xp.matmul(input, mat2)


@matmul_batched.samples
def _(r):
    yield call(r(2, 3, 4), r(4, 5))
    yield call(r(2, 1, 3, 4), r(3, 4, 2))


@bmm.examples
@matmul_batched.examples
def _(xp, input, mat2):
    rank = max(len(input.shape), len(mat2.shape)) - 1
    return xp.matmul(visible_axes(xp, input, rank), visible_axes(xp, mat2, rank))


@bmm.formula
@matmul_batched.formula
def _(xp, input, mat2):
    return xp.sum(xp.unsqueeze(input, -1) * xp.unsqueeze(mat2, -3), -2)


@bmm.grows
@matmul_batched.grows
def _(xp, input, mat2):
    batch = xp.broadcast_shape(input.shape[:-2], mat2.shape[:-2])
    return (*batch, input.shape[-2], mat2.shape[-1])


@bmm.backward("input")
@matmul_batched.backward("input")
def _(xp, g, mat2):
    return xp.matmul(g, xp.transpose(mat2, -2, -1))


@bmm.backward("mat2")
@matmul_batched.backward("mat2")
def _(xp, g, input):
    return xp.matmul(xp.transpose(input, -2, -1), g)


@bmm.samples
def _(r):
    yield call(r(2, 3, 4), r(2, 4, 2))
    yield call(r(0, 3, 4), r(0, 4, 2))


@bmm.reference
def _(np, input, mat2):
    return np.sum(input[..., None] * mat2[:, None], 2)


@composite(aliases=("linalg.matmul",))
def matmul(xp, input, other):
    r"""Matrix product: of vectors, matrices, or stacks of matrices that broadcast.

    (n) @ (n): a scalar; (n, k) @ (k, m): (n, m); a 1-D operand is a row on the left, a column on
    the right; (…, n, k) @ (…, k, m): batch axes broadcast. RuntimeError for sizes that do not
    match, 0-d operands and different dtypes.
    """
    a, b = len(input.shape), len(other.shape)
    if not a or not b:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D"
        )
    if a == 1 and b == 1:
        return xp.dot(input, other)
    if a == 2 and b == 1:
        return xp.mv(input, other)
    if a == 1 and b == 2:
        return xp.squeeze(xp.mm(xp.unsqueeze(input, 0), other), 0)
    if a == 2 and b == 2:
        return xp.mm(input, other)
    left = xp.unsqueeze(input, 0) if a == 1 else input
    right = xp.unsqueeze(other, 1) if b == 1 else other
    if left.shape[-1] != right.shape[-2]:
        raise RuntimeError(
            f"matmul: the shapes {list(input.shape)} and {list(other.shape)} cannot be "
            f"multiplied: {left.shape[-1]} columns and {right.shape[-2]} rows"
        )
    xp.broadcast_shape(left.shape[:-2], right.shape[:-2])
    both = len(left.shape) == len(right.shape) == 3 and left.shape[0] == right.shape[0]
    result = xp.bmm(left, right) if both else xp.matmul_batched(left, right)
    if a == 1:
        return xp.squeeze(result, -2)
    return xp.squeeze(result, -1) if b == 1 else result


@matmul.samples
def _(r):
    yield call(r(3), r(3))
    yield call(r(2, 3), r(3))
    yield call(r(3), r(3, 2))
    yield call(r(2, 3), r(3, 4))
    yield call(r(2, 2, 3), r(3, 2))
    yield call(r(2, 1, 2, 3), r(3, 3, 2))
    yield call(r(3), r(2, 3, 2))
    yield call(r(2, 2, 3), r(3))
    yield call(r(2, 2, 3), r(2, 3, 1))
    yield call(r(0, 3), r(3, 2))


@matmul.reference
def _(np, input, other):
    return np.matmul(input, other)


@composite(aliases=("ger",))
def outer(xp, input, vec2):
    r"""$y_{ij} = a_i b_j$ of two vectors."""
    _check(
        "outer",
        len(input.shape) == len(vec2.shape) == 1,
        lambda: f"Expected 1-D arguments, got {len(input.shape)}-D and {len(vec2.shape)}-D",
    )
    return xp.unsqueeze(input, 1) * vec2


@outer.samples
def _(r):
    yield call(r(3), r(4))
    yield call(r(0), r(2))


@outer.reference
def _(np, input, vec2):
    return np.outer(input, vec2)


@composite(inplace=True, library=True, factors="beta alpha")
def addmm(xp, input, mat1: Array, mat2: Array, *, beta: Number = 1, alpha: Number = 1):
    r"""$\beta\,\text{input} + \alpha\,\text{mat1}\,\text{mat2}$."""
    product = xp.mm(mat1, mat2)
    sizes = zip(input.shape[::-1], product.shape[::-1], strict=False)
    _check(
        "addmm",
        len(input.shape) <= 2 and all(n in (1, m) for n, m in sizes),
        lambda: (
            f"an input of shape {list(input.shape)} cannot be added to a product of shape "
            f"{list(product.shape)}"
        ),
    )
    if alpha != 1:
        product = product * alpha
    return product if beta == 0 else xp.added(product, input if beta == 1 else input * beta)


@addmm.grows
def _(xp, input, mat1, mat2, beta, alpha):
    return (mat1.shape[0], mat2.shape[1])


@addmm.backward("input")
def _(xp, g, beta):
    return g if beta == 1 else g * beta


@addmm.backward("mat1")
def _(xp, g, mat2, alpha):
    product = xp.mm(g, xp.transpose(mat2, 0, 1))
    return product if alpha == 1 else product * alpha


@addmm.backward("mat2")
def _(xp, g, mat1, alpha):
    # As its transpose: weights of layers are transposed in the product, and their gradient is not.
    product = xp.mm(xp.transpose(g, 0, 1), mat1)
    return xp.transpose(product if alpha == 1 else product * alpha, 0, 1)


@addmm.samples
def _(r):
    yield call(r(3, 2), r(3, 4), r(4, 2))
    yield call(r(2), r(3, 4), r(4, 2), beta=0.5, alpha=2)
    yield call(r(3, 2), r(3, 4), r(4, 2), beta=0)


@addmm.reference
def _(np, input, mat1, mat2, *, beta=1, alpha=1):
    return beta * input + alpha * np.matmul(mat1, mat2)
