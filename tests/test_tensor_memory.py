"""Writing into tensors, copies and pickles of them, and the order of their axes in memory."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

import pullback as torch

# ---------------------------------------------------------------------------- writing in place


def test_copy_fill_and_zero() -> None:
    x = torch.ones(2, 2)
    assert x.copy_(torch.tensor([3, 4])) is x
    assert x.tolist() == [[3, 4], [3, 4]]
    assert x.copy_(5).tolist() == [[5, 5], [5, 5]]
    assert x.fill_(torch.tensor(2)).tolist() == [[2, 2], [2, 2]]
    assert x.zero_().tolist() == [[0, 0], [0, 0]]
    whole = torch.ones(2, dtype=torch.int64)
    assert whole.copy_(torch.tensor([3.7, -4.7])).tolist() == [3, -4]
    assert whole.fill_(3.7).tolist() == [3, 3]
    assert x._version == 4
    for source in (torch.ones(3), torch.ones(2, 2, 2)):
        with pytest.raises(RuntimeError):
            x.copy_(source)
    with pytest.raises(RuntimeError, match="0-dimension value tensor"):
        x.fill_(torch.ones(1))
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.ones(2, dtype=torch.uint8).fill_(300)
    with pytest.raises(RuntimeError, match="without overflow"):
        x.fill_(1j)
    leaf = torch.ones(2, requires_grad=True)
    for write in (leaf.zero_, lambda: leaf.fill_(1), lambda: leaf.copy_(torch.ones(2))):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            write()


def test_copies_are_recorded() -> None:
    v = torch.ones(2, requires_grad=True)
    x = torch.zeros(2).copy_(v * 3)
    assert x.grad_fn.name().startswith("CopyBackward")
    x.sum().backward()
    assert v.grad.tolist() == [3, 3]


def test_memory() -> None:
    x = torch.arange(6, dtype=torch.int16).reshape(2, 3)
    assert x.untyped_storage().nbytes() == len(x[1:].untyped_storage()) == 12
    assert x[1:].untyped_storage().data_ptr() == x.data_ptr()
    assert x.storage().tolist() == [0, 1, 2, 3, 4, 5]
    assert (x.t().storage()[2], x.storage().size()) == (2, 6)
    assert x.is_set_to(x.view(2, 3))
    assert not x.is_set_to(x.clone())
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_as_(torch.ones(3)).tolist() == [0, 1, 2]
    assert x.clone().resize_as_(torch.tensor(1.0)).shape == ()
    y = torch.zeros(1, dtype=torch.int16).set_(x)
    y[0] = 7
    assert x[0] == 7
    assert torch.arange(3).apply_(lambda v: v + 1).tolist() == [1, 2, 3]
    assert torch.arange(3).map_(torch.ones(1), lambda a, b: a - b).tolist() == [-1, 0, 1]
    with pytest.raises(RuntimeError, match="cannot resize"):
        torch.ones(2, requires_grad=True).resize_(1)


# ------------------------------------------------------------------------- copies and pickles


def test_pickles_keep_dtype_layout_flags_and_attributes() -> None:
    x = torch.arange(6.0, dtype=torch.float64).reshape(2, 3).t().requires_grad_()
    x.note = [3]
    x.grad = torch.ones(3, 2, dtype=torch.float64)
    y = pickle.loads(pickle.dumps(x))
    assert (y.tolist(), y.dtype, y.stride()) == (x.tolist(), x.dtype, (1, 3))
    assert y.requires_grad
    assert y.is_leaf
    assert y.note == [3]
    assert y.grad is None  # as in PyTorch
    assert pickle.loads(pickle.dumps(x * 2)).requires_grad


@pytest.mark.parametrize("round_trip", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_copies_together_share_memory_as_their_originals(round_trip: Any) -> None:
    x = torch.arange(4)
    same, again, view = round_trip([x, x, x[1:]])
    assert same is again
    same[1] = 9
    assert view.tolist() == [9, 2, 3]
    assert x.tolist() == [0, 1, 2, 3]


def test_copy_shares_memory() -> None:
    x = torch.ones(2, requires_grad=True)
    y = copy.copy(x)
    assert y is not x
    assert y.requires_grad
    y.data[0] = 5
    assert x.tolist() == [5, 1]


def test_deepcopy_takes_the_gradient_along() -> None:
    x = torch.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    x.note = [1]
    y = copy.deepcopy(x)
    assert y.grad.tolist() == [3, 3]
    assert y.grad is not x.grad
    assert y.note == [1]
    assert y.note is not x.note
    (y * 1).sum().backward()
    assert (y.grad.tolist(), x.grad.tolist()) == ([4, 4], [3, 3])
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)


def test_tensors_are_freed_at_once() -> None:
    gc.disable()
    try:
        x = torch.ones(3, requires_grad=True)
        y = (x * 2)[1:]
        y[0] = 3
        references = [weakref.ref(t) for t in (x, y)]
        del x, y
        assert [r() for r in references] == [None, None]
    finally:
        gc.enable()


# ---------------------------------------------------------------------------- order in memory


@pytest.mark.parametrize(
    "make",
    [
        torch.clone, torch.empty_like, torch.zeros_like, torch.rand_like,
        lambda x: torch.full_like(x, 2), lambda x: x.to(x.dtype, copy=True),
        lambda x: torch.ones_like(x, dtype=torch.int64),
    ],
)  # fmt: skip
def test_copies_keep_the_order_of_axes(make: Any) -> None:
    x = torch.rand(2, 3, 4).permute(2, 0, 1)
    y = make(x)
    assert y.shape == x.shape and y.stride() == x.stride() == (1, 12, 4)
    assert y._base is None
    assert make(x[:, :, ::2]).is_contiguous() is False
    assert make(torch.ones(3).expand(2, 3)).stride() == (3, 1)  # nothing to keep
    assert make(torch.ones(2, 3)).is_contiguous()


def test_memory_formats() -> None:
    x = torch.rand(2, 3, 4).permute(2, 0, 1)
    for c in (x.contiguous(), x.clone(memory_format=torch.contiguous_format)):
        assert c.is_contiguous() and torch.equal(c, x)
    assert torch.zeros_like(x, memory_format=torch.contiguous_format).is_contiguous()
    images = torch.rand(2, 3, 4, 5)
    last = images.to(memory_format=torch.channels_last)
    assert last.stride() == (60, 1, 15, 3) and torch.equal(last, images)
    assert last.is_contiguous(memory_format=torch.channels_last) and not last.is_contiguous()
    assert last.clone().stride() == torch.zeros_like(last).stride() == last.stride()
    assert repr(torch.channels_last) == "torch.channels_last"
    assert pickle.loads(pickle.dumps(torch.channels_last)) is torch.channels_last
    with pytest.raises(RuntimeError, match=r"rank 4 tensor to use channels_last.* 3 axes"):
        x.contiguous(memory_format=torch.channels_last)
    with pytest.raises(TypeError, match=r"'memory_format' must be torch\.memory_format, not str"):
        x.clone(memory_format="channels_last")


# --------------------------------------------------------------------- results of permuted inputs

KEPT = ["exp", "clone", "sort", "argsort", "flip", "add"]
IN_ORDER = [
    "softmax", "log_softmax", "cumsum", "cumprod", "cummax", "logcumsumexp", "gather", "topk",
    "index_select", "take_along_dim", "roll", "tril", "cat", "stack", "cross", "layer_norm",
    "rms_norm", "batch_norm", "instance_norm", "pad", "repeat_interleave", "einsum",
]  # fmt: skip


def _of(name: str, x: Any) -> Any:
    functional = torch.nn.functional
    places = torch.zeros(2, 3, 4, dtype=torch.int64)
    calls: dict[str, Any] = {
        "sort": lambda: x.sort(1).values,
        "argsort": lambda: x.argsort(-1),
        "flip": lambda: x.flip(0, 2),
        "add": lambda: x + x,
        "cummax": lambda: x.cummax(0).values,
        "gather": lambda: x.gather(1, places),
        "topk": lambda: x.topk(2, 0).indices,
        "index_select": lambda: x.index_select(0, torch.tensor([1, 0])),
        "take_along_dim": lambda: x.take_along_dim(places, 2),
        "roll": lambda: x.roll(1, 0),
        "cat": lambda: torch.cat([x, x], 1),
        "stack": lambda: torch.stack([x, x]),
        "cross": lambda: torch.cross(x, x + 1, 1),
        "layer_norm": lambda: functional.layer_norm(x, (4,)),
        "rms_norm": lambda: functional.rms_norm(x, (4,)),
        "batch_norm": lambda: functional.batch_norm(x, None, None, training=True),
        "instance_norm": lambda: functional.instance_norm(x),
        "pad": lambda: functional.pad(x, (1, 1)),
        "repeat_interleave": lambda: x.repeat_interleave(2, 1),
        "einsum": lambda: torch.einsum("ijk,kl->ijl", x, x[0, :3].mT.mT.reshape(4, 3)),
    }
    for along in ("softmax", "log_softmax", "cumsum", "cumprod", "logcumsumexp"):
        calls[along] = lambda along=along: getattr(x, along)(1)
    return calls[name]() if name in calls else getattr(x, name)()


@pytest.mark.parametrize("name", KEPT + IN_ORDER)
def test_results_of_permuted_tensors_lie_in_memory_as_pytorchs(name: str) -> None:
    """So that `.view()` of a result works where it does in PyTorch; met before, or not."""
    x = torch.arange(24.0).reshape(4, 3, 2).permute(2, 1, 0)
    for _ in range(2):
        y = _of(name, x)
        assert torch.equal(y, _of(name, x.contiguous()))
        if name in KEPT:
            assert y.stride() == x.stride() == (1, 2, 6)
        else:
            assert y.is_contiguous()


def test_booleans_to_the_power_of_a_truth_value() -> None:
    x = torch.tensor([True, False])
    assert (x**True).tolist() == [True, False]
    assert (x**False).tolist() == [True, True]
    assert (x**True).dtype is torch.bool
    for call in (lambda: x**x, lambda: True**x):
        with pytest.raises(NotImplementedError, match="'Bool'"):
            call()


def test_volumes_with_the_channels_last() -> None:
    x = torch.arange(240.0).reshape(2, 3, 2, 4, 5)
    last = x.to(memory_format=torch.channels_last_3d)
    assert last.stride() == (120, 1, 60, 15, 3)
    assert torch.equal(last, x)
    assert last.is_contiguous(memory_format=torch.channels_last_3d)
    assert not x.is_contiguous(memory_format=torch.channels_last_3d)
    assert not x[0].is_contiguous(memory_format=torch.channels_last_3d)
    assert last.dim_order() == (0, 2, 3, 4, 1)
    assert torch.zeros_like(last).stride() == last.stride()
    resized = x.clone().resize_(1, 2, 3, 4, 5, memory_format=torch.channels_last_3d)
    assert resized.stride() == (120, 1, 40, 10, 2)
    with pytest.raises(RuntimeError, match=r"rank 5 tensor to use channels_last_3d.* 4 axes"):
        x[0].clone(memory_format=torch.channels_last_3d)
    assert pickle.loads(pickle.dumps(torch.channels_last_3d)) is torch.channels_last_3d
