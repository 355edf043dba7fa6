"""The operations of `torch.nn.functional`.

Made by `python -m pullback.operations_page`: not to be edited.
"""

from builtins import bool as _bool, complex as _complex, dict as _dict, float as _float, int as _int
from builtins import list as _list, object as _object, str as _str, tuple as _tuple, type as _type
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, overload

from pullback.devices import device as _device
from pullback.dtypes import dtype as _dtype
from pullback.layouts import layout as _layout, memory_format as _memory_format
from pullback.tensor import Size as _Size, Tensor

_Out = Tensor | _tuple[Tensor, ...] | None

from pullback.signatures import return_types as return_types


def adaptive_avg_pool1d(input: Tensor, output_size: Any, *, out: _Out = None) -> Tensor:
    """The means of `output_size` parts of (b, c, n) or (c, n)."""

def adaptive_avg_pool2d(input: Tensor, output_size: Any, *, out: _Out = None) -> Tensor:
    """The means of as many parts of images (b, c, h, w) or (c, h, w); None keeps a size."""

def adaptive_avg_pool3d(input: Tensor, output_size: Any, *, out: _Out = None) -> Tensor:
    """The means of as many parts of (b, c, d, h, w) or (c, d, h, w); None keeps a size."""

@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: Literal[False] = False, *, out: _Out = None) -> Tensor:
    """The largest elements of `output_size` parts of (b, c, n) or (c, n)."""
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: Literal[True], *, out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of `output_size` parts of (b, c, n) or (c, n)."""
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: _bool = False, *, out: _Out = None) -> Any:
    """The largest elements of `output_size` parts of (b, c, n) or (c, n)."""

@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: Literal[False] = False, *, out: _Out = None) -> Tensor:
    """The largest elements of as many parts of images (b, c, h, w) or (c, h, w)."""
@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: Literal[True], *, out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of as many parts of images (b, c, h, w) or (c, h, w)."""
@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: _bool = False, *, out: _Out = None) -> Any:
    """The largest elements of as many parts of images (b, c, h, w) or (c, h, w)."""

@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: Literal[False] = False, *, out: _Out = None) -> Tensor:
    """The largest elements of as many parts of (b, c, d, h, w) or (c, d, h, w)."""
@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: Literal[True], *, out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of as many parts of (b, c, d, h, w) or (c, d, h, w)."""
@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: _bool = False, *, out: _Out = None) -> Any:
    """The largest elements of as many parts of (b, c, d, h, w) or (c, d, h, w)."""

def affine_grid(theta: Tensor, size: _int | Sequence[_int], align_corners: _bool | None = None, *, out: _Out = None) -> Tensor:
    """The points of a grid for `grid_sample`, moved by affine maps (b, 2, 3) or (b, 3, 4)."""

def alpha_dropout(input: Tensor, p: _float | Tensor = ..., training: _bool = False, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """Dropout that keeps mean and variance, for layers with `selu`."""

def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: _bool = False, count_include_pad: _bool = True, *, out: _Out = None) -> Tensor:
    """The means of windows of (b, c, n) or (c, n); see `avg_pool2d`."""

def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: _bool = False, count_include_pad: _bool = True, divisor_override: _int | None = None, *, out: _Out = None) -> Tensor:
    """The means of windows of (b, c, h, w) or (c, h, w)."""

def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: _bool = False, count_include_pad: _bool = True, divisor_override: _int | None = None, *, out: _Out = None) -> Tensor:
    """The means of windows of (b, c, d, h, w) or (c, d, h, w); see `avg_pool2d`."""

def batch_norm(input: Tensor, running_mean: Any, running_var: Any, weight: Tensor | None = None, bias: Tensor | None = None, training: _bool = False, momentum: _float | Tensor = ..., eps: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """Mean 0 and variance 1 of each channel of (b, c, …) over the batch; then an affine map."""

def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$y_k = x_1^\\mathsf{T} W_k\\, x_2 + b_k$."""

def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$-w\\,(t \\log x + (1 - t) \\log(1 - x))$ for probabilities x; the logarithms at least -100."""

def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', pos_weight: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$-w\\,(p\\,t \\log \\sigma(x) + (1 - t) \\log(1 - \\sigma(x)))$, without overflow."""

def celu(input: Tensor, alpha: _float | Tensor = ..., inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$\\max(0, x) + \\min(0, \\alpha\\,(e^{x/\\alpha} - 1))$. RuntimeError for alpha = 0."""

def channel_shuffle(input: Tensor, groups: _int, *, out: _Out = None) -> Tensor:
    """The channels of (b, c, …) in another order: the first of each group, then the second, …."""

def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: _int = 1, *, out: _Out = None) -> Tensor:
    """1-D cross-correlation of (b, c, n) or (c, n) with (o, c / groups, k); see `conv2d`."""

def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: _int = 1, *, out: _Out = None) -> Tensor:
    """2-D cross-correlation of images (b, c, h, w) or (c, h, w) with (o, c / groups, kh, kw)."""

def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: _int = 1, *, out: _Out = None) -> Tensor:
    """3-D cross-correlation of (b, c, d, h, w) with (o, c / groups, kd, kh, kw); see `conv2d`."""

def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: _int = 1, dilation: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `conv1d` in its input; see `conv_transpose2d`."""

def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: _int = 1, dilation: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `conv2d` in its input: (b, c, h, w) with a weight (c, o / groups, kh, kw)."""

def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: _int = 1, dilation: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `conv3d` in its input; see `conv_transpose2d`."""

def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: _float | Tensor = 0, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$1 - \\cos$ where the target is 1, $\\max(0, \\cos - m)$ where it is -1."""

def cosine_similarity(x1: Tensor, x2: Tensor, dim: _int = 1, eps: _float | Tensor = ..., *, out: _Out = None, axis: _int = ...) -> Tensor:
    """$x_1 \\cdot x_2 / (\\max(\\lVert x_1 \\rVert, \\epsilon) \\max(\\lVert x_2 \\rVert, \\epsilon))$."""

def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: _int = -100, reduce: Any = None, reduction: Any = 'mean', label_smoothing: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """$-\\sum_c w_c\\,t_c \\log \\operatorname{softmax}(x)_c$ for scores x of (n, c, …) or (c)."""

def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: _int = 0, reduction: Any = 'mean', zero_infinity: _bool = False, *, out: _Out = None) -> Tensor:
    """$-\\log p$ of labels under log-probabilities at each time, over all alignments."""

def dropout(input: Tensor, p: _float | Tensor = ..., training: _bool = True, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """In training, elements are zero with probability p, the others divided by 1 - p."""

def dropout1d(input: Tensor, p: _float | Tensor = ..., training: _bool = True, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """In training, whole channels of (b, c, n) or (c, n) are zero with probability p."""

def dropout2d(input: Tensor, p: _float | Tensor = ..., training: _bool = True, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """In training, whole channels of (b, c, h, w) are zero with probability p."""

def dropout3d(input: Tensor, p: _float | Tensor = ..., training: _bool = True, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """In training, whole channels of (b, c, d, h, w) are zero with probability p."""

def elu(input: Tensor, alpha: _float | Tensor = ..., inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x$ above 0, $\\alpha\\,(e^x - 1)$ below."""

def embedding(input: Tensor, weight: Tensor, padding_idx: Any = None, max_norm: Any = None, norm_type: _float | Tensor = ..., scale_grad_by_freq: _bool = False, sparse: _bool = False, *, out: _Out = None) -> Tensor:
    """The rows of `weight` (n, d) at integer places of any shape: (…, d)."""

def embedding_bag(input: Tensor, weight: Tensor, offsets: Any = None, max_norm: Any = None, norm_type: _float | Tensor = 2, scale_grad_by_freq: _bool = False, mode: Any = 'mean', sparse: _bool = False, per_sample_weights: Tensor | None = None, include_last_offset: _bool = False, padding_idx: Any = None, *, out: _Out = None) -> Tensor:
    """Sums, means or maxima of rows of `weight` (n, d), by bags of places: (bags, d)."""

def feature_alpha_dropout(input: Tensor, p: _float | Tensor = ..., training: _bool = False, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """`alpha_dropout` of whole channels."""

def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1, *, out: _Out = None) -> Tensor:
    """The transpose of `unfold`: columns (b, c kh kw, count) added up to images (b, c, h, w)."""

@overload
def fractional_max_pool2d(input: Tensor, kernel_size: Any, output_size: Literal[None] = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Tensor | None = None, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of windows of (b, c, h, w) or (c, h, w) at irregular steps."""
@overload
def fractional_max_pool2d(input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """The largest elements of windows of (b, c, h, w) or (c, h, w) at irregular steps."""
@overload
def fractional_max_pool2d(input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Tensor | None = None, *, out: _Out = None) -> Any:
    """The largest elements of windows of (b, c, h, w) or (c, h, w) at irregular steps."""

@overload
def fractional_max_pool3d(input: Tensor, kernel_size: Any, output_size: Literal[None] = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Tensor | None = None, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of windows of (b, c, d, h, w) or (c, d, h, w) at irregular steps."""
@overload
def fractional_max_pool3d(input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """The largest elements of windows of (b, c, d, h, w) or (c, d, h, w) at irregular steps."""
@overload
def fractional_max_pool3d(input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Tensor | None = None, *, out: _Out = None) -> Any:
    """The largest elements of windows of (b, c, d, h, w) or (c, d, h, w) at irregular steps."""

def gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor | _complex, full: _bool = False, eps: _float | Tensor = ..., reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$\\frac12 (\\log v + (x - t)^2 / v)$ for the variance v, at least `eps`."""

def gelu(input: Tensor, *, approximate: Any = 'none', out: _Out = None) -> Tensor:
    """$x\\,\\Phi(x)$, with the normal distribution function; `approximate="tanh"`: close to it."""

def glu(input: Tensor, dim: _int = -1, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """$a\\,\\sigma(b)$ for the halves a and b of an axis. RuntimeError if its size is odd."""

def grid_sample(input: Tensor, grid: Tensor, mode: Any = 'bilinear', padding_mode: Any = 'zeros', align_corners: _bool | None = None, *, out: _Out = None) -> Tensor:
    """Images (b, c, h, w) or (b, c, d, h, w) at the points of `grid`, (b, …, 2) or (b, …, 3)."""

def group_norm(input: Tensor, num_groups: _int, weight: Tensor | None = None, bias: Tensor | None = None, eps: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """Mean 0 and variance 1 in groups of channels of (b, c, …); then an affine map per channel."""

def gumbel_softmax(logits: Tensor, tau: _float | Tensor = 1, hard: _bool = False, eps: _float | Tensor = ..., dim: _int = -1, *, out: _Out = None, axis: _int = ...) -> Tensor:
    """Draws from a distribution by its logits, softened: E. Jang et al., ICLR 2017."""

def hardshrink(input: Tensor, lambd: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """0 between ±`lambd`, the input elsewhere."""

def hardsigmoid(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$\\min(\\max(x + 3, 0), 6) / 6$."""

def hardswish(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x \\min(\\max(x + 3, 0), 6) / 6$."""

def hardtanh(input: Tensor, min_val: _float | Tensor = ..., max_val: _float | Tensor = ..., inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """The input cut off at two values; its slope at them is 0."""

def hinge_embedding_loss(input: Tensor, target: Tensor, margin: _float | Tensor = ..., size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$x$ where the target is 1, $\\max(0, m - x)$ where it is -1."""

def huber_loss(input: Tensor, target: Tensor, reduction: Any = 'mean', delta: _float | Tensor = ..., weight: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$d^2 / 2$ where $d = |x - t| \\le \\delta$, else $\\delta (d - \\delta/2)$."""

def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: _bool = True, momentum: _float | Tensor = ..., eps: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """Mean 0 and variance 1 of each channel of each sample of (b, c, …); then an affine map."""

def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: Any = 'nearest', align_corners: _bool | None = None, recompute_scale_factor: _bool | None = None, antialias: _bool = False, *, out: _Out = None) -> Tensor:
    """Images (b, c, n), (b, c, h, w) or (b, c, d, h, w) at other sizes."""

def kl_div(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', log_target: _bool = False, *, out: _Out = None) -> Tensor:
    """$t\\,(\\log t - \\text{input})$: the divergence of $e^\\text{input}$ from the target t."""

def l1_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', weight: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$|\\text{input} - \\text{target}|$: the mean, `reduction="sum"` or `"none"`."""

def layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """$w\\,(x - \\bar x) / \\sqrt{\\operatorname{var} x + \\epsilon} + b$ over the last axes."""

def leaky_relu(input: Tensor, negative_slope: _float | Tensor = ..., inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x$ above 0, a small slope below."""

def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$y = x W^\\mathsf{T} + b$, with `input` (…, n), `weight` (m, n) or (n), `bias` (m)."""

def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, weight: Tensor | None = None, *, linear_bias: Tensor | None = None, reduction: Any = 'mean', ignore_index: _int | None = None, label_smoothing: _float | Tensor = ..., options: Any = None, out: _Out = None) -> Tensor:
    """`cross_entropy(linear(input, linear_weight, linear_bias), …)`, the classes last."""

def local_response_norm(input: Tensor, size: _int, alpha: _float | Tensor = ..., beta: _float | Tensor = ..., k: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """$x_c / (k + \\frac{\\alpha}{n} \\sum x_{c'}^2)^\\beta$ over n neighbouring channels."""

def log_softmax(input: Tensor, dim: Any = None, _stacklevel: _int = 3, dtype: _dtype | _type | None = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """$x_i - \\log \\sum_j e^{x_j}$ along one axis."""

def logsigmoid(input: Tensor, *, out: _Out = None) -> Tensor:
    """$\\log \\sigma(x) = -\\log(1 + e^{-x})$, without overflow."""

def lp_pool1d(input: Tensor, norm_type: _float | Tensor, kernel_size: Any, stride: Any = None, ceil_mode: _bool = False, *, out: _Out = None) -> Tensor:
    """$(\\sum x^p)^{1/p}$ of windows of (b, c, n) or (c, n)."""

def lp_pool2d(input: Tensor, norm_type: _float | Tensor, kernel_size: Any, stride: Any = None, ceil_mode: _bool = False, *, out: _Out = None) -> Tensor:
    """$(\\sum x^p)^{1/p}$ of windows of (b, c, h, w) or (c, h, w)."""

def lp_pool3d(input: Tensor, norm_type: _float | Tensor, kernel_size: Any, stride: Any = None, ceil_mode: _bool = False, *, out: _Out = None) -> Tensor:
    """$(\\sum x^p)^{1/p}$ of windows of (b, c, d, h, w) or (c, d, h, w)."""

def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: _float | Tensor = 0, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$\\max(0, -t\\,(x_1 - x_2) + m)$: the first is larger where the target is 1."""

@overload
def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: Literal[False] = False, *, out: _Out = None) -> Tensor:
    """The largest elements of windows of (b, c, n) or (c, n); see `max_pool2d`."""
@overload
def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, *, return_indices: Literal[True], out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of windows of (b, c, n) or (c, n); see `max_pool2d`."""
@overload
def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: _bool = False, *, out: _Out = None) -> Any:
    """The largest elements of windows of (b, c, n) or (c, n); see `max_pool2d`."""

def max_pool1d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: _bool = False, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """`max_pool1d` with the positions in the flattened images."""

@overload
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: Literal[False] = False, *, out: _Out = None) -> Tensor:
    """The largest elements of windows of (b, c, h, w) or (c, h, w)."""
@overload
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, *, return_indices: Literal[True], out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of windows of (b, c, h, w) or (c, h, w)."""
@overload
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: _bool = False, *, out: _Out = None) -> Any:
    """The largest elements of windows of (b, c, h, w) or (c, h, w)."""

def max_pool2d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: _bool = False, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """`max_pool2d` with the positions in the flattened images."""

@overload
def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: Literal[False] = False, *, out: _Out = None) -> Tensor:
    """The largest elements of windows of (b, c, d, h, w) or (c, d, h, w); see `max_pool2d`."""
@overload
def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, *, return_indices: Literal[True], out: _Out = None) -> _tuple[Tensor, ...]:
    """The largest elements of windows of (b, c, d, h, w) or (c, d, h, w); see `max_pool2d`."""
@overload
def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: _bool = False, *, out: _Out = None) -> Any:
    """The largest elements of windows of (b, c, d, h, w) or (c, d, h, w); see `max_pool2d`."""

def max_pool3d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: _bool = False, return_indices: _bool = False, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """`max_pool3d` with the positions in the flattened images."""

def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None, *, out: _Out = None) -> Tensor:
    """The maxima back in their places among zeros; see `max_unpool2d`."""

def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None, *, out: _Out = None) -> Tensor:
    """The maxima that `max_pool2d(…, return_indices=True)` gave, in their places among zeros."""

def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None, *, out: _Out = None) -> Tensor:
    """The maxima back in their places among zeros; see `max_unpool2d`."""

def mish(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x \\tanh(\\log(1 + e^x))$."""

def mse_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', weight: Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$(\\text{input} - \\text{target})^2$: the mean, `reduction="sum"` or `"none"`."""

def multi_head_attention_forward(query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: _int, num_heads: _int, in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: _bool, dropout_p: _float | Tensor, out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: _bool = True, key_padding_mask: Tensor | None = None, need_weights: _bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: _bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: _bool = True, is_causal: _bool = False, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """Attention by several heads: (the output, the weights of keys for each query or None)."""

def multi_margin_loss(input: Tensor, target: Tensor, p: Any = 1, margin: _float | Tensor = ..., weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$\\frac1c \\sum_{j \\ne t} w_t \\max(0, m - x_t + x_j)^p$ for scores (n, c) or (c)."""

def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$\\frac1c \\sum_{j \\in T} \\sum_{i \\notin T} \\max(0, 1 - x_j + x_i)$ for scores (n, c) or (c)."""

def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """The mean over classes (the last axis) of $-t \\log \\sigma(x) - (1 - t) \\log \\sigma(-x)$."""

def native_channel_shuffle(input: Tensor, groups: _int, *, out: _Out = None) -> Tensor:
    """The channels of (b, c, …) in another order: the first of each group, then the second, …."""

def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: _int = -100, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$-w_{t_i}\\,x_{i t_i}$ for log-probabilities x of (n, c, …) or (c) and classes t of (n, …)."""

def normalize(input: Tensor, p: Any = ..., dim: Any = 1, eps: _float | Tensor = ..., *, out: _Out = None, axis: Any = ...) -> Tensor:
    """$x / \\max(\\lVert x \\rVert_p, \\epsilon)$, the norm along an axis."""

def one_hot(input: Tensor, num_classes: _int = -1, *, out: _Out = None) -> Tensor:
    """Integers of any shape as rows of zeros with a one: (…, num_classes), int64."""

def pad(input: Tensor, pad: Any, mode: Any = 'constant', value: Any = None, *, out: _Out = None) -> Tensor:
    """More elements around the last axes: (left, right, top, bottom, …), the last axis first."""

def pairwise_distance(x1: Tensor, x2: Tensor, p: _float | Tensor = ..., eps: _float | Tensor = ..., keepdim: _bool = False, *, out: _Out = None, keepdims: _bool = ...) -> Tensor:
    """$\\lVert x_1 - x_2 + \\epsilon \\rVert_p$ along the last axis."""

def pdist(input: Tensor, p: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """The distances of all pairs of rows, i < j, in one vector. RuntimeError unless 2-D."""

def pixel_shuffle(input: Tensor, upscale_factor: _int, *, out: _Out = None) -> Tensor:
    """Images (…, c r², h, w) as larger ones with fewer channels, (…, c, h r, w r)."""

def pixel_unshuffle(input: Tensor, downscale_factor: _int, *, out: _Out = None) -> Tensor:
    """The inverse of `pixel_shuffle`: (…, c, h r, w r) as (…, c r², h, w)."""

def poisson_nll_loss(input: Tensor, target: Tensor, log_input: _bool = True, full: _bool = False, size_average: Any = None, eps: _float | Tensor = ..., reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$e^x - t x$ for counts t of rate $e^x$, or $x - t \\log x$ for the rate x."""

def prelu(input: Tensor, weight: Tensor, *, out: _Out = None) -> Tensor:
    """$x$ above 0, a learned slope below: one, or one for each channel (axis 1)."""

def relu6(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """The input between 0 and 6."""

def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: _complex | Tensor | None = None, *, out: _Out = None) -> Tensor:
    """$w\\,x / \\sqrt{\\overline{x^2} + \\epsilon}$ over the last axes; epsilon of the dtype."""

def rrelu(input: Tensor, lower: _float | Tensor = ..., upper: _float | Tensor = ..., training: _bool = False, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x$ above 0; a slope below that is drawn for each number in training, the mean otherwise."""

def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: _complex | Tensor = ..., is_causal: _bool = False, scale: Any = None, enable_gqa: _bool = False, *, out: _Out = None) -> Tensor:
    """$\\operatorname{softmax}(s\\,QK^\\mathsf{T} + \\text{mask})\\,V$, with $s = 1/\\sqrt{d}$."""

def selu(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$s x$ above 0, $s \\alpha\\,(e^x - 1)$ below: keeps mean 0 and variance 1."""

def silu(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """$x\\,\\sigma(x)$; also called swish."""

def smooth_l1_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', beta: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """$d^2 / 2\\beta$ where $d = |\\text{input} - \\text{target}| < \\beta$, else $d - \\beta/2$."""

def soft_margin_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$\\log(1 + e^{-t x})$ for targets ±1."""

def softmax(input: Tensor, dim: Any = None, _stacklevel: _int = 3, dtype: _dtype | _type | None = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """$e^{x_i} / \\sum_j e^{x_j}$ along one axis."""

def softmin(input: Tensor, dim: Any = None, _stacklevel: _int = 3, dtype: _dtype | _type | None = None, *, out: _Out = None, axis: Any = ...) -> Tensor:
    """$e^{-x_i} / \\sum_j e^{-x_j}$ along one axis."""

def softplus(input: Tensor, beta: _float | Tensor = ..., threshold: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """$\\log(1 + e^{\\beta x}) / \\beta$; $x$ where $\\beta x$ is above the threshold."""

def softshrink(input: Tensor, lambd: _float | Tensor = ..., *, out: _Out = None) -> Tensor:
    """The input moved towards 0 by `lambd`, not past it. RuntimeError for a negative one."""

def softsign(input: Tensor, *, out: _Out = None) -> Tensor:
    """$x / (1 + |x|)$."""

def tanhshrink(input: Tensor, *, out: _Out = None) -> Tensor:
    """$x - \\tanh x$."""

def threshold(input: Tensor, threshold: _float | Tensor, value: _float | Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """The input where it is above a threshold, a value elsewhere."""

def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: _float | Tensor = ..., p: _float | Tensor = 2, eps: _float | Tensor = ..., swap: _bool = False, size_average: Any = None, reduce: Any = None, reduction: Any = 'mean', *, out: _Out = None) -> Tensor:
    """$\\max(0, d(a, p) - d(a, n) + m)$ with distances along the last axis."""

def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Any = None, margin: _float | Tensor = ..., swap: _bool = False, reduction: Any = 'mean', out: _Out = None) -> Tensor:
    """`triplet_margin_loss` with a distance of your own, a function of two tensors."""

def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1, *, out: _Out = None) -> Tensor:
    """The sliding blocks of images (b, c, h, w) or (c, h, w) as columns, (b, c kh kw, count)."""

def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: Any = 'nearest', align_corners: _bool | None = None, *, out: _Out = None) -> Tensor:
    """An older name of `interpolate`."""

def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None, *, out: _Out = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners."""

def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None, *, out: _Out = None) -> Tensor:
    """`interpolate` with the nearest elements."""

def relu(input: Tensor, inplace: _bool = False, *, out: _Out = None) -> Tensor:
    """Positive part: $y = \\max(\\text{input}, 0)$; NaN stays NaN."""

def sigmoid(input: Tensor, *, out: _Out = None) -> Tensor:
    """Logistic function: $y = 1 / (1 + e^{-\\text{input}})$, without overflow."""

def tanh(input: Tensor, *, out: _Out = None) -> Tensor:
    """Hyperbolic tangent."""

def celu_(input: Tensor, alpha: _float | Tensor = ..., *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`celu` with inplace=True."""

def elu_(input: Tensor, alpha: _float | Tensor = ..., *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`elu` with inplace=True."""

def hardtanh_(input: Tensor, min_val: _float | Tensor = ..., max_val: _float | Tensor = ..., *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`hardtanh` with inplace=True."""

def leaky_relu_(input: Tensor, negative_slope: _float | Tensor = ..., *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`leaky_relu` with inplace=True."""

def relu_(input: Tensor, *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`relu` with inplace=True."""

def rrelu_(input: Tensor, lower: _float | Tensor = ..., upper: _float | Tensor = ..., training: _bool = False, *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`rrelu` with inplace=True."""

def selu_(input: Tensor, *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`selu` with inplace=True."""

def threshold_(input: Tensor, threshold: _float | Tensor, value: _float | Tensor, *, inplace: _bool = True, out: _Out = None) -> Tensor:
    """`threshold` with inplace=True."""

def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, *, return_indices: _bool = True, out: _Out = None) -> _tuple[Tensor, ...]:
    """`adaptive_max_pool1d` with return_indices=True."""

def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, *, return_indices: _bool = True, out: _Out = None) -> _tuple[Tensor, ...]:
    """`adaptive_max_pool2d` with return_indices=True."""

def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, *, return_indices: _bool = True, out: _Out = None) -> _tuple[Tensor, ...]:
    """`adaptive_max_pool3d` with return_indices=True."""

def fractional_max_pool2d_with_indices(input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, *, return_indices: _bool = True, _random_samples: Tensor | None = None, out: _Out = None) -> _tuple[Tensor, ...]:
    """`fractional_max_pool2d` with return_indices=True."""

def fractional_max_pool3d_with_indices(input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, *, return_indices: _bool = True, _random_samples: Tensor | None = None, out: _Out = None) -> _tuple[Tensor, ...]:
    """`fractional_max_pool3d` with return_indices=True."""

__all__ = ['adaptive_avg_pool1d', 'adaptive_avg_pool2d', 'adaptive_avg_pool3d', 'adaptive_max_pool1d', 'adaptive_max_pool2d', 'adaptive_max_pool3d', 'affine_grid', 'alpha_dropout', 'avg_pool1d', 'avg_pool2d', 'avg_pool3d', 'batch_norm', 'bilinear', 'binary_cross_entropy', 'binary_cross_entropy_with_logits', 'celu', 'channel_shuffle', 'conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', 'conv_transpose2d', 'conv_transpose3d', 'cosine_embedding_loss', 'cosine_similarity', 'cross_entropy', 'ctc_loss', 'dropout', 'dropout1d', 'dropout2d', 'dropout3d', 'elu', 'embedding', 'embedding_bag', 'feature_alpha_dropout', 'fold', 'fractional_max_pool2d', 'fractional_max_pool3d', 'gaussian_nll_loss', 'gelu', 'glu', 'grid_sample', 'group_norm', 'gumbel_softmax', 'hardshrink', 'hardsigmoid', 'hardswish', 'hardtanh', 'hinge_embedding_loss', 'huber_loss', 'instance_norm', 'interpolate', 'kl_div', 'l1_loss', 'layer_norm', 'leaky_relu', 'linear', 'linear_cross_entropy', 'local_response_norm', 'log_softmax', 'logsigmoid', 'lp_pool1d', 'lp_pool2d', 'lp_pool3d', 'margin_ranking_loss', 'max_pool1d', 'max_pool1d_with_indices', 'max_pool2d', 'max_pool2d_with_indices', 'max_pool3d', 'max_pool3d_with_indices', 'max_unpool1d', 'max_unpool2d', 'max_unpool3d', 'mish', 'mse_loss', 'multi_head_attention_forward', 'multi_margin_loss', 'multilabel_margin_loss', 'multilabel_soft_margin_loss', 'native_channel_shuffle', 'nll_loss', 'normalize', 'one_hot', 'pad', 'pairwise_distance', 'pdist', 'pixel_shuffle', 'pixel_unshuffle', 'poisson_nll_loss', 'prelu', 'relu6', 'rms_norm', 'rrelu', 'scaled_dot_product_attention', 'selu', 'silu', 'smooth_l1_loss', 'soft_margin_loss', 'softmax', 'softmin', 'softplus', 'softshrink', 'softsign', 'tanhshrink', 'threshold', 'triplet_margin_loss', 'triplet_margin_with_distance_loss', 'unfold', 'upsample', 'upsample_bilinear', 'upsample_nearest', 'relu', 'sigmoid', 'tanh', 'celu_', 'elu_', 'hardtanh_', 'leaky_relu_', 'relu_', 'rrelu_', 'selu_', 'threshold_', 'adaptive_max_pool1d_with_indices', 'adaptive_max_pool2d_with_indices', 'adaptive_max_pool3d_with_indices', 'fractional_max_pool2d_with_indices', 'fractional_max_pool3d_with_indices']
