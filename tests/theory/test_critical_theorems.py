"""What docs/derivations/critical.md proves, held against networks written out here: bounds, the lemma, the event of Theorem 2."""

from __future__ import annotations

import numpy as np
import pytest

import reslim
from reslim import DepthPower, Fractional, Independent, Matern, ResNet, Smooth
from reslim.activations import activation
from reslim.simulation.across_depth import sampler

LIPSCHITZ = {"relu": 1.0, "identity": 1.0, "leaky_relu:-1.5": 1.5, "tanh": 1.0, "erf": 2 / np.sqrt(np.pi)}
LIPSCHITZ |= {"gelu": 1.129, "silu": 1.1}
BLOCKS = ("one-matrix", "two-matrix")


def through(z, phi, branch, v, w=None):
    """Return z_l at every layer and ∂z_L/∂z_0; v and w (layer, n, n) hold their scale."""
    states, jacobian = [z], np.eye(len(z))
    for layer, outer in enumerate(v):
        h, inner = (z, np.eye(len(z))) if w is None else (w[layer] @ z, w[layer])
        jacobian = jacobian + branch * (outer * phi.derivative(h)) @ inner @ jacobian
        z = z + branch * outer @ phi.value(h)
        states.append(z)
    return np.array(states), jacobian


def drawn(coupling, block, depth, n, rng):
    """Return V/√n and W/√n of a network, or None for W."""

    def matrices():
        if coupling.is_independent:
            return rng.standard_normal((depth, n, n)) / np.sqrt(n)
        series = np.empty((depth, n * n))
        sampler(coupling, depth).draw(rng, series)
        return series.reshape(depth, n, n) / np.sqrt(n)

    return matrices(), matrices() if block == "two-matrix" else None


@pytest.mark.parametrize("name", LIPSCHITZ)
def test_the_constants_of_the_activations(name):
    phi, x = activation(name), np.linspace(-30.0, 30.0, 600_001)
    steepest = np.abs(phi.derivative(x)).max()
    assert LIPSCHITZ[name] - 1e-3 <= steepest <= LIPSCHITZ[name] + 1e-9
    assert (np.diff(phi.value(x[x >= 0])) >= 0).all()
    if name not in ("tanh", "erf"):
        assert (phi.value(x[x >= 0]) >= 0.5 * x[x >= 0]).all()


@pytest.mark.parametrize("coupling", [Independent(), Smooth(0.3), Fractional(0.8), Fractional(0.1)], ids=str)
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("name", LIPSCHITZ)
def test_the_gradient_moves_at_least_as_much_as_the_output(name, block, coupling):
    """r² ≤ ∫ ‖J(s z_0) - I‖² ds, network by network; for homogeneous φ at z_0 itself."""
    rng, phi = np.random.default_rng(3), activation(name)
    points = np.array([1.0]) if phi.homogeneous else (np.arange(100) + 0.5) / 100
    ratios = []
    for _ in range(8):
        v, w = drawn(coupling, block, 12, 2, rng)
        z_0 = np.array([3.0, -2.0])
        z = through(z_0, phi, 0.4, v, w)[0][-1]
        moved = [((through(s * z_0, phi, 0.4, v, w)[1] - np.eye(2)) ** 2).sum() for s in points]
        ratios.append(((z - z_0) ** 2).sum() / (z_0**2).sum() / np.mean(moved))
    assert 0.1 < max(ratios) <= 1.0 + 1e-3


@pytest.mark.parametrize("beta", [0.5, 0.8])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("name", LIPSCHITZ)
def test_independent_weights_keep_the_bound(name, block, beta):
    """The identity attains it, but for a relative a² L^(1-4β)/2."""
    net = ResNet(depth=100, width=20, skip=1.0, branch=DepthPower(beta), variance=0.8, block=block, activation=name)  # type: ignore[arg-type]
    bound = np.expm1((0.8 if block == "one-matrix" else 0.64) * LIPSCHITZ[name] ** 2 * 100 ** (1 - 2 * beta))
    found = reslim.simulate(net, replicas=4000, seed=1, quantities=["log_displacement", "log_grad_displacement"])
    for ratio in (found.log_displacement.sel(layer=100), found.log_grad_displacement.sel(layer=0)):
        squares = np.exp(2 * ratio.to_numpy()).ravel()
        error = 5 * squares.std() / np.sqrt(squares.size)
        assert error < 0.1 * bound
        assert squares.mean() <= bound + error
        if name == "identity":
            assert squares.mean() >= 0.99 * bound - error


@pytest.mark.parametrize("coupling", [Smooth(0.2), Smooth(0.2, "increments"), Matern(0.2, 0.5)], ids=str)
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("name", LIPSCHITZ)
def test_continuous_weights_keep_the_bound(name, block, coupling):
    rng, phi, n, depth = np.random.default_rng(5), activation(name), 3, 50
    for beta in (1.0, 1.4):
        v, w = drawn(coupling, block, depth, n, rng)
        largest = [1.0 if one is None else np.linalg.norm(one, 2, axis=(1, 2)).max() for one in (v, w)]
        bound = np.expm1(LIPSCHITZ[name] * np.prod(largest) * depth ** (1 - beta))
        z, jacobian = through(rng.standard_normal(n), phi, depth**-beta, v, w)
        moved = np.linalg.norm(z[-1] - z[0]) / np.linalg.norm(z[0]), np.linalg.norm(jacobian - np.eye(n), 2)
        assert 1e-3 * bound < max(moved) <= bound


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("name", LIPSCHITZ)
def test_near_these_matrices_every_network_explodes(name, block):
    """The event of Theorem 2, with the worst and with random signs of what is off; z_0j = .7 is the positive coordinate."""
    rng, phi, n, depth, branch = np.random.default_rng(7), activation(name), 3, 200, 0.05
    z_0 = np.array([-1.0, 0.7, -0.4])
    positive = 1
    column, root = np.zeros((n, n)), np.sqrt(n)
    column[:, positive] = 1.0
    spread = (np.abs(z_0) / z_0[positive] + 3).sum()
    if block == "two-matrix":
        delta, gain = 0.5 / spread, root / 2 * phi.value(z_0[positive] / (2 * root))
    else:
        bounded = name in ("tanh", "erf")
        delta = 0.5 * phi.value(z_0[positive]) / n if bounded else 0.25 / (LIPSCHITZ[name] * spread)
        gain = phi.value(z_0[positive]) / (2 * root)
    for signs in (np.ones((depth, n, n)), -np.ones((depth, n, n)), rng.uniform(-1, 1, (depth, n, n))):
        near = (column + 0.999 * delta * signs) / root
        v, w = (near, None) if block == "one-matrix" else ((1 + 0.499 * signs) / root, near)
        rises = np.diff(through(z_0, phi, branch, v, w)[0], axis=0)
        assert (rises > 0).all()
        assert (rises.max(axis=1) <= 3 * rises.min(axis=1)).all()
        assert (rises[:, positive] >= branch * gain).all()
