"""The Hurst index and its errors against exact draws, and the formula of the error against matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import toeplitz

from helpers import assert_mean
from reslim.coupling import Coupling, Fractional, Independent, Smooth
from reslim.regularity import hurst, project
from reslim.regularity import variations as var
from reslim.regularity.index import FEW, FILTERS, default_lags, half_slope
from reslim.simulation.across_depth import sampler

METHODS = list(FILTERS)
HURSTS = [0.1, 0.3, 0.5, 0.7, 0.9]


def draw(coupling: Coupling, depth: int, count: int, seed: int = 11) -> np.ndarray:
    series = np.empty((depth, count))
    sampler(coupling, depth).draw(np.random.default_rng(seed), series)
    return series


def matrix(depth: int, coefficients: np.ndarray, lag: int) -> np.ndarray:
    """What takes weights to the filtered path, from its definition."""
    path = np.tril(np.ones((depth + 1, depth)), -1)
    count = depth + 1 - lag * (len(coefficients) - 1)
    return sum(a * path[p * lag : p * lag + count] for p, a in enumerate(coefficients))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("depth", [4, 17])
def test_mean_squares_are_those_of_the_definition(method, depth, monkeypatch):
    monkeypatch.setattr(var, "AT_ONCE", 3 * depth)  # blocks of three entries
    weights, lags = np.random.default_rng(1).standard_normal((depth, 7)), [1, 2]
    found = var.mean_squares(weights, FILTERS[method], lags)
    expected = [np.mean((matrix(depth, FILTERS[method], lag) @ weights) ** 2, axis=0) for lag in lags]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("index", HURSTS)
@pytest.mark.parametrize("depth", [4, 12, 40])
def test_moments_of_the_mean_squares(method, index, depth):
    """By traces: the means are a power of the lag, exactly, and the covariance is that of the formula."""
    lags = default_lags(depth, len(FILTERS[method]) - 1)
    law = toeplitz(Fractional(index).autocovariance(depth, depth))
    forms = [a.T @ a / len(a) for a in (matrix(depth, FILTERS[method], lag) for lag in lags)]
    means = np.array([np.trace(form @ law) for form in forms])
    np.testing.assert_allclose(means, means[0] * np.array(lags, float) ** (2.0 * index), rtol=1e-12)
    assert half_slope(lags) @ np.log(means) == pytest.approx(index, rel=1e-12)
    covariance = [[2.0 * np.trace(a @ law @ b @ law) for a in forms] for b in forms]
    found = var.relative_covariance(index, depth, FILTERS[method], lags)
    np.testing.assert_allclose(found, covariance / np.outer(means, means), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("index", HURSTS)
@pytest.mark.parametrize("depth", [12, 100, 1000])
def test_the_index_of_fractional_noise(method, index, depth):
    count = 1_000_000 // depth
    found = hurst(draw(Fractional(index), depth, count), method=method)
    assert 5.0 * found.error < 0.05
    assert found.hurst == pytest.approx(index, abs=5.0 * found.error)
    assert found.error == pytest.approx(found.dependent_error / np.sqrt(count), rel=0.35)
    assert found.entries == count


def test_another_index_is_seen():
    found = hurst(draw(Fractional(0.55), 100, 2000))
    assert abs(found.hurst - 0.5) > 5.0 * found.error


def scores(method: str, index: float, depth: int, entries: int, repeats: int) -> np.ndarray:
    series = draw(Fractional(index), depth, entries * repeats).reshape(depth, repeats, entries)
    found = [hurst(series[:, k], method=method) for k in range(repeats)]
    return np.array([(one.exponent - index) / one.error for one in found])


def assert_covered(z: np.ndarray, least: float, most: float = 0.97) -> None:
    """Fail when the share of scores within ±2 is not within these bounds, by 5 standard errors."""
    inside = np.mean(np.abs(z) < 2.0)
    error = 5.0 * np.sqrt(inside * (1.0 - inside) / len(z))
    assert error < 0.06
    assert least - error < inside < most + error


@pytest.mark.parametrize(
    ("entries", "method", "index"),
    [
        *[(1, "variation", index) for index in (0.1, 0.5, 0.9)],
        *[(1, "increments", index) for index in (0.1, 0.6)],
        (FEW - 1, "increments", 0.9),
        (FEW, "increments", 0.3),
        (FEW, "variation", 0.9),
    ],
)
def test_two_errors_hold_the_truth(entries, method, index):
    assert_covered(scores(method, index, 100, entries, 700), 0.93)


def test_two_errors_hold_the_truth_a_little_less_often_for_one_regular_series():
    assert_covered(scores("increments", 0.9, 100, 1, 1000), 0.89, 0.94)


def test_a_wrong_error_is_seen():
    z = scores("variation", 0.5, 100, 1, 2500)
    for wrong in (1.6 * z, z / 1.6):
        with pytest.raises(AssertionError):
            assert_covered(wrong, 0.93)


@pytest.mark.parametrize("method", METHODS)
def test_dependent_entries_need_the_other_error(method):
    """Rank one: 50 entries that are one series."""
    scales = np.random.default_rng(2).standard_normal(50)
    series = draw(Fractional(0.4), 64, 600)
    found = [hurst(series[:, [k]] * scales, method=method) for k in range(600)]
    off = np.array([one.exponent - 0.4 for one in found])
    assert_covered(off / [one.dependent_error for one in found], 0.92)
    assert max(one.error for one in found) < 1e-12


def expected(coupling: Coupling, depth: int, method: str) -> float:
    """The exponent of infinitely many entries, by traces."""
    lags = default_lags(depth, len(FILTERS[method]) - 1)
    law = toeplitz(coupling.autocovariance(depth, depth))
    squares = [np.einsum("ij,ij->", a @ law, a) / len(a) for a in (matrix(depth, FILTERS[method], lag) for lag in lags)]
    return float(half_slope(lags) @ np.log(squares))


@pytest.mark.parametrize("coupling", [Smooth(0.1), Smooth(0.3, "increments")])
def test_smooth_weights_approach_one(coupling):
    away = [1.0 - expected(coupling, depth, "increments") for depth in (50, 200, 800)]
    assert 0.0 < away[2] < 0.4 * away[1] < 0.16 * away[0] < 0.16 * 0.15
    for depth in (50, 200):
        series = draw(coupling, depth, 3000)
        for method in METHODS:
            found = hurst(series, method=method)
            assert 5.0 * found.error < 0.02
            assert found.exponent == pytest.approx(expected(coupling, depth, method), abs=6.0 * found.error)
    assert found.hurst == 1.0
    assert 1.9 < found.exponent < 2.0


def test_variation_does_not_see_a_mean():
    noise = draw(Independent(), 100, 200)
    shifted = hurst(noise + 30.0, method="variation")
    assert shifted.exponent == pytest.approx(hurst(noise, method="variation").exponent, rel=1e-9)
    assert hurst(noise + 30.0).hurst > 0.99


def test_the_unit_of_weights_does_not_matter_nor_do_constant_entries():
    noise = draw(Fractional(0.3), 50, 60)
    plain = hurst(noise.reshape(50, 6, 10))
    scaled = hurst(np.hstack([1e-30 * noise, np.zeros((50, 3)), np.full((50, 2), 1e-30)]))
    assert scaled.entries == 60
    assert scaled[:4] == pytest.approx(plain[:4], rel=1e-9)


def test_the_mean_of_the_entries_each_with_the_same_part():
    noise = draw(Fractional(0.3), 50, 8)
    found = hurst(noise)
    alone = [hurst(noise[:, [k]]).mean_squares for k in range(8)]
    assert found.mean_squares == pytest.approx(np.mean(alone, axis=0), rel=1e-12)
    assert found.lags == [1, 2, 4]
    assert found.exponent == pytest.approx(np.polyfit(np.log(found.lags), np.log(found.mean_squares), 1)[0] / 2, rel=1e-9)


def test_an_overdifferenced_series_has_index_zero():
    noise = np.diff(draw(Independent(), 401, 2000), axis=0)
    found = hurst(noise)
    assert found.exponent == pytest.approx(0.0, abs=5.0 * found.error)
    assert 0.0 <= found.hurst < 0.01


def test_chosen_lags_see_their_scale():
    """White noise on smooth weights: rough at short lags, smooth at long ones."""
    mixed = draw(Smooth(1.0), 1000, 300) + 2.0 * draw(Independent(), 1000, 300)
    assert hurst(mixed, lags=[1, 2]).hurst < 0.65
    assert hurst(mixed, lags=np.array([64, 128])).hurst > 0.93


def test_projections_have_the_index_of_the_entries():
    found = hurst(project(draw(Fractional(0.7), 200, 3000), count=400, seed=5))
    assert 5.0 * found.error < 0.02
    assert found.hurst == pytest.approx(0.7, abs=5.0 * found.error)


def test_bias_of_one_series_is_below_half_an_error():
    """What the docstring says of the logarithm, at its worst."""
    found = [hurst(one[:, None]) for one in draw(Fractional(0.9), 100, 1500).T]
    assert_mean([one.exponent for one in found], 0.9 - 0.041, resolution=0.012)


@pytest.mark.parametrize(
    ("series", "options", "error", "text"),
    [
        (np.ones((3, 5)), {}, ValueError, r"hurst\(series=...\) must have a depth, .* of at least 4, got 3\."),
        (np.ones((9, 5)), {}, ValueError, r"must vary across depth, got entries that are all constant\."),
        (np.tile([1.0, -1.0], 8), {}, ValueError, r"must sum to a path that moves .* does not move over the lag 2\."),
        (np.eye(9), {"method": "increment"}, ValueError, r"method=...\) must be one of .* Did you mean 'increments'\?"),
        (np.eye(9), {"method": 1}, TypeError, r"method=...\) must be one of increments, variation, got 1\."),
        (np.eye(9), {"lags": 3}, TypeError, r"lags=...\) must be a list of positive integers, got 3\."),
        (np.eye(9), {"lags": "12"}, TypeError, r"lags=...\) must be a list of positive integers, got '12'\."),
        (np.eye(9), {"lags": [2, 2]}, ValueError, r"lags=...\) must be at least two different ones, .* got \[2, 2\]\."),
        (np.eye(9), {"lags": [1, 0]}, ValueError, r"lags=...\) must be a positive integer, got 0\."),
        (np.eye(9), {"lags": [1, 10]}, ValueError, r"lags=...\) must be at most 9 at a depth of 9, got 10\."),
        (np.eye(9), {"lags": [1, 5], "method": "variation"}, ValueError, r"must be at most 4 at a depth of 9, got 5\."),
    ],
)
def test_what_is_refused(series, options, error, text):
    with pytest.raises(error, match=text):
        hurst(series, **options)


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_lags_that_fit(method):
    order = len(FILTERS[method]) - 1
    assert hurst(draw(Independent(), 9, 4), method=method, lags=[1, 9 // order]).lags == [1, 9 // order]
    assert hurst(draw(Independent(), 4, 4), method=method).lags == [1, 2]
