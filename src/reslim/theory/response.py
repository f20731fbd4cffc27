"""Norm and growth of a network with any activation, to first order in 1/n, by the response of ln Q to each layer's energy.

docs/derivations/every-activation.md has the steps. Every number below is n times what it describes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import mean_field, signs
from reslim.theory.hermite import ORDER, Energy, energy
from reslim.theory.sums import earlier_sums

Array = NDArray[np.float64]


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


def heard(path: Orbit, balanced: bool) -> Array:
    """Return N_lk = Σ_{j<l} p_lj a_k(j) ρ_jl^k for l = 0 … d - 1 and k = 1 … ORDER: what ln Q_l knows of a unit. O(d K)."""
    assert path.energy.coefficients is not None
    a = seen(path.energy.coefficients, balanced)
    powers = step_powers(path)
    found = np.zeros_like(a)
    for l in range(1, len(found)):
        found[l] = powers[l - 1] * (path.chi[l - 1] * found[l - 1] + path.r[l - 1] * a[l - 1])
    return found


def felt(coefficients: Array, found: Array) -> tuple[Array, Array]:
    """Return Cov(δ ln Q_l, f(z_l)) and what it adds to the mean, ½ Σ_j p_lj Q_l Cov(f″(z_l), F_j)/m₁, at each layer.

    `coefficients` are those of f, shape (layers, ORDER + 3), and `found` comes from `heard`.
    """
    k = np.arange(1, ORDER + 1)
    bend = np.sqrt((k + 1.0) * (k + 2.0)) * coefficients[:, 3:]
    return np.sum(found * coefficients[:, 1:-2], axis=1), 0.5 * np.sum(found * bend, axis=1)


def seen(coefficients: Array, balanced: bool) -> Array:
    """Return the coefficients of order 1 … ORDER, those that other layers see: of Balanced networks the even ones only."""
    kept = coefficients[:, 1 : ORDER + 1].copy()
    if balanced:
        kept[:, ::2] = 0.0
    return kept


def step_powers(path: Orbit) -> Array:
    """Return ρ^k of neighbouring layers, shape (depth, ORDER)."""
    return np.multiply.accumulate(np.broadcast_to(path.step[:, None], (len(path.step), ORDER)), axis=1)


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
