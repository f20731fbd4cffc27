"""Series of weights across depth against the law of their coupling."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.linalg import cholesky, toeplitz

from reslim.coupling import Fractional, Independent, Matern, Smooth
from reslim.simulation import across_depth
from reslim.simulation.across_depth import Factored, Periodic

HURSTS = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99]
SMOOTH = [Smooth(), Smooth(0.1, "increments"), Smooth(1e-3), Smooth(1.0), Smooth(0.4, "increments"), Smooth(5.0)]
MATERN = [Matern(0.1, 0.2), Matern(0.1, 0.5), Matern(0.3), Matern(0.1, 20.0), Matern(1e-3, 1.0), Matern(2.0, 2.5)]
COUPLINGS = [Independent(), *map(Fractional, HURSTS), *SMOOTH, *MATERN]


def covariance(sampler: Periodic | Factored, depth: int) -> np.ndarray:
    """The covariance that a sampler has, from its definition."""
    if isinstance(sampler, Factored):
        return sampler.factor @ sampler.factor.T
    frequency, times = np.arange(len(sampler.roots)), np.arange(depth)
    alone = (frequency == 0) | (2 * frequency == sampler.period)
    power = sampler.roots**2 * np.where(alone, 1.0, 4.0) / sampler.period**2
    return toeplitz(np.cos(2.0 * np.pi * np.outer(times, frequency) / sampler.period) @ power)


@pytest.mark.parametrize("coupling", COUPLINGS, ids=repr)
@pytest.mark.parametrize("depth", [1, 2, 37, 400])
def test_the_covariance_is_that_of_the_coupling(coupling, depth):
    found = covariance(across_depth.sampler(coupling, depth), depth)
    np.testing.assert_allclose(found, toeplitz(coupling.autocovariance(depth, depth)), atol=2e-11)


@pytest.mark.parametrize("coupling", COUPLINGS, ids=repr)
def test_sample_covariances(coupling):
    depth, count = 60, 40_000
    series = np.empty((depth, count))
    across_depth.sampler(coupling, depth).draw(np.random.default_rng(3), series)
    expected = coupling.autocovariance(depth, depth)
    found = series @ series.T / count
    for lag in (0, 1, 2, 7, 59):
        rows = np.diagonal(found, lag)  # products of jointly normal numbers have the variance 1 + c²
        assert rows == pytest.approx(np.full(len(rows), expected[lag]), abs=5.5 * np.sqrt((1.0 + expected[lag] ** 2) / count))


def test_the_fallback_draws_the_same_law():
    """One covariance by both factors, and by a Cholesky factor of its own."""
    coupling, depth, count = Fractional(0.8), 30, 50_000
    factored, periodic = across_depth.factored(coupling, depth), across_depth.periodic(coupling, depth, 2 * depth)
    lower = cholesky(toeplitz(coupling.autocovariance(depth, depth)), lower=True)
    np.testing.assert_allclose(covariance(factored, depth), lower @ lower.T, atol=1e-13)
    series = np.empty((2, depth, count))
    for place, sampler in enumerate((factored, periodic)):
        sampler.draw(np.random.default_rng(4), series[place])
    white = np.linalg.solve(lower, series)
    for one in white:
        assert np.abs(one @ one.T / count - np.eye(depth)).max() < 6.0 * np.sqrt(2.0 / count)


def test_long_smooth_series_fall_back():
    assert isinstance(across_depth.sampler(Smooth(1.0), 50), Periodic)
    assert isinstance(across_depth.sampler(Smooth(5.0), 50), Factored)


def test_smooth_series_take_few_normals():
    assert len(across_depth.sampler(Smooth(), 1000).roots) < 60


def test_what_cannot_be_drawn_says_so():
    with pytest.raises(NotImplementedError, match=r"shorter correlation length beyond a depth of 4096, got coupling="):
        across_depth.sampler(Smooth(10.0), 5000)


@pytest.mark.parametrize("hurst", HURSTS)
def test_fractional_noise_keeps_its_digits_at_long_lags(hurst):
    mp.dps = 40
    found = Fractional(hurst).autocovariance(10, 100_001)
    for k in (1, 2, 1000, 100_000):
        power = 2 * mpf(hurst)
        assert found[k] == pytest.approx(float(((k + 1) ** power - 2 * mpf(k) ** power + (k - 1) ** power) / 2), abs=5e-11)


@pytest.mark.parametrize(("length", "depth"), [(0.1, 1000), (0.1, 100_000), (10.0, 1000), (1e-4, 1000)])
def test_smooth_increments_do_not_cancel(length, depth):
    mp.dps = 60
    found = Smooth(length, "increments").autocovariance(depth, depth)

    def rbf(k):
        return mp.exp(-((mpf(k) / (depth * mpf(length))) ** 2) / 2)

    for k in (1, 2, 10, depth // 3):
        assert found[k] == pytest.approx(float((2 * rbf(k) - rbf(k - 1) - rbf(k + 1)) / (2 - 2 * rbf(1))), abs=1e-14)


@pytest.mark.parametrize("nu", [0.01, 0.5, 1.0, 2.5, 20.0])
@pytest.mark.parametrize(("length", "depth"), [(0.1, 1000), (0.1, 100_000), (10.0, 1000), (1e-4, 1000)])
def test_matern_correlations(nu, length, depth):
    mp.dps = 60
    found = Matern(length, nu).autocovariance(depth, depth)
    for k in (1, 2, 10, depth // 3):
        x = mp.sqrt(2 * mpf(nu)) * k / (depth * mpf(length))
        exact = 2 ** (1 - mpf(nu)) / mp.gamma(nu) * x**nu * mp.besselk(nu, x)
        assert found[k] == pytest.approx(float(exact), abs=1e-13)


def test_matern_lies_between_a_rough_process_and_a_smooth_one():
    lag = np.arange(100) / 100
    np.testing.assert_allclose(Matern(0.2, 0.5).autocovariance(100, 100), np.exp(-lag / 0.2), rtol=1e-13)
    smooth = Smooth(0.2).autocovariance(100, 100)
    distances = [np.abs(Matern(0.2, nu).autocovariance(100, 100) - smooth).max() for nu in (0.5, 1.0, 2.5, 10.0, 20.0)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] / distances[-2] == pytest.approx(0.5, abs=0.03)  # the difference is of order 1/ν
