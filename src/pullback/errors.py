"""Errors that Python has no class for."""


class OutOfMemoryError(RuntimeError):
    """A result that does not fit in memory, noticed before it was allocated."""


class LinAlgError(RuntimeError):
    """A matrix that has no such inverse, factorisation or decomposition."""
