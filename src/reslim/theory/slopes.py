"""What a unit's slope φ'(h)², h ~ N(0, Q), does to first order: its Hermite coefficients, one row a layer.

docs/derivations/every-gradient.md has the steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.activations import Activation
from reslim.theory.expectations import gaussian_nodes, in_range
from reslim.theory.hermite import CHUNK, polynomials

Array = NDArray[np.float64]


class Slopes(NamedTuple):
    """Relative moments of φ'² at each layer, with D = E φ'² and m = E φ²; shape (layers,), and (layers, ORDER + 3) for rows."""

    mean: Array  # D
    slope: Array  # κ_D = d ln D/d ln Q
    curvature: Array  # d² ln D/(d ln Q)²
    spread: Array  # Var φ'²/D²
    cross: Array  # Cov(φ², φ'²)/(m D)
    coefficients: Array  # of φ'²/D, orthonormal
    product: Array  # of φ φ' √Q/m

    @property
    def fourth(self) -> Array:
        """3 E φ'⁴/D² - 1, the relative variance of φ'² χ²₁."""
        return 3.0 * self.spread + 2.0


def slopes(phi: Activation, q: Array) -> Slopes:
    """Return the moments of φ'² at the variances Q of the pre-activations, shape (layers,)."""
    if phi.homogeneous and len(q) > 1:
        return Slopes(*(np.broadcast_to(values, (len(q), *values.shape[1:])) for values in slopes(phi, np.ones(1))))
    rows = [_moments(phi, q[i : i + CHUNK]) for i in range(0, len(q), CHUNK)]
    mean, spread, cross, found, product = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    slope = found[:, 2] / np.sqrt(2.0)  # as for the energy: Q d/dQ E f = ½ Q E f″
    curvature = np.sqrt(1.5) * found[:, 4] + slope - slope**2
    return Slopes(mean, slope, curvature, spread, cross, found, product)


def _moments(phi: Activation, q: Array) -> tuple[Array, ...]:
    g, weights = gaussian_nodes()
    root = np.sqrt(in_range(q))[:, None]
    value, derivative = phi.value(root * g) / root, phi.derivative(root * g)
    energy, square = value**2, derivative**2
    energy_mean, mean = energy @ weights, np.maximum(square @ weights, np.finfo(float).tiny)
    square /= mean[:, None]
    product = value * derivative / energy_mean[:, None]
    spread = (square - 1.0) ** 2 @ weights
    cross = (energy / energy_mean[:, None] - 1.0) * (square - 1.0) @ weights
    return mean, spread, cross, square @ polynomials(), product @ polynomials()
