"""The distribution of a quantity over networks, beside its laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from reslim import results
from reslim.errors import NotCovered
from reslim.plot import labels, select, style
from reslim.plot.histogram import Histogram, histogram
from reslim.theory.families import distribution

CALL = "plot.density"
POINTS = 600


def density(
    sample: xr.Dataset,
    prediction: xr.Dataset | None = None,
    *,
    quantity: str,
    layer: int | None = None,
    input: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the histogram of a quantity over networks, its log-Gaussian law, and the infinite-width prediction.

    Error bars are ±2 binomial standard errors of a bin. The far tails lie outside the histogram but count in its
    normalisation, as do draws that are not finite; the legend says how many, where it is more than 0.2 %. A law that is a
    point mass is a vertical line; one of which only mean and variance are known is a vertical line with a bar of one
    standard deviation to each side.

    Parameters
    ----------
    sample : draws of `simulate`.
    prediction : laws of `predict`, for the same network.
    quantity : a name from `reslim.QUANTITIES`; `output` draws the first coordinate.
    layer : the layer; by default the one where the signal arrives.
    input : number of the input.
    ax : where to draw; a new pyplot figure by default.

    Raises
    ------
    ValueError, TypeError
        For a quantity, layer or input that the sample does not hold.
    NotImplementedError
        For `overlap`, which has a picture of its own.

    Examples
    --------
    >>> import reslim
    >>> from matplotlib.figure import Figure
    >>> draws = reslim.simulate(reslim.ResNet(depth=5, width=20), replicas=200, layers="last")
    >>> ax = density(draws, quantity="log_growth", ax=Figure().subplots())
    >>> ax.get_ylabel()
    'density over networks'
    """
    if quantity == "overlap":
        raise NotCovered(CALL, "quantity", "must not be overlap, which belongs to a pair of inputs", None, "Use plot.overlap.")
    values = select.draws(CALL, sample, quantity)
    net = results.spec_of(sample)
    chosen = select.layer(CALL, values, quantity, layer, net.depth)
    drawn = select.number(select.one_input(CALL, values, input), chosen).values
    ax = style.axes(ax)
    found = histogram(drawn, lattice=1.0 / net.width if quantity == "active_fraction" else 0.0)
    _draw_histogram(ax, found, drawn.size)
    if prediction is not None and quantity in prediction:
        _draw_laws(ax, found, prediction, quantity, chosen, input)
    which = " (the first)" if quantity == "output" else ""
    ax.set(xlabel=labels.described(quantity, chosen) + which, ylabel="density over networks")
    style.legend_above(ax)
    ax.set_ylim(bottom=0.0)
    return ax


def _draw_histogram(ax: Axes, found: Histogram, count: int) -> None:
    outside = 1.0 - found.inside
    lost = f", {100.0 * outside:.2g} % outside" if outside > 0.002 else ""
    ax.stairs(found.density, found.edges, fill=True, color="0.82", label=f"{count:,} networks, ±2 standard errors{lost}")
    ax.errorbar(found.centres, found.density, yerr=2.0 * found.error, fmt="none", ecolor="0.4", elinewidth=0.8)


def _draw_laws(ax: Axes, found: Histogram, prediction: xr.Dataset, quantity: str, layer: int | None, input: int) -> None:
    for law, look, label in (
        ("gaussian", style.GAUSSIAN, style.GAUSSIAN_LABEL),
        ("log-gaussian", style.LAW, style.LAW_LABEL),
    ):
        if _is_known(prediction[quantity], law, layer, input):
            shape = distribution(prediction, quantity, layer=layer, input=input, law=law)
            _draw_law(ax, found, shape, look, label)


def _is_known(values: xr.DataArray, law: str, layer: int | None, input: int) -> bool:
    where = {"law": law, "input": input} | ({} if layer is None else {"layer": layer})
    return bool(np.isfinite(values.sel(where)).all())


def _draw_law(ax: Axes, found: Histogram, shape: Any, look: dict[str, Any], label: str) -> None:
    if shape.variance == 0.0:
        ax.axvline(shape.mean, label=f"{label} (a point mass)", **look)
    elif shape.family == "moments":
        deviation = np.sqrt(shape.variance)
        ax.axvline(shape.mean, label=f"{label}: mean ± standard deviation", **look)
        ax.errorbar(shape.mean, 0.5 * found.density.max(), xerr=deviation, fmt="none", ecolor=look["color"], capsize=4)
    else:
        reach = 3.0 * np.sqrt(shape.variance)
        x = np.linspace(min(found.edges[0], shape.mean - reach), max(found.edges[-1], shape.mean + reach), POINTS)
        ax.plot(x, shape.pdf(x), label=label, **look)
