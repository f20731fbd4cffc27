"""The correlation between layers, as an image."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from reslim import checks, results
from reslim.errors import BadValue, Verbatim
from reslim.plot import labels, select, style
from reslim.quantities import QUANTITIES
from reslim.summary import summarize
from reslim.theory.families import LAWS

CALL = "plot.interlayer"
HATCH = "//////"
Array = NDArray[np.float64]


def interlayer(
    result: xr.Dataset,
    *,
    quantity: str = "active_energy",
    law: str = "log-gaussian",
    input: int = 0,
    scale: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the correlation, over networks, of a quantity between two layers.

    The diagonal, 1 by definition, is hatched. The scale runs from 0 (white, also for the negative correlations of a finite
    sample) to 1, or from -1 to 1 where a skip factor is negative: the same for a network's draws and its law.

    Parameters
    ----------
    result : draws, or a summary or a prediction with the covariance (``covariance=True``).
    quantity : `active_energy` or `active_fraction`.
    law : which law of a prediction.
    input : number of the input of a sample or summary.
    scale : correlations at the ends of the colour bar.
    ax : where to draw; a new pyplot figure by default.

    Raises
    ------
    ValueError, TypeError
        For a quantity without a covariance, or a result that lacks it.

    Examples
    --------
    >>> import reslim
    >>> from matplotlib.figure import Figure
    >>> draws = reslim.simulate(reslim.ResNet(depth=5, width=20), replicas=200)
    >>> interlayer(draws, ax=Figure().subplots()).get_ylabel()
    'layer'
    """
    checks.one_of(CALL, "quantity", quantity, [name for name, entry in QUANTITIES.items() if entry.has_covariance])
    checks.one_of(CALL, "law", law, LAWS)
    covariance = _covariance(result, quantity, law, input)
    if scale is None:
        scale = (-1.0 if (results.spec_of(result).skips < 0.0).any() else 0.0, 1.0)
    ax = style.axes(ax)
    _draw(ax, _correlation(covariance), results.own_layers(covariance), scale, labels.symbol(quantity))
    return ax


def _covariance(result: xr.Dataset, quantity: str, law: str, input: int) -> xr.DataArray:
    """Return the covariance between the layers, dims (layer, layer_2)."""
    name = f"{quantity}_covariance"
    if name not in result and quantity in result and "replica" in result[quantity].dims:
        result = summarize(result[[quantity]], covariance=True)
    if name not in result:
        got = Verbatim(f"no {name}")
        raise BadValue(CALL, "result", "must hold the covariance between layers", got, "Pass covariance=True when it is made.")
    found = result[name].assign_attrs(layers=results.own_layers(result[quantity]))
    if "law" in found.dims:
        found = found.sel(law=law)
    if "input" in found.dims:
        found = select.one_input(CALL, found, input)
    own = results.own_layers(found)
    return found.sel(layer=own, layer_2=own)


def _correlation(covariance: xr.DataArray) -> Array:
    """Return the correlations, NaN on the diagonal and where a layer does not vary."""
    matrix = covariance.transpose("layer", "layer_2").values
    deviation = np.sqrt(np.diagonal(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = matrix / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, np.nan)
    return correlation


def _draw(ax: Axes, correlation: Array, layers: list[int], scale: tuple[float, float], symbol: str) -> None:
    edges = style.edges(layers)
    ax.patch.set(facecolor="white", edgecolor="0.6", hatch=HATCH)  # what the cells do not cover: the diagonal
    shown = np.ma.masked_invalid(correlation)
    image = ax.pcolormesh(edges, edges, shown, cmap="Greys", vmin=scale[0], vmax=scale[1])
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.85)
    bar.set_label(f"correlation of {symbol}\nbetween two layers")
    ax.set(xlabel="layer", ylabel="layer", xlim=edges[[0, -1]], ylim=edges[[-1, 0]], aspect="equal")
    diagonal = Patch(facecolor="white", edgecolor="0.6", hatch=HATCH, label="1 by definition")
    ax.legend(handles=[diagonal], loc="lower left")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
