"""Recurrent layers: plain ones, LSTM and GRU.

Sources: J. Elman, Cognitive Science, 1990; S. Hochreiter and J. Schmidhuber, Neural Computation,
1997; F. Gers et al., Neural Computation, 2000 (forget gates); H. Sak et al., Interspeech 2014
(projections); K. Cho et al., EMNLP 2014 (GRU).

The rows of all times are one after the other, those of a time sorted by the lengths of their
sequences, so that what runs at a time is a slice. What inputs contribute to gates is one product
for all times; the gradient of each weight is one as well.
"""

from pullback.op import Array, Arrays, Plain, call, composite, opaque


def _steps(sizes, reverse):
    """(start, stop, kept) of each time: its rows, the first of which go on from the time before."""
    bounds, start = [], 0
    for size in sizes:
        bounds.append((start, start + size))
        start += size
    steps, before = [], 0
    for start, stop in reversed(bounds) if reverse else bounds:
        steps.append((start, stop, min(before, stop - start)))
        before = stop - start
    return steps


def _rows(xp, x, start, stop):
    return xp.slice(x, 0, start, stop, 1)


def _columns(xp, x, count):
    size = x.shape[1] // count
    return [xp.slice(x, 1, k * size, (k + 1) * size, 1) for k in range(count)]


def _before(xp, first, made, steps):
    """The state that each row begins with: rows of `first`, and of what earlier steps have made."""
    parts, earlier = [], 0
    for start, stop, kept in steps:
        part = []
        if kept:
            part.append(_rows(xp, made, earlier, earlier + kept))
        if kept < stop - start:
            part.append(_rows(xp, first, kept, stop - start))
        parts.append((start, part))
        earlier = start
    parts.sort(key=lambda pair: pair[0])
    found = [x for _, part in parts for x in part]
    return xp.cat(found, 0) if found else _rows(xp, first, 0, 0)


def _in_order(xp, steps, parts):
    """The rows of all steps, from those of each."""
    pairs = sorted(zip(steps, parts, strict=True), key=lambda pair: pair[0])
    return xp.cat([part for _, part in pairs], 0)


def _plus(xp, x, more):
    """More added to the first rows of x."""
    if more is None:
        return x
    kept, rows = more.shape[0], x.shape[0]
    if kept == rows:
        return x + more
    return xp.cat([_rows(xp, x, 0, kept) + more, _rows(xp, x, kept, rows)], 0)


def _handed_back(xp, x, kept, firsts):
    """What goes back to the step before; the rest belongs to the first states."""
    rows = x.shape[0]
    if kept == rows:
        return x if rows else None
    firsts.append(_rows(xp, x, kept, rows) if kept else x)
    return _rows(xp, x, 0, kept) if kept else None


def _first_cotangent(xp, firsts, first):
    """The cotangent of the first states from its parts, the last rows first."""
    if not firsts:
        return xp.filled(first.shape, 0, first)
    made = xp.cat(firsts[::-1], 0) if len(firsts) > 1 else firsts[0]
    missing = first.shape[0] - made.shape[0]
    return xp.constant_pad_nd(made, (0, 0, 0, missing), 0) if missing else made


def _check_steps(kind, expected):
    """RuntimeError unless all are of one dtype and of their shapes: compiled steps do not ask."""
    dtype = expected[0][1].dtype
    for what, x, shape in expected:
        if x.dtype != dtype or tuple(x.shape) != shape:
            raise RuntimeError(
                f"{kind}: expected {what} of shape {list(shape)} and {dtype}, not of "
                f"{list(x.shape)} and {x.dtype}"
            )


def _is_some(xp, g):
    """Whether the cotangent of what derivatives alone look at is to be added: mostly it is 0."""
    return not xp.is_eager or bool(xp.any(g, None))


# ------------------------------------------------------------------------------------- inputs


@opaque(public=False, dtypes="ifc")
def gate_inputs(xp, input, weight, bias: Array = None):
    r"""$x W^\mathsf{T} + b$ of the rows of all times, which the steps need: it is stored."""
    if input.dtype != weight.dtype or input.shape[1] != weight.shape[1]:
        raise RuntimeError(
            f"a recurrent layer of {weight.shape[1]} numbers of {weight.dtype} was given "
            f"{input.shape[1]} of {input.dtype}"
        )
    y = xp.matmul(input, xp.t(weight))
    if bias is not None:
        y += bias
    return y


@gate_inputs.backward("input")
def _(xp, g, weight):
    return xp.matmul(g, weight)


@gate_inputs.backward("weight")
def _(xp, g, input):
    return xp.matmul(xp.t(g), input)


@gate_inputs.backward("bias")
def _(xp, g):
    return xp.sum(g, (0,))


@gate_inputs.samples
def _(r):
    yield call(r(4, 2), r(3, 2), r(3))


# -------------------------------------------------------------------------------------- plain


@opaque(public=False, dtypes="ifc")
def rnn_steps(xp, inputs: Arrays, nonlinearity: Plain, sizes: Plain, reverse: bool):
    r"""$h_t = f(z_t + W h_{t-1})$ of z (rows, d), $h_0$ (n, d) and W (d, d)."""
    gates, h0, weight = inputs
    dtype, size = gates.dtype, weight.shape[0]
    if dtype.kind not in ("fc" if nonlinearity == "tanh" else "fiu"):
        raise NotImplementedError(f"a recurrent layer with {nonlinearity} has no states of {dtype}")
    _check_steps(nonlinearity, [
        ("gates", gates, (sum(sizes), size)), ("states", h0, (sizes[0], size)),
        ("weights", weight, (size, size)),
    ])  # fmt: skip
    return xp.rnn_array(*inputs, nonlinearity, _steps(sizes, reverse))


@rnn_steps.backward("inputs")
def _(xp, g, inputs, y, nonlinearity, sizes, reverse):
    _, h0, weight = inputs
    steps = _steps(sizes, reverse)
    slope = 1 - y * y if nonlinearity == "tanh" else xp.sign(y)
    flow, firsts, parts = None, [], []
    for start, stop, kept in reversed(steps):
        part = _plus(xp, _rows(xp, g, start, stop), flow) * _rows(xp, slope, start, stop)
        parts.append(part)
        flow = _handed_back(xp, xp.matmul(part, weight), kept, firsts)
    gates = _in_order(xp, steps[::-1], parts)
    to_weight = xp.matmul(xp.t(gates), _before(xp, h0, y, steps))
    return [gates, _first_cotangent(xp, firsts, h0), to_weight]


# --------------------------------------------------------------------------------------- LSTM


@opaque(public=False, dtypes="fc", outputs="h c gates")
def lstm_steps(xp, inputs: Arrays, sizes: Plain, reverse: bool):
    r"""$c_t = f c_{t-1} + i g$ and $h_t = P\,(o \tanh c_t)$, and (i, f, g, o).

    Of `inputs` z (rows, 4 d), $h_0$, $c_0$, W (4 d, …) and maybe P: the gates are sigmoids of
    $z + W h_{t-1}$, but for g, its tanh.
    """
    z, h0, c0, weight, *projection = inputs
    size = weight.shape[0] // 4
    outputs = weight.shape[1] if projection else size
    _check_steps("lstm", [
        ("gates", z, (sum(sizes), 4 * size)), ("states", h0, (sizes[0], outputs)),
        ("cells", c0, (sizes[0], size)), ("weights", weight, (4 * size, outputs)),
        *(("a projection", p, (outputs, size)) for p in projection),
    ])  # fmt: skip
    return xp.lstm_array(*inputs[:4], *(projection or [None]), _steps(sizes, reverse))


@lstm_steps.backward("inputs")
def _(xp, g_h, g_c, g_gates, inputs, h, c, gates, sizes, reverse):
    _, h0, c0, weight, *projection = inputs
    steps = _steps(sizes, reverse)
    size = c.shape[1]
    of_gates = _is_some(xp, g_gates)
    if xp.is_eager and not (projection or of_gates):
        found = xp.lstm_back_array(g_h, g_c, h0, c0, weight, c, gates, steps)
        if found is not None:
            return [*found, xp.matmul(xp.t(found[0]), _before(xp, h0, h, steps))]
    i, f, g, o = _columns(xp, gates, 4)
    tanh_c = xp.tanh(c)
    c_slope = o * (1 - tanh_c * tanh_c)
    # Of each gate before its activation: its slope, times what it multiplies.
    slopes = [i * (1 - i), f * (1 - f), 1 - g * g, o * (1 - o)]
    factors = [g, _before(xp, c0, c, steps), i, tanh_c]
    shares = xp.stack([a * b for a, b in zip(slopes, factors, strict=True)], 1)
    extra = g_gates * xp.cat(slopes, 1) if of_gates else None
    flow_h = flow_c = None
    firsts_h, firsts_c, parts, outputs = [], [], [], []
    for start, stop, kept in reversed(steps):
        of_h = _plus(xp, _rows(xp, g_h, start, stop), flow_h)
        outputs.append(of_h)
        of_m = xp.matmul(of_h, projection[0]) if projection else of_h
        of_c = _plus(xp, _rows(xp, g_c, start, stop), flow_c)
        of_c = of_c + of_m * _rows(xp, c_slope, start, stop)
        part = xp.stack([of_c, of_c, of_c, of_m], 1) * _rows(xp, shares, start, stop)
        part = xp.reshape(part, stop - start, 4 * size)
        if extra is not None:
            part = part + _rows(xp, extra, start, stop)
        parts.append(part)
        flow_h = _handed_back(xp, xp.matmul(part, weight), kept, firsts_h)
        flow_c = _handed_back(xp, of_c * _rows(xp, f, start, stop), kept, firsts_c)
    to_gates = _in_order(xp, steps[::-1], parts)
    to_weight = xp.matmul(xp.t(to_gates), _before(xp, h0, h, steps))
    found = [to_gates, _first_cotangent(xp, firsts_h, h0), _first_cotangent(xp, firsts_c, c0),
             to_weight]  # fmt: skip
    if projection:
        found.append(xp.matmul(xp.t(_in_order(xp, steps[::-1], outputs)), o * tanh_c))
    return found


# ---------------------------------------------------------------------------------------- GRU


@opaque(public=False, dtypes="fc", outputs="h parts")
def gru_steps(xp, inputs: Arrays, sizes: Plain, reverse: bool):
    r"""$h_t = (1 - z)\,n + z\,h_{t-1}$, and (r, z, n, m).

    Of `inputs` x (rows, 3 d), $h_0$, W (3 d, d) and maybe b: (r, z) are sigmoids of the first parts
    of $x + W h_{t-1} + b$; with m the last part of $W h_{t-1} + b$, $n = \tanh(x + r m)$.
    """
    x, h0, weight, *bias = inputs
    size = weight.shape[1]
    _check_steps("gru", [
        ("gates", x, (sum(sizes), 3 * size)), ("states", h0, (sizes[0], size)),
        ("weights", weight, (3 * size, size)), *(("a bias", b, (3 * size,)) for b in bias),
    ])  # fmt: skip
    return xp.gru_array(x, h0, weight, bias[0] if bias else None, _steps(sizes, reverse))


@gru_steps.backward("inputs")
def _(xp, g_h, g_parts, inputs, h, parts, sizes, reverse):
    _, h0, weight, *bias = inputs
    steps = _steps(sizes, reverse)
    r, z, n, m = _columns(xp, parts, 4)
    before = _before(xp, h0, h, steps)
    r_slope, z_slope, n_slope = r * (1 - r), z * (1 - z), 1 - n * n
    # Of h in r, z and n before their activations; the states see r times the last one.
    of_n = (1 - z) * n_slope
    of_r, of_z = of_n * m * r_slope, (before - n) * z_slope
    shares = xp.stack([of_r, of_z, of_n * r], 1)
    extra = None
    if _is_some(xp, g_parts):
        g_r, g_z, g_n, g_m = _columns(xp, g_parts, 4)
        more_n = g_n * n_slope
        extra = xp.cat([(more_n * m + g_r) * r_slope, g_z * z_slope, more_n * r + g_m], 1)
    flow, firsts, of_h, parts_w = None, [], [], []
    for start, stop, kept in reversed(steps):
        got = _plus(xp, _rows(xp, g_h, start, stop), flow)
        of_h.append(got)
        part = xp.unsqueeze(got, 1) * _rows(xp, shares, start, stop)
        part = xp.reshape(part, stop - start, 3 * h.shape[1])
        if extra is not None:
            part = part + _rows(xp, extra, start, stop)
        parts_w.append(part)
        back = got * _rows(xp, z, start, stop) + xp.matmul(part, weight)
        flow = _handed_back(xp, back, kept, firsts)
    to_states = _in_order(xp, steps[::-1], parts_w)
    to_n = _in_order(xp, steps[::-1], of_h) * of_n
    if extra is not None:
        to_n = to_n + more_n
    to_r, to_z, _ = _columns(xp, to_states, 3)
    found = [xp.cat([to_r, to_z, to_n], 1), _first_cotangent(xp, firsts, h0),
             xp.matmul(xp.t(to_states), before)]  # fmt: skip
    return [*found, xp.sum(to_states, (0,))] if bias else found


@rnn_steps.samples
def _(r):
    yield call([r(5, 3), r(3, 3), r(3, 3)], "tanh", (3, 2), False)
    yield call([r(5, 3), r(3, 3), r(3, 3)], "relu", (3, 2), True)


@lstm_steps.samples
def _(r):
    yield call([r(5, 8), r(3, 2), r(3, 2), r(8, 2)], (3, 2), False)
    yield call([r(5, 8), r(3, 1), r(3, 2), r(8, 1), r(1, 2)], (3, 2), True)


@gru_steps.samples
def _(r):
    yield call([r(5, 6), r(3, 2), r(6, 2), r(6)], (3, 2), False)
    yield call([r(5, 6), r(3, 2), r(6, 2)], (3, 2), True)


# ----------------------------------------------------------------------------------- all layers

STATES = {"lstm": 2, "gru": 1, "tanh": 1, "relu": 1}


def _last(xp, made, sizes, reverse):
    """The state that each sequence ends with."""
    if reverse:
        return _rows(xp, made, 0, sizes[0])
    parts, stop, rows = [], sum(sizes), 0
    for size in reversed(sizes):
        if size > rows:
            parts.append(_rows(xp, made, stop - size + rows, stop))
            rows = size
        stop -= size
    if not parts:
        return _rows(xp, made, 0, 0)
    return xp.cat(parts, 0) if len(parts) > 1 else parts[0]


def _one_way(xp, kind, x, states, params, sizes, reverse):
    """The states (rows, d) of one layer in one direction, and those that sequences end with."""
    w_ih, w_hh, *others = params
    biases, projection = (others[:2], others[2:]) if len(others) > 1 else ([], others)
    if kind == "gru":
        gates = xp.gate_inputs(x, w_ih, biases[0] if biases else None)
        h = xp.gru_steps([gates, *states, w_hh, *biases[1:]], sizes, reverse)[0]
        return h, [_last(xp, h, sizes, reverse)]
    gates = xp.gate_inputs(x, w_ih, biases[0] + biases[1] if biases else None)
    if kind == "lstm":
        h, c, _ = xp.lstm_steps([gates, *states, w_hh, *projection], sizes, reverse)
        return h, [_last(xp, h, sizes, reverse), _last(xp, c, sizes, reverse)]
    h = xp.rnn_steps([gates, *states, w_hh], kind, sizes, reverse)
    return h, [_last(xp, h, sizes, reverse)]


@composite(public=False)
def recurrent_layers(
    xp, data, states: Arrays, params: Arrays, kind: Plain, sizes: Plain, has_biases: bool,
    num_layers: int, dropout: float, train: bool, bidirectional: bool,
):  # fmt: skip
    r"""The rows (rows, …) of sequences through layers, and the states that they end with.

    `sizes` says how many rows each time has. `states` are (layers directions, n, …); `params` those
    of each layer and direction: W_ih, W_hh, b_ih, b_hh and the projection of an LSTM, if any.
    """
    directions = 2 if bidirectional else 1
    count = len(params) // (num_layers * directions) if num_layers else 0
    least = 4 if has_biases else 2
    if count * num_layers * directions != len(params) or count - least not in (0, kind == "lstm"):
        raise RuntimeError(
            f"{kind}: {num_layers} layers in {directions} directions, has_biases={has_biases}, "
            f"have {least * num_layers * directions} parameters, not {len(params)}"
        )
    if len(states) != STATES[kind]:
        raise RuntimeError(f"{kind} expects {STATES[kind]} hidden states, not {len(states)}")
    shapes = [list(s.shape) for s in states]
    expected = [num_layers * directions, sizes[0] if sizes else 0]
    if any(len(s) != 3 or s[:2] != expected for s in shapes):
        raise RuntimeError(f"{kind}: Expected hidden sizes [{expected[0]}, {expected[1]}, …], got "
                           f"{', '.join(map(str, shapes))}")  # fmt: skip
    if not sizes:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    ends = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            output, last = _one_way(
                xp, kind, data, [xp.select(s, 0, place) for s in states],
                params[place * count : (place + 1) * count], sizes, direction == 1,
            )  # fmt: skip
            outputs.append(output)
            ends.append(last)
        data = outputs[0] if directions == 1 else xp.cat(outputs, 1)
        if dropout and train and layer < num_layers - 1:
            data = xp.nn_functional_dropout(data, dropout, True)
    return (data, *(xp.stack(list(part), 0) for part in zip(*ends, strict=True)))


@recurrent_layers.samples
def _(r):
    yield call(r(5, 2), [r(1, 3, 2)], [r(2, 2), r(2, 2)], "tanh", (3, 2), False, 1, 0.0, True,
               False)  # fmt: skip


def _sequences(xp, kind, input, states, params, has_biases, num_layers, dropout, train,
               bidirectional, batch_first):  # fmt: skip
    if len(input.shape) != 3:
        raise RuntimeError(f"{kind}: the input is (t, n, …) or, for batch_first, (n, t, …), not of "
                           f"shape {list(input.shape)}")  # fmt: skip
    x = xp.transpose(input, 0, 1) if batch_first else input
    times, count, width = x.shape
    rows, *ends = xp.recurrent_layers(
        xp.reshape(x, times * count, width), list(states), params, kind, (count,) * times,
        has_biases, num_layers, dropout, train, bidirectional,
    )  # fmt: skip
    y = xp.reshape(rows, times, count, rows.shape[1])
    return (xp.transpose(y, 0, 1) if batch_first else y, *ends)


@composite(public=False)
def lstm(
    xp, input, hx: Arrays, params: Arrays, has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
):  # fmt: skip
    r"""What `nn.LSTM` computes: (output, states, cells).

    `hx` are the first states and cells; `params` those of each layer and direction, one after the
    other: W_ih, W_hh, b_ih and b_hh with `has_biases`, and a projection, if any.
    """
    return _sequences(xp, "lstm", input, hx, params, has_biases, num_layers, dropout, train,
                      bidirectional, batch_first)  # fmt: skip


def _with_one_state(name, kind, doc):
    @composite(name=name, public=False)
    def made(
        xp, input, hx, params: Arrays, has_biases: bool, num_layers: int, dropout: float,
        train: bool, bidirectional: bool, batch_first: bool,
    ):  # fmt: skip
        return _sequences(xp, kind, input, [hx], params, has_biases, num_layers, dropout, train,
                          bidirectional, batch_first)  # fmt: skip

    made.doc = doc
    made.samples(lambda r: _samples(r, kind))
    made.reference(lambda np, *args: _reference(np, kind, *args))
    return made


gru = _with_one_state("gru", "gru", "What `nn.GRU` computes: (output, states); see `lstm`.")
rnn_tanh = _with_one_state(
    "rnn_tanh", "tanh", "What `nn.RNN` computes, with tanh: (output, states); see `lstm`."
)
rnn_relu = _with_one_state(
    "rnn_relu", "relu", "What `nn.RNN` computes, with relu: (output, states); see `lstm`."
)
GATES = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


def _samples(r, kind):
    size, states = 2 * GATES[kind], STATES[kind]

    def small(*shape):  # gates of complex numbers have poles
        return r(*shape, low=-0.7, high=0.7)

    def hidden(*shape):
        made = [small(*shape) for _ in range(states)]
        return made if kind == "lstm" else made[0]

    one = [small(size, 3), small(size, 2), small(size), small(size)]
    yield call(small(4, 2, 3), hidden(1, 2, 2), one, True, 1, 0.0, True, False, False)
    both = [w for _ in range(2) for w in (small(size, 3), small(size, 2))]
    both += [w for _ in range(2) for w in (small(size, 4), small(size, 2))]
    yield call(small(2, 3, 3), hidden(4, 2, 2), both, False, 2, 0.5, False, True, True)


@lstm.samples
def _(r):
    yield from _samples(r, "lstm")
    projected = [r(8, 3), r(8, 1), r(8), r(8), r(1, 2)]
    yield call(r(3, 2, 3), [r(1, 2, 1), r(1, 2, 2)], projected, True, 1, 0.0, True, False, False)


@lstm.reference
def _(np, *args):
    return _reference(np, "lstm", *args)


def _reference(np, kind, input, hx, params, has_biases, num_layers, dropout, train, bidirectional,
               batch_first):  # fmt: skip
    x = np.swapaxes(input, 0, 1) if batch_first else input
    states = [np.array(s) for s in (hx if kind == "lstm" else [hx])]
    directions = 1 + bidirectional
    count = len(params) // (num_layers * directions)
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            own = params[place * count : (place + 1) * count]
            state, made = tuple(s[place] for s in states), []
            for row in x[::-1] if direction else x:
                state = _cell(np, kind, row, state, *own)
                made.append(state[0])
            for s, last in zip(states, state, strict=True):
                s[place] = last
            outputs.append(np.stack(made[::-1] if direction else made))
        x = np.concatenate(outputs, 2)
    return (np.swapaxes(x, 0, 1) if batch_first else x, *states)


def _cell(np, kind, x, state, w_ih, w_hh, b_ih=0, b_hh=0, projection=None):
    """One step, as PyTorch's documentation writes it."""
    h = state[0]
    a, b = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    if kind == "gru":
        (a_r, a_z, a_n), (b_r, b_z, b_n) = np.split(a, 3, -1), np.split(b, 3, -1)
        z = sigmoid(a_z + b_z)
        return ((1 - z) * np.tanh(a_n + sigmoid(a_r + b_r) * b_n) + z * h,)
    if kind != "lstm":
        return (np.tanh(a + b) if kind == "tanh" else np.maximum(a + b, 0),)
    i, f, g, o = np.split(a + b, 4, -1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h if projection is None else h @ projection.T, c


# ---------------------------------------------------------------------------------------- cells


def _check_cell(kind, x, states, w_ih, w_hh):
    if not all(len(v.shape) == 2 for v in (x, *states, w_ih, w_hh)):
        raise RuntimeError(f"{kind}: input, states and weights have two axes each, not shapes "
                           f"{[list(v.shape) for v in (x, *states, w_ih, w_hh)]}")  # fmt: skip
    if x.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"{kind}: input has inconsistent input_size: got {x.shape[1]} expected "
                           f"{w_ih.shape[1]}")  # fmt: skip
    for k, h in enumerate(states):
        if h.shape[0] != x.shape[0]:
            raise RuntimeError(f"{kind}: Input batch size {x.shape[0]} doesn't match hidden{k} "
                               f"batch size {h.shape[0]}")  # fmt: skip
        if h.shape[1] != w_hh.shape[1]:
            raise RuntimeError(f"{kind}: hidden{k} has inconsistent hidden_size: got {h.shape[1]}, "
                               f"expected {w_hh.shape[1]}")  # fmt: skip


@composite(method=False)
def lstm_cell(
    xp, input, hx: Arrays, w_ih: Array, w_hh: Array, b_ih: Array = None, b_hh: Array = None
):  # fmt: skip
    r"""One step of an LSTM: (state, cell), from `input` (n, …) and `hx`, a state and a cell."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    _check_cell("lstm_cell", input, hx, w_ih, w_hh)
    bias = b_hh if b_ih is None else b_ih if b_hh is None else b_ih + b_hh
    gates = xp.gate_inputs(input, w_ih, bias)
    h, c, _ = xp.lstm_steps([gates, *hx, w_hh], (input.shape[0],), False)
    return h, c


@composite(method=False)
def gru_cell(xp, input, hx, w_ih: Array, w_hh: Array, b_ih: Array = None, b_hh: Array = None):
    r"""One step of a GRU: the state, from `input` (n, …) and the state before."""
    _check_cell("gru_cell", input, [hx], w_ih, w_hh)
    gates = xp.gate_inputs(input, w_ih, b_ih)
    given = [gates, hx, w_hh] if b_hh is None else [gates, hx, w_hh, b_hh]
    return xp.gru_steps(given, (input.shape[0],), False)[0]


def _plain_cell(name, kind):
    @composite(name=name, method=False)
    def made(
        xp, input, hx, w_ih: Array, w_hh: Array, b_ih: Array = None, b_hh: Array = None
    ):  # fmt: skip
        _check_cell(name, input, [hx], w_ih, w_hh)
        linear, function = xp.nn_functional_linear, getattr(xp, kind)
        return function(linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh))

    made.doc = f"One step of a plain recurrent layer with {kind}: the state."
    return made


rnn_tanh_cell, rnn_relu_cell = (
    _plain_cell("rnn_tanh_cell", "tanh"),
    _plain_cell("rnn_relu_cell", "relu"),
)


def _cell_samples(kind):
    def samples(r):
        size = 2 * GATES[kind]
        hx = [r(3, 2), r(3, 2)] if kind == "lstm" else r(3, 2)
        yield call(r(3, 4), hx, r(size, 4), r(size, 2), r(size), r(size))
        yield call(r(3, 4), hx, r(size, 4), r(size, 2))

    return samples


def _cell_reference(kind):
    def reference(np, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        biases = (0 if b is None else b for b in (b_ih, b_hh))
        made = _cell(np, kind, input, hx if kind == "lstm" else [hx], w_ih, w_hh, *biases)
        return made if kind == "lstm" else made[0]

    return reference


for _kind, _op in {
    "lstm": lstm_cell, "gru": gru_cell, "tanh": rnn_tanh_cell, "relu": rnn_relu_cell
}.items():  # fmt: skip
    _op.samples(_cell_samples(_kind))
    _op.reference(_cell_reference(_kind))
