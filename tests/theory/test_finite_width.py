"""The terms of second order against exact sums over one layer, at two widths."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.laguerre import laggauss
from scipy.special import gammaln, polygamma, psi, roots_genlaguerre

from reslim import ResNet
from reslim.theory import finite_width, growth


def chi_square_nodes(k, count=24):
    """Return nodes and weights of χ²_k by Gauss–Laguerre."""
    if k == 0:
        return np.zeros(1), np.ones(1)
    x, w = roots_genlaguerre(count, 0.5 * k - 1.0)
    return 2.0 * x, w / w.sum()


def one_layer_cumulants(n, r):
    """Return the first three cumulants of ln(|z'|²/|z|²) - ln S in a two-matrix ReLU layer, by nested Gauss quadrature.

    |z'|²/(S |z|²) = (1-r) + 2 √(1-r) t g + t² (g² + χ²_{n-1}), t² = 2 r χ²_k/n², k ~ Binomial(n, ½).
    """
    g, wg = hermegauss(40)
    wg = wg / wg.sum()
    rest, wr = chi_square_nodes(n - 1)
    moments = np.zeros(4)
    for k in range(n + 1):
        energy, we = chi_square_nodes(k)
        t = np.sqrt(2.0 * r * energy) / n
        square = (1 - r) + 2 * np.sqrt(1 - r) * t[:, None, None] * g[:, None] + t[:, None, None] ** 2 * (g[:, None] ** 2 + rest)
        weight = np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2))
        total = weight * we[:, None, None] * wg[:, None] * wr
        moments += [np.sum(total * np.log(square) ** power) for power in range(4)]
    mean = moments[1]
    return mean, moments[2] - mean**2, moments[3] - 3 * mean * moments[2] + 2 * mean**3


@pytest.mark.parametrize("r", [0.2, 0.5, 0.8])
def test_two_matrix_terms(r):
    """What first order leaves out is the second-order term, and what that leaves out falls like 1/n³."""
    leftovers = []
    for n in (24, 48):
        net = ResNet(depth=1, width=n, block="two-matrix", skip=np.sqrt(1 - r), branch=np.sqrt(r), variance=(2.0, 1.0))
        law = growth.two_matrix(net)
        exact = np.array(one_layer_cumulants(n, r))
        second = [
            (-6.75 * r**4 - 26 / 3 * r**3 + 11 * r**2) / n**2,
            (22.5 * r**4 + 32 * r**3 - 34 * r**2) / n**2,
            (-27 * r**4 - 44 * r**3 + 36 * r**2) / n**2,
        ]
        first = [law.mean[1], law.variance[1], 0.0]
        leftovers.append(np.abs(exact - first - second))
        # the errors that are allowed hold what is left of first order
        assert abs(exact[0] - law.mean[1]) <= law.errors.mean_bound[1]
        assert abs(exact[1] - law.variance[1]) <= law.errors.variance_bound[1]
        coded = [law.errors.mean[1], law.errors.variance[1], law.errors.third[1]]
        np.testing.assert_allclose(coded, second, rtol=1e-12)
    assert (leftovers[0] * 24**3 < 90).all()
    assert (leftovers[1] < 0.25 * leftovers[0] + 1e-7).all()


def test_perceptron_cumulants_by_the_law_of_total_cumulance():
    """n = 3 by hand: k is 1, 2, 3 with probabilities 3/7, 3/7, 1/7, and given k the logarithm is that of χ²_k."""
    weights = np.array([3, 3, 1]) / 7
    k = np.array([1, 2, 3]) / 2
    moments = [
        psi(k),
        polygamma(1, k) + psi(k) ** 2,
        polygamma(2, k) + 3 * polygamma(1, k) * psi(k) + psi(k) ** 3,
    ]
    first, second, third = (weights @ moment for moment in moments)
    found = finite_width.perceptron_cumulants(3)
    expected = (first + np.log(4 / 3), second - first**2, third - 3 * first * second + 2 * first**3)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_wide_perceptron_needs_few_terms():
    np.testing.assert_allclose(finite_width.perceptron_cumulants(10**7)[:2], [-2.5e-7, 5e-7], rtol=1e-3)


def test_entries_that_are_not_gaussian_are_allowed_more():
    nets = [ResNet(depth=10, width=50, balanced=True, entries=entries) for entries in ("gaussian", "uniform", "rademacher")]
    errors = [growth.balanced(net).errors.variance_bound[-1] for net in nets]
    assert errors[0] < errors[1] < errors[2]


def test_quadrature_is_exact_on_polynomials():
    """The nodes of this file: E χ²_5 = 5, E (χ²_5)² = 35, and Gauss–Laguerre agrees with the classical rule for k = 2."""
    x, w = chi_square_nodes(5)
    np.testing.assert_allclose([w @ x, w @ x**2], [5, 35], rtol=1e-12)
    np.testing.assert_allclose(chi_square_nodes(2, 8)[0], 2 * laggauss(8)[0], rtol=1e-10)
