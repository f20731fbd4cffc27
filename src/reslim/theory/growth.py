"""The growth ln(|z_l|²/|z_0|²) of a ReLU network: mean and variance at every layer, and their own error at finite width.

docs/derivations/log-gaussian.md has the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import finite_width, signs
from reslim.theory.finite_width import Errors
from reslim.theory.shares import homogeneous_shares
from reslim.theory.sums import cumulated, earlier_sums

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Growth:
    """The law of ln(|z_l|²/|z_0|²) for l = 0 … d; every array has shape (depth + 1,).

    `log_second_moment` is ln E|z_l|²/|z_0|², exact where `exact_second_moment` says so.
    """

    mean: Array
    variance: Array
    errors: Errors
    log_second_moment: Array
    exact_second_moment: bool

    def backward(self) -> Growth:
        """Return the law of ln(|p_l|²/|p_d|²) where it is that of the forward growth through the layers l … d - 1."""
        steps = (self.mean, self.variance, self.log_second_moment)
        mean, variance, second = (values[-1] - values for values in steps)
        return Growth(mean, variance, self.errors.backward(), second, self.exact_second_moment)


def vanilla(net: ResNet) -> Growth:
    """Return the law of the one-matrix ReLU block: first order in 1/n at fixed d/n."""
    log_s, r, a = homogeneous_shares(net)
    n = net.width
    kappa, drift, tilt = earlier_sums(r, a, signs.kappa, signs.rho_kappa_prime, signs.square_sign)
    own = 5.0 * r**2 + 4.0 * r * (1.0 - r)
    # V = (1/n) Σ (5 r² + 4 r (1-r)) + (2/n) Σ_{i<j} r_i r_j κ(ρ_ij)
    variance = cumulated(own + 2.0 * r * kappa[:-1]) / n
    # mean = Σ ln S - V_bal/2 - (1/2n) Σ_{i<j} r_i r_j ρ_ij κ'(ρ_ij)
    mean = cumulated(log_s) - 0.5 * cumulated(own + r * drift[:-1]) / n
    # E|z_d|²/|z_0|² = Π S · exp((1/n) Σ_{i<j} r_i r_j (2/π)[asin ρ_ij + ρ_ij √(1-ρ_ij²)])
    second = cumulated(log_s + r * tilt[:-1] / n)
    return Growth(mean, variance, finite_width.vanilla(net, r, variance), second, False)


def fitted(net: ResNet) -> Growth:
    """Return the law of the one-matrix ReLU block with its finite-width correction, a fit to simulations."""
    law, r = vanilla(net), homogeneous_shares(net).r
    errors = finite_width.fitted(net, r, law.variance)
    return replace(law, mean=law.mean + law.errors.mean, variance=law.variance + law.errors.variance, errors=errors)


def balanced(net: ResNet) -> Growth:
    """Return the law of the Balanced one-matrix ReLU block: independent layers, first order in 1/n."""
    r = homogeneous_shares(net).r
    return _independent_layers(net, 5.0 * r**2 + 4.0 * r * (1.0 - r), finite_width.balanced(net, r))


def two_matrix(net: ResNet) -> Growth:
    """Return the law of the two-matrix ReLU block, Balanced or not: independent layers, first order in 1/n."""
    r = homogeneous_shares(net).r
    return _independent_layers(net, 7.0 * r**2 + 4.0 * r * (1.0 - r), finite_width.two_matrix(net, r))


def _independent_layers(net: ResNet, own: Array, errors: Errors) -> Growth:
    log_growth = cumulated(homogeneous_shares(net).log_growth)
    variance = cumulated(own) / net.width
    return Growth(log_growth - 0.5 * variance, variance, errors, log_growth, True)


def gradient_second_moment(net: ResNet, law: Growth) -> Array:
    """Return ln E|p_l|²/|p_d|² for l = 0 … d where layers are independent, exact where that of `law` is.

    A block without skip kills the state with probability 2⁻ⁿ: no unit is active. Below a dead state only the skips carry
    a gradient; in a living one a block multiplies the expected square by S.
    """
    living = np.concatenate([[0.0], np.cumsum(np.where(net.skips == 0.0, np.log1p(-(0.5**net.width)), 0.0))])
    with np.errstate(divide="ignore"):
        skips = np.concatenate([[0.0], np.cumsum(np.log(net.skips[::-1] ** 2))])[::-1]
        dead = np.log(-np.expm1(living)) + skips
    return np.logaddexp(living + law.backward().log_second_moment, dead)


def perceptron(net: ResNet) -> Growth:
    """Return the law of the one-matrix ReLU block with every skip 0: exact moments at every width and depth.

    A layer multiplies |z|² by (λ² v/n) B χ²_n, independent of all others; given k ≥ 1 active units (k is Binomial(n, ½))
    B is Beta(k/2, (n-k)/2). Moments are those of the networks that live.
    """
    mean, variance, third = finite_width.perceptron_cumulants(net.width)
    log_growth = cumulated(homogeneous_shares(net).log_growth)
    count = np.arange(net.depth + 1.0)
    errors = finite_width.perceptron(net, count * third, count * variance)
    return Growth(log_growth + count * mean, count * variance, errors, log_growth, True)
