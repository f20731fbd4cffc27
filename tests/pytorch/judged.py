"""A built module beside what the explicit sampler says of the same network: states, gradients, output, of one input."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from reslim import ResNet, simulate
from reslim.pytorch import Network
from reslim.simulation import explicit

SEED = 2**63 + 5


class Passes(NamedTuple):
    """What one input gives: the gradients are those of p_d · z_d."""

    output: np.ndarray  # (n_out,)
    states: list[np.ndarray]  # z_0 … z_d
    gradients: list[np.ndarray]  # p_0 … p_d
    input: np.ndarray  # gradient of x
    weights: list[np.ndarray]  # gradients of w_in, then of every block's matrices in the order of the module


def explicit_passes(net: ResNet, seed: int, x: np.ndarray) -> Passes:
    """The explicit sampler's; gradients of unit-variance weights are outer products of its states and gradients."""
    weights = explicit.draw_weights(net, seed, 0)
    found = explicit.paths([net], weights, x[None], 0)

    def columns(rows, exponent):
        return list(found.by_column(rows, 1)[:, :, 0] * 2.0 ** exponent[: len(rows), :1])

    z, p, h = columns(found.z, found.exponent), columns(found.p, found.p_exponent), columns(found.h, found.exponent)
    draw = simulate(net, 1, seed, method="explicit", quantities=["output"], inputs=x[None], threads=1)
    gradients = [np.outer(p[0], x) / math.sqrt(net.n_in)]
    for l in range(net.depth):
        gradients += of_block(net, weights, l, z[l], h[l] if len(h) else z[l], p[l + 1])
    return Passes(draw.output.values[0, :, 0], z, p, weights.w_in.T @ p[0] / math.sqrt(net.n_in), gradients)


def of_block(net: ResNet, weights: explicit.Weights, l: int, z: np.ndarray, h: np.ndarray, after: np.ndarray) -> list[np.ndarray]:
    (v_in, v_out), s = net.variances, weights.blocks.signs[l]
    gain = net.branches[l] * math.sqrt(v_out / net.width)
    outer = gain * np.outer(after, net.phi.value(s * h))
    if net.block == "one-matrix":
        return [outer]
    t = gain * s * net.phi.derivative(s * h) * (weights.blocks.v[l].T @ after)
    return [math.sqrt(v_in / net.width) * np.outer(t, z), outer]


def module_passes(module: Network, x: np.ndarray) -> Passes:
    """The module's, by automatic differentiation."""
    p_d = torch.from_numpy(explicit.draw_weights(module.net, module.seed, 0).p_d)
    given = torch.from_numpy(x.copy()).requires_grad_()
    states = module.states(given)
    hidden = [weight for name, weight in module.named_parameters() if not name.startswith("w_out")]
    found = [g.numpy() for g in torch.autograd.grad(states[-1] @ p_d, [given, *states, *hidden])]
    z = [state.detach().numpy() for state in states]
    return Passes(module(given).detach().numpy(), z, found[1 : len(z) + 1], found[0], found[len(z) + 1 :])


def assert_close(found: np.ndarray, expected: np.ndarray, rtol: float = 1e-12) -> None:
    """Fail when the difference is longer than rtol times what is expected."""
    assert found.shape == expected.shape
    assert np.isfinite(expected).all()
    off, size = np.linalg.norm(found - expected), np.linalg.norm(expected)
    assert off <= rtol * size, f"off by {off / size if size else off:.3g}, allowed {rtol:.3g}"


def assert_same_passes(found: Passes, expected: Passes) -> None:
    assert_close(found.output, expected.output)
    assert_close(found.input, expected.input)
    for name in ("states", "gradients", "weights"):
        for this, that in zip(getattr(found, name), getattr(expected, name), strict=True):
            assert_close(this, that)
