"""The user's names in pictures: from the variables of the code that asks, and of nothing else."""

import gc
import sys
import weakref

import pullback as torch
from pullback.graph import Kind, make_dot, trace
from pullback.graph.names import caller


def test_names_come_from_the_callers_variables() -> None:
    weight = torch.rand(3, 3, requires_grad=True)
    hidden = (weight @ weight).tanh().sinh()
    loss = (hidden * 0.25 * hidden).sum()
    source = make_dot(loss).source
    assert 'label="∂Sinh\\nhidden"' in source
    assert 'label="weight\\n(3, 3)"' in source
    assert 'label="∂Sum\\nloss"' in source
    given = make_dot(loss, {"W": weight}).source
    assert 'label="W\\n(3, 3)"' in given
    assert "weight" not in given


def test_parameters_are_named_by_the_variable_of_their_module() -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
            self.register_buffer("scale", torch.rand(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers(x) * self.scale

        def loss(self, x: torch.Tensor) -> str:
            return make_dot(self(x).sum()).source

        def named_parameters(self, *options: object) -> object:  # type: ignore[override]
            raise AssertionError("a picture called the user's code")

    model = Scaled()
    weights = [torch.rand(2, requires_grad=True), torch.rand(2, requires_grad=True)]
    named = {"bias": torch.rand(2, requires_grad=True)}
    y = (model(torch.rand(5, 3)) * weights[1] + named["bias"]).exp().sum()
    boxes = trace(y, {}, sys._getframe()).boxes
    names = {name for box in boxes for name in box.names}
    assert names >= {
        "y", "model.layers.0.weight", "model.layers.1.bias", "model.scale", "weights[1]",
        "named['bias']",
    }  # fmt: skip
    assert not any(name.startswith("weights[0]") for name in names)
    assert "self.layers.1.weight" in model.loss(torch.rand(5, 3))


def test_many_names_in_a_row_do_not_recurse() -> None:
    named = {"x0": torch.rand(3, requires_grad=True)}
    for k in range(5000):
        named[f"x{k + 1}"] = named[f"x{k}"] * named["x0"]
    graph = trace(named["x5000"], named)
    assert graph.boxes[0].formula.endswith("x0")
    assert all(0 < len(b.formula) <= 60 for b in graph.boxes if b.kind is Kind.OPERATOR)


def test_two_variables_of_two_results_keep_their_names() -> None:
    x = torch.rand(4, 5, requires_grad=True)
    top, where = x.max(dim=1)
    graph = trace((top * 2).sum(), {}, caller())
    assert [b.names for b in graph.boxes if b.operator == "MaxBackward0"] == [("top",)]
    assert where.requires_grad is False


def test_a_variable_that_is_assigned_twice_has_no_source_line() -> None:
    x = torch.rand(3, requires_grad=True)
    y = x * torch.tensor(2.0)
    y = y * (torch.tensor(5.0) + 1)
    once = y * (torch.tensor(7.0) + 1)
    graph = trace(once, {}, sys._getframe())
    root, below = (b for b in graph.boxes if b.operator == "MulBackward0" and b.names)
    assert root.line is not None and "once = y *" in root.line.text
    assert below.line is None
    constants = [b.formula for b in graph.boxes if b.kind is Kind.STORED]
    assert "7 + 1" in "".join(constants).replace("tensor(7.0)", "7").replace("torch.", "")
    assert "5" not in "".join(constants)


def test_the_users_objects_are_not_called() -> None:
    class Trap:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"a picture asked for {name}")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("a picture compared")

        __hash__ = None  # type: ignore[assignment]

    trap = Trap()
    x = torch.rand(3, requires_grad=True)
    y = x.exp()
    assert "∂Exp" in make_dot(y).source
    del trap


def test_drawing_keeps_no_variable_alive() -> None:
    x = torch.rand(3, requires_grad=True)
    y = x.exp()
    seen = weakref.ref(x)
    gc.disable()
    try:
        make_dot(y)
        del x, y
        assert seen() is None
    finally:
        gc.enable()


def test_locals_that_somebody_has_are_left_alone() -> None:
    x = torch.rand(3, requires_grad=True)
    mine = locals()
    make_dot(x.exp())
    assert mine["x"] is x


# ---- modules -------------------------------------------------------------------------------------


def formulas(value: torch.Tensor, model: torch.nn.Module) -> list[str]:
    return [box.formula for box in trace(value, dict(model.named_parameters())).boxes]


def test_what_a_module_made_is_called_by_its_name() -> None:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(18, 4), nn.Tanh(), nn.Linear(4, 3, bias=False), nn.LayerNorm(3), nn.Tanh(),
    )  # fmt: skip
    found = formulas(model(torch.rand(5, 1, 8, 8)).sum(), model)
    for formula in (
        "relu(1(0(…)))", "max_pool2d(relu(1(0(…))))", "normalised(0(…), 1.weight, 1.bias)",
        "normalised(7(tanh(5(…))), 8.weight, 8.bias)", "tanh(5(max_pool2d(relu(1(0(…))))))",
    ):  # fmt: skip
        assert formula in found, (formula, found)


def test_only_what_a_module_made_is_called_by_its_name() -> None:
    model = torch.nn.Linear(3, 3)
    params = {f"fc.{k}": v for k, v in model.named_parameters()}
    x = torch.rand(2, 3, requires_grad=True)

    def root(value: torch.Tensor) -> str:
        return trace(value, {"x": x, **params}).boxes[0].formula

    assert root(model(x).exp()) == "exp(fc(x))"
    assert root((x.sin() + model.bias).exp()) == "exp(sin(x) + fc.bias)"
    assert root((x @ model.weight).exp()) == "exp(x @ fc.weight)"
    assert root((x.sin() * model.weight[0]).exp()) == "exp(sin(x) · fc.weight[…])"


def test_what_is_left_out_twice_is_no_square() -> None:
    x, y = (torch.rand(3, requires_grad=True) for _ in range(2))

    def deep(value: torch.Tensor) -> torch.Tensor:
        for _ in range(12):
            value = value.sin().tanh()
        return value

    known = {"x": x, "y": y}
    assert "²" not in trace((deep(x) * deep(y)).exp(), known).boxes[0].formula
    same = deep(x)
    assert "²" in trace((same * same).exp(), known).boxes[0].formula
    assert trace((x * x).exp(), known).boxes[0].formula == "exp(x²)"
    assert trace((1 * x.sin()).exp(), known).boxes[0].formula == "exp(sin(x))"
