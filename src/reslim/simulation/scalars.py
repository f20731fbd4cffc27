"""Scalar random variables from one stream: normal, chi-square, Binomial(n, ½). Exact, in double precision."""

from __future__ import annotations

import math

import numpy as np

from reslim.simulation.generator import CHANNEL, LOW, U32, threefry, uniform53
from reslim.simulation.jit import kernel
from reslim.simulation.lanes import LANES, load, store, words_of

BUFFER = 4 * LANES  # words drawn at once
FEW = 256  # up to here a binomial is counted bit by bit


@kernel
def refill(words, seed, network, layer, block):
    """Fill the first four rows of words (5, LANES) with Threefry's blocks number LANES block, LANES block + 1, …; O(1)."""
    for lane in range(LANES):
        words[4, lane] = U32(LANES * block + lane)
    k0, k1 = words_of(U32(seed & LOW)), words_of(U32(seed >> np.uint64(32)))
    k2, k3 = words_of(U32(network & LOW)), words_of(U32(network >> np.uint64(32)))
    a, b, c, d = threefry(k0, k1, k2, k3, load(words, 4), words_of(U32(layer)), words_of(U32(CHANNEL.scalar)))
    store(words, 0, a)
    store(words, 1, b)
    store(words, 2, c)
    store(words, 3, d)


@kernel
def word(stream, words):
    """Return the next word of a stream; stream = (seed, network, layer, position, refills)."""
    position = np.int64(stream[3])
    if position == BUFFER:
        # the counter holds 2²⁸ refills; beyond, each 2²⁸ are a stream of their own, in the higher bits of the layer
        layer = stream[2] + (stream[4] >> np.uint64(28) << np.uint64(1))
        refill(words, stream[0], stream[1], layer, np.int64(stream[4] & np.uint64(0xFFFFFFF)))
        stream[4] += np.uint64(1)
        position = 0
    stream[3] = np.uint64(position + 1)
    return words[position // LANES, position % LANES]


@kernel
def restart(stream, seed, network, layer):
    """Put a stream at its beginning; the layers 0 and 1 are two streams of one network."""
    stream[0], stream[1], stream[2] = np.uint64(seed), np.uint64(network), np.uint64(layer)
    stream[3], stream[4] = np.uint64(BUFFER), np.uint64(0)


@kernel
def uniform(stream, words):
    """Return a uniform number in (0, 1]."""
    high = word(stream, words)
    return uniform53(high, word(stream, words))


@kernel
def normal(stream, words):
    """Return a standard normal."""
    r = math.sqrt(-2.0 * math.log(uniform(stream, words)))
    return r * math.cos(2.0 * math.pi * uniform(stream, words))


@kernel
def chi_square(stream, words, k):
    """Return a chi-square variable with k ≥ 0 degrees of freedom (Marsaglia and Tsang 2000). O(1)."""
    if k == 0:
        return 0.0
    if k == 1:
        return normal(stream, words) ** 2
    d = 0.5 * k - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(stream, words)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(uniform(stream, words)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return 2.0 * d * v


@kernel
def binomial_half(stream, words, n):
    """Return a Binomial(n, ½) variable: bits counted for small n, else transformed rejection (Hörmann 1993). O(1)."""
    if n <= FEW:
        count = 0
        for i in range(n):
            if i % 32 == 0:
                bits = word(stream, words)
            count += np.int64((bits >> np.uint32(i % 32)) & np.uint32(1))
        return count
    spread = 0.5 * math.sqrt(n)
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.005
    alpha = (2.83 + 5.1 / b) * spread
    mode = (n + 1) // 2
    top = math.lgamma(mode + 1.0) + math.lgamma(n - mode + 1.0)
    while True:
        u = uniform(stream, words) - 0.5
        v = uniform(stream, words)
        s = 0.5 - abs(u)
        if s <= 0.0:
            continue
        k = math.floor((2.0 * a / s + b) * u + 0.5 * n + 0.5)
        if k < 0 or k > n:
            continue
        log_v = math.log(v * alpha / (a / (s * s) + b))
        if log_v <= top - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0):
            return np.int64(k)
