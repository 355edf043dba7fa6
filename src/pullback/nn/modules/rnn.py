"""Recurrent layers and cells."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from pullback.dispatch import TENSORS
from pullback.nn import init
from pullback.nn.modules.linear import new_parameter
from pullback.nn.modules.module import Module
from pullback.nn.utils.rnn import PackedSequence

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
KINDS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "tanh", "RNN_RELU": "relu"}


def _draw(module: Module, hidden_size: int) -> None:
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for weight in module.parameters():
        init.uniform_(weight, -bound, bound)


def _check_sizes(**sizes: Any) -> None:
    for name, value in sizes.items():
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    for name, value in sizes.items():
        if name != "input_size" and value <= 0:
            raise ValueError(f"{name} must be greater than zero")


class RNNBase(Module):
    r"""What recurrent layers share; `mode` is one of "LSTM", "GRU", "RNN_TANH" and "RNN_RELU".

    Layer k has `weight_ih_lk`, `weight_hh_lk`, `bias_ih_lk` and `bias_hh_lk`, an LSTM with
    `proj_size` also `weight_hr_lk`; the other direction's names end with `_reverse`. All begin
    uniform on $\pm 1/\sqrt{\text{hidden size}}$.
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    proj_size: int
    bias: bool
    batch_first: bool
    bidirectional: bool
    dropout: float

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1,
        bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
        bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        if not isinstance(dropout, numbers.Real) or isinstance(dropout, bool) or (
            not 0 <= dropout <= 1
        ):  # fmt: skip
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                f"element being zeroed, not {dropout!r}"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={num_layers}",
                stacklevel=3,
            )
        _check_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        if proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if proj_size and mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._all_weights: list[list[str]] = []
        rows, state = GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else state * (1 + bidirectional)
            for suffix in ("", "_reverse")[: 1 + bidirectional]:
                shapes = {"weight_ih": (rows, width), "weight_hh": (rows, state)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{what}_l{layer}{suffix}" for what in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    made = new_parameter(*shape, dtype=dtype, device=device)
                    self.register_parameter(name, made)
                self._all_weights.append(names)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        _draw(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing: it puts weights side by side for cuDNN."""

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def extra_repr(self) -> str:
        """Sizes, and what differs from the defaults."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False,
                    "dropout": 0.0, "bidirectional": False}  # fmt: skip
        parts += [f"{n}={getattr(self, n)}" for n, v in defaults.items() if getattr(self, n) != v]
        return ", ".join(parts)

    def _sizes_of_states(self) -> list[int]:
        """The last sizes of the state, and of the cell."""
        if self.mode == "LSTM":
            return [self.proj_size or self.hidden_size, self.hidden_size]
        return [self.hidden_size]

    def _run(self, input: Any, states: list[Any] | None) -> tuple[Any, list[Any]]:
        """The output and the states that sequences end with."""
        if isinstance(input, PackedSequence):
            rows, batch_sizes, order, back = input
            sizes = tuple(batch_sizes.tolist())
            single = False
        else:
            name = "RNN" if self.mode.startswith("RNN") else self.mode
            if input.dim() not in (2, 3):
                raise ValueError(
                    f"{name}: Expected input to be 2D or 3D, got {input.dim()}D instead"
                )
            single, order, back = input.dim() == 2, None, None
            self._check_ranks(states, single)
            if single:
                input = input.unsqueeze(1)
                states = None if states is None else [s.unsqueeze(1) for s in states]
            elif self.batch_first:
                input = input.transpose(0, 1)
            times, count, width = input.shape
            rows, sizes = input.reshape(times * count, width), (count,) * times
        self._check_input(rows, sizes)
        count, layers = sizes[0], self.num_layers * (1 + self.bidirectional)
        if states is None:
            states = [TENSORS.zeros(layers, count, size, dtype=rows.dtype)
                      for size in self._sizes_of_states()]  # fmt: skip
        else:
            self._check_states(states, layers, count)
            if order is not None:
                states = [s.index_select(1, order) for s in states]
        y, *ends = TENSORS.recurrent_layers(
            rows, states, self._flat_weights, KINDS[self.mode], sizes, self.bias, self.num_layers,
            self.dropout, self.training, self.bidirectional,
        )  # fmt: skip
        if back is not None:
            ends = [s.index_select(1, back) for s in ends]
        if isinstance(input, PackedSequence):
            return PackedSequence(y, *input[1:]), ends
        y = y.reshape(len(sizes), count, y.shape[1])
        if single:
            return y.squeeze(1), [s.squeeze(1) for s in ends]
        return y.transpose(0, 1) if self.batch_first else y, ends

    def _check_ranks(self, states: list[Any] | None, single: bool) -> None:
        rank = 2 if single else 3
        if states is None or all(s.dim() == rank for s in states):
            return
        what = "hx and cx" if len(states) > 1 else "hx"
        found = ", ".join(f"{s.dim()}-D" for s in states)
        raise RuntimeError(
            f"For {'un' * single}batched {rank}-D input, {what} should also be {rank}-D but got "
            f"({found}) tensors"
        )

    def _check_input(self, rows: Any, sizes: tuple[int, ...]) -> None:
        weight = getattr(self, self._all_weights[0][0])
        if rows.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({rows.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({rows.dtype})"
            )
        if not sizes:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        if rows.dim() != 2 or rows.shape[1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{rows.shape[-1] if rows.dim() else 'a number'}"
            )

    def _check_states(self, states: list[Any], layers: int, count: int) -> None:
        for k, (s, size) in enumerate(zip(states, self._sizes_of_states(), strict=True)):
            expected = (layers, count, size)
            if tuple(s.shape) != expected:
                which = f"hidden[{k}]" if len(states) > 1 else "hidden"
                raise RuntimeError(f"Expected {which} size {expected}, got {list(s.shape)}")

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(output, states), of (t, n, …), (n, t, …) for `batch_first`, (t, …), or packed."""
        y, ends = self._run(input, None if hx is None else [hx])
        return y, ends[0]


class RNN(RNNBase):
    r"""$h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})$, in layers; or relu of it.

    (output of the last layer (t, n, …), last states (layers directions, n, …)).
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
        *args: Any, **keywords: Any,
    ) -> None:  # fmt: skip
        if "proj_size" in keywords:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, *args, **keywords)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    r"""Long short-term memory: $c_t = f c_{t-1} + i g$, $h_t = o \tanh c_t$, in layers.

    i, f, o are logistic functions, g is tanh, of $W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}$.
    (output of the last layer (t, n, …), (last states, last cells), each (layers directions, n, …)).
    With `proj_size`, states are projections of $h_t$.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__("LSTM", *args, **keywords)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(output, (states, cells)), of (t, n, …), (n, t, …) for `batch_first`, (t, …), or packed.

        `hx` is a pair of states and cells; zeros if it is None.
        """
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise RuntimeError("LSTM: hx should be a pair of tensors, (states, cells)")
        y, ends = self._run(input, None if hx is None else list(hx))
        return y, tuple(ends)


class GRU(RNNBase):
    r"""Gated recurrent units: $h_t = (1 - z)\,n + z\,h_{t-1}$, in layers.

    r and z are logistic functions of $W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}$, and
    $n = \tanh(W_{in} x_t + b_{in} + r\,(W_{hn} h_{t-1} + b_{hn}))$.
    (output of the last layer (t, n, …), last states (layers directions, n, …)).
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        if "proj_size" in keywords:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **keywords)


# ---------------------------------------------------------------------------------------- cells


class RNNCellBase(Module):
    r"""What cells share: `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`.

    All begin uniform on $\pm 1/\sqrt{\text{hidden size}}$.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,), "bias_hh": (rows,),
        }  # fmt: skip
        for name, shape in shapes.items():
            wanted = bias or not name.startswith("bias")
            made = new_parameter(*shape, dtype=dtype, device=device) if wanted else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        _draw(self, self.hidden_size)

    def extra_repr(self) -> str:
        """Sizes, and what differs from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += ", bias=False"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _step(self, function: str, input: Any, states: list[Any] | None) -> list[Any]:
        """The states after a step; without an axis for several sequences, if the input has none."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        count = 2 if function == "lstm_cell" else 1
        single = input.dim() == 1
        x = input.unsqueeze(0) if single else input
        if states is None:
            zeros = TENSORS.zeros(x.shape[0], self.hidden_size, dtype=x.dtype)
            states = [zeros] * count
        elif not all(s.dim() in (1, 2) for s in states):
            found = ", ".join(f"{s.dim()}D" for s in states)
            raise ValueError(f"{name}: Expected hidden to be 1D or 2D, got {found} instead")
        elif single:
            states = [s.unsqueeze(0) if s.dim() == 1 else s for s in states]
        given = states if count > 1 else states[0]
        made = getattr(TENSORS, function)(
            x, given, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        )
        made = list(made) if count > 1 else [made]
        return [s.squeeze(0) for s in made] if single else made


class RNNCell(RNNCellBase):
    """One step of an `RNN`: the state (n, hidden_size) or (hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The state after the input (n, input_size) or (input_size)."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        states = None if hx is None else [hx]
        return self._step(f"rnn_{self.nonlinearity}_cell", input, states)[0]


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`: (state, cell), each (n, hidden_size) or (hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(state, cell) after the input (n, input_size) or (input_size)."""
        if hx is not None and not isinstance(hx, (tuple, list)):
            raise TypeError(
                f"lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not "
                f"{type(hx).__name__}"
            )
        h, c = self._step("lstm_cell", input, None if hx is None else list(hx))
        return h, c


class GRUCell(RNNCellBase):
    """One step of a `GRU`: the state (n, hidden_size) or (hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The state after the input (n, input_size) or (input_size)."""
        return self._step("gru_cell", input, None if hx is None else [hx])[0]
