"""A law from its characteristic function: density and distribution function of a standardised variable."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
RANGE = 12.0  # deviations on either side, beyond which the law must have died out
STEP = np.pi / RANGE
FREQUENCIES = STEP * (np.arange(round(9.0 / STEP)) + 0.5)  # up to 9, where a normal law has e⁻⁴⁰


def density(characteristic: Complex, t: Array) -> Array:
    """Return the density at t, from the characteristic function at `FREQUENCIES`."""
    waves = np.exp(-1j * np.asarray(t)[..., None] * FREQUENCIES)
    return STEP / np.pi * (waves * characteristic).real.sum(axis=-1)


def cumulative(characteristic: Complex, t: Array) -> Array:
    """Return the distribution function at t (Davies 1973), clipped to [0, 1]."""
    waves = np.exp(-1j * np.asarray(t)[..., None] * FREQUENCIES)
    inside = 0.5 - STEP / np.pi * ((waves * characteristic).imag / FREQUENCIES).sum(axis=-1)
    return np.where(np.abs(t) < RANGE, inside, np.asarray(t) > 0.0).clip(0.0, 1.0)
