"""Assertions about samples. Each fails when the sample is wrong, and also when it is too small to tell."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

SIGMAS = 5.0  # a false alarm in two million


def assert_mean(samples: ArrayLike, expected: float, *, resolution: float) -> None:
    """Fail when the mean is more than 5 standard errors off, or when 5 standard errors exceed the resolution."""
    x = np.asarray(samples, dtype=np.float64)
    assert x.ndim == 1, "samples must be a vector of independent draws"
    assert x.size > 1, "samples must be a vector of independent draws"
    assert np.isfinite(x).all(), f"{np.count_nonzero(~np.isfinite(x))} of {x.size} samples are not finite"
    error = SIGMAS * x.std(ddof=1) / math.sqrt(x.size)
    assert error <= resolution, f"{x.size} samples see the mean to ± {error:.3g} only, not to {resolution:.3g}"
    off = abs(x.mean() - expected)
    assert off <= error + 1e-12 * abs(expected), f"mean {x.mean():.6g} ± {error:.2g} (5 s.e.), expected {expected:.6g}"


def assert_variance(samples: ArrayLike, expected: float, *, resolution: float) -> None:
    """Like `assert_mean`, for the variance."""
    x = np.asarray(samples, dtype=np.float64)
    assert_mean((x - x.mean()) ** 2 * x.size / (x.size - 1), expected, resolution=resolution)


def assert_slope(x: ArrayLike, samples: ArrayLike, expected: float, *, resolution: float) -> None:
    """Like `assert_mean`, for the least-squares slope in x of samples (replica, x)."""
    centred = np.asarray(x, dtype=np.float64) - np.mean(x)
    assert_mean(np.asarray(samples, dtype=np.float64) @ centred / (centred @ centred), expected, resolution=resolution)


def assert_uncorrelated(x: ArrayLike, y: ArrayLike, *, resolution: float) -> None:
    """Fail when the covariance of two samples of equal length, in units of their deviations, is not 0."""
    a, b = (np.asarray(v, dtype=np.float64).ravel() for v in (x, y))
    assert_mean((a - a.mean()) / a.std() * (b - b.mean()) / b.std(), 0.0, resolution=resolution)


def assert_same_law(a: ArrayLike, b: ArrayLike, level: float = 1e-6, *, resolution: float = 0.1) -> None:
    """Fail when two samples differ at this level: NaN in number, the rest (infinities too) by Kolmogorov and Smirnov.

    Fails also when the largest difference of distribution functions that could pass exceeds the resolution.
    """
    x, y = (np.asarray(v, dtype=np.float64) for v in (a, b))
    assert x.ndim == y.ndim == 1, "samples must be vectors of independent draws"
    seen = _largest_that_passes(len(x), len(y), level)
    assert seen <= resolution, f"samples of {len(x)} and {len(y)} see differences above {seen:.3g} only, not {resolution:.3g}"
    missing = [int(np.isnan(v).sum()) for v in (x, y)]
    if any(missing):
        table = [missing, [len(x) - missing[0], len(y) - missing[1]]]
        p = stats.fisher_exact(table).pvalue
        assert p >= level, f"NaN in {missing[0]} of {len(x)} and {missing[1]} of {len(y)}: p = {p:.3g}"
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    if len(x) and len(y):
        distance = _distance(x, y)
        allowed = _largest_that_passes(len(x), len(y), level)
        assert distance <= allowed, f"the distributions differ by {distance:.4f}, more than {allowed:.4f} (p < {level:g})"


def _largest_that_passes(n: int, m: int, level: float) -> float:
    """Invert Kolmogorov's tail 2 exp(-2 D² nm/(n+m)), an upper bound to the first order; conservative with ties."""
    return math.sqrt(-0.5 * math.log(level / 2.0) * (1.0 / n + 1.0 / m))


def _distance(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest difference of the two empirical distribution functions."""
    values = np.concatenate([x, y])
    below_x = np.searchsorted(np.sort(x), values, side="right") / len(x)
    below_y = np.searchsorted(np.sort(y), values, side="right") / len(y)
    return float(np.abs(below_x - below_y).max())


def assert_same_dependence(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], *, resolution: float = 0.3) -> None:
    """Fail when the rank correlation of two columns is not the same in both tables, for any pair of columns.

    7 standard errors a pair: 100 000 pairs give no false alarm in a million runs.
    """
    tables = _signed_ranks(np.array(list(a.values())), np.array(list(b.values())))
    moments = [(x @ x.T / x.shape[1], x**2 @ (x**2).T / x.shape[1], x.shape[1]) for x in tables]
    error = np.sqrt(sum(np.maximum(second - first**2, 0.0) / count for first, second, count in moments))
    difference = np.abs(moments[0][0] - moments[1][0])
    assert 7.0 * error.max() <= resolution, f"correlations are seen to ± {7 * error.max():.3g} only"
    excess = difference - 7.0 * error - 1e-12
    i, j = np.unravel_index(excess.argmax(), excess.shape)
    names = list(a)
    assert excess[i, j] <= 0.0, f"{names[i]} and {names[j]} depend otherwise (by {difference[i, j]:.3f})"


def _signed_ranks(*tables: np.ndarray) -> list[np.ndarray]:
    """Return the mid-ranks of every row in the tables together, from -√3 to √3; NaN becomes 0."""
    ranked = [np.empty(table.shape) for table in tables]
    for row in range(len(tables[0])):
        together = np.concatenate([table[row] for table in tables])
        known = ~np.isnan(together)
        score = np.zeros(len(together))
        score[known] = math.sqrt(3.0) * (2.0 * stats.rankdata(together[known]) - known.sum() - 1.0) / known.sum()
        for table, part in zip(ranked, np.split(score, np.cumsum([t.shape[1] for t in tables])[:-1]), strict=True):
            table[row] = part
    return ranked


def assert_law(samples: ArrayLike, law: stats.rv_continuous, level: float = 1e-6) -> None:
    """Fail when a sample does not follow a continuous law, by Kolmogorov and Smirnov."""
    p = stats.kstest(np.asarray(samples, dtype=np.float64), law.cdf).pvalue
    assert p >= level, f"not the law: p = {p:.3g}"
