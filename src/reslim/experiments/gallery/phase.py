"""Figure 7 of Marion, Fermanian, Biau, Vert: the mean logarithm of the displacement over regularity H and scaling β."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reslim.coupling import Fractional
from reslim.experiments.gallery.marion import DEEPEST, GRADIENT, LABELS, OUTPUT, SEED, WIDTH, arrived, net
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.plot.sweep import COLOURS
from reslim.simulation.simulate import simulate_together

Array = NDArray[np.float64]
# where the mean logarithm is 0: (H, output, gradient), to ±0.02
CROSSINGS = ((0.45, 0.455, 0.48), (0.5, 0.476, 0.475), (0.6, 0.54, 0.48), (0.69, 0.59, 0.52), (0.8, 0.70, 0.60),
             (0.9, 0.805, 0.735), (0.97, 0.905, 0.875))  # fmt: skip
TOLERANCE = 0.02
RANGE = 4.0  # of log₁₀ r in the colours


def diagram(quick: bool) -> Drawn:
    """Draw the mean log₁₀ of both displacements over (H, β), with the line where it is 0."""
    hursts = np.array([0.1, 0.3, 0.45, 0.5, 0.6, 0.69, 0.8, 0.9, 0.97]) if quick else np.linspace(0.05, 0.97, 51)
    betas, replicas = np.linspace(0.0, 1.3, 27 if quick else 70), 6 if quick else 50
    logs = np.stack([_row(hurst, betas, replicas) for hurst in hursts], axis=1) / math.log(10.0)
    lines = np.array([[_crossing(betas, draws.mean(axis=1)) for draws in each] for each in logs])
    errors = np.array([[_error(betas, draws) for draws in each] for each in logs])
    checks = []
    for place, (hurst, *expected) in enumerate(CROSSINGS):
        for index, what in enumerate(("output", "gradient")):
            found, error = (float(np.interp(hurst, hursts, values[index])) for values in (lines, errors))
            at_most = "≤ " if place == 0 else ""
            checks.append(Check(f"β of mean log r = 0, {what}, H {at_most}{hurst:g}", expected[index], TOLERANCE, found, error))
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for ax, name, values, line in zip(panels, LABELS, logs.mean(axis=3), lines, strict=True):
        mesh = _panel(ax, hursts, betas, values, line, f"log₁₀ {LABELS[name]}")
    figure.colorbar(mesh, ax=panels, label="mean of log₁₀", extend="both")
    settings = {"width": WIDTH, "depth": DEEPEST, "seed": SEED}
    return Drawn(figure, checks, settings | {"hursts": hursts.tolist(), "betas": betas.tolist(), "replicas": replicas})


def _row(hurst: float, betas: Array, replicas: int) -> Array:
    """Return the draws (output or gradient, β, replica) at one regularity: one set of weights for the whole axis."""
    nets = [net(DEEPEST, float(beta), Fractional(float(hurst))) for beta in betas]
    drawn = simulate_together(nets, replicas, SEED, quantities=list(LABELS), progress=True)
    return np.array([[arrived(sample, name) for sample in drawn] for name in (OUTPUT, GRADIENT)])


def _crossing(betas: Array, logs: Array) -> float:
    """Return the β at which a falling curve crosses 0 for the last time, NaN where it does not."""
    above = np.flatnonzero(logs > 0.0)
    if not above.size or above[-1] == len(betas) - 1:
        return math.nan
    first = above[-1]
    return float(betas[first] + (betas[first + 1] - betas[first]) * logs[first] / (logs[first] - logs[first + 1]))


def _error(betas: Array, draws: Array) -> float:
    """Return the standard error of the crossing: networks share their weights along β, so each has its own."""
    own = np.array([_crossing(betas, draw) for draw in draws.T])
    return float(np.nanstd(own, ddof=1) / math.sqrt(np.count_nonzero(np.isfinite(own))))


def _panel(ax: Axes, hursts: Array, betas: Array, values: Array, line: Array, title: str):
    shown = np.clip(values.T, -RANGE, RANGE)
    mesh = ax.pcolormesh(hursts, betas, shown, cmap=COLOURS, vmin=-RANGE, vmax=RANGE, shading="nearest", rasterized=True)
    ax.plot(hursts, line, color="black", linewidth=1.6, label="mean log r = 0")
    ax.set(xlabel="Hurst index H", ylabel="β", title=f"{title}, L = {DEEPEST}, width {WIDTH}")
    ax.legend(loc="upper left")
    return mesh
