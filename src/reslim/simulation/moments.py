"""Means and central moments to the fourth order, merged block by block.

References
----------
Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments",
SAND2008-6212, equations 2.1, 3.1 (of the orders 2 and 4 here).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.jit import allocating

Array = NDArray[np.float64]
LARGEST = np.finfo(np.float64).max


class Moments(NamedTuple):
    """Of each column: how many draws are finite, their mean, and Σ (x - mean)^k for k = 2, 3, 4."""

    count: Array
    mean: Array
    second: Array
    third: Array
    fourth: Array

    def plus(self, other: Moments) -> Moments:
        """Return the moments of both together; the order of the two decides the last bits."""
        n_a, n_b = self.count, other.count
        n = np.maximum(n_a + n_b, 1.0)
        d = np.where((n_a > 0) & (n_b > 0), other.mean - self.mean, 0.0)
        share_a, share_b = n_a / n, n_b / n
        pairs = n_a * share_b
        mean = np.where(n_a > 0, self.mean + d * share_b, other.mean)
        second = self.second + other.second + d**2 * pairs
        third = self.third + other.third + d**3 * pairs * (share_a - share_b)
        third += 3.0 * d * (share_a * other.second - share_b * self.second)
        fourth = self.fourth + other.fourth + d**4 * pairs * (share_a**2 - share_a * share_b + share_b**2)
        fourth += 6.0 * d**2 * (share_a**2 * other.second + share_b**2 * self.second)
        fourth += 4.0 * d * (share_a * other.third - share_b * self.third)
        return Moments(n_a + n_b, mean, second, third, fourth)


def of(draws: Array) -> Moments:
    """Return the moments of the finite draws of each column of (networks, columns)."""
    found = np.zeros((len(Moments._fields), draws.shape[1]))
    _moments(draws, found)
    return Moments(*found)


@allocating
def _moments(draws, found):
    """Two passes, for the mean and about it; the first draw is taken off before the mean, so a constant has no spread."""
    rows, columns = draws.shape
    count, mean, second, third, fourth = found[0], found[1], found[2], found[3], found[4]
    shift = np.empty(columns)
    for c in range(columns):
        shift[c] = draws[0, c] if abs(draws[0, c]) <= LARGEST else 0.0
    for r in range(rows):
        for c in range(columns):
            finite = abs(draws[r, c]) <= LARGEST
            count[c] += 1.0 if finite else 0.0
            mean[c] += draws[r, c] - shift[c] if finite else 0.0
    for c in range(columns):
        mean[c] = shift[c] + mean[c] / max(count[c], 1.0)
    for r in range(rows):
        for c in range(columns):
            d = draws[r, c] - mean[c] if abs(draws[r, c]) <= LARGEST else 0.0
            square = d * d
            second[c] += square
            third[c] += square * d
            fourth[c] += square * square
