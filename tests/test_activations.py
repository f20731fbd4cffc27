from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from reslim.activations import NAMES, activation

EXACT = {  # written again, in arbitrary precision
    "relu": lambda x: max(x, mp.mpf(0)),
    "identity": lambda x: x,
    "leaky_relu:0.25": lambda x: x if x > 0 else x / 4,
    "leaky_relu:-1.0": abs,
    "tanh": mp.tanh,
    "erf": mp.erf,
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mp.exp(-x)),
}
POINTS = [-30.0, -7.5, -2.0, -0.6, -1e-3, 1e-8, 0.3, 1.0, 3.5, 9.0, 30.0]
SMOOTH = ("tanh", "erf", "gelu", "silu")


def test_every_name_of_the_interface_is_tried():
    assert {name.partition(":")[0] for name in EXACT} == {name.partition(":")[0] for name in NAMES}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("x", POINTS)
def test_values_and_derivatives_are_exact(name, x):
    phi, exact = activation(name), EXACT[name]
    with mp.workdps(400):
        value, derivative = exact(mp.mpf(x)), mp.diff(exact, mp.mpf(x))
    np.testing.assert_allclose(phi.value(np.array(x)), float(value), rtol=4e-13, atol=0)
    np.testing.assert_allclose(phi.derivative(np.array(x)), float(derivative), rtol=4e-13, atol=0)


@pytest.mark.parametrize("name", EXACT)
def test_derivatives_are_slopes(name):
    phi, step = activation(name), 1e-5
    x = np.linspace(-4.05, 4.05, 82)  # no point at the kink
    slope = (phi.value(x + step) - phi.value(x - step)) / (2 * step)
    np.testing.assert_allclose(phi.derivative(x), slope, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", EXACT)
def test_homogeneity_is_what_the_table_says(name):
    phi, x = activation(name), np.array([-2.0, -0.5, 0.25, 4.0])
    holds = np.allclose(phi.value(4.0 * x), 4.0 * phi.value(x), rtol=1e-14)
    assert holds == phi.homogeneous == (name not in SMOOTH)
    if phi.homogeneous:
        assert phi.negative_slope == -phi.value(np.array(-1.0))


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("x", [-1e270, -800.0, 800.0, 1e270])
def test_huge_arguments_give_limits_and_no_warning(name, x):
    phi = activation(name)
    limits = {"tanh": (-1.0, 1.0), "erf": (-1.0, 1.0), "gelu": (0.0, x), "silu": (0.0, x)}
    expected = limits[name][x > 0] if name in limits else float(EXACT[name](mp.mpf(x)))
    np.testing.assert_allclose(phi.value(np.array([x])), [expected], rtol=1e-15, atol=1e-300)
    assert np.isfinite(phi.derivative(np.array([x]))).all()


def test_arrays_of_any_shape_keep_it():
    for name in EXACT:
        for shape in ((), (3,), (2, 3)):
            assert activation(name).value(np.ones(shape)).shape == shape
            assert activation(name).derivative(np.ones(shape)).shape == shape


@pytest.mark.parametrize(("text", "slope"), [("leaky_relu:0.20", 0.2), ("leaky_relu:1e-2", 0.01), ("leaky_relu:-1", -1.0)])
def test_a_slope_has_one_name(text, slope):
    phi = activation(text)
    assert phi.name == f"leaky_relu:{slope!r}"
    assert phi.negative_slope == slope


@pytest.mark.parametrize(
    "text", ["leaky_relu", "leaky_relu:", "leaky_relu:x", "leaky_relu:nan", "leaky_relu:inf", "leaky_relu:1e51"]
)
def test_a_leaky_relu_needs_its_slope(text):
    with pytest.raises(
        ValueError, match=rf"^ResNet\(activation=\.\.\.\) needs its slope as leaky_relu:SLOPE, got '{text}'\. For"
    ):
        activation(text)


def test_other_names_are_refused():
    with pytest.raises(ValueError, match=r"must be one of relu, .*, identity, got 'gleu'\. Did you mean 'gelu'\?$"):
        activation("gleu")
    with pytest.raises(TypeError, match=r"must be one of relu, .*, identity, got <"):
        activation(math.tanh)
