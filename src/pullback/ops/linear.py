"""Linear maps with weights, as layers have them."""

from pullback.op import Array, call, composite


@composite(namespace="nn.functional", method=False)
def linear(xp, input, weight, bias: Array = None):
    r"""$y = x W^\mathsf{T} + b$, with `input` (…, n), `weight` (m, n) or (n), `bias` (m).

    Other biases broadcast to the result, of shape (…, m).

    RuntimeError for sizes that do not match, and for different dtypes.
    """
    rank = len(weight.shape)
    if rank not in (1, 2):
        raise RuntimeError(f"linear: the weight must be 1-D or 2-D, not {list(weight.shape)}")
    if not input.shape or input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            f"linear: the input of shape {list(input.shape)} and the weight of shape "
            f"{list(weight.shape)} cannot be multiplied: their last sizes differ"
        )
    if rank == 1:
        y = xp.matmul(input, weight)
        return y if bias is None else y + bias
    shape = (*input.shape[:-1], weight.shape[0])
    if bias is not None and (
        len(bias.shape) > len(shape)
        or any(b not in (1, n) for b, n in zip(reversed(bias.shape), reversed(shape), strict=False))
    ):
        raise RuntimeError(
            f"linear: the bias of shape {list(bias.shape)} does not fit the weight of shape "
            f"{list(weight.shape)} and the input of shape {list(input.shape)}"
        )
    if bias is None or len(bias.shape) != 1:
        y = xp.matmul(input, xp.t(weight))
        return y if bias is None else y + bias
    if len(input.shape) == 2:
        return xp.addmm(bias, input, xp.t(weight))
    *batch, n = input.shape
    rows = 1
    for size in batch:
        rows *= size
    y = xp.addmm(bias, xp.reshape(input, rows, n), xp.t(weight))
    return xp.reshape(y, *batch, weight.shape[0])


@linear.samples
def _(r):
    yield call(r(3, 4), r(2, 4), r(2))
    yield call(r(3, 4), r(2, 4))
    yield call(r(2, 3, 4), r(5, 4), r(5))
    yield call(r(4), r(2, 4), r(2))
    yield call(r(3, 4), r(2, 4), r(1, 2))
    yield call(r(2, 3, 4), r(2, 4), r(3, 2))
    yield call(r(3, 4), r(4), r())
    yield call(r(3, 4), r(4))
    yield call(r(0, 4), r(2, 4), r(2))


@linear.reference
def _(np, input, weight, bias=None):
    return input @ weight.T + (0 if bias is None else bias)


@composite(aliases=("nn.functional.bilinear",), method=False)
def bilinear(xp, input1, input2, weight, bias: Array = None):
    r"""$y_k = x_1^\mathsf{T} W_k\, x_2 + b_k$.

    `input1` is (…, n), `input2` (…, m), `weight` (k, n, m), `bias` (k); the result is (…, k).
    """
    if len(weight.shape) != 3 or input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match, or the weight is not 3-D: got "
            f"{list(input1.shape)}, {list(input2.shape)} and {list(weight.shape)}"
        )
    if (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        raise RuntimeError(
            f"bilinear(): input sizes {list(input1.shape)} and {list(input2.shape)} do not match "
            f"weight size {list(weight.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"bilinear(): bias size {list(bias.shape)} does not match weight {list(weight.shape)}"
        )
    *batch, n = input1.shape
    m, k = input2.shape[-1], weight.shape[0]
    rows = 1
    for size in batch:
        rows *= size
    left = xp.matmul(xp.reshape(input1, rows, n), xp.reshape(xp.permute(weight, 1, 0, 2), n, k * m))
    y = xp.bmm(xp.reshape(left, rows, k, m), xp.reshape(input2, rows, m, 1))
    y = xp.reshape(y, *batch, k)
    return y if bias is None else y + bias


@bilinear.samples
def _(r):
    yield call(r(4, 2), r(4, 3), r(5, 2, 3), r(5))
    yield call(r(2, 2, 2), r(2, 2, 3), r(1, 2, 3))
    yield call(r(2), r(3), r(4, 2, 3))


@bilinear.reference
def _(np, input1, input2, weight, bias=None):
    return np.einsum("...i,kij,...j->...k", input1, weight, input2) + (0 if bias is None else bias)
