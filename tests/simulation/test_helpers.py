"""Every assertion of helpers.py turns red on a wrong value, and on a sample that is too small."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from helpers import (
    assert_law,
    assert_mean,
    assert_same_dependence,
    assert_same_law,
    assert_slope,
    assert_uncorrelated,
    assert_variance,
)


@pytest.fixture
def normals() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2, 40_000))


def test_mean_right_wrong_and_unresolved(normals):
    assert_mean(normals[0] + 3.0, 3.0, resolution=0.05)
    with pytest.raises(AssertionError, match=r"expected 3\.05"):
        assert_mean(normals[0] + 3.0, 3.05, resolution=0.05)
    with pytest.raises(AssertionError, match=r"not to 0\.01"):
        assert_mean(normals[0] + 3.0, 3.0, resolution=0.01)


def test_mean_refuses_what_is_not_finite(normals):
    with pytest.raises(AssertionError, match="1 of 3 samples are not finite"):
        assert_mean([1.0, 2.0, np.nan], 1.5, resolution=9.0)
    with pytest.raises(AssertionError, match="vector"):
        assert_mean(normals, 0.0, resolution=1.0)


def test_mean_of_constants_is_exact():
    assert_mean([2.0, 2.0], 2.0, resolution=0.0)
    with pytest.raises(AssertionError):
        assert_mean([2.0, 2.0], 2.0 + 1e-9, resolution=0.0)


def test_variance_right_and_wrong(normals):
    assert_variance(3.0 * normals[0], 9.0, resolution=0.5)
    with pytest.raises(AssertionError):
        assert_variance(3.0 * normals[0], 10.0, resolution=0.5)


def test_slope_right_wrong_and_unresolved(normals):
    x = np.array([1.0, 2.0, 4.0])
    samples = normals.ravel()[:60_000].reshape(-1, 3) + 0.5 * x
    assert_slope(x, samples, 0.5, resolution=0.03)
    with pytest.raises(AssertionError, match=r"expected 0\.55"):
        assert_slope(x, samples, 0.55, resolution=0.03)
    with pytest.raises(AssertionError, match="not to"):
        assert_slope(x, samples[:30], 0.5, resolution=0.03)


def test_uncorrelated_right_and_wrong(normals):
    assert_uncorrelated(normals[0], normals[1], resolution=0.03)
    with pytest.raises(AssertionError):
        assert_uncorrelated(normals[0], normals[1] + 0.05 * normals[0], resolution=0.03)


def test_same_law_right_wrong_and_unresolved(normals):
    assert_same_law(normals[0], normals[1])
    with pytest.raises(AssertionError, match="differ by"):
        assert_same_law(normals[0], 1.1 * normals[1])
    with pytest.raises(AssertionError, match=r"not 0\.1"):
        assert_same_law(normals[0, :50], normals[1, :50])


def test_same_law_counts_infinities_and_nans(normals):
    few, many = (np.where(np.arange(40_000) % period == 0, np.nan, normals[0]) for period in (10, 9))
    assert_same_law(few, np.where(np.arange(40_000) % 10 == 1, np.nan, normals[1]))
    with pytest.raises(AssertionError, match="NaN in 4000"):
        assert_same_law(few, many)
    infinite = np.where(np.arange(40_000) % 20 == 0, -np.inf, normals[0])
    assert_same_law(infinite, np.roll(infinite, 1))
    with pytest.raises(AssertionError, match="differ by"):
        assert_same_law(infinite, normals[1])


def test_same_law_keeps_its_level():
    rng = np.random.default_rng(5)
    passed = 0
    for _ in range(400):
        try:
            assert_same_law(rng.standard_normal(300), rng.standard_normal(900), level=0.05, resolution=1.0)
            passed += 1
        except AssertionError:
            pass
    assert 0.92 < passed / 400 < 0.995


def test_law_right_and_wrong(normals):
    assert_law(normals[0], stats.norm())
    with pytest.raises(AssertionError, match="not the law"):
        assert_law(normals[0], stats.norm(0.05))


def test_same_dependence_right_wrong_and_unresolved(normals):
    def table(rho, columns):
        x, y = columns
        return {"x": x, "y": np.exp(rho * x + math.sqrt(1.0 - rho**2) * y), "z": np.where(y > 1.0, np.nan, y)}

    one, other = normals[:, :20_000], normals[:, 20_000:]
    assert_same_dependence(table(0.5, one), table(0.5, other))
    with pytest.raises(AssertionError, match="x and y depend otherwise"):
        assert_same_dependence(table(0.5, one), table(0.4, other))
    with pytest.raises(AssertionError, match="are seen to"):
        assert_same_dependence(table(0.5, one[:, :99]), table(0.5, other))
