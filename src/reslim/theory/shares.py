"""The two numbers of a ReLU layer that its laws depend on: the mean growth S, and the branch's share r of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet

Array = NDArray[np.float64]


class Shares(NamedTuple):
    """One value a layer; S = α² + λ² v/2 (v_in v_out for two matrices), r = (λ² v/2)/S, a = α/√S."""

    log_growth: Array  # ln S
    r: Array
    a: Array  # correlation of a unit's pre-activations at neighbouring layers; sign of α


def relu_shares(net: ResNet) -> Shares:
    """Return the shares of a ReLU network."""
    v_in, v_out = net.variances
    branch = 0.5 * v_in * v_out * net.branches**2
    total = net.skips**2 + branch
    return Shares(np.log(total), branch / total, net.skips / np.sqrt(total))


def is_perceptron(net: ResNet) -> bool:
    """Return whether no layer of a one-matrix network has a skip."""
    return net.block == "one-matrix" and not net.skips.any()
