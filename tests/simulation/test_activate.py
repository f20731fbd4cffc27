"""The kernels' activations against high precision, far into their tails, and at scales beyond float64."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from reslim.activations import NAMES, activation
from reslim.simulation import activate

POINTS = [-300.0, -30.0, -9.0, -4.0, -1.5, -0.3, -1e-8, 1e-8, 0.3, 1.5, 4.0, 9.0, 30.0, 300.0]
EXACT = {
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}
SLOPES = {
    "tanh": lambda x: mpmath.sech(x) ** 2,
    "erf": lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x),
    "gelu": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2 + x * mpmath.npdf(x),
    "silu": lambda x: (1 + mpmath.exp(-x) + x * mpmath.exp(-x)) / (1 + mpmath.exp(-x)) ** 2,
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("x", POINTS)
def test_values_and_derivatives_keep_their_digits_in_the_tails(name, x):
    kind, slope = activate.code(activation(name))
    with mpmath.workdps(60):
        value, derivative = (float(f(mpmath.mpf(x))) for f in (EXACT[name], SLOPES[name]))
    assert activate.value(kind, slope, x) == pytest.approx(value, rel=1e-12, abs=1e-300)
    assert activate.derivative(kind, slope, x) == pytest.approx(derivative, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("name", [*(name for name in NAMES if "SLOPE" not in name), "leaky_relu:0.2", "leaky_relu:-3.0"])
def test_kernels_and_table_are_the_same_functions(name):
    phi = activation(name)
    kind, slope = activate.code(phi)
    x = np.linspace(-4.0, 4.0, 81)
    np.testing.assert_allclose([activate.value(kind, slope, v) for v in x], phi.value(x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose([activate.derivative(kind, slope, v) for v in x], phi.derivative(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "silu"])
@pytest.mark.parametrize("exponent", [-1100, -60, 0, 8, 60, 1100])
def test_scaled_states(name, exponent):
    """2⁻ᵉ φ(s 2ᵉ h): the limits of φ where 2ᵉ h leaves float64, its value elsewhere."""
    kind, slope = activate.code(activation(name))
    h, signs, out = np.array([[[0.75, -0.5]]]), np.array([[1.0, -1.0]]), np.zeros((1, 1, 2))
    activate.activate(kind, slope, np.array([[exponent]]), h, signs, out)
    with mpmath.workdps(60):
        scale, f = mpmath.mpf(2) ** exponent, EXACT.get(name, lambda x: max(x, 0))
        expected = [float(f(scale * v) / scale) for v in (0.75, 0.5)]
    bounded = name == "tanh" and exponent > 900
    np.testing.assert_allclose(out[0, 0], np.zeros(2) if bounded else expected, rtol=1e-12, atol=1e-250)
