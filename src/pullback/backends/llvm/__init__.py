"""The LLVM backend: loops printed as IR with explicit vectors, compiled in process.

    compile        a kernel's `Program`: from memory, from disk (`cache`, `facts`), or made now
    target         … for which machine
    outlook        … what it would be, asked without making it
    plan           what is computed where: passes over the pairs, what is packed, what is hoisted
    accumulate     how reductions keep their state: `extreme` for maxima, `rescale` for softmax
    emit           prints the functions. It is a tower of classes, a theme each: `frame` (arguments,
                   stack) below `partials` (outer reductions), `extremes`, `contractions`,
                   `crosswise` (long sums; `strips` transposes), `pairs` (tiles, the innermost
                   loop) and `mirrored` (half of the pairs)
    scope          … one expression, at its place among the loops
    vector         … one primitive, on vectors; `math` has the elementary functions
    calls          … one of SciPy's functions, which has no vector code of ours
    text           … one line
    run            runs it: arguments (`layout`), and blocks of rows on `threads`, or by a `team`
                   that never leaves machine code if that is over soon
    nearest        … or finds out first which pairs matter: a kernel that is a `search` for nearest
                   columns; the machine code is in `quantised`

`windows`, `pools`, `sampling`, `rows`, `exponentials`, `class_losses`, `alignments`, `recurrent`
and `axiswise` are machine code of another kind: convolutions, pooling, images read at grids,
normalisation, softmax, losses and recurrent layers of arrays, and what is reduced or running along
an axis; `moving` copies and fills memory. `arrays` lets such functions take NumPy's arrays as they
are.
"""
