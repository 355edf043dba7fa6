"""Reductions of segments: runs of places of different lengths, one after the other."""

from pullback.op import Array, Plain, call, composite, wrap_dim

_IDENTITY = {"sum": 0, "mean": 0, "prod": 1, "max": -float("inf"), "min": float("inf")}
_SCATTERED = {"sum": "sum", "mean": "sum", "prod": "prod", "max": "amax", "min": "amin"}


def _bounds(xp, lengths, offsets):
    """Where each segment begins, and where the last one ends."""
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    given = offsets if lengths is None else lengths
    if given.dtype.name not in ("int32", "int64"):
        raise RuntimeError(
            f"segment_reduce(): lengths and offsets are int32 or int64, not {given.dtype}"
        )
    if lengths is None:
        return offsets
    sides = (1, 0) + (0, 0) * (len(lengths.shape) - 1)
    return xp.constant_pad_nd(xp.cumsum(lengths, -1), sides, 0)


def _check_lengths(xp, lengths, size):
    if xp.first_where(xp.lt(lengths, 0), lengths) is not None:
        raise RuntimeError("segment_reduce(): lengths contains negative value!")
    whole = xp.sum(lengths, -1)
    if xp.first_where(xp.ne(whole, size), whole) is not None:
        raise RuntimeError(
            f"segment_reduce(): Expected all rows of lengths along axis to sum to "
            f"data.size(lengths.dim()-1) = {size} when !unsafe."
        )


def _check_segments(reduce, data, bounds, axis):
    if reduce not in tuple(_IDENTITY):  # which may be asked for any object
        raise RuntimeError(
            f"segment_reduce(): reduce argument must be either sum, prod, mean, amax or amin, got "
            f"{reduce}"
        )
    if data.dtype.kind != "f":
        raise NotImplementedError(
            f"segment_reduce(): not implemented for {data.dtype}: convert it with .to()"
        )
    if axis != len(bounds.shape) - 1 or list(data.shape[:axis]) != list(bounds.shape[:axis]):
        raise RuntimeError(
            f"segment_reduce(): the segments are along the last axis of lengths or offsets, which "
            f"have {len(bounds.shape)} axes: axis {axis} of data of shape {list(data.shape)} is not"
        )


@composite(method=False)
def segment_reduce(
    xp, data, reduce: Plain, *, lengths: Array = None, offsets: Array = None, axis: int = 0,
    unsafe: bool = False, initial: Plain = None,
):  # fmt: skip
    r"""Each segment along an axis, reduced to one place: its "sum", "mean", "max", "min" or "prod".

    `lengths` (…, n) says how long the n segments of each row (…) of the data are, `offsets`
    (…, n + 1) where they begin and the last one ends; `axis` is their last axis. A segment of no
    places gives `initial`, or what changes nothing, NaN for the mean. RuntimeError for lengths that
    are negative or do not add up to the data's size, unless `unsafe`: then others do not count.
    """
    reduce = reduce[1:] if reduce in ("amax", "amin") else reduce
    bounds = _bounds(xp, lengths, offsets)
    axis = wrap_dim(axis, len(data.shape), "segment_reduce")
    _check_segments(reduce, data, bounds, axis)
    size, count, batch = data.shape[axis], bounds.shape[-1] - 1, list(data.shape[:axis])
    if lengths is not None and not unsafe:
        _check_lengths(xp, lengths, size)
    rest = [1] * (len(data.shape) - axis - 1)
    # What lies before all segments goes to place 0, what lies after them to the last one.
    places = xp.searchsorted(bounds, xp.expand(xp.arange(size), *batch, size), right=True)
    places = xp.expand(xp.reshape(places, *batch, size, *rest), *data.shape)
    extreme = reduce in ("max", "min")
    start = _IDENTITY[reduce] if initial is None or extreme else initial
    found = xp.filled((*batch, count + 2, *data.shape[axis + 1 :]), start, data)
    found = xp.scatter_reduce(found, axis, places, data, _SCATTERED[reduce])
    found = xp.slice(found, axis, 1, count + 1, 1)
    if extreme and initial is not None:  # of equals, the data count
        worse = xp.lt(found, initial) if reduce == "max" else xp.gt(found, initial)
        return xp.where(worse, initial, found)
    if reduce != "mean":
        return found
    sizes = xp.slice(bounds, axis, 1, count + 1, 1) - xp.slice(bounds, axis, 0, count, 1)
    sizes = xp.reshape(sizes, *batch, count, *rest)
    return found / (sizes if initial is None else xp.clamp(sizes, 1))


@segment_reduce.samples
def _(r):
    for reduce in _IDENTITY:
        yield call(r.distinct(6), reduce, lengths=1 + r.order(3))
        yield call(r.distinct(1, 6, 2), reduce, lengths=r.order(4)[None], axis=1, initial=0.5)
    yield call(r(6, 2), "sum", offsets=r.integers(2, 3, 4).cumsum() - 2)
    yield call(r(7), "mean", offsets=r.integers(2, 3, 3).cumsum() - 1, unsafe=True)


@segment_reduce.reference
def _(np, data, reduce, *, lengths=None, offsets=None, axis=0, unsafe=False, initial=None):
    if lengths is None:
        data = data[offsets[0] : offsets[-1]]
        lengths = np.diff(offsets)
    rows = data.reshape(-1, *data.shape[axis:])
    found = []
    for row, own in zip(rows, lengths.reshape(len(rows), -1), strict=True):
        for part in np.split(row, np.cumsum(own)[:-1]):
            first = () if initial is None else [np.full(row.shape[1:], initial)]
            values = np.array([*first, *part])
            if reduce == "mean":
                found.append(values.sum(0) / max(len(part), 1))
            else:
                found.append(getattr(np, reduce)(values, axis=0))
    return np.array(found).reshape(*lengths.shape, *data.shape[axis + 1 :])
