"""A quantity over the grid of a sweep: a map of two varied fields, or a line over one."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from reslim import checks, results
from reslim.errors import BadValue, Verbatim
from reslim.plot import labels, select, style
from reslim.quantities import QUANTITIES

CALL = "plot.sweep"
FIELDS = {
    "depth": "depth L",
    "width": "width n",
    "skip": "skip factor α",
    "branch": "branch factor λ",
    "beta": "β, branch factor $L^{-β}$",
    "variance": "variance v of the weights",
    "hurst": "H, Hurst index of the weights across depth",
    "n_in": "dimension of the input",
    "n_out": "dimension of the output",
}
# From dark to light, so that grey tells low from high too; the hue turns at the middle.
COLOURS = LinearSegmentedColormap.from_list("reslim", ["#08264a", "#2f6ca8", "#a3a8ab", "#f3b867", "#fff4d2"])
ZERO = {"color": "black", "linewidth": 1.4}
MARK = {"marker": "o", "markersize": 8.0, "markerfacecolor": "white", "markeredgecolor": "black", "linestyle": "none"}
MARK_LABEL = "my network"
Array = NDArray[np.float64]


def sweep(
    result: xr.Dataset, *, quantity: str | None = None, mark: Mapping[str, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the mean of a quantity over the grid of a sweep, logarithms to the base 10.

    Two varied fields give a map, the first one upwards, with the line where a logarithm is 0; its colours run over the range
    that lies on both sides of 0, and what is beyond has the colour of the end. One field gives a line with ±2 standard
    errors. A field with geometric values has a logarithmic axis.

    Parameters
    ----------
    result : the Dataset of `reslim.sweep`, with one or two varied fields that are numbers.
    quantity : which; the first by default. Of several layers the one where its signal arrives is drawn, of outputs the first
        coordinate.
    mark : a point, as ``{"beta": 0.5, "hurst": 0.7}``.
    ax : where to draw; a new pyplot figure by default.

    Raises
    ------
    ValueError, TypeError
        For more than two varied fields, or one that is no number, or a quantity that the sweep does not hold.

    Examples
    --------
    >>> import reslim
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from matplotlib.figure import Figure
    >>> with ThreadPoolExecutor(1) as here:
    ...     grid = reslim.sweep(reslim.ResNet(depth=5, width=20), {"skip": [0.5, 0.7]}, 100, executor=here)
    >>> sweep(grid, quantity="log_growth", ax=Figure().subplots()).get_xlabel()
    'skip factor α'
    """
    held = [str(name) for name in result if name in QUANTITIES]
    name = checks.one_of(CALL, "quantity", held[0] if quantity is None else quantity, held)
    values = _at_one_place(select.variable(CALL, result, name), name)
    fields = [str(dim) for dim in values.dims if dim != "statistic"]
    _check_fields(values, fields)
    values = values.sortby(fields) / (math.log(10.0) if _is_log(name) else 1.0)
    point = _point(mark or {}, fields)
    ax = style.axes(ax)
    label = _label(name, result[name])
    if len(fields) == 2:
        _draw_map(ax, values, fields, label, _is_log(name), point)
    else:
        _draw_line(ax, values, fields[0], label, _is_log(name), point)
    return ax


def _at_one_place(values: xr.DataArray, name: str) -> xr.DataArray:
    if "layer" in values.dims:
        own = results.own_layers(values)
        values = values.sel(layer=own[0] if QUANTITIES[name].backward else own[-1])
    return values.isel({dim: 0 for dim in ("input", "output_unit") if dim in values.dims})


def _check_fields(values: xr.DataArray, fields: list[str]) -> None:
    if not 1 <= len(fields) <= 2:
        raise BadValue(CALL, "result", "must have one or two varied fields", Verbatim(", ".join(fields) or "none"))
    for field in fields:
        if values[field].dtype.kind not in "if":
            raise BadValue(CALL, "result", "must have varied fields that are numbers", Verbatim(field))


def _point(mark: Mapping[str, float], fields: list[str]) -> list[float]:
    if mark and set(mark) != set(fields):
        raise BadValue(CALL, "mark", f"must give {' and '.join(fields)}", dict(mark))
    return [checks.real(CALL, "mark", mark[field]) for field in fields if mark]


def _is_log(name: str) -> bool:
    return QUANTITIES[name].symbol.startswith("ln")


def _label(name: str, variable: xr.DataArray) -> str:
    layers = results.own_layers(variable) if "layers" in variable.attrs else []
    layer = None if not layers else layers[0] if QUANTITIES[name].backward else layers[-1]
    text = labels.symbol(name, layer).replace("$z_{l}$", "$z_{L}$")
    return f"mean of {text.replace('ln', 'log₁₀', 1) if _is_log(name) else text}"


def _draw_map(ax: Axes, values: xr.DataArray, fields: list[str], label: str, is_log: bool, point: list[float]) -> None:
    up, right = (values[field].values.astype(np.float64) for field in fields)
    mean = np.ma.masked_invalid(values.sel(statistic="mean").transpose(*fields).values)
    low, high = _limits(mean) if is_log else (mean.min(), mean.max())
    edges = [_edges(places) for places in (right, up)]
    image = ax.pcolormesh(*edges, mean, cmap=COLOURS, vmin=low, vmax=high)
    beyond = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    bar = ax.figure.colorbar(image, ax=ax, extend=beyond[bool(mean.min() < low), bool(mean.max() > high)])
    bar.set_label(label)
    handles = []
    if is_log and min(mean.shape) > 1 and mean.min() < 0.0 < mean.max():
        ax.contour(right, up, mean, levels=[0.0], colors=ZERO["color"], linewidths=ZERO["linewidth"])
        handles.append(Line2D([], [], label="mean 0", **ZERO))
        bar.ax.axhline(0.0, **ZERO)
    if point:
        handles += ax.plot(point[1], point[0], label=MARK_LABEL, zorder=4, **MARK)
    ax.set(xlabel=FIELDS[fields[1]], ylabel=FIELDS[fields[0]])
    _scale(ax, right, up)
    if handles:
        ax.legend(handles=handles, framealpha=0.9)


def _limits(mean: np.ma.MaskedArray) -> tuple[float, float]:
    """Return limits of the colours that are symmetric about 0: the smaller of the two extremes, if they have two signs."""
    low, high = abs(float(mean.min())), abs(float(mean.max()))
    limit = (min(low, high) if mean.min() < 0.0 < mean.max() else max(low, high)) or 1.0
    return -limit, limit


def _draw_line(ax: Axes, values: xr.DataArray, field: str, label: str, is_log: bool, point: list[float]) -> None:
    places, look = values[field].values.astype(np.float64), style.look(0)
    mean = values.sel(statistic="mean").values
    error = 2.0 * values.sel(statistic="mean_se").values
    ax.fill_between(places, mean - error, mean + error, color=look.colour, alpha=0.3, linewidth=0.0)
    ax.plot(places, mean, label="simulated, ±2 standard errors", **(look.markers | {"linestyle": "-", "linewidth": 0.8}))
    _scale(ax, places)
    if is_log and np.nanmin(mean) < 0.0 < np.nanmax(mean):
        ax.axhline(0.0, zorder=1, **(ZERO | {"linewidth": 0.8}))
    if point:
        ax.plot(point[0], np.interp(point[0], places, mean), label=MARK_LABEL, zorder=4, **MARK)
    ax.set(xlabel=FIELDS[field], ylabel=label)
    style.legend(ax)


def _scale(ax: Axes, right: Array, up: Array | None = None) -> None:
    if _is_geometric(right):
        ax.set_xscale("log")
    if up is not None and _is_geometric(up):
        ax.set_yscale("log")


def _is_geometric(places: Array) -> bool:
    """Return whether the places are evenly spread in their logarithms rather than in themselves."""
    if places.size < 3 or places[0] <= 0.0 or places[-1] < 5.0 * places[0]:
        return False
    steps = np.diff(np.log(places))
    return bool(steps.max() < 1.5 * steps.min())


def _edges(places: Array) -> Array:
    """Return the borders between cells: half-way between neighbours, on the scale of the axis."""
    if _is_geometric(places):
        return np.exp(style.edges(np.log(places)))
    return style.edges(places)
