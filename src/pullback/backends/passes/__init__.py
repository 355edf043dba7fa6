"""The passes of `simplify.py`, one concept per file."""
