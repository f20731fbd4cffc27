"""Tangents t_l = (∂z_l/∂z_0) t_0: without matrices against with them, and what holds exactly."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from specimens import GENERIC, ONE_INPUT, TWO, bits, draw
from test_matrix_free_law import assert_same_draws

from helpers import assert_mean
from reslim import DepthPower, Fractional, ResNet, simulate
from reslim.simulation import columns, explicit, joint, path_records

module = importlib.import_module("reslim.simulation.simulate")

NAMES = ["log_growth", "log_tangent_growth"]
BOTH = [*NAMES, "log_displacement", "log_grad_growth", "log_grad_displacement", "log_ntk"]
GELU = ResNet(depth=7, width=5, n_in=3, block=TWO, balanced=True, activation="gelu", skip=-0.8)


@pytest.mark.parametrize("case", [
    "relu", "balanced leaky relu", "tanh", "silu, width 1", "two-matrix relu, no skip: some die", "two-matrix balanced tanh",
])  # fmt: skip
def test_same_law_as_explicit_matrices(case):
    reference, fast = (
        draw(ONE_INPUT[case], count, seed, quantities=BOTH, method=method)
        for count, seed, method in ((1500, 1, "explicit"), (12_000, 2, "matrix-free"))
    )
    assert_same_draws(reference, fast)


@pytest.mark.parametrize("net", [
    ResNet(depth=5, width=8, activation="tanh", variance=3.0),
    ResNet(depth=4, width=6, block=TWO, activation="gelu", skip=-0.7, balanced=True),
])  # fmt: skip
def test_the_mean_growth_is_that_of_gradients(net):
    """E|Jt|²/|t|² = E‖J‖²/n = E|Jᵀp|²/|p|²: direction and functional know nothing of the network."""
    draws = draw(net, 100_000, 3, quantities=["log_tangent_growth", "log_grad_growth"], method="matrix-free", layers="last")
    tangent, gradient = (
        np.exp(draws[name].sel(layer=layer).values[:, 0])
        for name, layer in (("log_tangent_growth", net.depth), ("log_grad_growth", 0))
    )
    assert_mean(tangent - gradient, 0.0, resolution=0.06 * gradient.mean())


def test_the_mean_growth_in_two_matrix_relu_networks():
    """Given W, (z, t) and its opposite are as likely: half of |Wt|² passes whatever the state, so that the mean is Π S_l."""
    net = ResNet(depth=6, width=24, skip=0.9, branch=0.7, block=TWO, variance=(2.5, 1.0))
    growth = draw(net, 30_000, 1, quantities=["log_tangent_growth"], layers="last").log_tangent_growth.values[:, 0, 0]
    expected = (0.9**2 + 0.7**2 * 2.5 / 2) ** 6
    assert_mean(np.exp(growth), expected, resolution=0.05 * expected)


@pytest.mark.parametrize("block", ["one-matrix", TWO])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:-0.4", "identity"])
def test_along_its_state_a_homogeneous_network_grows_like_the_state(block, activation):
    net = ResNet(depth=30, width=7, n_in=3, block=block, activation=activation, balanced=True, branch=40.0)
    weights, x = explicit.draw_weights(net, 3, 0), np.array(GENERIC)
    found = explicit.paths([net], weights, x, None, tangent=True)
    found.by_column(found.t[:1], 2)[0] = found.by_column(found.z[:1], 2)[0]
    columns.tangents(columns.factors_of([net], 2), weights.blocks, found)
    states, tangents = (of(found, slice(2), slice(None)).log_squares() for of in (path_records.states, path_records.tangents))
    assert states[-1].max() > 100.0
    np.testing.assert_allclose(tangents, states, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("method", ["matrix-free", "explicit"])
def test_identical_inputs_have_one_tangent_to_the_last_bit(method):
    x = np.array([[1.0, -0.5, 2.0]])
    draws = draw(GELU, 5, inputs=np.concatenate([x, x, 0.5 * x, x]), method=method, quantities=BOTH)
    first, second, half, last = (bits(draws.isel(input=a)) for a in range(4))
    assert first == second == last
    assert half["log_tangent_growth"] != first["log_tangent_growth"]
    assert (draws.log_tangent_growth.values[:, 0] == 0.0).all()


def test_tangents_do_not_change_the_states():
    names = ["log_growth", "log_displacement", "output"]
    options = {"inputs": GENERIC, "method": "matrix-free"}
    alone, beside = (draw(GELU, 20, 2, quantities=wanted, **options) for wanted in (names, [*names, "log_tangent_growth"]))
    assert bits(alone) == bits(beside[names])


@pytest.mark.parametrize("method", ["matrix-free", "explicit"])
def test_a_replica_is_the_same_in_any_batch_on_any_thread(method, monkeypatch):
    options = {"inputs": GENERIC, "method": method, "quantities": BOTH}
    every = draw(GELU, 23, 9, **options)
    assert bits(draw(GELU, 4, 9, **options)) == bits(every.isel(replica=slice(0, 4)))
    some = draw(GELU, 23, 9, **options | {"layers": [2, 7]})
    assert bits(some) == bits(every.sel(layer=[2, 7]))
    monkeypatch.setattr(module, "MOST_BATCH", 5)
    assert bits(draw(GELU, 23, 9, threads=2, **options)) == bits(every)


@pytest.mark.parametrize("net", [GELU, ResNet(depth=11, width=5, n_in=3, skip=0.0, branch=1e9, activation="leaky_relu:0.1")])
def test_replay_from_checkpoints_is_bit_for_bit(net, monkeypatch):
    options = {"quantities": BOTH, "method": "matrix-free", "inputs": GENERIC}
    expected = draw(net, 6, 1, **options)
    monkeypatch.setattr(joint, "MOST_STORED", 10)
    assert bits(draw(net, 6, 1, **options)) == bits(expected)


@pytest.mark.parametrize("method", ["matrix-free", "explicit"])
@pytest.mark.parametrize("net", [
    ResNet(depth=10_000, width=4, skip=0.0, branch=100.0, activation="leaky_relu:0.1"),
    ResNet(depth=10_000, width=4, skip=-1.0, branch=DepthPower(0.0, 0.01), activation="gelu", block=TWO),
    ResNet(depth=10_000, width=4, skip=1e-3, branch=1e-3, balanced=True, activation="tanh"),
])  # fmt: skip
def test_growth_and_decay_far_outside_float64(net, method):
    draws = draw(net, 3, method=method, quantities=NAMES, layers=[1, 5000, 10_000])
    growth = draws.log_tangent_growth.values
    assert np.isfinite(growth).all()
    if net.activation != "gelu":
        assert (np.abs(growth[:, 2]) > 2.0 * math.log(1e308)).all()


@pytest.mark.parametrize("method", ["matrix-free", "explicit"])
def test_the_tangent_of_a_dead_network_is_zero(method):
    net = ResNet(depth=8, width=2, skip=0.0, branch=1.0)
    draws = draw(net, 400, 2, method=method, quantities=NAMES)
    dead = np.isneginf(draws.log_growth.values)
    assert 100 < dead[:, -1].sum() < 390
    np.testing.assert_array_equal(np.isneginf(draws.log_tangent_growth.values), dead)
    assert not np.isnan(draws.log_tangent_growth.values).any()


@pytest.mark.parametrize(("fields", "chosen", "refused"), [
    ({}, "matrix-free", "radial"),
    ({"coupling": Fractional(0.7)}, "explicit", "conditional"),
    ({"entries": "uniform"}, "explicit", "radial"),
])  # fmt: skip
def test_who_draws_it(fields, chosen, refused):
    net = ResNet(depth=6, width=40, block=TWO, **fields)
    assert simulate(net, 2, quantities=["log_tangent_growth"]).method == chosen
    text = "holds for Gaussian entries" if net.entries == "uniform" else "does not give log_tangent_growth"
    with pytest.raises(NotImplementedError, match=rf"^simulate\(method=\.\.\.\) '{refused}' {text}"):
        simulate(net, 2, quantities=["log_tangent_growth"], method=refused)
