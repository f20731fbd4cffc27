"""A network's infinite-width path in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import mean_field
from reslim.theory.hermite import expanded
from reslim.theory.orbit import Orbit
from reslim.theory.slopes import Slopes, slopes

Array = NDArray[np.float64]


class Gains(NamedTuple):
    """What a layer does to the gradient at infinite width; shape (depth,)."""

    log: Array  # ln S, S = α² + c v_in D
    r: Array  # the branch's share of S
    beta: Array  # d ln S/d ln Q
    tau: Array  # S over the forward growth Q_{l+1}/Q_l


@dataclass(frozen=True)
class Walk:
    """A network's infinite-width path, forward and backward, of one input."""

    net: ResNet
    path: Orbit
    slopes: Slopes
    gains: Gains

    @property
    def two_matrix(self) -> bool:
        """Whether the pre-activations are fresh in every layer."""
        return self.net.block == "two-matrix"


def walk(net: ResNet, path: Orbit) -> Walk:
    """Return both directions of a path."""
    path = path._replace(energy=expanded(path.energy, net.phi))
    inner = mean_field.inner_variance(net)
    found = slopes(net.phi, inner * np.exp(np.clip(path.log_q[:-1], -300.0, 300.0)))
    passed = mean_field.branch_squares(net) * inner * found.mean
    total = np.maximum(net.skips**2 + passed, np.finfo(float).tiny)
    r = passed / total
    tau = total * np.exp(path.log_q[:-1] - path.log_q[1:])
    return Walk(net, path, found, Gains(np.log(total), r, r * found.slope, tau))


def response(walk: Walk, direct: Array) -> Array:
    """Return what Σ_{m≥l} direct_m δ ln Q_m answers to δ ln Q_l, at l = 0 … d."""
    found = np.zeros(len(direct) + 1)
    for l in range(len(direct) - 1, -1, -1):
        found[l] = direct[l] + walk.path.chi[l] * found[l + 1]
    return found


def final_response(walk: Walk) -> Array:
    """Return what ln Q_d answers to δ ln Q_l, at l = 0 … d."""
    return np.append(np.cumprod(walk.path.chi[::-1])[::-1], 1.0)


def from_end(values: Array) -> Array:
    """Return the sums over the layers m ≥ l, l = 0 … d."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)
