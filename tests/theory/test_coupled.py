from __future__ import annotations

import numpy as np
import pytest
from coupled_nets import drawn

import reslim
from reslim import DepthPower, Fractional, Independent, ResNet, Smooth
from reslim.quantities import QUANTITIES
from reslim.theory import coupled, mean_field

LONG, ROUGH, SMOOTH = Fractional(0.9), Fractional(0.2), Smooth(0.3)
CASES = {
    "two-matrix relu": {"block": "two-matrix", "coupling": LONG, "branch": 0.2},
    "one-matrix relu": {"coupling": LONG, "branch": 0.15},
    "one-matrix relu, rough": {"coupling": ROUGH, "branch": 0.5},
    "one-matrix tanh": {"coupling": SMOOTH, "branch": 0.2, "activation": "tanh"},
    "two-matrix tanh": {"block": "two-matrix", "coupling": SMOOTH, "branch": 0.3, "activation": "tanh", "skip": 0.9},
    "one-matrix Balanced": {"coupling": LONG, "branch": 0.2, "balanced": True},
    "two-matrix Balanced": {"block": "two-matrix", "coupling": SMOOTH, "branch": 0.3, "activation": "gelu", "balanced": True},
    "schedules": {"coupling": LONG, "skip": tuple(np.linspace(1.0, 0.6, 12)), "branch": tuple(np.linspace(0.4, -0.1, 12))},
}
BIAS = 12.0  # n × relative error of the limit


def net_of(fields, width=24):
    return ResNet(**({"depth": 12, "width": width, "skip": 1.0, "variance": 1.0} | fields))


@pytest.mark.parametrize("name", CASES)
def test_networks_with_coupled_weights_follow_the_limit(name):
    net = net_of(CASES[name])
    forward, backward = (np.exp(log) for log in coupled.walk(net, 1.0))
    for samples, law in zip(drawn(net, 200)[:2], (forward[-1], backward[0]), strict=True):
        error = 5.0 * samples.std() / 200**0.5
        assert error < 0.7 * law
        assert abs(samples.mean() - law) < error + BIAS / net.width * abs(law - net.skips.prod() ** 2)
        free = np.exp(mean_field.recursion(net.replace(coupling=Independent()), np.ones(1)).log_q[-1, 0])
        assert name == "one-matrix relu, rough" or abs(free - law) > 0.03 * law  # the coupling is seen at all


@pytest.mark.parametrize("activation", ["relu", "leaky_relu:0.3", "tanh", "erf", "gelu"])
@pytest.mark.parametrize("block", ["one-matrix", "two-matrix"])
@pytest.mark.parametrize("balanced", [True, False])
def test_independent_weights_give_the_ordinary_recursion(activation, block, balanced):
    fields = {"skip": tuple(np.linspace(1.0, 0.0, 9)), "branch": 0.7, "variance": 1.7}
    net = ResNet(depth=9, width=5, activation=activation, block=block, balanced=balanced, **fields)
    field = mean_field.recursion(net, np.array([1.3]))
    found = coupled.walk(net, 1.3)
    for log, expected in zip(found, (field.log_q, field.log_gradient), strict=True):
        np.testing.assert_allclose(log, expected[:, 0], rtol=1e-12, atol=1e-13)


def test_two_identical_linear_layers():
    """z_2 = (1 + W)² z_0 at correlation 1: E|z_2|²/n = 1 + 4 v + (v²) by hand, at infinite width; V and W apart."""
    net = ResNet(depth=2, width=3, skip=1.0, branch=1.0, variance=0.3, activation="identity", coupling=Smooth(1e10))
    forward, backward = (np.exp(log) for log in coupled.walk(net, 1.0))
    assert forward[-1] == pytest.approx(1 + 4 * 0.3 + 0.3**2, rel=1e-12)
    assert backward[0] == pytest.approx(1 + 4 * 0.3 + 0.3**2, rel=1e-12)


def test_nothing_overflows():
    net = ResNet.marion(depth=300, width=4, beta=-1.0, coupling=Fractional(0.95))
    forward, backward = coupled.walk(net, 1.0)
    assert np.isfinite(forward).all()
    assert np.isfinite(backward).all()
    assert forward[-1] > 1500.0  # e^1500 is beyond every float64


@pytest.mark.parametrize("net", [ResNet(depth=5, width=4, coupling=Fractional(0.5)), ResNet(depth=1, width=4, coupling=LONG)])
def test_a_coupling_that_couples_nothing_is_independence(net):
    assert not coupled.is_coupled(net)
    assert coupled.is_coupled(ResNet(depth=2, width=4, coupling=LONG))
    free, found = (reslim.predict(one) for one in (net.replace(coupling=Independent()), net))
    for name in QUANTITIES.keys() & set(found):
        np.testing.assert_array_equal(found[name], free[name])


def test_every_quantity_of_a_coupled_network_has_a_limit_and_no_other_law():
    net = ResNet.marion(depth=20, width=40, coupling=LONG)
    laws = reslim.predict(net, inputs=np.random.default_rng(0).standard_normal((2, 64)))
    reasons = reslim.results.unavailable(laws)
    assert set(reasons) == set(QUANTITIES)
    assert "at infinite width only" in reasons["log_growth"]
    assert "root mean square" in reasons["log_displacement"]
    for name in QUANTITIES:
        assert not laws[name].sel(law="log-gaussian").notnull().any()
    growth = laws.log_growth.sel(law="gaussian", moment="mean", layer=20, input=0).item()
    assert growth == pytest.approx(coupled.walk(net, 1.0)[0][-1], rel=1e-12)
    assert not laws.overlap.sel(law="gaussian", moment="mean").notnull().any()


def test_beyond_the_depth_of_the_limit_there_is_none():
    laws = reslim.predict(ResNet.marion(depth=coupled.DEEPEST + 1, width=40, beta=1.0, coupling=LONG), layers="last")
    assert not laws.log_growth.sel(moment="mean").notnull().any()
    assert laws.log_displacement_second_moment.notnull().all()


def test_the_cost_is_that_of_pairs_of_layers():
    import time

    def seconds(depth):
        net = ResNet(depth=depth, width=100, skip=1.0, branch=DepthPower(0.8), coupling=LONG)
        coupled.walk.cache_clear()
        started = time.perf_counter()
        coupled.walk(net, 1.0)
        return time.perf_counter() - started

    seconds(10)
    assert min(seconds(1600) for _ in range(2)) < 20 * min(seconds(400) for _ in range(2))
