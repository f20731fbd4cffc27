"""Expectations E f(u) f(w) over two Gaussian pre-activations as a function of their correlation, for f made of φ.

Closed forms where φ is piecewise linear; Hermite series elsewhere (Mehler), with all that is beyond their order in the last
term, so that a correlation of 1 is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reslim.activations import Activation
from reslim.theory.expectations import gaussian_nodes, in_range
from reslim.theory.hermite import polynomials

Array = NDArray[np.float64]
Kind = Literal["value", "slope", "along"]
EVEN: dict[Kind, bool] = {"value": True, "slope": False, "along": True}  # the part of f that fair signs leave, seen in f
_FUNCTIONS: dict[Kind, Callable[[Activation, Array, Array], Array]] = {
    "value": lambda phi, root, g: phi.value(root * g) / root,
    "slope": lambda phi, root, g: phi.derivative(root * g),
    "along": lambda phi, root, g: g * phi.derivative(root * g),
}


def piecewise_linear(slope: float, kind: Kind, rho: Array) -> Array:
    """Return E f f at the correlations rho; `slope` is φ's on the negative side, whose h φ'(h) is φ(h)."""
    if kind == "slope":
        return slope + (1.0 - slope) ** 2 * (0.25 + np.arcsin(np.clip(rho, -1.0, 1.0)) / (2.0 * np.pi))
    arc = (np.sqrt(1.0 - np.clip(rho, -1.0, 1.0) ** 2) + rho * (np.pi - np.arccos(np.clip(rho, -1.0, 1.0)))) / (2.0 * np.pi)
    return slope * rho + (1.0 - slope) ** 2 * arc


def coefficients(phi: Activation, kind: Kind, q: float) -> Array:
    """Return the orthonormal Hermite coefficients of g ↦ f(√Q g), the root of what is beyond their order at the end.

    f is φ/√Q ("value"), φ' ("slope"), or g φ' ("along").
    """
    g, weights = gaussian_nodes()
    values = _FUNCTIONS[kind](phi, np.sqrt(in_range(np.asarray(q))), g)
    found = values @ polynomials()
    return np.append(found, np.sqrt(max(values**2 @ weights - found @ found, 0.0)))


def series(products: Array, rho: Array) -> Array:
    """Return Σ_k products_k ρ^k; the products have one value a k, or one row a k with a column for each ρ."""
    total = np.zeros_like(rho)
    for row in products[::-1]:
        total = total * rho + row
    return total


def kernel(phi: Activation, kind: Kind, q: float) -> Callable[[Array], Array]:
    """Return ρ ↦ E f(u) f(w) for two pre-activations of variance Q."""
    if phi.negative_slope is not None:
        slope = phi.negative_slope
        return lambda rho: piecewise_linear(slope, kind, rho)
    squares = coefficients(phi, kind, q) ** 2
    return lambda rho: series(squares, rho)


def signed(of: Callable[[Array], Array], kind: Kind, balanced: bool) -> Callable[[Array], Array]:
    """Return the kernel between different layers: where each has fair signs of its own, one parity of f is left."""
    if not balanced:
        return of
    sign = 1.0 if EVEN[kind] else -1.0
    return lambda rho: 0.5 * (of(rho) + sign * of(-rho))
