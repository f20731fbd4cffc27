"""Figure 9 of Marion, Fermanian, Biau, Vert: accuracy after training over regularity H and scaling β, and what foretells it.

The networks are those of the paper: one ReLU matrix a block, width 30, the best of six learning rates. Beside it stands the
mean of log₁₀ |h_L - h_0|/|h_0| of the same networks at initialisation. Where a network explodes, no learning rate helps.
Where it is the identity it still learns: its first and last matrices are trained too, and make a linear classifier, so
that the accuracy there is held against that of scikit-learn's logistic regression on the same images, and not against chance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from reslim.coupling import Fractional
from reslim.experiments.gallery.marion import OUTPUT, SEED, arrived
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.experiments.training import images_of, train_grid
from reslim.plot.sweep import COLOURS
from reslim.simulation.simulate import simulate_together
from reslim.spec import DepthPower, ResNet
from reslim.training.data import Dataset

Array = NDArray[np.float64]
WIDTH = 30
RANGE = 4.0  # of log₁₀ r in the colours
NEAR, STILL, FAR = 0.5, -1.0, 6.0  # mean log₁₀ r about the critical line, of the identity, and of explosion
LEFT, RIGHT = {"vmin": -RANGE, "vmax": RANGE}, {"vmin": 0.0, "vmax": 1.0}  # of the colours
QUICK_IMAGES = 600


def draw(quick: bool, data: str) -> Drawn:
    """Draw both maps, with the line of mean log r = 0 at initialisation on each."""
    depth, count, rates = (60, 4, np.geomspace(1e-3, 1e-1, 3)) if quick else (1000, 10, np.geomspace(1e-4, 1.0, 6))
    betas = hursts = np.linspace(0.1, 0.9, count)
    limit, epochs, replicas = (QUICK_IMAGES, 4, 10) if quick else (None, 10, 50)
    images = images_of(data, limit)
    net = ResNet(depth=depth, width=WIDTH, skip=1.0, variance=1.0, n_in=images.n_in, n_out=images.classes)
    vary = {"beta": betas.tolist(), "hurst": hursts.tolist(), "lr": rates.tolist()}
    best = _best(train_grid(net, vary, data, epochs=epochs, limit=limit, jobs=1 if quick else None), images.chance)
    logs = np.array([_at_first(net, betas, hurst, replicas) for hurst in hursts]).T / math.log(10.0)
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    shown: list[tuple[Any, Array, str, dict[str, float]]] = [
        (
            left,
            np.clip(logs, -RANGE, RANGE),
            "at initialisation: mean of log₁₀ |h_L − h_0|/|h_0|",
            {"vmin": -RANGE, "vmax": RANGE},
        ),
        (right, best, f"after training on {images.name}: accuracy, best of {len(rates)} rates", RIGHT),
    ]
    for ax, values, title, limits in shown:
        mesh = ax.pcolormesh(hursts, betas, values, cmap=COLOURS, shading="nearest", rasterized=True, **limits)
        ax.contour(hursts, betas, logs, levels=[0.0], colors="black", linewidths=1.6)
        ax.plot([], [], color="black", linewidth=1.6, label="mean log r = 0 at initialisation")
        ax.set(xlabel="Hurst index H", title=title)
        figure.colorbar(mesh, ax=ax, extend="both" if ax is left else "neither")
    left.set_ylabel("β")
    left.legend(loc="upper left")
    settings = {"data": images.name, "width": WIDTH, "depth": depth, "epochs": epochs, "rates": rates.tolist(), "seed": SEED}
    settings |= {"betas": betas.tolist(), "accuracy": np.round(best, 4).tolist(), "log10_r": np.round(logs, 3).tolist()}
    return Drawn(figure, _checks(logs, best, images.chance, _linear_accuracy(images)), settings)


def _best(trained: xr.Dataset, chance: float) -> Array:
    """Return the best accuracy over the learning rates (β, H); chance where all networks diverged."""
    accuracy = trained.accuracy.sel(statistic="mean").fillna(chance)
    return accuracy.max("lr").transpose("beta", "hurst").values


def _at_first(net: ResNet, betas: Array, hurst: float, replicas: int) -> Array:
    """Return the mean ln |h_L - h_0|/|h_0| for each β: one set of weights for the whole axis."""
    nets = [net.replace(branch=DepthPower(float(beta)), coupling=Fractional(float(hurst))) for beta in betas]
    drawn = simulate_together(nets, replicas, SEED, quantities=[OUTPUT])
    return np.array([arrived(sample, OUTPUT).mean() for sample in drawn])


def _linear_accuracy(images: Dataset) -> float:
    """Return the accuracy of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(max_iter=1000).fit(images.x_train, images.y_train)
    return float(regression.score(images.x_test, images.y_test))


def _checks(logs: Array, best: Array, chance: float, linear: float) -> list[Check]:
    """Hold the accuracies in three regions, and the rank correlation of accuracy and explosion, against what is expected."""
    regions = [
        (f"accuracy where mean log₁₀ r is within ±{NEAR:g}", np.abs(logs) < NEAR, 0.9, 0.1),
        (f"accuracy where mean log₁₀ r < {STILL:g}: a linear classifier's", logs < STILL, linear, 0.03),
        (f"accuracy where mean log₁₀ r > {FAR:g}: chance", logs > FAR, chance, 0.1),
    ]
    checks = []
    for what, where, expected, tolerance in regions:
        found = best[where]
        error = float(found.std(ddof=1) / math.sqrt(found.size)) if found.size > 1 else 0.0
        checks.append(Check(what, expected, tolerance, float(found.mean()), error, resolution=0.5))
    rank, error = _rank_correlation(np.maximum(logs, 0.0).ravel(), best.ravel())
    checks.append(Check("rank correlation of accuracy and explosion, max(mean log r, 0)", -0.8, 0.2, rank, error, resolution=1.0))
    return checks


def _rank_correlation(x: Array, y: Array) -> tuple[float, float]:
    """Return Spearman's rank correlation and its standard error (Bonett and Wright 2000)."""
    rank = float(stats.spearmanr(x, y).statistic)  # type: ignore[attr-defined]
    return rank, (1.0 - rank**2) * math.sqrt((1.0 + 0.5 * rank**2) / (len(x) - 3))
