"""Solved cases: numbers computed by hand or taken from a source, and formulas that share no code with the library."""

from __future__ import annotations

import numpy as np
from scipy import special

# Random123 (D. E. Shaw Research), file kat_vectors, "threefry4x32 20": counter, key, result.
THREEFRY_4X32_20 = (
    ((0, 0, 0, 0), (0, 0, 0, 0), (0x9C6CA96A, 0xE17EAE66, 0xFC10ECD4, 0x5256A7D8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 4, (0x2A881696, 0x57012287, 0xF6C7446E, 0xA16A6732)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0, 0x082EFA98, 0xEC4E6C89),
        (0x59CD1DBB, 0xB8879579, 0x86B5D00C, 0xAC8B6D84),
    ),
)

# Blocks with n = 2 and every √(variance/n) = 1, computed by hand; z = (1, -2), p' = (1, 1), V = [[1, 2], [3, 4]].
# One matrix, α = 1/2, λ = 2: φ(z) = (1, 0), Vφ = (1, 3), z' = (1/2, -1) + 2 (1, 3);
# Vᵀp' = (4, 6), p = (1/2, 1/2) + 2 (1, 0)∘(4, 6); squared gradient of V: 4 |p'|² |φ|² = 8.
ONE_MATRIX = {"skip": 0.5, "branch": 2.0, "after": (2.5, 5.0), "gradient": (8.5, 0.5), "weight_square": 8.0}
# Two matrices, α = 1, λ = 1/2, W = [[1, 1], [1, -1]]: h = (-1, 3), φ = (0, 3), Vφ = (6, 12), z' = (1, -2) + (3, 6);
# gradient at h: ½ (0, 1)∘(4, 6) = (0, 3), p = (1, 1) + Wᵀ(0, 3); squares: of V ¼·2·9, of W 9·|z|² = 45.
TWO_MATRIX = {"skip": 1.0, "branch": 0.5, "after": (4.0, 4.0), "gradient": (4.0, -2.0), "weight_square": 49.5}


def log_chi_square(k):
    """Mean and variance of ln χ²_k."""
    return special.digamma(k / 2) + np.log(2.0), special.polygamma(1, k / 2)


def log_active_energy(n: int) -> tuple[float, float]:
    """Mean and variance of ln χ²_K with K ~ Binomial(n, ½), given K > 0."""
    k = np.arange(1, n + 1)
    share = np.exp(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1) - n * np.log(2.0))
    share /= share.sum()
    mean, variance = log_chi_square(k)
    total = float(share @ mean)
    return total, float(share @ (variance + mean**2)) - total**2


def plain_threefry(counter, key, rounds: int = 20) -> tuple[int, ...]:
    """Threefry-4x32 as the SC11 paper describes it, on Python integers."""
    rotations = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
    word = 0xFFFFFFFF
    keys = [*key, 0x1BD11BDA ^ key[0] ^ key[1] ^ key[2] ^ key[3]]
    x = [(c + k) & word for c, k in zip(counter, key, strict=True)]
    for r in range(rounds):
        for (i, j), turn in zip(((0, 1), (2, 3)) if r % 2 == 0 else ((0, 3), (2, 1)), rotations[r % 8], strict=True):
            x[i] = (x[i] + x[j]) & word
            x[j] = (((x[j] << turn) | (x[j] >> (32 - turn))) & word) ^ x[i]
        if r % 4 == 3:
            s = (r + 1) // 4
            x = [(x[i] + keys[(s + i) % 5] + (s if i == 3 else 0)) & word for i in range(4)]
    return tuple(x)


def plain_xoshiro(state, count: int) -> list[int]:
    """xoshiro128++ as Blackman and Vigna give it, on Python integers."""
    word = 0xFFFFFFFF

    def rotl(x, k):
        return ((x << k) | (x >> (32 - k))) & word

    s, found = list(state), []
    for _ in range(count):
        found.append((rotl((s[0] + s[3]) & word, 7) + s[0]) & word)
        shifted = (s[1] << 9) & word
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotl(s[3], 11)
    return found
