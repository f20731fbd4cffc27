"""What a unit's energy F(z) = φ(z)², z ~ N(0, Q), does to first order: its Hermite coefficients, one row a layer.

docs/derivations/every-activation.md has the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from reslim.activations import Activation
from reslim.theory.expectations import gaussian_nodes, in_range

Array = NDArray[np.float64]
ORDER = 100  # last Hermite coefficient of F
CHUNK = 256  # layers at once


@dataclass(frozen=True)
class Energy:
    """Relative moments of F at each layer; every array has the shape (layers,), `coefficients` (layers, ORDER + 3).

    Piecewise linear activations need no coefficients: F = a z² + b z|z|, and `tilt` is b/a; None for all others.
    """

    slope: Array  # κ = d ln m₁/d ln Q, m₁ = E F
    curvature: Array  # d² ln m₁/(d ln Q)²
    spread: Array  # Var F/m₁²
    coefficients: Array | None = None  # a_k/a_0, orthonormal
    tilt: float | None = None


def energy(phi: Activation, q: Array) -> Energy:
    """Return the moments of F at the variances Q of the pre-activations, shape (layers,)."""
    if phi.negative_slope is not None:
        square = phi.negative_slope**2
        tilt = (1.0 - square) / (1.0 + square)
        one = np.ones_like(q)
        return Energy(one, 0.0 * one, (2.0 + 3.0 * tilt**2) * one, tilt=tilt)
    rows = [_moments(phi, q[i : i + CHUNK]) for i in range(0, len(q), CHUNK)]
    found, spread = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    # Q d/dQ E F = ½ Q E F″ = a_2/√2, and Q² d²/dQ² E F = ¼ Q² E F⁗ = √24 a_4/4
    slope = found[:, 2] / np.sqrt(2.0)
    return Energy(slope, np.sqrt(1.5) * found[:, 4] + slope - slope**2, spread, found)


def expanded(found: Energy, phi: Activation) -> Energy:
    """Return the energy with its coefficients, also where φ is piecewise linear: all layers have the same."""
    if found.coefficients is not None:
        return found
    row, _ = _moments(phi, np.ones(1))
    return replace(found, coefficients=np.broadcast_to(row, (len(found.slope), row.shape[1])))


def _moments(phi: Activation, q: Array) -> tuple[Array, Array]:
    """Return a_k/a_0, shape (layers, ORDER + 3), and Var F/m₁², shape (layers,)."""
    g, weights = gaussian_nodes()
    root = np.sqrt(in_range(q))[:, None]
    values = (phi.value(root * g) / root) ** 2
    values /= (values @ weights)[:, None]
    return values @ polynomials(), (values - 1.0) ** 2 @ weights


@cache
def polynomials() -> Array:
    """Return the orthonormal Hermite polynomials at the nodes times the weights, shape (nodes, ORDER + 3)."""
    g, weights = gaussian_nodes()
    table = np.empty((ORDER + 3, len(g)))
    table[0], table[1] = 1.0, g
    for k in range(1, ORDER + 2):
        table[k + 1] = (g * table[k] - np.sqrt(k) * table[k - 1]) / np.sqrt(k + 1.0)
    return (table * weights).T.copy()
