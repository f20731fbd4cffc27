"""The gradient of vanilla networks with φ piecewise linear and its angle to the state: what a layer does to them, first order.

K² = n cos²∠(p_l, z_l) changes slowly, and pulls the gradient along the state (docs/derivations/gradient.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import signs
from reslim.theory.shares import asymmetry, homogeneous_shares
from reslim.theory.sums import cumulated, earlier_sums, later_sums

Array = NDArray[np.float64]


class Rates(NamedTuple):
    """What a layer adds, over n; each of shape (depth,).

    Means and variances of ln|z|² and of ln|p|² at angle zero, the covariance of the two, and the pull: E d ln|p|² grows by
    pull · K².
    """

    state_mean: Array
    state_variance: Array
    mean: Array
    variance: Array
    covariance: Array
    pull: Array
    forget: Array  # how fast K goes to 0 besides, and the variance that it gains: no rates over n, 0 where φ is homogeneous
    renewal: Array

    @property
    def spread(self) -> Array:
        """The variance that a layer adds to ln K²."""
        return self.variance + self.state_variance - 2.0 * self.covariance


def matters(net: ResNet) -> bool:
    """Return whether the angle makes another law of the gradient: it meets masks that the state has met, and φ is homogeneous."""
    return net.phi.homogeneous and net.block == "one-matrix" and not net.balanced and asymmetry(net) != 0.0


def rates(net: ResNet) -> Rates:
    """Return the rates of a network with a piecewise linear activation. A pair of layers counts at the earlier one."""
    _, r, a = homogeneous_shares(net)
    odd, n = asymmetry(net) ** 2, net.width
    functions = (signs.kappa, signs.rho_kappa_prime, signs.square_sign, _t1)
    sums = later_sums(r, a, *functions) if matters(net) else np.zeros((4, net.depth))  # else no layer meets another's masks
    kappa, drift, tilt, root = (odd * r * each for each in sums)
    inner = r**2 if net.block == "two-matrix" else 0.0  # two more independent factors: W z, and Wᵀ of its gradient
    own = (2.0 + 3.0 * odd) * r**2 + 4.0 * r * (1.0 - r) + 2.0 * inner
    pull = 2.0 * r - (1.0 - odd) * r**2 + inner
    return Rates(
        (-0.5 * own - 0.5 * drift) / n,
        (own + 2.0 * kappa) / n,
        (-0.5 * own - pull - drift + 3.0 * root) / n,
        (own + 2.0 * kappa - 6.0 * root) / n,
        (odd * r**2 + 2.0 * tilt) / n,
        (pull + 0.5 * drift) / n,
        np.zeros_like(r),
        np.zeros_like(r),
    )


def _t1(rho: Array) -> Array:
    """Return (2/π) ρ √(1 - ρ²)."""
    return signs.TWO_OVER_PI * signs.rho_root(rho)


def boundary(net: ResNet) -> Array:
    """Return what the layers before l take from the mean of a gradient stopped there, l = 0 … d.

    (1/n) Σ_{i<l≤m} r_i r_m t₁(ρ_im): the masks of the later layers are hypoactivated by the earlier ones, too.
    """
    if not matters(net):
        return np.zeros(net.depth + 1)
    _, r, a = homogeneous_shares(net)
    (earlier,), (later,) = earlier_sums(r, a, _t1), later_sums(r, a, _t1)
    before, after = cumulated(r * earlier[:-1]), cumulated((r * later)[::-1])[::-1]
    return asymmetry(net) ** 2 * (before[-1] - before - after) / net.width
