"""Means and co-moments of several columns, merged block by block: the covariance between layers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.jit import kernel

Array = NDArray[np.float64]


class Comoments(NamedTuple):
    """Of the rows that are finite throughout: how many, their mean, and Σ (x - mean)(x - mean)ᵀ."""

    count: int
    mean: Array
    products: Array

    def plus(self, other: Comoments) -> Comoments:
        """Return the co-moments of both together (Pébay 2008, equation 3.11); the order decides the last bits."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        difference = other.mean - self.mean
        crossed = np.outer(difference, difference) * (self.count * (other.count / count))
        return Comoments(count, self.mean + difference * (other.count / count), self.products + other.products + crossed)

    @property
    def covariance(self) -> Array:
        """The unbiased covariance; NaN where fewer than two rows are finite."""
        return self.products / (self.count - 1) if self.count > 1 else np.full(self.products.shape, np.nan)


def of(draws: Array) -> Comoments:
    """Return the co-moments of the columns of draws (networks, columns)."""
    complete = draws[np.isfinite(draws).all(axis=1)]
    products = np.zeros((draws.shape[1], draws.shape[1]))
    mean = complete.mean(axis=0) if len(complete) else np.zeros(draws.shape[1])
    _add_products(complete - mean, products)
    return Comoments(len(complete), mean, products)


@kernel
def _add_products(rows, products):
    """Add Σ x xᵀ over the rows: not by BLAS, whose bits depend on its own threads. O(rows · columns²)."""
    columns = rows.shape[1]
    for r in range(rows.shape[0]):
        for i in range(columns):
            x = rows[r, i]
            for j in range(i + 1):
                products[i, j] += x * rows[r, j]
    for i in range(columns):
        for j in range(i):
            products[j, i] = products[i, j]
