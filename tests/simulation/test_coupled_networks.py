"""Networks whose weights depend on each other across depth: with their weights, and by conditioning on the past."""

from __future__ import annotations

import math

import numpy as np
import pytest
from specimens import GENERIC, RELATED, TWO, bits, draw
from test_explicit import passes, plain_states
from test_matrix_free_law import assert_same_draws

from helpers import assert_mean
from reslim import DepthPower, Fractional, Independent, ResNet, Smooth, simulate
from reslim.quantities import QUANTITIES
from reslim.simulation import explicit
from reslim.simulation.simulate import simulate_together

FORWARD = [name for name in QUANTITIES if not QUANTITIES[name].backward and name not in ("overlap", "log_tangent_growth")]
NETS = {
    "persistent relu": (ResNet(depth=6, width=4, coupling=Fractional(0.85)), None),
    "erratic two-matrix relu": (ResNet(depth=5, width=5, block=TWO, coupling=Fractional(0.1), skip=1.0), None),
    "smooth tanh": (ResNet(depth=6, width=4, activation="tanh", coupling=Smooth(0.3), skip=-0.8), None),
    "balanced two-matrix gelu": (
        ResNet(depth=4, width=4, block=TWO, activation="gelu", balanced=True, coupling=Smooth(0.4, "increments")), None
    ),
    "no skip: some die": (ResNet(depth=4, width=3, skip=0.0, branch=1.0, coupling=Fractional(0.7)), None),
    "two inputs": (ResNet(depth=4, width=5, block=TWO, coupling=Fractional(0.8), n_in=3), GENERIC),
    "related inputs": (ResNet(depth=4, width=5, activation="leaky_relu:0.2", coupling=Smooth(0.5), n_in=3), RELATED),
    "independent": (ResNet(depth=4, width=5, n_in=3), GENERIC),
}  # fmt: skip


@pytest.mark.parametrize("case", NETS)
def test_the_past_and_the_weights_give_one_law(case):
    net, inputs = NETS[case]
    names = FORWARD + ["overlap"] * (inputs is not None)
    reference = draw(net, 1500, 1, inputs=inputs, quantities=names, method="explicit")
    assert_same_draws(reference, draw(net, 6000, 2, inputs=inputs, quantities=names, method="conditional"))


def test_a_coupling_of_another_strength_is_seen():
    net = NETS["persistent relu"][0]
    reference = draw(net, 1500, 1, quantities=FORWARD, method="explicit")
    other = draw(net.replace(coupling=Fractional(0.7)), 6000, 2, quantities=FORWARD, method="conditional")
    with pytest.raises(AssertionError):
        assert_same_draws(reference, other)


@pytest.mark.parametrize("case", ["erratic two-matrix relu", "balanced two-matrix gelu", "no skip: some die"])
def test_coupled_weights_are_those_of_the_definition(case):
    net, _ = NETS[case]
    weights, x = explicit.draw_weights(net, 5, 0), np.linspace(-1.0, 2.0, net.n_in)
    found, _, _ = passes(net, weights, x)
    expected = plain_states(net, weights, weights.w_in @ x / math.sqrt(net.n_in))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14 * np.abs(expected).max())


def test_drawn_weights_have_the_covariance():
    net = ResNet(depth=12, width=30, block=TWO, coupling=Fractional(0.8))
    blocks = [explicit.draw_weights(net, 3, replica).blocks for replica in range(20)]
    expected = net.coupling.autocovariance(12, 12)
    for one, two in ((0, 3), (5, 6), (0, 11)):
        for name in ("v", "w"):
            pairs = np.array([getattr(each, name)[one] * getattr(each, name)[two] for each in blocks])
            assert_mean(pairs.ravel(), expected[two - one], resolution=0.06)
        between = np.array([each.v[one] * each.w[two] for each in blocks])
        assert_mean(between.ravel(), 0.0, resolution=0.06)


@pytest.mark.parametrize("coupling", [Fractional(0.7), Smooth()])
def test_an_axis_of_branch_factors_is_each_network_to_the_bit(coupling):
    base = ResNet.marion(depth=30, width=7, coupling=coupling, n_in=3)
    nets = [base.replace(branch=DepthPower(beta)) for beta in np.linspace(0.0, 1.3, 19)]
    backward = ["log_grad_displacement", "log_ntk"]
    options = {"quantities": [*FORWARD, "log_tangent_growth", *backward, "overlap"], "inputs": GENERIC, "layers": "all"}
    for functional in ("generic", "orthogonal"):
        together = simulate_together(nets, 3, 4, method="explicit", functional=functional, **options)
        for place in (0, 8, 18):
            alone = simulate(nets[place], 3, 4, method="explicit", functional=functional, threads=1, **options)
            assert bits(alone) == bits(together[place])


def test_networks_that_share_nothing_are_drawn_alone():
    nets = [ResNet(depth=5, width=4, coupling=Fractional(hurst)) for hurst in (0.3, 0.7)]
    found = simulate_together(nets, 4, 1, quantities=["log_growth"])
    for net, one in zip(nets, found, strict=True):
        assert bits(one) == bits(simulate(net, 4, 1, quantities=["log_growth"], layers="last"))


def test_nothing_overflows():
    """Smooth weights at β = ½, and at β = -0.3 beyond every float."""
    base = ResNet.marion(depth=1000, width=10, coupling=Smooth())
    nets = [base.replace(branch=DepthPower(beta)) for beta in (-0.3, 0.5)]
    names = ["log_displacement", "log_grad_displacement", "log_growth"]
    huge, large = simulate_together(nets, 3, quantities=names)
    for name in names:
        last = 0 if name == "log_grad_displacement" else 1000
        assert np.all(huge[name].sel(layer=last) > 709.0)
        assert np.all(np.isfinite(huge[name].sel(layer=last)))
    assert np.all(large.log_displacement.sel(layer=1000) > 5.0)


def test_hurst_one_half_is_independence():
    net = ResNet.marion(depth=20, width=10, coupling=Fractional(0.5), entries="uniform")
    same = net.replace(coupling=Independent())
    assert bits(simulate(net, 5)) == bits(simulate(same, 5))


def test_the_cheapest_sampler_is_taken():
    def method(**fields):
        net = ResNet(coupling=Fractional(0.7), **fields)
        return simulate(net, 1, quantities=["log_growth"], layers="last").method

    assert method(depth=1000, width=10) == "explicit"
    assert method(depth=20, width=100) == "conditional"


@pytest.mark.parametrize(
    ("method", "quantity", "text"),
    [
        ("radial", "log_norm", "'radial' holds for weights that are independent from layer to layer"),
        ("matrix-free", "log_norm", "'matrix-free' holds for weights that are independent from layer to layer"),
        ("conditional", "log_ntk", "'conditional' does not give log_ntk"),
    ],
)
def test_samplers_say_what_they_do_not_cover(method, quantity, text):
    net = ResNet(depth=3, width=3, block=TWO, coupling=Fractional(0.7))
    with pytest.raises(NotImplementedError, match=rf"^simulate\(method=\.\.\.\) {text}"):
        simulate(net, 2, quantities=[quantity], method=method)


def test_coupled_entries_are_gaussian():
    net = ResNet(depth=3, width=3, entries="uniform", coupling=Smooth())
    with pytest.raises(NotImplementedError, match=r"must be gaussian where the weights are coupled across depth, got 'uniform'"):
        simulate(net, 2)


def test_a_network_in_used_memory_is_the_same(monkeypatch):
    """The inputs are out of range, so that each network begins with a power of two: none may be left to the next."""
    net = ResNet.marion(depth=400, width=4, beta=0.0, coupling=Fractional(0.9), n_in=3)
    options = {"quantities": ["log_norm", "log_grad_growth", "log_ntk"], "method": "explicit", "inputs": np.full((1, 3), 1e40)}
    together = simulate(net, 4, 4, **options)
    monkeypatch.setattr("reslim.simulation.simulate.NANOSECONDS", 1.0)  # one network a batch, each in memory of its own
    assert bits(simulate(net, 4, 4, **options)) == bits(together)
