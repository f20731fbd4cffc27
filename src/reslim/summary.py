"""Statistics of draws over the networks, each with its standard error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reslim import results
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.quantities import QUANTITIES

Array = NDArray[np.float64]
LEVELS = ("0.05", "0.25", "0.5", "0.75", "0.95")
STATISTICS = ("mean", "mean_se", "variance", "variance_se", "finite", *LEVELS)


def summarize(sample: xr.Dataset, *, covariance: bool = False) -> xr.Dataset:
    """Summarise draws: mean and variance with standard errors, quantiles, and the share of networks that is finite.

    Statistics are over the finite draws of each place. The error of the variance is that of the fourth moment,
    √((m₄ - s⁴)/N), which no normality is assumed for.

    Parameters
    ----------
    sample : draws of `simulate`.
    covariance : whether to add ``active_*_covariance``: over networks, between layers, dims (input, layer, layer_2).

    Returns
    -------
    xarray.Dataset
        Each quantity with the dim statistic in place of replica; ``attrs`` as those of the draws.

    Raises
    ------
    TypeError, ValueError
        For anything but draws.

    Examples
    --------
    >>> import reslim
    >>> draws = reslim.simulate(reslim.ResNet(depth=5, width=20), replicas=100, seed=1)
    >>> summary = summarize(draws)
    >>> bool(summary.log_growth.sel(statistic="mean", layer=0).item() == 0.0)
    True
    """
    if not isinstance(sample, xr.Dataset):
        raise BadKind("summarize", "sample", "must be a Dataset of simulate", type(sample))
    if "replica" not in sample.dims:
        raise BadValue("summarize", "sample", "must be draws, with a dimension replica", Verbatim(f"{tuple(sample.dims)}"))
    draws = {name: sample[name].transpose("replica", ...) for name in QUANTITIES if name in sample}
    columns = {name: _columns(values.values) for name, values in draws.items()}
    pairs = {name: _between_layers(draws[name]) for name in draws if covariance and QUANTITIES[name].has_covariance}
    return labelled(sample, columns, pairs)


def labelled(sample: xr.Dataset, columns: Mapping[str, Array], covariances: Mapping[str, Array]) -> xr.Dataset:
    """Make the summary of a sample, whose draws are not looked at, from statistics (statistic, …) and covariances."""
    summary = xr.Dataset(attrs=sample.attrs).assign_coords(statistic=list(STATISTICS))
    for name, values in columns.items():
        dims = ("statistic", *(dim for dim in sample[name].dims if dim != "replica"))
        summary[name] = xr.DataArray(values, dims=dims, attrs=sample[name].attrs)
        if name in covariances:
            about = {"long_name": f"covariance of {name} between layers", "units": "1", "layers": sample[name].attrs["layers"]}
            summary[f"{name}_covariance"] = xr.DataArray(covariances[name], dims=("input", "layer", "layer_2"), attrs=about)
    coords = {name: values for name, values in sample.coords.items() if name != "replica"}
    layers = sample["layer"].values.tolist() if "layer" in sample.coords else []
    return results.with_coordinates(summary.assign_coords(coords), layers)


def _columns(draws: Array) -> Array:
    """Return the statistics of draws (replicas, …), shape (statistics, …)."""
    columns = draws.reshape(len(draws), -1)
    return np.array([statistics(column) for column in columns.T]).T.reshape(len(STATISTICS), *draws.shape[1:])


def statistics(draws: Array) -> list[float]:
    """Return the statistics of one column of draws, in the order of `STATISTICS`."""
    finite = draws[np.isfinite(draws)]
    share = finite.size / draws.size
    if finite.size < 2:
        mean = float(finite[0]) if finite.size else np.nan
        return [mean, np.nan, np.nan, np.nan, share, *[mean] * len(LEVELS)]
    mean = float(finite.mean())
    centred = finite - mean
    scale = float(np.abs(centred).max()) or 1.0  # an output can be so large that its fourth power is not a number
    squares = (centred / scale) ** 2
    relative = float(squares.sum() / (finite.size - 1))
    error = np.sqrt(max(float(np.mean(squares**2)) - relative**2, 0.0) / finite.size)
    with np.errstate(over="ignore"):
        variance, error = np.float64(relative) * scale * scale, error * scale * scale
    quantiles = np.quantile(finite, [float(level) for level in LEVELS])
    return [mean, np.sqrt(variance / finite.size), variance, error, share, *quantiles]


def _between_layers(draws: xr.DataArray) -> Array:
    """Return the covariance over networks between the variable's own layers; NaN at the others."""
    own = results.own_layers(draws)
    values = draws.transpose("input", "replica", "layer").values
    places = np.flatnonzero(np.isin(draws["layer"].values, own))
    found = np.full((len(values), values.shape[2], values.shape[2]), np.nan)
    for covariance, sample in zip(found, values[:, :, places], strict=True):
        complete = sample[np.isfinite(sample).all(axis=1)]
        if len(complete) > 1:
            covariance[places[:, None], places] = np.atleast_2d(np.cov(complete, rowvar=False))
    return found
