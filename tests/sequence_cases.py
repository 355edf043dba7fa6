"""What models of sequences compute, as numbers: the same questions for pullback and PyTorch.

    python tests/sequence_cases.py torch > tests/data/sequences.json

with a Python that has PyTorch writes the answers that `test_sequences.py` compares with. Of each
tensor, its shape and its products with a few fixed directions are kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

CASES: dict[str, Callable[[Any], Any]] = {}


def case(function: Callable[..., Any], **options: Any) -> None:
    """A question with options, under a name that says them."""
    said = ", ".join(f"{n}={v!r}" for n, v in options.items())
    CASES[f"{function.__name__} {said}".strip()] = lambda torch: function(torch, **options)


def digest(x: Any) -> list[Any]:
    """The shape of a tensor, and its products with four directions."""
    a = np.asarray(x.detach().numpy(), float).ravel()
    angles = np.arange(a.size)[:, None] * np.array([0.7, 1.3, 2.1, 2.9])
    with np.errstate(invalid="ignore"):
        return [list(x.shape), *(float(f"{v:.10g}") for v in a @ np.cos(angles))]


def leaf(torch: Any, seed: int, *shape: int, dtype: str = "float64") -> Any:
    """A tensor of numbers that requires a gradient."""
    made = np.random.default_rng([seed, *shape]).normal(size=shape)
    return torch.from_numpy(made.astype(dtype)).requires_grad_()


def answers(torch: Any, results: Any, leaves: Any) -> list[Any]:
    """Digests of results, and of the gradients of a sum of them in the leaves."""
    total = 0
    for r in results:
        weights = np.cos(np.arange(r.numel()) * 0.37).reshape(tuple(r.shape))
        total = total + (r * torch.from_numpy(weights).to(r.dtype)).sum()
    gradients = torch.autograd.grad(total, leaves)
    return [digest(x) for x in (*results, *gradients)]


# --------------------------------------------------------------------------------------- CTC


def ctc_loss(
    torch: Any, times: list[int], counts: list[int], *, shape: Any = (9, 3, 5), flat: bool = False,
    dtype: str = "float64", **options: Any,
) -> Any:  # fmt: skip
    """The loss of sequences with so many times and labels."""
    r = np.random.default_rng(7)
    x = leaf(torch, 1, *shape, dtype=dtype)
    blank = options.get("blank", 0)
    labels = np.array([c for c in range(shape[2]) if c != blank])
    targets = labels[r.integers(0, len(labels), (shape[1], max(counts)))]
    if flat:
        targets = np.concatenate([row[:n] for row, n in zip(targets, counts, strict=True)])
    loss = torch.nn.functional.ctc_loss(
        x.log_softmax(2), torch.from_numpy(targets), times, counts, **options
    )
    return answers(torch, [loss], [x])


for _reduction in ("none", "mean", "sum"):
    case(ctc_loss, times=[9, 8, 5], counts=[3, 0, 2], reduction=_reduction)
case(ctc_loss, times=[9, 9, 9], counts=[3, 1, 2], blank=4)
case(ctc_loss, times=[9, 4, 6], counts=[4, 2, 1], flat=True)
case(ctc_loss, times=[9, 2, 0], counts=[4, 4, 0], zero_infinity=True, reduction="none")
case(ctc_loss, times=[60, 55], counts=[20, 25], shape=(60, 2, 30))
case(ctc_loss, times=[60, 55], counts=[20, 25], shape=(60, 2, 30), dtype="float32")


# --------------------------------------------------------------------------------- attention


def filled(module: Any, seed: int = 0) -> Any:
    """A module in double precision, with numbers for parameters, in the order of their names."""
    module = module.double()
    r = np.random.default_rng(seed)
    for _, p in sorted(module.named_parameters()):
        p.data.copy_(p.new_tensor(r.normal(size=tuple(p.shape)) * 0.5))
    return module


def of_module(torch: Any, module: Any, results: Any, inputs: Any) -> Any:
    """The names and shapes of a module's state; results and all gradients of them."""
    state = [[name, list(p.shape)] for name, p in module.state_dict().items()]
    given = [r for r in results if r is not None]
    leaves = [*inputs, *(p for _, p in sorted(module.named_parameters()))]
    return [[repr(module), state], *answers(torch, given, leaves)]


def masks(torch: Any, *names: str, sizes: tuple[int, int], **shapes: Any) -> dict[str, Any]:
    """Masks by their names: booleans that leave every query some keys, or numbers."""
    r = np.random.default_rng(3)
    made = {}
    for name in names:
        what, _, kind = name.partition(":")
        if kind == "causal":
            made[what] = torch.nn.Transformer.generate_square_subsequent_mask(
                sizes[1], dtype=torch.float64
            )
        elif kind == "numbers":
            made[what] = torch.from_numpy(r.normal(size=shapes[what]))
        else:
            mask = r.random(shapes[what]) < 0.4
            mask[..., 0] = False
            made[what] = torch.from_numpy(mask)
    return made


def attention(
    torch: Any, given: tuple[str, ...] = (), shape: Any = (2, 3, 5), same: str = "",
    causal: bool = False, need: bool = True, average: bool = True, **options: Any,
) -> Any:  # fmt: skip
    """MultiheadAttention of n queries of length L and keys of length S, for a shape (n, L, S)."""
    n, length, keys = shape
    width, heads = 6, 2
    module = filled(torch.nn.MultiheadAttention(width, heads, **options))
    batch = () if n is None else (n,)

    def tensor(seed: int, rows: int, size: int) -> Any:
        first = options.get("batch_first") and batch
        return leaf(torch, seed, *((*batch, rows, size) if first else (rows, *batch, size)))

    query = tensor(1, length, width)
    key = query if same == "all" else tensor(2, keys, options.get("kdim") or width)
    value = key if same else tensor(3, keys, options.get("vdim") or width)
    found = masks(
        torch, *given, sizes=(length, keys), attn_mask=(length, keys),
        key_padding_mask=(*batch, keys),
    )  # fmt: skip
    results = module(query, key, value, need_weights=need, average_attn_weights=average,
                     is_causal=causal, **found)  # fmt: skip
    inputs = {id(x): x for x in (query, key, value)}
    return of_module(torch, module, results, inputs.values())


case(attention)
case(attention, same="all", shape=(2, 4, 4))
case(attention, same="all", shape=(2, 4, 4), given=("attn_mask:causal",), causal=True, need=False)
case(attention, same="keys", given=("attn_mask", "key_padding_mask"), average=False)
case(attention, same="keys", given=("attn_mask:numbers", "key_padding_mask"), need=False)
case(attention, batch_first=True, given=("attn_mask",), add_bias_kv=True, add_zero_attn=True)
case(attention, shape=(None, 3, 5), kdim=4, vdim=3, given=("key_padding_mask",))
case(attention, bias=False, need=False, add_bias_kv=True, given=("key_padding_mask:numbers",))


# ------------------------------------------------------------------------------- transformers


def transformer(torch: Any, given: tuple[str, ...] = (), **options: Any) -> Any:
    """An encoder and a decoder of sequences of length 4 and 3."""
    first = options.get("batch_first")
    options = {"num_encoder_layers": 2, "num_decoder_layers": 1, **options}
    module = filled(torch.nn.Transformer(6, 2, dim_feedforward=5, dropout=0.0, **options))
    src = leaf(torch, 1, *((2, 4, 6) if first else (4, 2, 6)))
    tgt = leaf(torch, 2, *((2, 3, 6) if first else (3, 2, 6)))
    found = masks(torch, *given, sizes=(4, 3), src_mask=(4, 4), src_key_padding_mask=(2, 4),
                  memory_key_padding_mask=(2, 4), memory_mask=(3, 4))  # fmt: skip
    return of_module(torch, module, [module(src, tgt, **found)], [src, tgt])


def encoder_layer(torch: Any, activation: str, evaluated: bool = False, **options: Any) -> Any:
    """One layer, whose activation is a string or a function."""
    function = getattr(torch, activation) if activation == "tanh" else activation
    layer = torch.nn.TransformerEncoderLayer(6, 3, 5, 0.0, function, **options)
    module = filled(layer).train(not evaluated)
    x = leaf(torch, 1, 4, 6)
    return of_module(torch, module, [module(x)], [x])


case(transformer)
case(transformer, norm_first=True, batch_first=True, given=("tgt_mask:causal", "src_mask"))
case(transformer, activation="gelu", bias=False,
     given=("src_key_padding_mask", "memory_key_padding_mask", "memory_mask:numbers"))  # fmt: skip
case(encoder_layer, activation="gelu")
case(encoder_layer, activation="tanh", norm_first=True)
case(encoder_layer, activation="relu", evaluated=True)


# --------------------------------------------------------------------------- recurrent layers


def recurrent(
    torch: Any, kind: str, lengths: Any = None, started: bool = False, single: bool = False,
    **options: Any,
) -> Any:  # fmt: skip
    """A layer of three sequences of length 4, or packed ones; with first states if `started`."""
    first = options.get("batch_first")
    module = filled(getattr(torch.nn, kind)(3, 4, **options))
    x = leaf(torch, 1, 4, 3) if single else leaf(torch, 1, *((3, 4, 3) if first else (4, 3, 3)))
    inputs, given = [x], x
    if lengths is not None:
        given = torch.nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=bool(first), enforce_sorted=False
        )
    hx = None
    if started:
        layers = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        batch = () if single else (3,)
        sizes = [options.get("proj_size") or 4, 4] if kind == "LSTM" else [4]
        states = [leaf(torch, 2 + k, layers, *batch, n) for k, n in enumerate(sizes)]
        inputs += states
        hx = tuple(states) if kind == "LSTM" else states[0]
    y, ends = module(given, hx)
    if lengths is not None:
        y, found = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=bool(first))
        assert found.tolist() == lengths
    ends = ends if kind == "LSTM" else (ends,)
    return of_module(torch, module, [y, *ends], inputs)


def cell(torch: Any, kind: str, **options: Any) -> Any:
    """Two steps of a cell."""
    module = filled(getattr(torch.nn, kind)(3, 4, **options))
    x = leaf(torch, 1, 2, 3)
    once = module(x)
    twice = module(x * 2, once)
    results = twice if isinstance(twice, tuple) else (twice,)
    return of_module(torch, module, [*results, module(x[0])[0]], [x])


for _kind in ("RNN", "LSTM", "GRU"):
    case(recurrent, kind=_kind)
    case(recurrent, kind=_kind, num_layers=2, bidirectional=True, started=True, batch_first=True)
    case(recurrent, kind=_kind, lengths=[2, 4, 3], bidirectional=True, started=True)
    case(recurrent, kind=_kind, lengths=[1, 4, 1], num_layers=2, batch_first=True, bias=False)
    case(recurrent, kind=_kind, single=True, started=True)
    case(cell, kind=f"{_kind}Cell")
    case(cell, kind=f"{_kind}Cell", bias=False)
case(recurrent, kind="RNN", nonlinearity="relu", lengths=[4, 4, 2], bidirectional=True)
case(recurrent, kind="LSTM", proj_size=2, num_layers=2, bidirectional=True, started=True)
case(recurrent, kind="LSTM", proj_size=3, lengths=[3, 1, 4], started=True)
case(cell, kind="RNNCell", nonlinearity="relu")


def packed_function(torch: Any, kind: str, **options: Any) -> Any:
    """`torch.lstm` and others of packed sequences."""
    module = filled(getattr(torch.nn, kind)(3, 4, **options))
    x = leaf(torch, 1, 4, 3, 3)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, [4, 3, 1])
    shape = (module.num_layers * (1 + module.bidirectional), 3, 4)
    states = [leaf(torch, 2 + k, *shape) for k in range(2 if kind == "LSTM" else 1)]
    params = list(module._flat_weights)
    name = {"RNN": "rnn_tanh", "LSTM": "lstm", "GRU": "gru"}[kind]
    found = getattr(torch, name)(
        packed.data, packed.batch_sizes, states if kind == "LSTM" else states[0], params, True,
        module.num_layers, 0.0, True, module.bidirectional,
    )  # fmt: skip
    return answers(torch, found, [x, *states, *params])


for _kind in ("RNN", "LSTM", "GRU"):
    case(packed_function, kind=_kind, num_layers=2, bidirectional=True)


# ------------------------------------------------------------------------------- many classes


def adaptive(torch: Any, targets: Any, **options: Any) -> Any:
    """The softmax whose rare classes are in clusters."""
    module = filled(torch.nn.AdaptiveLogSoftmaxWithLoss(16, 11, [3, 7], **options))
    x = leaf(torch, 1, *(() if isinstance(targets, int) else (len(targets),)), 16)
    output, loss = module(x, torch.tensor(targets))
    rows = x if x.dim() == 2 else x.unsqueeze(0)
    found = of_module(torch, module, [output, loss, module.log_prob(rows)], [x])
    return [*found, module.predict(rows * 3).tolist()]


case(adaptive, targets=[0, 10, 4, 2, 9])
case(adaptive, targets=[1, 2], head_bias=True, div_value=2.0)
case(adaptive, targets=5)


def linear_cross_entropy(torch: Any, kind: str, **options: Any) -> Any:
    """The loss of classes, of their probabilities, or of several classes for each input."""
    r = np.random.default_rng(2)
    more = options.get("out_features", ())
    weight = torch.from_numpy(r.random(5)) if options.pop("weighted", False) else None
    module = filled(torch.nn.LinearCrossEntropyLoss(4, 5, weight=weight, **options))
    if kind == "classes":
        target = torch.from_numpy(r.integers(0, 5, (3, *more)))
    else:
        target = torch.from_numpy(r.random((3, 5, *more)))
    x = leaf(torch, 1, 3, 4)
    return of_module(torch, module, [module(x, target)], [x])


case(linear_cross_entropy, kind="classes")
case(linear_cross_entropy, kind="classes", bias=True, weighted=True, ignore_index=2)
case(linear_cross_entropy, kind="classes", out_features=(2, 3), bias=True, reduction="none")
case(linear_cross_entropy, kind="probabilities", label_smoothing=0.2, reduction="sum")


def main() -> None:
    """Ask, and write the answers down."""
    torch = import_module(sys.argv[1])
    rows = [f"{json.dumps(n)}: {json.dumps(ask(torch))}" for n, ask in CASES.items()]
    print("{\n" + ",\n".join(rows) + "\n}")


if __name__ == "__main__":
    main()
