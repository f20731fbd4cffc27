"""The cosine between the states of two inputs, through the layers."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reslim import results
from reslim.errors import BadValue
from reslim.plot import labels, select, style

CALL = "plot.overlap"
BANDS = (("0.05", "0.95", "5 – 95 % of the networks", "0.86", ""), ("0.25", "0.75", "25 – 75 % of the networks", "0.68", "////"))


def overlap(
    sample: xr.Dataset,
    prediction: xr.Dataset | None = None,
    *,
    pair: tuple[int, int] = (0, 1),
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean cosine between two inputs' states against the layer, and its spread over networks.

    The infinite-width prediction is one curve for all networks; the bands are quantiles over networks, the bars on the mean
    ±2 standard errors.

    Parameters
    ----------
    sample : draws of `simulate` with several inputs, or their summary.
    prediction : laws of `predict`, for the same network and inputs.
    pair : numbers of the two inputs.
    ax : where to draw; a new pyplot figure by default.

    Raises
    ------
    ValueError, TypeError
        For a sample without `overlap`, or a pair that is not in it.

    Examples
    --------
    >>> import numpy as np, reslim
    >>> from matplotlib.figure import Figure
    >>> draws = reslim.simulate(reslim.ResNet(depth=5, width=20), replicas=200, inputs=np.eye(10)[:2])
    >>> overlap(draws, ax=Figure().subplots()).get_xlabel()
    'layer'
    """
    values = select.statistics(CALL, sample, "overlap")
    between = _of_pair(values, pair)
    ax = style.axes(ax)
    own = results.own_layers(values)
    between = between.sel(layer=own)
    for low, high, label, grey, hatch in BANDS:
        bounds = (between.sel(statistic=low), between.sel(statistic=high))
        ax.fill_between(own, *bounds, facecolor=grey, edgecolor="0.55", hatch=hatch, linewidth=0.0, label=label)
    _draw_prediction(ax, prediction, pair)
    error = 2.0 * between.sel(statistic="mean_se").values
    mean = between.sel(statistic="mean").values
    ax.errorbar(own, mean, yerr=error, label="mean, ±2 standard errors", zorder=3, **style.look(0).markers)
    ax.set(xlabel="layer", ylabel=labels.described("overlap"))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.legend(ax)
    return ax


def _of_pair(values: xr.DataArray, pair: tuple[int, int]) -> xr.DataArray:
    count = values.sizes["input"]
    numbers = tuple(pair)
    if len(numbers) != 2 or not all(number in range(count) for number in numbers):
        raise BadValue(CALL, "pair", f"must be two inputs of the sample, 0 to {count - 1}", pair)
    return values.sel(input=numbers[0], input_2=numbers[1])


def _draw_prediction(ax: Axes, prediction: xr.Dataset | None, pair: tuple[int, int]) -> None:
    law = select.law(prediction, "overlap")
    if law is None:
        return
    own = results.own_layers(law)
    means = law.sel(moment="mean", input=pair[0], input_2=pair[1], layer=own)
    ax.plot(own, means.sel(law="gaussian"), label=style.GAUSSIAN_LABEL, **style.GAUSSIAN)
    finite = means.sel(law="log-gaussian").values
    if np.isfinite(finite).any():
        ax.plot(own, finite, label=style.LAW_LABEL, **style.LAW)
