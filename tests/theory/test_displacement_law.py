from __future__ import annotations

import numpy as np
import pytest
from coupled_nets import drawn

import reslim
from helpers import assert_mean
from reslim import DepthPower, Fractional, Independent, Matern, ResNet, Smooth
from reslim.theory import coupled, identity_side

LONG = Fractional(0.9)


def ratio(laws, name, layer):
    return np.exp(0.5 * laws[f"{name}_second_moment"].sel(layer=layer).item())


# ---- independent weights: exact


@pytest.mark.parametrize(("depth", "beta", "expected"), [(1000, 0.5, 0.8053), (1000, 1.0, 0.02236), (1000, 0.25, 2546.0)])
def test_the_papers_numbers(depth, beta, expected):
    laws = reslim.predict(ResNet.marion(depth=depth, width=40, beta=beta), layers=[0, depth])
    exact = np.sqrt(np.expm1(depth * np.log1p(depth ** (-2 * beta) / 2)))
    for name, layer in (("log_displacement", depth), ("log_grad_displacement", 0)):
        assert ratio(laws, name, layer) == pytest.approx(exact, rel=1e-10)
        assert ratio(laws, name, layer) == pytest.approx(expected, rel=2e-3)
        assert laws[f"{name}_second_moment"].attrs["exact"] == "true"


FREE = {
    "two-matrix": {"block": "two-matrix", "skip": 0.7, "branch": 0.6},
    "Balanced": {"balanced": True, "skip": -0.5, "branch": 0.6},
    "schedules": {"block": "two-matrix", "skip": (1.0, 0.2, -0.4, 0.9), "branch": (0.2, 0.5, 0.9, 0.4)},
    "perceptron": {"skip": 0.0, "branch": 1.0, "width": 3},
    "some skips 0": {"block": "two-matrix", "skip": (0.0, 0.9, 0.9, 0.5), "branch": 0.7, "width": 3},
}


@pytest.mark.parametrize("name", FREE)
def test_exact_root_mean_squares(name):
    net = ResNet(**({"depth": 4, "width": 6} | FREE[name]))  # at n = 3 one network in eight dies in a block without skip
    names = ["log_displacement", "log_grad_displacement", "log_grad_growth"]
    laws = reslim.predict(net, quantities=names)
    draws = reslim.simulate(net, 20_000, 3, quantities=names, layers="all", method="matrix-free", progress=False)
    for key, layers in (("log_displacement", (1, 4)), ("log_grad_displacement", (0, 3))):
        assert laws[f"{key}_second_moment"].attrs["exact"] == "true"
        for layer in layers:
            expected = np.exp(laws[f"{key}_second_moment"].sel(layer=layer).item())
            assert_mean(np.exp(2 * draws[key].sel(layer=layer, input=0).values), expected, resolution=0.2 * expected)
    if name == "perceptron":  # its gradient has another law
        return
    expected = np.exp(laws.log_grad_growth_second_moment.sel(layer=3).item())
    assert_mean(np.exp(draws.log_grad_growth.sel(layer=3, input=0).values), expected, resolution=0.2 * expected)


def test_vanilla_networks_have_the_forward_one_like_their_law():
    laws = reslim.predict(ResNet(depth=30, width=100))
    assert laws.log_displacement_second_moment.attrs["exact"] == "false"
    growth = np.exp(laws.log_growth_second_moment.sel(layer=30).item())
    assert ratio(laws, "log_displacement", 30) ** 2 == pytest.approx(growth + 1 - 2 * 0.5**15, rel=1e-12)
    assert "in vanilla networks" in reslim.results.unavailable(laws)["log_grad_displacement"]
    tied = reslim.predict(ResNet.marion(depth=30, width=100), functional="parallel")
    assert "p_d is independent" in reslim.results.unavailable(tied)["log_grad_displacement"]


# ---- coupled weights: the identity side

# r L^(β - ½) at L = 1000, n = 40, from networks simulated apart with explicit matrices: output, gradient.
MEASURED = {0.1: (0.652, 0.746), 0.3: (0.610, 0.727), 0.7: (1.737, 0.856), 0.9: (7.51, 4.63), 0.95: (12.3, 9.48)}


@pytest.mark.parametrize("hurst", MEASURED)
def test_the_measured_ratios(hurst):
    laws = reslim.predict(ResNet.marion(depth=1000, width=40, beta=2.0, coupling=Fractional(hurst)), layers=[0, 1000])
    for name, layer, measured in zip(("log_displacement", "log_grad_displacement"), (1000, 0), MEASURED[hurst], strict=True):
        assert ratio(laws, name, layer) * 1000**1.5 == pytest.approx(measured, rel=0.025)


SMALL = {
    "two-matrix relu": {"block": "two-matrix"},
    "one-matrix relu": {},
    "one-matrix Balanced": {"balanced": True},
    "two-matrix Balanced": {"block": "two-matrix", "balanced": True},
    "leaky relu": {"block": "two-matrix", "activation": "leaky_relu:0.4", "variance": (2.0, 0.7)},
    "two-matrix linear": {"block": "two-matrix", "activation": "identity"},
    "Ornstein-Uhlenbeck": {"block": "two-matrix", "coupling": Matern(0.3, 0.5)},
}


@pytest.mark.parametrize("name", SMALL)
def test_networks_that_hardly_move_at_any_width(name):
    """n = 3: of the gradient's terms a third is that of the direction of z_0."""
    net = ResNet(**({"depth": 8, "width": 3, "skip": 1.0, "branch": 1e-4, "coupling": LONG, "variance": 1.5} | SMALL[name]))
    output, gradient = drawn(net, 20_000)[2:]
    for samples, law in ((output, identity_side.displacement(net, 1.0)[-1]), (gradient, identity_side.gradient(net, 1.0)[0])):
        assert_mean(samples, law, resolution=0.15 * law)


@pytest.mark.parametrize("fields", [{"activation": "tanh"}, {"activation": "gelu", "block": "two-matrix", "balanced": True}])
@pytest.mark.parametrize("branch", [1e-3, tuple(np.linspace(1e-3, -5e-4, 30))])
@pytest.mark.parametrize("coupling", [LONG, Smooth(0.2), Matern(0.2, 0.5), Fractional(0.2), Independent()])
def test_the_first_order_of_the_limit(fields, branch, coupling):
    net = ResNet(depth=30, width=10, skip=1.0, branch=branch, variance=1.3, coupling=coupling, **fields)
    forward, backward = coupled.walk(net, 0.8)
    relative = 1e-3 if coupling != Fractional(0.2) else 1e-2
    np.testing.assert_allclose(identity_side.displacement(net, 0.8), np.expm1(forward - np.log(0.8)), rtol=relative)
    np.testing.assert_allclose(identity_side.gradient(net, 0.8, width=np.inf), np.expm1(backward), rtol=relative)


def test_where_nothing_is_claimed():
    far = reslim.predict(ResNet.marion(depth=1000, width=40, coupling=Fractional(0.7)), layers="all")
    claimed = far.log_displacement_second_moment
    assert np.exp(0.5 * claimed.max().item()) <= 0.5
    assert np.isnan(claimed.sel(layer=1000).item())
    rough = ResNet(depth=1000, width=4, skip=1.0, branch=DepthPower(0.52), variance=1.0, coupling=Fractional(0.05))
    claimed = reslim.predict(rough, layers="all").log_displacement_second_moment
    assert np.isnan(claimed.sel(layer=1000).item())  # contraction, not diffusion
    assert np.isfinite(claimed.sel(layer=3).item())
    reasons = reslim.results.unavailable
    cases = {
        "every skip to be 1": {"skip": 0.9},
        "Gaussian entries": {"entries": "uniform"},
        "no layer is on the identity side": {"branch": 10.0},
    }
    for words, change in cases.items():
        net = ResNet(**({"depth": 5, "width": 4, "skip": 1.0, "branch": 0.1, "coupling": LONG} | change))
        assert words in reasons(reslim.predict(net))["log_displacement"]
    two = reslim.predict(ResNet(depth=5, width=4, n_in=2, skip=1.0, activation="tanh", coupling=LONG), inputs=np.eye(2))
    assert "that of one input" in reasons(two)["log_displacement"]
