"""Losses of sequences whose alignment is not known: connectionist temporal classification.

Source: A. Graves, S. Fernández, F. Gomez, J. Schmidhuber, ICML 2006. Their backward variables are
not needed: derivatives of the recursion that gives the forward ones are linear recursions,
backwards in time, whose weights, shares of a sum each, do not overflow.
"""

import math

from pullback.op import Plain, call, composite, loss_reduction, opaque


@opaque(
    public=False, derivative=False, dtypes="if",
    outputs="labels passes ends within last_time lengths",
)  # fmt: skip
def ctc_states(
    xp, targets, input_lengths: Plain, target_lengths: Plain, blank: int, times: int, classes: int
):  # fmt: skip
    r"""States (n, k) and times (t, n, 1) of targets.

    The label of each state; where a blank can be left out before it; where paths end; which times
    count; the last one of them (1, n, k); and the lengths of the targets, or 1.
    """
    return xp.alignment_states(targets, input_lengths, target_lengths, blank, times, classes)


@ctc_states.samples
def _(r):
    yield call(r.integers(1, 4, 2, 3), (5, 4), (3, 2), 0, 6, 5)
    yield call(r.integers(1, 4, 5), (5, 4), (3, 2), 0, 5, 5)


@opaque(public=False)
def ctc_sums(xp, input, staying, moving, passing, backwards: bool):
    r"""$y_t = x_t + A_t\,y_{t-1}$, or its transpose backwards in time.

    All are (t, n, k): the weights of coming to state i from i, from i - 1, and from i - 2.
    """
    return xp.alignment_sums(input, (staying, moving, passing), backwards)


@ctc_sums.backward("input")
def _(xp, g, staying, moving, passing, backwards):
    return xp.ctc_sums(g, staying, moving, passing, not backwards)


def _weight_rule(target, k):
    @ctc_sums.backward(target)
    def _(xp, g, y, staying, moving, passing, backwards):
        other = xp.ctc_sums(g, staying, moving, passing, not backwards)
        after, before = (y, other) if backwards else (other, y)
        return after * _earlier(xp, before, k, 0)


for _k, _target in enumerate(("staying", "moving", "passing")):
    _weight_rule(_target, _k)


@ctc_sums.samples
def _(r):
    yield call(*(r(4, 2, 5) for _ in range(4)), False)
    yield call(*(r(4, 2, 5) for _ in range(4)), True)


def _earlier(xp, x, k, filler):
    """For each state i and time t, what is at the state i - k at t - 1."""
    return xp.constant_pad_nd(x, (k, -k, 0, 0, 1, -1), filler)


def _places(xp, labels, times):
    """The labels as places among the classes, for each time."""
    return xp.expand(xp.unsqueeze(labels, 0), times, *labels.shape)


def _scores(xp, log_probs, labels, within):
    """What each state contributes at each time; nothing after the end."""
    scores = xp.gather(log_probs, 2, _places(xp, labels, log_probs.shape[0]))
    return xp.where(within, scores, -math.inf)


@opaque(
    public=False, node="CtcLoss", outputs="losses log_alpha", dtypes="f", half=False
)  # fmt: skip
def ctc_losses(
    xp, log_probs, labels, passes, ends, within, last_time, zero_infinity: bool
):  # fmt: skip
    r"""Minus the logarithm of the probability of each target, and of all paths to each state."""
    return xp.alignment_losses(log_probs, labels, passes, ends, within, last_time)


def _last(xp, log_alpha, last_time):
    return xp.select(xp.gather(log_alpha, 0, last_time), 0, 0)


@ctc_losses.backward("log_probs")
def _(xp, g_losses, g_log_alpha, log_probs, labels, passes, ends, within, last_time, losses,
      log_alpha, zero_infinity):  # fmt: skip
    """The gradient in scores before `log_softmax`, as PyTorch has it: its softmax is added."""
    impossible = xp.eq(losses, math.inf)
    g = xp.where(impossible, 0.0 if zero_infinity else math.nan, g_losses)
    g = xp.unsqueeze(g, 1)
    # The shares of the states that paths end in.
    held = xp.unsqueeze(xp.where(impossible, 0.0, losses), 1)
    share = xp.where(ends, xp.exp(_last(xp, log_alpha, last_time) + held), 0)
    start = xp.scatter_add(g_log_alpha, 0, last_time, xp.unsqueeze(-g * share, 0))
    # The shares of the states that paths come from.
    reached = xp.ne(log_alpha, -math.inf)
    gain = _scores(xp, log_probs, labels, within) - xp.where(reached, log_alpha, 0)
    gain = xp.where(reached, gain, -math.inf)
    staying, moving, passing = (
        xp.exp(_earlier(xp, log_alpha, k, -math.inf) + gain) for k in range(3)
    )  # fmt: skip
    passing = xp.where(passes, passing, 0)
    flow = xp.ctc_sums(start, staying, moving, passing, True)
    flow = xp.where(within, flow, 0)
    softmax = xp.where(within, g * xp.exp(log_probs), 0)
    return xp.scatter_add(softmax, 2, _places(xp, labels, log_probs.shape[0]), flow)


@ctc_losses.samples
def _(r):
    labels = r.integers(1, 4, 2, 5)
    labels[:, ::2] = 0
    passes = r.integers(0, 1, 2, 5) > 0
    ends = passes.copy()
    ends[:, 3:] = True
    within = r.integers(1, 2, 4, 2, 1) > 0
    yield call(r(4, 2, 5), labels, passes, ends, within, r.integers(3, 4, 1, 2, 5), False)


# ------------------------------------------------------------------------------ public functions


def _lengths(what, value):
    """Lengths as a list of integers, from a tensor or a sequence."""
    if hasattr(value, "dtype"):
        if value.dtype.kind not in "iu":
            raise RuntimeError(f"ctc_loss: {what} must be integral, not {value.dtype}")
        return (value if len(value.shape) == 1 else value.reshape(-1)).tolist()
    if not isinstance(value, (tuple, list)) or not all(hasattr(v, "__index__") for v in value):
        raise TypeError(f"ctc_loss(): argument '{what}' must be tuple of ints, not {value!r}")
    return [v.__index__() for v in value]


def _check(log_probs, targets, input_lengths, target_lengths, blank):
    """RuntimeError for what does not fit; the words are written only then."""
    times, count, classes = shape = tuple(log_probs.shape)
    if not times * count * classes:
        raise RuntimeError(
            f"ctc_loss: log_probs tensor must not be empty: its shape is {list(shape)}"
        )
    if not 0 <= blank < classes:
        raise RuntimeError(
            f"ctc_loss: blank must be in label range, 0 to {classes - 1}, not {blank}"
        )
    for what, lengths in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if len(lengths) != count:
            raise RuntimeError(
                f"ctc_loss: {what} must be of size batch_size, {count}, not {len(lengths)}"
            )
        if min(lengths) < 0:
            raise RuntimeError(
                f"ctc_loss: Expected {what} to have value at least 0, but got value {min(lengths)}"
            )
    if max(input_lengths) > times:
        raise RuntimeError(
            f"ctc_loss: Expected input_lengths to have value at most {times}, but got value "
            f"{max(input_lengths)}"
        )
    shape = tuple(targets.shape)
    if len(shape) not in (1, 2):
        raise RuntimeError(
            f"ctc_loss: targets are (n, s), or one after the other, not {list(shape)}"
        )
    longest, total = max(target_lengths), sum(target_lengths)
    if shape != (total,) if len(shape) == 1 else shape[0] != count or shape[1] < longest:
        raise RuntimeError(
            f"ctc_loss: targets of shape {list(shape)} do not fit their target_lengths: expected "
            f"[{count}, {longest}] or more, or [{total}] for one after the other"
        )


def _losses(xp, log_probs, targets, input_lengths, target_lengths, blank, reduction,
            zero_infinity):  # fmt: skip
    rank = len(log_probs.shape)
    if rank not in (2, 3):
        raise RuntimeError(
            f"ctc_loss: log_probs are (t, n, c) or (t, c), not of shape {list(log_probs.shape)}"
        )
    single = rank == 2
    if single:
        log_probs = xp.unsqueeze(log_probs, 1)
    if log_probs.dtype.name not in ("float32", "float64"):
        raise NotImplementedError(f"ctc_loss: not implemented for {log_probs.dtype}: use .float()")
    input_lengths = _lengths("input_lengths", input_lengths)
    target_lengths = _lengths("target_lengths", target_lengths)
    _check(log_probs, targets, input_lengths, target_lengths, blank)
    times, _, classes = log_probs.shape
    *states, counts = xp.ctc_states(
        targets, input_lengths, target_lengths, blank, times, classes
    )  # fmt: skip
    losses = xp.ctc_losses(log_probs, *states, zero_infinity)[0]
    if zero_infinity:
        losses = xp.where(xp.eq(losses, math.inf), 0.0, losses)
    if reduction == "none":
        return xp.squeeze(losses, (0,)) if single else losses
    if reduction == "mean":
        return xp.mean(losses / counts)
    return xp.sum(losses)


@composite(namespace="nn.functional", method=False)
def ctc_loss(
    xp, log_probs, targets, input_lengths: Plain, target_lengths: Plain, blank: int = 0,
    reduction: Plain = "mean", zero_infinity: bool = False,
):  # fmt: skip
    r"""$-\log p$ of labels under log-probabilities at each time, over all alignments.

    `log_probs` is (t, n, c), from `log_softmax`, or (t, c); `targets` (n, s), or (sum of lengths).
    Lengths are tensors or tuples. "mean" divides each loss by the length of its target first. The
    gradient is the one in scores before `log_softmax`, as PyTorch's. `zero_infinity`: targets that
    do not fit in their time count nothing, and have no gradient. RuntimeError for lengths that do
    not fit, IndexError for labels that are no class.
    """
    reduction = loss_reduction(None, None, reduction)
    return _losses(xp, log_probs, targets, input_lengths, target_lengths, blank, reduction,
                   zero_infinity)  # fmt: skip


@composite(name="ctc_loss", method=False)
def ctc_loss_by_number(
    xp, log_probs, targets, input_lengths: Plain, target_lengths: Plain, blank: int = 0,
    reduction: int = 1, zero_infinity: bool = False,
):  # fmt: skip
    r"""`nn.functional.ctc_loss`, with the reduction as a number: 0 "none", 1 "mean", 2 "sum"."""
    if reduction not in (0, 1, 2):
        raise RuntimeError(f"ctc_loss: reduction is 0, 1 or 2, not {reduction}")
    return _losses(xp, log_probs, targets, input_lengths, target_lengths, blank,
                   ("none", "mean", "sum")[reduction], zero_infinity)  # fmt: skip


def _of_scores(torch, function, log_probs, *args, **keywords):
    return function(torch.log_softmax(log_probs, -1), *args, **keywords)


ctc_loss.tried(_of_scores)
ctc_loss_by_number.tried(_of_scores)


@ctc_loss.samples
def _(r):
    yield call(r(6, 2, 4), r.integers(1, 4, 2, 3), (6, 5), (3, 2), reduction="none")
    yield call(r(6, 2, 4), r.integers(0, 3, 5), [6, 4], [3, 2], 3)
    yield call(r(7, 3, 3), r.integers(1, 2, 3, 3), (7, 1, 0), (3, 2, 0), zero_infinity=True)
    yield call(r(5, 3), r.integers(1, 3, 2), (5,), (2,), reduction="sum")
    yield call(r(4, 2, 3), r.integers(1, 3, 2, 3), (4, 3), r.integers(0, 1, 2), 0, "sum")


@ctc_loss_by_number.samples
def _(r):
    yield call(r(6, 2, 4), r.integers(1, 4, 2, 3), (6, 5), (3, 2), 0, 0)
    yield call(r(6, 1, 4), r.integers(0, 3, 1, 3), r.integers(6, 7, 1), (3,), 3, 2, True)


@ctc_loss.reference
def _(np, log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean",
      zero_infinity=False):  # fmt: skip
    single = log_probs.ndim == 2
    x = log_probs[:, None] if single else log_probs
    x = np.exp(x) / np.sum(np.exp(x), -1, keepdims=True)
    losses = []
    for n, (times, count) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        before = int(np.sum(np.asarray(target_lengths[:n], int)))
        labels = targets[before : before + count] if targets.ndim == 1 else targets[n, :count]
        wanted = tuple(int(v) for v in labels)
        losses.append(-np.log(_collapsing(x[:times, n], wanted, blank)))
    losses = np.array(losses)
    if zero_infinity:
        losses[np.isinf(losses)] = 0
    if reduction == "none":
        return losses[0] if single else losses
    if reduction == "sum":
        return np.sum(losses)
    return np.mean(losses / np.maximum(target_lengths, 1))


def _collapsing(x, wanted, blank):
    """The probability of all paths that say `wanted`, prefix by prefix."""
    found = {((), blank): 1.0}  # of what was said, and the last class
    for row in x:
        after = {}
        for (said, last), p in found.items():
            for c, q in enumerate(row):
                longer = said if c in (blank, last) else (*said, c)
                if longer == wanted[: len(longer)]:
                    after[longer, c] = after.get((longer, c), 0.0) + p * q
        found = after
    return sum((p for (said, _), p in found.items() if said == wanted), 0.0)


@ctc_loss_by_number.reference
def _(np, log_probs, targets, input_lengths, target_lengths, blank=0, reduction=1,
      zero_infinity=False):  # fmt: skip
    return ctc_loss.reference_function(
        np, log_probs, targets, input_lengths, target_lengths, blank,
        ("none", "mean", "sum")[reduction], zero_infinity,
    )  # fmt: skip
