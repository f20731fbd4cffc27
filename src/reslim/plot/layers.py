"""A statistic of a quantity against the layer."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reslim import checks, results
from reslim.plot import labels, select, style

CALL = "plot.layers"
STATISTICS = ("mean", "variance")
Statistic = Literal["mean", "variance"]


def layers(
    sample: xr.Dataset,
    prediction: xr.Dataset | None = None,
    *,
    quantity: str,
    statistic: Statistic = "mean",
    input: int = 0,
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean or variance of a quantity against the layer, with its law and the infinite-width prediction.

    The band is ±2 standard errors of the simulated statistic (for the variance from the fourth moment). A second call with
    the same `ax` draws a second network in another style; `label` then says which is which.

    Parameters
    ----------
    sample : draws of `simulate`, or their summary.
    prediction : laws of `predict`, for the same network.
    quantity : a name from `reslim.QUANTITIES` that has layers (`overlap` has a picture of its own).
    statistic : "mean" or "variance".
    input : number of the input.
    label : name of the network in the legend.
    ax : where to draw; a new pyplot figure by default.

    Raises
    ------
    ValueError, TypeError
        For a quantity without layers, or that the sample does not hold.

    Examples
    --------
    >>> import reslim
    >>> from matplotlib.figure import Figure
    >>> draws = reslim.simulate(reslim.ResNet(depth=5, width=20), replicas=200)
    >>> layers(draws, quantity="active_fraction", ax=Figure().subplots()).get_xlabel()
    'layer'
    """
    checks.one_of(CALL, "statistic", statistic, STATISTICS)
    values = select.one_input(CALL, select.layered(CALL, select.statistics(CALL, sample, quantity), quantity), input)
    ax = style.axes(ax)
    look = style.look(len(ax.collections))
    own = results.own_layers(values)
    _draw_law(ax, prediction, quantity, statistic, input, label, look)
    centre = values.sel(statistic=statistic, layer=own).values
    error = 2.0 * values.sel(statistic=f"{statistic}_se", layer=own).values
    ax.fill_between(own, centre - error, centre + error, color=look.colour, alpha=0.3, linewidth=0.0)
    ax.plot(own, centre, label=style.named("simulated, ±2 standard errors", label), zorder=3, **look.markers)
    ax.set(xlabel="layer", ylabel=labels.described(quantity, before=statistic))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.legend_above(ax)
    return ax


def _draw_law(
    ax: Axes,
    prediction: xr.Dataset | None,
    quantity: str,
    statistic: str,
    input: int,
    label: str,
    look: style.Look,
) -> None:
    values = select.law(prediction, quantity)
    if values is None:
        return
    own = results.own_layers(values)
    moments = values.sel(moment=statistic, input=input, layer=own)
    ax.plot(own, moments.sel(law="gaussian"), label=style.GAUSSIAN_LABEL, **style.GAUSSIAN)
    law = moments.sel(law="log-gaussian").values
    if np.isfinite(law).any():
        ax.plot(own, law, label=style.named("law", label), **look.law)
