"""The activations in lanes, double precision, against mpmath and the table, far into their tails; and their constants."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from numba import njit
from test_lane_activations import SLOPES, fits  # noqa: F401 # a fixture

from reslim.activations import activation
from reslim.simulation import double_activations
from reslim.simulation.double_activations import activated, slope_of
from reslim.simulation.lane_activations import CODES
from reslim.simulation.lanes import LANES, load, store

NAMES = sorted(CODES)
EXACT = {
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}
TINY = 2.0 ** -np.arange(20.0, 1000.0, 61.0)
POINTS = np.concatenate([TINY, np.linspace(0.01, 12.0, 160), [17.0, 19.0, 19.2, 25.0, 30.0, 36.9, 38.0, 300.0]])


@njit  # not cached: a cache does not see that what a kernel calls has changed
def activate_rows(kind, x, out):
    for i in range(x.shape[0]):
        store(out, i, activated(kind, load(x, i)))


@njit
def slope_rows(kind, x, out):
    for i in range(x.shape[0]):
        store(out, i, slope_of(kind, load(x, i)))


def in_lanes(rows_of, name, x):
    rows = np.zeros((-(-x.size // LANES), LANES))
    rows.ravel()[: x.size] = x
    out = np.empty_like(rows)
    rows_of(CODES[name], rows, out)
    return out.ravel()[: x.size]


def exact(function, x):
    """Return the values, exact but for their rounding."""
    with mpmath.workdps(60):
        return np.array([float(function(mpmath.mpf(float(v)))) for v in x])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", NAMES)
def test_values_keep_their_digits(name, sign):
    x = sign * POINTS
    np.testing.assert_allclose(in_lanes(activate_rows, name, x), exact(EXACT[name], x), rtol=2e-15, atol=1e-300)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", NAMES)
def test_slopes_keep_their_digits(name, sign):
    """Relative for tanh and erf, absolute for gelu and silu, whose slopes cross 0."""
    x = sign * POINTS
    relative = name in ("tanh", "erf")
    tolerance = {"rtol": 2e-15, "atol": 1e-300} if relative else {"rtol": 0.0, "atol": 5e-16}
    np.testing.assert_allclose(in_lanes(slope_rows, name, x), exact(SLOPES[name], x), **tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_and_table_are_the_same_functions(name):
    x = np.linspace(-4.0, 4.0, 8001)
    phi = activation(name)
    np.testing.assert_allclose(in_lanes(activate_rows, name, x), phi.value(x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(in_lanes(slope_rows, name, x), phi.derivative(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "end"), [("tanh", 19.1), ("erf", 5.93)])
def test_odd_and_saturated(name, end):
    x = np.concatenate([[0.0], POINTS, np.nextafter(end, 0.0) - np.arange(3000) * 2.0**-10])
    value = in_lanes(activate_rows, name, x)
    assert np.array_equal(in_lanes(activate_rows, name, -x), -value)
    assert value.max() == 1.0
    assert (value[x >= end] == 1.0).all()


@pytest.mark.parametrize("name", NAMES)
def test_far_out(name):
    x = np.array([1e4, 1e100, 1e300, np.inf])
    bounded = name in ("tanh", "erf")
    assert np.array_equal(in_lanes(activate_rows, name, x), np.ones(4) if bounded else x)
    assert np.abs(in_lanes(activate_rows, name, -x) + bounded).max() < 1e-300
    assert np.array_equal(in_lanes(slope_rows, name, x), np.zeros(4) if bounded else np.ones(4))
    assert np.abs(in_lanes(slope_rows, name, -x)).max() < 1e-300


@pytest.mark.parametrize("name", ["TANH", "EXP"])
def test_the_constants_are_those_of_the_fits(fits, name):  # noqa: F811
    """TAIL and ERF take half a minute: the script has them."""
    fitted = fits.remez(fits.DOUBLE_FITS[name])
    if name == "EXP":
        assert [float(c) for c in fitted.p[::-1]] == list(double_activations.EXP)
    else:
        assert [float(c) for c in fitted.p[::-1]] == list(double_activations.TANH_P)
        assert [float(c) for c in fitted.q[::-1]] == list(double_activations.TANH_Q)
