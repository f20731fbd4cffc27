"""The random numbers of the samplers: one stream for each (seed, network, layer, channel), in lanes.

A stream is xoshiro128++, whose four words are one block of Threefry-4x32-20 with the key (seed, network) and the counter
(0, layer, channel, 0). Nothing outside has a state, so any layer of any network can be drawn again, alone and in any order,
and a network's numbers do not depend on the lane it sits in. Two words make two normals (Box–Muller), four in double
precision; two of their bits that the transform does not use are fair coins.

References
----------
Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (Threefry and its round constants).
Blackman, Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021) (xoshiro128++).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from reslim.simulation.jit import inlined, kernel, part
from reslim.simulation.lanes import (
    LANES,
    as_doubles,
    as_floats,
    as_long_words,
    as_words,
    doubles,
    doubles_of,
    floats,
    fma,
    load,
    rotl,
    shl,
    shr,
    sqrt,
    store,
    words_of,
)

U32 = np.uint32
F32 = np.float32
PARITY = U32(0x1BD11BDA)
LOW = np.uint64(0xFFFFFFFF)

# Box–Muller in single precision: -2 ln(1+m)/m, and sin, cos of πx/2 as polynomials in x²; their errors are tested.
LOG = tuple(
    F32(c)
    for c in (
        -1.9999999483805564, 0.9999997591741087, -0.6666837124251139, 0.5000414868086528, -0.39913667880627274,
        0.33124778522090614, -0.29904519259733336, 0.28733721871121437, -0.1744478615992929,
    )
)  # fmt: skip
SIN = tuple(
    F32(c) for c in (1.5707963200921051, -0.6459637612934347, 0.07968992687188088, -0.004674157499656875, 0.0001516785318973031)
)
COS = tuple(
    F32(c)
    for c in (
        0.9999999997806542, -1.2337005343071767, 0.2536693227718465, -0.020862688386106245, 0.0009177248399962924,
        -2.3824918559841092e-05,
    )
)  # fmt: skip
MINUS_TWO_LN2 = F32(-1.3862943611198906 * 2.0**-23)  # of exponents that stand in their place in the word
SQRT_HALF_BITS = U32(0x3F3504F3)
SQRT_HALF_BITS_31 = U32(0x3F3504F3 + (31 << 23))  # of 2³¹ √½

# The same in double precision: the constants of R in `log53`, and of sin and cos on an eighth of a turn, as in FreeBSD's msun.
LOG53 = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
SIN53 = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
    -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
COS53 = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, -2.75573143513906633035e-07,
    2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # few bits, so that times k is exact
HALF_PI = 0.5 * math.pi
ROUNDER53 = 1.5 * 2.0**52  # adding it rounds to a whole number and leaves it in the lowest bits
SQRT_HALF_BITS53 = np.uint64(0x3FE6A09E667F3BCD)
MANTISSA53, ONE_BITS53, ZERO53 = np.uint64((1 << 52) - 1), np.uint64(1023 << 52), np.uint64(0)


class Channel(NamedTuple):
    """What a stream is for; the number of the input is added in the higher bits."""

    forward: int = 0
    inner: int = 1
    backward: int = 2
    inner_backward: int = 3
    input: int = 4
    output: int = 5
    functional: int = 6
    scalar: int = 7
    tangent: int = 8


CHANNEL = Channel()
CHANNELS = 16


@inlined
def mix(a, b, c, d, first, second):
    """One round on two pairs: add, rotate, exclusive or."""
    a = a + b
    c = c + d
    return a, rotl(b, first) ^ a, c, rotl(d, second) ^ c


@inlined
def four_rounds(a, b, c, d, r0, r1, r2, r3, r4, r5, r6, r7):
    """Four rounds of Threefry, with their rotations."""
    a, b, c, d = mix(a, b, c, d, r0, r1)
    a, d, c, b = mix(a, d, c, b, r2, r3)
    a, b, c, d = mix(a, b, c, d, r4, r5)
    a, d, c, b = mix(a, d, c, b, r6, r7)
    return a, b, c, d


@inlined
def threefry(k0, k1, k2, k3, c0, c1, c2):
    """Return the four words of Threefry-4x32-20 with key (k0 … k3) and counter (c0, c1, c2, 0), in lanes."""
    k4 = k0 ^ k1 ^ k2 ^ k3 ^ PARITY
    a, b, c, d = c0 + k0, c1 + k1, c2 + k2, k3
    a, b, c, d = four_rounds(a, b, c, d, 10, 26, 11, 21, 13, 27, 23, 5)
    a, b, c, d = four_rounds(a + k1, b + k2, c + k3, d + k4 + 1, 6, 20, 17, 11, 25, 10, 18, 20)
    a, b, c, d = four_rounds(a + k2, b + k3, c + k4, d + k0 + 2, 10, 26, 11, 21, 13, 27, 23, 5)
    a, b, c, d = four_rounds(a + k3, b + k4, c + k0, d + k1 + 3, 6, 20, 17, 11, 25, 10, 18, 20)
    a, b, c, d = four_rounds(a + k4, b + k0, c + k1, d + k2 + 4, 10, 26, 11, 21, 13, 27, 23, 5)
    return a + k0, b + k1, c + k2, d + k3 + 5


@kernel
def networks_of(first, key):
    """Write the numbers of the networks first … first + LANES - 1 into key (2, LANES): low words, high words."""
    for lane in range(LANES):
        network = np.uint64(first) + np.uint64(lane)
        key[0, lane], key[1, lane] = U32(network & LOW), U32(network >> np.uint64(32))


@kernel
def begin(stream, seed, key, layer, channel):
    """Put the stream (4, LANES) of the networks in `key` at its beginning."""
    k0, k1 = words_of(U32(seed & LOW)), words_of(U32(seed >> np.uint64(32)))
    c0, c1, c2 = words_of(U32(0)), words_of(U32(layer)), words_of(U32(channel))
    a, b, c, d = threefry(k0, k1, load(key, 0), load(key, 1), c0, c1, c2)
    store(stream, 0, a)
    store(stream, 1, b)
    store(stream, 2, c)
    store(stream, 3, d)


@inlined
def next_word(s0, s1, s2, s3):
    """Return the next word of xoshiro128++, and its four words of state."""
    word = rotl(s0 + s3, 7) + s0
    shifted = shl(s1, 9)
    s2 = s2 ^ s0
    s3 = s3 ^ s1
    s1 = s1 ^ s2
    s0 = s0 ^ s3
    return word, s0, s1, s2 ^ shifted, rotl(s3, 11)


@inlined
def gaussian_pair(w1, w2):
    """Return two standard normals from two words, in single precision; |g| ≤ 6.56. Bits 1 and 2 of w2 stay unused.

    r = √(-2 ln u), u = f/2³¹ = 2ᵉ (1 + m)/2³¹ with f odd, times sin and cos of an angle in [-π/2, π/2), and a sign.
    """
    f = as_words(floats(shr(w1, 1) | 1)) - SQRT_HALF_BITS_31
    m = as_floats((f & 0x7FFFFF) + SQRT_HALF_BITS) - F32(1.0)
    m2 = m * m
    low = fma(m2, fma(m, LOG[3], LOG[2]), fma(m, LOG[1], LOG[0]))
    high = fma(m2 * m2, LOG[8], fma(m2, fma(m, LOG[7], LOG[6]), fma(m, LOG[5], LOG[4])))
    log = fma(m2 * m2, high, low)
    r = sqrt(fma(m, log, floats(f & 0xFF800000) * MINUS_TWO_LN2))
    x = floats(w2 & 0xFFFFFFF8) * F32(2.0**-31)
    y = x * x
    sine = fma(fma(fma(fma(y, SIN[4], SIN[3]), y, SIN[2]), y, SIN[1]), y, SIN[0])
    cosine = fma(fma(fma(fma(fma(y, COS[5], COS[4]), y, COS[3]), y, COS[2]), y, COS[1]), y, COS[0])
    return (r * x) * sine, as_floats(as_words(r) ^ shl(w2, 31)) * cosine


@inlined
def uniform53(high, low):
    """Return a uniform number in (0, 1] from two words, a multiple of 2⁻⁵³; the lowest 11 bits of `low` stay unused."""
    word = (np.uint64(high) << np.uint64(21)) ^ (np.uint64(low) >> np.uint64(11))
    return (np.float64(word) + 1.0) * 2.0**-53


@kernel
def fill_single(stream, out):
    """Fill out (n, LANES), n even, with normals of single precision, from the stream's beginning. O(n)."""
    s0, s1, s2, s3 = load(stream, 0), load(stream, 1), load(stream, 2), load(stream, 3)
    for i in range(0, out.shape[0], 2):
        w1, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        w2, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        g, h = gaussian_pair(w1, w2)
        store(out, i, g)
        store(out, i + 1, h)


@kernel
def fill_words(stream, out):
    """Fill out (count, LANES) with the next words of the stream. O(count)."""
    s0, s1, s2, s3 = load(stream, 0), load(stream, 1), load(stream, 2), load(stream, 3)
    for i in range(out.shape[0]):
        w, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        store(out, i, w)
    store(stream, 0, s0)
    store(stream, 1, s1)
    store(stream, 2, s2)
    store(stream, 3, s3)


@part
def log53(u):
    """Return ln u for normal u > 0, in lanes: u = 2ᵏ (1 + f), ln(1 + f) = f - f²/2 + s (f²/2 + R(s²)), s = f/(2 + f)."""
    bits = as_long_words(u) - SQRT_HALF_BITS53
    k = doubles(shr(bits + ONE_BITS53, 52)) - 1023.0
    f = as_doubles((bits & MANTISSA53) + SQRT_HALF_BITS53) - 1.0
    s = f / (2.0 + f)
    z = s * s
    rest = doubles_of(LOG53[6])
    for c in range(5, -1, -1):
        rest = fma(rest, z, LOG53[c])
    half = 0.5 * f * f
    return fma(k, LN2_HIGH, f - (half - fma(k, LN2_LOW, s * fma(rest, z, half))))


@part
def turn53(v):
    """Return cos and sin of 2π v for v in (0, 1], in lanes, from the nearest quarter of a turn."""
    t = 4.0 * v
    shifted = t + ROUNDER53
    quarters, y = as_long_words(shifted), (t - (shifted - ROUNDER53)) * HALF_PI
    z = y * y
    sine, cosine = doubles_of(SIN53[5]), doubles_of(COS53[5])
    for c in range(4, -1, -1):
        sine, cosine = fma(sine, z, SIN53[c]), fma(cosine, z, COS53[c])
    sine, cosine = as_long_words(fma(y * z, sine, y)), as_long_words(fma(z * z, cosine, fma(z, -0.5, 1.0)))
    swapped = (sine ^ cosine) & (ZERO53 - (quarters & 1))
    sine, cosine = sine ^ swapped ^ shl(quarters & 2, 62), cosine ^ swapped ^ shl((quarters + 1) & 2, 62)
    return as_doubles(cosine), as_doubles(sine)


@inlined
def uniforms53(high, low):
    """`uniform53` in lanes."""
    return fma(doubles(high), 2.0**21, doubles(shr(low, 11)) + 1.0) * 2.0**-53


@inlined
def gaussian_pair53(w1, w2, w3, w4):
    """Return two standard normals from four words, in double precision; |g| ≤ 8.6. Bits 1 and 2 of w4 stay unused."""
    r = sqrt(-2.0 * log53(uniforms53(w1, w3)))
    cosine, sine = turn53(uniforms53(w2, w4))
    return r * cosine, r * sine


@kernel
def fill_double(stream, out):
    """Fill out (n, LANES), n even, with normals of double precision, from the stream's beginning. O(n)."""
    s0, s1, s2, s3 = load(stream, 0), load(stream, 1), load(stream, 2), load(stream, 3)
    for i in range(0, out.shape[0], 2):
        w1, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        w2, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        w3, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        w4, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        g, h = gaussian_pair53(w1, w2, w3, w4)
        store(out, i, g)
        store(out, i + 1, h)


@kernel
def fill(stream, double, out):
    """Fill out (n, LANES), n even, in double precision, with normals of either precision. O(n)."""
    if double:
        fill_double(stream, out)
    else:
        fill_single(stream, out)


@kernel
def fill_coins(stream, words, coins):
    """Fill coins (n, LANES), n even, with the fair ±1 that come with the stream's normals; `words` is one pair's. O(n)."""
    for i in range(0, coins.shape[0], 2):
        fill_words(stream, words)
        for lane in range(LANES):
            spare = words[-1, lane]
            coins[i, lane] = 1.0 - np.float64(spare & U32(2))
            coins[i + 1, lane] = 1.0 - 0.5 * np.float64(spare & U32(4))
