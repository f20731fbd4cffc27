"""Sums over the earlier layers, which every law over layers is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FORGOTTEN = 1e-18  # correlations below it change no sum: every f below is O(ρ)


def cumulated(increments: Array) -> Array:
    """Return the sums over the layers before l, l = 0 … d."""
    return np.concatenate([[0.0], np.cumsum(increments)])


def earlier_sums(weights: Array, steps: Array, *functions: Callable[[Array], Array]) -> list[Array]:
    """Return T_m = Σ_{i<m} w_i f(ρ_im) for m = 0 … d and each f, with ρ_im = a_i a_{i+1} … a_{m-1}.

    `weights` w and `steps` a have one value a layer. O(d) where both are constant; otherwise O(d K), with K the number of
    layers after which every correlation is below 1e-18, at most d. f(0) must be 0.
    """
    if np.ptp(weights) == 0.0 and np.ptp(steps) == 0.0:
        powers = steps[0] ** np.arange(1, len(steps) + 1)
        return [np.concatenate([[0.0], weights[0] * np.cumsum(f(powers))]) for f in functions]
    depth = len(weights)
    sums = [np.zeros(depth + 1) for _ in functions]
    rho = np.ones(depth)  # ρ_{i, i+lag} for i = 0 … d - lag
    for lag in range(1, depth + 1):
        rho = rho[: depth - lag + 1] * steps[lag - 1 :]
        if np.abs(rho).max() < FORGOTTEN:
            break
        for total, f in zip(sums, functions, strict=True):
            total[lag:] += weights[: depth - lag + 1] * f(rho)
    return sums


def correlations(steps: Array, layers: list[int]) -> Array:
    """Return the matrix of ρ_ij between these layers, in rising order; ones on the diagonal. O(d) a row."""
    places = np.asarray(layers)
    found = np.eye(len(layers))
    for row, layer in enumerate(layers[:-1]):
        products = np.cumprod(steps[layer : layers[-1]])  # ρ between `layer` and each later one
        found[row, row + 1 :] = found[row + 1 :, row] = products[places[row + 1 :] - layer - 1]
    return found


def later_sums(weights: Array, steps: Array, *functions: Callable[[Array], Array]) -> list[Array]:
    """Return T_l = Σ_{m>l} w_m f(ρ_lm) for l = 0 … d - 1 and each f; otherwise as `earlier_sums`."""
    backwards = np.append(steps[-2::-1], steps[0])  # the last of them meets no layer
    return [sums[-2::-1] for sums in earlier_sums(weights[::-1], backwards, *functions)]
