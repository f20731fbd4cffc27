"""Densities and distribution functions against sampling, quadrature and special cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from reslim.theory.families import Distribution, log_chi2_moments

CASES = [
    ("normal", 0.3, 2.0, 1),
    ("normal-scale-mixture", 0.3, 2.0, 1),
    ("normal-scale-mixture", -1.0, 30.0, 1),
    ("normal-scale-mixture", 1.0, 0.0, 1),
    ("normal+log-chi2", 0.3, 2.0, 10),
    ("normal+log-chi2", 0.3, 2.0, 1),
    ("normal+log-chi2", 0.3, 0.01, 1),
    ("normal+log-chi2", 5.0, 4.0, 3000),
    ("normal+log-chi2", 1.0, 0.0, 10),
]


def law_of(family, mean, variance, degrees):
    if family == "normal":
        return Distribution(family, mean, variance)
    if family == "normal-scale-mixture":
        return Distribution(family, 0.0, np.exp(mean + variance / 2), mean, variance)
    first, second = log_chi2_moments(degrees)
    return Distribution(family, mean + first, variance + second, mean, variance, degrees)


def draw(family, mean, variance, degrees, count=200_000):
    rng = np.random.default_rng(7)
    g = mean + np.sqrt(variance) * rng.standard_normal(count)
    if family == "normal":
        return g
    if family == "normal-scale-mixture":
        return np.exp(g / 2) * rng.standard_normal(count)
    return g + np.log(rng.chisquare(degrees, count) / degrees)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_draws_follow_the_law_and_not_a_wrong_one(case):
    law, draws = law_of(*case), draw(*case)
    assert stats.kstest(draws, law.cdf).pvalue > 1e-6
    family, mean, variance, degrees = case
    wrong = law_of(family, mean + 0.1 * np.sqrt(variance + 0.2), variance, degrees)
    if family != "normal-scale-mixture" or variance < 10:
        assert stats.kstest(draws, wrong.cdf).pvalue < 1e-6


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_density_is_the_slope_of_the_distribution_function(case):
    law = law_of(*case)
    draws = draw(*case, count=1000)
    x = np.quantile(draws, [0.02, 0.2, 0.5, 0.7, 0.97])
    step = 1e-4 * np.minimum(np.subtract(*np.quantile(draws, [0.75, 0.25])), np.abs(x) + 1e-3)
    np.testing.assert_allclose(law.pdf(x), (law.cdf(x + step) - law.cdf(x - step)) / (2 * step), rtol=1e-4)


@pytest.mark.parametrize("case", [case for case in CASES if case[2] < 10], ids=str)
def test_the_density_has_the_stated_moments(case):
    law, deviation = law_of(*case), np.sqrt(law_of(*case).variance)
    reach = 80.0 if case[0] == "normal-scale-mixture" else 40.0
    edges = law.mean + deviation * np.array([-reach, -5.0, -1.0, 0.0, 1.0, 5.0, reach])
    moment = lambda power: sum(  # noqa: E731
        quad(lambda x: (x - law.mean) ** power * float(law.pdf(x)), *pair, limit=200, epsabs=1e-11)[0]
        for pair in itertools.pairwise(edges)
    )
    assert moment(0) == pytest.approx(1.0, abs=1e-6)
    assert moment(1) == pytest.approx(0.0, abs=1e-5 * deviation)
    if case[0] != "normal-scale-mixture":
        assert moment(2) == pytest.approx(law.variance, rel=1e-5)


def test_a_point_mass_is_a_step():
    law = Distribution("normal", 1.0, 0.0)
    assert law.cdf([0.9, 1.0, 1.1]).tolist() == [0.0, 1.0, 1.0]
    with pytest.raises(NotImplementedError, match="has no density here"):
        law.pdf(1.0)


def test_moments_have_no_distribution_function():
    with pytest.raises(NotImplementedError, match="mean and variance only"):
        Distribution("moments", 0.5, 0.1).cdf(0.5)
