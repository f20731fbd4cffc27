"""The algebra of the matrix-free sampler on batches: arrays of shape (networks, inputs, n), one network after the other.

Every sum runs within one network in a fixed order, so a network's bits do not depend on its batch.
"""

from __future__ import annotations

import math

import numpy as np

from reslim.simulation.jit import kernel

NULL = 1e-26  # a vector whose part orthogonal to the earlier ones is below this share of its square is dependent
LN2 = math.log(2.0)
SAFE = 2.0**64  # squared norms outside [1/SAFE, SAFE] are rescaled by a power of two, which is exact


@kernel
def dot(x, y):
    """Return the inner product, summed in eight fixed lanes: fast, and the same bits everywhere. O(n)."""
    a = b = c = d = e = f = g = h = 0.0
    n = x.shape[0]
    whole = n - n % 8
    for i in range(0, whole, 8):
        a += x[i] * y[i]
        b += x[i + 1] * y[i + 1]
        c += x[i + 2] * y[i + 2]
        d += x[i + 3] * y[i + 3]
        e += x[i + 4] * y[i + 4]
        f += x[i + 5] * y[i + 5]
        g += x[i + 6] * y[i + 6]
        h += x[i + 7] * y[i + 7]
    for i in range(whole, n):
        a += x[i] * y[i]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@kernel
def inner_products(x, y, out):
    """Set out[r, a] = x[r, a] · y[r, a]. O(size)."""
    for r in range(x.shape[0]):
        for a in range(x.shape[1]):
            out[r, a] = dot(x[r, a], y[r, a])


@kernel
def project_out(vector, basis, squares, weights, count):
    """Make `vector` orthogonal to the first `count` basis vectors and add its coefficients to `weights`. O(n count)."""
    for c in range(count):
        if squares[c] > 0.0:
            weight = dot(vector, basis[c]) / squares[c]
            weights[c] += weight
            for i in range(vector.shape[0]):
                vector[i] -= weight * basis[c, i]


@kernel
def orthogonalise(x, basis, squares, lower):
    """Write x[r, a] = Σ_{c ≤ a} lower[r, a, c] basis[r, c], orthogonal, of squared length `squares`. O(n m²) a network.

    A dependent vector (identical, opposite, dead) gets the basis vector zero. For identical or opposite vectors the
    coefficients are exactly ±1, so that everything computed from them is identical or opposite to the last bit.
    """
    networks, m, n = x.shape
    for r in range(networks):
        for a in range(m):
            vector = basis[r, a]
            for i in range(n):
                vector[i] = x[r, a, i]
            lower[r, a, :a], lower[r, a, a] = 0.0, 1.0
            square = remaining = dot(vector, vector)
            if a > 0:
                project_out(vector, basis[r], squares[r], lower[r, a], a)
                project_out(vector, basis[r], squares[r], lower[r, a], a)  # twice: nearly dependent vectors stay exact
                remaining = dot(vector, vector)
            squares[r, a] = remaining
            if remaining <= NULL * square:
                squares[r, a], vector[:] = 0.0, 0.0


@kernel
def combine(lower, squares, noise, gain, keep, out):
    """Set out[r, a] = keep out[r, a] + gain Σ_{c ≤ a} lower[r, a, c] √squares[r, c] noise[r, c]. O(n m²) a network.

    The sum is a Gaussian matrix times the vectors that `orthogonalise` took apart.
    """
    networks, m, n = out.shape
    for r in range(networks):
        for a in range(m):
            for i in range(n):
                out[r, a, i] *= keep
            for c in range(a + 1):
                weight = gain * lower[r, a, c] * math.sqrt(squares[r, c])
                if weight != 0.0:
                    for i in range(n):
                        out[r, a, i] += weight * noise[r, c, i]


@kernel
def condition(basis, squares, noise, p, out):
    """Turn out = Wᵀp of a fresh W into that of a W with W basis[c] = √squares[c] noise[c]. O(n m²) a network.

    Wᵀp = Σ_c basis_c (W basis_c · p)/squares_c + (I - P) out, with P the projection on the span of the basis.
    """
    networks, m, n = out.shape
    for r in range(networks):
        for a in range(m):
            for c in range(m):
                if squares[r, c] > 0.0:
                    along = dot(noise[r, c, :n], p[r, a]) / math.sqrt(squares[r, c])
                    weight = along - dot(basis[r, c], out[r, a]) / squares[r, c]
                    for i in range(n):
                        out[r, a, i] += weight * basis[r, c, i]


@kernel
def rescale(x, exponents):
    """Bring each vector's squared norm into the safe range by a power of two and keep the exponent. O(size)."""
    networks, m, n = x.shape
    for r in range(networks):
        for a in range(m):
            square = dot(x[r, a], x[r, a])
            if square == 0.0:
                exponents[r, a] = 0
            elif not 1.0 / SAFE <= square <= SAFE:
                shift = math.frexp(square)[1] // 2
                exponents[r, a] += shift
                for i in range(n):
                    x[r, a, i] *= math.ldexp(1.0, -shift)


@kernel
def log_squares(x, exponents, out):
    """Set out = ln |2ᵉ x|². O(size)."""
    for r in range(x.shape[0]):
        for a in range(x.shape[1]):
            out[r, a] = np.log(dot(x[r, a], x[r, a])) + 2.0 * LN2 * exponents[r, a]


@kernel
def log_distances(x, exponents, y, y_exponents, out):
    """Set out = ln |2ᵉ x - 2ᶠ y|, exact also where one of the two is negligible. O(size)."""
    networks, m, n = x.shape
    for r in range(networks):
        for a in range(m):
            top = max(exponents[r, a], y_exponents[r, a])
            u = math.ldexp(1.0, max(exponents[r, a] - top, -1000))
            v = math.ldexp(1.0, max(y_exponents[r, a] - top, -1000))
            total = 0.0
            for i in range(n):
                total += (u * x[r, a, i] - v * y[r, a, i]) ** 2
            out[r, a] = 0.5 * np.log(total) + LN2 * top


@kernel
def cosines(x, out):
    """Set out[r, a, b] to the cosine between x[r, a] and x[r, b]. O(n m²) a network."""
    networks, m, _ = x.shape
    for r in range(networks):
        for a in range(m):
            for b in range(m):
                squares = dot(x[r, a], x[r, a]) * dot(x[r, b], x[r, b])
                cosine = dot(x[r, a], x[r, b]) / math.sqrt(squares)
                out[r, a, b] = math.copysign(1.0, cosine) if abs(cosine) > 1.0 else cosine


@kernel
def log_sum(logs, exponents, offset, total):
    """Turn squares × 2²ᵉ into logs minus `offset`, in place, and add them to `total` (a logarithm of a sum). O(size)."""
    for r in range(logs.shape[0]):
        for a in range(logs.shape[1]):
            logs[r, a] = np.log(logs[r, a]) + 2.0 * LN2 * exponents[r, a] - offset[r, a]
            high, low = max(total[r, a], logs[r, a]), min(total[r, a], logs[r, a])
            if low > -np.inf:
                high += math.log1p(math.exp(low - high))
            total[r, a] = high
