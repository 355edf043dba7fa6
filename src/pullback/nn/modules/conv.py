"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pullback.nn import functional, init
from pullback.nn.modules.linear import new_parameter
from pullback.nn.modules.module import Module

F: Any = functional


def each(value: Any, count: int) -> tuple[Any, ...]:
    """A value for each axis."""
    return tuple(value) if isinstance(value, Sequence) else (value,) * count


class _Convolution(Module):
    _rank = 2
    _transposed = False

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any,
        dilation: Any, output_padding: Any, groups: int, bias: bool, padding_mode: str,
        device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        rank = self._rank
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(
                f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}"
            )
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                "padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular', but got "
                f"padding_mode={padding_mode!r}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = each(kernel_size, rank), each(stride, rank)
        self.padding = padding if isinstance(padding, str) else each(padding, rank)
        self.dilation, self.output_padding = each(dilation, rank), each(output_padding, rank)
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        self.groups, self.padding_mode, self.transposed = groups, padding_mode, self._transposed
        pair = (out_channels, in_channels // groups)
        if self._transposed:
            pair = (in_channels, out_channels // groups)
        self.weight = new_parameter(*pair, *self.kernel_size, dtype=dtype, device=device)
        made = new_parameter(out_channels, dtype=dtype, device=device) if bias else None
        self.register_parameter("bias", made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.weight[0].numel()
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _sides(self) -> list[int]:
        """The padding for `pad`, the last axis first."""
        if self.padding == "valid":
            return [0] * (2 * self._rank)
        sides: list[Any] = []
        for k in reversed(range(self._rank)):
            if self.padding == "same":
                total = self.dilation[k] * (self.kernel_size[k] - 1)
                sides += [total // 2, total - total // 2]
            else:
                sides += [self.padding[k]] * 2
        return sides

    def forward(self, input: Any) -> Any:
        """The convolution of (b, in, …) or (in, …)."""
        function = getattr(F, f"conv{self._rank}d")
        padding = self.padding
        if self.padding_mode != "zeros":
            single = input.dim() == self._rank + 1
            input = F.pad(input[None] if single else input, self._sides(), self.padding_mode)
            input = input[0] if single else input
            padding = (0,) * self._rank
        return function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        """The options that are not the usual ones."""
        zeros, ones = (0,) * self._rank, (1,) * self._rank
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in (("padding", zeros), ("dilation", ones), ("output_padding", zeros),
                            ("groups", 1)):  # fmt: skip
            value = getattr(self, name)
            if value != usual:
                text += f", {name}={value}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Forward(_Convolution):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True,
        padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip


class Conv1d(_Forward):
    """1-D convolution: `weight` (out, in / groups, k), `bias` (out)."""

    _rank = 1


class Conv2d(_Forward):
    """2-D convolution: `weight` (out, in / groups, kh, kw), `bias` (out)."""


class Conv3d(_Forward):
    """3-D convolution: `weight` (out, in / groups, kd, kh, kw), `bias` (out)."""

    _rank = 3


class _Transposed(_Convolution):
    _transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
        padding: Any = 0, output_padding: Any = 0, groups: int = 1, bias: bool = True,
        dilation: Any = 1, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """The transposed convolution; `output_size` is one that the stride brings to one."""
        rank = self._rank
        extra = self.output_padding
        if output_size is not None:
            wanted = tuple(output_size)[-rank:]
            geometry = zip(input.shape[-rank:], self.stride, self.padding, self.dilation,
                           self.kernel_size, strict=True)  # fmt: skip
            least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in geometry]
            extra = tuple(w - m for w, m in zip(wanted, least, strict=True))
            if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
                raise ValueError(
                    f"requested an output size of {list(wanted)}, but valid sizes begin at {least} "
                    f"and are less than a stride {self.stride} above"
                )
        function = getattr(F, f"conv_transpose{rank}d")
        return function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
            self.dilation,
        )  # fmt: skip


class ConvTranspose1d(_Transposed):
    """The transpose of a 1-D convolution: `weight` (in, out / groups, k)."""

    _rank = 1


class ConvTranspose2d(_Transposed):
    """The transpose of a 2-D convolution: `weight` (in, out / groups, kh, kw)."""


class ConvTranspose3d(_Transposed):
    """The transpose of a 3-D convolution: `weight` (in, out / groups, kd, kh, kw)."""

    _rank = 3
