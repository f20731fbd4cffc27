"""The figures of --plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reslim.cli import vary
from reslim.cli.cells import last, names
from reslim.cli.phrases import Refusal

if TYPE_CHECKING:
    import xarray as xr

    from reslim.experiments.sweep.axes import Axis


def comparison(drawn: xr.Dataset, laws: xr.Dataset, agreement: xr.Dataset) -> Any:
    """Return a figure with one panel a quantity, at the layer where its signal arrives."""
    from matplotlib.figure import Figure

    from reslim.plot import density

    quantities = [name for name in names(agreement) if name != "overlap"]  # its picture is another one
    if not quantities:
        raise Refusal("--plot needs a quantity other than overlap.")
    columns = min(3, len(quantities))
    rows = -(-len(quantities) // columns)
    figure = Figure(figsize=(4.5 * columns, 3.5 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, quantities, strict=False):
        density(drawn, laws, quantity=name, layer=last(name, agreement), ax=panel)
    for panel in panels[len(quantities) :]:
        panel.set_axis_off()
    return figure


def check_sweep(plot: str | None, mark: str | None, axes: Sequence[Axis]) -> dict[str, float]:
    """Return the point of --mark; refuse a sweep of which there is no picture, before it runs."""
    if plot is None:
        if mark is not None:
            raise Refusal("--mark is a point in the picture of --plot, which is missing.")
        return {}
    if len(axes) > 2:
        raise Refusal(f"--plot draws one or two varied fields, got {', '.join(axis.field for axis in axes)}.")
    for axis in axes:
        if axis.coordinate.dtype.kind not in "if":
            raise Refusal(f"--plot needs fields that are numbers, got {axis.field}.")
    point = vary.mark(mark)
    fields = sorted(axis.field for axis in axes)
    if point and sorted(point) != fields:
        raise Refusal(f"--mark must give each varied field ({', '.join(fields)}), got {mark!r}.")
    return point


def sweep(found: xr.Dataset, mark: dict[str, float]) -> Any:
    """Return the picture of the first quantity."""
    from matplotlib.figure import Figure

    from reslim import plot

    figure = Figure(figsize=(6.0, 4.4), layout="constrained")
    plot.sweep(found, mark=mark, ax=figure.subplots())
    return figure
