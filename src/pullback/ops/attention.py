"""Attention.

Source: A. Vaswani et al., NIPS 2017.
"""

import math

from pullback.op import Array, MaybeArray, Number, Plain, call, composite


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


# ------------------------------------------------------------------------------- several heads


@composite(namespace="nn.functional", method=False)
def multi_head_attention_forward(
    xp, query, key, value, embed_dim_to_check: int, num_heads: int, in_proj_weight: MaybeArray,
    in_proj_bias: MaybeArray, bias_k: MaybeArray, bias_v: MaybeArray, add_zero_attn: bool,
    dropout_p: float, out_proj_weight: Array, out_proj_bias: MaybeArray, training: bool = True,
    key_padding_mask: Array = None, need_weights: bool = True, attn_mask: Array = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Array = None,
    k_proj_weight: Array = None, v_proj_weight: Array = None, static_k: Array = None,
    static_v: Array = None, average_attn_weights: bool = True, is_causal: bool = False,
):  # fmt: skip
    r"""Attention by several heads: (the output, the weights of keys for each query or None).

    `query` is (L, n, e), `key` and `value` (S, n, …), or without n. The heads' parts of e come from
    the rows of `in_proj_weight` (3 e, e), or of three weights, and go through `out_proj_weight`.
    `bias_k` and `bias_v` (1, 1, e), and zeros with `add_zero_attn`, are keys and values of their
    own. `attn_mask` (L, S) or (n heads, L, S) and `key_padding_mask` (n, S) are True for what is
    left out, or are added to scores. `static_k` and `static_v` (n heads, S, e / heads) replace keys
    and values. Weights are (n, L, S), or (n, heads, L, S) without `average_attn_weights`.
    """
    single = _check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads)
    if single:
        query, key, value = _with_batch(xp, query, key, value)
        if key_padding_mask is not None:
            key_padding_mask = xp.unsqueeze(key_padding_mask, 0)
    length, count, width = query.shape
    expected = embed_dim_to_check
    _assert(
        width == expected, f"was expecting embedding dimension of {expected}, but got {width}"
    )  # fmt: skip
    _assert(num_heads > 0 and width % num_heads == 0,
            f"embed_dim {width} not divisible by num_heads {num_heads}")  # fmt: skip
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "multi_head_attention_forward: Need attn_mask if specifying the is_causal hint: "
            "nn.Transformer.generate_square_subsequent_mask(length) makes one"
        )
    key_padding_mask = _as_numbers(xp, "key_padding_mask", key_padding_mask, query)
    attn_mask = _as_numbers(xp, "attn_mask", attn_mask, query)
    causal = is_causal and key_padding_mask is None and not need_weights
    if causal:  # what the mask says, without reading it
        attn_mask = None

    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        for name, w in zip("qkv", weights, strict=True):
            _assert(
                w is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None"
            )
        _assert(key.shape[:2] == value.shape[:2], f"key's sequence and batch dims "
                f"{key.shape[:2]} do not match value's {value.shape[:2]}")  # fmt: skip
    else:
        _assert(in_proj_weight is not None,
                "use_separate_proj_weight is False but in_proj_weight is None")  # fmt: skip
        _assert(key.shape == value.shape,
                f"key shape {key.shape} does not match value shape {value.shape}")  # fmt: skip
        weights = None
    q, k, v = _projected(xp, query, key, value, in_proj_weight, weights, in_proj_bias)

    added = 0
    _assert((bias_k is None) == (bias_v is None),
            "bias_k and bias_v are given together, or are both None")  # fmt: skip
    if bias_k is not None:
        _assert(static_k is None, "bias cannot be added to static key.")
        _assert(static_v is None, "bias cannot be added to static value.")
        k, v = (xp.cat([x, xp.expand(b, 1, count, width)], 0)
                for x, b in ((k, bias_k), (v, bias_v)))  # fmt: skip
        added += 1
    q, k, v = (_by_heads(xp, x, num_heads) for x in (q, k, v))
    k = _static(xp, "static_k", static_k, k, count, num_heads, width)
    v = _static(xp, "static_v", static_v, v, count, num_heads, width)
    if add_zero_attn:
        k, v = (xp.constant_pad_nd(x, (0, 0, 0, 1), 0) for x in (k, v))
        added += 1
    mask = _mask(xp, attn_mask, key_padding_mask, length, k.shape[2], added, count, num_heads)

    dropout_p = dropout_p if training else 0.0
    if need_weights:
        scores = xp.matmul(q * math.sqrt(num_heads / width), xp.transpose(k, -1, -2))
        shares = xp.softmax(scores if mask is None else scores + mask, -1)
        if dropout_p > 0:
            shares = xp.nn_functional_dropout(shares, dropout_p, True)
        y = xp.matmul(shares, v)
        shares = xp.mean(shares, 1) if average_attn_weights else shares
    else:
        y = xp.nn_functional_scaled_dot_product_attention(q, k, v, mask, dropout_p, causal)
        shares = None
    y = xp.reshape(xp.permute(y, 2, 0, 1, 3), length, count, width)
    y = xp.nn_functional_linear(y, out_proj_weight, out_proj_bias)
    if single:
        return xp.squeeze(y, (1,)), None if shares is None else xp.squeeze(shares, (0,))
    return y, shares


def _assert(condition, message):
    if not condition:
        raise AssertionError(f"multi_head_attention_forward: {message}")


def _check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether there is one sequence only, without an axis for several."""
    rank = len(query.shape)
    _assert(rank in (2, 3), "query should be unbatched 2D or batched 3D tensor but received "
            f"{rank}-D query tensor")  # fmt: skip
    what = f"For {'un' * (rank == 2)}batched ({rank}-D) `query`, expected"
    ranks = len(key.shape), len(value.shape)
    _assert(ranks == (rank, rank), f"{what} `key` and `value` to be {rank}-D but found "
            f"{ranks[0]}-D and {ranks[1]}-D tensors respectively")  # fmt: skip
    if key_padding_mask is not None:
        found = len(key_padding_mask.shape)
        _assert(found == rank - 1, f"{what} `key_padding_mask` to be `None` or {rank - 1}-D but "
                f"found {found}-D tensor instead")  # fmt: skip
    if attn_mask is not None:
        found = len(attn_mask.shape)
        _assert(found in (2, 3), f"{what} `attn_mask` to be `None`, 2-D or 3-D but found {found}-D "
                "tensor instead")  # fmt: skip
    return rank == 2


def _with_batch(xp, query, key, value):
    """With an axis for one sequence; what is the same stays so."""
    q = xp.unsqueeze(query, 1)
    k = q if key is query else xp.unsqueeze(key, 1)
    return q, k, k if value is key else xp.unsqueeze(value, 1)


def _as_numbers(xp, name, mask, query):
    """A mask as what is added to scores."""
    if mask is None:
        return None
    kind = mask.dtype.kind
    _assert(kind in "bf", f"only bool and floating types of {name} are supported, not {mask.dtype}")
    if kind == "b":
        nothing = xp.zeros(*mask.shape, dtype=query.dtype)
        return xp.masked_fill(nothing, mask, -math.inf)
    if mask.dtype != query.dtype:
        raise RuntimeError(
            f"multi_head_attention_forward: {name} is of {mask.dtype} and the query of "
            f"{query.dtype}: write {name}.to({query.dtype})"
        )
    return mask


def _projected(xp, query, key, value, packed, weights, bias):
    """Queries, keys and values; one product for those that come from the same tensor."""
    linear = xp.nn_functional_linear
    width = query.shape[-1]
    if weights is not None:
        biases = (None,) * 3 if bias is None else xp.chunk(bias, 3)
        return [linear(*given) for given in zip((query, key, value), weights, biases, strict=True)]
    if key is not value:
        biases = (None,) * 3 if bias is None else xp.chunk(bias, 3)
        parts = zip((query, key, value), xp.chunk(packed, 3), biases, strict=True)
        return [linear(*given) for given in parts]
    if query is key:
        return xp.chunk(linear(query, packed, bias), 3, -1)
    of_query, others = xp.split(packed, (width, 2 * width))
    bias_q, bias_kv = (None, None) if bias is None else xp.split(bias, (width, 2 * width))
    return [linear(query, of_query, bias_q), *xp.chunk(linear(key, others, bias_kv), 2, -1)]


def _by_heads(xp, x, heads):
    """(S, n, e) as (n, heads, S, e / heads)."""
    *rows, width = x.shape
    return xp.permute(xp.reshape(x, *rows, heads, width // heads), 1, 2, 0, 3)


def _static(xp, name, given, x, count, heads, width):
    if given is None:
        return x
    shape, rows, size = list(given.shape), count * heads, width // heads
    _assert(len(shape) == 3 and (shape[0], shape[2]) == (rows, size),
            f"expecting {name} of shape [{rows}, S, {size}], but got {shape}")  # fmt: skip
    return xp.reshape(given, count, heads, -1, width // heads)


def _mask(xp, attn_mask, padding, length, keys, added, count, heads):
    """What is added to scores (n, heads, L, S), of which the last keys are not masked."""
    own = keys - added
    if attn_mask is not None:
        shape = tuple(attn_mask.shape)
        wanted = (length, own) if len(shape) == 2 else (count * heads, length, own)
        if shape != wanted:
            raise RuntimeError(
                f"multi_head_attention_forward: The shape of the {len(shape)}D attn_mask is "
                f"{list(shape)}, but should be {wanted}."
            )
        if len(shape) == 3:
            attn_mask = xp.reshape(attn_mask, count, heads, length, own)
    if padding is not None:
        shape = tuple(padding.shape)
        _assert(shape == (count, own), f"Expected key_padding_mask of shape {[count, own]}, but "
                f"got {list(shape)}")  # fmt: skip
        padding = xp.reshape(padding, count, 1, 1, own)
        attn_mask = padding if attn_mask is None else attn_mask + padding
    if attn_mask is None or not added:
        return attn_mask
    return xp.constant_pad_nd(attn_mask, (0, added), 0)


def _given(torch, function, *args, **keywords):
    return tuple(x for x in function(*args, **keywords) if x is not None)


multi_head_attention_forward.tried(_given)


@multi_head_attention_forward.samples
def _(r):
    x, y = r(3, 2, 4), r(5, 2, 4)
    of_4 = (4, 2, r(12, 4), r(12), None, None, False, 0.0, r(4, 4), r(4))
    yield call(x, x, x, *of_4)
    yield call(x, y, y, *of_4, average_attn_weights=False, attn_mask=r(3, 5))
    yield call(x, y, y, 4, 1, r(12, 4), None, r(1, 1, 4), r(1, 1, 4), True, 0.0, r(4, 4), None,
               key_padding_mask=r.order(5)[None] < r.order(2)[:, None] + 1)  # fmt: skip
    order = r.order(3)
    order.sort()
    yield call(x[:, 0], x[:, 0], x[:, 0], *of_4, need_weights=False, is_causal=True,
               attn_mask=order[:, None] < order)  # fmt: skip
    yield call(r(3, 1, 4), r(2, 1, 3), r(2, 1, 5), 4, 2, None, r(12), None, None, False, 0.4,
               r(2, 4), r(2), False, need_weights=False, use_separate_proj_weight=True,
               q_proj_weight=r(4, 4), k_proj_weight=r(4, 3), v_proj_weight=r(4, 5))  # fmt: skip
    yield call(x, y, y, *of_4, static_k=r(4, 2, 2), static_v=r(4, 2, 2), attn_mask=r(4, 3, 2))


@multi_head_attention_forward.reference
def _(np, query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k,
      bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True,
      key_padding_mask=None, need_weights=True, attn_mask=None, use_separate_proj_weight=False,
      q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None,
      average_attn_weights=True, is_causal=False):  # fmt: skip
    single = query.ndim == 2
    if single:
        query, key, value = (x[:, None] for x in (query, key, value))
    length, count, width = query.shape
    size = width // num_heads
    weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights = weights if use_separate_proj_weight else np.split(in_proj_weight, 3)
    biases = (0, 0, 0) if in_proj_bias is None else np.split(in_proj_bias, 3)
    q, k, v = (x @ w.T + b for x, w, b in zip((query, key, value), weights, biases, strict=True))
    outputs, shares = np.empty(query.shape), []
    for n in range(count):
        for h in range(num_heads):
            part = slice(h * size, (h + 1) * size)
            keys, values = k[:, n, part], v[:, n, part]
            if static_k is not None:
                keys, values = static_k[n * num_heads + h], static_v[n * num_heads + h]
            mask = np.zeros((length, len(keys)))
            if attn_mask is not None:
                own = attn_mask if attn_mask.ndim == 2 else attn_mask[n * num_heads + h]
                mask = np.where(own, -np.inf, 0) if own.dtype == bool else own
            if key_padding_mask is not None:
                mask = mask + np.where(key_padding_mask[n], -np.inf, 0)
            if bias_k is not None:
                keys = np.concatenate([keys, bias_k[0, :, part]])
                values = np.concatenate([values, bias_v[0, :, part]])
            if add_zero_attn:
                keys, values = (np.concatenate([x, np.zeros((1, size))]) for x in (keys, values))
            mask = np.pad(mask, ((0, 0), (0, len(keys) - mask.shape[1])))
            scores = np.exp(q[:, n, part] @ keys.T / np.sqrt(size) + mask)
            shares.append(scores / np.sum(scores, 1, keepdims=True))
            outputs[:, n, part] = shares[-1] @ values
    y = outputs @ out_proj_weight.T + (0 if out_proj_bias is None else out_proj_bias)
    shares = np.stack(shares).reshape(count, num_heads, length, -1)
    shares = np.mean(shares, 1) if average_attn_weights else shares
    found = (y[:, 0], shares[0]) if single else (y, shares)
    return found if need_weights else found[:1]
