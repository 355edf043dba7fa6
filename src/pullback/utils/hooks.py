"""What registering a hook gives."""

from pullback.autograd.graph import RemovableHandle

__all__ = ["RemovableHandle"]
