"""Attention as a module."""

from __future__ import annotations

from typing import Any

from pullback.nn import functional, init
from pullback.nn.modules.linear import Linear, new_parameter
from pullback.nn.modules.module import Module

F: Any = functional


class _Projection(Linear):
    """A linear layer that PyTorch shows under a name of its own."""

    def _get_name(self) -> str:
        return "NonDynamicallyQuantizableLinear"


class MultiheadAttention(Module):
    """Attention of several heads (A. Vaswani et al., NIPS 2017): `multi_head_attention_forward`.

    Queries are (L, n, embed_dim), keys (S, n, kdim) and values (S, n, vdim), with n first for
    `batch_first`, or without it. The matrices begin as `xavier_uniform_`, the biases as zeros.
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
        add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
        vdim: int | None = None, batch_first: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, but {embed_dim} and {num_heads} are not"
            )
        made: dict[str, Any] = dict.fromkeys(
            ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias",
             "bias_k", "bias_v")
        )  # fmt: skip
        if self._qkv_same_embed_dim:
            made["in_proj_weight"] = (3 * embed_dim, embed_dim)
        else:
            for name, size in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
                made[f"{name}_proj_weight"] = (embed_dim, size)
        if bias:
            made["in_proj_bias"] = (3 * embed_dim,)
        if add_bias_kv:
            made["bias_k"] = made["bias_v"] = (1, 1, embed_dim)
        for name, shape in made.items():
            parameter = None if shape is None else new_parameter(*shape, dtype=dtype, device=device)
            self.register_parameter(name, parameter)
        self.out_proj = _Projection(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self, query: Any, key: Any, value: Any, key_padding_mask: Any = None,
        need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """The output, and the weights (or None, which is faster, without `need_weights`)."""
        swapped = self.batch_first and query.dim() == 3
        if swapped:  # what is the same stays so: it is projected at once
            q = query.transpose(0, 1)
            k = q if key is query else key.transpose(0, 1)
            query, key, value = q, k, k if value is key else value.transpose(0, 1)
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, training=self.training,
            key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight, k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight, average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )  # fmt: skip
        return output.transpose(0, 1) if swapped else output, weights
