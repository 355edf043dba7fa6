"""What optimisers and schedulers do, as numbers: the same questions for pullback and PyTorch.

    python tests/optimizer_cases.py torch > tests/data/optimizers.json

with a Python that has PyTorch writes the answers that `test_optim.py` compares with.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import numpy as np

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.05}),
    "SGD with momentum": (
        "SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    ),
    "Nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "SGD upwards": ("SGD", {"lr": 0.001, "maximize": True}),
    "Adam": ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    "AMSGrad": ("Adam", {"lr": 0.1, "amsgrad": True}),
    "AdamW": ("AdamW", {"lr": 0.1}),
    "Adamax": ("Adamax", {"lr": 0.1, "weight_decay": 0.02}),
    "NAdam": ("NAdam", {"lr": 0.1, "weight_decay": 0.1}),
    "NAdamW": ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "RAdam": ("RAdam", {"lr": 0.1, "weight_decay": 0.1}),
    "RAdamW": ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "Adagrad": (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2},
    ),
    "Adadelta": ("Adadelta", {"weight_decay": 0.1}),
    "RMSprop": ("RMSprop", {}),
    "centered RMSprop": (
        "RMSprop", {"lr": 0.01, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
    ),
    "Rprop": ("Rprop", {}),
    "ASGD": ("ASGD", {"t0": 5, "weight_decay": 0.1}),
    "Adafactor": ("Adafactor", {"lr": 0.05, "weight_decay": 0.1}),
    "Adafactor, clipped": (
        "Adafactor", {"lr": 0.2, "eps": (1e-4, 0.1), "d": 1.5, "beta2_decay": -0.5},
    ),
    "LBFGS": ("LBFGS", {"lr": 0.5, "max_iter": 4, "history_size": 3}),
    "LBFGS with a line search": (
        "LBFGS", {"line_search_fn": "strong_wolfe", "max_iter": 5, "history_size": 3},
    ),
}  # fmt: skip

SCHEDULERS: dict[str, str] = {
    "LambdaLR": "L.LambdaLR(o, lambda e: 0.9**e)",
    "MultiplicativeLR": "L.MultiplicativeLR(o, lambda e: 0.9)",
    "StepLR": "L.StepLR(o, 3, 0.5)",
    "MultiStepLR": "L.MultiStepLR(o, [2, 5, 5], 0.5)",
    "ConstantLR": "L.ConstantLR(o, 0.5, 4)",
    "LinearLR": "L.LinearLR(o, 0.25, 0.9, 6)",
    "ExponentialLR": "L.ExponentialLR(o, 0.8)",
    "PolynomialLR": "L.PolynomialLR(o, 7, 2.0)",
    "CosineAnnealingLR": "L.CosineAnnealingLR(o, 5, 0.01)",
    "CosineAnnealingWarmRestarts": "L.CosineAnnealingWarmRestarts(o, 3, 2, 0.01)",
    "CyclicLR, halved": "L.CyclicLR(o, 0.01, 0.2, 3, 4, mode='triangular2')",
    "CyclicLR, exponential": "L.CyclicLR(o, 0.01, 0.2, 3, 4, mode='exp_range', gamma=0.9)",
    "OneCycleLR": "L.OneCycleLR(o, 0.3, 20)",
    "OneCycleLR, three": "L.OneCycleLR(o, 0.3, 20, three_phase=True, anneal_strategy='linear')",
    "SequentialLR": "L.SequentialLR(o, [L.ConstantLR(o, 0.1, 20), L.ExponentialLR(o, 0.9)], [4])",
    "ChainedScheduler": "L.ChainedScheduler([L.ConstantLR(o, 0.1, 5), L.ExponentialLR(o, 0.9)])",
}


def trajectory(torch: Any, name: str, interrupted: bool = False) -> list[list[float]]:
    """The loss and the parameters after each of some steps.

    `interrupted`: another optimiser goes on from the state of the first one half-way.
    """
    kind, options = OPTIMIZERS[name]
    r = np.random.default_rng(0)
    a, b = torch.tensor(r.normal(size=(6, 4))), torch.tensor(r.normal(size=6))
    w = torch.tensor(r.normal(size=4)).requires_grad_()
    s = torch.tensor(r.normal(size=(2, 3))).requires_grad_()
    make = getattr(torch.optim, kind)
    optimizer = make([w, s], **options)
    found = []
    for k in range(10):
        if interrupted and k == 5:
            state = optimizer.state_dict()
            optimizer = make([w, s], **options)
            optimizer.load_state_dict(state)

        def closure(optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = ((a @ w - b) ** 2).sum() + ((s**2 - 1) ** 2).sum() + (w.sin() * 3).sum()
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        values = [w.detach().numpy().ravel(), s.detach().numpy().ravel()]
        found.append([loss.item(), *np.concatenate(values).tolist()])
    return found


def rates(torch: Any, name: str) -> list[list[float]]:
    """The learning rate and the momentum of each of some epochs."""
    p = torch.tensor([1.0]).requires_grad_()
    o = torch.optim.SGD([p], lr=0.4, momentum=0.9)
    scheduler = eval(SCHEDULERS[name], {"o": o, "L": torch.optim.lr_scheduler})
    found = []
    for _ in range(18):
        (group,) = o.param_groups
        found.append([float(group["lr"]), float(group["momentum"]), *scheduler.get_last_lr()])
        o.step()
        scheduler.step()
    return found


def plateau(torch: Any) -> list[float]:
    """The learning rates that follow a measure."""
    p = torch.tensor([1.0]).requires_grad_()
    o = torch.optim.SGD([p], lr=0.4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=1, cooldown=1, factor=0.5)
    found = []
    for measure in (5, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2.9999):
        scheduler.step(measure)
        found.append(o.param_groups[0]["lr"])
    return found


if __name__ == "__main__":
    library = import_module(sys.argv[1])
    answers = {
        "optimizers": {name: trajectory(library, name) for name in OPTIMIZERS},
        "schedulers": {name: rates(library, name) for name in SCHEDULERS},
        "plateau": plateau(library),
    }
    print(json.dumps(answers, separators=(",", ":")))
