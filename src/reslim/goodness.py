"""How far a sample is from a law: mean, variance and distribution function, each against what may explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import kolmogi, kolmogorov, ndtri

from reslim.summary import STATISTICS, statistics
from reslim.theory.families import Distribution

Array = NDArray[np.float64]
# What a sample must be able to see, where the law's own error does not hide more.
MEAN_RESOLUTION = 0.1  # standard deviations
VARIANCE_RESOLUTION = 0.1  # relative
KS_RESOLUTION = 0.05
HOPELESS = 0.5  # a law allowed a larger relative error of the variance makes no claim that a sample could confirm
ROUNDING = 3e-6  # relative, of single precision: draws so near the value of a law without spread are that value
GRID = 4001  # points at which a distribution function is computed for a large sample


@dataclass(frozen=True)
class Check:
    """One moment, or the distribution function: how far off, what the law is allowed, the error of the sample at the level."""

    distance: float
    allowed: float
    noise: float
    resolution: float

    @property
    def differs(self) -> bool:
        """Whether neither chance nor the law's own error explains the distance."""
        return self.distance > self.allowed + self.noise

    @property
    def resolved(self) -> bool:
        """Whether the sample would have seen a difference worth the name."""
        return self.noise <= max(self.allowed, self.resolution)

    def replicas_needed(self, replicas: int) -> float:
        """Return how many replicas would resolve it: the noise falls like one over their square root."""
        if self.resolved:
            return replicas
        return replicas * (self.noise / max(self.allowed, self.resolution)) ** 2


@dataclass(frozen=True)
class Goodness:
    """The checks of a law at one place, with the z-scores of mean and variance and the p-value of the KS distance."""

    mean: Check
    variance: Check
    shape: Check
    mean_z: float
    variance_z: float
    ks_p: float
    gaussian_ks: float
    replicas: int  # finite draws

    @property
    def _made(self) -> list[Check]:
        """The checks that could be made."""
        every = (self.mean, self.variance, self.shape)
        return [check for check in every if not np.isnan([check.distance, check.allowed, check.noise]).any()]

    @property
    def verdict(self) -> str:
        """Return differ, unresolved or agree."""
        if any(check.differs for check in self._made):
            return "differ"
        if not self._made or self.variance.allowed > HOPELESS or not all(check.resolved for check in self._made):
            return "unresolved"
        return "agree"

    @property
    def replicas_needed(self) -> float:
        """How many finite draws would resolve it; NaN where it is resolved, or none would."""
        needed = max((check.replicas_needed(self.replicas) for check in self._made), default=self.replicas)
        hopeless = not self._made or self.variance.allowed > HOPELESS
        return float("nan") if self.verdict != "unresolved" or hopeless else float(np.ceil(needed))


def goodness(draws: Array, law: Distribution, rival: Distribution, allowed: Sequence[float], level: float) -> Goodness:
    """Test draws against a law, each of the three tests at this level; `rival` is the infinite-width law.

    `allowed` is what the law itself may be off: in the mean, in variance/law - 1, in the KS distance.
    """
    if law.variance == 0.0:
        draws, law, rival = _from_its_value(draws, law, rival)
    found: dict[str, float] = dict(zip(STATISTICS, statistics(draws), strict=True))
    finite = draws[np.isfinite(draws)]
    critical = float(-ndtri(0.5 * level))
    mean, mean_z = _mean(found, law, rival, allowed[0], critical)
    variance, variance_z = _variance(found, law, allowed[1], critical)
    ks, gaussian_ks = (ks_distance(finite, one) for one in (law, rival))
    root = np.sqrt(max(finite.size, 1))
    scale = root + 0.12 + 0.11 / root  # Stephens 1970
    shape = Check(ks, allowed[2], float(kolmogi(level)) / scale, KS_RESOLUTION)
    return Goodness(mean, variance, shape, mean_z, variance_z, float(kolmogorov(ks * scale)), gaussian_ks, finite.size)


def _from_its_value(draws: Array, law: Distribution, rival: Distribution) -> tuple[Array, Distribution, Distribution]:
    """Move the one value of a law without spread to 0, and the draws that are this value but for rounding."""
    moved = draws - law.mean
    moved[np.abs(moved) <= ROUNDING * max(1.0, abs(law.mean))] = 0.0
    return moved, replace(law, mean=0.0), replace(rival, mean=rival.mean - law.mean)


def _mean(
    found: dict[str, float], own: Distribution, rival: Distribution, allowed: float, critical: float
) -> tuple[Check, float]:
    """Return the check of the mean, and its z-score. A shift of an active share is resolved where the effect would be."""
    difference = found["mean"] - own.mean
    effect = abs(own.mean - rival.mean) if own.family == "moments" else 0.0
    resolution = effect or MEAN_RESOLUTION * float(np.sqrt(max(own.variance, found["variance"])))
    return Check(abs(difference), allowed, critical * found["mean_se"], resolution), _z(difference, found["mean_se"])


def _variance(found: dict[str, float], own: Distribution, allowed: float, critical: float) -> tuple[Check, float]:
    """Return the check of the variance relative to the law's, and its z-score."""
    difference = found["variance"] - own.variance
    z = _z(difference, found["variance_se"])
    if own.variance == 0.0:  # a point mass differs from any spread
        return Check(np.inf if difference > 0.0 else 0.0, allowed, 0.0, VARIANCE_RESOLUTION), z
    noise = critical * found["variance_se"] / own.variance
    return Check(abs(difference) / own.variance, allowed, noise, VARIANCE_RESOLUTION), z


def _z(difference: float, error: float) -> float:
    if difference == 0.0:
        return 0.0
    return difference / error if error > 0.0 else float(np.copysign(np.inf, difference))


def ks_distance(draws: Array, law: Distribution) -> float:
    """Return the largest distance between the distribution function of finite draws and a law's; NaN for moments only."""
    if law.family == "moments" or not draws.size:
        return float("nan")
    ordered = np.sort(draws)
    if law.variance == 0.0:  # a step: the distance is on one side of it
        below, at = (np.searchsorted(ordered, law.mean, side) / ordered.size for side in ("left", "right"))
        return float(max(below, 1.0 - at))
    cumulative = _cumulative(law, ordered)
    steps = np.arange(1, ordered.size + 1) / ordered.size
    return float(max((steps - cumulative).max(), (cumulative - steps).max() + 1.0 / ordered.size))


def _cumulative(law: Distribution, ordered: Array) -> Array:
    """Return the distribution function at ordered draws: for many of them, interpolated between quantiles of the draws."""
    if law.family == "normal" or ordered.size <= GRID:
        return law.cdf(ordered)
    places = np.unique(np.round(np.linspace(0, ordered.size - 1, GRID)).astype(np.int64))
    return np.interp(ordered, ordered[places], law.cdf(ordered[places]))
