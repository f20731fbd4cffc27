"""The figures of Li, Nica, Roy: width 100, one ReLU matrix a block, α = λ = √½."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from reslim import plot
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.simulation.simulate import simulate
from reslim.spec import ResNet
from reslim.summary import summarize
from reslim.theory.predict import predict

WIDTH, SEED = 100, 1


def _replicas(quick: bool) -> int:
    return 5_000 if quick else 200_000


def _nets(depth: int) -> dict[str, ResNet]:
    return {
        "vanilla": ResNet.li_nica_roy(depth=depth, width=WIDTH),
        "Balanced": ResNet.li_nica_roy(depth=depth, width=WIDTH, balanced=True),
    }


def _against_law(what: str, law: xr.Dataset, found: xr.Dataset, name: str, where: dict[str, Any]) -> list[Check]:
    """Hold mean and variance against the law, within the error that the law states of itself."""
    values = law[name].sel(law="log-gaussian").isel(input=0).sel(where)
    allowed = law[f"{name}_allowed"].isel(input=0).sel(where)
    seen = found[name].isel(input=0).sel(where)
    checks = []
    for moment, error in (("mean", "mean"), ("variance", "variance_ratio")):
        expected, own = float(values.sel(moment=moment)), float(allowed.sel(error=error))
        tolerance = own if moment == "mean" else own * expected
        numbers = (float(seen.sel(statistic=key)) for key in (moment, f"{moment}_se"))
        checks.append(Check(f"{what}: {moment} of {name}", expected, tolerance, *numbers))
    return checks


def output(quick: bool) -> Drawn:
    """Draw the densities of the output's norm and of a coordinate, with the log-Gaussian and the infinite-width laws."""
    names, replicas = ["log_output_norm", "output"], _replicas(quick)
    figure, checks = Figure(figsize=(10, 7.2), layout="constrained"), []
    for row, (kind, net) in zip(figure.subplots(2, 2), _nets(WIDTH).items(), strict=True):
        law, sample = predict(net, quantities=names), simulate(net, replicas, SEED, quantities=names)
        for ax, name in zip(row, names, strict=True):
            plot.density(sample, law, quantity=name, ax=ax)
            ax.set_title(f"{kind}, depth {net.depth}, width {net.width}")
        checks += _against_law(kind, law, summarize(sample), names[0], {})
        usual = float(law[names[0]].sel(law="gaussian", moment="variance").isel(input=0))
        spread = float(sample[names[0]].var())
        checks.append(Check(f"{kind}: share of the variance that infinite width explains", 0.1, 0.1, usual / spread))
    return Drawn(figure, checks, {"width": WIDTH, "depth": WIDTH, "replicas": replicas, "seed": SEED})


def hypoactivation(quick: bool) -> Drawn:
    """Draw the mean shares of active units and of active energy against the layer."""
    names, replicas = ["active_fraction", "active_energy"], _replicas(quick)
    figure, checks = Figure(figsize=(10, 4.2), layout="constrained"), []
    panels = figure.subplots(1, 2)
    for kind, net in _nets(WIDTH).items():
        law = predict(net, quantities=names)
        found = simulate(net, replicas, SEED, quantities=names, draws=False)
        for ax, name in zip(panels, names, strict=True):
            plot.layers(found, law, quantity=name, label=kind, ax=ax)
            ax.set_title(f"width {WIDTH}")
            checks += _against_law(kind, law, found, name, {"layer": 50})[:1]
    return Drawn(figure, checks, {"width": WIDTH, "depth": WIDTH, "replicas": replicas, "seed": SEED})


def interlayer(quick: bool) -> Drawn:
    """Draw the correlations between the active energies of two layers."""
    name, depth, replicas = "active_energy", 30, _replicas(quick)
    figure, checks = Figure(figsize=(9.2, 7.6), layout="constrained"), []
    for row, (kind, net) in zip(figure.subplots(2, 2), _nets(depth).items(), strict=True):
        law = predict(net, quantities=[name], covariance=True)
        found = simulate(net, replicas, SEED, quantities=[name], draws=False, covariance=True)
        for ax, result, title in zip(row, (found, law), ("simulated", "law"), strict=True):
            plot.interlayer(result, ax=ax)
            ax.set_title(f"{kind}, depth {depth}, width {WIDTH}: {title}")
        seen = _correlation(found[f"{name}_covariance"].sel(input=0).values)
        expected = _correlation(law[f"{name}_covariance"].sel(law="log-gaussian").values)
        for lag in (1, 2, 5):
            near = float(np.mean(np.diagonal(expected, lag)))
            found_at, error = float(np.diagonal(seen, lag).mean()), float((1.0 - near**2) / np.sqrt(replicas))
            tolerance = 6.0 / WIDTH * abs(near) + 0.002
            checks.append(Check(f"{kind}: correlation at lag {lag}", near, tolerance, found_at, error, resolution=0.1))
    return Drawn(figure, checks, {"width": WIDTH, "depth": depth, "replicas": replicas, "seed": SEED})


def _correlation(covariance: np.ndarray) -> np.ndarray:
    own = np.isfinite(np.diag(covariance))
    kept = covariance[np.ix_(own, own)]
    return kept / np.sqrt(np.outer(np.diag(kept), np.diag(kept)))


def depth_to_width(quick: bool) -> Drawn:
    """Draw the variance of ln|z_d|² against d/n: vanilla, Balanced, two matrices."""
    name, replicas = "log_growth", _replicas(quick)
    depths = (10, 25, 50, 100) if quick else (10, 25, 50, 75, 100, 150, 200)
    runs, checks = [], []
    for block in ("one-matrix", "two-matrix"):
        for depth in depths:
            for kind, net in _nets(depth).items():
                net = net.replace(block=block)
                if block == "two-matrix" and net.balanced:
                    continue  # a fresh sign of a fresh unit is no other network
                law = predict(net, quantities=[name], layers="last")
                found = simulate(net, replicas, SEED, quantities=[name], layers="last", draws=False)
                runs.append((law, found))
                what = f"{'two matrices' if block == 'two-matrix' else kind}, d/n = {depth / WIDTH:g}"
                checks += _against_law(what, law, found, name, {"layer": depth})[1:]
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    plot.depth_over_width(runs, quantity=name, ax=figure.subplots()).set_title(f"width {WIDTH}")
    return Drawn(figure, checks, {"width": WIDTH, "depths": list(depths), "replicas": replicas, "seed": SEED})
