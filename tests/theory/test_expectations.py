from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from reslim.activations import activation
from reslim.theory import expectations

NAMES = ["relu", "identity", "leaky_relu:0.2", "tanh", "erf", "gelu", "silu"]
MP = {
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "gelu": lambda x: x * mpmath.ncdf(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}


def mp_expectation(f, q):
    """Return E f(√q g) by mpmath, on intervals that follow the scale of f."""
    root = mpmath.sqrt(q)
    edges = sorted({0, *(sign * x for sign in (-1, 1) for x in (1 / root, 5 / root, 40 / root, 1, 3, 6, 12) if x <= 12)})
    return mpmath.quad(lambda g: f(root * g) * mpmath.npdf(g), [-12, *[e for e in edges if -12 < e < 12], 12])


@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 40.0, 1e4, 1e9])
@pytest.mark.parametrize("name", list(MP))
def test_mean_squares(name, q):
    phi, f = activation(name), MP[name]
    expected = float(mp_expectation(lambda x: f(x) ** 2, q) / q)
    assert expectations.mean_square(phi, np.array([q]))[0] == pytest.approx(expected, rel=1e-8)
    slope = float(mp_expectation(lambda x: mpmath.diff(f, x) ** 2, q)) if q in (0.3, 40.0) else None
    if slope is not None:
        assert expectations.mean_square_slope(phi, np.array([q]))[0] == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_limits_of_the_mean_square(name):
    """Every activation is linear at 0 and piecewise linear, or bounded, at infinity."""
    phi = activation(name)
    small, large = expectations.mean_square(phi, np.array([1e-30, 1e30]))
    at_zero = {"relu": 0.5, "leaky_relu:0.2": 0.52, "erf": 4 / np.pi, "gelu": 0.25, "silu": 0.25}.get(name, 1.0)
    at_infinity = {"relu": 0.5, "identity": 1.0, "leaky_relu:0.2": 0.52, "gelu": 0.5, "silu": 0.5}.get(name, 1e-30)
    assert small == pytest.approx(at_zero, rel=1e-6)
    assert large == pytest.approx(at_infinity, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("q", "q_2", "cosine"), [(1.0, 1.0, 0.3), (0.2, 3.0, -0.7), (60.0, 30.0, 0.95), (900.0, 1.0, 0.5)])
def test_products(name, q, q_2, cosine):
    phi = activation(name)
    spread = np.sqrt(1 - cosine**2)

    def inner(g):
        f = lambda h: float(phi.value(np.sqrt(q_2) * (cosine * g + spread * h))) * np.exp(-0.5 * h * h)  # noqa: E731
        kink = -cosine * g / spread
        return quad(f, -9, 9, points=[kink] if abs(kink) < 9 else None, epsabs=1e-10, limit=200)[0]

    grid, weights = np.polynomial.legendre.leggauss(240)
    g = 9 * np.sign(grid) * grid**2  # clustered at 0, where φ(√q g) changes
    weights = weights * 18 * np.abs(grid)
    total = sum(w * float(phi.value(np.sqrt(q) * x)) * np.exp(-0.5 * x * x) * inner(x) for x, w in zip(g, weights, strict=True))
    expected = total / (2 * np.pi) / np.sqrt(q * q_2)
    found = expectations.product(phi, np.array([q]), np.array([q_2]), np.array([cosine]))[0]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_a_product_with_itself_is_the_mean_square(name):
    phi, q = activation(name), np.array([0.5, 2.0])
    np.testing.assert_allclose(expectations.product(phi, q, q, np.ones(2)), expectations.mean_square(phi, q), rtol=1e-7)
