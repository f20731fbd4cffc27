"""The tables of regularity.md: ``python docs/derivations/regularity.py``. Takes minutes; every seed is fixed."""

from __future__ import annotations

import numpy as np

from reslim.coupling import Coupling, Fractional, Smooth
from reslim.regularity import drift_share, hurst
from reslim.regularity.drift import cosines
from reslim.regularity.index import default_lags, half_slope
from reslim.regularity.variations import FIRST, SECOND, mean_squares
from reslim.simulation.across_depth import sampler

HURSTS = (0.1, 0.3, 0.5, 0.7, 0.9)
METHODS = {"increments": FIRST, "variation": SECOND}


def draw(coupling: Coupling, depth: int, count: int, seed: int = 1) -> np.ndarray:
    """Return series of shape (depth, count)."""
    series = np.empty((depth, count))
    sampler(coupling, depth).draw(np.random.default_rng(seed), series)
    return series


def bias() -> None:
    """Over single series, and of the mean over many: what is fitted before and after the average."""
    print("## bias and standard deviation of the exponent of one series; exponent of 20 000 series together")
    for depth in (12, 100, 1000):
        for name, coefficients in METHODS.items():
            lags = default_lags(depth, len(coefficients) - 1)
            for index in HURSTS:
                squares = mean_squares(draw(Fractional(index), depth, 20_000), coefficients, lags)
                found = half_slope(lags) @ np.log(squares)
                together = half_slope(lags) @ np.log(squares.mean(axis=1))
                print(f"{depth:5} {name:10} {index} {found.mean() - index:+.4f} {found.std():.4f} {together:.4f}", flush=True)


def coverage(entries: int, repeats: int, depth: int, dependent: bool = False) -> None:
    """How often two errors hold the truth."""
    for name in METHODS:
        for index in HURSTS:
            series = draw(Fractional(index), depth, entries * repeats, seed=2).reshape(depth, repeats, entries)
            if dependent:  # one series in all entries
                scales = np.random.default_rng(3).standard_normal(entries)
                series = series[:, :, :1] * scales
            found = [hurst(series[:, k], method=name) for k in range(repeats)]  # pyright: ignore[reportArgumentType]
            off = np.array([one.exponent - index for one in found])
            errors = np.array([one.dependent_error if dependent else one.error for one in found])
            plain = np.array([one.error for one in found])
            print(
                f"{depth:5} {entries:4} {name:10} {index} covered {np.mean(np.abs(off) < 2.0 * errors):.3f} "
                f"mean error/deviation {errors.mean() / off.std():.3f}"
                + (f" by error alone {np.mean(np.abs(off) < 2.0 * plain):.3f}" if dependent else ""),
                flush=True,
            )


def smooth() -> None:
    """Of weights that are functions of depth."""
    print("## smooth weights: exponent of 2000 series together")
    for coupling in (Smooth(0.1), Smooth(0.1, "increments"), Smooth(0.3)):
        for depth in (12, 100, 1000, 4000):
            found = [hurst(draw(coupling, depth, 2000), method=name).exponent for name in ("increments", "variation")]
            print(coupling, depth, *(f"{one:.4f}" for one in found), flush=True)


def shares() -> None:
    """Of noise of every kind, and of a straight line."""
    print("## drift_share of 2000 series: measured, expected from the covariance, (modes/depth)^(2-2H)")
    for depth in (100, 1000):
        rows = cosines(5, depth)
        for coupling in (*map(Fractional, HURSTS), Smooth(0.1), Smooth(0.3)):
            found = drift_share(np.zeros((depth, 2000)), draw(coupling, depth, 2000))
            lags = np.abs(np.subtract.outer(np.arange(depth), np.arange(depth)))
            expected = np.sum((rows @ coupling.autocovariance(depth, depth)[lags]) * rows) / depth
            power = (5 / depth) ** (2 - 2 * coupling.hurst) if isinstance(coupling, Fractional) else np.nan
            print(f"{depth} {coupling} {found.share:.4f} ± {found.error:.4f} {expected:.4f} {power:.4f}")
    for depth in (100, 1000, 10_000):
        line = ((np.arange(depth) + 0.5) / depth)[:, None]
        print("line", depth, 1.0 - drift_share(0 * line, line).share)


if __name__ == "__main__":
    bias()
    print("## coverage of two errors: one series, ten, thirty, a thousand")
    for entries, repeats in ((1, 2000), (10, 1000), (30, 1000), (1000, 300)):
        for depth in (100, 1000) if entries < 1000 else (100,):
            coverage(entries, repeats, depth)
    print("## coverage of two errors: a hundred entries of rank one")
    coverage(100, 1000, 100, dependent=True)
    smooth()
    shares()
