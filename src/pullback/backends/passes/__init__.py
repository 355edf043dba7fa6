"""The passes of `simplify.py`, one concept per file; its table has their order.

`unroll` `nest` `canonical` `uniform` `exponentials` `factors` `orders` `mirror` `differences` are
passes. `linear` is how `exponentials` looks at an argument, `invariants` says what changes where,
and `cartesian` comes before all of them, while a kernel is lowered: complex numbers are pairs of
real ones.
"""
