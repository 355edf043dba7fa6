"""Attention."""

import math

from pullback.op import Number, Plain, call, composite


@composite(namespace="nn.functional", method=False, dtypes="f", one_rounding=True)
def scaled_dot_product_attention(
    xp,
    query,
    key,
    value,
    attn_mask=None,
    dropout_p: Number = 0.0,
    is_causal: bool = False,
    scale: Plain = None,
    enable_gqa: bool = False,
):
    r"""$\operatorname{softmax}(s\,QK^\mathsf{T} + \text{mask})\,V$, with $s = 1/\sqrt{d}$.

    `query` is (…, L, d), `key` (…, S, d), `value` (…, S, e); the result is (…, L, e). A mask of
    booleans says which pairs take part, one of numbers is added. A row without any is 0.
    """
    _check(query, key, value, attn_mask, dropout_p, is_causal)
    if enable_gqa:
        key, value = _repeated(xp, key, query), _repeated(xp, value, query)
    factor = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
    scores = xp.matmul(query * factor, xp.transpose(key, -1, -2))
    if is_causal:
        rows, columns = (xp.arange(n) for n in scores.shape[-2:])
        attn_mask = xp.le(columns, xp.unsqueeze(rows, -1))
    if attn_mask is None:
        weights = xp.softmax(scores, -1)
    else:
        if attn_mask.dtype.kind == "b":
            scores = xp.where(attn_mask, scores, -math.inf)
        else:
            scores = scores + attn_mask
        total = xp.logsumexp(scores, -1, keepdim=True)
        weights = xp.exp(scores - xp.where(xp.eq(total, -math.inf), 0.0, total))
    if dropout_p > 0:
        kept = xp.full(scores.shape, 1 - dropout_p, dtype=scores.dtype)
        weights = weights * xp.bernoulli(kept) / (1 - dropout_p) if dropout_p < 1 else weights * 0
    return xp.matmul(weights, value)


def _check(query, key, value, attn_mask, dropout_p, is_causal):
    def require(condition, message):
        if not condition:
            raise RuntimeError(f"scaled_dot_product_attention: {message}")

    shapes = [list(x.shape) for x in (query, key, value)]
    require(min(map(len, shapes)) >= 2, f"at least two axes each, not shapes {shapes}")
    require(query.dtype == key.dtype == value.dtype,
            f"one dtype, not {query.dtype}, {key.dtype} and {value.dtype}")  # fmt: skip
    require(query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2],
            f"query (…, L, d), key (…, S, d), value (…, S, e), not shapes {shapes}")  # fmt: skip
    require(not (is_causal and attn_mask is not None), "attn_mask or is_causal, not both")
    require(0 <= dropout_p <= 1, f"dropout_p is a probability, not {dropout_p}")
    if attn_mask is not None:
        require(attn_mask.dtype.kind == "b" or attn_mask.dtype == query.dtype,
                f"attn_mask is boolean or {query.dtype}, not {attn_mask.dtype}")  # fmt: skip


def _repeated(xp, x, query):
    """The heads of x (axis -3), each as often as makes them as many as the query's."""
    if min(len(x.shape), len(query.shape)) < 3 or query.shape[-3] % max(1, x.shape[-3]):
        raise RuntimeError(
            "scaled_dot_product_attention: enable_gqa needs a multiple of the heads of "
            f"{list(x.shape)} in {list(query.shape)}"
        )
    *batch, heads, rows, columns = x.shape
    times = query.shape[-3] // max(1, heads)
    repeated = xp.expand(xp.unsqueeze(x, -3), *batch, heads, times, rows, columns)
    return xp.reshape(repeated, *batch, heads * times, rows, columns)


@scaled_dot_product_attention.samples
def _(r):
    yield call(r(3, 4), r(5, 4), r(5, 2))
    yield call(r(2, 3, 4), r(2, 5, 4), r(2, 5, 2), scale=0.3)
    yield call(r(2, 4, 3), r(2, 4, 3), r(2, 4, 3), is_causal=True)
    yield call(r(3, 2), r(4, 2), r(4, 2), r(3, 4))
    order = r.order(3)
    yield call(r(3, 2), r(3, 2), r(3, 2), order[:, None] >= order)
    yield call(r(4, 3, 2), r(2, 3, 2), r(2, 3, 2), enable_gqa=True)
    yield call(r(3, 4), r(5, 4), r(5, 2), dropout_p=1.0)


@scaled_dot_product_attention.reference
def _(np, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
      enable_gqa=False):  # fmt: skip
    if enable_gqa:
        key, value = (np.repeat(x, query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scores = query @ np.swapaxes(key, -1, -2)
    scores = scores * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = np.tri(*scores.shape[-2:], dtype=bool)
    if attn_mask is not None:
        boolean = attn_mask.dtype == bool
        scores = np.where(attn_mask, scores, -np.inf) if boolean else scores + attn_mask
    weights = np.exp(scores)
    return (1 - dropout_p) * (weights / np.sum(weights, axis=-1, keepdims=True)) @ value
