"""The numbers of a layer that the laws of homogeneous activations depend on: the mean growth S, the branch's share r of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet

Array = NDArray[np.float64]


class Shares(NamedTuple):
    """One value a layer; S = α² + λ² v m (v_in v_out for two matrices), m = E φ(g)² (½ for ReLU), r = λ² v m/S, a = α/√S."""

    log_growth: Array  # ln S
    r: Array
    a: Array  # correlation of a unit's pre-activations at neighbouring layers; sign of α


def homogeneous_shares(net: ResNet) -> Shares:
    """Return the shares of a network with a piecewise linear activation."""
    slope = net.phi.negative_slope
    assert slope is not None
    v_in, v_out = net.variances
    branch = 0.5 * (1.0 + slope**2) * v_in * v_out * net.branches**2
    total = net.skips**2 + branch
    return Shares(np.log(total), branch / total, net.skips / np.sqrt(total))


def asymmetry(net: ResNet) -> float:
    """Return b = (1 - s²)/(1 + s²) for the slope s on the negative side: 1 for ReLU, 0 for the identity."""
    slope = net.phi.negative_slope
    assert slope is not None
    return (1.0 - slope**2) / (1.0 + slope**2)


def is_perceptron(net: ResNet) -> bool:
    """Return whether no layer of a one-matrix network has a skip."""
    return net.block == "one-matrix" and not net.skips.any()
