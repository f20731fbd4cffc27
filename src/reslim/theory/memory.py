"""What ln Q and the units remember of earlier layers, in Hermite coefficients; a row a layer, a column an order.

The correlation of a unit at two layers is a product over the layers between, so that every sum over layers is a recursion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.theory.hermite import ORDER
from reslim.theory.orbit import Orbit

Array = NDArray[np.float64]


def hide_odd(coefficients: Array, balanced: bool) -> Array:
    """Return all coefficients, the odd ones 0 where Balanced signs hide them from the other layers."""
    kept = coefficients.copy()
    if balanced:
        kept[:, 1::2] = 0.0
    return kept


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
    return hide_odd(coefficients, balanced)[:, 1 : ORDER + 1]


def step_powers(path: Orbit) -> Array:
    """Return ρ^k of neighbouring layers, shape (depth, ORDER)."""
    return np.multiply.accumulate(np.broadcast_to(path.step[:, None], (len(path.step), ORDER)), axis=1)
