"""Depths, factors and inputs at which numbers would overflow, vanish or die."""

from __future__ import annotations

import math

import numpy as np
import pytest
from specimens import TWO, bits, columns, draw

from exact import log_active_energy, log_chi_square
from helpers import assert_mean, assert_same_law
from reslim import DepthPower, ResNet
from reslim.simulation import joint
from reslim.simulation.records import allocate

LINEAR = ["log_growth", "log_grad_growth", "log_weight_grad", "log_ntk", "log_displacement", "log_grad_displacement"]


def test_a_linear_network_of_depth_100_000():
    net = ResNet(depth=100_000, width=3, activation="identity", skip=0.0, branch=100.0)
    draws = draw(net, 4, quantities=["log_growth", "log_grad_growth", "log_ntk"], layers="last")
    rate = math.log(100.0**2 * 2.0 / 3) + log_chi_square(3)[0]
    for values in (draws.log_growth.sel(layer=100_000), draws.log_grad_growth.sel(layer=0)):
        assert_mean(values.values[:, 0], 1e5 * rate, resolution=3000.0)
    assert np.isfinite(draws.log_ntk.values).all()


@pytest.mark.parametrize("branch", [100.0, 0.01])
@pytest.mark.parametrize("method", ["matrix-free", "radial", "explicit"])
def test_growth_and_decay_far_outside_float64(method, branch):
    """Mean of the logarithms against exact moments, forward and backward, e^±3000 away from 1."""
    net = ResNet(depth=400, width=32, skip=0.0, branch=branch)
    draws = draw(net, 40, 1, method=method, quantities=["log_norm", "log_grad_growth"], layers="last")
    rate = math.log(branch**2 * 2.0 / 32) + log_active_energy(32)[0]
    start = log_chi_square(32)[0]
    assert_mean(draws.log_norm.sel(layer=400).values[:, 0], 400 * rate + start - math.log(32), resolution=9.0)
    # backward to leading order: the gradient loses a little more, O(1) of some ± 3000
    assert abs(draws.log_grad_growth.sel(layer=0).values.mean() - 400 * rate) < 30.0


@pytest.mark.parametrize("net", [
    ResNet(depth=300, width=6, skip=1.0, branch=DepthPower(0.0, 100.0), activation="leaky_relu:0.1"),
    ResNet(depth=300, width=6, skip=-2.0, branch=50.0, balanced=True, activation="leaky_relu:-0.3"),
    ResNet(depth=300, width=6, skip=1e-3, branch=1e-3, block=TWO, activation="silu"),
    ResNet(depth=300, width=6, skip=1.0, branch=1e40, activation="tanh"),
    ResNet(depth=300, width=6, skip=1.0, branch=1e-40, activation="gelu"),
    ResNet(depth=30, width=6, skip=1e50, branch=1e50, block=TWO, variance=1e50, activation="leaky_relu:0.1"),
    ResNet(depth=30, width=6, skip=1e-50, branch=1e-50, block=TWO, variance=1e-50, activation="identity"),
])  # fmt: skip
@pytest.mark.parametrize("method", ["matrix-free", "explicit"])
def test_every_logarithm_is_finite(net, method):
    draws = draw(net, 5, method=method, quantities=["log_growth", "log_grad_growth", "log_weight_grad", "log_ntk"])
    for name, variable in draws.data_vars.items():
        values = variable.values[:, 1:] if name == "log_weight_grad" else variable.values
        assert np.isfinite(values).all(), name
        assert np.abs(values).max() < 1e5


def test_matrix_free_and_explicit_agree_far_out():
    """λ = 100, β = 0: the same laws by both routes (a net all of whose units are off stays where it is for ever)."""
    net = ResNet(depth=40, width=8, skip=1.0, branch=DepthPower(0.0, 100.0))
    names = ["log_growth", "log_grad_growth", "log_ntk", "log_displacement", "log_grad_displacement"]
    reference = draw(net, 600, 2, method="explicit", quantities=names, layers=[0, 20, 40])
    fast = draw(net, 5000, 3, method="matrix-free", quantities=names, layers=[0, 20, 40])
    assert np.abs(fast.log_growth.values).max() > 200.0
    for (_, a), (_, b) in zip(columns(reference), columns(fast), strict=True):
        assert_same_law(np.round(a, 8), np.round(b, 8), 1e-7, resolution=0.15)


@pytest.mark.parametrize("size", [1e-50, 1e-20, 1e20, 1e50])
@pytest.mark.parametrize(("net", "method"), [
    (ResNet(depth=3, width=5, n_in=1), "matrix-free"),
    (ResNet(depth=3, width=5, n_in=1), "explicit"),
    (ResNet(depth=3, width=5, n_in=1, block=TWO), "radial"),
])  # fmt: skip
def test_inputs_of_any_size(net, method, size):
    names = ["log_norm", "log_growth", "log_grad_growth", "log_ntk", "log_output_norm"]
    one, far = (draw(net, 4, quantities=names, method=method, inputs=[[x]]) for x in (1.0, size))
    shift = 2.0 * math.log(size)
    for name in names:
        np.testing.assert_allclose(far[name] - one[name], shift if name in ("log_norm", "log_output_norm") else 0.0, atol=1e-12)


def test_scaling_by_a_power_of_two_changes_no_bit():
    """ReLU networks are homogeneous: directions, shares and gradients of x and 2x are the same numbers."""
    names = ["log_growth", "active_fraction", "active_energy", "overlap", "log_grad_growth"]
    net = ResNet(depth=5, width=7, n_in=2)
    x = np.array([[1.0, -3.0], [0.5, 0.25]])
    for method in ("matrix-free", "explicit"):
        one, two = (draw(net, 6, quantities=names, method=method, inputs=k * x) for k in (1.0, 2.0))
        np.testing.assert_allclose(two.log_growth, one.log_growth, rtol=0, atol=1e-14)
        assert bits(two[names[1:]]) == bits(one[names[1:]])


def test_identical_and_opposite_inputs_stay_so_to_the_last_bit():
    net = ResNet(depth=12, width=6, n_in=3, activation="tanh")
    x = np.array([[1.0, -0.5, 2.0]])
    draws = draw(net, 6, inputs=np.concatenate([x, x, -x]), method="matrix-free")
    assert (draws.overlap.values[:, :, 0, 1] == 1.0).all()
    assert (draws.overlap.values[:, :, 0, 2] == -1.0).all()  # tanh is odd
    first, second, opposite = (bits(draws[["log_norm", "log_grad_growth", "log_ntk"]].isel(input=a)) for a in range(3))
    assert first == second == opposite


@pytest.mark.parametrize("method", ["matrix-free", "explicit", "radial"])
def test_dead_networks(method):
    """Width 2 without skips: half the probability of dying is in the first layer, and everything stays defined."""
    net = ResNet(depth=8, width=2, skip=0.0, branch=1.0)
    names = ["log_growth", "log_norm", "active_fraction", "active_energy", "log_grad_growth", "log_weight_grad", "log_ntk"]
    draws = draw(net, 3000, 2, method=method, quantities=[*names, "output", "log_output_norm"])
    assert_mean(np.isneginf(draws.log_growth.values[:, -1, 0]), 1 - 0.75**8, resolution=0.04)  # a layer dies with 2⁻ⁿ
    assert draws.attrs["died"] == np.isneginf(draws.log_growth.values[:, -1, 0]).mean()
    for l in range(8):
        dead = np.isneginf(draws.log_growth.values[:, l, 0])
        assert (draws.active_fraction.values[dead, l, 0] == 0.0).all()
        assert np.isnan(draws.active_energy.values[dead, l, 0]).all()
        assert np.isneginf(draws.log_growth.values[dead, l + 1, 0]).all()
    died = np.isneginf(draws.log_growth.values[:, -1, 0])
    assert np.isneginf(draws.log_grad_growth.values[died, 0, 0]).all()
    assert (draws.output.values[died] == 0.0).all()
    assert np.isneginf(draws.log_output_norm.values[died]).all()
    assert not np.isnan(draws.log_ntk.values).any()


@pytest.mark.parametrize(("method", "net"), [
    ("matrix-free", ResNet(depth=200, width=2, skip=0.0, branch=1e10)),
    ("explicit", ResNet(depth=200, width=2, skip=0.0, branch=1e10)),
    ("radial", ResNet(depth=200, width=2, skip=0.0, branch=1e10, block=TWO)),
    ("matrix-free", ResNet(depth=200, width=2, skip=0.0, branch=1e-10, block=TWO)),
])  # fmt: skip
def test_a_net_that_dies_far_from_its_start_has_moved_by_its_start(method, net):
    draws = draw(net, 200, method=method, quantities=["log_displacement", "log_growth"], layers=[200])
    died = np.isneginf(draws.log_growth.values[:, 0, 0])
    assert died.sum() > 100
    np.testing.assert_allclose(draws.log_displacement.values[died], 0.0, atol=1e-14)


def test_a_layer_without_branch_changes_nothing_but_the_scale():
    net = ResNet(depth=3, width=5, skip=(1.0, -2.0, 1.0), branch=(0.5, 0.0, 0.5))
    for method in ("matrix-free", "explicit"):
        draws = draw(net, 10, method=method)
        growth, p = draws.log_growth.values[:, :, 0], draws.log_grad_growth.values[:, :, 0]
        np.testing.assert_allclose(growth[:, 2] - growth[:, 1], math.log(4.0), atol=1e-13)
        np.testing.assert_allclose(p[:, 1] - p[:, 2], math.log(4.0), atol=1e-13)
        assert np.isneginf(draws.log_weight_grad.values[:, 2]).all()


def test_no_branch_at_all_is_the_identity():
    for method in ("matrix-free", "explicit"):
        draws = draw(ResNet(depth=3, width=5, skip=1.0, branch=0.0), 4, method=method)
        assert (draws.log_growth.values == 0.0).all()
        assert np.isneginf(draws.log_displacement.values).all()
        assert np.isneginf(draws.log_ntk.values).all()


@pytest.mark.parametrize("net", [
    ResNet(depth=11, width=5), ResNet(depth=7, width=5, balanced=True, block=TWO, activation="gelu"), ResNet(depth=1, width=3),
    ResNet(depth=40, width=3, skip=0.0, branch=1e9, activation="leaky_relu:0.1"),
])  # fmt: skip
def test_replay_from_checkpoints_is_bit_for_bit(net, monkeypatch):
    names = [name for name in LINEAR if name != "log_displacement"]
    expected = draw(net, 6, 1, quantities=names, method="matrix-free")
    monkeypatch.setattr(joint, "MOST_STORED", 10)
    assert bits(draw(net, 6, 1, quantities=names, method="matrix-free")) == bits(expected)


def test_a_sampler_fills_every_record_it_was_given():
    net = ResNet(depth=2, width=16)
    names = ["log_growth", "active_fraction", "log_grad_growth", "log_ntk", "log_output_norm"]
    rec = allocate(names, 3, [0, 1, 2], 2, 1, net.n_out)
    joint.run(net, np.ones((1, 10)), True, 0, False, 0, 0, rec)
    assert np.isfinite(rec.log_growth).all()
    assert np.isfinite(rec.log_ntk).all()
    assert np.isnan(rec.active_fraction[:, 2]).all()
    assert len(rec.overlap) == 0
