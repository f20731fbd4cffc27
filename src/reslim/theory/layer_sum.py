"""Sums over layers of what fluctuates in one-matrix networks: variances and covariances, at every layer at once.

docs/derivations/every-gradient.md has the steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.theory.memory import seen, step_powers
from reslim.theory.orbit import Orbit
from reslim.theory.walk import Walk, from_end, response

Array = NDArray[np.float64]


class LayerSum:
    """The sum over layers m ≥ l of direct_m y_m + energy_m ξ_m + slope_m ζ_m + own noise, for every l. One matrix only."""

    def __init__(self, walk: Walk, known: Array, direct: Array, energy: Array, slope: Array, own: Array) -> None:
        self.walk, self.known, self.own = walk, known, own
        self.back = response(walk, direct)
        self.energy = energy + self.back[1:] * walk.path.r  # what the sum answers to ξ_l and to ζ_l
        self.slope = slope
        self.coefficients, self.later = self.tail(self.energy, self.slope)

    def tail(self, energy: Array, slope: Array) -> tuple[Array, Array]:
        """Return the coefficients of energy ξ_l + slope ζ_l, and those of the same of all later layers seen from l."""
        walk, balanced = self.walk, self.walk.net.balanced
        assert walk.path.energy.coefficients is not None
        own = energy[:, None] * seen(walk.path.energy.coefficients, balanced)
        own = own + slope[:, None] * seen(walk.slopes.coefficients, balanced)
        powers, later = step_powers(walk.path), np.zeros_like(own)
        for l in range(len(own) - 2, -1, -1):
            later[l] = powers[l] * (own[l + 1] + later[l + 1])
        return own, later

    def _tail_variance(self) -> Array:
        path, found = self.walk.path, self.walk.slopes
        unit = self.energy**2 * path.energy.spread + self.slope**2 * found.spread
        unit = unit + 2.0 * self.energy * self.slope * found.cross
        return from_end(unit + 2.0 * np.sum(self.coefficients * self.later, axis=1) + self.own)

    def variance(self, state: Array) -> Array:
        """Return the variance of the sum at l = 0 … d; `state` is that of y_l."""
        met = np.append(np.sum(self.known * (self.coefficients + self.later), axis=1), 0.0)
        return self.back**2 * state + 2.0 * self.back * met + self._tail_variance()

    def after(self, state: Array, direct: Array) -> tuple[Array, Array]:
        """Return variance and covariance with ln |z_0|² of direct_l y_l + ξ_l + the sum over the layers m > l, l < d."""
        path = self.walk.path
        assert path.energy.coefficients is not None
        answer, energy = direct + path.chi * self.back[1:], 1.0 + path.r * self.back[1:]
        own = energy[:, None] * seen(path.energy.coefficients, self.walk.net.balanced)
        unit = energy**2 * path.energy.spread + 2.0 * np.sum(own * self.later, axis=1)
        met = np.sum(self.known * (own + self.later), axis=1)
        variance = answer**2 * state[:-1] + 2.0 * answer * met + unit + self._tail_variance()[1:]
        return variance, (own + self.later)[:, 1] * _reach(path)[:-1] + answer * first_in_state(path)[:-1]

    def with_last(self, state: Array, ahead: Array) -> Array:
        """Return the covariance with ln |z_d|² at l = 0 … d."""
        path, found = self.walk.path, self.walk.slopes
        energy = ahead[1:] * path.r
        own, later = self.tail(energy, np.zeros_like(energy))
        last = np.sqrt(2.0) * np.cumprod(path.step[::-1] ** 2)[::-1]  # ρ_ld² √2: z_d²/Q_d - 1 seen from layer l
        later[:, 1] += last
        unit = energy * (self.energy * path.energy.spread + self.slope * found.cross)
        cross = np.sum(self.coefficients * later + own * self.later, axis=1)
        tail = from_end(unit + cross)
        with_own = np.append(np.sum(self.known * (own + later), axis=1), 0.0)
        with_tail = np.append(np.sum(self.known * (self.coefficients + self.later), axis=1), 0.0)
        return self.back * ahead * state + self.back * with_own + ahead * with_tail + tail

    def with_first(self) -> Array:
        """Return the covariance with ln |z_0|² at l = 0 … d."""
        path = self.walk.path
        seen_first = (self.coefficients + self.later)[:, 1] * _reach(path)[:-1]
        return np.append(seen_first, 0.0) + self.back * first_in_state(path)


def first_in_state(path: Orbit) -> Array:
    """Return Cov(y_l, z_0²/Q_0 - 1) at l = 0 … d."""
    reach, found = _reach(path), np.zeros(len(path.r) + 1)
    for l, chi in enumerate(path.chi):
        found[l + 1] = chi * found[l] + np.sqrt(2.0) * path.r[l] * path.energy.slope[l] * reach[l]
    return found


def _reach(path: Orbit) -> Array:
    """Return √2 ρ_0l² at l = 0 … d: what z_0²/Q_0 - 1 has of the second Hermite polynomial of z_l."""
    return np.sqrt(2.0) * np.append(1.0, np.cumprod(path.step**2))
