"""The random numbers of the samplers: Threefry-4x32-20, one counter-based stream for each (seed, network, layer, channel).

Nothing here has a state, so any layer of any network can be drawn again, alone and in any order.

References
----------
Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (Threefry and its round constants).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from reslim.simulation.jit import inlined, kernel

U32 = np.uint32
PARITY = U32(0x1BD11BDA)

# Box–Muller in single precision: -2 ln(1+m)/m, and sin, cos of πx/2 as polynomials in x²; their errors are tested.
LOG = tuple(
    np.float32(c)
    for c in (
        -1.9999999483805564, 0.9999997591741087, -0.6666837124251139, 0.5000414868086528, -0.39913667880627274,
        0.33124778522090614, -0.29904519259733336, 0.28733721871121437, -0.1744478615992929,
    )
)  # fmt: skip
SIN = tuple(
    np.float32(c)
    for c in (1.5707963200921051, -0.6459637612934347, 0.07968992687188088, -0.004674157499656875, 0.0001516785318973031)
)
COS = tuple(
    np.float32(c)
    for c in (
        0.9999999997806542, -1.2337005343071767, 0.2536693227718465, -0.020862688386106245, 0.0009177248399962924,
        -2.3824918559841092e-05,
    )
)  # fmt: skip
TWO_LN2 = np.float32(1.3862943611198906)
SQRT_HALF_BITS = np.int32(0x3F3504F3)


class Channel(NamedTuple):
    """What a stream is for; the number of the input is added in the higher bits."""

    forward: int = 0
    inner: int = 1
    backward: int = 2
    inner_backward: int = 3
    coins: int = 4
    input: int = 5
    output: int = 6
    functional: int = 7
    scalar: int = 8


CHANNEL = Channel()
CHANNELS = 16


@inlined
def rotl(x, k):
    """Rotate a 32-bit word to the left."""
    return U32(U32(x << U32(k)) | U32(x >> U32(32 - k)))


@inlined
def mix(a, b, c, d, first, second):
    """One round on two pairs: add, rotate, exclusive or."""
    a = U32(a + b)
    b = U32(rotl(b, first) ^ a)
    c = U32(c + d)
    d = U32(rotl(d, second) ^ c)
    return a, b, c, d


@inlined
def threefry(k0, k1, k2, k3, c0, c1, c2):
    """Return the four words of Threefry-4x32-20 with key (k0 … k3) and counter (c0, c1, c2, 0)."""
    k4 = U32(PARITY ^ k0 ^ k1 ^ k2 ^ k3)
    a, b, c, d = U32(c0 + k0), U32(c1 + k1), U32(c2 + k2), k3
    a, b, c, d = mix(a, b, c, d, 10, 26)
    a, d, c, b = mix(a, d, c, b, 11, 21)
    a, b, c, d = mix(a, b, c, d, 13, 27)
    a, d, c, b = mix(a, d, c, b, 23, 5)
    a, b, c, d = U32(a + k1), U32(b + k2), U32(c + k3), U32(d + k4 + U32(1))
    a, b, c, d = mix(a, b, c, d, 6, 20)
    a, d, c, b = mix(a, d, c, b, 17, 11)
    a, b, c, d = mix(a, b, c, d, 25, 10)
    a, d, c, b = mix(a, d, c, b, 18, 20)
    a, b, c, d = U32(a + k2), U32(b + k3), U32(c + k4), U32(d + k0 + U32(2))
    a, b, c, d = mix(a, b, c, d, 10, 26)
    a, d, c, b = mix(a, d, c, b, 11, 21)
    a, b, c, d = mix(a, b, c, d, 13, 27)
    a, d, c, b = mix(a, d, c, b, 23, 5)
    a, b, c, d = U32(a + k3), U32(b + k4), U32(c + k0), U32(d + k1 + U32(3))
    a, b, c, d = mix(a, b, c, d, 6, 20)
    a, d, c, b = mix(a, d, c, b, 17, 11)
    a, b, c, d = mix(a, b, c, d, 25, 10)
    a, d, c, b = mix(a, d, c, b, 18, 20)
    a, b, c, d = U32(a + k4), U32(b + k0), U32(c + k1), U32(d + k2 + U32(4))
    a, b, c, d = mix(a, b, c, d, 10, 26)
    a, d, c, b = mix(a, d, c, b, 11, 21)
    a, b, c, d = mix(a, b, c, d, 13, 27)
    a, d, c, b = mix(a, d, c, b, 23, 5)
    return U32(a + k0), U32(b + k1), U32(c + k2), U32(d + k3 + U32(5))


@inlined
def gaussian_pair(w1, w2):
    """Return two standard normals from two words, in single precision; |g| ≤ 6.66."""
    bits = np.float32(U32(w1 | U32(1))).view(np.int32) - SQRT_HALF_BITS
    bits = np.int32(bits)
    exponent = np.int32(bits >> np.int32(23))
    m = np.int32(np.int32(bits & np.int32(0x7FFFFF)) + SQRT_HALF_BITS).view(np.float32) - np.float32(1.0)
    p = LOG[8]
    p = p * m + LOG[7]
    p = p * m + LOG[6]
    p = p * m + LOG[5]
    p = p * m + LOG[4]
    p = p * m + LOG[3]
    p = p * m + LOG[2]
    p = p * m + LOG[1]
    p = p * m + LOG[0]
    r = np.sqrt(m * p + np.float32(np.int32(32) - exponent) * TWO_LN2)
    x = np.float32(np.int32(w2) >> np.int32(3)) * np.float32(2.0**-28)
    y = x * x
    s = x * (SIN[0] + y * (SIN[1] + y * (SIN[2] + y * (SIN[3] + y * SIN[4]))))
    c = COS[0] + y * (COS[1] + y * (COS[2] + y * (COS[3] + y * (COS[4] + y * COS[5]))))
    sign = np.float32(1.0) - np.float32(2.0) * np.float32(w2 & U32(1))
    return np.float64(r * s), np.float64(r * sign * c)


@inlined
def uniform53(high, low):
    """Return a uniform number in (0, 1] from two words, a multiple of 2⁻⁵³."""
    word = (np.uint64(high) << np.uint64(21)) ^ (np.uint64(low) >> np.uint64(11))
    return (np.float64(word) + 1.0) * 2.0**-53


@kernel
def fill_words(words, seed, network, layer, channel):
    """Fill `words` (uint32, of a length divisible by 4) with one stream from its beginning. O(length)."""
    low = np.uint64(0xFFFFFFFF)
    k0, k1 = U32(seed & low), U32(seed >> np.uint64(32))
    k2, k3 = U32(network & low), U32(network >> np.uint64(32))
    c1, c2 = U32(layer), U32(channel)
    quarter = words.shape[0] // 4
    for i in range(quarter):
        a, b, c, d = threefry(k0, k1, k2, k3, U32(i), c1, c2)
        words[i], words[quarter + i], words[2 * quarter + i], words[3 * quarter + i] = a, b, c, d


@kernel
def words_to_normals(words, double, out):
    """Turn words into normals: 1 word a number in single precision (|g| ≤ 6.66), 2 in double (|g| ≤ 8.6). O(n)."""
    half = out.shape[0] // 2
    if not double:
        for i in range(half):
            out[i], out[half + i] = gaussian_pair(words[i], words[half + i])
        return
    for i in range(half):
        r = math.sqrt(-2.0 * math.log(uniform53(words[i], words[half + i])))
        angle = 2.0 * math.pi * uniform53(words[2 * half + i], words[3 * half + i])
        out[i], out[half + i] = r * math.cos(angle), r * math.sin(angle)


@kernel
def fill_normals(out, needed, double, seed, first, layer, channel):
    """Fill out[r, c] with the normals of network first + r, channel + 16 c, where needed[r, c] > 0. O(size)."""
    size = out.shape[2]
    words = np.empty(2 * size if double else size, np.uint32)
    for r in range(out.shape[0]):
        network = np.uint64(first) + np.uint64(r)
        for c in range(out.shape[1]):
            if needed[r, c] > 0.0:
                fill_words(words, seed, network, layer, channel + CHANNELS * c)
                words_to_normals(words, double, out[r, c])


@kernel
def fill_signs(signs, seed, first, layer):
    """Fill signs[r] with fair signs ±1 of network first + r, one bit each. O(size / 32)."""
    n = signs.shape[1]
    words = np.empty(4 * ((n + 127) // 128), np.uint32)
    for r in range(signs.shape[0]):
        fill_words(words, seed, np.uint64(first) + np.uint64(r), layer, CHANNEL.coins)
        for i in range(n):
            signs[r, i] = 1.0 - 2.0 * np.float64((words[i >> 5] >> U32(i & 31)) & U32(1))
