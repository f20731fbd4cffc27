"""Theory, simulation and PyTorch on the same spec: three routes to the same laws.

250 modules see a mean to 0.4 standard deviations and a variance to 70 % (5 standard errors): a lost factor or a wrong
variance of a matrix is off by more. To the last digits, modules and simulation are compared in tests/pytorch.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import reslim
from helpers import assert_mean, assert_same_law
from reslim import DepthPower, Fractional, ResNet, Smooth
from reslim.pytorch import build

SEEDS = range(250)
NAMES = ["log_growth", "log_grad_growth"]
NETS = {
    "vanilla": ResNet(depth=5, width=32),
    "Balanced, negative skip": ResNet(depth=4, width=32, balanced=True, skip=-0.8, branch=0.6),
    "leaky, schedule": ResNet(
        depth=4, width=32, activation="leaky_relu:0.3", skip=(1.0, 0.5, 0.9, 0.7), branch=(0.2, 1.0, 0.5, 0.9)
    ),
    "gelu": ResNet(depth=4, width=48, activation="gelu", skip=1.0, branch=0.3),
    "two matrices": ResNet(depth=4, width=32, block="two-matrix", skip=1.0, branch=DepthPower(0.5), variance=(1.5, 0.7)),
    "two matrices, Balanced tanh": ResNet(depth=4, width=48, block="two-matrix", activation="tanh", balanced=True, branch=0.5),
    "uniform entries": ResNet(depth=4, width=32, entries="uniform", block="two-matrix"),
}
IDENTITY_SIDE = {
    "fractional": ResNet(depth=4, width=24, skip=1.0, branch=0.02, coupling=Fractional(0.7)),
    "smooth, two matrices": ResNet(depth=4, width=24, skip=1.0, branch=0.02, block="two-matrix", coupling=Smooth(0.3)),
}


def measured(net: ResNet) -> dict[str, np.ndarray]:
    """Growths and displacement of the modules of all seeds; z_out's first coordinate is √n times a p_d · z_d."""
    found = np.empty((3, len(SEEDS)))
    for seed in SEEDS:
        module = build(net, seed, n_out=1, dtype=torch.float64)
        states = module.states(torch.ones(net.n_in, dtype=torch.float64))
        p_0, p_d = torch.autograd.grad(module.w_out(states[-1]).sum(), [states[0], states[-1]])
        squares = [vector.square().sum().item() for vector in (states[0], states[-1], states[-1] - states[0], p_0, p_d)]
        found[:, seed] = np.log([squares[1] / squares[0], squares[3] / squares[4], squares[2] / squares[0]])
    return {"log_growth": found[0], "log_grad_growth": found[1], "log_displacement": 0.5 * found[2]}


def sampled(net: ResNet, names: list[str], replicas: int = 5000):
    return reslim.simulate(net, replicas, 5, quantities=names, layers="last", progress=False)


def vector(draws, name: str) -> np.ndarray:
    """The draws where the signal arrives: at layer 0 for gradients."""
    return draws[name].isel(input=0, layer=0 if "grad" in name else -1).values


@pytest.mark.parametrize("name", NETS)
def test_the_three_agree(name):
    net = NETS[name]
    law, draws, modules = reslim.predict(net, quantities=NAMES, layers="last"), sampled(net, NAMES), measured(net)
    assert reslim.compare(law, draws).attrs["verdict"] == "agree"
    for key in NAMES:
        assert_same_law(modules[key], vector(draws, key), resolution=0.2)
        layer = 0 if key == "log_grad_growth" else net.depth
        mean, variance = law[key].sel(law="log-gaussian", input=0, layer=layer).values
        allowed = law[f"{key}_allowed"].sel(input=0, layer=layer)
        assert_near(modules[key], mean, allowed.sel(error="mean").item(), 0.4 * variance**0.5)
        squares = (modules[key] - modules[key].mean()) ** 2
        assert_near(squares, variance, allowed.sel(error="variance_ratio").item() * variance, 0.7 * variance)


def assert_near(samples: np.ndarray, expected: float, allowed: float, resolution: float) -> None:
    """As `assert_mean`, beside an error that the law itself may have: at most as large as what is resolved."""
    assert 0.0 <= allowed <= resolution
    assert_mean(samples, np.clip(samples.mean(), expected - allowed, expected + allowed), resolution=resolution)


@pytest.mark.parametrize("name", IDENTITY_SIDE)
def test_the_three_agree_where_weights_are_coupled_across_depth(name):
    """There the law is that of the mean square displacement, of first order in the squared branch."""
    net, key = IDENTITY_SIDE[name], "log_displacement"
    law = np.exp(reslim.predict(net, quantities=[key], layers="last").log_displacement_second_moment.values.item(-1))
    draws, modules = vector(sampled(net, [key], 1000), key), measured(net)[key]
    assert_same_law(modules, draws, resolution=0.2)
    for samples, resolution in ((draws, 0.12), (modules, 0.22)):
        assert_near(np.exp(2.0 * samples), law, 0.02 * law, resolution * law)


def test_another_network_does_not_agree():
    net = NETS["two matrices"]
    modules, draws = measured(net.replace(variance=(1.5, 1.0))), sampled(net, NAMES)
    for key in NAMES:
        with pytest.raises(AssertionError, match="the distributions differ"):
            assert_same_law(modules[key], vector(draws, key), resolution=0.2)
