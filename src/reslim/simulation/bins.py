"""Quantiles without the draws: bins that a first block of draws makes about equally full, each with its extreme draws.

Counts, minima and maxima do not depend on the order in which draws arrive, so any number of threads may add them.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.jit import kernel

Array = NDArray[np.float64]
MOST_BINS, FEWEST_BINS = 1024, 256  # of a column: they stay in the nearest cache
MOST_CELLS = 2**20  # bins of all columns together
TAILS = (0.01, 0.99)  # levels of the first block between which bins are cut …
MARGIN = 0.25  # … and how much farther on each side: the levels 0.05 and 0.95 of all draws are then inside
LARGEST = 5e307  # of an end of the bins: their range is a float64
GROUP = 16  # columns under one lock


def bins_for(columns: int) -> int:
    """Return the number of bins of a column: 1024 up to 1024 columns, fewer for more."""
    fitting = max(MOST_CELLS // max(columns, 1), FEWEST_BINS)
    return min(MOST_BINS, 1 << (fitting.bit_length() - 1))


def size_in_bytes(columns: int) -> int:
    """Return the memory that the bins of so many columns take."""
    return 24 * columns * bins_for(columns)


class Bins:
    """Of each column some hundred bins: count, smallest and largest draw.

    `low` and `scale` say in which of equal cells a draw lies, the first and the last being what is beyond; `guide`, for
    each cell, the number of its first bin and of its bins, the more the fuller the cell was in the first block.
    """

    def __init__(self, first_block: Array) -> None:
        columns = first_block.shape[1]
        bins = bins_for(columns)
        self.low, self.scale = _range(first_block, bins // 4)
        self.guide = _guide(_cells(first_block, self.low, self.scale, bins // 4), bins)
        self.table = np.empty((columns, bins, 3))
        self.table[:] = (0.0, np.inf, -np.inf)
        self.locks = [Lock() for _ in range(0, columns, GROUP)]

    def add(self, draws: Array, start: int = 0) -> None:
        """Count draws (networks, columns), from the lock number `start` on: threads that start apart do not meet."""
        for step in range(len(self.locks)):
            group = (start + step) % len(self.locks)
            with self.locks[group]:
                place = slice(GROUP * group, GROUP * (group + 1))
                _count(draws[:, place], self.low[place], self.scale[place], self.guide[place], self.table[place])

    def quantiles(self, levels: Sequence[float]) -> Array:
        """Return the quantiles (levels, columns), as numpy's "linear" ones; NaN where no draw is finite.

        In a bin the order statistics are spread evenly from its smallest draw to its largest.
        """
        found = [_quantiles(column, np.array(levels)) for column in self.table]
        return np.array(found).reshape(len(self.table), len(levels)).T


def _range(draws: Array, cells: int) -> tuple[Array, Array]:
    """Return where the cells of each column begin, and how many there are for a difference of one."""
    finite = np.isfinite(draws)
    ordered = np.sort(np.where(finite, draws, np.inf).T, axis=1)  # what is not finite comes last
    last = np.maximum(finite.sum(axis=0) - 1, 0)
    low, high = (ordered[np.arange(len(ordered)), np.rint(level * last).astype(np.int64)] for level in TAILS)
    low, high = np.clip(np.where(np.isfinite([low, high]), [low, high], 0.0), -LARGEST, LARGEST)
    margin = MARGIN * (high - low) + 1e-12 * np.abs(high) + 1e-300  # never nothing
    return low - margin, cells / (high - low + 2.0 * margin)


def _cells(draws: Array, low: Array, scale: Array, cells: int) -> NDArray[np.int64]:
    """Return how many finite draws of each column lie in each cell."""
    with np.errstate(invalid="ignore", over="ignore"):
        place = np.clip((draws - low) * scale + 1.0, 0.0, cells + 1.0)
    shifted = place + (cells + 2) * np.arange(draws.shape[1])
    counts = np.bincount(shifted[np.isfinite(draws)].astype(np.int64), minlength=(cells + 2) * draws.shape[1])
    return counts.astype(np.int64).reshape(draws.shape[1], cells + 2)


def _guide(counts: NDArray[np.int64], bins: int) -> Array:
    """Return the number of the first bin of each cell, and how many bins it has: one, and more by its share of draws."""
    spare = bins - counts.shape[1]
    parts = 1 + spare * counts // np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.stack([np.cumsum(parts, axis=1) - parts, parts], axis=2).astype(np.float64)


def _quantiles(column: Array, levels: Array) -> Array:
    counts, smallest, largest = column.T
    ends = np.cumsum(counts)
    if not ends[-1]:
        return np.full(len(levels), np.nan)
    ranks = (ends[-1] - 1.0) * levels

    def order_statistic(rank: Array) -> Array:
        chosen = np.searchsorted(ends, rank, side="right")
        inside = (rank - (ends[chosen] - counts[chosen])) / np.maximum(counts[chosen] - 1.0, 1.0)
        return smallest[chosen] + inside * (largest[chosen] - smallest[chosen])

    below, above = (order_statistic(rank(ranks)) for rank in (np.floor, np.ceil))
    return below + (ranks - np.floor(ranks)) * (above - below)


@kernel
def _count(draws, low, scale, guide, table):
    """Put every finite draw into its bin. O(size)."""
    beyond = guide.shape[1] - 1.0
    for c in range(draws.shape[1]):
        begin, factor, cells, bins = low[c], scale[c], guide[c], table[c]
        for r in range(draws.shape[0]):
            x = draws[r, c]
            if not abs(x) < np.inf:
                continue
            place = min(max((x - begin) * factor + 1.0, 0.0), beyond)
            cell = np.int64(place)
            b = np.int64(cells[cell, 0] + (place - cell) * cells[cell, 1])
            bins[b, 0] += 1.0
            if x < bins[b, 1]:
                bins[b, 1] = x
            if x > bins[b, 2]:
                bins[b, 2] = x
