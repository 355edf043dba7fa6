"""Losses of scores that should be apart by a margin, and of vectors by their distance.

Sources: R. Hadsell, S. Chopra and Y. LeCun, CVPR 2006; K. Weinberger and L. Saul, JMLR 2009
(triplets); V. Balntas et al., BMVC 2016 (swap); K. Crammer and Y. Singer, JMLR 2001 (many classes).
"""

from pullback.op import Array, Plain, call, composite, loss_reduction

HOME = {"namespace": "nn.functional", "method": False}


def _finish(np, loss, size_average, reduce, reduction):
    reduction = loss_reduction(size_average, reduce, reduction)
    if reduction == "none":
        return loss
    return np.mean(loss) if reduction == "mean" else np.sum(loss)


def _not_half(name, input):
    if input.dtype.itemsize < 4:
        raise NotImplementedError(f"\"{name}\" not implemented for 'Half': use .float()")


# -------------------------------------------------------------------------------- distances


@composite(aliases=("nn.functional.pairwise_distance",), method=False, one_rounding=True)
def pairwise_distance(xp, x1, x2, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
    r"""$\lVert x_1 - x_2 + \epsilon \rVert_p$ along the last axis."""
    return xp.linalg_vector_norm(x1 - x2 + eps, p, -1, keepdim)


@pairwise_distance.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 4), r(4), 3.0, 0.1, True)


@pairwise_distance.reference
def _(np, x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return np.sum(np.abs(x1 - x2 + eps) ** p, axis=-1, keepdims=keepdim) ** (1 / p)


@composite(aliases=("nn.functional.cosine_similarity",), method=False, promote=True)
def cosine_similarity(xp, x1, x2, dim: int = 1, eps: float = 1e-8):
    r"""$x_1 \cdot x_2 / (\max(\lVert x_1 \rVert, \epsilon) \max(\lVert x_2 \rVert, \epsilon))$."""
    if x1.dtype.kind != "f":  # the common one
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {x1.dtype}: use "
            f".float()"
        )
    shape = xp.broadcast_shape(x1.shape, x2.shape)
    x1, x2 = xp.broadcast_to(x1, shape), xp.broadcast_to(x2, shape)
    units = []
    for x in (x1, x2):
        size = xp.linalg_vector_norm(x, 2, dim, True)
        units.append(x / xp.clamp_min(size, eps))
    return xp.sum(units[0] * units[1], dim)


@cosine_similarity.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 4), r(4), -1, 0.1)
    yield call(r(3), r(3), 0)


@cosine_similarity.reference
def _(np, x1, x2, dim=1, eps=1e-8):
    sizes = [np.maximum(np.sqrt(np.sum(x * x, axis=dim)), eps) for x in np.broadcast_arrays(x1, x2)]
    return np.sum(x1 * x2, axis=dim) / (sizes[0] * sizes[1])


@composite(**HOME)
def normalize(
    xp, input, p: Plain = 2.0, dim: Plain = 1, eps: float = 1e-12
):  # fmt: skip
    r"""$x / \max(\lVert x \rVert_p, \epsilon)$, the norm along an axis."""
    size = xp.linalg_vector_norm(input, p, dim, True)
    return input / xp.clamp_min(size, eps)


@normalize.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1.0, 0, 0.1)


@normalize.reference
def _(np, input, p=2.0, dim=1, eps=1e-12):
    size = np.sum(np.abs(input) ** p, axis=dim, keepdims=True) ** (1 / p)
    return input / np.maximum(size, eps)


# ---------------------------------------------------------------------------- two or three


@composite(**HOME)
def cosine_embedding_loss(
    xp, input1, input2, target, margin: float = 0, size_average: Plain = None,
    reduce: Plain = None, reduction: Plain = "mean",
):  # fmt: skip
    r"""$1 - \cos$ where the target is 1, $\max(0, \cos - m)$ where it is -1."""
    reduction = loss_reduction(size_average, reduce, reduction)
    if len(input1.shape) != len(target.shape) + 1 or input1.shape != input2.shape:
        raise RuntimeError(
            f"cosine_embedding_loss: inputs {list(input1.shape)} and {list(input2.shape)} need one "
            f"shape, with one axis more than the target {list(target.shape)}"
        )
    axis = len(target.shape)
    product = xp.sum(input1 * input2, axis)
    squares = [xp.sum(x * x, axis) + 1e-12 for x in (input1, input2)]
    cosine = product / xp.sqrt(squares[0] * squares[1])
    zero = xp.zeros_like(cosine)
    loss = xp.where_function(xp.eq(target, 1), 1 - cosine, zero) + xp.where_function(
        xp.eq(target, -1), xp.clamp_min(cosine - margin, 0), zero
    )
    return xp.reduced(loss, reduction)


def _signs(r, *shape):
    return r.integers(0, 2, *shape) * 2 - 1


@cosine_embedding_loss.samples
def _(r):
    yield call(r(4, 3), r(4, 3), _signs(r, 4))
    yield call(r(4, 3), r(4, 3), _signs(r, 4), 0.2, True, False)
    yield call(r(3), r(3), r.integers(1, 2), reduction="sum")


@cosine_embedding_loss.reference
def _(np, input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    sizes = np.sqrt(np.sum(input1**2, -1) * np.sum(input2**2, -1))
    cosine = np.sum(input1 * input2, -1) / sizes
    loss = np.where(target == 1, 1 - cosine, np.maximum(cosine - margin, 0))
    return _finish(np, loss, size_average, reduce, reduction)


@composite(**HOME)
def hinge_embedding_loss(
    xp, input, target, margin: float = 1.0, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""$x$ where the target is 1, $\max(0, m - x)$ where it is -1."""
    reduction = loss_reduction(size_average, reduce, reduction)
    zero = xp.zeros_like(input)
    apart = xp.where_function(xp.eq(target, 1), zero, xp.clamp_min(margin - input, 0))
    near = xp.where_function(xp.eq(target, -1), zero, input)
    loss = apart + near
    if input.dtype.kind in "iu":
        loss = xp.cast(loss, input.dtype.numpy)
    return xp.reduced(loss, reduction)


@hinge_embedding_loss.samples
def _(r):
    yield call(r(3, 4), _signs(r, 3, 4))
    yield call(r(3, 4), _signs(r, 3, 4), 0.5, True, False)
    yield call(r(3), _signs(r, 3), reduction="sum")


@hinge_embedding_loss.reference
def _(np, input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    loss = np.where(target == 1, input, np.maximum(margin - input, 0))
    return _finish(np, loss, size_average, reduce, reduction)


@composite(**HOME)
def margin_ranking_loss(
    xp, input1, input2, target, margin: float = 0, size_average: Plain = None,
    reduce: Plain = None, reduction: Plain = "mean",
):  # fmt: skip
    r"""$\max(0, -t\,(x_1 - x_2) + m)$: the first is larger where the target is 1."""
    reduction = loss_reduction(size_average, reduce, reduction)
    if not len(input1.shape) == len(input2.shape) == len(target.shape):
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {list(input1.shape)}, input2: {list(input2.shape)}, target: "
            f"{list(target.shape)}"
        )
    return xp.reduced(xp.clamp_min(-target * (input1 - input2) + float(margin), 0), reduction)


@margin_ranking_loss.samples
def _(r):
    yield call(r(3, 4), r(3, 4), _signs(r, 3, 4))
    yield call(r(3), r(3), _signs(r, 3), 0.5, True, False)
    yield call(r(3), r(3), _signs(r, 3), reduction="sum")


@margin_ranking_loss.reference
def _(np, input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    loss = np.maximum(-target * (input1 - input2) + margin, 0)
    return _finish(np, loss, size_average, reduce, reduction)


@composite(**HOME)
def triplet_margin_loss(
    xp, anchor, positive, negative, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""$\max(0, d(a, p) - d(a, n) + m)$ with distances along the last axis.

    `swap`: $\min(d(a, n), d(p, n))$ for $d(a, n)$.
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not len(anchor.shape) == len(positive.shape) == len(negative.shape):
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {len(anchor.shape)}D, positive {len(positive.shape)}D, "
            f"and negative {len(negative.shape)}D inputs"
        )
    near = xp.pairwise_distance(anchor, positive, p, eps)
    far = xp.pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = xp.minimum(far, xp.pairwise_distance(positive, negative, p, eps))
    return xp.reduced(xp.clamp_min(near - far + margin, 0), reduction)


@triplet_margin_loss.samples
def _(r):
    yield call(r(4, 3), r(4, 3), r(4, 3))
    yield call(r(4, 3), r(4, 3), r(4, 3), 0.5, 3, 0.1, True, True, False)
    yield call(r(3), r(3), r(3), reduction="sum")


@triplet_margin_loss.reference
def _(np, anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None,
      reduce=None, reduction="mean"):  # fmt: skip
    def distance(a, b):
        return np.sum(np.abs(a - b + eps) ** p, -1) ** (1 / p)

    far = distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    loss = np.maximum(distance(anchor, positive) - far + margin, 0)
    return _finish(np, loss, size_average, reduce, reduction)


@composite(**HOME)
def triplet_margin_with_distance_loss(
    xp, anchor, positive, negative, *, distance_function: Plain = None, margin: float = 1.0,
    swap: bool = False, reduction: Plain = "mean",
):  # fmt: skip
    r"""`triplet_margin_loss` with a distance of your own, a function of two tensors."""
    reduction = loss_reduction(None, None, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = xp.pairwise_distance if distance_function is None else distance_function
    if not callable(distance):
        raise TypeError(
            "triplet_margin_with_distance_loss(): argument 'distance_function' must be a function, "
            f"not {type(distance).__name__}"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = xp.minimum(far, distance(positive, negative))
    return xp.reduced(xp.clamp_min(margin + near - far, 0), reduction)


def _manhattan(a, b):
    return abs(a - b).sum(-1)


@triplet_margin_with_distance_loss.samples
def _(r):
    yield call(r(4, 3), r(4, 3), r(4, 3))
    yield call(r(4, 3), r(4, 3), r(4, 3), distance_function=_manhattan, margin=0.5, swap=True,
               reduction="sum")  # fmt: skip


@triplet_margin_with_distance_loss.reference
def _(np, anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False,
      reduction="mean"):  # fmt: skip
    def distance(a, b):
        if distance_function is not None:
            return distance_function(a, b)
        return np.sqrt(np.sum(np.abs(a - b + 1e-6) ** 2, -1))

    far = distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    loss = np.maximum(distance(anchor, positive) - far + margin, 0)
    return _finish(np, loss, None, None, reduction)


# --------------------------------------------------------------------------- scores of classes


@composite(public=False, node="SoftMarginLoss", promote=True)
def soft_margin(xp, input, target, reduction: Plain):
    r"""$\log(1 + e^{-t x})$, without overflow."""
    x = -target * input
    if input.dtype.kind == "c":
        return xp.reduced(xp.log(xp.exp(x) + 1), reduction)
    return xp.reduced(xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x))), reduction)


@soft_margin.backward("input")
def _(xp, g, input, target, input_shape, target_shape, reduction):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * (-target * xp.sigmoid(-target * input))


@soft_margin.backward("target")
def _(xp, g, input, target, input_shape, target_shape, reduction):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * (-input * xp.sigmoid(-target * input))


@soft_margin.samples
def _(r):
    yield call(r(3, 4), r(3, 4), "none")


@composite(**HOME)
def soft_margin_loss(
    xp, input, target, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""$\log(1 + e^{-t x})$ for targets ±1."""
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"soft_margin_loss: no result can be cast to {input.dtype}")
    return xp.soft_margin(input, target, loss_reduction(size_average, reduce, reduction))


@soft_margin_loss.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3), r(3), True, False)
    yield call(r(3), r(3), reduction="sum")


@soft_margin_loss.reference
def _(np, input, target, size_average=None, reduce=None, reduction="mean"):
    return _finish(np, np.log1p(np.exp(-target * input)), size_average, reduce, reduction)


@composite(**HOME)
def multilabel_soft_margin_loss(
    xp, input, target, weight: Array = None, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""The mean over classes (the last axis) of $-t \log \sigma(x) - (1 - t) \log \sigma(-x)$."""
    reduction = loss_reduction(size_average, reduce, reduction)
    yes, no = xp.nn_functional_logsigmoid(input), xp.nn_functional_logsigmoid(-input)
    loss = -(target * yes + (1 - target) * no)
    if weight is not None:
        loss = loss * weight
    return xp.reduced(xp.mean(loss, len(input.shape) - 1), reduction)


@multilabel_soft_margin_loss.samples
def _(r):
    yield call(r(3, 4), r(3, 4, low=0, high=1))
    yield call(r(3, 4), r(3, 4, low=0, high=1), r(4), True, False)
    yield call(r(3), r(3), reduction="sum")


@multilabel_soft_margin_loss.reference
def _(np, input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = target * np.log1p(np.exp(-input)) + (1 - target) * np.log1p(np.exp(input))
    loss = loss * (1 if weight is None else weight)
    return _finish(np, np.mean(loss, -1), size_average, reduce, reduction)


def _check_range(xp, name, target, low, classes):
    wrong = xp.first_outside(target, low, classes)
    if wrong is not None:
        raise RuntimeError(f"{name}: target out of range: {wrong} is no class, there are {classes}")


@composite(**HOME, dtypes="f")
def multi_margin_loss(
    xp, input, target, p: Plain = 1, margin: float = 1.0, weight: Array = None,
    size_average: Plain = None, reduce: Plain = None, reduction: Plain = "mean",
):  # fmt: skip
    r"""$\frac1c \sum_{j \ne t} w_t \max(0, m - x_t + x_j)^p$ for scores (n, c) or (c)."""
    reduction = loss_reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    _not_half("multi_margin_loss", input)
    if len(input.shape) > 2 or (len(input.shape) == 2 and not input.shape[1]):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )
    single = len(target.shape) == 0
    x = input if len(input.shape) == 2 else xp.reshape(input, 1, -1)
    t = xp.reshape(target, -1)
    if t.shape[0] != x.shape[0]:
        raise RuntimeError(
            f"inconsistent target size, expected {x.shape[0]} but got {list(target.shape)}"
        )
    classes = x.shape[1]
    _check_range(xp, "multi_margin_loss", t, 0, classes)
    own = xp.gather(x, 1, xp.unsqueeze(t, 1))
    loss = xp.clamp_min(margin - own + x, 0)
    loss = loss * loss if p == 2 else loss
    if weight is not None:
        loss = loss * xp.unsqueeze(xp.index_select(weight, 0, t), 1)
    others = xp.ne(xp.arange(classes), xp.unsqueeze(t, 1))
    loss = xp.sum(xp.where_function(others, loss, xp.zeros_like(loss)), 1) / classes
    return xp.reduced(xp.squeeze(loss, 0) if single else loss, reduction)


@multi_margin_loss.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 4, 3))
    yield call(r(3, 4), r.integers(0, 4, 3), 2, 0.5, r(4, low=0.1), True, False)
    yield call(r(4), r.integers(0, 4), reduction="sum")


@multi_margin_loss.reference
def _(np, input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None,
      reduction="mean"):  # fmt: skip
    own = np.take_along_axis(input, target[..., None], -1)
    w = 1 if weight is None else weight[target][..., None]
    loss = w * np.maximum(margin - own + input, 0) ** p
    others = np.arange(input.shape[-1]) != target[..., None]
    loss = np.sum(np.where(others, loss, 0), -1) / input.shape[-1]
    return _finish(np, loss, size_average, reduce, reduction)


@composite(**HOME, dtypes="f")
def multilabel_margin_loss(
    xp, input, target, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""$\frac1c \sum_{j \in T} \sum_{i \notin T} \max(0, 1 - x_j + x_i)$ for scores (n, c) or (c).

    The classes T of a row are its targets up to the first -1.
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    _not_half("multilabel_margin_loss", input)
    if input.shape != target.shape or len(input.shape) > 2:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    x, t = (a if len(a.shape) == 2 else xp.reshape(a, 1, -1) for a in (input, target))
    classes = x.shape[1]
    _check_range(xp, "multilabel_margin_loss", t, -1, classes)
    given = xp.eq(xp.cumsum(xp.cast(xp.lt(t, 0), t.dtype.numpy), 1), 0)
    place = xp.where_function(given, t, xp.zeros_like(t))
    own = xp.gather(x, 1, place)
    hits = xp.logical_and(xp.eq(xp.unsqueeze(place, 2), xp.arange(classes)), xp.unsqueeze(given, 2))
    others = xp.logical_not(xp.any(hits, 1))
    pairs = xp.clamp_min(1 - xp.unsqueeze(own, 2) + xp.unsqueeze(x, 1), 0)
    counts = xp.logical_and(xp.unsqueeze(given, 2), xp.unsqueeze(others, 1))
    loss = xp.sum(xp.where_function(counts, pairs, xp.zeros_like(pairs)), (1, 2)) / classes
    return xp.reduced(loss if len(input.shape) == 2 else xp.squeeze(loss, 0), reduction)


@multilabel_margin_loss.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 4, 3, 4))
    yield call(r(2, 4), r.integers(0, 5, 2, 4) - 1, True, False)
    yield call(r(4), r.integers(0, 5, 4) - 1, reduction="sum")


@multilabel_margin_loss.reference
def _(np, input, target, size_average=None, reduce=None, reduction="mean"):
    losses = []
    for x, t in zip(np.atleast_2d(input), np.atleast_2d(target), strict=True):
        own = list(t[: [*(t < 0), True].index(True)])
        others = [k for k in range(len(x)) if k not in own]
        losses.append(sum(max(0, 1 - x[j] + x[i]) for j in own for i in others) / len(x))
    losses = np.array(losses) if input.ndim > 1 else np.array(losses[0])
    return _finish(np, losses, size_average, reduce, reduction)
