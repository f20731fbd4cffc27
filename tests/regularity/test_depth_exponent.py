"""Powers of the depth against another fit, and the laws of their errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from helpers import assert_law
from reslim.regularity import depth_exponent

DEPTHS = np.array([10.0, 30.0, 100.0, 1000.0])


def test_a_power_is_found():
    found = depth_exponent([10, 100, 1000], [3.0, 0.3, 0.03])
    assert found[:3] == pytest.approx((-1.0, 0.0, 30.0), abs=1e-9)
    assert found.freedom == 1
    assert np.isnan(found.misfit)


def test_the_line_is_that_of_another_fit():
    values = [1.0, 0.8, 0.3, 0.2]
    found, other = depth_exponent(DEPTHS, values), stats.linregress(np.log(DEPTHS), np.log(values))
    assert found[:3] == pytest.approx((other.slope, other.stderr, np.exp(other.intercept)), rel=1e-9)
    errors = np.array([0.1, 0.01, 0.02, 0.01])
    weights = np.array(values) / errors
    (slope, level), covariance = np.polyfit(np.log(DEPTHS), np.log(values), 1, w=weights, cov="unscaled")
    weighted = depth_exponent(DEPTHS, values, errors)
    assert weighted[:3] == pytest.approx((slope, np.sqrt(covariance[0, 0]), np.exp(level)), rel=1e-9)
    residuals = weights * (np.log(values) - level - slope * np.log(DEPTHS))
    assert weighted.misfit == pytest.approx(residuals @ residuals / 2, rel=1e-9)


def test_errors_follow_their_laws():
    """Student's t of the scatter; a normal law of given errors, with χ² for what is left."""
    noise = 0.02 * np.random.default_rng(3).standard_normal((4000, 4))
    values = 2.0 * DEPTHS**-0.5 * np.exp(noise)
    alike = [depth_exponent(DEPTHS, one) for one in values]
    assert_law([(one.slope + 0.5) / one.error for one in alike], stats.t(2))
    given = [depth_exponent(DEPTHS, one, 0.02 * one) for one in values]
    assert_law([(one.slope + 0.5) / one.error for one in given], stats.norm())
    assert_law([2.0 * one.misfit for one in given], stats.chi2(2))


@pytest.mark.parametrize(
    ("depths", "values", "errors", "error", "text"),
    [
        ([10, 100], [1.0, 2.0], None, ValueError, r"depths=...\) must be at least 3 different ones, got \[10, 100\]\."),
        ([10, 10, 100], [1.0, 2.0, 2.0], None, ValueError, r"must be at least 3 different ones, got \[10, 10, 100\]\."),
        ([1, 10, 100], [1.0, 2.0], None, ValueError, r"values=...\) must be as many as the depths, 3, got 2\."),
        ([1, 10, 100], [1.0, 0.0, 2.0], None, ValueError, r"values=...\) must be positive and finite, got \[1.0, 0.0, 2.0\]"),
        ([1, 10, 100], [1.0, np.nan, 2.0], None, ValueError, r"values=...\) must be positive and finite, got"),
        ([1, 10, -1], [1.0, 1.0, 2.0], None, ValueError, r"depths=...\) must be positive and finite, got"),
        ([1, 10, 100], [1.0, 1.0, 2.0], [1.0, 1.0], ValueError, r"errors=...\) must be as many as the depths, 3, got 2\."),
        ([1, 10, 100], [1.0, 1.0, 2.0], [1.0, 1.0, 0.0], ValueError, r"errors=...\) must be positive and finite, got"),
        ([1, 10, "x"], [1.0, 1.0, 2.0], None, TypeError, r"depths=...\) must be a list of numbers, got \[1, 10, 'x'\]\."),
        ([1, 10, 100], np.ones((3, 1)), None, ValueError, r"values=...\) must be a list of numbers, got the shape \(3, 1\)\."),
    ],
)
def test_what_is_refused(depths, values, errors, error, text):
    with pytest.raises(error, match=text):
        depth_exponent(depths, values, errors)
