"""The angle between gradient and state where it forgets quickly, and what it does to the mean of the gradient.

docs/derivations/every-gradient.md has the steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.theory.hermite import ORDER
from reslim.theory.memory import hide_odd
from reslim.theory.walk import Walk

Array = NDArray[np.float64]


def eta_share(walk: Walk) -> Array:
    """Return r E[h²φ'²]/(m τ) = r_b E[g²φ'²]/D."""
    return walk.gains.r * (1.0 + np.sqrt(2.0) * walk.slopes.coefficients[:, 2])


def angles(walk: Walk, start: float) -> Array:
    """Return k_l = n E cos²∠(p_l, z_l) for l = 0 … d: a fast variable, 1 where φ is homogeneous."""
    path, tau = walk.path, walk.gains.tau
    found, source = np.full(len(tau) + 1, start), (1.0 - path.r) / tau + eta_share(walk)
    for l in range(len(tau) - 1, -1, -1):
        found[l] = path.chi[l] ** 2 * (found[l + 1] - 1.0) / tau[l] + source[l]
    return found


class Turn(NamedTuple):
    """What the angle to the state does in one-matrix networks."""

    kept: Array  # E[π_{l+1}² φ'(z_l)²]/D, shape (depth,)
    pull: Array  # what a layer's mean gains by the angle and by the units' memory of π, shape (depth,)
    angle: Array  # n E cos², shape (depth + 1,)


def steady_pull(walk: Walk) -> Array:
    """Return the derivative of a layer's mean in a K² that is the same at every layer: `turns` without its sources."""
    path, gains = walk.path, walk.gains
    turned, pull = np.zeros(ORDER + 1), np.empty(len(path.r))
    turned[1] = 1.0
    for l in range(len(pull) - 1, -1, -1):
        a, product = path.step[l], walk.slopes.product[l, : ORDER + 1]
        powers = np.multiply.accumulate(np.concatenate([[a], np.full(ORDER, a)]))  # A^(j+1)
        energy = gains.r[l] * path.r[l] * (1.0 + walk.slopes.cross[l])
        pull[l] = energy + 2.0 * path.r[l] / gains.tau[l] * (product @ (powers * turned))
        turned = path.chi[l] * (powers * turned + path.r[l] * product) / gains.tau[l]
        turned[1] = 1.0
    return pull


def turns(walk: Walk, start: float) -> Turn:
    """Follow E[π² h_j(z)] and E[√n cos · n^{-1/2} Σ π h_j(z)] from the last layer down; π = √n p/|p|. O(d K)."""
    path, gains, balanced = walk.path, walk.gains, walk.net.balanced
    d = hide_odd(walk.slopes.coefficients, balanced)
    product = walk.slopes.product.copy()
    if balanced:
        product[:, ::2] = 0.0  # a Balanced unit's φφ' is odd in effect
    j, depth = np.arange(ORDER + 1), len(path.r)
    root = np.sqrt(j)
    raised = np.sqrt(j + 1.0) * d[:, 1 : ORDER + 2]
    raised[:, 1:] += root[1:] * d[:, :ORDER]
    square, turned = np.zeros(ORDER + 1), np.zeros(ORDER + 1)
    square[0], turned[1] = 1.0, start
    kept, pull, angle = np.empty(depth), np.empty(depth), np.full(depth + 1, start)
    for l in range(depth - 1, -1, -1):
        r, r_b, tau, chi, a = path.r[l], gains.r[l], gains.tau[l], path.chi[l], path.step[l]
        powers = np.multiply.accumulate(np.concatenate([[1.0], np.full(ORDER, a)]))
        alpha, before = product[l, : ORDER + 1], angle[l + 1]
        lower = np.zeros(ORDER + 1)
        lower[1:] = root[1:] * square[:-1]  # √j ω_{j-1}
        kept[l] = d[l, : ORDER + 1] @ (powers * square)
        meeting = alpha @ (a * powers * (turned - lower))
        pull[l] = r_b * r * (1.0 + walk.slopes.cross[l]) * (before - 1.0) + 2.0 * r / tau * meeting
        own = np.zeros(ORDER + 1)
        own[1:] = powers[:-1] * lower[1:]
        turned = (
            chi * (a * powers * turned + r * alpha * (before - 1.0)) + (1.0 - r) * r * (1.0 - path.energy.slope[l]) * own
        ) / tau + r_b * raised[l]
        square = (1.0 - r_b) * powers * square + r_b * d[l, : ORDER + 1]
        angle[l] = turned[1]
    return Turn(kept, pull, angle)
