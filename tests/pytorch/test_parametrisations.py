"""`where`: the same function at initialisation, and what training makes of it."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from judged import assert_close

from reslim import DepthPower, Fractional, ResNet
from reslim.pytorch import build
from reslim.pytorch.blocks import Linear
from reslim.simulation import explicit

TWO = {"block": "two-matrix", "variance": (1.5, 0.7)}
NETS = {
    "one-matrix": ResNet(depth=4, width=6, branch=(0.3, -0.7, 1.0, 0.5), n_in=3, n_out=2),
    "one-matrix, balanced": ResNet(depth=3, width=5, activation="gelu", balanced=True, n_in=3, n_out=2),
    "two-matrix": ResNet(depth=3, width=6, activation="tanh", branch=DepthPower(0.5), n_in=3, n_out=2, **TWO),
    "two-matrix, balanced, coupled": ResNet(
        depth=3, width=4, balanced=True, coupling=Fractional(0.8), skip=-0.9, n_in=3, n_out=2, **TWO
    ),
}
X = torch.from_numpy(np.random.default_rng(0).standard_normal((7, 3)))
Y = torch.from_numpy(np.random.default_rng(1).standard_normal((7, 2)))
RATE = 0.02


def both(name: str):
    return [build(NETS[name], 3, where=where, dtype=torch.float64) for where in ("forward", "init")]


def output(module) -> np.ndarray:
    return module(X).detach().numpy()


def factors(module) -> list[float]:
    """One a parameter, in their order."""
    found = [part.factor for part in module.modules() if isinstance(part, Linear)]
    assert len(found) == len(list(module.parameters()))
    return found


@pytest.mark.parametrize("name", NETS)
def test_both_are_the_same_function_until_they_are_trained(name):
    forward, init = both(name)
    assert_close(output(init), output(forward), 1e-14)
    for this, that in zip(init.states(X), forward.states(X), strict=True):
        assert_close(this.detach().numpy(), that.detach().numpy(), 1e-14)


@pytest.mark.parametrize("name", NETS)
def test_parameters_are_the_drawn_weights_or_these_times_their_factors(name):
    net, (forward, init) = NETS[name], both(name)
    drawn, n = explicit.draw_weights(net, 3, 0), net.width
    v_in, v_out = net.variances
    expected = [(drawn.w_in, 1.0 / math.sqrt(net.n_in))]
    for l in range(net.depth):
        if net.block == "two-matrix":
            expected.append((drawn.blocks.w[l], math.sqrt(v_in / n)))
        expected.append((drawn.blocks.v[l], net.branches[l] * math.sqrt(v_out / n)))
    expected.append((drawn.w_out, 1.0 / math.sqrt(n)))
    held = zip(forward.parameters(), init.parameters(), expected, strict=True)
    for unit, folded, (weight, factor) in held:
        np.testing.assert_array_equal(unit.detach(), weight)
        np.testing.assert_allclose(folded.detach(), factor * weight, rtol=1e-15)
    assert factors(forward) == pytest.approx([factor for _, factor in expected], rel=1e-15)
    assert factors(init) == [1.0] * len(expected)


def trained(module, optimizer, steps: int) -> np.ndarray:
    module = copy.deepcopy(module)
    optimizer = optimizer(module.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        torch.mean((module(X) - Y) ** 2).backward()
        optimizer.step()
    return output(module)


def rescaled(kind, module, power: int, **more):
    """An optimizer of the folded weights, each matrix with the rate RATE |c|^power."""

    def make(parameters):
        pairs = zip(parameters, factors(module), strict=True)
        groups = [{"params": [p], "lr": RATE * abs(c) ** power} for p, c in pairs]
        return kind(groups, lr=RATE, **more)

    return make


def plain(kind, **more):
    return lambda parameters: kind(parameters, lr=RATE, **more)


ADAM = {"eps": 1e-30}  # of no weight: an eps would have to be rescaled too


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("kind", "power", "more"), [(torch.optim.SGD, 2, {}), (torch.optim.Adam, 1, ADAM)])
def test_the_rate_that_makes_training_the_same(name, kind, power, more):
    forward, init = both(name)
    expected = trained(forward, plain(kind, **more), 3)
    assert_close(trained(init, rescaled(kind, forward, power, **more), 3), expected, 1e-10)
    assert np.linalg.norm(expected - output(forward)) > 0.01 * np.linalg.norm(expected)  # something was learnt


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_one_step_at_the_same_rate_makes_them_differ(name, kind):
    forward, init = both(name)
    expected = trained(forward, plain(kind), 1)
    assert np.linalg.norm(trained(init, plain(kind), 1) - expected) > 0.01 * np.linalg.norm(expected)
