"""Hypoactivation and interlayer covariance, by the double sums of their definition."""

from __future__ import annotations

import numpy as np
import pytest

from reslim import ResNet
from reslim.theory import activity


def test_one_layer_by_hand():
    """Layer 1 after one block with r = ½, ρ = √½: ½ - (1/4n) r ρκ'(ρ), and ½ - (1/πn) r ρ √(1-ρ²)."""
    net = ResNet(depth=2, width=100)
    slope = 8 / np.pi * (0.5 * np.pi / 4 + 0.5)  # ρκ'(√½)
    np.testing.assert_allclose(activity.energy(net).mean, [0.5, 0.5 - 0.5 * slope / 400], rtol=1e-12)
    np.testing.assert_allclose(activity.fraction(net).mean, [0.5, 0.5 - 0.5 * 0.5 / (100 * np.pi)], rtol=1e-12)


def test_worked_values():
    """n = 200, d = 60, layer 5: n (energy - ½) = -0.723 and n (fraction - ½) = -0.267; 4n Cov = 1.955, 1.327."""
    net = ResNet(depth=60, width=200)
    assert 200 * (activity.energy(net).mean[5] - 0.5) == pytest.approx(-0.723, abs=1e-3)
    assert 200 * (activity.fraction(net).mean[5] - 0.5) == pytest.approx(-0.267, abs=1e-3)
    covariance = 800 * activity.interlayer(net, "active_energy", [10, 11, 12])
    np.testing.assert_allclose(covariance[0, 1:], [1.955, 1.327], atol=1e-3)
    np.testing.assert_allclose(np.diag(covariance), 3.0, rtol=0.02)


def test_the_fraction_is_that_of_a_coin_with_memory():
    net = ResNet(depth=10, width=50, skip=-0.8, branch=0.6)
    covariance = activity.interlayer(net, "active_fraction", [2, 3, 5])
    a = -0.8 / np.sqrt(0.64 + 0.36)
    expected = np.arcsin([[1.0, a, a**3], [a, 1.0, a**2], [a**3, a**2, 1.0]]) / (2 * np.pi * 50)
    np.testing.assert_allclose(covariance, expected, rtol=1e-12)


@pytest.mark.parametrize("net", [ResNet(depth=5, width=50, balanced=True), ResNet(depth=5, width=50, block="two-matrix")])
@pytest.mark.parametrize("name", ["active_fraction", "active_energy"])
def test_without_memory_layers_are_independent(net, name):
    found = activity.interlayer(net, name, [0, 2, 4])
    assert (found[~np.eye(3, dtype=bool)] == 0).all()
    assert (getattr(activity, name.removeprefix("active_"))(net).mean == 0.5).all()
