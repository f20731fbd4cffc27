"""Logarithms in lanes against NumPy's in 64 bits of mantissa."""

from __future__ import annotations

import numpy as np
import pytest

from reslim.simulation.joint_records import log


@pytest.mark.parametrize(
    ("low", "high", "exponent"),
    [(-1074, -1000, 0), (-1000, 1023, 0), (-1, 1, 0), (-20, 20, 3000)],
    ids=["subnormal", "all sizes", "about one", "with an exponent"],
)
def test_logarithms_are_right_to_the_last_bits(low, high, exponent):
    rng = np.random.default_rng(1)
    squares = np.exp2(rng.uniform(low, high, 100_003))
    exponents = rng.integers(-exponent, exponent + 1, squares.shape).astype(float)
    exact = np.log(squares.astype(np.longdouble)) + np.log(np.longdouble(4)) * exponents
    scale = np.maximum(np.abs(exact), np.abs(np.log(squares)))
    assert np.max(np.abs(log(squares, exponents) - exact) / scale) < 3.5e-16


def test_logarithms_of_nothing():
    squares = np.array([[0.0, np.nan, 1.0], [0.0, 5e-324, np.inf]])
    found = log(squares, np.array([[0.0, 0.0, 7.0], [1e5, 0.0, 0.0]]))
    np.testing.assert_allclose(found[0], [-np.inf, np.nan, 7.0 * np.log(4.0)], rtol=1e-15)
    np.testing.assert_allclose(found[1, :2], [-np.inf, np.log(5e-324)], rtol=1e-15)
