"""Building blocks of models, as `torch.nn`: the functions so far."""

from pullback.nn import functional

__all__ = ["functional"]


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, [*__all__, *functional.__all__])
