"""Padding: more elements around the last axes."""

from pullback.op import Plain, as_ints, call, composite

HOME = {"namespace": "nn.functional", "method": False}


def _places(mode, n, before, after):
    """Where each element of a padded axis comes from."""
    if mode == "reflect":
        period = 2 * (n - 1)
        return [min(k % period, period - k % period) if period else 0
                for k in range(-before, n + after)]  # fmt: skip
    if mode == "replicate":
        return [min(max(k, 0), n - 1) for k in range(-before, n + after)]
    inside = range(max(-before, 0), n - max(-after, 0))  # what is cut off does not come back
    return [inside[k % len(inside)]
            for k in range(-max(before, 0), len(inside) + max(after, 0))]  # fmt: skip


@composite(**HOME)
def pad(xp, input, pad: Plain, mode: Plain = "constant", value: Plain = None):
    r"""More elements around the last axes: (left, right, top, bottom, …), the last axis first.

    `mode`: a `value`, "reflect" (without the edge), "replicate" (the edge) or "circular". Negative
    numbers cut off. RuntimeError for sizes that the mode cannot give.
    """
    sides = as_ints(pad, "pad", "pad")
    rank = len(input.shape)
    if len(sides) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(sides) > 2 * rank:
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(sides)} and input of dimension {rank}"
        )
    if mode == "constant":
        return xp.constant_pad_nd(input, sides, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    count = len(sides) // 2
    if rank not in (count + 1, count + 2) or count > 3:
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: "
            f"{len(sides)} numbers for an input of shape {list(input.shape)}"
        )
    inside = all(s >= 0 for s in sides)
    y = input
    axes = []
    for k in range(count):
        axis, (before, after) = rank - 1 - k, sides[2 * k : 2 * k + 2]
        n = input.shape[axis]
        if not n and (before or after):
            raise RuntimeError(
                f"pad: Expected an input without empty axes, but got: {list(input.shape)}"
            )
        if mode == "reflect" and max(before, after) >= n:
            raise RuntimeError(
                f"Argument #4: Padding size should be less than the corresponding input dimension, "
                f"but got: padding ({before}, {after}) at dimension {axis} of input "
                f"{list(input.shape)}"
            )
        if mode == "circular" and max(before, after) > n:
            raise RuntimeError(
                "Padding value causes wrapping around more than once: "
                f"({before}, {after}) at dimension {axis} of input {list(input.shape)}"
            )
        if n + before + after <= 0 and n:
            raise RuntimeError(
                f"pad: input (size {n} at dimension {axis}) is too small for the padding "
                f"({before}, {after})"
            )
        if inside:
            axes.append((-1 - k, before, after, _around(mode, n, before, after)))
        elif before or after:
            y = xp.take_places(y, axis, tuple(_places(mode, n, before, after)))
    if inside:
        return xp.surrounded(input, tuple(axes))
    return y if y is not input else xp.clone(input)


def _around(mode, n, before, after):
    """What is added to an axis, as runs of neighbours: (place, source, count, step)."""
    places = _places(mode, n, before, after)
    runs = []
    for first, stop in ((0, before), (before + n, before + n + after)):
        while first < stop:
            step, last = 0, first + 1
            while last < stop and (last == first + 1 or places[last] - places[last - 1] == step):
                step = places[last] - places[last - 1]
                last += 1
            runs.append((first, places[first], last - first, step if last > first + 1 else 1))
            first = last
    return tuple(runs)


@composite(public=False, library=True)
def surrounded(xp, input, axes: Plain):
    r"""More elements around the last axes, made of those inside."""
    if xp.is_eager:
        return xp.surrounded_array(input, axes)
    for axis, before, after, runs in axes:
        dim = len(input.shape) + axis
        places = [k - before for k in range(before + input.shape[dim] + after)]
        for place, source, count, step in runs:
            places[place : place + count] = [source + step * k for k in range(count)]
        input = xp.take_places(input, dim, tuple(places))
    return input


@surrounded.backward("input")
def _(xp, g, axes):
    return xp.surrounded_back(g, axes)


@composite(public=False, library=True)
def surrounded_back(xp, input, axes: Plain):
    r"""The transpose of `surrounded`: what is around the inside is added to it."""
    if xp.is_eager:
        return xp.surrounded_back_array(input, axes)
    rank = len(input.shape)
    for axis, before, after, runs in reversed(axes):
        dim = rank + axis
        n = input.shape[dim] - before - after
        total = xp.slice(input, dim, before, before + n, 1)
        for place, source, count, step in runs:
            part = xp.slice(input, dim, place, place + count, 1)
            if step < 0:
                part, source = xp.flip(part, dim), source - count + 1
            elif not step:
                part, count = xp.sum(part, dim, keepdim=True), 1
            around = (0, 0) * (-1 - axis) + (source, n - source - count)
            total = total + xp.constant_pad_nd(part, around, 0)
        input = total
    return input


@surrounded_back.backward("input")
def _(xp, g, axes):
    return xp.surrounded(g, axes)


AXES = ((-1, 2, 1, ((0, 2, 2, -1), (5, 1, 1, 0))), (-2, 0, 2, ((2, 1, 2, 0),)))


@surrounded.samples
def _(r):
    yield call(r(2, 3), AXES)


@surrounded_back.samples
def _(r):
    yield call(r(4, 6), AXES)


@composite(public=False)
def take_places(xp, input, dim: int, places: Plain):
    r"""The elements at places along an axis, by runs of neighbours."""
    runs: list[list[int]] = []
    for p in places:
        if runs and p == runs[-1][1] and p > runs[-1][0]:
            runs[-1][1] += 1
        else:
            runs.append([p, p + 1])
    parts = [xp.slice(input, dim, a, b, 1) for a, b in runs]
    return xp.cat(parts, dim) if len(parts) > 1 else xp.clone(parts[0])


@take_places.samples
def _(r):
    yield call(r(2, 4), 1, (0, 0, 1, 2, 1))


@pad.samples
def _(r):
    yield call(r(2, 3), (1, 2))
    yield call(r(2, 3, 4), [1, -1, 0, 2], "constant", 2.5)
    yield call(r(2, 3, 4), (2, 1), "reflect")
    yield call(r(2, 3, 4), (2, 1, 1, 0), "replicate")
    yield call(r(1, 2, 3, 4), (3, 1, 1, 2), "circular")


@pad.reference
def _(np, input, pad, mode="constant", value=None):
    widths = [(0, 0)] * (input.ndim - len(pad) // 2)
    widths += [tuple(pad[k : k + 2]) for k in range(len(pad) - 2, -1, -2)]
    wide = [(max(a, 0), max(b, 0)) for a, b in widths]
    how = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    more = {"constant_values": value or 0} if mode == "constant" else {}
    y = np.pad(input, wide, how[mode], **more)
    cut = [slice(max(-a, 0), n - max(-b, 0))
           for n, (a, b) in zip(y.shape, widths, strict=True)]  # fmt: skip
    return y[tuple(cut)]
