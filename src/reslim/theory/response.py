"""Norm and growth of a network with any activation, to first order in 1/n, by the response of ln Q to each layer's energy.

docs/derivations/every-activation.md has the steps. Every number below is n times what it describes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import mean_field
from reslim.theory.hermite import Energy, energy

Array = NDArray[np.float64]
FORGOTTEN = 1e-13  # correlations below it change nothing: every covariance is O(ρ)


class Orbit(NamedTuple):
    """The infinite-width path of one input, one value a layer."""

    log_q: Array  # (depth + 1,)
    r: Array  # the branch's share of Q_{l+1}
    chi: Array  # d ln Q_{l+1}/d ln Q_l = (1-r) + r κ
    bend: Array  # d² ln Q_{l+1}/(d ln Q_l)²
    step: Array  # correlation of a unit at l and l + 1, with the sign of α
    energy: Energy


class Moments(NamedTuple):
    """n × what the fluctuations add at l = 0 … d, shape (depth + 1,).

    The input layer's own ln(χ²_n/n), variance 2 and mean -1, is left out of both.
    """

    norm_mean: Array  # of ln(|z_l|²/n) - ln Q_l
    norm_variance: Array
    growth_mean: Array  # of ln(|z_l|²/|z_0|²) - ln(Q_l/Q_0)
    growth_variance: Array


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


def two_matrix(path: Orbit) -> Moments:
    """Return the moments of the two-matrix block: ln(|z|²/n) is a Markov chain with fresh noise in every layer."""
    r = path.r
    noise = 4.0 * r * (1.0 - r) + r**2 * (2.0 + path.energy.spread)
    variance, mean, memory = np.full((3, len(r) + 1), 2.0)
    mean[0] = -1.0
    for l, chi in enumerate(path.chi):
        variance[l + 1] = chi**2 * variance[l] + noise[l]
        mean[l + 1] = chi * mean[l] + 0.5 * path.bend[l] * variance[l] - 0.5 * noise[l]
        memory[l + 1] = chi * memory[l]  # covariance with ln(|z_0|²/n)
    # relative to z_0: the variance of the difference; its mean is that of the norm less -1
    return Moments(mean + 1.0, variance - 2.0, mean + 1.0, variance - 2.0 * memory + 2.0)


def one_matrix(path: Orbit, balanced: bool) -> Moments:
    """Return the moments of the one-matrix block: O(d K) for each of the layers that a unit remembers."""
    met, tilt = _feedback(path, balanced)
    variance, mean = _recursion(path, met, tilt)
    with_last, with_first, rho = _norms(path)
    norm_mean, norm_variance = mean - with_last, variance + 2.0 * with_last
    return Moments(norm_mean, norm_variance, norm_mean, norm_variance + 4.0 - 2.0 * with_first - 4.0 * rho**2)


def _feedback(path: Orbit, balanced: bool) -> tuple[Array, Array]:
    """Return e_l = (p_l C)_l and T_l = ½ Σ_j p_lj Q_l Cov(F″_l, F_j)/(m₁ m₁), each of shape (depth,)."""
    depth = len(path.r)
    met, tilt = np.zeros((2, depth))
    response, rho = np.zeros((2, depth))  # p_lj and ρ_jl at the present layer l
    first = 0
    for l in range(depth):
        while first < l and abs(rho[first]) < FORGOTTEN:
            first += 1
        if first < l:
            kernel, bend = path.energy.covariances(first, l, rho[first:l], balanced)
            met[l], tilt[l] = response[first:l] @ kernel, 0.5 * response[first:l] @ bend
        response[first:l] *= path.chi[l]
        response[l], rho[l] = path.r[l], 1.0
        rho[first : l + 1] *= path.step[l]
    return met, tilt


def _recursion(path: Orbit, met: Array, tilt: Array) -> tuple[Array, Array]:
    """Return V_l = p_l C p_lᵀ and μ_l for l = 0 … d."""
    r, kappa, spread = path.r, path.energy.slope, path.energy.spread
    variance, mean = np.zeros((2, len(r) + 1))
    # ½ r(1-r) [C_ll - 2(1-κ) e] + r [T - ½ C_ll - κ e]: what does not hold V
    pull = 0.5 * r * (1.0 - r) * (spread - 2.0 * (1.0 - kappa) * met) + r * (tilt - 0.5 * spread - kappa * met)
    for l, chi in enumerate(path.chi):
        variance[l + 1] = chi**2 * variance[l] + 2.0 * chi * r[l] * met[l] + r[l] ** 2 * spread[l]
        mean[l + 1] = chi * mean[l] + 0.5 * path.bend[l] * variance[l] + pull[l]
    return variance, mean


def _norms(path: Orbit) -> tuple[Array, Array, Array]:
    """Return p_l·b_l, p_l·b_0 and ρ_0l for l = 0 … d; b_lj = Cov(z_l², F_j)/(Q_l m₁) = 2 κ_j ρ_jl²."""
    with_last, with_first = np.zeros((2, len(path.r) + 1))
    rho = np.concatenate([[1.0], np.cumprod(path.step)])
    own = 2.0 * path.r * path.energy.slope
    for l, chi in enumerate(path.chi):
        with_last[l + 1] = path.step[l] ** 2 * (chi * with_last[l] + own[l])
        with_first[l + 1] = chi * with_first[l] + own[l] * rho[l] ** 2
    return with_last, with_first, rho
