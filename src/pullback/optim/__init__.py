"""Optimisers, as `torch.optim`."""

import importlib

from pullback.optim import lr_scheduler
from pullback.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from pullback.optim.adaptive import Adadelta, Adagrad, RMSprop
from pullback.optim.lbfgs import LBFGS
from pullback.optim.matrices import Adafactor, Muon
from pullback.optim.optimizer import Optimizer
from pullback.optim.sgd import ASGD, SGD, Rprop
from pullback.paths import lead_here

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon",
    "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop", "lr_scheduler", "swa_utils",
]  # fmt: skip

lead_here(__name__, "adadelta adagrad adamax adamw asgd nadam radam rmsprop rprop")


def __getattr__(name: str) -> object:
    if name == "swa_utils":  # needs modules
        return importlib.import_module(f"{__name__}.{name}")
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, __all__)
