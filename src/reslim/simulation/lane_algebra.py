"""Linear algebra in lanes: vectors are arrays (n, LANES) in single precision, their sums are formed in double."""

from __future__ import annotations

import math

from reslim.simulation.generator import F32, log53
from reslim.simulation.jit import part
from reslim.simulation.lanes import LANES, doubles, doubles_of, fma, load, singles, singles_of, sqrt, store, where_greater

LN2 = math.log(2.0)
NORMAL, LOG2_LIFT = 2.0**-1022, 60.0  # below the first a double has fewer bits, and is lifted before its logarithm is taken
LIFT = 2.0**LOG2_LIFT
CHUNK = 64  # coordinates summed in single precision before they are added up in double


@part
def log_square(square, exponent):
    """Return ln(4ᵉ square) in lanes; -∞ where the square is 0. The same bits everywhere, as no library's logarithm has."""
    log = log53(where_greater(NORMAL, square, square * LIFT, square))
    log = where_greater(square, 0.0, log, where_greater(1.0, square, -math.inf, square))  # NaN stays NaN
    return fma(exponent - where_greater(NORMAL, square, 0.5 * LOG2_LIFT, 0.0), 2.0 * LN2, log)


@part
def copy(source, target):
    """Copy rows of LANES numbers. O(rows)."""
    for i in range(source.shape[0]):
        store(target, i, load(source, i))


@part
def dot(x, y, out):
    """Set out (1, LANES) to the inner products. O(n)."""
    total = doubles_of(0.0)
    n = x.shape[0]
    for begins in range(0, n, CHUNK):
        part, other = singles_of(F32(0.0)), singles_of(F32(0.0))
        for i in range(begins, min(begins + CHUNK, n), 2):
            part = fma(load(x, i), load(y, i), part)
            other = fma(load(x, i + 1), load(y, i + 1), other)
        total = total + doubles(part) + doubles(other)
    store(out, 0, total)


@part
def square_of_small(x, out):
    """Set out (1, LANES) to the squared lengths of vectors whose squares may be too small for single precision. O(n)."""
    total = doubles_of(0.0)
    for i in range(x.shape[0]):
        wide = doubles(load(x, i))
        total = total + wide * wide
    store(out, 0, total)


@part
def transposed(x, squares, row, image, p, p_square, out, scratch):
    """Turn fresh noise `out` into Wᵀp of a W of which W x = |x| image is known; |x|² is row `row` of `squares`. O(n).

    Wᵀp = x̂ (image·p) + |p| (out - x̂ (x̂·out)), x̂ = x/|x|; x = 0 has no direction. `scratch` is (3, LANES), in double.
    """
    along, across = scratch[0:1], scratch[1:2]
    dot(image, p, along)
    dot(x, out, across)
    for lane in range(LANES):
        square, length = squares[row, lane], math.sqrt(p_square[0, lane])
        known = along[0, lane] / math.sqrt(square) - length * across[0, lane] / square if square > 0.0 else 0.0
        scratch[2, lane] = known
    length, w = singles(sqrt(load(p_square, 0))), singles(load(scratch, 2))
    for i in range(x.shape[0]):
        store(out, i, fma(w, load(x, i), length * load(out, i)))


@part
def add_scaled(factors, p, t):
    """Set p = factors[0] p + factors[1] t. O(n)."""
    keep, gain = load(factors, 0), load(factors, 1)
    for i in range(p.shape[0]):
        store(p, i, fma(gain, load(t, i), keep * load(p, i)))
