"""Hypoactivation and interlayer correlation of ReLU networks: the shares of active units and of active energy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import signs
from reslim.theory.shares import homogeneous_shares, is_perceptron
from reslim.theory.sums import correlations, earlier_sums

Array = NDArray[np.float64]


class Activity(NamedTuple):
    """Mean and variance at the layers 0 … d - 1."""

    mean: Array
    variance: Array


def fraction(net: ResNet) -> Activity:
    """Return the law of the share of active units: ½ - (1/πn) Σ_{i<m} r_i ρ_im √(1-ρ_im²), vanilla; ½ otherwise.

    Without any skip the share is exactly that of n fair coins among the networks that live, and 0 in the others.
    """
    n = net.width
    if is_perceptron(net):
        alive = np.exp(np.arange(net.depth) * np.log1p(-(0.5**n)))  # every layer has an active unit with 1 - 2⁻ⁿ
        return Activity(0.5 * alive, 0.25 * alive * (1.0 + 1.0 / n - alive))
    half = np.full(net.depth, 0.5)
    if _has_memory(net):
        _, r, a = homogeneous_shares(net)
        half = half - earlier_sums(r, a, signs.rho_root)[0][:-1] / (np.pi * n)
    return Activity(half, np.full(net.depth, 0.25 / n))


def energy(net: ResNet) -> Activity:
    """Return the law of |φ(h)|²/|h|²: ½ - (1/4n) Σ_{i<m} r_i ρ_im κ'(ρ_im), vanilla; ½ otherwise.

    The variance is that of a Gaussian direction, 3/(4(n+2)).
    """
    half = np.full(net.depth, 0.5)
    if _has_memory(net):
        _, r, a = homogeneous_shares(net)
        half = half - 0.25 * earlier_sums(r, a, signs.rho_kappa_prime)[0][:-1] / net.width
    return Activity(half, np.full(net.depth, 0.75 / (net.width + 2.0)))


def is_exact(net: ResNet, name: str) -> bool:
    """Return whether mean and variance hold at every width and depth: where h is Gaussian, or its signs are fair coins."""
    coins = net.balanced and name == "active_fraction"
    return net.entries == "gaussian" and (net.block == "two-matrix" or is_perceptron(net) or coins)


def interlayer(net: ResNet, name: str, layers: list[int]) -> Array:
    """Return the covariance of active_energy, κ(ρ)/(4n), or of active_fraction, asin(ρ)/(2πn), between layers."""
    variance = (fraction if name == "active_fraction" else energy)(net).variance[layers]
    if not _has_memory(net):
        return np.diag(variance)
    rho = correlations(homogeneous_shares(net).a, layers)
    covariance = signs.sign_sign(rho) / (4.0 * net.width) if name == "active_fraction" else signs.kappa(rho) / (4.0 * net.width)
    np.fill_diagonal(covariance, variance)
    return covariance


def _has_memory(net: ResNet) -> bool:
    """Return whether the signs of a layer's pre-activations depend on those of earlier layers."""
    return net.block == "one-matrix" and not net.balanced and not is_perceptron(net)
