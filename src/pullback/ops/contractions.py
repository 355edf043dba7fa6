"""Sums of products over chosen axes: Einstein's convention, tensordot."""

from pullback.op import Array, Arrays, Plain, as_ints, call, composite, opaque, wrap_dim


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
def einsum(xp, equation: Plain, *operands: Array):
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
        if not 0 <= dims <= min(len(a.shape), len(b.shape)):
            raise RuntimeError(
                f"tensordot: dims={dims} axes are contracted, but the tensors have "
                f"{len(a.shape)} and {len(b.shape)}"
            )
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
