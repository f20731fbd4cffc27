"""The explicit sampler against hand-computed blocks, a plain forward pass and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats
from specimens import CASES, draw

from exact import ONE_MATRIX, TWO_MATRIX
from helpers import assert_mean
from reslim import ResNet, simulate
from reslim.simulation import explicit, memory
from reslim.simulation.columns import Matrices
from reslim.simulation.explicit import Weights

V, W = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, -1.0]])
PHI = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "erf": special.erf,
    "gelu": lambda x: x * stats.norm.cdf(x),
    "silu": lambda x: x / (1.0 + np.exp(-x)),
    "identity": lambda x: x,
}


def plain_phi(net: ResNet):
    if net.activation.startswith("leaky"):
        slope = float(net.activation.split(":")[1])
        return lambda x: np.where(x > 0, x, slope * x)
    return PHI[net.activation]


def plain_states(net: ResNet, weights: Weights, z: np.ndarray, start: int = 0) -> list[np.ndarray]:
    """z_start … z_d from the definition, without care for overflow."""
    pair = net.variance if isinstance(net.variance, tuple) else (net.variance, net.variance)
    states = [z]
    for l in range(start, net.depth):
        v, w, signs = block_of(net, weights, l)
        h = z if w is None else math.sqrt(pair[0] / net.width) * (w @ z)
        z = net.skips[l] * z + net.branches[l] * math.sqrt(pair[1] / net.width) * (v @ plain_phi(net)(signs * h))
        states.append(z)
    return states


def block_of(net: ResNet, weights: Weights, l: int) -> tuple:
    v, w, signs = weights.blocks
    return v[l], w[l] if net.block == "two-matrix" else None, signs[l]


def passes(net: ResNet, weights: Weights, x: np.ndarray):
    """States, gradients and squared gradients of the weights, of one input."""
    found = explicit.paths([net], weights, x[None], 0)
    z, p = (found.by_column(rows, 1)[:, :, 0] for rows in (found.z, found.p))
    z, p = z * 2.0 ** found.exponent[:, :1], p * 2.0 ** found.p_exponent[:, :1]
    return z, p, found.weight[:, 0] * 4.0 ** (found.exponent[:-1, 0] + found.p_exponent[1:, 0])


@pytest.mark.parametrize(("block", "case"), [("one-matrix", ONE_MATRIX), ("two-matrix", TWO_MATRIX)])
def test_a_block_computed_by_hand(block, case):
    net = ResNet(depth=1, width=2, n_in=1, block=block, skip=case["skip"], branch=case["branch"])
    blocks = Matrices(V[None], W[None] if block == "two-matrix" else np.empty((0, 2, 2)), np.ones((1, 2)))
    weights = Weights(np.array([[1.0], [-2.0]]), blocks, np.zeros((1, 2)), np.ones(2), np.ones(2))
    states, gradients, weight_grads = passes(net, weights, np.ones(1))
    assert states[1] == pytest.approx(case["after"], rel=1e-14)
    assert gradients[0] == pytest.approx(case["gradient"], rel=1e-14)
    assert weight_grads[0] == pytest.approx(case["weight_square"], rel=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_forward_is_the_definition(case):
    net, _ = CASES[case]
    weights = explicit.draw_weights(net, 5, 0)
    x = np.linspace(-1.0, 2.0, net.n_in)
    found, _, _ = passes(net, weights, x)
    expected = plain_states(net, weights, weights.w_in @ x / math.sqrt(net.n_in))
    for state, z in zip(found, expected, strict=True):
        assert state == pytest.approx(z, rel=1e-12, abs=1e-14 * np.abs(z).max())


def derivative(f, point: np.ndarray) -> np.ndarray:
    """Central differences, entry by entry, with one Richardson step."""
    gradient = np.empty(point.shape)
    for index in np.ndindex(point.shape):
        slopes = []
        for step in (2e-4, 1e-4):
            up, down = point.copy(), point.copy()
            up[index] += step
            down[index] -= step
            slopes.append((f(up) - f(down)) / (2.0 * step))
        gradient[index] = (4.0 * slopes[1] - slopes[0]) / 3.0
    return gradient


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_finite_differences(case):
    net, _ = CASES[case]
    weights = explicit.draw_weights(net, 7, 1)
    x = np.linspace(-1.0, 2.0, net.n_in)
    _, gradients, weight_grads = passes(net, weights, x)
    states = plain_states(net, weights, weights.w_in @ x / math.sqrt(net.n_in))
    for l in range(net.depth):
        if not states[l].any():  # the kink: the derivative is 0 by convention
            assert weight_grads[l] == 0.0
            continue
        p = derivative(lambda z, l=l: weights.p_d @ plain_states(net, weights, z, l)[-1], states[l])
        assert gradients[l] == pytest.approx(p, rel=1e-6, abs=1e-8)
        square = weight_square(net, weights, states, l)
        assert weight_grads[l] == pytest.approx(square, rel=1e-6, abs=1e-12)


def weight_square(net: ResNet, weights: Weights, states: list[np.ndarray], l: int) -> float:
    """Σ (∂(p_d·z_d)/∂W)² over the matrices of block l, by differences."""
    total = 0.0
    for name in ("v", "w"):
        matrices = getattr(weights.blocks, name)
        if len(matrices):

            def loss(changed, name=name, matrices=matrices):
                own = matrices.copy()
                own[l] = changed
                blocks = weights.blocks._replace(**{name: own})
                return weights.p_d @ plain_states(net, weights._replace(blocks=blocks), states[l], l)[-1]

            total += np.sum(derivative(loss, matrices[l]) ** 2)
    return total


@pytest.mark.parametrize("case", ["relu", "gelu", "two-matrix silu, two inputs", "relu, related inputs"])
def test_records_are_the_definitions(case):
    net, inputs = CASES[case]
    draws = draw(net, 3, 11, inputs=inputs, method="explicit")
    weights = explicit.draw_weights(net, 11, 2)
    paths = []
    for a, x in enumerate(np.ones((1, net.n_in)) if inputs is None else np.array(inputs)):
        one = draws.isel(replica=2, input=a)
        z = plain_states(net, weights, weights.w_in @ x / math.sqrt(net.n_in))
        paths.append(z)
        _, p, weight_grads = passes(net, weights, x)
        square_0, square_d = z[0] @ z[0], weights.p_d @ weights.p_d
        relative = weight_grads / (square_d * square_0)
        pre = [u if block_of(net, weights, l)[1] is None else weights.blocks.w[l] @ u for l, u in enumerate(z[:-1])]
        scale = 1.0 if net.block == "one-matrix" else math.sqrt(net.variances[0] / net.width)
        h = [weights.blocks.signs[l] * scale * u for l, u in enumerate(pre)]
        out = weights.w_out @ z[-1] / math.sqrt(net.width)
        expected = {
            "log_norm": [math.log(v @ v / net.width) for v in z],
            "log_growth": [math.log(v @ v / square_0) for v in z],
            "log_displacement": [-np.inf] + [0.5 * math.log((v - z[0]) @ (v - z[0]) / square_0) for v in z[1:]],
            "log_grad_growth": [math.log(v @ v / square_d) for v in p],
            "log_grad_displacement": [0.5 * math.log((v - p[-1]) @ (v - p[-1]) / square_d) for v in p[:-1]] + [-np.inf],
            "grad_state_cosine": [v @ u / np.linalg.norm(v) / np.linalg.norm(u) for v, u in zip(p, z, strict=True)],
            "log_weight_grad": [np.nan, *np.log(relative)],
            "log_ntk": math.log(relative.sum()),
            "active_fraction": [*(np.mean(u > 0) for u in h), np.nan],
            "active_energy": [*(np.sum(plain_phi(net)(u) ** 2) / (u @ u) for u in h), np.nan],
            "output": out,
            "log_output_norm": math.log(out @ out / net.n_out),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(one[name].values, value, rtol=1e-11, atol=1e-12, err_msg=name)
    if inputs is not None:
        for l, z in enumerate(zip(*paths, strict=True)):
            unit = np.array([v / np.linalg.norm(v) for v in z])
            np.testing.assert_allclose(draws.overlap.values[2, l], unit @ unit.T, atol=1e-12)


def test_weights_depend_on_seed_and_replica_alone():
    net = ResNet(depth=2, width=3, balanced=True)
    keys = ((1, 4), (1, 5), (2, 4), (1 + 2**32, 4), (1, 4 + 2**32), (1 + 2**36, 0), (1, 0), (1, 16))
    flat = []
    for key in (keys[0], *keys):
        w = explicit.draw_weights(net, *key)
        flat.append(np.concatenate([w.w_in.ravel(), w.blocks.v[1].ravel(), w.p_d]))
    assert np.array_equal(flat[0], flat[1])
    assert len({v.tobytes() for v in flat}) == len(keys)


@pytest.mark.parametrize("law", ["gaussian", "uniform", "rademacher"])
def test_entries_have_unit_variance(law):
    x = np.empty(100_000)
    explicit.entries(np.random.default_rng(2), law, x)
    assert_mean(x, 0.0, resolution=0.02)
    assert_mean(x**2, 1.0, resolution=0.03)
    kurtosis = {"gaussian": 3.0, "uniform": 1.8, "rademacher": 1.0}
    assert_mean(x**4, kurtosis[law], resolution=0.2)


def test_matrices_that_do_not_fit_are_refused(monkeypatch):
    net = ResNet(depth=10, width=20)  # 32 kB of matrices, 26 kB of one pass in 16 columns
    monkeypatch.setattr(memory, "free_bytes", lambda: 130_000)
    assert simulate(net, 2, method="explicit", threads=1).sizes["replica"] == 2
    with pytest.raises(ValueError, match=r"net=\.\.\.\) must fit into memory, got .* 115 kB of 130 kB .* fewer threads"):
        simulate(net, 2, method="explicit", threads=2)
