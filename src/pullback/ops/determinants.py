"""Determinants, powers and exponentials of matrices.

Derivatives: M. B. Giles (2008); of the determinants of singular matrices by cofactors; of the
exponential: R. Mathias, A chain rule for matrix functions and applications (1996).
"""

from pullback.op import Arrays, call, composite, matrices, opaque

_t, _h = matrices.transposed, matrices.adjoint


@opaque(namespace="linalg", public=False, node="LinalgDet", dtypes="fc", half=False)
def determinant(xp, A):
    r"""Determinants of square matrices."""
    return xp.lapack("determinant", A)


@determinant.backward("A")
def _(xp, g, A):
    return xp.reshape(g, *g.shape, 1, 1) * xp.linalg_cofactors(A)


@determinant.examples
def _(xp, A):
    return xp.linalg_determinant(A)


@opaque(namespace="linalg", public=False, dtypes="fc", half=False)
def cofactors(xp, A):
    r"""The matrices of cofactors: det(A) A⁻ᵀ where there is an inverse."""
    return xp.lapack("cofactors", A)


@cofactors.backward("A")
def _(xp, g, A):
    # C = det(A) A⁻ᵀ: dC = tr(A⁻¹ dA) C - A⁻ᵀ dAᵀ C, for matrices that have an inverse.
    inverse = _t(xp, xp.linalg_inv_ex(A)[0])
    made = xp.linalg_cofactors(A)
    along = xp.reshape(xp.sum(g * made, (-2, -1)), *A.shape[:-2], 1, 1)
    return along * inverse - xp.matmul(made, xp.matmul(_t(xp, g), inverse))


@cofactors.examples
def _(xp, A):
    return xp.linalg_cofactors(A)


@determinant.samples
@cofactors.samples
def _(r):
    yield call(r(3, 3))


@composite(namespace="linalg", method=False)
def det(xp, A):
    r"""Determinants of square matrices (…, n, n)."""
    matrices.check_floating("linalg.det", A)
    matrices.check_square("linalg.det", A)
    return xp.linalg_determinant(A)


@composite(name="det")
def det_function(xp, input):
    r"""Determinants of square matrices (…, n, n)."""
    return xp.linalg_det(input)


@det.samples
@det_function.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2))
    yield call(r(0, 0))


@det.reference
@det_function.reference
def _(np, A):
    return np.linalg.det(A)


@opaque(
    namespace="linalg", public=False, node="LinalgSlogdet", dtypes="fc", half=False,
    holomorphic=False, outputs="sign logabsdet",
)  # fmt: skip
def log_determinant(xp, A):
    r"""Signs of determinants, and the logarithms of their moduli."""
    return xp.lapack("log_determinant", A)


@log_determinant.backward("A")
def _(xp, g_sign, g_logabsdet, A, sign):
    g = g_logabsdet
    if A.dtype.kind == "c":
        turn = xp.conj(g_sign) * sign
        g = g - (turn - xp.conj(turn)) / 2
    return xp.reshape(g, *g.shape, 1, 1) * _h(xp, xp.linalg_inv_ex(A)[0])


@log_determinant.examples
def _(xp, A):
    return xp.linalg_log_determinant(A)


@log_determinant.samples
def _(r):
    yield call(r(3, 3))


@composite(namespace="linalg", method=False, outputs="sign logabsdet")
def slogdet(xp, A):
    r"""Signs of determinants (of modulus 1, or 0), and the logarithms of their moduli."""
    matrices.check_floating("linalg.slogdet", A)
    matrices.check_square("linalg.slogdet", A)
    return tuple(xp.linalg_log_determinant(A))


@composite(name="slogdet", outputs="sign logabsdet")
def slogdet_function(xp, input):
    r"""`linalg.slogdet`."""
    return tuple(xp.linalg_slogdet(input))


@slogdet.samples
@slogdet_function.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2))


@slogdet.reference
@slogdet_function.reference
def _(np, A):
    return tuple(np.linalg.slogdet(A))


@composite()
def logdet(xp, input):
    r"""Logarithms of determinants: -inf of singular matrices, NaN of negative ones."""
    sign, size = xp.linalg_slogdet(input)
    if sign.dtype.kind == "c":
        return size + xp.log(sign)
    return size + xp.log(sign.detach() if hasattr(sign, "detach") else sign)


def _positive(torch, function, A):
    """Tests: a matrix whose determinant is positive."""
    return function(A @ A.mH + torch.eye(A.shape[-1], dtype=A.dtype))


logdet.tried(_positive)


@logdet.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2))


@logdet.reference
def _(np, A):
    made = A @ A.conj().swapaxes(-1, -2) + np.eye(A.shape[-1])
    sign, size = np.linalg.slogdet(made)
    return size + np.log(sign)


# --------------------------------------------------------------------------- powers, products


@composite(namespace="linalg", method=False)
def matrix_power(xp, A, n: int):
    r"""A multiplied by itself n times, by repeated squaring; of the inverse for negative n."""
    matrices.check_square("linalg.matrix_power", A)
    if n < 0:
        return xp.linalg_matrix_power(xp.linalg_inv(A), -n)
    if n == 0:
        one = matrices.identity(xp, A.shape[-1], A)
        return xp.clone(xp.expand(one, *A.shape)) + A * 0
    found = None
    while n:
        if n % 2:
            found = A if found is None else xp.matmul(found, A)
        n //= 2
        A = xp.matmul(A, A) if n else A
    return xp.clone(found)


@composite(name="matrix_power")
def matrix_power_function(xp, input, n: int):
    r"""`linalg.matrix_power`."""
    return xp.linalg_matrix_power(input, n)


@matrix_power.samples
@matrix_power_function.samples
def _(r):
    yield call(r(3, 3), 5)
    yield call(r(2, 2, 2), -2)
    yield call(r(2, 2), 0)


@matrix_power.reference
@matrix_power_function.reference
def _(np, A, n):
    return np.linalg.matrix_power(A, n)


@opaque(namespace="linalg", method=False, dtypes="fc")
def matrix_exp(xp, A):
    r"""Exponentials of square matrices (…, n, n) (SciPy: A. H. Al-Mohy and N. J. Higham, 2009)."""
    matrices.check_square("linalg.matrix_exp", A)
    return xp.lapack("matrix_exp", A)


@matrix_exp.backward("A")
def _(xp, g, A):
    n, last = A.shape[-1], len(A.shape) - 1
    turned = _t(xp, A)
    above = xp.cat([turned, g], last)
    below = xp.cat([turned * 0, turned], last)
    whole = xp.linalg_matrix_exp(xp.cat([above, below], last - 1))
    return xp.slice(xp.slice(whole, last, n, 2 * n, 1), last - 1, 0, n, 1)


@matrix_exp.examples
def _(xp, A):
    return xp.linalg_matrix_exp(A)


@composite(name="matrix_exp")
def matrix_exp_function(xp, input):
    r"""`linalg.matrix_exp`."""
    matrices.check_floating("linalg.matrix_exp", input)
    return xp.linalg_matrix_exp(input)


@matrix_exp.samples
@matrix_exp_function.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2))


@matrix_exp.reference
@matrix_exp_function.reference
def _(np, A):
    from scipy.linalg import expm

    return expm(A)


def _cheapest(sizes):
    """The order of products that needs the fewest multiplications (dynamic programming)."""
    count = len(sizes) - 1
    cost = {(i, i): (0, None) for i in range(count)}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j] = min(
                (cost[i, k][0] + cost[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return cost


@composite(namespace="linalg", method=False)
def multi_dot(xp, tensors: Arrays):
    r"""The product of two or more matrices, in the cheapest order; the ends may be vectors."""
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    first, *middle, last = tensors
    for k, x in enumerate(middle, start=1):
        if len(x.shape) != 2:
            raise RuntimeError(f"multi_dot(): tensor {k} must be 2D but got {len(x.shape)}D")
    for which, x in (("first", first), ("last", last)):
        if len(x.shape) not in (1, 2):
            raise RuntimeError(
                f"multi_dot(): the {which} tensor must be 1D or 2D but got {len(x.shape)}D"
            )
    row, column = len(first.shape) == 1, len(last.shape) == 1
    factors = [
        xp.unsqueeze(first, 0) if row else first, *middle,
        xp.unsqueeze(last, 1) if column else last,
    ]  # fmt: skip
    for k in range(len(factors) - 1):
        if factors[k].shape[1] != factors[k + 1].shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {k} and {k + 1} with shapes {list(tensors[k].shape)} and "
                f"{list(tensors[k + 1].shape)} cannot be multiplied"
            )
    cost = _cheapest([factors[0].shape[0], *(x.shape[1] for x in factors)])
    found = _chain(xp, factors, cost, 0, len(factors) - 1)
    found = xp.squeeze(found, -1) if column else found
    return xp.squeeze(found, 0) if row else found


def _chain(xp, factors, cost, i, j):
    """The product of factors i to j, in the cheapest order."""
    k = cost[i, j][1]
    if k is None:
        return factors[i]
    return xp.mm(_chain(xp, factors, cost, i, k), _chain(xp, factors, cost, k + 1, j))


@composite(method=False)
def chain_matmul(xp, *matrices):
    r"""`linalg.multi_dot` of matrices given one by one."""
    return xp.clone(matrices[0]) if len(matrices) == 1 else xp.linalg_multi_dot(list(matrices))


@chain_matmul.samples
def _(r):
    yield call(r(2, 3), r(3, 4), r(4, 2))


@multi_dot.samples
def _(r):
    yield call([r(2, 3), r(3, 4), r(4, 2)])
    yield call([r(3), r(3, 4), r(4)])


@multi_dot.reference
def _(np, tensors):
    return np.linalg.multi_dot(tensors)


@chain_matmul.reference
def _(np, *matrices):
    return np.linalg.multi_dot(matrices)
