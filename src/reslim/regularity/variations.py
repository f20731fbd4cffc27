"""Mean squares of filtered paths at several lags, for weights and for fractional noise: what `hurst` fits a line to.

The path is X_0 = 0, X_k = W_0 + … + W_(k-1); the filter a at the lag m gives D_i = Σ_p a_p X_(i+pm), and the mean square
Q_m of the D_i grows like m^2H. docs/derivations/regularity.md has the formulas.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FIRST, SECOND = np.array([-1.0, 1.0]), np.array([1.0, -2.0, 1.0])
AT_ONCE = 2**20  # numbers that are filtered together


def mean_squares(weights: Array, coefficients: Array, lags: list[int]) -> Array:
    """Return Q_m of every entry, shape (lags, entries), for weights (depth, entries)."""
    depth, entries = weights.shape
    found, size = np.empty((len(lags), entries)), max(1, AT_ONCE // depth)
    for first in range(0, entries, size):
        block = weights[:, first : first + size]
        path = np.concatenate([np.zeros((1, block.shape[1])), block.cumsum(axis=0)])
        for place, lag in enumerate(lags):
            found[place, first : first + size] = np.square(_filtered(path, coefficients, lag)).mean(axis=0)
    return found


def _filtered(path: Array, coefficients: Array, lag: int) -> Array:
    count = len(path) - lag * (len(coefficients) - 1)
    return sum((a * path[p * lag : p * lag + count] for p, a in enumerate(coefficients)), np.zeros(1))


def relative_covariance(hurst: float, depth: int, coefficients: Array, lags: list[int]) -> Array:
    """Return Cov(Q_m, Q_n)/(E Q_m E Q_n) of one entry of fractional noise, exact at every depth; O(depth lags²)."""
    counts = [depth + 1 - lag * (len(coefficients) - 1) for lag in lags]
    found = np.empty((len(lags), len(lags)))
    powers = np.arange(depth + 1.0) ** (2.0 * hurst)  # of all distances on the path
    means = [_covariance(powers, coefficients, lag, lag, np.zeros(1, np.int64))[0] for lag in lags]
    for a, m in enumerate(lags):
        for b, n in enumerate(lags[: a + 1]):
            apart = np.arange(1 - counts[b], counts[a])  # i - j, for i < counts[a], j < counts[b]
            times = np.minimum(np.minimum(counts[a] - apart, counts[b] + apart), min(counts[a], counts[b]))
            total = times @ np.square(_covariance(powers, coefficients, m, n, apart))
            found[a, b] = found[b, a] = 2.0 * total / (counts[a] * counts[b] * means[a] * means[b])
    return found


def _covariance(powers: Array, coefficients: Array, m: int, n: int, apart: NDArray[np.int64]) -> Array:
    """Return the covariance of D_i at the lag m and D_j at the lag n, i - j = apart."""
    pairs = [(p, q) for p in range(len(coefficients)) for q in range(len(coefficients))]
    terms = (coefficients[p] * coefficients[q] * powers[np.abs(apart + p * m - q * n)] for p, q in pairs)
    return -0.5 * sum(terms, np.zeros(1))
