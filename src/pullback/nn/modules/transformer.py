"""Transformers (A. Vaswani et al., NIPS 2017): encoders, decoders and their layers.

`norm_first` normalises what goes into each part of a layer (R. Xiong et al., ICML 2020).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from pullback.dispatch import TENSORS
from pullback.nn import functional, init
from pullback.nn.modules.attention import MultiheadAttention
from pullback.nn.modules.container import ModuleList
from pullback.nn.modules.layers import Dropout
from pullback.nn.modules.linear import Linear
from pullback.nn.modules.module import Module
from pullback.nn.modules.normalization import LayerNorm

F: Any = functional
Activation = str | Callable[[Any], Any]


def _activation(name: Activation) -> Any:
    if not isinstance(name, str):
        return name
    if name not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {name}")
    return getattr(F, name)


def _causal_mask(size: int, dtype: Any = None) -> Any:
    filled = TENSORS.full((size, size), -math.inf, dtype=dtype)
    return TENSORS.triu(filled, 1)


def _is_causal(mask: Any, said: bool | None, size: int) -> bool:
    """Whether a mask is the causal one, unless that is said."""
    if said is not None or mask is None:
        return bool(said)
    if tuple(mask.shape) != (size, size):
        return False
    return bool((mask == _causal_mask(size, mask.dtype)).all()) if mask.dtype.kind == "f" else False


def _clones(module: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def _length(x: Any, batch_first: bool) -> int:
    return int(x.shape[1 if x.dim() == 3 and batch_first else 0])


def _attended(
    attention: Any, x: Any, memory: Any, mask: Any, padding: Any, is_causal: bool
) -> Any:  # fmt: skip
    """What x finds in the memory, without the weights that it found it with."""
    return attention(
        x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False,
        is_causal=is_causal,
    )[0]  # fmt: skip


class _Layer(Module):
    """What layers share: two linear maps with an activation between, and parts with residuals."""

    norm_first: bool
    activation: Any

    def _finish(
        self, d_model: int, dim_feedforward: int, dropout: float, activation: Activation,
        layer_norm_eps: float, norm_first: bool, bias: bool, parts: int, factory: dict[str, Any],
    ) -> None:  # fmt: skip
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **factory)
        self.norm_first = norm_first
        for k in range(1, parts + 1):
            setattr(self, f"norm{k}", LayerNorm(d_model, layer_norm_eps, bias=bias, **factory))
        for k in range(1, parts + 1):
            setattr(self, f"dropout{k}", Dropout(dropout))
        self.activation = _activation(activation)

    def _ff_block(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _with_parts(self, x: Any, *parts: Callable[[Any], Any]) -> Any:
        """The input with the result of each part added, before or after it is normalised."""
        for k, part in enumerate(parts, start=1):
            norm, dropout = getattr(self, f"norm{k}"), getattr(self, f"dropout{k}")
            x = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return x


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then two linear maps; each with a residual and a norm.

    `src` is (S, n, d_model), (n, S, d_model) for `batch_first`, or (S, d_model).
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        factory = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **factory
        )
        self._finish(d_model, dim_feedforward, dropout, activation, layer_norm_eps, norm_first,
                     bias, 2, factory)  # fmt: skip

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The sequence; masks are as those of `MultiheadAttention`."""

        def attention(x: Any) -> Any:
            return _attended(self.self_attn, x, x, src_mask, src_key_padding_mask, is_causal)

        return self._with_parts(src, attention, self._ff_block)


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself, to the memory, then two linear maps.

    Each with a residual and a norm. `tgt` is (T, n, d_model), (n, T, d_model) for `batch_first`, or
    (T, d_model), and `memory` likewise.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        factory = {"device": device, "dtype": dtype}
        for name in ("self_attn", "multihead_attn"):
            setattr(self, name, MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **factory
            ))  # fmt: skip
        self._finish(d_model, dim_feedforward, dropout, activation, layer_norm_eps, norm_first,
                     bias, 3, factory)  # fmt: skip

    def forward(
        self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None,
        tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The sequence; masks are as those of `MultiheadAttention`."""

        def attention(x: Any) -> Any:
            return _attended(self.self_attn, x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)

        def to_memory(x: Any) -> Any:
            return _attended(
                self.multihead_attn, x, memory, memory_mask, memory_key_padding_mask,
                memory_is_causal,
            )  # fmt: skip

        return self._with_parts(tgt, attention, to_memory, self._ff_block)


class TransformerEncoder(Module):
    """Copies of a layer, one after the other, and a norm at the end.

    A mask that is the causal one is found out, unless `is_causal` says so. Nested tensors
    (`enable_nested_tensor`), which make PyTorch skip padding, are not needed and not made.
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
        enable_nested_tensor: bool = True, mask_check: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers = _clones(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None,
        is_causal: bool | None = None,
    ) -> Any:  # fmt: skip
        """The sequence through all layers."""
        if len(self.layers):
            attention = getattr(self.layers[0], "self_attn", None)
            size = _length(src, getattr(attention, "batch_first", False))
            is_causal = _is_causal(mask, is_causal, size)
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=is_causal,
                        src_key_padding_mask=src_key_padding_mask)  # fmt: skip
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Copies of a layer, one after the other, and a norm at the end.

    A mask that is the causal one is found out, unless `tgt_is_causal` says so.
    """

    def __init__(
        self, decoder_layer: Module, num_layers: int, norm: Module | None = None
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers = _clones(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None,
        tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The sequence through all layers."""
        if len(self.layers):
            attention = getattr(self.layers[0], "self_attn", None)
            size = _length(tgt, getattr(attention, "batch_first", False))
            tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, size)
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder of one sequence, and a decoder of another that looks at it.

    `src` is (S, n, d_model) and `tgt` (T, n, d_model), with n first for `batch_first`, or without.
    Matrices begin as `xavier_uniform_`.
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6,
        num_decoder_layers: int = 6, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", custom_encoder: Any = None, custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        factory = {"device": device, "dtype": dtype}

        def stack(layer: Any, whole: Any, count: int) -> Module:
            one = layer(d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                        batch_first, norm_first, bias, **factory)  # fmt: skip
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
            made: Module = whole(one, count, norm)
            return made

        self.encoder = custom_encoder
        if custom_encoder is None:
            self.encoder = stack(TransformerEncoderLayer, TransformerEncoder, num_encoder_layers)
        self.decoder = custom_decoder
        if custom_decoder is None:
            self.decoder = stack(TransformerDecoderLayer, TransformerDecoder, num_decoder_layers)
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """A mask (sz, sz) that leaves out what comes later: -inf above the diagonal, 0 below."""
        return _causal_mask(sz, dtype)

    def forward(
        self, src: Any, tgt: Any, src_mask: Any = None, tgt_mask: Any = None,
        memory_mask: Any = None, src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None, tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The decoder's sequence. RuntimeError for batches or features that do not fit."""
        axis = 0 if self.batch_first else 1
        if src.dim() == 3 and src.shape[axis] != tgt.shape[axis]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, not {src.shape[axis]} and "
                f"{tgt.shape[axis]}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                f"the feature number of src and tgt must be equal to d_model, {self.d_model}, not "
                f"{src.shape[-1]} and {tgt.shape[-1]}"
            )
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip
