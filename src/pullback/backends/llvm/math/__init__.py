"""Vector elementary functions of our own, as LLVM IR.

>>> text = definitions({"exp", "sin"}, dtype="float32", lanes=16)
>>> symbol("exp", "float32", 16)
'@pb.exp.f32x16'

The text is pasted in a module whose kernels call the symbols; every function is inlined.  See
`builder` for the vocabulary in which the functions are written, `registry` for their list, and
`tools/fit_polynomials.py` for the origin of the coefficients.
"""

from pullback.backends.llvm.math.registry import FUNCTIONS, definitions, symbol

__all__ = ["FUNCTIONS", "definitions", "symbol"]
