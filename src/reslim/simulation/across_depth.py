"""Gaussian series with the covariance of a coupling: one entry of the weights, across depth.

A stationary covariance is a corner of that of a periodic series, which the Fourier transform makes diagonal (Davies and
Harte 1987). Where a period has no such covariance, its matrix is factored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslim.coupling import Coupling
from reslim.errors import NotCovered, Verbatim

Array = NDArray[np.float64]
TOLERANCE = 1e-11  # of the variance that negative eigenvalues may take: the error of the covariance
UNSEEN = 1e-13  # of the variance, in the highest frequencies: what is left out of smooth series
LONGEST = 64  # periods tried, in depths
DEEPEST = 4096  # of a matrix that is factored
AT_ONCE = 2**16  # numbers that are transformed together: they stay in the cache


@dataclass(frozen=True)
class Periodic:
    """A series of that period; `roots` multiply the standard normal parts of its first Fourier coefficients."""

    period: int
    roots: Array  # at most period/2 + 1

    def draw(self, rng: np.random.Generator, series: Array) -> None:
        """Fill `series`, shape (depth, count)."""
        from scipy.fft import irfft  # here, because it takes time to load

        depth, count = series.shape
        size = min(count, max(1, AT_ONCE // self.period))
        noise = np.empty((size, len(self.roots), 2))
        for first in range(0, count, size):
            block = series[:, first : first + size]
            rng.standard_normal(out=noise[: block.shape[1]])
            spectra = noise[: block.shape[1]].view(np.complex128)[..., 0]
            spectra *= self.roots
            full: Any = irfft(spectra, self.period, overwrite_x=True)
            block[:] = full[:, :depth].T


@dataclass(frozen=True)
class Factored:
    """A series that is a matrix times independent normals."""

    factor: Array  # (depth, rank)

    def draw(self, rng: np.random.Generator, series: Array) -> None:
        """Fill `series`, shape (depth, count)."""
        np.matmul(self.factor, rng.standard_normal((self.factor.shape[1], series.shape[1])), out=series)


@lru_cache(maxsize=8)
def sampler(coupling: Coupling, depth: int) -> Periodic | Factored:
    """Return what draws series of that coupling: of the shortest period that has its covariance, if there is one.

    Their covariance is that of the coupling to 1e-11.

    Raises
    ------
    NotImplementedError
        Beyond a depth of 4096 where no period does.
    """
    for periods in (2, 4, 8, 16, 32, LONGEST):
        found = periodic(coupling, depth, periods * depth)
        if found is not None:
            return found
    if depth <= DEEPEST:
        return factored(coupling, depth)
    got = Verbatim(f"coupling={coupling} at depth {depth}")
    raise NotCovered("simulate", "net", f"must have a shorter correlation length beyond a depth of {DEEPEST}", got)


def periodic(coupling: Coupling, depth: int, least: int) -> Periodic | None:
    """Return the series of a period of at least that length, or None where it would need a negative variance."""
    from scipy import fft

    transform: Any = fft
    half: int = transform.next_fast_len(max(1, -(-least // 2)), real=True)
    lags = coupling.autocovariance(depth, half + 1)
    values: Array = transform.rfft(np.concatenate([lags, lags[-2:0:-1]])).real
    weight = np.full(len(values), 2.0)
    weight[0] = weight[-1] = 1.0  # what stands alone in a real series
    if weight @ np.maximum(-values, 0.0) > TOLERANCE * 2 * half:
        return None
    values = np.maximum(values, 0.0)
    beyond = np.cumsum((weight * values)[::-1])[::-1] / (2 * half)  # variance from each frequency on
    kept = values[: np.count_nonzero(beyond > UNSEEN)]
    return Periodic(2 * half, np.sqrt(kept * 2 * half / weight[: len(kept)]))


def factored(coupling: Coupling, depth: int) -> Factored:
    """Return the series by the eigenvectors of its covariance; directions of no more than rounding are left out."""
    from scipy.linalg import eigh, toeplitz

    values, vectors = eigh(toeplitz(coupling.autocovariance(depth, depth)))
    kept = values > depth * math.ulp(1.0) * values[-1]
    return Factored(vectors[:, kept] * np.sqrt(values[kept]))
