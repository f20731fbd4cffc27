"""The infinite-width limit against closed forms, against its own definition, and against networks of great width."""

from __future__ import annotations

import numpy as np
import pytest

import reslim
from reslim import ResNet
from reslim.theory import mean_field


@pytest.mark.parametrize("block", ["one-matrix", "two-matrix"])
def test_relu_is_a_product(block):
    net = ResNet(depth=6, width=50, skip=tuple(np.linspace(-0.5, 1.0, 6)), branch=0.6, variance=1.5, block=block)
    field = mean_field.recursion(net, np.array([1.0, 4.0]))
    v = 1.5 if block == "one-matrix" else 1.5**2
    growth = np.log(np.array(net.skip) ** 2 + 0.36 * v / 2)
    np.testing.assert_allclose(field.log_q[-1], np.log([1.0, 4.0]) + growth.sum(), rtol=1e-12)
    np.testing.assert_allclose(field.log_gradient[0], growth.sum(), rtol=1e-12)
    assert (field.log_gradient[-1] == 0.0).all()


def test_nothing_overflows():
    deep = ResNet(depth=5000, width=10, skip=100.0, branch=100.0, activation="gelu")
    log_q = mean_field.recursion(deep, np.ones(1)).log_q
    assert log_q[-1, 0] == pytest.approx(5000 * np.log(100.0**2 * 2), rel=1e-3)
    fading = mean_field.recursion(deep.replace(skip=0.0, branch=1e-3), np.ones(1)).log_q
    assert np.isfinite(fading).all()


SIMULATED = [
    {},
    {"balanced": True, "activation": "gelu"},
    {"activation": "tanh", "skip": -0.8, "branch": 0.9},
    {"activation": "silu", "skip": 1.0, "branch": 0.4},
    {"activation": "erf", "skip": 0.9, "branch": 1.2, "block": "two-matrix", "variance": (1.5, 1.0)},
    {"activation": "leaky_relu:0.3", "skip": 0.7, "branch": 0.7, "block": "two-matrix"},
]
FINITE_WIDTH = 40.0  # n × the largest distance of a mean from its limit
MEANS = ("log_growth", "log_displacement", "log_grad_growth", "log_grad_displacement", "log_weight_grad", "log_ntk")


@pytest.mark.parametrize("fields", SIMULATED, ids=str)
def test_wide_networks(fields):
    """Every quantity, at width 1500: what is left is O(1/n)."""
    net = ResNet(depth=4, width=1500, n_in=3, **fields)
    inputs = np.array([[1.0, 2.0, -1.0], [0.5, 1.5, 0.5]])
    names = [*MEANS, "log_tangent_growth", "active_energy", "active_fraction", "overlap", "log_norm"]
    laws = reslim.predict(net, quantities=names, inputs=inputs, layers="all").sel(law="gaussian", moment="mean")
    draws = reslim.simulate(net, 150, 3, quantities=names, inputs=inputs, layers="all", progress=False)
    for name in names:
        law, sample = laws[name], draws[name]
        for place in np.ndindex(law.shape):
            expected = law.values[place]
            drawn = sample.values[(slice(None), *place)]
            if np.isfinite(expected):
                error = 5.0 * drawn.std(ddof=1) / np.sqrt(drawn.size) + FINITE_WIDTH / net.width
                assert error < 0.15
                assert abs(drawn.mean() - expected) < error, (name, place)


def test_cosines_of_relu_by_the_arc_cosine_map():
    net = ResNet(depth=1, width=10, skip=0.6, branch=0.8)
    laws = reslim.predict(net.replace(n_in=2), quantities=["overlap"], inputs=np.array([[1.0, 0.0], [0.0, 1.0]]))
    # orthogonal inputs: E φφ' = 1/(2π), the growth is 1: cos = λ² v/(2π) = 0.64/π
    assert laws.overlap.sel(law="gaussian", moment="mean", layer=1, input=0, input_2=1).item() == pytest.approx(0.64 / np.pi)


def test_the_displacement_of_a_small_branch_keeps_its_digits():
    log_growth = np.array([np.log1p(1e-14)])
    found = mean_field.log_displacement(log_growth, np.zeros(1), np.ones(1))
    assert found[0] == pytest.approx(0.5 * np.log(1e-14), rel=1e-6)
    far = mean_field.log_displacement(np.array([800.0]), np.array([390.0]), np.array([-1.0]))
    assert far[0] == pytest.approx(400.0 + 0.5 * np.log1p(2 * np.exp(390.0 - 800.0)), rel=1e-12)
    assert mean_field.log_displacement(np.zeros(1), np.zeros(1), np.ones(1))[0] == -np.inf
