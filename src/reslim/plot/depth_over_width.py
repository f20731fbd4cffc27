"""A statistic of several networks against their ratio of depth to width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from reslim import checks, results
from reslim.errors import BadValue, Verbatim
from reslim.plot import labels, select, style
from reslim.plot.layers import STATISTICS, Statistic

CALL = "plot.depth_over_width"
Run = tuple[xr.Dataset, xr.Dataset]


def depth_over_width(
    runs: Iterable[Run],
    *,
    quantity: str = "log_growth",
    statistic: Statistic = "variance",
    input: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a statistic of a quantity, where its signal arrives, against depth over width.

    Networks that differ only in depth and width are one series: its laws a line, its draws markers with bars of ±2 standard
    errors. The series are told apart by the fields in which they differ (vanilla and Balanced, say). The band around a law
    is the error of its own that the prediction allows it at these widths.

    Parameters
    ----------
    runs : pairs (prediction, sample or summary), one a network.
    quantity : a name from `reslim.QUANTITIES`; `output` draws the first coordinate.
    statistic : "mean" or "variance".
    input : number of the input.
    ax : where to draw; a new pyplot figure by default.

    Raises
    ------
    ValueError, TypeError
        Where no pair is given, or one lacks the quantity.

    Examples
    --------
    >>> import reslim
    >>> from matplotlib.figure import Figure
    >>> nets = [reslim.ResNet(depth=depth, width=20) for depth in (5, 10)]
    >>> runs = [(reslim.predict(net), reslim.simulate(net, replicas=200, layers="last")) for net in nets]
    >>> depth_over_width(runs, ax=Figure().subplots()).get_xlabel()
    'depth / width'
    """
    checks.one_of(CALL, "statistic", statistic, STATISTICS)
    pairs = list(runs)
    if not pairs:
        raise BadValue(CALL, "runs", "must hold at least one pair (prediction, sample)", Verbatim("none"))
    ax = style.axes(ax)
    for number, (name, members) in enumerate(_series(pairs).items()):
        _draw_series(ax, members, quantity, statistic, input, name, style.look(number))
    ax.set(xlabel="depth / width", ylabel=labels.described(quantity, before=statistic))
    ax.set_xlim(left=0.0)
    style.legend(ax)
    return ax


def _series(pairs: list[Run]) -> dict[str, list[Run]]:
    """Group the networks that differ in depth and width alone, by their name in the legend."""
    fields = [_rest(sample) for _, sample in pairs]
    varying = [key for key in fields[0] if any(other[key] != fields[0][key] for other in fields)]
    series: dict[str, list[Run]] = {}
    for pair, values in zip(pairs, fields, strict=True):
        series.setdefault(_name(values, varying), []).append(pair)
    return series


def _rest(sample: xr.Dataset) -> dict[str, Any]:
    values = results.spec_of(sample).to_dict()
    return {key: value for key, value in values.items() if key not in ("depth", "width")}


def _name(values: dict[str, Any], varying: list[str]) -> str:
    words = {True: "Balanced", False: "vanilla"}
    return ", ".join(words[values[key]] if key == "balanced" else f"{key} {values[key]}" for key in varying)


def _draw_series(ax: Axes, members: list[Run], quantity: str, statistic: str, input: int, name: str, look: style.Look) -> None:
    points = sorted((_point(run, quantity, statistic, input) for run in members), key=lambda point: point[0])
    ratio, centre, error, law, gaussian, allowed = np.array(points).T
    if np.isfinite(gaussian).any():
        ax.plot(ratio, gaussian, label=style.GAUSSIAN_LABEL, **style.GAUSSIAN)
    if np.isfinite(law).any():
        banded = bool(np.isfinite(allowed).any())
        if banded:
            ax.fill_between(ratio, law - allowed, law + allowed, color=look.colour, alpha=0.2, linewidth=0.0)
        ax.plot(ratio, law, label=style.named("law, and its own error" if banded else "law", name), **look.law)
    label = style.named("simulated, ±2 standard errors", name)
    ax.errorbar(ratio, centre, yerr=2.0 * error, label=label, capsize=3, zorder=3, **look.markers)


def _point(run: Run, quantity: str, statistic: str, input: int) -> list[float]:
    """Return d/n, the statistic, its standard error, its law, the infinite-width prediction, and the law's own error."""
    prediction, sample = run
    net = results.spec_of(sample)
    values = select.statistics(CALL, sample, quantity)
    layer = select.layer(CALL, values, quantity, None, net.depth)
    found = select.number(select.one_input(CALL, values, input), layer)
    law = select.law(prediction, quantity)
    predicted = [np.nan, np.nan, np.nan]
    if law is not None:
        moments = select.number(law.sel(input=input, moment=statistic), layer)
        predicted = [moments.sel(law=name).item() for name in ("log-gaussian", "gaussian")]
        predicted.append(_allowed(prediction, quantity, statistic, input, layer, predicted[0]))
    return [net.depth / net.width, *(found.sel(statistic=key).item() for key in (statistic, f"{statistic}_se")), *predicted]


def _allowed(prediction: xr.Dataset, quantity: str, statistic: str, input: int, layer: int | None, law: float) -> float:
    """Return how far the law itself may be off in that statistic; NaN where the prediction does not say."""
    if f"{quantity}_allowed" not in prediction:
        return float("nan")
    allowed = select.number(prediction[f"{quantity}_allowed"].sel(input=input), layer)
    if statistic == "mean":
        return allowed.sel(error="mean").item()
    return law * allowed.sel(error="variance_ratio").item()
