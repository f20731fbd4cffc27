"""How cost grows with width, depth and the number of networks: exponents, fitted where a call's fixed cost is small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import harness, ours
from benchmarks.harness import Call
from reslim import ResNet

ABOVE_FIXED = 5.0  # times a call's fixed cost: points below are drawn, not fitted
FEWEST = 3  # points of a fit
TOLERANCE = 0.15
ENOUGH = 0.05  # seconds of one round of a short call


@dataclass(frozen=True)
class Growth:
    """Seconds of one call over a size, the fitted exponent, which points it was fitted to, and a call's fixed cost."""

    axis: str
    symbol: str
    others: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    fitted: tuple[bool, ...]
    fixed_s: float
    exponent: float | None
    linear: bool | None


def fit_exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return p of seconds ≈ c sizes^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def grow(axis: str, symbol: str, others: str, sizes: Sequence[int], seconds: Sequence[float], fixed: float) -> Growth:
    """Fit the points that stand clear of the fixed cost, which is taken off; None with fewer than three."""
    chosen = [value >= ABOVE_FIXED * fixed for value in seconds]
    points = [(size, value - fixed) for size, value, keep in zip(sizes, seconds, chosen, strict=True) if keep]
    exponent = fit_exponent(*zip(*points, strict=True)) if len(points) >= FEWEST else None
    linear = None if exponent is None else abs(exponent - 1.0) <= TOLERANCE
    return Growth(axis, symbol, others, tuple(sizes), tuple(seconds), tuple(chosen), fixed, exponent, linear)


def time_calls(calls: Sequence[Call], rounds: int) -> list[float]:
    """Return the seconds of each call: the least of the rounds through all of them."""
    each = [max(1, round(ENOUGH / harness.time_a_call(call, ENOUGH / 5))) for call in calls]
    table = [[harness.seconds(call, count)[0] / count for call, count in zip(calls, each, strict=True)] for _ in range(rounds)]
    return [float(value) for value in np.min(table, axis=0)]


def forward(depth: int, width: int, replicas: int) -> Call:
    """Return our forward pass on one thread."""
    return ours.sampled(ResNet(depth=depth, width=width), replicas, method="matrix-free", threads=1, **ours.LAST)


def sweeps(quick: bool) -> list[tuple[str, str, str, tuple[int, ...], Callable[[int], Call]]]:
    """Return the axes: name, symbol, what is held, the sizes, and the call at a size."""
    widths = tuple(4**k for k in range(2, 7))  # 16 … 4096
    depths = tuple(round(10 ** (k / 2)) for k in range(2, 11))  # 10 … 10⁵
    counts = (*(4**k for k in range(2, 10)), 1_000_000)  # 16 … 10⁶
    if quick:
        widths, depths, counts = widths[:4], depths[:7], counts[:7]
    return [
        ("width", "n", "d = 32, 8192 networks", widths, lambda n: forward(32, n, 8_192)),
        ("depth", "d", "n = 16, 1024 networks", depths, lambda d: forward(d, 16, 1_024)),
        ("networks", "R", "n = 64, d = 32", counts, lambda r: forward(32, 64, r)),
    ]


def measure(quick: bool, say: Callable[[str], None]) -> list[Growth]:
    """Return the growth along each axis; the fixed cost is that of the smallest call, timed in the same rounds."""
    rounds = 3 if quick else 5
    found = []
    for axis, symbol, others, sizes, make in sweeps(quick):
        say(f"growth with {axis}, {sizes[0]} to {sizes[-1]}")
        fixed, *seconds = time_calls([forward(1, 1, 1), *(make(size) for size in sizes)], rounds)
        found.append(grow(axis, symbol, others, sizes, seconds, fixed))
    return found


def as_json(found: Sequence[Growth]) -> list[dict[str, object]]:
    """Return the growths as plain data."""
    return [asdict(one) for one in found]


def draw(found: Sequence[Growth], path: Path) -> None:
    """Draw seconds over size, one panel an axis; hollow points are near the fixed cost and were not fitted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 3.6), layout="constrained")
    for ax, one in zip(np.atleast_1d(figure.subplots(1, len(found), sharey=True)), found, strict=True):
        sizes, seconds, keep = np.array(one.sizes), np.array(one.seconds), np.array(one.fitted)
        ax.axhline(one.fixed_s, color="#777777", linestyle=":", linewidth=1.4, label="fixed cost of a call")
        ax.plot(sizes[keep], seconds[keep], "o", color="#0b3c6f", markersize=6, label="measured, fitted")
        ax.plot(sizes[~keep], seconds[~keep], "o", color="#0b3c6f", markerfacecolor="white", markersize=6, label="not fitted")
        if one.exponent is not None:
            scale = np.exp(np.mean(np.log(seconds[keep] - one.fixed_s) - one.exponent * np.log(sizes[keep])))
            along = np.geomspace(sizes[0], sizes[-1], 100)
            ax.plot(
                along,
                one.fixed_s + scale * along**one.exponent,
                "-",
                color="#b8550f",
                linewidth=1.5,
                zorder=1,
                label=f"exponent {one.exponent:.2f}",
            )
        ax.set(xscale="log", yscale="log", xlabel=f"{one.axis} {one.symbol}  ({one.others})")
        ax.legend(fontsize=8, frameon=False, loc="upper left")
    figure.axes[0].set_ylabel("time of one call, one thread (s)")
    figure.savefig(path, dpi=150)
