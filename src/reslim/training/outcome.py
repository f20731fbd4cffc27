"""What a network is before and after training: how far signals and gradients move, and what its weights are across depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslim import regularity
from reslim.errors import BadValue
from reslim.results import finite
from reslim.simulation import explicit
from reslim.simulation.explicit import Weights
from reslim.simulation.path_records import Steps, gradients, states
from reslim.spec import ResNet

Array = NDArray[np.float64]
INPUTS = 16  # images that signals are measured on
SHALLOWEST = 8  # network whose regularity is estimated


def measured(net: ResNet, weights: Weights, x: NDArray[np.float32]) -> dict[str, Any]:
    """Return what `signals` and `across_depth` find."""
    return signals(net, weights, x) | {"weights": across_depth(net, weights)}


def signals(net: ResNet, weights: Weights, x: NDArray[np.float32]) -> dict[str, Any]:
    """Return the means over inputs (m, n_in) of ln |z_d - z_0|/|z_0| and ln |p_0 - p_d|/|p_d|, and of the branches' sizes.

    In double precision with exponents, so that nothing overflows; p_d is Gaussian and independent of the network, the same
    before and after. `branch_norms` are the root mean squares of |z_{l+1} - α z_l|/|z_l| at each layer.
    """
    found = explicit.paths([net], weights, np.asarray(x, dtype=np.float64), 0)
    own = slice(len(x))
    first, last = (states(found, own, [l]) for l in (0, -1))
    start, arrived = (gradients(found, own, [l]) for l in (-1, 0))
    moved = last.log_distances(first) - 0.5 * first.log_squares()
    turned = arrived.log_distances(start) - 0.5 * start.log_squares()
    before, after = states(found, own, slice(None, -1)), states(found, own, slice(1, None))
    kept = Steps(net.skips[:, None, None] * before.mantissas, before.exponents)
    with np.errstate(invalid="ignore"):  # a dead state
        branches = np.exp(2.0 * after.log_distances(kept) - before.log_squares())
    return {
        "log_displacement": finite(moved.mean()),
        "log_grad_displacement": finite(turned.mean()),
        "branch_norms": finite(np.sqrt(branches.mean(axis=1))),
    }


def across_depth(net: ResNet, weights: Weights) -> dict[str, Any]:
    """Return the norms of the unit-variance matrices of the blocks at each layer, and their Hurst index across depth."""
    matrices = {"v": weights.blocks.v} | ({"w": weights.blocks.w} if net.block == "two-matrix" else {})
    return {name: {"norms": finite(_norms(stack)), "hurst": _hurst(stack)} for name, stack in matrices.items()}


def _norms(stack: Array) -> Array:
    """Return the Frobenius norms over the width: 1 on average at initialisation."""
    return np.linalg.norm(stack, axis=(1, 2)) / stack.shape[1]


def _hurst(stack: Array) -> dict[str, float | None] | None:
    if len(stack) < SHALLOWEST:
        return None
    try:
        found = regularity.hurst(stack)
    except BadValue:  # a width of 1 or factors near 0: weights that are constant across depth have no roughness
        return None
    return {"estimate": found.hurst, "error": found.error, "dependent_error": found.dependent_error}


def change(before: Weights, after: Weights) -> dict[str, Any] | None:
    """Return how smooth across depth the change of the weights v is: 1 for a flow, 0 for independent changes."""
    if len(before.blocks.v) < SHALLOWEST or np.array_equal(before.blocks.v, after.blocks.v):
        return None
    found = regularity.drift_share(before.blocks.v, after.blocks.v)
    return {"drift": found.drift, "smooth_share": found.share, "size": found.size}
