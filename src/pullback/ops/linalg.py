"""Products of vectors, matrices and tensors."""

from pullback.op import (
    Array,
    Arrays,
    Number,
    Plain,
    as_ints,
    call,
    composite,
    opaque,
    visible_axes,
    wrap_dim,
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


@composite(inplace=True, library=True)
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
    return product if beta == 0 else (input if beta == 1 else input * beta) + product


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
    product = xp.mm(xp.transpose(mat1, 0, 1), g)
    return product if alpha == 1 else product * alpha


@addmm.samples
def _(r):
    yield call(r(3, 2), r(3, 4), r(4, 2))
    yield call(r(2), r(3, 4), r(4, 2), beta=0.5, alpha=2)
    yield call(r(3, 2), r(3, 4), r(4, 2), beta=0)


@addmm.reference
def _(np, input, mat1, mat2, *, beta=1, alpha=1):
    return beta * input + alpha * np.matmul(mat1, mat2)


# ------------------------------------------------------------------------------------- einsum


@opaque(public=False, node="Einsum", promote=True, dtypes="ifc")
def contract(xp, tensors: Arrays, inputs: Plain, output):
    r"""Sum of products by subscripts, one letter per axis, none repeated within a tensor."""
    return xp.einsum_array(f"{','.join(inputs)}->{output}", tensors)


@contract.examples
def _(xp, tensors, inputs, output):
    example = next(
        c for c in map(chr, range(65, 123)) if c.isalpha() and c not in "".join((*inputs, output))
    )
    shared = [x.shape[0] == 1 for x in tensors]
    if all(shared):
        shared[0] = False
    operands = [xp.squeeze(x, 0) if s else x for x, s in zip(tensors, shared, strict=True)]
    letters = [i if s else example + i for i, s in zip(inputs, shared, strict=True)]
    return xp.contract(operands, letters, example + output)


@contract.samples
def _(r):
    yield call([r(3, 4), r(4, 5)], ["ij", "jk"], "ik")
    yield call([r(2, 3), r(3), r(4)], ["ij", "j", "k"], "ki")


@contract.formula
def _(xp, tensors, inputs, output):
    letters = output + "".join(sorted(set("".join(inputs)) - set(output)))
    product = None
    for x, subscript in zip(tensors, inputs, strict=True):
        order = sorted(range(len(subscript)), key=lambda k, s=subscript: letters.index(s[k]))
        x = xp.permute(x, *order) if order else x
        kept = iter(x.shape)
        x = xp.reshape(x, *(next(kept) if c in subscript else 1 for c in letters))
        product = x if product is None else product * x
    summed = tuple(range(len(output), len(letters)))
    return xp.sum(product, summed) if summed else product


@contract.grows
def _(xp, tensors, inputs, output):
    sizes = {}
    for x, letters in zip(tensors, inputs, strict=True):
        sizes.update(zip(letters, x.shape, strict=True))
    return tuple(sizes[c] for c in output)


@contract.backward("tensors")
def _(xp, g, tensors, inputs, output):
    gradients = []
    for k, subscript in enumerate(inputs):
        others = [x for i, x in enumerate(tensors) if i != k]
        letters = [s for i, s in enumerate(inputs) if i != k]
        known = set(output).union(*letters)
        reach = "".join(c for c in subscript if c in known)
        part = xp.contract([g, *others], [output, *letters], reach)
        if reach != subscript:  # letters that only this tensor has were summed away
            sizes = dict(zip(subscript, tensors[k].shape, strict=True))
            ones = [sizes[c] if c in known else 1 for c in subscript]
            part = xp.expand(xp.reshape(part, *ones), *tensors[k].shape)
        gradients.append(part)
    return gradients


def _subscripts(equation, shapes):
    """(inputs, output) with the ellipses spelt out in capital letters not used elsewhere."""
    equation = equation.replace(" ", "")
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise RuntimeError(
            f"einsum(): the equation {equation!r} has {len(inputs)} subscripts for "
            f"{len(shapes)} operands"
        )
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZαβγδεζηθικλμνξ" if c not in equation]
    rank = 0
    for subscript, shape in zip(inputs, shapes, strict=True):
        named = len(subscript.replace("...", ""))
        if "..." in subscript:
            rank = max(rank, len(shape) - named)
        elif named != len(shape):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) does not match "
                f"the number of dimensions ({len(shape)}) for operand {subscript!r} of shape "
                f"{list(shape)}"
            )
    letters = "".join(spare[:rank])
    full = []
    for subscript, shape in zip(inputs, shapes, strict=True):
        own = len(shape) - len(subscript.replace("...", ""))
        full.append(subscript.replace("...", letters[rank - own :]))
    if arrow:
        output = output.replace("...", letters)
    else:
        joined = "".join(full)
        output = letters + "".join(
            sorted(c for c in set(joined) if joined.count(c) == 1 and c not in letters)
        )
    for c in output:
        if c not in "".join(full):
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in any operand")
    return full, output


@composite(method=False)
def einsum(xp, equation: Plain, *operands):
    r"""Sums of products by Einstein's convention: `einsum("ik,kj->ij", a, b)`.

    Letters are axes; those missing on the right of `->` are summed; `...` stands for further axes,
    which broadcast; a letter repeated within one operand takes its diagonal.
    """
    if not isinstance(equation, str):
        raise TypeError("einsum(): the first argument must be the equation, a string")
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    for x in operands:
        if not hasattr(type(x), "shape"):
            raise TypeError(f"einsum(): operands must be Tensors, not {type(x).__name__}")
    inputs, output = _subscripts(equation, [x.shape for x in operands])
    tensors, letters = [], []
    sizes: dict[str, int] = {}
    for x, subscript in zip(operands, inputs, strict=True):
        k = 0
        while k < len(subscript):
            first = subscript.index(subscript[k])
            if first < k:  # a repeated letter: the diagonal, moved to the end
                x = xp.diagonal(x, 0, first, k)
                c = subscript[k]
                subscript = subscript.replace(c, "") + c
                k = 0
            else:
                k += 1
        for c, size in zip(subscript, x.shape, strict=True):
            if sizes.setdefault(c, size) != size and 1 not in (size, sizes[c]):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {size} for operand {subscript!r} which "
                    f"does not broadcast with previously seen size {sizes[c]}"
                )
            sizes[c] = max(size, sizes[c])
        tensors.append(x)
        letters.append(subscript)
    tensors = [
        xp.expand(x, *(sizes[c] for c in s))
        if any(x.shape[k] != sizes[c] for k, c in enumerate(s))
        else x
        for x, s in zip(tensors, letters, strict=True)
    ]
    if len(tensors) == 1:  # no product: a view, unless letters are summed
        (x,), (subscript,) = tensors, letters
        summed = [k for k, c in enumerate(subscript) if c not in output]
        x = xp.sum(x, summed) if summed else x
        subscript = [c for c in subscript if c in output]
        return xp.permute(x, *map(subscript.index, output))
    return xp.contract(tensors, letters, output)


@einsum.samples
def _(r):
    yield call("ik,kj->ij", r(2, 3), r(3, 2))
    yield call("ii", r(3, 3))
    yield call("iij->ji", r(2, 2, 3))
    yield call("...ij,...jk->...ik", r(2, 1, 2, 3), r(3, 3, 2))
    yield call("i,j->", r(2), r(3))
    yield call("ij->j", r(2, 3))
    yield call("ab,bc,cd->ad", r(2, 2), r(2, 3), r(3, 2))
    yield call("i j, j", [r(2, 3), r(3)])


@einsum.reference
def _(np, equation, *operands):

    operands = operands[0] if isinstance(operands[0], list) else operands
    return np.einsum(equation, *operands)


@composite(method=False)
def tensordot(xp, a, b: Array, dims: Plain = 2):
    r"""Contraction of the last `dims` axes of a with the first of b, or of two lists of axes."""
    if hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, int):
        left = list(range(len(a.shape) - dims, len(a.shape)))
        right = list(range(dims))
    else:
        if not isinstance(dims, (list, tuple)) or len(dims) != 2:
            raise RuntimeError(f"tensordot: dims is a number or two lists of axes, not {dims!r}")
        left, right = (list(as_ints(d, "tensordot", "dims")) for d in dims)
    left = [wrap_dim(d, len(a.shape), "tensordot") for d in left]
    right = [wrap_dim(d, len(b.shape), "tensordot") for d in right]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    sa = letters[: len(a.shape)]
    sb = list(letters[len(a.shape) : len(a.shape) + len(b.shape)])
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j] and 1 in (a.shape[i], b.shape[j]):  # broadcasts
            a = xp.sum(a, i, keepdim=True) if b.shape[j] == 1 else a
            b = xp.sum(b, j, keepdim=True) if a.shape[i] == 1 else b
        if a.shape[i] != b.shape[j]:
            raise RuntimeError(
                f"tensordot: contracted dimensions need to match, but first has size "
                f"{a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}"
            )
        sb[j] = sa[i]
    free = [c for c in sa if c not in sb] + [c for c in sb if c not in sa]
    return xp.contract([a, b], [sa, "".join(sb)], "".join(free))


@tensordot.samples
def _(r):
    yield call(r(2, 3, 4), r(3, 4, 2))
    yield call(r(2, 3), r(3, 2), 1)
    yield call(r(2, 3), r(2), ([0], [0]))
    yield call(r(2), r(3), dims=0)


@tensordot.reference
def _(np, a, b, dims=2):
    return np.tensordot(a, b, dims)
