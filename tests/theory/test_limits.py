from __future__ import annotations

import numpy as np
import pytest

import reslim
from helpers import assert_mean, assert_same_law, assert_variance
from reslim import DepthPower, Fractional, ResNet, Smooth
from reslim.theory import limits
from reslim.theory.flow import SmoothSeries


def net_of(depth, beta, width=4, **fields):
    return ResNet(**({"depth": depth, "width": width, "skip": 1.0, "branch": DepthPower(beta), "variance": 1.0} | fields))


DIFFUSIONS = [
    ({"variance": 2.0}, 5000),
    ({"activation": "tanh"}, 1000),
    ({"block": "two-matrix"}, 1000),
    ({"block": "two-matrix", "activation": "tanh", "depth": 64}, 500),
    ({"balanced": True, "activation": "leaky_relu:0.3"}, 2000),
]


@pytest.mark.parametrize(("fields", "replicas"), DIFFUSIONS, ids=str)
def test_the_order_against_the_diffusion(fields, replicas):
    found = limits.strong_order(limits.sde(net_of(**({"depth": 256, "beta": 0.5} | fields))), replicas=replicas, seed=1)
    assert found.depths[:2] == [fields.get("depth", 256), fields.get("depth", 256) // 2]
    assert found.error < 0.015
    assert abs(found.slope + 0.5) < 0.03 + 3 * found.error


FLOWS = [
    {"coupling": Smooth(0.2)},
    {"coupling": Smooth(0.3), "block": "two-matrix", "activation": "tanh"},
    {"coupling": Smooth(0.3, "increments"), "block": "two-matrix", "activation": "gelu", "variance": (1.0, 1.5)},
]


@pytest.mark.parametrize("fields", FLOWS, ids=str)
def test_the_order_against_the_flow(fields):
    found = limits.strong_order(limits.ode(net_of(512, 1.0, **fields)), replicas=20, halvings=2)
    assert found.error < 0.02
    assert abs(found.slope + 1.0) < 0.05


@pytest.mark.parametrize(("branch", "order"), [(0.5, -0.5), (0.2, -0.5)])
def test_the_branch_is_the_time(branch, order):
    limit = limits.sde(net_of(16, 0.5, branch=branch))
    assert limit.time == pytest.approx(16 * branch**2)


def test_the_spread_by_hand():
    """z = (3, -4), v = 2: |φ(z)|² is 9, over both signs 12.5, over W (9 + 16)/2."""
    z = np.array([3.0, -4.0])
    for fields, square in (({}, 9.0), ({"balanced": True}, 12.5), ({"block": "two-matrix", "variance": (1.0, 2.0)}, 12.5)):
        limit = limits.sde(net_of(2, 0.5, **({"width": 2, "variance": 2.0} | fields)))
        assert limit.spread(z) == pytest.approx(square**0.5, rel=1e-12)


# ---- the schemes are networks


def log_growths(z, start):
    return np.log((z**2).sum(-1) / (start**2).sum(-1))


@pytest.mark.parametrize("fields", [{"variance": 2.0}, {"activation": "tanh", "variance": 3.0}], ids=str)
def test_the_scheme_of_one_matrix_blocks_is_the_network(fields):
    net = net_of(8, 0.5, **fields)
    limit = limits.sde(net)
    assert limit.is_scheme
    ends = limit.states(20_000, 3, 1)
    for depth, z in zip((8, 4), ends, strict=True):
        same = net.replace(depth=depth, branch=(limit.time / depth) ** 0.5)
        draws = reslim.simulate(same, 20_000, 5, quantities=["log_norm"], layers="last", progress=False)
        assert_same_law(np.log((z**2).mean(-1)), draws.log_norm.values[:, 0, 0], resolution=0.03)


@pytest.mark.parametrize("fields", [{"block": "two-matrix"}, {"balanced": True}], ids=str)
def test_others_tend_to_their_diffusion_in_law(fields):
    net = net_of(128, 0.5, **fields)
    limit = limits.sde(net)
    assert not limit.is_scheme
    z = limit.states(10_000, 3, 0)[0]
    draws = reslim.simulate(net, 10_000, 5, quantities=["log_norm"], layers="last", progress=False)
    assert_same_law(np.log((z**2).mean(-1)), draws.log_norm.values[:, 0, 0], resolution=0.04)


def test_the_weights_of_the_flow_are_those_of_the_coupling():
    depth = 12
    for coupling in (Smooth(0.1), Smooth(0.4), Smooth(0.2, "increments")):
        functions = SmoothSeries(coupling).layers(depth)
        gram = functions.T @ functions
        lags = np.abs(np.subtract.outer(np.arange(depth), np.arange(depth)))
        np.testing.assert_allclose(gram, coupling.autocovariance(depth, depth)[lags], atol=1e-12)
    t, tau = np.array([0.2, 0.5]), 0.3 / 0.2
    functions = SmoothSeries(Smooth(0.2, "increments")).limit(t)
    expected = (1 - tau**2) * np.exp(-(tau**2) / 2)
    np.testing.assert_allclose(functions.T @ functions, [[1, expected], [expected, 1]], atol=1e-12)


def test_a_linear_flow_in_one_dimension():
    """dZ/dt = T V(t) Z has the solution z_0 exp(T ∫ V)."""
    path = limits.ode(net_of(100, 1.0, width=1, branch=0.02, activation="identity", coupling=Smooth(0.3))).replica(1, 2)
    t = (np.arange(4000) + 0.5) / 4000
    integral = path.weights(path.series.limit(t))[0, :, 0, 0].mean()
    np.testing.assert_allclose(path.solution(np.ones(1))[0, 0], path.start[0] * np.exp(2.0 * integral), rtol=1e-6)


# ---- the normal law of two-matrix networks


@pytest.mark.parametrize(("fields", "depth"), [({}, 80), ({"variance": (2.0, 0.8), "branch": 0.05}, 100)], ids=str)
def test_the_normal_law_of_the_growth(fields, depth):
    net = net_of(depth, 0.5, width=20, block="two-matrix", **fields)
    mean, variance = limits.log_growth(net)
    draws = reslim.simulate(net, 20_000, 7, quantities=["log_growth"], layers="last", progress=False).log_growth.values[:, 0, 0]
    assert_mean(draws + 0.25 * (net.branches[0] ** 2 * np.prod(net.variances)) ** 2 * depth / 2, mean, resolution=0.03)
    assert_variance(draws, variance, resolution=0.06 * variance)


def test_the_closed_forms_of_the_law():
    assert limits.log_growth(net_of(1000, 0.5, width=40, block="two-matrix")) == pytest.approx((0.5 - 1 / 40, 2 / 40))
    scaled = limits.log_growth(net_of(1000, 0.7, width=40, block="two-matrix"))
    assert scaled == pytest.approx(((0.5 - 1 / 40) * 1000**-0.4, 2 / 40 * 1000**-0.4))
    linear = limits.log_growth(net_of(9, 0.5, width=5, block="two-matrix", activation="identity"))
    assert linear == pytest.approx((1 - 2 / 5, 4 / 5))


# ---- the rate of growth


RATES = {
    "explodes": ({"width": 4, "branch": 0.7}, 1),
    "collapses": ({"width": 2, "skip": 0.7, "branch": 0.9}, -1),
    "collapses, one unit": ({"width": 1, "branch": 0.6}, -1),
    "wide": ({"width": 1500, "skip": 0.9, "branch": 0.9, "variance": (2.0, 1.0)}, 1),
    "negative skip": ({"width": 8, "skip": -0.8, "branch": 1.5}, 1),
}


@pytest.mark.parametrize("name", RATES)
def test_the_exact_rate(name):
    fields, sign = RATES[name]
    net = net_of(30, 0.5, block="two-matrix", **fields)
    rate = limits.lyapunov(net)
    assert np.sign(rate) == sign
    method = "matrix-free" if net.width == 1 else "radial"
    draws = reslim.simulate(net, 20_000, 2, quantities=["log_growth"], layers="last", method=method, progress=False)
    assert_mean(draws.log_growth.values[:, 0, 0] / 30, rate, resolution=0.2 * abs(rate))


@pytest.mark.parametrize("branch", [1e-3, 0.05, 0.3])
def test_the_rate_of_small_branches_is_that_of_the_law(branch):
    net = net_of(1, 0.5, width=50, block="two-matrix", branch=branch)
    assert limits.lyapunov(net) == pytest.approx(limits.log_growth(net)[0], rel=0.6 * branch**2 + 1e-8)


@pytest.mark.parametrize("fields", [{}, {"balanced": True}, {"activation": "leaky_relu:0.3"}], ids=str)
def test_the_rate_of_one_matrix_blocks(fields):
    net = ResNet(depth=100, width=100, **fields)
    rate = limits.lyapunov(net)
    draws = reslim.simulate(net, 4000, 2, quantities=["log_growth"], layers=[50, 100], progress=False).log_growth.values[:, :, 0]
    late = (draws[:, 1] - draws[:, 0]) / 50
    error = 5 * late.std() / 4000**0.5
    assert abs(late.mean() - rate) < error + 0.15 * abs(
        rate - np.log(0.5 + 0.25 * 2 * (1 + (net.phi.negative_slope or 0.0) ** 2))
    )
    assert limits.lyapunov(net.replace(depth=3)) == rate


def test_without_branches_the_skips_remain():
    assert limits.lyapunov(ResNet(depth=3, width=4, skip=-0.5, branch=0.0)) == pytest.approx(2 * np.log(0.5))


# ---- what is refused

SMOOTH = Smooth(0.3)
REFUSED = [
    (limits.sde, {"coupling": SMOOTH}, "must have independent weights"),
    (limits.sde, {"skip": 0.9}, "must have skip 1"),
    (limits.sde, {"branch": (0.1, 0.2)}, "the same branch"),
    (limits.sde, {"entries": "uniform"}, "must have Gaussian entries"),
    (limits.ode, {}, "must have smooth weights"),
    (limits.ode, {"coupling": Smooth(0.001)}, "of a length of at least 0.01"),
    (limits.ode, {"coupling": Fractional(0.9)}, "must have smooth weights"),
    (limits.ode, {"coupling": SMOOTH, "balanced": True}, "must not be Balanced"),
    (limits.log_growth, {}, "must have two-matrix blocks"),
    (limits.log_growth, {"block": "two-matrix", "activation": "tanh"}, "positively homogeneous"),
    (limits.log_growth, {"block": "two-matrix", "coupling": SMOOTH}, "independent weights"),
    (limits.lyapunov, {"activation": "tanh"}, "positively homogeneous activation, not tanh"),
    (limits.lyapunov, {"branch": (0.1, 0.2)}, "the same factors"),
    (limits.lyapunov, {"coupling": SMOOTH}, "independent weights"),
    (limits.lyapunov, {"skip": 0.0}, "must have a skip"),
]


@pytest.mark.parametrize(("call", "fields", "words"), REFUSED, ids=lambda value: getattr(value, "__name__", str(value)))
def test_what_is_not_covered(call, fields, words):
    with pytest.raises(NotImplementedError, match=rf"{call.__name__}\(net=...\) .*{words}"):
        call(net_of(2, 0.5, **fields))


def test_bad_arguments():
    for call in (limits.sde, limits.ode, limits.log_growth, limits.lyapunov):
        with pytest.raises(TypeError, match="must be a ResNet"):
            call(3)
    with pytest.raises(TypeError, match="from sde or ode"):
        limits.strong_order(net_of(4, 0.5))
    limit = limits.sde(net_of(24, 0.5))
    for arguments, words in (
        ({"halvings": 4}, "halve the depth evenly"),
        ({"halvings": 1}, "at least 2"),
        ({"replicas": 5}, "at least 20"),
    ):
        with pytest.raises(ValueError, match=words):
            limits.strong_order(limit, **arguments)
