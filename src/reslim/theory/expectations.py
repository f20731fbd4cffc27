"""Gaussian expectations of activations, in a scale-free form: E φ(√Q g)²/Q, E φ'(√Q g)², E φ(u)φ(w)/√(Q_u Q_w).

Closed forms where φ is piecewise linear (and for the product, erf); quadrature elsewhere, relative error below 1e-8 for
every Q in one dimension, and below 1e-6 for Q up to 1000 in two.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from reslim.activations import Activation

Array = NDArray[np.float64]
RANGE = 1e100  # of Q: beyond, every activation has reached its limit
REACH = 10.0  # standard deviations
NODES = 2001
CLUSTER = 25.0  # nodes come as close to 0 as REACH / sinh(25): to the kink that φ(√Q g) has for large Q
FINEST = 0.02  # spacing of the grid in two dimensions


def in_range(q: Array) -> Array:
    """Clip variances Q to the range in which every activation has reached its limits."""
    return np.clip(np.asarray(q, dtype=np.float64), 1.0 / RANGE, RANGE)


@cache
def gaussian_nodes() -> tuple[Array, Array]:
    """Return nodes clustered at 0 and their weights under the standard normal: the trapezium in t, g ~ sinh t."""
    t = np.linspace(-CLUSTER, CLUSTER, NODES)
    g = REACH * np.sinh(t) / np.sinh(CLUSTER)
    weights = np.cosh(t) * np.exp(-0.5 * g * g)
    return g, weights / weights.sum()


def mean_square(phi: Activation, q: Array) -> Array:
    """Return E φ(√Q g)²/Q for each Q."""
    if phi.negative_slope is not None:
        return np.full_like(q, 0.5 * (1.0 + phi.negative_slope**2), dtype=np.float64)
    g, weights = gaussian_nodes()
    root = np.sqrt(in_range(q))[..., None]
    return np.sum(weights * (phi.value(root * g) / root) ** 2, axis=-1)


def mean_square_slope(phi: Activation, q: Array) -> Array:
    """Return E φ'(√Q g)² for each Q."""
    if phi.negative_slope is not None:
        return np.full_like(q, 0.5 * (1.0 + phi.negative_slope**2), dtype=np.float64)
    g, weights = gaussian_nodes()
    return np.sum(weights * phi.derivative(np.sqrt(in_range(q))[..., None] * g) ** 2, axis=-1)


def product(phi: Activation, q: Array, q_2: Array, cosine: Array) -> Array:
    """Return E φ(u)φ(w)/√(Q Q₂) of centred Gaussians with variances Q, Q₂ and this correlation, elementwise."""
    cosine = np.clip(cosine, -1.0, 1.0)
    if phi.negative_slope is not None:
        slope = phi.negative_slope
        arc = (np.sqrt(1.0 - cosine**2) + cosine * (np.pi - np.arccos(cosine))) / (2.0 * np.pi)
        return slope * cosine + (1.0 - slope) ** 2 * arc
    q, q_2 = in_range(q), in_range(q_2)
    if phi.name == "erf":
        scaled = 2.0 * np.sqrt(q / (1.0 + 2.0 * q)) * np.sqrt(q_2 / (1.0 + 2.0 * q_2)) * cosine
        return 2.0 / np.pi * np.arcsin(scaled) / np.sqrt(q) / np.sqrt(q_2)
    values = [_product(phi, *case) for case in zip(q.ravel(), q_2.ravel(), cosine.ravel(), strict=True)]
    return np.array(values).reshape(cosine.shape)


def _product(phi: Activation, q: float, q_2: float, cosine: float) -> float:
    """Return the expectation by the trapezium on a square, of a step that resolves φ's own scale."""
    step = max(FINEST, min(0.25, 0.7 / np.sqrt(max(q, q_2))))
    g = np.arange(-8.5, 8.5 + step, step)
    weights = np.exp(-0.5 * g * g)
    weights /= weights.sum()
    across = cosine * g[:, None] + np.sqrt(1.0 - cosine**2) * g
    first = weights * phi.value(np.sqrt(q) * g) / np.sqrt(q)
    return float(first @ (phi.value(np.sqrt(q_2) * across) / np.sqrt(q_2)) @ weights)
