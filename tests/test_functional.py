"""A p_d that is independent of the network, along z_d or across it: the samplers among each other, and the laws."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import reslim
from helpers import assert_same_law
from reslim import ResNet
from reslim.quantities import FUNCTIONALS
from reslim.simulation import backward, explicit, joint
from reslim.simulation.records import allocate
from reslim.theory import angle, angle_law

NAMES = ["log_grad_growth", "grad_state_cosine", "log_weight_grad", "log_ntk", "log_grad_displacement"]
TIED = FUNCTIONALS[1:]


def draw(net, replicas, seed, functional, **options):
    return reslim.simulate(net, replicas, seed, functional=functional, progress=False, **options)


@pytest.mark.parametrize("functional", TIED)
@pytest.mark.parametrize(
    ("net", "inputs"),
    [
        (ResNet(depth=3, width=6, skip=0.8, activation="tanh"), None),
        (ResNet(depth=3, width=6, n_in=2), [[1.0, 0.0], [0.5, 1.0]]),
        (ResNet(depth=3, width=6, block="two-matrix"), None),
    ],
)
def test_samplers_agree(net, inputs, functional):
    names = NAMES[:-1] if net.block == "two-matrix" else NAMES
    options = {"quantities": names, "inputs": inputs, "functional": functional}
    exact = draw(net, 3000, 1, method="explicit", **options)
    for method in ("matrix-free", "radial") if net.block == "two-matrix" else ("matrix-free",):
        other = draw(net, 3000, 2, method=method, **options)
        for name in names:
            a, b = (sample[name].values.reshape(3000, -1) for sample in (exact, other))
            for x, y in zip(a.T, b.T, strict=True):
                if functional == "orthogonal":  # where p·z is conserved the cosine is rounding
                    x, y = (np.where(np.abs(v) < 1e-5, 0.0, v) for v in (x, y))
                if functional == "parallel" and name == "grad_state_cosine":
                    x, y = np.round(x, 5), np.round(y, 5)
                assert_same_law(x, y, resolution=0.15)


@pytest.mark.parametrize("kind", [1, 2])
def test_both_passes_draw_the_same_networks(kind):
    net, x = ResNet(depth=7, width=11, activation="gelu"), np.full((1, 10), 0.7)
    lanes, double = (allocate(NAMES[:4], 20, list(range(1, 8)), 7, 1, 10) for _ in range(2))
    backward.run(net, x, kind, 5, 7, lanes)
    joint.run(net, x, True, kind, False, 5, 7, double)
    for name in NAMES[:4]:
        np.testing.assert_allclose(getattr(lanes, name), getattr(double, name), atol=5e-4, err_msg=name)
    assert np.abs(lanes.grad_state_cosine[:, -1] - (kind == 1)).max() < 1e-6


def test_the_definition():
    z, p = np.array([3.0, 4.0]), np.array([1.0, 0.0])
    assert np.array_equal(explicit.turned(p, z, 0), p)
    assert np.array_equal(explicit.turned(p, z, 1), z)
    assert explicit.turned(p, z, 2) @ z == pytest.approx(0.0, abs=1e-15)
    assert np.array_equal(explicit.turned(p, 0 * z, 2), p)


def of_share(n, d, r, **fields):
    return ResNet(depth=d, width=n, skip=math.sqrt(1.0 - r), branch=math.sqrt(r), variance=2.0, **fields)


@pytest.mark.parametrize("functional", TIED)
@pytest.mark.parametrize(
    "net",
    [
        of_share(100, 50, 0.5),
        of_share(64, 64, 0.3),
        of_share(64, 32, 0.5, balanced=True),
        ResNet(depth=60, width=100, skip=-0.8, branch=0.6, activation="leaky_relu:0.2"),
        ResNet(depth=60, width=100, skip=0.8, branch=0.6, block="two-matrix", variance=(1.0, 2.0)),
        ResNet(depth=60, width=100, skip=0.8, branch=0.6, activation="identity", variance=1.0),
    ],
)
def test_laws_of_homogeneous_networks(net, functional):
    names = {"quantities": NAMES[:2], "layers": [0, net.depth // 2]}
    found = reslim.compare(
        reslim.predict(net, functional=functional, **names), draw(net, 20_000, 3, functional, **names), layers=names["layers"]
    )
    assert found.attrs["verdict"] == "agree"


@pytest.mark.parametrize("name", ["tanh", "silu"])
@pytest.mark.parametrize("block", ["one-matrix", "two-matrix"])
def test_laws_across_the_state_of_other_networks(name, block):
    net = ResNet(depth=8, width=100, skip=1.0, branch=0.4, activation=name, block=block)
    options = {"quantities": NAMES[:4], "layers": [0, 1, 4, 8], "functional": "orthogonal"}
    sample = draw(net, 20_000, 3, **options)
    found = reslim.compare(reslim.predict(net, **options), sample, layers=options["layers"])
    assert found.attrs["verdict"] in ("agree", "unresolved")
    generic = reslim.predict(net, quantities=["log_grad_growth"], layers=[4]).log_grad_growth.sel(
        law="log-gaussian", moment="mean"
    )
    across = reslim.predict(net, **options).log_grad_growth.sel(law="log-gaussian", moment="mean", layer=4)
    assert abs(float(generic.item() - across.item())) * 100 > 0.05


def test_along_the_state_only_homogeneous_networks_have_a_law():
    reasons = json.loads(reslim.predict(ResNet(depth=3, width=50, activation="tanh"), functional="parallel").attrs["unavailable"])
    for name in NAMES[:4]:
        assert "not along it" in reasons[name]


def test_along_the_state_by_paths():
    """The Brownian formula with K_d² = n."""
    net, rng = of_share(64, 32, 0.5), np.random.default_rng(0)
    z, p, pulled = np.zeros((3, 40_000))
    for rate in list(zip(*angle.rates(net), strict=True))[::-1]:
        state_mean, state_variance, mean, variance, covariance, pull = (value / 16 for value in rate[:6])
        root = np.linalg.cholesky([[state_variance, covariance], [covariance, variance]])
        for _ in range(16):
            before, noise = np.exp(z - p), root @ rng.standard_normal((2, len(z)))
            z, p = z + state_mean + noise[0], p + mean + noise[1]
            pulled += 0.5 * pull * (before + np.exp(z - p))
    paths = p + np.log1p(64 * pulled) - angle.boundary(net)[0]
    mean, variance = angle_law.moments(net, "parallel")
    assert mean[0] == pytest.approx(paths.mean(), abs=0.02)
    assert variance[0] == pytest.approx(paths.var(), rel=0.03)


def test_other_functionals_are_not_compared():
    net = ResNet(depth=3, width=10)
    names = {"quantities": ["log_grad_growth"]}
    with pytest.raises(ValueError, match="must have the functional of the prediction, parallel"):
        reslim.compare(reslim.predict(net, functional="parallel", **names), draw(net, 10, 0, "generic", **names))
    with pytest.raises(ValueError, match="functional"):
        reslim.predict(net, functional="sideways")
    with pytest.raises(ValueError, match="functional"):
        draw(net, 10, 0, "sideways")
