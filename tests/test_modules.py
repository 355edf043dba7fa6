"""Modules: registration, state, hooks, text; containers; parameters."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)])
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        for layer in self.layers:
            x = layer(x).tanh()
        return x * self.scale + self.mean


NAMES = ["scale", "first.weight", "first.bias",
         *(f"layers.{k}.{n}" for k in range(3) for n in ("weight", "bias"))]  # fmt: skip


def test_what_is_registered() -> None:
    net = Net()
    assert [n for n, _ in net.named_parameters()] == NAMES
    assert [n for n, _ in net.named_buffers()] == ["mean", "scratch"]
    assert list(net.state_dict()) == ["scale", "mean", *NAMES[1:]]
    assert [n for n, _ in net.named_children()] == ["first", "layers"]
    assert [n for n, _ in net.named_modules()] == [
        "", "first", "layers", "layers.0", "layers.1", "layers.2"
    ]  # fmt: skip
    assert net.get_parameter("layers.1.bias") is net.layers[1].bias
    assert net.get_submodule("layers.2") is net.layers[2]
    net.layers[0] = nn.Identity()
    assert len(list(net.parameters())) == len(NAMES) - 2


def test_shared_parameters_are_one() -> None:
    net = Net()
    net.layers[1].weight = net.layers[0].weight
    assert len(list(net.parameters())) == len(NAMES) - 1
    assert len(net.state_dict()) == len(NAMES) + 1


def test_training_lowers_the_loss() -> None:
    torch.manual_seed(0)
    net = Net()
    x, y = torch.randn(20, 3), torch.randn(20, 2).tanh()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_modes_and_gradients() -> None:
    net = Net()
    net.eval()
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    net(torch.ones(1, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(torch.ones(1, 3)).requires_grad


def test_dtypes_of_modules() -> None:
    net = Net()
    weight = net.first.weight
    net(torch.ones(1, 3)).sum().backward()
    net.double()
    assert net.first.weight is weight and weight.dtype is torch.float64
    assert weight.grad.dtype is torch.float64 and net.mean.dtype is torch.float64
    assert net(torch.ones(1, 3, dtype=torch.float64)).dtype is torch.float64
    net.to(torch.float32)
    net(torch.ones(1, 3)).sum().backward()
    assert weight.dtype is torch.float32 and weight.grad.dtype is torch.float32
    with pytest.raises(TypeError, match="only accepts floating point"):
        net.to(torch.int64)


def test_state_goes_from_one_module_to_another() -> None:
    a, b = Net(), Net()
    assert repr(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    x = torch.randn(2, 3)
    assert torch.equal(a(x), b(x))
    state = a.state_dict()
    del state["scale"]
    state["other"] = torch.ones(1)
    with pytest.raises(RuntimeError) as caught:
        b.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Net:\n"
        '\tMissing key(s) in state_dict: "scale". \n'
        '\tUnexpected key(s) in state_dict: "other". '
    )
    found = b.load_state_dict(state, strict=False)
    assert found.missing_keys == ["scale"] and found.unexpected_keys == ["other"]
    with pytest.raises(RuntimeError, match="size mismatch for scale: copying a param with shape"):
        b.load_state_dict({"scale": torch.ones(3)}, strict=False)
    assigned = torch.ones(2) * 5
    b.load_state_dict({"scale": assigned}, strict=False, assign=True)
    assert b.scale.tolist() == [5, 5] and isinstance(b.scale, nn.Parameter)
    state = a.state_dict()
    with torch.no_grad():
        a.scale.fill_(7)
    assert state["scale"].tolist() == [7, 7]  # the state is not a copy, as in PyTorch


@pytest.mark.parametrize("make", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(make: Any) -> None:
    net = Net()
    other = make(net)
    assert isinstance(other.scale, nn.Parameter) and other.scale.requires_grad
    x = torch.randn(2, 3)
    assert torch.equal(net(x), other(x))
    with torch.no_grad():
        other.first.weight.zero_()
    assert not torch.equal(net(x), other(x))


def test_text() -> None:
    net = Net()
    net.empty = nn.Sequential()
    assert (
        repr(net)
        == """Net(
  (first): Linear(in_features=3, out_features=4, bias=True)
  (layers): ModuleList(
    (0-1): 2 x Linear(in_features=4, out_features=4, bias=True)
    (2): Linear(in_features=4, out_features=2, bias=True)
  )
  (empty): Sequential()
)"""
    )
    assert repr(net.scale) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_forward_hooks() -> None:
    layer = nn.Linear(2, 2)
    x = torch.ones(1, 2)
    plain = layer(x)
    before = layer.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    after = layer.register_forward_hook(lambda m, args, y: (y, args[0]))
    y, seen = layer(x)
    assert seen.tolist() == [[2, 2]] and not torch.equal(y, plain)
    before.remove()
    after.remove()
    assert torch.equal(layer(x), plain)
    with layer.register_forward_hook(lambda m, a, k, y: k["input"], with_kwargs=True):
        assert layer(input=x) is x


def test_backward_hooks() -> None:
    layer = nn.Linear(2, 3)
    x = torch.ones(4, 2).requires_grad_()
    seen: list[Any] = []

    def hook(module: Any, grad_input: Any, grad_output: Any) -> Any:
        seen.append((module, grad_input[0].clone(), grad_output[0].clone()))
        return (grad_input[0] * 10,)

    layer.register_full_backward_hook(hook)
    layer(x).sum().backward()
    (found,) = seen
    assert found[0] is layer and found[2].tolist() == [[1, 1, 1]] * 4
    expected = layer.weight.detach().sum(0).expand(4, 2)
    np.testing.assert_allclose(found[1].numpy(), expected.numpy(), 1e-6)
    np.testing.assert_allclose(x.grad.numpy(), 10 * expected.numpy(), 1e-6)


def test_backward_hooks_of_a_first_layer() -> None:
    """Whose input has no gradient: the hook is called all the same."""
    layer = nn.Linear(2, 3)
    seen = []
    layer.register_full_backward_hook(lambda m, i, o: seen.append((i, o[0].shape)))
    layer.register_full_backward_pre_hook(lambda m, o: (o[0] * 2,))
    layer(torch.ones(4, 2)).sum().backward()
    assert seen == [((None,), (4, 3))]
    assert layer.bias.grad.tolist() == [8, 8, 8]


def test_apply_and_init() -> None:
    net = Net()

    def fill(module: Any) -> None:
        if isinstance(module, nn.Linear):
            nn.init.constant_(module.weight, 0.5)
            nn.init.zeros_(module.bias)

    net.apply(fill)
    assert net.layers[2].weight.detach().numpy().ravel().tolist() == [0.5] * 8


def test_containers() -> None:
    a, b, c = nn.Linear(2, 3), nn.Linear(3, 2), nn.Identity()
    chain = nn.Sequential(OrderedDict([("a", a), ("b", b)]))
    assert chain.a is a and chain[-1] is b and list(chain) == [a, b]
    chain.append(c)
    assert chain[2] is c and len(chain[:2]) == 2 and isinstance(chain[:2], nn.Sequential)
    del chain[2]
    x = torch.ones(1, 2)
    assert torch.equal(chain(x), b(a(x)))
    modules = nn.ModuleDict({"a": a})
    modules["c"] = c
    assert list(modules) == ["a", "c"] and "a" in modules and modules.pop("c") is c
    parameters = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(3))])
    assert [n for n, _ in parameters.named_parameters()] == ["0", "1"]
    assert isinstance(parameters[0], nn.Parameter) and len(parameters) == 2
    named = nn.ParameterDict({"w": torch.ones(2)})
    assert named["w"].requires_grad and list(named.state_dict()) == ["w"]
    with pytest.raises(IndexError):
        chain[5]


def test_what_is_refused() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.weight = nn.Parameter(torch.ones(1))

    with pytest.raises(AttributeError, match="cannot assign parameters before"):
        Early()
    net = Net()
    with pytest.raises(TypeError, match="as parameter 'scale'"):
        net.scale = torch.ones(2)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'absent'"):
        net.absent  # noqa: B018
    with pytest.raises(KeyError, match="already exists"):
        net.register_parameter("mean", nn.Parameter(torch.ones(1)))
    with pytest.raises(RuntimeError, match="floating point and complex"):
        nn.Parameter(torch.ones(2, dtype=torch.int64))
    with pytest.raises(NotImplementedError, match='required "forward" function'):
        nn.Module()(1)
    with pytest.raises(AttributeError, match="Nearest name"):
        nn.Liner  # noqa: B018
    with pytest.raises(RuntimeError, match=r"\[2, 5\].*\[4, 3\]"):
        net(torch.ones(2, 5))


def test_gradients_are_clipped() -> None:
    a, b = torch.ones(2).requires_grad_(), torch.ones(2).requires_grad_()
    (3 * a + 4 * b).sum().backward()
    norm = nn.utils.clip_grad_norm_([a, b], 1.0)
    assert norm.item() == pytest.approx(50**0.5)
    assert nn.utils.get_total_norm([a.grad, b.grad]).item() == pytest.approx(1, 1e-5)
    nn.utils.clip_grad_value_([a], 0.1)
    assert a.grad.tolist() == pytest.approx([0.1, 0.1])
    vector = nn.utils.parameters_to_vector([a, b])
    assert vector.tolist() == [1, 1, 1, 1] and vector.requires_grad
    nn.utils.vector_to_parameters(torch.arange(4.0), [a, b])
    assert b.tolist() == [2, 3]


@pytest.mark.parametrize("name", ["xavier_uniform_", "kaiming_normal_", "orthogonal_"])
def test_initial_deviations(name: str) -> None:
    torch.manual_seed(0)
    w = torch.empty(300, 200)
    getattr(nn.init, name)(w)
    wanted = {
        "xavier_uniform_": (2 / 500) ** 0.5,
        "kaiming_normal_": (2 / 200) ** 0.5,
        "orthogonal_": 300**-0.5,
    }[name]
    assert w.std().item() == pytest.approx(wanted, rel=0.02)
    if name == "orthogonal_":
        np.testing.assert_allclose((w.mT @ w).numpy(), np.eye(200), atol=1e-5)


def test_truncated_normal() -> None:
    torch.manual_seed(0)
    w = nn.init.trunc_normal_(torch.empty(10_000), 1.0, 2.0, 0.0, 3.0)
    assert w.min().item() >= 0 and w.max().item() <= 3
    assert w.mean().item() == pytest.approx(1.4, abs=0.05)


NORMS = {
    "BatchNorm1d(3, affine=False)": "3, eps=1e-05, momentum=0.1, affine=False, bias=False, "
    "track_running_stats=True",
    "BatchNorm1d(3, bias=False)": "3, eps=1e-05, momentum=0.1, affine=True, bias=False, "
    "track_running_stats=True",
    "LazyBatchNorm1d(bias=False)": "0, eps=1e-05, momentum=0.1, affine=True, bias=False, "
    "track_running_stats=True",
    "InstanceNorm1d(3, affine=True, bias=False)": "3, eps=1e-05, momentum=0.1, affine=True, "
    "bias=False, track_running_stats=False",
    "GroupNorm(1, 3, bias=False)": "1, 3, eps=1e-05, affine=True, bias=False",
    "LayerNorm(3, elementwise_affine=False)": "(3,), eps=1e-05, elementwise_affine=False, "
    "bias=False",
}


@pytest.mark.parametrize("made", NORMS)
def test_normalisations_may_have_no_bias(made: str) -> None:
    module = eval(f"torch.nn.{made}")
    assert module.extra_repr() == NORMS[made]
    assert module.bias is None
    module.reset_parameters()
    assert "bias" not in module.state_dict()
    y = module(torch.arange(12.0).reshape(2, 3, 2) if "Inst" in made else torch.eye(3))
    assert abs(y.sum()) < 1e-5


def test_modules_begin_anew() -> None:
    for module in (nn.GroupNorm(1, 3), nn.RMSNorm(3), nn.PReLU(3, init=0.5), nn.LayerNorm(3)):
        before = [p.clone() for p in module.parameters()]
        with torch.no_grad():
            for p in module.parameters():
                p.fill_(7)
        module.reset_parameters()
        assert all(map(torch.equal, before, module.parameters()))


def test_bags_of_a_given_table() -> None:
    table = torch.arange(6.0).reshape(3, 2)
    bag = nn.EmbeddingBag.from_pretrained(table, mode="sum")
    assert torch.equal(bag(torch.tensor([[0, 2]])), torch.tensor([[4.0, 6.0]]))
    assert not bag.weight.requires_grad
    assert nn.EmbeddingBag.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(AssertionError, match="2-dimensional"):
        nn.EmbeddingBag.from_pretrained(torch.ones(3))


def test_parameter_dictionaries_are_dictionaries() -> None:
    one, two = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(2))
    made = nn.ParameterDict({"one": one})
    assert made.setdefault("one", two) is one
    assert made.setdefault("two", two) is two
    assert made.get("three") is None
    assert made.get("two") is two
    other = made.copy()
    assert made.popitem() == ("two", two)
    assert list(made) == ["one"]
    assert list(other) == ["one", "two"]
    made.clear()
    assert not list(made.parameters())
    assert list(other.fromkeys(["a", "b"], one)) == ["a", "b"]


def test_losses_say_their_options_and_take_names() -> None:
    import inspect

    nn = torch.nn
    said = inspect.signature(nn.CrossEntropyLoss)
    assert list(said.parameters) == [
        "weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing",
    ]  # fmt: skip
    assert said.parameters["reduction"].default == "mean"
    x, y = torch.rand(3, 4), torch.tensor([0, 3, 1])
    for loss in (nn.NLLLoss(), nn.NLLLoss2d()):
        assert loss(input=x, target=y).item() == loss(x, y).item()
    a, b = torch.rand(4), torch.rand(4)
    assert nn.PoissonNLLLoss()(log_input=a, target=b).item() == nn.PoissonNLLLoss()(a, b).item()
    triplet = nn.TripletMarginLoss()
    rows = [torch.rand(2, 3) for _ in range(3)]
    named = triplet(anchor=rows[0], positive=rows[1], negative=rows[2])
    assert named.item() == triplet(*rows).item()


def test_many_classes() -> None:
    nn = torch.nn
    module = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0).double()
    x = torch.rand(6, 8, dtype=torch.float64)
    logs = module.log_prob(x)
    torch.testing.assert_close(logs.exp().sum(1), torch.ones(6, dtype=torch.float64))
    target = torch.tensor([0, 3, 4, 9, 10, 19])
    found = module(x, target)
    torch.testing.assert_close(found.output, logs.gather(1, target[:, None])[:, 0])
    torch.testing.assert_close(found.loss, -found.output.mean())
    assert torch.equal(module.predict(x), logs.argmax(1))
    for cutoffs in ([], [4, 4], [0], [20], [5, 4], [1.5]):
        with pytest.raises(ValueError, match="cutoffs should be"):
            nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)
    for given, words in (
        ((x, target[:3]), "same size"),
        ((x[0], target), "2D input"),
        ((x, target * 2), "in values"),
    ):
        with pytest.raises(RuntimeError, match=words.replace("in values", "Target values")):
            module(*given)


def test_options_are_kept_as_pytorch_keeps_them() -> None:
    nn = torch.nn
    assert repr(nn.AvgPool1d(2)) == "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))"
    assert nn.AvgPool2d(2).kernel_size == 2
    assert nn.FractionalMaxPool2d(2, output_size=3).output_size == (3, 3)
    assert nn.FractionalMaxPool3d(2, output_ratio=0.5).output_ratio == (0.5, 0.5, 0.5)
    assert (nn.ReLU6().min_val, nn.ReLU6().max_val) == (0, 6)
    loss = nn.TripletMarginWithDistanceLoss()
    assert isinstance(loss.distance_function, nn.PairwiseDistance)
    rows = [torch.rand(4, 3) for _ in range(3)]
    assert loss(*rows).item() == torch.nn.functional.triplet_margin_with_distance_loss(*rows).item()


def test_names_that_only_move_or_compile() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    assert model.compile(fullgraph=True) is None
    weight = model[0].weight
    assert model.to_empty(device="cpu") is model
    assert model[0].weight is weight and weight.shape == (3, 2) and weight.requires_grad
    shared = torch.nn.Sequential(model[0], model[0])
    assert len(list(shared.modules())) == 2 and len(list(shared.modules(False))) == 3


def test_the_second_derivative_of_a_linear_loss_is_zero() -> None:
    x = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.nll_loss(x, torch.tensor([0, 3, 1]))
    (first,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert first.count_nonzero() == 3 and torch.equal(second, torch.zeros_like(x))


def test_other_members_are_named_as_parameters_are() -> None:
    """Libraries have stores of their own in modules."""
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    net[0]._notes = {"a": 1}
    net[1][0]._notes = {"b": 2}
    found = net._named_members(lambda module: getattr(module, "_notes", {}).items(), prefix="net")
    assert list(found) == [("net.0.a", 1), ("net.1.0.b", 2)]
    weight = net[0].weight
    assert weight._cdata == weight._cdata != weight.detach()._cdata


def test_checkpoints_that_count_no_batches() -> None:
    """PyTorch's older ones, and those converted from elsewhere."""
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net(torch.ones(3, 2))
    state = {k: v for k, v in net.state_dict().items() if "batches" not in k}
    assert str(net.load_state_dict(state)) == "<All keys matched successfully>"
    assert net[1].num_batches_tracked.item() == 1 and len(state) == 6
    del state["1.running_mean"]
    found = net.load_state_dict(state, strict=False)
    assert str(found) == "_IncompatibleKeys(missing_keys=['1.running_mean'], unexpected_keys=[])"


def test_hooks_are_found_and_cleared_by_pytorchs_names() -> None:
    layer, seen = nn.Linear(1, 1), []
    assert not len(layer._backward_hooks) and not len(layer._backward_pre_hooks)
    handle = layer.register_forward_hook(lambda m, args, y: seen.append(1))
    layer.register_forward_pre_hook(lambda m, args: seen.append(2))
    layer(torch.ones(1, 1))
    assert seen == [2, 1] and list(layer._forward_hooks) == [handle.id]
    layer._forward_hooks.clear()
    layer._forward_pre_hooks.clear()
    handle.remove()
    layer(torch.ones(1, 1))
    assert seen == [2, 1]
