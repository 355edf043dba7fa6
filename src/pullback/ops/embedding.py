"""Rows of a table by their numbers, and numbers as rows."""

import math

from pullback.op import Array, Plain, all_examples, call, composite, opaque

HOME = {"namespace": "nn.functional", "method": False}


@opaque(public=False, node="Embedding")
def rows_of(xp, input, weight, padding_idx: int = -1, by_frequency: bool = False):
    r"""The rows of a table (n, d) at places of any shape."""
    xp.check_position("embedding", weight, 0, input)
    return xp.take(weight, (input,))


@rows_of.check
def _(xp, input, weight, padding_idx, by_frequency):
    xp.check_position("embedding", weight, 0, input)


@rows_of.formula
def _(xp, input, weight, padding_idx, by_frequency):
    rank = len(input.shape)
    places = xp.cast(xp.unsqueeze(input, rank), "int64")
    return xp.elements(weight, [places, xp.positions(weight.shape[1], rank, rank + 1)])


def _apart(xp, places, size, rows):
    """Places in the table of each example as places in those of all, one below the other."""
    (places,) = all_examples(xp, [places], size)
    first = xp.reshape(xp.arange(size) * rows, -1, *(1,) * (len(places.shape) - 1))
    return places + first


def _but(xp, x, places, row, otherwise):
    """Rows x at places, but for those of one number."""
    if row < 0:
        return x
    return xp.where(xp.unsqueeze(xp.eq(places, row), -1), otherwise, x)


@rows_of.examples
def _(xp, input, weight, padding_idx, by_frequency):
    size, rows, d = weight.shape
    wrong = xp.first_outside(input, 0, rows)
    if wrong is not None:
        raise IndexError(f"embedding(): index {wrong} is out of range for a table of {rows} rows")
    if size == 1 and not by_frequency:
        return xp.rows_of(input, weight[0], padding_idx, False)
    size = max(size, input.shape[0])
    (weight,) = all_examples(xp, [weight], size)
    (input,) = all_examples(xp, [input], size)
    table = xp.reshape(weight, size * rows, d)
    found = xp.rows_of(_apart(xp, input, size, rows), table, -1, by_frequency)
    return _but(xp, found, input, padding_idx, found.detach())


@rows_of.backward("weight")
def _(xp, g, input, weight_shape, padding_idx, by_frequency):
    return xp.rows_added(g, input, weight_shape, padding_idx, by_frequency)


@opaque(public=False)
def rows_added(xp, input, places, shape: Plain, padding_idx: int, by_frequency: bool):
    r"""The transpose of `rows_of`: rows added up by their places, but for one of them."""
    return xp.add_rows(input, places, shape, padding_idx, by_frequency)


@rows_added.examples
def _(xp, input, places, shape, padding_idx, by_frequency):
    rows, d = shape
    input, places = all_examples(xp, [input, places])
    size = input.shape[0]
    input = _but(xp, input, places, padding_idx, 0)
    apart = _apart(xp, places, size, rows)
    return xp.reshape(xp.rows_added(input, apart, (size * rows, d), -1, by_frequency), size, *shape)


@rows_added.backward("input")
def _(xp, g, places, padding_idx, by_frequency):
    return xp.rows_taken(g, places, padding_idx, by_frequency)


@opaque(public=False)
def rows_taken(xp, input, places, padding_idx: int, by_frequency: bool):
    r"""The transpose of `rows_added`."""
    return xp.take_rows(input, places, padding_idx, by_frequency)


@rows_taken.examples
def _(xp, input, places, padding_idx, by_frequency):
    input, places = all_examples(xp, [input, places])
    size, rows, d = input.shape
    table = xp.reshape(input, size * rows, d)
    found = xp.rows_taken(table, _apart(xp, places, size, rows), -1, by_frequency)
    return _but(xp, found, places, padding_idx, 0)


@rows_taken.backward("input")
def _(xp, g, places, input_shape, padding_idx, by_frequency):
    return xp.rows_added(g, places, input_shape, padding_idx, by_frequency)


@rows_of.samples
def _(r):
    yield call(r.integers(0, 5, 2, 3), r(5, 4), 2)


@rows_added.samples
def _(r):
    yield call(r(2, 3, 4), r.integers(0, 5, 2, 3), (5, 4), 2, True)


@rows_taken.samples
def _(r):
    yield call(r(5, 4), r.integers(0, 5, 2, 3), 2, True)


def _check_indices(name, input):
    if input.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {input.dtype} instead (while checking arguments for {name})"
        )


def _padding(name, padding_idx, rows):
    if padding_idx is None:
        return -1
    if not hasattr(padding_idx, "__index__"):
        raise TypeError(f"{name}(): argument 'padding_idx' must be int, not {padding_idx!r}")
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return int(padding_idx) % rows if rows else -1


def _renormed(xp, weight, input, max_norm, norm_type):
    """The rows that are looked up, scaled in place to a norm of at most `max_norm`."""
    norms = xp.linalg_vector_norm(weight.detach(), norm_type, 1, True)
    seen = xp.any(xp.eq(xp.unsqueeze(xp.arange(weight.shape[0]), 1), xp.reshape(input, 1, -1)), 1)
    large = xp.logical_and(xp.gt(norms, max_norm), xp.unsqueeze(seen, 1))
    if xp.first_where(large, norms) is None:
        return
    factor = xp.where_function(large, max_norm / (norms + 1e-7), xp.ones_like(norms))
    weight.detach().mul_(factor)


@composite(**HOME)
def embedding(
    xp, input, weight, padding_idx: Plain = None, max_norm: Plain = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
):  # fmt: skip
    r"""The rows of `weight` (n, d) at integer places of any shape: (…, d).

    The row `padding_idx` gets no gradient. `max_norm` scales the rows that are looked up in place.
    `scale_grad_by_freq` divides gradients by how often a place occurs. Gradients are dense.
    IndexError for places outside the table.
    """
    _check_indices("embedding", input)
    if len(weight.shape) != 2:
        raise RuntimeError(f"'weight' must be 2-D, not of shape {list(weight.shape)}")
    row = _padding("embedding", padding_idx, weight.shape[0])
    if max_norm is not None:
        _renormed(xp, weight, input, max_norm, norm_type)
    return xp.rows_of(input, weight, row, scale_grad_by_freq)


@embedding.samples
def _(r):
    yield call(r.integers(0, 5, 2, 3), r(5, 4))
    yield call(r.integers(0, 4, 3), r(5, 2), 4)
    yield call(r.integers(0, 1, 3) + r.order(3), r(5, 2), -1, 50.0, 3.0, True, True)


@embedding.reference
def _(np, input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
      sparse=False):  # fmt: skip
    return weight[input]


@composite(**HOME, one_rounding=True)
def embedding_bag(
    xp, input, weight, offsets: Plain = None, max_norm: Plain = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: Plain = "mean", sparse: bool = False,
    per_sample_weights: Array = None, include_last_offset: bool = False,
    padding_idx: Plain = None,
):  # fmt: skip
    r"""Sums, means or maxima of rows of `weight` (n, d), by bags of places: (bags, d).

    The bags are the rows of `input` (bags, k), or begin at `offsets` in `input` (k).
    `per_sample_weights` multiply the rows of sums. Places equal to `padding_idx` do not count.
    """
    _check_indices("embedding_bag", input)
    if len(weight.shape) != 2:
        raise RuntimeError(f"'weight' must be 2-D, not of shape {list(weight.shape)}")
    if weight.dtype.kind != "f":
        raise RuntimeError(f"embedding_bag: 'weight' holds floats, not {weight.dtype}")
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then "
            f"it must have the same shape as the input ({input.shape})"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')."
        )
    row = _padding("embedding_bag", padding_idx, weight.shape[0])
    if len(input.shape) == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None")
        bags, count = input.shape
        bag = xp.reshape(xp.unsqueeze(xp.arange(bags), 1) + xp.arange(count) * 0, -1)
    elif len(input.shape) == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if not hasattr(offsets, "dtype") or len(offsets.shape) != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        bags = offsets.shape[0] - include_last_offset
        bag = _bags(xp, xp.slice(offsets, 0, 0, bags, 1), input.shape[0])
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension "
                         f"{len(input.shape)}")  # fmt: skip
    if max_norm is not None:
        _renormed(xp, weight, input, max_norm, norm_type)
    d = weight.shape[1]
    if bags <= 0:
        return xp.zeros(0, d, dtype=weight.dtype)
    flat = xp.reshape(input, -1)
    rows = xp.rows_of(flat, weight, row, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * xp.reshape(per_sample_weights, -1, 1)
    counted = xp.unsqueeze(xp.ne(flat, row), 1)
    zeros = xp.zeros(bags, d, dtype=rows.dtype)
    if mode == "sum":
        return xp.index_add(zeros, 0, bag, xp.where(counted, rows, 0))
    ones = xp.cast(counted, rows.dtype.numpy)
    sizes = xp.index_add(xp.zeros(bags, 1, dtype=rows.dtype), 0, bag, ones)
    if mode == "mean":
        return xp.index_add(zeros, 0, bag, xp.where(counted, rows, 0)) / xp.clamp(sizes, 1)
    index = xp.expand(xp.unsqueeze(bag, 1), flat.shape[0], d)
    rows = xp.where(counted, rows, -math.inf)
    largest = xp.scatter_reduce(zeros, 0, index, rows, "amax", include_self=False)
    return xp.where(xp.gt(sizes, 0), largest, 0)


def _bags(xp, offsets, total):
    """The number of the bag that each place is in. RuntimeError for offsets that are no places."""
    if not offsets.shape[0]:
        return offsets
    wrong = xp.first_outside(xp.slice(offsets, 0, 0, 1, 1), 0, 1)
    if wrong is None:
        wrong = xp.first_outside(offsets, 0, total + 1)
    if wrong is not None:
        raise RuntimeError(
            f"embedding_bag: offsets[0] has to be 0 and offsets at most {total}, the number of "
            f"places, but one of them is {wrong}"
        )
    return xp.searchsorted(offsets, xp.arange(total), right=True) - 1


def _offsets(r, *places):
    made = r.integers(0, 1, len(places))
    made[:] = places
    return made


@embedding_bag.samples
def _(r):
    yield call(r.integers(0, 5, 2, 3), r(5, 4))
    yield call(r.integers(0, 1, 6) + r.order(6), r(7, 2), _offsets(r, 0, 4), 50.0, 3.0, True,
               "sum", True, r(6), padding_idx=6)  # fmt: skip
    yield call(r.integers(0, 5, 6), r.distinct(5, 2), _offsets(r, 0, 2, 6), mode="max",
               include_last_offset=True)  # fmt: skip


@embedding_bag.reference
def _(np, input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False,
      mode="mean", sparse=False, per_sample_weights=None, include_last_offset=False,
      padding_idx=None):  # fmt: skip
    rows = weight[input]
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[..., None]
    bags = rows if input.ndim == 2 else np.split(rows, offsets[1:])
    bags = bags[:-1] if include_last_offset else bags
    function = {"mean": np.mean, "sum": np.sum, "max": np.max}[mode]
    return np.stack([function(bag, axis=0) for bag in bags])


@opaque(**HOME, derivative=False, leading=True)
def one_hot(xp, input, num_classes: int = -1):
    r"""Integers of any shape as rows of zeros with a one: (…, num_classes), int64."""
    if input.dtype.name != "int64":
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, not {input.dtype}"
        )
    return xp.ones_at(input, num_classes)


@one_hot.formula
def _(xp, input, num_classes):
    low, high = xp.extremes(input)
    if low < 0 or num_classes == 0 or high >= num_classes > 0:
        return xp.not_lowerable("an error")
    count, rank = high + 1 if num_classes == -1 else num_classes, len(input.shape)
    there = xp.eq(xp.unsqueeze(input, rank), xp.positions(count, rank, rank + 1))
    return xp.cast(there, "int64")


@one_hot.samples
def _(r):
    yield call(r.integers(0, 4, 2, 3))
    yield call(r.integers(0, 4, 3), 6)


@one_hot.reference
def _(np, input, num_classes=-1):
    return np.eye(num_classes if num_classes > 0 else np.max(input) + 1, dtype=np.int64)[input]
