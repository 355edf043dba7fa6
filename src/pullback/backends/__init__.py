"""Backends: what computes. NumPy arrays, and the scalar expressions that compilers print."""
