"""Names of PyTorch's tensors that pullback may not have.

`registered` skips those that it does have: a new operation needs no change here.
"""

_NAMES = """
abs_ absolute_ addbmm addbmm_ addcdiv addcdiv_ addcmul addcmul_ addmv addmv_ addr addr_ adjoint
aminmax angle argwhere as_strided as_strided_ as_strided_scatter as_subclass baddbmm baddbmm_
bernoulli_ bfloat16 bincount bitwise_left_shift bitwise_left_shift_ bitwise_right_shift
bitwise_right_shift_ broadcast_to cauchy_ ccol_indices chalf cholesky cholesky_inverse
cholesky_solve coalesce col_indices conj_physical conj_physical_ const_data_ptr copysign
copysign_ corrcoef cov cross crow_indices cummax cummin cumprod cumprod_ cumsum_ deg2rad
deg2rad_ dequantize det diag diag_embed diagflat diagonal_scatter diff digamma digamma_ dist
dsplit eig eq_ erfc erfc_ erfinv erfinv_ exponential_ fill_diagonal_ fliplr flipud float_power
float_power_ fmax fmin frac frac_ frexp gcd gcd_ ge_ geometric_ geqrf grad_dtype greater_
greater_equal_ gt_ hardshrink hash_tensor heaviside heaviside_ histc histogram hsplit hypot
hypot_ i0 i0_ igamma igamma_ igammac igammac_ index index_add index_add_ index_copy index_copy_
index_fill index_fill_ index_reduce index_reduce_ indices inner int_repr inverse ipu
is_coalesced is_distributed is_ipu is_maia is_mtia is_nonzero is_vulkan is_xla isneginf isposinf
isreal istft kron kthvalue lcm lcm_ ldexp ldexp_ le_ less_ less_equal_ lgamma lgamma_
log_normal_ logaddexp2 logcumsumexp logdet logit logit_ lstsq lt_ lu lu_solve map2_
masked_scatter masked_scatter_ matrix_exp matrix_power median mode module_load msort mtia
multinomial mvlgamma mvlgamma_ nan_to_num nan_to_num_ nanmean nanmedian nanquantile nansum
narrow_copy ne_ new_empty_strided nextafter nextafter_ nonzero_static not_equal_ orgqr ormqr
pin_memory pinverse polygamma polygamma_ prelu put put_ q_per_channel_axis q_per_channel_scales
q_per_channel_zero_points q_scale q_zero_point qr qscheme quantile rad2deg rad2deg_ random_
record_stream reinforce renorm renorm_ repeat_interleave resize resize_as resize_as_sparse_
rot90 row_indices scatter scatter_ scatter_reduce scatter_reduce_ select_scatter share_memory_
sinc sinc_ slice_inverse slice_scatter slogdet smm solve sparse_mask sparse_resize_
sparse_resize_and_clear_ split_with_sizes squeeze_ sspaddmm stft storage_type sum_to_size svd
swapaxes_ swapdims_ symeig t_ take tensor_split to_dense to_mkldnn to_padded_tensor to_sparse
to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr trace transpose_
triangular_solve tril_ triu_ unique unique_consecutive unsafe_chunk unsafe_split
unsafe_split_with_sizes unsqueeze_ values vdot volatile vsplit xlogy xlogy_ xpu
"""

ABSENT = _NAMES.split()
