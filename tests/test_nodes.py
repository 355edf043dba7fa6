"""The nodes of the graph by name: edges, saved values, metadata."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch

grad = torch.autograd.grad


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


A = ("torch::autograd::AccumulateGrad", 0)
N = (None, 0)
# What PyTorch 2.13 answers for these expressions in x (4, 3), that requires grad, and a (3).
NODES: dict[str, tuple[str, list[Any]]] = {
    "x*2": ("MulBackward0", [A, N]),
    "x*a": ("MulBackward0", [A, N]),
    "a*x": ("MulBackward0", [N, A]),
    "2*x": ("MulBackward0", [A, N]),
    "x*x": ("MulBackward0", [A, A]),
    "x+1": ("AddBackward0", [A, N]),
    "x-1": ("SubBackward0", [A, N]),
    "x-x": ("SubBackward0", [A, A]),
    "x/2": ("DivBackward0", [A, N]),
    "2/x": ("MulBackward0", [("ReciprocalBackward0", 0), N]),
    "x/a": ("DivBackward0", [A, N]),
    "-x": ("NegBackward0", [A]),
    "x**a": ("PowBackward1", [A, N]),
    "x.exp()": ("ExpBackward0", [A]),
    "x.log()": ("LogBackward0", [A]),
    "x.sin()": ("SinBackward0", [A]),
    "x.tanh()": ("TanhBackward0", [A]),
    "x.sum()": ("SumBackward0", [A]),
    "x.sum(1)": ("SumBackward1", [A]),
    "x.mean()": ("MeanBackward0", [A]),
    "x.mean(0)": ("MeanBackward1", [A]),
    "x.max()": ("MaxBackward1", [A]),
    "x.max(1)[0]": ("MaxBackward0", [A]),
    "x.amax(1)": ("AmaxBackward0", [A]),
    "x.min(1)[0]": ("MinBackward0", [A]),
    "x[:,None]": ("UnsqueezeBackward0", [A]),
    "x[None]": ("UnsqueezeBackward0", [A]),
    "x[0]": ("SelectBackward0", [A]),
    "x[0:2]": ("SliceBackward0", [A]),
    "x[:,0]": ("SelectBackward0", [A]),
    "x[:,1:]": ("SliceBackward0", [A]),
    "x[torch.tensor([0,1])]": ("IndexBackward0", [A]),
    "x[x>0.5]": ("IndexBackward0", [A]),
    "x[...,None,0]": ("SelectBackward0", [("UnsqueezeBackward0", 0)]),
    "x.view(-1)": ("ViewBackward0", [A]),
    "x.reshape(3,4)": ("ViewBackward0", [A]),
    "x.t()": ("TBackward0", [A]),
    "x.T": ("PermuteBackward0", [A]),
    "x.mT": ("TransposeBackward0", [A]),
    "x.transpose(0,1)": ("TransposeBackward0", [A]),
    "x.permute(1,0)": ("PermuteBackward0", [A]),
    "x.expand(2,4,3)": ("ExpandBackward0", [A]),
    "x.squeeze()": ("SqueezeBackward0", [A]),
    "x.squeeze(0)": ("SqueezeBackward1", [A]),
    "x.unsqueeze(1)": ("UnsqueezeBackward0", [A]),
    "x.flatten()": ("ViewBackward0", [A]),
    "x@x.t()": ("MmBackward0", [A, ("TBackward0", 0)]),
    "x@a": ("MvBackward0", [A, N]),
    "torch.dot(x[0],a)": ("DotBackward0", [("SelectBackward0", 0), N]),
    "torch.cat([x,x])": ("CatBackward0", [A, A]),
    "torch.stack([x,x])": ("StackBackward0", [A, A]),
    "torch.where(x>0,x,a)": ("WhereBackward0", [A, N]),
    "x.abs()": ("AbsBackward0", [A]),
    "x.sqrt()": ("SqrtBackward0", [A]),
    "x.rsqrt()": ("RsqrtBackward0", [A]),
    "x.clone()": ("CloneBackward0", [A]),
    "x.double()": ("ToCopyBackward0", [A]),
    "x.t().contiguous()": ("CloneBackward0", [("TBackward0", 0)]),
    "x.logsumexp(1)": ("LogsumexpBackward0", [A]),
    "x.prod(1)": ("ProdBackward1", [A]),
    "torch.maximum(x,a)": ("MaximumBackward0", [A, N]),
    "x.unbind()[1]": ("UnbindBackward0", [A]),
    "x.split(2)[1]": ("SplitBackward0", [A]),
    "x.chunk(2)[0]": ("SplitBackward0", [A]),
    "x.flip(0)": ("FlipBackward0", [A]),
    "x.cumsum(0)": ("CumsumBackward0", [A]),
    "x.sort()[0]": ("SortBackward0", [A]),
    "x.topk(2)[0]": ("TopkBackward0", [A]),
    "x.tril()": ("TrilBackward0", [A]),
    "x.diagonal()": ("DiagonalBackward0", [A]),
    "x.repeat(2,1)": ("RepeatBackward0", [A]),
    "x.atan2(a)": ("Atan2Backward0", [A, N]),
    "x.mul(2).add_(1)": ("AddBackward0", [("MulBackward0", 0), N]),
    "x.mul(1)[0].mul_(2)": ("AsStridedBackward0", [("torch::autograd::CopySlices", 0)]),
    "x.view(12)[None,:]": ("UnsqueezeBackward0", [("ViewBackward0", 0)]),
    "x.prod()": ("ProdBackward0", [A]),
    "x**2": ("PowBackward0", [A]),
    "2**x": ("PowBackward2", [A]),
    "x[0]**a": ("PowBackward1", [("SelectBackward0", 0), N]),
    "1-x": ("RsubBackward1", [A]),
    "x%2": ("RemainderBackward0", [A]),
    "x.fmod(a)": ("FmodBackward1", [A, N]),
    "x.clamp(0,1)": ("ClampBackward1", [A]),
    "x.clamp_min(0)": ("ClampMinBackward0", [A]),
    "x.clamp_max(a)": ("ClampMaxBackward1", [A, N]),
    "x.std(0)": ("StdBackward0", [A]),
    "x.round(decimals=1)": ("RoundBackward1", [A]),
    "x.clamp(max=a)": ("ClampBackward0", [A, N, N]),
    "x.masked_fill(x>1,0)": ("MaskedFillBackward0", [A]),
    "torch.lerp(x,x,0.5)": ("LerpBackward0", [A, A]),
    "x.log1p()": ("Log1PBackward0", [A]),
    "x.softmax(1)": ("SoftmaxBackward0", [A]),
    "x.log_softmax(1)": ("LogSoftmaxBackward0", [A]),
    "x.mul(1).fill_(2)": ("FillBackward2", [("MulBackward0", 0)]),
    "x.mul(1).zero_()": ("ZeroBackward0", [("MulBackward0", 0)]),
    "torch.einsum('ij->ji',x)": ("PermuteBackward0", [A]),
    "x.detach().requires_grad_().reciprocal()": ("ReciprocalBackward0", [A]),
}


@pytest.mark.parametrize("expression", NODES)
def test_names_and_next_functions(expression: str) -> None:
    x, a = torch.rand(4, 3).requires_grad_(), torch.rand(3)
    node = eval(expression, {"torch": torch, "x": x, "a": a}).grad_fn
    name, following = NODES[expression]
    assert node.name() == name
    found = [(n and n.name(), number) for n, number in node.next_functions]
    assert found == following


def test_the_ends_of_paths() -> None:
    x = leaf()
    node = (x * 2).grad_fn
    end = node.next_functions[0][0]
    assert end.variable is x and end.next_functions == ()
    assert x.grad_fn is None and x.is_leaf
    assert (x + 1).grad_fn.next_functions[0][0] is end
    assert "MulBackward0" in repr(node)


def test_outputs_are_numbered_in_next_functions() -> None:
    parts = (leaf(6) * 1).split(2)
    assert (parts[2] * 1).grad_fn.next_functions[0] == (parts[0].grad_fn, 2)


def test_saved_values() -> None:
    x, a = leaf(3), torch.tensor([2.0, 3.0, 4.0])
    y = x.exp()
    assert y.grad_fn._saved_result.tolist() == y.tolist()
    assert y.grad_fn._saved_result.requires_grad
    product = (x * a).grad_fn
    assert product._saved_other.tolist() == [2, 3, 4]
    with pytest.raises(AttributeError, match="_saved_self"):
        _ = product._saved_self  # a needs no gradient
    assert (x * 3).grad_fn._saved_other == 3
    assert tuple(x.reshape(3, 1).grad_fn._saved_self_sym_sizes) == (3,)
    assert "_saved_result" in dir(y.grad_fn)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="ExpBackward0"):
        _ = y.grad_fn._saved_result


def test_metadata() -> None:
    node = (leaf() * 2).grad_fn
    node.metadata["note"] = 1
    assert node.metadata == {"note": 1}
    assert (leaf() * 2).grad_fn.metadata == {}


def test_nodes_are_numbered_as_they_are_made() -> None:
    x = leaf()
    y = x * 2
    z = y + 1
    assert x.exp().grad_fn._sequence_nr() > z.grad_fn._sequence_nr() > y.grad_fn._sequence_nr()
