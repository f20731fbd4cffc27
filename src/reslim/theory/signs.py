"""Moments of (u, w), standard Gaussian with correlation ρ, and their signs. All are odd in ρ and exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TWO_OVER_PI = 2.0 / np.pi


def _root(rho: Array) -> Array:
    return np.sqrt(np.maximum(1.0 - rho * rho, 0.0))


def kappa(rho: Array) -> Array:
    """Return κ(ρ) = E[u|u| w|w|]; κ(1) = 3."""
    return TWO_OVER_PI * ((1.0 + 2.0 * rho * rho) * np.arcsin(rho) + 3.0 * rho * _root(rho))


def rho_kappa_prime(rho: Array) -> Array:
    """Return ρ κ'(ρ); at 1 it is 4."""
    return 4.0 * TWO_OVER_PI * (rho * rho * np.arcsin(rho) + rho * _root(rho))


def square_sign(rho: Array) -> Array:
    """Return E[u|u| sgn w]; at 1 it is 1."""
    return TWO_OVER_PI * (np.arcsin(rho) + rho * _root(rho))


def sign_sign(rho: Array) -> Array:
    """Return E[sgn u sgn w]; at 1 it is 1."""
    return TWO_OVER_PI * np.arcsin(rho)


def rho_root(rho: Array) -> Array:
    """Return ρ √(1 - ρ²)."""
    return rho * _root(rho)
