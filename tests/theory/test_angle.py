"""The gradient of vanilla ReLU networks: rates, moments and the whole law, against identities, paths and networks."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import reslim
from helpers import assert_mean, assert_variance
from reslim import ResNet
from reslim.theory import angle, angle_law, fourier
from reslim.theory.growth import vanilla
from reslim.theory.shares import homogeneous_shares

UNEVEN = ResNet(depth=12, width=50, skip=tuple(np.linspace(-0.9, 1.0, 12)), branch=tuple(np.linspace(0.2, 1.1, 12)))


def of_share(n: int, d: int, r: float, sign: float = 1.0) -> ResNet:
    """A network with S = 1 and the branch's share r."""
    return ResNet(depth=d, width=n, skip=sign * math.sqrt(1.0 - r), branch=math.sqrt(r), variance=2.0)


NETS = [of_share(40, 30, 0.5), of_share(40, 30, 0.3, -1.0), UNEVEN]


@pytest.mark.parametrize("net", NETS)
def test_rates_keep_the_identities(net):
    found = angle.rates(net)
    np.testing.assert_allclose(found.state_mean - found.mean + found.pull, 0.5 * found.spread, atol=1e-15)
    np.testing.assert_allclose(
        found.state_mean + 0.5 * found.state_variance, found.mean + 0.5 * found.variance + found.pull, atol=1e-15
    )
    forward = vanilla(net)
    assert found.state_variance.sum() == pytest.approx(forward.variance[-1], rel=1e-13)
    assert found.state_mean.sum() == pytest.approx(forward.mean[-1] - homogeneous_shares(net).log_growth.sum(), rel=1e-13)


def test_rates_of_a_deep_network():
    """n times the rates at r = ½, far from the end."""
    found = [400.0 * rate[0] for rate in angle.rates(of_share(400, 400, 0.5))[:6]]
    np.testing.assert_allclose(found, [-1.9839, 5.4425, -2.8376, 3.4323, 1.7248, 1.8589], atol=1e-4)


def test_the_boundary_is_the_sum_over_pairs():
    _, r, a = homogeneous_shares(UNEVEN)
    d, n = UNEVEN.depth, UNEVEN.width
    for stop in range(d + 1):
        pairs = [(i, m, np.prod(a[i:m])) for i in range(stop) for m in range(stop, d)]
        expected = sum(r[i] * r[m] * 2.0 / math.pi * rho * math.sqrt(1.0 - rho**2) for i, m, rho in pairs) / n
        assert angle.boundary(UNEVEN)[stop] == pytest.approx(expected, abs=1e-15)


def by_paths(net: ResNet, count: int = 200_000, substeps: int = 4) -> np.ndarray:
    """Draw ln(|p_0|²/|p_d|²) - Σ ln S from the Brownian formula P + ln(1 + K_d² ∫ pull e^{Z-P})."""
    rng = np.random.default_rng(0)
    z, p, pulled = np.zeros(count), np.zeros(count), np.zeros(count)
    for rate in list(zip(*angle.rates(net), strict=True))[::-1]:
        state_mean, state_variance, mean, variance, covariance, pull = (value / substeps for value in rate[:6])
        root = np.linalg.cholesky([[state_variance, covariance], [covariance, variance]])
        for _ in range(substeps):
            before, noise = np.exp(z - p), root @ rng.standard_normal((2, count))
            z, p = z + state_mean + noise[0], p + mean + noise[1]
            pulled += 0.5 * pull * (before + np.exp(z - p))
    return p + np.log1p(rng.standard_normal(count) ** 2 * pulled)


@pytest.mark.parametrize("net", [of_share(32, 32, 0.5), of_share(64, 16, 0.8), of_share(16, 32, 0.3, -1.0), UNEVEN])
def test_moments_and_law_of_the_brownian_formula(net):
    draws = by_paths(net)
    mean, variance = angle_law.moments(net)
    assert_mean(draws, mean[0], resolution=0.03)
    assert_variance(draws, variance[0], resolution=0.1)
    ordered = np.sort((draws - mean[0]) / math.sqrt(variance[0]))
    law = fourier.cumulative(angle_law.characteristic(net, 0), ordered)
    assert np.abs(law - np.arange(1, len(draws) + 1) / len(draws)).max() < 0.0055  # KS at 1e-5


def test_moments_of_the_law_are_those_of_its_density():
    characteristic = angle_law.characteristic(of_share(64, 64, 0.5), 0)
    t = np.linspace(-11.9, 11.9, 4001)
    density, step = fourier.density(characteristic, t), t[1] - t[0]
    found = [step * float((density * t**k).sum()) for k in range(4)]
    np.testing.assert_allclose(found[:3], [1.0, 0.0, 1.0], atol=2e-6)
    assert 0.05 < found[3] < 0.15  # skew
    assert density.min() > -1e-9
    assert np.abs(step * np.cumsum(density) - 0.5 * step * density - fourier.cumulative(characteristic, t)).max() < 1e-5


def test_a_normal_law_from_its_characteristic_function():
    characteristic = np.exp(-0.5 * fourier.FREQUENCIES**2).astype(complex)
    t = np.array([-20.0, -3.0, 0.0, 0.5, 4.0, 20.0])
    expected = [0.0, 0.0013498980316301035, 0.5, 0.6914624612740131, 0.9999683287581669, 1.0]
    np.testing.assert_allclose(fourier.cumulative(characteristic, t), expected, atol=1e-14)


# d = n and beyond, where the forward law would be wrong by a quarter and more
@pytest.mark.parametrize("net", [of_share(100, 100, 0.5), of_share(64, 96, 0.8), of_share(48, 32, 0.4, -1.0), UNEVEN])
def test_law_against_networks(net):
    names = {"quantities": ["log_grad_growth"], "layers": [0, net.depth // 2, net.depth - 2]}
    sample = reslim.simulate(net, 20_000, 3, progress=False, **names)
    prediction = reslim.predict(net, **names)
    assert reslim.compare(prediction, sample, layers=names["layers"]).attrs["verdict"] == "agree"
    wrong = prediction.copy(deep=True)
    wrong.log_grad_growth.loc[{"law": "log-gaussian", "moment": "variance"}] *= 1.3
    assert reslim.compare(wrong, sample, layers=names["layers"]).attrs["verdict"] == "differ"


def test_the_forward_law_is_refuted():
    net = of_share(64, 64, 0.5)
    names = {"quantities": ["log_grad_growth"], "layers": [0]}
    sample = reslim.simulate(net, 20_000, 3, progress=False, **names)
    prediction = reslim.predict(net, **names)
    forward = vanilla(net)
    prediction.log_grad_growth.loc[{"law": "log-gaussian", "moment": "mean"}] = forward.mean[-1]
    prediction.log_grad_growth.loc[{"law": "log-gaussian", "moment": "variance"}] = forward.variance[-1]
    assert reslim.compare(prediction, sample, layers=[0]).attrs["verdict"] == "differ"


def test_a_steady_network_is_continued():
    net = of_share(10, 600, 0.5)
    mean, variance = angle_law.moments(net)
    uneven = net.replace(branch=(*[math.sqrt(0.5)] * 599, math.sqrt(0.5) * (1.0 + 1e-12)))
    slow_mean, slow_variance = angle_law.moments(uneven)
    np.testing.assert_allclose(mean, slow_mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(variance, slow_variance, rtol=1e-6, atol=1e-6)


def test_cost_is_linear_in_depth():
    def seconds(depth: int) -> float:
        best = math.inf
        for k in range(3):
            rng = np.random.default_rng(k)
            net = ResNet(depth=depth, width=100, branch=tuple(rng.uniform(0.5, 1.0, depth)))
            started = time.perf_counter()
            angle_law.moments(net)
            best = min(best, time.perf_counter() - started)
        return best

    assert math.log(seconds(1000) / seconds(250)) / math.log(4.0) < 1.5


@pytest.mark.filterwarnings("error")
def test_a_network_without_branches_passes_the_gradient_on():
    net = ResNet(depth=5, width=10, skip=0.5, branch=0.0)
    mean, variance = angle_law.moments(net)
    np.testing.assert_array_equal([mean, variance], 0.0)
    some = ResNet(depth=2, width=10, branch=(0.0, 0.5))
    mean, variance = angle_law.moments(some)
    assert mean[0] == mean[1] < 0.0
    assert variance[0] == variance[1] > 0.0
