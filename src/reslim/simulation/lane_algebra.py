"""Linear algebra in lanes: vectors are arrays (n, LANES) in single precision, their sums are formed in double."""

from __future__ import annotations

import math

import numpy as np

from reslim.simulation.generator import F32, ROUNDER53, gaussian_pair, log53, next_word
from reslim.simulation.jit import inlined, part
from reslim.simulation.lanes import (
    as_doubles,
    as_long_words,
    doubles,
    doubles_of,
    fma,
    load,
    shl,
    shr,
    singles,
    singles_of,
    sqrt,
    store,
    where_greater,
)

LN2 = math.log(2.0)
NORMAL, LOG2_LIFT = 2.0**-1022, 60.0  # below the first a double has fewer bits, and is lifted before its logarithm is taken
LIFT = 2.0**LOG2_LIFT
SAFE = 2.0**20  # where a mean square would leave [1/SAFE, SAFE], its vector is rescaled by a power of two
MOST_EXPONENT = 900.0  # of a scale: beyond it every activation has reached its limit to the last bit
BIAS53 = np.uint64(1023)  # of the exponent of a double
CHUNK = 64  # coordinates summed in single precision before they are added up in double


@part
def log_square(square, exponent):
    """Return ln(4ᵉ square) in lanes; -∞ where the square is 0. The same bits everywhere, as no library's logarithm has."""
    log = log53(where_greater(NORMAL, square, square * LIFT, square))
    log = where_greater(square, 0.0, log, where_greater(1.0, square, -math.inf, square))  # NaN stays NaN
    return fma(exponent - where_greater(NORMAL, square, 0.5 * LOG2_LIFT, 0.0), 2.0 * LN2, log)


@part
def power(exponent):
    """Return 2ᵉ in lanes, of whole numbers e within ±1022."""
    return as_doubles(shl(as_long_words(exponent + ROUNDER53) + BIAS53, 52))


@part
def power_within(exponent, most):
    """Return 2ᵉ in lanes, with the whole number e within ± most."""
    return power(where_greater(exponent, most, most, where_greater(-most, exponent, -most, exponent)))


@part
def rescaling(mean_square):
    """Return the exponent e to take out of what has this mean square, and 2⁻ᵉ, in lanes; 0 in the safe range, and of 0."""
    e = doubles(shr(as_long_words(mean_square), 53)) - 511.0
    e = where_greater(mean_square, SAFE, e, where_greater(1.0 / SAFE, mean_square, e, 0.0))
    e = where_greater(mean_square, 0.0, e, 0.0)
    return e, power(e * -1.0)


@part
def add_power(x, e, y, f):
    """Return x 4ᵉ + y 4ᶠ as a mantissa and an exponent, in lanes; what is 0 has no exponent."""
    top = where_greater(x, 0.0, where_greater(f, e, f, e), f)
    u, v = power_within(e - top, 500.0), power_within(f - top, 500.0)
    return where_greater(y, 0.0, x * u * u + y * v * v, x), where_greater(y, 0.0, top, e)


@part
def copy(source, target):
    """Copy rows of LANES numbers. O(rows)."""
    for i in range(source.shape[0]):
        store(target, i, load(source, i))


@part
def dot(x, y):
    """Return the inner products. O(n)."""
    total = doubles_of(0.0)
    n = x.shape[0]
    for begins in range(0, n, CHUNK):
        part, other = singles_of(F32(0.0)), singles_of(F32(0.0))
        for i in range(begins, min(begins + CHUNK, n), 2):
            part = fma(load(x, i), load(y, i), part)
            other = fma(load(x, i + 1), load(y, i + 1), other)
        total = total + doubles(part) + doubles(other)
    return total


@part
def add_scaled(factors, p, t):
    """Set p = factors[0] p + factors[1] t, and return |p|². O(n)."""
    keep, gain, total = load(factors, 0), load(factors, 1), doubles_of(0.0)
    n = p.shape[0]
    for begins in range(0, n, CHUNK):
        part, other = singles_of(F32(0.0)), singles_of(F32(0.0))
        for i in range(begins, min(begins + CHUNK, n), 2):
            one = fma(gain, load(t, i), keep * load(p, i))
            two = fma(gain, load(t, i + 1), keep * load(p, i + 1))
            store(p, i, one)
            store(p, i + 1, two)
            part, other = fma(one, one, part), fma(two, two, other)
        total = total + doubles(part) + doubles(other)
    return total


@inlined
def noise_times(stream, x, n, out, kept):
    """Return g · x of the stream's first n normals g, and put them into out where they are kept. O(n)."""
    s0, s1, s2, s3 = load(stream, 0), load(stream, 1), load(stream, 2), load(stream, 3)
    total, zero = doubles_of(0.0), singles_of(F32(0.0))
    for begins in range(0, n, CHUNK):
        part, other = zero, zero
        for i in range(begins, min(begins + CHUNK, n), 2):
            w1, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            w2, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            one, two = gaussian_pair(w1, w2)
            if i + 1 == n:  # the row beyond an odd width stays 0
                two = zero
            if kept:
                store(out, i, one)
                store(out, i + 1, two)
            part, other = fma(one, load(x, i), part), fma(two, load(x, i + 1), other)
        total = total + doubles(part) + doubles(other)
    return total


@part
def share_along(square, along, p_length, across):
    """Return w of Wᵀp = w x + |p| (fresh noise), in lanes, for a W of which W x = |x| image is known.

    Wᵀp = x̂ (image·p) + |p| (noise - x̂ (x̂·noise)), x̂ = x/|x|; x = 0 has no direction. Given are |x|², image · p, |p| and
    x · noise.
    """
    return singles(where_greater(square, 0.0, along / sqrt(square) - p_length * across / square, 0.0))
