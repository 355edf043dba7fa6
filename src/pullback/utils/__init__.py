"""Helpers around models, as `torch.utils`."""

from pullback.utils import data

__all__ = ["data"]


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, __all__)
