"""The sign moments against one-dimensional quadrature of their conditional expectations, which shares no code."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from reslim.theory import signs

RHO = [-0.99, -0.6, -0.1, 0.0, 0.2, 0.5, 0.8, 0.999]


def expectation(f, g, rho):
    """Return E f(u) E[g(w) | u], the inner one of g(w) = |w|w or sgn w by its own integral."""
    spread = np.sqrt(1.0 - rho * rho)

    def inner(u):
        m, s = rho * u, spread
        if g == "sign":
            return 2.0 * norm.cdf(m / s) - 1.0
        square = (m * m + s * s) * (2.0 * norm.cdf(m / s) - 1.0)
        return square + 2.0 * m * s * norm.pdf(m / s)

    return quad(lambda u: f(u) * inner(u) * norm.pdf(u), -np.inf, np.inf, points=None, epsabs=1e-12, limit=200)[0]


@pytest.mark.parametrize("rho", RHO)
def test_moments(rho):
    assert signs.kappa(rho) == pytest.approx(expectation(lambda u: u * abs(u), "square", rho), abs=1e-9)
    assert signs.square_sign(rho) == pytest.approx(expectation(lambda u: u * abs(u), "sign", rho), abs=1e-9)
    assert signs.sign_sign(rho) == pytest.approx(expectation(np.sign, "sign", rho), abs=1e-9)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.4, 0.95])
def test_slope_of_kappa(rho):
    step = 1e-6
    slope = (signs.kappa(rho + step) - signs.kappa(rho - step)) / (2.0 * step)
    assert signs.rho_kappa_prime(rho) == pytest.approx(rho * slope, rel=1e-8)


def test_values_at_one():
    one = np.array(1.0)
    values = [f(one) for f in (signs.kappa, signs.rho_kappa_prime, signs.square_sign, signs.sign_sign, signs.rho_root)]
    np.testing.assert_allclose(values, [3.0, 4.0, 1.0, 1.0, 0.0], atol=1e-12)
