"""The infinite-width path of an input through a network, and how it answers to a change of Q."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import mean_field
from reslim.theory.hermite import Energy, energy

Array = NDArray[np.float64]


class Orbit(NamedTuple):
    """The infinite-width path of one input, one value a layer."""

    log_q: Array  # (depth + 1,)
    r: Array  # the branch's share of Q_{l+1}
    chi: Array  # d ln Q_{l+1}/d ln Q_l = (1-r) + r κ
    bend: Array  # d² ln Q_{l+1}/(d ln Q_l)²
    step: Array  # correlation of a unit at l and l + 1, with the sign of α
    energy: Energy


def orbit(net: ResNet, mean_square: float) -> Orbit:
    """Return the path that starts at Q_0 = |x|²/n_in."""
    field = mean_field.recursion(net, np.array([mean_square]))
    inner = mean_field.inner_variance(net)
    log_q = field.log_q[:, 0]
    passed = mean_field.branch_squares(net) * inner * field.shares[:, 0]
    total = net.skips**2 + passed
    r = passed / total
    unit = energy(net.phi, inner * np.exp(np.clip(log_q[:-1], -300.0, 300.0)))
    chi = 1.0 - r + r * unit.slope
    bend = r * (1.0 - r) * (1.0 - unit.slope) ** 2 + r * unit.curvature
    return Orbit(log_q, r, chi, bend, net.skips / np.sqrt(total), unit)
