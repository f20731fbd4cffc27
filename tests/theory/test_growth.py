"""The log-Gaussian law against worked values, exact limits and identities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import polygamma, psi

from reslim import ResNet
from reslim.theory import growth

NETS = {
    "vanilla": (growth.vanilla, {}),
    "balanced": (growth.balanced, {"balanced": True}),
    "two-matrix": (growth.two_matrix, {"block": "two-matrix", "variance": (2.0, 1.0)}),
}


@pytest.mark.parametrize(
    ("net", "law", "variance", "mean", "first"),
    [  # worked by hand, simulated apart with 20 000 to 40 000 networks; the first two with the first layer's 2/n and -1/n
        (ResNet(depth=400, width=400, balanced=True), growth.balanced, 2.255, -1.128, 1),
        (ResNet(depth=50, width=100, skip=1.0, branch=0.5), growth.vanilla, 1.181, 10.731, 1),
        (ResNet(depth=24, width=32, skip=-0.8, branch=0.6), growth.vanilla, 0.9339, -0.5129, 0),
    ],
)
def test_worked_values(net, law, variance, mean, first):
    found = law(net)
    assert found.variance[-1] + 2 * first / net.width == pytest.approx(variance, abs=6e-4)
    assert found.mean[-1] - first / net.width == pytest.approx(mean, abs=6e-4)


def test_rates_at_half():
    """At r = ½ the variance grows by 5.442/n and the mean by -1.984/n a layer, deep in the network."""
    found = growth.vanilla(ResNet(depth=4000, width=100))
    assert 100 * (found.variance[4000] - found.variance[3000]) / 1000 == pytest.approx(5.442, abs=1e-3)
    assert 100 * (found.mean[4000] - found.mean[3000]) / 1000 == pytest.approx(-1.984, abs=1e-3)


@pytest.mark.parametrize("kind", NETS)
def test_a_schedule_of_equal_factors_is_the_constant_network(kind):
    law, fields = NETS[kind]
    constant = law(ResNet(depth=30, width=50, skip=0.8, branch=0.5, **fields))
    rng = 1.0 + 1e-9 * np.random.default_rng(0).standard_normal(30)  # just not constant: the other way of summing
    schedule = law(ResNet(depth=30, width=50, skip=tuple(0.8 * rng), branch=0.5, **fields))
    for name in ("mean", "variance", "log_second_moment"):
        np.testing.assert_allclose(getattr(schedule, name), getattr(constant, name), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("kind", NETS)
def test_the_law_of_a_layer_does_not_depend_on_later_ones(kind):
    law, fields = NETS[kind]
    skips = np.linspace(-1.0, 1.0, 20)
    whole, part = (law(ResNet(depth=d, width=50, skip=tuple(skips[:d]), branch=0.5, **fields)) for d in (20, 12))
    np.testing.assert_allclose(whole.variance[:13], part.variance, rtol=1e-12)
    np.testing.assert_allclose(whole.mean[:13], part.mean, rtol=1e-12)


@pytest.mark.parametrize("kind", NETS)
def test_second_moment_to_first_order(kind):
    """ln E e^X = mean + variance/2 in a normal law: to O(1/n) the second moment follows from the two."""
    law, fields = NETS[kind]
    found = law(ResNet(depth=30, width=100, skip=0.9, branch=0.6, **fields))
    expected = found.mean + 0.5 * found.variance
    np.testing.assert_allclose(found.log_second_moment, expected, atol=1e-12)
    assert found.exact_second_moment == (kind != "vanilla")


def test_the_backward_law_sums_the_later_layers():
    net = ResNet(depth=10, width=50, skip=tuple(np.linspace(0.2, 1.0, 10)), branch=0.5, balanced=True)
    forward, backward = growth.balanced(net), growth.balanced(net).backward()
    assert backward.variance[-1] == backward.mean[-1] == 0.0
    np.testing.assert_allclose(backward.variance + forward.variance, forward.variance[-1], rtol=1e-12)
    reverse = growth.balanced(net.replace(skip=tuple(reversed(net.skip))))
    np.testing.assert_allclose(backward.variance[::-1], reverse.variance, rtol=1e-12)
    np.testing.assert_allclose(backward.errors.third[::-1], reverse.errors.third, rtol=1e-12, atol=1e-18)


def test_perceptron_rates():
    """α = 0: the variance grows by 5/n + 18.5/n² a layer, the mean by ln(λ² v/2) - 5/(2n) - 49/(12n²)."""
    n, d = 1000, 7
    found = growth.perceptron(ResNet(depth=d, width=n, skip=0.0, branch=0.9, variance=3.0))
    assert found.variance[-1] == pytest.approx(d * (5 / n + 18.5 / n**2), rel=2e-5)
    shift = found.mean[-1] - d * np.log(0.9**2 * 1.5)
    assert shift == pytest.approx(-d * (5 / (2 * n) + 49 / (12 * n**2)), rel=2e-5)
    assert found.errors.third[-1] == pytest.approx(-31 * d / n**2, rel=0.05)


def test_perceptron_of_width_one_is_a_chi_square():
    """n = 1: a network that lives multiplies z² by λ² v χ²_1 in every layer."""
    found = growth.perceptron(ResNet(depth=3, width=1, skip=0.0, branch=1.0, variance=2.0))
    assert found.mean[-1] == pytest.approx(3 * (np.log(2.0) + psi(0.5) + np.log(2.0)), rel=1e-12)
    assert found.variance[-1] == pytest.approx(3 * polygamma(1, 0.5), rel=1e-12)


def test_perceptron_is_the_limit_of_small_skips():
    small = growth.vanilla(ResNet(depth=10, width=10_000, skip=1e-9, branch=1.0))
    none = growth.perceptron(ResNet(depth=10, width=10_000, skip=0.0, branch=1.0))
    np.testing.assert_allclose(small.variance, none.variance, rtol=1e-3)


def test_the_fitted_correction():
    """At d = n, r = ½ simulated variances exceed the law by 16.0 (n = 50), 7.43 (100), 3.78 (200), 1.69 % (400)."""
    for n, excess, error in ((50, 16.0, 1.2), (100, 7.43, 0.5), (200, 3.78, 0.5), (400, 1.69, 0.6)):
        net = ResNet(depth=n, width=n)
        plain, fitted = growth.vanilla(net), growth.fitted(net)
        assert 100 * (fitted.variance[-1] / plain.variance[-1] - 1) == pytest.approx(excess, abs=error)
        assert fitted.errors.variance_bound[-1] < 0.5 * plain.errors.variance_bound[-1]
        assert plain.errors.variance_bound[-1] / plain.variance[-1] > excess / 100
