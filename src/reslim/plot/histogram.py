"""Histograms of draws, with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_BINS = 100
TAIL = 5e-4  # share of the draws that is left out at each end of the picture
MOST_QUARTILES = 5.0  # and what is further from the median, in interquartile ranges: the tails of a deep net's output


@dataclass(frozen=True)
class Histogram:
    """Bin edges, the density of the draws in each bin, and its binomial standard error."""

    edges: Array  # (bins + 1,)
    density: Array  # (bins,)
    error: Array  # (bins,)
    inside: float  # share of the draws that are in a bin

    @property
    def centres(self) -> Array:
        """The middles of the bins."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])


def histogram(values: Array, lattice: float = 0.0) -> Histogram:
    """Return the histogram of the finite draws; normalised by all draws, so that what lies outside is not hidden.

    With a `lattice` (draws that are multiples of it) every bin holds the same number of its points.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Histogram(np.array([0.0, 1.0]), np.zeros(1), np.zeros(1), 0.0)
    edges = _lattice_edges(finite, lattice) if lattice else _edges(finite)
    counts, edges = np.histogram(finite, edges)
    share, widths = counts / values.size, np.diff(edges)
    error = np.sqrt(share * (1.0 - share) / values.size)
    return Histogram(edges, share / widths, error / widths, float(share.sum()))


def _edges(finite: Array) -> Array:
    """Return Freedman–Diaconis bins over all but the tails."""
    low, quarter, median, three_quarters, high = np.quantile(finite, [TAIL, 0.25, 0.5, 0.75, 1.0 - TAIL])
    if three_quarters > quarter:
        reach = MOST_QUARTILES * (three_quarters - quarter)
        low, high = max(low, median - reach), min(high, median + reach)
    if high - low <= 1e-12 * abs(median):  # one value, to rounding
        return median + np.array([-0.5, 0.5])
    freedman_diaconis = 2.0 * (three_quarters - quarter) * finite.size ** (-1.0 / 3.0)
    width = max(freedman_diaconis, (high - low) / MOST_BINS)
    # 0 is an edge: the density of an output is symmetric and steep there.
    return width * np.arange(np.floor(low / width), np.ceil(high / width) + 1)


def _lattice_edges(finite: Array, lattice: float) -> Array:
    first, last = round(finite.min() / lattice), round(finite.max() / lattice)
    step = max(1, -(-(last - first + 1) // MOST_BINS))
    return (np.arange(first, last + step + 1, step) - 0.5) * lattice
