"""Norm and growth of a network with any activation, to first order in 1/n, by the response of ln Q to each layer's energy.

docs/derivations/every-activation.md has the steps. Every number below is n times what it describes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.theory import signs
from reslim.theory.memory import felt, heard
from reslim.theory.orbit import Orbit
from reslim.theory.sums import earlier_sums

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """n × what the fluctuations add at l = 0 … d, shape (depth + 1,).

    The input layer's own ln(χ²_n/n), variance 2 and mean -1, is left out of both.
    """

    norm_mean: Array  # of ln(|z_l|²/n) - ln Q_l
    norm_variance: Array
    growth_mean: Array  # of ln(|z_l|²/|z_0|²) - ln(Q_l/Q_0)
    growth_variance: Array


def forward_noise(path: Orbit) -> Array:
    """Return the variance that a two-matrix layer adds to ln q."""
    return 4.0 * path.r * (1.0 - path.r) + path.r**2 * (2.0 + path.energy.spread)


def two_matrix(path: Orbit) -> Moments:
    """Return the moments of the two-matrix block: ln(|z|²/n) is a Markov chain with fresh noise in every layer."""
    noise = forward_noise(path)
    variance, mean, memory = np.full((3, len(noise) + 1), 2.0)
    mean[0] = -1.0
    for l, chi in enumerate(path.chi):
        variance[l + 1] = chi**2 * variance[l] + noise[l]
        mean[l + 1] = chi * mean[l] + 0.5 * path.bend[l] * variance[l] - 0.5 * noise[l]
        memory[l + 1] = chi * memory[l]  # covariance with ln(|z_0|²/n)
    # relative to z_0: the variance of the difference; its mean is that of the norm less -1
    return Moments(mean + 1.0, variance - 2.0, mean + 1.0, variance - 2.0 * memory + 2.0)


def one_matrix(path: Orbit, balanced: bool) -> Moments:
    """Return the moments of the one-matrix block. O(d K)."""
    variance, mean = state(path, *feedback(path, balanced))
    with_last, with_first, rho = norms(path)
    norm_mean, norm_variance = mean - with_last, variance + 2.0 * with_last
    return Moments(norm_mean, norm_variance, norm_mean, norm_variance + 4.0 - 2.0 * with_first - 4.0 * rho**2)


def feedback(path: Orbit, balanced: bool) -> tuple[Array, Array]:
    """Return e_l = (p_l C)_l and T_l = ½ Σ_j p_lj Q_l Cov(F″_l, F_j)/(m₁ m₁), each of shape (depth,)."""
    unit = path.energy
    if unit.coefficients is not None:
        return felt(unit.coefficients, heard(path, balanced))
    odd = 0.0 if balanced or unit.tilt is None else unit.tilt**2
    met, tilt = earlier_sums(
        path.r, path.step, lambda rho: 2.0 * rho**2 + odd * signs.kappa(rho), lambda rho: odd * signs.square_sign(rho)
    )
    return met[:-1], tilt[:-1]


def state(path: Orbit, met: Array, tilt: Array) -> tuple[Array, Array]:
    """Return variance V_l = p_l C p_lᵀ and mean μ_l of δ ln Q_l for l = 0 … d, from what `feedback` gives."""
    r, kappa, spread = path.r, path.energy.slope, path.energy.spread
    variance, mean = np.zeros((2, len(r) + 1))
    # ½ r(1-r) [C_ll - 2(1-κ) e] + r [T - ½ C_ll - κ e]: what does not hold V
    pull = 0.5 * r * (1.0 - r) * (spread - 2.0 * (1.0 - kappa) * met) + r * (tilt - 0.5 * spread - kappa * met)
    for l, chi in enumerate(path.chi):
        variance[l + 1] = chi**2 * variance[l] + 2.0 * chi * r[l] * met[l] + r[l] ** 2 * spread[l]
        mean[l + 1] = chi * mean[l] + 0.5 * path.bend[l] * variance[l] + pull[l]
    return variance, mean


def norms(path: Orbit) -> tuple[Array, Array, Array]:
    """Return p_l·b_l, p_l·b_0 and ρ_0l for l = 0 … d; b_lj = Cov(z_l², F_j)/(Q_l m₁) = 2 κ_j ρ_jl²."""
    with_last, with_first = np.zeros((2, len(path.r) + 1))
    rho = np.concatenate([[1.0], np.cumprod(path.step)])
    own = 2.0 * path.r * path.energy.slope
    for l, chi in enumerate(path.chi):
        with_last[l + 1] = path.step[l] ** 2 * (chi * with_last[l] + own[l])
        with_first[l + 1] = chi * with_first[l] + own[l] * rho[l] ** 2
    return with_last, with_first, rho
