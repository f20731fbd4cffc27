"""Figure 8 of Marion, Fermanian, Biau, Vert: a weight of every layer against depth, before and after training.

Matrices whose factor L^-β stands outside them, as the paper has it (upper row): Adam moves a weight by as much at every
depth L, and what it adds is a smooth function of depth, so smooth weights stay smooth and independent ones keep their
noise. Factors folded into the matrices (lower row): the same steps are L^β times larger against the weights, and
what training adds hides the noise. The paper's Adam moves matrices of deviation 1/√n by steps of 1e-3; of weights of unit
variance these are steps of √n 1e-3 (of the input matrix a little less than the paper's).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reslim import regularity
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.experiments.gallery.trained_nets import KINDS, RATES, WIDTH, Kind, Sizes, blocks, index_with_flow, sizes, train
from reslim.training.data import load
from reslim.training.fit import Trained

QUICK_IMAGES = 1000
APART = 0.5  # powers of the depth: those of a flow and of a diffusion
ROWS = {"forward": "factors outside", "init": "factors folded in"}
Measured = dict[int, list[Sizes]]  # by depth, one a seed


def draw(quick: bool, data: str) -> Drawn:
    """Draw the weight that training moved most, for both scalings and both initialisations."""
    depths, seeds, epochs = ((25, 50, 100), 2, 4) if quick else ((125, 250, 500, 1000), 3, 10)
    images = load(data, limit=QUICK_IMAGES if quick else None)
    figure, checks = Figure(figsize=(10, 6.6), layout="constrained"), []
    for row, (where, words) in zip(figure.subplots(2, len(KINDS), sharex=True), ROWS.items(), strict=True):
        measured: list[Measured] = [{} for _ in KINDS]
        for depth in depths:
            trained = train(depth, seeds, where, images, epochs)
            for found, group in zip(measured, trained, strict=True):
                found[depth] = [sizes(one) for one in group]
        for ax, kind, group, found in zip(row, KINDS, trained, measured, strict=True):
            _panel(ax, group[0], f"{kind.words};\n{words}")
            checks += _checks(kind, where, found, images.classes)
    for ax in figure.axes[-len(KINDS) :]:
        ax.set_xlabel(f"layer/L, L = {max(depths)}")
    for ax in figure.axes[:: len(KINDS)]:
        ax.set_ylabel("weight, unit variance at first")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    settings = {"data": images.name, "width": WIDTH, "depths": list(depths), "seeds": seeds, "epochs": epochs, "rates": RATES}
    return Drawn(figure, checks, settings)


def _panel(ax: Axes, one: Trained, title: str) -> None:
    """Draw the entry that changed most, by its mean square over the layers."""
    ax.set_title(title)
    pair = blocks(one)
    if pair is None:
        ax.text(0.5, 0.5, "diverged", ha="center", transform=ax.transAxes)
        return
    before, after = pair
    change = after - before
    i, j = np.unravel_index(np.square(change).mean(axis=0).argmax(), change.shape[1:])
    time = (np.arange(len(change)) + 0.5) / len(change)
    ax.plot(time, after[:, i, j], color="#0b3c6f", linewidth=1.2, label="after training")
    ax.plot(time, before[:, i, j], color="#b9b9b9", linewidth=0.8, label="before")
    ax.plot(time, change[:, i, j], color="black", linestyle=(0, (4, 3)), linewidth=1.4, label="change")


def _checks(kind: Kind, where: str, found: Measured, classes: int) -> list[Check]:
    """Hold the deepest networks, and the powers of the depth, against what is expected of them."""
    deepest, depth = found[max(found)], max(found)
    told, chance = f"{kind.words}, {ROWS[where]}", 3.0 / classes

    def last(what: str, expected: float, tolerance: float, name: str) -> Check:
        return _held(f"{told}: {what}", expected, tolerance, [getattr(each, name) for each in deepest])

    shares = {("forward", 1.0): (1.0, 0.01), ("forward", 0.5): (0.95, 0.05)}
    checks = [
        last("accuracy, three times chance or more", 0.5 * (1.0 + chance), 0.5 * (1.0 - chance), "accuracy"),
        last("index after", float(np.mean([each.expected_after for each in deepest])), 0.02, "index_after"),
        last("smooth share of the change", *shares.get((where, kind.beta), (0.9, 0.1)), "share"),
    ]
    needed, given = kind.beta - 1.0, kind.beta if where == "init" else 0.0  # by the function, if all layers help; by Adam
    middle, half = 0.5 * (needed + given), 0.5 * (given - needed)
    checks.append(_power(f"{told}: size of the change", middle, half + 0.05, found, "size"))
    if where == "init":
        return checks
    rough = 0.0 if kind.coupling.is_independent else -1.0
    return [
        last("index before", index_with_flow(kind.coupling, depth, 0.0), 0.01, "index_before"),
        *checks,
        _power(f"{told}: largest norm before", 0.0, 0.05, found, "max_before"),
        _power(f"{told}: largest norm after", 0.0, 0.05, found, "max_after"),
        _power(f"{told}: increments before", rough, 0.02, found, "increments_before"),
        _power(f"{told}: increments after", rough, 0.02, found, "increments_after"),
        _power(f"{told}: increments of the change", -kind.beta, 0.1, found, "increments_change"),
    ]


def _power(what: str, expected: float, tolerance: float, found: Measured, name: str) -> Check:
    """Hold the power of the depth, fitted for every seed."""
    series = np.array([[getattr(each, name) for each in group] for group in found.values()])
    if not np.isfinite(series).all():
        return Check(f"{what}, power of L", expected, tolerance, float("nan"))
    slopes = [regularity.depth_exponent(list(found), values).slope for values in series.T]
    return _held(f"{what}, power of L", expected, tolerance, slopes, resolution=APART)


def _held(what: str, expected: float, tolerance: float, values: Sequence[float], resolution: float | None = None) -> Check:
    """Hold the mean over seeds, with the error of their spread."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return Check(what, expected, tolerance, float(np.mean(values)), error, resolution)
